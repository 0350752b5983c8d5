/*
 * grammar_entry.h -- the entry points of the parser that Lemon generates.
 *
 * Lemon writes the token codes to grammar.h but declares no functions; this header does.
 *
 * Thread: a generated parser belongs to one thread.
 */
#ifndef PARSER_GRAMMAR_ENTRY_H
#define PARSER_GRAMMAR_ENTRY_H

#include <stddef.h>

#include "parser/ast_build.h"

void *grammar_parseAlloc(void *(*alloc)(size_t), AstBuild *b);
void  grammar_parseFree(void *grammar, void (*release)(void *));
/* One token; code 0 ends the statement.  Errors and the result are in the AstBuild. */
void grammar_parse(void *grammar, int code, Token token);
/* TK_IDENT for a keyword that may also be a name, else 0. */
int grammar_parseFallback(int code);

#endif
