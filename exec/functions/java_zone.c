/*
 * java_zone.c -- time zones by the names that java.time.ZoneId takes.
 *
 * ICU answers for regions through a calendar set to the zone.  Its English names leave out the
 * abbreviations that are not usual in America; a table adds those of other parts of the world.
 */
#include "exec/functions/java_zone.h"

#include <stdio.h>
#include <unicode/ucal.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

enum { OFFSET_MAX_S = 18 * 3600, NAME_UNITS = 128, MS_PER_DAY_ = 86400000 };

typedef struct ZoneName {
    const char *standard; /* abbreviations */
    const char *daylight;
    const char *name; /* English name, without Standard Time */
    const char *id;
} ZoneName;

/* The first row of an abbreviation wins when text is read. */
static const ZoneName NAMES[] = {
    {"GMT", NULL, "Greenwich Mean Time", "GMT"},
    {"UTC", NULL, "Coordinated Universal Time", "UTC"},
    {"PST", "PDT", "Pacific", "America/Los_Angeles"},
    {"MST", "MDT", "Mountain", "America/Denver"},
    {"CST", "CDT", "Central", "America/Chicago"},
    {"EST", "EDT", "Eastern", "America/New_York"},
    {"AST", "ADT", "Atlantic", "America/Halifax"},
    {"NST", "NDT", "Newfoundland", "America/St_Johns"},
    {"AKST", "AKDT", "Alaska", "America/Anchorage"},
    {"HST", "HDT", "Hawaii", "Pacific/Honolulu"},
    {"GMT", "BST", "British", "Europe/London"},
    {"GMT", "IST", "Irish", "Europe/Dublin"},
    {"WET", "WEST", "Western European", "Europe/Lisbon"},
    {"CET", "CEST", "Central European", "Europe/Paris"},
    {"EET", "EEST", "Eastern European", "Europe/Athens"},
    {"MSK", "MSD", "Moscow", "Europe/Moscow"},
    {"IST", NULL, "India", "Asia/Kolkata"},
    {"JST", "JDT", "Japan", "Asia/Tokyo"},
    {"KST", "KDT", "Korea", "Asia/Seoul"},
    {"CST", NULL, "China", "Asia/Shanghai"},
    {"HKT", NULL, "Hong Kong", "Asia/Hong_Kong"},
    {"SGT", NULL, "Singapore", "Asia/Singapore"},
    {"AWST", "AWDT", "Australian Western", "Australia/Perth"},
    {"ACST", "ACDT", "Australian Central", "Australia/Adelaide"},
    {"AEST", "AEDT", "Australian Eastern", "Australia/Sydney"},
    {"NZST", "NZDT", "New Zealand", "Pacific/Auckland"},
    {"SAST", NULL, "South Africa", "Africa/Johannesburg"},
    {"EAT", NULL, "East Africa", "Africa/Nairobi"},
};

/* --- offsets ---------------------------------------------------------------------------------- */

static bool two_digits(Str text, size_t at, int32_t *out)
{
    if (text.len < at + 2 || text.ptr[at] < '0' || text.ptr[at] > '9' || text.ptr[at + 1] < '0' ||
        text.ptr[at + 1] > '9')
        return false;
    *out = (text.ptr[at] - '0') * 10 + (text.ptr[at + 1] - '0');
    return true;
}

/* hh[[:]mm[[:]ss]] with colons everywhere or nowhere. */
static bool parse_parts(Str text, int32_t parts[3])
{
    bool   has_colons = text.len > 2 && text.ptr[2] == ':';
    size_t at = 0;

    for (int i = 0; i < 3; i++) {
        if (i > 0 && at == text.len)
            return true;
        if (i > 0 && has_colons && text.ptr[at++] != ':')
            return false;
        if (!two_digits(text, at, &parts[i]))
            return false;
        at += 2;
    }
    return at == text.len;
}

bool java_zone_parse_offset(Str text, int32_t *offset_s)
{
    int32_t parts[3] = {0};
    int32_t seconds;

    if (str_eq(text, STR("Z")) || str_eq(text, STR("z"))) {
        *offset_s = 0;
        return true;
    }
    if (text.len < 2 || (text.ptr[0] != '+' && text.ptr[0] != '-'))
        return false;
    if (text.len == 2 && text.ptr[1] >= '0' && text.ptr[1] <= '9')
        parts[0] = text.ptr[1] - '0';
    else if (!parse_parts(str_slice(text, 1, text.len), parts))
        return false;
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (parts[1] > 59 || parts[2] > 59 || seconds > OFFSET_MAX_S)
        return false;
    *offset_s = text.ptr[0] == '-' ? -seconds : seconds;
    return true;
}

