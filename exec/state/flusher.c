/*
 * flusher.c -- writes what is settled to the queries' SQLite files, off everybody's way.
 *
 * Files with something pending wait in a queue, oldest first.  The thread takes
 *
 *   - a file that somebody waits for, at once;
 *   - else the first one that is due (100 ms after its set became non-empty; after a failure: the
 *     back-off), but after a write that took d not before another 3 d have passed, which keeps the
 *     thread at a quarter of a core -- unless the file has waited for 5 s, or so much is pending
 *     that memory matters more than the core.
 *
 * Databases in memory are not due until somebody waits or much is pending: writing them buys
 * nothing but scans.
 */
#include "exec/state/flusher.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/limit.h"
#include "common/log.h"
#include "common/map.h"
#include "common/vec.h"
#include "exec/state/flush.h"
#include "exec/state/state_sqlite.h"

#define MS_NS ((int64_t)1000000)

static const int64_t delay_ns = 100 * MS_NS;
static const int64_t delay_max_ns = 5000 * MS_NS;
static const int64_t backoff_min_ns = 1000 * MS_NS;
static const int64_t backoff_max_ns = 30000 * MS_NS;
static const int64_t idle_ns = 60000 * MS_NS; /* then a file is closed */
static const int64_t tidy_ns = 10000 * MS_NS; /* how often idle ones are looked for */

enum {
    REST_FACTOR = 3,        /* rest after a write, in times of its length */
    MEMORY_BYTES = 1 << 26, /* pending in a database in memory before it is written */
    OPEN_FILES_MAX = 200    /* beyond it a file is closed as soon as it is written */
};

struct Flusher {
    const Clock    *clock;
    char           *data_dir; /* NULL: in memory */
    bool            is_inline;
    Arena          *mem;
    pthread_t       thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t  work; /* for the thread */
    pthread_cond_t  done; /* for those who wait */
    bool            is_stopping;
    Map             files; /* id -> QueryFile */
    FlushNode      *first, *last;
    int64_t         rest_until_ns;
    int64_t         tidied_ns;
    int64_t         open_files;
    int64_t         flushes, rows, set_aside;
    uint32_t        failing; /* files whose last write failed */
    char            why[256];
    _Atomic int64_t pending_bytes;
};

static int64_t now_ns(const Flusher *flusher)
{
    return clock_monotonic_ns(flusher->clock);
}

/* --- queue, all _locked ----------------------------------------------------------------------- */

static void unqueue_locked(Flusher *flusher, FlushNode *node)
{
    if (!node->is_queued)
        return;
    *(node->prev ? &node->prev->next : &flusher->first) = node->next;
    *(node->next ? &node->next->prev : &flusher->last) = node->prev;
    node->prev = node->next = NULL;
    node->is_queued = false;
}

static void queue_locked(Flusher *flusher, FlushNode *node, int64_t due_ns)
{
    if (node->is_queued) {
        if (due_ns < node->due_ns)
            node->due_ns = due_ns;
        return;
    }
    node->due_ns = due_ns;
    node->is_queued = true;
    node->prev = flusher->last;
    *(flusher->last ? &flusher->last->next : &flusher->first) = node;
    flusher->last = node;
}

/* In front of all others: somebody waits for it. */
static void queue_first_locked(Flusher *flusher, FlushNode *node)
{
    unqueue_locked(flusher, node);
    node->is_queued = true;
    node->due_ns = 0;
    node->next = flusher->first;
    *(flusher->first ? &flusher->first->prev : &flusher->last) = node;
    flusher->first = node;
}

