/*
 * ast.h -- what the parser makes of a statement.
 *
 * The tree says what was written and nothing more: no name is looked up, no type is derived, no
 * rule of the language beyond its grammar is checked.  Every node lives in the arena given to the
 * parser and is never changed after parsing; text points into the parser's own copy of the source,
 * in the same arena.
 *
 * An expression keeps its operands in args whatever its kind, so that a walk over a tree is one
 * loop.  Its depth is bounded (ast_depth_max()), so that recursion over it is safe: AND and OR
 * hold all operands of a chain in one node.
 *
 * Positions are those of the text as the client sent it, also behind a substituted variable.
 *
 * Thread: any, once parsed.
 */
#ifndef PARSER_AST_H
#define PARSER_AST_H

#include "common/err.h"
#include "common/value.h"

typedef struct AstExpr  AstExpr;
typedef struct AstType  AstType;
typedef struct AstQuery AstQuery;
typedef struct AstStmt  AstStmt;

/* text.ptr == NULL: no name was given. */
typedef struct AstName {
    Str    text;     /* as the catalog stores it: upper-cased unless quoted */
    Str    original; /* as written, quotes removed: PRINT and connectors keep the case */
    SrcPos pos;
    bool   is_quoted; /* `a`, "a" or, where the grammar takes a string for a name, 'a' */
} AstName;

typedef struct AstNames {
    AstName *items;
    size_t   len;
} AstNames;

/* --- types ------------------------------------------------------------------------------------ */

typedef struct AstField {
    AstName  name;
    AstType *type;
} AstField;

struct AstType {
    TypeKind  kind; /* T_NULL: a custom type, to be looked up by name */
    SrcPos    pos;
    AstName   name;             /* custom type */
    int32_t   precision, scale; /* DECIMAL, as written: the rules are not checked */
    AstType  *key;              /* MAP */
    AstType  *elem;             /* ARRAY, MAP */
    AstField *fields;           /* STRUCT */
    size_t    fields_len;
    int       depth; /* 1 for a scalar */
};

/* --- expressions ------------------------------------------------------------------------------ */

typedef enum AstExprKind {
    AST_LITERAL,      /* value: T_NULL BOOLEAN INT BIGINT DECIMAL DOUBLE STRING */
    AST_COLUMN,       /* [qualifier.]name */
    AST_CALL,         /* name(args); is_star: name(*) */
    AST_UNIT_WORD,    /* unit, as an argument: TIMESTAMPADD(DAYS, ...).  The words that are not
                         reserved (DAY) come as AST_COLUMN: ast_unit_of_column() */
    AST_CAST,         /* args[0], type */
    AST_SIGN,         /* op '-' or '+', args[0]; a minus before a number is in the literal */
    AST_ARITHMETIC,   /* op, args[0], args[1] */
    AST_CONCAT,       /* args[0] || args[1] */
    AST_COMPARE,      /* op, args[0], args[1] */
    AST_AND,          /* two or more args */
    AST_OR,           /* two or more args */
    AST_NOT,          /* args[0] */
    AST_IS_NULL,      /* args[0]; is_not */
    AST_IS_DISTINCT,  /* args[0] IS [NOT] DISTINCT FROM args[1]; is_not */
    AST_BETWEEN,      /* args[0] [NOT] BETWEEN args[1] AND args[2]; is_not */
    AST_IN,           /* args[0] [NOT] IN (args[1], ...); is_not */
    AST_LIKE,         /* args[0] [NOT] LIKE args[1]; is_not; value: the ESCAPE string or null */
    AST_CASE,         /* [operand,] when, then, when, then, ... [, else]; has_operand, has_else */
    AST_SUBSCRIPT,    /* args[0][args[1]] */
    AST_FIELD,        /* args[0]->name */
    AST_ARRAY,        /* ARRAY[args] */
    AST_MAP,          /* MAP(args[0] := args[1], ...) */
    AST_STRUCT,       /* STRUCT(names[0] := args[0], ...) */
    AST_LAMBDA,       /* (names) => args[0]; an argument of AST_CALL only */
    AST_AT_TIME_ZONE, /* args[0] AT TIME ZONE value */
    AST_EXPR_COUNT_
} AstExprKind;

typedef enum AstOp {
    AST_OP_NONE,
    AST_OP_ADD, /* also the sign + */
    AST_OP_SUB, /* also the sign - */
    AST_OP_MUL,
    AST_OP_DIV,
    AST_OP_MOD,
    AST_OP_EQ,
    AST_OP_NE,
    AST_OP_LT,
    AST_OP_LE,
    AST_OP_GT,
    AST_OP_GE
} AstOp;

typedef enum AstUnit {
    AST_MILLISECONDS,
    AST_SECONDS,
    AST_MINUTES,
    AST_HOURS,
    AST_DAYS,
    AST_MONTHS, /* only as AST_UNIT_WORD */
    AST_YEARS   /* only as AST_UNIT_WORD */
} AstUnit;

struct AstExpr {
    AstExprKind kind;
    AstOp       op;
    AstUnit     unit;
    uint16_t    depth; /* 1 for a leaf */
    bool        is_not;
    bool        is_star;
    bool        has_operand;
    bool        has_else;
    bool        is_parenthesised; /* stood in parentheses of its own */
    SrcPos      pos;              /* the whole expression, from its first to its last character */
    uint32_t    args_len;
    AstExpr   **args;
    AstName     qualifier; /* COLUMN */
    AstName     name;      /* COLUMN CALL FIELD */
    AstNames    names;     /* STRUCT LAMBDA */
    AstType    *type;      /* CAST */
    Value       value;     /* LITERAL LIKE AT_TIME_ZONE */
};

