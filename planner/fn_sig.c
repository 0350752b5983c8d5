/*
 * fn_sig.c -- parses signatures and matches types against them.
 *
 *     signature  := '(' [param {',' param}] ')' '->' type
 *     param      := name type ['...'] ['LITERAL']
 *     type       := word | 'DECIMAL' ['(' p ',' s ')'] | 'ARRAY<' type '>'
 *                 | 'MAP<' type ',' type '>' | 'STRUCT<' name type {',' name type} '>'
 *                 | 'LAMBDA(' type {',' type} ')' '->' type | one capital letter
 */
#include "planner/fn_sig.h"

#include <ctype.h>
#include <stdlib.h>

typedef struct SigScan {
    const char *at;
    Arena      *mem;
} SigScan;

enum { SIG_PARTS_MAX = 16 };

static void skip_blanks(SigScan *scan)
{
    while (*scan->at == ' ')
        scan->at++;
}

static bool take(SigScan *scan, const char *text)
{
    size_t len = strlen(text);

    skip_blanks(scan);
    if (strncmp(scan->at, text, len) != 0)
        return false;
    scan->at += len;
    return true;
}

static Str take_word(SigScan *scan)
{
    const char *begin;

    skip_blanks(scan);
    if (*scan->at == '`') {
        begin = ++scan->at;
        while (*scan->at && *scan->at != '`')
            scan->at++;
        if (*scan->at != '`')
            return STR_NULL;
        return (Str){begin, (size_t)(scan->at++ - begin)};
    }
    begin = scan->at;
    while (isalnum((unsigned char)*scan->at) || *scan->at == '_')
        scan->at++;
    return (Str){begin, (size_t)(scan->at - begin)};
}

static FnType *sig_type(SigScan *scan);

/* Types separated by commas up to the closing text; each with a name before it for a STRUCT. */
static bool sig_parts(SigScan *scan, FnType *out, const char *end)
{
    FnType  *parts[SIG_PARTS_MAX];
    Str      names[SIG_PARTS_MAX];
    uint32_t len = 0;

    if (!take(scan, end)) {
        do {
            if (len == SIG_PARTS_MAX)
                return false;
            names[len] = STR_NULL;
            if (out->kind == FN_TYPE_STRUCT)
                names[len] = take_word(scan);
            parts[len] = sig_type(scan);
            if (!parts[len])
                return false;
            len++;
        } while (take(scan, ","));
        if (!take(scan, end))
            return false;
    }
    out->parts = ARENA_ARRAY(scan->mem, FnType *, len);
    out->names = ARENA_ARRAY(scan->mem, Str, len);
    memcpy(out->parts, parts, len * sizeof *parts);
    memcpy(out->names, names, len * sizeof *names);
    out->parts_len = len;
    return true;
}

static bool sig_decimal(SigScan *scan, FnType *out)
{
    char *end;
    long  precision, scale;

    out->kind = FN_TYPE_DECIMAL;
    if (!take(scan, "("))
        return true;
    precision = strtol(scan->at, &end, 10);
    scan->at = end;
    if (!take(scan, ","))
        return false;
    scale = strtol(scan->at, &end, 10);
    scan->at = end;
    out->kind = FN_TYPE_EXACT;
    out->type = type_decimal(scan->mem, (int)precision, (int)scale);
    return take(scan, ")");
}

static bool sig_scalar(Str word, FnType *out)
{
    static const struct {
        const char *word;
        const Type *type;
    } words[] = {
        {"BOOLEAN", &type_boolean},     {"INT", &type_int},
        {"INTEGER", &type_int},         {"BIGINT", &type_bigint},
        {"DOUBLE", &type_double},       {"STRING", &type_string},
        {"VARCHAR", &type_string},      {"BYTES", &type_bytes},
        {"DATE", &type_date},           {"TIME", &type_time},
        {"TIMESTAMP", &type_timestamp}, {"UNIT", &type_unit},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_eq(word, str_from(words[i].word))) {
            out->kind = FN_TYPE_EXACT;
            out->type = words[i].type;
            return true;
        }
    }
    return false;
}

