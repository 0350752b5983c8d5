#include "server/pull_cache.h"

#include <stdio.h>

#include "common/limit.h"
#include "server/harness.h"
#include "tests/support/arena_group.h"

typedef struct Fixture {
    Arena       *mem;
    Harness     *harness;
    PullCache   *cache;
    Session      session; /* of the next question */
    PreparedPull pull;    /* the last answer */
} Fixture;

static void new_session(Fixture *f)
{
    session_init(&f->session, f->mem, harness_engine(f->harness));
}

static void execute(Fixture *f, const char *sql)
{
    Err err;

    if (harness_execute(f->harness, str_from(sql), NULL, &err) != ERR_OK)
        fail_msg("%s: %s", sql, err.msg);
    assert_int_equal(harness_until_idle(f->harness, &err), ERR_OK);
}

static void set_up(Fixture *f, void **state)
{
    Err err;

    *f = (Fixture){.mem = test_arena(state)};
    assert_int_equal(harness_open(NULL, 0, &f->harness, &err), ERR_OK);
    f->cache = pull_cache_new();
    new_session(f);
    execute(f, "CREATE STREAM ORDERS (ID INT KEY, ITEM STRING, N BIGINT) WITH "
               "(KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');");
    execute(f, "CREATE TABLE BY_ITEM AS SELECT ITEM, SUM(N) AS TOTAL FROM ORDERS GROUP BY ITEM;");
    execute(f, "CREATE TABLE BY_ID AS SELECT ID, SUM(N) AS TOTAL FROM ORDERS GROUP BY ID;");
    execute(f, "CREATE TABLE BY_N AS SELECT N, COUNT(*) AS TOTAL FROM ORDERS GROUP BY N;");
}

static void tear_down(Fixture *f)
{
    pull_cache_free(f->cache);
    harness_close(f->harness);
    limits_init(&g_limits);
}

typedef enum Outcome {
    FOUND, /* planned before */
    KEPT,  /* planned now, and kept */
    PLAIN  /* nothing for the cache */
} Outcome;

static Outcome plan_and_put(Fixture *f, Str sql, const PullShape *shape)
{
    Arena      *mem = arena_new(0);
    AstStmtList stmts;
    StmtPlan    plan;
    Err         err;

    assert_int_equal(parser_parse(mem, sql, (ParserOpts){NULL}, &stmts, &err), ERR_OK);
    if (engine_plan(harness_engine(f->harness), &f->session, stmts.items[0], mem, &plan, &err) !=
        ERR_OK)
        fail_msg("%.*s: %s", STR_ARG(sql), err.msg);
    if (pull_cache_put(f->cache, &f->session, shape, stmts.items[0], &plan, mem, &f->pull))
        return KEPT;
    stmt_plan_deinit(&plan);
    arena_free(mem);
    return PLAIN;
}

/* What a request for sql would come to, in a session that ends with it. */
static Outcome ask(Fixture *f, const char *text)
{
    Str       sql = str_from(text);
    PullShape shape;
    Catalog  *catalog;
    bool      is_found;
    Outcome   outcome = PLAIN;

    if (pull_shape(&f->session, sql, &shape)) {
        catalog = engine_catalog(harness_engine(f->harness));
        is_found = pull_cache_find(f->cache, catalog, &shape, &f->pull);
        catalog_unref(catalog);
        outcome = is_found ? FOUND : plan_and_put(f, sql, &shape);
    }
    new_session(f);
    return outcome;
}

static void assert_text_key(const Fixture *f, const char *key)
{
    assert_int_equal(f->pull.plan.keys_len, 1);
    assert_int_equal(f->pull.plan.keys[0].kind, T_STRING);
    assert_true(str_eq(value_as_str(f->pull.plan.keys[0]), str_from(key)));
}

static void assert_number_key(const Fixture *f, TypeKind kind, int64_t key)
{
    assert_int_equal(f->pull.plan.keys_len, 1);
    assert_int_equal(f->pull.plan.keys[0].kind, kind);
    assert_int_equal(f->pull.plan.keys[0].u.i, key);
}

static void statement_is_planned_once_for_all_its_keys(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'pen';"), KEPT);
    assert_text_key(&f, "pen");
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'ink';"), FOUND);
    assert_text_key(&f, "ink");
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = '';"), FOUND);
    assert_text_key(&f, "");
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'stylo à bille';"), FOUND);
    assert_text_key(&f, "stylo à bille");
    assert_int_equal(pull_cache_len(f.cache), 1);
    assert_int_equal(ask(&f, "SELECT TOTAL FROM BY_ITEM WHERE ITEM = 'pen';"), KEPT);
    assert_int_equal(ask(&f, "SELECT TOTAL FROM BY_ITEM WHERE ITEM = 'pen' LIMIT 1;"), KEPT);
    assert_int_equal(ask(&f, "SELECT TOTAL FROM BY_ITEM WHERE ITEM = 'ink' LIMIT 1;"), FOUND);
    assert_int_equal(f.pull.plan.limit, 1);
    tear_down(&f);
}

