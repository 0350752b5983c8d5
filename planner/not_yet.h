/*
 * not_yet.h -- the one list of what Weir understands but does not run yet.
 *
 * Every such answer is ERR_NOT_YET, points at its place in the statement and comes from here.  The
 * list is to end up empty and go.
 */
#ifndef PLANNER_NOT_YET_H
#define PLANNER_NOT_YET_H

#include "common/err.h"
#include "planner/schema.h"

typedef enum NotYet {
    NOT_YET_FORMAT,
    NOT_YET_CONNECTOR,
    NOT_YET_ASSERT_SCHEMA,
    NOT_YET_COUNT_
} NotYet;

ErrCode not_yet(NotYet what, SrcPos pos, Err *err) ERR_MUST_USE;
/* ERR_OK for a format that runs. */
ErrCode not_yet_format(FormatKind format, SrcPos pos, Err *err) ERR_MUST_USE;

#endif
