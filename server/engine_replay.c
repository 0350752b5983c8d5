/*
 * engine_replay.c -- from the command topic back to catalog and running queries.
 *
 * Every record is planned again with the facts that it carries and applied to the catalog;
 * nothing outside the catalog is created or deleted.  Queries start only when the whole log has
 * been read, so that those which a later record ends never run.  A statement that no longer plans
 * is reported and skipped: the rest of the log still counts.
 *
 * What a crash may have left behind between a command and its consequences (data of queries that
 * no longer exist) is removed at the end.  A query whose statement was skipped keeps its data.
 */
#include "server/engine_internal.h"

#include <inttypes.h>

#include "common/log.h"

/* What the queries that may start at the end need of their commands. */
typedef struct Replay {
    Engine  *engine;
    Arena   *mem;
    Map      commands; /* query id -> Command * */
    Map      skipped;  /* query id -> Command *, of statements that no longer plan */
    Catalog *catalog;
} Replay;

static void session_of(Session *session, Arena *mem, Engine *engine, const Command *command)
{
    session_init(session, mem, engine);
    for (size_t i = 0; i < command->props_len; i++) {
        Err err;

        if (properties_override(&session->props, command->props[i].name, command->props[i].value,
                                &err) != ERR_OK)
            log_line(LOG_WARN, "replay", "%.*s: %s", STR_ARG(command->id), err.msg);
    }
}

static ErrCode apply(Replay *replay, const Command *command, Arena *mem, Err *err)
{
    Session     session;
    PlanWorld   world = {.engine = replay->engine, .session = &session, .replay = command};
    AstStmtList stmts;
    StmtPlan    plan;
    Str         text;

    session_of(&session, mem, replay->engine, command);
    /* The record has the statement alone, without what ends it in a request. */
    text = str_printf(mem, "%.*s;", STR_ARG(command->statement));
    TRY(parser_parse(mem, text, (ParserOpts){0}, &stmts, err));
    if (stmts.len != 1)
        return err_set(err, ERR_STATE, "the record holds %zu statements", stmts.len);
    TRY(engine_plan_in(&world, replay->catalog, command->number, stmts.items[0], mem, &plan, err));
    engine_note_status(replay->engine, command->id, STR("SUCCESS"),
                       command_message_of(mem, stmts.items[0], &plan, replay->catalog),
                       command->query_id, -1);
    if (plan.kind != STMT_NOTHING) {
        Catalog *edit = catalog_edit(replay->catalog);

        planner_apply(edit, &plan);
        catalog_unref(replay->catalog);
        replay->catalog = edit;
    }
    stmt_plan_deinit(&plan);
    return ERR_OK;
}

static ErrCode replay_record(void *arg, const Record *record, Err *err)
{
    Replay  *replay = arg;
    Engine  *engine = replay->engine;
    Command *command = ARENA_NEW(replay->mem, Command);
    Arena   *mem;
    Err      refused;

    TRY(command_decode(replay->mem, record, command, err));
    mem = arena_new(0);
    if (apply(replay, command, mem, &refused) != ERR_OK) {
        log_line(LOG_ERROR, "replay", "statement %" PRId64 " (%.*s) is skipped: %s", record->offset,
                 STR_ARG(command->id), refused.msg);
        engine_note_status(engine, command->id, STR("ERROR"), str_from(refused.msg), STR_NULL, -1);
        if (command->query_id.ptr)
            map_put(&replay->skipped, command->query_id, command);
    } else if (command->query_id.ptr) {
        map_put(&replay->commands, command->query_id, command);
    }
    engine->next_number = (uint64_t)record->offset + 1;
    engine->sequence = record->offset;
    arena_free(mem);
    return ERR_OK;
}

static ErrCode read_log(Replay *replay, Err *err)
{
    Engine       *engine = replay->engine;
    PartitionEnds ends;
    BrokerRange   range = {.topic = engine->command_topic};

    TRY(broker_topic_ends(engine->broker, engine->command_topic, &ends, 1, err));
    range.end = ends.end;
    return broker_read_range(engine->broker, &range, replay_record, replay, NULL, err);
}

static void start_queries(Replay *replay)
{
    Engine *engine = replay->engine;
    size_t  len = catalog_queries_len(engine->catalog);

    for (size_t i = 0; i < len && !broker_is_cancelled(engine->broker); i++) {
        const CatalogQuery *query = catalog_query_at(engine->catalog, i);
        const Command      *command = map_get(&replay->commands, query->id);
        Session             session;
        Err                 err;

        if (!query->plan || !command)
            continue;
        session_of(&session, replay->mem, engine, command);
        if (engine_start_query(engine, query, &session.props, command->scans, command->scans_len,
                               &err) != ERR_OK)
            log_line(LOG_ERROR, "replay", "query %.*s could not be resumed: %s%s%s",
                     STR_ARG(query->id), err.msg, err.hint[0] ? "; " : "", err.hint);
    }
}

/* Ids may be given again (QUERY_ID): what a former query of an id left must not become its. */
static void list_alive(const Replay *replay, Map *alive)
{
    const Catalog *catalog = replay->engine->catalog;
    size_t         cursor = 0;
    MapEntry      *entry;

    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);

        map_put(alive, query->id, (void *)(uintptr_t)query);
    }
    while ((entry = map_next(&replay->skipped, &cursor)))
        map_put(alive, entry->key, entry->value);
}

/*
 * Changelogs of queries that no longer exist: a crash fell between TERMINATE and its deletions.
 * One whose query would have a '-' in its id may be that of another service, whose id begins with
 * ours.
 */
static void sweep_changelogs(Engine *engine, const Map *alive)
{
    Arena     *mem = arena_new(0);
    Str        prefix = str_printf(mem, "_weir-%.*s-", STR_ARG(engine->service_id));
    Str        suffix = STR("-changelog");
    TopicInfo *topics;
    size_t     len;
    Err        err;

    if (broker_topics(engine->broker, mem, &topics, &len, &err) != ERR_OK)
        len = 0;
    for (size_t i = 0; i < len; i++) {
        Str name = topics[i].spec.name;
        Str id;

        if (!str_starts(name, prefix) || !str_ends(name, suffix) ||
            name.len <= prefix.len + suffix.len)
            continue;
        id = str_slice(name, prefix.len, name.len - suffix.len);
        if (memchr(id.ptr, '-', id.len) || map_get(alive, id))
            continue;
        if (broker_topic_delete(engine->broker, name, &err) != ERR_OK)
            log_line(LOG_WARN, "replay", "left-over topic \"%.*s\": %s", STR_ARG(name), err.msg);
    }
    arena_free(mem);
}

static void sweep(Replay *replay)
{
    Map alive;

    map_init(&alive, replay->mem);
    list_alive(replay, &alive);
    runtime_sweep(replay->engine->runtime, &alive);
    sweep_changelogs(replay->engine, &alive);
}

ErrCode engine_replay(Engine *engine, Err *err)
{
    Replay  replay = {.engine = engine, .mem = arena_new(0), .catalog = engine_catalog(engine)};
    ErrCode rc;

    map_init(&replay.commands, replay.mem);
    map_init(&replay.skipped, replay.mem);
    rc = read_log(&replay, err);
    if (rc == ERR_OK) {
        engine_publish(engine, replay.catalog);
        sweep(&replay);
        start_queries(&replay);
    } else {
        catalog_unref(replay.catalog);
    }
    arena_free(replay.mem);
    return rc;
}
