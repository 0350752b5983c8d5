/*
 * query_file.c -- what one stateful query keeps on disk, and what is on its way there.
 *
 * There are two pending sets: `active` takes what is settled, `writing` is what the flusher writes
 * at the moment, or could not write yet.  Reading asks active, then writing, then the file; in this
 * order nothing that is settled can be missed, since a set is dropped only after it is in the file.
 *
 *     merge -> active --(write begins)--> writing --(committed)--> file
 *
 * Locks: merge_lock keeps a write from beginning in the middle of an epoch; it is taken before
 * lock, which guards the sets and is never held for long: a big epoch is merged in slices.
 */
#include "exec/state/query_file.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "exec/state/flush.h"
#include "exec/state/pending.h"
#include "exec/state/state_sqlite.h"

enum {
    MERGE_SLICES = 8,    /* of PENDING_PUT_MAX changes, merged while others wait for the lock */
    WAL_PAGES_MAX = 1000 /* 4 MB: then the WAL is copied into the file */
};

/* What a state reads through (StateBacking). */
typedef struct Backing {
    QueryFile      *file;
    uint32_t        store, partition;
    Buf             bytes;
    struct Backing *next;
} Backing;

struct QueryFile {
    FlushNode               node;
    Flusher                *flusher;
    Arena                  *mem;
    Str                     id;
    const PlanStore *const *stores; /* copies in mem */
    uint32_t                stores_len;
    StateDb                *db;
    void (*on_durable)(void *arg, const FilePosition *positions, size_t len);
    void           *arg;
    atomic_int      refs;
    atomic_bool     is_closed;
    pthread_mutex_t merge_lock;
    pthread_mutex_t lock;
    Pending        *active;
    Pending        *writing; /* NULL: none */
    Pending        *written; /* positions only: in the file, but maybe not durable.  Flusher's. */
    Backing        *backings;
};

/* --- life ------------------------------------------------------------------------------------- */

static Column *copy_columns(Arena *mem, const Column *columns, uint32_t len)
{
    Column *copies = ARENA_ARRAY(mem, Column, len);

    for (uint32_t i = 0; i < len; i++)
        copies[i] = column_copy(mem, &columns[i]);
    return copies;
}

/* The file may be read after the query and its plan are gone. */
static const PlanStore *const *copy_stores(Arena *mem, const QueryFileOpts *opts)
{
    const PlanStore **copies = ARENA_ARRAY(mem, const PlanStore *, opts->stores_len);

    for (uint32_t i = 0; i < opts->stores_len; i++) {
        PlanStore *copy = ARENA_NEW(mem, PlanStore);

        *copy = *opts->stores[i];
        assert(copy->number == i);
        copy->name = str_to_c(mem, str_from(copy->name));
        copy->keys = copy_columns(mem, copy->keys, copy->keys_len);
        copy->slots = copy_columns(mem, copy->slots, copy->slots_len);
        copy->view_name = str_copy(mem, copy->view_name);
        copies[i] = copy;
    }
    return copies;
}

static void file_free(QueryFile *file)
{
    while (file->backings) {
        Backing *next = file->backings->next;

        buf_deinit(&file->backings->bytes);
        mem_free(file->backings);
        file->backings = next;
    }
    state_sqlite_free(file->db);
    pending_free(file->active);
    pending_free(file->writing);
    pending_free(file->written);
    pthread_mutex_destroy(&file->merge_lock);
    pthread_mutex_destroy(&file->lock);
    arena_free(file->mem);
    mem_free(file);
}

static ErrCode set_aside(QueryFile *file, const char *why, Err *err)
{
    Arena  *mem = arena_new(0);
    Str     name;
    ErrCode rc = state_sqlite_set_aside(file->db, mem, &name, err);

    if (rc == ERR_OK) {
        log_line(LOG_ERROR, "state", "state file of query \"%.*s\" set aside as \"%.*s\": %s",
                 STR_ARG(file->id), STR_ARG(name), why);
        flusher_note_set_aside(file->flusher);
    }
    arena_free(mem);
    return rc;
}

/* Makes sure that the file, if there is one, can be used. */
static ErrCode check(QueryFile *file, Err *err)
{
    bool    is_damaged = false;
    ErrCode rc = state_sqlite_check(file->db, &is_damaged, err);
    char    why[ERR_MSG_BYTES];

    if (rc == ERR_OK) {
        rc = state_sqlite_adapt(file->db, err);
        is_damaged = rc == ERR_STATE;
    }
    if (!is_damaged)
        return rc;
    memcpy(why, err->msg, sizeof why);
    return set_aside(file, why, err);
}

