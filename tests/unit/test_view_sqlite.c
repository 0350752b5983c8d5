#include "exec/state/view_sqlite.h"

#include <math.h>
#include <sqlite3.h>

#include "common/decimal.h"
#include "exec/state/query_file.h"
#include "exec/state/state_cache.h"
#include "tests/support/arena_group.h"
#include "tests/support/temp_dir.h"

enum { TYPES = 14 };

/* One column of each type, nested ones included. */
static Column *all_types(Arena *mem)
{
    static const char *const names[TYPES] = {"B",  "I", "L",  "F", "D", "S", "Y",
                                             "DA", "T", "TS", "A", "M", "R", "U"};
    Column                  *columns = ARENA_ARRAY(mem, Column, TYPES);
    TypeField               *fields = ARENA_ARRAY(mem, TypeField, 2);
    const Type *types[TYPES] = {&type_boolean, &type_int,      &type_bigint, &type_double,
                                NULL,          &type_string,   &type_bytes,  &type_date,
                                &type_time,    &type_timestamp};

    fields[0] = (TypeField){STR("x"), &type_double};
    fields[1] = (TypeField){STR("Y"), &type_bytes};
    types[4] = type_decimal(mem, 40, 2);
    types[10] = type_array(mem, &type_timestamp);
    types[11] = type_map(mem, &type_string, types[4]);
    types[12] = type_struct(mem, fields, 2);
    types[13] = type_map(mem, &type_int, types[10]);
    for (int i = 0; i < TYPES; i++)
        columns[i] = (Column){str_from(names[i]), types[i], COLUMN_VALUE, STR_NULL};
    return columns;
}

static Value decimal(Arena *mem, const char *text)
{
    Value v;

    assert_true(decimal_parse(mem, str_from(text), &v));
    return v;
}

/* Row 0: ordinary values; 1: extreme ones; 2: the other extreme; 3: nulls. */
static Value *values_of(Arena *mem, int row)
{
    Value *v = ARENA_ARRAY(mem, Value, TYPES);
    Value *items = ARENA_ARRAY(mem, Value, 4);

    if (row == 3)
        return v;
    items[0] = value_double(row == 0 ? 1.5 : (double)NAN);
    items[1] = value_bytes(STR("\0\1\2"));
    items[2] = row == 0 ? value_time(T_TIMESTAMP, 5) : value_null();
    v[0] = value_bool(row == 0);
    v[1] = value_int(row == 0 ? 42 : row == 1 ? INT32_MIN : INT32_MAX);
    v[2] = value_bigint(row == 0 ? 42 : row == 1 ? INT64_MIN : INT64_MAX);
    v[3] = value_double(row == 0 ? 42 : row == 1 ? -0.0 : (double)NAN);
    v[4] = decimal(mem, row == 0   ? "42.50"
                        : row == 1 ? "-99999999999999999999999999999999999999.99"
                                   : "0.00");
    v[5] = value_str(row == 0 ? STR("text") : row == 1 ? STR("") : STR("a\0b\xf0\x9f\x98\x80"));
    v[6] = value_bytes(row == 0 ? STR("\xff\xfe") : row == 1 ? STR("") : STR("\0"));
    v[7] = value_time(T_DATE, row == 0 ? 19000 : -719528);
    v[8] = value_time(T_TIME, row == 0 ? 1 : 86399999);
    v[9] = value_time(T_TIMESTAMP, row == 0 ? 1700000000000 : INT64_MIN);
    v[10] = value_items(T_ARRAY, &items[2], row == 2 ? 0 : 1);
    v[12] = value_items(T_STRUCT, items, 2);
    if (row != 1) {
        Value *pair = ARENA_ARRAY(mem, Value, 2);

        pair[0] = value_str(STR("k\""));
        pair[1] = v[4];
        v[11] = value_items(T_MAP, pair, 1);
    }
    if (row == 0) {
        Value *pair = ARENA_ARRAY(mem, Value, 2);

        pair[0] = value_int(-1);
        pair[1] = v[10];
        v[13] = value_items(T_MAP, pair, 1);
    }
    return v;
}

typedef struct Fixture {
    Arena      *mem;
    const char *dir;
    Flusher    *flusher;
    QueryFile  *file;
    Err         err;
} Fixture;

static void set_up(Fixture *f, void **test, const PlanStore *store)
{
    FlusherOpts   opts = {.clock = clock_system(), .is_inline = true};
    QueryFileOpts file_opts = {
        .id = STR("Q"), .stores = &store, .stores_len = 1, .fingerprint = UINT64_MAX};

    *f = (Fixture){.mem = test_arena(test)};
    f->dir = opts.data_dir = temp_dir_make(f->mem);
    assert_int_equal(flusher_open(&opts, &f->flusher, &f->err), ERR_OK);
    assert_int_equal(query_file_open(f->flusher, &file_opts, &f->file, &f->err), ERR_OK);
}

