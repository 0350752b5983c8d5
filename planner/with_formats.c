/*
 * with_formats.c -- which formats a source uses, and what each of them can hold.
 */
#include "planner/not_yet.h"
#include "planner/with_props.h"

typedef enum FormatWrap { WRAP_NEVER, WRAP_CHOICE, WRAP_ALWAYS } FormatWrap;

typedef struct FormatRules {
    bool       takes_delimiter;
    bool       takes_full_name;
    bool       infers; /* columns can come from a schema registry */
    FormatWrap wrap;
    bool       one_column;
    bool       nested;      /* ARRAY, MAP, STRUCT */
    bool       string_keys; /* MAP keys must be STRING */
} FormatRules;

static const FormatRules format_rules[FORMAT_COUNT_] = {
    [FORMAT_NONE] = {.wrap = WRAP_NEVER},
    [FORMAT_KAFKA] = {.wrap = WRAP_NEVER, .one_column = true},
    [FORMAT_DELIMITED] = {.wrap = WRAP_NEVER, .takes_delimiter = true},
    [FORMAT_JSON] = {.wrap = WRAP_CHOICE, .nested = true, .string_keys = true},
    [FORMAT_JSON_SR] = {.wrap = WRAP_CHOICE,
                        .nested = true,
                        .string_keys = true,
                        .infers = true,
                        .takes_full_name = true},
    [FORMAT_AVRO] = {.wrap = WRAP_CHOICE,
                     .nested = true,
                     .string_keys = true,
                     .infers = true,
                     .takes_full_name = true},
    [FORMAT_PROTOBUF] = {.wrap = WRAP_ALWAYS,
                         .nested = true,
                         .string_keys = true,
                         .infers = true,
                         .takes_full_name = true},
    [FORMAT_PROTOBUF_NOSR] = {.wrap = WRAP_ALWAYS, .nested = true, .string_keys = true},
};

