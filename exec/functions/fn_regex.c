/*
 * fn_regex.c -- REGEXP_EXTRACT, REGEXP_EXTRACT_ALL, REGEXP_REPLACE, REGEXP_SPLIT_TO_ARRAY.
 *
 * A call site keeps its last pattern compiled.  Beware of the order of arguments: the EXTRACT
 * functions take the pattern first, the others the text.
 */
#include "common/vec.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/functions/java_regex.h"

static const char REGEX[] = "REGULAR EXPRESSION";

typedef VEC(Value) Values;

static ErrCode prepare(FnCall *call, const Value *const *literal, Arena *query_mem, Err *err)
{
    (void)literal, (void)err;
    call->state = java_regex_new(query_mem);
    return ERR_OK;
}

static void unprepare(FnCall *call)
{
    java_regex_close(call->state);
}

/* --- EXTRACT ---------------------------------------------------------------------------------- */

/* Compiles the pattern; *group is the wanted one, -1 when there are not that many. */
static ErrCode open_extract(const FnCall *call, const Value *args, int64_t *group, Err *err)
{
    *group = call->args_len == 3 ? args[2].u.i : 0;
    if (*group < 0)
        return err_set(err, ERR_EVAL, "%s needs a group that is not negative", call->def->name);
    TRY(java_regex_use(call->state, value_as_str(args[0]), err));
    if (*group > java_regex_groups(call->state))
        *group = -1;
    return ERR_OK;
}

static Value group_value(const JavaRegex *regex, Str text, uint32_t group)
{
    size_t start, end;

    if (!java_regex_group(regex, group, &start, &end))
        return value_null();
    return value_str(str_slice(text, start, end));
}

static ErrCode regexp_extract(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str     text = value_as_str(args[1]);
    int64_t group = 0;
    bool    found = false;

    TRY(open_extract(call, args, &group, err));
    if (group >= 0)
        TRY(java_regex_find(call->state, text, 0, &found, err));
    return fn_give(out, found ? group_value(call->state, text, (uint32_t)group) : value_null());
}

static ErrCode regexp_extract_all(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str     text = value_as_str(args[1]);
    Values  values = {0};
    int64_t group = 0;
    size_t  at = 0;

    TRY(open_extract(call, args, &group, err));
    if (group < 0)
        return fn_give(out, value_null());
    while (at != SIZE_MAX) {
        bool found = false;

        TRY(java_regex_find(call->state, text, at, &found, err));
        if (!found)
            break;
        vec_push(call->mem, &values, group_value(call->state, text, (uint32_t)group));
        at = java_regex_next(call->state, text);
    }
    TRY(fn_check_items(values.len, err));
    return fn_give(out, value_items(T_ARRAY, values.items, values.len));
}

/* --- REPLACE ---------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* $1 or ${name} at *at, behind the $.  A further digit counts only if there is such a group. */
static ErrCode take_group(const JavaRegex *regex, Str new, size_t *at, uint32_t *group, Err *err)
{
    uint32_t count = java_regex_groups(regex);

    if (*at < new.len &&new.ptr[*at] == '{') {
        ptrdiff_t end = str_find(new, STR("}"), *at);
        int       number = -1;

        if (end >= 0)
            number = java_regex_group_named(regex, str_slice(new, *at + 1, (size_t)end));
        if (number < 0)
            return err_set(err, ERR_EVAL, "replacement names a group that the pattern has not");
        *group = (uint32_t)number;
        *at = (size_t)end + 1;
        return ERR_OK;
    }
    if (*at == new.len || !is_digit(new.ptr[*at]))
        return err_set(err, ERR_EVAL, "replacement has a $ without a group");
    *group = (uint32_t)(new.ptr[(*at)++] - '0');
    if (*group > count)
        return err_set(err, ERR_EVAL, "replacement uses group %u, the pattern has %u", *group,
                       count);
    while (*at < new.len && is_digit(new.ptr[*at]) &&
           *group * 10 + (uint32_t)(new.ptr[*at] - '0') <= count)
        *group = *group * 10 + (uint32_t)(new.ptr[(*at)++] - '0');
    return ERR_OK;
}

static ErrCode put_replacement(const JavaRegex *regex, Str text, Str new, Buf *out, Err *err)
{
    for (size_t at = 0; at < new.len;) {
        char     c = new.ptr[at++];
        uint32_t group = 0;
        Value    v;

        if (c == '\\') {
            if (at == new.len)
                return err_set(err, ERR_EVAL, "replacement ends with a backslash");
            buf_put(out, new.ptr[at++]);
        } else if (c == '$') {
            TRY(take_group(regex, new, &at, &group, err));
            v = group_value(regex, text, group);
            buf_append(out, v.u.s, v.len);
        } else {
            buf_put(out, c);
        }
    }
    return ERR_OK;
}

