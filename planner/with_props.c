/*
 * with_props.c -- reads the WITH clause and what it says of topics, timestamps and windows.
 */
#include "planner/with_props.h"

#include "common/limit.h"

typedef struct PropDef {
    const char *name;
    unsigned    places; /* WithPlace bits */
} PropDef;

enum { RETENTION_DEFAULT_MS = 604800000 };

enum { CREATES = WITH_IN_CREATE | WITH_IN_CREATE_AS };

static const PropDef prop_defs[] = {
    [WITH_KAFKA_TOPIC] = {"KAFKA_TOPIC", CREATES},
    [WITH_PARTITIONS] = {"PARTITIONS", CREATES},
    [WITH_REPLICAS] = {"REPLICAS", CREATES},
    [WITH_RETENTION_MS] = {"RETENTION_MS", CREATES},
    [WITH_CLEANUP_POLICY] = {"CLEANUP_POLICY", 0},
    [WITH_FORMAT] = {"FORMAT", CREATES},
    [WITH_KEY_FORMAT] = {"KEY_FORMAT", CREATES},
    [WITH_VALUE_FORMAT] = {"VALUE_FORMAT", CREATES},
    [WITH_KEY_DELIMITER] = {"KEY_DELIMITER", CREATES},
    [WITH_VALUE_DELIMITER] = {"VALUE_DELIMITER", CREATES},
    [WITH_WRAP_SINGLE_VALUE] = {"WRAP_SINGLE_VALUE", CREATES},
    [WITH_TIMESTAMP] = {"TIMESTAMP", CREATES},
    [WITH_TIMESTAMP_FORMAT] = {"TIMESTAMP_FORMAT", CREATES},
    [WITH_KEY_SCHEMA_ID] = {"KEY_SCHEMA_ID", CREATES},
    [WITH_VALUE_SCHEMA_ID] = {"VALUE_SCHEMA_ID", CREATES},
    [WITH_KEY_SCHEMA_FULL_NAME] = {"KEY_SCHEMA_FULL_NAME", CREATES},
    [WITH_VALUE_SCHEMA_FULL_NAME] = {"VALUE_SCHEMA_FULL_NAME", CREATES},
    [WITH_VALUE_AVRO_SCHEMA_FULL_NAME] = {"VALUE_AVRO_SCHEMA_FULL_NAME", CREATES},
    [WITH_KEY_PROTOBUF_NULLABLE] = {"KEY_PROTOBUF_NULLABLE_REPRESENTATION", CREATES},
    [WITH_VALUE_PROTOBUF_NULLABLE] = {"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", CREATES},
    [WITH_WINDOW_TYPE] = {"WINDOW_TYPE", WITH_IN_CREATE},
    [WITH_WINDOW_SIZE] = {"WINDOW_SIZE", WITH_IN_CREATE},
    [WITH_SOURCED_BY_CONNECTOR] = {"SOURCED_BY_CONNECTOR", WITH_IN_CREATE},
    [WITH_QUERY_ID] = {"QUERY_ID", WITH_IN_INSERT},
};
_Static_assert(sizeof prop_defs / sizeof prop_defs[0] == WITH_COUNT_, "a row per property");

static ErrCode unknown_prop(const AstProp *prop, Err *err)
{
    Str names[WITH_COUNT_];
    Str near;

    for (int i = 0; i < WITH_COUNT_; i++)
        names[i] = str_from(prop_defs[i].name);
    near = str_nearest(prop->name.text, names, WITH_COUNT_);
    err_set_at(err, ERR_STATEMENT, prop->name.pos, "unknown property \"%.*s\" in WITH",
               STR_ARG(prop->name.text));
    if (near.ptr)
        err_hint(err, "did you mean %.*s?", STR_ARG(near));
    return ERR_STATEMENT;
}

static ErrCode misplaced_prop(const AstProp *prop, int i, Err *err)
{
    err_set_at(err, ERR_STATEMENT, prop->name.pos, "property %s is not allowed here",
               prop_defs[i].name);
    if (prop_defs[i].places == WITH_IN_INSERT)
        err_hint(err, "it belongs to INSERT INTO ... SELECT");
    else if (prop_defs[i].places == WITH_IN_CREATE)
        err_hint(err, "it belongs to CREATE without a query");
    else if (prop_defs[i].places == 0)
        err_hint(err, "the kind of the source decides it");
    return ERR_STATEMENT;
}

