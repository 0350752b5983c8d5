/*
 * api.c -- calls, frames, errors and routing.
 */
#include "server/api_internal.h"

#include <assert.h>
#include <stdio.h>

#include "common/limit.h"

const char content_json[] = "application/json";
const char content_v1[] = "application/vnd.ksql.v1+json";
const char content_delimited[] = "application/vnd.ksqlapi.delimited.v1";

enum { PULL_THREADS = 2 };

ErrCode api_new(Engine *engine, Api **out, Err *err)
{
    Api    *api = MEM_NEW(Api);
    bool    is_inline = engine && engine_is_inline(engine);
    ErrCode rc;

    if (engine)
        api_ready(api, engine);
    api->pull_cache = pull_cache_new();
    pthread_mutex_init(&api->lock, NULL);
    rc = jobs_open("statement", is_inline ? 0 : 1, g_limits.pull_queue, &api->statements, err);
    if (rc == ERR_OK)
        rc = jobs_open("pull", is_inline ? 0 : PULL_THREADS, g_limits.pull_queue, &api->pulls, err);
    if (rc != ERR_OK) {
        api_free(api);
        return rc;
    }
    *out = api;
    return ERR_OK;
}

void api_free(Api *api)
{
    if (!api)
        return;
    jobs_close(api->statements);
    jobs_close(api->pulls);
    pull_cache_free(api->pull_cache);
    assert(!api->calls);
    pthread_mutex_destroy(&api->lock);
    mem_free(api);
}

