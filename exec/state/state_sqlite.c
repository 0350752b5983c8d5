/*
 * state_sqlite.c -- the SQLite file of one query: tables, connections, statements.
 *
 * Statements are prepared when first needed and kept with their connection.  A write that fails is
 * rolled back and its connection closed, so that the next attempt starts from the file alone.
 */
#include "exec/state/state_sqlite.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "exec/state/layout_sqlite.h"
#include "exec/state/state_cache.h"

enum {
    FORMAT_VERSION = 1,
    BUSY_MS = 10000,        /* other processes may read the file, and hold it for a moment */
    READERS_IDLE = 4,       /* connections that stay open for the next borrower */
    READERS_IDLE_ALL = 128, /* of all files: each costs three descriptors */
    SET_ASIDE_MAX = 1000,
    FILE_NAME_MAX = 200
};

static _Atomic int idle_readers; /* of all files */

/* Statements of one store, and of the file. */
typedef enum StoreStmt { PUT, REMOVE, FIND, EACH, PULL_KEY, STORE_STMTS } StoreStmt;
typedef enum FileStmt {
    BEGIN,
    COMMIT,
    POSITION_PUT,
    POSITION_GET,
    NUMBERS_PUT,
    NUMBERS_GET,
    FILE_STMTS
} FileStmt;

static const char *const file_sql[FILE_STMTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [POSITION_PUT] = "REPLACE INTO weir_positions (key, value) VALUES (?, ?)",
    [POSITION_GET] = "SELECT value FROM weir_positions WHERE key = ?",
    [NUMBERS_PUT] = "REPLACE INTO weir_numbers (store, \"partition\", value) VALUES (?, ?, ?)",
    [NUMBERS_GET] = "SELECT value FROM weir_numbers WHERE store = ? AND \"partition\" = ?",
};

static const char *const private_sql[STORE_STMTS] = {
    [PUT] = "REPLACE INTO weir_state_%u (\"partition\", key, value) VALUES (?, ?, ?)",
    [REMOVE] = "DELETE FROM weir_state_%u WHERE \"partition\" = ? AND key = ?",
    [FIND] = "SELECT value FROM weir_state_%u WHERE \"partition\" = ? AND key = ?",
    [EACH] = "SELECT key, value FROM weir_state_%u WHERE \"partition\" = ?",
    [PULL_KEY] = "",
};

static void (*const view_sql[STORE_STMTS])(Buf *, const ViewTable *) = {
    [PUT] = view_sqlite_put,   [REMOVE] = view_sqlite_remove,     [FIND] = view_sqlite_find,
    [EACH] = view_sqlite_each, [PULL_KEY] = view_sqlite_pull_key,
};

struct DbConn {
    sqlite3      *handle;
    sqlite3_stmt *file_stmts[FILE_STMTS];
    Arena        *mem; /* one row */
    DbConn       *next;
    sqlite3_stmt *store_stmts[]; /* STORE_STMTS of each store */
};

struct StateDb {
    StateDbOpts      opts;
    Arena           *mem;
    char            *path;  /* NULL: in memory */
    const ViewTable *views; /* per store; store NULL: a private one */
    _Atomic bool     exists;
    DbConn          *writer; /* in memory also the reader */
    int              wal_pages;
    pthread_mutex_t  lock;    /* in memory: held while the connection is borrowed */
    DbConn          *readers; /* idle; guarded by lock */
    uint32_t         readers_len;
};

/* --- errors ----------------------------------------------------------------------------------- */

static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static ErrCode error_of(StateDb *db, int code, const char *why, const char *doing, Err *err)
{
    Str     id = db->opts.query_id;
    ErrCode rc = ERR_IO;

    if (is_damage(code & 0xff))
        rc = ERR_STATE;
    else if ((code & 0xff) == SQLITE_FULL)
        rc = ERR_FULL;
    (void)err_set(err, rc, "could not %s the state file of query \"%.*s\": %s", doing, STR_ARG(id),
                  why);
    err->is_retriable = rc != ERR_STATE;
    return rc;
}

