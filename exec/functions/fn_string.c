/*
 * fn_string.c -- functions of text, most of them of BYTES too.
 *
 * Positions and lengths of STRING count UTF-16 units, those of BYTES bytes: FnText hides which.
 */
#include <unicode/ucasemap.h>
#include <pthread.h>

#include "common/utf8.h"
#include "common/vec.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char STRING[] = "STRING";

/* BYTES are text whose every byte is one unit. */
static FnText units_of(Value v)
{
    if (v.kind == T_BYTES)
        return (FnText){value_as_str(v), v.len, true};
    return fn_text_of(v);
}

static ErrCode give_text(Value *out, Value like, Str s)
{
    return fn_give(out, (Value){.kind = like.kind, .len = (uint32_t)s.len, .u.s = s.ptr});
}

/* --- joining ---------------------------------------------------------------------------------- */

static ErrCode join(const FnCall *call, const Value *args, uint32_t from, Str separator, Value *out,
                    Err *err)
{
    Buf  text = buf_in(call->mem);
    bool is_first = true;

    for (uint32_t i = from; i < call->args_len; i++) {
        if (value_is_null(args[i]))
            continue;
        TRY(fn_check_bytes(text.len + separator.len + args[i].len, err));
        if (!is_first)
            buf_str(&text, separator);
        buf_append(&text, args[i].u.s, args[i].len);
        is_first = false;
    }
    return fn_give_buf(out, call->result->kind, &text);
}

static ErrCode concat(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return join(call, args, 0, STR(""), out, err);
}

static ErrCode concat_ws(const FnCall *call, const Value *args, Value *out, Err *err)
{
    if (call->args_len < 2)
        return err_set(err, ERR_EVAL, "CONCAT_WS needs a separator and at least one value");
    if (value_is_null(args[0]))
        return fn_give(out, value_null());
    return join(call, args, 1, value_as_str(args[0]), out, err);
}

/* --- choosing --------------------------------------------------------------------------------- */

static ErrCode elt(const FnCall *call, const Value *args, Value *out, Err *err)
{
    if (value_is_null(args[0]))
        return err_set(err, ERR_EVAL, "function ELT does not take a null position");
    if (args[0].u.i < 1 || args[0].u.i >= call->args_len)
        return fn_give(out, value_null());
    return fn_give(out, args[args[0].u.i]);
}

static ErrCode field(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)err;
    for (uint32_t i = 1; i < call->args_len && !value_is_null(args[0]); i++) {
        if (!value_is_null(args[i]) && value_eq(args[0], args[i]))
            return fn_give(out, value_int((int32_t)i));
    }
    return fn_give(out, value_int(0));
}

/* --- letter case ------------------------------------------------------------------------------ */

static UCaseMap *g_case_map; /* of the root locale; made on first use, kept for good */

static void open_case_map(void)
{
    UErrorCode status = U_ZERO_ERROR;

    g_case_map = ucasemap_open("", 0, &status);
}

typedef int32_t (*CaseFn)(const UCaseMap *, char *, int32_t, const char *, int32_t, UErrorCode *);

/* Unicode's full mapping: a text may grow (sharp s becomes SS), at most threefold in UTF-8. */
static ErrCode map_case(const FnCall *call, Str s, CaseFn map, Value *out, Err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    UErrorCode            status = U_ZERO_ERROR;
    size_t                cap = s.len * 3;
    char                 *text;
    int32_t               len;

    TRY(fn_check_bytes(cap, err));
    pthread_once(&once, open_case_map);
    text = arena_bytes(call->mem, cap + 1);
    len = map(g_case_map, text, (int32_t)cap, s.ptr, (int32_t)s.len, &status);
    if (U_FAILURE(status))
        return err_set(err, ERR_EVAL, "could not change the letter case: %s", u_errorName(status));
    return fn_give(out, value_str((Str){text, (size_t)len}));
}

