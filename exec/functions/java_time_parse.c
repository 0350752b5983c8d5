/*
 * java_time_parse.c -- reading a text by a compiled pattern.
 *
 * First the elements collect fields, ignoring letter case; a section in [ ] that does not match is
 * passed over with what it collected.  Then the fields are resolved as Java's SMART style does: a
 * day beyond the end of its month becomes the last day, fields that contradict each other are an
 * error.
 */
#include <string.h>

#include "common/datetime.h"
#include "exec/functions/java_time_pattern.h"

enum { NS_PER_MS = 1000000, ZONE_TEXT_MAX = 60 };
static const int64_t NS_PER_SECOND = 1000000000;

typedef struct Parser {
    const JavaTime *pattern;
    Str             text;
    size_t          at;
    bool            has[TIME_FIELDS];
    int64_t         values[TIME_FIELDS];
    bool            has_zone;
    char            zone_id[JAVA_ZONE_ID_BYTES];
} Parser;

/* --- elements --------------------------------------------------------------------------------- */

static bool set_field(Parser *self, TimeField field, int64_t value)
{
    if (self->has[field] && self->values[field] != value)
        return false;
    self->has[field] = true;
    self->values[field] = value;
    return true;
}

static size_t digits_at(const Parser *self, size_t at, size_t most)
{
    size_t len = 0;

    while (len < most && at + len < self->text.len && self->text.ptr[at + len] >= '0' &&
           self->text.ptr[at + len] <= '9')
        len++;
    return len;
}

/* A sign is legal where the element may print one; *at moves behind it. */
static bool take_sign(const Parser *self, const TimeElement *element, size_t *at, char *sign)
{
    *sign = '\0';
    if (*at == self->text.len || (self->text.ptr[*at] != '-' && self->text.ptr[*at] != '+'))
        return true;
    *sign = self->text.ptr[(*at)++];
    if (*sign == '-')
        return element->sign != SIGN_NOT_NEGATIVE;
    return element->sign == SIGN_EXCEEDS_PAD;
}

static bool take_number(Parser *self, const TimeElement *element)
{
    size_t  at = self->at;
    size_t  most = (size_t)element->width_max + element->reserved;
    size_t  len;
    int64_t value = 0;
    char    sign;

    if (!take_sign(self, element, &at, &sign))
        return false;
    len = digits_at(self, at, most);
    if (element->reserved > 0) {
        size_t own = len > element->reserved ? len - element->reserved : 0;

        len = digits_at(self, at, own > element->width_min ? own : element->width_min);
    }
    if (len < element->width_min || (sign == '+' && len <= element->width_min))
        return false;
    if (element->sign == SIGN_EXCEEDS_PAD && !sign && len > element->width_min)
        return false; /* more digits than the pad need a sign */
    for (size_t i = 0; i < len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, self->text.ptr[at + i] - '0', &value))
            return false;
    }
    if (element->kind == ELEMENT_REDUCED)
        value += 2000;
    self->at = at + len;
    return set_field(self, element->field, sign == '-' ? -value : value);
}

static bool take_fraction(Parser *self, const TimeElement *element)
{
    int64_t nano = 0;

    if (digits_at(self, self->at, element->count) < element->count)
        return false;
    for (int i = 0; i < 9; i++)
        nano = nano * 10 + (i < element->count ? self->text.ptr[self->at + (size_t)i] - '0' : 0);
    self->at += element->count;
    return set_field(self, TIME_NANO, nano);
}

static Str rest_of(const Parser *self)
{
    return str_slice(self->text, self->at, self->text.len);
}

/* The longest text that fits wins. */
static bool take_text(Parser *self, const TimeElement *element)
{
    int64_t found = -1;
    size_t  found_len = 0;

    for (int64_t value = 0; value <= time_field_text_max(element->field); value++) {
        const char *name = time_field_text(element->field, value, element->count);

        if (name && strlen(name) > found_len && str_starts_nocase(rest_of(self), str_from(name))) {
            found = value;
            found_len = strlen(name);
        }
    }
    if (found < 0)
        return false;
    self->at += found_len;
    return set_field(self, element->field, found);
}

