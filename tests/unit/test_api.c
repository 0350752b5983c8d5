/* test_api.c -- requests in, responses out, on the inline engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/harness.h"

static Harness *harness;
static Arena   *mem;

static int set_up(void **state)
{
    Err err;

    (void)state;
    mem = arena_new(0);
    if (harness_open(NULL, 0, &harness, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_close(harness);
    arena_free(mem);
    return 0;
}

static Str request(const char *method, const char *path, const char *accept, const char *body,
                   int *status)
{
    ApiHeader  header = {STR("accept"), str_from(accept)};
    ApiRequest request = {.method = str_from(method),
                          .path = str_from(path),
                          .headers = accept ? &header : NULL,
                          .headers_len = accept ? 1 : 0,
                          .body = str_from(body ? body : ""),
                          .http_major = 1,
                          .http_minor = 1};
    Str        out;
    Err        err;

    *status = 0;
    assert_int_equal(harness_request(harness, &request, mem, status, &out, &err), ERR_OK);
    return out;
}

static Str post(const char *path, const char *body, int *status)
{
    return request("POST", path, NULL, body, status);
}

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        Str has_text_ = (text);                                                                    \
        if (str_find(has_text_, str_from(part), 0) < 0)                                            \
            fail_msg("no %s in %.*s", part, STR_ARG(has_text_));                                   \
    } while (0)

static void create_orders(void)
{
    int status;
    Str body = post("/ksql",
                    "{\"ksql\":\"CREATE STREAM ORDERS (ID INT KEY, ITEM STRING, N INT) WITH "
                    "(KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');"
                    "CREATE TABLE SUMS AS SELECT ITEM, SUM(N) AS TOTAL FROM ORDERS GROUP BY ITEM;"
                    "\"}",
                    &status);

    assert_int_equal(status, 200);
    assert_has(body, "\"@type\":\"currentStatus\"");
    assert_has(body, "\"queryId\":\"CTAS_SUMS_1\"");
}

static void insert(const char *values)
{
    Buf body = buf_in(mem);
    int status;
    Err err;

    buf_printf(&body, "{\"ksql\":\"INSERT INTO ORDERS (ID, ITEM, N) VALUES %s;\"}", values);
    assert_true(str_eq(post("/ksql", str_to_c(mem, buf_view(&body)), &status), STR("[]")));
    assert_int_equal(status, 200);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
}

static void small_endpoints_answer(void **state)
{
    int status;

    (void)state;
    assert_has(request("GET", "/info", NULL, NULL, &status), "\"serverStatus\":\"RUNNING\"");
    assert_int_equal(status, 200);
    assert_has(request("GET", "/healthcheck", NULL, NULL, &status), "\"isHealthy\":true");
    assert_has(request("GET", "/healthcheck", NULL, NULL, &status), "\"maxBytes\":209715200");
    assert_has(request("GET", "/healthcheck", NULL, NULL, &status), "\"lastMs\":");
    assert_has(request("GET", "/status", NULL, NULL, &status), "commandStatuses");
    request("GET", "/status/stream/NOPE/create", NULL, NULL, &status);
    assert_int_equal(status, 404);
    assert_true(str_eq(request("GET", "/is_valid_property/auto.offset.reset", NULL, NULL, &status),
                       STR("true")));
    assert_true(
        str_eq(request("GET", "/is_valid_property/auto%2Eoffset.reset", NULL, NULL, &status),
               STR("true")));
    request("GET", "/is_valid_property/nonsense", NULL, NULL, &status);
    assert_int_equal(status, 400);
    assert_has(request("GET", "/is_valid_property/auto.offset.rset", NULL, NULL, &status),
               "did you mean \\\"auto.offset.reset\\\"");
    request("GET", "/", NULL, NULL, &status);
    assert_int_equal(status, 307);
    assert_true(str_eq(request("GET", "/chc/live", NULL, NULL, &status), STR("{}")));
    request("GET", "/nowhere", NULL, NULL, &status);
    assert_int_equal(status, 404);
}

/* The id of a command has back-quotes, which a client escapes in a path. */
static void status_of_a_command_is_found_by_its_id(void **state)
{
    int status;

    (void)state;
    create_orders();
    assert_has(request("GET", "/status/stream/%60ORDERS%60/create", NULL, NULL, &status),
               "\"status\":\"SUCCESS\"");
    assert_has(request("GET", "/status/stream/`ORDERS`/create", NULL, NULL, &status),
               "\"status\":\"SUCCESS\"");
    assert_int_equal(status, 200);
}

