/*
 * bind.h -- from AST expressions to bound ones; private to the planner.
 *
 * A Scope is what names can mean: the sources of a query.  Each of its columns, and each pseudo
 * column of each source, has a number, the *scope number*.  Expressions are first bound over scope
 * numbers (EXPR_COLUMN with that number); build.c lowers them to the columns of a step's input
 * with expr_map().  Aggregates and table functions that an expression contains are taken out and
 * listed; in their place stands an EXPR_COLUMN whose number is behind all scope numbers:
 * scope->cols_len plus the index in the list.
 *
 * Everything bound lives in ctx->mem, texts included: nothing points into the AST.
 *
 * Thread: any; a BindCtx is on the caller's stack.
 */
#ifndef PLANNER_BIND_H
#define PLANNER_BIND_H

#include "common/decimal.h"
#include "common/vec.h"
#include "parser/ast.h"
#include "planner/catalog.h"
#include "planner/planner.h"

typedef struct ScopeSource {
    const Source *source;
    const Schema *schema; /* a copy of source->schema */
    Str           alias;  /* its name when none was written */
    SrcPos        pos;
    uint32_t      first; /* scope number of its first column; its pseudo columns follow the last */
} ScopeSource;

/* A column of a sub-select: a name for an expression over the source. */
typedef struct ScopeDerived {
    Str     name;
    Expr   *expr;
    int64_t parts; /* nodes of expr */
} ScopeDerived;

typedef struct Scope {
    ScopeSource        *sources;
    uint32_t            len;
    const ScopeDerived *derived; /* hide the only source's columns; NULL: no sub-select */
    uint32_t            derived_len;
    int64_t            *parts;       /* of all derived columns that were read so far */
    uint32_t            cols_len;    /* scope numbers given */
    Str                 rowkey;      /* name of a join's made-up key column; NULL: none */
    const Type         *rowkey_type; /* its number is the last one given */
} Scope;

typedef struct BoundTableFn {
    const TableFnDef *def;
    Expr            **args;
    uint32_t          args_len;
    const Type       *type;
    SrcPos            pos;
} BoundTableFn;

typedef VEC(PlanAgg) BoundAggs;
typedef VEC(BoundTableFn) BoundTableFns;

typedef struct BindParam {
    Str         name;
    const Type *type;
} BindParam;

/* Where an expression stands and what it may contain. */
typedef struct BindCtx {
    const PlannerEnv *env;
    Arena            *mem;
    const Scope      *scope;     /* NULL: constants only */
    const char       *clause;    /* "SELECT", "WHERE": for messages */
    BoundAggs        *aggs;      /* NULL: aggregate functions are refused */
    BoundTableFns    *table_fns; /* NULL: table functions are refused */
    bool has_window_bounds;      /* SELECT of a windowed GROUP BY: WINDOWSTART is the group's */
    bool compares_time_text;     /* WHERE: ROWTIME = '2020' means milliseconds */
    VEC(BindParam) params;       /* of the enclosing lambdas, outermost first */
} BindCtx;

/* --- scope.c ---------------------------------------------------------------------------------- */

/* Adds a source; its columns get the next scope numbers. */
void scope_add(Arena *mem, Scope *scope, const Source *source, Str alias, SrcPos pos);
/* The key of a join that no column holds: ROWKEY, or ROWKEY_n where columns are called so. */
void scope_add_rowkey(Arena *mem, Scope *scope, const Type *type);
/* Index of the source of that alias, or -1. */
int scope_find_alias(const Scope *scope, Str alias);

typedef struct ScopeColumn {
    uint32_t     source; /* index in scope->sources */
    bool         is_rowkey;
    bool         is_pseudo;
    PseudoColumn pseudo;
    uint32_t     column; /* of the source's schema */
} ScopeColumn;

