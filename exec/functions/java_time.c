/*
 * java_time.c -- compiling the patterns of DateTimeFormatter.
 */
#include "exec/functions/java_time_pattern.h"

#include "common/vec.h"

/* Sections in sections are parsed recursively. */
enum { SECTION_DEPTH_MAX = 50 };

typedef VEC(TimeElement) Elements;

typedef struct Compiler {
    Arena   *mem;
    Str      pattern;
    size_t   at;
    Elements elements;
    uint16_t pad;       /* p before the next element */
    int64_t  base;      /* element that adjacent fixed numbers reserve digits of; -1: none */
    VEC(uint32_t) open; /* [ that wait for ] */
} Compiler;

/* --- texts ------------------------------------------------------------------------------------ */

static const char *const MONTHS[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const MONTHS_SHORT[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const MONTHS_NARROW[] = {"J", "F", "M", "A", "M", "J",
                                            "J", "A", "S", "O", "N", "D"};
static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};
static const char *const DAYS_SHORT[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const DAYS_NARROW[] = {"M", "T", "W", "T", "F", "S", "S"};
static const char *const QUARTERS[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
static const char *const QUARTERS_SHORT[] = {"Q1", "Q2", "Q3", "Q4"};
static const char *const QUARTERS_NARROW[] = {"1", "2", "3", "4"};
static const char *const ERAS[] = {"Before Christ", "Anno Domini"};
static const char *const ERAS_SHORT[] = {"BC", "AD"};
static const char *const ERAS_NARROW[] = {"B", "A"};
static const char *const HALVES[] = {"AM", "PM"};
static const char *const HALVES_NARROW[] = {"a", "p"};
static const char *const PERIODS[] = {"midnight",         "in the morning", "noon",
                                      "in the afternoon", "in the evening", "at night"};

/* full, short, narrow; and how many there are */
static const struct {
    TimeField          field;
    int64_t            first;
    int64_t            last;
    const char *const *forms[3];
} TEXTS[] = {
    {TIME_MONTH, 1, 12, {MONTHS, MONTHS_SHORT, MONTHS_NARROW}},
    {TIME_WEEKDAY, 1, 7, {DAYS, DAYS_SHORT, DAYS_NARROW}},
    {TIME_QUARTER, 1, 4, {QUARTERS, QUARTERS_SHORT, QUARTERS_NARROW}},
    {TIME_ERA, 0, 1, {ERAS, ERAS_SHORT, ERAS_NARROW}},
    {TIME_AM_PM, 0, 1, {HALVES, HALVES, HALVES_NARROW}},
    {TIME_DAY_PERIOD, 0, 5, {PERIODS, PERIODS, PERIODS}},
};

const char *time_field_text(TimeField field, int64_t value, uint16_t count)
{
    int form = count == 4 ? 0 : count == 5 ? 2 : 1;

    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (TEXTS[i].field == field && value >= TEXTS[i].first && value <= TEXTS[i].last)
            return TEXTS[i].forms[form][value - TEXTS[i].first];
    }
    return NULL;
}

int64_t time_field_text_max(TimeField field)
{
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (TEXTS[i].field == field)
            return TEXTS[i].last;
    }
    return -1;
}

/* --- letters ---------------------------------------------------------------------------------- */

static TimeElement number(TimeField field, uint16_t min, uint16_t max, TimeSign sign)
{
    return (TimeElement){
        .kind = ELEMENT_NUMBER, .field = field, .width_min = min, .width_max = max, .sign = sign};
}

static TimeElement text(TimeField field)
{
    return (TimeElement){.kind = ELEMENT_TEXT, .field = field};
}

static bool year_element(TimeField field, uint16_t count, TimeElement *out)
{
    *out = number(field, count, 19, count < 4 ? SIGN_NORMAL : SIGN_EXCEEDS_PAD);
    if (count == 2) {
        *out = number(field, 2, 2, SIGN_NOT_NEGATIVE);
        out->kind = ELEMENT_REDUCED;
    }
    return count <= 19;
}

/* One digit or as many as there are; two letters, exactly two. */
static bool small_element(TimeField field, uint16_t count, TimeElement *out)
{
    if (count == 1)
        *out = number(field, 1, 19, SIGN_NORMAL);
    else
        *out = number(field, 2, 2, SIGN_NOT_NEGATIVE);
    return count <= 2;
}

static bool number_or_text(TimeField field, uint16_t count, TimeElement *out)
{
    if (count <= 2)
        return small_element(field, count, out);
    *out = text(field);
    return count <= 5;
}

static bool text_element(TimeField field, uint16_t count, uint16_t most, TimeElement *out)
{
    *out = text(field);
    return count <= most;
}

static bool zone_element(TimeElementKind kind, uint16_t count, bool is_valid, TimeElement *out)
{
    *out = (TimeElement){.kind = kind, .count = count};
    return is_valid;
}

static bool date_element(char letter, uint16_t count, TimeElement *out)
{
    switch (letter) {
    case 'G':
        return text_element(TIME_ERA, count, 5, out);
    case 'u':
        return year_element(TIME_YEAR, count, out);
    case 'y':
        return year_element(TIME_YEAR_OF_ERA, count, out);
    case 'Y':
        return year_element(TIME_WEEK_YEAR, count, out);
    case 'Q':
    case 'q':
        return number_or_text(TIME_QUARTER, count, out);
    case 'M':
    case 'L':
        return number_or_text(TIME_MONTH, count, out);
    case 'w':
        return small_element(TIME_WEEK, count, out);
    case 'W':
        return small_element(TIME_WEEK_OF_MONTH, count, out) && count == 1;
    case 'F':
        return small_element(TIME_ALIGNED_WEEK, count, out) && count == 1;
    case 'D':
        *out = count == 1 ? number(TIME_DAY_OF_YEAR, 1, 19, SIGN_NORMAL)
                          : number(TIME_DAY_OF_YEAR, count, 3, SIGN_NOT_NEGATIVE);
        return count <= 3;
    case 'd':
        return small_element(TIME_DAY, count, out);
    case 'E':
        return text_element(TIME_WEEKDAY, count, 5, out);
    case 'e':
    case 'c':
        if (count <= 2)
            return small_element(TIME_LOCAL_WEEKDAY, count, out) && (letter == 'e' || count == 1);
        return text_element(TIME_WEEKDAY, count, 5, out);
    default:
        return false;
    }
}

static bool time_element(char letter, uint16_t count, TimeElement *out)
{
    switch (letter) {
    case 'a':
        return text_element(TIME_AM_PM, count, 1, out);
    case 'B':
        return text_element(TIME_DAY_PERIOD, count, 5, out);
    case 'h':
        return small_element(TIME_CLOCK_HOUR_12, count, out);
    case 'K':
        return small_element(TIME_HOUR_12, count, out);
    case 'k':
        return small_element(TIME_CLOCK_HOUR, count, out);
    case 'H':
        return small_element(TIME_HOUR, count, out);
    case 'm':
        return small_element(TIME_MINUTE, count, out);
    case 's':
        return small_element(TIME_SECOND, count, out);
    case 'S':
        *out = number(TIME_NANO, count, count, SIGN_NOT_NEGATIVE);
        out->kind = ELEMENT_FRACTION;
        return count <= 9;
    case 'A':
    case 'n':
    case 'N':
        *out = number(letter == 'A'   ? TIME_MILLI_OF_DAY
                      : letter == 'n' ? TIME_NANO
                                      : TIME_NANO_OF_DAY,
                      count, 19, SIGN_NOT_NEGATIVE);
        return count <= 19;
    default:
        return false;
    }
}

static bool element_of(char letter, uint16_t count, TimeElement *out)
{
    switch (letter) {
    case 'V':
        return zone_element(ELEMENT_ZONE_ID, count, count == 2, out);
    case 'v':
        return zone_element(ELEMENT_ZONE_NAME, count, count == 1 || count == 4, out);
    case 'z':
        return zone_element(ELEMENT_ZONE_NAME, count, count <= 4, out);
    case 'O':
        return zone_element(ELEMENT_LOCAL_OFFSET, count, count == 1 || count == 4, out);
    case 'X':
    case 'x':
        return zone_element(ELEMENT_OFFSET, count, count <= 5, out);
    case 'Z':
        return zone_element(count == 4 ? ELEMENT_LOCAL_OFFSET : ELEMENT_OFFSET, count, count <= 5,
                            out);
    default:
        return date_element(letter, count, out) || time_element(letter, count, out);
    }
}

/* --- the pattern ------------------------------------------------------------------------------ */

static ErrCode malformed(const Compiler *self, const char *why, Err *err)
{
    return err_set(err, ERR_EVAL, "pattern '%.*s' is malformed at %zu: %s",
                   self->pattern.len > 100 ? 100 : (int)self->pattern.len, self->pattern.ptr,
                   self->at + 1, why);
}

/* A number of fixed width right behind another number takes its digits from that one's end. */
static void reserve_digits(Compiler *self, const TimeElement *element, uint32_t index)
{
    bool is_number = element->kind == ELEMENT_NUMBER || element->kind == ELEMENT_REDUCED;
    bool is_fixed =
        is_number && element->width_min == element->width_max && element->sign == SIGN_NOT_NEGATIVE;

    if (is_fixed && self->base >= 0) {
        TimeElement *base = &self->elements.items[self->base];

        base->reserved = (uint16_t)(base->reserved + element->width_max);
    } else {
        self->base = is_number ? (int64_t)index : -1;
    }
}

static void push(Compiler *self, TimeElement element)
{
    element.pad = self->pad;
    self->pad = 0;
    vec_push(self->mem, &self->elements, element);
    reserve_digits(self, &element, (uint32_t)self->elements.len - 1);
}

static ErrCode take_letters(Compiler *self, Err *err)
{
    char        letter = self->pattern.ptr[self->at];
    uint16_t    count = 0;
    TimeElement element = {0};
    size_t      from = self->at;

    while (self->at < self->pattern.len && self->pattern.ptr[self->at] == letter && count < 100) {
        self->at++;
        count++;
    }
    if (letter == 'p') {
        if (self->pad || self->at == self->pattern.len)
            return malformed(self, "p must stand before another letter", err);
        self->pad = count;
        return ERR_OK;
    }
    if (!element_of(letter, count, &element)) {
        self->at = from;
        return malformed(self, "no such letter, or too many of it", err);
    }
    element.letter = letter;
    element.count = count;
    push(self, element);
    return ERR_OK;
}

static ErrCode take_quoted(Compiler *self, Err *err)
{
    Buf literal = buf_in(self->mem);

    for (self->at++;; self->at++) {
        if (self->at >= self->pattern.len)
            return malformed(self, "a quote is not closed", err);
        if (self->pattern.ptr[self->at] == '\'') {
            if (self->at + 1 >= self->pattern.len || self->pattern.ptr[self->at + 1] != '\'')
                break;
            self->at++;
        }
        buf_put(&literal, self->pattern.ptr[self->at]);
    }
    self->at++;
    if (literal.len == 0)
        buf_put(&literal, '\'');
    push(self, (TimeElement){.kind = ELEMENT_LITERAL, .literal = buf_view(&literal)});
    return ERR_OK;
}

static ErrCode take_bracket(Compiler *self, Err *err)
{
    bool     is_open = self->pattern.ptr[self->at] == '[';
    uint32_t index = (uint32_t)self->elements.len;

    if (is_open) {
        if (self->open.len == SECTION_DEPTH_MAX)
            return malformed(self, "too many sections in one another", err);
        vec_push(self->mem, &self->open, index);
    } else {
        if (self->open.len == 0)
            return malformed(self, "] without [", err);
        self->elements.items[self->open.items[--self->open.len]].partner = index;
    }
    push(self, (TimeElement){.kind = is_open ? ELEMENT_BEGIN : ELEMENT_END});
    self->at++;
    return ERR_OK;
}

static ErrCode take_other(Compiler *self, Err *err)
{
    char c = self->pattern.ptr[self->at];

    if (c == '{' || c == '}' || c == '#')
        return malformed(self, "reserved character", err);
    push(self, (TimeElement){.kind = ELEMENT_LITERAL,
                             .literal = str_copy(
                                 self->mem, str_slice(self->pattern, self->at, self->at + 1))});
    self->at++;
    return ERR_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

ErrCode java_time_compile(Arena *mem, Str pattern, const JavaTime **out, Err *err)
{
    Compiler  self = {.mem = mem, .pattern = pattern, .base = -1};
    JavaTime *compiled = ARENA_NEW(mem, JavaTime);

    while (self.at < pattern.len) {
        char c = pattern.ptr[self.at];

        if (is_letter(c))
            TRY(take_letters(&self, err));
        else if (c == '\'')
            TRY(take_quoted(&self, err));
        else if (c == '[' || c == ']')
            TRY(take_bracket(&self, err));
        else
            TRY(take_other(&self, err));
    }
    while (self.open.len > 0) { /* Java closes what is left open */
        self.elements.items[self.open.items[--self.open.len]].partner = (uint32_t)self.elements.len;
        push(&self, (TimeElement){.kind = ELEMENT_END});
    }
    compiled->elements = self.elements.items;
    compiled->len = (uint32_t)self.elements.len;
    *out = compiled;
    return ERR_OK;
}
