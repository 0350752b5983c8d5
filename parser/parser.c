/*
 * parser.c -- drives lexer, substitution and grammar, statement by statement.
 *
 *     for each token up to the ';':
 *         a variable or a string with one      -> substitute.c
 *         a word that depends on the next one  -> contextual_code()
 *         grammar_parse()                      -> ast_build.c, or expect.c on a syntax error
 *
 * The text is checked (length, UTF-8, NUL bytes) and copied once, at the start, so that neither
 * lexer nor grammar need bounds checks and the tree may point into the copy.
 */
#include "parser/parser.h"

#include "common/limit.h"
#include "common/utf8.h"
#include "common/vec.h"
#include "parser/grammar.h"
#include "parser/grammar_entry.h"
#include "parser/substitute.h"

/* What is known of the statement being read. */
typedef struct Reading {
    AstBuild build;
    void    *grammar;
    Token    first;
    Token    last;
    SrcPos   second; /* of the token behind first */
    size_t   tokens;
    int64_t  nesting;
    Buf      text;       /* the statement's text, once a variable was replaced */
    size_t   text_begin; /* offset of the source not yet copied to text */
    bool     is_replaced;
} Reading;

/* The position of a byte at or behind pos, where there is no token to ask. */
static SrcPos parser_pos_at(Str sql, SrcPos pos, size_t offset)
{
    for (size_t i = pos.offset; i < offset; i++) {
        if (sql.ptr[i] == '\n') {
            pos.line++;
            pos.column = 1;
        } else if (((unsigned char)sql.ptr[i] & 0xC0) != 0x80) {
            pos.column++;
        }
    }
    pos.offset = (uint32_t)offset;
    pos.len = 1;
    return pos;
}

ErrCode parser_init(Parser *parser, Arena *stmt_mem, Str sql, ParserOpts opts, Err *err)
{
    const SrcPos begin = {.line = 1, .column = 1};
    size_t       valid;
    const char  *nul;

    if (sql.len > (size_t)g_limits.statement_bytes)
        return err_set(err, ERR_LIMIT, "statement of %zu bytes is longer than %lld bytes", sql.len,
                       (long long)g_limits.statement_bytes);
    valid = utf8_valid_prefix(sql);
    if (valid < sql.len)
        return err_set_at(err, ERR_SYNTAX, parser_pos_at(sql, begin, valid),
                          "statement is not valid UTF-8");
    nul = sql.len ? memchr(sql.ptr, '\0', sql.len) : NULL;
    if (nul)
        return err_set_at(err, ERR_SYNTAX, parser_pos_at(sql, begin, (size_t)(nul - sql.ptr)),
                          "statement contains a NUL character");

    *parser = (Parser){.stmt_mem = stmt_mem, .opts = opts};
    lexer_init(&parser->lexer, (Str){str_to_c(stmt_mem, sql), sql.len});
    return ERR_OK;
}

/* The token after the current one, without taking it; 0 at the end and where none can be read. */
static Token parser_peek(const Parser *parser)
{
    Lexer ahead = parser->lexer;
    Token token = {0};
    Err   err;

    if (lexer_next(&ahead, &token, &err) != ERR_OK)
        return (Token){0};
    return token;
}

/*
 * Words that are keywords only before certain others.  Where such a word and a name could both
 * stand, the grammar alone would always see the name.
 */
static int parser_contextual_code(const Parser *parser, int code)
{
    int  next = parser_peek(parser).code;
    bool opens_type = next == TK_LT;

    switch (code) {
    case TK_EMIT:
        return next == TK_CHANGES || next == TK_FINAL ? code : TK_IDENT;
    case TK_PARTITION:
        return next == TK_BY ? code : TK_IDENT;
    case TK_UNION:
        return next == TK_ALL ? code : TK_IDENT;
    case TK_IF:
        return next == TK_NOT || next == TK_EXISTS ? code : TK_IDENT;
    case TK_ARRAY:
        return opens_type ? TK_ARRAY_TYPE : next == TK_LB ? code : TK_IDENT;
    case TK_MAP:
        return opens_type ? TK_MAP_TYPE : next == TK_LP ? code : TK_IDENT;
    default: /* STRUCT<> is two tokens */
        opens_type = opens_type || next == TK_NE;
        return opens_type ? TK_STRUCT_TYPE : next == TK_LP ? code : TK_IDENT;
    }
}

/* Copies the source up to the token and the token's new text. */
static void parser_replace(Parser *parser, Reading *reading, const Token *token)
{
    const char *sql = parser->lexer.sql.ptr;

    if (!reading->is_replaced) {
        reading->text = buf_in(parser->stmt_mem);
        reading->text_begin = reading->first.pos.offset;
        reading->is_replaced = true;
    }
    buf_append(&reading->text, sql + reading->text_begin, token->pos.offset - reading->text_begin);
    buf_str(&reading->text, token->text);
    reading->text_begin = token->pos.offset + token->pos.len;
}

