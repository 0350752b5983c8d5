/*
 * fn_resolve.c -- overload resolution.
 *
 * Every overload is tried; there are at most a dozen of one name, so nothing is indexed.
 */
#include "planner/fn_resolve.h"

#include <assert.h>

static FnSig parse_sig(Arena *mem, const char *text)
{
    FnSig       sig;
    const char *at;
    bool        ok = fn_sig_parse(mem, text, &sig, &at);

    assert(ok); /* a test parses every signature of the function table */
    return sig;
}

static bool sig_takes(const FnSig *sig, const FnQuery *query, bool casts, FnVars *vars)
{
    *vars = (FnVars){0};
    if (sig->variadic < 0 ? query->args_len != sig->params_len
                          : query->args_len + 1 < sig->params_len)
        return false;
    for (uint32_t i = 0; i < query->args_len; i++) {
        const FnParam *param = fn_sig_param(sig, i, query->args_len);

        if (!fn_type_match(param->type, query->args[i], vars, casts))
            return false;
    }
    return true;
}

static uint32_t type_generics(const FnType *type)
{
    uint32_t count = type->kind == FN_TYPE_VAR || type->kind == FN_TYPE_ANY;

    for (uint32_t i = 0; i < type->parts_len; i++)
        count += type_generics(type->parts[i]);
    return count;
}

static uint32_t sig_generics(const FnSig *sig)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sig->params_len; i++)
        count += type_generics(sig->params[i].type) > 0;
    return count;
}

static bool has_variadic_any(const FnSig *sig)
{
    return sig->variadic >= 0 && sig->params[sig->variadic].type->kind == FN_TYPE_ANY;
}

/* Above zero when a is the better overload. */
static int sig_compare(const FnSig *a, const FnSig *b)
{
    if ((a->variadic < 0) != (b->variadic < 0))
        return a->variadic < 0 ? 1 : -1;
    if (a->params_len != b->params_len)
        return a->params_len > b->params_len ? 1 : -1;
    if (sig_generics(a) != sig_generics(b))
        return sig_generics(a) < sig_generics(b) ? 1 : -1;
    if (has_variadic_any(a) != has_variadic_any(b))
        return has_variadic_any(b) ? 1 : -1;
    if (a->variadic != b->variadic)
        return a->variadic > b->variadic ? 1 : -1;
    return 0;
}

/* True when some overload fits; *is_tie when two fit equally well. */
static bool resolve_pass(Arena *mem, const FnQuery *query, bool casts, FnMatch *out, bool *is_tie)
{
    bool found = false;

    *is_tie = false;
    for (uint32_t i = 0; i < query->sigs_len; i++) {
        FnSig  sig = parse_sig(mem, query->sigs[i]);
        FnVars vars;
        int    order;

        if (!sig_takes(&sig, query, casts, &vars))
            continue;
        order = found ? sig_compare(&sig, &out->sig) : 1;
        if (order > 0) {
            *out = (FnMatch){.index = i, .sig = sig, .vars = vars};
            *is_tie = false;
        } else if (order == 0) {
            *is_tie = true;
        }
        found = true;
    }
    return found;
}

static void print_arg_types(Buf *out, const FnQuery *query)
{
    for (uint32_t i = 0; i < query->args_len; i++) {
        const Type *type = query->args[i];

        if (i > 0)
            buf_c(out, ", ");
        switch (type->kind) {
        case T_NULL:
            buf_c(out, "null");
            break;
        case T_LAMBDA:
            buf_printf(out, "LAMBDA with %u parameter%s", type->fields_len,
                       type->fields_len == 1 ? "" : "s");
            break;
        case T_UNIT:
            buf_c(out, "INTERVALUNIT");
            break;
        default:
            type_print(out, type);
        }
    }
}

/* NAME(a INT, b INT...), ... -- what fits into an error message. */
static void print_alternatives(Buf *out, const FnQuery *query)
{
    for (uint32_t i = 0; i < query->sigs_len; i++) {
        const char *end = strstr(query->sigs[i], ") ->");

        /* The arrow of the result is the last one; those before it belong to lambdas. */
        for (const char *next = end; next; next = strstr(next + 1, ") ->"))
            end = next;
        assert(end);
        if (i > 0)
            buf_c(out, ", ");
        buf_printf(out, "%.*s%.*s)", STR_ARG(query->name), (int)(end - query->sigs[i]),
                   query->sigs[i]);
    }
}

