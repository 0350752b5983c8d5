/*
 * test_file.c -- text to cases and steps.
 *
 * At the start of a line stands a comment (# or --), a heading (a word, perhaps a name, and a
 * colon), or a statement, which goes on to its semicolon over any lines.  Indented lines below a
 * heading belong to it.
 *
 *     cursor at a line ─ blank, comment ─▶ next line
 *                      ─ heading ─▶ its argument, then its indented lines
 *                      ─ else ─▶ lexer_split finds the semicolon
 */
#include "cli/test_file.h"

#include <assert.h>

#include "cli/file.h"
#include "common/vec.h"
#include "parser/lexer.h"

enum { TEST_FILE_BYTES_MAX = 4 << 20 };

typedef enum Heading {
    HEADING_NONE,
    HEADING_TEST,
    HEADING_PROPERTY,
    HEADING_TOPIC,
    HEADING_TIME,
    HEADING_RUN,
    HEADING_INPUT,
    HEADING_OUTPUT,
    HEADING_ROWS,
    HEADING_ANSWER,
    HEADING_ERROR,
    HEADING_HINT
} Heading;

typedef struct HeadingRule {
    const char *word;
    bool        has_name;  /* a name stands before the colon */
    bool        has_lines; /* indented lines may follow */
} HeadingRule;

static const HeadingRule headings[] = {
    [HEADING_TEST] = {"test", false, false},    [HEADING_PROPERTY] = {"property", false, false},
    [HEADING_TOPIC] = {"topic", true, false},   [HEADING_TIME] = {"time", false, false},
    [HEADING_RUN] = {"run", false, false},      [HEADING_INPUT] = {"input", true, true},
    [HEADING_OUTPUT] = {"output", true, true},  [HEADING_ROWS] = {"rows", false, true},
    [HEADING_ANSWER] = {"answer", false, true}, [HEADING_ERROR] = {"error", false, false},
    [HEADING_HINT] = {"hint", false, false},
};

typedef struct FileParser {
    Arena   *mem;
    Str      path, text;
    size_t   at;   /* start of a line */
    uint32_t line; /* its number */
    VEC(TestCase) cases;
    VEC(TestStep) steps;          /* of the last case */
    VEC(TestProperty) properties; /* of the last case */
} FileParser;

static ErrCode refuse(const FileParser *parser, const char *why, Str what, Err *err)
{
    return err_set(err, ERR_SYNTAX, "%.*s:%u: %s%s%.*s%s", STR_ARG(parser->path), parser->line, why,
                   what.len ? " \"" : "", STR_ARG(what), what.len ? "\"" : "");
}

static Str current_line(const FileParser *parser)
{
    ptrdiff_t end = str_find(parser->text, STR("\n"), parser->at);

    return str_slice(parser->text, parser->at, end < 0 ? parser->text.len : (size_t)end);
}

static void next_line(FileParser *parser)
{
    parser->at += current_line(parser).len;
    if (parser->at < parser->text.len)
        parser->at++;
    parser->line++;
}

static bool is_skipped(Str line)
{
    Str trimmed = str_trim(line);

    return trimmed.len == 0 || trimmed.ptr[0] == '#' || str_starts(trimmed, STR("--"));
}

