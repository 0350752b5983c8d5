/*
 * command_log.h -- the ordered record of every accepted statement.
 *
 * A record of the command topic (one partition, never cleaned) carries the statement as ast_print
 * writes it and every fact that was resolved when it was accepted, so that replay needs nothing
 * but the record:
 *
 *     key    stream/`ORDERS`/create
 *     value  {"weir":1,"statement":"...","number":3,"queryId":"CSAS_X_3","time":1700000000000,
 *             "properties":{"auto.offset.reset":"earliest"},
 *             "topics":{"orders":4},
 *             "scans":[{"topic":"orders","topicId":"9f03...","offsets":[0,12,7,9]}]}
 *
 * A record that Weir did not write is a named error that stops the start.
 *
 * Thread: any; plain data.
 */
#ifndef SERVER_COMMAND_LOG_H
#define SERVER_COMMAND_LOG_H

#include "common/buf.h"
#include "common/err.h"
#include "exec/chunk.h"

/* A topic that the statement reads, writes or names. */
typedef struct CommandTopic {
    Str      name;
    uint32_t partitions;
} CommandTopic;

/* Where a scan of the plan begins on each partition; in the order of Plan.scans. */
typedef struct CommandScan {
    Str            topic;
    Str            topic_id; /* the offsets count in this one; empty: not known */
    const int64_t *offsets;
    uint32_t       partitions;
} CommandScan;

typedef struct CommandProperty {
    Str name, value;
} CommandProperty;

typedef struct Command {
    Str                    id; /* the record's key */
    Str                    statement;
    Str                    query_id; /* STR_NULL: none */
    uint64_t               number;   /* <n> of query ids made by it */
    int64_t                time_ms;
    const CommandProperty *props; /* overrides in force when it was accepted */
    size_t                 props_len;
    const CommandTopic    *topics;
    size_t                 topics_len;
    const CommandScan     *scans;
    size_t                 scans_len;
} Command;

void command_encode(Buf *key, Buf *value, const Command *command);
/* Everything in *out lives in mem.  ERR_STATE: not a record of Weir's. */
ErrCode command_decode(Arena *mem, const Record *record, Command *out, Err *err) ERR_MUST_USE;

/* What the command recorded of a topic, or NULL. */
const CommandTopic *command_topic(const Command *command, Str name);

#endif
