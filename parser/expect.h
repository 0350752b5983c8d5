/*
 * expect.h -- the words of a syntax error.
 *
 * Names what was found and what could have stood there, and adds advice for the slips that people
 * make most.
 *
 * Thread: as the parser that owns the AstBuild.
 */
#ifndef PARSER_EXPECT_H
#define PARSER_EXPECT_H

#include "parser/ast_build.h"

enum { EXPECT_TOKENS_MAX = 192 }; /* more than the grammar has */

/* Unless there is an error already: found stands where only the expected tokens could. */
void expect_error(AstBuild *b, Token found, const bool expected[EXPECT_TOKENS_MAX]);

#endif
