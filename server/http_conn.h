/*
 * http_conn.h -- one HTTP/1.x connection, shared by http.c, http_request.c and http_response.c.
 *
 *     IDLE - first byte -> HEAD -> BODY -> REPLY -> IDLE, or HEAD when the next request is there
 *                           +-------+--------+----> LAST: sends what is left, then ends
 *
 * Buffers are shared: the loop serves one connection at a time, so most requests are read into,
 * and most responses made in, one buffer of the Http.  A connection takes memory of its own only
 * for what is left over when its turn ends.
 *
 * Thread: http.
 */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include "server/http.h"
#include "server/http_parse.h"
#include "server/http_reply.h"

enum {
    HTTP_INPUT_BYTES = 65536,  /* the shared input buffer */
    HTTP_OUTPUT_BYTES = 65536, /* send when that much is waiting */
    HTTP_SENDS_PER_TURN = 4    /* then the others have their turn */
};

typedef struct HttpConn HttpConn;

struct Http {
    Api       *api;
    HttpLoop  *loop;
    Ws        *ws;
    HttpCors   cors;
    Arena     *mem;
    HttpConn  *conns; /* list */
    size_t     conns_len;
    bool       is_draining;
    int64_t    idle_ns;
    int64_t    drain_until_ns;
    int64_t    date_ms; /* of date */
    Str        date;
    char       date_text[HTTP_DATE_BYTES];
    int64_t    requests_bytes; /* that connections hold of unfinished requests */
    Buf        out;            /* of the connection whose turn it is */
    char      *input;          /* HTTP_INPUT_BYTES */
    ApiHeader *fields;         /* HTTP_FIELDS_MAX */
};

typedef enum HttpConnPhase { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_REPLY, CONN_LAST } HttpConnPhase;

/* What a step of a connection came to. */
typedef enum HttpStep {
    STEP_ON,   /* take the next step */
    STEP_REST, /* nothing to do until something happens */
    STEP_GONE  /* the connection is no more */
} HttpStep;

struct HttpConn {
    HttpWatch     watch; /* must be first */
    Http         *http;
    HttpConn     *next, **prev;
    HttpConnPhase phase;
    bool          can_read, can_write;
    bool          is_peer_done; /* sends no more */
    bool          keeps_alive;
    bool          lingers;  /* input may be left: see http_linger.h */
    int64_t       since_ns; /* when the phase began; LAST and REPLY: last progress */
    HttpParse     parse;

    /* Input from in_at on belongs to the request at hand.  Shared: in.ptr is http->input. */
    Buf    in;
    size_t in_at;
    bool   is_in_shared;

    Buf    unsent; /* of earlier turns; from unsent_at on */
    size_t unsent_at;

    /* The response in the making. */
    ApiCall *call;
    bool     has_head, is_chunked, is_head_request;
    bool     is_cors_allowed;
    Str      origin;              /* with method, path, agent: in the input, or in note */
    Str      method, path, agent; /* for the access log */
    Buf      note;
    int      status;
    uint64_t sent_bytes, received_bytes;
};

/* --- http.c ----------------------------------------------------------------------------------- */

/* Ends it at once. */
HttpStep http_conn_close(HttpConn *conn);
/* As close, but the socket has gone to somebody else. */
void http_conn_yield(HttpConn *conn);
/* Sends http->out.  STEP_REST: the socket is full, the rest waits in unsent. */
HttpStep http_conn_flush(HttpConn *conn);

/* --- http_request.c --------------------------------------------------------------------------- */

HttpStep http_request_step(HttpConn *conn);
/* The request was answered: forgets it. */
void http_request_end(HttpConn *conn);
/* The turn ends: what is in the shared buffer moves to the connection's own memory. */
void http_request_keep(HttpConn *conn);
void http_request_free(HttpConn *conn);

/* --- http_response.c -------------------------------------------------------------------------- */

HttpStep http_response_step(HttpConn *conn);
/* Answers by itself, and ends the connection if is_last. */
void http_respond_error(HttpConn *conn, int status, const char *why, bool is_last);
void http_respond_preflight(HttpConn *conn);
/* One line of the usual form about the response that is complete. */
void http_log_access(const HttpConn *conn);

#endif
