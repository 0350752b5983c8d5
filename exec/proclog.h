/*
 * proclog.h -- the processing log: one entry per record or expression that went wrong.
 *
 * Entries are JSON records of one topic (ksql.logging.processing.topic.name), written through the
 * broker's plain writer, so that an aborted epoch does not take them back.  A query may write
 * PROCLOG_BURST entries a second; those beyond are counted, and the count is told by an entry of
 * its own in the next second.
 *
 * Loss of an entry (the broker is busy or away) is counted and harms nobody.
 *
 * Thread: any.
 */
#ifndef EXEC_PROCLOG_H
#define EXEC_PROCLOG_H

#include "common/clock.h"
#include "common/err.h"
#include "exec/broker.h"

enum { PROCLOG_BURST = 50 };

typedef struct ProcLog    ProcLog;    /* one per runtime */
typedef struct ProcLogger ProcLogger; /* one per query */

/* topic STR_NULL: entries are only counted. */
ProcLog *proclog_new(Broker *broker, const Clock *clock, Str topic);
void     proclog_free(ProcLog *log); /* waits for the entries under way */

/* has_rows: the record itself is part of an entry (ksql.logging.processing.rows.include). */
ProcLogger *proclogger_new(ProcLog *log, Str query_id, bool has_rows);
void        proclogger_free(ProcLogger *logger); /* tells what is still untold */

/* A record that could not be decoded.  step: "KsqlTopic.Source.deserializer". */
typedef struct ProcRecord {
    const char *step;
    bool        is_key;
    Str         topic;
    uint32_t    partition;
    int64_t     offset;
    Str         bytes; /* of the record's key or value */
} ProcRecord;

/* A NULL logger is fine for all of these. */
void proclog_deserialization(ProcLogger *logger, const ProcRecord *record, const Err *err);
/* An expression that failed, or a row that an operator skipped; row_text may be empty. */
void proclog_record(ProcLogger *logger, const char *step, Str row_text, const Err *err);
void proclog_serialization(ProcLogger *logger, const char *step, Str topic, bool is_key,
                           const Err *err);
void proclog_production(ProcLogger *logger, const char *step, const Err *err);
void proclog_query_failed(ProcLogger *logger, const Err *err);

/* When entries that were left out are to be told of, should no other entry come; INT64_MAX: there
 * are none.  proclogger_tell() does so once it is due. */
int64_t proclogger_due_ms(ProcLogger *logger);
void    proclogger_tell(ProcLogger *logger);

int64_t proclogger_errors(const ProcLogger *logger); /* entries asked for, written or not */

#endif