ErrCode with_props_read(const AstProps *ast, SrcPos stmt_pos, WithPlace place, WithProps *out,
                        Err *err)
{
    *out = (WithProps){.pos = ast->pos.line ? ast->pos : stmt_pos};
    for (size_t i = 0; i < ast->len; i++) {
        const AstProp *prop = &ast->items[i];
        int            at = 0;

        while (at < WITH_COUNT_ && !str_eq_nocase(prop->name.text, str_from(prop_defs[at].name)))
            at++;
        if (at == WITH_COUNT_)
            return unknown_prop(prop, err);
        if (!(prop_defs[at].places & (unsigned)place))
            return misplaced_prop(prop, at, err);
        if (out->given[at])
            return err_set_at(err, ERR_STATEMENT, prop->name.pos, "property %s is written twice",
                              prop_defs[at].name);
        out->given[at] = prop;
    }
    return ERR_OK;
}

SrcPos with_pos(const WithProps *props, WithProp prop)
{
    return props->given[prop] ? props->given[prop]->pos : props->pos;
}

ErrCode with_text(const WithProps *props, WithProp prop, Str *out, Err *err)
{
    Value value = props->given[prop]->value;

    if (value.kind != T_STRING)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, prop), "%s needs a string",
                          prop_defs[prop].name);
    *out = value_as_str(value);
    return ERR_OK;
}

ErrCode with_number(const WithProps *props, WithProp prop, int64_t min, int64_t max, int64_t *out,
                    Err *err)
{
    Value   value = props->given[prop]->value;
    int64_t number = 0;
    bool    ok = value.kind == T_INT || value.kind == T_BIGINT;

    if (ok)
        number = value.u.i;
    else if (value.kind == T_STRING)
        ok = str_to_i64(str_trim(value_as_str(value)), &number);
    if (!ok)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, prop), "%s needs a whole number",
                          prop_defs[prop].name);
    if (number < min || number > max)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, prop),
                          "%s is %lld: it must be between %lld and %lld", prop_defs[prop].name,
                          (long long)number, (long long)min, (long long)max);
    *out = number;
    return ERR_OK;
}

ErrCode with_bool(const WithProps *props, WithProp prop, bool *out, Err *err)
{
    Value value = props->given[prop]->value;

    if (value.kind == T_BOOLEAN) {
        *out = value.u.b;
        return ERR_OK;
    }
    if (value.kind == T_STRING && str_eq_nocase(value_as_str(value), STR("true"))) {
        *out = true;
        return ERR_OK;
    }
    if (value.kind == T_STRING && str_eq_nocase(value_as_str(value), STR("false"))) {
        *out = false;
        return ERR_OK;
    }
    return err_set_at(err, ERR_STATEMENT, with_pos(props, prop), "%s needs TRUE or FALSE",
                      prop_defs[prop].name);
}

/* --- timestamp -------------------------------------------------------------------------------- */

/* The property's text is an identifier: upper-cased unless it is quoted inside the string. */
static Str column_in_text(Arena *mem, Str text)
{
    text = str_trim(text);
    if (text.len >= 2 && (text.ptr[0] == '`' || text.ptr[0] == '"') &&
        text.ptr[text.len - 1] == text.ptr[0])
        return str_copy(mem, str_slice(text, 1, text.len - 1));
    return str_upper_ascii(mem, text);
}

/* A pattern that cannot write a timestamp cannot read one; logged statements were checked. */
static ErrCode check_format(const PlannerEnv *env, Arena *mem, Str format, SrcPos pos, Err *err)
{
    BindCtx ctx = {.env = env, .mem = mem, .clause = "WITH"};
    Expr   *args[] = {expr_literal(mem, &type_timestamp, value_time(T_TIMESTAMP, 0), pos),
                      expr_literal(mem, &type_string, value_str(format), pos)};
    Expr   *call;
    Value   text;

    if (env->is_replay)
        return ERR_OK;
    TRY(bind_call_of(&ctx, STR("FORMAT_TIMESTAMP"), args, 2, pos, &call, err));
    if (call->kind == EXPR_LITERAL || env->eval_const(env->self, call, mem, &text, err) == ERR_OK)
        return ERR_OK;
    err->code = ERR_STATEMENT;
    err->pos = pos;
    err_wrap(err, "TIMESTAMP_FORMAT '%.*s'", STR_ARG(format));
    err_hint(err, "write it like 'yyyy-MM-dd HH:mm:ss'");
    return ERR_STATEMENT;
}

