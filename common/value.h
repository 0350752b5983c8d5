/*
 * value.h -- one SQL value in 16 bytes.
 *
 * kind is T_NULL for null (a zeroed Value is null) or the kind of the value.  The full type is
 * known from the schema or the expression; a Value carries only what its bytes need.
 *
 *   BOOLEAN            u.b
 *   INT BIGINT         u.i (INT is kept sign-extended to 64 bits)
 *   DATE TIME TIMESTAMP u.i
 *   DOUBLE             u.d
 *   DECIMAL            scale, and: len == 0: unscaled value in u.i;
 *                      len  > 0: unscaled value as len bytes, big-endian two's complement, minimal,
 *                      at u.s; only values that do not fit 64 bits are kept so (canonical form)
 *   STRING BYTES       len bytes at u.s (STRING is valid UTF-8)
 *   ARRAY              len elements at u.items
 *   MAP                len entries at u.items: key, value, key, value; keys unique, insertion order
 *   STRUCT             len fields at u.items, in the order of the type
 *
 * Pointers point into somebody's arena, a record's bytes or a state entry: the crossing rule of
 * arena.h applies.  value_copy() makes a value independent.
 *
 * Thread: any; values are plain data.
 */
#ifndef COMMON_VALUE_H
#define COMMON_VALUE_H

#include "common/type.h"

typedef struct Value Value;
struct Value {
    uint8_t  kind; /* TypeKind */
    uint8_t  pad_;
    uint16_t scale; /* DECIMAL */
    uint32_t len;
    union {
        bool         b;
        int64_t      i;
        double       d;
        const char  *s;
        const Value *items;
        uint64_t     bits;
    } u;
};

_Static_assert(sizeof(Value) == 16, "a value is 16 bytes");

static inline Value value_null(void)
{
    return (Value){0};
}
static inline bool value_is_null(Value v)
{
    return v.kind == T_NULL;
}
static inline Value value_bool(bool b)
{
    return (Value){.kind = T_BOOLEAN, .u.i = b};
}
static inline Value value_int(int32_t i)
{
    return (Value){.kind = T_INT, .u.i = i};
}
static inline Value value_bigint(int64_t i)
{
    return (Value){.kind = T_BIGINT, .u.i = i};
}
static inline Value value_double(double d)
{
    return (Value){.kind = T_DOUBLE, .u.d = d};
}
static inline Value value_str(Str s)
{
    return (Value){.kind = T_STRING, .len = (uint32_t)s.len, .u.s = s.ptr};
}
static inline Value value_bytes(Str s)
{
    return (Value){.kind = T_BYTES, .len = (uint32_t)s.len, .u.s = s.ptr};
}
/* DATE, TIME or TIMESTAMP */
static inline Value value_time(TypeKind kind, int64_t i)
{
    return (Value){.kind = (uint8_t)kind, .u.i = i};
}
static inline Value value_items(TypeKind kind, const Value *items, size_t len)
{
    return (Value){.kind = (uint8_t)kind, .len = (uint32_t)len, .u.items = items};
}
static inline Str value_as_str(Value v)
{
    return (Str){v.u.s, v.len};
}

/* Deep copy into the arena. */
Value value_copy(Arena *arena, Value v);
/* Bytes that value_copy would take beyond the 16 of the value itself. */
size_t value_footprint(Value v);

/*
 * SQL equality of two values of the same type (nested ones member by member, maps without order,
 * decimals numerically).  null equals null here: callers apply SQL's null rules before.
 * Doubles compare as Java's Double.compareTo does: NaN equals NaN, and 0.0 equals -0.0 as in SQL.
 */
bool value_eq(Value a, Value b);
/* Order of two non-null values of one scalar type: <0, 0, >0.  NaN is above everything. */
int value_cmp(Value a, Value b);
/* Equal values hash equally.  It decides which task keeps a key's state, which is on disk: it stays
 * as it is in every version. */
uint64_t value_hash(Value v);

/*
 * Weir's own encoding of values, for state, changelog and exchange.
 *
 * value_encode: compact, self-delimiting, needs the type to decode.
 * value_encode_key: memcmp order of the bytes is value order (null first, then ascending); used
 * for state keys.  Both are self-delimiting.
 */
void value_encode(Buf *out, Value v, const Type *type);
/* false on bytes that value_encode did not write.  Strings point into the source. */
bool value_decode(BufReader *in, const Type *type, Arena *arena, Value *out);
void value_encode_key(Buf *out, Value v, const Type *type);
bool value_decode_key(BufReader *in, const Type *type, Arena *arena, Value *out);

/* As CAST(v AS STRING) gives it (ref: DOUBLE as Java prints it, DECIMAL plain, nested as text). */
void value_print(Buf *out, Value v, const Type *type);
/* As an SQL literal that reads back equal; for printing plans and statements. */
void value_print_sql(Buf *out, Value v, const Type *type);
/* Java's Double.toString. */
void value_print_double(Buf *out, double d);
/* Java's Double.parseDouble on trimmed text (NaN, Infinity, hex not taken); false if malformed. */
bool value_parse_double(Str s, double *out);

#endif
