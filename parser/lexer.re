/*
 * lexer.re -- SQL text to tokens, by re2c.
 *
 * The text ends in a NUL that is no part of it and that no rule matches, so the scanner needs no
 * bounds checks: every run of characters excludes \x00.  (A NUL inside of a request was refused
 * before: parser_init.)  Words are matched as one rule and then looked up in a sorted table, which
 * is also where token names for messages come from.
 *
 * Positions are kept by one cursor that only moves forward, so that a long line costs no more per
 * token than a short one.
 */
#include "parser/lexer.h"

#include <stdlib.h>

#include "common/utf8.h"
#include "parser/grammar.h"

/*
 * The words of the grammar, sorted.  Which of them may also be names is said by %fallback in the
 * grammar.  TK_RESERVED: a word kept from use as a name that no rule mentions.
 */
typedef struct Keyword {
    const char *word;
    int         code;
} Keyword;

static const Keyword keywords[] = {
    {"ADD", TK_ADD},
    {"ADVANCE", TK_ADVANCE},
    {"ALL", TK_ALL},
    {"ALTER", TK_ALTER},
    {"AND", TK_AND},
    {"ARRAY", TK_ARRAY},
    {"AS", TK_AS},
    {"ASSERT", TK_ASSERT},
    {"AT", TK_AT},
    {"BEGINNING", TK_BEGINNING},
    {"BETWEEN", TK_BETWEEN},
    {"BY", TK_BY},
    {"CASE", TK_CASE},
    {"CAST", TK_CAST},
    {"CATALOG", TK_RESERVED},
    {"CHANGES", TK_CHANGES},
    {"COLUMN", TK_COLUMN},
    {"CONNECTOR", TK_CONNECTOR},
    {"CONNECTORS", TK_CONNECTORS},
    {"CREATE", TK_CREATE},
    {"DAY", TK_UNIT_NAME},
    {"DAYS", TK_UNIT},
    {"DECIMAL", TK_DECIMAL},
    {"DEFINE", TK_DEFINE},
    {"DELETE", TK_DELETE},
    {"DESCRIBE", TK_DESCRIBE},
    {"DISTINCT", TK_DISTINCT},
    {"DROP", TK_DROP},
    {"ELSE", TK_ELSE},
    {"EMIT", TK_EMIT},
    {"END", TK_END},
    {"ESCAPE", TK_ESCAPE},
    {"EXISTS", TK_EXISTS},
    {"EXPLAIN", TK_EXPLAIN},
    {"EXPORT", TK_RESERVED},
    {"EXTENDED", TK_EXTENDED},
    {"FALSE", TK_FALSE},
    {"FINAL", TK_FINAL},
    {"FROM", TK_FROM},
    {"FULL", TK_FULL},
    {"FUNCTION", TK_FUNCTION},
    {"FUNCTIONS", TK_FUNCTIONS},
    {"GRACE", TK_GRACE},
    {"GROUP", TK_GROUP},
    {"HAVING", TK_HAVING},
    {"HEADER", TK_HEADER},
    {"HEADERS", TK_HEADERS},
    {"HOPPING", TK_HOPPING},
    {"HOUR", TK_UNIT_NAME},
    {"HOURS", TK_UNIT},
    {"ID", TK_ID},
    {"IF", TK_IF},
    {"IN", TK_IN},
    {"INNER", TK_INNER},
    {"INSERT", TK_INSERT},
    {"INTERVAL", TK_INTERVAL},
    {"INTO", TK_INTO},
    {"IS", TK_IS},
    {"JOIN", TK_JOIN},
    {"KEY", TK_KEY},
    {"LEFT", TK_LEFT},
    {"LIKE", TK_LIKE},
    {"LIMIT", TK_LIMIT},
    {"LIST", TK_LIST},
    {"LOAD", TK_RESERVED},
    {"MAP", TK_MAP},
    {"MATERIALIZED", TK_RESERVED},
    {"MILLISECOND", TK_UNIT},
    {"MILLISECONDS", TK_UNIT},
    {"MINUTE", TK_UNIT_NAME},
    {"MINUTES", TK_UNIT},
    {"MONTH", TK_UNIT_NAME},
    {"MONTHS", TK_UNIT},
    {"NAMESPACE", TK_RESERVED},
    {"NOT", TK_NOT},
    {"NULL", TK_NULL},
    {"ON", TK_ON},
    {"OR", TK_OR},
    {"OUTER", TK_OUTER},
    {"PARTITION", TK_PARTITION},
    {"PAUSE", TK_PAUSE},
    {"PERIOD", TK_PERIOD},
    {"PLUGINS", TK_PLUGINS},
    {"PRIMARY", TK_PRIMARY},
    {"PRINT", TK_PRINT},
    {"PROPERTIES", TK_PROPERTIES},
    {"QUERIES", TK_QUERIES},
    {"QUERY", TK_RESERVED},
    {"RENAME", TK_RESERVED},
    {"REPLACE", TK_REPLACE},
    {"RESUME", TK_RESUME},
    {"RETENTION", TK_RETENTION},
    {"RIGHT", TK_RIGHT},
    {"RUN", TK_RUN},
    {"SAMPLE", TK_SAMPLE},
    {"SCHEMA", TK_SCHEMA},
    {"SCRIPT", TK_SCRIPT},
    {"SECOND", TK_UNIT_NAME},
    {"SECONDS", TK_UNIT},
    {"SELECT", TK_SELECT},
    {"SESSION", TK_SESSION},
    {"SET", TK_SET},
    {"SHOW", TK_SHOW},
    {"SINK", TK_SINK},
    {"SIZE", TK_SIZE},
    {"SOURCE", TK_SOURCE},
    {"STREAM", TK_STREAM},
    {"STREAMS", TK_STREAMS},
    {"STRUCT", TK_STRUCT},
    {"SUBJECT", TK_SUBJECT},
    {"SYSTEM", TK_SYSTEM},
    {"TABLE", TK_TABLE},
    {"TABLES", TK_TABLES},
    {"TERMINATE", TK_TERMINATE},
    {"THEN", TK_THEN},
    {"TIME", TK_TIME},
    {"TIMEOUT", TK_TIMEOUT},
    {"TO", TK_RESERVED},
    {"TOPIC", TK_TOPIC},
    {"TOPICS", TK_TOPICS},
    {"TRUE", TK_TRUE},
    {"TUMBLING", TK_TUMBLING},
    {"TYPE", TK_TYPE},
    {"TYPES", TK_TYPES},
    {"UNDEFINE", TK_UNDEFINE},
    {"UNION", TK_UNION},
    {"UNSET", TK_UNSET},
    {"VALUES", TK_VALUES},
    {"VARIABLES", TK_VARIABLES},
    {"VIEW", TK_RESERVED},
    {"WHEN", TK_WHEN},
    {"WHERE", TK_WHERE},
    {"WINDOW", TK_WINDOW},
    {"WITH", TK_WITH},
    {"WITHIN", TK_WITHIN},
    {"YEAR", TK_UNIT_NAME},
    {"YEARS", TK_UNIT},
    {"ZONE", TK_ZONE},
};

