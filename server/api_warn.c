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
        snprintf(more, sizeof more, "and %zu more: SHOW QUERIES EXTENDED tells all",
                 warnings->left_out);
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
