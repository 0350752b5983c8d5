/*
 * json_path.h -- the path language of EXTRACTJSONFIELD, and JSON values as slices of their text.
 *
 * A path is $ and steps: .name, [token] or ["any text"].  A value is never made into a tree: it is
 * the slice of the document that holds it, validated once as a whole.
 *
 * Thread: any; a path is immutable.
 */
#ifndef EXEC_FUNCTIONS_JSON_PATH_H
#define EXEC_FUNCTIONS_JSON_PATH_H

#include "common/err.h"
#include "common/json.h"

typedef struct JsonPath {
    const Str *steps; /* names, or indexes where the value is an array */
    size_t     len;
} JsonPath;

/* ERR_EVAL on a malformed path.  The steps live in mem. */
ErrCode json_path_parse(Arena *mem, Str text, JsonPath *out, Err *err) ERR_MUST_USE;

/*
 * The first value of a document; what follows it is ignored.  STR_NULL for a document of white
 * space only; ERR_EVAL when it is no JSON.
 */
ErrCode json_first_value(Str document, Str *out, Err *err) ERR_MUST_USE;

/* The value at the path, or STR_NULL. */
Str json_path_find(Arena *mem, const JsonPath *path, Str value);

/* Members of an object or elements of an array, one by one; value must be validated. */
typedef struct JsonEach {
    JsonScan scan;
    Arena   *mem;
    bool     is_first;
    bool     is_object;
    Str      name; /* of the member, unescaped */
    Str      value;
} JsonEach;

/* False when value is neither an array nor an object. */
bool json_each_begin(JsonEach *each, Arena *mem, Str value);
bool json_each_next(JsonEach *each);

JsonKind json_kind_of(Str value);
/* A text value's own text, any other as compact JSON. */
Str json_text_of(Arena *mem, Str value);
/* Without white space; numbers plain, all their digits kept. */
void json_print_compact(Buf *out, Arena *mem, Str value);

#endif
