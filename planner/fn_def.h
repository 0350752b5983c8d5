/*
 * fn_def.h -- what a SQL function is: one row.
 *
 * One row (FnDef, AggDef, TableFnDef) is all it takes to add a function: the binder resolves
 * overloads from it, DESCRIBE FUNCTION, SHOW FUNCTIONS and docs/functions.md print it.  Several
 * rows of one name are overloads.  The planner sees functions only through FnTable, which the
 * engine hands to it; it never includes exec/.
 *
 * Signatures are text, parsed once when the table is opened:
 *
 *     "(x DOUBLE) -> DOUBLE"             "(a T, b T...) -> T"
 *     "(a ARRAY<T>) -> INT"              "(d DECIMAL) -> DECIMAL"
 *     "(a ARRAY<T>, f LAMBDA(T) -> R) -> ARRAY<R>"
 *     "(unit UNIT, n INT, t TIMESTAMP) -> TIMESTAMP"
 *     "(x ANY...) -> STRING"
 *
 * Single capitals T K V R S U are type variables: they bind to the identical type everywhere.
 * DECIMAL without numbers takes any precision; as a result it means "the type of the first DECIMAL
 * argument" unless `result` computes it.  ANY matches any type.  "..." marks the variadic
 * parameter (zero or more), at any position.
 *
 * An argument of type UNIT is a literal of kind T_UNIT whose u.i is the unit's milliseconds.
 */
#ifndef PLANNER_FN_DEF_H
#define PLANNER_FN_DEF_H

#include "common/err.h"
#include "common/value.h"

typedef struct FnDef      FnDef;
typedef struct FnCall     FnCall;
typedef struct AggDef     AggDef;
typedef struct TableFnDef TableFnDef;

/* Calls lambda argument number i of a call with its arguments; errors as any evaluation error. */
typedef ErrCode (*FnLambdaCall)(const FnCall *call, uint32_t arg, const Value *args, Value *out,
                                Err *err);

/* One call site, made when the expression is compiled; read-only while running but for `state`. */
struct FnCall {
    const FnDef       *def;
    const Type *const *arg_types; /* after coercion; T_LAMBDA for a lambda */
    const Type        *result;
    uint32_t           args_len;
    Arena             *mem;   /* batch_mem of the running batch: results live here */
    void              *state; /* what prepare made: compiled regex, parsed pattern */
    FnLambdaCall       lambda;
    const void        *lambda_env;
    int64_t            now_ms; /* wall clock when the batch began */
};

typedef ErrCode (*FnEval)(const FnCall *call, const Value *args, Value *out, Err *err);

typedef enum FnNulls {
    NULL_IN_NULL_OUT, /* any null argument gives null and eval is not called */
    NULL_IS_VALUE,    /* eval sees nulls */
    NULL_IS_ERROR     /* any null argument is an evaluation error (Java primitives) */
} FnNulls;

enum {
    FN_VOLATILE = 1 /* fresh on every call (RANDOM, UUID, UNIX_TIMESTAMP): never folded */
};

struct FnDef {
    const char *name;     /* upper case */
    const char *category; /* as SHOW FUNCTIONS spells it: "MATHEMATICAL" */
    const char *sig;
    FnNulls     nulls;
    unsigned    flags;
    FnEval      eval;
    const char *doc;     /* sentences for people */
    const char *example; /* "ABS(-3) = 3": executed by a test */
    /* NULL, or computes the result type from the argument types; may refuse (ERR_STATEMENT). */
    ErrCode (*result)(const Type *const *arg_types, uint32_t len, Arena *mem, const Type **out,
                      Err *err);
    /*
     * NULL, or prepares a call site once per query.  literal[i] is NULL when argument i is not a
     * constant.  May refuse a bad constant (ERR_STATEMENT) or leave it to eval.
     */
    ErrCode (*prepare)(FnCall *call, const Value *const *literal, Arena *query_mem, Err *err);
    void (*unprepare)(FnCall *call); /* NULL, or releases handles that prepare opened */
};

/*
 * An aggregate keeps `slots_len` values per group in the state store, in place.  The engine calls
 * slot writers through AggSlots, so that before-images and memory are its own business.
 *
 * add, undo and merge may not fail for data reasons (ref: an exception stops the query); they
 * return ERR_EVAL for exactly those cases.
 */
typedef struct AggSlots AggSlots; /* the slots of one group, of one aggregate; exec/agg.h */

typedef struct AggCall {
    const AggDef      *def;
    const Type *const *arg_types;
    uint32_t           args_len;
    const Value       *init_args; /* the trailing literal arguments (TOPK's k), evaluated */
    uint32_t           init_len;
    const Type        *result;
    const Type *const *slot_types;
    int64_t            limit; /* value of def->limit_property; below 0: none */
    Arena             *mem;   /* batch_mem */
} AggCall;

struct AggDef {
    const char *name;
    const char
            *sig; /* trailing literal parameters are marked: "(x T, k INT LITERAL) -> ARRAY<T>" */
    uint32_t slots_len;
    /* Its only slot holds its value, of the result's type, at any time: a view can be the state. */
    bool state_is_value;
    /* Property that bounds what a group keeps, read when the statement is planned; NULL: none. */
    const char *limit_property;
    const char *doc;
    const char *example;
    ErrCode (*result)(const Type *const *arg_types, uint32_t len, Arena *mem, const Type **out,
                      Err *err);
    /* Types of the slots; they decide how state is stored. */
    ErrCode (*slot_types)(const AggCall *call, Arena *mem, const Type **out, Err *err);
    void (*init)(const AggCall *call, AggSlots *slots);
    ErrCode (*add)(const AggCall *call, AggSlots *slots, const Value *args, Err *err);
    ErrCode (*undo)(const AggCall *call, AggSlots *slots, const Value *args,
                    Err *err); /* NULL: cannot */
    /* into += other (sessions). */
    ErrCode (*merge)(const AggCall *call, AggSlots *into, const AggSlots *other, Err *err);
    ErrCode (*finish)(const AggCall *call, const AggSlots *slots, Value *out, Err *err);
};

/* A table function gives zero or more values for one row. */
struct TableFnDef {
    const char *name;
    const char *sig; /* the result is the type of one output value */
    const char *doc;
    const char *example;
    /* out: an array of *len values in call->mem. */
    ErrCode (*eval)(const FnCall *call, const Value *args, const Value **out, uint32_t *len,
                    Err *err);
};

/* All functions, by name.  Made once by exec/functions/fn_table.c; immutable, any thread. */
typedef struct FnTable {
    const FnDef *const      *fns; /* sorted by name, then as listed */
    size_t                   fns_len;
    const AggDef *const     *aggs;
    size_t                   aggs_len;
    const TableFnDef *const *table_fns;
    size_t                   table_fns_len;
} FnTable;

#endif
