/*
 * view_sqlite.c -- a view: the store of a table as a SQLite table that anyone can read.
 *
 * Each type has one way into a column and back, lossless; view_value.h has those that SQLite has no
 * type for.
 */
#include "exec/state/view_sqlite.h"

#include <assert.h>
#include <sqlite3.h>

#include "common/map.h"
#include "exec/state/view_value.h"

/* --- names ------------------------------------------------------------------------------------ */

static Str quoted(Arena *arena, Str name)
{
    Buf buf = buf_in(arena);

    buf_put(&buf, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_put(&buf, '"');
        buf_put(&buf, name.ptr[i]);
    }
    buf_put(&buf, '"');
    return buf_view(&buf);
}

/* name, or name_2, name_3, ...: the first that is not taken in any letter case; then it is. */
static Str free_name(Arena *arena, Map *taken, Str name)
{
    Str candidate = name;

    for (int n = 2; map_get(taken, str_lower_ascii(arena, candidate)); n++)
        candidate = str_printf(arena, "%.*s_%d", STR_ARG(name), n);
    map_put(taken, str_lower_ascii(arena, candidate), taken);
    return candidate;
}

/* SQLite keeps "sqlite_" for itself, Weir "weir_". */
static Str table_name(Arena *arena, Str name)
{
    if (str_starts_nocase(name, STR("sqlite_")) || str_starts_nocase(name, STR("weir_")))
        return str_printf(arena, "view_%.*s", STR_ARG(name));
    return name;
}

/* The names of all columns, in their order.  Weir's own have theirs for sure; a user's column that
 * SQLite takes for the same gets a suffix. */
static Str *column_names(Arena *arena, const PlanStore *store, uint32_t slots_at, uint32_t len)
{
    Str *names = ARENA_ARRAY(arena, Str, len);
    Map  taken;

    map_init(&taken, arena);
    names[len - 2] = free_name(arena, &taken, STR("ROWTIME"));
    names[len - 1] = free_name(arena, &taken, STR("weir_partition"));
    if (store->is_windowed) {
        names[slots_at - 2] = free_name(arena, &taken, STR("WINDOWSTART"));
        names[slots_at - 1] = free_name(arena, &taken, STR("WINDOWEND"));
    }
    for (uint32_t i = 0; i < store->keys_len; i++)
        names[i] = free_name(arena, &taken, store->keys[i].name);
    for (uint32_t i = 0; i < store->slots_len; i++)
        names[slots_at + i] = free_name(arena, &taken, store->slots[i].name);
    return names;
}

void view_sqlite_init(Arena *arena, const PlanStore *store, ViewTable *out)
{
    uint32_t slots_at = store->keys_len + (store->is_windowed ? 2 : 0);
    uint32_t len = slots_at + store->slots_len + 2;
    Str     *plain = column_names(arena, store, slots_at, len);
    Str     *columns = ARENA_ARRAY(arena, Str, len);
    Str      name = table_name(arena, store->view_name);

    for (uint32_t i = 0; i < len; i++)
        columns[i] = quoted(arena, plain[i]);
    *out = (ViewTable){.store = store,
                       .name = quoted(arena, name),
                       .columns = columns,
                       .plain_name = name,
                       .plain_columns = plain,
                       .columns_len = len,
                       .slots_at = slots_at};
}

/* --- SQL text --------------------------------------------------------------------------------- */

/* With its leading space.  A DOUBLE column has none, so that SQLite keeps what it is given. */
static const char *column_type(const Type *type)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return " INTEGER";
    case T_DOUBLE:
        return "";
    case T_BYTES:
        return " BLOB";
    default:
        return " TEXT";
    }
}

static const char *type_at(const ViewTable *view, uint32_t i)
{
    const PlanStore *store = view->store;

    if (i < store->keys_len)
        return column_type(store->keys[i].type);
    if (i >= view->slots_at && i < view->slots_at + store->slots_len)
        return column_type(store->slots[i - view->slots_at].type);
    return " INTEGER"; /* window bounds, ROWTIME, partition */
}

static void put_list(Buf *out, const ViewTable *view, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        buf_c(out, i > 0 ? ", " : "");
        buf_str(out, view->columns[i]);
    }
}

void view_sqlite_create(Buf *out, const ViewTable *view)
{
    buf_printf(out, "CREATE TABLE IF NOT EXISTS %.*s (", STR_ARG(view->name));
    for (uint32_t i = 0; i < view->columns_len; i++) {
        buf_str(out, view->columns[i]);
        buf_c(out, type_at(view, i));
        buf_c(out, ", ");
    }
    buf_c(out, "PRIMARY KEY (");
    put_list(out, view, view->slots_at);
    buf_printf(out, ", %.*s)) WITHOUT ROWID", STR_ARG(view->columns[view->columns_len - 1]));
}

void view_sqlite_put(Buf *out, const ViewTable *view)
{
    buf_printf(out, "REPLACE INTO %.*s (", STR_ARG(view->name));
    put_list(out, view, view->columns_len);
    buf_c(out, ") VALUES (");
    for (uint32_t i = 0; i < view->columns_len; i++)
        buf_c(out, i > 0 ? ",?" : "?");
    buf_c(out, ")");
}

