/*
 * engine_execute.c -- a distributed statement, step by step.
 *
 *   plan -> make the topic -> resolve start offsets -> write the command -> publish the catalog
 *        -> stop, start, pause or resume queries -> delete the topic of a DROP -> answer
 *
 * Up to the write of the command nothing has happened that a repetition would not find harmless: a
 * topic made for nothing stays empty.  After it the statement is in force, whatever dies: replay
 * reaches the same catalog, and queries that could not start are FAILED and tried again.
 */
#include "server/engine_internal.h"

#include "common/limit.h"
#include "common/log.h"

bool engine_is_distributed(const AstStmt *stmt)
{
    switch (stmt->kind) {
    case AST_CREATE_SOURCE:
    case AST_CREATE_AS:
    case AST_INSERT_QUERY:
    case AST_DROP_SOURCE:
    case AST_ALTER_SOURCE:
    case AST_CREATE_TYPE:
    case AST_DROP_TYPE:
    case AST_TERMINATE:
    case AST_PAUSE:
    case AST_RESUME:
    case AST_ALTER_SYSTEM:
        return true;
    default:
        return false;
    }
}

/* --- before the command is written ------------------------------------------------------------ */

static TopicCleanup cleanup_of(CleanupPolicy policy)
{
    switch (policy) {
    case CLEANUP_COMPACT:
        return TOPIC_COMPACT;
    case CLEANUP_COMPACT_DELETE:
        return TOPIC_COMPACT_DELETE;
    case CLEANUP_DELETE:
        break;
    }
    return TOPIC_DELETE;
}

static ErrCode make_topic(Engine *engine, const StmtPlan *plan, Err *err)
{
    TopicSpec spec = {
        .name = plan->topic,
        .partitions = plan->topic_facts.partitions,
        .replicas = plan->topic_facts.replicas,
        .retention_ms = plan->topic_facts.retention_ms,
        .cleanup = cleanup_of(plan->topic_facts.cleanup),
    };
    ErrCode rc;

    if (!plan->topic.ptr || !plan->is_topic_new)
        return ERR_OK;
    rc = broker_topic_create(engine->broker, &spec, err);
    return rc == ERR_TOPIC_EXISTS ? ERR_OK : rc;
}

/* Tables are read from their beginning, streams from where auto.offset.reset says. */
ErrCode engine_resolve_scans(Engine *engine, const Properties *props, const Plan *plan, Arena *mem,
                             CommandScan **out, Err *err)
{
    bool is_earliest = str_eq_nocase(properties_get(props, "auto.offset.reset"), STR("earliest"));
    CommandScan *scans = ARENA_ARRAY(mem, CommandScan, plan->scans_len + 1);

    for (uint32_t i = 0; i < plan->scans_len; i++) {
        const PlanNode *scan = plan->scans[i];
        uint32_t        partitions = scan->u.scan.partitions;
        PartitionEnds  *ends = ARENA_ARRAY(mem, PartitionEnds, partitions + 1);
        int64_t        *offsets = ARENA_ARRAY(mem, int64_t, partitions + 1);
        TopicInfo       info;

        TRY(broker_topic_describe(engine->broker, scan->u.scan.topic, mem, &info, err));
        TRY(broker_topic_ends(engine->broker, scan->u.scan.topic, ends, partitions, err));
        for (uint32_t p = 0; p < partitions; p++)
            offsets[p] = scan->is_table || is_earliest ? ends[p].begin : ends[p].end;
        scans[i] = (CommandScan){scan->u.scan.topic, info.id, offsets, partitions};
    }
    *out = scans;
    return ERR_OK;
}

/* A replaced query goes on where the old one stands, even if it never came to settle anything. */
static void keep_standing(Engine *engine, Str query_id, CommandScan *scans, size_t scans_len,
                          Arena *mem)
{
    Query      *query = query_find(engine->runtime, query_id);
    QueryStart *standing;
    size_t      len;

    if (!query || query_plan(query)->scans_len != scans_len)
        return;
    query_standing(query, mem, &standing, &len);
    for (size_t i = 0; i < scans_len; i++) {
        int64_t *offsets = ARENA_ARRAY(mem, int64_t, scans[i].partitions + 1);

        memcpy(offsets, scans[i].offsets, scans[i].partitions * sizeof *offsets);
        for (size_t k = 0; k < len; k++) {
            if (standing[k].scan == i && standing[k].partition < scans[i].partitions)
                offsets[standing[k].partition] = standing[k].offset;
        }
        scans[i].offsets = offsets;
    }
}