static void tear_down(Fixture *f)
{
    assert_int_equal(query_file_close(f->file, &f->err), ERR_OK);
    flusher_close(f->flusher);
    temp_dir_remove(f->dir);
}

static void put(Fixture *f, const PlanStore *store, const Value *keys, int64_t start,
                const Value *slots)
{
    Changes *changes = changes_new();
    Buf      key = buf_in(f->mem), value = buf_in(f->mem);

    state_encode_key(&key, store, keys, start, start + 10);
    if (slots)
        state_encode_value(&value, store, 1234, slots);
    changes_add(changes, 0, 3, buf_view(&key), slots ? buf_view(&value) : STR_NULL);
    query_file_merge(f->file, changes, NULL, 0);
}

/* Through the file and back, for both the slots and the key of the row. */
static void assert_comes_back(Fixture *f, const PlanStore *store, const Value *keys,
                              const Value *slots)
{
    StateBacking backing = query_file_backing(f->file, 0, 3);
    Buf          key = buf_in(f->mem);
    Value       *got = ARENA_ARRAY(f->mem, Value, TYPES);
    int64_t      ts;
    bool         found;
    Str          bytes;

    state_encode_key(&key, store, keys, 0, 10);
    assert_int_equal(backing.read(backing.self, buf_view(&key), &bytes, &found, &f->err), ERR_OK);
    assert_true(found);
    assert_int_equal(state_decode_value(store, bytes, f->mem, &ts, got, &f->err), ERR_OK);
    assert_true(ts == 1234);
    for (uint32_t i = 0; i < store->slots_len; i++) {
        assert_int_equal(got[i].kind, slots[i].kind);
        assert_true(value_eq(got[i], slots[i]));
        if (got[i].kind == T_DOUBLE)
            assert_int_equal(signbit(got[i].u.d), signbit(slots[i].u.d));
        if (got[i].kind == T_DECIMAL)
            assert_int_equal(got[i].scale, slots[i].scale);
    }
}

static void every_type_comes_back_as_it_was(void **test)
{
    Arena    *mem = test_arena(test);
    Column    key = {STR("ID"), &type_int, COLUMN_KEY, STR_NULL};
    PlanStore store = {.name = "view",
                       .keys = &key,
                       .keys_len = 1,
                       .slots = all_types(mem),
                       .slots_len = TYPES,
                       .is_view = true,
                       .view_name = STR("ALL_TYPES")};
    Fixture   f;

    set_up(&f, test, &store);
    for (int row = 0; row < 4; row++) {
        Value id = value_int(row);

        put(&f, &store, &id, 0, values_of(mem, row));
    }
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    for (int row = 0; row < 4; row++) {
        Value id = value_int(row);

        assert_comes_back(&f, &store, &id, values_of(mem, row));
    }
    tear_down(&f);
}

static void every_type_can_be_a_key_and_null(void **test)
{
    Arena    *mem = test_arena(test);
    Column   *columns = all_types(mem);
    PlanStore store = {.name = "view",
                       .keys = columns,
                       .keys_len = 10, /* the scalar ones */
                       .slots = columns + 1,
                       .slots_len = 1,
                       .is_view = true,
                       .is_windowed = true,
                       .view_name = STR("W")};
    Fixture   f;

    set_up(&f, test, &store);
    for (int row = 0; row < 4; row++) {
        Value n = value_int(row);

        put(&f, &store, values_of(mem, row), 0, &n);
    }
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    for (int row = 0; row < 4; row++) {
        Value n = value_int(row);

        assert_comes_back(&f, &store, values_of(mem, row), &n);
        put(&f, &store, values_of(mem, row), 0, NULL);
    }
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    tear_down(&f);
}

/* --- as other tools see it -------------------------------------------------------------------- */

/* All that sql gives, as text: columns by '|', rows by line break. */
static const char *query(Fixture *f, const char *sql)
{
    const char   *path = str_to_c(f->mem, str_printf(f->mem, "%s/state/Q.db", f->dir));
    Buf           out = buf_in(f->mem);
    sqlite3      *db;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            buf_c(&out, i > 0 ? "|" : out.len > 0 ? "\n" : "");
            buf_c(&out, text ? text : "NULL");
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    buf_put(&out, '\0');
    return out.ptr;
}

