/*
 * fn_time.c -- dates and times.
 *
 * FORMAT_TIMESTAMP and PARSE_TIMESTAMP stand in GMT unless told otherwise, the older functions
 * TIMESTAMPTOSTRING and STRINGTOTIMESTAMP in the server's zone.  PARSE_DATE takes the patterns of
 * SimpleDateFormat, all others those of DateTimeFormatter.
 */
#include <time.h>

#include "common/datetime.h"
#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"
#include "exec/functions/java_date.h"
#include "exec/functions/java_time.h"

static const char TIME[] = "DATE / TIME";

/* --- patterns and zones of a call site -------------------------------------------------------- */

/* The last pattern and zone used, each kept until another one comes. */
typedef struct Site {
    Arena          *pattern_mem; /* NULL: none yet */
    Str             pattern_text;
    const JavaTime *pattern;
    char            zone_text[JAVA_ZONE_ID_BYTES];
    bool            has_zone;
    JavaZone        zone;
} Site;

static ErrCode prepare(FnCall *call, const Value *const *literal, Arena *query_mem, Err *err)
{
    (void)literal, (void)err;
    call->state = ARENA_NEW(query_mem, Site);
    return ERR_OK;
}

static void unprepare(FnCall *call)
{
    Site *site = call->state;

    arena_free(site->pattern_mem);
    java_zone_close(&site->zone);
    *site = (Site){0};
}

static ErrCode use_pattern(const FnCall *call, Value text, const JavaTime **out, Err *err)
{
    Site *site = call->state;

    if (site->pattern && str_eq(site->pattern_text, value_as_str(text))) {
        *out = site->pattern;
        return ERR_OK;
    }
    if (!site->pattern_mem)
        site->pattern_mem = arena_new(0);
    arena_reset(site->pattern_mem);
    site->pattern = NULL;
    site->pattern_text = str_copy(site->pattern_mem, value_as_str(text));
    TRY(java_time_compile(site->pattern_mem, site->pattern_text, &site->pattern, err));
    *out = site->pattern;
    return ERR_OK;
}

/* id of length 0: the zone of the server */
static ErrCode use_zone(const FnCall *call, Str id, const JavaZone **out, Err *err)
{
    Site    *site = call->state;
    JavaZone zone;

    *out = &site->zone;
    if (site->has_zone && str_eq(str_from(site->zone_text), id))
        return ERR_OK;
    TRY(id.len ? java_zone_open(id, &zone, err) : java_zone_open_system(&zone, err));
    java_zone_close(&site->zone);
    site->zone = zone;
    site->has_zone = id.len < sizeof site->zone_text;
    if (site->has_zone && id.len)
        memcpy(site->zone_text, id.ptr, id.len);
    if (site->has_zone)
        site->zone_text[id.len] = '\0';
    return ERR_OK;
}

/* The zone in argument i, or the one named when the call has no such argument. */
static ErrCode zone_argument(const FnCall *call, const Value *args, uint32_t i, Str otherwise,
                             const JavaZone **out, Err *err)
{
    if (call->args_len <= i)
        return use_zone(call, otherwise, out, err);
    if (args[i].len == 0)
        return err_set(err, ERR_EVAL, "unknown time zone ''");
    return use_zone(call, value_as_str(args[i]), out, err);
}

static ErrCode null_argument(const FnCall *call, Err *err)
{
    return err_set(err, ERR_EVAL, "function %s does not take null", call->def->name);
}

/* --- now, numbers ----------------------------------------------------------------------------- */

static ErrCode unix_date_now(const FnCall *call, const Value *args, Value *out, Err *err)
{
    time_t    now = (time_t)(call->now_ms / 1000);
    struct tm local;

    (void)args, (void)err;
    localtime_r(&now, &local);
    return fn_give(out, value_int((int32_t)datetime_days_of(local.tm_year + 1900, local.tm_mon + 1,
                                                            local.tm_mday)));
}

static ErrCode unix_date(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_int((int32_t)args[0].u.i));
}

static ErrCode unix_timestamp_now(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)args, (void)err;
    return fn_give(out, value_bigint(call->now_ms));
}

static ErrCode unix_timestamp(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_bigint(args[0].u.i));
}

static ErrCode from_days(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_time(T_DATE, args[0].u.i));
}

static ErrCode from_unixtime(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, value_time(T_TIMESTAMP, args[0].u.i));
}

/* --- adding ----------------------------------------------------------------------------------- */

