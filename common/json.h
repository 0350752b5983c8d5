/*
 * json.h -- JSON text: a strict pull scanner and a writer.
 *
 * The scanner walks text in place without building a tree; it is used by the record decoder (hot
 * path) and, through json_parse(), by everything that wants a tree (requests, test cases).
 * Strict RFC 8259: no trailing commas, no comments, valid UTF-8, lone surrogates become U+FFFD.
 * Depth is bounded by g_limits.nesting.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buf.h"
#include "common/err.h"
#include "common/value.h"

/* --- scanning --------------------------------------------------------------------------------- */

typedef enum JsonKind {
    JSON_ERROR, /* malformed; scan->why and scan->at say what and where */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} JsonKind;

typedef struct JsonScan {
    const char *at; /* next byte */
    const char *end;
    const char *begin;
    const char *why; /* set with JSON_ERROR */
    uint32_t    depth;
} JsonScan;

void json_scan_init(JsonScan *scan, Str text);
/* Skips white space and says what stands next, without consuming it. */
JsonKind json_peek(JsonScan *scan);
/*
 * Consumes one string.  raw is the text between the quotes; *has_escape says whether it needs
 * json_unescape().  All validated.
 */
bool json_string(JsonScan *scan, Str *raw, bool *has_escape);
Str  json_unescape(Arena *arena, Str raw);
/* Consumes one number; text as written, *is_integer when it has no fraction and no exponent. */
bool json_number(JsonScan *scan, Str *text, bool *is_integer);
/* Consumes null, true or false. */
bool json_word(JsonScan *scan);
/* Consumes '{' or '['; then call json_next_member / json_next_item until they give false; after
 * that scan->why tells an error (NULL: the end was reached and consumed). */
bool json_enter(JsonScan *scan);
/* Next member of an object: consumes the name and ':'.  *is_first is the caller's, true at start.
 */
bool json_next_member(JsonScan *scan, bool *is_first, Str *raw_name, bool *has_escape);
bool json_next_item(JsonScan *scan, bool *is_first);
/* Consumes one whole value of any kind, validating it; gives its text when out is not NULL. */
bool json_skip(JsonScan *scan, Str *out);
/* True when only white space is left. */
bool json_at_end(JsonScan *scan);

/* --- trees ------------------------------------------------------------------------------------ */

typedef struct Json Json;
typedef struct JsonMember {
    Str   name;
    Json *value;
} JsonMember;

struct Json {
    JsonKind kind;
    Str      text; /* NUMBER: as written; STRING: decoded */
    size_t   len;  /* ARRAY, OBJECT */
    union {
        Json      **items;
        JsonMember *members; /* in the order of the text; names may repeat, the last one counts */
    } u;
};

/* ERR_REQUEST with line and column on malformed text. */
ErrCode json_parse(Arena *arena, Str text, Json **out, Err *err) ERR_MUST_USE;
Json   *json_get(const Json *object, Str name); /* NULL when absent or object is no object */
/* Conveniences that give the default when absent or of another kind. */
Str     json_get_str(const Json *object, Str name, Str otherwise);
int64_t json_get_i64(const Json *object, Str name, int64_t otherwise);
bool    json_get_bool(const Json *object, Str name, bool otherwise);
void    json_print(Buf *out, const Json *json); /* compact, numbers as written */

/* --- writing ---------------------------------------------------------------------------------- */

/* Quoted and escaped: only what RFC 8259 demands (", \, control characters). */
void json_put_string(Buf *out, Str s);
/* A double as Java's Jackson writes it: shortest digits; NaN and infinities as quoted strings. */
void json_put_double(Buf *out, double d);
/* Standard base64, and back (false on a malformed one). */
void base64_encode(Buf *out, Str bytes);
bool base64_decode(Buf *out, Str text);

#endif
