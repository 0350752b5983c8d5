/*
 * java_zone.h -- time zones by the names that java.time.ZoneId takes.
 *
 * Z, offsets (+1, +01:00, +0100), UTC, GMT and UT with or without an offset, and the regions of the
 * tz database.  Abbreviations of three letters are refused, as Java refuses them, but for those
 * that are regions themselves (EST, MST, HST, CET ...).  Offsets and names of regions come from
 * ICU.
 *
 * Thread: a zone belongs to one thread at a time.
 */
#ifndef EXEC_FUNCTIONS_JAVA_ZONE_H
#define EXEC_FUNCTIONS_JAVA_ZONE_H

#include "common/buf.h"
#include "common/err.h"

enum { JAVA_ZONE_ID_BYTES = 64 };

typedef struct JavaZone {
    char    id[JAVA_ZONE_ID_BYTES]; /* as it prints */
    void   *region;                 /* ICU's calendar; NULL: a fixed offset */
    int32_t offset_s;               /* of a fixed offset */
} JavaZone;

/* ERR_EVAL for an unknown zone.  End it with java_zone_close(). */
ErrCode java_zone_open(Str id, JavaZone *out, Err *err) ERR_MUST_USE;
/* The zone of the server, from TZ or the system. */
ErrCode java_zone_open_system(JavaZone *out, Err *err) ERR_MUST_USE;
void    java_zone_close(JavaZone *zone);

/* Seconds east of Greenwich at an instant. */
int32_t java_zone_offset(const JavaZone *zone, int64_t instant_ms);
/* The instant of a local time; in a gap it is moved forward, of two the earlier is taken. */
int64_t java_zone_instant(const JavaZone *zone, int64_t local_ms);
/* "PST", "Pacific Standard Time" or, when generic, "PT", "Pacific Time". */
void java_zone_name(const JavaZone *zone, int64_t instant_ms, bool is_long, bool is_generic,
                    Buf *out);
/* Id of the zone that an abbreviation or an English name stands for; STR_NULL: none. */
Str java_zone_of_name(Str name);

/* +01:00, +05:30, Z as ZoneOffset prints itself. */
void java_zone_print_offset(Buf *out, int32_t offset_s);
/* +h, +hh, +hh:mm, +hhmm, +hh:mm:ss, +hhmmss or Z; false when it is none of them. */
bool java_zone_parse_offset(Str text, int32_t *offset_s);

#endif
