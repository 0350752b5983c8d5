#include "common/value.h"

#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"
#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static Str text_of(Arena *arena, Value v, const Type *type)
{
    Buf out = buf_in(arena);

    value_print(&out, v, type);
    return buf_view(&out);
}

static Str sql_of(Arena *arena, Value v, const Type *type)
{
    Buf out = buf_in(arena);

    value_print_sql(&out, v, type);
    return buf_view(&out);
}

static const Type *order_type(Arena *arena)
{
    const TypeField fields[] = {{STR("ID"), &type_bigint},
                                {STR("tag`s"), type_array(arena, &type_string)},
                                {STR("PRICE"), type_decimal(arena, 6, 2)}};

    return type_struct(arena, fields, 3);
}

static void value_prints_scalars_as_cast_to_string_gives_them(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(text_of(arena, value_null(), &type_int), "null");
    assert_text(text_of(arena, value_bool(true), &type_boolean), "true");
    assert_text(text_of(arena, value_bool(false), &type_boolean), "false");
    assert_text(text_of(arena, value_bigint(INT64_MIN), &type_bigint), "-9223372036854775808");
    assert_text(text_of(arena, value_double(-0.0), &type_double), "-0.0");
    assert_text(text_of(arena, value_double(1e10), &type_double), "1.0E10");
    assert_text(text_of(arena, decimal_from_i64(150, 2), type_decimal(arena, 3, 2)), "1.50");
    assert_text(text_of(arena, value_str(STR("it's")), &type_string), "it's");
    assert_text(text_of(arena, value_bytes(STR("\1\2")), &type_bytes), "AQI=");
    assert_text(text_of(arena, value_time(T_DATE, 1), &type_date), "1970-01-02");
    assert_text(text_of(arena, value_time(T_TIME, 61001), &type_time), "00:01:01");
    assert_text(text_of(arena, value_time(T_TIMESTAMP, 1), &type_timestamp),
                "1970-01-01T00:00:00.001");
}

static void value_prints_nested_values_as_ksqldb_does(void **state)
{
    Arena      *arena = test_arena(state);
    const Value tags[] = {value_str(STR("a")), value_null(), value_str(STR("b"))};
    const Value fields[] = {value_null(), value_items(T_ARRAY, tags, 3), decimal_from_i64(100, 2)};
    const Value entries[] = {value_str(STR("this")), value_int(1), value_str(STR("that")),
                             value_null()};

    assert_text(text_of(arena, value_items(T_ARRAY, tags, 0), type_array(arena, &type_string)),
                "[]");
    assert_text(
        text_of(arena, value_items(T_MAP, entries, 2), type_map(arena, &type_string, &type_int)),
        "{this=1, that=null}");
    assert_text(text_of(arena, value_items(T_STRUCT, fields, 3), order_type(arena)),
                "Struct{tag`s=[a, null, b],PRICE=1.00}");
}

static void value_print_sql_writes_literals_of_the_same_type(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(sql_of(arena, value_null(), &type_int), "NULL");
    assert_text(sql_of(arena, value_bool(true), &type_boolean), "TRUE");
    assert_text(sql_of(arena, value_int(-5), &type_int), "-5");
    assert_text(sql_of(arena, value_double(1.5), &type_double), "1.5E0");
    assert_text(sql_of(arena, value_double(1e100), &type_double), "1.0E100");
    assert_text(sql_of(arena, value_double((double)NAN), &type_double), "(0E0 / 0E0)");
    assert_text(sql_of(arena, value_double(-(double)INFINITY), &type_double), "(-1E0 / 0E0)");
    assert_text(sql_of(arena, decimal_from_i64(150, 2), type_decimal(arena, 3, 2)), "1.50");
    assert_text(sql_of(arena, decimal_from_i64(-15, 0), type_decimal(arena, 3, 0)),
                "DECIMAL '-15'");
    assert_text(sql_of(arena, value_str(STR("it's")), &type_string), "'it''s'");
    assert_text(sql_of(arena, value_bytes(STR("\1\2")), &type_bytes), "CAST('AQI=' AS BYTES)");
    assert_text(sql_of(arena, value_time(T_DATE, 0), &type_date), "CAST('1970-01-01' AS DATE)");
}

static void value_print_sql_keeps_the_milliseconds_of_a_time(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(sql_of(arena, value_time(T_TIME, 60000), &type_time), "CAST('00:01' AS TIME)");
    assert_text(sql_of(arena, value_time(T_TIME, 60007), &type_time),
                "CAST('00:01:00.007' AS TIME)");
    assert_text(sql_of(arena, value_time(T_TIME, 61007), &type_time),
                "CAST('00:01:01.007' AS TIME)");
}

static void value_print_sql_names_the_type_of_nested_nulls(void **state)
{
    Arena      *arena = test_arena(state);
    const Value tags[] = {value_null(), value_str(STR("b"))};
    const Value fields[] = {value_bigint(1), value_items(T_ARRAY, tags, 2), value_null()};
    const Value entries[] = {value_str(STR("k")), value_int(1)};

    assert_text(sql_of(arena, value_items(T_STRUCT, fields, 3), order_type(arena)),
                "STRUCT(`ID` := 1, `tag``s` := ARRAY[CAST(NULL AS STRING), 'b'], "
                "`PRICE` := CAST(NULL AS DECIMAL(6, 2)))");
    assert_text(
        sql_of(arena, value_items(T_MAP, entries, 1), type_map(arena, &type_string, &type_int)),
        "MAP('k' := 1)");
}

static void value_print_of_times_reads_back(void **state)
{
    Seed seed = {83};

    for (int i = 0; i < 1000; i++) {
        Arena  *arena = test_arena(state);
        Value   v = seed_value(&seed, arena, &type_time);
        Str     sql = sql_of(arena, v, &type_time);
        int64_t ms;
        Err     err;

        assert_int_equal(datetime_parse_time(str_slice(sql, 6, sql.len - 10), &ms, &err), ERR_OK);
        assert_int_equal(ms, v.u.i);
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(value_prints_scalars_as_cast_to_string_gives_them),
        arena_test(value_prints_nested_values_as_ksqldb_does),
        arena_test(value_print_sql_writes_literals_of_the_same_type),
        arena_test(value_print_sql_keeps_the_milliseconds_of_a_time),
        arena_test(value_print_sql_names_the_type_of_nested_nulls),
        arena_test(value_print_of_times_reads_back),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
