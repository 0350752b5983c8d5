/*
 * fn_value.h -- making results: what the families share.
 *
 * Every result that input can grow is checked against common/limit.h before it is made.
 *
 * Thread: any.
 */
#ifndef EXEC_FUNCTIONS_FN_VALUE_H
#define EXEC_FUNCTIONS_FN_VALUE_H

#include "common/buf.h"
#include "common/limit.h"
#include "planner/fn_def.h"

/* INT, BIGINT and DOUBLE arguments alike. */
static inline double fn_number_arg(Value v)
{
    return v.kind == T_DOUBLE ? v.u.d : (double)v.u.i;
}

static inline ErrCode fn_give(Value *out, Value v)
{
    *out = v;
    return ERR_OK;
}

/* The bytes of buf as a STRING or BYTES result. */
static inline ErrCode fn_give_buf(Value *out, TypeKind kind, const Buf *buf)
{
    Str s = buf_view(buf);

    *out = (Value){.kind = (uint8_t)kind, .len = (uint32_t)s.len, .u.s = s.ptr};
    return ERR_OK;
}

static inline ErrCode fn_check_bytes(size_t len, Err *err)
{
    if (len > (size_t)g_limits.value_bytes)
        return err_set(err, ERR_EVAL, "result of %zu bytes is over the limit of %lld", len,
                       (long long)g_limits.value_bytes);
    return ERR_OK;
}

static inline ErrCode fn_check_items(size_t len, Err *err)
{
    if (len > (size_t)g_limits.items)
        return err_set(err, ERR_EVAL, "result of %zu elements is over the limit of %lld", len,
                       (long long)g_limits.items);
    return ERR_OK;
}

/* Room for len values (entries of a map take two). */
static inline Value *fn_items(const FnCall *call, size_t len)
{
    return arena_alloc(call->mem, sizeof(Value) * (len ? len : 1));
}

/* The value of key, or NULL when there is none. */
const Value *fn_map_find(Value map, Value key);

/* A set of values, for distinct elements: null is an ordinary member. */
typedef struct FnSet {
    Value    *items; /* in the order they came */
    uint32_t  len;
    uint32_t  cap;
    uint32_t  slots_cap;
    uint32_t *slots; /* index + 1, 0 = free */
} FnSet;

/* For up to cap members. */
void fn_set_init(FnSet *set, Arena *mem, size_t cap);
/* True when v was not there. */
bool fn_set_add(FnSet *set, Value v);
bool fn_set_has(const FnSet *set, Value v);

/* A map under construction: a later value replaces an earlier one of the same key, in its place. */
typedef struct FnMap {
    FnSet  keys;
    Value *entries;
} FnMap;

void  fn_map_init(FnMap *map, Arena *mem, size_t cap);
void  fn_map_put(FnMap *map, Value key, Value value);
Value fn_map_value(const FnMap *map);

/*
 * The map with its entries as Java's HashMap walks them.  A map has no order, but some functions
 * show one; taking that of ksqlDB gives its results.  Maps without text keys stay as they are.
 */
Value fn_map_in_java_order(Arena *mem, Value map);

/* --- UTF-16 positions in UTF-8 text ----------------------------------------------------------- */

/*
 * Text with its length in UTF-16 units.  When it is ASCII, positions are byte offsets and nothing
 * is scanned.
 */
typedef struct FnText {
    Str    s;
    size_t units;
    bool   is_ascii;
} FnText;

FnText fn_text_of(Value v);
/*
 * Units [from, to) as text; half of a surrogate pair at either end becomes U+FFFD.  Shares the
 * argument's bytes where it can.
 */
Str fn_text_slice(Arena *mem, const FnText *text, size_t from, size_t to);

#endif