static void note_topic(const Catalog *catalog, Str source, CommandTopic *topics, size_t *len)
{
    const Source *found = catalog_source(catalog, source);

    if (found)
        topics[(*len)++] = (CommandTopic){found->topic, found->partitions};
}

/* Every topic whose partition count the plan of this statement depends on. */
static void collect_topics(const Catalog *catalog, const StmtPlan *plan, Arena *mem, Command *out)
{
    size_t        sources_len = plan->query ? plan->query->sources_len : 0;
    CommandTopic *topics = ARENA_ARRAY(mem, CommandTopic, sources_len + 3);
    size_t        len = 0;

    if (plan->topic.ptr)
        topics[len++] = (CommandTopic){plan->topic, plan->topic_facts.partitions};
    else if (plan->source)
        topics[len++] = (CommandTopic){plan->source->topic, plan->source->partitions};
    for (size_t i = 0; i < sources_len; i++)
        note_topic(catalog, plan->query->sources[i], topics, &len);
    if (plan->query && plan->query->sink.ptr && !plan->source)
        note_topic(catalog, plan->query->sink, topics, &len);
    out->topics = topics;
    out->topics_len = len;
}

/* The overrides of this request: later changes of the configuration do not reach the statement. */
static void collect_props(const Session *session, Arena *mem, Command *out)
{
    size_t           cap = session->props.values.live_len;
    CommandProperty *props = ARENA_ARRAY(mem, CommandProperty, cap + 1);
    size_t           at = 0, len = 0;
    const MapEntry  *entry;

    while ((entry = map_next(&session->props.values, &at)))
        props[len++] = (CommandProperty){entry->key, *(const Str *)entry->value};
    out->props = props;
    out->props_len = len;
}

static ErrCode write_command(Engine *engine, const Command *command, int64_t *sequence, Err *err)
{
    Buf     key = {0}, value = {0};
    Record  record;
    ErrCode rc;

    command_encode(&key, &value, command);
    record = (Record){
        .key = buf_view(&key), .value = buf_view(&value), .ts = clock_now_ms(engine->clock)};
    rc = broker_produce_wait(engine->broker, engine->command_topic, 0, &record, sequence, err);
    buf_deinit(&key);
    buf_deinit(&value);
    return rc;
}

/* --- after it --------------------------------------------------------------------------------- */

void engine_query_props(const Properties *props, QueryProps *out)
{
    query_props_init(out);
    out->cache_bytes = properties_int(props, "cache.max.bytes.buffering");
    out->nested_error_set_null = properties_bool(props, "ksql.nested.error.set.null");
    out->throw_on_invalid_ts = properties_bool(props, "ksql.timestamp.throw.on.invalid");
    out->fail_on_deserialization = properties_bool(props, "ksql.fail.on.deserialization.error");
    out->log_rows = properties_bool(props, "ksql.logging.processing.rows.include");
    out->time_skew_max_ms = properties_int(props, "weir.time.skew.max");
    out->retry_initial_ms = properties_int(props, "ksql.query.retry.backoff.initial.ms");
    out->retry_max_ms = properties_int(props, "ksql.query.retry.backoff.max.ms");
}

void engine_starts(const Plan *plan, const CommandScan *scans, size_t scans_len, Arena *mem,
                   QueryStart **out, size_t *len)
{
    size_t      total = 0;
    QueryStart *starts;

    for (size_t i = 0; i < scans_len; i++)
        total += scans[i].partitions;
    starts = ARENA_ARRAY(mem, QueryStart, total + 1);
    *len = 0;
    for (size_t i = 0; i < scans_len && i < plan->scans_len; i++) {
        /* A record of another version may list the scans in another order. */
        if (!str_eq(scans[i].topic, plan->scans[i]->u.scan.topic))
            continue;
        for (uint32_t p = 0; p < scans[i].partitions; p++)
            starts[(*len)++] = (QueryStart){(uint32_t)i, p, scans[i].offsets[p], scans[i].topic_id};
    }
    *out = starts;
}

