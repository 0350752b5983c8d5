/*
 * api_print.c -- PRINT: the records of a topic as text lines.
 *
 * The formats of key and value are guessed: every candidate is tried on every record and dropped
 * for good at its first failure; the first survivor renders the bytes, and the format line is
 * repeated whenever the guess narrows.  A key may have a window behind it, of which it is told only
 * that its times are possible ones.
 *
 * Jobs on api->pulls read the topic and append frames; a job ends when there is nothing to read or
 * enough frames wait, and the next one is started by the broker's wake or by the reader of the
 * response.  At most one job runs at a time.
 */
#include "server/api_internal.h"

#include "common/datetime.h"
#include "common/utf8.h"
#include "exec/format.h"

enum { PRINT_BATCH_BYTES = 65536, PRINT_ROWS_WAITING = 1000 };

typedef enum Guess {
    GUESS_JSON = 1,
    GUESS_INT = 2,
    GUESS_BIGINT = 4,
    GUESS_DOUBLE = 8,
    GUESS_STRING = 16
} Guess;

static const struct {
    Guess       bit;
    const char *name;
} guesses[] = {
    {GUESS_JSON, "JSON"},           {GUESS_INT, "KAFKA_INT"},       {GUESS_BIGINT, "KAFKA_BIGINT"},
    {GUESS_DOUBLE, "KAFKA_DOUBLE"}, {GUESS_STRING, "KAFKA_STRING"},
};

enum { GUESSES_LEN = sizeof guesses / sizeof *guesses, GUESS_ALL = 31 };

/* What may stand behind a key, in the order of trying. */
static const struct {
    WindowKind  kind;
    const char *name;
} windows[] = {
    {WINDOW_SESSION, "SESSION"},
    {WINDOW_HOPPING, "HOPPING"},
    {WINDOW_TUMBLING, "TUMBLING"},
    {WINDOW_NONE, ""},
};

enum {
    WINDOWS_LEN = sizeof windows / sizeof *windows,
    WITHOUT_WINDOW = WINDOWS_LEN - 1,
    GUESS_VALUE = GUESS_ALL << WITHOUT_WINDOW * GUESSES_LEN,
    GUESS_KEY = (1 << WINDOWS_LEN * GUESSES_LEN) - 1
};

static const int64_t latest_ms = 4102444800000; /* 2100-01-01 */

typedef struct Side {
    const char *title; /* "Key format: " */
    int         left;  /* candidates: of each kind of window a group of Guess bits */
    int         shown; /* candidates when the line was last printed; -1: never */
    bool        has_data;
} Side;

struct ApiPrint {
    ApiCall        *call;
    RowStyle        style;
    Str             topic;
    BrokerReader  **readers;
    uint32_t        partitions;
    int64_t         interval, seen; /* every interval-th record */
    int64_t         rows_left;      /* LIMIT; -1: none */
    Side            key, value;
    pthread_mutex_t lock; /* of what follows */
    bool            is_running, is_asked, is_closed;
    int             refs;
    int64_t         waiting; /* frames made since the response was last drained; atomic */
    bool            has_ended;
};

/* --- guessing --------------------------------------------------------------------------------- */

static bool is_json(Str bytes)
{
    JsonScan scan;

    json_scan_init(&scan, bytes);
    return json_skip(&scan, NULL) && json_at_end(&scan);
}

static bool fits(Guess guess, Str bytes)
{
    switch (guess) {
    case GUESS_JSON:
        return is_json(bytes);
    case GUESS_INT:
        return bytes.len == 4;
    case GUESS_BIGINT:
    case GUESS_DOUBLE:
        return bytes.len == 8;
    case GUESS_STRING:
        return utf8_is_valid(bytes);
    }
    return false;
}

/* Takes the window off; false when there is none of that kind, or nothing but it: eight bytes are
 * a number. */
static bool cut_window(int window, Str *key, int64_t *start_ms, int64_t *end_ms)
{
    Err err;

    *start_ms = *end_ms = 0;
    if (window == WITHOUT_WINDOW)
        return true;
    return format_window_strip(key, windows[window].kind, 0, start_ms, end_ms, &err) == ERR_OK &&
           key->len > 0 && *start_ms >= 0 && *start_ms <= *end_ms && *end_ms <= latest_ms;
}

