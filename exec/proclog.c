/*
 * proclog.c -- entries as JSON, in the form that ksqlDB's processing log has, to which partition
 * and offset of an undecodable record are added.
 */
#include "exec/proclog.h"

#include <pthread.h>
#include <stdio.h>

#include "common/json.h"
#include "common/log.h"

/* Numbers of message.type. */
typedef enum ProcType {
    PROC_DESERIALIZATION,
    PROC_RECORD,
    PROC_PRODUCTION,
    PROC_SERIALIZATION,
    PROC_QUERY
} ProcType;

struct ProcLog {
    Broker         *broker;
    const Clock    *clock;
    Buf             topic;
    pthread_mutex_t lock;
    pthread_cond_t  idle;
    int64_t         under_way; /* entries without ack */
    int64_t         lost;
};

struct ProcLogger {
    ProcLog        *log;
    Buf             query_id;
    bool            has_rows;
    pthread_mutex_t lock;
    int64_t         second; /* of the entries counted in written */
    int64_t         written;
    int64_t         left_out; /* since the last entry that told */
    int64_t         errors;
};

ProcLog *proclog_new(Broker *broker, const Clock *clock, Str topic)
{
    ProcLog *log = MEM_NEW(ProcLog);

    log->broker = broker;
    log->clock = clock;
    buf_str(&log->topic, topic);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->idle, NULL);
    return log;
}

void proclog_free(ProcLog *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    while (log->under_way > 0)
        pthread_cond_wait(&log->idle, &log->lock);
    pthread_mutex_unlock(&log->lock);
    if (log->lost > 0)
        log_line(LOG_WARN, "proclog", "%lld entries could not be written", (long long)log->lost);
    pthread_cond_destroy(&log->idle);
    pthread_mutex_destroy(&log->lock);
    buf_deinit(&log->topic);
    mem_free(log);
}

static void proclog_done(ProcLog *log, bool is_lost)
{
    pthread_mutex_lock(&log->lock);
    log->under_way--;
    log->lost += is_lost;
    if (log->under_way == 0)
        pthread_cond_signal(&log->idle);
    pthread_mutex_unlock(&log->lock);
}

/* broker -> anybody who waits in proclog_free() */
static void proclog_ack(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    (void)offset;
    (void)err;
    proclog_done(arg, rc != ERR_OK);
}

static void proclog_write(ProcLog *log, Str json)
{
    Record record = {.value = json, .ts = clock_now_ms(log->clock)};
    Err    err;

    if (log->topic.len == 0)
        return;
    pthread_mutex_lock(&log->lock);
    log->under_way++;
    pthread_mutex_unlock(&log->lock);
    if (broker_produce(log->broker, buf_view(&log->topic), 0, &record, proclog_ack, log, &err) !=
        ERR_OK)
        proclog_done(log, true);
}

/* --- entries ---------------------------------------------------------------------------------- */

typedef struct ProcEntry {
    ProcType          type;
    const char       *step; /* NULL: the query itself */
    const ProcRecord *record;
    Str               row_text;
    Str               topic;
    bool              is_key;
    const char       *what;
} ProcEntry;

static void proclog_put_member(Buf *out, const char *name, Str text)
{
    buf_printf(out, ",\"%s\":", name);
    if (text.ptr)
        json_put_string(out, text);
    else
        buf_c(out, "null");
}

static void proclog_put_deserialization(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    const ProcRecord *record = entry->record;

    buf_printf(out, "{\"target\":\"%s\"", record->is_key ? "key" : "value");
    proclog_put_member(out, "errorMessage", str_from(entry->what));
    buf_c(out, ",\"recordB64\":");
    if (logger->has_rows && record->bytes.ptr) {
        buf_put(out, '"');
        base64_encode(out, record->bytes);
        buf_put(out, '"');
    } else {
        buf_c(out, "null");
    }
    buf_c(out, ",\"cause\":[]");
    proclog_put_member(out, "topic", record->topic);
    buf_printf(out, ",\"partition\":%u,\"offset\":%lld}", record->partition,
               (long long)record->offset);
}

static void proclog_put_record(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    buf_c(out, "{\"errorMessage\":");
    json_put_string(out, str_from(entry->what));
    proclog_put_member(out, "record", logger->has_rows ? entry->row_text : STR_NULL);
    buf_c(out, ",\"cause\":[]}");
}

static void proclog_put_production(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    (void)logger;
    buf_c(out, "{\"errorMessage\":");
    json_put_string(out, str_from(entry->what));
    buf_put(out, '}');
}

static void proclog_put_serialization(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    (void)logger;
    buf_printf(out, "{\"target\":\"%s\"", entry->is_key ? "key" : "value");
    proclog_put_member(out, "errorMessage", str_from(entry->what));
    proclog_put_member(out, "record", STR_NULL);
    buf_c(out, ",\"cause\":[]");
    proclog_put_member(out, "topic", entry->topic);
    buf_put(out, '}');
}

static void proclog_put_query(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    buf_c(out, "{\"errorMessage\":");
    json_put_string(out, str_from(entry->what));
    proclog_put_member(out, "threadName", buf_view(&logger->query_id));
    buf_c(out, ",\"cause\":[]}");
}

/* In the order of enum ProcType. */
static const struct {
    const char *member;
    void (*put)(Buf *out, const ProcLogger *logger, const ProcEntry *entry);
} proc_types[] = {
    {"deserializationError", proclog_put_deserialization},
    {"recordProcessingError", proclog_put_record},
    {"productionError", proclog_put_production},
    {"serializationError", proclog_put_serialization},
    {"kafkaStreamsThreadError", proclog_put_query},
};

