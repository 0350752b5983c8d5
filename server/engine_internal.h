/*
 * engine_internal.h -- the Engine's own parts, shared by engine*.c and nobody else.
 */
#ifndef SERVER_ENGINE_INTERNAL_H
#define SERVER_ENGINE_INTERNAL_H

#include <pthread.h>

#include "common/vec.h"

#include "server/command_log.h"
#include "server/engine.h"

enum { COMMAND_STATUSES_MAX = 10000 };

typedef struct StatusEntry {
    CommandStatus status;
    Arena        *mem;
} StatusEntry;

struct Engine {
    const Properties *props;
    const Clock      *clock;
    bool              is_inline, is_one_task;
    Arena            *mem;      /* names below */
    Str               data_dir; /* STR_NULL: in memory */
    Str               host;
    Str               service_id;
    Str               command_topic;
    Str               log_topic;
    Broker           *broker;
    Runtime          *runtime;

    pthread_mutex_t exec_lock;   /* one distributed statement at a time */
    uint64_t        next_number; /* <n> of the next query id; written under exec_lock, atomic */

    pthread_mutex_t catalog_lock; /* for the pointer only */
    Catalog        *catalog;

    pthread_mutex_t status_lock;
    pthread_cond_t  status_changed;
    StatusEntry    *statuses; /* ring, COMMAND_STATUSES_MAX */
    size_t          statuses_len, statuses_head;
    int64_t         sequence; /* offset of the last applied command, -1 before the first */

    pthread_mutex_t push_lock;
    EnginePush     *pushes; /* list of the running ones */
    size_t          pushes_len;
    uint64_t        push_number;

    uint32_t insert_turn; /* round robin of keyless inserts; atomic */
};

struct Sandbox {
    Engine  *engine;
    Catalog *catalog;
    Arena   *mem;
    VEC(CommandTopic) topics; /* those that earlier statements would have made */
    uint64_t number;
};

/* The world as a statement sees it: PlannerEnv.self. */
typedef struct PlanWorld {
    Engine        *engine;
    Session       *session;
    Sandbox       *sandbox; /* NULL: the real thing */
    const Command *replay;  /* NULL: not replaying */
    Err unasked; /* why the broker could not say whether a topic exists; ERR_OK: it did */
} PlanWorld;

static inline uint64_t engine_number(const Engine *engine)
{
    return __atomic_load_n(&engine->next_number, __ATOMIC_RELAXED);
}

ErrCode engine_plan_in(PlanWorld *world, const Catalog *catalog, uint64_t number,
                       const AstStmt *stmt, Arena *stmt_mem, StmtPlan *out, Err *err) ERR_MUST_USE;

void engine_publish(Engine *engine, Catalog *catalog); /* takes the reference */

/* QuerySpec.props from the properties in force. */
void engine_query_props(const Properties *props, QueryProps *out);

/* Start offsets of every scan as the plan and auto.offset.reset ask for them now. */
ErrCode engine_resolve_scans(Engine *engine, const Properties *props, const Plan *plan, Arena *mem,
                             CommandScan **out, Err *err) ERR_MUST_USE;
/* The same as query_start() wants them. */
void engine_starts(const Plan *plan, const CommandScan *scans, size_t scans_len, Arena *mem,
                   QueryStart **out, size_t *len);
/* Opens tasks for a query of the catalog; a source that is missing lets it start as FAILED. */
ErrCode engine_start_query(Engine *engine, const CatalogQuery *query, const Properties *props,
                           const CommandScan *scans, size_t scans_len, Err *err) ERR_MUST_USE;

/* Notes the end of a command; query_id may be STR_NULL. */
void engine_note_status(Engine *engine, Str id, Str status, Str message, Str query_id,
                        int64_t sequence);

/* engine_log_stream.c: the stream over the processing log. */
ErrCode engine_open_log_stream(Engine *engine, Err *err) ERR_MUST_USE;
/* engine_replay.c: reads the command topic, applies it, starts what is left. */
ErrCode engine_replay(Engine *engine, Err *err) ERR_MUST_USE;
/* engine_names.c */
Str command_id_of(Arena *mem, const AstStmt *stmt, const StmtPlan *plan);
Str command_message_of(Arena *mem, const AstStmt *stmt, const StmtPlan *plan,
                       const Catalog *before);

#endif
