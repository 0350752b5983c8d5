/*
 * with_props.h -- the WITH clause; private to the planner.
 *
 * One table lists every property, its kind of value and where it may stand.  with_props_read()
 * sorts what was written into a WithProps; the other functions answer one question each, with the
 * defaults and checks of that question.
 *
 * Thread: any.
 */
#ifndef PLANNER_WITH_PROPS_H
#define PLANNER_WITH_PROPS_H

#include "planner/bind.h"

typedef enum WithProp {
    WITH_KAFKA_TOPIC,
    WITH_PARTITIONS,
    WITH_REPLICAS,
    WITH_RETENTION_MS,
    WITH_CLEANUP_POLICY,
    WITH_FORMAT,
    WITH_KEY_FORMAT,
    WITH_VALUE_FORMAT,
    WITH_KEY_DELIMITER,
    WITH_VALUE_DELIMITER,
    WITH_WRAP_SINGLE_VALUE,
    WITH_TIMESTAMP,
    WITH_TIMESTAMP_FORMAT,
    WITH_KEY_SCHEMA_ID,
    WITH_VALUE_SCHEMA_ID,
    WITH_KEY_SCHEMA_FULL_NAME,
    WITH_VALUE_SCHEMA_FULL_NAME,
    WITH_VALUE_AVRO_SCHEMA_FULL_NAME,
    WITH_KEY_PROTOBUF_NULLABLE,
    WITH_VALUE_PROTOBUF_NULLABLE,
    WITH_WINDOW_TYPE,
    WITH_WINDOW_SIZE,
    WITH_SOURCED_BY_CONNECTOR,
    WITH_QUERY_ID,
    WITH_COUNT_
} WithProp;

/* Where the clause stands. */
typedef enum WithPlace { WITH_IN_CREATE = 1, WITH_IN_CREATE_AS = 2, WITH_IN_INSERT = 4 } WithPlace;

typedef struct WithProps {
    const AstProp *given[WITH_COUNT_]; /* NULL: not written */
    SrcPos         pos;                /* of the clause, or of the statement without one */
} WithProps;

ErrCode with_props_read(const AstProps *ast, SrcPos stmt_pos, WithPlace place, WithProps *out,
                        Err *err) ERR_MUST_USE;

/* Text, number or boolean of a property that is given; numbers and booleans also from text. */
ErrCode with_text(const WithProps *props, WithProp prop, Str *out, Err *err) ERR_MUST_USE;
ErrCode with_number(const WithProps *props, WithProp prop, int64_t min, int64_t max, int64_t *out,
                    Err *err) ERR_MUST_USE;
ErrCode with_bool(const WithProps *props, WithProp prop, bool *out, Err *err) ERR_MUST_USE;

/* Where an error about prop points: its value, or the clause. */
SrcPos with_pos(const WithProps *props, WithProp prop);

/*
 * Both formats, with delimiters and full names.  key and value hold the defaults, of a CREATE or
 * inherited from the source (kind FORMAT_COUNT_: none, so that one must be written).  Wrapping is
 * decided by format_finish(), when the columns are known.
 */
ErrCode with_formats(const WithProps *props, FormatSpec *key, FormatSpec *value,
                     Err *err) ERR_MUST_USE;

/* Whether the user wrote a format for the key, by KEY_FORMAT or FORMAT. */
bool with_has_key_format(const WithProps *props);

/* Wrapping, by WRAP_SINGLE_VALUE, the server's property and the format's habit; and its rules. */
ErrCode format_finish(const PlannerEnv *env, const WithProps *props, const Schema *schema,
                      FormatSpec *key, FormatSpec *value, Err *err) ERR_MUST_USE;

/* Whether the formats can hold these columns; pos is where an error points. */
ErrCode format_check(const Schema *schema, const FormatSpec *key, const FormatSpec *value,
                     SrcPos pos, Err *err) ERR_MUST_USE;
/* Whether a format can hold columns cols[0 .. len): for internal keys, which fall back to JSON. */
bool format_can_hold(FormatKind format, bool is_key, const Column *cols, uint32_t len);

/* TIMESTAMP and TIMESTAMP_FORMAT against the columns. */
ErrCode with_timestamp(const PlannerEnv *env, const WithProps *props, Arena *mem,
                       const Schema *schema, TimestampSpec *out, Str *out_name,
                       Err *err) ERR_MUST_USE;

/* WINDOW_TYPE and WINDOW_SIZE of a source whose keys carry windows. */
ErrCode with_window(const WithProps *props, const Schema *schema, WindowKind *kind,
                    int64_t *size_ms, Err *err) ERR_MUST_USE;

/* How long a new topic keeps records when the statement does not say it. */
int64_t with_retention_default(const PlannerEnv *env);

/*
 * What the topic is, or is to be: facts holds the defaults on entry.  An existing topic must agree
 * with what was asked for.  windows_ms: a new one keeps no less, unless that is 0.
 */
ErrCode with_topic(const PlannerEnv *env, const WithProps *props, Str topic, bool has_partitions,
                   int64_t windows_ms, TopicFacts *facts, bool *is_new, Err *err) ERR_MUST_USE;

#endif
