/*
 * sql_engine.h -- an engine for tests of what queries do: SQL in, topics as text out.
 *
 *     SqlEngine e;
 *     sql_engine_open(&e, test_mem, NULL);                       inline, in memory
 *     sql_run(&e, "CREATE STREAM s (k STRING KEY, v INT) WITH (...);");
 *     sql_produce(&e, "s", "a", "{\"V\":1}", 10);
 *     sql_idle(&e);
 *     sql_expect(&e, "OUT", "a={\"V\":1} @10\n");
 *
 * Everything fails the test when it goes wrong.  The clock stands at SQL_CLOCK_MS until
 * sql_advance().  With a data directory the engine can be closed and opened again.
 */
#ifndef TESTS_SUPPORT_SQL_ENGINE_H
#define TESTS_SUPPORT_SQL_ENGINE_H

#include <inttypes.h>

#include "parser/parser.h"
#include "server/engine.h"
#include "tests/support/arena_group.h"

#define SQL_CLOCK_MS INT64_C(1000000000)

typedef struct SqlEngine {
    Arena     *mem;
    Engine    *engine;
    Properties props;
    Clock      clock;
    Session    session;
} SqlEngine;

/* Properties as "name=value" strings, ended by NULL; set before sql_engine_start(). */
static inline void sql_engine_init(SqlEngine *e, Arena *mem)
{
    *e = (SqlEngine){.mem = mem};
    clock_fake_init(&e->clock, SQL_CLOCK_MS);
    properties_init(&e->props, mem, NULL);
}

static inline void sql_property(SqlEngine *e, const char *name, const char *value)
{
    Err err;

    if (properties_set(&e->props, str_from(name), str_from(value), NULL, &err) != ERR_OK)
        fail_msg("%s: %s", name, err.msg);
}

static inline void sql_engine_start(SqlEngine *e, const char *data_dir, bool is_inline)
{
    EngineOpts opts = {.props = &e->props,
                       .clock = is_inline ? &e->clock : clock_system(),
                       .data_dir = data_dir,
                       .is_inline = is_inline};
    Err        err;

    if (engine_open(&opts, &e->engine, &err) != ERR_OK)
        fail_msg("engine: %s", err.msg);
    session_init(&e->session, e->mem, e->engine);
}

/* Inline, in memory, from the earliest record, every update emitted. */
static inline void sql_engine_open(SqlEngine *e, Arena *mem)
{
    sql_engine_init(e, mem);
    sql_property(e, "auto.offset.reset", "earliest");
    sql_property(e, "cache.max.bytes.buffering", "0");
    sql_engine_start(e, NULL, true);
}

static inline void sql_idle(SqlEngine *e)
{
    Err err;

    if (engine_until_idle(e->engine, &err) != ERR_OK)
        fail_msg("not idle: %s", err.msg);
}

static inline void sql_engine_close(SqlEngine *e)
{
    engine_close(e->engine);
    e->engine = NULL;
}

static inline void sql_advance(SqlEngine *e, int64_t ms)
{
    clock_fake_set(&e->clock, clock_now_ms(&e->clock) + ms);
    sql_idle(e);
}

static inline ErrCode sql_try(SqlEngine *e, const char *sql, Err *err)
{
    AstStmtList stmts;

    TRY(parser_parse(e->mem, str_from(sql), (ParserOpts){0}, &stmts, err));
    for (size_t i = 0; i < stmts.len; i++) {
        CommandResult result;

        TRY(engine_execute(e->engine, &e->session, stmts.items[i], e->mem, &result, err));
        if (result.is_failed)
            return err_set(err, ERR_STATEMENT, "%.*s", STR_ARG(result.message));
    }
    return ERR_OK;
}

static inline void sql_run(SqlEngine *e, const char *sql)
{
    Err err;

    if (sql_try(e, sql, &err) != ERR_OK)
        fail_msg("%s\n%s", sql, err.msg);
}

/* key or value NULL: null. */
static inline void sql_produce_to(SqlEngine *e, const char *topic, uint32_t partition,
                                  const char *key, const char *value, int64_t ts)
{
    Record  record = {.key = str_from(key), .value = str_from(value), .ts = ts};
    int64_t offset;
    Err     err;

    if (broker_produce_wait(engine_broker(e->engine), str_from(topic), partition, &record, &offset,
                            &err) != ERR_OK)
        fail_msg("produce: %s", err.msg);
}

static inline void sql_produce(SqlEngine *e, const char *topic, const char *key, const char *value,
                               int64_t ts)
{
    sql_produce_to(e, topic, 0, key, value, ts);
}

static inline void sql_no_wake(void *arg)
{
    (void)arg;
}

static inline void sql_print_partition(SqlEngine *e, const char *topic, uint32_t partition,
                                       int64_t end, Buf *out)
{
    BrokerReader *reader;
    int64_t       position = 0, readable_end;
    Err           err;

    if (broker_reader_open(engine_broker(e->engine), str_from(topic), partition, 0,
                           (BrokerWake){sql_no_wake, NULL}, &reader, &err) != ERR_OK)
        fail_msg("reader: %s", err.msg);
    while (position < end) {
        RecordBatch *records;

        if (broker_reader_poll(reader, 1 << 20, &records, &position, &readable_end, &err) != ERR_OK)
            fail_msg("poll: %s", err.msg);
        for (uint32_t i = 0; records && i < records->len; i++) {
            const Record *r = &records->records[i];

            buf_printf(out, "%.*s=%.*s @%" PRId64 "\n", STR_ARG(r->key.ptr ? r->key : STR("null")),
                       STR_ARG(r->value.ptr ? r->value : STR("null")), r->ts);
        }
        record_batch_unref(records);
    }
    broker_reader_close(reader);
}

/* All records of a topic, partition by partition: "key=value @ts" lines. */
static inline const char *sql_topic(SqlEngine *e, const char *topic)
{
    Buf           out = buf_in(e->mem);
    TopicInfo     info;
    PartitionEnds ends[64];
    Err           err;

    if (broker_topic_describe(engine_broker(e->engine), str_from(topic), e->mem, &info, &err) !=
            ERR_OK ||
        broker_topic_ends(engine_broker(e->engine), str_from(topic), ends, info.spec.partitions,
                          &err) != ERR_OK)
        fail_msg("topic: %s", err.msg);
    for (uint32_t p = 0; p < info.spec.partitions; p++)
        sql_print_partition(e, topic, p, ends[p].end, &out);
    buf_put(&out, 0);
    return out.ptr;
}

static inline void sql_expect(SqlEngine *e, const char *topic, const char *expected)
{
    const char *got = sql_topic(e, topic);

    if (strcmp(got, expected) != 0)
        fail_msg("topic %s:\ngot\n%sexpected\n%s", topic, got, expected);
}

#endif
