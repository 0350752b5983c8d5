/*
 * expect.c -- the words of a syntax error.
 *
 * The grammar gives a set of single tokens.  People think in larger pieces, so sets of tokens that
 * begin an expression, a type or a statement, or that join or continue an expression, are folded
 * into one phrase each before they are listed.
 */
#include "parser/expect.h"

#include "parser/grammar.h"
#include "parser/grammar_entry.h"

enum { EXPECT_LISTED_MAX = 12, EXPECT_FOUND_BYTES_MAX = 60 };

/* When all of the key tokens are expected, phrase stands for them and for the members. */
typedef struct ExpectGroup {
    const char    *phrase; /* NULL: the members go without saying */
    unsigned short keys[3];
    unsigned short members[32];
} ExpectGroup;

static const ExpectGroup groups[] = {
    {"a statement",
     {TK_SELECT, TK_CREATE, TK_DROP},
     {TK_INSERT, TK_DESCRIBE, TK_LIST, TK_SHOW, TK_PRINT, TK_TERMINATE, TK_PAUSE, TK_RESUME, TK_SET,
      TK_UNSET, TK_DEFINE, TK_UNDEFINE, TK_ASSERT, TK_RUN, TK_ALTER, TK_EXPLAIN}},
    {"an expression",
     {TK_STRING, TK_INTEGER, TK_LP},
     {TK_IDENT, TK_QUOTED, TK_NUMBER, TK_FLOAT, TK_NULL, TK_TRUE, TK_FALSE, TK_CASE, TK_CAST,
      TK_DECIMAL, TK_MINUS, TK_PLUS, TK_NOT, TK_ARRAY, TK_MAP, TK_STRUCT, TK_UNIT,
      TK_DISTINCT /* in front of one */}},
    {"a value",
     {TK_STRING, TK_INTEGER, TK_NULL},
     {TK_NUMBER, TK_FLOAT, TK_TRUE, TK_FALSE, TK_DECIMAL, TK_MINUS}},
    {"a number", {TK_INTEGER, TK_NUMBER, TK_FLOAT}, {TK_MINUS}},
    {"a type", {TK_ARRAY_TYPE, TK_MAP_TYPE, TK_DECIMAL}, {TK_STRUCT_TYPE, TK_IDENT, TK_QUOTED}},
    {"an operator",
     {TK_PLUS, TK_EQ, TK_CONCAT},
     {TK_MINUS, TK_STAR, TK_SLASH, TK_PERCENT, TK_NE, TK_LT,    TK_LE,  TK_GT,
      TK_GE,    TK_IS,   TK_NOT,   TK_BETWEEN, TK_IN, TK_LIKE,  TK_AND, TK_OR,
      TK_AT,    TK_LB,   TK_ARROW, TK_DOT,     TK_LP, TK_LAMBDA}},
    {"an operator", {TK_AND, TK_OR, TK_AND}, {TK_CONCAT}},
    {"an operator", {TK_OR, TK_OR, TK_OR}, {0}},
    {"JOIN", {TK_JOIN, TK_LEFT, TK_INNER}, {TK_RIGHT, TK_FULL}},
    {"a unit of time", {TK_UNIT, TK_UNIT_NAME, TK_UNIT}, {0}},
    {"a name", {TK_IDENT, TK_QUOTED, TK_IDENT}, {0}},
};

enum { EXPECT_GROUPS = sizeof groups / sizeof groups[0] };

/* Phrases for the expected tokens, without repetition; gives their number. */
static size_t expect_phrases(bool *expected, const char *phrases[EXPECT_TOKENS_MAX])
{
    size_t len = 0;
    bool   is_name = expected[TK_IDENT];

    for (size_t i = 0; i < EXPECT_GROUPS; i++) {
        const ExpectGroup *group = &groups[i];

        if (!expected[group->keys[0]] || !expected[group->keys[1]] || !expected[group->keys[2]])
            continue;
        for (size_t k = 0; k < 3; k++)
            expected[group->keys[k]] = false;
        for (size_t k = 0; k < 32 && group->members[k]; k++)
            expected[group->members[k]] = false;
        phrases[len++] = group->phrase;
    }
    for (int code = 1; code < EXPECT_TOKENS_MAX; code++) {
        /* Words that would be taken as names are no news where a name is expected. */
        if (!expected[code] || (is_name && grammar_parseFallback(code) == TK_IDENT) ||
            code == TK_UNION) /* which could follow on any SELECT */
            continue;
        phrases[len++] = code == TK_GROUP       ? "GROUP BY"
                         : code == TK_PRIMARY   ? "PRIMARY KEY"
                         : code == TK_PARTITION ? "PARTITION BY"
                                                : lexer_token_name(code);
    }
    if (expected[0])
        phrases[len++] = lexer_token_name(0);
    return len;
}