static void plain_sqlite_sees_typed_columns(void **test)
{
    Arena    *mem = test_arena(test);
    Column    key = {STR("ID"), &type_string, COLUMN_KEY, STR_NULL};
    PlanStore store = {.name = "view",
                       .keys = &key,
                       .keys_len = 1,
                       .slots = all_types(mem),
                       .slots_len = TYPES,
                       .is_view = true,
                       .view_name = STR("ALL_TYPES")};
    Value     id = value_str(STR("first"));
    Fixture   f;

    set_up(&f, test, &store);
    put(&f, &store, &id, 0, values_of(mem, 0));
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    assert_string_equal(query(&f, "SELECT ID, B, I, L, F, D, S, hex(Y), DA, T, TS, ROWTIME"
                                  " FROM ALL_TYPES WHERE ID = 'first'"),
                        "first|1|42|42|42.0|42.50|text|FFFE|19000|1|1700000000000|1234");
    assert_string_equal(query(&f, "SELECT A, M, R, U, json_extract(R, '$.x') FROM ALL_TYPES"),
                        "[5]|{\"k\\\"\":42.50}|{\"x\":1.5,\"Y\":\"AAEC\"}|"
                        "[{\"KEY\":-1,\"VALUE\":[5]}]|1.5");
    assert_string_equal(query(&f, "SELECT typeof(B), typeof(F), typeof(D), typeof(Y) FROM "
                                  "ALL_TYPES"),
                        "integer|real|text|blob");
    assert_string_equal(query(&f, "SELECT name, type FROM pragma_table_info('ALL_TYPES') LIMIT 5"),
                        "ID|TEXT\nB|INTEGER\nI|INTEGER\nL|INTEGER\nF|");
    assert_string_equal(query(&f, "SELECT type FROM weir_columns WHERE name IN ('D', 'R')"
                                  " ORDER BY position"),
                        "DECIMAL(40, 2)\nSTRUCT<`x` DOUBLE, `Y` BYTES>");
    tear_down(&f);
}

static void names_that_sqlite_cannot_tell_apart_get_a_suffix(void **test)
{
    Arena    *mem = test_arena(test);
    Column    key = {STR("Id"), &type_int, COLUMN_KEY, STR_NULL};
    Column   *slots = ARENA_ARRAY(mem, Column, 5);
    PlanStore store = {.name = "view",
                       .keys = &key,
                       .keys_len = 1,
                       .slots = slots,
                       .slots_len = 5,
                       .is_view = true,
                       .view_name = STR("sqlite_\"x")};
    Value     id = value_int(1);
    Value     v[5];
    Fixture   f;

    const char *names[] = {"ID", "rowtime", "id_2", "a\"b", "select"};

    for (int i = 0; i < 5; i++) {
        slots[i] = (Column){str_from(names[i]), &type_int, COLUMN_VALUE, STR_NULL};
        v[i] = value_int(i + 2);
    }
    set_up(&f, test, &store);
    put(&f, &store, &id, 0, v);
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    assert_comes_back(&f, &store, &id, v);
    assert_string_equal(query(&f, "SELECT view, \"table\", name, \"column\" FROM weir_columns"),
                        "sqlite_\"x|view_sqlite_\"x|Id|Id\n"
                        "sqlite_\"x|view_sqlite_\"x|ID|ID_2\n"
                        "sqlite_\"x|view_sqlite_\"x|rowtime|rowtime_2\n"
                        "sqlite_\"x|view_sqlite_\"x|id_2|id_2_2\n"
                        "sqlite_\"x|view_sqlite_\"x|a\"b|a\"b\n"
                        "sqlite_\"x|view_sqlite_\"x|select|select");
    assert_string_equal(query(&f, "SELECT Id, ID_2, \"rowtime_2\", ROWTIME FROM "
                                  "\"view_sqlite_\"\"x\""),
                        "1|2|3|1234");
    tear_down(&f);
}

static void too_many_columns_are_refused(void **test)
{
    Arena           *mem = test_arena(test);
    Column          *columns = ARENA_ARRAY(mem, Column, VIEW_COLUMNS_MAX + 1);
    PlanStore        store = {.name = "view",
                              .keys = columns,
                              .keys_len = 1,
                              .slots = columns + 1,
                              .slots_len = VIEW_COLUMNS_MAX,
                              .is_view = true,
                              .view_name = STR("WIDE")};
    Fixture          f;
    QueryFile       *other;
    const PlanStore *stores[] = {&store};
    QueryFileOpts    opts = {.id = STR("P"), .stores = stores, .stores_len = 1};

    for (int i = 0; i <= VIEW_COLUMNS_MAX; i++)
        columns[i] = (Column){str_printf(mem, "C%d", i), &type_int, COLUMN_VALUE, STR_NULL};
    store.slots_len = VIEW_COLUMNS_MAX - 1;
    set_up(&f, test, &store);
    put(&f, &store, ARENA_ARRAY(mem, Value, 1), 0, ARENA_ARRAY(mem, Value, VIEW_COLUMNS_MAX));
    assert_int_equal(query_file_flush(f.file, &f.err), ERR_OK);
    store.slots_len = VIEW_COLUMNS_MAX;
    assert_int_equal(query_file_open(f.flusher, &opts, &other, &f.err), ERR_LIMIT);
    assert_string_equal(f.err.msg, "cannot materialise \"WIDE\": 1991 columns, at most 1990");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(every_type_comes_back_as_it_was),
        arena_test(every_type_can_be_a_key_and_null),
        arena_test(plain_sqlite_sees_typed_columns),
        arena_test(names_that_sqlite_cannot_tell_apart_get_a_suffix),
        arena_test(too_many_columns_are_refused),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