static ErrCode lcase(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnText text = fn_text_of(args[0]);

    if (text.is_ascii)
        return fn_give(out, value_str(str_lower_ascii(call->mem, text.s)));
    return map_case(call, text.s, ucasemap_utf8ToLower, out, err);
}

static ErrCode ucase(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnText text = fn_text_of(args[0]);

    if (text.is_ascii)
        return fn_give(out, value_str(str_upper_ascii(call->mem, text.s)));
    return map_case(call, text.s, ucasemap_utf8ToUpper, out, err);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Words are separated by white space; what stands in front of the first is lost. */
static ErrCode initcap(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Buf    text = buf_in(call->mem);
    bool   is_start = true;
    size_t at = 0;
    Value  lower;
    Str    s;

    TRY(lcase(call, args, &lower, err));
    s = value_as_str(lower);
    while (at < s.len && is_space((unsigned char)s.ptr[at]))
        at++;
    while (at < s.len) {
        size_t   from = at;
        uint32_t c = utf8_next(s, &at);
        Value    letter = value_str(str_slice(s, from, at));

        if (is_start && !is_space(c))
            TRY(ucase(call, &letter, &letter, err));
        buf_append(&text, letter.u.s, letter.len);
        is_start = is_space(c);
    }
    return fn_give_buf(out, T_STRING, &text);
}

/* --- length, parts ---------------------------------------------------------------------------- */

static ErrCode len(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_int((int32_t)units_of(args[0]).units));
}

/* 1-based, 0 is 1, below zero counts from the end; the rest, or so many units. */
static ErrCode substring(const FnCall *call, const Value *args, Value *out, Err *err)
{
    FnText  text = units_of(args[0]);
    int64_t units = (int64_t)text.units;
    int64_t pos = args[1].u.i;
    int64_t from = pos < 0 ? units + pos : pos > 0 ? pos - 1 : 0;
    int64_t to = units;

    (void)err;
    if (from < 0)
        from = 0;
    if (from > units)
        from = units;
    if (call->args_len == 3) {
        to = from + args[2].u.i;
        if (to < from || to > INT32_MAX) /* Java's int overflows to an empty range */
            to = from;
        if (to > units)
            to = units;
    }
    return give_text(out, args[0], fn_text_slice(call->mem, &text, (size_t)from, (size_t)to));
}

static ErrCode trim(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str    s = value_as_str(args[0]);
    size_t from = 0;
    size_t to = s.len;

    (void)call, (void)err;
    while (from < to && (unsigned char)s.ptr[from] <= ' ')
        from++;
    while (to > from && (unsigned char)s.ptr[to - 1] <= ' ')
        to--;
    return fn_give(out, value_str(str_slice(s, from, to)));
}

/* --- LPAD, RPAD ------------------------------------------------------------------------------- */

static ErrCode pad(const FnCall *call, const Value *args, bool is_left, Value *out, Err *err)
{
    FnText text = units_of(args[0]);
    FnText padding = units_of(args[2]);
    size_t target = (size_t)args[1].u.i;
    size_t missing, copies;
    Str    rest;
    Buf    result;

    if (args[1].u.i < 0 || padding.units == 0)
        return fn_give(out, value_null());
    if (target <= text.units)
        return give_text(out, args[0], fn_text_slice(call->mem, &text, 0, target));

    missing = target - text.units;
    copies = missing / padding.units;
    rest = fn_text_slice(call->mem, &padding, 0, missing % padding.units);
    TRY(fn_check_bytes(text.s.len + copies * padding.s.len + rest.len, err));

    result = buf_in(call->mem);
    buf_reserve(&result, text.s.len + copies * padding.s.len + rest.len);
    if (!is_left)
        buf_str(&result, text.s);
    for (size_t i = 0; i < copies; i++)
        buf_str(&result, padding.s);
    buf_str(&result, rest);
    if (is_left)
        buf_str(&result, text.s);
    return fn_give_buf(out, call->result->kind, &result);
}

