/*
 * api_query.c -- /query, /query-stream, /ws/query and /close-query: one SELECT or PRINT.
 *
 * What the statement is decides who answers: a pull query on a table here, everything that streams
 * api_stream.c, PRINT api_print.c.  Short requests are planned on the thread of the socket, and a
 * look-up of a few keys is answered there too: handing it to another thread and back would take
 * longer than the look-up.  Everything else runs on a thread that may wait.
 */
#include "server/api_internal.h"

#include <stdlib.h>

#include "common/limit.h"
#include "exec/pull.h"

/* --- content negotiation ---------------------------------------------------------------------- */

typedef struct Accepted {
    const char *type;
    RowStyle    style;
} Accepted;

static double quality_of(Str params)
{
    ptrdiff_t at = str_find(params, STR("q="), 0);
    char      text[16];

    if (at < 0)
        return 1;
    params = str_slice(params, (size_t)at + 2, params.len);
    if (params.len >= sizeof text)
        return 0;
    memcpy(text, params.ptr, params.len);
    text[params.len] = '\0';
    return strtod(text, NULL);
}

/* The offered style that the Accept header likes best; false when it takes none of them. */
static bool negotiate(Str accept, const Accepted *offers, size_t len, RowStyle *out)
{
    double best = 0;
    size_t from = 0;

    *out = offers[0].style;
    if (!accept.ptr || accept.len == 0)
        return true;
    for (size_t i = 0; i <= accept.len; i++) {
        Str       part;
        ptrdiff_t semicolon;
        double    quality;

        if (i < accept.len && accept.ptr[i] != ',')
            continue;
        part = str_trim(str_slice(accept, from, i));
        from = i + 1;
        semicolon = str_find(part, STR(";"), 0);
        quality = semicolon < 0 ? 1 : quality_of(str_slice(part, (size_t)semicolon, part.len));
        if (semicolon >= 0)
            part = str_trim(str_slice(part, 0, (size_t)semicolon));
        for (size_t j = 0; j < len; j++) {
            bool fits = str_eq(part, STR("*/*")) || str_eq(part, STR("application/*")) ||
                        str_eq_nocase(part, str_from(offers[j].type));

            if (fits && quality > best) {
                best = quality;
                *out = offers[j].style;
            }
        }
    }
    return best > 0;
}

static bool style_of(const ApiCall *call, bool is_stream, RowStyle *out)
{
    static const Accepted query[] = {
        {content_v1, ROWS_V1}, {content_json, ROWS_V1}, {content_delimited, ROWS_DELIMITED}};
    static const Accepted stream[] = {
        {content_delimited, ROWS_DELIMITED}, {content_json, ROWS_ARRAY}, {content_v1, ROWS_V1}};
    Str accept = request_header(&call->request, "accept");

    if (call->request.is_websocket) {
        *out = ROWS_WEBSOCKET;
        return true;
    }
    return negotiate(accept, is_stream ? stream : query, 3, out);
}

/* --- pull queries ----------------------------------------------------------------------------- */

typedef struct PullAnswer {
    ApiCall  *call;
    RowWriter writer;
    Buf       body;
    bool      has_sent; /* the head is out: a failure comes in-band */
} PullAnswer;

enum { PULL_FRAME_BYTES = 65536 };
/* What is answered at once, on the thread of the socket. */
enum { QUICK_BYTES_MAX = 4096, QUICK_KEYS_MAX = 16 };

static void send_part(PullAnswer *answer)
{
    call_frame(answer->call, answer->has_sent ? 0 : 200, row_content_type(answer->writer.style),
               &answer->body);
    answer->has_sent = true;
}

/* Readers of lines and messages take each frame for one document; the others do not care. */
static bool is_framed(const PullAnswer *answer)
{
    return answer->writer.style == ROWS_WEBSOCKET || answer->writer.style == ROWS_DELIMITED;
}

static ErrCode pull_row(void *arg, const Row *row, Err *err)
{
    PullAnswer *answer = arg;

    (void)err;
    if (is_framed(answer))
        send_part(answer);
    row_write(&answer->writer, &answer->body, row->cols, false);
    if (answer->body.len >= PULL_FRAME_BYTES)
        send_part(answer);
    return ERR_OK;
}

