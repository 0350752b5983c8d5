/*
 * java_time_format.c -- printing a moment by a compiled pattern.
 *
 * An element whose field the moment has not is an error, but inside [ ] it drops the section.
 */
#include <string.h>

#include "common/datetime.h"
#include "exec/functions/java_time_pattern.h"

enum { MS_PER_MINUTE = 60000, MS_PER_HOUR = 3600000, DIGITS_MAX = 19 };

/* The local date taken apart, once per text. */
typedef struct Printer {
    const JavaTime   *pattern;
    const JavaMoment *moment;
    int64_t           year;
    int               month, day;
    Buf              *out;
} Printer;

JavaMoment java_moment_of_date(int64_t days)
{
    return (JavaMoment){.has_date = true, .days = days};
}

JavaMoment java_moment_of_time(int64_t ms_of_day)
{
    return (JavaMoment){.has_time = true, .ms_of_day = ms_of_day};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

JavaMoment java_moment_of_instant(int64_t instant_ms, const JavaZone *zone)
{
    int64_t offset_ms = java_zone_offset(zone, instant_ms) * 1000ll;
    int64_t days = floor_div(instant_ms, MS_PER_DAY);
    int64_t rest = instant_ms % MS_PER_DAY + offset_ms;

    if (instant_ms % MS_PER_DAY < 0)
        rest += MS_PER_DAY;

    days += floor_div(rest, MS_PER_DAY);
    return (JavaMoment){
        .has_date = true,
        .has_time = true,
        .days = days,
        .ms_of_day = rest - floor_div(rest, MS_PER_DAY) * MS_PER_DAY,
        .zone = zone,
        .instant_ms = instant_ms,
    };
}

/* --- fields ----------------------------------------------------------------------------------- */

static int64_t day_of_year(const Printer *self)
{
    return self->moment->days - datetime_days_of(self->year, 1, 1) + 1;
}

static int64_t weekday(int64_t days)
{
    return (days + 3) - floor_div(days + 3, 7) * 7 + 1; /* 1970-01-01 was a Thursday */
}

/* Weeks begin on Sunday; the first one holds the first day (of the year or month). */
static int64_t week_since(int64_t first_day, int64_t days)
{
    int64_t before = weekday(first_day) % 7; /* days of the first week before first_day */

    return (days - first_day + before) / 7 + 1;
}

static int64_t week_of_year(const Printer *self, int64_t *week_year)
{
    int64_t next = datetime_days_of(self->year + 1, 1, 1);

    *week_year = self->year;
    if (self->moment->days >= next - weekday(next) % 7) {
        *week_year = self->year + 1;
        return 1;
    }
    return week_since(datetime_days_of(self->year, 1, 1), self->moment->days);
}

static int64_t date_field(const Printer *self, TimeField field)
{
    int64_t days = self->moment->days;
    int64_t week_year;

    switch (field) {
    case TIME_ERA:
        return self->year > 0;
    case TIME_YEAR:
        return self->year;
    case TIME_YEAR_OF_ERA:
        return self->year > 0 ? self->year : 1 - self->year;
    case TIME_WEEK_YEAR:
        week_of_year(self, &week_year);
        return week_year;
    case TIME_QUARTER:
        return (self->month + 2) / 3;
    case TIME_MONTH:
        return self->month;
    case TIME_WEEK:
        return week_of_year(self, &week_year);
    case TIME_WEEK_OF_MONTH:
        return week_since(datetime_days_of(self->year, self->month, 1), days);
    case TIME_ALIGNED_WEEK:
        return (self->day - 1) / 7 + 1;
    case TIME_DAY_OF_YEAR:
        return day_of_year(self);
    case TIME_DAY:
        return self->day;
    case TIME_WEEKDAY:
        return weekday(days);
    default:
        return weekday(days) % 7 + 1; /* TIME_LOCAL_WEEKDAY */
    }
}

/* As the names in java_time.c: midnight, morning, noon, afternoon, evening, night. */
static int64_t day_period(int64_t ms)
{
    int64_t hour = ms / MS_PER_HOUR;

    if (ms < MS_PER_MINUTE)
        return 0;
    if (hour == 12 && ms % MS_PER_HOUR < MS_PER_MINUTE)
        return 2;
    if (hour < 6 || hour >= 21)
        return 5;
    return hour < 12 ? 1 : hour < 18 ? 3 : 4;
}

static int64_t time_field(const Printer *self, TimeField field)
{
    int64_t ms = self->moment->ms_of_day;
    int64_t hour = ms / MS_PER_HOUR;

    switch (field) {
    case TIME_AM_PM:
        return hour / 12;
    case TIME_DAY_PERIOD:
        return day_period(ms);
    case TIME_HOUR:
        return hour;
    case TIME_CLOCK_HOUR:
        return hour == 0 ? 24 : hour;
    case TIME_HOUR_12:
        return hour % 12;
    case TIME_CLOCK_HOUR_12:
        return hour % 12 == 0 ? 12 : hour % 12;
    case TIME_MINUTE:
        return ms / MS_PER_MINUTE % 60;
    case TIME_SECOND:
        return ms / 1000 % 60;
    case TIME_NANO:
        return ms % 1000 * 1000000;
    case TIME_MILLI_OF_DAY:
        return ms;
    default:
        return ms * 1000000; /* TIME_NANO_OF_DAY */
    }
}

static bool has_field(const Printer *self, TimeField field)
{
    return time_field_is_date(field) ? self->moment->has_date : self->moment->has_time;
}

static int64_t field_of(const Printer *self, TimeField field)
{
    return time_field_is_date(field) ? date_field(self, field) : time_field(self, field);
}

/* --- elements --------------------------------------------------------------------------------- */

static ErrCode put_number(Printer *self, const TimeElement *element, Err *err)
{
    int64_t v = field_of(self, element->field);
    char    digits[24];
    int     len = 0;

    if (element->kind == ELEMENT_REDUCED)
        v = v < 0 ? -v % 100 : v % 100;
    if (v < 0 && element->sign == SIGN_NOT_NEGATIVE)
        return err_set(err, ERR_EVAL, "a negative value cannot be written with letter '%c'",
                       element->letter);
    if (v < 0)
        buf_put(self->out, '-');
    for (uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v; rest || len == 0; rest /= 10)
        digits[len++] = (char)('0' + rest % 10);
    if (len > element->width_max)
        return err_set(err, ERR_EVAL, "a value is too large for letter '%c'", element->letter);
    if (v >= 0 && element->sign == SIGN_EXCEEDS_PAD && len > element->width_min)
        buf_put(self->out, '+');
    for (int i = len; i < element->width_min; i++)
        buf_put(self->out, '0');
    while (len > 0)
        buf_put(self->out, digits[--len]);
    return ERR_OK;
}

static void put_fraction(Printer *self, const TimeElement *element)
{
    char digits[16];

    buf_reserve(self->out, sizeof digits);
    for (int64_t nano = field_of(self, TIME_NANO), i = 8; i >= 0; i--, nano /= 10)
        digits[i] = (char)('0' + nano % 10);
    buf_append(self->out, digits, element->count);
}

/* Offsets by the number of letters: how much is written, and whether Z stands for none. */
static void put_offset(Printer *self, const TimeElement *element)
{
    int32_t offset = java_zone_offset(self->moment->zone, self->moment->instant_ms);
    int32_t seconds = offset < 0 ? -offset : offset;
    int     form = element->letter == 'Z' ? (element->count == 5 ? 5 : 2) : element->count;
    bool    has_colons = form == 3 || form == 5;

    if (offset == 0 && (element->letter == 'X' || (element->letter == 'Z' && form == 5))) {
        buf_put(self->out, 'Z');
        return;
    }
    buf_printf(self->out, "%c%02d", offset < 0 ? '-' : '+', seconds / 3600);
    if (form > 1 || seconds / 60 % 60)
        buf_printf(self->out, "%s%02d", has_colons ? ":" : "", seconds / 60 % 60);
    if (form >= 4 && seconds % 60)
        buf_printf(self->out, "%s%02d", has_colons ? ":" : "", seconds % 60);
}

static void put_local_offset(Printer *self, const TimeElement *element)
{
    int32_t offset = java_zone_offset(self->moment->zone, self->moment->instant_ms);
    int32_t seconds = offset < 0 ? -offset : offset;

    buf_c(self->out, "GMT");
    if (offset == 0)
        return;
    buf_printf(self->out, element->count == 4 ? "%c%02d" : "%c%d", offset < 0 ? '-' : '+',
               seconds / 3600);
    if (element->count == 4 || seconds / 60 % 60)
        buf_printf(self->out, ":%02d", seconds / 60 % 60);
    if (seconds % 60)
        buf_printf(self->out, ":%02d", seconds % 60);
}

static ErrCode put_zone(Printer *self, const TimeElement *element, Err *err)
{
    (void)err;
    switch (element->kind) {
    case ELEMENT_ZONE_ID:
        buf_c(self->out, self->moment->zone->id);
        return ERR_OK;
    case ELEMENT_ZONE_NAME:
        java_zone_name(self->moment->zone, self->moment->instant_ms, element->count == 4,
                       element->letter == 'v', self->out);
        return ERR_OK;
    case ELEMENT_OFFSET:
        put_offset(self, element);
        return ERR_OK;
    default:
        put_local_offset(self, element);
        return ERR_OK;
    }
}

static bool needs_zone(const TimeElement *element)
{
    return element->kind >= ELEMENT_ZONE_ID && element->kind <= ELEMENT_LOCAL_OFFSET;
}

static bool needs_field(const TimeElement *element)
{
    return element->kind >= ELEMENT_NUMBER && element->kind <= ELEMENT_TEXT;
}

static ErrCode put_element(Printer *self, const TimeElement *element, Err *err)
{
    switch (element->kind) {
    case ELEMENT_LITERAL:
        buf_str(self->out, element->literal);
        return ERR_OK;
    case ELEMENT_NUMBER:
    case ELEMENT_REDUCED:
        return put_number(self, element, err);
    case ELEMENT_FRACTION:
        put_fraction(self, element);
        return ERR_OK;
    case ELEMENT_TEXT:
        buf_c(self->out,
              time_field_text(element->field, field_of(self, element->field), element->count));
        return ERR_OK;
    default:
        return put_zone(self, element, err);
    }
}

static ErrCode put_padded(Printer *self, const TimeElement *element, Err *err)
{
    size_t from = self->out->len;
    size_t len;

    TRY(put_element(self, element, err));
    len = self->out->len - from;
    if (len > element->pad && element->pad > 0)
        return err_set(err, ERR_EVAL, "a text is longer than the pad width %u", element->pad);
    if (len < element->pad) {
        buf_reserve(self->out, element->pad);
        memmove(self->out->ptr + from + element->pad - len, self->out->ptr + from, len);
        memset(self->out->ptr + from, ' ', element->pad - len);
        self->out->len = from + element->pad;
    }
    return ERR_OK;
}

static bool is_there(const Printer *self, const TimeElement *element)
{
    if (needs_zone(element))
        return self->moment->zone != NULL;
    return !needs_field(element) || has_field(self, element->field);
}

/* Elements [from, to); inside [ ] what is missing ends the section and *is_whole turns false. */
static ErrCode put_range(Printer *self, uint32_t from, uint32_t to, bool is_optional,
                         bool *is_whole, Err *err)
{
    *is_whole = true;
    for (uint32_t i = from; i < to; i++) {
        const TimeElement *element = &self->pattern->elements[i];

        if (element->kind == ELEMENT_BEGIN) {
            size_t len = self->out->len;
            bool   is_section_whole;

            TRY(put_range(self, i + 1, element->partner, true, &is_section_whole, err));
            if (!is_section_whole)
                self->out->len = len;
            i = element->partner;
            continue;
        }
        if (!is_there(self, element)) {
            *is_whole = false;
            if (is_optional)
                return ERR_OK;
            return err_set(err, ERR_EVAL, "pattern letter '%c' asks for what the value has not",
                           element->letter);
        }
        TRY(put_padded(self, element, err));
    }
    return ERR_OK;
}

ErrCode java_time_format(const JavaTime *pattern, const JavaMoment *moment, Buf *out, Err *err)
{
    Printer self = {.pattern = pattern, .moment = moment, .out = out};
    bool    is_whole;

    if (moment->has_date)
        datetime_civil_of(moment->days, &self.year, &self.month, &self.day);
    return put_range(&self, 0, pattern->len, false, &is_whole, err);
}