/* The file to be written now, or NULL; then *wake_ns is when to look again. */
static FlushNode *pick_locked(Flusher *flusher, int64_t now, int64_t *wake_ns)
{
    bool is_hurried = flusher_is_behind(flusher);

    *wake_ns = flusher->tidied_ns + tidy_ns;
    for (FlushNode *node = flusher->first; node; node = node->next) {
        int64_t at = is_hurried && !flusher->data_dir ? now : node->due_ns;

        if (node->is_busy)
            continue;
        if (node->asked == node->done && !is_hurried && at < flusher->rest_until_ns &&
            at > now - delay_max_ns)
            at = flusher->rest_until_ns;
        if (at <= now)
            return node;
        if (at < *wake_ns)
            *wake_ns = at;
    }
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void note_result_locked(Flusher *flusher, FlushNode *node, ErrCode rc, const Err *err)
{
    bool was_failing = node->rc != ERR_OK;
    Str  id = query_file_id(node->file);

    if (rc != ERR_OK && !was_failing) {
        flusher->failing++;
        snprintf(flusher->why, sizeof flusher->why, "%.*s", (int)sizeof flusher->why - 1, err->msg);
        log_line(LOG_ERROR, "flusher", "%s; will be tried again", err->msg);
    } else if (rc == ERR_OK && was_failing) {
        flusher->failing--;
        log_line(LOG_INFO, "flusher", "state of query \"%.*s\" is written again", STR_ARG(id));
    }
    node->rc = rc;
    if (rc != ERR_OK)
        node->err = *err;
}

/* Writes one file with the lock released meanwhile. */
static void write_locked(Flusher *flusher, FlushNode *node)
{
    uint64_t asked = node->asked;
    int64_t  begun = now_ns(flusher);
    int64_t  rows = 0, ended;
    bool     closes;
    Err      err;
    ErrCode  rc;

    unqueue_locked(flusher, node);
    node->is_busy = true;
    if (!node->is_open) {
        node->is_open = true;
        flusher->open_files++;
    }
    closes = flusher->data_dir && flusher->open_files > OPEN_FILES_MAX;
    pthread_mutex_unlock(&flusher->lock);

    rc = query_file_write(node->file, &rows, &err);
    if (rc == ERR_OK && closes)
        query_file_close_idle(node->file);

    pthread_mutex_lock(&flusher->lock);
    ended = now_ns(flusher);
    note_result_locked(flusher, node, rc, &err);
    if (rc == ERR_OK && closes) {
        node->is_open = false;
        flusher->open_files--;
    }
    if (rc == ERR_OK) {
        node->backoff_ns = 0;
    } else {
        node->backoff_ns = node->backoff_ns ? node->backoff_ns * 2 : backoff_min_ns;
        if (node->backoff_ns > backoff_max_ns)
            node->backoff_ns = backoff_max_ns;
        queue_locked(flusher, node, ended + node->backoff_ns);
    }
    flusher->rest_until_ns = ended + REST_FACTOR * (ended - begun);
    flusher->flushes += rc == ERR_OK;
    flusher->rows += rows;
    node->used_ns = ended;
    node->done = asked;
    node->is_busy = false;
    pthread_cond_broadcast(&flusher->done);
}

/* Closes the connections of files that nobody has used for a while. */
static void tidy_locked(Flusher *flusher, int64_t now)
{
    size_t    cursor = 0;
    MapEntry *entry;

    flusher->tidied_ns = now;
    while (flusher->data_dir && (entry = map_next(&flusher->files, &cursor))) {
        QueryFile *file = entry->value;
        FlushNode *node = query_file_node(file);

        if (node->is_busy || node->is_queued || now - node->used_ns < idle_ns ||
            !query_file_is_open(file))
            continue;
        node->is_busy = true;
        pthread_mutex_unlock(&flusher->lock);
        query_file_close_idle(file);
        pthread_mutex_lock(&flusher->lock);
        node->is_busy = false;
        flusher->open_files -= node->is_open;
        node->is_open = false;
        pthread_cond_broadcast(&flusher->done);
        /* The map may have changed meanwhile; the next file has its turn next time. */
        flusher->tidied_ns = 0;
        return;
    }
}

static void *flusher_main(void *arg)
{
    Flusher *flusher = arg;

    pthread_setname_np(pthread_self(), "flusher");
    pthread_mutex_lock(&flusher->lock);
    while (!flusher->is_stopping) {
        int64_t         wake_ns;
        int64_t         now = now_ns(flusher);
        FlushNode      *node = pick_locked(flusher, now, &wake_ns);
        struct timespec until;

        if (node) {
            write_locked(flusher, node);
            continue;
        }
        if (now >= flusher->tidied_ns + tidy_ns) {
            tidy_locked(flusher, now);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        wake_ns = wake_ns > now ? wake_ns - now : 0;
        wake_ns += until.tv_nsec;
        until.tv_sec += (time_t)(wake_ns / (1000 * MS_NS));
        until.tv_nsec = (long)(wake_ns % (1000 * MS_NS));
        pthread_cond_timedwait(&flusher->work, &flusher->lock, &until);
    }
    pthread_mutex_unlock(&flusher->lock);
    return NULL;
}

bool flusher_step(Flusher *flusher)
{
    int64_t    wake_ns;
    FlushNode *node;

    assert(flusher->is_inline);
    pthread_mutex_lock(&flusher->lock);
    node = pick_locked(flusher, now_ns(flusher), &wake_ns);
    if (node)
        write_locked(flusher, node);
    pthread_mutex_unlock(&flusher->lock);
    return node != NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static ErrCode make_dir(Arena *mem, const char *data_dir, Err *err)
{
    char *path = str_to_c(mem, str_printf(mem, "%s/state", data_dir));

    if ((mkdir(data_dir, 0750) != 0 && errno != EEXIST) ||
        (mkdir(path, 0750) != 0 && errno != EEXIST))
        return err_set(err, ERR_IO, "could not make directory \"%s\": %s", path, strerror(errno));
    return ERR_OK;
}

static void flusher_free(Flusher *flusher)
{
    pthread_cond_destroy(&flusher->work);
    pthread_cond_destroy(&flusher->done);
    pthread_mutex_destroy(&flusher->lock);
    map_deinit(&flusher->files);
    arena_free(flusher->mem);
}

ErrCode flusher_open(const FlusherOpts *opts, Flusher **out, Err *err)
{
    Arena             *mem = arena_new(0);
    Flusher           *flusher = ARENA_NEW(mem, Flusher);
    pthread_condattr_t attr;
    ErrCode            rc = ERR_OK;

    flusher->mem = mem;
    flusher->clock = opts->clock;
    flusher->is_inline = opts->is_inline;
    map_init(&flusher->files, NULL);
    pthread_mutex_init(&flusher->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&flusher->work, &attr);
    pthread_cond_init(&flusher->done, &attr);
    pthread_condattr_destroy(&attr);
    flusher->tidied_ns = now_ns(flusher);
    if (opts->data_dir) {
        flusher->data_dir = str_to_c(mem, str_from(opts->data_dir));
        rc = make_dir(mem, opts->data_dir, err);
    }
    if (rc == ERR_OK && !opts->is_inline &&
        pthread_create(&flusher->thread, NULL, flusher_main, flusher) != 0)
        rc = err_set(err, ERR_IO, "could not start the flusher's thread");
    if (rc != ERR_OK) {
        flusher_free(flusher);
        return rc;
    }
    *out = flusher;
    return ERR_OK;
}

void flusher_close(Flusher *flusher)
{
    if (!flusher)
        return;
    assert(flusher->files.live_len == 0);
    if (!flusher->is_inline) {
        pthread_mutex_lock(&flusher->lock);
        flusher->is_stopping = true;
        pthread_cond_signal(&flusher->work);
        pthread_mutex_unlock(&flusher->lock);
        pthread_join(flusher->thread, NULL);
    }
    flusher_free(flusher);
}

/* --- for query files -------------------------------------------------------------------------- */

void flusher_sweep(Flusher *flusher, const Map *alive)
{
    Arena         *mem;
    Map            names;
    size_t         cursor = 0;
    MapEntry      *entry;
    char           path[4096];
    DIR           *dir;
    struct dirent *found;

    snprintf(path, sizeof path, "%s/state", flusher->data_dir ? flusher->data_dir : "");
    dir = flusher->data_dir ? opendir(path) : NULL;
    if (!dir)
        return;
    mem = arena_new(0);
    map_init(&names, mem);
    while ((entry = map_next(alive, &cursor)))
        map_put(&names, state_sqlite_file_name(mem, entry->key), entry->value);
    while ((found = readdir(dir))) {
        const char *end = strstr(found->d_name, ".db");
        Str         name = {found->d_name, end ? (size_t)(end - found->d_name) : 0};

        /* Of NAME.db, NAME.db-wal and NAME.db-shm: not NAME.db.damaged-1. */
        if (!end || (end[3] != '\0' && end[3] != '-') || map_get(&names, name))
            continue;
        log_line(LOG_INFO, "flusher", "removing \"%s\": its query is no more", found->d_name);
        (void)unlinkat(dirfd(dir), found->d_name, 0);
    }
    closedir(dir);
    arena_free(mem);
}

int64_t flusher_now_ms(const Flusher *flusher)
{
    return clock_now_ms(flusher->clock);
}

const char *flusher_data_dir(const Flusher *flusher)
{
    return flusher->data_dir;
}

ErrCode flusher_add(Flusher *flusher, QueryFile *file, Err *err)
{
    Str     id = query_file_id(file);
    ErrCode rc = ERR_OK;

    pthread_mutex_lock(&flusher->lock);
    if (map_get(&flusher->files, id))
        rc = err_set(err, ERR_STATE, "cannot open the state of query \"%.*s\" twice", STR_ARG(id));
    else
        map_put(&flusher->files, id, file);
    pthread_mutex_unlock(&flusher->lock);
    return rc;
}

static void hold_locked(Flusher *flusher, FlushNode *node)
{
    while (node->is_busy)
        pthread_cond_wait(&flusher->done, &flusher->lock);
    node->is_busy = true;
}

void flusher_hold(Flusher *flusher, QueryFile *file)
{
    pthread_mutex_lock(&flusher->lock);
    hold_locked(flusher, query_file_node(file));
    pthread_mutex_unlock(&flusher->lock);
}

void flusher_release(Flusher *flusher, QueryFile *file)
{
    FlushNode *node = query_file_node(file);

    pthread_mutex_lock(&flusher->lock);
    node->is_busy = false;
    pthread_cond_broadcast(&flusher->done);
    pthread_cond_signal(&flusher->work);
    pthread_mutex_unlock(&flusher->lock);
}

void flusher_remove(Flusher *flusher, QueryFile *file)
{
    FlushNode *node = query_file_node(file);

    pthread_mutex_lock(&flusher->lock);
    hold_locked(flusher, node);
    unqueue_locked(flusher, node);
    map_remove(&flusher->files, query_file_id(file));
    if (node->rc != ERR_OK)
        flusher->failing--;
    flusher->open_files -= node->is_open;
    node->is_open = false;
    node->is_removed = true;
    pthread_cond_broadcast(&flusher->done);
    pthread_mutex_unlock(&flusher->lock);
}

void flusher_note(Flusher *flusher, QueryFile *file, int64_t bytes)
{
    FlushNode *node = query_file_node(file);
    int64_t    due_ns = now_ns(flusher) + delay_ns;
    bool       is_due;

    atomic_fetch_add(&flusher->pending_bytes, bytes);
    if (bytes < 0 && !query_file_has_pending(file))
        return;
    is_due = flusher->data_dir || query_file_pending_bytes(file) >= MEMORY_BYTES ||
             flusher_is_behind(flusher); /* commits wait until it is not */
    pthread_mutex_lock(&flusher->lock);
    due_ns = is_due ? due_ns + node->backoff_ns : INT64_MAX;
    if (!node->is_removed && (!node->is_queued || due_ns < node->due_ns)) {
        queue_locked(flusher, node, due_ns);
        pthread_cond_signal(&flusher->work);
    }
    pthread_mutex_unlock(&flusher->lock);
}

void flusher_note_set_aside(Flusher *flusher)
{
    pthread_mutex_lock(&flusher->lock);
    flusher->set_aside++;
    pthread_mutex_unlock(&flusher->lock);
}

ErrCode flusher_flush_file(Flusher *flusher, QueryFile *file, Err *err)
{
    FlushNode *node = query_file_node(file);
    uint64_t   ticket;
    ErrCode    rc;

    pthread_mutex_lock(&flusher->lock);
    ticket = ++node->asked;
    if (!node->is_removed) {
        queue_first_locked(flusher, node);
        if (flusher->is_inline)
            write_locked(flusher, node);
        pthread_cond_signal(&flusher->work);
    }
    while (node->done < ticket && !node->is_removed)
        pthread_cond_wait(&flusher->done, &flusher->lock);
    rc = node->rc;
    if (node->done < ticket)
        rc =
            err_set(err, ERR_CANCELLED, "query \"%.*s\" was stopped", STR_ARG(query_file_id(file)));
    else if (rc != ERR_OK)
        *err = node->err;
    pthread_mutex_unlock(&flusher->lock);
    return rc;
}

ErrCode flusher_flush(Flusher *flusher, Err *err)
{
    Arena *mem = arena_new(0);
    VEC(QueryFile *) files = {0};
    size_t    cursor = 0;
    MapEntry *entry;
    ErrCode   rc = ERR_OK;

    pthread_mutex_lock(&flusher->lock);
    while ((entry = map_next(&flusher->files, &cursor)))
        vec_push(mem, &files, query_file_ref(entry->value));
    pthread_mutex_unlock(&flusher->lock);
    for (size_t i = 0; i < files.len; i++) {
        Err     other;
        ErrCode one = query_file_flush(files.items[i], rc == ERR_OK ? err : &other);

        rc = rc == ERR_OK ? one : rc;
        query_file_unref(files.items[i]);
    }
    arena_free(mem);
    return rc;
}

/* --- for everybody ---------------------------------------------------------------------------- */

QueryFile *flusher_find(Flusher *flusher, Str query_id)
{
    QueryFile *file;

    pthread_mutex_lock(&flusher->lock);
    file = map_get(&flusher->files, query_id);
    if (file) {
        query_file_ref(file);
        query_file_node(file)->used_ns = now_ns(flusher);
    }
    pthread_mutex_unlock(&flusher->lock);
    return file;
}

bool flusher_is_behind(Flusher *flusher)
{
    int64_t states = g_limits.state_bytes / 2, share = g_limits.memory_bytes / 8;

    return atomic_load(&flusher->pending_bytes) > (states < share ? states : share);
}

void flusher_health(Flusher *flusher, FlusherHealth *out)
{
    pthread_mutex_lock(&flusher->lock);
    *out = (FlusherHealth){.is_healthy = flusher->failing == 0,
                           .pending_bytes = atomic_load(&flusher->pending_bytes),
                           .flushes = flusher->flushes,
                           .rows = flusher->rows,
                           .set_aside = flusher->set_aside};
    if (!out->is_healthy)
        memcpy(out->why, flusher->why, sizeof out->why);
    pthread_mutex_unlock(&flusher->lock);
}
