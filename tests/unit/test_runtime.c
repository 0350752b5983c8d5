/*
 * Threads, restarts and durability: queries on a data directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/sql_engine.h"

#define ORDERS                                                                                     \
    "CREATE STREAM orders (k STRING KEY, item STRING, qty INT) "                                   \
    "WITH (KAFKA_TOPIC='orders', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=4);"
#define TOTALS                                                                                     \
    "CREATE TABLE totals AS SELECT item, COUNT(*) AS n, SUM(qty) AS q "                            \
    "FROM orders GROUP BY item EMIT CHANGES;"
#define BIG                                                                                        \
    "CREATE STREAM big WITH (PARTITIONS=4) AS SELECT k, qty FROM orders WHERE qty > 10 "           \
    "EMIT CHANGES;"

static const char *make_dir(Arena *mem)
{
    char *dir = str_to_c(mem, STR("/tmp/weir-test-XXXXXX"));

    assert_non_null(mkdtemp(dir));
    return dir;
}

static void remove_dir(Arena *mem, const char *dir)
{
    Str command = str_printf(mem, "rm -r %s", dir);

    assert_int_equal(system(str_to_c(mem, command)), 0);
}

static void open_engine(SqlEngine *e, Arena *mem, const char *dir, bool is_inline)
{
    sql_engine_init(e, mem);
    sql_property(e, "auto.offset.reset", "earliest");
    sql_engine_start(e, dir, is_inline);
}

static void produce_orders(SqlEngine *e, int from, int to)
{
    for (int i = from; i < to; i++) {
        char key[16], value[64];

        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"ITEM\":\"i%d\",\"QTY\":%d}", i % 7, i % 13);
        sql_produce_to(e, "orders", (uint32_t)i % 4, key, value, i);
    }
}

static Query *query_of(SqlEngine *e, const char *id)
{
    Query *query = query_find(engine_runtime(e->engine), str_from(id));

    if (!query)
        fail_msg("no query %s", id);
    return query;
}

static void catch_up(SqlEngine *e, const char *id)
{
    Err err;

    if (query_catch_up(query_of(e, id), 20000, &err) != ERR_OK)
        fail_msg("%s", err.msg);
}

/* The last record of each key, in any order, as a sorted text. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *last_per_key(SqlEngine *e, const char *topic)
{
    char  *text = str_to_c(e->mem, str_from(sql_topic(e, topic)));
    char  *lines[1000];
    size_t len = 0;
    Buf    out = buf_in(e->mem);

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t key_len = strcspn(line, "=") + 1;
        size_t at = 0;

        while (at < len && strncmp(lines[at], line, key_len) != 0)
            at++;
        assert_true(at < 1000);
        lines[at] = line;
        len = at == len ? len + 1 : len;
    }
    qsort(lines, len, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < len; i++)
        buf_printf(&out, "%s\n", lines[i]);
    buf_put(&out, 0);
    return out.ptr;
}

static size_t count_lines(const char *text)
{
    size_t len = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        len++;
    }
    return len;
}

static void expect_totals(SqlEngine *e, int orders)
{
    Buf out = buf_in(e->mem);

    for (int item = 0; item < 7; item++) {
        long long n = 0, q = 0, ts = 0;

        for (int i = item; i < orders; i += 7) {
            n++;
            q += i % 13;
            ts = i;
        }
        buf_printf(&out, "i%d={\"N\":%lld,\"Q\":%lld} @%lld\n", item, n, q, ts);
    }
    buf_put(&out, 0);
    assert_string_equal(last_per_key(e, "TOTALS"), out.ptr);
}

static void threads_give_the_same_result_as_inline(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    SqlEngine   e;
    size_t      big = 0;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS TOTALS BIG);
    produce_orders(&e, 0, 2000);
    catch_up(&e, "CTAS_TOTALS_1");
    catch_up(&e, "CSAS_BIG_2");
    expect_totals(&e, 2000);
    for (int i = 0; i < 2000; i++)
        big += i % 13 > 10;
    assert_int_equal(count_lines(sql_topic(&e, "BIG")), big);
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

static void restart_goes_on_where_it_stood(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    SqlEngine   e;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS TOTALS);
    produce_orders(&e, 0, 500);
    catch_up(&e, "CTAS_TOTALS_1");
    sql_engine_close(&e);
    open_engine(&e, mem, dir, false);
    produce_orders(&e, 500, 900);
    catch_up(&e, "CTAS_TOTALS_1");
    expect_totals(&e, 900);
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

/* Somebody with another client than ours: no statement deletes a topic that a source is over. */
static void make_orders_again(SqlEngine *e)
{
    Broker   *broker = engine_broker(e->engine);
    TopicSpec spec = {.name = STR("orders"), .partitions = 4, .replicas = -1, .retention_ms = -1};
    Err       err;

    if (broker_topic_delete(broker, spec.name, &err) != ERR_OK ||
        broker_topic_create(broker, &spec, &err) != ERR_OK)
        fail_msg("%s", err.msg);
}