static bool set_zone(Parser *self, Str id)
{
    if (id.len >= sizeof self->zone_id)
        return false;
    memcpy(self->zone_id, id.ptr, id.len);
    self->zone_id[id.len] = '\0';
    self->has_zone = true;
    return true;
}

/* The longest beginning of the rest that is an offset of one of the allowed forms. */
static bool take_offset(Parser *self, const TimeElement *element)
{
    Str     rest = rest_of(self);
    bool    allows_z = element->letter == 'X' || (element->letter == 'Z' && element->count == 5);
    int     form = element->letter == 'Z' ? (element->count == 5 ? 5 : 2) : element->count;
    bool    has_colons = form == 3 || form == 5;
    size_t  minutes = has_colons ? 6 : 5; /* length with minutes */
    size_t  lengths[] = {form >= 4 ? (has_colons ? 9 : 7) : 0, minutes, form == 1 ? 3 : 0};
    int32_t offset;

    if (rest.len > 0 && (rest.ptr[0] == 'Z' || rest.ptr[0] == 'z')) {
        self->at += allows_z;
        return allows_z && set_zone(self, STR("Z"));
    }
    for (size_t i = 0; i < 3; i++) {
        Str candidate;

        if (lengths[i] == 0 || rest.len < lengths[i])
            continue;
        candidate = str_slice(rest, 0, lengths[i]);
        if (!java_zone_parse_offset(candidate, &offset) ||
            (lengths[i] > 3 && (candidate.ptr[3] == ':') != has_colons))
            continue;
        self->at += lengths[i];
        return set_zone(self, candidate);
    }
    return false;
}

static bool is_zone_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("/_+-:", c);
}

static bool is_zone_id(Str id)
{
    JavaZone zone;
    Err      ignored;

    if (java_zone_open(id, &zone, &ignored) != ERR_OK)
        return false;
    java_zone_close(&zone);
    return true;
}

/* The longest beginning of the rest that is a zone's id or, if asked for, its name. */
static bool take_zone(Parser *self, bool takes_names)
{
    Str    rest = rest_of(self);
    size_t len = 0;

    while (len < rest.len && len < ZONE_TEXT_MAX && rest.ptr[len] &&
           (is_zone_char(rest.ptr[len]) || (takes_names && rest.ptr[len] == ' ')))
        len++;
    for (; len > 0; len--) {
        Str candidate = str_slice(rest, 0, len);
        Str named = takes_names ? java_zone_of_name(candidate) : STR_NULL;

        if (!named.ptr && !is_zone_id(candidate))
            continue;
        self->at += len;
        return set_zone(self, named.ptr ? named : candidate);
    }
    return false;
}

/* GMT, and an offset behind it if there is one. */
static bool take_local_offset(Parser *self)
{
    if (!str_starts_nocase(rest_of(self), STR("GMT")))
        return false;
    return take_zone(self, false);
}

static bool take_element(Parser *self, const TimeElement *element)
{
    switch (element->kind) {
    case ELEMENT_LITERAL:
        if (!str_starts_nocase(rest_of(self), element->literal))
            return false;
        self->at += element->literal.len;
        return true;
    case ELEMENT_NUMBER:
    case ELEMENT_REDUCED:
        return take_number(self, element);
    case ELEMENT_FRACTION:
        return take_fraction(self, element);
    case ELEMENT_TEXT:
        return element->field != TIME_DAY_PERIOD && take_text(self, element);
    case ELEMENT_OFFSET:
        return take_offset(self, element);
    case ELEMENT_LOCAL_OFFSET:
        return take_local_offset(self);
    case ELEMENT_ZONE_ID:
        return take_zone(self, false);
    default:
        return take_zone(self, true);
    }
}

static bool take_range(Parser *self, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const TimeElement *element = &self->pattern->elements[i];

        if (element->kind == ELEMENT_BEGIN) {
            Parser before = *self;

            if (!take_range(self, i + 1, element->partner))
                *self = before;
            i = element->partner;
            continue;
        }
        for (uint16_t k = 0;
             k < element->pad && self->at < self->text.len && self->text.ptr[self->at] == ' '; k++)
            self->at++;
        if (!take_element(self, element))
            return false;
    }
    return true;
}

