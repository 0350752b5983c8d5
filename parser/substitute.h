/*
 * substitute.h -- ${name} in statements.
 *
 * Replacement happens between lexer and grammar, token by token, which is the injection guard: a
 * value becomes exactly one name, string, number or boolean, or the inside of a string, and can
 * never bring keywords, operators or further clauses.
 *
 * Thread: any.
 */
#ifndef PARSER_SUBSTITUTE_H
#define PARSER_SUBSTITUTE_H

#include "common/map.h"
#include "parser/lexer.h"

/*
 * Replaces the TK_VARIABLE token ${name} by the token that its value makes; the position stays
 * that of the variable.  ERR_SYNTAX when it is not defined or its value is no single token.
 */
ErrCode substitute_variable(const Map *variables, Arena *stmt_mem, Token *token,
                            Err *err) ERR_MUST_USE;

/*
 * Replaces every ${name} inside of a TK_STRING token, quotes in values doubled.  What is not
 * defined stays; $${name} becomes ${name}.  False when nothing was to be done.
 */
bool substitute_string(const Map *variables, Arena *stmt_mem, Token *token);

#endif
