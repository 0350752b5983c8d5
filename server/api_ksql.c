/*
 * api_ksql.c -- POST /ksql: all statements but SELECT and PRINT.
 *
 *   1. wait for commandSequenceNumber
 *   2. try all statements in a sandbox: if one is refused nothing is executed
 *   3. execute one by one, collecting entities
 *
 * A request that is nothing but INSERT VALUES needs no order against other requests: it is planned
 * on the caller's thread and answered when the broker acknowledges, so that many clients share an
 * fsync.  Everything else runs on the statement thread.
 */
#include "server/api_internal.h"

typedef struct KsqlRun {
    ApiCall   *call;
    SqlRequest request;
    Arena     *mem; /* statements and their results */
    Buf        entities;
    JsonWriter writer;
    int        written; /* entities */
} KsqlRun;

static Str statement_text(Arena *mem, const AstStmt *stmt)
{
    return str_printf(mem, "%.*s;", STR_ARG(stmt->text));
}

/* --- trying ----------------------------------------------------------------------------------- */

static ErrCode refuse_wrong_endpoint(const AstStmt *stmt, Err *err)
{
    switch (stmt->kind) {
    case AST_SELECT:
    case AST_PRINT:
        err_set_at(err, ERR_WRONG_ENDPOINT, stmt->pos,
                   "SELECT and PRINT are not answered by this endpoint");
        err_hint(err, "send them to /query or /query-stream");
        return ERR_WRONG_ENDPOINT;
    case AST_RUN_SCRIPT:
    case AST_ASSERT_VALUES:
    case AST_ASSERT_NULL_VALUES:
    case AST_ASSERT_SOURCE:
        return err_set_at(err, ERR_STATEMENT, stmt->pos, "%s is not executed by a server",
                          ast_stmt_kind_name(stmt));
    default:
        return ERR_OK;
    }
}

static ErrCode try_statement(Sandbox *sandbox, Session *session, const AstStmt *stmt, Arena *mem,
                             Err *err)
{
    Str warning;

    TRY(refuse_wrong_endpoint(stmt, err));
    if (is_session_statement(stmt))
        return session_statement(session, stmt, &warning, err);
    if (engine_is_distributed(stmt) || stmt->kind == AST_INSERT_VALUES)
        return sandbox_try(sandbox, session, stmt, mem, err);
    return ERR_OK;
}

/* The whole request against a copy of catalog and session. */
static ErrCode try_all(KsqlRun *run, Err *err)
{
    Engine    *engine = run->call->api->engine;
    Arena     *mem = arena_new(0);
    Sandbox   *sandbox = sandbox_new(engine);
    SqlRequest request;
    Parser     parser;
    ErrCode    rc;

    /* A session of its own: SET and DEFINE must take effect again when executed. */
    rc = sql_request(run->call, run->call->request.body, false, &request, err);
    if (rc == ERR_OK)
        rc = parser_init(&parser, mem, request.sql, (ParserOpts){&request.session.variables}, err);
    while (rc == ERR_OK) {
        AstStmt *stmt;

        rc = parser_next(&parser, &stmt, err);
        if (rc != ERR_OK || !stmt)
            break;
        rc = try_statement(sandbox, &request.session, stmt, mem, err);
    }
    sandbox_free(sandbox);
    arena_free(mem);
    return rc;
}

/* --- executing -------------------------------------------------------------------------------- */

void entity_begin(JsonWriter *w, const char *type, Str statement_text)
{
    jw_open(w, '{');
    jw_field_c(w, "@type", type);
    jw_field_str(w, "statementText", statement_text);
}

static void write_warning(KsqlRun *run, const AstStmt *stmt, Str message)
{
    entity_begin(&run->writer, "warning_entity", statement_text(run->mem, stmt));
    jw_field_str(&run->writer, "message", message);
    entity_end(&run->writer);
    run->written++;
}

static void write_status(KsqlRun *run, const AstStmt *stmt, const CommandResult *result)
{
    JsonWriter    *w = &run->writer;
    EntityWarnings warnings = {0};

    if (result->caution.ptr)
        entity_warn(&warnings, result->caution);
    entity_begin(w, "currentStatus", statement_text(run->mem, stmt));
    jw_field_str(w, "commandId", result->command_id);
    jw_key(w, "commandStatus");
    jw_open(w, '{');
    jw_field_c(w, "status", result->is_failed ? "ERROR" : "SUCCESS");
    jw_field_str(w, "message", result->warning.ptr ? result->warning : result->message);
    jw_field_str(w, "queryId", result->query_id);
    jw_close(w, '}');
    jw_field_i64(w, "commandSequenceNumber", result->sequence);
    entity_end_warned(w, &warnings);
    run->written++;
}

static ErrCode refuse_ddl(const ApiCall *call, const AstStmt *stmt, Err *err)
{
    if (properties_bool(engine_properties(call->api->engine), "weir.ddl.over.rest"))
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, stmt->pos, "%s is not allowed over REST on this server",
               ast_stmt_kind_name(stmt));
    err_hint(err, "its statements come from a file (--queries); weir.ddl.over.rest is false");
    return ERR_STATEMENT;
}