static void nothing_runs_when_one_statement_is_bad(void **state)
{
    int status;
    Str body;

    (void)state;
    body = post("/ksql",
                "{\"ksql\":\"CREATE STREAM A (V INT) WITH (KAFKA_TOPIC='a', PARTITIONS=1, "
                "VALUE_FORMAT='JSON'); CREATE STREAM B AS SELECT NOPE FROM A;\"}",
                &status);
    assert_int_equal(status, 400);
    assert_has(body, "\"@type\":\"statement_error\"");
    assert_has(body, "\"error_code\":40001");
    assert_has(body, "\"entities\":[]");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW STREAMS;\"}", &status), "\"streams\":[");
    assert_true(str_find(post("/ksql", "{\"ksql\":\"SHOW STREAMS;\"}", &status),
                         STR("\"name\":\"A\""), 0) < 0);
}

static void window_bounds_are_no_fields_of_a_description(void **state)
{
    int status;
    Str body;

    (void)state;
    create_orders();
    post("/ksql",
         "{\"ksql\":\"CREATE TABLE HOURLY AS SELECT ITEM, COUNT(*) AS HITS FROM ORDERS "
         "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ITEM;\"}",
         &status);
    assert_int_equal(status, 200);
    body = post("/ksql", "{\"ksql\":\"DESCRIBE HOURLY;\"}", &status);
    assert_has(body, "\"windowType\":\"TUMBLING\"");
    assert_has(body, "\"name\":\"HITS\"");
    assert_true(str_find(body, STR("WINDOWSTART"), 0) < 0);
}

static bool is_topic(const char *name)
{
    TopicInfo info;
    Err       err;

    return broker_topic_describe(engine_broker(harness_engine(harness)), str_from(name), mem, &info,
                                 &err) == ERR_OK;
}

/* Weir's own, the processing log's, does not count. */
static size_t count_sources(void)
{
    Catalog *catalog = engine_catalog(harness_engine(harness));
    size_t   count = 0;

    for (size_t i = 0; i < catalog_sources_len(catalog); i++)
        count += !catalog_source_at(catalog, i)->is_internal;
    catalog_unref(catalog);
    return count;
}

static void terminate_drops_everything_and_the_topics_listed(void **state)
{
    int status;
    Str body;

    (void)state;
    create_orders();
    post("/ksql",
         "{\"ksql\":\"CREATE TYPE `P``T` AS STRUCT<X INT>; CREATE STREAM COPY AS SELECT * FROM "
         "ORDERS;"
         "INSERT INTO COPY SELECT * FROM ORDERS;\"}",
         &status);
    assert_int_equal(status, 200);
    assert_has(post("/ksql/terminate", "{\"deleteTopicList\":[\"[\"]}", &status),
               "\"message\":\"Invalid pattern: [\"");
    assert_int_equal(status, 400);
    assert_has(post("/ksql", "{\"ksql\":\"SHOW STREAMS;\"}", &status), "\"name\":\"COPY\"");

    body = post("/ksql/terminate", "{\"deleteTopicList\":[\"SUM.*\",\"COP\",\"orders\"]}", &status);
    assert_int_equal(status, 200);
    assert_has(body, "\"commandId\":\"cluster/TerminateCluster/terminate\"");
    assert_has(body, "\"status\":\"SUCCESS\"");
    assert_int_equal(count_sources(), 0);
    assert_true(is_topic("orders"));
    assert_true(is_topic("COPY"));
    assert_false(is_topic("SUMS"));

    assert_has(post("/ksql", "{\"ksql\":\"SHOW STREAMS;\"}", &status), "\"error_code\":50304");
    assert_int_equal(status, 503);
    assert_has(request("GET", "/healthcheck", NULL, NULL, &status),
               "\"serverState\":\"TERMINATED\"");
}

