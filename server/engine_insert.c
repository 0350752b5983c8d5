/*
 * engine_insert.c -- INSERT INTO ... VALUES: rows to records, acknowledged when durable.
 *
 * The rows go through the broker's plain writer one by one; the statement's ack is called when the
 * last of them was acknowledged, with the first error if there was one.
 */
#include "server/engine_internal.h"

#include "exec/format.h"

typedef struct Insert {
    BrokerAck ack;
    void     *arg;
    int       waiting;    /* atomic: rows without an answer, and one for the statement itself */
    int       has_failed; /* atomic */
    ErrCode   rc;
    int64_t   offset;
    Err       err;
} Insert;

/* Drops one count; the last one answers the statement. */
static void insert_done(Insert *insert)
{
    if (__atomic_sub_fetch(&insert->waiting, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    insert->ack(insert->arg, insert->rc, insert->offset,
                insert->rc == ERR_OK ? NULL : &insert->err);
    mem_free(insert);
}

static void insert_fail(Insert *insert, ErrCode rc, const Err *err)
{
    if (__atomic_exchange_n(&insert->has_failed, 1, __ATOMIC_ACQ_REL))
        return;
    insert->rc = rc;
    insert->err = *err;
}

static void row_acked(void *arg, ErrCode rc, int64_t offset, const Err *err)
{
    Insert *insert = arg;

    if (rc != ERR_OK)
        insert_fail(insert, rc, err);
    else
        __atomic_store_n(&insert->offset, offset, __ATOMIC_RELAXED);
    insert_done(insert);
}

/* Both sides of the target's records. */
typedef struct InsertFormat {
    Encoder *key, *value;
    uint32_t key_len;
    Buf      key_bytes, value_bytes;
} InsertFormat;

static ErrCode open_format(InsertFormat *format, const Source *target, Arena *mem, Err *err)
{
    const Schema *schema = target->schema;
    FormatSide    key, value;
    uint32_t      len = schema->key_len;

    /* Header columns stand behind the value columns and are not part of the value. */
    while (len < schema->len && schema->cols[len].role == COLUMN_VALUE)
        len++;
    key = (FormatSide){
        .spec = target->key_format, .cols = schema->cols, .len = schema->key_len, .is_key = true};
    value = (FormatSide){.spec = target->value_format,
                         .cols = schema->cols + schema->key_len,
                         .len = len - schema->key_len};
    format->key_len = schema->key_len;
    format->key_bytes = buf_in(mem);
    format->value_bytes = buf_in(mem);
    TRY(encoder_open(mem, &key, &format->key, err));
    return encoder_open(mem, &value, &format->value, err);
}

static bool is_all_null(const Value *cols, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (!value_is_null(cols[i]))
            return false;
    }
    return true;
}

static ErrCode encode_row(InsertFormat *format, const InsertRow *row, Record *out, Err *err)
{
    bool is_null = true;

    buf_clear(&format->key_bytes);
    buf_clear(&format->value_bytes);
    if (!is_all_null(row->cols, format->key_len))
        TRY(encoder_run(format->key, row->cols, &format->key_bytes, &is_null, err));
    out->key = is_null ? STR_NULL : buf_view(&format->key_bytes);
    TRY(encoder_run(format->value, row->cols + format->key_len, &format->value_bytes, &is_null,
                    err));
    out->value = is_null ? STR_NULL : buf_view(&format->value_bytes);
    out->headers = STR_NULL;
    out->ts = row->ts;
    return ERR_OK;
}

static ErrCode produce_row(Engine *engine, const Source *target, const Record *record,
                           Insert *insert, Err *err)
{
    uint32_t partition;
    ErrCode  rc;

    if (record->key.ptr)
        partition = partition_of_key(record->key, target->partitions);
    else
        partition =
            __atomic_fetch_add(&engine->insert_turn, 1, __ATOMIC_RELAXED) % target->partitions;
    __atomic_add_fetch(&insert->waiting, 1, __ATOMIC_ACQ_REL);
    rc = broker_produce(engine->broker, target->topic, engine->is_one_task ? 0 : partition, record,
                        row_acked, insert, err);
    if (rc != ERR_OK)
        __atomic_sub_fetch(&insert->waiting, 1, __ATOMIC_ACQ_REL);
    return rc;
}

ErrCode engine_insert(Engine *engine, const StmtPlan *plan, BrokerAck ack, void *arg, Err *err)
{
    Arena       *mem = arena_new(0);
    InsertFormat format = {0};
    Insert      *insert;
    Record      *records = ARENA_ARRAY(mem, Record, plan->rows_len + 1);
    ErrCode      rc;

    /* Everything is encoded before anything is sent: a bad row refuses the whole statement. */
    rc = open_format(&format, plan->target, mem, err);
    if (rc == ERR_OK && engine_topic_is_internal(engine, plan->target->topic))
        rc = err_set(err, ERR_STATEMENT, "cannot insert into topic \"%.*s\": it is read-only",
                     STR_ARG(plan->target->topic));
    for (size_t i = 0; rc == ERR_OK && i < plan->rows_len; i++) {
        rc = encode_row(&format, &plan->rows[i], &records[i], err);
        format.key_bytes = buf_in(mem);
        format.value_bytes = buf_in(mem);
    }
    if (rc != ERR_OK) {
        arena_free(mem);
        return rc;
    }
    insert = MEM_NEW(Insert);
    insert->ack = ack;
    insert->arg = arg;
    insert->waiting = 1;
    for (size_t i = 0; rc == ERR_OK && i < plan->rows_len; i++) {
        Err refused;

        rc = produce_row(engine, plan->target, &records[i], insert, &refused);
        if (rc != ERR_OK)
            insert_fail(insert, rc, &refused);
    }
    insert_done(insert);
    arena_free(mem);
    return ERR_OK;
}
