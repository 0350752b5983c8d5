/*
 * broker_fixture.c -- opening, emptying and closing a broker of each driver.
 */
#include "tests/support/broker_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exec/brokers/broker_kafka.h"
#include "exec/brokers/broker_local.h"
#include "tests/support/arena_group.h"

static const Driver drivers[] = {
    {"local, memory, inline", false, true, false},
    {"local, memory, threads", false, false, false},
    {"local, file, inline", true, true, false},
    {"local, file, threads", true, false, false},
    {"kafka", false, false, true},
};

const Clock *fixture_clock(const Fixture *f)
{
    return f->driver->is_inline ? &f->clock : clock_system();
}

static const char *kafka_servers(void)
{
    return getenv("WEIR_TEST_KAFKA");
}

static void fixture_open_kafka(Fixture *f)
{
    KafkaSetting    servers = {"bootstrap.servers", kafka_servers()};
    BrokerKafkaOpts opts = {.service_id = STR("contract"),
                            .settings = &servers,
                            .settings_len = 1,
                            .fetch_bytes = 1 << 20};

    if (broker_kafka_open(&opts, &f->broker, &f->err) != ERR_OK)
        fail_msg("%s", f->err.msg);
}

/* What an earlier claim left.  The driver's idle topic is not in the list. */
static void kafka_delete_all(Fixture *f)
{
    TopicInfo *infos = NULL;
    size_t     len = 0;

    assert_int_equal(broker_topics(f->broker, f->mem, &infos, &len, &f->err), ERR_OK);
    for (size_t i = 0; i < len; i++) {
        Str name = infos[i].spec.name;

        if (!str_starts(name, STR("__")) && broker_topic_delete(f->broker, name, &f->err) != ERR_OK)
            fail_msg("%s", f->err.msg);
    }
}

void fixture_open(Fixture *f)
{
    BrokerLocalOpts opts = {
        .path = f->driver->is_file ? f->path : ":memory:",
        .clock = fixture_clock(f),
        .is_inline = f->driver->is_inline,
        .data_bytes_max = f->data_bytes_max,
        .tombstone_retention_ms = 300,
    };

    if (f->driver->is_kafka) {
        fixture_open_kafka(f);
        return;
    }
    assert_int_equal(broker_local_open(&opts, &f->broker, &f->err), ERR_OK);
}

static void fixture_init(Fixture *f, const Driver *driver, Arena *mem)
{
    *f = (Fixture){.driver = driver, .mem = mem, .data_bytes_max = -1};
    clock_fake_init(&f->clock, 1700000000000);
    snprintf(f->dir, sizeof f->dir, "/tmp/weir-broker-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/broker.db", f->dir);
    fixture_open(f);
    if (driver->is_kafka)
        kafka_delete_all(f);
}

static void fixture_deinit(Fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

    broker_close(f->broker);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[128];

        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
    rmdir(f->dir);
}

void fixture_reopen(Fixture *f)
{
    broker_close(f->broker);
    fixture_open(f);
}

void each_driver(void **state, void (*claim)(Fixture *f))
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        Fixture f;

        if (drivers[i].is_kafka && !kafka_servers())
            continue;
        fixture_init(&f, &drivers[i], test_arena(state));
        claim(&f);
        fixture_deinit(&f);
    }
}

/* --- short ways to say things ----------------------------------------------------------------- */

void ok(const Fixture *f, ErrCode rc)
{
    if (rc != ERR_OK)
        fail_msg("%s: %s", f->driver->name, f->err.msg);
}

BrokerReader *reader_at(Fixture *f, const char *topic, uint32_t partition, int64_t offset)
{
    BrokerReader *reader = NULL;

    ok(f, broker_reader_open(f->broker, str_from(topic), partition, offset, (BrokerWake){0},
                             &reader, &f->err));
    return reader;
}

void poll_some(Fixture *f, BrokerReader *reader, size_t bytes_max, RecordBatch **out,
               int64_t *position, int64_t *end)
{
    for (int i = 0; i < 10000; i++) {
        ok(f, broker_reader_poll(reader, bytes_max, out, position, end, &f->err));
        if (*out || *position >= *end)
            return;
        usleep(1000);
    }
    fail_msg("%s: nothing comes at %lld of %lld", f->driver->name, (long long)*position,
             (long long)*end);
}

PartitionEnds ends_of(Fixture *f, const char *topic, uint32_t partition)
{
    PartitionEnds ends[4];

    ok(f, broker_topic_ends(f->broker, str_from(topic), ends, 4, &f->err));
    return ends[partition];
}

void await_end(Fixture *f, const char *topic, int64_t end)
{
    for (int i = 0; i < 500 && ends_of(f, topic, 0).end < end; i++)
        usleep(10000);
}

void until(Fixture *f, int64_t ms, bool (*is_so)(Fixture *f))
{
    if (f->driver->is_inline)
        clock_fake_set(&f->clock, clock_now_ms(&f->clock) + ms);
    for (int i = 0; i < 4000 && !is_so(f); i++) {
        if (f->driver->is_inline)
            clock_fake_set(&f->clock, clock_now_ms(&f->clock) + 1000);
        else
            usleep(10000);
        while (broker_step(f->broker)) {
        }
    }
    assert_true(is_so(f));
}
