/*
 * shell.c -- text to statements, statements to requests, answers to the output.
 *
 * A request of several statements is one slice of the text, with its line breaks, and with as many
 * before it as the text has: so line and column in a server's error are those of the file.
 */
#include "cli/shell.h"

#include "cli/entity_print.h"
#include "cli/file.h"
#include "cli/interrupt.h"
#include "cli/json_pretty.h"
#include "cli/query_print.h"
#include "cli/statement.h"
#include "parser/lexer.h"

enum {
    BATCH_STATEMENTS_MAX = 1000,
    BATCH_BYTES_MAX = 512 << 10,
    SCRIPT_BYTES_MAX = 64 << 20,
    SCRIPT_DEPTH_MAX = 16
};

ShellResult shell_fail(Shell *shell, const Err *err, Str sql)
{
    Arena *mem = arena_new(0);

    output_error(&shell->output, err_render(mem, err, sql));
    arena_free(mem);
    return SHELL_FAILED;
}

/* What went wrong between here and the server. */
static ShellResult fail_request(Shell *shell, const Err *err)
{
    if (err->code == ERR_CANCELLED) {
        (void)interrupt_take();
        return SHELL_INTERRUPTED;
    }
    (void)shell_fail(shell, err, STR(""));
    return SHELL_UNREACHABLE;
}

/* --- /ksql ------------------------------------------------------------------------------------ */

static void note_sequence(Shell *shell, const Json *entity)
{
    int64_t sequence = json_get_i64(entity, STR("commandSequenceNumber"), -1);

    if (sequence > shell->session.sequence)
        shell->session.sequence = sequence;
}

/* False when one of them says that its statement failed. */
static bool show_entities(Shell *shell, Arena *mem, const Json *entities)
{
    Buf  text = buf_in(mem);
    bool ok = true;

    for (size_t i = 0; i < entities->len; i++) {
        const Json *entity = entities->u.items[i];

        note_sequence(shell, entity);
        if (entity_is_failure(entity)) {
            const Json *status = json_get(entity, STR("commandStatus"));

            ok = false;
            output_error(&shell->output, json_get_str(status, STR("message"), STR("failed")));
            continue;
        }
        if (shell->output.is_json)
            continue;
        buf_clear(&text);
        entity_print(mem, &text, entity, output_width_max());
        output_write(&shell->output, buf_view(&text));
    }
    if (shell->output.is_json && entities->len > 0) {
        buf_clear(&text);
        json_pretty(&text, entities);
        buf_put(&text, '\n');
        output_write(&shell->output, buf_view(&text));
    }
    return ok;
}

static ShellResult show_refusal(Shell *shell, Arena *mem, const Json *error, Str body)
{
    const Json *entities = json_get(error, STR("entities"));

    if (entities && entities->kind == JSON_ARRAY)
        (void)show_entities(shell, mem, entities);
    output_error(&shell->output, json_get_str(error, STR("message"), body));
    return SHELL_FAILED;
}

static ShellResult send_statements(Shell *shell, Arena *mem, Str sql)
{
    Buf     body = buf_in(mem), answer = buf_in(mem);
    int     status;
    Json   *json;
    Err     err;
    ErrCode rc;

    client_session_request(&shell->session, sql, &body);
    rc = client_ask(shell->client, "/ksql", buf_view(&body), &answer, &status, &err);
    if (rc != ERR_OK)
        return fail_request(shell, &err);
    if (json_parse(mem, buf_view(&answer), &json, &err) != ERR_OK) {
        output_error(&shell->output,
                     str_printf(mem, "the answer is no JSON, its status is %d: %.*s", status,
                                STR_ARG(str_trim(buf_view(&answer)))));
        return SHELL_FAILED;
    }
    if (status >= 400 || json->kind != JSON_ARRAY)
        return show_refusal(shell, mem, json, buf_view(&answer));
    return show_entities(shell, mem, json) ? SHELL_OK : SHELL_FAILED;
}

/* --- /query ----------------------------------------------------------------------------------- */

static bool take_query(void *arg, int status, Str bytes)
{
    return query_print_take(arg, status, bytes);
}

static void show_end(Shell *shell, const QueryPrint *query)
{
    bool has_failed = query->has_failed || query->error.len > 0;

    if (!shell->is_interactive || shell->output.is_json || has_failed)
        return;
    if (query->final_message.ptr)
        output_write(&shell->output, query->final_message);
    output_line(&shell->output, "%s%s", query->final_message.ptr ? "\n" : "",
                query->is_print ? "Topic printing ceased" : "Query terminated");
}

