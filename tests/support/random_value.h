/*
 * random_value.h -- random types and values, for tests that something comes back as it went in.
 *
 * A small generator with its own seed, so that a failure can be repeated.
 */
#ifndef TESTS_SUPPORT_RANDOM_VALUE_H
#define TESTS_SUPPORT_RANDOM_VALUE_H

#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* In [0, n). */
static inline uint32_t random_below(Random *random, uint32_t n)
{
    return (uint32_t)(random_next(random) % n);
}

/* Text of all lengths of UTF-8, with what formats must quote or escape. */
static inline Str random_text(Random *random, Arena *arena)
{
    static const char *const pieces[] = {"a",
                                         "Z9",
                                         " ",
                                         "\"",
                                         "\\",
                                         ",",
                                         "\n",
                                         "\r",
                                         "\t",
                                         "\x01",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80",
                                         "/",
                                         "null",
                                         "-1",
                                         "",
                                         "#"};
    Buf                      out = buf_in(arena);

    for (uint32_t i = random_below(random, 6); i > 0; i--)
        buf_c(&out, pieces[random_below(random, sizeof pieces / sizeof *pieces)]);
    return buf_view(&out);
}

static inline const Type *random_scalar_type(Random *random, Arena *arena)
{
    static const TypeKind kinds[] = {T_BOOLEAN, T_INT,   T_BIGINT, T_DOUBLE, T_DECIMAL,
                                     T_STRING,  T_BYTES, T_DATE,   T_TIME,   T_TIMESTAMP};
    TypeKind              kind = kinds[random_below(random, sizeof kinds / sizeof *kinds)];
    int                   precision = 1 + (int)random_below(random, 40);

    if (kind == T_DECIMAL)
        return type_decimal(arena, precision, (int)random_below(random, (uint32_t)precision + 1));
    return type_scalar(kind);
}

/* Nested up to depth; maps have STRING keys. */
static inline const Type *random_type(Random *random, Arena *arena, int depth)
{
    TypeField fields[4];
    uint32_t  len = 1 + random_below(random, 4);

    if (depth == 0 || random_below(random, 2))
        return random_scalar_type(random, arena);
    switch (random_below(random, 3)) {
    case 0:
        return type_array(arena, random_type(random, arena, depth - 1));
    case 1:
        return type_map(arena, &type_string, random_type(random, arena, depth - 1));
    default:
        for (uint32_t i = 0; i < len; i++)
            fields[i] = (TypeField){str_printf(arena, i % 2 ? "F%u" : "field \"%u", i),
                                    random_type(random, arena, depth - 1)};
        return type_struct(arena, fields, len);
    }
}

static inline Value random_decimal(Random *random, Arena *arena, const Type *type)
{
    Buf   digits = buf_in(arena);
    Value parsed, out;
    Err   err;

    if (random_below(random, 2))
        buf_put(&digits, '-');
    for (uint32_t i = 1 + random_below(random, type->precision); i > 0; i--)
        buf_put(&digits, (char)('0' + random_below(random, 10)));
    buf_printf(&digits, "e-%u", type->scale);
    if (!decimal_parse(arena, buf_view(&digits), &parsed) ||
        decimal_fit(arena, parsed, type, DECIMAL_ROUND_NONE, &out, &err) != ERR_OK)
        return decimal_from_i64(0, type->scale);
    return out;
}

static inline double random_double(Random *random)
{
    static const double special[] = {0.0, -0.0, 1.5, 1e300, -1e-300, 5e-324, NAN, INFINITY};
    uint64_t            bits = random_next(random);
    double              d;

    if (bits % 3 == 0)
        return special[bits / 3 % (sizeof special / sizeof *special)];
    if (bits % 3 == 1)
        return (double)(int64_t)bits / 1000.0;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline Value random_value(Random *random, Arena *arena, const Type *type);

static inline Value random_nested(Random *random, Arena *arena, const Type *type)
{
    uint32_t len = type->kind == T_STRUCT ? type->fields_len : random_below(random, 30);
    Value   *items = ARENA_ARRAY(arena, Value, 2 * len + 1);

    for (uint32_t i = 0; i < len; i++) {
        if (type->kind == T_STRUCT) {
            items[i] = random_value(random, arena, type->fields[i].type);
        } else if (type->kind == T_ARRAY) {
            items[i] = random_value(random, arena, type->elem);
        } else {
            Str text = random_text(random, arena);

            items[2 * i] = value_str(str_printf(arena, "%u%.*s", i, STR_ARG(text)));
            items[2 * i + 1] = random_value(random, arena, type->elem);
        }
    }
    return value_items(type->kind, items, len);
}

/* One in eight is null. */
static inline Value random_value(Random *random, Arena *arena, const Type *type)
{
    if (random_below(random, 8) == 0)
        return value_null();
    switch (type->kind) {
    case T_BOOLEAN:
        return value_bool(random_below(random, 2));
    case T_INT:
        return value_int((int32_t)random_next(random));
    case T_BIGINT:
        return value_bigint((int64_t)(random_next(random) >> random_below(random, 64)));
    case T_DOUBLE:
        return value_double(random_double(random));
    case T_DECIMAL:
        return random_decimal(random, arena, type);
    case T_STRING:
        return value_str(random_text(random, arena));
    case T_BYTES:
        return value_bytes(random_text(random, arena));
    case T_DATE:
        return value_time(T_DATE, (int64_t)random_below(random, 100000) - 50000);
    case T_TIME:
        return value_time(T_TIME, random_below(random, MS_PER_DAY));
    case T_TIMESTAMP:
        return value_time(T_TIMESTAMP, (int64_t)(random_next(random) >> 22) - (1LL << 41));
    default:
        return random_nested(random, arena, type);
    }
}

#endif
