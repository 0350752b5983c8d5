/*
 * engine.h -- the server without sockets: catalog, command log, running queries, data.
 *
 * One Engine is one server.  It opens the broker and the runtime, replays the command log, and
 * executes statements.  server/api.h puts the REST API on top; the tools that run SQL without a
 * server use both.
 *
 * A statement that changes anything goes this way (engine_execute):
 *   1. planner_plan() against the present catalog; refused: nothing happened;
 *   2. outside things are made: topic created, `latest` resolved to offsets;
 *   3. the record is written to the command topic, with the statement and all resolved facts;
 *   4. the catalog change is published, queries start, stop, pause or are replaced at a barrier;
 *   5. topics of a DROP ... DELETE TOPIC and files of ended queries go;
 *   6. the caller is answered.
 * Replay at start does 4 only, for records in order, and starts what is left at the end.
 *
 * Thread: engine_execute() is serialised by a lock of the engine and may block on the broker: it
 * runs on the statement thread (threaded mode) or the caller's (inline).  Reading the catalog,
 * planning, INSERT VALUES, pull and push need no lock and run on any thread.
 */
#ifndef SERVER_ENGINE_H
#define SERVER_ENGINE_H

#include "common/clock.h"
#include "exec/broker.h"
#include "exec/query.h"
#include "exec/runtime.h"
#include "parser/parser.h"
#include "planner/planner.h"
#include "server/properties.h"

typedef struct Engine Engine;

typedef struct EngineOpts {
    const Properties *props; /* server properties; outlive the engine */
    const Clock      *clock;
    const char       *data_dir;    /* NULL: everything in memory */
    Str               url;         /* where this server is reached; STR_NULL: nowhere */
    bool              is_inline;   /* no threads: engine_step() does all work */
    bool              is_one_task; /* every stage is one task, all data in partition 0 */
    /* Kafka: opening waits for a cluster that is away, unless it is cancelled; NULL: not for long.
     * Outlives the engine. */
    BrokerWatch *watch;
} EngineOpts;

/*
 * Opens the broker that the properties name (embedded unless bootstrap.servers is set), replays
 * the command log and resumes the queries.  ERR_IO, ERR_BROKER, ERR_STATE: said by name; where
 * is_retriable says that waiting helps, opening again goes on from what is there.
 */
ErrCode engine_open(const EngineOpts *opts, Engine **out, Err *err) ERR_MUST_USE;
/* Finishes the running batch, commits, flushes, closes. */
void engine_close(Engine *engine);
/* The server is ending: whoever waits for the cluster gives up within ms.  Before everything that
 * engine_close() and those who still use the engine wait for.  NULL is fine. */
void engine_hurry(Engine *engine, int64_t ms);

/* Inline mode: runs until nothing is left to do or g_limits.inline_rounds is reached (ERR_LIMIT).
 */
ErrCode engine_until_idle(Engine *engine, Err *err) ERR_MUST_USE;
/* Inline mode: one round; false when idle. */
bool engine_step(Engine *engine);

/* --- statements ------------------------------------------------------------------------------- */

/* What stands around a statement: overrides of this request.  variables as in ParserOpts. */
typedef struct Session {
    Properties props; /* over the server's */
    Map        variables;
    Arena     *mem;
} Session;

void session_init(Session *session, Arena *mem, const Engine *engine);

/* The answer to a distributed statement: what currentStatus shows. */
typedef struct CommandResult {
    Str     command_id; /* stream/`X`/create */
    Str     message;
    Str     query_id;  /* STR_NULL: none */
    Str     warning;   /* not NULL: nothing was done (warning_entity) */
    Str     caution;   /* done, but this is to be known: STR_NULL: nothing */
    int64_t sequence;  /* offset in the command topic */
    bool    is_failed; /* in force, but its query could not start: message says why */
} CommandResult;

/*
 * Plans stmt against the present catalog.  On ERR_OK the caller ends *out by stmt_plan_deinit().
 * Everything of *out that is no catalog object lives in stmt_mem.
 */
ErrCode engine_plan(Engine *engine, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                    StmtPlan *out, Err *err) ERR_MUST_USE;