ErrCode query_file_open(Flusher *flusher, const QueryFileOpts *opts, QueryFile **out, Err *err)
{
    QueryFile  *file = MEM_NEW(QueryFile);
    StateDbOpts db_opts;
    ErrCode     rc;

    file->flusher = flusher;
    file->node.file = file;
    file->mem = arena_new(0);
    file->id = str_copy(file->mem, opts->id);
    file->stores = copy_stores(file->mem, opts);
    file->stores_len = opts->stores_len;
    file->on_durable = opts->on_durable;
    file->arg = opts->arg;
    file->active = pending_new(file->stores);
    file->written = pending_new(file->stores);
    atomic_init(&file->refs, 1);
    pthread_mutex_init(&file->merge_lock, NULL);
    pthread_mutex_init(&file->lock, NULL);
    db_opts = (StateDbOpts){.query_id = file->id,
                            .data_dir = flusher_data_dir(flusher),
                            .stores = file->stores,
                            .stores_len = file->stores_len,
                            .fingerprint = opts->fingerprint};
    rc = state_sqlite_new(&db_opts, &file->db, err);
    if (rc == ERR_OK)
        rc = check(file, err);
    if (rc == ERR_OK)
        rc = flusher_add(flusher, file, err);
    if (rc != ERR_OK) {
        file_free(file);
        return rc;
    }
    *out = file;
    return ERR_OK;
}

QueryFile *query_file_ref(QueryFile *file)
{
    atomic_fetch_add(&file->refs, 1);
    return file;
}

void query_file_unref(QueryFile *file)
{
    if (file && atomic_fetch_sub(&file->refs, 1) == 1)
        file_free(file);
}

ErrCode query_file_close(QueryFile *file, Err *err)
{
    ErrCode rc = query_file_flush(file, err);

    flusher_remove(file->flusher, file);
    atomic_store(&file->is_closed, true);
    if (flusher_data_dir(file->flusher))
        state_sqlite_close_writer(file->db);
    query_file_unref(file);
    return rc;
}

/* Both sets go: nobody wants what they hold. */
static void forget_pending(QueryFile *file)
{
    int64_t bytes;

    pthread_mutex_lock(&file->merge_lock);
    pthread_mutex_lock(&file->lock);
    bytes = (int64_t)(file->active->bytes + (file->writing ? file->writing->bytes : 0));
    pending_free(file->active);
    pending_free(file->writing);
    file->active = pending_new(file->stores);
    file->writing = NULL;
    pthread_mutex_unlock(&file->lock);
    pthread_mutex_unlock(&file->merge_lock);
    pending_free(file->written);
    file->written = pending_new(file->stores);
    flusher_note(file->flusher, file, -bytes);
}

void query_file_delete(QueryFile *file)
{
    flusher_remove(file->flusher, file);
    forget_pending(file);
    atomic_store(&file->is_closed, true);
    if (flusher_data_dir(file->flusher)) {
        state_sqlite_close_writer(file->db);
        state_sqlite_unlink(file->db);
    }
    query_file_unref(file);
}

ErrCode query_file_reset(QueryFile *file, const char *why, Err *err)
{
    ErrCode rc = ERR_OK;

    flusher_hold(file->flusher, file);
    forget_pending(file);
    if (state_sqlite_exists(file->db))
        rc = set_aside(file, why, err);
    flusher_release(file->flusher, file);
    return rc;
}

/* --- merging ---------------------------------------------------------------------------------- */

/* Puts the changes, a slice at a time, then hands their bytes over. */
static void merge_changes(QueryFile *file, Changes *changes)
{
    BufReader at = changes_read(changes);
    Change    slice[PENDING_PUT_MAX];
    uint32_t  len = PENDING_PUT_MAX;

    while (len == PENDING_PUT_MAX) {
        pthread_mutex_lock(&file->lock);
        for (int i = 0; i < MERGE_SLICES && len == PENDING_PUT_MAX; i++) {
            for (len = 0; len < PENDING_PUT_MAX && changes_next(&at, &slice[len]); len++)
                assert(slice[len].store < file->stores_len);
            pending_put(file->active, slice, len);
        }
        pthread_mutex_unlock(&file->lock);
    }
    pthread_mutex_lock(&file->lock);
    pending_take(file->active, changes);
    pthread_mutex_unlock(&file->lock);
}

