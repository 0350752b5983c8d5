/*
 * substitute.c -- ${name} in statements.
 */
#include "parser/substitute.h"

#include "common/buf.h"
#include "parser/grammar.h"
#include "parser/grammar_entry.h"

static const Str *substitute_lookup(const Map *variables, Arena *stmt_mem, Str name)
{
    return map_get(variables, str_upper_ascii(stmt_mem, name));
}

/* Reads value as a number, with or without a minus, a string, a boolean or a name. */
static bool substitute_token(Arena *stmt_mem, Str value, Token *out)
{
    Lexer lexer;
    Token first, end;
    Err   err;
    bool  is_negative;

    lexer_init(&lexer, (Str){str_to_c(stmt_mem, value), value.len});
    if (lexer_next(&lexer, &first, &err) != ERR_OK)
        return false;
    is_negative = first.code == TK_MINUS;
    if (is_negative && lexer_next(&lexer, &first, &err) != ERR_OK)
        return false;
    if (lexer_next(&lexer, &end, &err) != ERR_OK || end.code != 0)
        return false;

    switch (first.code) {
    case TK_INTEGER:
    case TK_NUMBER:
    case TK_FLOAT:
        if (is_negative)
            first.text = str_printf(stmt_mem, "-%.*s", STR_ARG(first.text));
        break;
    case TK_STRING:
    case TK_QUOTED:
    case TK_TRUE:
    case TK_FALSE:
    case TK_IDENT:
        if (is_negative)
            return false;
        break;
    default:
        /* A word that may be a name is one here, wherever the grammar knows it as a keyword. */
        if (is_negative || grammar_parseFallback(first.code) != TK_IDENT)
            return false;
        first.code = TK_IDENT;
        break;
    }
    out->code = first.code;
    out->text = first.text;
    return true;
}

ErrCode substitute_variable(const Map *variables, Arena *stmt_mem, Token *token, Err *err)
{
    bool       is_escaped = token->text.ptr[1] == '$';
    Str        name = str_slice(token->text, 2, token->text.len - 1);
    const Str *value;

    if (is_escaped) {
        err_set_at(err, ERR_SYNTAX, token->pos, "\"%.*s\" cannot stand outside of a string",
                   STR_ARG(token->text));
        return ERR_SYNTAX;
    }
    value = substitute_lookup(variables, stmt_mem, name);
    if (!value) {
        err_set_at(err, ERR_SYNTAX, token->pos, "variable \"%.*s\" is not defined", STR_ARG(name));
        err_hint(err, "DEFINE %.*s = 'value'", STR_ARG(name));
        return ERR_SYNTAX;
    }
    if (!substitute_token(stmt_mem, *value, token)) {
        err_set_at(err, ERR_SYNTAX, token->pos,
                   "value of variable \"%.*s\" cannot stand here: %.*s", STR_ARG(name),
                   (int)(value->len > 200 ? 200 : value->len), value->ptr);
        err_hint(err, "outside of a string it must be one name, number, boolean or quoted string");
        return ERR_SYNTAX;
    }
    return ERR_OK;
}

/* Length of the reference ${name} that text begins with, or 0. */
static size_t substitute_reference(Str text)
{
    size_t len = 2;

    if (!str_starts(text, STR("${")))
        return 0;
    while (len < text.len && text.ptr[len] != '}') {
        char c = text.ptr[len];
        bool is_digit = c >= '0' && c <= '9';

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_' &&
            !(len > 2 && (is_digit || c == '@')))
            return 0;
        len++;
    }
    return len < text.len && len > 2 ? len + 1 : 0;
}

static void substitute_put_value(Buf *out, Str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\'')
            buf_put(out, '\'');
        buf_put(out, value.ptr[i]);
    }
}

bool substitute_string(const Map *variables, Arena *stmt_mem, Token *token)
{
    Str    text = token->text;
    Buf    out = buf_in(stmt_mem);
    size_t i = 0;

    if (str_find(text, STR("${"), 0) < 0)
        return false;
    while (i < text.len) {
        bool       is_escaped = str_starts(str_slice(text, i, text.len), STR("$$"));
        size_t     begin = is_escaped ? i + 1 : i;
        size_t     len = substitute_reference(str_slice(text, begin, text.len));
        const Str *value = NULL;

        if (len == 0) {
            buf_put(&out, text.ptr[i++]);
            continue;
        }
        if (!is_escaped)
            value = substitute_lookup(variables, stmt_mem, str_slice(text, i + 2, i + len - 1));
        if (value)
            substitute_put_value(&out, *value);
        else
            buf_append(&out, text.ptr + begin, len);
        i = begin + len;
    }
    token->text = buf_view(&out);
    return true;
}
