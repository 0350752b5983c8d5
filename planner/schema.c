/*
 * schema.c -- columns, formats, windows: their names and their text.
 *
 * The tables below are indexed by the enums of schema.h and are the only place where these words
 * are spelled.
 */
#include "planner/schema.h"

static const char *const format_names[] = {
    [FORMAT_NONE] = "NONE",           [FORMAT_KAFKA] = "KAFKA",
    [FORMAT_DELIMITED] = "DELIMITED", [FORMAT_JSON] = "JSON",
    [FORMAT_JSON_SR] = "JSON_SR",     [FORMAT_AVRO] = "AVRO",
    [FORMAT_PROTOBUF] = "PROTOBUF",   [FORMAT_PROTOBUF_NOSR] = "PROTOBUF_NOSR",
};
_Static_assert(sizeof format_names / sizeof format_names[0] == FORMAT_COUNT_, "a name per format");

static const char *const window_names[] = {
    [WINDOW_NONE] = "NONE",
    [WINDOW_TUMBLING] = "TUMBLING",
    [WINDOW_HOPPING] = "HOPPING",
    [WINDOW_SESSION] = "SESSION",
};

static const struct {
    const char *name;
    const Type *type;
} pseudo_columns[] = {
    [PSEUDO_ROWTIME] = {"ROWTIME", &type_bigint},
    [PSEUDO_ROWPARTITION] = {"ROWPARTITION", &type_int},
    [PSEUDO_ROWOFFSET] = {"ROWOFFSET", &type_bigint},
    [PSEUDO_WINDOWSTART] = {"WINDOWSTART", &type_bigint},
    [PSEUDO_WINDOWEND] = {"WINDOWEND", &type_bigint},
};
_Static_assert(sizeof pseudo_columns / sizeof pseudo_columns[0] == PSEUDO_COUNT_,
               "a row per pseudo column");

const char *format_kind_name(FormatKind kind)
{
    return format_names[kind];
}

bool format_kind_parse(Str name, FormatKind *out)
{
    for (int i = 0; i < FORMAT_COUNT_; i++) {
        if (str_eq_nocase(name, str_from(format_names[i]))) {
            *out = (FormatKind)i;
            return true;
        }
    }
    return false;
}

bool format_same_bytes(const FormatSpec *a, const FormatSpec *b)
{
    return a->kind == b->kind && a->delimiter == b->delimiter;
}

const char *window_kind_name(WindowKind kind)
{
    return window_names[kind];
}

const char *pseudo_column_name(PseudoColumn pseudo)
{
    return pseudo_columns[pseudo].name;
}

const Type *pseudo_column_type(PseudoColumn pseudo)
{
    return pseudo_columns[pseudo].type;
}

bool pseudo_column_find(Str name, PseudoColumn *out)
{
    for (int i = 0; i < PSEUDO_COUNT_; i++) {
        if (str_eq(name, str_from(pseudo_columns[i].name))) {
            *out = (PseudoColumn)i;
            return true;
        }
    }
    return false;
}

int schema_find(const Schema *schema, Str name)
{
    for (uint32_t i = 0; i < schema->len; i++) {
        if (str_eq(schema->cols[i].name, name))
            return (int)i;
    }
    return -1;
}

void name_print(Buf *out, Str name)
{
    buf_put(out, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`')
            buf_put(out, '`');
        buf_put(out, name.ptr[i]);
    }
    buf_put(out, '`');
}

static void column_mark(Buf *out, const Column *column)
{
    switch (column->role) {
    case COLUMN_KEY:
        buf_c(out, " KEY");
        break;
    case COLUMN_HEADERS:
        buf_c(out, " HEADERS");
        break;
    case COLUMN_HEADER:
        buf_c(out, " HEADER(");
        value_print_sql(out, value_str(column->header), &type_string);
        buf_put(out, ')');
        break;
    case COLUMN_VALUE:
        break;
    }
}

void column_print(Buf *out, const Column *column, bool is_marked)
{
    name_print(out, column->name);
    buf_put(out, ' ');
    type_print(out, column->type);
    if (is_marked)
        column_mark(out, column);
}

void schema_print(Buf *out, const Schema *schema, bool is_marked)
{
    for (uint32_t i = 0; i < schema->len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        column_print(out, &schema->cols[i], is_marked);
    }
}

Column column_copy(Arena *arena, const Column *column)
{
    return (Column){.name = str_copy(arena, column->name),
                    .type = type_copy(arena, column->type),
                    .role = column->role,
                    .header = column->header.ptr ? str_copy(arena, column->header) : STR_NULL};
}

const Schema *schema_copy(Arena *arena, const Schema *schema)
{
    Schema *copy = ARENA_NEW(arena, Schema);
    Column *cols = ARENA_ARRAY(arena, Column, schema->len);

    for (uint32_t i = 0; i < schema->len; i++)
        cols[i] = column_copy(arena, &schema->cols[i]);
    *copy = (Schema){.cols = cols, .len = schema->len, .key_len = schema->key_len};
    return copy;
}

bool column_eq(const Column *a, const Column *b)
{
    return str_eq(a->name, b->name) && type_eq(a->type, b->type) && a->role == b->role &&
           str_eq(a->header, b->header);
}

bool schema_eq(const Schema *a, const Schema *b)
{
    if (a->len != b->len || a->key_len != b->key_len)
        return false;
    for (uint32_t i = 0; i < a->len; i++) {
        if (!column_eq(&a->cols[i], &b->cols[i]))
            return false;
    }
    return true;
}

bool schema_has_headers(const Schema *schema)
{
    for (uint32_t i = 0; i < schema->len; i++) {
        if (schema->cols[i].role == COLUMN_HEADERS || schema->cols[i].role == COLUMN_HEADER)
            return true;
    }
    return false;
}
