/*
 * fn_bytes.c -- numbers from their bytes.
 */
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char CONVERSIONS[] = "CONVERSIONS";

static ErrCode is_little_endian(const FnCall *call, const Value *args, bool *out, Err *err)
{
    Str order = STR("BIG_ENDIAN");

    if (call->args_len == 2 && value_is_null(args[1]))
        return err_set(err, ERR_EVAL, "byte order is null: use BIG_ENDIAN or LITTLE_ENDIAN");
    if (call->args_len == 2)
        order = value_as_str(args[1]);
    *out = str_eq_nocase(order, STR("LITTLE_ENDIAN"));
    if (!*out && !str_eq_nocase(order, STR("BIG_ENDIAN")))
        return err_set(err, ERR_EVAL, "unknown byte order '%.*s': use BIG_ENDIAN or LITTLE_ENDIAN",
                       order.len > 40 ? 40 : (int)order.len, order.ptr);
    return ERR_OK;
}

static ErrCode bits_of(const FnCall *call, const Value *args, uint32_t size, uint64_t *out,
                       Err *err)
{
    const uint8_t *bytes = (const uint8_t *)args[0].u.s;
    bool           is_little = false;

    TRY(is_little_endian(call, args, &is_little, err));
    if (args[0].len != size)
        return err_set(err, ERR_EVAL, "%s needs %u bytes, not %u", call->def->name, size,
                       args[0].len);
    *out = 0;
    for (uint32_t i = 0; i < size; i++)
        *out = *out << 8 | bytes[is_little ? size - 1 - i : i];
    return ERR_OK;
}

static ErrCode int_from_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    uint64_t bits = 0;

    if (value_is_null(args[0]))
        return fn_give(out, value_null());
    TRY(bits_of(call, args, 4, &bits, err));
    return fn_give(out, value_int((int32_t)(uint32_t)bits));
}

static ErrCode bigint_from_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    uint64_t bits = 0;

    if (value_is_null(args[0]))
        return fn_give(out, value_null());
    TRY(bits_of(call, args, 8, &bits, err));
    return fn_give(out, value_bigint((int64_t)bits));
}

static ErrCode double_from_bytes(const FnCall *call, const Value *args, Value *out, Err *err)
{
    uint64_t bits = 0;

    if (value_is_null(args[0]))
        return fn_give(out, value_null());
    TRY(bits_of(call, args, 8, &bits, err));
    return fn_give(out, (Value){.kind = T_DOUBLE, .u.bits = bits});
}

#define OVERLOADS_BYTES(name, result, eval, doc, example_big, example_little)                      \
    FN(name, CONVERSIONS, "(b BYTES) -> " result, NULL_IS_VALUE, eval, doc, example_big),          \
        FN(name, CONVERSIONS, "(b BYTES, byte_order STRING) -> " result, NULL_IS_VALUE, eval, doc, \
           example_little)

const FnDef fn_bytes[] = {
    OVERLOADS_BYTES("BIGINT_FROM_BYTES", "BIGINT", bigint_from_bytes,
                    "The BIGINT of eight bytes, the highest first ('BIG_ENDIAN', as when no order "
                    "is given) or last ('LITTLE_ENDIAN'). Null for null bytes; any other number of "
                    "bytes, another order and a null one are errors.",
                    "BIGINT_FROM_BYTES(TO_BYTES('0000000000000102', 'hex')) = 258",
                    "BIGINT_FROM_BYTES(TO_BYTES('0201000000000000', 'hex'), 'LITTLE_ENDIAN') = "
                    "258"),
    OVERLOADS_BYTES("DOUBLE_FROM_BYTES", "DOUBLE", double_from_bytes,
                    "The DOUBLE of eight bytes in IEEE format, the highest first ('BIG_ENDIAN', as "
                    "when no order is given) or last ('LITTLE_ENDIAN'). Null for null bytes; any "
                    "other number of bytes, another order and a null one are errors.",
                    "DOUBLE_FROM_BYTES(TO_BYTES('3FF0000000000000', 'hex')) = 1",
                    "DOUBLE_FROM_BYTES(TO_BYTES('000000000000F03F', 'hex'), 'LITTLE_ENDIAN') = 1"),
    OVERLOADS_BYTES("INT_FROM_BYTES", "INT", int_from_bytes,
                    "The INT of four bytes, the highest first ('BIG_ENDIAN', as when no order is "
                    "given) or last ('LITTLE_ENDIAN'). Null for null bytes; any other number of "
                    "bytes, another order and a null one are errors.",
                    "INT_FROM_BYTES(TO_BYTES('00000102', 'hex')) = 258",
                    "INT_FROM_BYTES(TO_BYTES('02010000', 'hex'), 'LITTLE_ENDIAN') = 258"),
    {.name = NULL},
};