/* base + sign * n units; the unit's argument holds its milliseconds. */
static ErrCode add_units(const Value *args, int64_t base, int sign, int64_t *out, Err *err)
{
    int64_t ms;

    if (__builtin_mul_overflow(args[1].u.i * sign, args[0].u.i, &ms) ||
        __builtin_add_overflow(base, ms, out))
        return err_set(err, ERR_EVAL, "result is beyond the range of times");
    return ERR_OK;
}

static ErrCode add_to_date(const Value *args, int sign, Value *out, Err *err)
{
    int64_t ms = 0;

    TRY(add_units(args, args[2].u.i * MS_PER_DAY, sign, &ms, err));
    return fn_give(out, value_time(T_DATE, ms / MS_PER_DAY)); /* towards zero */
}

static ErrCode add_to_time(const Value *args, int sign, Value *out, Err *err)
{
    int64_t ms = 0;

    TRY(add_units(args, args[2].u.i, sign, &ms, err));
    ms %= MS_PER_DAY;
    return fn_give(out, value_time(T_TIME, ms < 0 ? ms + MS_PER_DAY : ms));
}

static ErrCode add_to_timestamp(const Value *args, int sign, Value *out, Err *err)
{
    int64_t ms = 0;

    TRY(add_units(args, args[2].u.i, sign, &ms, err));
    return fn_give(out, value_time(T_TIMESTAMP, ms));
}

static ErrCode dateadd(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_date(args, 1, out, err);
}

static ErrCode datesub(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_date(args, -1, out, err);
}

static ErrCode timeadd(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_time(args, 1, out, err);
}

static ErrCode timesub(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_time(args, -1, out, err);
}

static ErrCode timestampadd(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_timestamp(args, 1, out, err);
}

static ErrCode timestampsub(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call;
    return add_to_timestamp(args, -1, out, err);
}

/* Both offsets are those at the instant given. */
static ErrCode convert_tz(const FnCall *call, const Value *args, Value *out, Err *err)
{
    const JavaZone *zone;
    int64_t         from_s, to_s;

    TRY(zone_argument(call, args, 1, STR("GMT"), &zone, err));
    from_s = java_zone_offset(zone, args[0].u.i);
    TRY(zone_argument(call, args, 2, STR("GMT"), &zone, err));
    to_s = java_zone_offset(zone, args[0].u.i);
    return fn_give(out, value_time(T_TIMESTAMP, args[0].u.i + (to_s - from_s) * 1000));
}

/* --- formatting ------------------------------------------------------------------------------- */

static ErrCode format(const FnCall *call, Value pattern, const JavaMoment *moment, Value *out,
                      Err *err)
{
    const JavaTime *compiled;
    Buf             text = buf_in(call->mem);

    TRY(use_pattern(call, pattern, &compiled, err));
    TRY(java_time_format(compiled, moment, &text, err));
    return fn_give_buf(out, T_STRING, &text);
}

static ErrCode format_date(const FnCall *call, const Value *args, Value *out, Err *err)
{
    JavaMoment moment = java_moment_of_date(args[0].u.i);

    return format(call, args[1], &moment, out, err);
}

static ErrCode format_time(const FnCall *call, const Value *args, Value *out, Err *err)
{
    JavaMoment moment = java_moment_of_time(args[0].u.i);

    return format(call, args[1], &moment, out, err);
}

static ErrCode format_instant(const FnCall *call, const Value *args, Str zone_id, Value *out,
                              Err *err)
{
    const JavaZone *zone;
    JavaMoment      moment;

    TRY(zone_argument(call, args, 2, zone_id, &zone, err));
    moment = java_moment_of_instant(args[0].u.i, zone);
    return format(call, args[1], &moment, out, err);
}

static ErrCode format_timestamp(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return format_instant(call, args, STR("GMT"), out, err);
}

static ErrCode timestamptostring(const FnCall *call, const Value *args, Value *out, Err *err)
{
    return format_instant(call, args, STR(""), out, err);
}

/* --- parsing ---------------------------------------------------------------------------------- */

static ErrCode parse_date(const FnCall *call, const Value *args, Value *out, Err *err)
{
    int64_t ms;

    TRY(java_date_parse(value_as_str(args[1]), value_as_str(args[0]), call->now_ms, &ms, err));
    if (ms % MS_PER_DAY != 0)
        return err_set(err, ERR_EVAL, "text of a date has a time of day");
    return fn_give(out, value_time(T_DATE, ms / MS_PER_DAY));
}