static bool pull_cancelled(void *arg)
{
    ApiCall *call = arg;
    bool     has_left;

    pthread_mutex_lock(&call->lock);
    has_left = call->is_closed;
    pthread_mutex_unlock(&call->lock);
    return has_left;
}

static void finish_pull(PullAnswer *answer)
{
    ApiCall *call = answer->call;

    if (answer->writer.style == ROWS_WEBSOCKET) {
        ApiFrame close = {.ws_close = 1000};

        if (answer->body.len)
            send_part(answer);
        buf_c(&answer->body, "{\"error\":\"done\"}");
        send_part(answer);
        buf_c(&answer->body, "done");
        call_last(call, &close, &answer->body);
    } else {
        row_finish(&answer->writer, &answer->body, NULL);
        if (!answer->has_sent) {
            call_respond(call, 200, row_content_type(answer->writer.style), &answer->body);
            return;
        }
        if (answer->body.len)
            send_part(answer);
        call_end(call);
    }
}

static ErrCode run_pull(ApiCall *call, const PullProg *prog, PullAnswer *answer, Err *err)
{
    Engine         *engine = call->api->engine;
    const PullPlan *plan = prog->plan;
    PullOpts   opts = {.clock = engine_clock(engine), .is_cancelled = pull_cancelled, .arg = call};
    QueryFile *file;
    ErrCode    rc;

    file = flusher_find(runtime_flusher(engine_runtime(engine)), plan->query_id);
    if (!file) {
        err_set(err, ERR_BROKER, "query %.*s, which keeps \"%.*s\", is not running",
                STR_ARG(plan->query_id), STR_ARG(plan->source));
        err_hint(err, "SHOW QUERIES tells its state");
        return ERR_BROKER;
    }
    rc = pull_run(file, prog, &opts, pull_row, answer, err);
    query_file_unref(file);
    return rc;
}

static void answer_pull(ApiCall *call, const SqlRequest *request, const PullProg *prog,
                        RowStyle style)
{
    PullAnswer answer = {.call = call,
                         .writer = {.style = style,
                                    .schema = prog->plan->schema,
                                    .is_pull = true,
                                    .query_id = str_printf(
                                        call->mem, "query_%lld",
                                        (long long)clock_now_ms(engine_clock(call->api->engine)))}};
    Err        err;

    row_begin(&answer.writer, &answer.body);
    if (run_pull(call, prog, &answer, &err) == ERR_OK) {
        finish_pull(&answer);
    } else if (answer.has_sent) {
        row_error(&answer.writer, &answer.body, &err);
        send_part(&answer);
        call_end(call);
    } else {
        call_fail(call, &err, request->sql);
    }
    buf_deinit(&answer.body);
}

/* --- one statement ---------------------------------------------------------------------------- */

/* Session statements may stand in front of the one that is answered. */
static ErrCode parse_one(SqlRequest *request, Arena *mem, AstStmt **out, Err *err)
{
    Parser   parser;
    AstStmt *stmt, *found = NULL;
    Str      warning;

    TRY(parser_init(&parser, mem, request->sql, (ParserOpts){&request->session.variables}, err));
    for (;;) {
        TRY(parser_next(&parser, &stmt, err));
        if (!stmt)
            break;
        if (found)
            return err_set_at(err, ERR_STATEMENT, stmt->pos,
                              "only one query can be answered by a request");
        if (is_session_statement(stmt))
            TRY(session_statement(&request->session, stmt, &warning, err));
        else
            found = stmt;
    }
    if (!found)
        return err_set(err, ERR_STATEMENT, "the request holds no query");
    if (found->kind != AST_SELECT && found->kind != AST_PRINT) {
        err_set_at(err, ERR_REQUEST, found->pos, "%s is not answered by this endpoint",
                   ast_stmt_kind_name(found));
        err_hint(err, "send it to /ksql");
        return ERR_REQUEST;
    }
    *out = found;
    return ERR_OK;
}

