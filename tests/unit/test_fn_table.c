#include "exec/functions/fn_table.h"

#include "exec/agg.h"
#include "planner/fn_sig.h"
#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

/* --- the rows --------------------------------------------------------------------------------- */

static void every_name_is_counted(void **state)
{
    const FnTable *table = fn_table();
    size_t         scalars = 0, aggregates = 0;

    (void)state;
    for (size_t i = 0; i < table->fns_len; i++)
        scalars += i == 0 || strcmp(table->fns[i]->name, table->fns[i - 1]->name) != 0;
    for (size_t i = 0; i < table->aggs_len; i++)
        aggregates += i == 0 || strcmp(table->aggs[i]->name, table->aggs[i - 1]->name) != 0;
    assert_int_equal(scalars, 129);
    assert_int_equal(aggregates, 18);
    assert_int_equal(table->table_fns_len, 2);
}

static void names_ascend(void **state)
{
    const FnTable *table = fn_table();

    (void)state;
    for (size_t i = 1; i < table->fns_len; i++)
        assert_true(strcmp(table->fns[i - 1]->name, table->fns[i]->name) <= 0);
    for (size_t i = 1; i < table->aggs_len; i++)
        assert_true(strcmp(table->aggs[i - 1]->name, table->aggs[i]->name) <= 0);
    for (size_t i = 1; i < table->table_fns_len; i++)
        assert_true(strcmp(table->table_fns[i - 1]->name, table->table_fns[i]->name) < 0);
}

static void check_text(const char *name, const char *doc)
{
    if (!doc || strlen(doc) < 10 || doc[strlen(doc) - 1] != '.')
        fail_msg("%s: its doc is no sentence", name);
}

static void check_sig(Arena *mem, const char *name, const char *text)
{
    const char *at = "";
    FnSig       sig;

    if (!fn_sig_parse(mem, text, &sig, &at))
        fail_msg("%s: signature %s is malformed at %s", name, text, at);
}

static void every_row_is_documented_and_its_signature_parses(void **state)
{
    Arena         *test_mem = test_arena(state);
    const FnTable *table = fn_table();

    for (size_t i = 0; i < table->fns_len; i++) {
        assert_non_null(table->fns[i]->category);
        check_text(table->fns[i]->name, table->fns[i]->doc);
        check_sig(test_mem, table->fns[i]->name, table->fns[i]->sig);
    }
    for (size_t i = 0; i < table->aggs_len; i++) {
        check_text(table->aggs[i]->name, table->aggs[i]->doc);
        check_sig(test_mem, table->aggs[i]->name, table->aggs[i]->sig);
    }
    for (size_t i = 0; i < table->table_fns_len; i++) {
        check_text(table->table_fns[i]->name, table->table_fns[i]->doc);
        check_sig(test_mem, table->table_fns[i]->name, table->table_fns[i]->sig);
    }
}

/* The other two null rules say themselves what a null argument does. */
static void a_row_whose_body_sees_nulls_tells_what_they_do(void **state)
{
    const FnTable *table = fn_table();

    (void)state;
    for (size_t i = 0; i < table->fns_len; i++) {
        const FnDef *def = table->fns[i];

        if (def->nulls == NULL_IS_VALUE && !strcasestr(def->doc, "null") &&
            !strstr(def->doc, "As MASK"))
            fail_msg("%s%s: its doc does not tell what null does", def->name, def->sig);
    }
}

static void overloads_differ(void **state)
{
    const FnTable *table = fn_table();

    (void)state;
    for (size_t i = 0; i < table->fns_len; i++) {
        for (size_t k = i + 1; k < table->fns_len; k++) {
            if (strcmp(table->fns[i]->name, table->fns[k]->name) == 0)
                assert_string_not_equal(table->fns[i]->sig, table->fns[k]->sig);
        }
    }
}

/* --- scalar examples -------------------------------------------------------------------------- */

static void every_example_is_true(void **state)
{
    const FnTable *table = fn_table();
    size_t         wrong = 0;

    for (size_t i = 0; i < table->fns_len; i++) {
        Arena      *test_mem = test_arena(state);
        const char *example = table->fns[i]->example;
        Evaluated   got;
        const char *why = NULL;

        assert_non_null(example);
        got = eval_sql(test_mem, NULL, NULL, example);
        if (got.rc != ERR_OK)
            why = got.err.msg;
        else if (got.value.kind != T_BOOLEAN || !got.value.u.b)
            why = "is not true";
        else if (got.errors_reported)
            why = "an error inside it became null";
        if (why)
            print_error("%s: %s\n", example, why);
        wrong += why != NULL;
    }
    assert_int_equal(wrong, 0);
}

/* --- aggregate examples: NAME of row, row with literal, literal = result ------------------------
 */

/* A row is a value or (value, value); NULL takes the type of the others. */
typedef struct AggExample {
    Str name, rows, literals, result;
} AggExample;

