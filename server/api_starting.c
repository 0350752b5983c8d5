/*
 * api_starting.c -- what is answered before the engine is there.
 *
 * The start may wait for a Kafka cluster that is away.  Meanwhile the probes are answered as ever,
 * /healthcheck says what is waited for, and all other requests get 503 with the same words: a
 * client that waits for /info to succeed waits for a server that takes statements.
 */
#include "server/api_internal.h"

#include <stdio.h>

static const char at_work[] = "the command log is read";

void api_starting(Api *api, const char *why)
{
    pthread_mutex_lock(&api->lock);
    snprintf(api->starting_why, sizeof api->starting_why, "%s", why);
    pthread_mutex_unlock(&api->lock);
}

void api_ready(Api *api, Engine *engine)
{
    api->engine = engine;
    __atomic_store_n(&api->is_ready, true, __ATOMIC_RELEASE);
}

static void copy_why(Api *api, char *out, size_t size)
{
    pthread_mutex_lock(&api->lock);
    snprintf(out, size, "%s", api->starting_why);
    pthread_mutex_unlock(&api->lock);
}

static void write_part(JsonWriter *w, const char *part, const char *why)
{
    jw_key(w, part);
    jw_open(w, '{');
    jw_field_bool(w, "isHealthy", !why[0]);
    if (why[0])
        jw_field_c(w, "message", why);
    jw_close(w, '}');
}

static void healthcheck(ApiCall *call)
{
    char       why[STARTING_WHY_BYTES], work[STARTING_WHY_BYTES + 64];
    Buf        body = {0};
    JsonWriter w = json_writer(&body);

    copy_why(call->api, why, sizeof why);
    snprintf(work, sizeof work, "the server is starting: %s", why[0] ? why : at_work);
    jw_open(&w, '{');
    jw_field_bool(&w, "isHealthy", false);
    jw_key(&w, "details");
    jw_open(&w, '{');
    write_part(&w, "metastore", "");
    write_part(&w, "kafka", why);
    write_part(&w, "commandRunner", work);
    jw_close(&w, '}');
    jw_field_c(&w, "serverState", "INITIALIZING");
    jw_close(&w, '}');
    call_respond(call, 200, content_json, &body);
}

void api_answer_starting(ApiCall *call)
{
    bool is_info = api_info_has(&call->request);
    char why[STARTING_WHY_BYTES];

    if (is_info && str_eq(call->request.path, STR("/healthcheck"))) {
        healthcheck(call);
    } else if (is_info && str_starts(call->request.path, STR("/chc/"))) {
        api_info(call);
    } else {
        copy_why(call->api, why, sizeof why);
        call_refuse_later(call, 50302, "the server is starting: %s", why[0] ? why : at_work);
    }
}