static ErrCode read_format(const WithProps *props, WithProp prop, FormatSpec *spec, Err *err)
{
    Str text;

    TRY(with_text(props, prop, &text, err));
    if (!format_kind_parse(str_trim(text), &spec->kind)) {
        Str names[FORMAT_COUNT_];
        Str near;

        for (int i = 0; i < FORMAT_COUNT_; i++)
            names[i] = str_from(format_kind_name((FormatKind)i));
        near = str_nearest(str_trim(text), names, FORMAT_COUNT_);
        err_set_at(err, ERR_STATEMENT, with_pos(props, prop), "unknown format '%.*s'",
                   STR_ARG(text));
        if (near.ptr)
            err_hint(err, "did you mean %.*s?", STR_ARG(near));
        else
            err_hint(err, "formats are KAFKA, DELIMITED, JSON, JSON_SR, AVRO, PROTOBUF, "
                          "PROTOBUF_NOSR and, for keys, NONE");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

bool with_has_key_format(const WithProps *props)
{
    return props->given[WITH_KEY_FORMAT] || props->given[WITH_FORMAT];
}

static ErrCode read_delimiter(const WithProps *props, WithProp prop, FormatSpec *spec, Err *err)
{
    SrcPos pos = with_pos(props, prop);
    Str    text;

    if (!props->given[prop])
        return ERR_OK;
    if (!format_rules[spec->kind].takes_delimiter)
        return err_set_at(err, ERR_STATEMENT, props->given[prop]->name.pos,
                          "format %s has no delimiter", format_kind_name(spec->kind));
    TRY(with_text(props, prop, &text, err));
    if (str_eq_nocase(text, STR("SPACE"))) {
        spec->delimiter = ' ';
    } else if (str_eq_nocase(text, STR("TAB"))) {
        spec->delimiter = '\t';
    } else if (text.len == 1 && str_trim(text).len == 1) {
        spec->delimiter = text.ptr[0];
    } else {
        err_set_at(err, ERR_STATEMENT, pos, "a delimiter is one character, not '%.*s'",
                   STR_ARG(text));
        err_hint(err, "'SPACE' and 'TAB' stand for the blank and the tabulator");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

static ErrCode read_full_name(const WithProps *props, WithProp prop, FormatSpec *spec, Err *err)
{
    Str text;

    if (!props->given[prop])
        return ERR_OK;
    if (!format_rules[spec->kind].takes_full_name)
        return err_set_at(err, ERR_STATEMENT, props->given[prop]->name.pos,
                          "format %s has no schema names", format_kind_name(spec->kind));
    TRY(with_text(props, prop, &text, err));
    if (str_trim(text).len == 0)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, prop),
                          "the schema's full name is empty");
    spec->full_name = str_trim(text);
    return ERR_OK;
}

static ErrCode read_schema_id(const WithProps *props, WithProp prop, FormatSpec *spec, Err *err)
{
    int64_t id;

    spec->schema_id = -1;
    if (!props->given[prop])
        return ERR_OK;
    if (!format_rules[spec->kind].infers)
        return err_set_at(err, ERR_STATEMENT, props->given[prop]->name.pos,
                          "format %s has no schemas in a registry", format_kind_name(spec->kind));
    TRY(with_number(props, prop, 0, INT32_MAX, &id, err));
    spec->schema_id = (int32_t)id;
    return ERR_OK;
}

static ErrCode check_conflict(const WithProps *props, WithProp prop, const char *name, Err *err)
{
    if (!props->given[WITH_FORMAT] || !props->given[prop])
        return ERR_OK;
    err_set_at(err, ERR_STATEMENT, props->given[prop]->name.pos,
               "both FORMAT and %s are written, and FORMAT sets both formats", name);
    err_hint(err, "keep FORMAT, or KEY_FORMAT and VALUE_FORMAT");
    return ERR_STATEMENT;
}

static ErrCode read_kinds(const WithProps *props, FormatSpec *key, FormatSpec *value, Err *err)
{
    TRY(check_conflict(props, WITH_KEY_FORMAT, "KEY_FORMAT", err));
    TRY(check_conflict(props, WITH_VALUE_FORMAT, "VALUE_FORMAT", err));
    if (props->given[WITH_FORMAT]) {
        TRY(read_format(props, WITH_FORMAT, key, err));
        value->kind = key->kind;
    }
    if (props->given[WITH_KEY_FORMAT])
        TRY(read_format(props, WITH_KEY_FORMAT, key, err));
    if (props->given[WITH_VALUE_FORMAT])
        TRY(read_format(props, WITH_VALUE_FORMAT, value, err));
    if (value->kind == FORMAT_COUNT_ || key->kind == FORMAT_COUNT_) {
        err_set_at(err, ERR_STATEMENT, props->pos, "the format of the %s is missing",
                   value->kind == FORMAT_COUNT_ ? "values" : "keys");
        err_hint(err, "write %s = 'JSON' in WITH",
                 value->kind == FORMAT_COUNT_ ? "VALUE_FORMAT" : "KEY_FORMAT");
        return ERR_STATEMENT;
    }
    if (value->kind == FORMAT_NONE)
        return err_set_at(
            err, ERR_STATEMENT,
            with_pos(props, props->given[WITH_FORMAT] ? WITH_FORMAT : WITH_VALUE_FORMAT),
            "format NONE is for keys only");
    return ERR_OK;
}

ErrCode with_formats(const WithProps *props, FormatSpec *key, FormatSpec *value, Err *err)
{
    TRY(read_kinds(props, key, value, err));
    TRY(read_delimiter(props, WITH_KEY_DELIMITER, key, err));
    TRY(read_delimiter(props, WITH_VALUE_DELIMITER, value, err));
    TRY(read_full_name(props, WITH_KEY_SCHEMA_FULL_NAME, key, err));
    TRY(read_full_name(props, WITH_VALUE_SCHEMA_FULL_NAME, value, err));
    TRY(read_full_name(props, WITH_VALUE_AVRO_SCHEMA_FULL_NAME, value, err));
    TRY(read_schema_id(props, WITH_KEY_SCHEMA_ID, key, err));
    TRY(read_schema_id(props, WITH_VALUE_SCHEMA_ID, value, err));
    TRY(not_yet_format(key->kind, with_pos(props, WITH_KEY_FORMAT), err));
    return not_yet_format(value->kind, with_pos(props, WITH_VALUE_FORMAT), err);
}

/* --- wrapping --------------------------------------------------------------------------------- */

static uint32_t value_columns(const Schema *schema)
{
    uint32_t count = 0;

    for (uint32_t i = schema->key_len; i < schema->len; i++)
        count += schema->cols[i].role == COLUMN_VALUE;
    return count;
}

static ErrCode choose_wrap(const WithProps *props, uint32_t columns, FormatSpec *value, Err *err)
{
    FormatWrap rule = format_rules[value->kind].wrap;
    SrcPos     pos = with_pos(props, WITH_WRAP_SINGLE_VALUE);
    bool       wanted;

    TRY(with_bool(props, WITH_WRAP_SINGLE_VALUE, &wanted, err));
    if (wanted ? rule == WRAP_NEVER : rule == WRAP_ALWAYS)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "format %s does not support WRAP_SINGLE_VALUE = %s",
                          format_kind_name(value->kind), wanted ? "TRUE" : "FALSE");
    if (columns != 1)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "WRAP_SINGLE_VALUE is for one value column, here are %u", columns);
    value->is_wrapped = wanted;
    value->has_wrap_choice = true;
    return ERR_OK;
}

