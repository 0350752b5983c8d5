/*
 * api_internal.h -- a call and what its endpoints share; for api*.c only.
 *
 * A call has up to three owners: the caller of api_open(), a job that works for it, and nobody
 * else; the last one to let go frees it.  Frames that jobs make wait in a list under the call's
 * lock; a subscription makes its frames in api_next() itself, out of its queue.
 */
#ifndef SERVER_API_INTERNAL_H
#define SERVER_API_INTERNAL_H

#include <pthread.h>

#include "common/json_writer.h"
#include "server/api.h"
#include "server/jobs.h"
#include "server/pull_cache.h"

enum { STARTING_WHY_BYTES = 1024 };

struct Api {
    Engine         *engine;                           /* NULL until is_ready */
    bool            is_ready;                         /* atomic */
    char            starting_why[STARTING_WHY_BYTES]; /* under lock */
    Jobs           *statements;                       /* one thread, in order */
    Jobs           *pulls;                            /* scans, and whatever else may wait */
    PullCache      *pull_cache;    /* Thread: who calls api_open() for short requests: http */
    bool            is_shut;       /* atomic */
    bool            is_terminated; /* atomic: /ksql/terminate has dropped everything */
    int             calls_len;     /* atomic: open calls */
    ApiCall        *calls;         /* list of the open ones, under lock */
    pthread_mutex_t lock;
};

typedef struct ApiOut {
    struct ApiOut *next;
    ApiFrame       frame; /* bytes point into buf */
    Buf            buf;
} ApiOut;

typedef struct ApiStream ApiStream; /* api_stream.c: a running push query or pull on a stream */
typedef struct ApiPrint  ApiPrint;  /* api_print.c: a running PRINT */

/* Under lock or while nobody else can: hands a stream or print to the call; false when the client
 * is gone and the giver must end it. */
bool call_attach(ApiCall *call, ApiStream *stream, ApiPrint *print);

typedef struct ApiQuery ApiQuery; /* api_query.c: a planned query */

/* How rows are written; ref: writers of /query and /query-stream. */
typedef enum RowStyle {
    ROWS_V1,        /* [ {"header":...},\n {"row":...},\n ... ] */
    ROWS_DELIMITED, /* one JSON document a line */
    ROWS_ARRAY,     /* one array: metadata object, then row arrays */
    ROWS_WEBSOCKET  /* schema frame, then {"row":...} frames */
} RowStyle;

struct ApiCall {
    Api       *api;
    Arena     *mem;
    ApiRequest request; /* a copy in mem */
    ApiWake    wake;    /* under lock; wake NULL once closed */
    int        refs;    /* atomic */

    pthread_mutex_t lock;
    ApiOut         *first, *last; /* frames that wait */
    bool            has_ended;    /* no frame comes after those */
    ApiOut         *taken;        /* what the last api_next() gave */

    ApiStream *stream;    /* under lock; set by the job that opened it */
    ApiPrint  *print;     /* as stream */
    ApiQuery  *query;     /* planned, and waiting for a job to answer it */
    bool       is_closed; /* under lock: the client is gone */
    ApiCall   *next_open, **prev_open;
};

/* --- frames ----------------------------------------------------------------------------------- */

/* Takes buf's bytes.  status 0: a later frame. */
void call_frame(ApiCall *call, int status, const char *content_type, Buf *buf);
/* The whole response in one frame; ends the call. */
void call_respond(ApiCall *call, int status, const char *content_type, Buf *buf);
/* The last frame of all. */
void call_last(ApiCall *call, const ApiFrame *frame, Buf *buf);
void call_end(ApiCall *call);
void call_wake(ApiCall *call);

