/*
 * fn_mask.c -- MASK and its kin: hiding the characters of a text by their class.
 *
 * Upper-case letters become X, lower-case ones x, digits n and all else -, or what the call says;
 * a null mask leaves its class as it is.  Positions count UTF-16 units, so a supplementary
 * character is two characters, of class "other".
 */
#include <unicode/uchar.h>

#include "common/utf8.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char STRING[] = "STRING";

typedef enum Class { CLASS_UPPER, CLASS_LOWER, CLASS_DIGIT, CLASS_OTHER, CLASS_COUNT_ } Class;

typedef struct Masks {
    Str by_class[CLASS_COUNT_]; /* ptr NULL: unchanged */
} Masks;

static Class class_of(uint32_t c)
{
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z')
            return CLASS_UPPER;
        if (c >= 'a' && c <= 'z')
            return CLASS_LOWER;
        return c >= '0' && c <= '9' ? CLASS_DIGIT : CLASS_OTHER;
    }
    if (c >= 0x10000)
        return CLASS_OTHER;
    switch (u_charType((UChar32)c)) {
    case U_UPPERCASE_LETTER:
        return CLASS_UPPER;
    case U_LOWERCASE_LETTER:
        return CLASS_LOWER;
    case U_DECIMAL_DIGIT_NUMBER:
        return CLASS_DIGIT;
    default:
        return CLASS_OTHER;
    }
}

/* args: the four masks, or NULL for the usual ones. */
static ErrCode masks_of(const Value *args, Masks *out, Err *err)
{
    *out = (Masks){{STR("X"), STR("x"), STR("n"), STR("-")}};
    if (!args)
        return ERR_OK;
    for (int i = 0; i < CLASS_COUNT_; i++) {
        out->by_class[i] = value_is_null(args[i]) ? STR_NULL : value_as_str(args[i]);
        if (!value_is_null(args[i]) && utf8_len_utf16(out->by_class[i]) != 1)
            return err_set(err, ERR_EVAL, "a mask must be one character, not '%.*s'",
                           args[i].len > 40 ? 40 : (int)args[i].len, args[i].u.s);
    }
    return ERR_OK;
}

/* Masks the units [from, to). */
static ErrCode mask_range(const FnCall *call, Str s, const Masks *masks, size_t from, size_t to,
                          Value *out, Err *err)
{
    Buf    text = buf_in(call->mem);
    size_t unit = 0;

    buf_reserve(&text, s.len);
    for (size_t at = 0; at < s.len;) {
        size_t   start = at;
        uint32_t c = utf8_next(s, &at);
        Str      mask = masks->by_class[class_of(c)];
        size_t   units = c >= 0x10000 ? 2 : 1;

        if (unit + units <= from || unit >= to || !mask.ptr) {
            buf_append(&text, s.ptr + start, at - start);
        } else {
            for (size_t i = unit; i < unit + units; i++)
                buf_str(&text, i >= from && i < to ? mask : STR("\xef\xbf\xbd"));
        }
        unit += units;
        TRY(fn_check_bytes(text.len, err));
    }
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode mask(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Masks masks;

    if (value_is_null(args[0]))
        return fn_give(out, args[0]);
    TRY(masks_of(call->args_len == 5 ? args + 1 : NULL, &masks, err));
    return mask_range(call, value_as_str(args[0]), &masks, 0, SIZE_MAX, out, err);
}

typedef enum Part { PART_LEFT, PART_RIGHT, PART_BUT_LEFT, PART_BUT_RIGHT } Part;

static ErrCode mask_part(const FnCall *call, const Value *args, Part part, Value *out, Err *err)
{
    Masks  masks;
    size_t units, n;

    if (value_is_null(args[1]) || args[1].u.i < 0)
        return err_set(err, ERR_EVAL, "%s needs a number of characters that is not negative",
                       call->def->name);
    TRY(masks_of(call->args_len == 6 ? args + 2 : NULL, &masks, err));
    if (value_is_null(args[0]))
        return fn_give(out, args[0]);

    units = utf8_len_utf16(value_as_str(args[0]));
    n = (size_t)args[1].u.i < units ? (size_t)args[1].u.i : units;
    switch (part) {
    case PART_LEFT:
        return mask_range(call, value_as_str(args[0]), &masks, 0, n, out, err);
    case PART_RIGHT:
        return mask_range(call, value_as_str(args[0]), &masks, units - n, units, out, err);
    case PART_BUT_LEFT:
        return mask_range(call, value_as_str(args[0]), &masks, n, units, out, err);
    default:
        return mask_range(call, value_as_str(args[0]), &masks, 0, units - n, out, err);
    }
}

static ErrCode mask_left(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return mask_part(call, args, PART_LEFT, out, err);
}

static ErrCode mask_right(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return mask_part(call, args, PART_RIGHT, out, err);
}

static ErrCode mask_keep_left(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return mask_part(call, args, PART_BUT_LEFT, out, err);
}

static ErrCode mask_keep_right(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return mask_part(call, args, PART_BUT_RIGHT, out, err);
}

#define MASK_PARAMS ", upper STRING, lower STRING, digit STRING, other STRING) -> STRING"

#define OVERLOADS_MASK(name, eval, doc, example, example_masks)                                    \
    FN(name, STRING, "(s STRING, n INT) -> STRING", NULL_IS_VALUE, eval, doc, example),            \
        FN(name, STRING, "(s STRING, n INT" MASK_PARAMS, NULL_IS_VALUE, eval, doc, example_masks)

static const char MASK_DOC[] =
    "The text with upper-case letters as X, lower-case ones as x, digits as n and all else as -, "
    "or as the masks given, of one character each; a null mask leaves its class as it is. Null for "
    "a null text; a longer or an empty mask is an error.";

const FnDef fn_mask[] = {
    FN("MASK", STRING, "(s STRING) -> STRING", NULL_IS_VALUE, mask, MASK_DOC,
       "MASK('My 2 keys') = 'Xx-n-xxxx'"),
    FN("MASK", STRING, "(s STRING" MASK_PARAMS, NULL_IS_VALUE, mask, MASK_DOC,
       "MASK('My 2 keys', '*', '*', NULL, ' ') = '** 2 ****'"),
    OVERLOADS_MASK("MASK_KEEP_LEFT", mask_keep_left,
                   "As MASK, but the first n characters stay. A null or negative n is an error.",
                   "MASK_KEEP_LEFT('Weir42', 2) = 'Wexxnn'",
                   "MASK_KEEP_LEFT('Weir42', 2, '*', '*', '*', '*') = 'We****'"),
    OVERLOADS_MASK("MASK_KEEP_RIGHT", mask_keep_right,
                   "As MASK, but the last n characters stay. A null or negative n is an error.",
                   "MASK_KEEP_RIGHT('Weir42', 2) = 'Xxxx42'",
                   "MASK_KEEP_RIGHT('Weir42', 2, '*', '*', '*', '*') = '****42'"),
    OVERLOADS_MASK("MASK_LEFT", mask_left,
                   "As MASK, but of the first n characters only. A null or negative n is an error.",
                   "MASK_LEFT('Weir42', 2) = 'Xxir42'",
                   "MASK_LEFT('Weir42', 2, '*', '*', '*', '*') = '**ir42'"),
    OVERLOADS_MASK("MASK_RIGHT", mask_right,
                   "As MASK, but of the last n characters only. A null or negative n is an error.",
                   "MASK_RIGHT('Weir42', 2) = 'Weirnn'",
                   "MASK_RIGHT('Weir42', 2, '*', '*', '*', '*') = 'Weir**'"),
    {.name = NULL},
};