static void wake_nobody(void *arg)
{
    (void)arg;
}

/* The one frame of an answer that is there at once. */
static void expect_answer(Api *api, const char *path, int status, const char *part)
{
    ApiRequest asked = {.method = STR("GET"), .path = str_from(path)};
    ApiCall   *call = api_open(api, &asked, (ApiWake){wake_nobody, NULL});
    ApiFrame   frame;

    assert_int_equal(api_next(call, &frame), API_FRAME);
    assert_int_equal(frame.status, status);
    assert_has(frame.bytes, part);
    api_close(call);
}

static void api_without_engine_says_what_the_start_waits_for(void **state)
{
    Api *api;
    Err  err;

    (void)state;
    assert_int_equal(api_new(NULL, &api, &err), ERR_OK);
    expect_answer(api, "/ksql", 503, "\"error_code\":50302");
    expect_answer(api, "/info", 503, "the server is starting: the command log is read");
    expect_answer(api, "/healthcheck", 200, "\"kafka\":{\"isHealthy\":true}");
    api_starting(api, "Kafka is away");
    expect_answer(api, "/nonsense", 503, "the server is starting: Kafka is away");
    expect_answer(api, "/healthcheck", 200,
                  "\"kafka\":{\"isHealthy\":false,\"message\":\"Kafka is away\"}");
    expect_answer(api, "/healthcheck", 200, "\"serverState\":\"INITIALIZING\"");
    expect_answer(api, "/chc/live", 200, "{}");
    api_starting(api, "");
    expect_answer(api, "/healthcheck", 200, "\"kafka\":{\"isHealthy\":true}");
    api_shutdown(api);
    expect_answer(api, "/healthcheck", 503, "50303");
    api_free(api);
}

/* ksqlDB's clients compare the version with those they know; they refuse 0.1.0. */
static void info_names_the_ksqldb_that_clients_expect(void **state)
{
    int status;

    (void)state;
    assert_has(request("GET", "/info", NULL, NULL, &status), "\"version\":\"0.29.0\"");
    assert_has(request("GET", "/info", NULL, NULL, &status),
               "\"weirVersion\":\"" WEIR_VERSION "\"");
    assert_has(request("GET", "/v1/metadata", NULL, NULL, &status), "\"version\":\"0.29.0\"");
}

static void unknown_source_is_an_error_of_the_statement(void **state)
{
    static const char *const bodies[] = {"{\"sql\":\"SELECT * FROM NOPE EMIT CHANGES;\"}",
                                         "{\"sql\":\"SELECT * FROM NOPE;\"}"};
    int                      status;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        Str body = post("/query-stream", bodies[i], &status);

        assert_int_equal(status, 400);
        assert_has(body, "\"@type\":\"statement_error\",\"error_code\":40001");
    }
    create_orders();
    assert_has(
        post("/query-stream", "{\"sql\":\"SELECT NOPE FROM ORDERS EMIT CHANGES;\"}", &status),
        "\"@type\":\"generic_error\",\"error_code\":40000");
}

static void malformed_requests_are_named(void **state)
{
    int status;

    (void)state;
    assert_has(post("/ksql", "{", &status),
               "\"message\":\"Invalid JSON in request: malformed JSON at line 1, column 2: ");
    assert_int_equal(status, 400);
    assert_has(post("/ksql", "{}", &status), "\\\"ksql\\\"");
    assert_has(post("/query-stream", "{\"ksql\":\"x\"}", &status), "\\\"sql\\\"");
    assert_has(post("/ksql", "{\"ksql\":\"SELECT 1;\"}", &status), "error_code");
    assert_has(
        post("/ksql", "{\"ksql\":\"SHOW STREAMS;\",\"streamsProperties\":{\"x.y\":1}}", &status),
        "unknown property");
    assert_int_equal(status, 400);
    assert_has(post("/ksql", "{\"ksql\":\"SELECT * FROM A;\"}", &status), "40002");
    assert_has(post("/inserts-stream", "{\"target\":\"A\"}\n", &status), "\"error_code\":40004");
    assert_int_equal(status, 400);
}

