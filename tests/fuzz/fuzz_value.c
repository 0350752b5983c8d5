/*
 * fuzz_value.c -- any bytes at all as an encoded value: the first bytes choose a type, the rest is
 * decoded in both encodings.  What is taken for a value can be written and read again, and numbers
 * and literals of it are printed.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "common/value.h"

enum { TYPE_DEPTH_MAX = 4, FIELDS_MAX = 4, DIGITS_MAX = 60 };

static const Type *make_type(BufReader *in, Arena *arena, int depth)
{
    unsigned  kinds = depth < TYPE_DEPTH_MAX ? T_COUNT_ : T_ARRAY; /* nothing nested below */
    TypeKind  kind = (TypeKind)(buf_read_u8(in) % kinds);
    TypeField fields[FIELDS_MAX];
    int       precision;

    switch (kind) {
    case T_DECIMAL:
        precision = 1 + buf_read_u8(in) % DIGITS_MAX;
        return type_decimal(arena, precision, buf_read_u8(in) % (precision + 1));
    case T_ARRAY:
        return type_array(arena, make_type(in, arena, depth + 1));
    case T_MAP:
        return type_map(arena, &type_string, make_type(in, arena, depth + 1));
    case T_STRUCT:
        for (int i = 0; i < FIELDS_MAX; i++)
            fields[i] = (TypeField){STR("F"), make_type(in, arena, depth + 1)};
        return type_struct(arena, fields, FIELDS_MAX);
    case T_LAMBDA:
    case T_UNIT:
    case T_NULL:
        return &type_string;
    default:
        return type_scalar(kind);
    }
}

/* Writes v and reads it again. */
static void check(Arena *arena, Value v, const Type *type)
{
    Buf       bytes = buf_in(arena), key = buf_in(arena), text = buf_in(arena);
    BufReader in;
    Value     again;

    value_encode(&bytes, v, type);
    in = buf_reader(buf_view(&bytes));
    assert(value_decode(&in, type, arena, &again) && in.ptr == in.end);
    assert(value_eq(v, again) && value_hash(v) == value_hash(again));
    value_encode_key(&key, v, type);
    in = buf_reader(buf_view(&key));
    assert(value_decode_key(&in, type, arena, &again) && in.ptr == in.end);
    value_print(&text, v, type);
    value_print_sql(&text, v, type);
    assert(value_eq(value_copy(arena, v), v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena      *test_mem = arena_new(0);
    BufReader   in = buf_reader((Str){(const char *)data, size}), key_in;
    const Type *type = make_type(&in, test_mem, 0);
    Value       v;

    key_in = in;
    if (value_decode(&in, type, test_mem, &v))
        check(test_mem, v, type);
    if (value_decode_key(&key_in, type, test_mem, &v))
        check(test_mem, v, type);
    arena_free(test_mem);
    return 0;
}
