/*
 * layout_sqlite.c -- which stores a file was written for, and what to do when they have changed.
 *
 *     before: 0 "aggregate" as view T (B; N)         after: 0 "aggregate" (B; N), private
 *                                                           1 "view" T (B; N, M)
 *
 *     T becomes weir_old_0; its rows go to store 0, which has its number, and to store 1, a view
 *     whose leading columns they fill; weir_old_0 is dropped.
 */
#include "exec/state/layout_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>

#include "common/vec.h"
#include "exec/state/state_cache.h"

/* Positions in weir_stores: the store itself, its keys, its slots. */
enum { AT_STORE = -1, AT_KEYS = 0, AT_SLOTS = 1000000 };

static bool run(sqlite3 *handle, const char *sql)
{
    return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool run_buf(sqlite3 *handle, Buf *sql)
{
    bool ok;

    buf_put(sql, '\0');
    ok = run(handle, sql->ptr);
    buf_deinit(sql);
    return ok;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool save_row(sqlite3_stmt *stmt, uint32_t store, int64_t at, Str name, Str type)
{
    sqlite3_bind_int64(stmt, 1, store);
    sqlite3_bind_int64(stmt, 2, at);
    if (name.ptr)
        sqlite3_bind_text64(stmt, 3, name.ptr, name.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(stmt, 3);
    sqlite3_bind_text64(stmt, 4, type.ptr, type.len, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_step(stmt) == SQLITE_DONE && sqlite3_reset(stmt) == SQLITE_OK;
}

static bool save_columns(sqlite3_stmt *stmt, uint32_t store, int64_t at, const Column *columns,
                         uint32_t len)
{
    Arena *mem = arena_new(0);
    bool   ok = true;

    for (uint32_t i = 0; ok && i < len; i++)
        ok = save_row(stmt, store, at + i, columns[i].name, type_text(mem, columns[i].type));
    arena_free(mem);
    return ok;
}

bool layout_sqlite_save(sqlite3 *handle, const PlanStore *const *stores, uint32_t stores_len)
{
    sqlite3_stmt *stmt = NULL;
    bool          ok;

    ok = run(handle, "CREATE TABLE IF NOT EXISTS weir_stores (store INTEGER, position INTEGER,"
                     " name TEXT, type TEXT, PRIMARY KEY (store, position)) WITHOUT ROWID;"
                     "DELETE FROM weir_stores") &&
         sqlite3_prepare_v2(handle,
                            "INSERT INTO weir_stores (store, position, name, type)"
                            " VALUES (?, ?, ?, ?)",
                            -1, &stmt, NULL) == SQLITE_OK;
    for (uint32_t i = 0; ok && i < stores_len; i++) {
        const PlanStore *store = stores[i];

        ok = save_row(stmt, i, AT_STORE, store->is_view ? store->view_name : STR_NULL,
                      store->is_windowed ? STR("windowed") : STR("")) &&
             save_columns(stmt, i, AT_KEYS, store->keys, store->keys_len) &&
             save_columns(stmt, i, AT_SLOTS, store->slots, store->slots_len);
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef VEC(Column) Columns;

typedef struct OldColumns {
    Columns keys, slots;
} OldColumns;

static Str column_text(Arena *mem, sqlite3_stmt *stmt, int at)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);

    return text ? str_copy(mem, (Str){text, (size_t)sqlite3_column_bytes(stmt, at)}) : STR_NULL;
}

/* One row of weir_stores; those of a store follow each other. */
static void read_row(sqlite3_stmt *stmt, Layout *layout, OldColumns *columns)
{
    OldStore *old = &layout->old[layout->old_len - 1];
    int64_t   at = sqlite3_column_int64(stmt, 1);
    Str       name = column_text(layout->mem, stmt, 2);
    Str       type = column_text(layout->mem, stmt, 3);
    Column    column = {.name = name, .header = type};

    if (at == AT_STORE) {
        old->store.is_view = name.ptr != NULL;
        old->store.view_name = name;
        old->store.is_windowed = type.len > 0;
    } else if (at < AT_SLOTS) {
        vec_push(layout->mem, &columns->keys, column);
    } else {
        vec_push(layout->mem, &columns->slots, column);
    }
    old->store.keys = columns->keys.items;
    old->store.keys_len = (uint32_t)columns->keys.len;
    old->store.slots = columns->slots.items;
    old->store.slots_len = (uint32_t)columns->slots.len;
}

static bool same_type(Arena *mem, const Column *old, const Column *now)
{
    return str_eq(old->header, type_text(mem, now->type));
}

/* True when rows of old can be rows of now: its slots are the first ones of now. */
static bool is_prefix(Arena *mem, const PlanStore *old, const PlanStore *now)
{
    if (old->is_windowed != now->is_windowed || old->keys_len != now->keys_len ||
        old->slots_len > now->slots_len)
        return false;
    for (uint32_t i = 0; i < old->keys_len; i++) {
        if (!same_type(mem, &old->keys[i], &now->keys[i]))
            return false;
    }
    for (uint32_t i = 0; i < old->slots_len; i++) {
        if (!same_type(mem, &old->slots[i], &now->slots[i]))
            return false;
    }
    return true;
}

static bool is_same(Arena *mem, const PlanStore *old, const PlanStore *now)
{
    if (old->is_view != now->is_view || old->slots_len != now->slots_len ||
        !is_prefix(mem, old, now))
        return false;
    if (!now->is_view)
        return true; /* names are not in a private table */
    for (uint32_t i = 0; i < now->keys_len; i++) {
        if (!str_eq(old->keys[i].name, now->keys[i].name))
            return false;
    }
    for (uint32_t i = 0; i < now->slots_len; i++) {
        if (!str_eq(old->slots[i].name, now->slots[i].name))
            return false;
    }
    return str_eq(old->view_name, now->view_name);
}

bool layout_sqlite_read(sqlite3 *handle, Layout *layout)
{
    sqlite3_stmt *stmt = NULL;
    VEC(OldStore) olds = {0};
    OldColumns columns = {0};
    int        code;

    if (sqlite3_prepare_v2(handle,
                           "SELECT store, position, name, type FROM weir_stores"
                           " ORDER BY store, position",
                           -1, &stmt, NULL) != SQLITE_OK)
        return false;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint32_t number = (uint32_t)sqlite3_column_int64(stmt, 0);

        if (olds.len == 0 || olds.items[olds.len - 1].store.number != number) {
            vec_push(layout->mem, &olds, ((OldStore){.store.number = number}));
            columns = (OldColumns){0};
        }
        layout->old = olds.items;
        layout->old_len = (uint32_t)olds.len;
        read_row(stmt, layout, &columns);
    }
    sqlite3_finalize(stmt);
    for (uint32_t i = 0; i < layout->old_len; i++) {
        OldStore *old = &layout->old[i];
        uint32_t  number = old->store.number;

        old->store.name = "former";
        old->is_same = number < layout->stores_len &&
                       is_same(layout->mem, &old->store, layout->stores[number]);
        if (old->store.is_view)
            view_sqlite_init(layout->mem, &old->store, &old->view);
    }
    return code == SQLITE_DONE;
}

bool layout_sqlite_is_same(const Layout *layout)
{
    bool same = layout->old_len == layout->stores_len;

    for (uint32_t i = 0; i < layout->old_len; i++)
        same &= layout->old[i].is_same;
    return same;
}

/* --- changing --------------------------------------------------------------------------------- */

bool layout_sqlite_move(sqlite3 *handle, Layout *layout)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < layout->old_len; i++) {
        OldStore *old = &layout->old[i];
        Buf       sql = {0};
        uint32_t  number = old->store.number;

        if (old->is_same)
            continue;
        old->moved_to = str_printf(layout->mem, "weir_old_%u", number);
        if (old->store.is_view)
            buf_printf(&sql, "ALTER TABLE %.*s", STR_ARG(old->view.name));
        else
            buf_printf(&sql, "ALTER TABLE weir_state_%u", number);
        buf_printf(&sql, " RENAME TO %.*s", STR_ARG(old->moved_to));
        old->view.name = old->moved_to;
        ok = run_buf(handle, &sql);
    }
    return ok;
}

/* The row that stmt stands on as a change of now; of a private table the bytes are as they are. */
static ErrCode read_change(sqlite3_stmt *stmt, const OldStore *old, const PlanStore *now,
                           Arena *mem, Change *out, Err *err)
{
    Buf     key = buf_in(mem), value = buf_in(mem);
    Value  *slots = ARENA_ARRAY(mem, Value, now->slots_len);
    ViewRow row;

    if (!old->store.is_view) {
        *out = (Change){now->number,
                        (uint32_t)sqlite3_column_int64(stmt, 0),
                        {sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1)},
                        {sqlite3_column_blob(stmt, 2), (size_t)sqlite3_column_bytes(stmt, 2)}};
        return ERR_OK;
    }
    TRY(view_sqlite_row(stmt, &old->view, mem, &row, err));
    memcpy(slots, row.slots, old->store.slots_len * sizeof *slots);
    state_encode_key(&key, now, row.keys, row.window_start, row.window_end);
    state_encode_value(&value, now, row.ts, slots);
    *out = (Change){now->number, row.partition, buf_view(&key), buf_view(&value)};
    return ERR_OK;
}