static void pull_query_answers_in_each_style(void **state)
{
    static const char v1[] = "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM = 'a';\"}";
    static const char st[] = "{\"sql\":\"SELECT * FROM SUMS WHERE ITEM = 'a';\"}";
    int               status;

    (void)state;
    create_orders();
    insert("(1, 'a', 2), (2, 'b', 5), (3, 'a', 4)");
    assert_has(post("/query", v1, &status), "`ITEM` STRING KEY, `TOTAL` INTEGER");
    assert_has(post("/query", v1, &status), "{\"row\":{\"columns\":[\"a\",6]}}");
    assert_int_equal(status, 200);
    assert_has(post("/query-stream", st, &status), "\"columnNames\":[\"ITEM\",\"TOTAL\"]");
    assert_has(post("/query-stream", st, &status), "\n[\"a\",6]\n");
    assert_has(request("POST", "/query-stream", "application/json", st, &status), ",\n[\"a\",6]]");
    assert_has(request("POST", "/query-stream", "text/html;q=1, application/vnd.ksql.v1+json;q=0.1",
                       st, &status),
               "{\"row\":{\"columns\":[\"a\",6]}}");
    request("POST", "/query-stream", "text/html", st, &status);
    assert_int_equal(status, 406);
}

static void same_statement_finds_the_row_of_each_key(void **state)
{
    int status;

    (void)state;
    create_orders();
    insert("(1,'pen',3)");
    insert("(2,'ink',4)");
    assert_has(post("/query", "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM='pen';\"}", &status),
               "{\"row\":{\"columns\":[\"pen\",3]}}");
    assert_has(post("/query", "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM='ink';\"}", &status),
               "{\"row\":{\"columns\":[\"ink\",4]}}");
    assert_has(post("/query-stream", "{\"sql\":\"SELECT * FROM SUMS WHERE ITEM='pen';\"}", &status),
               "\n[\"pen\",3]");
    assert_true(
        str_find(post("/query", "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM='cap';\"}", &status),
                 STR("row"), 0) < 0);
    assert_int_equal(status, 200);
    insert("(3,'pen',5)");
    assert_has(post("/query", "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM='pen';\"}", &status),
               "{\"row\":{\"columns\":[\"pen\",8]}}");
}

static void same_statement_sees_the_table_that_is_there_now(void **state)
{
    static const char pull[] = "{\"ksql\":\"SELECT * FROM SUMS WHERE ITEM='pen';\"}";
    int               status;

    (void)state;
    create_orders();
    insert("(1,'pen',3)");
    assert_has(post("/query", pull, &status), "[\"pen\",3]");
    assert_has(post("/ksql", "{\"ksql\":\"DROP TABLE SUMS;\"}", &status), "SUCCESS");
    post("/query", pull, &status);
    assert_int_equal(status, 400);
    post("/ksql",
         "{\"ksql\":\"CREATE TABLE SUMS AS SELECT ITEM, COUNT(*) AS C, SUM(N) + 1 AS S FROM ORDERS "
         "GROUP BY ITEM;\"}",
         &status);
    assert_int_equal(status, 200);
    insert("(2,'pen',4)");
    assert_has(post("/query", pull, &status), "`C` BIGINT, `S` INTEGER");
    assert_has(post("/query", pull, &status), "[\"pen\",2,8]");
}

