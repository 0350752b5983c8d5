/*
 * json_pretty.h -- a JSON tree over several lines, for people.
 */
#ifndef CLI_JSON_PRETTY_H
#define CLI_JSON_PRETTY_H

#include "common/json.h"

/* Two spaces a level, no newline at the end; lists of scalars stay on one line. */
void json_pretty(Buf *out, const Json *json);

#endif