void query_file_merge(QueryFile *file, Changes *changes, const FilePosition *positions,
                      size_t positions_len)
{
    int64_t before, after;

    pthread_mutex_lock(&file->merge_lock);
    before = (int64_t)file->active->bytes;
    while (changes) {
        Changes *next = changes->next;

        merge_changes(file, changes);
        changes = next;
    }
    pthread_mutex_lock(&file->lock);
    for (size_t i = 0; i < positions_len; i++)
        pending_put_position(file->active, positions[i].key, positions[i].value);
    after = (int64_t)file->active->bytes;
    pthread_mutex_unlock(&file->lock);
    pthread_mutex_unlock(&file->merge_lock);
    flusher_note(file->flusher, file, after - before);
}

bool query_file_has_pending(QueryFile *file)
{
    bool has;

    pthread_mutex_lock(&file->lock);
    has = file->writing || !pending_is_empty(file->active);
    pthread_mutex_unlock(&file->lock);
    return has;
}

int64_t query_file_pending_bytes(QueryFile *file)
{
    size_t bytes;

    pthread_mutex_lock(&file->lock);
    bytes = file->active->bytes + (file->writing ? file->writing->bytes : 0);
    pthread_mutex_unlock(&file->lock);
    return (int64_t)bytes;
}

ErrCode query_file_flush(QueryFile *file, Err *err)
{
    return query_file_has_pending(file) ? flusher_flush_file(file->flusher, file, err) : ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static FilePosition *list_positions(const Pending *pending, size_t *len)
{
    FilePosition *positions = MEM_ARRAY(FilePosition, pending->positions.live_len + 1);
    size_t        cursor = 0;
    MapEntry     *entry;

    *len = 0;
    while ((entry = map_next(&pending->positions, &cursor)))
        positions[(*len)++] = (FilePosition){entry->key, pending_position(pending, entry->key)};
    return positions;
}

/* `writing` is not changed by anybody while it is being written, so it is read without the lock. */
static ErrCode write_pending(QueryFile *file, Err *err)
{
    const Pending *writing = file->writing;
    const Change **changes = MEM_ARRAY(const Change *, writing->len + 1);
    size_t         positions_len;
    FilePosition  *positions = list_positions(writing, &positions_len);
    char           now[24];
    ErrCode        rc;

    for (uint32_t i = 0; i < writing->len; i++)
        changes[i] = &writing->entries[i].change;
    qsort_r(changes, writing->len, sizeof *changes, state_sqlite_cmp, file->db);
    snprintf(now, sizeof now, "%" PRId64, flusher_now_ms(file->flusher));
    positions[positions_len] = (FilePosition){STR(QUERY_FILE_TIME), str_from(now)};
    rc = state_sqlite_write(file->db, changes, writing->len, positions,
                            positions_len + (positions_len > 0), err);
    for (size_t i = 0; rc == ERR_OK && i < positions_len; i++)
        pending_put_position(file->written, positions[i].key, positions[i].value);
    mem_free(changes);
    mem_free(positions);
    return rc;
}

/* Everything written so far is durable once the whole WAL is in the file. */
static void checkpoint(QueryFile *file)
{
    FilePosition *positions;
    size_t        len;

    if (!state_sqlite_checkpoint(file->db) || file->written->positions.live_len == 0)
        return;
    positions = list_positions(file->written, &len);
    if (file->on_durable)
        file->on_durable(file->arg, positions, len);
    mem_free(positions);
    pending_free(file->written);
    file->written = pending_new(file->stores);
}

ErrCode query_file_write(QueryFile *file, int64_t *rows, Err *err)
{
    Pending *written;

    *rows = 0;
    if (!file->writing) {
        pthread_mutex_lock(&file->merge_lock);
        pthread_mutex_lock(&file->lock);
        if (!pending_is_empty(file->active)) {
            file->writing = file->active;
            file->active = pending_new(file->stores);
        }
        pthread_mutex_unlock(&file->lock);
        pthread_mutex_unlock(&file->merge_lock);
    }
    if (!file->writing)
        return ERR_OK;
    TRY(write_pending(file, err));
    pthread_mutex_lock(&file->lock);
    written = file->writing;
    file->writing = NULL;
    pthread_mutex_unlock(&file->lock);
    *rows = written->len;
    flusher_note(file->flusher, file, -(int64_t)written->bytes);
    pending_free(written);
    if (state_sqlite_wal_pages(file->db) >= WAL_PAGES_MAX)
        checkpoint(file);
    return ERR_OK;
}

bool query_file_is_open(QueryFile *file)
{
    return state_sqlite_is_open(file->db);
}

void query_file_close_idle(QueryFile *file)
{
    checkpoint(file);
    state_sqlite_close_writer(file->db);
    state_sqlite_close_readers(file->db);
}

/* --- reading ---------------------------------------------------------------------------------- */

bool query_file_is_empty(QueryFile *file)
{
    return !state_sqlite_exists(file->db) && !query_file_has_pending(file);
}

ErrCode query_file_position(QueryFile *file, Str key, Arena *arena, Str *out, Err *err)
{
    DbConn *conn = NULL;
    Buf     bytes = {0};
    bool    found = false;
    Str     value;
    ErrCode rc = ERR_OK;

    pthread_mutex_lock(&file->lock);
    value = pending_position(file->active, key);
    if (!value.ptr && file->writing)
        value = pending_position(file->writing, key);
    if (value.ptr)
        value = str_copy(arena, value);
    pthread_mutex_unlock(&file->lock);
    if (!value.ptr) {
        TRY(state_sqlite_borrow(file->db, &conn, err));
        if (conn)
            rc = state_sqlite_position(file->db, conn, key, &bytes, &found, err);
        state_sqlite_return(file->db, conn);
        value = found ? str_copy(arena, buf_view(&bytes)) : STR_NULL;
        buf_deinit(&bytes);
    }
    if (rc == ERR_OK)
        *out = value;
    return rc;
}

/* The pending change of a key, or NULL; valid while the lock is held. */
static const Change *find_pending_locked(const QueryFile *file, uint32_t store, uint32_t partition,
                                         Str key)
{
    const Change *change = pending_find(file->active, store, partition, key);

    if (!change && file->writing)
        change = pending_find(file->writing, store, partition, key);
    return change;
}

static ErrCode backing_read(void *self, Str key, Str *bytes, bool *found, Err *err)
{
    Backing      *backing = self;
    QueryFile    *file = backing->file;
    const Change *change;
    DbConn       *conn;
    ErrCode       rc = ERR_OK;

    *found = false;
    pthread_mutex_lock(&file->lock);
    change = find_pending_locked(file, backing->store, backing->partition, key);
    if (change && change->value.ptr) {
        buf_clear(&backing->bytes);
        buf_str(&backing->bytes, change->value);
        *found = true;
    }
    pthread_mutex_unlock(&file->lock);
    if (!change) {
        TRY(state_sqlite_borrow(file->db, &conn, err));
        if (conn)
            rc = state_sqlite_find(file->db, conn, backing->store, backing->partition, key,
                                   &backing->bytes, found, err);
        state_sqlite_return(file->db, conn);
    }
    *bytes = buf_view(&backing->bytes);
    return rc;
}

/* While a whole store is read: what is pending comes first, and hides the rows of the file. */
typedef struct LoadRun {
    Map    seen;
    Arena *mem;
    ErrCode (*visit)(void *arg, Str key, Str bytes, bool *stop, Err *err);
    void *arg;
} LoadRun;

/* Copies the pending changes of one store and partition; those of active last. */
static void collect_pending(QueryFile *file, uint32_t store, uint32_t partition, LoadRun *load)
{
    pthread_mutex_lock(&file->lock);
    for (int i = 0; i < 2; i++) {
        const Pending *pending = i == 0 ? file->writing : file->active;

        for (uint32_t n = 0; pending && n < pending->len; n++) {
            const Change *change = &pending->entries[n].change;
            Str          *value;

            if (change->store != store || change->partition != partition || change->key.len == 0)
                continue;
            value = ARENA_NEW(load->mem, Str);
            if (change->value.ptr)
                *value = str_copy(load->mem, change->value);
            map_put(&load->seen, str_copy(load->mem, change->key), value);
        }
    }
    pthread_mutex_unlock(&file->lock);
}

static ErrCode visit_row(void *arg, Str key, Str value, bool *stop, Err *err)
{
    LoadRun *load = arg;

    if (map_get(&load->seen, key))
        return ERR_OK;
    return load->visit(load->arg, key, value, stop, err);
}

static ErrCode backing_load(void *self,
                            ErrCode (*visit)(void *arg, Str key, Str bytes, bool *stop, Err *err),
                            void *arg, Err *err)
{
    Backing   *backing = self;
    QueryFile *file = backing->file;
    LoadRun    load = {.mem = arena_new(0), .visit = visit, .arg = arg};
    DbConn    *conn = NULL;
    bool       stop = false;
    size_t     cursor = 0;
    MapEntry  *entry;
    ErrCode    rc = ERR_OK;

    map_init(&load.seen, load.mem);
    collect_pending(file, backing->store, backing->partition, &load);
    while (rc == ERR_OK && !stop && (entry = map_next(&load.seen, &cursor))) {
        const Str *value = entry->value;

        if (value->ptr)
            rc = visit(arg, entry->key, *value, &stop, err);
    }
    if (rc == ERR_OK && !stop)
        rc = state_sqlite_borrow(file->db, &conn, err);
    if (conn)
        rc = state_sqlite_each(file->db, conn, backing->store, backing->partition, visit_row, &load,
                               err);
    state_sqlite_return(file->db, conn);
    arena_free(load.mem);
    return rc;
}

StateBacking query_file_backing(QueryFile *file, uint32_t store, uint32_t partition)
{
    Backing *backing = MEM_NEW(Backing);

    assert(store < file->stores_len);
    *backing = (Backing){.file = file, .store = store, .partition = partition};
    pthread_mutex_lock(&file->lock);
    backing->next = file->backings;
    file->backings = backing;
    pthread_mutex_unlock(&file->lock);
    return (StateBacking){backing_read, backing_load, backing};
}

static ErrCode restore_row(void *arg, Str key, Str value, bool *stop, Err *err)
{
    State *state = arg;

    if (state_is_full(state)) {
        state_set_complete(state, false);
        *stop = true;
        return ERR_OK;
    }
    return state_restore(state, key, value, err);
}

static ErrCode load_numbers(QueryFile *file, State *state, Err *err)
{
    Buf           bytes = {0};
    bool          found = false;
    DbConn       *conn = NULL;
    uint32_t      store = state_store(state)->number;
    const Change *change;
    ErrCode       rc = ERR_OK;

    pthread_mutex_lock(&file->lock);
    change = find_pending_locked(file, store, state_partition(state), STR(""));
    if (change) {
        buf_str(&bytes, change->value);
        found = true;
    }
    pthread_mutex_unlock(&file->lock);
    if (!found)
        rc = state_sqlite_borrow(file->db, &conn, err);
    if (conn)
        rc = state_sqlite_numbers(file->db, conn, store, state_partition(state), &bytes, &found,
                                  err);
    state_sqlite_return(file->db, conn);
    if (rc == ERR_OK && found)
        rc = state_restore(state, STR(""), buf_view(&bytes), err);
    buf_deinit(&bytes);
    return rc;
}

ErrCode query_file_load(QueryFile *file, State *state, Err *err)
{
    Backing backing = {
        .file = file, .store = state_store(state)->number, .partition = state_partition(state)};

    state_set_complete(state, true);
    TRY(backing_load(&backing, restore_row, state, err));
    return load_numbers(file, state, err);
}

/* --- for pull queries ------------------------------------------------------------------------- */

/* Copies the changes of a key that one set holds, over those that are there already. */
static void copy_changes(const Pending *pending, const PlanStore *store, Str prefix, Arena *arena,
                         Change *out, size_t *len)
{
    uint32_t      cursor = pending_first(pending, store->number, prefix);
    const Change *change;

    while ((change = pending_next(pending, store->number, prefix, &cursor))) {
        size_t i = 0;

        while (i < *len &&
               !(out[i].partition == change->partition && str_eq(out[i].key, change->key)))
            i++;
        out[i] = (Change){change->store, change->partition, str_copy(arena, change->key),
                          change->value.ptr ? str_copy(arena, change->value) : STR_NULL};
        *len += i == *len;
    }
}

static size_t count_changes(const Pending *pending, const PlanStore *store, Str prefix)
{
    uint32_t cursor = pending_first(pending, store->number, prefix);
    size_t   count = 0;

    while (pending_next(pending, store->number, prefix, &cursor))
        count++;
    return count;
}

void query_file_pending_of_key(QueryFile *file, const PlanStore *store, Str prefix, Arena *arena,
                               Change **out, size_t *len)
{
    size_t count;

    *len = 0;
    *out = NULL;
    pthread_mutex_lock(&file->lock);
    count = count_changes(file->active, store, prefix);
    if (file->writing)
        count += count_changes(file->writing, store, prefix);
    if (count > 0) {
        *out = ARENA_ARRAY(arena, Change, count);
        if (file->writing)
            copy_changes(file->writing, store, prefix, arena, *out, len);
        copy_changes(file->active, store, prefix, arena, *out, len);
    }
    pthread_mutex_unlock(&file->lock);
}

const PlanStore *query_file_view(const QueryFile *file, Str name)
{
    for (uint32_t i = 0; i < file->stores_len; i++) {
        if (file->stores[i]->is_view && str_eq(file->stores[i]->view_name, name))
            return file->stores[i];
    }
    return NULL;
}

StateDb *query_file_db(QueryFile *file)
{
    return file->db;
}

bool query_file_is_closed(const QueryFile *file)
{
    return atomic_load(&file->is_closed);
}

FlushNode *query_file_node(QueryFile *file)
{
    return &file->node;
}

Str query_file_id(const QueryFile *file)
{
    return file->id;
}