static bool sources_exist(const ApiCall *call, const AstQuery *select)
{
    Catalog *catalog = engine_catalog(call->api->engine);
    bool     exist = true;

    for (const AstQuery *next = select; next && exist; next = next->next)
        exist = catalog_source(catalog, ast_innermost_source(next)->name.text) != NULL;

    for (size_t i = 0; i < select->joins_len && exist; i++)
        exist = catalog_source(catalog, select->joins[i].source.name.text) != NULL;
    catalog_unref(catalog);
    return exist;
}

/* What is wrong with a push query, beyond its syntax and the names of its sources, is a
 * generic_error in this API. */
static void refuse(ApiCall *call, const SqlRequest *request, const AstStmt *stmt, const Err *err)
{
    bool is_push = stmt && stmt->kind == AST_SELECT && stmt->u.select->emit != AST_EMIT_NONE;

    if (is_push && err->code == ERR_STATEMENT && sources_exist(call, stmt->u.select))
        call_refuse(call, 400, 40000, "%.*s", STR_ARG(err_render(call->mem, err, request->sql)));
    else
        call_fail(call, err, request->sql);
}

/* A request that was understood: one statement and, unless it is PRINT, its plan.  In the call's
 * memory. */
struct ApiQuery {
    SqlRequest request;
    RowStyle   style;
    Arena     *mem; /* of statement and plan */
    AstStmt   *stmt;
    StmtPlan   plan;
};

void api_query_free(ApiQuery *query)
{
    if (!query)
        return;
    if (query->stmt->kind != AST_PRINT)
        stmt_plan_deinit(&query->plan);
    arena_free(query->mem);
}

static void refuse_accept(ApiCall *call)
{
    call_refuse(call, 406, 40600, "no media type of the Accept header can be answered here");
}

/* The request around the SQL.  NULL: the call was answered with what is wrong. */
static ApiQuery *read_query(ApiCall *call)
{
    bool      is_stream = str_eq(call->request.path, STR("/query-stream"));
    ApiQuery *query = ARENA_NEW(call->mem, ApiQuery);
    Str body = call->request.is_websocket ? request_param(&call->request, "request", call->mem)
                                          : call->request.body;
    Err err;

    if (!style_of(call, is_stream, &query->style)) {
        refuse_accept(call);
        return NULL;
    }
    if (sql_request(call, body.ptr ? body : STR(""), is_stream, &query->request, &err) != ERR_OK) {
        call_fail(call, &err, STR_NULL);
        return NULL;
    }
    return query;
}

/* False: the call was answered with what is wrong. */
static bool plan_query(ApiCall *call, ApiQuery *query)
{
    Err err;

    query->mem = arena_new(0);
    if (parse_one(&query->request, query->mem, &query->stmt, &err) == ERR_OK &&
        (query->stmt->kind == AST_PRINT ||
         engine_plan(call->api->engine, &query->request.session, query->stmt, query->mem,
                     &query->plan, &err) == ERR_OK)) {
        /* What PRINT shows are lines of text. */
        if (query->stmt->kind != AST_PRINT || query->style == ROWS_DELIMITED ||
            !str_eq(call->request.path, STR("/query-stream")))
            return true;
        refuse_accept(call);
    } else {
        refuse(call, &query->request, query->stmt, &err);
    }
    arena_free(query->mem);
    return false;
}

static bool reads_own_writes(const ApiQuery *query)
{
    return properties_bool(&query->request.session.props, "weir.read.your.writes");
}

/* weir.read.your.writes: first what was inserted goes through the query that keeps the table. */
static ErrCode catch_up(ApiCall *call, const ApiQuery *query, Err *err)
{
    Query  *keeper;
    ErrCode rc;

    if (!reads_own_writes(query))
        return ERR_OK;
    keeper = query_hold(engine_runtime(call->api->engine), query->plan.pull->query_id);
    rc = keeper ? query_catch_up(keeper, g_limits.pull_ms, err) : ERR_OK;
    query_release(keeper);
    return rc;
}

