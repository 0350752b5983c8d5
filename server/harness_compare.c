/*
 * harness_compare.c -- is a JSON tree the value that was expected?
 */
#include "server/harness_internal.h"

#include <math.h>

#include "common/decimal.h"

static bool is_null(const Json *json)
{
    return !json || json->kind == JSON_NULL;
}

static bool number_of(const Json *json, double *out)
{
    return (json->kind == JSON_NUMBER || json->kind == JSON_STRING) &&
           value_parse_double(json->text, out);
}

static bool same_number(const Json *found, const Json *expected)
{
    double a, b;

    if (str_eq(found->text, expected->text))
        return true;
    if (!number_of(found, &a) || !number_of(expected, &b))
        return false;
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) < 1e-6;
}

/* A text is compared with its scale: "1.5" is not 1.50; a number numerically. */
static bool same_decimal(const Json *found, const Json *expected)
{
    Arena *mem = arena_new(0);
    Value  a, b;
    bool   same = decimal_parse(mem, found->text, &a) && decimal_parse(mem, expected->text, &b) &&
                decimal_cmp(a, b) == 0 && (expected->kind == JSON_NUMBER || a.scale == b.scale);

    arena_free(mem);
    return same;
}

static const Json *member_of(const Json *object, Str name)
{
    const Json *exact = json_get(object, name);

    for (size_t i = 0; !exact && i < object->len; i++) {
        if (str_eq_nocase(object->u.members[i].name, name))
            exact = object->u.members[i].value;
    }
    return exact;
}

/* Fields by name in any case; a null one matches an absent one of any name. */
static bool same_object(const Json *found, const Json *expected, const Type *type)
{
    size_t nulls_found = 0, nulls_expected = 0;

    for (size_t i = 0; i < found->len; i++)
        nulls_found += is_null(found->u.members[i].value);
    for (size_t i = 0; i < expected->len; i++) {
        const JsonMember *want = &expected->u.members[i];
        const Type       *field = NULL;

        nulls_expected += is_null(want->value);
        if (type && type->kind == T_MAP)
            field = type->elem;
        if (type && type->kind == T_STRUCT && type_field_find(type, want->name) >= 0)
            field = type->fields[type_field_find(type, want->name)].type;
        if (!is_null(want->value) &&
            !harness_same(member_of(found, want->name), want->value, field))
            return false;
    }
    return found->len - nulls_found == expected->len - nulls_expected;
}

static bool same_array(const Json *found, const Json *expected, const Type *type)
{
    const Type *elem = type && type->kind == T_ARRAY ? type->elem : NULL;

    if (found->len != expected->len)
        return false;
    for (size_t i = 0; i < found->len; i++) {
        if (!harness_same(found->u.items[i], expected->u.items[i], elem))
            return false;
    }
    return true;
}

static bool is_scalar_text(const Json *json)
{
    return json->kind == JSON_NUMBER || json->kind == JSON_STRING;
}

bool harness_same(const Json *found, const Json *expected, const Type *type)
{
    if (is_null(found) || is_null(expected))
        return is_null(found) && is_null(expected);
    if (type && type->kind == T_DECIMAL && is_scalar_text(found) && is_scalar_text(expected))
        return same_decimal(found, expected);
    if (type && type->kind == T_DOUBLE && is_scalar_text(found) && is_scalar_text(expected))
        return same_number(found, expected);
    if (found->kind != expected->kind)
        return false;
    switch (found->kind) {
    case JSON_NUMBER:
        return same_number(found, expected);
    case JSON_STRING:
        return str_eq(found->text, expected->text);
    case JSON_ARRAY:
        return same_array(found, expected, type);
    case JSON_OBJECT:
        return same_object(found, expected, type);
    default:
        return true;
    }
}

/* Lines and keyless records are compared as text. */
static bool is_typed(const FormatSpec *spec)
{
    return spec->kind != FORMAT_DELIMITED && spec->kind != FORMAT_NONE;
}

/* The columns of a side as one STRUCT, or the bare type of its single one. */
bool harness_same_side(const Json *found, const Json *expected, const Source *source, bool is_key)
{
    Arena        *mem = arena_new(0);
    const Schema *schema;
    TypeField    *fields;
    const Type   *type = NULL;
    uint32_t      from, to;
    bool          same;

    if (source && is_typed(is_key ? &source->key_format : &source->value_format)) {
        schema = source->schema;
        from = is_key ? 0 : schema->key_len;
        to = is_key ? schema->key_len : schema->len;
        fields = ARENA_ARRAY(mem, TypeField, to - from + 1);
        for (uint32_t i = from; i < to; i++)
            fields[i - from] = (TypeField){schema->cols[i].name, schema->cols[i].type};
        type = type_struct(mem, fields, to - from);
        if (to - from == 1 &&
            (is_key || is_null(expected) || expected->kind != JSON_OBJECT ||
             (type->fields[0].type->kind == T_STRUCT && !source->value_format.is_wrapped)))
            type = type->fields[0].type;
    }
    same = harness_same(found, expected, type);
    arena_free(mem);
    return same;
}

/* --- schemas ---------------------------------------------------------------------------------- */

/* KEY is what streams say and PRIMARY KEY what tables say: either is understood. */
static const AstColumns *parse_columns(Arena *mem, Str text)
{
    AstStmtList stmts;
    Err         err;

    for (int is_table = 0; is_table < 2; is_table++) {
        Str sql =
            str_printf(mem, "CREATE %s X (%.*s);", is_table ? "TABLE" : "STREAM", STR_ARG(text));

        if (parser_parse(mem, sql, (ParserOpts){NULL}, &stmts, &err) == ERR_OK && stmts.len == 1)
            return &stmts.items[0]->u.create_source.columns;
    }
    return NULL;
}

static bool is_key(const AstColumn *column)
{
    return column->role == AST_COLUMN_KEY || column->role == AST_COLUMN_PRIMARY_KEY;
}

/* Keys first, as a schema has them. */
static void order_columns(const AstColumns *columns, const AstColumn **out)
{
    size_t len = 0;

    for (int keys = 1; keys >= 0; keys--) {
        for (size_t i = 0; i < columns->len; i++) {
            if (is_key(&columns->items[i]) == (keys == 1))
                out[len++] = &columns->items[i];
        }
    }
}

bool harness_same_schema(const Source *source, Str text)
{
    Arena            *mem = arena_new(0);
    Buf               own = buf_in(mem);
    const AstColumns *want = parse_columns(mem, text);
    const AstColumns *found;
    bool              same;

    for (uint32_t i = 0; i < source->schema->len; i++) {
        const Column *col = &source->schema->cols[i];

        buf_printf(&own, "%s`%.*s` ", i ? ", " : "", STR_ARG(col->name));
        type_print(&own, col->type);
        if (i < source->schema->key_len)
            buf_c(&own, " KEY");
    }
    found = parse_columns(mem, buf_view(&own));
    same = want && found && want->len == found->len;
    if (same) {
        const AstColumn **a = ARENA_ARRAY(mem, const AstColumn *, want->len + 1);
        const AstColumn **b = ARENA_ARRAY(mem, const AstColumn *, want->len + 1);

        order_columns(want, a);
        order_columns(found, b);
        for (size_t i = 0; i < want->len && same; i++)
            same = str_eq(a[i]->name.text, b[i]->name.text) &&
                   ast_type_eq(a[i]->type, b[i]->type) && is_key(a[i]) == is_key(b[i]);
    }
    arena_free(mem);
    return same;
}
