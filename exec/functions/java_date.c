/*
 * java_date.c -- reading dates by the patterns of SimpleDateFormat, for PARSE_DATE only.
 *
 * Pattern and text are walked side by side; the fields go into a lenient calendar, where a month
 * of 14 is February of the next year and so on.  A day can be given in five ways: by the month, by
 * the year, or as a weekday of a week of the month, of the year, or counted in the month.  The way
 * that was completed last decides, as in GregorianCalendar; weeks begin on Sunday, and the first
 * of a year or month is the one of its first day.
 */
#include "exec/functions/java_date.h"

#include "common/datetime.h"
#include "exec/functions/java_time_pattern.h"

enum { DIGITS_MAX = 9, CENTURY_BACK_YEARS = 80 };

typedef enum DateField {
    FIELD_MONTH, /* from 1 */
    FIELD_DAY,
    FIELD_DAY_OF_YEAR,
    FIELD_WEEKDAY, /* from 0, Sunday */
    FIELD_WEEKDAY_IN_MONTH,
    FIELD_WEEK_OF_MONTH,
    FIELD_WEEK_OF_YEAR,
    FIELD_COUNT_
} DateField;

typedef struct Fields {
    int64_t year;
    int64_t dates[FIELD_COUNT_];
    int     stamps[FIELD_COUNT_]; /* 0: not given; else the later, the higher */
    int     stamp;
    int64_t hour, minute, second, ms;
    int64_t half; /* 1: afternoon */
    bool    has_half_hour;
    bool    is_bc;
    int64_t offset_s;
} Fields;

typedef struct Reader {
    Str     pattern, text;
    size_t  at_pattern, at;
    int64_t now_ms;
    Fields  fields;
} Reader;

