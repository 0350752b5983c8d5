/*
 * java_regex.c -- regular expressions of java.util.regex, run by PCRE2.
 */
#include "exec/functions/java_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/buf.h"
#include "common/utf8.h"

enum {
    MATCH_STEPS_MAX = 1000000,
    MATCH_DEPTH_MAX = 10000,
    MATCH_HEAP_KB = 20000,
    CLASS_DEPTH_MAX = 50
};

struct JavaRegex {
    Str                  pattern; /* heap; ptr NULL: none yet */
    pcre2_code          *code;
    pcre2_match_data    *match;
    pcre2_match_context *limits;
};

/* --- translation ------------------------------------------------------------------------------
 *
 * Java's classes are sets: [a-z&&[^m-p]] is an intersection, [a-c[x-z]] a union.  PCRE2 has
 * neither, but any class is a pattern of one character, and on these
 *
 *     A | B       is the union
 *     (?=A)B      is the intersection
 *     (?!A).      is the complement
 */

/* Where the translation stands. */
typedef struct Translator {
    Str    pattern;
    size_t at;
    int    class_depth;
    Arena *mem;
    Buf   *out;
} Translator;

/* Names that the two spell differently. */
static Str property_elsewhere(Arena *mem, Str name, bool in_class)
{
    static const struct {
        const char *java, *set;
    } properties[] = {{"Lower", "[:lower:]"},
                      {"Upper", "[:upper:]"},
                      {"Alpha", "[:alpha:]"},
                      {"Digit", "[:digit:]"},
                      {"Alnum", "[:alnum:]"},
                      {"Punct", "[:punct:]"},
                      {"Graph", "[:graph:]"},
                      {"Print", "[:print:]"},
                      {"Blank", "[:blank:]"},
                      {"Cntrl", "[:cntrl:]"},
                      {"XDigit", "[:xdigit:]"},
                      {"Space", "[:space:]"},
                      {"ASCII", "[:ascii:]"},
                      {"javaLowerCase", "\\p{Lowercase}"},
                      {"javaUpperCase", "\\p{Uppercase}"},
                      {"javaLetter", "\\p{L}"},
                      {"javaDigit", "\\p{Nd}"},
                      {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
                      {"javaAlphabetic", "\\p{Alphabetic}"}};

    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (str_eq(name, str_from(properties[i].java)))
            return in_class ? str_from(properties[i].set)
                            : str_printf(mem, "[%s]", properties[i].set);
    }
    /* \p{IsGreek}, \p{IsAlphabetic}: scripts and properties, which PCRE2 knows by their names. */
    if (str_starts(name, STR("Is")) && name.len > 2)
        return str_printf(mem, "\\p{%.*s}", STR_ARG(str_slice(name, 2, name.len)));
    return STR_NULL;
}

/* The set without what is in it. */
static Str complement(Arena *mem, Str set)
{
    return str_printf(mem, "(?:(?!%.*s)(?s:.))", STR_ARG(set));
}

/* \p{name} or \P{name}, where it has to be written otherwise. */
static bool take_property(Translator *self)
{
    Str       rest = str_slice(self->pattern, self->at, self->pattern.len), set;
    ptrdiff_t end = str_find(rest, STR("}"), 0);
    bool      is_not = str_starts(rest, STR("\\P{"));

    if (end < 0 || (!is_not && !str_starts(rest, STR("\\p{"))))
        return false;
    set = property_elsewhere(self->mem, str_slice(rest, 3, (size_t)end), self->class_depth > 0);
    if (!set.ptr)
        return false;
    if (is_not && str_starts(set, STR("[:")))
        set = str_printf(self->mem, "[:^%.*s", STR_ARG(str_slice(set, 2, set.len)));
    else if (is_not && str_starts(set, STR("\\p")) &&
             str_find(set, STR("}"), 0) + 1 == (ptrdiff_t)set.len)
        set = str_printf(self->mem, "\\P%.*s", STR_ARG(str_slice(set, 2, set.len)));
    else if (is_not && self->class_depth == 0)
        set = complement(self->mem, set);
    else if (is_not)
        return false;
    buf_str(self->out, set);
    self->at += (size_t)end + 1;
    return true;
}