/* TERMINATE of a push query is no command: it ends here. */
static bool terminate_push(KsqlRun *run, const AstStmt *stmt)
{
    JsonWriter *w = &run->writer;

    if (stmt->kind != AST_TERMINATE || stmt->u.query_id.is_all)
        return false;
    if (!engine_push_terminate(run->call->api->engine, stmt->u.query_id.name.text) &&
        !engine_push_terminate(run->call->api->engine, stmt->u.query_id.name.original))
        return false;
    entity_begin(w, "terminate_query", statement_text(run->mem, stmt));
    jw_field_str(w, "queryId", stmt->u.query_id.name.original);
    jw_field_bool(w, "wasTerminated", true);
    entity_end(w);
    run->written++;
    return true;
}

static ErrCode execute_distributed(KsqlRun *run, const AstStmt *stmt, Err *err)
{
    CommandResult result;

    if (terminate_push(run, stmt))
        return ERR_OK;
    TRY(refuse_ddl(run->call, stmt, err));
    TRY(engine_execute(run->call->api->engine, &run->request.session, stmt, run->mem, &result,
                       err));
    /* CREATE ... IF NOT EXISTS warns; DROP ... IF EXISTS succeeds and says so. */
    if (result.warning.ptr && stmt->kind != AST_DROP_SOURCE && stmt->kind != AST_DROP_TYPE)
        write_warning(run, stmt, result.warning);
    else
        write_status(run, stmt, &result);
    return ERR_OK;
}

typedef struct InsertWait {
    pthread_mutex_t lock;
    pthread_cond_t  done;
    bool            is_done;
    ErrCode         rc;
    Err             err;
} InsertWait;

static void insert_acked(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    InsertWait *wait = arg;

    (void)offset;
    pthread_mutex_lock(&wait->lock);
    wait->rc = rc;
    if (rc != ERR_OK)
        wait->err = *err;
    wait->is_done = true;
    pthread_cond_signal(&wait->done);
    pthread_mutex_unlock(&wait->lock);
}

static ErrCode execute_insert(KsqlRun *run, const AstStmt *stmt, Err *err)
{
    Engine    *engine = run->call->api->engine;
    InsertWait wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    StmtPlan   plan;
    ErrCode    rc;

    TRY(engine_plan(engine, &run->request.session, stmt, run->mem, &plan, err));
    rc = engine_insert(engine, &plan, insert_acked, &wait, err);
    if (rc == ERR_OK) {
        pthread_mutex_lock(&wait.lock);
        while (!wait.is_done)
            pthread_cond_wait(&wait.done, &wait.lock);
        pthread_mutex_unlock(&wait.lock);
        rc = wait.rc;
        if (rc != ERR_OK)
            *err = wait.err;
    }
    stmt_plan_deinit(&plan);
    return rc;
}

static ErrCode execute_local(KsqlRun *run, const AstStmt *stmt, Err *err)
{
    EntityCtx ctx = {.call = run->call,
                     .session = &run->request.session,
                     .mem = run->mem,
                     .catalog = engine_catalog(run->call->api->engine)};
    ErrCode   rc;

    switch (stmt->kind) {
    case AST_SHOW:
        rc = entity_show(&ctx, stmt, &run->writer, err);
        break;
    case AST_DESCRIBE:
        rc = entity_describe(&ctx, stmt, &run->writer, err);
        break;
    case AST_EXPLAIN:
        rc = entity_explain(&ctx, stmt, &run->writer, err);
        break;
    case AST_ASSERT_TOPIC:
        rc = entity_assert(&ctx, stmt, &run->writer, err);
        break;
    default:
        rc = err_set_at(err, ERR_NOT_YET, stmt->pos, "not supported yet: %s",
                        ast_stmt_kind_name(stmt));
    }
    catalog_unref(ctx.catalog);
    run->written += rc == ERR_OK;
    return rc;
}

static ErrCode execute(KsqlRun *run, const AstStmt *stmt, Err *err)
{
    Str warning;

    if (is_session_statement(stmt)) {
        TRY(session_statement(&run->request.session, stmt, &warning, err));
        if (warning.ptr)
            write_warning(run, stmt, warning);
        return ERR_OK;
    }
    if (stmt->kind == AST_INSERT_VALUES)
        return execute_insert(run, stmt, err);
    if (engine_is_distributed(stmt))
        return execute_distributed(run, stmt, err);
    return execute_local(run, stmt, err);
}

static ErrCode execute_all(KsqlRun *run, Str *failed, Err *err)
{
    ParserOpts opts = {&run->request.session.variables};
    Parser     parser;

    TRY(parser_init(&parser, run->mem, run->request.sql, opts, err));
    for (;;) {
        AstStmt *stmt;

        TRY(parser_next(&parser, &stmt, err));
        if (!stmt)
            return ERR_OK;
        *failed = statement_text(run->mem, stmt);
        TRY(execute(run, stmt, err));
    }
}

/* --- the request ------------------------------------------------------------------------------ */