/* --- resolving -------------------------------------------------------------------------------- */

static const struct {
    TimeField field;
    int64_t   min, max;
} RANGES[] = {
    {TIME_YEAR, -999999999, 999999999},
    {TIME_YEAR_OF_ERA, 1, 999999999},
    {TIME_QUARTER, 1, 4},
    {TIME_MONTH, 1, 12},
    {TIME_DAY_OF_YEAR, 1, 366},
    {TIME_DAY, 1, 31},
    {TIME_HOUR, 0, 23},
    {TIME_CLOCK_HOUR, 1, 24},
    {TIME_HOUR_12, 0, 11},
    {TIME_CLOCK_HOUR_12, 1, 12},
    {TIME_MINUTE, 0, 59},
    {TIME_SECOND, 0, 59},
    {TIME_NANO, 0, 999999999},
    {TIME_MILLI_OF_DAY, 0, 86399999},
    {TIME_NANO_OF_DAY, 0, 86399999999999},
};

static bool are_in_range(const Parser *self)
{
    for (size_t i = 0; i < sizeof RANGES / sizeof RANGES[0]; i++) {
        TimeField field = RANGES[i].field;

        if (self->has[field] &&
            (self->values[field] < RANGES[i].min || self->values[field] > RANGES[i].max))
            return false;
    }
    return true;
}

/* Writes a field that follows from others, unless the text says otherwise. */
static bool derive(Parser *self, bool is_known, TimeField field, int64_t value)
{
    return !is_known || set_field(self, field, value);
}

static bool derive_fields(Parser *self)
{
    const bool    *has = self->has;
    const int64_t *v = self->values;
    bool           is_bc = has[TIME_ERA] && v[TIME_ERA] == 0;

    return derive(self, has[TIME_YEAR_OF_ERA], TIME_YEAR,
                  is_bc ? 1 - v[TIME_YEAR_OF_ERA] : v[TIME_YEAR_OF_ERA]) &&
           derive(self, has[TIME_CLOCK_HOUR], TIME_HOUR, v[TIME_CLOCK_HOUR] % 24) &&
           derive(self, has[TIME_CLOCK_HOUR_12], TIME_HOUR_12, v[TIME_CLOCK_HOUR_12] % 12) &&
           derive(self, has[TIME_HOUR_12] && has[TIME_AM_PM], TIME_HOUR,
                  v[TIME_AM_PM] * 12 + v[TIME_HOUR_12]);
}

static bool is_leap(int64_t year)
{
    return datetime_days_of(year + 1, 1, 1) - datetime_days_of(year, 1, 1) == 366;
}

static int64_t month_length(int64_t year, int month)
{
    int64_t next =
        month == 12 ? datetime_days_of(year + 1, 1, 1) : datetime_days_of(year, month + 1, 1);

    return next - datetime_days_of(year, month, 1);
}

/* From the year and either month and day or the day of the year. */
static bool resolve_date(const Parser *self, JavaDefaults defaults, JavaParsed *out)
{
    bool           fills = defaults == JAVA_FROM_EPOCH;
    const bool    *has = self->has;
    const int64_t *v = self->values;
    int64_t        year = has[TIME_YEAR] ? v[TIME_YEAR] : 1970;
    int            month = has[TIME_MONTH] ? (int)v[TIME_MONTH] : 1;
    int64_t        day = has[TIME_DAY] ? v[TIME_DAY] : 1;

    out->has_year = has[TIME_YEAR];
    if (has[TIME_DAY_OF_YEAR] && (has[TIME_YEAR] || fills)) {
        if (v[TIME_DAY_OF_YEAR] == 366 && !is_leap(year))
            return false;
        out->days = datetime_days_of(year, 1, 1) + v[TIME_DAY_OF_YEAR] - 1;
        out->has_date = true;
        return true;
    }
    out->has_date = fills || (has[TIME_YEAR] && has[TIME_MONTH] && has[TIME_DAY]);
    if (day > month_length(year, month))
        day = month_length(year, month);
    out->days = datetime_days_of(year, month, (int)day);
    return true;
}

