/*
 * broker_local_store.c -- the embedded broker's tables and its connections.
 *
 *     topic      one row each; name NULL while a deleted topic's chunks are being removed
 *     log        one row a partition: readable range, and how far it is compacted
 *     chunk      one row a chunk: its place in the log, without its bytes
 *     blob       the bytes and their check sum, in order of arrival
 *     staged     the first blob that may have no chunk row after a crash
 *
 * A blob is written once and read back whole.  Its rows are appended at the end of the B-tree,
 * which SQLite does without searching; the chunk rows are small, so that giving a large commit its
 * offsets is a matter of milliseconds.
 */
#include "exec/brokers/broker_local_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

enum {
    STORE_VERSION = 2,                 /* 1: blobs have no check sum */
    STORE_APPLICATION_ID = 0x57454952, /* "WEIR", shown by file(1) */
    READ_CONNECTIONS = 4,
    BUSY_TIMEOUT_MS = 5000,
    WRITER_CACHE_KB = 4096,
    READER_CACHE_KB = 256,
    CHECKPOINT_PAGES = 1024,
    PAGE_BYTES = 16384,
    WAL_BYTES_KEPT = 33554432
};

/* X(name, sql): the writer's prepared statements. */
#define WRITER_STATEMENTS(X)                                                                       \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(PAGES, "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count")    \
    X(TOPIC_PUT, "INSERT INTO topic(name, uid, partitions, replicas, retention_ms, cleanup)"       \
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                                \
    X(TOPIC_DROP, "UPDATE topic SET name = NULL WHERE id = ?1")                                    \
    X(TOPIC_REMOVE, "DELETE FROM topic WHERE id = ?1")                                             \
    X(LOGS_REMOVE, "DELETE FROM log WHERE topic = ?1")                                             \
    X(BLOB_PUT, "INSERT INTO blob(id, bytes, sum) VALUES(?1, ?2, ?3)")                             \
    X(BLOB_DROP, "DELETE FROM blob WHERE id = ?1")                                                 \
    X(BLOB_GET, "SELECT bytes, sum FROM blob WHERE id = ?1")                                       \
    X(STAGED_SET, "UPDATE staged SET from_blob = ?1")                                              \
    X(CHUNK_PUT, "INSERT OR REPLACE INTO chunk(topic, partition, base, end_, fresh_ms, blob,"      \
                 " count, len) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                            \
    X(CHUNK_DROP, "DELETE FROM chunk WHERE topic = ?1 AND partition = ?2 AND base = ?3")           \
    X(CHUNK_AT, "SELECT base, end_, fresh_ms, blob, count, len FROM chunk"                         \
                " WHERE topic = ?1 AND partition = ?2 AND end_ > ?3 AND base >="                   \
                " ifnull((SELECT max(base) FROM chunk"                                             \
                "   WHERE topic = ?1 AND partition = ?2 AND base <= ?3), 0)"                       \
                " ORDER BY base LIMIT 1")                                                          \
    X(CHUNK_ANY, "SELECT partition, base, blob FROM chunk WHERE topic = ?1 LIMIT ?2")              \
    X(LOG_PUT, "INSERT OR REPLACE INTO log(topic, partition, begin_, end_, clean_end)"             \
               " VALUES(?1, ?2, ?3, ?4, ?5)")                                                      \
    X(SIZES, "SELECT ifnull(sum(len) FILTER (WHERE base < ?3), 0),"                                \
             " ifnull(sum(len) FILTER (WHERE base >= ?3), 0)"                                      \
             " FROM chunk WHERE topic = ?1 AND partition = ?2")

typedef enum WriterStatement {
#define STATEMENT_NAME(name, sql) W_##name,
    WRITER_STATEMENTS(STATEMENT_NAME)
#undef STATEMENT_NAME
        W_COUNT_
} WriterStatement;

static const char *const writer_sql[W_COUNT_] = {
#define STATEMENT_SQL(name, sql) [W_##name] = sql,
    WRITER_STATEMENTS(STATEMENT_SQL)
#undef STATEMENT_SQL
};

static const char read_sql[] =
    "SELECT c.base, c.end_, c.fresh_ms, c.blob, c.count, c.len, b.bytes, b.sum"
    " FROM chunk c LEFT JOIN blob b ON b.id = c.blob"
    " WHERE c.topic = ?1 AND c.partition = ?2 AND c.base < ?4 AND c.end_ > ?3 AND c.base >="
    " ifnull((SELECT max(base) FROM chunk"
    "   WHERE topic = ?1 AND partition = ?2 AND base <= ?3), 0)"
    " ORDER BY c.base";

static const char schema_sql[] =
    "CREATE TABLE topic(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, uid TEXT NOT NULL,"
    " partitions INTEGER NOT NULL, replicas INTEGER NOT NULL, retention_ms INTEGER NOT NULL,"
    " cleanup INTEGER NOT NULL);"
    "CREATE TABLE log(topic INTEGER, partition INTEGER, begin_ INTEGER NOT NULL,"
    " end_ INTEGER NOT NULL, clean_end INTEGER NOT NULL,"
    " PRIMARY KEY(topic, partition)) WITHOUT ROWID;"
    "CREATE TABLE chunk(topic INTEGER, partition INTEGER, base INTEGER, end_ INTEGER NOT NULL,"
    " fresh_ms INTEGER NOT NULL, blob INTEGER NOT NULL, count INTEGER NOT NULL,"
    " len INTEGER NOT NULL, PRIMARY KEY(topic, partition, base)) WITHOUT ROWID;"
    "CREATE TABLE blob(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER);"
    "CREATE TABLE staged(from_blob INTEGER NOT NULL);"
    "INSERT INTO staged VALUES(0);";

static const char topics_sql[] = "SELECT id, name, uid, partitions, replicas, retention_ms, cleanup"
                                 " FROM topic ORDER BY id DESC";

typedef struct ReadConnection {
    sqlite3      *db;
    sqlite3_stmt *stmt;
} ReadConnection;

struct LocalStore {
    char         *path; /* heap */
    int           lock_fd;
    sqlite3      *db;
    sqlite3_stmt *stmts[W_COUNT_]; /* prepared on first use */
    int64_t       next_blob;
    bool          is_sync_full;
    bool          has_wal; /* something to checkpoint */

    pthread_mutex_t read_mutex;
    pthread_cond_t  read_cond;
    ReadConnection  idle[READ_CONNECTIONS]; /* [0 .. idle_len) */
    int             idle_len;
    int             read_open;
};

/* --- errors ----------------------------------------------------------------------------------- */

static ErrCode store_err(LocalStore *store, sqlite3 *db, int rc, const char *what, Err *err)
{
    ErrCode code = rc == SQLITE_FULL ? ERR_FULL : ERR_BROKER;

    err_set(err, code, "could not %s broker file \"%s\": %s", what, store->path,
            db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    err->is_retriable = true;
    if (code == ERR_FULL)
        err_hint(err, "make room on the disk; nothing was lost and writing goes on by itself");
    return code;
}

static ErrCode writer_err(LocalStore *store, int rc, Err *err)
{
    return store_err(store, store->db, rc & 0xff, "write", err);
}

/* --- check sums ------------------------------------------------------------------------------- */

/* Part of the file's format.  SQLite finds damage to its own pages, but not to what is in them. */
static int64_t store_sum(Str bytes)
{
    uint64_t    sum = 0x9e3779b97f4a7c15u ^ bytes.len;
    const char *at = bytes.ptr;
    size_t      left = bytes.len;

    for (; left > 0;) {
        uint64_t word = 0;
        size_t   len = left < sizeof word ? left : sizeof word;

        memcpy(&word, at, len);
        sum = (sum ^ word) * 0xff51afd7ed558ccdu;
        sum ^= sum >> 32;
        at += len;
        left -= len;
    }
    return (int64_t)sum;
}

/* A blob of a version without check sums has none. */
static bool store_is_damaged(sqlite3_stmt *stmt, int bytes_at)
{
    Str bytes = {sqlite3_column_blob(stmt, bytes_at), (size_t)sqlite3_column_bytes(stmt, bytes_at)};

    if (sqlite3_column_type(stmt, bytes_at) == SQLITE_NULL)
        return true;
    return sqlite3_column_type(stmt, bytes_at + 1) != SQLITE_NULL &&
           sqlite3_column_int64(stmt, bytes_at + 1) != store_sum(bytes);
}

/* --- the writer's statements ------------------------------------------------------------------ */

static ErrCode writer_stmt(LocalStore *store, WriterStatement which, sqlite3_stmt **out, Err *err)
{
    sqlite3_stmt **stmt = &store->stmts[which];
    int            rc = SQLITE_OK;

    if (!*stmt)
        rc = sqlite3_prepare_v3(store->db, writer_sql[which], -1, SQLITE_PREPARE_PERSISTENT, stmt,
                                NULL);
    if (rc != SQLITE_OK)
        return writer_err(store, rc, err);
    *out = *stmt;
    return ERR_OK;
}

/* Runs a statement that gives no rows, with up to four integers bound. */
static ErrCode writer_run(LocalStore *store, WriterStatement which, const int64_t *args, int len,
                          Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, which, &stmt, err));
    for (int i = 0; i < len; i++)
        sqlite3_bind_int64(stmt, i + 1, args[i]);
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE) {
        writer_err(store, rc, err);
        sqlite3_reset(stmt);
        return err->code;
    }
    sqlite3_reset(stmt);
    return ERR_OK;
}
#define WRITER_RUN(store, which, err, ...)                                                         \
    writer_run((store), (which), (const int64_t[]){__VA_ARGS__},                                   \
               (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (err))

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode store_lock(LocalStore *store, Err *err)
{
    Buf     path = {0};
    ErrCode rc = ERR_OK;

    buf_printf(&path, "%s.lock", store->path);
    buf_put(&path, '\0');
    store->lock_fd = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock_fd < 0)
        rc = err_set(err, ERR_IO, "could not open lock file \"%s\": %s", path.ptr, strerror(errno));
    else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        rc = err_set(err, ERR_IO,
                     "could not open broker file \"%s\": it is in use by another server",
                     store->path);
        err_hint(err, "stop the other server, or give this one a data directory of its own");
    }
    buf_deinit(&path);
    return rc;
}