/* The old store with the types of now, which are its own. */
static OldStore with_types(Arena *mem, const OldStore *old, const PlanStore *now)
{
    OldStore typed = *old;
    Column  *keys = ARENA_ARRAY(mem, Column, now->keys_len);
    Column  *slots = ARENA_ARRAY(mem, Column, now->slots_len);

    memcpy(keys, now->keys, now->keys_len * sizeof *keys);
    memcpy(slots, now->slots, now->slots_len * sizeof *slots);
    typed.store.keys = keys;
    typed.store.slots = slots;
    return typed;
}

static ErrCode failed(sqlite3 *handle, Err *err)
{
    return err_set(err, ERR_IO, "could not change the tables of a state file: %s",
                   sqlite3_errmsg(handle));
}

static ErrCode copy_rows(sqlite3 *handle, const Layout *layout, const OldStore *old,
                         const PlanStore *now,
                         ErrCode (*put)(void *arg, const Change *change, Err *err), void *arg,
                         Err *err)
{
    OldStore      typed = with_types(layout->mem, old, now);
    Arena        *row_mem = arena_new(0);
    Buf           sql = buf_in(layout->mem);
    sqlite3_stmt *stmt = NULL;
    ErrCode       rc = ERR_OK;
    int           code = SQLITE_DONE;

    typed.view.store = &typed.store;
    if (old->store.is_view)
        view_sqlite_select(&sql, &typed.view);
    else
        buf_printf(&sql, "SELECT \"partition\", key, value FROM %.*s", STR_ARG(old->moved_to));
    if (sqlite3_prepare_v2(handle, sql.ptr, (int)sql.len, &stmt, NULL) != SQLITE_OK)
        rc = failed(handle, err);
    while (rc == ERR_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        Change change;

        arena_reset(row_mem);
        rc = read_change(stmt, &typed, now, row_mem, &change, err);
        if (rc == ERR_OK)
            rc = put(arg, &change, err);
    }
    if (rc == ERR_OK && code != SQLITE_DONE)
        rc = failed(handle, err);
    sqlite3_finalize(stmt);
    arena_free(row_mem);
    return rc;
}