/* Whether an overload takes as many arguments, none of which a CAST could not help. */
static bool could_be_cast(Arena *mem, const FnQuery *query)
{
    for (uint32_t i = 0; i < query->args_len; i++) {
        TypeKind kind = query->args[i]->kind;

        if (kind == T_LAMBDA || kind == T_ARRAY || kind == T_MAP || kind == T_STRUCT)
            return false;
    }
    for (uint32_t i = 0; i < query->sigs_len; i++) {
        const char *at;
        FnSig       sig;

        if (fn_sig_parse(mem, query->sigs[i], &sig, &at) && sig.params_len == query->args_len)
            return query->args_len > 0;
    }
    return false;
}

static ErrCode no_match(Arena *mem, const FnQuery *query, bool is_tie, Err *err)
{
    Buf types = buf_in(mem), alternatives = buf_in(mem);

    print_arg_types(&types, query);
    print_alternatives(&alternatives, query);
    if (is_tie) {
        err_set_at(err, ERR_STATEMENT, query->pos,
                   "function \"%.*s\" is ambiguous for parameters (%.*s); it takes: %.*s",
                   STR_ARG(query->name), STR_ARG(buf_view(&types)),
                   STR_ARG(buf_view(&alternatives)));
        err_hint(err, "CAST the arguments to the types of one of them");
        return ERR_STATEMENT;
    }
    err_set_at(err, ERR_STATEMENT, query->pos,
               "function \"%.*s\" does not accept parameters (%.*s); it takes: %.*s",
               STR_ARG(query->name), STR_ARG(buf_view(&types)), STR_ARG(buf_view(&alternatives)));
    if (could_be_cast(mem, query))
        err_hint(err, "CAST what has another type");
    return ERR_STATEMENT;
}

ErrCode fn_resolve(Arena *mem, const FnQuery *query, FnMatch *out, Err *err)
{
    bool    is_tie;
    FnMatch match = {0};

    if (!resolve_pass(mem, query, false, &match, &is_tie) &&
        !(query->casts && resolve_pass(mem, query, true, &match, &is_tie)))
        return no_match(mem, query, false, err);
    if (is_tie)
        return no_match(mem, query, true, err);
    *out = match;
    return ERR_OK;
}

const Type *fn_match_arg(Arena *mem, const FnMatch *match, const FnQuery *query, uint32_t i)
{
    const FnType *pattern = fn_sig_param(&match->sig, i, query->args_len)->type;
    const Type   *given = query->args[i];
    const Type   *made;

    if (pattern->kind == FN_TYPE_LAMBDA)
        return given;
    if (pattern->kind == FN_TYPE_DECIMAL && given->kind == T_INT)
        return type_decimal(mem, 10, 0);
    if (pattern->kind == FN_TYPE_DECIMAL && given->kind == T_BIGINT)
        return type_decimal(mem, 19, 0);
    made = fn_type_make(mem, pattern, &match->vars);
    return made ? made : given;
}

/* name of row i in a list of rows that are sorted by name */
typedef const char *(*RowName)(const FnTable *table, size_t i);

static const char *fn_row(const FnTable *table, size_t i)
{
    return table->fns[i]->name;
}

static const char *agg_row(const FnTable *table, size_t i)
{
    return table->aggs[i]->name;
}

static const char *table_fn_row(const FnTable *table, size_t i)
{
    return table->table_fns[i]->name;
}

static FnRange find_rows(const FnTable *table, size_t len, RowName name_of, Str name)
{
    size_t  low = 0, high = len;
    FnRange range;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(str_from(name_of(table, middle)), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    range = (FnRange){low, low};
    while (range.end < len && str_eq(str_from(name_of(table, range.end)), name))
        range.end++;
    return range;
}

FnRange fn_table_find(const FnTable *table, Str name)
{
    return find_rows(table, table->fns_len, fn_row, name);
}

FnRange fn_table_find_agg(const FnTable *table, Str name)
{
    return find_rows(table, table->aggs_len, agg_row, name);
}

FnRange fn_table_find_table_fn(const FnTable *table, Str name)
{
    return find_rows(table, table->table_fns_len, table_fn_row, name);
}

Str fn_table_nearest(const FnTable *table, Str name, Arena *mem)
{
    size_t len = table->fns_len + table->aggs_len + table->table_fns_len, n = 0;
    Str   *names = ARENA_ARRAY(mem, Str, len);

    for (size_t i = 0; i < table->fns_len; i++)
        names[n++] = str_from(fn_row(table, i));
    for (size_t i = 0; i < table->aggs_len; i++)
        names[n++] = str_from(agg_row(table, i));
    for (size_t i = 0; i < table->table_fns_len; i++)
        names[n++] = str_from(table_fn_row(table, i));
    return str_nearest(name, names, n);
}