static ErrCode store_exec(LocalStore *store, const char *sql, Err *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : writer_err(store, rc, err);
}

/* The first integer that sql gives. */
static ErrCode store_number(LocalStore *store, const char *sql, int64_t *out, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? ERR_OK : writer_err(store, rc, err);
}

static ErrCode store_schema(LocalStore *store, Err *err)
{
    int64_t     version = 0;
    Buf         sql = {0};
    ErrCode     rc;
    const char *change;

    TRY(store_number(store, "PRAGMA user_version", &version, err));
    if (version > STORE_VERSION)
        return err_set(err, ERR_IO,
                       "cannot open broker file \"%s\": it has format %lld, written by a newer "
                       "version; this one knows formats up to %d",
                       store->path, (long long)version, STORE_VERSION);
    if (version == STORE_VERSION)
        return ERR_OK;
    change = version == 0 ? schema_sql : "ALTER TABLE blob ADD COLUMN sum INTEGER;";
    buf_printf(&sql, "BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT;",
               STORE_APPLICATION_ID, STORE_VERSION, change);
    buf_put(&sql, '\0');
    rc = store_exec(store, sql.ptr, err);
    buf_deinit(&sql);
    return rc;
}

/* Removes what was staged for a commit that a crash cut short. */
static ErrCode store_recover(LocalStore *store, Err *err)
{
    int64_t from = 0;

    TRY(store_number(store, "SELECT from_blob FROM staged", &from, err));
    if (from == 0)
        return ERR_OK;
    return store_exec(store,
                      "BEGIN IMMEDIATE;"
                      "DELETE FROM blob WHERE id >= (SELECT from_blob FROM staged) AND id NOT IN"
                      " (SELECT blob FROM chunk WHERE blob >= (SELECT from_blob FROM staged));"
                      "UPDATE staged SET from_blob = 0;"
                      "COMMIT",
                      err);
}