/* Whose rows a store gets: those of its number, or a view those of a former view of its name. */
static const OldStore *source_of(const Layout *layout, const PlanStore *now)
{
    const OldStore *found = NULL;

    for (uint32_t i = 0; i < layout->old_len; i++) {
        const OldStore *old = &layout->old[i];

        if (!is_prefix(layout->mem, &old->store, now))
            continue;
        if (old->store.number == now->number)
            return old;
        if (now->is_view && old->store.is_view && str_eq(old->store.view_name, now->view_name))
            found = old;
    }
    return found;
}

ErrCode layout_sqlite_copy(sqlite3 *handle, Layout                                         *layout,
                           ErrCode (*put)(void *arg, const Change *change, Err *err), void *arg,
                           Err *err)
{
    for (uint32_t i = 0; i < layout->stores_len; i++) {
        const OldStore *old = source_of(layout, layout->stores[i]);

        if (old && old->moved_to.ptr)
            TRY(copy_rows(handle, layout, old, layout->stores[i], put, arg, err));
    }
    return ERR_OK;
}

bool layout_sqlite_drop(sqlite3 *handle, const Layout *layout)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < layout->old_len; i++) {
        Buf sql = {0};

        if (!layout->old[i].moved_to.ptr)
            continue;
        buf_printf(&sql, "DROP TABLE %.*s", STR_ARG(layout->old[i].moved_to));
        ok = run_buf(handle, &sql);
    }
    return ok;
}