static void expect_list(Buf *out, const char *const *phrases, size_t len)
{
    if (len == 0 || len > EXPECT_LISTED_MAX)
        return;
    buf_c(out, ": expected ");
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            buf_c(out, i + 1 == len ? " or " : ", ");
        buf_c(out, phrases[i]);
    }
}

static bool expect_is(Token token, const char *word)
{
    return str_eq_nocase(token.text, str_from(word));
}

/* Clauses of other dialects that people try. */
static const char *expect_hint_dialect(Token previous, Token found)
{
    if ((expect_is(previous, "ORDER") || expect_is(previous, "SORT")) && found.code == TK_BY)
        return "there is no ORDER BY: rows come in the order in which they happen";
    if (expect_is(previous, "UNION") || expect_is(found, "UNION"))
        return "write UNION ALL: rows are not compared with those that were";
    if (found.code == TK_WITH && previous.code != 0)
        return "WITH (...) stands behind the name of what is created, in front of AS SELECT";
    if (expect_is(found, "USING"))
        return "write the condition: ON a.x = b.x";
    if (found.code == TK_DISTINCT && previous.code != TK_NOT)
        return "DISTINCT stands behind SELECT, or in COUNT(DISTINCT ...)";
    if (found.code == TK_FUNCTION && (expect_is(previous, "SHOW") || expect_is(previous, "LIST")))
        return "DESCRIBE FUNCTION name shows one, SHOW FUNCTIONS lists them";
    if (expect_is(found, "OFFSET"))
        return "there is no OFFSET";
    if (found.code == TK_SELECT && (previous.code == TK_LP || previous.code == TK_IN))
        return "a sub-select can only stand behind FROM; elsewhere join what CREATE TABLE ... AS "
               "makes";
    if (found.code == TK_WITH && previous.code == 0)
        return "there is no WITH in front of a query: use CREATE STREAM ... AS";
    if (previous.code == 0 && (expect_is(found, "UPDATE") || found.code == TK_DELETE))
        return "rows are changed by INSERT INTO ... VALUES with the same key";
    if (expect_is(found, "MONTH") || expect_is(found, "MONTHS") || expect_is(found, "YEARS"))
        return "units are MILLISECONDS, SECONDS, MINUTES, HOURS and DAYS";
    return NULL;
}

/* A word that only begins a statement: the one before it was not ended. */
static bool expect_begins_statement(int code)
{
    return code == TK_SELECT || code == TK_CREATE || code == TK_INSERT || code == TK_DROP ||
           code == TK_DESCRIBE || code == TK_LIST || code == TK_PRINT || code == TK_TERMINATE ||
           code == TK_PAUSE || code == TK_RESUME || code == TK_UNSET || code == TK_RUN;
}

static bool expect_is_comparison(int code)
{
    return code == TK_EQ || code == TK_NE || code == TK_LT || code == TK_LE || code == TK_GT ||
           code == TK_GE;
}

/* Slips of punctuation. */
static const char *expect_hint_mark(Token previous, Token found, const bool *expected)
{
    if (found.code == TK_QUOTED && expected[TK_STRING])
        return "a string is written between single quotes: 'text'";
    if (found.code == TK_STRING && expected[TK_IDENT])
        return "a name is written plain or between backticks";
    if (previous.code == TK_COMMA && (found.code == TK_RP || found.code == TK_FROM ||
                                      found.code == TK_SEMI || found.code == TK_WHERE))
        return "remove the ',' in front of it";
    if (found.code == TK_EQ && expected[TK_ASSIGN])
        return "write := between a name or key and its value";
    if (found.code == TK_RP && expected[TK_ASSIGN])
        return "an entry is written key := value";
    if (found.code == TK_ASSIGN && expected[TK_EQ])
        return "write = between a property and its value";
    if (expect_is_comparison(found.code) && expected[TK_AND] && !expected[found.code])
        return "comparisons cannot be chained: join them with AND";
    if (found.code == TK_VARIABLE)
        return "substitution of variables is turned off";
    if (found.code == TK_LAMBDA)
        return "a lambda is an argument of TRANSFORM, FILTER or REDUCE";
    if (found.code == TK_DOT)
        return "a field of a STRUCT is written column->field";
    if (previous.code == TK_DECIMAL && expected[TK_LP])
        return "write DECIMAL(precision, scale)";
    if (found.code == TK_COMMA && expected[TK_JOIN])
        return "write JOIN ... ON a.x = b.x";
    if (found.code == TK_TOPIC && expected[TK_STRING] && previous.code != TK_PRINT)
        return "the property is called KAFKA_TOPIC";
    if (expected[0] && expect_begins_statement(found.code))
        return "end the statement before it with ';'";
    if (found.code == TK_SEMI && expected[TK_RP])
        return "a parenthesis is not closed";
    if (found.code == TK_RP && expected[0])
        return "there is no '(' for it";
    return NULL;
}