static AggExample split_example(const char *text)
{
    Str        s = str_from(text);
    ptrdiff_t  of = str_find(s, STR(" of "), 0);
    ptrdiff_t  with = str_find(s, STR(" with "), 0);
    ptrdiff_t  equals = str_find(s, STR(" = "), 0);
    AggExample example = {.literals = STR("")};

    assert_true(of > 0 && equals > of);
    example.name = str_slice(s, 0, (size_t)of);
    example.rows = str_slice(s, (size_t)of + 4, (size_t)(with > 0 ? with : equals));
    if (with > 0)
        example.literals = str_slice(s, (size_t)with + 6, (size_t)equals);
    example.result = str_slice(s, (size_t)equals + 3, s.len);
    return example;
}

/* The rows as an array: of structs where they have several columns. */
static Value rows_of(Arena *mem, Str rows, const Type **elem)
{
    Buf       text = buf_in(mem);
    Evaluated got;

    buf_c(&text, "ARRAY[");
    for (size_t i = 0; i < rows.len; i++) {
        if (rows.ptr[i] == '(') {
            buf_c(&text, "STRUCT(A := ");
        } else if (rows.ptr[i] == ',' && memchr(rows.ptr + i, ')', rows.len - i) &&
                   rows.ptr[i - 1] != ')') {
            buf_c(&text, ", B := ");
        } else {
            buf_put(&text, rows.ptr[i]);
        }
    }
    buf_c(&text, "]");
    if (rows.ptr[0] == 'A') { /* arrays themselves */
        buf_clear(&text);
        buf_printf(&text, "ARRAY[%.*s]", STR_ARG(rows));
    }
    got = eval_sql(mem, NULL, NULL, str_to_c(mem, buf_view(&text)));
    if (got.rc != ERR_OK)
        fail_msg("%.*s: %s", STR_ARG(rows), got.err.msg);
    *elem = got.type->elem;
    return got.value;
}

/* Columns X, or X and Y, of the rows' types. */
static const Schema *schema_of(Arena *mem, const Type *elem)
{
    Column *cols = ARENA_ARRAY(mem, Column, 2);
    Schema *schema = ARENA_NEW(mem, Schema);
    bool    is_struct = elem->kind == T_STRUCT;

    cols[0] = (Column){.name = STR("X"), .type = is_struct ? elem->fields[0].type : elem};
    cols[1] = (Column){.name = STR("Y"), .type = is_struct ? elem->fields[1].type : elem};
    *schema = (Schema){.cols = cols, .len = is_struct ? 2 : 1};
    return schema;
}

/* The aggregate of an example, bound; its rows in *rows. */
static AggCall bind_example(Arena *mem, const char *text, Value *rows)
{
    AggExample    example = split_example(text);
    const Type   *elem;
    const Schema *schema;
    PlanAgg       agg;
    Err           err;
    Str           call;

    *rows = rows_of(mem, example.rows, &elem);
    schema = schema_of(mem, elem);
    call = str_printf(mem, "%.*s(%s%s%.*s)", STR_ARG(example.name), schema->len == 2 ? "X, Y" : "X",
                      example.literals.len ? ", " : "", STR_ARG(example.literals));
    if (eval_bind_agg(mem, schema, str_to_c(mem, call), &agg, &err) != ERR_OK)
        fail_msg("%s: %s", text, err.msg);
    return (AggCall){.def = agg.def,
                     .arg_types = agg.arg_types,
                     .args_len = agg.args_len,
                     .init_args = agg.init_args,
                     .init_len = agg.init_len,
                     .result = agg.type,
                     .slot_types = agg.slot_types,
                     .limit = agg.limit,
                     .mem = mem};
}

static AggSlots new_slots(const AggCall *call)
{
    AggSlots slots = {.values = ARENA_ARRAY(call->mem, Value, call->def->slots_len)};

    call->def->init(call, &slots);
    return slots;
}

static const Value *row_of(Value rows, uint32_t i)
{
    return rows.u.items[i].kind == T_STRUCT ? rows.u.items[i].u.items : &rows.u.items[i];
}

static void add_rows(const AggCall *call, AggSlots *slots, Value rows, uint32_t from, uint32_t to)
{
    Err err;

    for (uint32_t i = from; i < to; i++)
        assert_int_equal(call->def->add(call, slots, row_of(rows, i), &err), ERR_OK);
}

static void check_result(const AggCall *call, const AggSlots *slots, const char *example)
{
    Str       result = split_example(example).result;
    Schema   *schema = ARENA_NEW(call->mem, Schema);
    Column   *column = ARENA_NEW(call->mem, Column);
    Value     value;
    Evaluated got;
    Err       err;

    *column = (Column){.name = STR("RESULT"), .type = call->result};
    *schema = (Schema){.cols = column, .len = 1};
    assert_int_equal(call->def->finish(call, slots, &value, &err), ERR_OK);
    got = eval_sql(
        call->mem, schema, &value,
        str_to_c(call->mem, str_printf(call->mem, "RESULT = CAST(%.*s AS %.*s)", STR_ARG(result),
                                       STR_ARG(type_text(call->mem, call->result)))));
    if (got.rc != ERR_OK)
        fail_msg("%s: %s", example, got.err.msg);
    if (got.value.kind != T_BOOLEAN || !got.value.u.b) {
        Buf printed = buf_in(call->mem);

        if (value_is_null(value))
            buf_c(&printed, "null");
        else
            value_print(&printed, value, call->result);
        fail_msg("%s: got %.*s", example, (int)printed.len, printed.ptr);
    }
}