static ErrCode regexp_replace(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str    text = value_as_str(args[0]);
    Buf    result = buf_in(call->mem);
    size_t copied = 0;
    size_t at = 0;

    TRY(java_regex_use(call->state, value_as_str(args[1]), err));
    while (at != SIZE_MAX) {
        bool   found = false;
        size_t start = 0, end = 0;

        TRY(java_regex_find(call->state, text, at, &found, err));
        if (!found)
            break;
        java_regex_group(call->state, 0, &start, &end);
        buf_append(&result, text.ptr + copied, start - copied);
        TRY(put_replacement(call->state, text, value_as_str(args[2]), &result, err));
        TRY(fn_check_bytes(result.len, err));
        copied = end;
        at = java_regex_next(call->state, text);
    }
    buf_append(&result, text.ptr + copied, text.len - copied);
    return fn_give_buf(out, T_STRING, &result);
}

/* --- SPLIT ------------------------------------------------------------------------------------ */

static ErrCode matches_nothing(JavaRegex *regex, bool *out, Err *err)
{
    return java_regex_find(regex, STR(""), 0, out, err);
}

/*
 * A pattern that can match nothing splits as Java's String.split does: not in front of the first
 * character, and without the empty pieces at the end.
 */
static ErrCode regexp_split(const FnCall *call, const Value *args, Value *out, Err *err)
{
    Str    text = value_as_str(args[0]);
    Values pieces = {0};
    size_t piece_start = 0;
    size_t at = 0;
    bool   is_java = false;

    TRY(java_regex_use(call->state, value_as_str(args[1]), err));
    TRY(matches_nothing(call->state, &is_java, err));
    while (at != SIZE_MAX) {
        bool   found = false;
        size_t start = 0, end = 0;

        TRY(java_regex_find(call->state, text, at, &found, err));
        if (!found)
            break;
        java_regex_group(call->state, 0, &start, &end);
        at = java_regex_next(call->state, text);
        if (is_java && end == 0)
            continue;
        vec_push(call->mem, &pieces, value_str(str_slice(text, piece_start, start)));
        piece_start = end;
    }
    vec_push(call->mem, &pieces, value_str(str_slice(text, piece_start, text.len)));
    while (is_java && pieces.len > 1 && pieces.items[pieces.len - 1].len == 0)
        pieces.len--;
    TRY(fn_check_items(pieces.len, err));
    return fn_give(out, value_items(T_ARRAY, pieces.items, pieces.len));
}

/* --- the rows --------------------------------------------------------------------------------- */

#define FN_REGEX(name, sig, eval, doc, example)                                                    \
    FN(name, REGEX, sig, NULL_IN_NULL_OUT, eval, doc, example, .prepare = prepare,                 \
       .unprepare = unprepare)

static const char EXTRACT_DOC[] =
    "What the first match of a pattern, or of one of its groups, takes from a text; null without a "
    "match or without such a group. The pattern comes first. Patterns are written as for Java; one "
    "that is malformed is an error, as is a negative group.";
static const char EXTRACT_ALL_DOC[] =
    "What every match of a pattern, or of one of its groups, takes from a text; empty without a "
    "match, null without such a group. The pattern comes first; one that is malformed is an error.";

const FnDef fn_regex[] = {
    FN_REGEX("REGEXP_EXTRACT", "(pattern STRING, s STRING) -> STRING", regexp_extract, EXTRACT_DOC,
             "REGEXP_EXTRACT('[0-9]+', 'a12b3') = '12'"),
    FN_REGEX("REGEXP_EXTRACT", "(pattern STRING, s STRING, group_number INT) -> STRING",
             regexp_extract, EXTRACT_DOC, "REGEXP_EXTRACT('([a-z])([0-9]+)', 'a12', 2) = '12'"),
    FN_REGEX("REGEXP_EXTRACT_ALL", "(pattern STRING, s STRING) -> ARRAY<STRING>",
             regexp_extract_all, EXTRACT_ALL_DOC,
             "REGEXP_EXTRACT_ALL('[0-9]+', 'a12b3') = ARRAY['12', '3']"),
    FN_REGEX("REGEXP_EXTRACT_ALL", "(pattern STRING, s STRING, group_number INT) -> ARRAY<STRING>",
             regexp_extract_all, EXTRACT_ALL_DOC,
             "REGEXP_EXTRACT_ALL('([a-z])([0-9])', 'a1b2', 1) = ARRAY['a', 'b']"),
    FN_REGEX("REGEXP_REPLACE", "(s STRING, pattern STRING, new STRING) -> STRING", regexp_replace,
             "The text with every match replaced; $1 or ${name} in the new text stands for a "
             "group, \\$ for a dollar sign. The text comes first. A malformed pattern and an "
             "unknown group are errors.",
             "REGEXP_REPLACE('a1b2', '([0-9])', '<$1>') = 'a<1>b<2>'"),
    FN_REGEX("REGEXP_SPLIT_TO_ARRAY", "(s STRING, pattern STRING) -> ARRAY<STRING>", regexp_split,
             "The pieces of a text between the matches of a pattern, empty ones included. A "
             "pattern that matches the empty text cuts between all characters; one that is "
             "malformed is an error.",
             "REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+') = ARRAY['a', 'b', 'c']"),
    {.name = NULL},
};
