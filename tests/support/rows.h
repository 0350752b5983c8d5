/*
 * rows.h -- batches as text, for input and expectation alike.
 *
 *     + 1 'a' @10              a row: columns in the order of the schema, then its timestamp
 *     U 1 'b' < 1 'a' @20      a table's row with the one that it replaces
 *     - 1 'b' @30              a deletion of the row with these columns
 *     - 1 @30                  a deletion of a key whose row nobody knows
 *     x 1 'b' @30              an old row that only leaves its group (ROW_OLD_ONLY)
 *     0 1 @40                  an event without value: its key only
 *
 * Columns: numbers, 'text', true, false, null.  A key window stands behind them: [0,1000).
 */
#ifndef TESTS_SUPPORT_ROWS_H
#define TESTS_SUPPORT_ROWS_H

#include <inttypes.h>
#include <stdlib.h>

#include "exec/batch.h"
#include "planner/schema.h"
#include "tests/support/arena_group.h"

static inline Value rows_value(const char **at, const Type *type, Arena *mem)
{
    const char *p = *at;
    Value       v = value_null();
    char       *end;

    if (*p == '\'') {
        const char *close = strchr(p + 1, '\'');

        v = value_str(str_copy(mem, (Str){p + 1, (size_t)(close - p - 1)}));
        *at = close + 1;
        return v;
    }
    *at = p + strcspn(p, " \n");
    if (strncmp(p, "null", 4) == 0)
        return v;
    if (type->kind == T_BOOLEAN)
        return value_bool(*p == 't');
    if (type->kind == T_DOUBLE)
        return value_double(strtod(p, &end));
    v = (Value){.kind = (uint8_t)type->kind, .u.i = strtoll(p, &end, 10)};
    return v;
}

/* Reads columns up to '@', '<', '[' or the end; returns how many there were. */
static inline uint32_t rows_cols(const char **at, const Schema *schema, Value *cols, Arena *mem)
{
    uint32_t len = 0;

    for (;;) {
        while (**at == ' ')
            (*at)++;
        if (!**at || strchr("@<[\n", **at))
            return len;
        assert_true(len < schema->len);
        cols[len] = rows_value(at, schema->cols[len].type, mem);
        len++;
    }
}

static inline void rows_parse_row(const char **at, const Schema *schema, Row *row, Arena *mem)
{
    char     sign = *(*at)++;
    Value   *cols = ARENA_ARRAY(mem, Value, schema->len);
    Value   *old = ARENA_ARRAY(mem, Value, schema->len);
    uint32_t len = rows_cols(at, schema, cols, mem);
    char    *end;

    *row = (Row){.cols = cols};
    if (**at == '<') {
        (*at)++;
        rows_cols(at, schema, old, mem);
        row->old = old;
    }
    if (**at == '[') {
        row->window_start = strtoll(*at + 1, &end, 10);
        row->window_end = strtoll(end + 1, &end, 10);
        *at = end + 1;
        while (**at == ' ')
            (*at)++;
    }
    if (**at == '@') {
        row->ts = strtoll(*at + 1, &end, 10);
        *at = end;
    }
    if (sign == '-') {
        row->flags = ROW_VALUE_NULL;
        row->old = len > schema->key_len ? cols : NULL;
        row->cols = ARENA_ARRAY(mem, Value, schema->len);
        memcpy(row->cols, cols, sizeof(Value) * schema->key_len);
    } else if (sign == '0') {
        row->flags = ROW_VALUE_NULL;
    } else if (sign == 'x') {
        row->flags = ROW_OLD_ONLY;
        row->old = cols;
    }
    while (**at == ' ' || **at == '\n')
        (*at)++;
}

/* One row per line; offsets count up from 0. */
static inline Batch rows(const char *text, const Schema *schema, Arena *mem)
{
    Batch batch;

    batch_init(&batch, mem, BATCH_ROWS_MAX);
    while (*text == ' ' || *text == '\n')
        text++;
    while (*text) {
        Row *row = &batch.rows[batch.len];

        rows_parse_row(&text, schema, row, mem);
        row->offset = batch.len++;
    }
    return batch;
}

static inline void rows_print_cols(Buf *out, const Value *cols, uint32_t len, const Schema *schema)
{
    for (uint32_t i = 0; i < len; i++) {
        if (value_is_null(cols[i]))
            buf_c(out, " null");
        else if (cols[i].kind == T_STRING)
            buf_printf(out, " '%.*s'", STR_ARG(value_as_str(cols[i])));
        else {
            buf_put(out, ' ');
            value_print(out, cols[i], schema->cols[i].type);
        }
    }
}

static inline void rows_print_row(Buf *out, const Row *row, const Schema *schema)
{
    if (row->flags & ROW_OLD_ONLY) {
        buf_put(out, 'x');
        rows_print_cols(out, row->cols, schema->len, schema);
    } else if (row->flags & ROW_VALUE_NULL) {
        buf_put(out, '-');
        rows_print_cols(out, row->old ? row->old : row->cols,
                        row->old ? schema->len : schema->key_len, schema);
    } else {
        buf_put(out, row->old ? 'U' : '+');
        rows_print_cols(out, row->cols, schema->len, schema);
        if (row->old) {
            buf_c(out, " <");
            rows_print_cols(out, row->old, schema->len, schema);
        }
    }
    if (row->window_end > 0)
        buf_printf(out, " [%" PRId64 ",%" PRId64 ")", row->window_start, row->window_end);
    buf_printf(out, " @%" PRId64 "\n", row->ts);
}

static inline void rows_print(Buf *out, const Batch *batch, const Schema *schema)
{
    for (uint32_t i = 0; i < batch->len; i++)
        rows_print_row(out, &batch->rows[i], schema);
}

#endif