static ErrCode lpad(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return pad(call, args, true, out, err);
}

static ErrCode rpad(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return pad(call, args, false, out, err);
}

/* --- INSTR ------------------------------------------------------------------------------------ */

typedef struct Units {
    const uint16_t *ptr;
    int64_t         len;
} Units;

static Units utf16_of(Arena *mem, Value v)
{
    Str       s = value_as_str(v);
    uint16_t *units = arena_alloc(mem, sizeof *units * (s.len + 1));
    size_t    count = 0;

    for (size_t at = 0; at < s.len;) {
        uint32_t c = utf8_next(s, &at);

        if (c >= 0x10000) {
            units[count++] = (uint16_t)(0xD7C0 + (c >> 10));
            units[count++] = (uint16_t)(0xDC00 + (c & 0x3FF));
        } else {
            units[count++] = (uint16_t)c;
        }
    }
    return (Units){units, (int64_t)count};
}

static bool units_match(Units text, int64_t at, Units sub)
{
    return memcmp(text.ptr + at, sub.ptr, sizeof *sub.ptr * (size_t)sub.len) == 0;
}

/* 1-based; pos < 0 searches backwards, from |pos| units before the end. */
static int64_t instr_units(Units text, Units sub, int64_t pos, int64_t occurrence)
{
    int64_t last = text.len - sub.len; /* where the last match can start */
    int64_t step = pos < 0 ? -1 : 1;
    int64_t at = pos < 0 ? last + pos + 1 : pos - 1;

    if (pos == 0 || pos > text.len || -pos > text.len || occurrence <= 0)
        return 0;
    for (; at >= 0 && at <= last; at += step) {
        if (units_match(text, at, sub) && --occurrence == 0)
            return at + 1;
    }
    return 0;
}

static ErrCode instr(const FnCall *call, const Value *args, Value *out, Err *err)
{
    int64_t pos = 1;
    int64_t occurrence = 1;

    for (uint32_t i = 2; i < call->args_len; i++) {
        if (value_is_null(args[i]))
            return err_set(err, ERR_EVAL, "function INSTR does not take a null position");
    }
    if (call->args_len > 2)
        pos = args[2].u.i;
    if (call->args_len > 3)
        occurrence = args[3].u.i;
    if (value_is_null(args[0]) || value_is_null(args[1]))
        return fn_give(out, value_int(0));
    return fn_give(out,
                   value_int((int32_t)instr_units(utf16_of(call->mem, args[0]),
                                                  utf16_of(call->mem, args[1]), pos, occurrence)));
}

/* --- REPLACE, SPLIT, SPLIT_TO_MAP ------------------------------------------------------------- */

