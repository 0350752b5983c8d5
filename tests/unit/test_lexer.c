#include "parser/lexer.h"

#include <ctype.h>

#include "parser/grammar.h"
#include "tests/support/arena_group.h"

static void assert_tokens(const char *sql, const int *codes, size_t len)
{
    Lexer lexer;
    Token token;
    Err   err;

    lexer_init(&lexer, str_from(sql));
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
        assert_int_equal(token.code, codes[i]);
    }
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.code, 0);
    /* The end stays the end. */
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.code, 0);
}

#define ASSERT_TOKENS(sql, ...)                                                                    \
    assert_tokens((sql), (const int[]){__VA_ARGS__},                                               \
                  sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void assert_refused(const char *sql, uint32_t column, const char *message, const char *hint)
{
    Lexer   lexer;
    Token   token;
    Err     err;
    ErrCode rc;

    lexer_init(&lexer, str_from(sql));
    do {
        rc = lexer_next(&lexer, &token, &err);
    } while (rc == ERR_OK && token.code != 0);
    assert_int_equal(rc, ERR_SYNTAX);
    assert_int_equal(err.pos.line, 1);
    assert_int_equal(err.pos.column, column);
    assert_string_equal(err.msg, message);
    assert_string_equal(err.hint, hint);
}

static void every_keyword_is_found_in_any_case(void **state)
{
    int found = 0;

    (void)state;
    for (int code = 1; code < 256; code++) {
        const char *word = lexer_token_name(code);
        char        lower[32];
        size_t      len = strlen(word);

        if (!isupper((unsigned char)word[0]) || code == TK_ARRAY_TYPE || code == TK_MAP_TYPE ||
            code == TK_STRUCT_TYPE)
            continue;
        for (size_t i = 0; i <= len; i++)
            lower[i] = (char)tolower((unsigned char)word[i]);
        if (code != TK_RESERVED) {
            assert_int_equal(lexer_word_code(str_from(word)), code);
            assert_int_equal(lexer_word_code(str_from(lower)), code);
        }
        found++;
    }
    assert_true(found > 100);
}

static void words_that_are_no_keywords_are_names(void **state)
{
    (void)state;
    assert_int_equal(lexer_word_code(STR("orders")), TK_IDENT);
    assert_int_equal(lexer_word_code(STR("SELECTS")), TK_IDENT);
    assert_int_equal(lexer_word_code(STR("A_WORD_LONGER_THAN_ANY_KEYWORD")), TK_IDENT);
    assert_int_equal(lexer_word_code(STR("materialized")), TK_RESERVED);
    assert_int_equal(lexer_word_code(STR("view")), TK_RESERVED);
}

static void names_are_plain_quoted_or_begin_with_a_digit(void **state)
{
    (void)state;
    ASSERT_TOKENS("a _b c1@x `d e` \"f\"\"g\" `h``i` 1st", TK_IDENT, TK_IDENT, TK_IDENT, TK_QUOTED,
                  TK_QUOTED, TK_QUOTED, TK_IDENT);
}

static void numbers_are_told_apart(void **state)
{
    (void)state;
    ASSERT_TOKENS("12 1.50 .5 5. 1e3 1E+3 1.5e-3 .5E1 1e", TK_INTEGER, TK_NUMBER, TK_NUMBER,
                  TK_NUMBER, TK_FLOAT, TK_FLOAT, TK_FLOAT, TK_FLOAT, TK_IDENT);
}

static void operators_take_the_longest_match(void **state)
{
    (void)state;
    ASSERT_TOKENS("<= < >= > <> != = -> - => := || * / % + . , ( ) [ ] ;", TK_LE, TK_LT, TK_GE,
                  TK_GT, TK_NE, TK_NE, TK_EQ, TK_ARROW, TK_MINUS, TK_LAMBDA, TK_ASSIGN, TK_CONCAT,
                  TK_STAR, TK_SLASH, TK_PERCENT, TK_PLUS, TK_DOT, TK_COMMA, TK_LP, TK_RP, TK_LB,
                  TK_RB, TK_SEMI);
    ASSERT_TOKENS("ARRAY<ARRAY<INT>>", TK_ARRAY, TK_LT, TK_ARRAY, TK_LT, TK_IDENT, TK_GT, TK_GT);
}

static void comments_and_directives_are_skipped(void **state)
{
    (void)state;
    ASSERT_TOKENS("--@test: x\na -- ; ' to the end\n/* ' ; ** */ b /**/ /***/ c--", TK_IDENT,
                  TK_IDENT, TK_IDENT);
}

static void strings_double_their_quote_and_span_lines(void **state)
{
    (void)state;
    ASSERT_TOKENS("'it''s' '' 'a\nb;' '-- no comment'", TK_STRING, TK_STRING, TK_STRING, TK_STRING);
}

static void variables_are_one_token(void **state)
{
    (void)state;
    ASSERT_TOKENS("${name} $${name}", TK_VARIABLE, TK_VARIABLE);
}

static void positions_count_lines_and_code_points(void **state)
{
    Lexer lexer;
    Token token;
    Err   err;

    (void)state;
    lexer_init(&lexer, STR("a '\xC3\xA4\xC3\xB6' b\n  'x\ny' c"));
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.pos.column, 3);
    assert_int_equal(token.pos.len, 6);
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.pos.column, 8);
    assert_int_equal(token.pos.offset, 9);
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.pos.line, 2);
    assert_int_equal(token.pos.column, 3);
    assert_int_equal(lexer_next(&lexer, &token, &err), ERR_OK);
    assert_int_equal(token.pos.line, 3);
    assert_int_equal(token.pos.column, 4);
}