/* Whether nothing was ever stored here.  SQLite writes its first page when the mode is chosen. */
static bool store_is_new(const LocalStore *store)
{
    struct stat found;

    return stat(store->path, &found) != 0 || found.st_size == 0;
}

/*
 * The lock file tells that the broker's file was made: when that is gone or empty afterwards, what
 * was in it is lost, and must not be mistaken for a first start.
 */
static ErrCode store_check_lost(LocalStore *store, Err *err)
{
    struct stat lock;

    if (fstat(store->lock_fd, &lock) != 0 || lock.st_size == 0 || !store_is_new(store))
        return ERR_OK;
    err_set(err, ERR_IO, "cannot open broker file \"%s\": it is %s, and was not", store->path,
            access(store->path, F_OK) == 0 ? "empty" : "gone");
    err_hint(err, "bring the file back from a copy, or delete the whole data directory to begin "
                  "anew");
    return ERR_IO;
}

static void store_mark(LocalStore *store)
{
    static const char mark[] = "the broker's file was made\n";
    struct stat       lock;

    if (fstat(store->lock_fd, &lock) == 0 && lock.st_size == 0 &&
        write(store->lock_fd, mark, sizeof mark - 1) < 0)
        log_line(LOG_WARN, "broker", "could not write \"%s.lock\": %s", store->path,
                 strerror(errno));
}