static ShellResult run_query(Shell *shell, Arena *mem, Str sql, bool is_print)
{
    Buf           body = buf_in(mem);
    QueryPrint    query;
    ClientRequest request = {.path = "/query",
                             .accept = "application/vnd.ksql.v1+json",
                             .timeout_ms = shell->timeout_ms,
                             .take = take_query,
                             .arg = &query};
    ShellResult   result = SHELL_OK;
    int           status;
    Err           err;
    ErrCode       rc;

    client_session_request(&shell->session, sql, &body);
    request.body = buf_view(&body);
    query_print_init(&query, &shell->output, is_print, shell->rows_max);
    rc = client_send(shell->client, &request, &status, &err);
    if (rc == ERR_CANCELLED && shell->is_interactive)
        output_write(&shell->output, STR("\n"));
    if (rc == ERR_OK || rc == ERR_CANCELLED)
        show_end(shell, &query);
    query_print_end(&query);
    if (rc != ERR_OK)
        result = fail_request(shell, &err);
    else if (query.has_failed)
        result = SHELL_FAILED;
    return result;
}

/* --- the session ------------------------------------------------------------------------------ */

static ShellResult set_property(Shell *shell, Arena *mem, Str sql, Str name, Str value)
{
    ShellResult result = send_statements(shell, mem, sql); /* the server knows whether it may be */

    if (result != SHELL_OK)
        return result;
    client_session_set(&shell->session, name, value);
    if (shell->is_interactive)
        output_line(&shell->output,
                    "Successfully changed local property '%.*s' to '%.*s'. "
                    "Use the UNSET command to revert your change.",
                    STR_ARG(name), STR_ARG(value));
    return SHELL_OK;
}

static ShellResult unset_property(Shell *shell, Str name)
{
    Str was = client_session_unset(&shell->session, name);
    Err err;

    if (!was.ptr) {
        (void)err_set(&err, ERR_STATEMENT, "property \"%.*s\" was not set", STR_ARG(name));
        return shell_fail(shell, &err, STR(""));
    }
    if (shell->is_interactive)
        output_line(&shell->output, "Successfully unset local property '%.*s' (value was '%.*s').",
                    STR_ARG(name), STR_ARG(was));
    return SHELL_OK;
}