static void what_is_no_token_is_refused_with_advice(void **state)
{
    (void)state;
    assert_refused("a 'b", 3, "string is not closed",
                   "end it with ', and write '' for a quote inside of it");
    assert_refused("a \"b", 3, "quoted name is not closed",
                   "strings are written between single quotes");
    assert_refused("a `b", 3, "quoted name is not closed",
                   "strings are written between single quotes");
    assert_refused("a /* b *", 3, "comment is not closed", "end it with */");
    assert_refused("a == b", 3, "unexpected \"==\"", "compare with a single =");
    assert_refused("a && b", 3, "unexpected character \"&\"",
                   "write AND, OR, or || to join strings");
    assert_refused("a | b", 3, "unexpected character \"|\"",
                   "write AND, OR, or || to join strings");
    assert_refused("!a", 1, "unexpected character \"!\"",
                   "write NOT to negate, <> or != for not equal");
    assert_refused("a::INT", 2, "unexpected character \":\"",
                   "to change a type write CAST(value AS type)");
    assert_refused("${a", 1, "unexpected character \"$\"", "a variable is written ${name}");
    assert_refused("\xE2\x80\x98x\xE2\x80\x99", 1, "unexpected character \"\xE2\x80\x98\"",
                   "put a string between straight single quotes: 'text'");
    assert_refused("\xE2\x80\x9Cx\xE2\x80\x9D", 1, "unexpected character \"\xE2\x80\x9C\"",
                   "put a name between straight double quotes or backticks: \"name\"");
    assert_refused("a\xC2\xA0", 2, "unexpected character \"\xC2\xA0\"",
                   "this is a no-break space: replace it by an ordinary one");
    assert_refused("a ?", 3, "unexpected character \"?\"", "");
}

static void assert_split(const char *sql, LexerSplit expected, size_t expected_end)
{
    size_t end;

    assert_int_equal(lexer_split(str_from(sql), &end), expected);
    assert_int_equal(end, expected_end);
}

static void split_finds_the_first_semicolon_outside_of_quotes(void **state)
{
    (void)state;
    assert_split("a; b;", LEXER_SPLIT_FOUND, 2);
    assert_split("';' \";\" `;` /* ; */ -- ;\n x; y", LEXER_SPLIT_FOUND, 28);
    assert_split("'it'';' ;", LEXER_SPLIT_FOUND, 9);
    assert_split(";", LEXER_SPLIT_FOUND, 1);
}

static void split_says_why_there_is_no_end(void **state)
{
    (void)state;
    assert_split("", LEXER_SPLIT_BLANK, 0);
    assert_split(" \n-- c", LEXER_SPLIT_BLANK, 6);
    assert_split("/* c */\n", LEXER_SPLIT_BLANK, 8);
    assert_split("select", LEXER_SPLIT_OPEN, 6);
    assert_split("select 'a''", LEXER_SPLIT_QUOTE, 11);
    assert_split("select `a", LEXER_SPLIT_QUOTE, 9);
    assert_split("select /* ;", LEXER_SPLIT_COMMENT, 11);
    assert_split("'a'", LEXER_SPLIT_OPEN, 3);
    assert_split("-", LEXER_SPLIT_OPEN, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_is_found_in_any_case),
        cmocka_unit_test(words_that_are_no_keywords_are_names),
        cmocka_unit_test(names_are_plain_quoted_or_begin_with_a_digit),
        cmocka_unit_test(numbers_are_told_apart),
        cmocka_unit_test(operators_take_the_longest_match),
        cmocka_unit_test(comments_and_directives_are_skipped),
        cmocka_unit_test(strings_double_their_quote_and_span_lines),
        cmocka_unit_test(variables_are_one_token),
        cmocka_unit_test(positions_count_lines_and_code_points),
        cmocka_unit_test(what_is_no_token_is_refused_with_advice),
        cmocka_unit_test(split_finds_the_first_semicolon_outside_of_quotes),
        cmocka_unit_test(split_says_why_there_is_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