static void numbers_are_keys_too(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7;"), KEPT);
    assert_number_key(&f, T_INT, 7);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=2147483647;"), FOUND);
    assert_number_key(&f, T_INT, 2147483647);
    assert_int_equal(ask(&f, "SELECT * FROM BY_N WHERE N = 1;"), KEPT);
    assert_int_equal(ask(&f, "SELECT * FROM BY_N WHERE N = 9000000000;"), FOUND);
    assert_number_key(&f, T_BIGINT, 9000000000);
    tear_down(&f);
}

static void number_that_is_no_key_is_planned_by_itself(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7;"), KEPT);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=2147483648;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7.0;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7E0;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7 + 1;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=-7;"), PLAIN);
    assert_int_equal(pull_cache_len(f.cache), 1);
    tear_down(&f);
}

static void literal_beside_the_key_is_not_taken_for_it(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT 'pen' AS P, TOTAL FROM BY_ITEM WHERE ITEM = 'pen';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * /* 'pen' */ FROM BY_ITEM WHERE ITEM = 'pen';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID = 5; -- = 5"), PLAIN);
    assert_int_equal(pull_cache_len(f.cache), 0);
    tear_down(&f);
}

static void statement_that_says_more_than_a_key_is_not_kept(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM > 'pen';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM IN ('pen');"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'pen' AND TOTAL > 3;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE NOT ITEM = 'pen';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE TOTAL = 5;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE 'pen' = ITEM;"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM;"), PLAIN);
    assert_int_equal(pull_cache_len(f.cache), 0);
    tear_down(&f);
}

static void text_that_is_read_in_a_way_of_its_own_is_left_to_the_parser(void **state)
{
    Fixture f;

    set_up(&f, state);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'pen';"), KEPT);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'it''s';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = '${x}';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'a\nb';"), PLAIN);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ITEM WHERE ITEM = 'pen"), PLAIN);
    tear_down(&f);
}

static void overridden_properties_have_plans_of_their_own(void **state)
{
    static const char sql[] = "SELECT * FROM BY_ITEM WHERE ITEM = 'pen';";
    Str               name = STR("ksql.nested.error.set.null");
    Fixture           f;
    Err               err;

    set_up(&f, state);
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(properties_override(&f.session.props, name, STR("false"), &err), ERR_OK);
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(properties_override(&f.session.props, name, STR("false"), &err), ERR_OK);
    assert_int_equal(ask(&f, sql), FOUND);
    assert_int_equal(properties_override(&f.session.props, name, STR("true"), &err), ERR_OK);
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(ask(&f, sql), FOUND);
    assert_int_equal(pull_cache_len(f.cache), 3);
    tear_down(&f);
}

static void session_with_variables_is_left_to_the_parser(void **state)
{
    static const char sql[] = "SELECT * FROM BY_ITEM WHERE ITEM = 'pen';";
    Str               value = STR("BY_ITEM");
    Fixture           f;

    set_up(&f, state);
    assert_int_equal(ask(&f, sql), KEPT);
    map_put(&f.session.variables, STR("T"), &value);
    assert_int_equal(ask(&f, sql), PLAIN);
    assert_int_equal(ask(&f, sql), FOUND);
    tear_down(&f);
}

static void change_of_the_catalog_forgets_everything(void **state)
{
    static const char sql[] = "SELECT * FROM BY_ITEM WHERE ITEM = 'pen';";
    Fixture           f;

    set_up(&f, state);
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(ask(&f, "SELECT * FROM BY_ID WHERE ID=7;"), KEPT);
    execute(&f, "CREATE OR REPLACE TABLE BY_ITEM AS SELECT ITEM, SUM(N) AS TOTAL FROM ORDERS "
                "WHERE N > 0 GROUP BY ITEM;");
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(pull_cache_len(f.cache), 1);
    execute(&f, "DROP TABLE BY_ITEM;");
    execute(&f, "CREATE TABLE BY_ITEM AS SELECT ITEM, COUNT(*) AS C, SUM(N) AS S FROM ORDERS "
                "GROUP BY ITEM;");
    assert_int_equal(ask(&f, sql), KEPT);
    assert_int_equal(f.pull.plan.schema->len, 3);
    tear_down(&f);
}

static void no_more_are_kept_than_the_limit_says(void **state)
{
    char    sql[128];
    Fixture f;

    set_up(&f, state);
    g_limits.prepared_pulls = 3;
    for (int i = 0; i < 10; i++) {
        snprintf(sql, sizeof sql, "SELECT TOTAL AS T%d FROM BY_ID WHERE ID=1;", i);
        assert_int_equal(ask(&f, sql), KEPT);
        assert_int_equal(ask(&f, sql), FOUND);
        assert_in_range(pull_cache_len(f.cache), 1, 3);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(statement_is_planned_once_for_all_its_keys),
        arena_test(numbers_are_keys_too),
        arena_test(number_that_is_no_key_is_planned_by_itself),
        arena_test(literal_beside_the_key_is_not_taken_for_it),
        arena_test(statement_that_says_more_than_a_key_is_not_kept),
        arena_test(text_that_is_read_in_a_way_of_its_own_is_left_to_the_parser),
        arena_test(overridden_properties_have_plans_of_their_own),
        arena_test(session_with_variables_is_left_to_the_parser),
        arena_test(change_of_the_catalog_forgets_everything),
        arena_test(no_more_are_kept_than_the_limit_says),
    };

    limits_init(&g_limits);
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
