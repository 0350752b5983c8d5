/*
 * harness_kafka.c -- what is different when the engine stands on a Kafka broker.
 *
 * There it has threads and the system's clock, so idle is waited for: every query has settled what
 * its sources hold.  Topics outlive the engine; a harness begins without any and deletes its own.
 */
#include "server/harness_internal.h"

#include <time.h>
#include <unistd.h>

enum { IDLE_WAIT_MS = 20000 };

bool harness_is_on_kafka(const Harness *harness)
{
    return !engine_is_inline(harness->engine);
}

ErrCode harness_kafka_props(Harness *harness, Err *err)
{
    static uint32_t count; /* a service id is used once: what an earlier engine left is not read */
    Str             service = str_printf(harness->mem, "weir_test_%ld_%u", (long)getpid(),
                                         __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));

    TRY(properties_set(&harness->props, STR("ksql.service.id"), service, NULL, err));
    return properties_set(&harness->props, STR("commit.interval.ms"), STR("5"), NULL, err);
}

static bool is_kafkas_own(Str topic)
{
    return str_starts(topic, STR("__"));
}

ErrCode harness_kafka_check_empty(Harness *harness, Err *err)
{
    TopicInfo *topics;
    size_t     len;

    TRY(broker_topics(engine_broker(harness->engine), harness->mem, &topics, &len, err));
    for (size_t i = 0; i < len; i++) {
        if (is_kafkas_own(topics[i].spec.name) ||
            engine_topic_is_internal(harness->engine, topics[i].spec.name))
            continue;
        harness->keeps_topics = true;
        return err_set(err, ERR_STATE,
                       "the broker holds topic \"%.*s\": tests make and delete topics, they need a "
                       "broker of their own",
                       STR_ARG(topics[i].spec.name));
    }
    return ERR_OK;
}

/* Queries read in the order of their creation, but for INSERT INTO ... SELECT: as many rounds as
 * there are queries reach the end of any chain. */
static ErrCode catch_up(Harness *harness, const Catalog *catalog, Err *err)
{
    size_t len = catalog_queries_len(catalog);

    for (size_t i = 0; i < len * len; i++) {
        Query *query =
            query_find(engine_runtime(harness->engine), catalog_query_at(catalog, i % len)->id);
        QueryHealth health;

        if (!query)
            continue;
        query_health(query, &health);
        if (health.state == QUERY_STATE_RUNNING)
            TRY(query_catch_up(query, IDLE_WAIT_MS, err));
    }
    return ERR_OK;
}

ErrCode harness_kafka_until_idle(Harness *harness, Err *err)
{
    Catalog *catalog = engine_catalog(harness->engine);
    ErrCode  rc = catch_up(harness, catalog, err);

    catalog_unref(catalog);
    return rc;
}

void harness_kafka_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* What the engine made for itself bears its service id. */
static bool is_to_go(const Harness *harness, Str topic)
{
    if (harness->keeps_topics)
        return str_find(topic, engine_service_id(harness->engine), 0) >= 0;
    return !is_kafkas_own(topic);
}

ErrCode harness_kafka_clear(Harness *harness, Err *err)
{
    Broker    *broker = engine_broker(harness->engine);
    TopicInfo *topics;
    size_t     len;

    TRY(harness_execute(harness, STR("TERMINATE ALL;"), NULL, err));
    TRY(broker_topics(broker, harness->mem, &topics, &len, err));
    for (size_t i = 0; i < len; i++) {
        if (is_to_go(harness, topics[i].spec.name))
            TRY(broker_topic_delete(broker, topics[i].spec.name, err));
    }
    return ERR_OK;
}