static ErrCode parse_time(const FnCall *call, const Value *args, Value *out, Err *err)
{
    const JavaTime *pattern;
    JavaParsed      parsed = {0};

    TRY(use_pattern(call, args[1], &pattern, err));
    TRY(java_time_parse(pattern, value_as_str(args[0]), JAVA_NO_DEFAULTS, &parsed, err));
    if (parsed.has_date_field || !parsed.has_time)
        return err_set(err, ERR_EVAL, "pattern gives no time alone");
    return fn_give(out, value_time(T_TIME, parsed.ns_of_day / 1000000));
}

static ErrCode parse_instant(const FnCall *call, const Value *args, Str zone_id, int64_t *out,
                             Err *err)
{
    const JavaTime *pattern;
    const JavaZone *zone;

    TRY(use_pattern(call, args[1], &pattern, err));
    TRY(zone_argument(call, args, 2, zone_id, &zone, err));
    return java_time_parse_instant(pattern, value_as_str(args[0]), zone, out, err);
}

static ErrCode parse_timestamp(const FnCall *call, const Value *args, Value *out, Err *err)
{
    int64_t ms = 0;

    TRY(parse_instant(call, args, STR("GMT"), &ms, err));
    return fn_give(out, value_time(T_TIMESTAMP, ms));
}

static ErrCode stringtotimestamp(const FnCall *call, const Value *args, Value *out, Err *err)
{
    int64_t ms = 0;

    TRY(parse_instant(call, args, STR(""), &ms, err));
    return fn_give(out, value_bigint(ms));
}

static ErrCode stringtodate(const FnCall *call, const Value *args, Value *out, Err *err)
{
    const JavaTime *pattern;
    JavaParsed      parsed = {0};

    TRY(use_pattern(call, args[1], &pattern, err));
    TRY(java_time_parse(pattern, value_as_str(args[0]), JAVA_NO_DEFAULTS, &parsed, err));
    if (!parsed.has_date)
        return err_set(err, ERR_EVAL, "pattern gives no whole date");
    return fn_give(out, value_int((int32_t)parsed.days));
}

/* A null number is an error, a null pattern or zone gives null. */
static ErrCode datetostring(const FnCall *call, const Value *args, Value *out, Err *err)
{
    if (value_is_null(args[0]))
        return null_argument(call, err);
    if (value_is_null(args[1]))
        return fn_give(out, value_null());
    return format_date(call, args, out, err);
}

static ErrCode timestamptostring_or_null(const FnCall *call, const Value *args, Value *out,
                                         Err *err)
{
    if (value_is_null(args[0]))
        return null_argument(call, err);
    if (value_is_null(args[1]) || (call->args_len == 3 && value_is_null(args[2])))
        return fn_give(out, value_null());
    return timestamptostring(call, args, out, err);
}

/* --- the rows --------------------------------------------------------------------------------- */

#define FN_TIME(name, sig, eval, doc, example, ...)                                                \
    FN(name, TIME, sig, NULL_IN_NULL_OUT, eval, doc, example, __VA_ARGS__)
#define FN_SITE(name, sig, nulls, eval, doc, example)                                              \
    FN(name, TIME, sig, nulls, eval, doc, example, .prepare = prepare, .unprepare = unprepare)

static const char FORMAT_TIMESTAMP_DOC[] =
    "A timestamp as text by a pattern of Java's DateTimeFormatter, in GMT or the zone given. A "
    "malformed pattern and an unknown zone are errors.";
static const char PARSE_TIMESTAMP_DOC[] =
    "The timestamp of a text by a pattern of Java's DateTimeFormatter; letter case does not count. "
    "A zone in the text goes before the one given, and that before GMT; what the pattern does not "
    "have is taken from 1970-01-01T00:00. Text that does not fit as a whole and an unknown zone "
    "are errors.";
static const char TIMESTAMPTOSTRING_DOC[] =
    "Milliseconds since 1970-01-01T00:00 UTC as text by a pattern, as FORMAT_TIMESTAMP writes a "
    "TIMESTAMP, but in the server's zone where none is given. Null for a null pattern or zone; "
    "null milliseconds are an error.";
static const char STRINGTOTIMESTAMP_DOC[] =
    "The milliseconds since 1970-01-01T00:00 UTC of a text by a pattern, as PARSE_TIMESTAMP reads "
    "it, but in the server's zone where none is given. Text that does not fit is an error.";

