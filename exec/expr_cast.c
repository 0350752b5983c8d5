/*
 * expr_cast.c -- the cast matrix, written and implied.
 *
 * A CastPlan is the conversion of one pair of types, with the plans of its members for nested
 * ones.  Numbers: to an integer truncates towards zero, INT and BIGINT wrap among themselves and
 * from DECIMAL, DOUBLE saturates (as Java converts); to DECIMAL rounds half up and refuses what
 * does not fit.  Text is trimmed before it is read as a number or boolean.
 */
#include "exec/expr_cast.h"

#include <assert.h>
#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"
#include "common/json.h"
#include "exec/expr_node.h"
#include "exec/functions/fn_value.h"

typedef ErrCode (*CastFn)(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err);

struct CastPlan {
    CastFn           run;
    const Type      *from;
    const Type      *to;
    const CastPlan  *key;    /* MAP */
    const CastPlan  *elem;   /* ARRAY, MAP */
    const CastPlan **fields; /* STRUCT: per field of `to`; NULL: no such field in `from` */
    const int       *source; /* STRUCT: per field of `to`, number of the field in `from` */
};

enum { SHOWN_TEXT_MAX = 100 };

static ErrCode cannot_read(Value v, const char *what, Err *err)
{
    int shown = v.len > SHOWN_TEXT_MAX ? SHOWN_TEXT_MAX : (int)v.len;

    return err_set(err, ERR_EVAL, "cannot cast '%.*s' to %s", shown, v.u.s ? v.u.s : "", what);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static ErrCode same(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = v;
    return ERR_OK;
}

static ErrCode integer_to_int(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_int((int32_t)v.u.i);
    return ERR_OK;
}

static ErrCode integer_to_bigint(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_bigint(v.u.i);
    return ERR_OK;
}

static ErrCode integer_to_double(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_double((double)v.u.i);
    return ERR_OK;
}

static ErrCode integer_to_decimal(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    return decimal_fit(mem, decimal_from_i64(v.u.i, 0), plan->to, DECIMAL_ROUND_HALF_UP, out, err);
}

static ErrCode double_to_int(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    double d = v.u.d;

    (void)plan, (void)mem, (void)err;
    if (isnan(d))
        *out = value_int(0);
    else if (d >= INT32_MAX)
        *out = value_int(INT32_MAX);
    else if (d <= INT32_MIN)
        *out = value_int(INT32_MIN);
    else
        *out = value_int((int32_t)d);
    return ERR_OK;
}

static ErrCode double_to_bigint(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    double d = v.u.d;

    (void)plan, (void)mem, (void)err;
    if (isnan(d))
        *out = value_bigint(0);
    else if (d >= 0x1p63)
        *out = value_bigint(INT64_MAX);
    else if (d < -0x1p63)
        *out = value_bigint(INT64_MIN);
    else
        *out = value_bigint((int64_t)d);
    return ERR_OK;
}

static ErrCode double_to_decimal(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Value exact;

    if (!decimal_from_double(mem, v.u.d, &exact))
        return err_set(err, ERR_EVAL, "cannot cast NaN or infinity to DECIMAL");
    return decimal_fit(mem, exact, plan->to, DECIMAL_ROUND_HALF_UP, out, err);
}

static ErrCode decimal_to_int(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_int((int32_t)decimal_to_i64(v));
    return ERR_OK;
}

static ErrCode decimal_to_bigint(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_bigint(decimal_to_i64(v));
    return ERR_OK;
}

static ErrCode decimal_to_real(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_double(decimal_to_double(v));
    return ERR_OK;
}

static ErrCode decimal_to_decimal(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    return decimal_fit(mem, v, plan->to, DECIMAL_ROUND_HALF_UP, out, err);
}

/* --- text ------------------------------------------------------------------------------------- */

static ErrCode any_to_string(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Buf text = buf_in(mem);

    (void)err;
    value_print(&text, v, plan->from);
    *out = value_str(buf_view(&text));
    return ERR_OK;
}

/* An abbreviation of true or yes, in any letter case, is TRUE; all else is FALSE. */
static ErrCode string_to_boolean(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Str text = str_trim(value_as_str(v));

    (void)plan, (void)mem, (void)err;
    *out = value_bool(text.len > 0 && (str_starts_nocase(STR("true"), text) ||
                                       str_starts_nocase(STR("yes"), text)));
    return ERR_OK;
}

static bool parse_integer(Value v, int64_t *out)
{
    Str text = str_trim(value_as_str(v));

    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-' && text.ptr[1] != '+')
        text = str_slice(text, 1, text.len);
    return str_to_i64(text, out);
}

static ErrCode string_to_int(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    int64_t i;

    (void)plan, (void)mem;
    if (!parse_integer(v, &i) || i < INT32_MIN || i > INT32_MAX)
        return cannot_read(v, "INTEGER", err);
    *out = value_int((int32_t)i);
    return ERR_OK;
}

static ErrCode string_to_bigint(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    int64_t i;

    (void)plan, (void)mem;
    if (!parse_integer(v, &i))
        return cannot_read(v, "BIGINT", err);
    *out = value_bigint(i);
    return ERR_OK;
}

static ErrCode string_to_double(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    double d;

    (void)plan, (void)mem;
    if (!value_parse_double(str_trim(value_as_str(v)), &d))
        return cannot_read(v, "DOUBLE", err);
    *out = value_double(d);
    return ERR_OK;
}

static ErrCode string_to_decimal(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Value exact;

    if (!decimal_parse(mem, str_trim(value_as_str(v)), &exact))
        return cannot_read(v, "DECIMAL", err);
    return decimal_fit(mem, exact, plan->to, DECIMAL_ROUND_HALF_UP, out, err);
}

static ErrCode string_to_bytes(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Buf bytes = buf_in(mem);

    (void)plan;
    if (!base64_decode(&bytes, value_as_str(v)))
        return cannot_read(v, "BYTES: it is not base64", err);
    *out = value_bytes(buf_view(&bytes));
    return ERR_OK;
}

static ErrCode string_to_date(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    int64_t days;

    (void)plan, (void)mem;
    TRY(datetime_parse_date(value_as_str(v), &days, err));
    *out = value_time(T_DATE, days);
    return ERR_OK;
}

static ErrCode string_to_time(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    int64_t ms;

    (void)plan, (void)mem;
    TRY(datetime_parse_time(value_as_str(v), &ms, err));
    *out = value_time(T_TIME, ms);
    return ERR_OK;
}

static ErrCode string_to_timestamp(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    int64_t ms;

    (void)plan, (void)mem;
    TRY(datetime_parse_timestamp(value_as_str(v), &ms, err));
    *out = value_time(T_TIMESTAMP, ms);
    return ERR_OK;
}

/* --- dates and times -------------------------------------------------------------------------- */

static ErrCode date_to_timestamp(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_time(T_TIMESTAMP, v.u.i * MS_PER_DAY);
    return ERR_OK;
}

static int64_t ms_of_day(int64_t ms)
{
    int64_t rest = ms % MS_PER_DAY;

    return rest < 0 ? rest + MS_PER_DAY : rest;
}

static ErrCode timestamp_to_date(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_time(T_DATE, (v.u.i - ms_of_day(v.u.i)) / MS_PER_DAY);
    return ERR_OK;
}

static ErrCode timestamp_to_time(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    (void)plan, (void)mem, (void)err;
    *out = value_time(T_TIME, ms_of_day(v.u.i));
    return ERR_OK;
}

/* --- nested ----------------------------------------------------------------------------------- */

static ErrCode array_to_array(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    Value *items = arena_alloc(mem, sizeof(Value) * v.len);

    for (uint32_t i = 0; i < v.len; i++)
        TRY(cast_run(plan->elem, mem, v.u.items[i], &items[i], err));
    *out = value_items(T_ARRAY, items, v.len);
    return ERR_OK;
}

/* Of keys that become equal the last one's value counts. */
static ErrCode map_to_map(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    FnMap map;

    fn_map_init(&map, mem, v.len);
    for (uint32_t i = 0; i < v.len; i++) {
        Value key, value;

        TRY(cast_run(plan->key, mem, v.u.items[2 * i], &key, err));
        TRY(cast_run(plan->elem, mem, v.u.items[2 * i + 1], &value, err));
        fn_map_put(&map, key, value);
    }
    *out = fn_map_value(&map);
    return ERR_OK;
}

static ErrCode struct_to_struct(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    uint32_t len = plan->to->fields_len;
    Value   *items = arena_zalloc(mem, sizeof(Value) * len);

    for (uint32_t i = 0; i < len; i++) {
        if (plan->fields[i])
            TRY(cast_run(plan->fields[i], mem, v.u.items[plan->source[i]], &items[i], err));
    }
    *out = value_items(T_STRUCT, items, len);
    return ERR_OK;
}

/* --- choosing --------------------------------------------------------------------------------- */

/* Scalar casts; NULL: not in the matrix.  Identity and casts to STRING are decided before. */
static const CastFn MATRIX[T_COUNT_][T_COUNT_] = {
    [T_INT] = {[T_BIGINT] = integer_to_bigint,
               [T_DOUBLE] = integer_to_double,
               [T_DECIMAL] = integer_to_decimal},
    [T_BIGINT] = {[T_INT] = integer_to_int,
                  [T_DOUBLE] = integer_to_double,
                  [T_DECIMAL] = integer_to_decimal},
    [T_DOUBLE] =
        {[T_INT] = double_to_int, [T_BIGINT] = double_to_bigint, [T_DECIMAL] = double_to_decimal},
    [T_DECIMAL] = {[T_INT] = decimal_to_int,
                   [T_BIGINT] = decimal_to_bigint,
                   [T_DOUBLE] = decimal_to_real,
                   [T_DECIMAL] = decimal_to_decimal},
    [T_STRING] = {[T_BOOLEAN] = string_to_boolean,
                  [T_INT] = string_to_int,
                  [T_BIGINT] = string_to_bigint,
                  [T_DOUBLE] = string_to_double,
                  [T_DECIMAL] = string_to_decimal,
                  [T_BYTES] = string_to_bytes,
                  [T_DATE] = string_to_date,
                  [T_TIME] = string_to_time,
                  [T_TIMESTAMP] = string_to_timestamp},
    [T_DATE] = {[T_TIMESTAMP] = date_to_timestamp},
    [T_TIMESTAMP] = {[T_DATE] = timestamp_to_date, [T_TIME] = timestamp_to_time},
};

static ErrCode compile_struct(Arena *mem, CastPlan *plan, Err *err)
{
    const Type *to = plan->to;
    int        *source = ARENA_ARRAY(mem, int, to->fields_len);

    plan->fields = ARENA_ARRAY(mem, const CastPlan *, to->fields_len);
    plan->source = source;
    plan->run = struct_to_struct;
    for (uint32_t i = 0; i < to->fields_len; i++) {
        source[i] = type_field_find(plan->from, to->fields[i].name);
        if (source[i] >= 0)
            TRY(cast_compile(mem, plan->from->fields[source[i]].type, to->fields[i].type,
                             &plan->fields[i], err));
    }
    return ERR_OK;
}

static ErrCode compile_nested(Arena *mem, CastPlan *plan, Err *err)
{
    switch (plan->to->kind) {
    case T_ARRAY:
        plan->run = array_to_array;
        return cast_compile(mem, plan->from->elem, plan->to->elem, &plan->elem, err);
    case T_MAP:
        plan->run = map_to_map;
        TRY(cast_compile(mem, plan->from->key, plan->to->key, &plan->key, err));
        return cast_compile(mem, plan->from->elem, plan->to->elem, &plan->elem, err);
    default:
        assert(plan->to->kind == T_STRUCT);
        return compile_struct(mem, plan, err);
    }
}

static ErrCode not_supported(const Type *from, const Type *to, Err *err)
{
    Arena *mem = arena_new(0);
    Str    from_text = type_text(mem, from);
    Str    to_text = type_text(mem, to);

    err_set(err, ERR_STATEMENT, "cannot cast %.*s to %.*s", STR_ARG(from_text), STR_ARG(to_text));
    arena_free(mem);
    return ERR_STATEMENT;
}

ErrCode cast_compile(Arena *mem, const Type *from, const Type *to, const CastPlan **out, Err *err)
{
    CastPlan *plan = ARENA_NEW(mem, CastPlan);

    plan->from = from;
    plan->to = to;
    if (from->kind == T_NULL || type_eq(from, to)) {
        plan->run = same;
    } else if (to->kind == T_STRING && from->kind != T_BYTES && from->kind < T_LAMBDA) {
        plan->run = any_to_string;
    } else if (from->kind == to->kind && type_is_nested(to)) {
        TRY(compile_nested(mem, plan, err));
    } else {
        plan->run = MATRIX[from->kind][to->kind];
        if (!plan->run)
            return not_supported(from, to, err);
    }
    *out = plan;
    return ERR_OK;
}

ErrCode cast_run(const CastPlan *plan, Arena *mem, Value v, Value *out, Err *err)
{
    if (v.kind == T_NULL) {
        *out = v;
        return ERR_OK;
    }
    return plan->run(plan, mem, v, out, err);
}

ErrCode expr_cast_value(Arena *mem, Value v, const Type *from, const Type *to, Value *out, Err *err)
{
    const CastPlan *plan;

    TRY(cast_compile(mem, from, to, &plan, err));
    return cast_run(plan, mem, v, out, err);
}

/* --- the node --------------------------------------------------------------------------------- */

static Value cast(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);
    Value out = value_null();

    if (v.kind == T_NULL)
        return v;
    frame->rc = node->u.cast->run(node->u.cast, frame->ctx->mem, v, &out, frame->err);
    if (frame->rc == ERR_OK)
        return out;
    frame->err->pos = node->expr->pos;
    return value_null();
}

static Value widen_to_bigint(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);

    if (v.kind != T_NULL)
        v.kind = T_BIGINT;
    return v;
}

static Value widen_to_double(const ExprNode *node, ExprFrame *frame)
{
    Value v = expr_node_eval(node->args[0], frame);

    return v.kind == T_NULL ? v : value_double((double)v.u.i);
}

ErrCode expr_cast_choose(ExprNode *node, Arena *mem, Err *err)
{
    TRY(cast_compile(mem, node->args[0]->expr->type, node->expr->type, &node->u.cast, err));
    if (node->u.cast->run == integer_to_bigint)
        node->eval = widen_to_bigint;
    else if (node->u.cast->run == integer_to_double)
        node->eval = widen_to_double;
    else
        node->eval = cast;
    return ERR_OK;
}