ErrCode engine_start_query(Engine *engine, const CatalogQuery *query, const Properties *props,
                           const CommandScan *scans, size_t scans_len, Err *err)
{
    Arena      *mem = arena_new(0);
    QuerySpec   spec = {.id = query->id,
                        .plan = query->plan,
                        .is_paused = query->status == QUERY_PAUSED,
                        .is_resumed = true};
    QueryStart *starts;
    Query      *started;
    ErrCode     rc;

    engine_query_props(props, &spec.props);
    engine_starts(query->plan, scans, scans_len, mem, &starts, &spec.starts_len);
    spec.starts = starts;
    rc = query_start(engine->runtime, &spec, &started, err);
    arena_free(mem);
    return rc;
}

static void stop_query(Engine *engine, Str id, bool deletes_data)
{
    Query *query = query_find(engine->runtime, id);

    if (query)
        query_stop(query, deletes_data);
}

static ErrCode pause_or_resume(Engine *engine, const StmtPlan *plan, Err *err)
{
    for (size_t i = 0; i < plan->terminates_len; i++) {
        Query *query = query_find(engine->runtime, plan->terminates[i]);

        if (!query)
            continue;
        if (plan->kind == STMT_PAUSE)
            TRY(query_pause(query, err));
        else
            TRY(query_resume(query, err));
    }
    return ERR_OK;
}

/* Before the catalog is published: queries hold plans in the old one, so they stop first. */
static void stop_ended(Engine *engine, const StmtPlan *plan, Str query_id)
{
    if (plan->kind == STMT_PAUSE || plan->kind == STMT_RESUME)
        return;
    for (size_t i = 0; i < plan->terminates_len; i++)
        stop_query(engine, plan->terminates[i], true);
    /* A replaced query keeps its id and its data and goes on from its positions. */
    if (query_id.ptr)
        stop_query(engine, query_id, false);
}

/* After it: what the statement starts, pauses or resumes.  catalog is the new one. */
static ErrCode start_new(Engine *engine, Session *session, const Catalog *catalog,
                         const StmtPlan *plan, Str query_id, const Command *command, Err *err)
{
    const CatalogQuery *query;

    if (plan->kind == STMT_PAUSE || plan->kind == STMT_RESUME)
        return pause_or_resume(engine, plan, err);
    query = query_id.ptr ? catalog_query(catalog, query_id) : NULL;
    if (!query || !query->plan)
        return ERR_OK;
    return engine_start_query(engine, query, &session->props, command->scans, command->scans_len,
                              err);
}

/* DROP ... DELETE TOPIC: the statement holds even if the broker refuses; it is said in the log. */
static void delete_topic(Engine *engine, Str topic)
{
    Err     err;
    ErrCode rc = broker_topic_delete(engine->broker, topic, &err);

    if (rc != ERR_OK && rc != ERR_TOPIC_MISSING)
        log_line(LOG_WARN, "engine", "topic \"%.*s\" was not deleted: %s", STR_ARG(topic), err.msg);
}

