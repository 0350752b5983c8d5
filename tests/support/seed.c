/*
 * seed.c -- random types and values from a seed.
 */
#include "tests/support/seed.h"

#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"

enum { ITEMS_MAX = 4, TEXT_MAX = 20, BIG_DIGITS_MAX = 60 };

uint64_t seed_next(Seed *seed)
{
    seed->state ^= seed->state << 13;
    seed->state ^= seed->state >> 7;
    seed->state ^= seed->state << 17;
    return seed->state;
}

uint64_t seed_below(Seed *seed, uint64_t bound)
{
    return seed_next(seed) % bound;
}

const Type *seed_scalar_type(Seed *seed, Arena *arena)
{
    TypeKind kind = (TypeKind)(T_BOOLEAN + seed_below(seed, T_TIMESTAMP - T_BOOLEAN + 1));
    int      precision;

    if (kind != T_DECIMAL)
        return type_scalar(kind);
    precision = 1 + (int)seed_below(seed, BIG_DIGITS_MAX);
    return type_decimal(arena, precision, (int)seed_below(seed, (uint64_t)precision + 1));
}

const Type *seed_type(Seed *seed, Arena *arena, int depth_max)
{
    static const char *const names[] = {"A", "b", "odd `name`", "D"};
    TypeField                fields[ITEMS_MAX];
    size_t                   len;

    if (depth_max == 0)
        return seed_scalar_type(seed, arena);
    switch (seed_below(seed, 4)) {
    case 0:
        return type_array(arena, seed_type(seed, arena, depth_max - 1));
    case 1:
        return type_map(arena, seed_scalar_type(seed, arena),
                        seed_type(seed, arena, depth_max - 1));
    case 2:
        len = seed_below(seed, ITEMS_MAX + 1);
        for (size_t i = 0; i < len; i++)
            fields[i] = (TypeField){str_from(names[i]), seed_type(seed, arena, depth_max - 1)};
        return type_struct(arena, fields, len);
    default:
        return seed_scalar_type(seed, arena);
    }
}

static int64_t seed_i64(Seed *seed)
{
    static const int64_t edges[] = {0,         1,         -1,        INT32_MAX,
                                    INT32_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1,
                                    119,       -120,      120,       86399999};

    if (seed_below(seed, 4) == 0)
        return edges[seed_below(seed, sizeof edges / sizeof edges[0])];
    return (int64_t)seed_next(seed) >> seed_below(seed, 64);
}

static double seed_double(Seed *seed)
{
    static const double edges[] = {0.0,   -0.0, NAN,  INFINITY, -INFINITY, 4.9e-324, -4.9e-324,
                                   1e308, 0.1,  -1.5, 2.5e-308, 1e7,       1e-3,     1e22};
    Value               v = value_double(0);

    switch (seed_below(seed, 3)) {
    case 0:
        return edges[seed_below(seed, sizeof edges / sizeof edges[0])];
    case 1:
        return (double)(int64_t)seed_below(seed, 2000000) / 100 - 10000;
    default:
        v.u.bits = seed_next(seed);
        return v.u.d;
    }
}

static Value seed_decimal(Seed *seed, Arena *arena, const Type *type)
{
    size_t len = 1 + seed_below(seed, type->precision);
    char  *text = arena_bytes(arena, len + 1);
    bool   has_zeros = seed_below(seed, 2);
    Value  v;

    text[0] = seed_below(seed, 2) ? '-' : '+';
    for (size_t i = 1; i <= len; i++)
        text[i] = has_zeros && i > 2 ? '0' : (char)('0' + seed_below(seed, 10));
    if (!decimal_parse(arena, (Str){text, len + 1}, &v))
        return decimal_from_i64(0, type->scale);
    v.scale = type->scale;
    return v;
}

static Str seed_text(Seed *seed, Arena *arena, bool is_utf8)
{
    size_t len = seed_below(seed, 3) ? seed_below(seed, TEXT_MAX) : seed_below(seed, 2);
    char  *text = arena_bytes(arena, len);

    /* Few different bytes, zeros among them: much is equal or a beginning of the other. */
    for (size_t i = 0; i < len; i++)
        text[i] =
            (char)(is_utf8 ? "\0\1a~"[seed_below(seed, 4)] : "\0\1\xfe\xff"[seed_below(seed, 4)]);
    return (Str){text, len};
}

static Value seed_member(Seed *seed, Arena *arena, const Type *type)
{
    return seed_below(seed, 4) ? seed_value(seed, arena, type) : value_null();
}

static bool has_key(const Value *items, size_t len, Value key)
{
    for (size_t i = 0; i < len; i++) {
        if (value_eq(items[2 * i], key))
            return true;
    }
    return false;
}

static Value seed_items(Seed *seed, Arena *arena, const Type *type)
{
    size_t len = type->kind == T_STRUCT ? type->fields_len : seed_below(seed, ITEMS_MAX + 1);
    Value *items = ARENA_ARRAY(arena, Value, 2 * len);
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        if (type->kind == T_STRUCT) {
            items[i] = seed_member(seed, arena, type->fields[i].type);
        } else if (type->kind == T_ARRAY) {
            items[i] = seed_member(seed, arena, type->elem);
        } else {
            Value key = seed_value(seed, arena, type->key);

            if (has_key(items, at, key))
                continue;
            items[2 * at] = key;
            items[2 * at + 1] = seed_member(seed, arena, type->elem);
        }
        at++;
    }
    return value_items(type->kind, items, at);
}

Value seed_value(Seed *seed, Arena *arena, const Type *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
        return value_bool(seed_below(seed, 2));
    case T_INT:
        return value_int((int32_t)seed_i64(seed));
    case T_BIGINT:
        return value_bigint(seed_i64(seed));
    case T_DATE:
        return value_time(T_DATE, seed_i64(seed) % 3000000);
    case T_TIME:
        return value_time(T_TIME, (int64_t)seed_below(seed, MS_PER_DAY));
    case T_TIMESTAMP:
        return value_time(T_TIMESTAMP, seed_i64(seed) % INT64_C(100000000000000));
    case T_DOUBLE:
        return value_double(seed_double(seed));
    case T_DECIMAL:
        return seed_decimal(seed, arena, type);
    case T_STRING:
        return value_str(seed_text(seed, arena, true));
    case T_BYTES:
        return value_bytes(seed_text(seed, arena, false));
    default:
        return seed_items(seed, arena, type);
    }
}
