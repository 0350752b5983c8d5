/*
 * pull.c -- pull queries on tables: rows of a view, now.
 *
 *     by key:         pending set + prepared look-up \
 *     range, scan:    flush, then SELECT ... WHERE    > row -> predicate -> projection -> emit
 *
 * A look-up by key merges the changes that are pending with the rows of the file, both in the order
 * of the view's key (window start, window end, partition); where both have a row, the pending one
 * is newer.  SQLite gets the bounds that it understands as we do (integers, text, bytes, windows);
 * the whole predicate is applied to what it finds in any case.
 */
#include "exec/pull.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "common/limit.h"
#include "exec/state/state_sqlite.h"

enum {
    CHECK_ROWS = 64,     /* rows between two looks at the clock */
    CHECK_STEPS = 20000, /* SQLite's instructions between two looks */
    WINDOW_BYTES = 16    /* the end of a windowed key */
};

#define MS_NS ((int64_t)1000000)

typedef struct Pull {
    const PullPlan  *plan;
    const PullOpts  *opts;
    QueryFile       *file;
    StateDb         *db;
    const PlanStore *store;
    const ViewTable *view;
    const PullProg  *prog;
    const uint32_t  *slot_of;  /* per value column of plan->row */
    Arena           *pull_mem; /* the whole query */
    ExprCtx          ctx;      /* ctx.mem: one row */
    PullRow          emit;
    void            *arg;
    int64_t          examined, emitted;
    int64_t          ends_ns; /* monotonic */
    bool             is_done; /* LIMIT reached */
} Pull;

/* --- limits ----------------------------------------------------------------------------------- */

static bool is_cancelled(const Pull *pull)
{
    const PullOpts *opts = pull->opts;

    return query_file_is_closed(pull->file) ||
           (opts->is_cancelled && opts->is_cancelled(opts->arg));
}

static bool is_late(const Pull *pull)
{
    return clock_monotonic_ns(pull->opts->clock) > pull->ends_ns;
}

/* What interrupted the query, as an error. */
static ErrCode interrupted(const Pull *pull, Err *err)
{
    if (is_cancelled(pull))
        return err_set(err, ERR_CANCELLED, "the pull query was cancelled");
    (void)err_set(err, ERR_LIMIT, "the pull query took more than %lld ms",
                  (long long)g_limits.pull_ms);
    err_hint(err, "look rows up by key, or raise weir.limit.pull.ms");
    return ERR_LIMIT;
}

static ErrCode check_limits(const Pull *pull, Err *err)
{
    if (pull->examined > g_limits.pull_rows) {
        (void)err_set(err, ERR_LIMIT, "the pull query examined more than %lld rows",
                      (long long)g_limits.pull_rows);
        err_hint(err, "look rows up by key, or raise weir.limit.pull.rows");
        return ERR_LIMIT;
    }
    if (pull->examined % CHECK_ROWS == 0 && (is_cancelled(pull) || is_late(pull)))
        return interrupted(pull, err);
    return ERR_OK;
}

/* SQLite asks while it looks for the next row; not 0 ends its statement. */
static int on_progress(void *arg)
{
    const Pull *pull = arg;

    return is_cancelled(pull) || is_late(pull);
}

/* --- one row ---------------------------------------------------------------------------------- */

static bool is_within(PullBounds bounds, int64_t at)
{
    return at >= bounds.min && at <= bounds.max;
}

static ErrCode take_row(Pull *pull, const ViewRow *found, Err *err)
{
    const PullPlan *plan = pull->plan;
    const Schema   *schema = plan->row;
    Arena          *mem = pull->ctx.mem;
    Value          *cols = ARENA_ARRAY(mem, Value, schema->len);
    Value          *answer;
    Row             row = {.cols = cols,
                           .ts = found->ts,
                           .window_start = found->window_start,
                           .window_end = found->window_end,
                           .partition = found->partition};

    pull->examined++;
    TRY(check_limits(pull, err));
    if (pull->store->is_windowed && !(is_within(plan->window_start, row.window_start) &&
                                      is_within(plan->window_end, row.window_end)))
        return ERR_OK;
    memcpy(cols, found->keys, schema->key_len * sizeof(Value));
    for (uint32_t i = schema->key_len; i < schema->len; i++)
        cols[i] = found->slots[pull->slot_of[i - schema->key_len]];
    if (pull->prog->predicate && !expr_is_true(pull->prog->predicate, &row, &pull->ctx))
        return ERR_OK;

    answer = ARENA_ARRAY(mem, Value, plan->schema->len);
    for (uint32_t i = 0; i < plan->schema->len; i++)
        answer[i] = expr_eval(pull->prog->exprs[i], &row, &pull->ctx);
    row.cols = answer;
    pull->emitted++;
    pull->is_done = plan->limit >= 0 && pull->emitted >= plan->limit;
    return pull->emit(pull->arg, &row, err);
}