enum { KEYWORDS = sizeof keywords / sizeof keywords[0], KEYWORD_BYTES_MAX = 15 };

static int lexer_keyword_cmp(const void *word, const void *keyword)
{
    return strcmp(word, ((const Keyword *)keyword)->word);
}

int lexer_word_code(Str word)
{
    char           upper[KEYWORD_BYTES_MAX + 1];
    const Keyword *found;

    if (word.len > KEYWORD_BYTES_MAX)
        return TK_IDENT;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];

        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    upper[word.len] = '\0';
    found = bsearch(upper, keywords, KEYWORDS, sizeof keywords[0], lexer_keyword_cmp);
    return found ? found->code : TK_IDENT;
}

/* Tokens that are no keywords, as messages call them. */
static const Keyword marks[] = {
    {"';'", 0},
    {"';'", TK_SEMI},
    {"a name", TK_IDENT},
    {"a name", TK_QUOTED},
    {"a string", TK_STRING},
    {"an integer", TK_INTEGER},
    {"a number", TK_NUMBER},
    {"a number", TK_FLOAT},
    {"a variable", TK_VARIABLE},
    {"a unit of time", TK_UNIT},
    {"a unit of time", TK_UNIT_NAME},
    {"ARRAY", TK_ARRAY_TYPE},
    {"MAP", TK_MAP_TYPE},
    {"STRUCT", TK_STRUCT_TYPE},
    {"'('", TK_LP},
    {"')'", TK_RP},
    {"'['", TK_LB},
    {"']'", TK_RB},
    {"','", TK_COMMA},
    {"'.'", TK_DOT},
    {"'*'", TK_STAR},
    {"'+'", TK_PLUS},
    {"'-'", TK_MINUS},
    {"'/'", TK_SLASH},
    {"'%'", TK_PERCENT},
    {"'||'", TK_CONCAT},
    {"'='", TK_EQ},
    {"'<>'", TK_NE},
    {"'<'", TK_LT},
    {"'<='", TK_LE},
    {"'>'", TK_GT},
    {"'>='", TK_GE},
    {"'->'", TK_ARROW},
    {"'=>'", TK_LAMBDA},
    {"':='", TK_ASSIGN},
};