static ErrCode store_setup(LocalStore *store, Err *err)
{
    /* An empty file has nothing that a rollback journal on the disk could bring back: without one
     * the first start waits for the disk three times less. */
    const char *first_page = store_is_new(store) ? "PRAGMA journal_mode = MEMORY;" : "";
    Buf         sql = {0};
    ErrCode     rc;
    int64_t     last = 0;

    buf_printf(&sql,
               "PRAGMA page_size = %d; %s PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
               "PRAGMA wal_autocheckpoint = %d; PRAGMA cache_size = -%d;"
               "PRAGMA journal_size_limit = %d; PRAGMA temp_store = MEMORY;",
               PAGE_BYTES, first_page, CHECKPOINT_PAGES, WRITER_CACHE_KB, WAL_BYTES_KEPT);
    buf_put(&sql, '\0');
    rc = store_exec(store, sql.ptr, err);
    buf_deinit(&sql);
    TRY(rc);
    store->is_sync_full = true;
    TRY(store_schema(store, err));
    TRY(store_recover(store, err));
    TRY(store_number(store, "SELECT ifnull(max(id), 0) FROM blob", &last, err));
    store->next_blob = last + 1;
    return ERR_OK;
}

ErrCode local_store_open(const char *path, LocalStore **out, Err *err)
{
    LocalStore *store = MEM_NEW(LocalStore);
    size_t      len = strlen(path) + 1;
    ErrCode     rc;
    int         db_rc;

    store->path = mem_alloc(len);
    memcpy(store->path, path, len);
    store->lock_fd = -1;
    pthread_mutex_init(&store->read_mutex, NULL);
    pthread_cond_init(&store->read_cond, NULL);

    rc = store_lock(store, err);
    if (rc == ERR_OK)
        rc = store_check_lost(store, err);
    if (rc == ERR_OK) {
        db_rc =
            sqlite3_open_v2(path, &store->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        rc = db_rc == SQLITE_OK ? store_setup(store, err)
                                : store_err(store, store->db, db_rc, "open", err);
        if (rc != ERR_OK) /* whatever it was, at opening it is the file's fault */
            err->code = rc = ERR_IO;
        else
            store_mark(store);
    }
    if (rc != ERR_OK) {
        local_store_close(store);
        return rc;
    }
    *out = store;
    return ERR_OK;
}

static void read_connection_close(ReadConnection *conn)
{
    sqlite3_finalize(conn->stmt);
    sqlite3_close(conn->db);
}

void local_store_close(LocalStore *store)
{
    if (!store)
        return;
    /* Readers first: the writer is the last to close, and checkpoints. */
    for (int i = 0; i < store->idle_len; i++)
        read_connection_close(&store->idle[i]);
    for (int i = 0; i < W_COUNT_; i++)
        sqlite3_finalize(store->stmts[i]);
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd); /* and with it the lock; the file stays, removing it would race */
    pthread_cond_destroy(&store->read_cond);
    pthread_mutex_destroy(&store->read_mutex);
    mem_free(store->path);
    mem_free(store);
}