static bool is_indented(Str line)
{
    return line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "word:", "word name:"; what follows the colon is the argument. */
static Heading heading_of(Str line, Str *name, Str *argument)
{
    for (size_t i = HEADING_TEST; i < sizeof headings / sizeof *headings; i++) {
        Str    word = str_from(headings[i].word);
        size_t at = word.len;
        size_t name_at;

        if (!str_starts(line, word) || at >= line.len)
            continue;
        while (at < line.len && is_blank(line.ptr[at]))
            at++;
        name_at = at;
        while (headings[i].has_name && at < line.len && line.ptr[at] != ':' &&
               !is_blank(line.ptr[at]))
            at++;
        if (at == line.len || line.ptr[at] != ':' || headings[i].has_name != (at > name_at))
            continue;
        *name = str_slice(line, name_at, at);
        *argument = str_trim(str_slice(line, at + 1, line.len));
        return (Heading)i;
    }
    return HEADING_NONE;
}

/* --- cases ------------------------------------------------------------------------------------ */

static void end_case(FileParser *parser)
{
    TestCase *last;

    if (parser->cases.len == 0)
        return;
    last = &parser->cases.items[parser->cases.len - 1];
    last->steps = parser->steps.items;
    last->steps_len = parser->steps.len;
    last->properties = parser->properties.items;
    last->properties_len = parser->properties.len;
    memset(&parser->steps, 0, sizeof parser->steps);
    memset(&parser->properties, 0, sizeof parser->properties);
}

static void begin_case(FileParser *parser, Str name)
{
    end_case(parser);
    vec_push(parser->mem, &parser->cases, ((TestCase){.name = name, .line = parser->line}));
}

/* A file without "test:" is one case. */
static TestStep *add_step(FileParser *parser, TestStepKind kind)
{
    if (parser->cases.len == 0)
        begin_case(parser, parser->path);
    vec_push(parser->mem, &parser->steps, ((TestStep){.kind = kind, .line = parser->line}));
    return &parser->steps.items[parser->steps.len - 1];
}

/* The indented lines from the cursor on. */
static void take_lines(FileParser *parser, TestStep *step)
{
    VEC(TestLine) lines = {0};

    while (parser->at < parser->text.len) {
        Str line = current_line(parser);

        if (!is_skipped(line)) {
            if (!is_indented(line))
                break;
            vec_push(parser->mem, &lines, ((TestLine){str_trim(line), parser->line}));
        }
        next_line(parser);
    }
    step->lines = lines.items;
    step->lines_len = lines.len;
}

static ErrCode add_property(FileParser *parser, Str argument, Err *err)
{
    ptrdiff_t equals = str_find(argument, STR("="), 0);

    if (equals <= 0)
        return refuse(parser, "a property is written name=value, not", argument, err);
    if (parser->steps.len > 0)
        return refuse(parser, "properties stand before the first statement", STR(""), err);
    if (parser->cases.len == 0)
        begin_case(parser, parser->path);
    vec_push(parser->mem, &parser->properties,
             ((TestProperty){str_trim(str_slice(argument, 0, (size_t)equals)),
                             str_trim(str_slice(argument, (size_t)equals + 1, argument.len))}));
    return ERR_OK;
}

/* --- refusals --------------------------------------------------------------------------------- */

static bool take_number(Str *text, uint32_t *out)
{
    size_t  digits = 0;
    int64_t value;

    while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9')
        digits++;
    if (digits == text->len || text->ptr[digits] != ':' ||
        !str_to_i64(str_slice(*text, 0, digits), &value) || value < 1 || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    *text = str_slice(*text, digits + 1, text->len);
    return true;
}

/* "message", or "line:column: message"; about the statement before. */
static ErrCode add_refusal(FileParser *parser, Str argument, Err *err)
{
    TestStep   *last = parser->steps.len ? &parser->steps.items[parser->steps.len - 1] : NULL;
    TestRefusal refusal = {.is_expected = true};
    Str         rest = argument;

    if (!last || (last->kind != TEST_STATEMENT && last->kind != TEST_RUN))
        return refuse(parser, "\"error:\" stands below the statement that must fail", STR(""), err);
    if (last->refusal.is_expected)
        return refuse(parser, "a statement has one \"error:\" only", STR(""), err);
    if (take_number(&rest, &refusal.line) && take_number(&rest, &refusal.column))
        argument = str_trim(rest);
    else
        refusal.line = refusal.column = 0;
    if (argument.len == 0)
        return refuse(parser, "\"error:\" needs the message that is expected", STR(""), err);
    refusal.message = argument;
    last->refusal = refusal;
    return ERR_OK;
}

/* What the refusal of the statement before advises. */
static ErrCode add_hint(FileParser *parser, Str argument, Err *err)
{
    TestStep *last = parser->steps.len ? &parser->steps.items[parser->steps.len - 1] : NULL;

    if (!last || !last->refusal.is_expected || last->refusal.hint.ptr)
        return refuse(parser, "\"hint:\" stands once, below an \"error:\"", STR(""), err);
    if (argument.len == 0)
        return refuse(parser, "\"hint:\" needs the text that is expected", STR(""), err);
    last->refusal.hint = argument;
    return ERR_OK;
}

/* --- the text --------------------------------------------------------------------------------- */

static ErrCode add_number(FileParser *parser, TestStepKind kind, Str name, Str argument, Err *err)
{
    int64_t   number;
    TestStep *step;

    if (!str_to_i64(argument, &number) || number < 0)
        return refuse(parser, "a number is expected, not", argument, err);
    step = add_step(parser, kind);
    step->text = name;
    step->number = number;
    return ERR_OK;
}

static ErrCode add_section(FileParser *parser, TestStepKind kind, Str name, Str argument, Err *err)
{
    TestStep *step;

    if (argument.len > 0)
        return refuse(parser,
                      "its lines stand below the heading, indented, not behind it:", argument, err);
    step = add_step(parser, kind);
    step->text = name;
    next_line(parser);
    take_lines(parser, step);
    return ERR_OK;
}

static ErrCode read_heading(FileParser *parser, Heading heading, Str name, Str argument, Err *err)
{
    static const TestStepKind sections[] = {[HEADING_INPUT] = TEST_INPUT,
                                            [HEADING_OUTPUT] = TEST_OUTPUT,
                                            [HEADING_ROWS] = TEST_ROWS,
                                            [HEADING_ANSWER] = TEST_ANSWER};

    if (headings[heading].has_lines)
        return add_section(parser, sections[heading], name, argument, err);
    if (argument.len == 0)
        return refuse(parser, "something is missing behind the colon", STR(""), err);
    switch (heading) {
    case HEADING_TEST:
        begin_case(parser, argument);
        break;
    case HEADING_PROPERTY:
        TRY(add_property(parser, argument, err));
        break;
    case HEADING_TOPIC:
        TRY(add_number(parser, TEST_TOPIC, name, argument, err));
        break;
    case HEADING_TIME:
        TRY(add_number(parser, TEST_TIME, STR_NULL, argument, err));
        break;
    case HEADING_ERROR:
        TRY(add_refusal(parser, argument, err));
        break;
    case HEADING_HINT:
        TRY(add_hint(parser, argument, err));
        break;
    default:
        assert(heading == HEADING_RUN);
        add_step(parser, TEST_RUN)->text = argument;
    }
    next_line(parser);
    return ERR_OK;
}

static ErrCode read_statement(FileParser *parser, Err *err)
{
    Str    rest = str_slice(parser->text, parser->at, parser->text.len);
    size_t end;
    Str    sql;

    if (lexer_split(rest, &end) != LEXER_SPLIT_FOUND)
        return refuse(parser, "a statement without its semicolon:", str_trim(current_line(parser)),
                      err);
    sql = str_trim(str_slice(rest, 0, end));
    add_step(parser, TEST_STATEMENT)->text = sql;
    for (size_t i = 0; i < end; i++)
        parser->line += rest.ptr[i] == '\n';
    parser->at += end;
    if (!is_skipped(current_line(parser)))
        return refuse(parser, "each statement begins on a line of its own, not",
                      str_trim(current_line(parser)), err);
    next_line(parser);
    return ERR_OK;
}

static bool is_error_file(Str path)
{
    size_t begin = path.len;

    while (begin > 0 && path.ptr[begin - 1] != '/')
        begin--;
    return str_starts(str_slice(path, begin, path.len), STR("error_"));
}

ErrCode test_file_parse(Arena *arena, Str path, Str text, TestFile *out, Err *err)
{
    FileParser parser = {.mem = arena, .path = path, .text = text, .line = 1};

    while (parser.at < text.len) {
        Str     line = current_line(&parser);
        Str     name, argument;
        Heading heading;

        if (is_skipped(line)) {
            next_line(&parser);
            continue;
        }
        if (is_indented(line))
            return refuse(&parser, "an indented line that belongs to no heading:", str_trim(line),
                          err);
        heading = heading_of(line, &name, &argument);
        if (heading == HEADING_NONE)
            TRY(read_statement(&parser, err));
        else
            TRY(read_heading(&parser, heading, name, argument, err));
    }
    end_case(&parser);
    *out = (TestFile){path, parser.cases.items, parser.cases.len, is_error_file(path)};
    return ERR_OK;
}

ErrCode test_file_read(Arena *arena, Str path, TestFile *out, Err *err)
{
    Str text;

    TRY(file_read(arena, path, TEST_FILE_BYTES_MAX, &text, err));
    return test_file_parse(arena, path, text, out, err);
}