ScopeColumn scope_column(const Scope *scope, uint32_t number);
uint32_t    scope_number(const Scope *scope, ScopeColumn column);
Str         scope_column_name(const Scope *scope, uint32_t number);
bool        scope_has_column(const Scope *scope, Str name); /* any of its sources, no pseudo */
/* Whether expr is the only key column of the source, and nothing else. */
bool scope_is_key(const ScopeSource *source, const Expr *expr);
/* Whether more than one source has a column, or pseudo column, of that name. */
bool scope_is_clash(const Scope *scope, Str name);
/* Binds [qualifier.]name; refuses what is unknown or ambiguous. */
ErrCode scope_bind(const BindCtx *ctx, const AstExpr *column, Expr **out, Err *err) ERR_MUST_USE;
/* A column of the scope as an expression. */
Expr *scope_expr(Arena *mem, const Scope *scope, uint32_t number, SrcPos pos);

/* --- bind_type.c ------------------------------------------------------------------------------ */

/* Looks up custom types; checks DECIMAL's numbers and STRUCT's field names. */
/* INT, ARRAY, ...: the types that are there from the beginning; in any case. */
bool    is_type_name(Str name);
ErrCode bind_type(const PlannerEnv *env, Arena *mem, const AstType *ast, const Type **out,
                  Err *err) ERR_MUST_USE;

/* --- bind_expr.c ------------------------------------------------------------------------------ */

ErrCode bind_expr(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err) ERR_MUST_USE;
/* The same, and it must be BOOLEAN: WHERE, HAVING. */
ErrCode bind_predicate(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err) ERR_MUST_USE;

/* --- bind_call.c ------------------------------------------------------------------------------ */

ErrCode bind_call(BindCtx *ctx, const AstExpr *ast, Expr **out, Err *err) ERR_MUST_USE;
/* A call of a named scalar function with bound arguments. */
ErrCode bind_call_of(BindCtx *ctx, Str name, Expr **args, uint32_t args_len, SrcPos pos, Expr **out,
                     Err *err) ERR_MUST_USE;

/* --- bind_coerce.c ---------------------------------------------------------------------------- */

Expr *expr_new(Arena *mem, ExprKind kind, const Type *type, SrcPos pos, uint32_t args_len);
Expr *expr_literal(Arena *mem, const Type *type, Value value, SrcPos pos);
bool  expr_is_null_literal(const Expr *expr);

/* Whether the CAST matrix has this conversion. */
bool cast_exists(const Type *from, const Type *to);
/*
 * expr as a value of type: itself, a typed NULL, or an implicit cast.  A constant that cannot be
 * converted is refused here and not in every row.  The conversion must exist.
 */
ErrCode coerce(BindCtx *ctx, Expr *expr, const Type *type, Expr **out, Err *err) ERR_MUST_USE;
/* Makes all exprs one type, as IN lists and constructors want; *out is NULL when all are NULL. */
ErrCode coerce_list(BindCtx *ctx, Expr **exprs, uint32_t len, const Type **out,
                    Err *err) ERR_MUST_USE;
/* Makes both sides comparable; equality says that only = and <> are asked for. */
ErrCode coerce_comparison(BindCtx *ctx, Expr **left, Expr **right, bool equality, const char *op,
                          SrcPos pos, Err *err) ERR_MUST_USE;
/* Integers in exact arithmetic count as decimals of all their digits. */
const Type *as_decimal(Arena *mem, const Type *type);
/* The numeric type that holds all values of both. */
const Type *numeric_common(Arena *mem, const Type *a, const Type *b);
/* INSERT ... SELECT and sinks that exist: numeric widening only. */
bool widens_to(const Type *from, const Type *to);

/* --- fold.c ----------------------------------------------------------------------------------- */

/* Turns expr into a literal when all its operands are; an evaluation error is left to run time. */
ErrCode fold(const BindCtx *ctx, Expr *expr, Err *err) ERR_MUST_USE;

/* --- expr_map.c ------------------------------------------------------------------------------- */

/*
 * Copies expr, with replacements: visit is asked for every node, parents first; NULL in *out means
 * "copy this node and go on below".
 */
typedef ErrCode (*ExprVisit)(void *arg, const Expr *expr, Expr **out, Err *err);
ErrCode expr_map(Arena *mem, const Expr *expr, ExprVisit visit, void *arg, Expr **out,
                 Err *err) ERR_MUST_USE;
/* True when some node below expr, itself included, makes test true. */
bool expr_any(const Expr *expr, bool (*test)(const Expr *expr, void *arg), void *arg);

#endif