/* --- transactions ----------------------------------------------------------------------------- */

/* synchronous cannot be changed inside a transaction, so it is chosen at its begin. */
static ErrCode store_sync(LocalStore *store, bool is_full, Err *err)
{
    if (store->is_sync_full == is_full)
        return ERR_OK;
    TRY(store_exec(store, is_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                   err));
    store->is_sync_full = is_full;
    return ERR_OK;
}

ErrCode local_store_begin(LocalStore *store, bool is_durable, Err *err)
{
    TRY(store_sync(store, is_durable, err));
    return writer_run(store, W_BEGIN, NULL, 0, err);
}

ErrCode local_store_commit(LocalStore *store, Err *err)
{
    store->has_wal = true;
    return writer_run(store, W_COMMIT, NULL, 0, err);
}

void local_store_rollback(LocalStore *store)
{
    Err unused;

    if (!sqlite3_get_autocommit(store->db) &&
        writer_run(store, W_ROLLBACK, NULL, 0, &unused) != ERR_OK)
        log_line(LOG_WARN, "broker", "%s", unused.msg);
}

int64_t local_store_used_bytes(LocalStore *store)
{
    sqlite3_stmt *stmt = NULL;
    int64_t       pages = 0;
    Err           unused;

    if (writer_stmt(store, W_PAGES, &stmt, &unused) != ERR_OK)
        return 0;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        pages = sqlite3_column_int64(stmt, 0) - sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    return pages * PAGE_BYTES;
}

void local_store_checkpoint(LocalStore *store)
{
    if (!store->has_wal)
        return;
    store->has_wal = false;
    /* What cannot be moved now, because a reader stands in the way, is moved next time. */
    sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* --- topics ----------------------------------------------------------------------------------- */

static Str column_str(sqlite3_stmt *stmt, int i)
{
    const char *text = (const char *)sqlite3_column_text(stmt, i);

    return (Str){text, (size_t)sqlite3_column_bytes(stmt, i)};
}

static ErrCode load_topics(LocalStore *store, void                                    *arg,
                           void (*on_topic)(void *arg, const StoredTopic *topic), Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc = sqlite3_prepare_v2(store->db, topics_sql, -1, &stmt, NULL);

    if (rc != SQLITE_OK)
        return writer_err(store, rc, err);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        StoredTopic topic = {
            .row = sqlite3_column_int64(stmt, 0),
            .id = column_str(stmt, 2),
            .spec = {.name = column_str(stmt, 1),
                     .partitions = (uint32_t)sqlite3_column_int64(stmt, 3),
                     .replicas = sqlite3_column_int(stmt, 4),
                     .retention_ms = sqlite3_column_int64(stmt, 5),
                     .cleanup = (TopicCleanup)sqlite3_column_int(stmt, 6)},
        };
        on_topic(arg, &topic);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? ERR_OK : writer_err(store, rc, err);
}

ErrCode local_store_load(LocalStore *store, void *arg,
                         void (*on_topic)(void *arg, const StoredTopic *topic),
                         void (*on_partition)(void *arg, const StoredPartition *partition),
                         Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(load_topics(store, arg, on_topic, err));
    rc = sqlite3_prepare_v2(store->db, "SELECT topic, partition, begin_, end_, clean_end FROM log",
                            -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return writer_err(store, rc, err);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        StoredPartition partition = {
            .topic_row = sqlite3_column_int64(stmt, 0),
            .partition = (uint32_t)sqlite3_column_int64(stmt, 1),
            .begin = sqlite3_column_int64(stmt, 2),
            .end = sqlite3_column_int64(stmt, 3),
            .clean_end = sqlite3_column_int64(stmt, 4),
        };
        on_partition(arg, &partition);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? ERR_OK : writer_err(store, rc, err);
}

ErrCode local_store_topic_put(LocalStore *store, const TopicSpec *spec, Str id, int64_t *row,
                              Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, W_TOPIC_PUT, &stmt, err));
    sqlite3_bind_text(stmt, 1, spec->name.ptr, (int)spec->name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, id.ptr, (int)id.len, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, spec->partitions);
    sqlite3_bind_int64(stmt, 4, spec->replicas);
    sqlite3_bind_int64(stmt, 5, spec->retention_ms);
    sqlite3_bind_int64(stmt, 6, spec->cleanup);
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE)
        writer_err(store, rc, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc != SQLITE_DONE)
        return err->code;
    *row = sqlite3_last_insert_rowid(store->db);
    return ERR_OK;
}

