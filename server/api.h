/*
 * api.h -- the REST API and the websocket protocol without sockets.
 *
 * A request goes in, response frames come out when asked for.  http, http2, ws and the conformance
 * runner all drive it the same way:
 *
 *     ApiCall *call = api_open(api, &request, wake);
 *     while ((kind = api_next(call, &frame)) == API_FRAME) send(frame);
 *     kind == API_WAIT: ask again after wake was called; API_END: done
 *     api_close(call);
 *
 * api_next() never blocks.  Whatever may block (statements, scans) runs on the engine's own threads
 * and wakes the caller.  Back-pressure is the caller's not asking: a subscriber that does not ask
 * fills its bounded queue and is cut off with a named error.
 *
 * Thread: a call belongs to one thread (http's); wake is called on any thread, at most until
 * api_close() returns.
 */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "server/engine.h"

typedef struct Api     Api;
typedef struct ApiCall ApiCall;

/* Header names are lower case. */
typedef struct ApiHeader {
    Str name, value;
} ApiHeader;

typedef struct ApiRequest {
    Str              method;
    Str              path;  /* without the query string */
    Str              query; /* behind the '?', still encoded */
    const ApiHeader *headers;
    size_t           headers_len;
    Str              body;
    int              http_major, http_minor;
    bool             is_websocket; /* GET /ws/query: frames are websocket text messages */
} ApiRequest;

typedef struct ApiWake {
    void (*wake)(void *arg);
    void *arg;
} ApiWake;

typedef enum ApiNext { API_FRAME, API_WAIT, API_END } ApiNext;

/*
 * The first frame carries the head (status > 0) and perhaps bytes; later ones bytes only.  One
 * result row of a stream is one frame.  bytes are valid until the next api_next() of this call.
 */
typedef struct ApiFrame {
    int              status; /* HTTP status; 0 on every frame but the first */
    Str              content_type;
    const ApiHeader *headers; /* further ones: location, retry-after */
    size_t           headers_len;
    bool             is_whole; /* the first frame is the whole response: send a Content-Length */
    Str              bytes;
    int ws_close; /* websocket: close with this code (bytes is the reason); 0: message */
} ApiFrame;

/* Starts the statement thread.  engine NULL: it is to come, by api_ready(), and until then requests
 * are told that the server is starting. */
ErrCode api_new(Engine *engine, Api **out, Err *err) ERR_MUST_USE;
void    api_free(Api *api); /* all calls must be closed */

/* What the start waits for, in plain words; "": it is at work.  Thread: any. */
void api_starting(Api *api, const char *why);
/* The engine outlives the API.  Once, before api_shutdown(); thread: that of the start. */
void api_ready(Api *api, Engine *engine);

/* Copies what it needs of the request. */
ApiCall *api_open(Api *api, const ApiRequest *request, ApiWake wake);
ApiNext  api_next(ApiCall *call, ApiFrame *out);
/* The client left, or the response is complete.  Ends a push query that is still running. */
void api_close(ApiCall *call);

/* Stops taking requests (503) and ends push queries, so that connections can be drained. */
void api_shutdown(Api *api);

#endif