void java_zone_print_offset(Buf *out, int32_t offset_s)
{
    int32_t seconds = offset_s < 0 ? -offset_s : offset_s;

    if (offset_s == 0) {
        buf_put(out, 'Z');
        return;
    }
    buf_printf(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+', seconds / 3600, seconds / 60 % 60);
    if (seconds % 60)
        buf_printf(out, ":%02d", seconds % 60);
}

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode unknown_zone(Str id, Err *err)
{
    return err_set(err, ERR_EVAL, "unknown time zone '%.*s'",
                   id.len > JAVA_ZONE_ID_BYTES ? JAVA_ZONE_ID_BYTES : (int)id.len,
                   id.ptr ? id.ptr : "");
}

/* ICU knows these for old Java's sake; they are no regions of the tz database. */
static bool is_refused(Str id)
{
    static const char *const old[] = {"ACT", "AET", "AGT", "ART", "AST",        "BET", "BST",
                                      "CAT", "CNT", "CST", "CTT", "EAT",        "ECT", "IET",
                                      "IST", "JST", "MIT", "NET", "NST",        "PLT", "PNT",
                                      "PRT", "PST", "SST", "VST", "Etc/Unknown"};

    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        if (str_eq(id, str_from(old[i])))
            return true;
    }
    return false;
}

static ErrCode open_region(Str id, JavaZone *out, Err *err)
{
    UChar      name[JAVA_ZONE_ID_BYTES];
    UChar      canonical[JAVA_ZONE_ID_BYTES];
    UBool      is_system_id = 0;
    UErrorCode status = U_ZERO_ERROR;
    JavaZone   zone = {0};

    if (id.len == 0 || id.len >= JAVA_ZONE_ID_BYTES || is_refused(id))
        return unknown_zone(id, err);
    memcpy(zone.id, id.ptr, id.len);
    u_charsToUChars(zone.id, name, (int32_t)id.len);
    ucal_getCanonicalTimeZoneID(name, (int32_t)id.len, canonical, JAVA_ZONE_ID_BYTES, &is_system_id,
                                &status);
    if (U_FAILURE(status) || !is_system_id)
        return unknown_zone(id, err);
    zone.region = ucal_open(name, (int32_t)id.len, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return unknown_zone(id, err);
    *out = zone;
    return ERR_OK;
}

/* UTC+1: a fixed offset with a name in front. */
static bool open_prefixed(Str id, JavaZone *out)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        Str      prefix = str_from(prefixes[i]);
        JavaZone zone = {0};
        Buf      text = {0};

        if (!str_starts(id, prefix))
            continue;
        if (id.len > prefix.len &&
            !java_zone_parse_offset(str_slice(id, prefix.len, id.len), &zone.offset_s))
            continue;
        buf_c(&text, prefixes[i]);
        if (zone.offset_s)
            java_zone_print_offset(&text, zone.offset_s);
        snprintf(zone.id, sizeof zone.id, "%.*s", (int)text.len, text.ptr);
        buf_deinit(&text);
        *out = zone;
        return true;
    }
    return false;
}

ErrCode java_zone_open(Str id, JavaZone *out, Err *err)
{
    JavaZone zone = {0};

    if (java_zone_parse_offset(id, &zone.offset_s)) {
        Buf text = {0};

        java_zone_print_offset(&text, zone.offset_s);
        snprintf(zone.id, sizeof zone.id, "%.*s", (int)text.len, text.ptr);
        buf_deinit(&text);
        *out = zone;
        return ERR_OK;
    }
    if (open_prefixed(id, out))
        return ERR_OK;
    return open_region(id, out, err);
}

ErrCode java_zone_open_system(JavaZone *out, Err *err)
{
    UChar      name[JAVA_ZONE_ID_BYTES];
    char       id[JAVA_ZONE_ID_BYTES] = "";
    UErrorCode status = U_ZERO_ERROR;
    int32_t    len = ucal_getDefaultTimeZone(name, JAVA_ZONE_ID_BYTES, &status);

    if (U_FAILURE(status) || len >= JAVA_ZONE_ID_BYTES)
        return err_set(err, ERR_EVAL, "could not find the server's time zone: %s",
                       u_errorName(status));
    u_UCharsToChars(name, id, len);
    return java_zone_open((Str){id, (size_t)len}, out, err);
}

void java_zone_close(JavaZone *zone)
{
    if (zone->region)
        ucal_close(zone->region);
    *zone = (JavaZone){0};
}

/* --- asking ----------------------------------------------------------------------------------- */

int32_t java_zone_offset(const JavaZone *zone, int64_t instant_ms)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t    standard, daylight;

    if (!zone->region)
        return zone->offset_s;
    ucal_setMillis(zone->region, (UDate)instant_ms, &status);
    standard = ucal_get(zone->region, UCAL_ZONE_OFFSET, &status);
    daylight = ucal_get(zone->region, UCAL_DST_OFFSET, &status);
    return U_FAILURE(status) ? 0 : (standard + daylight) / 1000;
}

/*
 * A transition within a day of the local time leaves two candidates, one by the offset before it
 * and one by that after it.  In an overlap both are right and the earlier one wins; in a gap none
 * is, and the offset before moves the time forward by the length of the gap.
 */