void api_shutdown(Api *api)
{
    __atomic_store_n(&api->is_shut, true, __ATOMIC_RELEASE);
    pthread_mutex_lock(&api->lock);
    for (ApiCall *call = api->calls; call; call = call->next_open)
        call_wake(call);
    pthread_mutex_unlock(&api->lock);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void free_outs(ApiOut *out)
{
    while (out) {
        ApiOut *next = out->next;

        buf_deinit(&out->buf);
        mem_free(out);
        out = next;
    }
}

void call_ref(ApiCall *call)
{
    __atomic_add_fetch(&call->refs, 1, __ATOMIC_RELAXED);
}

void call_unref(ApiCall *call)
{
    if (__atomic_sub_fetch(&call->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free_outs(call->first);
    free_outs(call->taken);
    api_query_free(call->query);
    pthread_mutex_destroy(&call->lock);
    arena_free(call->mem);
    mem_free(call);
}

static void call_enlist(ApiCall *call)
{
    Api *api = call->api;

    pthread_mutex_lock(&api->lock);
    call->next_open = api->calls;
    call->prev_open = &api->calls;
    if (api->calls)
        api->calls->prev_open = &call->next_open;
    api->calls = call;
    pthread_mutex_unlock(&api->lock);
}

static void call_delist(ApiCall *call)
{
    Api *api = call->api;

    pthread_mutex_lock(&api->lock);
    *call->prev_open = call->next_open;
    if (call->next_open)
        call->next_open->prev_open = call->prev_open;
    pthread_mutex_unlock(&api->lock);
}

static ApiRequest copy_request(Arena *mem, const ApiRequest *request)
{
    ApiRequest copy = *request;
    ApiHeader *headers = ARENA_ARRAY(mem, ApiHeader, request->headers_len + 1);

    copy.method = str_copy(mem, request->method);
    copy.path = str_copy(mem, request->path);
    copy.query = str_copy(mem, request->query);
    copy.body = str_copy(mem, request->body);
    for (size_t i = 0; i < request->headers_len; i++) {
        headers[i].name = str_copy(mem, request->headers[i].name);
        headers[i].value = str_copy(mem, request->headers[i].value);
    }
    copy.headers = headers;
    return copy;
}

/* Its rows and acknowledgements travel at the same time, which takes HTTP/2. */
static void refuse_inserts_stream(ApiCall *call)
{
    call_refuse(call, 400, 40004,
                "/inserts-stream needs HTTP/2: over HTTP/1.1 send INSERT INTO ... VALUES to /ksql");
}

static void route(ApiCall *call)
{
    static const struct {
        const char *method, *path;
        void (*run)(ApiCall *call);
    } routes[] = {
        {"POST", "/ksql", api_ksql},
        {"POST", "/query", api_query},
        {"GET", "/ws/query", api_query},
        {"POST", "/query-stream", api_query_stream},
        {"POST", "/close-query", api_close_query},
        {"POST", "/ksql/terminate", api_terminate},
        {"POST", "/inserts-stream", refuse_inserts_stream},
    };
    Buf body = {0};

    if (__atomic_load_n(&call->api->is_shut, __ATOMIC_ACQUIRE)) {
        call_refuse(call, 503, 50303, "the server is shutting down");
        return;
    }
    if (!__atomic_load_n(&call->api->is_ready, __ATOMIC_ACQUIRE)) {
        api_answer_starting(call);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (str_eq(call->request.method, str_from(routes[i].method)) &&
            str_eq(call->request.path, str_from(routes[i].path))) {
            if (__atomic_load_n(&call->api->is_terminated, __ATOMIC_ACQUIRE))
                call_refuse(call, 503, 50304, "the cluster was terminated: restart the server");
            else
                routes[i].run(call);
            return;
        }
    }
    if (api_info_has(&call->request)) {
        api_info(call);
        return;
    }
    buf_c(&body, "Not Found");
    call_respond(call, 404, "text/plain", &body);
}

ApiCall *api_open(Api *api, const ApiRequest *request, ApiWake wake)
{
    ApiCall *call = MEM_NEW(ApiCall);

    call->api = api;
    call->mem = arena_new(0);
    call->request = copy_request(call->mem, request);
    call->wake = wake;
    call->refs = 1;
    pthread_mutex_init(&call->lock, NULL);
    call_enlist(call);
    route(call);
    return call;
}

ApiNext api_next(ApiCall *call, ApiFrame *out)
{
    ApiStream *stream;
    ApiPrint  *print;
    bool       has_ended;

    free_outs(call->taken);
    pthread_mutex_lock(&call->lock);
    call->taken = call->first;
    if (call->first) {
        call->first = call->first->next;
        call->taken->next = NULL;
        if (!call->first)
            call->last = NULL;
    }
    stream = call->stream;
    print = call->print;
    has_ended = call->has_ended;
    pthread_mutex_unlock(&call->lock);
    if (call->taken) {
        *out = call->taken->frame;
        return API_FRAME;
    }
    if (has_ended)
        return API_END;
    if (stream)
        return stream_next(call, out);
    if (print)
        print_more(call);
    return API_WAIT;
}

static void close_stream(ApiCall *call)
{
    if (call->stream)
        stream_close(call->stream);
    if (call->print)
        print_close(call->print);
}

void api_close(ApiCall *call)
{
    bool has_stream;

    call_delist(call);
    pthread_mutex_lock(&call->lock);
    call->wake = (ApiWake){NULL, NULL};
    call->is_closed = true;
    has_stream = call->stream || call->print;
    pthread_mutex_unlock(&call->lock);
    /* Ending a query waits for its tasks: not on the caller's thread. */
    if (has_stream)
        call_submit(call, call->api->pulls, close_stream);
    call_unref(call);
}

bool call_attach(ApiCall *call, ApiStream *stream, ApiPrint *print)
{
    bool is_open;

    pthread_mutex_lock(&call->lock);
    is_open = !call->is_closed;
    if (is_open) {
        call->stream = stream;
        call->print = print;
        if (call->wake.wake)
            call->wake.wake(call->wake.arg);
    }
    pthread_mutex_unlock(&call->lock);
    return is_open;
}

/* --- jobs ------------------------------------------------------------------------------------- */

typedef struct CallJob {
    ApiCall *call;
    void (*work)(ApiCall *call);
} CallJob;

static void call_job(void *arg)
{
    CallJob *job = arg;

    job->work(job->call);
    call_unref(job->call);
    mem_free(job);
}

void call_submit(ApiCall *call, Jobs *jobs, void (*work)(ApiCall *call))
{
    CallJob *job = MEM_NEW(CallJob);
    Err      err;

    *job = (CallJob){call, work};
    call_ref(call);
    if (jobs_submit(jobs, call_job, job, &err) == ERR_OK)
        return;
    if (work == close_stream) { /* must not be lost: the caller waits instead */
        call_job(job);
        return;
    }
    call_unref(call);
    mem_free(job);
    call_refuse(call, err.code == ERR_BUSY ? 429 : 503, err.code == ERR_BUSY ? 42900 : 50303, "%s",
                err.msg);
}

/* --- frames ----------------------------------------------------------------------------------- */

void call_wake(ApiCall *call)
{
    pthread_mutex_lock(&call->lock);
    if (call->wake.wake)
        call->wake.wake(call->wake.arg);
    pthread_mutex_unlock(&call->lock);
}

static void append(ApiCall *call, const ApiFrame *frame, Buf *buf, bool is_last)
{
    ApiOut *out = MEM_NEW(ApiOut);

    out->frame = *frame;
    out->buf = *buf;
    *buf = (Buf){0};
    out->frame.bytes = buf_view(&out->buf);
    pthread_mutex_lock(&call->lock);
    assert(!call->has_ended);
    if (call->last)
        call->last->next = out;
    else
        call->first = out;
    call->last = out;
    call->has_ended = is_last;
    if (call->wake.wake)
        call->wake.wake(call->wake.arg);
    pthread_mutex_unlock(&call->lock);
}

void call_frame(ApiCall *call, int status, const char *content_type, Buf *buf)
{
    ApiFrame frame = {.status = status, .content_type = str_from(content_type)};

    append(call, &frame, buf, false);
}

void call_respond(ApiCall *call, int status, const char *content_type, Buf *buf)
{
    ApiFrame frame = {.status = status, .content_type = str_from(content_type), .is_whole = true};

    append(call, &frame, buf, true);
}

void call_last(ApiCall *call, const ApiFrame *frame, Buf *buf)
{
    append(call, frame, buf, true);
}

void call_end(ApiCall *call)
{
    pthread_mutex_lock(&call->lock);
    call->has_ended = true;
    if (call->wake.wake)
        call->wake.wake(call->wake.arg);
    pthread_mutex_unlock(&call->lock);
}

/* --- requests --------------------------------------------------------------------------------- */

Str request_header(const ApiRequest *request, const char *name)
{
    for (size_t i = 0; i < request->headers_len; i++) {
        if (str_eq(request->headers[i].name, str_from(name)))
            return request->headers[i].value;
    }
    return STR_NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

Str request_unescape(Arena *mem, Str s, bool plus_is_space)
{
    char  *out = arena_bytes(mem, s.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len && s.ptr[i] == '%' ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;

        if (low >= 0) {
            out[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[len++] = plus_is_space && s.ptr[i] == '+' ? ' ' : s.ptr[i];
        }
    }
    return (Str){out, len};
}

Str request_param(const ApiRequest *request, const char *name, Arena *mem)
{
    Str    query = request->query;
    size_t from = 0;

    for (size_t i = 0; i <= query.len; i++) {
        Str       part;
        ptrdiff_t equals;

        if (i < query.len && query.ptr[i] != '&')
            continue;
        part = str_slice(query, from, i);
        equals = str_find(part, STR("="), 0);
        from = i + 1;
        if (equals >= 0 && str_eq(str_slice(part, 0, (size_t)equals), str_from(name)))
            return request_unescape(mem, str_slice(part, (size_t)equals + 1, part.len), true);
    }
    return STR_NULL;
}