static void push_query_ends_at_its_limit(void **state)
{
    int status;
    Str body;

    (void)state;
    create_orders();
    insert("(1, 'a', 2), (2, 'b', 5), (3, 'a', 4)");
    body = post("/query", "{\"ksql\":\"SELECT ID, N FROM ORDERS EMIT CHANGES LIMIT 2;\"}", &status);
    assert_int_equal(status, 200);
    assert_has(body, "\"schema\":\"`ID` INTEGER, `N` INTEGER\"");
    assert_has(body, "{\"row\":{\"columns\":[2,5]}}");
    assert_has(body, "{\"finalMessage\":\"Limit Reached\"}]");
    body = post("/query-stream", "{\"sql\":\"SELECT ID FROM ORDERS;\"}", &status);
    assert_has(body, "[3]\n");
}

/* Three records of stream I, read live from COPY, which a query writes: what body's query answers.
 */
static Str follow_copy(const char *sql, const char *properties)
{
    static const struct {
        const char *key, *value;
    } records[] = {{NULL, "{\"N\":1}"}, {"7", "{\"N\":2}"}, {"7", "{\"N\":3}"}};
    ApiRequest push = {
        .method = STR("POST"),
        .path = STR("/query"),
        .body = str_printf(mem, "{\"ksql\":\"%s\",\"streamsProperties\":%s}", sql, properties),
        .http_major = 1,
        .http_minor = 1};
    HarnessCall *call = harness_call_open(harness, &push);
    Buf          body = buf_in(mem);
    int          status = 0;
    Err          err;

    (void)harness_call_take(call, &status, &body);
    assert_int_equal(status, 200);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        HarnessRecord record = {.topic = STR("i")};
        Json         *key = NULL, *value;

        if (records[i].key)
            assert_int_equal(json_parse(mem, str_from(records[i].key), &key, &err), ERR_OK);
        assert_int_equal(json_parse(mem, str_from(records[i].value), &value, &err), ERR_OK);
        record.key = key;
        record.value = value;
        assert_int_equal(harness_produce(harness, &record, &err), ERR_OK);
        assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    }
    (void)harness_call_take(call, &status, &body);
    harness_call_close(call);
    return buf_view(&body);
}

#define LATEST "\"auto.offset.reset\":\"latest\""
#define SHARED "\"ksql.query.push.v2.enabled\":\"true\""

static void scalable_push_query_leaves_rows_without_key_out(void **state)
{
    int status;
    Str body;

    (void)state;
    post("/ksql",
         "{\"ksql\":\"CREATE STREAM I (K INT KEY, N INT) WITH (KAFKA_TOPIC='i', PARTITIONS=1, "
         "VALUE_FORMAT='JSON'); CREATE STREAM COPY AS SELECT * FROM I;\"}",
         &status);
    assert_int_equal(status, 200);
    body = follow_copy("SELECT N FROM COPY EMIT CHANGES;", "{" LATEST "," SHARED "}");
    assert_has(body, "SCALABLE_PUSH_QUERY");
    assert_int_equal(str_find(body, STR("[1]"), 0), -1);
    assert_has(body, "[2]");
    assert_has(body, "[3]");
    body = follow_copy("SELECT N FROM COPY EMIT CHANGES;", "{" LATEST "}");
    assert_has(body, "transient_COPY");
    assert_has(body, "[1]");
    body =
        follow_copy("SELECT N FROM COPY PARTITION BY N EMIT CHANGES;", "{" LATEST "," SHARED "}");
    assert_has(body, "transient_COPY");
    assert_has(body, "[1]");
}

static void scalable_push_query_shows_streams_without_key_columns(void **state)
{
    int status;
    Str body;

    (void)state;
    post("/ksql",
         "{\"ksql\":\"CREATE STREAM I (N INT) WITH (KAFKA_TOPIC='i', PARTITIONS=1, "
         "VALUE_FORMAT='JSON'); CREATE STREAM COPY AS SELECT * FROM I;\"}",
         &status);
    assert_int_equal(status, 200);
    body = follow_copy("SELECT N FROM COPY EMIT CHANGES;", "{" LATEST "," SHARED "}");
    assert_has(body, "SCALABLE_PUSH_QUERY");
    assert_has(body, "[1]");
    assert_has(body, "[3]");
}

