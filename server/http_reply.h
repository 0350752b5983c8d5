/*
 * http_reply.h -- the bytes of HTTP/1.x responses: heads, errors, CORS.
 *
 * Thread: http; HttpCors is read-only once made.
 */
#ifndef SERVER_HTTP_REPLY_H
#define SERVER_HTTP_REPLY_H

#include "common/buf.h"
#include "server/api.h"

/* access.control.allow.*: which pages of other origins may call this server from a browser. */
typedef struct HttpCors {
    Str origins; /* comma list of patterns with '*'; empty: CORS is off */
    Str methods, headers;
} HttpCors;

typedef struct HttpReply {
    int      minor; /* HTTP/1.minor of the request */
    bool     keeps_alive;
    bool     is_chunked;
    uint64_t content_length; /* when not chunked and has_length */
    bool     has_length;
    Str      origin; /* of the request, when CORS allows it; STR_NULL: say nothing */
    bool     is_cors_on;
    Str      date;
} HttpReply;

void http_cors_init(HttpCors *cors, const Properties *props);
/* Whether a list has a pattern that fits origin. */
bool http_cors_allows(const HttpCors *cors, Str origin);

/* Status line and headers, the empty line included. */
void http_reply_head(Buf *out, const HttpReply *reply, const ApiFrame *frame);
/* The answer to a preflight of an allowed origin. */
void http_reply_preflight(Buf *out, const HttpReply *reply, const HttpCors *cors);
/* {"@type":"generic_error","error_code":status * 100,"message":...} */
void http_reply_error_body(Buf *out, int status, const char *message);

/* "Sat, 31 Jan 2026 12:00:00 GMT", written to out. */
enum { HTTP_DATE_BYTES = 80 };
Str http_reply_date(char *out, size_t room, int64_t now_ms);

#endif