ErrCode with_timestamp(const PlannerEnv *env, const WithProps *props, Arena *mem,
                       const Schema *schema, TimestampSpec *out, Str *out_name, Err *err)
{
    SrcPos        pos = with_pos(props, WITH_TIMESTAMP);
    TimestampSpec spec = {.column = -1, .format = STR_NULL};
    Str           text;
    TypeKind      kind;

    if (props->given[WITH_TIMESTAMP_FORMAT]) {
        TRY(with_text(props, WITH_TIMESTAMP_FORMAT, &spec.format, err));
        spec.format = str_copy(mem, spec.format);
        if (!props->given[WITH_TIMESTAMP])
            return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_TIMESTAMP_FORMAT),
                              "TIMESTAMP_FORMAT needs TIMESTAMP, which names the column");
    }
    *out = spec;
    *out_name = STR("");
    if (!props->given[WITH_TIMESTAMP])
        return ERR_OK;
    TRY(with_text(props, WITH_TIMESTAMP, &text, err));
    *out_name = column_in_text(mem, text);
    spec.column = schema_find(schema, *out_name);
    if (spec.column < 0)
        return err_set_at(err, ERR_STATEMENT, pos, "TIMESTAMP names an unknown column \"%.*s\"",
                          STR_ARG(*out_name));
    kind = schema->cols[spec.column].type->kind;
    if (kind != T_BIGINT && kind != T_TIMESTAMP && kind != T_STRING)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "TIMESTAMP column \"%.*s\" must be BIGINT, TIMESTAMP or STRING, not %.*s",
                          STR_ARG(*out_name),
                          STR_ARG(type_text(mem, schema->cols[spec.column].type)));
    if (kind == T_STRING && !spec.format.ptr)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "TIMESTAMP column \"%.*s\" is a STRING: TIMESTAMP_FORMAT must say how to "
                          "read it",
                          STR_ARG(*out_name));
    if (kind != T_STRING && spec.format.ptr)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_TIMESTAMP_FORMAT),
                          "TIMESTAMP_FORMAT is for STRING columns, \"%.*s\" is %.*s",
                          STR_ARG(*out_name),
                          STR_ARG(type_text(mem, schema->cols[spec.column].type)));
    *out = spec;
    return spec.format.ptr
               ? check_format(env, mem, spec.format, with_pos(props, WITH_TIMESTAMP_FORMAT), err)
               : ERR_OK;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* '10 SECONDS' */
static ErrCode window_size(const WithProps *props, int64_t *out, Err *err)
{
    Str         text;
    ptrdiff_t   blank;
    AstDuration duration = {0};

    TRY(with_text(props, WITH_WINDOW_SIZE, &text, err));
    text = str_trim(text);
    blank = str_find(text, STR(" "), 0);
    if (blank < 0 || !str_to_i64(str_slice(text, 0, (size_t)blank), &duration.amount) ||
        duration.amount <= 0 ||
        !ast_unit_parse(str_trim(str_slice(text, (size_t)blank, text.len)), &duration.unit) ||
        !ast_duration_ms(duration, out)) {
        err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_WINDOW_SIZE),
                   "WINDOW_SIZE is '%.*s': a number above zero and a unit are needed",
                   STR_ARG(text));
        err_hint(err, "write it like '10 SECONDS'");
        return ERR_STATEMENT;
    }
    return ERR_OK;
}

ErrCode with_window(const WithProps *props, const Schema *schema, WindowKind *kind,
                    int64_t *size_ms, Err *err)
{
    SrcPos pos = with_pos(props, WITH_WINDOW_TYPE);
    Str    text;

    *kind = WINDOW_NONE;
    *size_ms = 0;
    if (!props->given[WITH_WINDOW_TYPE]) {
        if (props->given[WITH_WINDOW_SIZE])
            return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_WINDOW_SIZE),
                              "WINDOW_SIZE needs WINDOW_TYPE");
        return ERR_OK;
    }
    TRY(with_text(props, WITH_WINDOW_TYPE, &text, err));
    if (str_eq_nocase(text, STR("SESSION")))
        *kind = WINDOW_SESSION;
    else if (str_eq_nocase(text, STR("HOPPING")))
        *kind = WINDOW_HOPPING;
    else if (str_eq_nocase(text, STR("TUMBLING")))
        *kind = WINDOW_TUMBLING;
    else
        return err_set_at(err, ERR_STATEMENT, pos,
                          "unknown WINDOW_TYPE '%.*s': it is SESSION, HOPPING or TUMBLING",
                          STR_ARG(text));
    if (*kind == WINDOW_SESSION && props->given[WITH_WINDOW_SIZE])
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_WINDOW_SIZE),
                          "WINDOW_SIZE is not for SESSION windows: their length varies");
    if (*kind != WINDOW_SESSION && !props->given[WITH_WINDOW_SIZE])
        return err_set_at(err, ERR_STATEMENT, pos, "WINDOW_TYPE %s needs WINDOW_SIZE",
                          window_kind_name(*kind));
    if (schema->key_len == 0)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "a windowed source needs a key column: the window is part of the key");
    return *kind == WINDOW_SESSION ? ERR_OK : window_size(props, size_ms, err);
}