ErrCode state_sqlite_error(StateDb *db, DbConn *conn, const char *doing, Err *err)
{
    return error_of(db, sqlite3_errcode(conn->handle), sqlite3_errmsg(conn->handle), doing, err);
}

/* --- connections ------------------------------------------------------------------------------ */

static void conn_close(DbConn *conn)
{
    if (!conn)
        return;
    /* SQLite knows all of them, this struct does not know how many stores there are. */
    for (sqlite3_stmt *stmt; (stmt = sqlite3_next_stmt(conn->handle, NULL));)
        sqlite3_finalize(stmt);
    sqlite3_close(conn->handle);
    arena_free(conn->mem);
    mem_free(conn);
}

static bool run(DbConn *conn, const char *sql)
{
    return sqlite3_exec(conn->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int wal_hook(void *arg, sqlite3 *handle, const char *name, int pages)
{
    StateDb *db = arg;

    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

static ErrCode conn_open(StateDb *db, bool is_writer, DbConn **out, Err *err)
{
    int     flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    DbConn *conn =
        mem_zalloc(sizeof *conn + db->opts.stores_len * STORE_STMTS * sizeof(sqlite3_stmt *));
    ErrCode rc;
    bool    ok;

    conn->mem = arena_new(0);
    if (is_writer)
        flags |= SQLITE_OPEN_CREATE;
    ok = sqlite3_open_v2(db->path ? db->path : ":memory:", &conn->handle, flags, NULL) == SQLITE_OK;
    if (ok) {
        sqlite3_busy_timeout(conn->handle, BUSY_MS);
        sqlite3_extended_result_codes(conn->handle, 1);
        /* Off: only state_sqlite_checkpoint() does it. */
        sqlite3_wal_hook(conn->handle, is_writer ? wal_hook : NULL, db);
        if (!is_writer)
            sqlite3_db_config(conn->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        ok = run(conn, is_writer ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                   "PRAGMA mmap_size = 0"
                                 : "PRAGMA query_only = 1; PRAGMA mmap_size = 0");
    }
    if (!ok) {
        rc = conn->handle ? state_sqlite_error(db, conn, "open", err)
                          : error_of(db, SQLITE_NOMEM, "out of memory", "open", err);
        conn_close(conn);
        return rc;
    }
    *out = conn;
    return ERR_OK;
}

static ErrCode prepare(StateDb *db, DbConn *conn, Str sql, sqlite3_stmt **out, Err *err)
{
    if (sqlite3_prepare_v3(conn->handle, sql.ptr, (int)sql.len, SQLITE_PREPARE_PERSISTENT, out,
                           NULL) != SQLITE_OK)
        return state_sqlite_error(db, conn, "read", err);
    return ERR_OK;
}

static ErrCode store_stmt(StateDb *db, DbConn *conn, uint32_t store, StoreStmt kind,
                          sqlite3_stmt **out, Err *err)
{
    sqlite3_stmt **stmt = &conn->store_stmts[store * STORE_STMTS + kind];
    Buf            sql = {0};
    ErrCode        rc = ERR_OK;

    assert(store < db->opts.stores_len);
    if (!*stmt) {
        if (db->views[store].store)
            view_sql[kind](&sql, &db->views[store]);
        else
            buf_printf(&sql, private_sql[kind], db->opts.stores[store]->number);
        rc = prepare(db, conn, buf_view(&sql), stmt, err);
        buf_deinit(&sql);
    }
    *out = *stmt;
    return rc;
}

static ErrCode file_stmt(StateDb *db, DbConn *conn, FileStmt kind, sqlite3_stmt **out, Err *err)
{
    sqlite3_stmt **stmt = &conn->file_stmts[kind];

    if (!*stmt)
        TRY(prepare(db, conn, str_from(file_sql[kind]), stmt, err));
    *out = *stmt;
    return ERR_OK;
}

/* Runs a statement that gives no rows. */
static ErrCode finish(StateDb *db, DbConn *conn, sqlite3_stmt *stmt, Err *err)
{
    int code = sqlite3_step(stmt);

    if (code != SQLITE_DONE) {
        ErrCode rc = state_sqlite_error(db, conn, "write", err);

        sqlite3_reset(stmt);
        return rc;
    }
    sqlite3_reset(stmt);
    return ERR_OK;
}

ErrCode state_sqlite_borrow(StateDb *db, DbConn **out, Err *err)
{
    DbConn *conn = NULL;

    if (!state_sqlite_exists(db)) {
        *out = NULL;
        return ERR_OK;
    }
    pthread_mutex_lock(&db->lock);
    if (!db->path) { /* stays locked until it is back */
        *out = db->writer;
        return ERR_OK;
    }
    conn = db->readers;
    if (conn) {
        db->readers = conn->next;
        db->readers_len--;
        atomic_fetch_sub(&idle_readers, 1);
    }
    pthread_mutex_unlock(&db->lock);
    if (!conn)
        TRY(conn_open(db, false, &conn, err));
    *out = conn;
    return ERR_OK;
}

void state_sqlite_return(StateDb *db, DbConn *conn)
{
    if (!conn)
        return;
    arena_reset(conn->mem);
    if (db->path) {
        pthread_mutex_lock(&db->lock);
        if (db->readers_len < READERS_IDLE && atomic_load(&idle_readers) < READERS_IDLE_ALL) {
            conn->next = db->readers;
            db->readers = conn;
            db->readers_len++;
            atomic_fetch_add(&idle_readers, 1);
            conn = NULL;
        }
    } else {
        conn = NULL;
    }
    pthread_mutex_unlock(&db->lock);
    conn_close(conn);
}

bool state_sqlite_is_open(StateDb *db)
{
    bool is_open;

    pthread_mutex_lock(&db->lock);
    is_open = db->writer || db->readers;
    pthread_mutex_unlock(&db->lock);
    return is_open;
}

void state_sqlite_close_readers(StateDb *db)
{
    DbConn *conn;

    pthread_mutex_lock(&db->lock);
    conn = db->readers;
    atomic_fetch_sub(&idle_readers, (int)db->readers_len);
    db->readers = NULL;
    db->readers_len = 0;
    pthread_mutex_unlock(&db->lock);
    while (conn) {
        DbConn *next = conn->next;

        conn_close(conn);
        conn = next;
    }
}

/* --- life ------------------------------------------------------------------------------------- */

/* A query id as a file name: anything but letters, digits, '_' and '-' as %XX; a long one is cut
 * and told apart by its hash. */
Str state_sqlite_file_name(Arena *mem, Str id)
{
    Buf name = buf_in(mem);

    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '_' || c == '-')
            buf_put(&name, (char)c);
        else
            buf_printf(&name, "%%%02X", c);
    }
    if (name.len > FILE_NAME_MAX) {
        name.len = FILE_NAME_MAX;
        buf_printf(&name, "-%016llx", (unsigned long long)str_hash(id));
    }
    return buf_view(&name);
}

ErrCode state_sqlite_new(const StateDbOpts *opts, StateDb **out, Err *err)
{
    Arena     *mem = arena_new(0);
    StateDb   *db = ARENA_NEW(mem, StateDb);
    ViewTable *views = ARENA_ARRAY(mem, ViewTable, opts->stores_len + 1);

    for (uint32_t i = 0; i < opts->stores_len; i++) {
        const PlanStore *store = opts->stores[i];

        if (!store->is_view)
            continue;
        if (store->keys_len + store->slots_len > VIEW_COLUMNS_MAX) {
            (void)err_set(err, ERR_LIMIT, "cannot materialise \"%.*s\": %u columns, at most %d",
                          STR_ARG(store->view_name), store->keys_len + store->slots_len,
                          VIEW_COLUMNS_MAX);
            arena_free(mem);
            return ERR_LIMIT;
        }
        view_sqlite_init(mem, store, &views[i]);
    }
    db->opts = *opts;
    db->opts.query_id = str_copy(mem, opts->query_id);
    db->mem = mem;
    db->views = views;
    if (opts->data_dir)
        db->path = str_to_c(mem, str_printf(mem, "%s/state/%.*s.db", opts->data_dir,
                                            STR_ARG(state_sqlite_file_name(mem, opts->query_id))));
    atomic_store(&db->exists, db->path && access(db->path, F_OK) == 0);
    pthread_mutex_init(&db->lock, NULL);
    *out = db;
    return ERR_OK;
}

void state_sqlite_free(StateDb *db)
{
    if (!db)
        return;
    state_sqlite_close_writer(db);
    state_sqlite_close_readers(db);
    pthread_mutex_destroy(&db->lock);
    arena_free(db->mem);
}

bool state_sqlite_exists(StateDb *db)
{
    return atomic_load(&db->exists);
}

void state_sqlite_unlink(StateDb *db)
{
    char name[4096];

    atomic_store(&db->exists, false);
    if (!db->path)
        return;
    unlink(db->path);
    snprintf(name, sizeof name, "%s-wal", db->path);
    unlink(name);
    snprintf(name, sizeof name, "%s-shm", db->path);
    unlink(name);
}

ErrCode state_sqlite_set_aside(StateDb *db, Arena *arena, Str *new_name, Err *err)
{
    char *to = NULL;

    state_sqlite_close_readers(db);
    state_sqlite_close_writer(db);
    if (!db->path) {
        atomic_store(&db->exists, false);
        *new_name = STR("(memory)");
        return ERR_OK;
    }
    for (int n = 1; n <= SET_ASIDE_MAX; n++) {
        to = str_to_c(arena, str_printf(arena, "%s.damaged-%d", db->path, n));
        if (access(to, F_OK) != 0)
            break;
    }
    if (rename(db->path, to) != 0)
        return err_set(err, ERR_IO, "could not rename state file \"%s\": %s", db->path,
                       strerror(errno));
    (void)rename(str_to_c(arena, str_printf(arena, "%s-wal", db->path)),
                 str_to_c(arena, str_printf(arena, "%s-wal", to)));
    state_sqlite_unlink(db); /* the shared memory file */
    *new_name = str_from(to);
    return ERR_OK;
}

/* --- the head of the file --------------------------------------------------------------------- */

/* An integer that sql gives as its one row; false when it gives none. */
static ErrCode read_integer(StateDb *db, DbConn *conn, const char *sql, int64_t *out, bool *found,
                            Err *err)
{
    sqlite3_stmt *stmt = NULL;
    ErrCode       rc = prepare(db, conn, str_from(sql), &stmt, err);
    int           code;

    if (rc != ERR_OK)
        return rc;
    code = sqlite3_step(stmt);
    *found = code == SQLITE_ROW;
    if (*found)
        *out = sqlite3_column_int64(stmt, 0);
    else if (code != SQLITE_DONE)
        rc = state_sqlite_error(db, conn, "read", err);
    sqlite3_finalize(stmt);
    return rc;
}

static ErrCode check_head(StateDb *db, DbConn *conn, Err *err)
{
    int64_t tables = 0, format = 0, fingerprint = 0;
    bool    found = false;
    Str     id = db->opts.query_id;

    TRY(read_integer(db, conn, "SELECT count(*) FROM sqlite_master", &tables, &found, err));
    if (tables == 0) { /* the process ended before the first commit */
        atomic_store(&db->exists, false);
        return ERR_OK;
    }
    TRY(read_integer(db, conn, "SELECT value FROM weir_meta WHERE name = 'format'", &format, &found,
                     err));
    if (!found || format != FORMAT_VERSION)
        return err_set(err, ERR_STATE,
                       "cannot use the state file of query \"%.*s\": format %lld, not %d",
                       STR_ARG(id), (long long)format, FORMAT_VERSION);
    TRY(read_integer(db, conn, "SELECT value FROM weir_meta WHERE name = 'fingerprint'",
                     &fingerprint, &found, err));
    if (found && (uint64_t)fingerprint == db->opts.fingerprint)
        return ERR_OK;
    (void)err_set(err, ERR_STATE,
                  "cannot use the state file of query \"%.*s\": it was written for another plan",
                  STR_ARG(id));
    err_hint(err, "move \"%s\" away to have it rebuilt", db->path);
    return ERR_STATE;
}

ErrCode state_sqlite_check(StateDb *db, bool *is_damaged, Err *err)
{
    DbConn *conn = NULL;
    ErrCode rc;
    int     code;

    *is_damaged = false;
    rc = state_sqlite_borrow(db, &conn, err);
    if (rc == ERR_OK && conn) {
        rc = check_head(db, conn, err);
        code = sqlite3_errcode(conn->handle) & 0xff;
        /* SQLITE_ERROR: a database, but not one of ours. */
        *is_damaged = rc != ERR_OK && (is_damage(code) || code == SQLITE_ERROR);
        if (rc != ERR_OK) {
            conn_close(conn);
            conn = NULL;
        }
    } else if (rc == ERR_STATE) {
        *is_damaged = true;
    }
    state_sqlite_return(db, conn);
    return *is_damaged ? ERR_STATE : rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static ErrCode create_tables(StateDb *db, DbConn *conn, Err *err)
{
    Buf  sql = buf_in(conn->mem);
    bool ok = true;

    buf_printf(&sql,
               "CREATE TABLE IF NOT EXISTS weir_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
               "CREATE TABLE IF NOT EXISTS weir_positions (key BLOB PRIMARY KEY, value BLOB)"
               " WITHOUT ROWID;"
               "CREATE TABLE IF NOT EXISTS weir_numbers (store INTEGER, \"partition\" INTEGER,"
               " value BLOB, PRIMARY KEY (store, \"partition\")) WITHOUT ROWID;"
               "INSERT OR IGNORE INTO weir_meta VALUES ('format', %d), ('fingerprint', %lld);",
               FORMAT_VERSION, (long long)db->opts.fingerprint);
    for (uint32_t i = 0; i < db->opts.stores_len; i++) {
        if (db->views[i].store)
            view_sqlite_create(&sql, &db->views[i]);
        else
            buf_printf(&sql,
                       "CREATE TABLE IF NOT EXISTS weir_state_%u (\"partition\" INTEGER, key BLOB,"
                       " value BLOB, PRIMARY KEY (\"partition\", key)) WITHOUT ROWID",
                       db->opts.stores[i]->number);
        buf_put(&sql, ';');
    }
    buf_put(&sql, '\0');
    ok = run(conn, sql.ptr);
    for (uint32_t i = 0; ok && i < db->opts.stores_len; i++) {
        if (db->views[i].store)
            ok = view_sqlite_list_columns(conn->handle, &db->views[i]);
    }
    ok = ok && layout_sqlite_save(conn->handle, db->opts.stores, db->opts.stores_len);
    return ok ? ERR_OK : state_sqlite_error(db, conn, "create", err);
}

static ErrCode write_change(StateDb *db, DbConn *conn, const Change *change, Err *err)
{
    const ViewTable *view = &db->views[change->store];
    bool             is_removal = !change->value.ptr;
    sqlite3_stmt    *stmt;

    arena_reset(conn->mem);
    if (change->key.len == 0) {
        TRY(file_stmt(db, conn, NUMBERS_PUT, &stmt, err));
        sqlite3_bind_int64(stmt, 1, change->store);
        sqlite3_bind_int64(stmt, 2, change->partition);
        sqlite3_bind_blob64(stmt, 3, change->value.ptr, change->value.len, SQLITE_STATIC);
        return finish(db, conn, stmt, err);
    }
    TRY(store_stmt(db, conn, change->store, is_removal ? REMOVE : PUT, &stmt, err));
    if (!view->store) {
        sqlite3_bind_int64(stmt, 1, change->partition);
        sqlite3_bind_blob64(stmt, 2, change->key.ptr, change->key.len, SQLITE_STATIC);
        if (!is_removal)
            sqlite3_bind_blob64(stmt, 3, change->value.ptr, change->value.len, SQLITE_STATIC);
    } else if (is_removal) {
        TRY(view_sqlite_bind_key(stmt, view, change->partition, change->key, conn->mem, err));
    } else {
        TRY(view_sqlite_bind_row(stmt, view, change->partition, change->key, change->value,
                                 conn->mem, err));
    }
    return finish(db, conn, stmt, err);
}

/* --- after CREATE OR REPLACE ------------------------------------------------------------------ */

typedef struct Rewrite {
    StateDb *db;
    DbConn  *conn;
} Rewrite;

static ErrCode rewrite_row(void *arg, const Change *change, Err *err)
{
    Rewrite *rewrite = arg;

    return write_change(rewrite->db, rewrite->conn, change, err);
}

static ErrCode rewrite_all(StateDb *db, DbConn *conn, Layout *layout, Err *err)
{
    Rewrite       rewrite = {db, conn};
    sqlite3_stmt *stmt;

    TRY(file_stmt(db, conn, BEGIN, &stmt, err));
    TRY(finish(db, conn, stmt, err));
    if (!layout_sqlite_move(conn->handle, layout) ||
        !run(conn, "DROP TABLE IF EXISTS weir_columns"))
        return state_sqlite_error(db, conn, "change", err);
    TRY(create_tables(db, conn, err));
    TRY(layout_sqlite_copy(conn->handle, layout, rewrite_row, &rewrite, err));
    if (!layout_sqlite_drop(conn->handle, layout))
        return state_sqlite_error(db, conn, "change", err);
    TRY(file_stmt(db, conn, COMMIT, &stmt, err));
    return finish(db, conn, stmt, err);
}

ErrCode state_sqlite_adapt(StateDb *db, Err *err)
{
    Layout  layout = {.stores = db->opts.stores, .stores_len = db->opts.stores_len};
    DbConn *conn = NULL;
    ErrCode rc = ERR_OK;

    TRY(state_sqlite_borrow(db, &conn, err));
    if (!conn)
        return ERR_OK;
    layout.mem = arena_new(0);
    if (!layout_sqlite_read(conn->handle, &layout))
        rc = state_sqlite_error(db, conn, "read", err);
    state_sqlite_return(db, conn);
    if (rc == ERR_OK && !layout_sqlite_is_same(&layout)) {
        state_sqlite_close_readers(db); /* they have prepared statements on the former tables */
        rc = conn_open(db, true, &db->writer, err);
        if (rc == ERR_OK)
            rc = rewrite_all(db, db->writer, &layout, err);
        /* What its list of tables says is not so. */
        if (rc != ERR_OK && (sqlite3_errcode(db->writer->handle) & 0xff) == SQLITE_ERROR)
            err->code = rc = ERR_STATE;
        state_sqlite_close_writer(db); /* rolls back what failed */
    }
    arena_free(layout.mem);
    return rc;
}

/* --- epochs ----------------------------------------------------------------------------------- */

static ErrCode write_all(StateDb *db, DbConn *conn, const Change *const *changes, size_t len,
                         const FilePosition *positions, size_t positions_len, Err *err)
{
    sqlite3_stmt *stmt;

    TRY(file_stmt(db, conn, BEGIN, &stmt, err));
    TRY(finish(db, conn, stmt, err));
    if (!state_sqlite_exists(db))
        TRY(create_tables(db, conn, err));
    for (size_t i = 0; i < len; i++)
        TRY(write_change(db, conn, changes[i], err));
    for (size_t i = 0; i < positions_len; i++) {
        TRY(file_stmt(db, conn, POSITION_PUT, &stmt, err));
        sqlite3_bind_blob64(stmt, 1, positions[i].key.ptr, positions[i].key.len, SQLITE_STATIC);
        sqlite3_bind_blob64(stmt, 2, positions[i].value.ptr, positions[i].value.len, SQLITE_STATIC);
        TRY(finish(db, conn, stmt, err));
    }
    TRY(file_stmt(db, conn, COMMIT, &stmt, err));
    return finish(db, conn, stmt, err);
}

ErrCode state_sqlite_write(StateDb *db, const Change *const *changes, size_t len,
                           const FilePosition *positions, size_t positions_len, Err *err)
{
    ErrCode rc = ERR_OK;

    if (!db->path)
        pthread_mutex_lock(&db->lock);
    if (!db->writer)
        rc = conn_open(db, true, &db->writer, err);
    if (rc == ERR_OK)
        rc = write_all(db, db->writer, changes, len, positions, positions_len, err);
    if (db->writer)
        arena_reset(db->writer->mem);
    if (rc == ERR_OK) {
        atomic_store(&db->exists, true);
    } else if (db->writer && db->path) {
        conn_close(db->writer); /* rolls back */
        db->writer = NULL;
    } else if (db->writer) {
        (void)run(db->writer, "ROLLBACK");
    }
    if (!db->path)
        pthread_mutex_unlock(&db->lock);
    return rc;
}

static int cmp_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int state_sqlite_cmp(const void *a, const void *b, void *db)
{
    const Change  *x = *(const Change *const *)a;
    const Change  *y = *(const Change *const *)b;
    const StateDb *self = db;
    int            by_partition = cmp_u32(x->partition, y->partition);
    int            by_store = cmp_u32(x->store, y->store);
    int            by_key;

    if (by_store)
        return by_store;
    if (by_partition && !self->views[x->store].store)
        return by_partition;
    by_key = str_cmp(x->key, y->key);
    return by_key ? by_key : by_partition;
}

int state_sqlite_wal_pages(const StateDb *db)
{
    return db->path ? db->wal_pages : 0;
}

bool state_sqlite_checkpoint(StateDb *db)
{
    int pages = -1, copied = -1;

    if (!db->path || !db->writer)
        return false;
    if (sqlite3_wal_checkpoint_v2(db->writer->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
                                  &copied) != SQLITE_OK)
        return false;
    if (pages == copied)
        db->wal_pages = 0;
    return pages == copied;
}

void state_sqlite_close_writer(StateDb *db)
{
    if (db->path)
        (void)state_sqlite_checkpoint(db);
    conn_close(db->writer);
    db->writer = NULL;
    db->wal_pages = 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void set_bytes(Buf *out, sqlite3_stmt *stmt, int at)
{
    const void *blob = sqlite3_column_blob(stmt, at);

    buf_clear(out);
    buf_append(out, blob, (size_t)sqlite3_column_bytes(stmt, at));
}

/* The bytes of the key and the value that a view's statement stands on. */
static ErrCode encode_row(DbConn *conn, sqlite3_stmt *stmt, const ViewTable *view, Buf *key,
                          Buf *value, Err *err)
{
    ViewRow row;

    arena_reset(conn->mem);
    TRY(view_sqlite_row(stmt, view, conn->mem, &row, err));
    if (key) {
        buf_clear(key);
        state_encode_key(key, view->store, row.keys, row.window_start, row.window_end);
    }
    buf_clear(value);
    state_encode_value(value, view->store, row.ts, row.slots);
    return ERR_OK;
}

ErrCode state_sqlite_find(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition, Str key,
                          Buf *out, bool *found, Err *err)
{
    const ViewTable *view = &db->views[store];
    sqlite3_stmt    *stmt;
    ErrCode          rc = ERR_OK;
    int              code;

    TRY(store_stmt(db, conn, store, FIND, &stmt, err));
    arena_reset(conn->mem);
    if (view->store) {
        TRY(view_sqlite_bind_key(stmt, view, partition, key, conn->mem, err));
    } else {
        sqlite3_bind_int64(stmt, 1, partition);
        sqlite3_bind_blob64(stmt, 2, key.ptr, key.len, SQLITE_STATIC);
    }
    code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = state_sqlite_error(db, conn, "read", err);
    else if (code == SQLITE_ROW && view->store)
        rc = encode_row(conn, stmt, view, NULL, out, err);
    else if (code == SQLITE_ROW)
        set_bytes(out, stmt, 0);
    sqlite3_reset(stmt);
    if (rc == ERR_OK)
        *found = code == SQLITE_ROW;
    return rc;
}

ErrCode state_sqlite_each(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition,
                          StateRow visit, void *arg, Err *err)
{
    const ViewTable *view = &db->views[store];
    Buf              key = {0}, value = {0};
    sqlite3_stmt    *stmt;
    ErrCode          rc = ERR_OK;
    bool             stop = false;
    int              code = SQLITE_DONE;

    TRY(store_stmt(db, conn, store, EACH, &stmt, err));
    sqlite3_bind_int64(stmt, 1, partition);
    while (rc == ERR_OK && !stop && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (view->store) {
            rc = encode_row(conn, stmt, view, &key, &value, err);
        } else {
            set_bytes(&key, stmt, 0);
            set_bytes(&value, stmt, 1);
        }
        if (rc == ERR_OK)
            rc = visit(arg, buf_view(&key), buf_view(&value), &stop, err);
    }
    if (rc == ERR_OK && !stop && code != SQLITE_DONE)
        rc = state_sqlite_error(db, conn, "read", err);
    sqlite3_reset(stmt);
    buf_deinit(&key);
    buf_deinit(&value);
    return rc;
}

/* Runs a statement that gives at most one row of one column. */
static ErrCode read_bytes(StateDb *db, DbConn *conn, sqlite3_stmt *stmt, Buf *out, bool *found,
                          Err *err)
{
    int     code = sqlite3_step(stmt);
    ErrCode rc = ERR_OK;

    if (code == SQLITE_ROW)
        set_bytes(out, stmt, 0);
    else if (code != SQLITE_DONE)
        rc = state_sqlite_error(db, conn, "read", err);
    sqlite3_reset(stmt);
    if (rc == ERR_OK)
        *found = code == SQLITE_ROW;
    return rc;
}

ErrCode state_sqlite_numbers(StateDb *db, DbConn *conn, uint32_t store, uint32_t partition,
                             Buf *out, bool *found, Err *err)
{
    sqlite3_stmt *stmt;

    TRY(file_stmt(db, conn, NUMBERS_GET, &stmt, err));
    sqlite3_bind_int64(stmt, 1, store);
    sqlite3_bind_int64(stmt, 2, partition);
    return read_bytes(db, conn, stmt, out, found, err);
}

ErrCode state_sqlite_position(StateDb *db, DbConn *conn, Str key, Buf *out, bool *found, Err *err)
{
    sqlite3_stmt *stmt;

    TRY(file_stmt(db, conn, POSITION_GET, &stmt, err));
    sqlite3_bind_blob64(stmt, 1, key.ptr, key.len, SQLITE_STATIC);
    return read_bytes(db, conn, stmt, out, found, err);
}

/* --- pull queries ----------------------------------------------------------------------------- */

const ViewTable *state_sqlite_view(const StateDb *db, uint32_t store)
{
    return db->views[store].store ? &db->views[store] : NULL;
}

ErrCode state_sqlite_pull_key(StateDb *db, DbConn *conn, uint32_t store, sqlite3_stmt **out,
                              Err *err)
{
    return store_stmt(db, conn, store, PULL_KEY, out, err);
}

sqlite3 *state_sqlite_handle(DbConn *conn)
{
    return conn->handle;
}