static int guesses_of(const Side *side, int window)
{
    return side->left >> window * GUESSES_LEN & GUESS_ALL;
}

static void narrow(Side *side, Str bytes)
{
    if (!bytes.ptr)
        return;
    side->has_data = true;
    for (int window = 0; window < WINDOWS_LEN; window++) {
        int     left = guesses_of(side, window);
        Str     key = bytes;
        int64_t start_ms, end_ms;

        if (!left)
            continue;
        if (!cut_window(window, &key, &start_ms, &end_ms))
            side->left &= ~(GUESS_ALL << window * GUESSES_LEN);
        for (int i = 0; i < GUESSES_LEN; i++) {
            if ((left & (int)guesses[i].bit) && !fits(guesses[i].bit, key))
                side->left &= ~((int)guesses[i].bit << window * GUESSES_LEN);
        }
    }
}

static void format_line(Side *side, Buf *out)
{
    bool is_first = true;

    if (side->shown == (side->has_data ? side->left : -2))
        return;
    side->shown = side->has_data ? side->left : -2;
    buf_c(out, side->title);
    if (!side->has_data)
        buf_c(out, "\xc2\xaf\\_(\xe3\x83\x84)_/\xc2\xaf - no data processed");
    for (int i = 0; side->has_data && i < WINDOWS_LEN * GUESSES_LEN; i++) {
        const char *window = windows[i / GUESSES_LEN].name;

        if (!(side->left >> i & 1))
            continue;
        buf_printf(out, *window ? "%s%s(%s)" : "%s%s%s", is_first ? "" : " or ", window,
                   guesses[i % GUESSES_LEN].name);
        is_first = false;
    }
    if (side->has_data && is_first)
        buf_c(out, "unknown");
    buf_put(out, '\n');
}

static void render_as(int left, Str bytes, Buf *out)
{
    BufReader reader = buf_reader(bytes);
    double    number;
    uint64_t  bits;

    if (left & GUESS_JSON) {
        buf_str(out, str_trim(bytes));
    } else if (left & GUESS_INT) {
        buf_i64(out, (int32_t)buf_read_u32be(&reader));
    } else if (left & GUESS_BIGINT) {
        buf_i64(out, (int64_t)buf_read_u64be(&reader));
    } else if (left & GUESS_DOUBLE) {
        bits = buf_read_u64be(&reader);
        memcpy(&number, &bits, sizeof number);
        value_print_double(out, number);
    } else if (left & GUESS_STRING) {
        buf_str(out, bytes);
    } else {
        for (size_t i = 0; i < bytes.len; i++)
            buf_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
    }
}