/* Publishes the statement's catalog and lets queries follow it.  Takes the plan's references. */
static ErrCode enforce(Engine *engine, Session *session, StmtPlan *plan, const Command *command,
                       Arena *stmt_mem, Err *err)
{
    Str           dropped_topic = STR_NULL;
    Str           query_id = plan->query ? str_copy(stmt_mem, plan->query->id) : STR_NULL;
    Catalog      *edit;
    const Source *dropped;
    ErrCode       rc;

    if (plan->kind == STMT_DROP_SOURCE && plan->deletes_topic) {
        dropped = catalog_source(engine->catalog, plan->name);
        if (dropped)
            dropped_topic = str_copy(stmt_mem, dropped->topic);
    }
    edit = catalog_edit(engine->catalog);
    planner_apply(edit, plan);
    catalog_ref(edit); /* ours, while queries start from it */
    stop_ended(engine, plan, query_id);
    engine_publish(engine, edit);
    rc = start_new(engine, session, edit, plan, query_id, command, err);
    catalog_unref(edit);
    if (dropped_topic.ptr)
        delete_topic(engine, dropped_topic);
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static ErrCode run_planned(Engine *engine, Session *session, const AstStmt *stmt, StmtPlan *plan,
                           Arena *stmt_mem, CommandResult *out, Err *err)
{
    Command      command = {0};
    CommandScan *scans = NULL;
    ErrCode      rc;

    out->command_id = command_id_of(stmt_mem, stmt, plan);
    out->message = command_message_of(stmt_mem, stmt, plan, engine->catalog);
    out->query_id = plan->query ? str_copy(stmt_mem, plan->query->id) : STR_NULL;
    out->caution = plan->caution;
    /* The command log of a server that was replaced is another server's. */
    TRY(runtime_check_owner(engine->runtime, err));
    TRY(make_topic(engine, plan, err));
    if (plan->query && plan->query->plan) {
        TRY(engine_resolve_scans(engine, &session->props, plan->query->plan, stmt_mem, &scans,
                                 err));
        keep_standing(engine, out->query_id, scans, plan->query->plan->scans_len, stmt_mem);
        command.scans = scans;
        command.scans_len = plan->query->plan->scans_len;
    }
    command.id = out->command_id;
    command.statement = plan->sql;
    command.query_id = out->query_id;
    command.number = engine->next_number;
    command.time_ms = clock_now_ms(engine->clock);
    collect_topics(engine->catalog, plan, stmt_mem, &command);
    collect_props(session, stmt_mem, &command);
    TRY(write_command(engine, &command, &out->sequence, err));
    __atomic_store_n(&engine->next_number, (uint64_t)out->sequence + 1, __ATOMIC_RELAXED);

    rc = enforce(engine, session, plan, &command, stmt_mem, err);
    if (rc != ERR_OK) {
        /* In force, but it does not run: the reply says so with HTTP 200 and status ERROR. */
        out->message = str_printf(stmt_mem, "%s", err->msg);
        out->is_failed = true;
        log_line(LOG_ERROR, "engine", "%.*s: %s", STR_ARG(out->command_id), err->msg);
    }
    if (out->caution.ptr)
        log_line(LOG_WARN, "engine", "%.*s: %.*s", STR_ARG(out->command_id), STR_ARG(out->caution));
    engine_note_status(engine, out->command_id, out->is_failed ? STR("ERROR") : STR("SUCCESS"),
                       out->message, out->query_id, out->sequence);
    return ERR_OK;
}

/* A broker that is known to be away is asked once more: a write would wait for half a minute, and
 * nobody could say then whether the statement is in force. */
static ErrCode check_broker(Engine *engine, Err *err)
{
    BrokerHealth health;
    TopicInfo    info;
    Arena       *mem;
    ErrCode      rc;

    broker_health(engine->broker, &health);
    if (health.is_healthy)
        return ERR_OK;
    mem = arena_new(0);
    rc = broker_topic_describe(engine->broker, engine->command_topic, mem, &info, err);
    arena_free(mem);
    return rc;
}

ErrCode engine_execute(Engine *engine, Session *session, const AstStmt *stmt, Arena *stmt_mem,
                       CommandResult *out, Err *err)
{
    PlanWorld     world = {.engine = engine, .session = session};
    CommandResult result = {0};
    StmtPlan      plan;
    ErrCode       rc;

    pthread_mutex_lock(&engine->exec_lock);
    rc = check_broker(engine, err);
    if (rc == ERR_OK)
        rc = engine_plan_in(&world, engine->catalog, engine->next_number, stmt, stmt_mem, &plan,
                            err);
    if (rc == ERR_OK) {
        if (plan.kind == STMT_NOTHING) {
            result.command_id = command_id_of(stmt_mem, stmt, &plan);
            result.warning = plan.warning;
            result.sequence = (int64_t)engine->next_number - 1;
        } else {
            rc = run_planned(engine, session, stmt, &plan, stmt_mem, &result, err);
        }
        stmt_plan_deinit(&plan);
    }
    pthread_mutex_unlock(&engine->exec_lock);
    if (rc == ERR_OK)
        *out = result;
    return rc;
}
