/*
 * statement.c -- tells statements apart by their first words.
 *
 * Tokens are compared by their text: codes of tokens are the parser's own.
 */
#include "cli/statement.h"

#include "common/buf.h"
#include "parser/lexer.h"

enum { TOKENS_MAX = 6 }; /* as many as the longest client's statement has, and one more */

typedef struct Words {
    Str    sql; /* NUL behind it */
    Token  items[TOKENS_MAX];
    size_t len;
} Words;

static bool is_word(const Words *words, size_t at, const char *word)
{
    return at < words->len && str_eq_nocase(words->items[at].text, str_from(word));
}

static bool is_string(const Words *words, size_t at)
{
    return at < words->len && words->items[at].text.ptr[0] == '\'';
}

/* A doubled quote inside is one. */
static Str unquote(Arena *arena, Str text)
{
    Buf  out = buf_in(arena);
    char quote = text.ptr[0];

    for (size_t i = 1; i + 1 < text.len; i++) {
        buf_put(&out, text.ptr[i]);
        if (text.ptr[i] == quote)
            i++;
    }
    return buf_view(&out);
}

static ErrCode refuse(const Words *words, const char *usage, Err *err)
{
    (void)err_set_at(err, ERR_SYNTAX, words->items[0].pos, "the statement is not complete");
    err_hint(err, "write %s", usage);
    return ERR_SYNTAX;
}

static bool is_end(const Words *words, size_t at)
{
    return at == words->len;
}

static ErrCode read_setting(Arena *arena, const Words *words, bool is_set, Statement *out, Err *err)
{
    out->kind = is_set ? STATEMENT_SET : STATEMENT_UNSET;
    if (!is_string(words, 1))
        return refuse(words, is_set ? "SET 'name' = 'value';" : "UNSET 'name';", err);
    out->name = unquote(arena, words->items[1].text);
    if (!is_set)
        return is_end(words, 2) ? ERR_OK : refuse(words, "UNSET 'name';", err);
    if (!is_word(words, 2, "=") || !is_string(words, 3) || !is_end(words, 4))
        return refuse(words, "SET 'name' = 'value';", err);
    out->value = unquote(arena, words->items[3].text);
    return ERR_OK;
}

static bool is_plain_name(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && !(i > 0 && ((c >= '0' && c <= '9') || c == '@')))
            return false;
    }
    return text.len > 0;
}

static ErrCode read_variable(Arena *arena, const Words *words, bool is_define, Statement *out,
                             Err *err)
{
    const char *usage = is_define ? "DEFINE name = 'value';" : "UNDEFINE name;";

    out->kind = is_define ? STATEMENT_DEFINE : STATEMENT_UNDEFINE;
    if (words->len < 2 || !is_plain_name(words->items[1].text))
        return refuse(words, usage, err);
    out->name = words->items[1].text;
    if (!is_define)
        return is_end(words, 2) ? ERR_OK : refuse(words, usage, err);
    if (!is_word(words, 2, "=") || !is_string(words, 3) || !is_end(words, 4))
        return refuse(words, usage, err);
    out->value = unquote(arena, words->items[3].text);
    return ERR_OK;
}

static ErrCode read_script(Arena *arena, const Words *words, Statement *out, Err *err)
{
    out->kind = STATEMENT_RUN_SCRIPT;
    if (!is_word(words, 1, "SCRIPT") || !is_string(words, 2) || !is_end(words, 3))
        return refuse(words, "RUN SCRIPT 'file';", err);
    out->name = unquote(arena, words->items[2].text);
    return ERR_OK;
}

/* The first tokens; the semicolon is not one of them. */
static ErrCode read_words(Words *words, Err *err)
{
    Lexer lexer;

    words->len = 0;
    lexer_init(&lexer, words->sql);
    while (words->len < TOKENS_MAX) {
        Token token;

        TRY(lexer_next(&lexer, &token, err));
        if (token.code == 0 || str_eq(token.text, STR(";")))
            break;
        words->items[words->len++] = token;
    }
    return ERR_OK;
}

static bool is_show_variables(const Words *words)
{
    return (is_word(words, 0, "SHOW") || is_word(words, 0, "LIST")) &&
           is_word(words, 1, "VARIABLES") && is_end(words, 2);
}

ErrCode statement_read(Arena *arena, Str sql, Statement *out, Err *err)
{
    Words words = {.sql = {str_to_c(arena, sql), sql.len}};

    *out = (Statement){.kind = STATEMENT_SERVER};
    TRY(read_words(&words, err));
    if (is_word(&words, 0, "SELECT") || is_word(&words, 0, "PRINT")) {
        out->kind = STATEMENT_QUERY;
        out->is_print = is_word(&words, 0, "PRINT");
    } else if (is_word(&words, 0, "SET") || is_word(&words, 0, "UNSET")) {
        return read_setting(arena, &words, is_word(&words, 0, "SET"), out, err);
    } else if (is_word(&words, 0, "DEFINE") || is_word(&words, 0, "UNDEFINE")) {
        return read_variable(arena, &words, is_word(&words, 0, "DEFINE"), out, err);
    } else if (is_word(&words, 0, "RUN")) {
        return read_script(arena, &words, out, err);
    } else if (is_show_variables(&words)) {
        out->kind = STATEMENT_SHOW_VARIABLES;
    }
    return ERR_OK;
}