static ErrCode wait_sequence(const KsqlRun *run, Err *err)
{
    Engine *engine = run->call->api->engine;

    if (run->request.sequence < 0)
        return ERR_OK;
    return engine_wait_sequence(
        engine, run->request.sequence,
        properties_int(engine_properties(engine), "ksql.server.command.response.timeout.ms"), err);
}

static void respond_failed(KsqlRun *run, const Err *err, Str sql)
{
    Buf body = {0};

    jw_close(&run->writer, ']');
    error_body(&body, err, sql, buf_view(&run->entities));
    call_respond(run->call, error_status(err), content_json, &body);
}

static void ksql_job(ApiCall *call)
{
    KsqlRun run = {.call = call, .mem = arena_new(0)};
    Str     failed;
    Err     err;
    ErrCode rc;

    run.writer = json_writer(&run.entities);
    jw_open(&run.writer, '[');
    rc = sql_request(call, call->request.body, false, &run.request, &err);
    failed = rc == ERR_OK ? run.request.sql : STR_NULL;
    if (rc == ERR_OK && wait_sequence(&run, &err) != ERR_OK) {
        call_refuse(call, 503, 50301, "%s", err.msg);
    } else {
        if (rc == ERR_OK)
            rc = try_all(&run, &err);
        if (rc == ERR_OK)
            rc = execute_all(&run, &failed, &err);
        if (rc == ERR_OK) {
            jw_close(&run.writer, ']');
            call_respond(call, 200, content_json, &run.entities);
        } else {
            respond_failed(&run, &err, failed);
        }
    }
    buf_deinit(&run.entities);
    arena_free(run.mem);
}

/* --- INSERT VALUES alone ---------------------------------------------------------------------- */

/* Waits for several statements' acks; the last one answers the call. */
typedef struct InsertCall {
    ApiCall *call;
    int      waiting;    /* atomic */
    int      has_failed; /* atomic */
    Err      err;
    Str      sql;
} InsertCall;

static void insert_call_done(InsertCall *insert)
{
    ApiCall *call = insert->call;

    if (__atomic_sub_fetch(&insert->waiting, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (insert->has_failed) {
        call_fail(call, &insert->err, insert->sql);
    } else {
        Buf body = {0};

        buf_c(&body, "[]");
        call_respond(call, 200, content_json, &body);
    }
    call_unref(call);
}

static void insert_call_acked(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    InsertCall *insert = arg;

    (void)offset;
    if (rc != ERR_OK && !__atomic_exchange_n(&insert->has_failed, 1, __ATOMIC_ACQ_REL))
        insert->err = *err;
    insert_call_done(insert);
}

/* Plans all first: a bad statement leaves nothing done. */
static ErrCode plan_inserts(ApiCall *call, SqlRequest *request, const AstStmtList *stmts,
                            StmtPlan *plans, size_t *planned, Err *err)
{
    for (size_t i = 0; i < stmts->len; i++) {
        TRY(engine_plan(call->api->engine, &request->session, stmts->items[i], call->mem, &plans[i],
                        err));
        (*planned)++;
    }
    return ERR_OK;
}

static void run_inserts(ApiCall *call, SqlRequest *request, const AstStmtList *stmts)
{
    StmtPlan   *plans = ARENA_ARRAY(call->mem, StmtPlan, stmts->len + 1);
    InsertCall *insert = ARENA_NEW(call->mem, InsertCall);
    size_t      planned = 0;
    Err         err;

    *insert = (InsertCall){.call = call, .waiting = (int)stmts->len + 1, .sql = request->sql};
    if (plan_inserts(call, request, stmts, plans, &planned, &err) != ERR_OK) {
        call_fail(call, &err, request->sql);
    } else {
        call_ref(call);
        for (size_t i = 0; i < stmts->len; i++) {
            if (engine_insert(call->api->engine, &plans[i], insert_call_acked, insert, &err) !=
                ERR_OK)
                insert_call_acked(insert, err.code, -1, &err);
        }
        insert_call_done(insert);
    }
    for (size_t i = 0; i < planned; i++)
        stmt_plan_deinit(&plans[i]);
}

/* Whether sql is nothing but INSERT VALUES without variables: cheap to see before parsing. */
static bool looks_like_inserts(Str sql)
{
    return str_starts_nocase(str_trim(sql), STR("INSERT")) && str_find(sql, STR("${"), 0) < 0;
}

static bool try_inserts(ApiCall *call)
{
    SqlRequest  request;
    AstStmtList stmts;
    Err         err;

    if (sql_request(call, call->request.body, false, &request, &err) != ERR_OK ||
        request.sequence >= 0 || !looks_like_inserts(request.sql) ||
        parser_parse(call->mem, request.sql, (ParserOpts){NULL}, &stmts, &err) != ERR_OK)
        return false;
    for (size_t i = 0; i < stmts.len; i++) {
        if (stmts.items[i]->kind != AST_INSERT_VALUES)
            return false;
    }
    run_inserts(call, &request, &stmts);
    return true;
}

void api_ksql(ApiCall *call)
{
    if (!try_inserts(call))
        call_submit(call, call->api->statements, ksql_job);
}
