/*
 * limit.c -- the values of the limits.
 */
#include "common/limit.h"

#include <string.h>

#define LIMIT_DEFAULT(field, property, value, what) .field = (value),
Limits g_limits = {LIMITS(LIMIT_DEFAULT)};

void limits_init(Limits *limits)
{
    *limits = (Limits){LIMITS(LIMIT_DEFAULT)};
}

_Bool limits_set(Limits *limits, const char *property, int64_t value)
{
#define LIMIT_OFFSET(field, name, fallback, what) {name, offsetof(Limits, field)},
    static const struct {
        const char *property;
        size_t      offset;
    } fields[] = {LIMITS(LIMIT_OFFSET)};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].property, property) == 0) {
            memcpy((char *)limits + fields[i].offset, &value, sizeof value);
            return 1;
        }
    }
    return 0;
}
