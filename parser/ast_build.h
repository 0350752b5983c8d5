/*
 * ast_build.h -- the constructors that the grammar's actions call.
 *
 * They allocate, store, and join positions.  What a rule of the grammar cannot say is checked
 * here: numbers out of range, a lambda's parameters, the depth of a tree.  The first error stays
 * in AstBuild and ends the parse after the current token; constructors always return a node.
 *
 * Lists grow by value: a rule takes a list and an item and gives the list back.
 *
 * Thread: one at a time, as the parser that owns the AstBuild.
 */
#ifndef PARSER_AST_BUILD_H
#define PARSER_AST_BUILD_H

#include "common/buf.h"
#include "common/vec.h"
#include "parser/ast.h"
#include "parser/lexer.h"

typedef struct AstBuild {
    Arena   *mem;
    Err     *err;
    ErrCode  rc;
    Str      sql; /* the whole text, for advice in messages */
    int      depth_max;
    AstExpr *too_big;  /* the literal 9223372036854775808, until a minus makes it fit */
    Token    previous; /* the token before the current one */
    AstStmt *stmt;     /* the result */
} AstBuild;

typedef VEC(AstExpr *) AstExprVec;
typedef VEC(AstExprs) AstRowVec;
typedef VEC(AstName) AstNameVec;
typedef VEC(AstField) AstFieldVec;
typedef VEC(AstItem) AstItemVec;
typedef VEC(AstJoin) AstJoinVec;
typedef VEC(AstProp) AstPropVec;
typedef VEC(AstColumn) AstColumnVec;

/* STRUCT(name := value, ...) */
typedef struct AstEntries {
    AstNameVec names;
    AstExprVec values;
} AstEntries;

typedef struct AstFrom {
    AstSource  source;
    AstJoinVec joins;
} AstFrom;

typedef struct AstRole {
    AstColumnRole role;
    Str           header_key;
    SrcPos        pos; /* line 0: none was written */
} AstRole;

typedef struct AstEmitClause {
    AstEmit kind;
    SrcPos  pos;
} AstEmitClause;

typedef struct AstCount {
    bool    is_set;
    int64_t count;
    SrcPos  pos;
} AstCount;

/* RETENTION and GRACE PERIOD of a window, GRACE PERIOD of a join, TIMEOUT. */
typedef struct AstOptDuration {
    bool        is_set;
    AstDuration duration;
} AstOptDuration;