static void show_variables(Shell *shell, Arena *mem)
{
    const Map      *map = &shell->session.variables;
    Str            *names = ARENA_ARRAY(mem, Str, map->live_len + 1);
    Str            *values = ARENA_ARRAY(mem, Str, map->live_len + 1);
    const MapEntry *entry;
    size_t          len = 0;
    Buf             text = buf_in(mem);

    for (size_t i = 0; (entry = map_next(map, &i)); len++) {
        names[len] = entry->key;
        values[len] = *(const Str *)entry->value;
    }
    if (shell->output.is_json) {
        buf_c(&text, "[");
        for (size_t i = 0; i < len; i++) {
            buf_c(&text, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
            json_put_string(&text, names[i]);
            buf_c(&text, ", \"value\": ");
            json_put_string(&text, values[i]);
            buf_put(&text, '}');
        }
        buf_c(&text, "\n]\n");
    } else {
        entity_print_variables(mem, &text, names, values, len, output_width_max());
    }
    output_write(&shell->output, buf_view(&text));
}

static ShellResult run_local(Shell *shell, Arena *mem, Str sql, const Statement *statement)
{
    Str name = client_session_substitute(&shell->session, mem, statement->name);
    Str value = client_session_substitute(&shell->session, mem, statement->value);

    switch (statement->kind) {
    case STATEMENT_SET:
        return set_property(shell, mem, sql, name, value);
    case STATEMENT_UNSET:
        return unset_property(shell, name);
    case STATEMENT_DEFINE:
        client_session_define(&shell->session, statement->name, value);
        return SHELL_OK;
    case STATEMENT_UNDEFINE:
        if (!client_session_undefine(&shell->session, statement->name).ptr)
            output_line(&shell->output, "WARNING: variable '%.*s' was not defined",
                        STR_ARG(statement->name));
        return SHELL_OK;
    case STATEMENT_SHOW_VARIABLES:
        show_variables(shell, mem);
        return SHELL_OK;
    default:
        return shell_run_file(shell, name);
    }
}

/* --- text ------------------------------------------------------------------------------------- */

/* Neighbours that go to /ksql together. */
typedef struct Batch {
    size_t begin, end; /* of the text */
    size_t statements;
} Batch;

/* A slice that begins at the line and column that it has in text. */
static Str placed(Arena *mem, Str text, size_t begin, size_t end)
{
    Buf    out = buf_in(mem);
    size_t line = begin;

    for (size_t i = 0; i < begin; i++) {
        if (text.ptr[i] == '\n')
            buf_put(&out, '\n');
    }
    while (line > 0 && text.ptr[line - 1] != '\n')
        line--;
    for (; line < begin; line++) {
        /* One space for each character, whatever its bytes. */
        if (((unsigned char)text.ptr[line] & 0xC0) != 0x80)
            buf_put(&out, ' ');
    }
    buf_str(&out, str_slice(text, begin, end));
    return buf_view(&out);
}

static ShellResult send_batch(Shell *shell, Str text, Batch *batch)
{
    Arena      *mem = arena_new(0);
    ShellResult result = SHELL_OK;

    if (batch->statements > 0)
        result = send_statements(shell, mem, placed(mem, text, batch->begin, batch->end));
    *batch = (Batch){0};
    arena_free(mem);
    return result;
}

static ShellResult run_statement(Shell *shell, Str text, size_t begin, size_t end, Batch *batch)
{
    Arena      *mem = arena_new(0);
    Str         sql = str_slice(text, begin, end);
    bool        is_read;
    ShellResult result = SHELL_OK;
    Statement   statement;
    Err         err;

    /* Its place costs the length of the text before it, which INSERTs by the thousand do not pay:
     * their batch does. */
    is_read = statement_read(mem, sql, &statement, &err) == ERR_OK;
    if (!is_read || statement.kind != STATEMENT_SERVER) {
        sql = placed(mem, text, begin, end);
        is_read = statement_read(mem, sql, &statement, &err) == ERR_OK;
    }
    if (!is_read) {
        result = shell_fail(shell, &err, sql);
    } else if (statement.kind == STATEMENT_SERVER) {
        batch->begin = batch->statements ? batch->begin : begin;
        batch->end = end;
        batch->statements++;
        if (batch->statements == BATCH_STATEMENTS_MAX ||
            batch->end - batch->begin > BATCH_BYTES_MAX)
            result = send_batch(shell, text, batch);
    } else {
        result = send_batch(shell, text, batch);
        if (result == SHELL_OK && statement.kind == STATEMENT_QUERY)
            result = run_query(shell, mem, sql, statement.is_print);
        else if (result == SHELL_OK)
            result = run_local(shell, mem, sql, &statement);
    }
    arena_free(mem);
    return result;
}

static bool is_blank(char c)
{
    return c && strchr(" \t\r\n\f\v", c);
}

static size_t skip_blank(Str text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    return at;
}

/* Behind the last character that is no blank. */
static SrcPos end_of(Str sql)
{
    SrcPos pos = {1, 1, 0, 1};

    while (sql.len > 0 && is_blank(sql.ptr[sql.len - 1]))
        sql.len--;
    for (size_t i = 0; i < sql.len; i++) {
        bool is_break = sql.ptr[i] == '\n';

        pos.line += is_break;
        if (is_break)
            pos.column = 1;
        else
            pos.column += ((unsigned char)sql.ptr[i] & 0xC0) != 0x80;
    }
    pos.offset = (uint32_t)sql.len;
    return pos;
}

/* What is left over, without its semicolon. */
static ShellResult refuse_rest(Shell *shell, Str text, size_t begin)
{
    Arena      *mem = arena_new(0);
    Str         sql = placed(mem, text, begin, text.len);
    ShellResult result = SHELL_FAILED;
    Statement   statement;
    Err         err;

    if (statement_read(mem, sql, &statement, &err) == ERR_OK) {
        (void)err_set_at(&err, ERR_SYNTAX, end_of(sql), "the last statement does not end");
        err_hint(&err, "end it with a semicolon");
    }
    (void)shell_fail(shell, &err, sql);
    arena_free(mem);
    return result;
}

ShellResult shell_run(Shell *shell, Str text)
{
    Batch       batch = {0};
    ShellResult result = SHELL_OK;
    size_t      at = 0;

    while (result == SHELL_OK) {
        size_t     begin = skip_blank(text, at);
        size_t     len;
        LexerSplit split = lexer_split(str_slice(text, begin, text.len), &len);

        if (split == LEXER_SPLIT_BLANK)
            return send_batch(shell, text, &batch);
        if (split != LEXER_SPLIT_FOUND) {
            result = send_batch(shell, text, &batch);
            return result == SHELL_OK ? refuse_rest(shell, text, begin) : result;
        }
        at = begin + len;
        result = run_statement(shell, text, begin, at, &batch);
        if (result == SHELL_OK && interrupt_take())
            result = SHELL_INTERRUPTED;
    }
    return result;
}

ShellResult shell_run_file(Shell *shell, Str path)
{
    Arena      *mem = arena_new(0);
    ShellResult result = SHELL_FAILED;
    int64_t     lines_before = shell->output.lines_before;
    Str         text;
    Err         err;

    if (shell->depth == SCRIPT_DEPTH_MAX) {
        (void)err_set(&err, ERR_LIMIT, "scripts run scripts more than %d deep", SCRIPT_DEPTH_MAX);
        (void)shell_fail(shell, &err, STR(""));
    } else if (file_read(mem, path, SCRIPT_BYTES_MAX, &text, &err) != ERR_OK) {
        (void)shell_fail(shell, &err, STR(""));
    } else {
        shell->depth++;
        shell->output.lines_before = 0;
        result = shell_run(shell, text);
        shell->output.lines_before = lines_before;
        shell->depth--;
    }
    arena_free(mem);
    return result;
}
