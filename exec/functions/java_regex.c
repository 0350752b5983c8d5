/*
 * java_regex.c -- regular expressions of java.util.regex, run by PCRE2.
 */
#include "exec/functions/java_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/buf.h"
#include "common/utf8.h"

enum { MATCH_STEPS_MAX = 1000000, MATCH_DEPTH_MAX = 10000, MATCH_HEAP_KB = 20000 };

struct JavaRegex {
    Str                  pattern; /* heap; ptr NULL: none yet */
    pcre2_code          *code;
    pcre2_match_data    *match;
    pcre2_match_context *limits;
};

/* --- translation ------------------------------------------------------------------------------ */

/* Where the translation stands. */
typedef struct Translator {
    Str    pattern;
    size_t at;
    int    class_depth;
    Buf   *out;
} Translator;

/* \p{Lower} and its kin: POSIX classes, which PCRE2 spells [:lower:]. */
static bool take_posix_class(Translator *self)
{
    static const struct {
        const char *java;
        const char *posix;
    } classes[] = {{"Lower", "lower"}, {"Upper", "upper"}, {"Alpha", "alpha"},   {"Digit", "digit"},
                   {"Alnum", "alnum"}, {"Punct", "punct"}, {"Graph", "graph"},   {"Print", "print"},
                   {"Blank", "blank"}, {"Cntrl", "cntrl"}, {"XDigit", "xdigit"}, {"Space", "space"},
                   {"ASCII", "ascii"}};
    Str rest = str_slice(self->pattern, self->at, self->pattern.len);

    if (!str_starts(rest, STR("\\p{")) && !str_starts(rest, STR("\\P{")))
        return false;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        Str name = str_from(classes[i].java);

        if (rest.len < name.len + 4 || memcmp(rest.ptr + 3, name.ptr, name.len) != 0 ||
            rest.ptr[3 + name.len] != '}')
            continue;
        buf_printf(self->out, self->class_depth ? "[:%s%s:]" : "[[:%s%s:]]",
                   rest.ptr[1] == 'P' ? "^" : "", classes[i].posix);
        self->at += name.len + 4;
        return true;
    }
    return false;
}

static void take(Translator *self, size_t len)
{
    if (len > self->pattern.len - self->at)
        len = self->pattern.len - self->at;
    buf_append(self->out, self->pattern.ptr + self->at, len);
    self->at += len;
}

/* \Q...\E stands for itself. */
static void take_quotation(Translator *self)
{
    ptrdiff_t end = str_find(self->pattern, STR("\\E"), self->at);

    take(self, end < 0 ? self->pattern.len : (size_t)end + 2 - self->at);
}

static bool is_intersection(const Translator *self)
{
    return self->class_depth > 0 && self->pattern.len - self->at >= 2 &&
           self->pattern.ptr[self->at] == '&' && self->pattern.ptr[self->at + 1] == '&';
}

/* In a class: a ] right behind [ or [^ is an error in Java and a literal in PCRE2; both agree on
 * all that Java accepts. */
static ErrCode translate(Str pattern, Buf *out, Err *err)
{
    Translator self = {.pattern = pattern, .out = out};

    while (self.at < pattern.len) {
        char c = pattern.ptr[self.at];

        if (is_intersection(&self))
            return err_set(err, ERR_EVAL,
                           "regular expression cannot intersect character classes (&&)");
        if (c == '\\') {
            if (pattern.len - self.at >= 2 && pattern.ptr[self.at + 1] == 'Q')
                take_quotation(&self);
            else if (!take_posix_class(&self))
                take(&self, 2);
            continue;
        }
        if (c == '[')
            self.class_depth++;
        else if (c == ']' && self.class_depth > 0)
            self.class_depth--;
        if (c == '[' && self.class_depth > 1)
            return err_set(err, ERR_EVAL, "regular expression cannot nest character classes");
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
    Buf     translated = {0};
    ErrCode rc;

    if (regex->pattern.ptr && str_eq(regex->pattern, pattern))
        return ERR_OK;
    java_regex_close(regex);
    rc = translate(pattern, &translated, err);
    if (rc == ERR_OK)
        rc = compile(regex, buf_view(&translated), err);
    if (rc == ERR_OK)
        regex->pattern = heap_copy(pattern);
    buf_deinit(&translated);
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
