/*
 * scan.c -- fetch and decode.
 *
 * A record's columns stand in the order of the topic (scan.physical); rows have them in the order
 * of the schema, keys first.  Mostly the two agree and a side is decoded in place.
 */
#include "exec/scan.h"

#include <assert.h>

#include "exec/format.h"
#include "exec/timestamp.h"

enum { SCAN_FETCH_BYTES = 262144 };

/* Key or value of a record. */
typedef struct ScanSide {
    Decoder  *decoder;
    uint32_t  len;
    uint32_t  first;   /* schema column of the first one, when they stand together */
    uint32_t *places;  /* schema columns, when they do not; else NULL */
    Value    *scratch; /* len values, with places */
    bool     *wanted;
} ScanSide;

struct Scan {
    OpCtx           *ctx;
    ScanOpts         opts;
    BrokerReader    *reader;
    RecordBatch     *records; /* NULL: none fetched */
    uint32_t         next;    /* in records */
    int64_t          position, end;
    ScanSide         key, value;
    uint32_t        *headers; /* numbers of the header columns */
    uint32_t         headers_len;
    TimestampReader *timestamp;
};

/* The columns of one side: where they lie in the schema, or copied where headers lie between. */
static const Column *side_columns(Arena *mem, const Schema *physical, ColumnRole role,
                                  uint32_t *out_len)
{
    Column  *copies;
    uint32_t len = 0, first = 0, last = 0;

    for (uint32_t i = physical->len; i-- > 0;) {
        if (physical->cols[i].role != role)
            continue;
        first = i;
        last = len++ ? last : i;
    }
    *out_len = len;
    if (len == 0 || last - first + 1 == len)
        return physical->cols + first;
    copies = ARENA_ARRAY(mem, Column, len);
    for (uint32_t i = first, at = 0; i <= last; i++) {
        if (physical->cols[i].role == role)
            copies[at++] = physical->cols[i];
    }
    return copies;
}

static ErrCode scan_open_side(Scan *scan, bool is_key, ScanSide *side, Err *err)
{
    const PlanNode *node = scan->opts.node;
    const Schema   *physical = node->u.scan.physical;
    Arena          *mem = scan->ctx->query_mem;
    FormatSide      format = {.spec = is_key ? node->u.scan.key_format : node->u.scan.value_format,
                              .is_key = is_key};
    bool            is_together = true;

    format.cols = side_columns(mem, physical, is_key ? COLUMN_KEY : COLUMN_VALUE, &side->len);
    format.len = side->len;
    side->places = ARENA_ARRAY(mem, uint32_t, side->len);
    side->wanted = ARENA_ARRAY(mem, bool, side->len);
    for (uint32_t i = 0; i < side->len; i++) {
        const Column *col = &format.cols[i];
        int           at = node->schema == physical && col >= physical->cols &&
                         col < physical->cols + physical->len
                               ? (int)(col - physical->cols)
                               : schema_find(node->schema, col->name);

        assert(at >= 0);
        is_together = is_together && (i == 0 || side->places[i - 1] + 1 == (uint32_t)at);
        side->wanted[i] = !node->u.scan.is_wanted || node->u.scan.is_wanted[at];
        side->places[i] = (uint32_t)at;
    }
    side->first = side->len ? side->places[0] : 0;
    if (is_together)
        side->places = NULL;
    else
        side->scratch = ARENA_ARRAY(mem, Value, side->len);
    return decoder_open(mem, &format, side->wanted, &side->decoder, err);
}

static void scan_open_headers(Scan *scan)
{
    const Schema *schema = scan->opts.node->schema;

    scan->headers = ARENA_ARRAY(scan->ctx->query_mem, uint32_t, schema->len);
    for (uint32_t i = 0; i < schema->len; i++) {
        if (schema->cols[i].role == COLUMN_HEADERS || schema->cols[i].role == COLUMN_HEADER)
            scan->headers[scan->headers_len++] = i;
    }
}

ErrCode scan_open(OpCtx *ctx, const ScanOpts *opts, Scan **out, Err *err)
{
    Scan   *scan = ARENA_NEW(ctx->query_mem, Scan);
    ErrCode rc;

    scan->ctx = ctx;
    scan->opts = *opts;
    scan->position = opts->offset;
    TRY(scan_open_side(scan, true, &scan->key, err));
    TRY(scan_open_side(scan, false, &scan->value, err));
    scan_open_headers(scan);
    TRY(timestamp_open(ctx->query_mem, &opts->node->u.scan.timestamp, &scan->timestamp, err));
    rc = broker_reader_open(opts->broker, opts->node->u.scan.topic, opts->partition, opts->offset,
                            opts->wake, &scan->reader, err);
    if (rc != ERR_OK) {
        timestamp_close(scan->timestamp);
        return rc;
    }
    *out = scan;
    return ERR_OK;
}

