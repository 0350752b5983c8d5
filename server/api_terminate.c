/*
 * api_terminate.c -- POST /ksql/terminate: the end of everything that statements have made.
 *
 *   1. all queries stop
 *   2. every source is dropped, readers before what they read; the topic of a CREATE ... AS goes
 *      too when its name matches a pattern of deleteTopicList
 *   3. every type is dropped
 *
 * These are ordinary statements of the command log, so a restart finds the same empty catalog.
 * Until then all other endpoints refuse.
 */
#include "server/api_internal.h"

#include "exec/functions/java_regex.h"
#include "parser/ast_print.h"
#include "parser/parser.h"

typedef struct Terminate {
    ApiCall   *call;
    Session    session;
    Str       *patterns; /* of topics to delete */
    size_t     patterns_len;
    JavaRegex *regex;
    int64_t    sequence; /* of the last command */
} Terminate;

static ErrCode read_patterns(Terminate *run, Err *err)
{
    Arena      *mem = run->call->mem;
    Str         body = run->call->request.body;
    const Json *list;
    Json       *json;

    if (str_trim(body).len == 0)
        return ERR_OK;
    if (json_parse(mem, body, &json, err) != ERR_OK) {
        err_wrap(err, "Invalid JSON in request");
        err->pos = (SrcPos){0};
        return err->code;
    }
    list = json->kind == JSON_OBJECT ? json_get(json, STR("deleteTopicList")) : NULL;
    if (!list || list->kind == JSON_NULL)
        return ERR_OK;
    if (list->kind != JSON_ARRAY)
        return err_set(err, ERR_REQUEST, "deleteTopicList must be an array of patterns");
    run->patterns = ARENA_ARRAY(mem, Str, list->len);
    for (size_t i = 0; i < list->len; i++) {
        Str pattern = list->u.items[i]->text;

        if (list->u.items[i]->kind != JSON_STRING ||
            java_regex_use(run->regex, pattern, err) != ERR_OK)
            return err_set(err, ERR_REQUEST, "Invalid pattern: %.*s", STR_ARG(pattern));
        run->patterns[run->patterns_len++] = pattern;
    }
    return ERR_OK;
}

/* Whether a pattern matches all of the topic's name. */
static ErrCode is_listed(Terminate *run, Str topic, bool *out, Err *err)
{
    *out = false;
    for (size_t i = 0; i < run->patterns_len && !*out; i++) {
        Str  whole = str_printf(run->call->mem, "^(?:%.*s)$", STR_ARG(run->patterns[i]));
        bool found;

        TRY(java_regex_use(run->regex, whole, err));
        TRY(java_regex_find(run->regex, topic, 0, &found, err));
        *out = found;
    }
    return ERR_OK;
}

static ErrCode execute(Terminate *run, Str sql, Err *err)
{
    Arena        *mem = run->call->mem;
    AstStmtList   stmts;
    CommandResult result;

    TRY(parser_parse(mem, sql, (ParserOpts){NULL}, &stmts, err));
    TRY(engine_execute(run->call->api->engine, &run->session, stmts.items[0], mem, &result, err));
    run->sequence = result.sequence;
    return ERR_OK;
}

/* "DROP STREAM `name`" */
static ErrCode execute_drop(Terminate *run, const char *kind, Str name, const char *option,
                            Err *err)
{
    Buf sql = buf_in(run->call->mem);

    buf_printf(&sql, "DROP %s ", kind);
    ast_print_name(&sql, name);
    buf_printf(&sql, "%s;", option);
    return execute(run, buf_view(&sql), err);
}

static ErrCode drop(Terminate *run, const Source *source, Err *err)
{
    bool deletes = false;

    if (source->created_by.ptr)
        TRY(is_listed(run, source->topic, &deletes, err));
    return execute_drop(run, source->is_table ? "TABLE" : "STREAM", source->name,
                        deletes ? " DELETE TOPIC" : "", err);
}

/* Drops what nothing else reads, again and again; the last refusal when nothing more can go. */
static ErrCode drop_sources(Terminate *run, Err *err)
{
    Engine *engine = run->call->api->engine;
    bool    has_progress = true;
    ErrCode rc = ERR_OK;

    while (has_progress) {
        Catalog *catalog = engine_catalog(engine);

        has_progress = false;
        rc = ERR_OK;
        for (size_t i = 0; i < catalog_sources_len(catalog); i++) {
            const Source *source = catalog_source_at(catalog, i);

            if (source->is_internal)
                continue;
            if (drop(run, source, err) == ERR_OK)
                has_progress = true;
            else
                rc = err->code;
        }
        catalog_unref(catalog);
    }
    return rc;
}

static ErrCode drop_types(Terminate *run, Err *err)
{
    Catalog *catalog = engine_catalog(run->call->api->engine);
    ErrCode  rc = ERR_OK;

    for (size_t i = 0; i < catalog_types_len(catalog) && rc == ERR_OK; i++)
        rc = execute_drop(run, "TYPE", catalog_type_at(catalog, i)->name, "", err);
    catalog_unref(catalog);
    return rc;
}

static void end_push_queries(const Terminate *run)
{
    PushInfo *pushes;
    size_t    len;

    engine_push_list(run->call->api->engine, run->call->mem, &pushes, &len);
    for (size_t i = 0; i < len; i++)
        (void)engine_push_terminate(run->call->api->engine, pushes[i].id);
}

static ErrCode terminate_all(Terminate *run, Err *err)
{
    if (!properties_bool(engine_properties(run->call->api->engine), "weir.ddl.over.rest"))
        return err_set(err, ERR_REQUEST,
                       "statements are not allowed over REST on this server: weir.ddl.over.rest "
                       "is false");
    TRY(read_patterns(run, err));
    end_push_queries(run);
    TRY(execute(run, STR("TERMINATE ALL;"), err));
    TRY(drop_sources(run, err));
    return drop_types(run, err);
}

static void respond(const Terminate *run)
{
    Buf        body = {0};
    JsonWriter w = json_writer(&body);

    jw_open(&w, '[');
    entity_begin(&w, "currentStatus", STR("TERMINATE CLUSTER;"));
    jw_field_c(&w, "commandId", "cluster/TerminateCluster/terminate");
    jw_key(&w, "commandStatus");
    jw_open(&w, '{');
    jw_field_c(&w, "status", "SUCCESS");
    jw_field_c(&w, "message", "Cluster terminated.");
    jw_field_str(&w, "queryId", STR_NULL);
    jw_close(&w, '}');
    jw_field_i64(&w, "commandSequenceNumber", run->sequence);
    entity_end(&w);
    jw_close(&w, ']');
    call_respond(run->call, 200, content_json, &body);
}

static void terminate_job(ApiCall *call)
{
    Terminate run = {.call = call, .regex = java_regex_new(call->mem), .sequence = -1};
    Err       err;

    session_init(&run.session, call->mem, call->api->engine);
    if (terminate_all(&run, &err) == ERR_OK) {
        __atomic_store_n(&call->api->is_terminated, true, __ATOMIC_RELEASE);
        respond(&run);
    } else {
        call_fail(call, &err, STR_NULL);
    }
    java_regex_close(run.regex);
}

void api_terminate(ApiCall *call)
{
    call_submit(call, call->api->statements, terminate_job);
}
