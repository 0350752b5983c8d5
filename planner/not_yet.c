/*
 * not_yet.c -- the answers "not supported yet".
 */
#include "planner/not_yet.h"

static const char *const answers[] = {
    [NOT_YET_FORMAT] = "schema registry and Protobuf formats",
    [NOT_YET_CONNECTOR] = "connectors",
    [NOT_YET_ASSERT_SCHEMA] = "ASSERT SCHEMA",
};
_Static_assert(sizeof answers / sizeof answers[0] == NOT_YET_COUNT_, "an answer each");

ErrCode not_yet(NotYet what, SrcPos pos, Err *err)
{
    return err_set_at(err, ERR_NOT_YET, pos, "not supported yet: %s", answers[what]);
}

ErrCode not_yet_format(FormatKind format, SrcPos pos, Err *err)
{
    ErrCode rc;

    switch (format) {
    case FORMAT_JSON_SR:
    case FORMAT_AVRO:
    case FORMAT_PROTOBUF:
    case FORMAT_PROTOBUF_NOSR:
        rc = not_yet(NOT_YET_FORMAT, pos, err);
        err_hint(err, "JSON, DELIMITED and KAFKA are supported");
        return rc;
    default:
        return ERR_OK;
    }
}