/* Makes of a token what the grammar is to see. */
static ErrCode parser_prepare(Parser *parser, Reading *reading, Token *token, Err *err)
{
    const Map *variables = parser->opts.variables;

    switch (token->code) {
    case TK_VARIABLE:
        if (variables) {
            TRY(substitute_variable(variables, parser->stmt_mem, token, err));
            parser_replace(parser, reading, token);
        }
        break;
    case TK_STRING:
        if (variables && substitute_string(variables, parser->stmt_mem, token))
            parser_replace(parser, reading, token);
        break;
    case TK_EMIT:
    case TK_PARTITION:
    case TK_UNION:
    case TK_IF:
    case TK_ARRAY:
    case TK_MAP:
    case TK_STRUCT:
        token->code = parser_contextual_code(parser, token->code);
        break;
    case TK_LP:
    case TK_LB:
    case TK_CASE:
        if (++reading->nesting > g_limits.nesting)
            return err_set_at(err, ERR_LIMIT, token->pos, "nested deeper than %lld levels",
                              (long long)g_limits.nesting);
        break;
    case TK_RP:
    case TK_RB:
    case TK_END:
        reading->nesting--;
        break;
    default:
        break;
    }
    return ERR_OK;
}

/* The text ended without a semicolon, which belongs right behind the last token. */
static ErrCode parser_unfinished(Parser *parser, Reading *reading, Err *err)
{
    AstBuild *b = &reading->build;
    SrcPos    last = reading->last.pos;
    Token     end = {.pos = parser_pos_at(parser->lexer.sql, last, last.offset + last.len)};

    grammar_parse(reading->grammar, 0, end);
    if (b->rc != ERR_OK)
        return b->rc;
    err_set_at(err, ERR_SYNTAX, end.pos, "syntax error at the end of the text: expected ';'");
    err_hint(err, "every statement ends with ';'");
    return ERR_SYNTAX;
}

/* Reads from reading->first to the semicolon. */
static ErrCode parser_read(Parser *parser, Reading *reading, Err *err)
{
    AstBuild *b = &reading->build;
    Token     token = reading->first;

    for (;;) {
        TRY(parser_prepare(parser, reading, &token, err));
        if (token.code == 0)
            return parser_unfinished(parser, reading, err);
        grammar_parse(reading->grammar, token.code == TK_SEMI ? 0 : token.code, token);
        if (b->rc != ERR_OK || token.code == TK_SEMI)
            return b->rc;
        b->previous = token;
        reading->last = token;
        if (++reading->tokens == 2)
            reading->second = token.pos;
        TRY(lexer_next(&parser->lexer, &token, err));
    }
}

/* Gives the statement its place in the source and its text. */
static void parser_finish(Parser *parser, Reading *reading, AstStmt *stmt)
{
    Str    sql = parser->lexer.sql;
    size_t end = reading->last.pos.offset + reading->last.pos.len;

    stmt->pos = ast_pos_join(reading->first.pos, reading->last.pos);
    stmt->text = str_slice(sql, reading->first.pos.offset, end);
    if (reading->is_replaced) {
        buf_append(&reading->text, sql.ptr + reading->text_begin, end - reading->text_begin);
        stmt->text = buf_view(&reading->text);
    }
    if (stmt->kind == AST_EXPLAIN && stmt->u.explain.stmt) {
        AstStmt *explained = stmt->u.explain.stmt;

        explained->pos = ast_pos_join(reading->second, reading->last.pos);
        explained->text =
            str_slice(stmt->text, reading->second.offset - stmt->pos.offset, stmt->text.len);
    }
}

ErrCode parser_next(Parser *parser, AstStmt **out, Err *err)
{
    Reading reading = {
        .build = {.mem = parser->stmt_mem, .err = err, .depth_max = ast_depth_max()}};
    ErrCode rc;

    do {
        TRY(lexer_next(&parser->lexer, &reading.first, err));
    } while (reading.first.code == TK_SEMI);
    if (reading.first.code == 0) {
        *out = NULL;
        return ERR_OK;
    }
    if (parser->statements >= (size_t)g_limits.statements_per_request)
        return err_set_at(err, ERR_LIMIT, reading.first.pos, "more than %lld statements",
                          (long long)g_limits.statements_per_request);

    reading.grammar = grammar_parseAlloc(mem_alloc, &reading.build);
    rc = parser_read(parser, &reading, err);
    grammar_parseFree(reading.grammar, mem_free);
    if (rc != ERR_OK)
        return rc;
    parser_finish(parser, &reading, reading.build.stmt);
    parser->statements++;
    *out = reading.build.stmt;
    return ERR_OK;
}

ErrCode parser_parse(Arena *stmt_mem, Str sql, ParserOpts opts, AstStmtList *out, Err *err)
{
    Parser   parser;
    AstStmt *stmt;
    VEC(AstStmt *) stmts = {0};

    TRY(parser_init(&parser, stmt_mem, sql, opts, err));
    for (;;) {
        TRY(parser_next(&parser, &stmt, err));
        if (!stmt)
            break;
        vec_push(stmt_mem, &stmts, stmt);
    }
    *out = (AstStmtList){stmts.items, stmts.len};
    return ERR_OK;
}
