#include "tests/support/fake_api.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

enum { FRAMES = 3, FRAME_BYTES = 1000 };

typedef enum FakeKind { ECHO, THREE_FRAMES, ENDLESS, FED, NOTHING, UNKNOWN } FakeKind;

struct Api {
    pthread_mutex_t lock;
    ApiCall        *calls;
    int             opened, open_now, asked;
    bool            is_shut;
};

struct ApiCall {
    Api     *api;
    FakeKind kind;
    bool     is_websocket;
    ApiWake  wake;
    Buf      bytes; /* body, or what was fed and not yet taken */
    Buf      frame; /* the last one given */
    int      given;
    bool     is_ended, has_closed;
    ApiCall *next, **prev;
};

static FakeKind kind_of(Str path)
{
    static const char *const names[] = {"/echo", "/frames", "/endless", "/fed", "/nothing"};

    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
        if (str_eq(path, str_from(names[i])))
            return (FakeKind)i;
    }
    return str_eq(path, STR("/ws/query")) ? FED : UNKNOWN;
}

Api *fake_api_new(void)
{
    Api *api = MEM_NEW(Api);

    pthread_mutex_init(&api->lock, NULL);
    return api;
}

void fake_api_free(Api *api)
{
    assert(!api->calls && api->open_now == 0);
    pthread_mutex_destroy(&api->lock);
    mem_free(api);
}

ApiCall *api_open(Api *api, const ApiRequest *request, ApiWake wake)
{
    ApiCall *call = MEM_NEW(ApiCall);

    call->api = api;
    call->kind = kind_of(request->path);
    call->is_websocket = request->is_websocket;
    call->wake = wake;
    buf_str(&call->bytes, call->kind == ECHO ? request->body : STR(""));
    pthread_mutex_lock(&api->lock);
    call->next = api->calls;
    call->prev = &api->calls;
    if (api->calls)
        api->calls->prev = &call->next;
    api->calls = call;
    api->opened++;
    api->open_now++;
    pthread_mutex_unlock(&api->lock);
    /* As the real one does when the answer is there at once. */
    wake.wake(wake.arg);
    return call;
}

void api_close(ApiCall *call)
{
    Api *api = call->api;

    pthread_mutex_lock(&api->lock);
    *call->prev = call->next;
    if (call->next)
        call->next->prev = call->prev;
    api->open_now--;
    pthread_mutex_unlock(&api->lock);
    buf_deinit(&call->bytes);
    buf_deinit(&call->frame);
    mem_free(call);
}

static ApiNext give(ApiCall *call, ApiFrame *out, bool is_whole)
{
    *out = (ApiFrame){.bytes = buf_view(&call->frame), .is_whole = is_whole};
    if (call->given++ == 0) {
        out->status = call->kind == UNKNOWN ? 404 : 200;
        out->content_type = STR("text/plain");
    }
    call->api->asked++;
    return API_FRAME;
}

static ApiNext end(ApiCall *call, ApiFrame *out)
{
    if (!call->is_websocket || call->has_closed)
        return API_END;
    call->has_closed = true;
    *out = (ApiFrame){.ws_close = 1000, .bytes = STR("done")};
    return API_FRAME;
}

static ApiNext next_locked(ApiCall *call, ApiFrame *out)
{
    buf_clear(&call->frame);
    switch (call->kind) {
    case ECHO:
    case UNKNOWN:
        buf_str(&call->frame, buf_view(&call->bytes));
        return call->given ? API_END : give(call, out, true);
    case THREE_FRAMES:
        buf_printf(&call->frame, "frame %d\n", call->given);
        return call->given == FRAMES ? API_END : give(call, out, false);
    case ENDLESS:
        buf_reserve(&call->frame, FRAME_BYTES);
        memset(call->frame.ptr, 'e', FRAME_BYTES);
        call->frame.len = FRAME_BYTES;
        return give(call, out, false);
    case FED:
        if (call->bytes.len) {
            Buf taken = call->frame;

            call->frame = call->bytes;
            call->bytes = taken;
            return give(call, out, false);
        }
        return call->is_ended || call->api->is_shut ? end(call, out) : API_WAIT;
    case NOTHING:
        break;
    }
    return API_END;
}

ApiNext api_next(ApiCall *call, ApiFrame *out)
{
    ApiNext next;

    pthread_mutex_lock(&call->api->lock);
    next = next_locked(call, out);
    pthread_mutex_unlock(&call->api->lock);
    return next;
}

/* The lock is held while calls are woken, so that none of them is closed meanwhile. */
static void wake_all_locked(Api *api)
{
    for (ApiCall *call = api->calls; call; call = call->next)
        call->wake.wake(call->wake.arg);
}

void api_shutdown(Api *api)
{
    pthread_mutex_lock(&api->lock);
    api->is_shut = true;
    wake_all_locked(api);
    pthread_mutex_unlock(&api->lock);
}

void fake_api_feed(Api *api, const char *text)
{
    pthread_mutex_lock(&api->lock);
    for (ApiCall *call = api->calls; call; call = call->next)
        buf_c(&call->bytes, call->kind == FED ? text : "");
    wake_all_locked(api);
    pthread_mutex_unlock(&api->lock);
}

void fake_api_end(Api *api)
{
    pthread_mutex_lock(&api->lock);
    for (ApiCall *call = api->calls; call; call = call->next)
        call->is_ended = true;
    wake_all_locked(api);
    pthread_mutex_unlock(&api->lock);
}

static int read_locked(Api *api, const int *count)
{
    int value;

    pthread_mutex_lock(&api->lock);
    value = *count;
    pthread_mutex_unlock(&api->lock);
    return value;
}

int fake_api_opened(Api *api)
{
    return read_locked(api, &api->opened);
}

int fake_api_open_now(Api *api)
{
    return read_locked(api, &api->open_now);
}

int fake_api_asked(Api *api)
{
    return read_locked(api, &api->asked);
}
