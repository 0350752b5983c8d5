/*
 * query_print.c -- header, rows, final message.
 */
#include "cli/query_print.h"

#include "cli/entity_print.h"
#include "cli/json_pretty.h"

void query_print_init(QueryPrint *query, Output *output, bool is_print, int64_t rows_max)
{
    *query = (QueryPrint){.output = output, .is_print = is_print, .rows_max = rows_max};
    query->mem = arena_new(0);
    query->doc_mem = arena_new(0);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void begin_table(QueryPrint *query, size_t columns)
{
    query->box = table_box(columns, output_columns(), (size_t)query->output->column_width,
                           query->output->is_clipped);
}

static void print_header(QueryPrint *query, const Json *header)
{
    Str   *names;
    size_t len =
        entity_schema_names(query->doc_mem, json_get_str(header, STR("schema"), STR("")), &names);

    if (len == 0)
        return;
    begin_table(query, len);
    query->has_header = true;
    table_box_header(&query->text, &query->box, names);
}

static Str cell_of(QueryPrint *query, const Json *value, bool is_tombstone)
{
    Buf text = buf_in(query->doc_mem);

    if (value->kind == JSON_NULL)
        return is_tombstone ? STR("<TOMBSTONE>") : STR("null");
    if (value->kind == JSON_STRING)
        return value->text;
    json_print(&text, value);
    return buf_view(&text);
}

static void print_row(QueryPrint *query, const Json *row)
{
    const Json *columns = json_get(row, STR("columns"));
    bool        is_tombstone = json_get_bool(row, STR("tombstone"), false);
    Str        *cells;

    if (!columns || columns->kind != JSON_ARRAY || columns->len == 0)
        return;
    if (!query->has_header || query->box.columns != columns->len)
        begin_table(query, columns->len);
    cells = ARENA_ARRAY(query->doc_mem, Str, columns->len);
    for (size_t i = 0; i < columns->len; i++)
        cells[i] = cell_of(query, columns->u.items[i], is_tombstone);
    table_box_row(&query->text, &query->box, cells);
}

/* --- documents -------------------------------------------------------------------------------- */

static void print_error(QueryPrint *query, const Json *error)
{
    output_write(query->output, buf_view(&query->text));
    buf_clear(&query->text);
    query->has_failed = true;
    output_error(query->output, json_get_str(error, STR("message"), STR("unknown error")));
}

static void print_doc(QueryPrint *query, const Json *doc)
{
    const Json *header = json_get(doc, STR("header"));
    const Json *row = json_get(doc, STR("row"));
    const Json *error = json_get(doc, STR("errorMessage"));

    query->rows += row != NULL;
    if (error) {
        print_error(query, error);
    } else if (query->output->is_json) {
        json_pretty(&query->text, doc);
        buf_put(&query->text, '\n');
    } else if (header) {
        print_header(query, header);
    } else if (row) {
        print_row(query, row);
    } else {
        query->final_message =
            str_copy(query->mem, json_get_str(doc, STR("finalMessage"), STR_NULL));
    }
}

static bool is_enough(const QueryPrint *query)
{
    return query->rows_max > 0 && query->rows >= query->rows_max;
}

static void take_docs(QueryPrint *query)
{
    Str text;

    while (!is_enough(query) && doc_reader_next(&query->docs, &text)) {
        Json *doc;
        Err   err;

        arena_reset(query->doc_mem);
        if (json_parse(query->doc_mem, text, &doc, &err) == ERR_OK) {
            print_doc(query, doc);
        } else {
            query->has_failed = true;
            output_error(query->output, str_from(err.msg));
        }
    }
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\n') || c == 0x7f;
}

/* PRINT sends lines; empty ones only show that the connection lives.  Bytes of a key that is no
 * text must not reach the terminal. */
static void take_lines(QueryPrint *query, Str bytes)
{
    for (size_t i = 0; i < bytes.len && !is_enough(query); i++) {
        bool is_end = bytes.ptr[i] == '\n';
        bool is_at_begin =
            query->text.len ? query->text.ptr[query->text.len - 1] == '\n' : !query->has_header;

        if (is_end && is_at_begin)
            continue;
        buf_put(&query->text, is_control(bytes.ptr[i]) ? ' ' : bytes.ptr[i]);
        query->has_header = !is_end; /* inside of a line */
        query->rows += is_end;
    }
}

bool query_print_take(QueryPrint *query, int status, Str bytes)
{
    if (status >= 400) {
        buf_str(&query->error, bytes);
        return true;
    }
    if (query->is_print) {
        take_lines(query, bytes);
    } else {
        doc_reader_feed(&query->docs, bytes);
        take_docs(query);
    }
    if (query->text.len > 0)
        output_write(query->output, buf_view(&query->text));
    buf_clear(&query->text);
    return !is_enough(query);
}

void query_print_end(QueryPrint *query)
{
    Json *error;
    Err   err;

    if (query->error.len > 0) {
        query->has_failed = true;
        arena_reset(query->doc_mem);
        if (json_parse(query->doc_mem, buf_view(&query->error), &error, &err) == ERR_OK)
            output_error(query->output,
                         json_get_str(error, STR("message"), buf_view(&query->error)));
        else
            output_error(query->output, str_trim(buf_view(&query->error)));
    }
    doc_reader_deinit(&query->docs);
    buf_deinit(&query->text);
    buf_deinit(&query->error);
    arena_free(query->doc_mem);
    arena_free(query->mem);
}