static void put_where_key(Buf *out, const ViewTable *view)
{
    buf_c(out, " WHERE ");
    for (uint32_t i = 0; i < view->slots_at; i++) {
        buf_str(out, view->columns[i]);
        buf_c(out, " = ? AND ");
    }
    buf_str(out, view->columns[view->columns_len - 1]);
    buf_c(out, " = ?");
}

void view_sqlite_remove(Buf *out, const ViewTable *view)
{
    buf_printf(out, "DELETE FROM %.*s", STR_ARG(view->name));
    put_where_key(out, view);
}

void view_sqlite_select(Buf *out, const ViewTable *view)
{
    buf_c(out, "SELECT ");
    put_list(out, view, view->columns_len);
    buf_printf(out, " FROM %.*s", STR_ARG(view->name));
}

void view_sqlite_find(Buf *out, const ViewTable *view)
{
    view_sqlite_select(out, view);
    put_where_key(out, view);
}

void view_sqlite_each(Buf *out, const ViewTable *view)
{
    view_sqlite_select(out, view);
    buf_printf(out, " WHERE %.*s = ?", STR_ARG(view->columns[view->columns_len - 1]));
}

void view_sqlite_pull_key(Buf *out, const ViewTable *view)
{
    view_sqlite_select(out, view);
    for (uint32_t i = 0; i < view->store->keys_len; i++)
        buf_printf(out, "%s%.*s = ?", i > 0 ? " AND " : " WHERE ", STR_ARG(view->columns[i]));
    if (view->store->is_windowed)
        buf_c(out, " AND WINDOWSTART BETWEEN ? AND ? AND WINDOWEND BETWEEN ? AND ?");
}

static bool list_column(sqlite3_stmt *stmt, const ViewTable *view, uint32_t at,
                        const Column *column, Arena *mem)
{
    Str texts[] = {view->store->view_name, view->plain_name, column->name, view->plain_columns[at],
                   type_text(mem, column->type)};

    for (int i = 0; i < 5; i++)
        sqlite3_bind_text64(stmt, i + 1, texts[i].ptr, texts[i].len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(stmt, 6, at);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        return false;
    return sqlite3_reset(stmt) == SQLITE_OK;
}

bool view_sqlite_list_columns(sqlite3 *handle, const ViewTable *view)
{
    const PlanStore *store = view->store;
    Arena           *mem = arena_new(0);
    sqlite3_stmt    *stmt = NULL;
    bool             ok;

    ok = sqlite3_exec(
             handle,
             "CREATE TABLE IF NOT EXISTS weir_columns (view TEXT, \"table\" TEXT, name TEXT,"
             " \"column\" TEXT, type TEXT, position INTEGER, PRIMARY KEY (view, position))"
             " WITHOUT ROWID",
             NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_prepare_v2(handle,
                            "REPLACE INTO weir_columns (view, \"table\", name, \"column\", type,"
                            " position) VALUES (?, ?, ?, ?, ?, ?)",
                            -1, &stmt, NULL) == SQLITE_OK;
    for (uint32_t i = 0; ok && i < store->keys_len; i++)
        ok = list_column(stmt, view, i, &store->keys[i], mem);
    for (uint32_t i = 0; ok && i < store->slots_len; i++)
        ok = list_column(stmt, view, view->slots_at + i, &store->slots[i], mem);
    sqlite3_finalize(stmt);
    arena_free(mem);
    return ok;
}

/* --- values into columns ---------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *stmt, int at, Str text)
{
    sqlite3_bind_text64(stmt, at, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_column(sqlite3_stmt *stmt, int at, Value v, const Type *type, Arena *mem)
{
    if (value_is_null(v)) {
        sqlite3_bind_null(stmt, at);
    } else if (view_value_is_text(type, v)) {
        Buf text = buf_in(mem);

        view_value_print(&text, v, type);
        bind_text(stmt, at, buf_view(&text));
    } else if (type->kind == T_DOUBLE) {
        sqlite3_bind_double(stmt, at, v.u.d);
    } else if (type->kind == T_STRING) {
        bind_text(stmt, at, v.len ? value_as_str(v) : STR(""));
    } else if (type->kind == T_BYTES) {
        sqlite3_bind_blob64(stmt, at, v.len ? v.u.s : "", v.len, SQLITE_STATIC);
    } else {
        sqlite3_bind_int64(stmt, at, type->kind == T_BOOLEAN ? v.u.b : v.u.i);
    }
}

void view_sqlite_bind_key_column(sqlite3_stmt *stmt, int at, Value v, const Type *type, Arena *mem)
{
    if (!value_is_null(v))
        bind_column(stmt, at, v, type, mem);
    else if (type->kind == T_BYTES)
        bind_text(stmt, at, STR(""));
    else
        sqlite3_bind_blob64(stmt, at, "", 0, SQLITE_STATIC);
}

ErrCode view_sqlite_bind_key(sqlite3_stmt *stmt, const ViewTable *view, uint32_t partition, Str key,
                             Arena *mem, Err *err)
{
    const PlanStore *store = view->store;
    Value           *keys = ARENA_ARRAY(mem, Value, store->keys_len);
    int64_t          start, end;
    int              at = 1;

    TRY(state_decode_key(store, key, mem, keys, &start, &end, err));
    for (uint32_t i = 0; i < store->keys_len; i++)
        view_sqlite_bind_key_column(stmt, at++, keys[i], store->keys[i].type, mem);
    if (store->is_windowed) {
        sqlite3_bind_int64(stmt, at++, start);
        sqlite3_bind_int64(stmt, at++, end);
    }
    /* put: overwritten when the slots are bound */
    sqlite3_bind_int64(stmt, at, partition);
    return ERR_OK;
}

ErrCode view_sqlite_bind_row(sqlite3_stmt *stmt, const ViewTable *view, uint32_t partition, Str key,
                             Str value, Arena *mem, Err *err)
{
    const PlanStore *store = view->store;
    Value           *slots = ARENA_ARRAY(mem, Value, store->slots_len);
    int              at = (int)view->slots_at + 1;
    int64_t          ts;

    TRY(view_sqlite_bind_key(stmt, view, partition, key, mem, err));
    TRY(state_decode_value(store, value, mem, &ts, slots, err));
    for (uint32_t i = 0; i < store->slots_len; i++)
        bind_column(stmt, at++, slots[i], store->slots[i].type, mem);
    sqlite3_bind_int64(stmt, at++, ts);
    sqlite3_bind_int64(stmt, at++, partition);
    assert(at == (int)view->columns_len + 1);
    return ERR_OK;
}

/* --- columns into values ---------------------------------------------------------------------- */

static Str column_text(sqlite3_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);

    return (Str){text ? (const char *)text : "", (size_t)sqlite3_column_bytes(stmt, at)};
}