/* --- topic ------------------------------------------------------------------------------------ */

static bool keeps_as_asked(const TopicFacts *there, int64_t asked_ms, int64_t windows_ms)
{
    if (there->retention_ms == RETENTION_UNKNOWN || there->cleanup == CLEANUP_COMPACT)
        return true;
    /* Less than the windows need was raised when the topic was made. */
    return there->retention_ms == asked_ms ||
           (asked_ms >= 0 && asked_ms < windows_ms && there->retention_ms == windows_ms);
}

static ErrCode refuse_retention(const WithProps *props, Str topic, int64_t there_ms,
                                int64_t asked_ms, Err *err)
{
    SrcPos pos = with_pos(props, WITH_RETENTION_MS);

    if (there_ms < 0)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "topic \"%.*s\" keeps records for ever, not for %lld ms", STR_ARG(topic),
                          (long long)asked_ms);
    if (asked_ms < 0)
        return err_set_at(err, ERR_STATEMENT, pos,
                          "topic \"%.*s\" keeps records for %lld ms, not for ever", STR_ARG(topic),
                          (long long)there_ms);
    return err_set_at(err, ERR_STATEMENT, pos, "topic \"%.*s\" keeps records for %lld ms, not %lld",
                      STR_ARG(topic), (long long)there_ms, (long long)asked_ms);
}

static ErrCode check_existing(const WithProps *props, Str topic, const TopicFacts *wanted,
                              bool has_partitions, int64_t windows_ms, const TopicFacts *there,
                              Err *err)
{
    if (has_partitions && wanted->partitions != there->partitions)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_PARTITIONS),
                          "topic \"%.*s\" has %u partition%s, not %u", STR_ARG(topic),
                          there->partitions, there->partitions == 1 ? "" : "s", wanted->partitions);
    if (props->given[WITH_REPLICAS] && wanted->replicas > 0 && there->replicas > 0 &&
        wanted->replicas != there->replicas)
        return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_REPLICAS),
                          "topic \"%.*s\" has %d replica%s, not %d", STR_ARG(topic),
                          there->replicas, there->replicas == 1 ? "" : "s", wanted->replicas);
    if (props->given[WITH_RETENTION_MS] && !keeps_as_asked(there, wanted->retention_ms, windows_ms))
        return refuse_retention(props, topic, there->retention_ms, wanted->retention_ms, err);
    return ERR_OK;
}

int64_t with_retention_default(const PlannerEnv *env)
{
    int64_t retention_ms;

    return str_to_i64(env->property(env->self, "weir.retention.ms"), &retention_ms)
               ? retention_ms
               : RETENTION_DEFAULT_MS;
}

ErrCode with_topic(const PlannerEnv *env, const WithProps *props, Str topic, bool has_partitions,
                   int64_t windows_ms, TopicFacts *facts, bool *is_new, Err *err)
{
    TopicFacts there;
    int64_t    number;

    if (props->given[WITH_PARTITIONS]) {
        TRY(with_number(props, WITH_PARTITIONS, 1, g_limits.partitions, &number, err));
        facts->partitions = (uint32_t)number;
    }
    if (props->given[WITH_REPLICAS]) {
        TRY(with_number(props, WITH_REPLICAS, -1, INT16_MAX, &number, err));
        if (number == 0)
            return err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_REPLICAS),
                              "REPLICAS is 0: it must be above zero, or -1 for the broker's "
                              "default");
        facts->replicas = (int32_t)number;
    }
    if (props->given[WITH_RETENTION_MS])
        TRY(with_number(props, WITH_RETENTION_MS, -1, INT64_MAX, &facts->retention_ms, err));
    *is_new = !env->topic(env->self, topic, &there);
    if (*is_new) {
        if (!has_partitions && !props->given[WITH_PARTITIONS]) {
            err_set_at(err, ERR_STATEMENT, with_pos(props, WITH_KAFKA_TOPIC),
                       "topic \"%.*s\" does not exist", STR_ARG(topic));
            err_hint(err, "PARTITIONS = 1 in WITH creates it");
            return ERR_STATEMENT;
        }
        if (facts->retention_ms >= 0 && facts->retention_ms < windows_ms)
            facts->retention_ms = windows_ms;
        return ERR_OK;
    }
    TRY(check_existing(props, topic, facts, props->given[WITH_PARTITIONS] != NULL, windows_ms,
                       &there, err));
    *facts = there;
    return ERR_OK;
}
