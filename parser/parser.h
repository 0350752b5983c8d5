/*
 * parser.h -- SQL text to AST.
 *
 * Two ways in.  parser_parse() takes a whole request.  Parser goes statement by statement, for
 * callers that execute each before the next is parsed: DEFINE changes the variables that later
 * statements see.
 *
 *     Parser parser;
 *     TRY(parser_init(&parser, stmt_mem, sql, opts, err));
 *     for (;;) {
 *         TRY(parser_next(&parser, &stmt, err));
 *         if (!stmt)
 *             break;
 *         ...
 *     }
 *
 * A Parser holds nothing but arena memory and needs no end.
 *
 * Errors: ERR_SYNTAX (also malformed UTF-8, unclosed quotes, numbers out of range) and ERR_LIMIT
 * (statement bytes, statements, nesting, columns), with position and mostly a hint.
 *
 * Thread: any; a Parser belongs to one thread.
 */
#ifndef PARSER_PARSER_H
#define PARSER_PARSER_H

#include "common/map.h"
#include "parser/ast.h"
#include "parser/lexer.h"

typedef struct ParserOpts {
    /*
     * Upper-cased name -> const Str *, the value.  Read when a statement is parsed, so that it may
     * change between two calls of parser_next().  NULL: nothing is substituted, and ${...} outside
     * of strings is a syntax error.
     */
    const Map *variables;
} ParserOpts;

typedef struct AstStmtList {
    AstStmt **items;
    size_t    len;
} AstStmtList;

typedef struct Parser {
    Arena     *stmt_mem;
    ParserOpts opts;
    Lexer      lexer;
    size_t     statements; /* parsed so far */
} Parser;

/* Copies sql into stmt_mem: the caller's text is not needed afterwards. */
ErrCode parser_init(Parser *parser, Arena *stmt_mem, Str sql, ParserOpts opts,
                    Err *err) ERR_MUST_USE;
/* *out is NULL when no statement is left.  After an error only a new Parser helps. */
ErrCode parser_next(Parser *parser, AstStmt **out, Err *err) ERR_MUST_USE;

/* All statements of sql; nothing in out on failure.  DEFINE among them changes nothing. */
ErrCode parser_parse(Arena *stmt_mem, Str sql, ParserOpts opts, AstStmtList *out,
                     Err *err) ERR_MUST_USE;

#endif