static void every_aggregate_example_is_true(void **state)
{
    const FnTable *table = fn_table();

    for (size_t i = 0; i < table->aggs_len; i++) {
        Value    rows;
        AggCall  call = bind_example(test_arena(state), table->aggs[i]->example, &rows);
        AggSlots slots = new_slots(&call);

        assert_string_equal(call.def->name, table->aggs[i]->name);
        add_rows(&call, &slots, rows, 0, rows.len);
        check_result(&call, &slots, table->aggs[i]->example);
    }
}

static void merged_parts_give_the_result_of_the_whole(void **state)
{
    const FnTable *table = fn_table();

    for (size_t i = 0; i < table->aggs_len; i++) {
        Value   rows;
        AggCall call = bind_example(test_arena(state), table->aggs[i]->example, &rows);

        for (uint32_t cut = 0; cut <= rows.len; cut++) {
            AggSlots first = new_slots(&call);
            AggSlots second = new_slots(&call);
            Err      err;

            add_rows(&call, &first, rows, 0, cut);
            add_rows(&call, &second, rows, cut, rows.len);
            assert_int_equal(call.def->merge(&call, &first, &second, &err), ERR_OK);
            check_result(&call, &first, table->aggs[i]->example);
        }
    }
}

static void undone_rows_leave_no_trace(void **state)
{
    const FnTable *table = fn_table();
    size_t         undoable = 0;

    for (size_t i = 0; i < table->aggs_len; i++) {
        Value    rows;
        AggCall  call = bind_example(test_arena(state), table->aggs[i]->example, &rows);
        AggSlots slots = new_slots(&call);
        Err      err;

        if (!call.def->undo)
            continue;
        undoable += i == 0 || strcmp(table->aggs[i]->name, table->aggs[i - 1]->name) != 0;
        /* Later rows first gone, then everything twice and once taken back. */
        add_rows(&call, &slots, rows, 0, rows.len);
        for (uint32_t k = rows.len; k-- > 0;)
            assert_int_equal(call.def->undo(&call, &slots, row_of(rows, k), &err), ERR_OK);
        add_rows(&call, &slots, rows, 0, rows.len);
        check_result(&call, &slots, table->aggs[i]->example);
    }
    assert_int_equal(undoable, 10);
}

/* --- table function examples: CALL = value, value -----------------------------------------------
 */

static void every_table_function_example_is_true(void **state)
{
    const FnTable *table = fn_table();

    for (size_t i = 0; i < table->table_fns_len; i++) {
        Arena            *test_mem = test_arena(state);
        Str               example = str_from(table->table_fns[i]->example);
        ptrdiff_t         equals = str_find(example, STR(" = "), 0);
        const TableFnDef *def;
        Expr            **args;
        const Type       *type;
        Value             arg;
        const Value      *rows;
        uint32_t          len;
        Evaluated         expected;
        FnCall            call = {.mem = test_mem};
        Err               err;
        Str               call_text = str_slice(example, 0, (size_t)equals);
        Str               values = str_slice(example, (size_t)equals + 3, example.len);

        if (eval_bind_table_fn(test_mem, str_to_c(test_mem, call_text), &def, &args, &type, &err))
            fail_msg("%s: %s", table->table_fns[i]->example, err.msg);
        assert_int_equal(expr_eval_const(NULL, args[0], test_mem, &arg, &err), ERR_OK);
        assert_int_equal(def->eval(&call, &arg, &rows, &len, &err), ERR_OK);
        /* NULLs alone have no type: they stand behind the others. */
        expected = eval_sql(
            test_mem, NULL, NULL,
            str_to_c(test_mem,
                     str_find(values, STR("NULL, NULL"), 0) < 0
                         ? str_printf(test_mem, "ARRAY[%.*s]", STR_ARG(values))
                         : str_printf(test_mem, "ARRAY[ARRAY[CAST(NULL AS INT), NULL]%.*s]",
                                      (int)(values.len - strlen("ARRAY[NULL, NULL]")),
                                      values.ptr + strlen("ARRAY[NULL, NULL]"))));
        assert_int_equal(expected.rc, ERR_OK);
        assert_int_equal(len, expected.value.len);
        assert_true(value_eq(value_items(T_ARRAY, rows, len), expected.value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(every_name_is_counted),
        arena_test(names_ascend),
        arena_test(every_row_is_documented_and_its_signature_parses),
        arena_test(a_row_whose_body_sees_nulls_tells_what_they_do),
        arena_test(overloads_differ),
        arena_test(every_example_is_true),
        arena_test(every_aggregate_example_is_true),
        arena_test(merged_parts_give_the_result_of_the_whole),
        arena_test(undone_rows_leave_no_trace),
        arena_test(every_table_function_example_is_true),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