enum { MARKS = sizeof marks / sizeof marks[0] };

const char *lexer_token_name(int code)
{
    for (size_t i = 0; i < MARKS; i++)
        if (marks[i].code == code)
            return marks[i].word;
    for (size_t i = 0; i < KEYWORDS; i++)
        if (keywords[i].code == code)
            return keywords[i].word;
    return "a reserved word";
}

void lexer_init(Lexer *lexer, Str sql)
{
    *lexer = (Lexer){.sql = sql, .cursor = sql.ptr, .mark = sql.ptr, .line = 1, .column = 1};
}

/* Moves the position to the byte at to, which lies ahead. */
static void lexer_move_mark(Lexer *lexer, const char *to)
{
    for (; lexer->mark < to; lexer->mark++) {
        if (*lexer->mark == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else if (((unsigned char)*lexer->mark & 0xC0) != 0x80) {
            lexer->column++;
        }
    }
}

static SrcPos lexer_pos(Lexer *lexer, const unsigned char *from, const unsigned char *to)
{
    const char *at = (const char *)from;

    lexer_move_mark(lexer, at);
    return (SrcPos){.line = lexer->line,
                    .column = lexer->column,
                    .offset = (uint32_t)(at - lexer->sql.ptr),
                    .len = (uint32_t)(to - from)};
}

/* Text that is no token. */
static ErrCode lexer_refuse(Lexer *lexer, const unsigned char *from, const unsigned char *to,
                            const char *what, const char *hint, Err *err)
{
    err_set_at(err, ERR_SYNTAX, lexer_pos(lexer, from, to), "%s", what);
    err_hint(err, "%s", hint);
    return ERR_SYNTAX;
}

static ErrCode lexer_refuse_character(Lexer *lexer, const unsigned char *from, Err *err)
{
    Str         rest = str_slice(lexer->sql, (size_t)((const char *)from - lexer->sql.ptr),
                                 lexer->sql.len);
    size_t      len = 0;
    uint32_t    point = utf8_next(rest, &len);
    const char *hint = NULL;

    if (point == 0x2018 || point == 0x2019)
        hint = "put a string between straight single quotes: 'text'";
    else if (point == 0x201C || point == 0x201D)
        hint = "put a name between straight double quotes or backticks: \"name\"";
    else if (point == '!')
        hint = "write NOT to negate, <> or != for not equal";
    else if (point == '&' || point == '|')
        hint = "write AND, OR, or || to join strings";
    else if (point == '$')
        hint = "a variable is written ${name}";
    else if (point == ':')
        hint = "to change a type write CAST(value AS type)";
    else if (point == 0xA0)
        hint = "this is a no-break space: replace it by an ordinary one";
    err_set_at(err, ERR_SYNTAX, lexer_pos(lexer, from, from + len), "unexpected character \"%.*s\"",
               (int)len, rest.ptr);
    if (hint)
        err_hint(err, "%s", hint);
    return ERR_SYNTAX;
}

/*!re2c
re2c:define:YYCTYPE  = "unsigned char";
re2c:define:YYCURSOR = cursor;
re2c:define:YYMARKER = marker;
re2c:yyfill:enable   = 0;

space    = [ \t\r\n\f\v]+;
digit    = [0-9];
word     = [A-Za-z_] [A-Za-z0-9_@]*;
exponent = [Ee] [+-]? digit+;
comment  = "--" [^\n\x00]* | "/*" ([^*\x00] | "*"+ [^*/\x00])* "*"+ "/";
quoted   = [`] ([^`\x00] | [`][`])* [`] | ["] ([^"\x00] | ["]["])* ["];
*/

ErrCode lexer_next(Lexer *lexer, Token *out, Err *err)
{
    const unsigned char *cursor = (const unsigned char *)lexer->cursor;
    const unsigned char *begin;
    const unsigned char *marker;
    int                  code;

again:
    begin = cursor;
    /*!re2c
    space | comment                          { goto again; }

    digit+                                   { code = TK_INTEGER;  goto token; }
    digit+ "." digit* | "." digit+           { code = TK_NUMBER;   goto token; }
    (digit+ ("." digit*)? | "." digit+) exponent { code = TK_FLOAT; goto token; }
    digit [A-Za-z0-9_@]+                     { code = TK_IDENT;    goto token; }
    word                                     { goto word; }
    "'" ([^'\x00] | "''")* "'"               { code = TK_STRING;   goto token; }
    quoted                                   { code = TK_QUOTED;   goto token; }
    "$" "$"? "{" word "}"                    { code = TK_VARIABLE; goto token; }

    ";"         { code = TK_SEMI;    goto token; }
    "("         { code = TK_LP;      goto token; }
    ")"         { code = TK_RP;      goto token; }
    "["         { code = TK_LB;      goto token; }
    "]"         { code = TK_RB;      goto token; }
    ","         { code = TK_COMMA;   goto token; }
    "."         { code = TK_DOT;     goto token; }
    "*"         { code = TK_STAR;    goto token; }
    "+"         { code = TK_PLUS;    goto token; }
    "-"         { code = TK_MINUS;   goto token; }
    "/"         { code = TK_SLASH;   goto token; }
    "%"         { code = TK_PERCENT; goto token; }
    "||"        { code = TK_CONCAT;  goto token; }
    "="         { code = TK_EQ;      goto token; }
    "<>" | "!=" { code = TK_NE;      goto token; }
    "<"         { code = TK_LT;      goto token; }
    "<="        { code = TK_LE;      goto token; }
    ">"         { code = TK_GT;      goto token; }
    ">="        { code = TK_GE;      goto token; }
    "->"        { code = TK_ARROW;   goto token; }
    "=>"        { code = TK_LAMBDA;  goto token; }
    ":="        { code = TK_ASSIGN;  goto token; }

    "\x00"      { cursor = begin; code = 0; goto token; }

    "/*"   { return lexer_refuse(lexer, begin, cursor, "comment is not closed",
                                 "end it with */", err); }
    "'"    { return lexer_refuse(lexer, begin, cursor, "string is not closed",
                                 "end it with ', and write '' for a quote inside of it", err); }
    [`"]   { return lexer_refuse(lexer, begin, cursor, "quoted name is not closed",
                                 "strings are written between single quotes", err); }
    "=="   { return lexer_refuse(lexer, begin, cursor, "unexpected \"==\"",
                                 "compare with a single =", err); }
    *      { return lexer_refuse_character(lexer, begin, err); }
    */

