/*
 * fn_sig.h -- a function's signature as a tree.
 *
 * The text is described in fn_def.h.  A signature is parsed where it is needed: that costs about a
 * microsecond, and statements are rare.
 *
 * Thread: any.
 */
#ifndef PLANNER_FN_SIG_H
#define PLANNER_FN_SIG_H

#include "planner/fn_def.h"

typedef enum FnTypeKind {
    FN_TYPE_EXACT,   /* type */
    FN_TYPE_VAR,     /* var: bound to one type in the whole signature */
    FN_TYPE_ANY,     /* any type, each argument its own */
    FN_TYPE_DECIMAL, /* a DECIMAL of any precision and scale */
    FN_TYPE_ARRAY,   /* parts[0] */
    FN_TYPE_MAP,     /* parts[0] key, parts[1] value */
    FN_TYPE_STRUCT,  /* parts, with names */
    FN_TYPE_LAMBDA   /* parts: the parameters; result */
} FnTypeKind;

typedef struct FnType FnType;
struct FnType {
    FnTypeKind  kind;
    const Type *type;
    char        var; /* 'A' to 'Z' */
    FnType    **parts;
    Str        *names; /* STRUCT */
    uint32_t    parts_len;
    FnType     *result;
};

typedef struct FnParam {
    Str     name;
    FnType *type;
    bool    is_literal; /* trailing parameter of an aggregate */
} FnParam;

typedef struct FnSig {
    FnParam *params;
    uint32_t params_len;
    int      variadic; /* index of the parameter that repeats, -1: none */
    FnType  *result;
} FnSig;

/* What type variables stand for; NULL: not bound yet. */
typedef struct FnVars {
    const Type *types[26];
} FnVars;

/* False on malformed text; *at is then where.  The text must outlive the signature. */
bool fn_sig_parse(Arena *mem, const char *text, FnSig *out, const char **at);

/* The parameter that argument number i of len takes; NULL when there is none. */
const FnParam *fn_sig_param(const FnSig *sig, uint32_t i, uint32_t len);

/*
 * Whether a value of type fits the pattern, binding variables on the way; T_NULL fits everything
 * and binds nothing.  casts also allows the implicit conversions of function arguments.
 */
bool fn_type_match(const FnType *pattern, const Type *type, FnVars *vars, bool casts);

/* The type that the pattern stands for; NULL when a variable in it is not bound. */
const Type *fn_type_make(Arena *mem, const FnType *pattern, const FnVars *vars);

/* Whether a function argument of one type is converted to the other without a CAST. */
bool fn_implicit_cast(const Type *from, const Type *to);

void fn_type_print(Buf *out, const FnType *type);

#endif