static void take(Translator *self, size_t len)
{
    if (len > self->pattern.len - self->at)
        len = self->pattern.len - self->at;
    buf_append(self->out, self->pattern.ptr + self->at, len);
    self->at += len;
}

/* What begins with a backslash: \Q...\E stands for itself, \u00e9 is a character. */
static void take_escape(Translator *self)
{
    Str       rest = str_slice(self->pattern, self->at, self->pattern.len);
    ptrdiff_t end;

    if (str_starts(rest, STR("\\Q"))) {
        end = str_find(rest, STR("\\E"), 0);
        take(self, end < 0 ? rest.len : (size_t)end + 2);
    } else if (str_starts(rest, STR("\\u")) && rest.len >= 6) {
        buf_printf(self->out, "\\x{%.4s}", rest.ptr + 2);
        self->at += 6;
    } else if (!take_property(self)) {
        take(self, 2);
    }
}

static ErrCode take_class(Translator *self, Err *err);

/* Members up to && or ]: what one class of PCRE2 holds, and classes among them. */
static ErrCode take_members(Translator *self, Str *out, Err *err)
{
    Buf  plain = buf_in(self->mem), *outer = self->out, sets = buf_in(self->mem);
    Str  pattern = self->pattern;
    bool has_sets = false;

    self->out = &plain;
    while (self->at < pattern.len && pattern.ptr[self->at] != ']' &&
           !str_starts(str_slice(pattern, self->at, pattern.len), STR("&&"))) {
        char c = pattern.ptr[self->at];

        if (c == '[') {
            buf_c(&sets, has_sets ? "|" : "");
            has_sets = true;
            self->out = &sets;
            TRY(take_class(self, err));
            self->out = &plain;
        } else if (c == '\\') {
            take_escape(self);
        } else {
            if (plain.len == 0 && strchr(":.=^", c))
                buf_put(&plain, '\\');
            take(self, 1);
        }
    }
    self->out = outer;
    if (plain.len == 0 && !has_sets)
        return err_set(err, ERR_EVAL, "regular expression has an empty character class");
    if (!has_sets)
        *out = str_printf(self->mem, "[%.*s]", (int)plain.len, plain.ptr);
    else if (plain.len == 0)
        *out = str_printf(self->mem, "(?:%.*s)", (int)sets.len, sets.ptr);
    else
        *out = str_printf(self->mem, "(?:[%.*s]|%.*s)", (int)plain.len, plain.ptr, (int)sets.len,
                          sets.ptr);
    return ERR_OK;
}

/* A class from its [ to its ]. */
static ErrCode take_class(Translator *self, Err *err)
{
    Str    pattern = self->pattern, set;
    Buf    others = buf_in(self->mem);
    bool   is_not;
    size_t from = ++self->at;

    if (++self->class_depth > CLASS_DEPTH_MAX)
        return err_set(err, ERR_EVAL, "regular expression nests character classes too deeply");
    is_not = from < pattern.len && pattern.ptr[from] == '^';
    self->at += is_not;
    TRY(take_members(self, &set, err));
    while (str_starts(str_slice(pattern, self->at, pattern.len), STR("&&"))) {
        buf_printf(&others, "(?=%.*s)", STR_ARG(set));
        self->at += 2;
        TRY(take_members(self, &set, err));
    }
    if (self->at == pattern.len)
        return err_set(err, ERR_EVAL,
                       "regular expression has a character class that is not closed");
    self->at++;
    self->class_depth--;
    if (others.len > 0)
        set = str_printf(self->mem, "(?:%.*s%.*s)", (int)others.len, others.ptr, STR_ARG(set));
    if (is_not && str_starts(set, STR("[")))
        set = str_printf(self->mem, "[^%.*s", STR_ARG(str_slice(set, 1, set.len)));
    else if (is_not)
        set = complement(self->mem, set);
    buf_str(self->out, set);
    return ERR_OK;
}

static ErrCode translate(Arena *mem, Str pattern, Buf *out, Err *err)
{
    Translator self = {.pattern = pattern, .mem = mem, .out = out};

    while (self.at < pattern.len) {
        if (pattern.ptr[self.at] == '\\')
            take_escape(&self);
        else if (pattern.ptr[self.at] == '[')
            TRY(take_class(&self, err));
        else
            take(&self, 1);
    }
    return ERR_OK;
}