const FnDef fn_time[] = {
    FN_SITE("CONVERT_TZ", "(t TIMESTAMP, from_zone STRING, to_zone STRING) -> TIMESTAMP",
            NULL_IN_NULL_OUT, convert_tz,
            "The timestamp moved by what the clocks of the second zone are ahead of those of the "
            "first at that moment. An unknown zone is an error.",
            "CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', '+01:00') = FROM_UNIXTIME(3600000)"),
    FN_TIME("DATEADD", "(unit UNIT, n INT, d DATE) -> DATE", dateadd,
            "The date n units later, cut to whole days: 23 hours later is the same date.",
            "DATEADD(DAYS, 2, FROM_DAYS(1)) = FROM_DAYS(3)"),
    FN_TIME("DATESUB", "(unit UNIT, n INT, d DATE) -> DATE", datesub,
            "The date n units earlier, cut to whole days.",
            "DATESUB(DAYS, 2, FROM_DAYS(3)) = FROM_DAYS(1)"),
    FN_SITE("DATETOSTRING", "(days INT, pattern STRING) -> STRING", NULL_IS_VALUE, datetostring,
            "Days since 1970-01-01 as text by a pattern, as FORMAT_DATE writes a DATE. Null for a "
            "null pattern; null days are an error.",
            "DATETOSTRING(0, 'yyyy-MM-dd') = '1970-01-01'"),
    FN_SITE("FORMAT_DATE", "(d DATE, pattern STRING) -> STRING", NULL_IN_NULL_OUT, format_date,
            "A date as text by a pattern of Java's DateTimeFormatter. A malformed pattern, or one "
            "that asks for a time of day, is an error.",
            "FORMAT_DATE(FROM_DAYS(0), 'EEE d MMM yyyy') = 'Thu 1 Jan 1970'"),
    FN_SITE("FORMAT_TIME", "(t TIME, pattern STRING) -> STRING", NULL_IN_NULL_OUT, format_time,
            "A time as text by a pattern of Java's DateTimeFormatter. A malformed pattern, or one "
            "that asks for a date, is an error.",
            "FORMAT_TIME(PARSE_TIME('13:05', 'HH:mm'), 'h:mm a') = '1:05 PM'"),
    FN_SITE("FORMAT_TIMESTAMP", "(t TIMESTAMP, pattern STRING) -> STRING", NULL_IN_NULL_OUT,
            format_timestamp, FORMAT_TIMESTAMP_DOC,
            "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy-MM-dd HH:mm') = '1970-01-01 00:00'"),
    FN_SITE("FORMAT_TIMESTAMP", "(t TIMESTAMP, pattern STRING, zone STRING) -> STRING",
            NULL_IN_NULL_OUT, format_timestamp, FORMAT_TIMESTAMP_DOC,
            "FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'HH:mm', 'Europe/Paris') = '01:00'"),
    FN("FROM_DAYS", TIME, "(days INT) -> DATE", NULL_IS_ERROR, from_days,
       "The date so many days after 1970-01-01.", "FROM_DAYS(365) = '1971-01-01'"),
    FN_TIME("FROM_UNIXTIME", "(ms BIGINT) -> TIMESTAMP", from_unixtime,
            "The timestamp so many milliseconds after 1970-01-01T00:00 UTC.",
            "FROM_UNIXTIME(1000) = '1970-01-01T00:00:01'"),
    FN_TIME("PARSE_DATE", "(s STRING, pattern STRING) -> DATE", parse_date,
            "The date of a text by a pattern of Java's SimpleDateFormat, read leniently: June 31 "
            "is July 1, and what follows the date is not looked at. Text that does not fit, and a "
            "pattern that yields a time of day, are errors.",
            "PARSE_DATE('1971-01-01', 'yyyy-MM-dd') = FROM_DAYS(365)"),
    FN_SITE(
        "PARSE_TIME", "(s STRING, pattern STRING) -> TIME", NULL_IN_NULL_OUT, parse_time,
        "The time of a text by a pattern of Java's DateTimeFormatter; letter case does not count. "
        "Text that does not fit as a whole, and a pattern that yields a date, are errors.",
        "PARSE_TIME('1:05 PM', 'h:mm a') = '13:05'"),
    FN_SITE("PARSE_TIMESTAMP", "(s STRING, pattern STRING) -> TIMESTAMP", NULL_IN_NULL_OUT,
            parse_timestamp, PARSE_TIMESTAMP_DOC,
            "PARSE_TIMESTAMP('1970-01-01 00:00:01', 'yyyy-MM-dd HH:mm:ss') = "
            "FROM_UNIXTIME(1000)"),
    FN_SITE("PARSE_TIMESTAMP", "(s STRING, pattern STRING, zone STRING) -> TIMESTAMP",
            NULL_IN_NULL_OUT, parse_timestamp, PARSE_TIMESTAMP_DOC,
            "PARSE_TIMESTAMP('1970-01-01 01:00', 'yyyy-MM-dd HH:mm', 'Europe/Paris') = "
            "FROM_UNIXTIME(0)"),
    FN_SITE("STRINGTODATE", "(s STRING, pattern STRING) -> INT", NULL_IS_ERROR, stringtodate,
            "The days since 1970-01-01 of a text by a pattern of Java's DateTimeFormatter (not "
            "SimpleDateFormat, as in PARSE_DATE). Text that does not fit is an error.",
            "STRINGTODATE('19700102', 'yyyyMMdd') = 1"),
    FN_SITE("STRINGTOTIMESTAMP", "(s STRING, pattern STRING) -> BIGINT", NULL_IS_ERROR,
            stringtotimestamp, STRINGTOTIMESTAMP_DOC,
            "STRINGTOTIMESTAMP('1970-01-01T00:00:01Z', 'yyyy-MM-dd''T''HH:mm:ssX') = 1000"),
    FN_SITE("STRINGTOTIMESTAMP", "(s STRING, pattern STRING, zone STRING) -> BIGINT", NULL_IS_ERROR,
            stringtotimestamp, STRINGTOTIMESTAMP_DOC,
            "STRINGTOTIMESTAMP('1970-01-01', 'yyyy-MM-dd', 'UTC') = 0"),
    FN_TIME("TIMEADD", "(unit UNIT, n INT, t TIME) -> TIME", timeadd,
            "The time n units later; behind midnight it begins again.",
            "TIMEADD(HOURS, 2, PARSE_TIME('23:00', 'HH:mm')) = '01:00'"),
    FN_TIME("TIMESTAMPADD", "(unit UNIT, n INT, t TIMESTAMP) -> TIMESTAMP", timestampadd,
            "The timestamp n units later.",
            "TIMESTAMPADD(SECONDS, 2, FROM_UNIXTIME(1000)) = FROM_UNIXTIME(3000)"),
    FN_TIME("TIMESTAMPSUB", "(unit UNIT, n INT, t TIMESTAMP) -> TIMESTAMP", timestampsub,
            "The timestamp n units earlier.",
            "TIMESTAMPSUB(SECONDS, 2, FROM_UNIXTIME(3000)) = FROM_UNIXTIME(1000)"),
    FN_SITE("TIMESTAMPTOSTRING", "(ms BIGINT, pattern STRING) -> STRING", NULL_IS_VALUE,
            timestamptostring_or_null, TIMESTAMPTOSTRING_DOC,
            "LEN(TIMESTAMPTOSTRING(0, 'yyyy-MM-dd')) = 10"),
    FN_SITE("TIMESTAMPTOSTRING", "(ms BIGINT, pattern STRING, zone STRING) -> STRING",
            NULL_IS_VALUE, timestamptostring_or_null, TIMESTAMPTOSTRING_DOC,
            "TIMESTAMPTOSTRING(0, 'yyyy-MM-dd HH:mm', 'UTC') = '1970-01-01 00:00'"),
    FN_TIME("TIMESUB", "(unit UNIT, n INT, t TIME) -> TIME", timesub,
            "The time n units earlier; before midnight it goes on from the evening.",
            "TIMESUB(HOURS, 2, PARSE_TIME('01:00', 'HH:mm')) = '23:00'"),
    FN_TIME("UNIX_DATE", "() -> INT", unix_date_now,
            "The days from 1970-01-01 to today, by the clock and the zone of the server.",
            "UNIX_DATE() > 18000", .flags = FN_VOLATILE),
    FN_TIME("UNIX_DATE", "(d DATE) -> INT", unix_date, "The days from 1970-01-01 to a date.",
            "UNIX_DATE(FROM_DAYS(3)) = 3"),
    FN_TIME("UNIX_TIMESTAMP", "() -> BIGINT", unix_timestamp_now,
            "The milliseconds from 1970-01-01T00:00 UTC to now, by the clock of the server.",
            "UNIX_TIMESTAMP() > 0", .flags = FN_VOLATILE),
    FN_TIME("UNIX_TIMESTAMP", "(t TIMESTAMP) -> BIGINT", unix_timestamp,
            "The milliseconds from 1970-01-01T00:00 UTC to a timestamp.",
            "UNIX_TIMESTAMP(FROM_UNIXTIME(5)) = 5"),
    {.name = NULL},
};
