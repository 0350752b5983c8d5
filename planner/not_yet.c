/*
 * not_yet.c -- the answers "not supported yet".
 */
#include "planner/not_yet.h"

static const char *const answers[] = {
    [NOT_YET_JOIN] = "joins",
    [NOT_YET_WINDOW] = "windowed aggregation",
    [NOT_YET_WINDOWED_SOURCE] = "sources with a windowed key",
    [NOT_YET_EMIT_FINAL] = "EMIT FINAL",
    [NOT_YET_TABLE_FUNCTION] = "table functions",
    [NOT_YET_FORMAT] = "schema registry and Protobuf formats",
    [NOT_YET_CONNECTOR] = "connectors",
    [NOT_YET_ALTER_SYSTEM] = "ALTER SYSTEM",
    [NOT_YET_ASSERT_SCHEMA] = "ASSERT SCHEMA",
};
_Static_assert(sizeof answers / sizeof answers[0] == NOT_YET_COUNT_, "an answer each");

/* Functions of the language that the function table does not have. */
static const char *const functions[] = {
    "CONVERT_TZ",
    "DATEADD",
    "DATESUB",
    "DATETOSTRING",
    "EXTRACTJSONFIELD",
    "FORMAT_DATE",
    "FORMAT_TIME",
    "FORMAT_TIMESTAMP",
    "FROM_DAYS",
    "FROM_UNIXTIME",
    "IS_JSON_STRING",
    "JSON_ARRAY_CONTAINS",
    "JSON_ARRAY_LENGTH",
    "JSON_CONCAT",
    "JSON_ITEMS",
    "JSON_KEYS",
    "JSON_RECORDS",
    "PARSE_DATE",
    "PARSE_TIME",
    "PARSE_TIMESTAMP",
    "REGEXP_EXTRACT",
    "REGEXP_EXTRACT_ALL",
    "REGEXP_REPLACE",
    "REGEXP_SPLIT_TO_ARRAY",
    "STRINGTODATE",
    "STRINGTOTIMESTAMP",
    "TIMEADD",
    "TIMESTAMPADD",
    "TIMESTAMPSUB",
    "TIMESTAMPTOSTRING",
    "TIMESUB",
    "TO_JSON_STRING",
    "UNIX_DATE",
    "UNIX_TIMESTAMP",
    "URL_DECODE_PARAM",
    "URL_ENCODE_PARAM",
    "URL_EXTRACT_FRAGMENT",
    "URL_EXTRACT_HOST",
    "URL_EXTRACT_PARAMETER",
    "URL_EXTRACT_PATH",
    "URL_EXTRACT_PORT",
    "URL_EXTRACT_PROTOCOL",
    "URL_EXTRACT_QUERY",
};

ErrCode not_yet(NotYet what, SrcPos pos, Err *err)
{
    return err_set_at(err, ERR_NOT_YET, pos, "not supported yet: %s", answers[what]);
}

ErrCode not_yet_format(FormatKind format, SrcPos pos, Err *err)
{
    switch (format) {
    case FORMAT_JSON_SR:
    case FORMAT_AVRO:
    case FORMAT_PROTOBUF:
    case FORMAT_PROTOBUF_NOSR:
        return not_yet(NOT_YET_FORMAT, pos, err);
    default:
        return ERR_OK;
    }
}

ErrCode not_yet_function(Str name, SrcPos pos, Err *err)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (str_eq(name, str_from(functions[i])))
            return err_set_at(err, ERR_NOT_YET, pos, "not supported yet: function %.*s",
                              STR_ARG(name));
    }
    return ERR_OK;
}