ErrCode local_store_topic_drop(LocalStore *store, int64_t row, Err *err)
{
    return WRITER_RUN(store, W_TOPIC_DROP, err, row);
}

ErrCode local_store_topic_purge(LocalStore *store, int64_t row, int max, bool *is_done, Err *err)
{
    enum { PURGE_MAX = 64 };
    sqlite3_stmt *stmt = NULL;
    ChunkMeta     found[PURGE_MAX];
    uint32_t      partitions[PURGE_MAX];
    int           len = 0;

    /* Gathered first: rows must not be removed from under the statement that finds them. */
    TRY(writer_stmt(store, W_CHUNK_ANY, &stmt, err));
    sqlite3_bind_int64(stmt, 1, row);
    sqlite3_bind_int64(stmt, 2, max < PURGE_MAX ? max : PURGE_MAX);
    for (; sqlite3_step(stmt) == SQLITE_ROW; len++) {
        partitions[len] = (uint32_t)sqlite3_column_int64(stmt, 0);
        found[len] = (ChunkMeta){.base = sqlite3_column_int64(stmt, 1),
                                 .blob = sqlite3_column_int64(stmt, 2)};
    }
    sqlite3_reset(stmt);
    for (int i = 0; i < len; i++)
        TRY(local_store_chunk_drop(store, row, partitions[i], &found[i], err));
    if (len == 0) {
        TRY(WRITER_RUN(store, W_LOGS_REMOVE, err, row));
        TRY(WRITER_RUN(store, W_TOPIC_REMOVE, err, row));
    }
    *is_done = len == 0;
    return ERR_OK;
}

/* --- chunks, written -------------------------------------------------------------------------- */

ErrCode local_store_blob_put(LocalStore *store, Str bytes, int64_t *blob, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, W_BLOB_PUT, &stmt, err));
    sqlite3_bind_int64(stmt, 1, store->next_blob);
    sqlite3_bind_blob64(stmt, 2, bytes.ptr, bytes.len, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, store_sum(bytes));
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE)
        writer_err(store, rc, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc != SQLITE_DONE)
        return err->code;
    *blob = store->next_blob++;
    return ERR_OK;
}

ErrCode local_store_blob_drop(LocalStore *store, int64_t blob, Err *err)
{
    return WRITER_RUN(store, W_BLOB_DROP, err, blob);
}

ErrCode local_store_staged_from(LocalStore *store, int64_t blob, Err *err)
{
    return WRITER_RUN(store, W_STAGED_SET, err, blob);
}