/*
 * A copy of the catalog in which the statements of one request are tried before the first of them
 * is executed.  sandbox_try() plans stmt there and applies it there; nothing else changes.
 */
typedef struct Sandbox Sandbox;
Sandbox               *sandbox_new(Engine *engine);
void                   sandbox_free(Sandbox *sandbox);
ErrCode sandbox_try(Sandbox *sandbox, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                    Err *err) ERR_MUST_USE;

/* Executes a statement of the distributed kind.  Strings of *out live in stmt_mem. */
ErrCode engine_execute(Engine *engine, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                       CommandResult *out, Err *err) ERR_MUST_USE;
/* CREATE, DROP, INSERT ... SELECT, TERMINATE and the like: those of the command log. */
bool engine_is_distributed(const AstStmt *stmt);

/*
 * Encodes and produces the rows of an INSERT VALUES plan; ack is called once, when all are durable
 * or one failed, on the broker's thread (inline: before return).
 */
ErrCode engine_insert(Engine *engine, const StmtPlan *plan, BrokerAck ack, void *arg,
                      Err *err) ERR_MUST_USE;

Catalog *engine_catalog(Engine *engine); /* a reference to the present snapshot: unref it */

/* --- queries ---------------------------------------------------------------------------------- */

/* A running push query, or pull query on a stream. */
typedef struct EnginePush EnginePush;

/*
 * Starts it; rows arrive in engine_push_queue() until that ends.  wake as in PushOpts.  Takes
 * stmt_mem, which must hold the plan, and frees it at the end.  ERR_TOO_MANY_PUSH.
 */
ErrCode    engine_push_open(Engine *engine, Session *session, const StmtPlan *plan, Str query_id,
                            Arena *stmt_mem, void (*wake)(void *arg), void *arg, EnginePush **out,
                            Err *err) ERR_MUST_USE;
PushQueue *engine_push_queue(EnginePush *push);
Str        engine_push_id(const EnginePush *push);
/* Ends the query, waits for its tasks.  Not on a thread of the runtime. */
void engine_push_close(EnginePush *push);
/* Ends the queue of the push query of that id (TERMINATE, /close-query): its subscriber sees the
 * end and closes it.  False when there is none. */
bool engine_push_terminate(Engine *engine, Str query_id);

typedef struct PushInfo {
    Str  id, sql;
    bool is_pull;
} PushInfo;
/* Those that run now, for SHOW QUERIES. */
void engine_push_list(Engine *engine, Arena *mem, PushInfo **out, size_t *len);
/* A fresh id: transient_ORDERS_4711. */
Str engine_transient_id(Engine *engine, Arena *mem, const Session *session, const Plan *plan);

/* --- parts, for the API ----------------------------------------------------------------------- */

Broker           *engine_broker(Engine *engine);
Runtime          *engine_runtime(Engine *engine);
const Properties *engine_properties(const Engine *engine);
/* "host:port", as clients see this server among the hosts that run a query. */
Str          engine_host(const Engine *engine);
const Clock *engine_clock(const Engine *engine);
Str          engine_service_id(const Engine *engine);
bool         engine_is_inline(const Engine *engine);
/* Topics that SHOW TOPICS hides and nobody may write: Weir's and ksqlDB's internal ones. */
bool engine_topic_is_internal(const Engine *engine, Str topic);

typedef struct CommandStatus {
    Str id, status, message, query_id;
} CommandStatus;
/* Status of a command by id; ERR_NOT_FOUND.  Keeps the last 10 000 commands. */
ErrCode engine_command_status(Engine *engine, Str command_id, Arena *mem, CommandStatus *out,
                              Err *err) ERR_MUST_USE;
/* All of them, oldest first. */
void engine_command_statuses(Engine *engine, Arena *mem, CommandStatus **out, size_t *len);
/* Blocks until the command log has been applied past sequence; ERR_CANCELLED on time-out. */
ErrCode engine_wait_sequence(Engine *engine, int64_t sequence, int64_t timeout_ms,
                             Err *err) ERR_MUST_USE;

#endif
