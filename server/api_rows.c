/*
 * api_rows.c -- how rows, their header and their end are written in each style.
 *
 *   v1          [{"header":{...}},\n {"row":{"columns":[...]}},\n ..., {"finalMessage":"..."}]
 *   delimited   {"queryId":...,"columnNames":[...],"columnTypes":[...]}\n [1,"a"]\n ...
 *   array       [{"queryId":...},\n [1,"a"],\n ...]
 *   websocket   [{"name":...,"schema":...}] then {"row":{"columns":[...]}}, one message each
 *
 * Each call writes exactly one frame.
 */
#include "server/api_internal.h"

#include "exec/format.h"

const char *row_content_type(RowStyle style)
{
    switch (style) {
    case ROWS_DELIMITED:
        return content_delimited;
    case ROWS_ARRAY:
        return content_json;
    case ROWS_V1:
    case ROWS_WEBSOCKET:
        break;
    }
    return content_v1;
}

/* Only pull queries say what a column is. */
static void write_schema_text(const RowWriter *writer, Buf *out)
{
    Buf text = {0};

    schema_print(&text, writer->schema, writer->is_pull);
    json_put_string(out, buf_view(&text));
    buf_deinit(&text);
}

static void write_metadata(const RowWriter *writer, Buf *out)
{
    JsonWriter w = json_writer(out);
    Arena     *mem = arena_new(0);

    jw_open(&w, '{');
    jw_field_str(&w, "queryId", writer->query_id);
    jw_key(&w, "columnNames");
    jw_open(&w, '[');
    for (uint32_t i = 0; i < writer->schema->len; i++)
        jw_str(&w, writer->schema->cols[i].name);
    jw_close(&w, ']');
    jw_key(&w, "columnTypes");
    jw_open(&w, '[');
    for (uint32_t i = 0; i < writer->schema->len; i++)
        jw_str(&w, type_text(mem, writer->schema->cols[i].type));
    jw_close(&w, ']');
    jw_close(&w, '}');
    arena_free(mem);
}

void row_begin(const RowWriter *writer, Buf *out)
{
    JsonWriter w = json_writer(out);

    switch (writer->style) {
    case ROWS_V1:
        buf_c(out, "[{\"header\":{\"queryId\":");
        json_put_string(out, writer->query_id);
        buf_c(out, ",\"schema\":");
        write_schema_text(writer, out);
        buf_c(out, "}}");
        break;
    case ROWS_DELIMITED:
        write_metadata(writer, out);
        buf_put(out, '\n');
        break;
    case ROWS_ARRAY:
        buf_put(out, '[');
        write_metadata(writer, out);
        break;
    case ROWS_WEBSOCKET:
        entity_fields(&w, writer->schema);
        break;
    }
}

static void write_cols(const RowWriter *writer, Buf *out, const Value *cols)
{
    buf_put(out, '[');
    for (uint32_t i = 0; i < writer->schema->len; i++) {
        if (i)
            buf_put(out, ',');
        format_rest_value(out, cols[i], writer->schema->cols[i].type);
    }
    buf_put(out, ']');
}

void row_write(const RowWriter *writer, Buf *out, const Value *cols, bool is_tombstone)
{
    switch (writer->style) {
    case ROWS_V1:
        buf_c(out, ",\n{\"row\":{\"columns\":");
        write_cols(writer, out, cols);
        buf_c(out, is_tombstone ? ",\"tombstone\":true}}" : "}}");
        break;
    case ROWS_DELIMITED:
        if (is_tombstone)
            break;
        write_cols(writer, out, cols);
        buf_put(out, '\n');
        break;
    case ROWS_ARRAY:
        if (is_tombstone)
            break;
        buf_c(out, ",\n");
        write_cols(writer, out, cols);
        break;
    case ROWS_WEBSOCKET:
        if (is_tombstone)
            break;
        buf_c(out, "{\"row\":{\"columns\":");
        write_cols(writer, out, cols);
        buf_c(out, "}}");
        break;
    }
}

void row_finish(const RowWriter *writer, Buf *out, const char *message)
{
    switch (writer->style) {
    case ROWS_V1:
        if (message)
            buf_printf(out, ",\n{\"finalMessage\":\"%s\"}", message);
        buf_c(out, "]\n");
        break;
    case ROWS_ARRAY:
        buf_c(out, "]\n");
        break;
    case ROWS_DELIMITED:
    case ROWS_WEBSOCKET:
        break;
    }
}

/* Once streaming has begun the status stays 200 and the error comes in-band, with code 50000, or
 * that of a limit. */
void row_error(const RowWriter *writer, Buf *out, const Err *err)
{
    JsonWriter w = json_writer(out);

    if (writer->style == ROWS_WEBSOCKET) {
        jw_open(&w, '{');
        jw_field_c(&w, "error", err->msg);
        jw_close(&w, '}');
        return;
    }
    if (writer->style != ROWS_DELIMITED)
        buf_c(out, ",\n");
    if (writer->style == ROWS_V1)
        buf_c(out, "{\"errorMessage\":");
    jw_open(&w, '{');
    jw_field_c(&w, "@type", "generic_error");
    jw_field_i64(&w, "error_code", err->code == ERR_BUSY ? 42900 : 50000);
    jw_field_c(&w, "message", err->msg);
    jw_close(&w, '}');
    if (writer->style == ROWS_V1)
        buf_c(out, "}]\n");
    else
        buf_c(out, writer->style == ROWS_ARRAY ? "]\n" : "\n");
}