void scan_close(Scan *scan)
{
    if (!scan)
        return;
    record_batch_unref(scan->records);
    broker_reader_close(scan->reader);
    timestamp_close(scan->timestamp);
}

ErrCode scan_fetch(Scan *scan, bool *has_records, Err *err)
{
    int64_t position;

    *has_records = false;
    while (!scan_is_at_stop(scan)) {
        if (scan->records && scan->next < scan->records->len) {
            *has_records = scan->records->records[scan->next].offset < scan->opts.stop;
            return ERR_OK;
        }
        record_batch_unref(scan->records);
        scan->records = NULL;
        scan->next = 0;
        TRY(broker_reader_poll(scan->reader, SCAN_FETCH_BYTES, &scan->records, &position,
                               &scan->end, err));
        if (!scan->records) {
            /* Nothing but gaps may have been left. */
            if (position > scan->position)
                scan->position = position;
            return ERR_OK;
        }
        if (scan->records->len == 0)
            scan->position = scan->records->next_offset;
    }
    return ERR_OK;
}

static ErrCode scan_decode_side(ScanSide *side, Str bytes, Row *row, Arena *mem, bool *is_null,
                                Err *err)
{
    if (!side->places)
        return decoder_run(side->decoder, bytes, row->cols + side->first, mem, is_null, err);
    memset(side->scratch, 0, sizeof(Value) * side->len);
    TRY(decoder_run(side->decoder, bytes, side->scratch, mem, is_null, err));
    for (uint32_t i = 0; i < side->len; i++)
        row->cols[side->places[i]] = side->scratch[i];
    return ERR_OK;
}

static void scan_null_side(const ScanSide *side, Row *row)
{
    for (uint32_t i = 0; i < side->len; i++)
        row->cols[side->places ? side->places[i] : side->first + i] = value_null();
}

/* HEADERS: ARRAY<STRUCT<KEY STRING, VALUE BYTES>> of all headers in order. */
static Value scan_all_headers(Str headers, Arena *mem)
{
    uint32_t len = 0;
    Value   *items;
    Str      rest = headers, name, bytes;

    while (header_next(&rest, &name, &bytes))
        len++;
    items = ARENA_ARRAY(mem, Value, len);
    rest = headers;
    for (uint32_t i = 0; i < len && header_next(&rest, &name, &bytes); i++) {
        Value *fields = ARENA_ARRAY(mem, Value, 2);

        fields[0] = value_str(name);
        fields[1] = bytes.ptr ? value_bytes(bytes) : value_null();
        items[i] = value_items(T_STRUCT, fields, 2);
    }
    return value_items(T_ARRAY, items, len);
}

/* HEADER('name'): the last one counts. */
static Value scan_one_header(Str headers, Str wanted)
{
    Value found = value_null();
    Str   rest = headers, name, bytes;

    while (header_next(&rest, &name, &bytes)) {
        if (str_eq(name, wanted))
            found = bytes.ptr ? value_bytes(bytes) : value_null();
    }
    return found;
}

static void scan_fill_headers(Scan *scan, Row *row, Arena *mem)
{
    const Schema *schema = scan->opts.node->schema;

    for (uint32_t i = 0; i < scan->headers_len; i++) {
        const Column *col = &schema->cols[scan->headers[i]];

        row->cols[scan->headers[i]] = col->role == COLUMN_HEADERS
                                          ? scan_all_headers(row->headers, mem)
                                          : scan_one_header(row->headers, col->header);
    }
}

static ErrCode scan_decode_key(Scan *scan, const Record *record, Row *row, Arena *mem, Err *err)
{
    const PlanNode *node = scan->opts.node;
    bool            is_null = !record->key.ptr;

    row->key = record->key;
    if (!is_null && node->u.scan.window != WINDOW_NONE)
        TRY(format_window_strip(&row->key, node->u.scan.window, node->u.scan.window_size_ms,
                                &row->window_start, &row->window_end, err));
    if (!is_null && scan->key.len > 0)
        TRY(scan_decode_side(&scan->key, row->key, row, mem, &is_null, err));
    if (is_null) {
        scan_null_side(&scan->key, row);
        row->key = STR_NULL;
        row->flags |= ROW_KEY_NULL;
    }
    return ERR_OK;
}

static ErrCode scan_decode_value(Scan *scan, const Record *record, Row *row, Arena *mem, Err *err)
{
    bool is_null = !record->value.ptr;

    if (!is_null && scan->value.len > 0)
        TRY(scan_decode_side(&scan->value, record->value, row, mem, &is_null, err));
    if (is_null) {
        scan_null_side(&scan->value, row);
        row->flags |= ROW_VALUE_NULL;
    }
    return ERR_OK;
}