int64_t java_zone_instant(const JavaZone *zone, int64_t local_ms)
{
    int32_t before = java_zone_offset(zone, local_ms - MS_PER_DAY_);
    int32_t after = java_zone_offset(zone, local_ms + MS_PER_DAY_);
    int64_t by_before = local_ms - before * 1000ll;
    int64_t by_after = local_ms - after * 1000ll;

    if (before == after || java_zone_offset(zone, by_before) == before)
        return by_before;
    return java_zone_offset(zone, by_after) == after ? by_after : by_before;
}

/* ICU's name, as the pattern letter makes it. */
static Str icu_name(const JavaZone *zone, int64_t instant_ms, const char *letters, char *text,
                    size_t cap)
{
    UErrorCode   status = U_ZERO_ERROR;
    UChar        id[JAVA_ZONE_ID_BYTES];
    UChar        pattern[8];
    UChar        name[NAME_UNITS];
    UDateFormat *format;
    int32_t      len = 0;

    u_uastrcpy(id, zone->id);
    u_uastrcpy(pattern, letters);
    format = udat_open(UDAT_PATTERN, UDAT_PATTERN, "en_US", id, -1, pattern, -1, &status);
    if (U_SUCCESS(status))
        len = udat_format(format, (UDate)instant_ms, name, NAME_UNITS, NULL, &status);
    udat_close(format);
    if (U_FAILURE(status) || len >= NAME_UNITS)
        return str_from(zone->id);
    u_strToUTF8(text, (int32_t)cap, &len, name, len, &status);
    return U_FAILURE(status) ? str_from(zone->id) : (Str){text, (size_t)len};
}

/* The row's abbreviation, if its zone has the offsets of the other at the instant and half a year
 * on; NULL otherwise. */
static const char *row_name(const ZoneName *row, const JavaZone *zone, int64_t instant_ms)
{
    const int64_t later_ms = instant_ms + 182ll * MS_PER_DAY_;
    const char   *found = NULL;
    UErrorCode    status = U_ZERO_ERROR;
    JavaZone      row_zone;
    Err           ignored;

    if (java_zone_open(str_from(row->id), &row_zone, &ignored) != ERR_OK)
        return NULL;
    if (java_zone_offset(&row_zone, later_ms) == java_zone_offset(zone, later_ms) &&
        java_zone_offset(&row_zone, instant_ms) == java_zone_offset(zone, instant_ms))
        found = ucal_get(row_zone.region, UCAL_DST_OFFSET, &status) ? row->daylight : row->standard;
    java_zone_close(&row_zone);
    return found;
}

/*
 * The zone's own row, or else the first of its area that agrees in offsets: London and Lisbon
 * always agree, and are still called differently.
 */
static const char *table_name(const JavaZone *zone, int64_t instant_ms)
{
    const size_t rows = sizeof NAMES / sizeof NAMES[0];
    const char  *area_end = strchr(zone->id, '/');
    size_t       area_len = area_end ? (size_t)(area_end - zone->id) : 0;
    const char  *found = NULL;

    for (size_t i = 0; i < rows && !found; i++) {
        if (strcmp(zone->id, NAMES[i].id) == 0)
            found = row_name(&NAMES[i], zone, instant_ms);
    }
    for (size_t i = 0; i < rows && !found && area_len > 0; i++) {
        if (strncmp(zone->id, NAMES[i].id, area_len + 1) == 0)
            found = row_name(&NAMES[i], zone, instant_ms);
    }
    return found;
}

void java_zone_name(const JavaZone *zone, int64_t instant_ms, bool is_long, bool is_generic,
                    Buf *out)
{
    char        text[4 * NAME_UNITS];
    const char *letters = is_generic ? (is_long ? "vvvv" : "v") : is_long ? "zzzz" : "zzz";
    const char *better = NULL;
    Str         name;

    if (!zone->region) {
        buf_c(out, zone->id);
        return;
    }
    name = icu_name(zone, instant_ms, letters, text, sizeof text);
    if (!is_long && !is_generic && str_starts(name, STR("GMT")))
        better = table_name(zone, instant_ms);
    buf_str(out, better ? str_from(better) : name);
}

/* "<name> Standard Time", "<name> Daylight Time" or "<name> Summer Time", or all of it. */
static bool is_english_name(Str text, const char *name)
{
    static const char *const endings[] = {"", " Standard Time", " Daylight Time", " Summer Time",
                                          " Time"};
    Str                      stem = str_from(name);

    if (!str_starts_nocase(text, stem))
        return false;
    for (size_t i = strstr(name, "Time") ? 0 : 1; i < sizeof endings / sizeof endings[0]; i++) {
        if (str_eq_nocase(str_slice(text, stem.len, text.len), str_from(endings[i])))
            return true;
    }
    return false;
}

Str java_zone_of_name(Str name)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const ZoneName *row = &NAMES[i];

        if (str_eq_nocase(name, str_from(row->standard)) ||
            (row->daylight && str_eq_nocase(name, str_from(row->daylight))) ||
            is_english_name(name, row->name))
            return str_from(row->id);
    }
    return STR_NULL;
}