/* --- by key ----------------------------------------------------------------------------------- */

/* The pending changes of one key, decoded as far as merging needs it. */
typedef struct PendingRow {
    int64_t       window_start, window_end;
    const Change *change;
} PendingRow;

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_place(int64_t start, int64_t end, uint32_t partition, const PendingRow *other)
{
    int order = cmp_i64(start, other->window_start);

    if (order == 0)
        order = cmp_i64(end, other->window_end);
    return order ? order : cmp_i64(partition, other->change->partition);
}

static int cmp_pending(const void *a, const void *b)
{
    const PendingRow *row = a;

    return cmp_place(row->window_start, row->window_end, row->change->partition, b);
}

static ErrCode take_pending(Pull *pull, const PendingRow *pending, Err *err)
{
    const PlanStore *store = pull->store;
    Arena           *mem = pull->ctx.mem;
    ViewRow          row = {.partition = pending->change->partition};

    if (!pending->change->value.ptr) /* removed */
        return ERR_OK;
    arena_reset(mem);
    row.keys = ARENA_ARRAY(mem, Value, store->keys_len);
    row.slots = ARENA_ARRAY(mem, Value, store->slots_len);
    TRY(state_decode_key(store, pending->change->key, mem, row.keys, &row.window_start,
                         &row.window_end, err));
    TRY(state_decode_value(store, pending->change->value, mem, &row.ts, row.slots, err));
    return take_row(pull, &row, err);
}

/* What is pending for the key, in the order of the view. */
static ErrCode list_pending(Pull *pull, const Value *key, PendingRow **out, size_t *len, Err *err)
{
    const PlanStore *store = pull->store;
    Buf              bytes = buf_in(pull->pull_mem);
    Value           *keys = ARENA_ARRAY(pull->pull_mem, Value, store->keys_len);
    Change          *changes;
    PendingRow      *rows;

    state_encode_key(&bytes, store, key, 0, 0);
    if (store->is_windowed)
        bytes.len -= WINDOW_BYTES;
    query_file_pending_of_key(pull->file, store, buf_view(&bytes), pull->pull_mem, &changes, len);
    rows = ARENA_ARRAY(pull->pull_mem, PendingRow, *len);
    for (size_t i = 0; i < *len; i++) {
        rows[i].change = &changes[i];
        TRY(state_decode_key(store, changes[i].key, pull->pull_mem, keys, &rows[i].window_start,
                             &rows[i].window_end, err));
    }
    if (*len > 1)
        qsort(rows, *len, sizeof *rows, cmp_pending);
    *out = rows;
    return ERR_OK;
}

static void bind_key(const Pull *pull, sqlite3_stmt *stmt, const Value *key)
{
    const PlanStore *store = pull->store;
    const PullPlan  *plan = pull->plan;
    int              at = 1;

    for (uint32_t i = 0; i < store->keys_len; i++)
        view_sqlite_bind_key_column(stmt, at++, key[i], store->keys[i].type, pull->pull_mem);
    if (store->is_windowed) {
        sqlite3_bind_int64(stmt, at++, plan->window_start.min);
        sqlite3_bind_int64(stmt, at++, plan->window_start.max);
        sqlite3_bind_int64(stmt, at++, plan->window_end.min);
        sqlite3_bind_int64(stmt, at, plan->window_end.max);
    }
}

