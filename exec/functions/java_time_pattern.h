/*
 * java_time_pattern.h -- a compiled pattern, as java_time*.c share it.
 *
 * Thread: any; immutable.
 */
#ifndef EXEC_FUNCTIONS_JAVA_TIME_PATTERN_H
#define EXEC_FUNCTIONS_JAVA_TIME_PATTERN_H

#include "exec/functions/java_time.h"

typedef enum TimeField {
    TIME_ERA, /* 0: before Christ, 1: after */
    TIME_YEAR,
    TIME_YEAR_OF_ERA,
    TIME_WEEK_YEAR,
    TIME_QUARTER,
    TIME_MONTH,
    TIME_WEEK,
    TIME_WEEK_OF_MONTH,
    TIME_ALIGNED_WEEK,
    TIME_DAY_OF_YEAR,
    TIME_DAY,
    TIME_WEEKDAY,       /* 1 is Monday */
    TIME_LOCAL_WEEKDAY, /* 1 is Sunday */
    TIME_AM_PM,         /* from here on fields of a time */
    TIME_DAY_PERIOD,
    TIME_HOUR,
    TIME_CLOCK_HOUR, /* 1 to 24 */
    TIME_HOUR_12,    /* 0 to 11 */
    TIME_CLOCK_HOUR_12,
    TIME_MINUTE,
    TIME_SECOND,
    TIME_NANO,
    TIME_MILLI_OF_DAY,
    TIME_NANO_OF_DAY,
    TIME_FIELDS
} TimeField;

typedef enum TimeElementKind {
    ELEMENT_LITERAL,
    ELEMENT_NUMBER,
    ELEMENT_REDUCED, /* two digits of a year, 2000 to 2099 */
    ELEMENT_FRACTION,
    ELEMENT_TEXT,
    ELEMENT_ZONE_ID,
    ELEMENT_ZONE_NAME, /* z and v */
    ELEMENT_OFFSET,
    ELEMENT_LOCAL_OFFSET, /* GMT+8 */
    ELEMENT_BEGIN,        /* [ : partner is the index of its ] */
    ELEMENT_END
} TimeElementKind;

typedef enum TimeSign { SIGN_NORMAL, SIGN_NOT_NEGATIVE, SIGN_EXCEEDS_PAD } TimeSign;

typedef struct TimeElement {
    TimeElementKind kind;
    char            letter;
    uint16_t        count; /* letters */
    uint16_t        pad;   /* width from p; 0: none */
    TimeField       field;
    uint16_t        width_min, width_max; /* digits */
    TimeSign        sign;
    uint16_t        reserved; /* digits that the fixed numbers right behind need */
    uint32_t        partner;
    Str             literal;
} TimeElement;

struct JavaTime {
    TimeElement *elements;
    uint32_t     len;
};

/* English text of a field, 1-based for months and weekdays; NULL: the field has no text. */
const char *time_field_text(TimeField field, int64_t value, uint16_t count);
/* Values that time_field_text() has names for: 0 or 1 up to this. */
int64_t time_field_text_max(TimeField field);

static inline bool time_field_is_date(TimeField field)
{
    return field < TIME_AM_PM;
}

#endif
