/*
 * http.h -- HTTP/1.1 (and 1.0) connections: requests in order, responses as the API makes them.
 *
 * A connection reads one request, hands it to the API, sends what the API gives, and then reads the
 * next: pipelined requests wait their turn in the socket.  While the socket takes nothing, the API
 * is not asked, so that a slow client holds back its own query and nothing else.
 *
 * A client that closes its connection ends its call, also while nothing is being written.  One that
 * closes only its sending side still gets the response it waits for, but a stream ends as soon as
 * it has nothing to say.
 *
 * Bounds: time for a head (10 s), for a body (30 s and 16 KB/s), for taking a response (5 min),
 * for doing nothing (ksql.idle.connection.timeout.seconds); sizes in common/limit.h.
 *
 * Thread: http, but for http_open() and http_close().
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server/api.h"
#include "server/http_loop.h"
#include "server/ws.h"

typedef struct Http Http;

typedef struct HttpOpts {
    Api              *api;
    HttpLoop         *loop;
    Ws               *ws; /* takes the websockets */
    const Properties *props;
} HttpOpts;

Http *http_open(const HttpOpts *opts);
/* After the loop has ended: closes what is open. */
void http_close(Http *http);

/* Takes the socket: non-blocking, nothing read from it yet. */
void http_adopt(Http *http, int fd);

/*
 * Connections without a request in work close now, the others after their response, all of them
 * after 5 seconds; then the loop is stopped.
 */
void http_drain(Http *http);

#endif
