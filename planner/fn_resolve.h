/*
 * fn_resolve.h -- which row of the function table a call means.
 *
 * First the overloads that take the arguments as they are, then, where casts are allowed, those
 * that take them after implicit conversions.  Among several the best is taken by this order: not
 * variadic; more parameters; fewer type variables; no variadic ANY; the variadic parameter later.
 * A tie is an error, and so is none: both list the alternatives.
 *
 * Thread: any.
 */
#ifndef PLANNER_FN_RESOLVE_H
#define PLANNER_FN_RESOLVE_H

#include "planner/fn_sig.h"

typedef struct FnQuery {
    Str                name;
    SrcPos             pos;
    const char *const *sigs; /* the overloads of name */
    uint32_t           sigs_len;
    /* T_NULL: a NULL literal.  A lambda is a Type of kind T_LAMBDA with fields_len parameters. */
    const Type *const *args;
    uint32_t           args_len;
    bool               casts;
} FnQuery;

typedef struct FnMatch {
    uint32_t index; /* of the overload in sigs */
    FnSig    sig;
    FnVars   vars;
} FnMatch;

ErrCode fn_resolve(Arena *mem, const FnQuery *query, FnMatch *out, Err *err) ERR_MUST_USE;

/*
 * What argument i becomes: its own type, or the one it is converted to.  type_null for a NULL whose
 * parameter leaves its type open.
 */
const Type *fn_match_arg(Arena *mem, const FnMatch *match, const FnQuery *query, uint32_t i);

/* The rows of one name, in fns: first and one behind the last index; equal when there are none. */
typedef struct FnRange {
    size_t first, end;
} FnRange;

FnRange fn_table_find(const FnTable *table, Str name);
FnRange fn_table_find_agg(const FnTable *table, Str name);
FnRange fn_table_find_table_fn(const FnTable *table, Str name);

/* The name in the table nearest to name, or STR_NULL. */
Str fn_table_nearest(const FnTable *table, Str name, Arena *mem);

#endif