/* --- queries ---------------------------------------------------------------------------------- */

typedef struct AstDuration {
    int64_t amount; /* >= 0 */
    AstUnit unit;   /* MILLISECONDS to DAYS */
    SrcPos  pos;
} AstDuration;

typedef enum AstItemKind {
    AST_ITEM_EXPR,       /* expr [AS alias] */
    AST_ITEM_ALL,        /* * */
    AST_ITEM_SOURCE_ALL, /* source.* */
    AST_ITEM_STRUCT_ALL  /* expr->* */
} AstItemKind;

typedef struct AstItem {
    AstItemKind kind;
    SrcPos      pos;
    AstExpr    *expr;
    AstName     alias;
    AstName     source;
} AstItem;

typedef struct AstSource {
    AstName   name;
    AstName   alias;
    AstQuery *query; /* a sub-select; name has its place only.  NULL: a name */
} AstSource;

typedef enum AstJoinKind { AST_INNER, AST_LEFT, AST_RIGHT, AST_FULL } AstJoinKind;

typedef struct AstJoin {
    AstJoinKind kind;
    SrcPos      pos; /* from INNER, LEFT, ... or JOIN */
    AstSource   source;
    bool        has_within;
    bool        is_within_pair; /* WITHIN (before, after): else both are equal */
    bool        has_grace;
    AstDuration before, after;
    AstDuration grace;
    AstExpr    *on;
} AstJoin;

typedef enum AstWindowKind { AST_TUMBLING, AST_HOPPING, AST_SESSION } AstWindowKind;

typedef struct AstWindow {
    AstWindowKind kind;
    SrcPos        pos;
    AstName       name;    /* optional, and of no effect */
    AstDuration   size;    /* SESSION: the gap */
    AstDuration   advance; /* HOPPING */
    AstDuration   retention;
    AstDuration   grace;
    bool          has_retention;
    bool          has_grace;
} AstWindow;

/* GROUP BY and PARTITION BY.  pos.line == 0: no such clause; `()` is a clause without items. */
typedef struct AstKeys {
    SrcPos    pos;
    bool      is_parenthesised;
    AstExpr **items;
    size_t    len;
} AstKeys;

typedef enum AstEmit { AST_EMIT_NONE, AST_EMIT_CHANGES, AST_EMIT_FINAL } AstEmit;

struct AstQuery {
    SrcPos     pos;
    SrcPos     distinct_pos; /* line == 0: no DISTINCT */
    AstItem   *items;
    size_t     items_len;
    AstSource  from;
    AstJoin   *joins;
    size_t     joins_len;
    AstWindow *window; /* NULL: none */
    AstExpr   *where;  /* NULL: none */
    AstKeys    group_by;
    AstKeys    partition_by;
    AstExpr   *having; /* NULL: none */
    AstEmit    emit;
    SrcPos     emit_pos;
    bool       has_limit;
    int64_t    limit;
    SrcPos     limit_pos;
    AstQuery  *next;   /* behind UNION ALL: without EMIT and LIMIT; NULL: none */
    int64_t    unions; /* how many follow */
};

/* --- statements ------------------------------------------------------------------------------- */

/* WITH (name = value, ...), in the order written; compare names with str_eq_nocase(). */
typedef struct AstProp {
    AstName name;
    Value   value; /* a literal */
    SrcPos  pos;   /* of the value */
} AstProp;

typedef struct AstProps {
    AstProp *items;
    size_t   len;
    SrcPos   pos; /* of WITH; line 0: none */
} AstProps;

typedef enum AstColumnRole {
    AST_COLUMN_VALUE,
    AST_COLUMN_KEY,
    AST_COLUMN_PRIMARY_KEY,
    AST_COLUMN_HEADERS,
    AST_COLUMN_HEADER /* HEADER('key') */
} AstColumnRole;

typedef struct AstColumn {
    AstName       name;
    AstType      *type;
    AstColumnRole role;
    Str           header_key;
    SrcPos        pos; /* the whole declaration */
} AstColumn;

typedef struct AstColumns {
    AstColumn *items;
    size_t     len;
    SrcPos     pos; /* of the parenthesis; line 0: none */
} AstColumns;

typedef struct AstExprs {
    AstExpr **items;
    size_t    len;
    SrcPos    pos;
} AstExprs;

#include "parser/ast_stmt.h"

/* --- functions -------------------------------------------------------------------------------- */

/* How deep an expression or a type can be: callers may recurse over it. */
int ast_depth_max(void);

/* Same structure, names and values; positions and redundant parentheses do not count. */
bool ast_expr_eq(const AstExpr *a, const AstExpr *b);
bool ast_type_eq(const AstType *a, const AstType *b);

/*
 * Calls visit on expr and everything below it, parents first.  visit returns false to leave out
 * what is below the node it was given.
 */
void ast_expr_visit(const AstExpr *expr, bool (*visit)(const AstExpr *expr, void *arg), void *arg);

/* The source that a query reads, behind all sub-selects: the left-most one of a join. */
const AstSource *ast_innermost_source(const AstQuery *query);

/* Milliseconds; false when they do not fit. */
bool ast_duration_ms(AstDuration duration, int64_t *out);
/* DAY, Days, ... ignoring case. */
bool ast_unit_parse(Str word, AstUnit *out);
/* An unqualified, unquoted column whose name is a unit word, for arguments that want a unit. */
bool ast_unit_of_column(const AstExpr *expr, AstUnit *out);

/* CREATE STREAM, SHOW, ...: what the statement is called in messages. */
const char *ast_stmt_kind_name(const AstStmt *stmt);

#endif
