/*
 * doc_examples.c -- runs the examples of a page and compares what they show.
 *
 * Usage: doc_examples FILE.md...           fails where a page shows something else
 *        doc_examples --write FILE.md...   puts what was found into the pages
 *
 * A block of ```sql is executed, statement by statement, as the command weir would send it, on the
 * inline engine.  A block of ```text behind it is what its last statement shows: a table, the lines
 * of a PRINT, the text of a refusal.  Without one the statements only have to succeed.  Other
 * blocks are not looked at.  Each chapter (##) begins with a server that holds nothing, on a clock
 * that stands at CLOCK_MS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/client_session.h"
#include "cli/doc_reader.h"
#include "cli/entity_print.h"
#include "cli/file.h"
#include "cli/statement.h"
#include "cli/table_print.h"
#include "parser/lexer.h"
#include "server/harness.h"

#define CLOCK_MS 1772359200000 /* 2026-03-01T10:00:00Z */

enum { PAGE_BYTES_MAX = 4 << 20 };

typedef struct Page {
    Arena        *mem;
    Str           path, text;
    size_t        at; /* the next line begins here */
    uint32_t      line;
    Harness      *harness;
    ClientSession session;
    Buf           shown; /* by the last statement */
    bool          is_refused;
    Buf           rewritten;
    int64_t       now_ms;
    size_t        examples, wrong;
} Page;