int64_t local_store_next_blob(const LocalStore *store)
{
    return store->next_blob;
}

ErrCode local_store_chunk_put(LocalStore *store, int64_t topic_row, uint32_t partition,
                              const ChunkMeta *meta, Err *err)
{
    return WRITER_RUN(store, W_CHUNK_PUT, err, topic_row, partition, meta->base, meta->end,
                      meta->fresh_ms, meta->blob, meta->count, meta->len);
}

ErrCode local_store_chunk_drop(LocalStore *store, int64_t topic_row, uint32_t partition,
                               const ChunkMeta *meta, Err *err)
{
    TRY(local_store_blob_drop(store, meta->blob, err));
    return WRITER_RUN(store, W_CHUNK_DROP, err, topic_row, partition, meta->base);
}

ErrCode local_store_partition_put(LocalStore *store, const StoredPartition *p, Err *err)
{
    return WRITER_RUN(store, W_LOG_PUT, err, p->topic_row, p->partition, p->begin, p->end,
                      p->clean_end);
}

/* --- chunks, read by the writer --------------------------------------------------------------- */

static ChunkMeta column_meta(sqlite3_stmt *stmt)
{
    return (ChunkMeta){
        .base = sqlite3_column_int64(stmt, 0),
        .end = sqlite3_column_int64(stmt, 1),
        .fresh_ms = sqlite3_column_int64(stmt, 2),
        .blob = sqlite3_column_int64(stmt, 3),
        .count = (uint32_t)sqlite3_column_int64(stmt, 4),
        .len = (uint32_t)sqlite3_column_int64(stmt, 5),
    };
}

ErrCode local_store_chunk_at(LocalStore *store, int64_t topic_row, uint32_t partition,
                             int64_t offset, ChunkMeta *out, bool *found, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, W_CHUNK_AT, &stmt, err));
    sqlite3_bind_int64(stmt, 1, topic_row);
    sqlite3_bind_int64(stmt, 2, partition);
    sqlite3_bind_int64(stmt, 3, offset);
    rc = sqlite3_step(stmt);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        *out = column_meta(stmt);
    else if (rc != SQLITE_DONE)
        writer_err(store, rc, err);
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : err->code;
}

ErrCode local_store_blob_get(LocalStore *store, int64_t blob, Buf *out, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, W_BLOB_GET, &stmt, err));
    sqlite3_bind_int64(stmt, 1, blob);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && store_is_damaged(stmt, 0))
        rc = SQLITE_CORRUPT;
    if (rc == SQLITE_ROW)
        buf_append(out, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
    else
        store_err(store, NULL, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, "read", err);
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW ? ERR_OK : err->code;
}

ErrCode local_store_sizes(LocalStore *store, int64_t topic_row, uint32_t partition, int64_t offset,
                          int64_t *below, int64_t *above, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    int           rc;

    TRY(writer_stmt(store, W_SIZES, &stmt, err));
    sqlite3_bind_int64(stmt, 1, topic_row);
    sqlite3_bind_int64(stmt, 2, partition);
    sqlite3_bind_int64(stmt, 3, offset);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *below = sqlite3_column_int64(stmt, 0);
        *above = sqlite3_column_int64(stmt, 1);
    } else {
        writer_err(store, rc, err);
    }
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW ? ERR_OK : err->code;
}

/* --- chunks, read by anybody ------------------------------------------------------------------ */

