/*
 * test_fn_extremes.c -- no argument breaks a function.
 *
 * Every overload of the function table is called with the ends of each parameter's type, null,
 * NaN, empty and huge texts, negative indices: one parameter at a time, then at random.  A call
 * gives a value within the limits, or an error; it never crashes, and the sanitizers see all of it.
 */
#include <float.h>
#include <math.h>

#include "common/decimal.h"
#include "common/limit.h"
#include "common/vec.h"
#include "exec/agg.h"
#include "exec/functions/fn_table.h"
#include "planner/fn_sig.h"
#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"
#include "tests/support/random_value.h"

enum { HUGE_BYTES = 1 << 20, ELEMENTS = 1000, MIXES = 24, PARAMS_MAX = 8 };

static Str huge_text(void)
{
    static char text[HUGE_BYTES];

    if (!text[0]) {
        for (size_t i = 0; i < HUGE_BYTES; i++)
            text[i] = "ab,c {\"\\[%0\n"[i % 12];
    }
    return (Str){text, HUGE_BYTES};
}

/* --- extreme values --------------------------------------------------------------------------- */

typedef VEC(Value) Values;

static void add_texts(Arena *mem, TypeKind kind, Values *out)
{
    static const char *const texts[] = {"a b",
                                        "",
                                        "\xf0\x9f\x98\x80\xcc\x81",
                                        "{\"a\": [1, {\"b\": null}]}",
                                        "[[[[[[[[",
                                        "(a*)*b",
                                        "yyyy-MM-dd'T'HH:mm:ss.SSSX",
                                        "9999-12-31T23:59:59.999",
                                        "http://u:p@h:99999/%zz?a=%41&b#c",
                                        "$.a[0]",
                                        "\\u00e9",
                                        "base64"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Str text = str_from(texts[i]);

        vec_push(mem, out, kind == T_STRING ? value_str(text) : value_bytes(text));
    }
    vec_push(mem, out, kind == T_STRING ? value_str(huge_text()) : value_bytes(huge_text()));
}

static void add_scalars(Arena *mem, const Type *type, Values *out)
{
    static const int64_t     integers[] = {2, 0, 1, -1, 7, -1000, INT32_MAX, INT32_MIN};
    static const int64_t     days[] = {0, -719162, 2932896, INT32_MAX, INT32_MIN};
    static const double      doubles[] = {1.5,       0.0,     -0.0,  NAN,     INFINITY,
                                          -INFINITY, DBL_MAX, -1e18, DBL_MIN, 4.9e-324};
    static const char *const decimals[] = {"1.5", "0", "-9999999999999999999999999999.9999999999",
                                           "9999999999999999999999999999.9999999999", "-1e-10"};

    for (size_t i = 0; type->kind == T_INT && i < 8; i++)
        vec_push(mem, out, value_int((int32_t)integers[i]));
    for (size_t i = 0; type->kind == T_BIGINT && i < 10; i++)
        vec_push(mem, out, value_bigint(i < 8 ? integers[i] : i == 8 ? INT64_MAX : INT64_MIN));
    for (size_t i = 0; type->kind == T_DOUBLE && i < 10; i++)
        vec_push(mem, out, value_double(doubles[i]));
    for (size_t i = 0; type->kind == T_DECIMAL && i < 5; i++) {
        Value v, fitted;
        Err   err;

        assert_true(decimal_parse(mem, str_from(decimals[i]), &v));
        assert_int_equal(decimal_fit(mem, v, type, DECIMAL_ROUND_HALF_UP, &fitted, &err), ERR_OK);
        vec_push(mem, out, fitted);
    }
    for (size_t i = 0; type->kind == T_DATE && i < 5; i++)
        vec_push(mem, out, value_time(T_DATE, days[i]));
    for (size_t i = 0; type->kind == T_TIME && i < 3; i++)
        vec_push(mem, out, value_time(T_TIME, (int64_t[]){1, 0, MS_PER_DAY - 1}[i]));
    for (size_t i = 0; type->kind == T_TIMESTAMP && i < 5; i++)
        vec_push(mem, out,
                 value_time(T_TIMESTAMP, (int64_t[]){0, -62135596800000, 253402300799999, INT64_MAX,
                                                     INT64_MIN}[i]));
    for (size_t i = 0; type->kind == T_BOOLEAN && i < 2; i++)
        vec_push(mem, out, value_bool(i == 0));
}