static void complain(Page *page, uint32_t line, const char *what, Str text)
{
    fprintf(stderr, "%.*s:%u: %s\n%.*s\n", STR_ARG(page->path), line, what, STR_ARG(text));
    page->wrong++;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* What a request was answered so far; a push query goes on for ever and is closed after that. */
static Str ask(Page *page, const char *method, Str path, Str sql, int *status)
{
    ApiHeader    accept = {STR("accept"), STR("application/vnd.ksql.v1+json")};
    ApiRequest   request = {.method = str_from(method),
                            .path = path,
                            .headers = &accept,
                            .headers_len = 1,
                            .http_major = 1,
                            .http_minor = 1};
    Buf          body = buf_in(page->mem), answer = buf_in(page->mem);
    HarnessCall *call;
    Err          err;

    client_session_request(&page->session, sql, &body);
    request.body = buf_view(&body);
    *status = 0;
    call = harness_call_open(page->harness, &request);
    if (harness_until_idle(page->harness, &err) != ERR_OK)
        complain(page, page->line, "the engine failed", str_copy(page->mem, str_from(err.msg)));
    (void)harness_call_take(call, status, &answer);
    harness_call_close(call);
    if (harness_until_idle(page->harness, &err) != ERR_OK)
        complain(page, page->line, "the engine failed", str_copy(page->mem, str_from(err.msg)));
    return buf_view(&answer);
}

static void show_refusal(Page *page, Str answer)
{
    Json *json;
    Err   err;

    page->is_refused = true;
    if (json_parse(page->mem, answer, &json, &err) == ERR_OK)
        answer = json_get_str(json, STR("message"), answer);
    buf_str(&page->shown, answer);
}

static void run_statement(Page *page, Str sql)
{
    int   status;
    Str   answer = ask(page, "POST", STR("/ksql"), sql, &status);
    Json *json;
    Err   err;

    if (status >= 400 || json_parse(page->mem, answer, &json, &err) != ERR_OK) {
        show_refusal(page, answer);
        return;
    }
    for (size_t i = 0; i < json->len; i++) {
        if (entity_is_failure(json->u.items[i]))
            show_refusal(page, answer);
        else
            entity_print(page->mem, &page->shown, json->u.items[i], 0);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

static Str cell_of(Arena *mem, const Json *value, bool is_tombstone)
{
    Buf text = buf_in(mem);

    if (value->kind == JSON_NULL)
        return is_tombstone ? STR("<TOMBSTONE>") : STR("null");
    if (value->kind == JSON_STRING)
        return value->text;
    json_print(&text, value);
    return buf_view(&text);
}

/* One object of the answer: the header makes the table, rows fill it, an error ends it. */
static void take_doc(Page *page, const Json *doc, TableList *list, bool *has_list)
{
    const Json *header = json_get(doc, STR("header"));
    const Json *row = json_get(doc, STR("row"));
    const Json *error = json_get(doc, STR("errorMessage"));
    const Json *columns = row ? json_get(row, STR("columns")) : NULL;
    Str        *names;

    if (header) {
        size_t len =
            entity_schema_names(page->mem, json_get_str(header, STR("schema"), STR("")), &names);

        *list = table_list(page->mem, names, len, 0);
        *has_list = true;
    }
    for (size_t i = 0; columns && i < columns->len; i++) {
        table_list_cell(list, cell_of(page->mem, columns->u.items[i],
                                      json_get_bool(row, STR("tombstone"), false)));
    }
    if (error) {
        page->is_refused = true;
        buf_str(&page->shown, json_get_str(error, STR("message"), STR("")));
    }
}

static void run_select(Page *page, Str sql)
{
    int       status;
    Str       text, answer = ask(page, "POST", STR("/query"), sql, &status);
    DocReader docs = {0};
    TableList list = {0};
    bool      has_list = false;
    Json     *doc;
    Err       err;

    if (status >= 400) {
        show_refusal(page, answer);
        return;
    }
    doc_reader_feed(&docs, answer);
    while (doc_reader_next(&docs, &text)) {
        if (json_parse(page->mem, str_copy(page->mem, text), &doc, &err) == ERR_OK)
            take_doc(page, doc, &list, &has_list);
    }
    doc_reader_deinit(&docs);
    if (has_list)
        table_list_print(&page->shown, &list);
}

/* The lines of a PRINT; empty ones only show that the connection lives. */
static void run_print(Page *page, Str sql)
{
    int status;
    Str answer = ask(page, "POST", STR("/query"), sql, &status);

    if (status >= 400) {
        show_refusal(page, answer);
        return;
    }
    for (size_t i = 0; i < answer.len; i++) {
        bool is_blank = page->shown.len == 0 || page->shown.ptr[page->shown.len - 1] == '\n';

        if (answer.ptr[i] != '\n' || !is_blank)
            buf_put(&page->shown, answer.ptr[i]);
    }
}

/* --- statements ------------------------------------------------------------------------------- */

/* As the client does it: the server knows the names. */
static void set_property(Page *page, const Statement *statement)
{
    int status;
    Str path = str_printf(page->mem, "/is_valid_property/%.*s", STR_ARG(statement->name));
    Str answer = ask(page, "GET", path, STR(""), &status);

    if (status >= 400)
        show_refusal(page, answer);
    else
        client_session_set(&page->session, statement->name, statement->value);
}

static void show_variables(Page *page)
{
    const Map      *map = &page->session.variables;
    Str            *names = ARENA_ARRAY(page->mem, Str, map->live_len + 1);
    Str            *values = ARENA_ARRAY(page->mem, Str, map->live_len + 1);
    const MapEntry *entry;
    size_t          len = 0;

    for (size_t i = 0; (entry = map_next(map, &i)); len++) {
        names[len] = entry->key;
        values[len] = *(const Str *)entry->value;
    }
    entity_print_variables(page->mem, &page->shown, names, values, len, 0);
}

static void run_one(Page *page, Str sql)
{
    Statement statement;
    Err       err;

    buf_clear(&page->shown);
    page->now_ms += 1000;
    harness_set_time(page->harness, page->now_ms);
    if (statement_read(page->mem, sql, &statement, &err) != ERR_OK) {
        page->is_refused = true;
        buf_str(&page->shown, err_render(page->mem, &err, sql));
        return;
    }
    switch (statement.kind) {
    case STATEMENT_SET:
        set_property(page, &statement);
        break;
    case STATEMENT_UNSET:
        (void)client_session_unset(&page->session, statement.name);
        break;
    case STATEMENT_DEFINE:
        client_session_define(
            &page->session, statement.name,
            client_session_substitute(&page->session, page->mem, statement.value));
        break;
    case STATEMENT_UNDEFINE:
        (void)client_session_undefine(&page->session, statement.name);
        break;
    case STATEMENT_SHOW_VARIABLES:
        show_variables(page);
        break;
    case STATEMENT_QUERY:
        if (statement.is_print)
            run_print(page, sql);
        else
            run_select(page, sql);
        break;
    default:
        run_statement(page, sql);
        break;
    }
}

/* Stops at a refusal. */
static void run_block(Page *page, Str sql, uint32_t line)
{
    size_t len;

    page->is_refused = false;
    buf_clear(&page->shown);
    while (!page->is_refused) {
        LexerSplit split;

        sql = str_trim(sql);
        split = lexer_split(sql, &len);
        if (split == LEXER_SPLIT_BLANK)
            return;
        if (split != LEXER_SPLIT_FOUND) {
            complain(page, line, "the last statement does not end", sql);
            return;
        }
        run_one(page, str_copy(page->mem, str_slice(sql, 0, len)));
        sql = str_slice(sql, len, sql.len);
    }
}

/* --- the engine ------------------------------------------------------------------------------- */

static void close_engine(Page *page)
{
    Str id;
    Err err;

    if (harness_failed_query(page->harness, &id, &err))
        complain(page, page->line, "a query of the page failed", str_from(err.msg));
    harness_close(page->harness);
}

static void open_engine(Page *page)
{
    /* As a server has it, and not as tests of statements do. */
    HarnessProperty property = {STR("auto.offset.reset"), STR("latest")};
    Err             err;

    if (harness_open(&property, 1, &page->harness, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    page->now_ms = CLOCK_MS;
    client_session_init(&page->session, page->mem);
}

/* --- the page --------------------------------------------------------------------------------- */

/* The next line without its end; false behind the last. */
static bool next_line(Page *page, Str *out)
{
    ptrdiff_t end = str_find(page->text, STR("\n"), page->at);

    if (page->at >= page->text.len)
        return false;
    *out = str_slice(page->text, page->at, end < 0 ? page->text.len : (size_t)end);
    page->at = end < 0 ? page->text.len : (size_t)end + 1;
    page->line++;
    return true;
}

static void copy_line(Page *page, Str line)
{
    buf_str(&page->rewritten, line);
    buf_put(&page->rewritten, '\n');
}

/* Up to the fence that ends the block. */
static Str read_block(Page *page)
{
    size_t begin = page->at, end = begin;
    Str    line;

    while (next_line(page, &line) && !str_eq(line, STR("```")))
        end = page->at;
    return str_slice(page->text, begin, end);
}

static bool is_text_next(const Page *page)
{
    Str rest = str_trim(str_slice(page->text, page->at, page->text.len));

    return str_starts(rest, STR("```text\n"));
}

/* Without spaces at the ends of lines and without empty lines around. */
static Str tidy(Arena *mem, Str text)
{
    Buf out = buf_in(mem);

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            while (out.len > 0 && out.ptr[out.len - 1] == ' ')
                out.len--;
        }
        if (out.len > 0 || text.ptr[i] != '\n')
            buf_put(&out, text.ptr[i]);
    }
    while (out.len > 0 && (out.ptr[out.len - 1] == ' ' || out.ptr[out.len - 1] == '\n'))
        out.len--;
    return buf_view(&out);
}

/* What the block in front of it showed. */
static void text_block(Page *page)
{
    Str      shown = tidy(page->mem, buf_view(&page->shown));
    uint32_t line;
    Str      text;

    while (next_line(page, &text) && !str_starts(text, STR("```")))
        copy_line(page, text);
    copy_line(page, text);
    line = page->line;
    text = tidy(page->mem, read_block(page));
    if (!str_eq(text, shown)) {
        complain(page, line, "the page shows", text);
        fprintf(stderr, "and this was found:\n%.*s\n", STR_ARG(shown));
    }
    copy_line(page, shown);
    copy_line(page, STR("```"));
}

static void sql_block(Page *page)
{
    uint32_t line = page->line;
    Str      sql = read_block(page);

    buf_str(&page->rewritten, sql);
    copy_line(page, STR("```"));
    page->examples++;
    run_block(page, sql, line);
    if (is_text_next(page))
        text_block(page);
    else if (page->is_refused)
        complain(page, line, "the example is refused", buf_view(&page->shown));
}

static void run_page(Page *page)
{
    Str line;

    open_engine(page);
    while (next_line(page, &line)) {
        copy_line(page, line);
        if (str_eq(line, STR("```sql"))) {
            sql_block(page);
        } else if (str_starts(line, STR("```"))) {
            buf_str(&page->rewritten, read_block(page));
            copy_line(page, STR("```"));
        }
    }
    close_engine(page);
}

static bool write_page(const Page *page)
{
    FILE *file = fopen(str_to_c(page->mem, page->path), "w");
    bool  ok =
        file && fwrite(page->rewritten.ptr, 1, page->rewritten.len, file) == page->rewritten.len;

    return file && fclose(file) == 0 && ok;
}

/* The number of examples that were wrong; all of them were written down when is_writing. */
static size_t check_page(const char *path, bool is_writing)
{
    Arena *mem = arena_new(0);
    Page   page = {
          .mem = mem, .path = str_from(path), .shown = buf_in(mem), .rewritten = buf_in(mem)};
    size_t wrong;
    Err    err;

    if (file_read(mem, page.path, PAGE_BYTES_MAX, &page.text, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.msg);
        arena_free(mem);
        return 1;
    }
    run_page(&page);
    wrong = page.wrong;
    if (is_writing && !write_page(&page))
        fprintf(stderr, "could not write %s\n", path);
    printf("%s: %zu examples, %zu wrong\n", path, page.examples, wrong);
    arena_free(mem);
    return wrong;
}

int main(int argc, char **argv)
{
    bool   is_writing = argc > 1 && strcmp(argv[1], "--write") == 0;
    size_t wrong = 0;

    for (int i = is_writing ? 2 : 1; i < argc; i++)
        wrong += check_page(argv[i], is_writing);
    return wrong == 0 ? 0 : 1;
}