enum { PROC_TYPES = sizeof proc_types / sizeof proc_types[0] };

static void proclog_put_entry(Buf *out, const ProcLogger *logger, const ProcEntry *entry)
{
    buf_c(out, "{\"level\":\"ERROR\",\"logger\":\"processing.");
    buf_str(out, buf_view(&logger->query_id));
    if (entry->step)
        buf_printf(out, ".%s", entry->step);
    buf_printf(out, "\",\"time\":%lld,\"message\":{\"type\":%d",
               (long long)clock_now_ms(logger->log->clock), (int)entry->type);
    for (int i = 0; i < PROC_TYPES; i++) {
        buf_printf(out, ",\"%s\":", proc_types[i].member);
        if (i == (int)entry->type)
            proc_types[i].put(out, logger, entry);
        else
            buf_c(out, "null");
    }
    buf_c(out, "}}");
}

static void proclog_put_left_out(Buf *out, const ProcLogger *logger, int64_t left_out)
{
    char      what[80];
    ProcEntry entry = {.type = PROC_RECORD, .row_text = STR_NULL, .what = what};

    (void)snprintf(what, sizeof what, "%lld entries were left out", (long long)left_out);
    proclog_put_entry(out, logger, &entry);
}

/* True when the logger may write now; *left_out: how many entries the next second has to tell. */
static bool proclogger_admit(ProcLogger *logger, int64_t *left_out)
{
    int64_t second = clock_now_ms(logger->log->clock) / 1000;
    bool    is_admitted;

    pthread_mutex_lock(&logger->lock);
    *left_out = 0;
    logger->errors++;
    if (second != logger->second) {
        logger->second = second;
        logger->written = 0;
        *left_out = logger->left_out;
        logger->left_out = 0;
    }
    is_admitted = logger->written < PROCLOG_BURST;
    if (is_admitted)
        logger->written++;
    else
        logger->left_out++;
    pthread_mutex_unlock(&logger->lock);
    return is_admitted;
}

static void proclog_write_left_out(const ProcLogger *logger, int64_t left_out)
{
    Buf json = {0};

    if (left_out == 0)
        return;
    proclog_put_left_out(&json, logger, left_out);
    proclog_write(logger->log, buf_view(&json));
    buf_deinit(&json);
}

static void proclog_add(ProcLogger *logger, const ProcEntry *entry)
{
    Buf     json = {0};
    int64_t left_out;

    if (!logger || !proclogger_admit(logger, &left_out))
        return;
    proclog_write_left_out(logger, left_out);
    proclog_put_entry(&json, logger, entry);
    proclog_write(logger->log, buf_view(&json));
    buf_deinit(&json);
}

/* --- loggers ---------------------------------------------------------------------------------- */

ProcLogger *proclogger_new(ProcLog *log, Str query_id, bool has_rows)
{
    ProcLogger *logger = MEM_NEW(ProcLogger);

    logger->log = log;
    logger->has_rows = has_rows;
    buf_str(&logger->query_id, query_id);
    pthread_mutex_init(&logger->lock, NULL);
    return logger;
}

void proclogger_free(ProcLogger *logger)
{
    if (!logger)
        return;
    proclog_write_left_out(logger, logger->left_out);
    pthread_mutex_destroy(&logger->lock);
    buf_deinit(&logger->query_id);
    mem_free(logger);
}

int64_t proclogger_due_ms(ProcLogger *logger)
{
    int64_t due_ms;

    if (!logger)
        return INT64_MAX;
    pthread_mutex_lock(&logger->lock);
    due_ms = logger->left_out > 0 ? (logger->second + 1) * 1000 : INT64_MAX;
    pthread_mutex_unlock(&logger->lock);
    return due_ms;
}

void proclogger_tell(ProcLogger *logger)
{
    int64_t left_out = 0;

    if (!logger)
        return;
    pthread_mutex_lock(&logger->lock);
    if (clock_now_ms(logger->log->clock) / 1000 != logger->second) {
        left_out = logger->left_out;
        logger->left_out = 0;
    }
    pthread_mutex_unlock(&logger->lock);
    proclog_write_left_out(logger, left_out);
}

void proclog_deserialization(ProcLogger *logger, const ProcRecord *record, const Err *err)
{
    ProcEntry entry = {
        .type = PROC_DESERIALIZATION, .step = record->step, .record = record, .what = err->msg};

    proclog_add(logger, &entry);
}

void proclog_record(ProcLogger *logger, const char *step, Str row_text, const Err *err)
{
    ProcEntry entry = {.type = PROC_RECORD, .step = step, .row_text = row_text, .what = err->msg};

    proclog_add(logger, &entry);
}

void proclog_serialization(ProcLogger *logger, const char *step, Str topic, bool is_key,
                           const Err *err)
{
    ProcEntry entry = {.type = PROC_SERIALIZATION,
                       .step = step,
                       .topic = topic,
                       .is_key = is_key,
                       .what = err->msg};

    proclog_add(logger, &entry);
}

void proclog_production(ProcLogger *logger, const char *step, const Err *err)
{
    ProcEntry entry = {.type = PROC_PRODUCTION, .step = step, .what = err->msg};

    proclog_add(logger, &entry);
}

void proclog_query_failed(ProcLogger *logger, const Err *err)
{
    ProcEntry entry = {.type = PROC_QUERY, .what = err->msg};

    proclog_add(logger, &entry);
}

int64_t proclogger_errors(const ProcLogger *logger)
{
    ProcLogger *self = (ProcLogger *)(uintptr_t)logger;
    int64_t     errors;

    pthread_mutex_lock(&self->lock);
    errors = self->errors;
    pthread_mutex_unlock(&self->lock);
    return errors;
}