static Values extremes_of(Arena *mem, const Type *type);

/* An array or map that holds `len` members, each of the extremes in turn. */
static Value collection(Arena *mem, const Type *type, const Values *members, uint32_t len)
{
    uint32_t width = type->kind == T_MAP ? 2 : 1;
    Value   *items = ARENA_ARRAY(mem, Value, (size_t)width * len + 1);

    for (uint32_t i = 0; i < len; i++) {
        if (type->kind == T_MAP)
            items[2 * i] = value_str(str_printf(mem, "%u", i));
        items[width * i + width - 1] = members->items[i % members->len];
    }
    return value_items(type->kind, items, len);
}

/* The first is an ordinary value, the last is null. */
static Values extremes_of(Arena *mem, const Type *type)
{
    Values out = {0}, members;

    switch (type->kind) {
    case T_STRING:
    case T_BYTES:
        add_texts(mem, type->kind, &out);
        break;
    case T_ARRAY:
    case T_MAP:
        members = extremes_of(mem, type->elem);
        vec_push(mem, &out, collection(mem, type, &members, 2));
        vec_push(mem, &out, collection(mem, type, &members, 0));
        /* Without the null, which is last; then with it and the huge text. */
        vec_push(mem, &out, collection(mem, type, &members, (uint32_t)members.len));
        if (members.items[0].kind == T_STRING || members.items[0].kind == T_BYTES)
            members.len = 3;
        vec_push(mem, &out, collection(mem, type, &members, ELEMENTS));
        break;
    default:
        add_scalars(mem, type, &out);
    }
    if (out.len == 0)
        fail_msg("no values of type %s", type_kind_name(type->kind));
    vec_push(mem, &out, value_null());
    return out;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* A call NAME(P0, P1, ...) of columns with the types of one overload. */
typedef struct Call {
    const char *sql;
    Column      cols[PARAMS_MAX];
    Schema      schema;
    Values      values[PARAMS_MAX];
} Call;

/* Type variables: K for keys, the others all alike. */
static FnVars vars_of(const Type *type)
{
    FnVars vars;

    for (size_t i = 0; i < 26; i++)
        vars.types[i] = type;
    vars.types['K' - 'A'] = &type_string;
    return vars;
}

static void add_lambda(Buf *sql, const FnType *lambda)
{
    buf_c(sql, "(");
    for (uint32_t i = 0; i < lambda->parts_len; i++)
        buf_printf(sql, "%sX%u", i ? ", " : "", i);
    buf_c(sql, ") => ");
    if (lambda->result->kind == FN_TYPE_EXACT)
        buf_c(sql, "X0 = X0");
    else
        buf_c(sql, "X0");
}

static void add_column(Arena *mem, Call *call, const FnType *pattern, const FnVars *vars, Buf *sql)
{
    uint32_t    at = call->schema.len;
    const Type *type = pattern->kind == FN_TYPE_DECIMAL ? type_decimal(mem, 38, 10)
                       : pattern->kind == FN_TYPE_ANY   ? &type_string
                                                        : fn_type_make(mem, pattern, vars);

    assert_non_null(type);
    assert_true(at < PARAMS_MAX);
    call->cols[at] = (Column){.name = str_printf(mem, "P%u", at), .type = type};
    call->values[at] = extremes_of(mem, type);
    call->schema.len++;
    buf_printf(sql, "P%u", at);
}

static bool is_unit(const FnType *type)
{
    return type->kind == FN_TYPE_EXACT && type->type->kind == T_UNIT;
}

/* A variadic parameter stands twice. */
static void make_call(Arena *mem, const char *name, const char *text, const FnVars *vars,
                      Call *call)
{
    Buf         sql = buf_in(mem);
    FnSig       sig;
    const char *at, *comma = "";

    *call = (Call){0};
    call->schema.cols = call->cols;
    assert_true(fn_sig_parse(mem, text, &sig, &at));
    buf_printf(&sql, "%s(", name);
    for (uint32_t i = 0; i < sig.params_len; i++) {
        const FnParam *param = &sig.params[i];

        for (int times = (int)i == sig.variadic ? 2 : 1; times > 0; times--, comma = ", ") {
            buf_c(&sql, comma);
            if (param->is_literal)
                buf_c(&sql, param->type->type->kind == T_BOOLEAN ? "TRUE" : "2");
            else if (is_unit(param->type))
                buf_c(&sql, "DAYS");
            else if (param->type->kind == FN_TYPE_LAMBDA)
                add_lambda(&sql, param->type);
            else
                add_column(mem, call, param->type, vars, &sql);
        }
    }
    buf_c(&sql, ")");
    call->sql = str_to_c(mem, buf_view(&sql));
}

static uint32_t choices(const Call *call, uint32_t column)
{
    return (uint32_t)call->values[column].len;
}

/* --- results ---------------------------------------------------------------------------------- */

static void check_bounds(const char *sql, Value value)
{
    uint32_t width = value.kind == T_MAP ? 2 : 1;

    if ((value.kind == T_STRING || value.kind == T_BYTES) &&
        (int64_t)value.len > g_limits.value_bytes)
        fail_msg("%s: %u bytes", sql, value.len);
    if (value.kind != T_ARRAY && value.kind != T_MAP && value.kind != T_STRUCT)
        return;
    if ((int64_t)value.len > g_limits.items)
        fail_msg("%s: %u items", sql, value.len);
    for (uint32_t i = 0; i < width * value.len; i++)
        check_bounds(sql, value.u.items[i]);
}

static void run(Arena *mem, const Call *call, const ExprProg *prog, const Value *cols)
{
    Row     row = {.cols = (Value *)cols};
    ExprCtx ctx = {.mem = mem, .now_ms = INT64_MAX};
    Value   value;
    Err     err;

    if (expr_try(prog, &row, &ctx, &value, &err) == ERR_OK)
        check_bounds(call->sql, value);
    else
        assert_true(err.msg[0] != '\0');
    arena_reset(mem);
}

static void run_all(Arena *batch_mem, Random *random, const Call *call, const ExprProg *prog)
{
    Value cols[PARAMS_MAX];

    for (uint32_t p = 0; p < call->schema.len; p++) {
        for (uint32_t i = 0; i < call->schema.len; i++)
            cols[i] = call->values[i].items[0];
        for (uint32_t k = 0; k < choices(call, p); k++) {
            cols[p] = call->values[p].items[k];
            run(batch_mem, call, prog, cols);
        }
    }
    for (int mix = 0; mix < MIXES; mix++) {
        for (uint32_t i = 0; i < call->schema.len; i++) {
            cols[i] = call->values[i].items[random_below(random, choices(call, i))];
            /* One huge text at a time is enough. */
            if ((cols[i].kind == T_STRING || cols[i].kind == T_BYTES) && cols[i].len == HUGE_BYTES)
                cols[i] = call->values[i].items[1];
        }
        run(batch_mem, call, prog, cols);
    }
}

static const Type *const variants[] = {&type_int, &type_string, &type_double, &type_boolean};

enum { VARIANTS = sizeof variants / sizeof *variants };

static bool has_variables(const char *sig)
{
    return strstr(sig, "T") || strstr(sig, "K,");
}

static void no_scalar_function_breaks(void **state)
{
    const FnTable *table = fn_table();
    Arena         *mem = test_arena(state), *batch_mem = arena_new(0);
    Random         random = {7};
    ExprOpts       opts = {.nested_error_set_null = true, .name = "extremes"};
    size_t         called = 0;

    for (size_t i = 0; i < table->fns_len; i++) {
        for (size_t v = 0; v < (has_variables(table->fns[i]->sig) ? VARIANTS : 1); v++) {
            FnVars          vars = vars_of(variants[v]);
            Call            call;
            Expr           *expr;
            const ExprProg *prog;
            Err             err;

            make_call(mem, table->fns[i]->name, table->fns[i]->sig, &vars, &call);
            if (eval_bind(mem, &call.schema, call.sql, &expr, &err) != ERR_OK)
                continue; /* this type is none that the variable can be */
            assert_int_equal(expr_compile(mem, expr, &opts, &prog, &err), ERR_OK);
            run_all(batch_mem, &random, &call, prog);
            expr_release(prog);
            called += v == 0;
        }
        arena_reset(mem);
    }
    arena_free(batch_mem);
    assert_int_equal(called, table->fns_len);
}

/* --- wrong types ------------------------------------------------------------------------------ */

static void a_wrong_type_is_refused_or_converted(void **state)
{
    static const TypeKind kinds[] = {T_BOOLEAN, T_INT,  T_DOUBLE, T_STRING,
                                     T_BYTES,   T_DATE, T_TIME,   T_TIMESTAMP};
    const FnTable        *table = fn_table();
    Arena                *mem = test_arena(state);
    size_t                refused = 0;

    for (size_t i = 0; i < table->fns_len; i++) {
        FnVars vars = vars_of(&type_int);
        Call   call;

        make_call(mem, table->fns[i]->name, table->fns[i]->sig, &vars, &call);
        for (uint32_t p = 0; p < call.schema.len; p++) {
            for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                const Type *type = call.cols[p].type;
                Expr       *expr;
                Err         err;
                ErrCode     rc;

                call.cols[p].type = type_scalar(kinds[k]);
                rc = eval_bind(mem, &call.schema, call.sql, &expr, &err);
                call.cols[p].type = type;
                assert_true(rc == ERR_OK || rc == ERR_STATEMENT);
                assert_true(rc == ERR_OK || err.pos.line == 1);
                refused += rc != ERR_OK;
            }
        }
        arena_reset(mem);
    }
    assert_true(refused > 1000);
}