static Str column_blob(sqlite3_stmt *stmt, int at)
{
    const void *blob = sqlite3_column_blob(stmt, at);

    return (Str){blob ? blob : "", (size_t)sqlite3_column_bytes(stmt, at)};
}

static bool is_integer_kind(TypeKind kind)
{
    return kind == T_BOOLEAN || kind == T_INT || kind == T_BIGINT || kind == T_DATE ||
           kind == T_TIME || kind == T_TIMESTAMP;
}

static bool read_column(sqlite3_stmt *stmt, int at, const Type *type, Arena *mem, Value *out)
{
    int64_t i;

    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_NULL:
        *out = value_null();
        return true;
    case SQLITE_INTEGER:
        i = sqlite3_column_int64(stmt, at);
        *out = type->kind == T_BOOLEAN ? value_bool(i != 0)
                                       : (Value){.kind = (uint8_t)type->kind, .u.i = i};
        return is_integer_kind(type->kind);
    case SQLITE_FLOAT:
        *out = value_double(sqlite3_column_double(stmt, at));
        return type->kind == T_DOUBLE;
    case SQLITE_BLOB:
        *out = value_bytes(column_blob(stmt, at));
        return type->kind == T_BYTES;
    default: /* SQLITE_TEXT */
        if (type->kind != T_STRING)
            return view_value_parse(mem, column_text(stmt, at), type, out);
        *out = value_str(column_text(stmt, at));
        return true;
    }
}

static bool read_key_column(sqlite3_stmt *stmt, int at, const Type *type, Arena *mem, Value *out)
{
    int null_type = type->kind == T_BYTES ? SQLITE_TEXT : SQLITE_BLOB;

    if (sqlite3_column_type(stmt, at) == null_type && sqlite3_column_bytes(stmt, at) == 0) {
        *out = value_null();
        return true;
    }
    return read_column(stmt, at, type, mem, out);
}

ErrCode view_sqlite_row(sqlite3_stmt *stmt, const ViewTable *view, Arena *mem, ViewRow *out,
                        Err *err)
{
    const PlanStore *store = view->store;
    Value           *values = ARENA_ARRAY(mem, Value, store->keys_len + store->slots_len);
    ViewRow          row = {.keys = values, .slots = values + store->keys_len};
    bool             ok = true;
    int              at = 0;

    for (uint32_t i = 0; i < store->keys_len; i++)
        ok &= read_key_column(stmt, at++, store->keys[i].type, mem, &row.keys[i]);
    if (store->is_windowed) {
        row.window_start = sqlite3_column_int64(stmt, at++);
        row.window_end = sqlite3_column_int64(stmt, at++);
    }
    for (uint32_t i = 0; i < store->slots_len; i++)
        ok &= read_column(stmt, at++, store->slots[i].type, mem, &row.slots[i]);
    row.ts = sqlite3_column_int64(stmt, at++);
    row.partition = (uint32_t)sqlite3_column_int64(stmt, at);
    if (!ok)
        return err_set(err, ERR_STATE, "cannot read a row of view \"%.*s\": damaged",
                       STR_ARG(store->view_name));
    *out = row;
    return ERR_OK;
}