static FnType *sig_type(SigScan *scan)
{
    FnType *out = ARENA_NEW(scan->mem, FnType);
    Str     word = take_word(scan);
    bool    ok;

    if (word.len == 1 && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z') {
        out->kind = FN_TYPE_VAR;
        out->var = word.ptr[0];
        return out;
    }
    if (str_eq(word, STR("ANY"))) {
        out->kind = FN_TYPE_ANY;
        return out;
    }
    if (str_eq(word, STR("DECIMAL")))
        return sig_decimal(scan, out) ? out : NULL;
    if (str_eq(word, STR("ARRAY"))) {
        out->kind = FN_TYPE_ARRAY;
        ok = take(scan, "<") && sig_parts(scan, out, ">") && out->parts_len == 1;
    } else if (str_eq(word, STR("MAP"))) {
        out->kind = FN_TYPE_MAP;
        ok = take(scan, "<") && sig_parts(scan, out, ">") && out->parts_len == 2;
    } else if (str_eq(word, STR("STRUCT"))) {
        out->kind = FN_TYPE_STRUCT;
        ok = take(scan, "<") && sig_parts(scan, out, ">");
    } else if (str_eq(word, STR("LAMBDA"))) {
        out->kind = FN_TYPE_LAMBDA;
        ok = take(scan, "(") && sig_parts(scan, out, ")") && take(scan, "->") &&
             (out->result = sig_type(scan)) != NULL;
    } else {
        ok = sig_scalar(word, out);
    }
    return ok ? out : NULL;
}

static bool sig_params(SigScan *scan, FnSig *out)
{
    FnParam params[SIG_PARTS_MAX];

    out->variadic = -1;
    out->params_len = 0;
    if (!take(scan, ")")) {
        do {
            FnParam *param = &params[out->params_len];

            if (out->params_len == SIG_PARTS_MAX)
                return false;
            param->name = take_word(scan);
            param->type = sig_type(scan);
            if (param->name.len == 0 || !param->type)
                return false;
            if (take(scan, "..."))
                out->variadic = (int)out->params_len;
            param->is_literal = take(scan, "LITERAL");
            out->params_len++;
        } while (take(scan, ","));
        if (!take(scan, ")"))
            return false;
    }
    out->params = ARENA_ARRAY(scan->mem, FnParam, out->params_len);
    memcpy(out->params, params, out->params_len * sizeof *params);
    return true;
}

bool fn_sig_parse(Arena *mem, const char *text, FnSig *out, const char **at)
{
    SigScan scan = {text, mem};
    bool    ok;

    *out = (FnSig){0};
    ok = take(&scan, "(") && sig_params(&scan, out) && take(&scan, "->") &&
         (out->result = sig_type(&scan)) != NULL;
    skip_blanks(&scan);
    *at = scan.at;
    return ok && *scan.at == '\0';
}

const FnParam *fn_sig_param(const FnSig *sig, uint32_t i, uint32_t len)
{
    uint32_t variadic, repeats;

    if (sig->variadic < 0)
        return len == sig->params_len && i < len ? &sig->params[i] : NULL;
    if (len + 1 < sig->params_len)
        return NULL;
    variadic = (uint32_t)sig->variadic;
    repeats = len - (sig->params_len - 1);
    if (i < variadic)
        return &sig->params[i];
    if (i < variadic + repeats)
        return &sig->params[variadic];
    return &sig->params[i - repeats + 1];
}

/* INT -> BIGINT -> DECIMAL -> DOUBLE, any step forward. */
static int numeric_rank(TypeKind kind)
{
    switch (kind) {
    case T_INT:
        return 1;
    case T_BIGINT:
        return 2;
    case T_DECIMAL:
        return 3;
    case T_DOUBLE:
        return 4;
    default:
        return 0;
    }
}

bool fn_implicit_cast(const Type *from, const Type *to)
{
    int from_rank = numeric_rank(from->kind), to_rank = numeric_rank(to->kind);

    if (type_eq(from, to))
        return true;
    if (from_rank && to_rank)
        return from_rank < to_rank;
    if (from->kind == T_STRING)
        return to->kind == T_DATE || to->kind == T_TIME || to->kind == T_TIMESTAMP ||
               to->kind == T_BYTES;
    if (from->kind == T_ARRAY && to->kind == T_ARRAY)
        return fn_implicit_cast(from->elem, to->elem);
    if (from->kind == T_MAP && to->kind == T_MAP)
        return fn_implicit_cast(from->key, to->key) && fn_implicit_cast(from->elem, to->elem);
    return false;
}

static bool match_struct(const FnType *pattern, const Type *type, FnVars *vars)
{
    if (type->kind != T_STRUCT || type->fields_len != pattern->parts_len)
        return false;
    for (uint32_t i = 0; i < pattern->parts_len; i++) {
        if (!str_eq(pattern->names[i], type->fields[i].name) ||
            !fn_type_match(pattern->parts[i], type->fields[i].type, vars, false))
            return false;
    }
    return true;
}