word:
    code = lexer_word_code((Str){(const char *)begin, (size_t)(cursor - begin)});
token:
    lexer->cursor = (const char *)cursor;
    *out = (Token){.code = code,
                   .text = {(const char *)begin, (size_t)(cursor - begin)},
                   .pos = lexer_pos(lexer, begin, cursor)};
    return ERR_OK;
}

/* Offset behind the quote that closes the one at from, or text.len and false. */
static bool lexer_split_quoted(Str text, size_t *at)
{
    char quote = text.ptr[*at];

    for (size_t i = *at + 1; i < text.len; i++) {
        if (text.ptr[i] != quote)
            continue;
        if (i + 1 < text.len && text.ptr[i + 1] == quote) {
            i++;
            continue;
        }
        *at = i + 1;
        return true;
    }
    *at = text.len;
    return false;
}

LexerSplit lexer_split(Str sql, size_t *end)
{
    LexerSplit open = LEXER_SPLIT_BLANK;
    size_t     i = 0;

    *end = sql.len;
    while (i < sql.len) {
        char c = sql.ptr[i];
        char next = i + 1 < sql.len ? sql.ptr[i + 1] : '\0';

        if (c == '\'' || c == '"' || c == '`') {
            open = LEXER_SPLIT_OPEN;
            if (!lexer_split_quoted(sql, &i))
                return LEXER_SPLIT_QUOTE;
        } else if (c == '-' && next == '-') {
            while (i < sql.len && sql.ptr[i] != '\n')
                i++;
        } else if (c == '/' && next == '*') {
            ptrdiff_t close = str_find(sql, STR("*/"), i + 2);

            if (close < 0)
                return LEXER_SPLIT_COMMENT;
            i = (size_t)close + 2;
        } else if (c == ';') {
            *end = i + 1;
            return LEXER_SPLIT_FOUND;
        } else {
            if (!strchr(" \t\r\n\f\v", c))
                open = LEXER_SPLIT_OPEN;
            i++;
        }
    }
    return open;
}
