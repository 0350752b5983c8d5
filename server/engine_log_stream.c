/*
 * engine_log_stream.c -- the stream over the processing log.
 *
 * Made at every start from the statement below, before the command log is replayed and outside of
 * it, so that it takes no query number and cannot be dropped.  Its columns are the members that
 * exec/proclog.c writes.
 */
#include "server/engine_internal.h"

static const char columns[] =
    "logger VARCHAR, level VARCHAR, time BIGINT, message STRUCT<type INT, "
    "deserializationError STRUCT<target VARCHAR, errorMessage VARCHAR, recordB64 VARCHAR, "
    "cause ARRAY<VARCHAR>, `TOPIC` VARCHAR, partition INT, offset BIGINT>, "
    "recordProcessingError STRUCT<errorMessage VARCHAR, record VARCHAR, cause ARRAY<VARCHAR>>, "
    "productionError STRUCT<errorMessage VARCHAR>, "
    "serializationError STRUCT<target VARCHAR, errorMessage VARCHAR, record VARCHAR, "
    "cause ARRAY<VARCHAR>, `TOPIC` VARCHAR>, "
    "kafkaStreamsThreadError STRUCT<errorMessage VARCHAR, threadName VARCHAR, "
    "cause ARRAY<VARCHAR>>>";

static ErrCode plan_stream(Engine *engine, Arena *mem, StmtPlan *plan, Err *err)
{
    Session     session;
    PlanWorld   world = {.engine = engine, .session = &session};
    Str         name = properties_get(engine->props, "ksql.logging.processing.stream.name");
    AstStmtList stmts;
    Str         sql = str_printf(mem,
                                 "CREATE STREAM `%.*s` (%s) WITH (KAFKA_TOPIC='%.*s', "
                                         "VALUE_FORMAT='JSON');",
                                 STR_ARG(name), columns, STR_ARG(engine->log_topic));

    session_init(&session, mem, engine);
    TRY(parser_parse(mem, sql, (ParserOpts){NULL}, &stmts, err));
    return engine_plan_in(&world, engine->catalog, 0, stmts.items[0], mem, plan, err);
}

ErrCode engine_open_log_stream(Engine *engine, Err *err)
{
    Arena   *mem;
    Catalog *edit;
    StmtPlan plan;
    ErrCode  rc;

    if (!engine->log_topic.ptr ||
        !properties_bool(engine->props, "ksql.logging.processing.stream.auto.create"))
        return ERR_OK;
    mem = arena_new(0);
    rc = plan_stream(engine, mem, &plan, err);
    if (rc == ERR_OK) {
        plan.source->is_internal = true;
        edit = catalog_edit(engine->catalog);
        planner_apply(edit, &plan);
        engine_publish(engine, edit);
        stmt_plan_deinit(&plan);
    } else {
        err_wrap(err, "could not make the stream over the processing log");
    }
    arena_free(mem);
    return rc;
}