bool fn_type_match(const FnType *pattern, const Type *type, FnVars *vars, bool casts)
{
    if (type->kind == T_NULL)
        return pattern->kind != FN_TYPE_LAMBDA;
    switch (pattern->kind) {
    case FN_TYPE_EXACT:
        return casts ? fn_implicit_cast(type, pattern->type) : type_eq(type, pattern->type);
    case FN_TYPE_VAR: {
        const Type **bound = &vars->types[pattern->var - 'A'];

        if (type->kind == T_LAMBDA || type->kind == T_UNIT)
            return false;
        if (*bound)
            return type_eq(*bound, type);
        *bound = type;
        return true;
    }
    case FN_TYPE_ANY:
        return type->kind != T_LAMBDA && type->kind != T_UNIT;
    case FN_TYPE_DECIMAL:
        return type->kind == T_DECIMAL ||
               (casts && (type->kind == T_INT || type->kind == T_BIGINT));
    case FN_TYPE_ARRAY:
        return type->kind == T_ARRAY && fn_type_match(pattern->parts[0], type->elem, vars, casts);
    case FN_TYPE_MAP:
        return type->kind == T_MAP && fn_type_match(pattern->parts[0], type->key, vars, casts) &&
               fn_type_match(pattern->parts[1], type->elem, vars, casts);
    case FN_TYPE_STRUCT:
        return match_struct(pattern, type, vars);
    case FN_TYPE_LAMBDA:
        return type->kind == T_LAMBDA && type->fields_len == pattern->parts_len;
    }
    return false;
}

static const Type *make_struct(Arena *mem, const FnType *pattern, const FnVars *vars)
{
    TypeField fields[SIG_PARTS_MAX];

    for (uint32_t i = 0; i < pattern->parts_len; i++) {
        fields[i] = (TypeField){pattern->names[i], fn_type_make(mem, pattern->parts[i], vars)};
        if (!fields[i].type)
            return NULL;
    }
    return type_struct(mem, fields, pattern->parts_len);
}

const Type *fn_type_make(Arena *mem, const FnType *pattern, const FnVars *vars)
{
    const Type *first, *second;

    switch (pattern->kind) {
    case FN_TYPE_EXACT:
        return pattern->type;
    case FN_TYPE_VAR:
        return vars->types[pattern->var - 'A'];
    case FN_TYPE_ARRAY:
        first = fn_type_make(mem, pattern->parts[0], vars);
        return first ? type_array(mem, first) : NULL;
    case FN_TYPE_MAP:
        first = fn_type_make(mem, pattern->parts[0], vars);
        second = fn_type_make(mem, pattern->parts[1], vars);
        return first && second ? type_map(mem, first, second) : NULL;
    case FN_TYPE_STRUCT:
        return make_struct(mem, pattern, vars);
    case FN_TYPE_ANY:
    case FN_TYPE_DECIMAL:
    case FN_TYPE_LAMBDA:
        break;
    }
    return NULL;
}

static void print_parts(Buf *out, const FnType *type)
{
    for (uint32_t i = 0; i < type->parts_len; i++) {
        if (i > 0)
            buf_c(out, ", ");
        if (type->kind == FN_TYPE_STRUCT) {
            buf_str(out, type->names[i]);
            buf_put(out, ' ');
        }
        fn_type_print(out, type->parts[i]);
    }
}

void fn_type_print(Buf *out, const FnType *type)
{
    static const char *const words[] = {
        [FN_TYPE_ANY] = "ANY",  [FN_TYPE_DECIMAL] = "DECIMAL", [FN_TYPE_ARRAY] = "ARRAY<",
        [FN_TYPE_MAP] = "MAP<", [FN_TYPE_STRUCT] = "STRUCT<",  [FN_TYPE_LAMBDA] = "LAMBDA (",
    };

    switch (type->kind) {
    case FN_TYPE_EXACT:
        if (type->type->kind == T_UNIT)
            buf_c(out, "INTERVALUNIT");
        else
            type_print(out, type->type);
        return;
    case FN_TYPE_VAR:
        buf_put(out, type->var);
        return;
    default:
        break;
    }
    buf_c(out, words[type->kind]);
    print_parts(out, type);
    if (type->kind == FN_TYPE_LAMBDA) {
        buf_c(out, ") => ");
        fn_type_print(out, type->result);
    } else if (type->parts_len > 0) {
        buf_put(out, '>');
    }
}
