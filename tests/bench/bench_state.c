/*
 * bench_state.c -- state in memory, the way to the file, and pull queries by key.
 *
 * The store is that of SELECT K, COUNT(*), SUM(X) ... GROUP BY K: a STRING key and two BIGINT
 * slots. An epoch is sealed, encoded and settled every 100 000 touches.
 */
#include "tests/bench/bench.h"

#include "exec/pull.h"
#include "exec/state/query_file.h"
#include "exec/state/state_cache.h"
#include "tests/support/temp_dir.h"

enum { TOUCHES = 2000000, EPOCH = 100000 / 16 * 16, PULLS = 200000, GROUP = 16 };

typedef struct Bench {
    Arena     *mem;
    PlanStore  store;
    Column     columns[3];
    uint32_t   keys;
    State     *state;
    uint64_t   epoch;
    uint64_t   random;
    Flusher   *flusher;
    QueryFile *file;
    bool       prefetches;
} Bench;

/* Stops instead of going on with numbers that mean nothing. */
static void check(ErrCode rc, const Err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_state: %s\n", err->msg);
    exit(1);
}

static uint32_t next_key(Bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return (uint32_t)(b->random >> 32) % b->keys;
}

/* The bytes of key number n: the STRING user-<n>. */
static Str key_of(const Bench *b, uint32_t n, Buf *buf)
{
    char  text[] = "user-000000";
    Value value = value_str((Str){text, sizeof text - 1});

    for (int i = (int)sizeof text - 2; n > 0; i--, n /= 10)
        text[i] = (char)('0' + n % 10);
    buf_clear(buf);
    state_encode_key(buf, &b->store, &value, 0, 0);
    return buf_view(buf);
}

static StateEntry *touch(Bench *b, Str key, uint64_t hash)
{
    StateEntry *entry = NULL;
    bool        is_new;
    Err         err;

    check(state_touch(b->state, key, hash, &entry, &is_new, &err), &err);
    if (is_new) {
        entry->slots[0] = value_bigint(0);
        entry->slots[1] = value_bigint(0);
    }
    return entry;
}

static void count_up(Bench *b, uint32_t n, Buf *buf)
{
    Str key = key_of(b, n, buf);

    touch(b, key, state_hash(key))->slots[0].u.i++;
}

static Changes *end_epoch(Bench *b)
{
    Changes *changes = changes_new();

    state_seal(b->state, ++b->epoch);
    (void)state_encode(b->state, 0, changes_sink(changes));
    state_settle(b->state, b->epoch);
    return changes;
}

/* A group of keys at a time, as operators do. */
static double run_touch(void *arg)
{
    Bench   *b = arg;
    Buf      keys[GROUP] = {{0}};
    uint64_t hashes[GROUP];
    double   begun = bench_now_s();

    for (int i = 0; i < TOUCHES; i += GROUP) {
        for (int k = 0; k < GROUP; k++)
            hashes[k] = state_hash(key_of(b, next_key(b), &keys[k]));
        if (b->prefetches)
            state_prefetch(b->state, hashes, GROUP);
        for (int k = 0; k < GROUP; k++) {
            StateEntry *entry = touch(b, buf_view(&keys[k]), hashes[k]);

            entry->slots[0].u.i++;
            entry->slots[1].u.i += i;
        }
        if (i % EPOCH == 0)
            changes_free(end_epoch(b));
    }
    for (int k = 0; k < GROUP; k++)
        buf_deinit(&keys[k]);
    return TOUCHES / (bench_now_s() - begun);
}

static double run_keys_only(void *arg)
{
    Bench   *b = arg;
    Buf      key = {0};
    uint64_t sum = 0;
    double   begun = bench_now_s();

    for (int i = 0; i < TOUCHES; i++)
        sum += state_hash(key_of(b, next_key(b), &key));
    buf_deinit(&key);
    return TOUCHES / (bench_now_s() - begun) + (sum == 1);
}

static double run_merge_and_flush(void *arg)
{
    Bench *b = arg;
    Buf    key = {0};
    double begun;
    Err    err;

    for (uint32_t n = 0; n < b->keys; n++)
        count_up(b, n, &key);
    begun = bench_now_s();
    query_file_merge(b->file, end_epoch(b), NULL, 0);
    check(query_file_flush(b->file, &err), &err);
    buf_deinit(&key);
    return b->keys / (bench_now_s() - begun);
}

static double run_merge(void *arg)
{
    Bench   *b = arg;
    Buf      key = {0};
    double   begun, took;
    Changes *changes;
    Err      err;

    for (uint32_t n = 0; n < b->keys; n++)
        count_up(b, n, &key);
    changes = end_epoch(b);
    begun = bench_now_s();
    query_file_merge(b->file, changes, NULL, 0);
    took = bench_now_s() - begun;
    check(query_file_flush(b->file, &err), &err);
    buf_deinit(&key);
    return b->keys / took;
}