/* --- aggregates and table functions ----------------------------------------------------------- */

static AggSlots new_slots(const AggCall *call)
{
    AggSlots slots = {.values = ARENA_ARRAY(call->mem, Value, call->def->slots_len)};

    call->def->init(call, &slots);
    return slots;
}

/* All extremes into one group, then another merged into it, then all taken out again. */
static void aggregate_all(const AggCall *call, const Call *sql)
{
    AggSlots slots = new_slots(call), other = new_slots(call);
    Value    cols[PARAMS_MAX], out;
    Err      err;

    for (int undo = 0; undo < 2; undo++) {
        for (uint32_t k = 0; k < 16; k++) {
            ErrCode rc;

            for (uint32_t i = 0; i < sql->schema.len; i++)
                cols[i] = sql->values[i].items[k % choices(sql, i)];
            rc = undo && call->def->undo ? call->def->undo(call, &slots, cols, &err)
                                         : call->def->add(call, &slots, cols, &err);
            assert_true(rc == ERR_OK || rc == ERR_EVAL);
        }
        assert_true(call->def->merge(call, &slots, &other, &err) == ERR_OK || err.code == ERR_EVAL);
        if (call->def->finish(call, &slots, &out, &err) == ERR_OK)
            check_bounds(sql->sql, out);
    }
}