static void a_topic_made_again_is_read_from_its_beginning(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    SqlEngine   e;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS BIG);
    produce_orders(&e, 0, 500);
    catch_up(&e, "CSAS_BIG_1");
    make_orders_again(&e);
    sql_engine_close(&e);
    open_engine(&e, mem, dir, false);
    sql_produce_to(&e, "orders", 0, "again", "{\"QTY\":50}", 7);
    catch_up(&e, "CSAS_BIG_1");
    assert_non_null(strstr(sql_topic(&e, "BIG"), "again={\"QTY\":50} @7"));
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

/* Where a statement began is an offset in the old topic, too. */
static void a_start_does_not_hold_for_a_topic_made_again(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    SqlEngine   e;

    sql_engine_init(&e, mem); /* from latest */
    sql_engine_start(&e, dir, false);
    sql_run(&e, ORDERS);
    produce_orders(&e, 0, 500);
    sql_run(&e, BIG);
    make_orders_again(&e);
    sql_engine_close(&e);
    open_engine(&e, mem, dir, false);
    sql_produce_to(&e, "orders", 0, "again", "{\"QTY\":50}", 7);
    catch_up(&e, "CSAS_BIG_1");
    assert_string_equal(sql_topic(&e, "BIG"), "again={\"QTY\":50} @7\n");
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

/* Its records are gone for good: the query would go on from where it stood with nothing. */
static void query_whose_changelog_was_made_again_is_refused(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    Str         name = STR("_weir-default_-CTAS_TOTALS_1-changelog");
    SqlEngine   e;
    TopicInfo   info;
    Err         err;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS TOTALS);
    produce_orders(&e, 0, 500);
    catch_up(&e, "CTAS_TOTALS_1");
    assert_int_equal(runtime_flush(engine_runtime(e.engine), &err), ERR_OK);
    assert_int_equal(broker_topic_describe(engine_broker(e.engine), name, mem, &info, &err),
                     ERR_OK);
    assert_int_equal(broker_topic_delete(engine_broker(e.engine), name, &err), ERR_OK);
    assert_int_equal(broker_topic_create(engine_broker(e.engine), &info.spec, &err), ERR_OK);
    sql_engine_close(&e);
    open_engine(&e, mem, dir, false);
    assert_null(query_find(engine_runtime(e.engine), STR("CTAS_TOTALS_1")));
    sql_run(&e, "DROP TABLE totals;" TOTALS);
    assert_non_null(query_find(engine_runtime(e.engine), STR("CTAS_TOTALS_3")));
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

/* Every topic with its id, every file of the data directory. */
static const char *what_is_there(SqlEngine *e, const char *dir)
{
    Buf        out = buf_in(e->mem);
    TopicInfo *topics;
    size_t     len;
    Err        err;
    FILE      *files;
    char       line[256];

    if (broker_topics(engine_broker(e->engine), e->mem, &topics, &len, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < len; i++)
        buf_printf(&out, "%.*s %.*s\n", STR_ARG(topics[i].spec.name), STR_ARG(topics[i].id));
    files =
        popen(str_to_c(e->mem, str_printf(e->mem, "find %s | grep -v '[.]db-' | sort", dir)), "r");
    assert_non_null(files);
    while (fgets(line, sizeof line, files))
        buf_c(&out, line);
    pclose(files);
    buf_put(&out, 0);
    return out.ptr;
}

static void replay_of_the_command_log_makes_and_deletes_nothing(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem), *before;
    SqlEngine   e;
    Err         err;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS TOTALS BIG);
    sql_run(&e, "CREATE STREAM gone AS SELECT k, qty FROM orders EMIT CHANGES;"
                "DROP STREAM gone DELETE TOPIC;"
                "CREATE STREAM kept AS SELECT k, qty FROM orders EMIT CHANGES;"
                "DROP STREAM kept;");
    produce_orders(&e, 0, 200);
    catch_up(&e, "CTAS_TOTALS_1");
    assert_int_equal(runtime_flush(engine_runtime(e.engine), &err), ERR_OK);
    before = what_is_there(&e, dir);
    assert_non_null(strstr(before, "/state/CTAS_TOTALS_1.db\n"));
    assert_non_null(strstr(before, "\nKEPT "));
    assert_null(strstr(before, "GONE"));
    sql_engine_close(&e);
    open_engine(&e, mem, dir, false);
    assert_string_equal(what_is_there(&e, dir), before);
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

static bool has_file(Arena *mem, const char *dir, const char *name)
{
    return access(str_to_c(mem, str_printf(mem, "%s/state/%s", dir, name)), F_OK) == 0;
}

static void make_file(Arena *mem, const char *dir, const char *name)
{
    FILE *file = fopen(str_to_c(mem, str_printf(mem, "%s/state/%s", dir, name)), "w");

    assert_non_null(file);
    fclose(file);
}

/* As a crash between a TERMINATE and its deletions leaves it. */
static void files_of_queries_that_are_gone_are_removed(void **state)
{
    Arena      *mem = test_arena(state);
    const char *dir = make_dir(mem);
    SqlEngine   e;

    open_engine(&e, mem, dir, false);
    sql_run(&e, ORDERS TOTALS);
    produce_orders(&e, 0, 100);
    catch_up(&e, "CTAS_TOTALS_1");
    sql_engine_close(&e);
    make_file(mem, dir, "CTAS_GONE_9.db");
    make_file(mem, dir, "CTAS_GONE_9.db-wal");
    make_file(mem, dir, "CTAS_GONE_9.db.damaged-1");
    open_engine(&e, mem, dir, false);
    assert_false(has_file(mem, dir, "CTAS_GONE_9.db"));
    assert_false(has_file(mem, dir, "CTAS_GONE_9.db-wal"));
    assert_true(has_file(mem, dir, "CTAS_GONE_9.db.damaged-1"));
    assert_true(has_file(mem, dir, "CTAS_TOTALS_1.db"));
    produce_orders(&e, 100, 200);
    catch_up(&e, "CTAS_TOTALS_1");
    expect_totals(&e, 200);
    sql_engine_close(&e);
    remove_dir(mem, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(threads_give_the_same_result_as_inline),
        arena_test(restart_goes_on_where_it_stood),
        arena_test(replay_of_the_command_log_makes_and_deletes_nothing),
        arena_test(files_of_queries_that_are_gone_are_removed),
        arena_test(a_topic_made_again_is_read_from_its_beginning),
        arena_test(a_start_does_not_hold_for_a_topic_made_again),
        arena_test(query_whose_changelog_was_made_again_is_refused),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