static ErrCode count_row(void *arg, const Row *row, Err *err)
{
    (void)row;
    (void)err;
    ++*(int *)arg;
    return ERR_OK;
}

static double run_pull(void *arg)
{
    Bench   *b = arg;
    Schema   schema = {b->columns, 3, 1};
    Expr     columns[3];
    Expr    *exprs[3];
    Value    key;
    PullPlan plan = {.kind = PULL_KEYS,
                     .source = b->store.view_name,
                     .row = &schema,
                     .keys = &key,
                     .keys_len = 1,
                     .schema = &schema,
                     .exprs = exprs,
                     .limit = -1};
    PullOpts opts = {.clock = clock_system()};
    PullProg prog;
    int      found = 0;
    double   begun;
    Err      err;

    for (uint32_t i = 0; i < 3; i++) {
        columns[i] = (Expr){.kind = EXPR_COLUMN, .type = b->columns[i].type, .u.index = i};
        exprs[i] = &columns[i];
    }
    check(pull_compile(b->mem, &plan, true, &prog, &err), &err);
    begun = bench_now_s();
    for (int i = 0; i < PULLS; i++) {
        Buf       bytes = {0};
        Str       encoded = key_of(b, next_key(b), &bytes);
        BufReader in = buf_reader(encoded);

        (void)value_decode_key(&in, &type_string, b->mem, &key);
        check(pull_run(b->file, &prog, &opts, count_row, &found, &err), &err);
        buf_deinit(&bytes);
    }
    if (found != PULLS)
        fprintf(stderr, "bench_state: %d of %d keys found\n", found, PULLS);
    pull_release(&prog);
    return PULLS / (bench_now_s() - begun);
}

static void open_store(Bench *b, bool is_view, uint32_t keys)
{
    StateOpts        opts = {.store = &b->store, .bytes_max = INT64_MAX, .is_complete = true};
    const PlanStore *stores[] = {&b->store};
    QueryFileOpts    file = {
           .id = is_view ? STR("VIEW") : STR("PRIVATE"), .stores = stores, .stores_len = 1};
    Err err;

    b->columns[0] = (Column){STR("K"), &type_string, COLUMN_KEY, STR_NULL};
    b->columns[1] = (Column){STR("N"), &type_bigint, COLUMN_VALUE, STR_NULL};
    b->columns[2] = (Column){STR("TOTAL"), &type_bigint, COLUMN_VALUE, STR_NULL};
    b->store = (PlanStore){.name = "aggregate",
                           .keys = b->columns,
                           .keys_len = 1,
                           .slots = b->columns + 1,
                           .slots_len = 2,
                           .is_view = is_view,
                           .view_name = STR("T")};
    b->keys = keys;
    b->random = 88172645463325252u;
    b->state = state_new(&opts);
    check(query_file_open(b->flusher, &file, &b->file, &err), &err);
}

static void close_store(Bench *b)
{
    state_free(b->state);
    query_file_delete(b->file);
}

static void bench_memory(Bench *b)
{
    bench_head("state in memory");
    open_store(b, false, 100000);
    bench_row("calibration: make and hash a key", "keys/s", run_keys_only, b);
    bench_row("count and sum, 100 000 keys", "touches/s", run_touch, b);
    b->prefetches = true;
    bench_row("the same with prefetch", "touches/s", run_touch, b);
    close_store(b);
    open_store(b, false, 1000000);
    bench_row("count and sum, 1 000 000 keys, with prefetch", "touches/s", run_touch, b);
    close_store(b);
}

static void bench_file(Bench *b)
{
    bench_head("the way to the file, 100 000 keys");
    open_store(b, false, 100000);
    bench_row("merge into the pending set", "entries/s", run_merge, b);
    bench_row("encode, merge and flush, private store", "entries/s", run_merge_and_flush, b);
    close_store(b);
    open_store(b, true, 100000);
    bench_row("encode, merge and flush, view", "entries/s", run_merge_and_flush, b);
    bench_head("pull queries by key, 100 000 keys");
    bench_row("from the file", "queries/s", run_pull, b);
    for (uint32_t n = 0; n < b->keys; n++) {
        Buf buf = {0};

        count_up(b, n, &buf);
        buf_deinit(&buf);
    }
    query_file_merge(b->file, end_epoch(b), NULL, 0);
    bench_row("from the pending set", "queries/s", run_pull, b);
    close_store(b);
}

int main(void)
{
    Bench       b = {.mem = arena_new(0)};
    const char *dir = temp_dir_make(b.mem);
    FlusherOpts opts = {.data_dir = dir, .clock = clock_system(), .is_inline = true};
    Err         err;

    check(flusher_open(&opts, &b.flusher, &err), &err);
    bench_memory(&b);
    bench_file(&b);
    flusher_close(b.flusher);
    temp_dir_remove(dir);
    arena_free(b.mem);
    return 0;
}