static void no_aggregate_function_breaks(void **state)
{
    const FnTable *table = fn_table();
    Arena         *mem = test_arena(state);

    for (size_t i = 0; i < table->aggs_len; i++) {
        for (size_t v = 0; v < VARIANTS; v++) {
            FnVars  vars = vars_of(variants[v]);
            Call    call;
            PlanAgg agg;
            AggCall agg_call;
            Err     err;

            make_call(mem, table->aggs[i]->name, table->aggs[i]->sig, &vars, &call);
            if (eval_bind_agg(mem, &call.schema, call.sql, &agg, &err) != ERR_OK)
                continue;
            agg_call = (AggCall){.def = agg.def,
                                 .arg_types = agg.arg_types,
                                 .args_len = agg.args_len,
                                 .init_args = agg.init_args,
                                 .init_len = agg.init_len,
                                 .result = agg.type,
                                 .slot_types = agg.slot_types,
                                 .limit = agg.limit,
                                 .mem = mem};
            aggregate_all(&agg_call, &call);
        }
        arena_reset(mem);
    }
}

static void no_table_function_breaks(void **state)
{
    const FnTable *table = fn_table();
    Arena         *mem = test_arena(state);

    for (size_t i = 0; i < table->table_fns_len; i++) {
        FnVars vars = vars_of(&type_int);
        Call   call;
        FnCall fn_call = {.mem = mem};

        make_call(mem, table->table_fns[i]->name, table->table_fns[i]->sig, &vars, &call);
        for (uint32_t k = 0; k < choices(&call, 0); k++) {
            const Value *rows;
            uint32_t     len = 0;
            Err          err;

            if (table->table_fns[i]->eval(&fn_call, &call.values[0].items[k], &rows, &len, &err) ==
                ERR_OK)
                assert_true((int64_t)len <= (1 << 20));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(no_scalar_function_breaks),
        arena_test(a_wrong_type_is_refused_or_converted),
        arena_test(no_aggregate_function_breaks),
        arena_test(no_table_function_breaks),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