/* Merges the rows that stmt finds (NULL: none) with the pending ones. */
static ErrCode merge_rows(Pull *pull, DbConn *conn, sqlite3_stmt *stmt, const PendingRow *pending,
                          size_t len, Err *err)
{
    size_t  next = 0;
    int     code = SQLITE_DONE;
    ViewRow row;

    while (stmt && !pull->is_done && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t merged = next;
        int    order = 1;

        arena_reset(pull->ctx.mem);
        TRY(view_sqlite_row(stmt, pull->view, pull->ctx.mem, &row, err));
        while (next < len && !pull->is_done && order > 0) {
            order = cmp_place(row.window_start, row.window_end, row.partition, &pending[next]);
            if (order >= 0)
                TRY(take_pending(pull, &pending[next++], err));
        }
        if (order == 0 || pull->is_done)
            continue;
        if (next > merged) { /* the row's memory went to the pending ones */
            arena_reset(pull->ctx.mem);
            TRY(view_sqlite_row(stmt, pull->view, pull->ctx.mem, &row, err));
        }
        TRY(take_row(pull, &row, err));
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return state_sqlite_error(pull->db, conn, "read", err);
    while (next < len && !pull->is_done)
        TRY(take_pending(pull, &pending[next++], err));
    return ERR_OK;
}

static ErrCode pull_keys(Pull *pull, DbConn *conn, Err *err)
{
    const PullPlan *plan = pull->plan;
    sqlite3_stmt   *stmt = NULL;
    ErrCode         rc = ERR_OK;

    if (conn)
        TRY(state_sqlite_pull_key(pull->db, conn, pull->store->number, &stmt, err));
    for (uint32_t i = 0; i < plan->keys_len && rc == ERR_OK && !pull->is_done; i++) {
        const Value *key = plan->keys + (size_t)i * plan->row->key_len;
        PendingRow  *pending;
        size_t       len;

        rc = list_pending(pull, key, &pending, &len, err);
        if (rc == ERR_OK && stmt)
            bind_key(pull, stmt, key);
        if (rc == ERR_OK)
            rc = merge_rows(pull, conn, stmt, pending, len, err);
        if (stmt)
            sqlite3_reset(stmt);
    }
    return rc;
}

/* --- ranges and scans ------------------------------------------------------------------------- */

/* Types of key columns that SQLite orders as we do. */
static bool has_range(const Pull *pull)
{
    TypeKind kind = pull->store->keys[0].type->kind;

    return pull->plan->kind == PULL_RANGE && pull->store->keys_len == 1 && kind != T_DOUBLE &&
           kind != T_DECIMAL && kind < T_ARRAY;
}

static void bind_scan(const Pull *pull, sqlite3_stmt *stmt, bool ranges)
{
    const PullPlan *plan = pull->plan;
    const Type     *type = pull->store->keys[0].type;
    int             at = 1;

    if (pull->store->is_windowed) {
        sqlite3_bind_int64(stmt, at++, plan->window_start.min);
        sqlite3_bind_int64(stmt, at++, plan->window_start.max);
        sqlite3_bind_int64(stmt, at++, plan->window_end.min);
        sqlite3_bind_int64(stmt, at++, plan->window_end.max);
    }
    if (ranges && !value_is_null(plan->low))
        view_sqlite_bind_key_column(stmt, at++, plan->low, type, pull->pull_mem);
    if (ranges && !value_is_null(plan->high))
        view_sqlite_bind_key_column(stmt, at, plan->high, type, pull->pull_mem);
}

static void scan_sql(const Pull *pull, Buf *sql, bool ranges)
{
    const PullPlan *plan = pull->plan;
    Str             key = pull->view->columns[0];

    view_sqlite_select(sql, pull->view);
    buf_c(sql, pull->store->is_windowed
                   ? " WHERE WINDOWSTART BETWEEN ? AND ? AND WINDOWEND BETWEEN ? AND ?"
                   : " WHERE 1");
    if (ranges && !value_is_null(plan->low))
        buf_printf(sql, " AND %.*s %s ?", STR_ARG(key), plan->is_low_open ? ">" : ">=");
    if (ranges && !value_is_null(plan->high))
        buf_printf(sql, " AND %.*s %s ?", STR_ARG(key), plan->is_high_open ? "<" : "<=");
}

static ErrCode scan_rows(Pull *pull, DbConn *conn, sqlite3_stmt *stmt, Err *err)
{
    int     code = SQLITE_DONE;
    ViewRow row;

    while (!pull->is_done && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        arena_reset(pull->ctx.mem);
        TRY(view_sqlite_row(stmt, pull->view, pull->ctx.mem, &row, err));
        TRY(take_row(pull, &row, err));
    }
    if (code == SQLITE_INTERRUPT)
        return interrupted(pull, err);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return state_sqlite_error(pull->db, conn, "read", err);
    return ERR_OK;
}

static ErrCode pull_scan(Pull *pull, DbConn *conn, Err *err)
{
    sqlite3      *handle = state_sqlite_handle(conn);
    Buf           sql = buf_in(pull->pull_mem);
    bool          ranges = has_range(pull);
    sqlite3_stmt *stmt = NULL;
    ErrCode       rc;

    scan_sql(pull, &sql, ranges);
    if (sqlite3_prepare_v2(handle, sql.ptr, (int)sql.len, &stmt, NULL) != SQLITE_OK)
        return state_sqlite_error(pull->db, conn, "read", err);
    bind_scan(pull, stmt, ranges);
    sqlite3_progress_handler(handle, CHECK_STEPS, on_progress, pull);
    rc = scan_rows(pull, conn, stmt, err);
    sqlite3_progress_handler(handle, 0, NULL, NULL);
    sqlite3_finalize(stmt);
    return rc;
}

/* --- the query -------------------------------------------------------------------------------- */

static ErrCode find_view(Pull *pull, Err *err)
{
    const PullPlan *plan = pull->plan;
    const Schema   *row = plan->row;
    uint32_t       *slot_of;

    pull->store = query_file_view(pull->file, plan->source);
    if (!pull->store || pull->store->keys_len != row->key_len)
        return err_set(err, ERR_STATE, "query \"%.*s\" does not materialise \"%.*s\"",
                       STR_ARG(plan->query_id), STR_ARG(plan->source));
    pull->view = state_sqlite_view(pull->db, pull->store->number);
    slot_of = ARENA_ARRAY(pull->pull_mem, uint32_t, row->len - row->key_len);
    for (uint32_t i = row->key_len; i < row->len; i++) {
        uint32_t slot = 0;

        while (slot < pull->store->slots_len &&
               !str_eq(pull->store->slots[slot].name, row->cols[i].name))
            slot++;
        if (slot == pull->store->slots_len)
            return err_set(err, ERR_STATE, "view \"%.*s\" has no column \"%.*s\"",
                           STR_ARG(plan->source), STR_ARG(row->cols[i].name));
        slot_of[i - row->key_len] = slot;
    }
    pull->slot_of = slot_of;
    return ERR_OK;
}

static ErrCode compile(Arena *mem, bool nested_error_set_null, PullProg *prog, Err *err)
{
    const PullPlan *plan = prog->plan;
    ExprOpts        opts = {.nested_error_set_null = nested_error_set_null};

    if (plan->predicate) {
        opts.name = "WHERE";
        TRY(expr_compile(mem, plan->predicate, &opts, &prog->predicate, err));
    }
    for (uint32_t i = 0; i < plan->schema->len; i++) {
        opts.name = str_to_c(mem, plan->schema->cols[i].name);
        TRY(expr_compile(mem, plan->exprs[i], &opts, &prog->exprs[i], err));
    }
    return ERR_OK;
}

ErrCode pull_compile(Arena *mem, const PullPlan *plan, bool nested_error_set_null, PullProg *out,
                     Err *err)
{
    PullProg prog = {.plan = plan, .exprs = ARENA_ARRAY(mem, const ExprProg *, plan->schema->len)};
    ErrCode  rc = compile(mem, nested_error_set_null, &prog, err);

    if (rc == ERR_OK)
        *out = prog;
    else
        pull_release(&prog);
    return rc;
}

void pull_release(const PullProg *prog)
{
    expr_release(prog->predicate);
    for (uint32_t i = 0; i < prog->plan->schema->len; i++)
        expr_release(prog->exprs[i]);
}

static ErrCode run(Pull *pull, Err *err)
{
    DbConn *conn = NULL;
    ErrCode rc = ERR_OK;

    TRY(find_view(pull, err));
    pull->is_done = pull->plan->limit == 0;
    if (is_cancelled(pull))
        return interrupted(pull, err);
    if (pull->plan->kind != PULL_KEYS)
        TRY(query_file_flush(pull->file, err));
    TRY(state_sqlite_borrow(pull->db, &conn, err));
    if (pull->plan->kind == PULL_KEYS)
        rc = pull_keys(pull, conn, err);
    else if (conn) /* no file: no rows */
        rc = pull_scan(pull, conn, err);
    state_sqlite_return(pull->db, conn);
    return rc;
}

ErrCode pull_run(QueryFile *file, const PullProg *prog, const PullOpts *opts, PullRow emit,
                 void *arg, Err *err)
{
    Pull    pull = {.plan = prog->plan,
                    .prog = prog,
                    .opts = opts,
                    .file = file,
                    .db = query_file_db(file),
                    .pull_mem = arena_new(0),
                    .emit = emit,
                    .arg = arg,
                    .ends_ns = clock_monotonic_ns(opts->clock) + g_limits.pull_ms * MS_NS};
    ErrCode rc;

    pull.ctx =
        (ExprCtx){.mem = arena_new(0), .errors = opts->errors, .now_ms = clock_now_ms(opts->clock)};
    rc = run(&pull, err);
    arena_free(pull.ctx.mem);
    arena_free(pull.pull_mem);
    return rc;
}