static void compile_and_answer(ApiCall *call, const ApiQuery *query)
{
    const Properties *props = &query->request.session.props;
    PullProg          prog;
    Err               err;

    if (catch_up(call, query, &err) != ERR_OK ||
        pull_compile(query->mem, query->plan.pull,
                     properties_bool(props, "ksql.nested.error.set.null"), &prog, &err) != ERR_OK) {
        call_fail(call, &err, query->request.sql);
        return;
    }
    answer_pull(call, &query->request, &prog, query->style);
    pull_release(&prog);
}

/* Ends query. */
static void answer(ApiCall *call, ApiQuery *query)
{
    SqlRequest *request = &query->request;

    if (query->stmt->kind == AST_PRINT) {
        print_open(call, query->stmt, query->style);
        arena_free(query->mem);
    } else if (query->plan.kind == STMT_PULL_QUERY) {
        compile_and_answer(call, query);
        api_query_free(query);
    } else {
        stream_open(call, &request->session, &query->plan, request->sql, query->mem, query->style);
    }
}

static void query_job(ApiCall *call)
{
    ApiQuery *query = call->query;

    call->query = NULL;
    if (!query) {
        query = read_query(call);
        if (!query || !plan_query(call, query))
            return;
    }
    answer(call, query);
}

/* --- look-ups --------------------------------------------------------------------------------- */

/* A few keys of a table are found in less time than another thread takes to be woken. */
static bool is_quick(const ApiQuery *query)
{
    const PullPlan *pull = query->plan.pull;

    return query->stmt->kind != AST_PRINT && query->plan.kind == STMT_PULL_QUERY &&
           pull->kind == PULL_KEYS && pull->keys_len <= QUICK_KEYS_MAX && !pull->is_windowed &&
           !reads_own_writes(query);
}

/* A short request, on the thread of the socket; what may take longer is only planned here. */
static void query_at_once(ApiCall *call)
{
    PullCache   *cache = call->api->pull_cache;
    ApiQuery    *query = read_query(call);
    Catalog     *catalog;
    PullShape    shape;
    PreparedPull pull;
    bool         has_shape, is_found;

    if (!query)
        return;
    catalog = engine_catalog(call->api->engine);
    has_shape = pull_shape(&query->request.session, query->request.sql, &shape);
    is_found = has_shape && pull_cache_find(cache, catalog, &shape, &pull);
    catalog_unref(catalog);
    if (!is_found && !plan_query(call, query))
        return;
    if (!is_found && !is_quick(query)) {
        call->query = query;
        call_submit(call, call->api->pulls, query_job);
        return;
    }
    is_found =
        is_found || (has_shape && pull_cache_put(cache, &query->request.session, &shape,
                                                 query->stmt, &query->plan, query->mem, &pull));
    if (is_found)
        answer_pull(call, &query->request, &pull.prog, query->style);
    else
        answer(call, query);
}

void api_query(ApiCall *call)
{
    if (call->request.body.len <= QUICK_BYTES_MAX && !call->request.is_websocket)
        query_at_once(call);
    else
        call_submit(call, call->api->pulls, query_job);
}

void api_query_stream(ApiCall *call)
{
    if (call->request.http_major == 1 && call->request.http_minor == 0)
        call_refuse(call, 400, 40000, "/query-stream needs HTTP/1.1 or newer");
    else
        api_query(call);
}

void api_close_query(ApiCall *call)
{
    Json *json;
    Buf   body = {0};
    Str   id;
    Err   err;

    if (json_parse(call->mem, call->request.body, &json, &err) != ERR_OK) {
        call_refuse(call, 400, 40000, "Invalid JSON in request: %s", err.msg);
        return;
    }
    id = json_get_str(json, STR("queryId"), STR_NULL);
    if (!id.ptr)
        call_refuse(call, 400, 40000, "field \"queryId\" is missing");
    else if (!engine_push_terminate(call->api->engine, id))
        call_refuse(call, 400, 40000, "no query with id %.*s", STR_ARG(id));
    else
        call_respond(call, 200, content_json, &body);
}