/* --- compiling -------------------------------------------------------------------------------- */

JavaRegex *java_regex_new(Arena *mem)
{
    return ARENA_NEW(mem, JavaRegex);
}

void java_regex_close(JavaRegex *regex)
{
    pcre2_code_free(regex->code);
    pcre2_match_data_free(regex->match);
    pcre2_match_context_free(regex->limits);
    mem_free((char *)regex->pattern.ptr);
    *regex = (JavaRegex){0};
}

static ErrCode compile(JavaRegex *regex, Str translated, Err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SIZE             at = 0;
    int                    why = 0;
    PCRE2_UCHAR            text[128];

    pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
    pcre2_set_parens_nest_limit(context, 200);
    regex->code = pcre2_compile((PCRE2_SPTR)translated.ptr, translated.len,
                                PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &why, &at, context);
    pcre2_compile_context_free(context);
    if (!regex->code) {
        pcre2_get_error_message(why, text, sizeof text);
        return err_set(err, ERR_EVAL, "regular expression is invalid at %zu: %s", (size_t)at,
                       (const char *)text);
    }
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regex->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(regex->limits, MATCH_DEPTH_MAX);
    pcre2_set_heap_limit(regex->limits, MATCH_HEAP_KB);
    return ERR_OK;
}

static Str heap_copy(Str s)
{
    char *copy = mem_alloc(s.len + 1);

    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (Str){copy, s.len};
}

ErrCode java_regex_use(JavaRegex *regex, Str pattern, Err *err)
{
    Arena  *scratch;
    Buf     translated;
    ErrCode rc;

    if (regex->pattern.ptr && str_eq(regex->pattern, pattern))
        return ERR_OK;
    java_regex_close(regex);
    scratch = arena_new(0);
    translated = buf_in(scratch);
    rc = translate(scratch, pattern, &translated, err);
    if (rc == ERR_OK)
        rc = compile(regex, buf_view(&translated), err);
    if (rc == ERR_OK)
        regex->pattern = heap_copy(pattern);
    arena_free(scratch);
    return rc;
}

/* --- matching --------------------------------------------------------------------------------- */

uint32_t java_regex_groups(const JavaRegex *regex)
{
    uint32_t count = 0;

    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &count);
    return count;
}

int java_regex_group_named(const JavaRegex *regex, Str name)
{
    char c_name[64];
    int  number;

    if (name.len >= sizeof c_name)
        return -1;
    if (name.len)
        memcpy(c_name, name.ptr, name.len);
    c_name[name.len] = '\0';
    number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)c_name);
    return number < 0 ? -1 : number;
}

ErrCode java_regex_find(JavaRegex *regex, Str text, size_t from, bool *found, Err *err)
{
    uint32_t    options = from > 0 ? PCRE2_NO_UTF_CHECK : 0; /* checked by the first call */
    PCRE2_UCHAR why[128];
    int         rc;

    *found = false;
    if (from > text.len)
        return ERR_OK;
    rc = pcre2_match(regex->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, options,
                     regex->match, regex->limits);
    if (rc == PCRE2_ERROR_NOMATCH)
        return ERR_OK;
    if (rc < 0) {
        pcre2_get_error_message(rc, why, sizeof why);
        return err_set(err, ERR_EVAL, "regular expression did not finish: %s", (const char *)why);
    }
    *found = true;
    return ERR_OK;
}

bool java_regex_group(const JavaRegex *regex, uint32_t group, size_t *start, size_t *end)
{
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(regex->match);

    if (bounds[2 * group] == PCRE2_UNSET)
        return false;
    *start = bounds[2 * group];
    *end = bounds[2 * group + 1];
    return true;
}

size_t java_regex_next(const JavaRegex *regex, Str text)
{
    size_t start = 0;
    size_t end = 0;

    java_regex_group(regex, 0, &start, &end);
    if (end > start)
        return end;
    if (end >= text.len)
        return SIZE_MAX;
    utf8_next(text, &end);
    return end;
}
