/*
 * ast_print.h -- a tree back to SQL.
 *
 * What is printed parses to an equal tree, and prints the same again; comments, redundant
 * parentheses and the case of unquoted names are lost.  Used where statements are compared or
 * kept: the command log, --queries files, SHOW QUERIES.
 *
 * Thread: any.
 */
#ifndef PARSER_AST_PRINT_H
#define PARSER_AST_PRINT_H

#include "common/buf.h"
#include "parser/ast.h"

void ast_print(Buf *out, const AstStmt *stmt); /* on one line, without the semicolon */
Str  ast_text(Arena *arena, const AstStmt *stmt);

void ast_print_query(Buf *out, const AstQuery *query);
void ast_print_expr(Buf *out, const AstExpr *expr);
/* In parentheses unless it can stand in front of -> as it is, or as a key in GROUP BY. */
void ast_print_primary(Buf *out, const AstExpr *expr);
void ast_print_key(Buf *out, const AstExpr *expr);
void ast_print_type(Buf *out, const AstType *type);

/* A name as it is stored: back-quoted unless plain upper-case and no reserved word. */
void ast_print_name(Buf *out, Str name);
/* 'text', quotes doubled. */
void ast_print_string(Buf *out, Str text);
/* A value that a literal can have, so that it reads back with the same type. */
void ast_print_literal(Buf *out, Value v);
void ast_print_duration(Buf *out, AstDuration duration); /* 5 MINUTES */

#endif
