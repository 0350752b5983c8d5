/*
 * value_order.c -- the order of values as SQL compares them.
 *
 * UTF-8 order is code point order.  UTF-16 order differs from it in one place: U+10000 and above
 * are written as surrogates, 0xD800 to 0xDFFF, and so sort below U+E000 to U+FFFF.  In UTF-8 the
 * latter begin with 0xEE or 0xEF, the former with 0xF0 to 0xF4; continuation bytes are lower than
 * all of them, so the first differing byte decides alone.
 */
#include "exec/value_order.h"

enum { LEAD_PRIVATE = 0xEE, LEAD_SUPPLEMENTARY = 0xF0, ABOVE_ALL_LEADS = 0x10 };

static int utf16_rank(uint8_t lead)
{
    return lead >= LEAD_PRIVATE && lead < LEAD_SUPPLEMENTARY ? lead + ABOVE_ALL_LEADS : lead;
}

static size_t common_prefix(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;

    while (i < len && a[i] == b[i])
        i++;
    return i;
}

static int string_order(Value a, Value b)
{
    const uint8_t *pa = (const uint8_t *)a.u.s;
    const uint8_t *pb = (const uint8_t *)b.u.s;
    size_t         len = a.len < b.len ? a.len : b.len;
    size_t         at = common_prefix(pa, pb, len);

    if (at == len)
        return (a.len > b.len) - (a.len < b.len);
    return utf16_rank(pa[at]) - utf16_rank(pb[at]);
}

static int bytes_order(Value a, Value b)
{
    const uint8_t *pa = (const uint8_t *)a.u.s;
    const uint8_t *pb = (const uint8_t *)b.u.s;
    size_t         len = a.len < b.len ? a.len : b.len;
    size_t         at = common_prefix(pa, pb, len);

    if (at == len)
        return (a.len > b.len) - (a.len < b.len);
    return (int8_t)pa[at] - (int8_t)pb[at];
}

int value_order(Value a, Value b)
{
    switch ((TypeKind)a.kind) {
    case T_STRING:
        return string_order(a, b);
    case T_BYTES:
        return bytes_order(a, b);
    default:
        return value_cmp(a, b);
    }
}

bool value_has_order(TypeKind kind)
{
    return kind >= T_BOOLEAN && kind <= T_TIMESTAMP;
}