/* An empty old text stands around every character. */
static ErrCode replace_around(const FnCall *call, Str s, Str new, Value *out, Err *err)
{
    Buf    text = buf_in(call->mem);
    size_t at = 0;

    TRY(fn_check_bytes(s.len + (s.len + 1) * new.len, err));
    buf_str(&text, new);
    while (at < s.len) {
        size_t from = at;

        utf8_next(s, &at);
        buf_append(&text, s.ptr + from, at - from);
        buf_str(&text, new);
    }
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode replace(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str s = value_as_str(args[0]);
    Str old = value_as_str(args[1]);
    Str new = value_as_str(args[2]);
    Buf       text = buf_in(call->mem);
    size_t    at = 0;
    ptrdiff_t found;

    if (old.len == 0)
        return replace_around(call, s, new, out, err);
    while ((found = str_find(s, old, at)) >= 0) {
        buf_append(&text, s.ptr + at, (size_t)found - at);
        buf_str(&text, new);
        TRY(fn_check_bytes(text.len, err));
        at = (size_t)found + old.len;
    }
    if (at == 0)
        return fn_give(out, args[0]);
    buf_append(&text, s.ptr + at, s.len - at);
    return fn_give_buf(out, T_STRING, &text);
}

typedef VEC(Value) Values;

/* An empty delimiter: one piece per character of STRING, per byte of BYTES. */
static void split_each(const FnCall *call, Value v, Values *pieces)
{
    Str s = value_as_str(v);

    for (size_t at = 0; at < s.len;) {
        size_t from = at;
        Value  piece;

        if (v.kind == T_BYTES)
            at++;
        else
            utf8_next(s, &at);
        give_text(&piece, v, str_slice(s, from, at));
        vec_push(call->mem, pieces, piece);
    }
    if (s.len == 0)
        vec_push(call->mem, pieces, v);
}

static ErrCode split(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str       s = value_as_str(args[0]);
    Str       delimiter = value_as_str(args[1]);
    Values    pieces = {0};
    size_t    at = 0;
    ptrdiff_t found;
    Value     piece;

    if (delimiter.len == 0) {
        split_each(call, args[0], &pieces);
    } else {
        while ((found = str_find(s, delimiter, at)) >= 0) {
            give_text(&piece, args[0], str_slice(s, at, (size_t)found));
            vec_push(call->mem, &pieces, piece);
            at = (size_t)found + delimiter.len;
        }
        give_text(&piece, args[0], str_slice(s, at, s.len));
        vec_push(call->mem, &pieces, piece);
    }
    TRY(fn_check_items(pieces.len, err));
    return fn_give(out, value_items(T_ARRAY, pieces.items, pieces.len));
}

static size_t count_of(Str s, Str needle)
{
    size_t    count = 0;
    ptrdiff_t found = 0;

    while ((found = str_find(s, needle, (size_t)found)) >= 0) {
        found += (ptrdiff_t)needle.len;
        count++;
    }
    return count;
}

/* "key:value" of one entry; what follows a second delimiter is dropped. */
static void put_entry(FnMap *map, Str entry, Str delimiter)
{
    ptrdiff_t at = str_find(entry, delimiter, 0);
    Str       rest;
    ptrdiff_t end;

    if (at < 0)
        return;
    rest = str_slice(entry, (size_t)at + delimiter.len, entry.len);
    end = str_find(rest, delimiter, 0);
    if (end >= 0)
        rest = str_slice(rest, 0, (size_t)end);
    fn_map_put(map, value_str(str_slice(entry, 0, (size_t)at)), value_str(rest));
}

static ErrCode split_to_map(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str    s = value_as_str(args[0]);
    Str    between = value_as_str(args[1]);
    Str    inside = value_as_str(args[2]);
    size_t at = 0;
    FnMap  map;

    if (between.len == 0 || inside.len == 0 || str_eq(between, inside))
        return fn_give(out, value_null());
    TRY(fn_check_items(count_of(s, between) + 1, err));
    fn_map_init(&map, call->mem, count_of(s, between) + 1);
    while (at <= s.len) {
        ptrdiff_t found = str_find(s, between, at);
        size_t    end = found < 0 ? s.len : (size_t)found;

        put_entry(&map, str_slice(s, at, end), inside);
        at = end + between.len;
    }
    return fn_give(out, fn_map_value(&map));
}

/* --- the rows --------------------------------------------------------------------------------- */

static const char CONCAT_DOC[] = "All arguments one behind the other; nulls are left out, and "
                                 "nothing but nulls gives the empty value.";
static const char CONCAT_WS_DOC[] =
    "The arguments from the second on, separated by the first; nulls are left out. Null for a null "
    "separator; fewer than two arguments are an error.";
static const char INSTR_DOC[] =
    "The position, from 1, at which a text contains another; 0 when it does not, and 0 for a null "
    "text or part. The search begins at a position, from 1; a negative one counts from the end and "
    "searches backwards. An occurrence above 1 skips as many, which may overlap. A null position "
    "or occurrence is an error.";
static const char LPAD_DOC[] =
    "The value filled up on the left to so many characters or bytes, or cut on the right to them. "
    "Null also for a negative length and for an empty padding.";
static const char RPAD_DOC[] =
    "The value filled up on the right to so many characters or bytes, or cut on the right to them. "
    "Null also for a negative length and for an empty padding.";
static const char SPLIT_DOC[] = "The pieces between the delimiters, empty ones included; with an "
                                "empty delimiter the single characters or bytes.";
static const char SUBSTRING_DOC[] =
    "The part from a position, counted from 1 or from the end when negative, to the end or of a "
    "given length. Empty when it would begin behind the end; position 0 counts as 1.";

const FnDef fn_string[] = {
    FN("CONCAT", STRING, "(values STRING...) -> STRING", NULL_IS_VALUE, concat, CONCAT_DOC,
       "CONCAT('a', NULL, 'b') = 'ab'"),
    FN("CONCAT", STRING, "(values BYTES...) -> BYTES", NULL_IS_VALUE, concat, CONCAT_DOC,
       "CONCAT(TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8')) = TO_BYTES('ab', 'utf8')"),
    FN("CONCAT_WS", STRING, "(separator_and_values STRING...) -> STRING", NULL_IS_VALUE, concat_ws,
       CONCAT_WS_DOC, "CONCAT_WS(', ', 'a', NULL, 'b') = 'a, b'"),
    FN("CONCAT_WS", STRING, "(separator_and_values BYTES...) -> BYTES", NULL_IS_VALUE, concat_ws,
       CONCAT_WS_DOC,
       "CONCAT_WS(TO_BYTES('-', 'utf8'), TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8')) = "
       "TO_BYTES('a-b', 'utf8')"),
    FN("ELT", STRING, "(n INT, values STRING...) -> STRING", NULL_IS_VALUE, elt,
       "The n-th of the values, counted from 1; null when there are fewer, or when it is null "
       "itself. A null n is an error.",
       "ELT(2, 'a', 'b') = 'b'"),
    FN("FIELD", STRING, "(value STRING, values STRING...) -> INT", NULL_IS_VALUE, field,
       "The position, from 1, of the first of the values that equals the first argument; 0 when "
       "there is none or it is null.",
       "FIELD('b', 'a', 'b') = 2"),
    FN("INITCAP", STRING, "(s STRING) -> STRING", NULL_IN_NULL_OUT, initcap,
       "The text in lower case with a capital at the beginning of every word. White space in front "
       "of the first word is dropped.",
       "INITCAP('the QUICK fox') = 'The Quick Fox'"),
    FN("INSTR", STRING, "(s STRING, part STRING) -> INT", NULL_IS_VALUE, instr, INSTR_DOC,
       "INSTR('CORPORATE FLOOR', 'OR') = 2"),
    FN("INSTR", STRING, "(s STRING, part STRING, position INT) -> INT", NULL_IS_VALUE, instr,
       INSTR_DOC, "INSTR('CORPORATE FLOOR', 'OR', -3) = 5"),
    FN("INSTR", STRING, "(s STRING, part STRING, position INT, occurrence INT) -> INT",
       NULL_IS_VALUE, instr, INSTR_DOC, "INSTR('CORPORATE FLOOR', 'OR', 3, 2) = 14"),
    FN("LCASE", STRING, "(s STRING) -> STRING", NULL_IN_NULL_OUT, lcase, "The text in lower case.",
       "LCASE('Weir') = 'weir'"),
    FN("LEN", STRING, "(s STRING) -> INT", NULL_IN_NULL_OUT, len,
       "The length in characters (UTF-16 units, so that an emoji has two) or bytes.",
       "LEN('weir') = 4"),
    FN("LEN", STRING, "(b BYTES) -> INT", NULL_IN_NULL_OUT, len,
       "The length in characters (UTF-16 units, so that an emoji has two) or bytes.",
       "LEN(TO_BYTES('weir', 'utf8')) = 4"),
    FN("LPAD", STRING, "(s STRING, length INT, padding STRING) -> STRING", NULL_IN_NULL_OUT, lpad,
       LPAD_DOC, "LPAD('7', 3, '0') = '007'"),
    FN("LPAD", STRING, "(b BYTES, length INT, padding BYTES) -> BYTES", NULL_IN_NULL_OUT, lpad,
       LPAD_DOC, "LEN(LPAD(TO_BYTES('7', 'utf8'), 3, TO_BYTES('0', 'utf8'))) = 3"),
    FN("REPLACE", STRING, "(s STRING, old STRING, new STRING) -> STRING", NULL_IN_NULL_OUT, replace,
       "The text with every occurrence of the old text replaced by the new. An empty old text "
       "stands around every character.",
       "REPLACE('a-b-c', '-', '+') = 'a+b+c'"),
    FN("RPAD", STRING, "(s STRING, length INT, padding STRING) -> STRING", NULL_IN_NULL_OUT, rpad,
       RPAD_DOC, "RPAD('7', 3, '.') = '7..'"),
    FN("RPAD", STRING, "(b BYTES, length INT, padding BYTES) -> BYTES", NULL_IN_NULL_OUT, rpad,
       RPAD_DOC, "LEN(RPAD(TO_BYTES('7', 'utf8'), 3, TO_BYTES('0', 'utf8'))) = 3"),
    FN("SPLIT", STRING, "(s STRING, delimiter STRING) -> ARRAY<STRING>", NULL_IN_NULL_OUT, split,
       SPLIT_DOC, "SPLIT('a,b', ',') = ARRAY['a', 'b']"),
    FN("SPLIT", STRING, "(b BYTES, delimiter BYTES) -> ARRAY<BYTES>", NULL_IN_NULL_OUT, split,
       SPLIT_DOC, "ARRAY_LENGTH(SPLIT(TO_BYTES('a,b', 'utf8'), TO_BYTES(',', 'utf8'))) = 2"),
    FN("SPLIT_TO_MAP", STRING,
       "(s STRING, entry_delimiter STRING, value_delimiter STRING) -> MAP<STRING, STRING>",
       NULL_IN_NULL_OUT, split_to_map,
       "The entries of a text as a map. Entries without the inner delimiter are left out, and of "
       "equal keys the last counts. Null also when a delimiter is empty or both are the same.",
       "SPLIT_TO_MAP('a=1;b=2', ';', '=')['b'] = '2'"),
    FN("SUBSTRING", STRING, "(s STRING, position INT) -> STRING", NULL_IN_NULL_OUT, substring,
       SUBSTRING_DOC, "SUBSTRING('stream', 2) = 'tream'"),
    FN("SUBSTRING", STRING, "(s STRING, position INT, length INT) -> STRING", NULL_IN_NULL_OUT,
       substring, SUBSTRING_DOC, "SUBSTRING('stream', -3, 2) = 'ea'"),
    FN("SUBSTRING", STRING, "(b BYTES, position INT) -> BYTES", NULL_IN_NULL_OUT, substring,
       SUBSTRING_DOC, "SUBSTRING(TO_BYTES('ab', 'utf8'), 2) = TO_BYTES('b', 'utf8')"),
    FN("SUBSTRING", STRING, "(b BYTES, position INT, length INT) -> BYTES", NULL_IN_NULL_OUT,
       substring, SUBSTRING_DOC, "SUBSTRING(TO_BYTES('ab', 'utf8'), 1, 1) = TO_BYTES('a', 'utf8')"),
    FN("TRIM", STRING, "(s STRING) -> STRING", NULL_IN_NULL_OUT, trim,
       "The text without white space and control characters at both ends.",
       "TRIM('  weir ') = 'weir'"),
    FN("UCASE", STRING, "(s STRING) -> STRING", NULL_IN_NULL_OUT, ucase, "The text in upper case.",
       "UCASE('Weir') = 'WEIR'"),
    {.name = NULL},
};