/* The keyword that a misspelt word was probably meant to be. */
static Str expect_nearest_word(Token found, const bool *expected)
{
    Str    words[EXPECT_TOKENS_MAX];
    size_t len = 0;

    if (found.code != TK_IDENT)
        return STR_NULL;
    for (int code = 1; code < EXPECT_TOKENS_MAX; code++) {
        const char *word = expected[code] ? lexer_token_name(code) : "";

        if (word[0] >= 'A' && word[0] <= 'Z')
            words[len++] = str_from(word);
    }
    return str_nearest(found.text, words, len);
}

/* Whether the token is a word that a name can only be between backticks. */
static bool expect_is_reserved(Token found)
{
    return lexer_word_code(found.text) == found.code && found.code != TK_IDENT;
}

/* A reserved word where a name is wanted; not the words that more likely are in their place. */
static bool expect_is_reserved_name(Token found, const bool *expected)
{
    switch (found.code) {
    case TK_FROM:
    case TK_WHERE:
    case TK_AS:
    case TK_AND:
    case TK_OR:
    case TK_NOT:
    case TK_WITH:
    case TK_THEN:
    case TK_ELSE:
    case TK_SELECT:
        return false;
    default:
        return expected[TK_IDENT] && expect_is_reserved(found);
    }
}

static void expect_hint(AstBuild *b, Token found, const bool *expected)
{
    /* Where no expression could stand: the name of a column, of a source, an alias. */
    bool        is_only_name = expected[TK_IDENT] && !expected[TK_LP] && !expected[TK_COMMA];
    const char *hint = expect_hint_dialect(b->previous, found);
    Str         word = STR_NULL;

    if (!hint && !(is_only_name && expect_is_reserved(found)))
        hint = expect_hint_mark(b->previous, found, expected);
    if (!hint)
        word = expect_nearest_word(found, expected);
    if (hint)
        err_hint(b->err, "%s", hint);
    else if (word.ptr)
        err_hint(b->err, "did you mean %.*s?", STR_ARG(word));
    else if ((is_only_name && expect_is_reserved(found)) ||
             expect_is_reserved_name(found, expected))
        err_hint(b->err, "%.*s is a reserved word: as a name it is written `%.*s`",
                 STR_ARG(found.text), STR_ARG(found.text));
    else if (expected[TK_COMMA] && expected[TK_RP] && found.code != TK_SEMI && found.code != 0)
        err_hint(b->err, "a ',' may be missing in front of it");
}

void expect_error(AstBuild *b, Token found, const bool expected[EXPECT_TOKENS_MAX])
{
    const char *phrases[EXPECT_TOKENS_MAX];
    bool        rest[EXPECT_TOKENS_MAX];
    Buf         text = buf_in(b->mem);

    if (b->rc != ERR_OK)
        return;
    memcpy(rest, expected, sizeof rest);
    if (found.text.len == 0)
        buf_c(&text, "syntax error at the end of the text");
    else if (found.text.len > EXPECT_FOUND_BYTES_MAX)
        buf_printf(&text, "syntax error at %s", lexer_token_name(found.code));
    else
        buf_printf(&text, "syntax error at \"%.*s\"", STR_ARG(found.text));
    expect_list(&text, phrases, expect_phrases(rest, phrases));
    ast_build_error(b, ERR_SYNTAX, found.pos, "%.*s", (int)text.len, text.ptr);
    expect_hint(b, found, expected);
}