static void star_of_a_pull_query_marks_header_columns_where_rows_have_them(void **state)
{
    static Json   key = {.kind = JSON_NUMBER, .text = {"1", 1}};
    HarnessRecord record = {.topic = STR("tags"), .key = &key};
    Json         *value, *headers;
    int           status;
    Str           body;
    Err           err;

    (void)state;
    post("/ksql",
         "{\"ksql\":\"CREATE SOURCE TABLE TAGS (ID INT PRIMARY KEY, TAG BYTES HEADER('t'), N INT) "
         "WITH "
         "(KAFKA_TOPIC='tags', PARTITIONS=1, VALUE_FORMAT='JSON');\"}",
         &status);
    assert_int_equal(status, 200);
    assert_int_equal(json_parse(mem, STR("{\"N\":2}"), &value, &err), ERR_OK);
    assert_int_equal(json_parse(mem, STR("[{\"KEY\":\"t\",\"VALUE\":\"IQ==\"}]"), &headers, &err),
                     ERR_OK);
    record.value = value;
    record.headers = headers;
    assert_int_equal(harness_produce(harness, &record, &err), ERR_OK);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    body = post("/query", "{\"ksql\":\"SELECT * FROM TAGS;\"}", &status);
    assert_has(body, "`ID` INTEGER KEY, `TAG` BYTES HEADER('t'), `N` INTEGER\"");
    assert_has(body, "[1,\"IQ==\",2]");
    body = post("/query", "{\"ksql\":\"SELECT TAG FROM TAGS WHERE ID = 1;\"}", &status);
    assert_has(body, "\"schema\":\"`TAG` BYTES\"");
}

static void session_statements_hold_for_the_request(void **state)
{
    int status;

    (void)state;
    assert_has(post("/ksql",
                    "{\"ksql\":\"SET 'auto.offset.reset'='latest'; DEFINE x = 'y'; SHOW VARIABLES;"
                    "SHOW PROPERTIES; UNDEFINE nothing;\"}",
                    &status),
               "{\"name\":\"X\",\"value\":\"y\"}");
    assert_has(post("/ksql", "{\"ksql\":\"UNDEFINE nothing;\"}", &status), "warning_entity");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW VARIABLES;\"}", &status), "\"variables\":[]");
}

static void catalog_is_described(void **state)
{
    int status;

    (void)state;
    create_orders();
    assert_has(post("/ksql", "{\"ksql\":\"SHOW TABLES;\"}", &status), "\"name\":\"SUMS\"");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW TOPICS;\"}", &status), "\"name\":\"orders\"");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW ALL TOPICS;\"}", &status),
               "_weir-default_-commands");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW TOPICS EXTENDED;\"}", &status),
               "\"name\":\"orders\",\"replicaInfo\":[1],\"consumerCount\":1,"
               "\"consumerGroupCount\":1}");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW TOPICS EXTENDED;\"}", &status),
               "\"name\":\"SUMS\",\"replicaInfo\":[1],\"consumerCount\":0,"
               "\"consumerGroupCount\":0}");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW QUERIES;\"}", &status), "\"RUNNING\":1");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW QUERIES EXTENDED;\"}", &status),
               "queryDescriptions");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW FUNCTIONS;\"}", &status), "\"name\":\"SUM\"");
    assert_has(post("/ksql", "{\"ksql\":\"SHOW TYPES;\"}", &status), "\"types\":{}");
    assert_has(post("/ksql", "{\"ksql\":\"DESCRIBE SUMS EXTENDED;\"}", &status), "CTAS_SUMS_1");
    assert_has(post("/ksql", "{\"ksql\":\"DESCRIBE FUNCTION SUM;\"}", &status), "AGGREGATE");
    assert_has(post("/ksql", "{\"ksql\":\"DESCRIBE FUNCTION SUBSTRNG;\"}", &status),
               "did you mean \\\"SUBSTRING\\\"?");
    assert_has(post("/ksql", "{\"ksql\":\"DESCRIBE FUNCTION XYZZY;\"}", &status),
               "SHOW FUNCTIONS lists them");
    assert_has(post("/ksql", "{\"ksql\":\"EXPLAIN CTAS_SUMS_1;\"}", &status), "executionPlan");
    assert_has(post("/ksql", "{\"ksql\":\"EXPLAIN SELECT * FROM ORDERS EMIT CHANGES;\"}", &status),
               "\"queryType\":\"PUSH\"");
    assert_has(post("/ksql", "{\"ksql\":\"DESCRIBE SUMZ;\"}", &status), "did you mean");
    assert_has(post("/ksql", "{\"ksql\":\"ASSERT TOPIC orders WITH (PARTITIONS=1);\"}", &status),
               "\"exists\":true");
    post("/ksql", "{\"ksql\":\"ASSERT TOPIC nope;\"}", &status);
    assert_int_equal(status, 417);
}

