/*
 * view_value.h -- values as text in a view, and back.
 *
 * For the types that SQLite has no column for:
 *
 *   DECIMAL         plain notation with its scale: 12.50
 *   ARRAY           [1,null,3]
 *   STRUCT          {"A":1,"B":"x"}, fields in the order of the type
 *   MAP             {"a":1,"b":2}; when its keys are no strings or one is null:
 *                   [{"KEY":1,"VALUE":"x"}]
 *   within those    BYTES in base64, DATE and TIME and TIMESTAMP as the numbers that they are,
 *                   DOUBLE with the shortest digits, its NaN and infinities quoted
 *   DOUBLE          NaN, Infinity, -Infinity, -0.0: the ones that SQLite would lose
 *
 * Thread: any.
 */
#ifndef EXEC_STATE_VIEW_VALUE_H
#define EXEC_STATE_VIEW_VALUE_H

#include "common/value.h"

/* True when a value of this type, as a whole column, is written by view_value_print(). */
bool view_value_is_text(const Type *type, Value v);

/* v is not null. */
void view_value_print(Buf *out, Value v, const Type *type);
/* false on text that view_value_print() did not write for this type.  Strings point into text or
 * live in arena. */
bool view_value_parse(Arena *arena, Str text, const Type *type, Value *out);

#endif
