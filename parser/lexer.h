/*
 * lexer.h -- SQL text to tokens.
 *
 * A token is a slice of the text with its position.  Keywords are the words of the grammar only:
 * function and type names are identifiers.  White space, comments and --@directives are skipped.
 *
 * The text must be followed by a NUL byte that does not belong to it.
 *
 * Thread: a Lexer belongs to one thread.
 */
#ifndef PARSER_LEXER_H
#define PARSER_LEXER_H

#include "common/err.h"
#include "common/str.h"

typedef struct Token {
    int    code; /* TK_* of the grammar; 0 at the end of the text */
    Str    text; /* as written, quotes included */
    SrcPos pos;
} Token;

typedef struct Lexer {
    Str         sql;
    const char *cursor; /* next byte to scan */
    const char *mark;   /* where line and column, from 1, have been counted to */
    uint32_t    line, column;
} Lexer;

void lexer_init(Lexer *lexer, Str sql);

/* The next token.  ERR_SYNTAX: an unclosed quote or comment, or a character of no token. */
ErrCode lexer_next(Lexer *lexer, Token *out, Err *err) ERR_MUST_USE;

/* The code of a word as a token: TK_IDENT when it is no keyword. */
int lexer_word_code(Str word);

/* What a token is called in messages: "';'", "SELECT", "a name", "a string". */
const char *lexer_token_name(int code);

typedef enum LexerSplit {
    LEXER_SPLIT_FOUND,  /* *end is just behind the first ';' outside of quotes and comments */
    LEXER_SPLIT_BLANK,  /* nothing but white space and comments: no statement begins here */
    LEXER_SPLIT_OPEN,   /* a statement without its ';' */
    LEXER_SPLIT_QUOTE,  /* the same, inside quotes */
    LEXER_SPLIT_COMMENT /* the same, inside a block comment */
} LexerSplit;

/* Finds the end of the first statement of sql.  For clients that read line by line. */
LexerSplit lexer_split(Str sql, size_t *end);

#endif
