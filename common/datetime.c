/*
 * datetime.c -- dates and times in ISO form.
 *
 * The calendar is counted in eras of 400 years (146097 days) with the year beginning in March, so
 * that the leap day is the last day of its year and month lengths follow one linear formula.
 *
 * Parsing goes from the year to the milliseconds and may stop after any part; the parts that are
 * left out have their earliest value.
 */
#include "common/datetime.h"

enum {
    DAYS_PER_ERA = 146097,
    YEARS_PER_ERA = 400,
    DAYS_TO_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
    MS_PER_SECOND = 1000,
    MS_PER_MINUTE = 60000,
    MS_PER_HOUR = 3600000,
    OFFSET_HOURS_MAX = 18, /* as ISO offsets are bounded in practice and in Java */
    /* Keeps milliseconds far inside 64 bits. */
    YEAR_DIGITS_MAX = 6,
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;

    return rest < 0 ? rest + b : rest;
}

int64_t datetime_days_of(int64_t year, int month, int day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(march_year, YEARS_PER_ERA);
    int64_t year_of_era = march_year - era * YEARS_PER_ERA;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void datetime_civil_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t era = floor_div(days, DAYS_PER_ERA);
    int64_t day_of_era = floor_mod(days, DAYS_PER_ERA) + DAYS_TO_EPOCH;
    int64_t year_of_era, day_of_year, month_from_march;

    era += day_of_era / DAYS_PER_ERA;
    day_of_era %= DAYS_PER_ERA;
    /* The last day of each cycle of 4, 100 and 400 years would else begin the next year. */
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = era * YEARS_PER_ERA + year_of_era + (*month <= 2);
}

/* --- printing --------------------------------------------------------------------------------- */