static void print_shows_records_and_guesses(void **state)
{
    int status;
    Str body;

    (void)state;
    create_orders();
    insert("(1, 'a', 2), (2, 'b', 5)");
    body = post("/query", "{\"ksql\":\"PRINT orders FROM BEGINNING LIMIT 2;\"}", &status);
    assert_int_equal(status, 200);
    assert_has(body, "Value format: JSON or KAFKA_STRING\n");
    assert_has(body, "key: 2, value: {\"ITEM\":\"b\",\"N\":5}, partition: 0\n");
    assert_has(post("/query", "{\"ksql\":\"PRINT nope;\"}", &status), "nope");
    assert_int_equal(status, 400);
}

static void print_shows_the_windows_of_keys(void **state)
{
    int status;
    Str body;

    (void)state;
    create_orders();
    post("/ksql",
         "{\"ksql\":\"CREATE TABLE W AS SELECT ID, COUNT(*) AS N FROM ORDERS "
         "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID;"
         "CREATE TABLE X AS SELECT ID, COUNT(*) AS N FROM ORDERS "
         "WINDOW SESSION (1 HOUR) GROUP BY ID;\"}",
         &status);
    assert_int_equal(status, 200);
    insert("(7, 'a', 2)");
    body = post("/query", "{\"ksql\":\"PRINT W FROM BEGINNING LIMIT 1;\"}", &status);
    assert_has(body, "Key format: HOPPING(KAFKA_INT) or ");
    assert_has(body, "key: [7@");
    assert_has(body, "/-], value: {\"N\":1}");
    post("/ksql",
         "{\"ksql\":\"CREATE STREAM BIG (ID BIGINT KEY, N INT) WITH (KAFKA_TOPIC='big', "
         "PARTITIONS=1, VALUE_FORMAT='JSON'); INSERT INTO BIG VALUES (912191008, 1);\"}",
         &status);
    assert_has(post("/query", "{\"ksql\":\"PRINT big FROM BEGINNING LIMIT 1;\"}", &status),
               "Key format: KAFKA_BIGINT or KAFKA_DOUBLE");
    body = post("/query", "{\"ksql\":\"PRINT X FROM BEGINNING LIMIT 1;\"}", &status);
    assert_has(body, "Key format: SESSION(KAFKA_INT)");
    assert_has(body, "key: [7@");
}

static void websocket_speaks_in_messages(void **state)
{
    ApiRequest request = {.method = STR("GET"),
                          .path = STR("/ws/query"),
                          .query = STR("request=%7B%22ksql%22%3A%22SELECT%20ID%20FROM%20ORDERS%20"
                                       "EMIT%20CHANGES%20LIMIT%201%3B%22%7D"),
                          .http_major = 1,
                          .http_minor = 1,
                          .is_websocket = true};
    int        status;
    Str        body;
    Err        err;

    (void)state;
    create_orders();
    insert("(1, 'a', 2)");
    assert_int_equal(harness_request(harness, &request, mem, &status, &body, &err), ERR_OK);
    assert_has(body, "[{\"name\":\"ID\",\"schema\":{\"type\":\"INTEGER\"");
    assert_has(body, "{\"row\":{\"columns\":[1]}}");
    assert_has(body, "{\"error\":\"done\"}");
}

