/* test_harness.c -- records go in and come out as trees; comparison knows types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/harness.h"

static Json *tree(Arena *mem, const char *text)
{
    Json *json;
    Err   err;

    assert_int_equal(json_parse(mem, str_from(text), &json, &err), ERR_OK);
    return json;
}

static Harness *open_harness(void)
{
    Harness *harness;
    Err      err;

    if (harness_open(NULL, 0, &harness, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return harness;
}

static void execute(Harness *harness, const char *sql)
{
    Err err;

    assert_int_equal(harness_make_topics_of(harness, str_from(sql), &err), ERR_OK);
    if (harness_execute(harness, str_from(sql), NULL, &err) != ERR_OK)
        fail_msg("%s: %s", sql, err.msg);
}

static void produce(Harness *harness, Arena *mem, const char *key, const char *value, int64_t ts)
{
    HarnessRecord record = {.topic = STR("t"),
                            .key = key ? tree(mem, key) : NULL,
                            .value = value ? tree(mem, value) : NULL,
                            .ts = ts};
    Err           err;

    if (harness_produce(harness, &record, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
}

static void records_cross_a_query(void **state)
{
    Arena        *mem = arena_new(0);
    Harness      *harness = open_harness();
    HarnessOutput out;
    Err           err;

    (void)state;
    execute(harness, "CREATE STREAM A (K INT KEY, V DOUBLE) WITH (KAFKA_TOPIC='t', "
                     "VALUE_FORMAT='JSON');"
                     "CREATE STREAM B WITH (VALUE_FORMAT='DELIMITED') AS "
                     "SELECT K, V * 2 AS W FROM A WHERE V > 1;");
    produce(harness, mem, "1", "{\"V\":1}", 5);
    produce(harness, mem, "2", "{\"v\":2.5}", 6);
    produce(harness, mem, NULL, "{\"V\":3}", 7);
    assert_int_equal(harness_read(harness, STR("B"), mem, &out, &err), ERR_OK);
    assert_int_equal(out.len, 2);
    assert_int_equal(out.records[0].ts, 6);
    assert_true(harness_same_side(out.records[0].key, tree(mem, "2"), out.source, true));
    assert_true(harness_same_side(out.records[0].value, tree(mem, "\"5.0\""), out.source, false));
    assert_null(out.records[1].key);
    assert_true(harness_same_schema(out.source, STR("K INT KEY, W DOUBLE")));
    assert_false(harness_same_schema(out.source, STR("K INT KEY, W INT")));
    assert_false(harness_same_schema(out.source, STR("K INT, W DOUBLE")));
    harness_close(harness);
    arena_free(mem);
}

static void spread_records_lie_where_their_keys_put_them(void **state)
{
    Arena        *mem = arena_new(0);
    Harness      *harness;
    HarnessOutput out;
    Err           err;

    (void)state;
    assert_int_equal(harness_open_spread(NULL, 0, &harness, &err), ERR_OK);
    execute(harness, "CREATE STREAM A (K STRING KEY, V INT) WITH (KAFKA_TOPIC='t', "
                     "PARTITIONS=4, VALUE_FORMAT='JSON');"
                     "CREATE STREAM B WITH (VALUE_FORMAT='JSON') AS "
                     "SELECT K, V, ROWPARTITION AS P FROM A;");
    produce(harness, mem, "\"x\"", "{\"V\":1}", 5);
    produce(harness, mem, "\"11\"", "{\"V\":2}", 6);
    produce(harness, mem, "\"x\"", "{\"V\":3}", 7);
    assert_int_equal(harness_read(harness, STR("B"), mem, &out, &err), ERR_OK);
    assert_int_equal(out.len, 3);
    assert_true(harness_same(out.records[0].value, tree(mem, "{\"V\":2,\"P\":0}"), NULL));
    assert_true(harness_same(out.records[1].value, tree(mem, "{\"V\":1,\"P\":2}"), NULL));
    assert_true(harness_same(out.records[2].value, tree(mem, "{\"V\":3,\"P\":2}"), NULL));
    harness_close(harness);
    arena_free(mem);
}

static void comparison_knows_types(void **state)
{
    Arena      *mem = arena_new(0);
    const Type *decimal = type_decimal(mem, 4, 2);

    (void)state;
    assert_true(harness_same(tree(mem, "1.50"), tree(mem, "1.5"), decimal));
    assert_false(harness_same(tree(mem, "1.50"), tree(mem, "\"1.5\""), decimal));
    assert_true(harness_same(tree(mem, "\"NaN\""), tree(mem, "\"NaN\""), &type_double));
    assert_true(harness_same(tree(mem, "0.30000000000000004"), tree(mem, "0.3"), &type_double));
    assert_false(harness_same(tree(mem, "0.301"), tree(mem, "0.3"), &type_double));
    assert_true(harness_same(tree(mem, "{\"A\":1,\"B\":null}"), tree(mem, "{\"a\":1}"), NULL));
    assert_false(harness_same(tree(mem, "{\"A\":1,\"B\":2}"), tree(mem, "{\"a\":1}"), NULL));
    assert_false(harness_same(tree(mem, "[1,2]"), tree(mem, "[2,1]"), NULL));
    assert_false(harness_same(tree(mem, "\"1\""), tree(mem, "1"), NULL));
    assert_true(harness_same(NULL, tree(mem, "null"), NULL));
    arena_free(mem);
}

static void first_refused_statement_is_told(void **state)
{
    Harness *harness = open_harness();
    size_t   failed;
    Err      err;

    (void)state;
    assert_int_equal(harness_execute(harness,
                                     STR("DEFINE n = 'A'; CREATE STREAM ${n} (V INT) WITH "
                                         "(KAFKA_TOPIC='t', PARTITIONS=1, VALUE_FORMAT='JSON'); "
                                         "DROP STREAM NOPE;"),
                                     &failed, &err),
                     ERR_STATEMENT);
    assert_int_equal(failed, 2);
    assert_int_equal(harness_execute(harness, STR("DROP STREAM A;"), NULL, &err), ERR_OK);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_cross_a_query),
        cmocka_unit_test(spread_records_lie_where_their_keys_put_them),
        cmocka_unit_test(comparison_knows_types),
        cmocka_unit_test(first_refused_statement_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