static char *put_digits(char *at, unsigned value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

void datetime_print_date(Buf *out, int64_t days)
{
    int64_t year;
    int     month, day;
    char    text[6], *at;

    datetime_civil_of(days, &year, &month, &day);
    if (year >= 0 && year <= 9999) {
        buf_reserve(out, 4);
        out->len = (size_t)(put_digits(out->ptr + out->len, (unsigned)year, 4) - out->ptr);
    } else {
        /* ISO 8601 marks years of more than four digits by a sign. */
        buf_printf(out, "%+05lld", (long long)year);
    }
    text[0] = '-';
    at = put_digits(text + 1, (unsigned)month, 2);
    *at++ = '-';
    put_digits(at, (unsigned)day, 2);
    buf_append(out, text, sizeof text);
}

void datetime_print_time(Buf *out, int64_t ms)
{
    unsigned seconds = (unsigned)(floor_mod(ms, MS_PER_DAY) / MS_PER_SECOND);
    char     text[8], *at;

    at = put_digits(text, seconds / 3600, 2);
    *at++ = ':';
    at = put_digits(at, seconds / 60 % 60, 2);
    if (seconds % 60) {
        *at++ = ':';
        at = put_digits(at, seconds % 60, 2);
    }
    buf_append(out, text, (size_t)(at - text));
}

void datetime_print_timestamp(Buf *out, int64_t ms)
{
    unsigned rest = (unsigned)floor_mod(ms, MS_PER_DAY);
    char     text[13], *at;

    datetime_print_date(out, floor_div(ms, MS_PER_DAY));
    text[0] = 'T';
    at = put_digits(text + 1, rest / MS_PER_HOUR, 2);
    *at++ = ':';
    at = put_digits(at, rest / MS_PER_MINUTE % 60, 2);
    *at++ = ':';
    at = put_digits(at, rest / MS_PER_SECOND % 60, 2);
    *at++ = '.';
    put_digits(at, rest % MS_PER_SECOND, 3);
    buf_append(out, text, sizeof text);
}

/* --- parsing ---------------------------------------------------------------------------------- */

typedef struct Cursor {
    const char *at;
    const char *end;
} Cursor;

static bool accept(Cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static bool is_done(const Cursor *cursor)
{
    return cursor->at == cursor->end;
}

/* Takes digits_min to digits_max digits. */
static bool take_number(Cursor *cursor, int digits_min, int digits_max, int *out)
{
    int value = 0, digits = 0;

    while (digits < digits_max && !is_done(cursor) && *cursor->at >= '0' && *cursor->at <= '9') {
        value = value * 10 + (*cursor->at++ - '0');
        digits++;
    }
    if (digits < digits_min)
        return false;
    *out = value;
    return true;
}

static bool take_in_range(Cursor *cursor, int min, int max, int *out)
{
    return take_number(cursor, 2, 2, out) && *out >= min && *out <= max;
}

static int days_in_month(int64_t year, int month)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool                is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return lengths[month - 1] + (month == 2 && is_leap);
}

/* yyyy[-MM[-dd]]; *is_whole tells that the day was given. */
static bool take_date(Cursor *cursor, int64_t *days, bool *is_whole)
{
    bool is_negative = accept(cursor, '-');
    bool has_sign = is_negative || accept(cursor, '+');
    int  year, month = 1, day = 1;

    if (!take_number(cursor, 4, has_sign ? YEAR_DIGITS_MAX : 4, &year))
        return false;
    if (is_negative)
        year = -year;
    *is_whole = false;
    if (accept(cursor, '-')) {
        if (!take_in_range(cursor, 1, 12, &month))
            return false;
        if (accept(cursor, '-')) {
            if (!take_in_range(cursor, 1, days_in_month(year, month), &day))
                return false;
            *is_whole = true;
        }
    }
    *days = datetime_days_of(year, month, day);
    return true;
}

/* Digits after the point: one to nine of them, of which milliseconds are kept. */
static bool take_fraction(Cursor *cursor, int64_t *ms)
{
    const char *first = cursor->at;
    int         value, digits;

    if (!take_number(cursor, 1, 9, &value))
        return false;
    for (digits = (int)(cursor->at - first); digits < 3; digits++)
        value *= 10;
    for (; digits > 3; digits--)
        value /= 10;
    *ms += value;
    return true;
}

/* HH[:mm[:ss[.SSS]]]; 24:00 is the end of the day, where hour_max allows it. */
static bool take_time(Cursor *cursor, int hour_max, int64_t *ms)
{
    int hour, minute = 0, second = 0;

    if (!take_in_range(cursor, 0, hour_max, &hour))
        return false;
    *ms = (int64_t)hour * MS_PER_HOUR;
    if (!accept(cursor, ':'))
        return true;
    if (!take_in_range(cursor, 0, 59, &minute))
        return false;
    *ms += (int64_t)minute * MS_PER_MINUTE;
    if (!accept(cursor, ':'))
        return true;
    if (!take_in_range(cursor, 0, 59, &second))
        return false;
    *ms += (int64_t)second * MS_PER_SECOND;
    return !accept(cursor, '.') || take_fraction(cursor, ms);
}

/* Z, +01, +0100 or +01:00 */
static bool take_offset(Cursor *cursor, int64_t *offset_ms)
{
    bool is_negative;
    int  hours, minutes = 0;

    if (accept(cursor, 'Z') || accept(cursor, 'z')) {
        *offset_ms = 0;
        return true;
    }
    is_negative = accept(cursor, '-');
    if (!is_negative && !accept(cursor, '+'))
        return false;
    if (!take_in_range(cursor, 0, OFFSET_HOURS_MAX, &hours))
        return false;
    if (accept(cursor, ':') || !is_done(cursor)) {
        if (!take_in_range(cursor, 0, 59, &minutes))
            return false;
    }
    *offset_ms = (int64_t)hours * MS_PER_HOUR + (int64_t)minutes * MS_PER_MINUTE;
    if (is_negative)
        *offset_ms = -*offset_ms;
    return true;
}

/* What may follow the date: nothing, or T with a time, an offset, or both. */
static bool take_clock(Cursor *cursor, bool is_whole, int64_t *ms)
{
    int64_t offset_ms = 0;

    *ms = 0;
    if (is_done(cursor))
        return true;
    if (!is_whole || !(accept(cursor, 'T') || accept(cursor, 't')))
        return false;
    if (!is_done(cursor) && *cursor->at >= '0' && *cursor->at <= '9' &&
        (!take_time(cursor, 24, ms) || *ms > MS_PER_DAY))
        return false;
    if (!is_done(cursor) && !take_offset(cursor, &offset_ms))
        return false;
    *ms -= offset_ms;
    return is_done(cursor);
}

ErrCode datetime_parse_timestamp(Str text, int64_t *out_ms, Err *err)
{
    Str     trimmed = str_trim(text);
    Cursor  cursor = {trimmed.ptr, trimmed.ptr + trimmed.len};
    int64_t days, ms;
    bool    is_whole;

    if (!take_date(&cursor, &days, &is_whole) || !take_clock(&cursor, is_whole, &ms)) {
        return err_set(
            err, ERR_EVAL,
            "\"%.*s\" is no timestamp: expected yyyy-MM-ddTHH:mm:ss.SSS with an optional "
            "offset, or a beginning of it",
            STR_ARG(text));
    }
    *out_ms = days * MS_PER_DAY + ms;
    return ERR_OK;
}

ErrCode datetime_parse_date(Str text, int64_t *out_days, Err *err)
{
    Str     trimmed = str_trim(text);
    Cursor  cursor = {trimmed.ptr, trimmed.ptr + trimmed.len};
    int64_t days;
    bool    is_whole;

    if (!take_date(&cursor, &days, &is_whole) || !is_done(&cursor))
        return err_set(err, ERR_EVAL,
                       "\"%.*s\" is no date: expected yyyy-MM-dd, or a beginning of it",
                       STR_ARG(text));
    *out_days = days;
    return ERR_OK;
}

ErrCode datetime_parse_time(Str text, int64_t *out_ms, Err *err)
{
    Str     trimmed = str_trim(text);
    Cursor  cursor = {trimmed.ptr, trimmed.ptr + trimmed.len};
    int64_t ms;

    /* An hour alone ends a timestamp, but is no time. */
    if (str_find(trimmed, STR(":"), 0) < 0 || !take_time(&cursor, 23, &ms) || !is_done(&cursor))
        return err_set(err, ERR_EVAL,
                       "\"%.*s\" is no time: expected HH:mm, HH:mm:ss or HH:mm:ss.SSS",
                       STR_ARG(text));
    *out_ms = ms;
    return ERR_OK;
}
