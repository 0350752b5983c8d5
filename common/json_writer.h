/*
 * json_writer.h -- JSON documents written piece by piece, commas taken care of.
 *
 *     JsonWriter w = json_writer(&buf);
 *     jw_open(&w, '{');
 *     jw_key(&w, "name"), jw_str(&w, name);
 *     jw_key(&w, "topics"), jw_open(&w, '['), ..., jw_close(&w, ']');
 *     jw_close(&w, '}');
 *
 * Thread: any; a writer belongs to one thread.
 */
#ifndef COMMON_JSON_WRITER_H
#define COMMON_JSON_WRITER_H

#include "common/json.h"

typedef struct JsonWriter {
    Buf *out;
    bool needs_comma;
} JsonWriter;

JsonWriter json_writer(Buf *out);

void jw_open(JsonWriter *w, char bracket);  /* '{' or '[' */
void jw_close(JsonWriter *w, char bracket); /* '}' or ']' */
void jw_key(JsonWriter *w, const char *name);
void jw_key_str(JsonWriter *w, Str name);
void jw_str(JsonWriter *w, Str s); /* a NULL Str is null */
void jw_c(JsonWriter *w, const char *c_text);
void jw_i64(JsonWriter *w, int64_t v);
void jw_bool(JsonWriter *w, bool v);
void jw_null(JsonWriter *w);
void jw_raw(JsonWriter *w, Str json); /* one whole value, written by somebody else */

/* "name": value, in one call. */
void jw_field_str(JsonWriter *w, const char *name, Str s);
void jw_field_c(JsonWriter *w, const char *name, const char *c_text);
void jw_field_i64(JsonWriter *w, const char *name, int64_t v);
void jw_field_bool(JsonWriter *w, const char *name, bool v);
void jw_field_null(JsonWriter *w, const char *name);
/* "name": [] and "name": {} */
void jw_field_empty(JsonWriter *w, const char *name, const char *brackets);

#endif
