/*
 * http_parse.h -- HTTP/1.x requests out of bytes, strictly.
 *
 * The caller keeps the bytes of one request in one buffer and calls http_parse_feed() each time
 * more have come; every byte is examined once.  What two readers of the same bytes could understand
 * differently is refused: two lengths, a length beside chunks, bare line feeds, folded lines,
 * spaces around a name.  A request with such framing ends its connection.
 *
 * The parser works in the buffer: field names are lower-cased and chunks are decoded in place, so
 * that a finished request is its head followed by its body, and then the next request's bytes.
 * It holds offsets only; the buffer may move between two calls.
 *
 * Limits: header_bytes (431, or 414 when the request line alone is longer), HTTP_FIELDS_MAX (431),
 * body_bytes (413).
 *
 * Thread: any; a parser belongs to one.
 */
#ifndef SERVER_HTTP_PARSE_H
#define SERVER_HTTP_PARSE_H

#include "server/api.h"

enum { HTTP_FIELDS_MAX = 100 };

typedef enum HttpParsed {
    HTTP_MORE, /* not complete */
    HTTP_HEAD, /* the head is complete, a body is to come; said once, then feed again */
    HTTP_DONE, /* head and body are there; what follows begins at .at */
    HTTP_BAD   /* .status and .why; nothing more can be read from this connection */
} HttpParsed;

typedef enum HttpPhase {
    HTTP_PHASE_START, /* request line, an empty line before it allowed */
    HTTP_PHASE_FIELDS,
    HTTP_PHASE_LENGTH, /* body of known length */
    HTTP_PHASE_CHUNK_SIZE,
    HTTP_PHASE_CHUNK_DATA,
    HTTP_PHASE_CHUNK_END, /* the line break behind a chunk */
    HTTP_PHASE_TRAILER,
    HTTP_PHASE_DONE
} HttpPhase;

typedef struct HttpParse {
    HttpPhase phase;
    size_t    at;       /* bytes that need no second look */
    size_t    searched; /* bytes behind at that hold no line feed */
    size_t    begin;    /* of the request line */
    size_t    head_len; /* bytes of the head, the empty line included */
    size_t    body_len; /* bytes of the body so far, decoded, behind the head */
    size_t    trailer_at;
    uint64_t  left; /* bytes to come of the body or of the chunk */
    size_t    method_len;
    size_t    target_at, target_len;
    size_t    fields_at;
    size_t    fields_len;
    int       minor; /* HTTP/1.minor, 0 or 1 */
    bool      has_host, has_length, is_chunked;
    bool      expects_continue;
    bool      says_close, says_keep_alive; /* Connection: */
    bool      says_upgrade;
    int       status; /* HTTP_BAD: what to answer */
    char      why[128];
} HttpParse;

void http_parse_init(HttpParse *parse);

/*
 * bytes[0..*len) is what was received since the request began.  *len shrinks when chunks are
 * decoded: append further bytes there.
 */
HttpParsed http_parse_feed(HttpParse *parse, char *bytes, size_t *len);

/*
 * After HTTP_HEAD or HTTP_DONE: the request line and the fields (http_parse.fields_len of them;
 * fields has room for HTTP_FIELDS_MAX), as slices of bytes.  The body is set after HTTP_DONE.
 * A target in absolute form is cut down to path and query.
 */
void http_parse_request(const HttpParse *parse, const char *bytes, ApiHeader *fields,
                        ApiRequest *out);

/* Whether the connection may serve another request after this one. */
bool http_parse_keeps_alive(const HttpParse *parse);

/* Whether a comma list has the token, ignoring case. */
bool http_parse_list_has(Str list, Str token);

#endif