/* Keeps the first error. */
void ast_build_error(AstBuild *b, ErrCode code, SrcPos pos, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

SrcPos ast_pos_join(SrcPos first, SrcPos last);

/* The digits of an integer that no type holds. */
void ast_build_out_of_range(AstBuild *b, SrcPos pos, Str text);

/* Names, strings, numbers. */
AstName     ast_build_name(AstBuild *b, Token token); /* IDENT, QUOTED or STRING */
Str         ast_build_text(AstBuild *b, Token string);
int64_t     ast_build_integer(AstBuild *b, Token integer); /* >= 0 */
AstUnit     ast_build_unit(AstBuild *b, Token word);
AstDuration ast_build_duration(AstBuild *b, Token amount, Token unit);

/* Types. */
AstType *ast_build_type_named(AstBuild *b, AstName name);
AstType *ast_build_type_with_params(AstBuild *b, AstName name, Token end);
AstType *ast_build_type_decimal(AstBuild *b, Token word, Token precision, Token scale, Token end);
AstType *ast_build_type_array(AstBuild *b, Token word, AstType *elem, Token end);
AstType *ast_build_type_map(AstBuild *b, Token word, AstType *key, AstType *elem, Token end);
AstType *ast_build_type_struct(AstBuild *b, Token word, AstFieldVec fields, Token end);
void     ast_build_type_param(AstBuild *b, AstName word); /* VARCHAR(STRING) */

/* Expressions. */
AstExpr *ast_build_null(AstBuild *b, Token word);
AstExpr *ast_build_boolean(AstBuild *b, Token word, bool value);
AstExpr *ast_build_number(AstBuild *b, Token number);
/* EMIT and LIMIT behind the last SELECT are the whole's. */
AstQuery *ast_build_union(AstBuild *b, Token word, AstQuery *first, AstQuery *last);
AstSource ast_build_sub_select(Token parenthesis, AstQuery *query, AstName alias);
AstExpr  *ast_build_string(AstBuild *b, Token string);
AstExpr  *ast_build_decimal(AstBuild *b, Token word, Token string);
AstExpr  *ast_build_column(AstBuild *b, AstName qualifier, AstName name);
AstExpr  *ast_build_call(AstBuild *b, AstName name, AstExprVec args, Token end);
AstExpr  *ast_build_call_star(AstBuild *b, AstName name, Token end);
/* COUNT(DISTINCT x) is COUNT_DISTINCT(x). */
AstExpr *ast_build_call_distinct(AstBuild *b, AstName name, Token word, AstExprVec args, Token end);
AstExpr *ast_build_unit_word(AstBuild *b, Token word);
AstExpr *ast_build_cast(AstBuild *b, Token word, AstExpr *operand, AstType *type, Token end);
AstExpr *ast_build_sign(AstBuild *b, Token sign, AstExpr *operand);
AstExpr *ast_build_not(AstBuild *b, Token word, AstExpr *operand);
AstExpr *ast_build_binary(AstBuild *b, AstExprKind kind, AstOp op, AstExpr *left, AstExpr *right);
AstExpr *ast_build_compare(AstBuild *b, AstOp op, AstExpr *left, AstExpr *right);
AstExpr *ast_build_arithmetic(AstBuild *b, AstOp op, AstExpr *left, AstExpr *right);
/* AND, OR: joins the chain on the left. */
AstExpr *ast_build_chain(AstBuild *b, AstExprKind kind, AstExpr *left, AstExpr *right);
AstExpr *ast_build_is_null(AstBuild *b, AstExpr *operand, bool is_not, Token end);
AstExpr *ast_build_distinct(AstBuild *b, AstExpr *left, bool is_not, AstExpr *right);
AstExpr *ast_build_between(AstBuild *b, AstExpr *operand, bool is_not, AstExpr *low, AstExpr *high);
AstExpr *ast_build_in(AstBuild *b, AstExpr *operand, bool is_not, AstExprVec list, Token end);
/* escape.code == 0: none */
AstExpr *ast_build_like(AstBuild *b, AstExpr *operand, bool is_not, AstExpr *pattern, Token escape);
AstExpr *ast_build_case(AstBuild *b, Token word, AstExpr *operand, AstExprVec whens,
                        AstExpr *otherwise, Token end);
AstExpr *ast_build_subscript(AstBuild *b, AstExpr *base, AstExpr *index, Token end);
AstExpr *ast_build_field(AstBuild *b, AstExpr *base, AstName name);
AstExpr *ast_build_array(AstBuild *b, Token word, AstExprVec elems, Token end);
AstExpr *ast_build_map(AstBuild *b, Token word, AstExprVec entries, Token end);
AstExpr *ast_build_struct(AstBuild *b, Token word, AstEntries fields, Token end);
AstExpr *ast_build_lambda(AstBuild *b, AstNameVec params, SrcPos begin, AstExpr *body);
/* A lambda's parameters, read as expressions because of what only comes after them. */
AstNameVec ast_build_params(AstBuild *b, AstExprVec exprs);
AstExpr   *ast_build_at_time_zone(AstBuild *b, AstExpr *operand, Token zone);
AstExpr   *ast_build_paren(AstBuild *b, Token begin, AstExpr *expr, Token end);

AstExprVec  ast_build_exprs(AstBuild *b, AstExprVec list, AstExpr *item);
AstExprVec  ast_build_pair(AstBuild *b, AstExprVec list, AstExpr *first, AstExpr *second);
AstNameVec  ast_build_names(AstBuild *b, AstNameVec list, AstName item);
AstFieldVec ast_build_fields(AstBuild *b, AstFieldVec list, AstName name, AstType *type);
AstEntries  ast_build_entries(AstBuild *b, AstEntries list, AstName name, AstExpr *value);

/* Clauses of a query. */
AstItemVec ast_build_items(AstBuild *b, AstItemVec list, AstItem item);
AstItem    ast_build_item(AstExpr *expr, AstName alias);
AstFrom    ast_build_join(AstBuild *b, AstFrom from, AstJoin join);
AstJoin ast_build_within(AstDuration before, AstDuration after, bool is_pair, AstOptDuration grace);
AstWindow *ast_build_window(AstBuild *b, Token word, AstName name, AstWindow window);
AstCount   ast_build_limit(AstBuild *b, Token word, const AstExpr *number);
AstCount   ast_build_count(AstBuild *b, Token word, Token count);
AstQuery  *ast_build_query(AstBuild *b, AstQuery query, AstItemVec items, AstFrom from,
                           AstCount limit);

/* Parts of statements. */
AstPropVec   ast_build_props(AstBuild *b, AstPropVec list, AstName name, AstExpr *value);
AstColumn    ast_build_column_def(AstBuild *b, AstName name, AstType *type, AstRole role);
AstColumnVec ast_build_columns(AstBuild *b, AstColumnVec list, AstColumn column);
AstRowVec    ast_build_rows(AstBuild *b, AstRowVec list, AstExprs row);

/* Statements.  The grammar fills the part of the union that belongs to kind. */
AstStmt *ast_build_stmt(AstBuild *b, AstStmt stmt);
void     ast_build_result(AstBuild *b, AstStmt *stmt);
AstStmt *ast_build_create_source(AstBuild *b, AstStmtKind kind, AstCreateSource create,
                                 AstColumns columns, AstProps props);
AstStmt *ast_build_create_as(AstBuild *b, AstCreateSource create, AstProps props, AstQuery *query);
/* SET and its kin: value.code == 0: none */
AstStmt *ast_build_setting(AstBuild *b, AstStmtKind kind, Token name, Token value);

#endif
