/*
 * harness.h -- the whole engine on one thread and a fake clock, for tools and tests.
 *
 * weir-conformance and the statement tests run on it: statements go through the same planning,
 * command log and operators as in the server; records are written and read as JSON trees in the
 * formats of the source that stands on the topic.  The record cache is off and auto.offset.reset is
 * earliest unless the caller's properties say otherwise.  Every stage is one task and all data is
 * in partition 0, or (harness_open_spread) records lie where their keys put them, as in the server.
 *
 * With bootstrap.servers among its properties the engine runs as in the server: on threads, on the
 * system's clock, on that Kafka broker, which must be empty and is emptied again.  Idle is then
 * when all queries have settled what their sources hold.
 *
 * Thread: one.
 */
#ifndef SERVER_HARNESS_H
#define SERVER_HARNESS_H

#include "common/json.h"
#include "server/api.h"

typedef struct Harness Harness;

typedef struct HarnessProperty {
    Str name, value;
} HarnessProperty;

ErrCode harness_open(const HarnessProperty *props, size_t props_len, Harness **out,
                     Err *err) ERR_MUST_USE;
/* The same over all partitions of each topic, with a task for each. */
ErrCode harness_open_spread(const HarnessProperty *props, size_t props_len, Harness **out,
                            Err *err) ERR_MUST_USE;
void    harness_close(Harness *harness);
Engine *harness_engine(Harness *harness);
bool    harness_is_on_kafka(const Harness *harness);
/* The clock stands still until moved. */
void harness_set_time(Harness *harness, int64_t now_ms);

ErrCode harness_make_topic(Harness *harness, Str name, uint32_t partitions, int32_t replicas,
                           Err *err) ERR_MUST_USE;
/* Makes the topics that CREATE STREAM|TABLE statements of sql name and that do not exist, with
 * PARTITIONS or else 4 of them.  Statements that do not parse are left for execution to refuse. */
ErrCode harness_make_topics_of(Harness *harness, Str sql, Err *err) ERR_MUST_USE;

/*
 * Executes statements one by one in one session; SELECT is refused.  Stops at the first error;
 * *failed (may be NULL) is then its number, from 0.
 */
ErrCode harness_execute(Harness *harness, Str sql, size_t *failed, Err *err) ERR_MUST_USE;
ErrCode harness_until_idle(Harness *harness, Err *err) ERR_MUST_USE;

/* A record as a tree; NULL or JSON null is null. */
typedef struct HarnessRecord {
    Str         topic;
    uint32_t    partition; /* of what was read */
    const Json *key, *value;
    const Json *headers; /* [{"KEY":..,"VALUE":base64}] or NULL */
    int64_t     ts;
    bool        has_window;
    int64_t     window_start, window_end;
    bool        is_session;
} HarnessRecord;

ErrCode harness_produce(Harness *harness, const HarnessRecord *record, Err *err) ERR_MUST_USE;

/* What a topic holds: partition after partition, each in order.  Trees live in mem. */
typedef struct HarnessOutput {
    HarnessRecord *records;
    size_t         len;
    const Source  *source; /* whose formats were used; NULL: bytes as they are */
} HarnessOutput;

ErrCode harness_read(Harness *harness, Str topic, Arena *mem, HarnessOutput *out,
                     Err *err) ERR_MUST_USE;

/*
 * Whether found is what is expected of a value of type (NULL: not known): numbers numerically,
 * doubles within 1e-6, decimals with their scale, fields by name in any case, where null and absent
 * are the same.
 */
bool harness_same(const Json *found, const Json *expected, const Type *type);
/* The same for all columns of one side of a source's record. */
bool harness_same_side(const Json *found, const Json *expected, const Source *source, bool is_key);

/* Whether the schema of source is what text declares: `A INT KEY, B STRING`, in any spelling. */
bool harness_same_schema(const Source *source, Str text);

/* State of the persistent query that failed first, or false when all run well. */
bool harness_failed_query(Harness *harness, Str *id, Err *err);

/* Sends a request through the API and runs the engine until the answer is complete, or until
 * nothing more comes.  *body lives in mem. */
ErrCode harness_request(Harness *harness, const ApiRequest *request, Arena *mem, int *status,
                        Str *body, Err *err) ERR_MUST_USE;
/* The same in steps, for push queries that see inputs produced meanwhile. */
typedef struct HarnessCall HarnessCall;
HarnessCall               *harness_call_open(Harness *harness, const ApiRequest *request);
/* Takes what has come so far; true when the answer is complete. */
bool harness_call_take(HarnessCall *call, int *status, Buf *body);
void harness_call_close(HarnessCall *call);

#endif