static ErrCode mismatch(const Reader *self, Err *err)
{
    return err_set(err, ERR_EVAL, "text '%.*s' does not match pattern '%.*s'",
                   self->text.len > 100 ? 100 : (int)self->text.len, self->text.ptr,
                   self->pattern.len > 100 ? 100 : (int)self->pattern.len, self->pattern.ptr);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static Str rest_of(const Reader *self)
{
    return str_slice(self->text, self->at, self->text.len);
}

/* Another number right behind leaves this one its letters' width only. */
static bool take_number(Reader *self, size_t width, int64_t *out)
{
    size_t most = SIZE_MAX;
    size_t len = 0;

    if (self->at_pattern < self->pattern.len &&
        strchr("yYMLdDuwWFHkKhmsS", self->pattern.ptr[self->at_pattern]))
        most = width;
    while (self->at < self->text.len && self->text.ptr[self->at] == ' ')
        self->at++;
    *out = 0;
    while (len < most && self->at < self->text.len && self->text.ptr[self->at] >= '0' &&
           self->text.ptr[self->at] <= '9') {
        if (len++ >= DIGITS_MAX)
            return false;
        *out = *out * 10 + (self->text.ptr[self->at++] - '0');
    }
    return len > 0;
}

/* Full or short name, the longest that fits. */
static bool take_name(Reader *self, TimeField field, int64_t *out)
{
    size_t found_len = 0;

    for (uint16_t form = 3; form <= 4; form++) {
        for (int64_t value = 0; value <= time_field_text_max(field); value++) {
            const char *name = time_field_text(field, value, form);

            if (name && strlen(name) > found_len &&
                str_starts_nocase(rest_of(self), str_from(name))) {
                found_len = strlen(name);
                *out = value;
            }
        }
    }
    self->at += found_len;
    return found_len > 0;
}

/* A year of up to two digits lies between 80 years before now and 20 after. */
static int64_t full_year(int64_t year, int64_t now_ms)
{
    int64_t now_year, start;
    int     month, day;

    datetime_civil_of(now_ms / MS_PER_DAY, &now_year, &month, &day);
    start = now_year - CENTURY_BACK_YEARS;
    year += start - start % 100;
    return year < start ? year + 100 : year;
}

static bool take_zone(Reader *self)
{
    Str    rest = rest_of(self);
    size_t len = 0;

    while (len < rest.len && len < 40 &&
           (is_letter(rest.ptr[len]) || strchr("/_+-: ", rest.ptr[len]) ||
            (rest.ptr[len] >= '0' && rest.ptr[len] <= '9')))
        len++;
    for (; len > 0; len--) {
        Str      candidate = str_slice(rest, 0, len);
        Str      named = java_zone_of_name(candidate);
        JavaZone zone;
        Err      ignored;

        if (java_zone_open(named.ptr ? named : candidate, &zone, &ignored) != ERR_OK)
            continue;
        self->fields.offset_s = java_zone_offset(&zone, self->now_ms);
        java_zone_close(&zone);
        self->at += len;
        return true;
    }
    return false;
}

static void set_date(Fields *fields, DateField field, int64_t value)
{
    fields->dates[field] = value;
    fields->stamps[field] = ++fields->stamp;
}

static bool take_date_number(Reader *self, size_t count, DateField field)
{
    int64_t value;

    if (!take_number(self, count, &value))
        return false;
    set_date(&self->fields, field, field == FIELD_WEEKDAY ? value % 7 : value);
    return true;
}

static bool take_date_name(Reader *self, TimeField names, DateField field)
{
    int64_t value = 0;

    if (!take_name(self, names, &value))
        return false;
    set_date(&self->fields, field, field == FIELD_WEEKDAY ? value % 7 : value);
    return true;
}

static bool take_date_field(Reader *self, char letter, size_t count)
{
    Fields *fields = &self->fields;
    int64_t value = 0;

    switch (letter) {
    case 'G':
        if (!take_name(self, TIME_ERA, &value))
            return false;
        fields->is_bc = value == 0;
        return true;
    case 'y':
    case 'Y': /* FastDateFormat knows no years of weeks */
        if (!take_number(self, count, &fields->year))
            return false;
        if (count <= 2 && fields->year < 100)
            fields->year = full_year(fields->year, self->now_ms);
        return true;
    case 'M':
    case 'L':
        return count >= 3 ? take_date_name(self, TIME_MONTH, FIELD_MONTH)
                          : take_date_number(self, count, FIELD_MONTH);
    case 'd':
        return take_date_number(self, count, FIELD_DAY);
    case 'D':
        return take_date_number(self, count, FIELD_DAY_OF_YEAR);
    case 'E':
        return take_date_name(self, TIME_WEEKDAY, FIELD_WEEKDAY);
    case 'u':
        return take_date_number(self, count, FIELD_WEEKDAY);
    case 'F':
        return take_date_number(self, count, FIELD_WEEKDAY_IN_MONTH);
    case 'W':
        return take_date_number(self, count, FIELD_WEEK_OF_MONTH);
    case 'w':
        return take_date_number(self, count, FIELD_WEEK_OF_YEAR);
    default:
        return false;
    }
}

static bool take_time_field(Reader *self, char letter, size_t count)
{
    Fields *fields = &self->fields;

    switch (letter) {
    case 'a':
        return take_name(self, TIME_AM_PM, &fields->half);
    case 'H':
        return take_number(self, count, &fields->hour);
    case 'k':
        if (!take_number(self, count, &fields->hour))
            return false;
        fields->hour %= 24;
        return true;
    case 'K':
    case 'h':
        fields->has_half_hour = true;
        if (!take_number(self, count, &fields->hour))
            return false;
        fields->hour = letter == 'h' && fields->hour == 12 ? 0 : fields->hour;
        return true;
    case 'm':
        return take_number(self, count, &fields->minute);
    case 's':
        return take_number(self, count, &fields->second);
    case 'S':
        return take_number(self, count, &fields->ms);
    case 'z':
    case 'Z':
    case 'X':
        return take_zone(self);
    default:
        return false;
    }
}

static ErrCode take_letters(Reader *self, Err *err)
{
    char   letter = self->pattern.ptr[self->at_pattern];
    size_t count = 0;

    while (self->at_pattern < self->pattern.len && self->pattern.ptr[self->at_pattern] == letter) {
        self->at_pattern++;
        count++;
    }
    if (!strchr("GyYMLdDEuFWwaHkKhmsSzZX", letter))
        return err_set(err, ERR_EVAL, "pattern letter '%c' cannot be read by PARSE_DATE", letter);
    if (!take_date_field(self, letter, count) && !take_time_field(self, letter, count))
        return mismatch(self, err);
    return ERR_OK;
}

static ErrCode take_literal(Reader *self, char c, Err *err)
{
    if (self->at == self->text.len || self->text.ptr[self->at] != c)
        return mismatch(self, err);
    self->at++;
    return ERR_OK;
}

/* '' is a quote, inside quotes and outside. */
static ErrCode take_quoted(Reader *self, Err *err)
{
    bool is_empty = true;

    for (self->at_pattern++;; self->at_pattern++, is_empty = false) {
        if (self->at_pattern >= self->pattern.len)
            return err_set(err, ERR_EVAL, "pattern has a quote that is not closed");
        if (self->pattern.ptr[self->at_pattern] == '\'') {
            if (self->at_pattern + 1 >= self->pattern.len ||
                self->pattern.ptr[self->at_pattern + 1] != '\'' || is_empty)
                break;
            self->at_pattern++;
        }
        TRY(take_literal(self, self->pattern.ptr[self->at_pattern], err));
    }
    self->at_pattern++;
    return is_empty ? take_literal(self, '\'', err) : ERR_OK;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* --- the day ---------------------------------------------------------------------------------- */

/* The last day of that weekday (0: Sunday) up to days. */
static int64_t weekday_until(int64_t days, int64_t weekday)
{
    int64_t back = (days + 4 - weekday) % 7;

    return days - (back < 0 ? back + 7 : back);
}

static int later_of(int a, int b)
{
    return a > b ? a : b;
}

/* A week is a date together with a weekday only. */
static int both_of(int a, int b)
{
    return a && b ? later_of(a, b) : 0;
}

/* The way that was completed last; a week alone, or a weekday alone, counts when there is no other.
 */
static DateField deciding_field(const Fields *fields)
{
    static const DateField ways[] = {FIELD_DAY, FIELD_WEEK_OF_MONTH, FIELD_WEEKDAY_IN_MONTH,
                                     FIELD_DAY_OF_YEAR, FIELD_WEEK_OF_YEAR};
    const int             *stamps = fields->stamps;
    int                    weekday = stamps[FIELD_WEEKDAY], best = 0;
    DateField              found = FIELD_DAY;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        bool is_week = ways[i] != FIELD_DAY && ways[i] != FIELD_DAY_OF_YEAR;
        int  stamp = is_week ? both_of(stamps[ways[i]], weekday) : stamps[ways[i]];

        if (stamp > best) {
            best = stamp;
            found = ways[i];
        }
    }
    if (best > 0)
        return found;
    best = later_of(
        stamps[FIELD_WEEK_OF_MONTH],
        later_of(later_of(stamps[FIELD_WEEKDAY_IN_MONTH], weekday), stamps[FIELD_WEEK_OF_YEAR]));
    if (best == 0)
        return FIELD_DAY;
    if (best == stamps[FIELD_WEEK_OF_MONTH])
        return FIELD_WEEK_OF_MONTH;
    return best == stamps[FIELD_WEEK_OF_YEAR] ? FIELD_WEEK_OF_YEAR : FIELD_WEEKDAY_IN_MONTH;
}

/* A weekday, or Sunday, of week number `week` of what begins on day `first`. */
static int64_t day_of_week(const Fields *fields, int64_t first, int64_t week)
{
    int64_t sunday = weekday_until(first, 0);

    return sunday + fields->dates[FIELD_WEEKDAY] + 7 * (week - 1);
}

static int64_t days_of(const Fields *fields)
{
    DateField way = deciding_field(fields);
    int64_t   year = fields->is_bc ? 1 - fields->year : fields->year;
    int64_t   month = fields->dates[FIELD_MONTH] - 1, first, count;

    if (way == FIELD_DAY_OF_YEAR)
        return datetime_days_of(year, 1, 1) + fields->dates[way] - 1;
    if (way == FIELD_WEEK_OF_YEAR)
        return day_of_week(fields, datetime_days_of(year, 1, 1), fields->dates[way]);
    year += floor_div(month, 12);
    first = datetime_days_of(year, (int)(month - floor_div(month, 12) * 12) + 1, 1);
    if (way == FIELD_DAY)
        return first + fields->dates[way] - 1;
    if (way == FIELD_WEEK_OF_MONTH)
        return day_of_week(fields, first, fields->dates[way]);
    count = fields->stamps[way] ? fields->dates[way] : 1;
    return weekday_until(first + 7 * count - 1, fields->dates[FIELD_WEEKDAY]);
}

/* False beyond the range of milliseconds. */
static bool instant_of(const Fields *fields, int64_t *out_ms)
{
    int64_t days = days_of(fields);

    *out_ms = (fields->hour + (fields->has_half_hour ? fields->half * 12 : 0)) * 3600000 +
              fields->minute * 60000 + fields->second * 1000 + fields->ms - fields->offset_s * 1000;
    return !__builtin_mul_overflow(days, MS_PER_DAY, &days) &&
           !__builtin_add_overflow(days, *out_ms, out_ms);
}

ErrCode java_date_parse(Str pattern, Str text, int64_t now_ms, int64_t *out_ms, Err *err)
{
    Reader self = {.pattern = pattern,
                   .text = text,
                   .now_ms = now_ms,
                   .fields = {.year = 1970, .dates = {[FIELD_MONTH] = 1, [FIELD_DAY] = 1}}};

    while (self.at_pattern < pattern.len) {
        char c = pattern.ptr[self.at_pattern];

        if (is_letter(c)) {
            TRY(take_letters(&self, err));
        } else if (c == '\'') {
            TRY(take_quoted(&self, err));
        } else {
            self.at_pattern++;
            TRY(take_literal(&self, c, err));
        }
    }
    if (!instant_of(&self.fields, out_ms))
        return err_set(err, ERR_EVAL, "text is a date beyond the range of TIMESTAMP");
    return ERR_OK;
}