static ErrCode read_connection_open(LocalStore *store, ReadConnection *out, Err *err)
{
    ReadConnection conn = {0};
    int            rc =
        sqlite3_open_v2(store->path, &conn.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(conn.db, BUSY_TIMEOUT_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK) {
        char pragma[64];

        snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%d", READER_CACHE_KB);
        rc = sqlite3_exec(conn.db, pragma, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(conn.db, read_sql, -1, SQLITE_PREPARE_PERSISTENT, &conn.stmt, NULL);
    if (rc != SQLITE_OK) {
        store_err(store, conn.db, rc, "read", err);
        read_connection_close(&conn);
        return err->code;
    }
    *out = conn;
    return ERR_OK;
}

/* Lends a connection, waiting for one when all are lent. */
static ErrCode read_connection_take(LocalStore *store, ReadConnection *out, Err *err)
{
    bool    must_open = false;
    ErrCode rc = ERR_OK;

    pthread_mutex_lock(&store->read_mutex);
    while (store->idle_len == 0 && store->read_open == READ_CONNECTIONS)
        pthread_cond_wait(&store->read_cond, &store->read_mutex);
    if (store->idle_len > 0) {
        *out = store->idle[--store->idle_len];
    } else {
        store->read_open++;
        must_open = true;
    }
    pthread_mutex_unlock(&store->read_mutex);
    if (must_open)
        rc = read_connection_open(store, out, err);
    if (rc != ERR_OK) {
        pthread_mutex_lock(&store->read_mutex);
        store->read_open--;
        pthread_cond_signal(&store->read_cond);
        pthread_mutex_unlock(&store->read_mutex);
    }
    return rc;
}

static void read_connection_give_back(LocalStore *store, ReadConnection conn)
{
    pthread_mutex_lock(&store->read_mutex);
    store->idle[store->idle_len++] = conn;
    pthread_cond_signal(&store->read_cond);
    pthread_mutex_unlock(&store->read_mutex);
}

/* The error of a chunk whose bytes are not those that were written. */
static ErrCode read_damaged(LocalStore *store, sqlite3 *db, int64_t topic_row, uint32_t partition,
                            const ChunkMeta *meta, Err *err)
{
    sqlite3_stmt *stmt = NULL;
    const char   *name = NULL;

    if (sqlite3_prepare_v2(db, "SELECT name FROM topic WHERE id = ?1", -1, &stmt, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, topic_row);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            name = (const char *)sqlite3_column_text(stmt, 0);
    }
    err_set(err, ERR_BROKER,
            "could not read topic \"%s\": broker file \"%s\" is damaged at offsets %lld to %lld of "
            "partition %u",
            name ? name : "?", store->path, (long long)meta->base, (long long)meta->end - 1,
            partition);
    err_hint(err, "bring the file back from a copy; or drop what is over the topic, with "
                  "DELETE TOPIC, and make it again");
    sqlite3_finalize(stmt);
    return ERR_BROKER;
}

ErrCode local_store_read(LocalStore *store, int64_t topic_row, uint32_t partition, int64_t from,
                         int64_t to, bool (*visit)(void *arg, const ChunkMeta *meta, Str bytes),
                         void *arg, Err *err)
{
    ReadConnection conn = {0};
    ErrCode        damage = ERR_OK;
    int            rc;

    TRY(read_connection_take(store, &conn, err));
    sqlite3_bind_int64(conn.stmt, 1, topic_row);
    sqlite3_bind_int64(conn.stmt, 2, partition);
    sqlite3_bind_int64(conn.stmt, 3, from);
    sqlite3_bind_int64(conn.stmt, 4, to);
    while ((rc = sqlite3_step(conn.stmt)) == SQLITE_ROW) {
        ChunkMeta meta = column_meta(conn.stmt);
        Str bytes = {sqlite3_column_blob(conn.stmt, 6), (size_t)sqlite3_column_bytes(conn.stmt, 6)};

        if (store_is_damaged(conn.stmt, 6))
            damage = read_damaged(store, conn.db, topic_row, partition, &meta, err);
        if (damage != ERR_OK || !visit(arg, &meta, bytes)) {
            rc = SQLITE_DONE;
            break;
        }
    }
    if (rc != SQLITE_DONE)
        store_err(store, conn.db, rc, "read", err);
    sqlite3_reset(conn.stmt); /* ends the snapshot, which would keep the WAL from being reused */
    read_connection_give_back(store, conn);
    return rc == SQLITE_DONE ? damage : err->code;
}