/* As the first candidate that is left. */
static void render(const Side *side, Str bytes, Buf *out)
{
    int     window = 0;
    int64_t start_ms = 0, end_ms = 0;

    if (!bytes.ptr) {
        buf_c(out, "<null>");
        return;
    }
    while (window < WITHOUT_WINDOW && !guesses_of(side, window))
        window++;
    (void)cut_window(window, &bytes, &start_ms, &end_ms);
    if (window < WITHOUT_WINDOW)
        buf_put(out, '[');
    render_as(guesses_of(side, window), bytes, out);
    if (windows[window].kind == WINDOW_SESSION)
        buf_printf(out, "@%lld/%lld]", (long long)start_ms, (long long)end_ms);
    else if (window < WITHOUT_WINDOW)
        buf_printf(out, "@%lld/-]", (long long)start_ms);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void row_time(int64_t ts, Buf *out)
{
    int64_t days = ts >= 0 ? ts / MS_PER_DAY : -((-ts + MS_PER_DAY - 1) / MS_PER_DAY);
    int64_t ms = ts - days * MS_PER_DAY;
    int64_t year;
    int     month, day;

    if (ts < 0) {
        buf_c(out, "N/A");
        return;
    }
    datetime_civil_of(days, &year, &month, &day);
    buf_printf(out, "%04lld/%02d/%02d %02d:%02d:%02d.%03d Z", (long long)year, month, day,
               (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
               (int)(ms % 1000));
}

static void print_record(ApiPrint *print, uint32_t partition, const Record *record)
{
    Buf line = {0}, text = {0};

    narrow(&print->key, record->key);
    narrow(&print->value, record->value);
    format_line(&print->key, &text);
    format_line(&print->value, &text);
    buf_c(&text, "rowtime: ");
    row_time(record->ts, &text);
    buf_c(&text, ", key: ");
    render(&print->key, record->key, &text);
    buf_c(&text, ", value: ");
    render(&print->value, record->value, &text);
    buf_printf(&text, ", partition: %u\n", partition);
    if (print->style == ROWS_WEBSOCKET)
        json_put_string(&line, buf_view(&text));
    else
        buf_str(&line, buf_view(&text));
    call_frame(print->call, 0, content_json, &line);
    buf_deinit(&text);
}

static void finish(ApiPrint *print, const Err *err)
{
    RowWriter writer = {.style = print->style == ROWS_WEBSOCKET ? ROWS_WEBSOCKET : ROWS_DELIMITED};
    Buf       text = {0};
    ApiFrame  close = {.ws_close = 1000};

    pthread_mutex_lock(&print->lock);
    print->has_ended = true;
    pthread_mutex_unlock(&print->lock);
    if (err)
        row_error(&writer, &text, err);
    else if (print->style == ROWS_WEBSOCKET)
        buf_c(&text, "{\"error\":\"done\"}");
    if (text.len)
        call_frame(print->call, 0, content_json, &text);
    if (print->style == ROWS_WEBSOCKET) {
        buf_c(&text, "done");
        call_last(print->call, &close, &text);
    } else {
        call_end(print->call);
    }
    buf_deinit(&text);
}

/* Prints what a partition has now; false when the LIMIT was reached. */
static bool print_batch(ApiPrint *print, uint32_t partition, const RecordBatch *batch)
{
    for (uint32_t i = 0; i < batch->len; i++) {
        if (print->seen++ % print->interval != 0)
            continue;
        print_record(print, partition, &batch->records[i]);
        __atomic_add_fetch(&print->waiting, 1, __ATOMIC_RELAXED);
        if (print->rows_left > 0 && --print->rows_left == 0)
            return false;
    }
    return true;
}

/* One round over the partitions; *found says whether there was anything. */
static ErrCode print_round(ApiPrint *print, bool *found, bool *goes_on, Err *err)
{
    *found = false;
    for (uint32_t p = 0; p < print->partitions && *goes_on; p++) {
        RecordBatch *batch = NULL;
        int64_t      position, end;

        TRY(broker_reader_poll(print->readers[p], PRINT_BATCH_BYTES, &batch, &position, &end, err));
        if (!batch)
            continue;
        *found = true;
        *goes_on = print_batch(print, p, batch);
        record_batch_unref(batch);
    }
    return ERR_OK;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void print_unref(ApiPrint *print)
{
    ApiCall *call = print->call;

    if (__atomic_sub_fetch(&print->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t p = 0; p < print->partitions; p++) {
        if (print->readers[p])
            broker_reader_close(print->readers[p]);
    }
    pthread_mutex_destroy(&print->lock);
    mem_free(print->readers);
    mem_free(print);
    call_unref(call);
}

static bool is_full(const ApiPrint *print)
{
    return __atomic_load_n(&print->waiting, __ATOMIC_RELAXED) >= PRINT_ROWS_WAITING;
}

static void print_pump(ApiPrint *print)
{
    bool    found = true, goes_on = true;
    ErrCode rc = ERR_OK;
    Err     err;

    while (rc == ERR_OK && found && goes_on && !is_full(print))
        rc = print_round(print, &found, &goes_on, &err);
    if (rc != ERR_OK)
        finish(print, &err);
    else if (!goes_on)
        finish(print, NULL);
}

static void print_job(void *arg)
{
    ApiPrint *print = arg;
    bool      again = true;

    while (again) {
        print_pump(print);
        pthread_mutex_lock(&print->lock);
        again = print->is_asked && !print->is_closed && !print->has_ended && !is_full(print);
        print->is_asked = false;
        print->is_running = again;
        pthread_mutex_unlock(&print->lock);
    }
    print_unref(print);
}

/* Starts a job unless one runs: that one then looks again. */
static void print_ask(ApiPrint *print)
{
    bool starts;
    Err  err;

    pthread_mutex_lock(&print->lock);
    starts = !print->is_running && !print->is_closed && !print->has_ended;
    print->is_asked = true;
    if (starts) {
        print->is_running = true;
        print->is_asked = false;
        __atomic_add_fetch(&print->refs, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&print->lock);
    if (starts && jobs_submit(print->call->api->pulls, print_job, print, &err) != ERR_OK) {
        pthread_mutex_lock(&print->lock);
        print->is_running = false;
        pthread_mutex_unlock(&print->lock);
        print_unref(print);
    }
}

static void print_wake(void *arg)
{
    print_ask(arg);
}

void print_more(ApiCall *call)
{
    ApiPrint *print = call->print;
    bool      was_full;

    pthread_mutex_lock(&print->lock);
    was_full = is_full(print);
    __atomic_store_n(&print->waiting, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&print->lock);
    if (was_full)
        print_ask(print);
}

/* The readers go with the last reference, after a job that still runs. */
void print_close(ApiPrint *print)
{
    pthread_mutex_lock(&print->lock);
    print->is_closed = true;
    pthread_mutex_unlock(&print->lock);
    print_unref(print);
}

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode open_readers(ApiPrint *print, bool from_beginning, Err *err)
{
    Broker        *broker = engine_broker(print->call->api->engine);
    BrokerWake     wake = {print_wake, print};
    TopicInfo      info;
    PartitionEnds *ends;

    TRY(broker_topic_describe(broker, print->topic, print->call->mem, &info, err));
    print->partitions = info.spec.partitions;
    print->readers = MEM_ARRAY(BrokerReader *, print->partitions);
    ends = ARENA_ARRAY(print->call->mem, PartitionEnds, print->partitions);
    TRY(broker_topic_ends(broker, print->topic, ends, print->partitions, err));
    for (uint32_t p = 0; p < print->partitions; p++)
        TRY(broker_reader_open(broker, print->topic, p,
                               from_beginning ? ends[p].begin : ends[p].end, wake,
                               &print->readers[p], err));
    return ERR_OK;
}

void print_open(ApiCall *call, const AstStmt *stmt, RowStyle style)
{
    const AstPrint *ast = &stmt->u.print;
    ApiPrint       *print = MEM_NEW(ApiPrint);
    Buf             head = {0};
    Err             err;

    print->call = call;
    print->style = style;
    print->topic = str_copy(call->mem, ast->topic.original);
    print->interval = ast->has_interval && ast->interval > 0 ? ast->interval : 1;
    print->rows_left = ast->has_limit ? ast->limit : -1;
    print->key = (Side){"Key format: ", GUESS_KEY, -1, false};
    print->value = (Side){"Value format: ", GUESS_VALUE, -1, false};
    print->refs = 1;
    print->is_running = true; /* wakes wait until the head is out */
    pthread_mutex_init(&print->lock, NULL);
    call_ref(call);
    if (open_readers(print, ast->from_beginning, &err) != ERR_OK) {
        if (err.code == ERR_TOPIC_MISSING) {
            err.code = ERR_STATEMENT;
            err.pos = ast->topic.pos;
            err_hint(&err, "SHOW TOPICS lists them; names keep their case");
        }
        call_fail(call, &err, str_copy(call->mem, stmt->text));
        print_unref(print);
        return;
    }
    if (style == ROWS_WEBSOCKET)
        buf_c(&head, "[]");
    call_frame(call, 200, "text/plain", &head);
    pthread_mutex_lock(&print->lock);
    print->is_running = false;
    pthread_mutex_unlock(&print->lock);
    if (call_attach(call, NULL, print)) {
        if (ast->has_limit && ast->limit == 0)
            finish(print, NULL);
        else
            print_ask(print);
    } else {
        print_close(print);
    }
}