/* HTTP status and error_code of an error, by the table of the REST API. */
int error_status(const Err *err);
int error_code_of(const Err *err);
/* {"@type":..,"error_code":..,"message":..} and statementText, entities when sql is not NULL. */
void error_body(Buf *out, const Err *err, Str sql, Str entities);
void call_fail(ApiCall *call, const Err *err, Str sql);
/* A generic error with a status of its own. */
void call_refuse(ApiCall *call, int status, int error_code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* 503, and when to come again. */
void call_refuse_later(ApiCall *call, int error_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs work(call) on jobs; refuses the call when the queue is full. */
void call_submit(ApiCall *call, Jobs *jobs, void (*work)(ApiCall *call));
void call_ref(ApiCall *call);
void call_unref(ApiCall *call);

Str request_header(const ApiRequest *request, const char *name);
/* Without the %XX of a URL; those that are malformed stay as they are. */
Str request_unescape(Arena *mem, Str s, bool plus_is_space);
/* "a=1&b=2": the decoded value, STR_NULL when absent. */
Str request_param(const ApiRequest *request, const char *name, Arena *mem);

extern const char content_json[];      /* application/json */
extern const char content_v1[];        /* application/vnd.ksql.v1+json */
extern const char content_delimited[]; /* application/vnd.ksqlapi.delimited.v1 */

/* --- a request's SQL -------------------------------------------------------------------------- */

/* Body of /ksql, /query, /query-stream and the websocket. */
typedef struct SqlRequest {
    Str     sql;
    Session session;
    int64_t sequence; /* commandSequenceNumber; -1: do not wait */
} SqlRequest;

/* is_stream: the field names of /query-stream.  ERR_REQUEST on a malformed body. */
ErrCode sql_request(ApiCall *call, Str body, bool is_stream, SqlRequest *out,
                    Err *err) ERR_MUST_USE;

/* SET, UNSET, DEFINE, UNDEFINE; warning is set for an unknown variable. */
ErrCode session_statement(Session *session, const AstStmt *stmt, Str *warning,
                          Err *err) ERR_MUST_USE;
bool    is_session_statement(const AstStmt *stmt);

void api_query_free(ApiQuery *query); /* that nobody will answer; NULL is fine */

/* --- endpoints -------------------------------------------------------------------------------- */

void api_ksql(ApiCall *call);         /* POST /ksql */
void api_query(ApiCall *call);        /* POST /query, GET /ws/query */
void api_query_stream(ApiCall *call); /* POST /query-stream */
void api_close_query(ApiCall *call);  /* POST /close-query */
void api_terminate(ApiCall *call);    /* POST /ksql/terminate */
void api_info(ApiCall *call);         /* GET /info and the other small ones; false path: 404 */
bool api_info_has(const ApiRequest *request);
void api_answer_starting(ApiCall *call); /* anything, before the engine is there */

/* Executes one undistributed statement and writes its entity; api_show.c, api_describe.c ... */
typedef struct EntityCtx {
    ApiCall *call;
    Session *session;
    Arena   *mem;
    Catalog *catalog; /* present snapshot */

    const TopicInfo *topics; /* of the broker, sorted, once a warning has needed them */
    size_t           topics_len;
    bool             has_asked;
} EntityCtx;

/* "warnings" of an entity; their texts outlive it. */
enum { ENTITY_WARNINGS_MAX = 20 };
typedef struct EntityWarnings {
    Str    items[ENTITY_WARNINGS_MAX];
    size_t len, left_out;
} EntityWarnings;

void entity_warn(EntityWarnings *warnings, Str message);
/* When the broker is away or slow, or nothing can be committed. */
void entity_warn_broker(EntityCtx *ctx, EntityWarnings *warnings);
/* When the query has failed: why, and what to do. */
void entity_warn_query(EntityCtx *ctx, EntityWarnings *warnings, const CatalogQuery *query);
void entity_end_warned(JsonWriter *w, const EntityWarnings *warnings);

void    entity_begin(JsonWriter *w, const char *type, Str statement_text);
void    entity_end(JsonWriter *w); /* "warnings":[]} */
ErrCode entity_show(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err) ERR_MUST_USE;
ErrCode entity_describe(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err) ERR_MUST_USE;
ErrCode entity_explain(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err) ERR_MUST_USE;
ErrCode entity_assert(EntityCtx *ctx, const AstStmt *stmt, JsonWriter *w, Err *err) ERR_MUST_USE;
/* Parts that several of them write. */
void entity_fields(JsonWriter *w, const Schema *schema);
void entity_schema_info(JsonWriter *w, const Type *type);
void entity_running_query(EntityCtx *ctx, JsonWriter *w, const CatalogQuery *query);
Str  query_state_name(Engine *engine, const CatalogQuery *query);

/* --- rows ------------------------------------------------------------------------------------- */

typedef struct RowWriter {
    RowStyle      style;
    const Schema *schema;
    Str           query_id;
    bool          is_pull;
} RowWriter;

void row_begin(const RowWriter *writer, Buf *out);
void row_write(const RowWriter *writer, Buf *out, const Value *cols, bool is_tombstone);
/* message: "Limit Reached", "Query Completed"; NULL: none. */
void        row_finish(const RowWriter *writer, Buf *out, const char *message);
void        row_error(const RowWriter *writer, Buf *out, const Err *err);
const char *row_content_type(RowStyle style);

/* --- streams ---------------------------------------------------------------------------------- */

/*
 * Starts a push query or a pull on a stream for the call; takes plan and stmt_mem, which holds it.
 * Thread: any that may wait.
 */
void    stream_open(ApiCall *call, Session *session, StmtPlan *plan, Str sql, Arena *stmt_mem,
                    RowStyle style);
ApiNext stream_next(ApiCall *call, ApiFrame *out);
void    stream_close(ApiStream *stream);
/* PRINT: frames come from jobs on api->pulls. */
typedef struct ApiPrint ApiPrint;
void                    print_open(ApiCall *call, const AstStmt *stmt, RowStyle style);
/* The reader of the response wants more. */
void print_more(ApiCall *call);
void print_close(ApiPrint *print);

#endif