static int64_t weekday_of(int64_t days)
{
    int64_t rest = (days + 3) % 7;

    return (rest < 0 ? rest + 7 : rest) + 1;
}

static bool agrees_with_date(const Parser *self, const JavaParsed *parsed)
{
    int64_t weekday = weekday_of(parsed->days);

    return !parsed->has_date ||
           ((!self->has[TIME_WEEKDAY] || self->values[TIME_WEEKDAY] == weekday) &&
            (!self->has[TIME_LOCAL_WEEKDAY] ||
             self->values[TIME_LOCAL_WEEKDAY] == weekday % 7 + 1));
}

static void resolve_time(const Parser *self, JavaDefaults defaults, JavaParsed *out)
{
    const bool    *has = self->has;
    const int64_t *v = self->values;

    out->has_time = true;
    if (has[TIME_NANO_OF_DAY]) {
        out->ns_of_day = v[TIME_NANO_OF_DAY];
        return;
    }
    if (has[TIME_MILLI_OF_DAY]) {
        out->ns_of_day = v[TIME_MILLI_OF_DAY] * NS_PER_MS;
        return;
    }
    out->has_time = has[TIME_HOUR] || defaults == JAVA_FROM_EPOCH;
    out->ns_of_day = (has[TIME_HOUR] ? v[TIME_HOUR] * 3600 * NS_PER_SECOND : 0) +
                     (has[TIME_MINUTE] ? v[TIME_MINUTE] * 60 * NS_PER_SECOND : 0) +
                     (has[TIME_SECOND] ? v[TIME_SECOND] * NS_PER_SECOND : 0) +
                     (has[TIME_NANO] ? v[TIME_NANO] : 0);
}

static ErrCode cannot_read(Str text, Err *err)
{
    return err_set(err, ERR_EVAL, "text '%.*s' does not match the pattern",
                   text.len > 100 ? 100 : (int)text.len, text.ptr ? text.ptr : "");
}

ErrCode java_time_parse(const JavaTime *pattern, Str text, JavaDefaults defaults, JavaParsed *out,
                        Err *err)
{
    Parser     self = {.pattern = pattern, .text = text};
    JavaParsed parsed = {0};

    if (!take_range(&self, 0, pattern->len) || self.at != text.len || !are_in_range(&self))
        return cannot_read(text, err);
    for (int field = 0; field < TIME_FIELDS; field++)
        parsed.has_date_field |= self.has[field] && time_field_is_date((TimeField)field);
    if (!derive_fields(&self) || !are_in_range(&self) || !resolve_date(&self, defaults, &parsed) ||
        !agrees_with_date(&self, &parsed))
        return err_set(err, ERR_EVAL, "text '%.*s' is no date or time",
                       text.len > 100 ? 100 : (int)text.len, text.ptr);
    resolve_time(&self, defaults, &parsed);
    parsed.has_zone = self.has_zone;
    memcpy(parsed.zone_id, self.zone_id, sizeof parsed.zone_id);
    *out = parsed;
    return ERR_OK;
}

ErrCode java_time_parse_instant(const JavaTime *pattern, Str text, const JavaZone *zone,
                                int64_t *out_ms, Err *err)
{
    JavaParsed parsed = {0};
    JavaZone   own;
    int64_t    local_ms;

    TRY(java_time_parse(pattern, text, JAVA_FROM_EPOCH, &parsed, err));
    if (__builtin_mul_overflow(parsed.days, MS_PER_DAY, &local_ms) ||
        __builtin_add_overflow(local_ms, parsed.ns_of_day / NS_PER_MS, &local_ms))
        return err_set(err, ERR_EVAL, "text is a time beyond the range of TIMESTAMP");
    if (parsed.has_zone) {
        TRY(java_zone_open(str_from(parsed.zone_id), &own, err));
        *out_ms = java_zone_instant(&own, local_ms);
        java_zone_close(&own);
    } else {
        *out_ms = java_zone_instant(zone, local_ms);
    }
    return ERR_OK;
}