ErrCode format_finish(const PlannerEnv *env, const WithProps *props, const Schema *schema,
                      FormatSpec *key, FormatSpec *value, Err *err)
{
    FormatWrap key_rule = format_rules[key->kind].wrap;
    FormatWrap value_rule = format_rules[value->kind].wrap;
    uint32_t   columns = value_columns(schema);
    Str        habit;

    key->is_wrapped = key_rule == WRAP_ALWAYS || (key_rule == WRAP_CHOICE && schema->key_len > 1);
    value->is_wrapped = value_rule != WRAP_NEVER;
    value->has_wrap_choice = false;
    if (props->given[WITH_WRAP_SINGLE_VALUE])
        return choose_wrap(props, columns, value, err);
    if (columns == 1 && value_rule == WRAP_CHOICE) {
        habit = env->property(env->self, "ksql.persistence.wrap.single.values");
        if (habit.ptr && str_eq_nocase(habit, STR("false")))
            value->is_wrapped = false;
    }
    return ERR_OK;
}

/* --- what a format can hold ------------------------------------------------------------------- */

/* The kind inside type that the format cannot hold, or T_COUNT_. */
static TypeKind unfit_kind(FormatKind format, const Type *type)
{
    switch (format) {
    case FORMAT_KAFKA:
        if (type->kind == T_INT || type->kind == T_BIGINT || type->kind == T_DOUBLE ||
            type->kind == T_STRING || type->kind == T_BYTES)
            return T_COUNT_;
        return type->kind;
    case FORMAT_DELIMITED:
        return type_is_nested(type) ? type->kind : T_COUNT_;
    default:
        return T_COUNT_;
    }
}

/* A MAP whose keys are no STRING, at any depth. */
static bool has_odd_map(const Type *type)
{
    switch (type->kind) {
    case T_ARRAY:
        return has_odd_map(type->elem);
    case T_MAP:
        return type->key->kind != T_STRING || has_odd_map(type->elem);
    case T_STRUCT:
        for (uint32_t i = 0; i < type->fields_len; i++) {
            if (has_odd_map(type->fields[i].type))
                return true;
        }
        return false;
    default:
        return false;
    }
}

static ErrCode check_column(FormatKind format, bool is_key, const Column *column, SrcPos pos,
                            Err *err)
{
    TypeKind unfit = unfit_kind(format, column->type);

    if (is_key && type_contains(column->type, T_MAP))
        return err_set_at(err, ERR_STATEMENT, pos,
                          "key column \"%.*s\" holds a MAP: equal maps have no fixed bytes, so "
                          "they cannot be keys",
                          STR_ARG(column->name));
    if (unfit != T_COUNT_) {
        err_set_at(err, ERR_STATEMENT, pos, "format %s does not support type %s, column \"%.*s\"",
                   format_kind_name(format), type_kind_name(unfit), STR_ARG(column->name));
        err_hint(err, "%s = 'JSON' in WITH supports it", is_key ? "KEY_FORMAT" : "VALUE_FORMAT");
        return ERR_STATEMENT;
    }
    if (format_rules[format].string_keys && has_odd_map(column->type))
        return err_set_at(err, ERR_STATEMENT, pos,
                          "format %s supports MAP with STRING keys only, column \"%.*s\"",
                          format_kind_name(format), STR_ARG(column->name));
    return ERR_OK;
}

static ErrCode check_side(FormatKind format, bool is_key, const Column *cols, uint32_t len,
                          SrcPos pos, Err *err)
{
    const char *side = is_key ? "key" : "value";
    uint32_t    held = 0;

    for (uint32_t i = 0; i < len; i++)
        held += cols[i].role == COLUMN_KEY || cols[i].role == COLUMN_VALUE;
    if (format == FORMAT_NONE && held > 0) {
        err_set_at(err, ERR_STATEMENT, pos, "key format NONE is for sources without key columns");
        err_hint(err, "KEY_FORMAT = 'KAFKA' or 'JSON' in WITH holds keys");
        return ERR_STATEMENT;
    }
    for (uint32_t i = 0; i < len; i++) {
        if (cols[i].role == COLUMN_KEY || cols[i].role == COLUMN_VALUE)
            TRY(check_column(format, is_key, &cols[i], pos, err));
    }
    if (format_rules[format].one_column && held > 1) {
        err_set_at(err, ERR_STATEMENT, pos, "format %s holds one %s column, here are %u",
                   format_kind_name(format), side, held);
        err_hint(err, "%s = 'JSON' in WITH holds several", is_key ? "KEY_FORMAT" : "VALUE_FORMAT");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

ErrCode format_check(const Schema *schema, const FormatSpec *key, const FormatSpec *value,
                     SrcPos pos, Err *err)
{
    TRY(check_side(key->kind, true, schema->cols, schema->key_len, pos, err));
    return check_side(value->kind, false, schema->cols + schema->key_len,
                      schema->len - schema->key_len, pos, err);
}

bool format_can_hold(FormatKind format, bool is_key, const Column *cols, uint32_t len)
{
    Err err;

    return check_side(format, is_key, cols, len, (SrcPos){0}, &err) == ERR_OK;
}