static void scan_log_undecodable(Scan *scan, const Record *record, bool is_key, const Err *err)
{
    const PlanNode *node = scan->opts.node;
    ProcRecord      entry = {
             .step = node->step,
             .is_key = is_key,
             .topic = node->u.scan.topic,
             .partition = scan->opts.partition,
             .offset = record->offset,
             .bytes = is_key ? record->key : record->value,
    };

    proclog_deserialization(scan->ctx->log, &entry, err);
}

/* The time of the record; false: it has none and *err says why. */
static bool scan_timestamp(const Scan *scan, Row *row, Err *err)
{
    const TimestampSpec *spec = &scan->opts.node->u.scan.timestamp;

    if (spec->column >= 0)
        return timestamp_of_value(scan->timestamp, row->cols[spec->column], &row->ts, err) ==
               ERR_OK;
    if (row->ts >= 0)
        return true;
    (void)err_set(err, ERR_EVAL, "record has no timestamp");
    return false;
}

/* Fills row; *is_skipped when the record is not to go on. */
static ErrCode scan_decode_record(Scan *scan, const Record *record, Row *row, Arena *mem,
                                  bool *is_skipped, Err *err)
{
    const QueryProps *props = scan->ctx->props;
    ErrCode           rc;
    bool              is_key = true;

    row->ts = record->ts;
    row->offset = record->offset;
    row->partition = scan->opts.partition;
    row->headers = record->headers;
    *is_skipped = true;
    rc = scan_decode_key(scan, record, row, mem, err);
    if (rc == ERR_OK) {
        is_key = false;
        rc = scan_decode_value(scan, record, row, mem, err);
    }
    if (rc != ERR_OK) {
        scan_log_undecodable(scan, record, is_key, err);
        return props->fail_on_deserialization ? rc : ERR_OK;
    }
    /* A record without key means nothing in a table. */
    if ((row->flags & ROW_KEY_NULL) &&
        (scan->opts.node->is_table || (props->skips_null_keys && scan->key.len > 0)))
        return ERR_OK;
    if (!scan_timestamp(scan, row, err)) {
        proclog_record(scan->ctx->log, scan->opts.node->step, STR_NULL, err);
        /* A record without any time stops the query; a column that is none, on request. */
        return scan->opts.node->u.scan.timestamp.column < 0 || props->throw_on_invalid_ts
                   ? err->code
                   : ERR_OK;
    }
    scan_fill_headers(scan, row, mem);
    *is_skipped = false;
    return ERR_OK;
}

ErrCode scan_decode(Scan *scan, int64_t ts_max, Batch *batch, Err *err)
{
    OpCtx             *ctx = scan->ctx;
    const RecordBatch *records = scan->records;
    uint32_t           cols_len = scan->opts.node->schema->len;
    uint32_t           left = records->len - scan->next;
    uint32_t           rows_max = left < batch->cap - batch->len ? left : batch->cap - batch->len;
    Value             *cols = ARENA_ARRAY(batch->mem, Value, (size_t)cols_len * rows_max);
    bool               is_skipped;

    ctx->scan = scan->opts.number;
    while (batch->len < batch->cap && scan->next < records->len) {
        const Record *record = &records->records[scan->next];
        Row          *row = &batch->rows[batch->len];

        if (record->offset >= scan->opts.stop || record->ts > ts_max)
            break;
        *row = (Row){.cols = cols};
        if (scan_decode_record(scan, record, row, batch->mem, &is_skipped, err) != ERR_OK) {
            op_fail_at(ctx, row);
            return err->code;
        }
        ctx->counters.rows_in++;
        ctx->counters.skipped += is_skipped;
        if (!is_skipped) {
            batch->len++;
            cols += cols_len;
        }
        scan->position = record->offset + 1;
        scan->next++;
    }
    if (scan->next == records->len)
        scan->position = records->next_offset;
    return ERR_OK;
}

uint32_t scan_waiting(const Scan *scan)
{
    return scan->records ? scan->records->len - scan->next : 0;
}

int64_t scan_next_ts(const Scan *scan)
{
    if (!scan->records || scan->next >= scan->records->len)
        return INT64_MAX;
    return scan->records->records[scan->next].ts;
}

int64_t scan_position(const Scan *scan)
{
    return scan->position;
}

int64_t scan_end(const Scan *scan)
{
    return scan->end;
}

uint32_t scan_number(const Scan *scan)
{
    return scan->opts.number;
}

bool scan_is_at_stop(const Scan *scan)
{
    return scan->position >= scan->opts.stop;
}

bool scan_is_behind(const Scan *scan)
{
    return !scan_is_at_stop(scan) && scan->position < scan->end &&
           !(scan->records && scan->next < scan->records->len);
}

void scan_set_stop(Scan *scan, int64_t stop)
{
    scan->opts.stop = stop;
}