static void skipped_record_is_in_the_processing_log(void **state)
{
    HarnessRecord record = {.topic = STR("orders"), .ts = 5};
    Json         *text;
    int           status;
    Err           err;

    (void)state;
    create_orders();
    assert_int_equal(json_parse(mem, STR("{\"ITEM\":\"a\",\"N\":\"many\"}"), &text, &err), ERR_OK);
    record.value = text;
    assert_int_equal(harness_produce(harness, &record, &err), ERR_OK);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    assert_has(post("/query",
                    "{\"ksql\":\"SELECT MESSAGE->deserializationError->`TOPIC` AS T, "
                    "MESSAGE->deserializationError->offset AS O, "
                    "MESSAGE->deserializationError->errorMessage AS E "
                    "FROM KSQL_PROCESSING_LOG EMIT CHANGES LIMIT 1;\"}",
                    &status),
               "{\"row\":{\"columns\":[\"orders\",0,\"");
    for (int i = 0; i < 60; i++)
        assert_int_equal(harness_produce(harness, &record, &err), ERR_OK);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    harness_set_time(harness, 10000);
    assert_int_equal(harness_until_idle(harness, &err), ERR_OK);
    assert_has(post("/query",
                    "{\"ksql\":\"SELECT MESSAGE->recordProcessingError->errorMessage AS E FROM "
                    "KSQL_PROCESSING_LOG WHERE MESSAGE->type = 1;\"}",
                    &status),
               "entries were left out");
    post("/ksql", "{\"ksql\":\"DROP STREAM KSQL_PROCESSING_LOG;\"}", &status);
    assert_int_equal(status, 400);
    post("/ksql", "{\"ksql\":\"INSERT INTO KSQL_PROCESSING_LOG (LOGGER) VALUES ('x');\"}", &status);
    assert_int_equal(status, 400);
}

static void table_deletion_is_marked_in_v1_only(void **state)
{
    int status;

    (void)state;
    create_orders();
    assert_has(post("/ksql",
                    "{\"ksql\":\"CREATE TABLE BIG AS SELECT ITEM, SUM(N) AS TOTAL FROM ORDERS "
                    "GROUP BY ITEM HAVING SUM(N) < 5;\"}",
                    &status),
               "CTAS_BIG_2");
    insert("(1, 'a', 2)");
    insert("(2, 'a', 7)");
    assert_has(post("/query", "{\"ksql\":\"SELECT * FROM BIG EMIT CHANGES LIMIT 2;\"}", &status),
               "{\"row\":{\"columns\":[\"a\",null],\"tombstone\":true}}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(api_without_engine_says_what_the_start_waits_for),
        TEST(small_endpoints_answer),
        TEST(nothing_runs_when_one_statement_is_bad),
        TEST(info_names_the_ksqldb_that_clients_expect),
        TEST(unknown_source_is_an_error_of_the_statement),
        TEST(status_of_a_command_is_found_by_its_id),
        TEST(malformed_requests_are_named),
        TEST(pull_query_answers_in_each_style),
        TEST(same_statement_finds_the_row_of_each_key),
        TEST(same_statement_sees_the_table_that_is_there_now),
        TEST(push_query_ends_at_its_limit),
        TEST(scalable_push_query_leaves_rows_without_key_out),
        TEST(scalable_push_query_shows_streams_without_key_columns),
        TEST(star_of_a_pull_query_marks_header_columns_where_rows_have_them),
        TEST(session_statements_hold_for_the_request),
        TEST(catalog_is_described),
        TEST(window_bounds_are_no_fields_of_a_description),
        TEST(terminate_drops_everything_and_the_topics_listed),
        TEST(print_shows_records_and_guesses),
        TEST(print_shows_the_windows_of_keys),
        TEST(websocket_speaks_in_messages),
        TEST(skipped_record_is_in_the_processing_log),
        TEST(table_deletion_is_marked_in_v1_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
