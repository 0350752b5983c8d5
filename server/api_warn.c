/*
 * api_warn.c -- the warnings of an entity: what is wrong with the cluster and with queries.
 *
 * ksqlDB's clients know the list of each entity and show it, while a state "ERROR" alone tells
 * nobody what to do.
 */
#include "server/api_internal.h"

#include <stdio.h>

void entity_warn(EntityWarnings *warnings, Str message)
{
    if (warnings->len < ENTITY_WARNINGS_MAX)
        warnings->items[warnings->len++] = message;
    else
        warnings->left_out++;
}

void entity_warn_broker(EntityCtx *ctx, EntityWarnings *warnings)
{
    Engine       *engine = ctx->call->api->engine;
    BrokerHealth  broker;
    RuntimeHealth runtime;

    broker_health(engine_broker(engine), &broker);
    runtime_health(engine_runtime(engine), &runtime);
    if (!broker.is_healthy || broker.slow[0])
        entity_warn(warnings,
                    str_printf(ctx->mem, "%s", broker.is_healthy ? broker.slow : broker.why));
    if (!runtime.is_healthy)
        entity_warn(warnings, str_printf(ctx->mem, "%s", runtime.why));
}

/* The cluster's topics, asked for once; none while it is away. */
static const TopicInfo *topic_there(EntityCtx *ctx, Str name)
{
    Broker      *broker = engine_broker(ctx->call->api->engine);
    TopicInfo   *topics;
    BrokerHealth health;
    Err          err;

    if (!ctx->has_asked) {
        ctx->has_asked = true;
        broker_health(broker, &health);
        if (health.is_healthy &&
            broker_topics(broker, ctx->mem, &topics, &ctx->topics_len, &err) == ERR_OK)
            ctx->topics = topics;
        else
            ctx->topics_len = 0;
    }
    for (size_t low = 0, high = ctx->topics_len; low < high;) {
        size_t middle = (low + high) / 2;
        int    order = str_cmp(ctx->topics[middle].spec.name, name);

        if (order == 0)
            return &ctx->topics[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A query reads the partitions that its source had when that was created. */
static void warn_unread(EntityCtx *ctx, EntityWarnings *warnings, const CatalogQuery *query)
{
    for (uint32_t i = 0; i < query->plan->scans_len; i++) {
        const PlanNode  *scan = query->plan->scans[i];
        const TopicInfo *topic = topic_there(ctx, scan->u.scan.topic);

        if (topic && topic->spec.partitions > scan->u.scan.partitions)
            entity_warn(
                warnings,
                str_printf(ctx->mem,
                           "query %.*s reads %u of the %u partitions of topic \"%.*s\": the others "
                           "were added later; DROP and create its source and the query to read all",
                           STR_ARG(query->id), scan->u.scan.partitions, topic->spec.partitions,
                           STR_ARG(topic->spec.name)));
    }
}

void entity_warn_query(EntityCtx *ctx, EntityWarnings *warnings, const CatalogQuery *query)
{
    Engine     *engine = ctx->call->api->engine;
    Query      *running = query_find(engine_runtime(engine), query->id);
    QueryHealth health;
    int64_t     wait_ms;

    if (!running) {
        if (query->status != QUERY_PAUSED)
            entity_warn(warnings, str_printf(ctx->mem,
                                             "query %.*s could not be started: the server's log "
                                             "says why",
                                             STR_ARG(query->id)));
        return;
    }
    if (broker_is_apart(engine_broker(engine)))
        warn_unread(ctx, warnings, query);
    query_health(running, &health);
    if (health.state != QUERY_STATE_FAILED)
        return;
    wait_ms = health.retry_ms - clock_now_ms(runtime_clock(engine_runtime(engine)));
    entity_warn(warnings,
                str_printf(ctx->mem, "query %.*s does not run: %s%s%s; it is tried again in %lld s",
                           STR_ARG(query->id), health.error.msg, health.error.hint[0] ? "; " : "",
                           health.error.hint, wait_ms > 0 ? (long long)(wait_ms + 999) / 1000 : 0));
}

void entity_end_warned(JsonWriter *w, const EntityWarnings *warnings)
{
    char more[64];

    jw_key(w, "warnings");
    jw_open(w, '[');
    for (size_t i = 0; i < warnings->len; i++) {
        jw_open(w, '{');
        jw_field_str(w, "message", warnings->items[i]);
        jw_close(w, '}');
    }
    if (warnings->left_out > 0) {
        snprintf(more, sizeof more, "and %zu more", warnings->left_out);
        jw_open(w, '{');
        jw_field_c(w, "message", more);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

void entity_end(JsonWriter *w)
{
    entity_end_warned(w, &(EntityWarnings){0});
}
