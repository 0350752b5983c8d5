#include "exec/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/map.h"
#include "exec/state/changes.h"
#include "tests/support/arena_group.h"
#include "tests/support/stores.h"

enum { FOREVER = 1 << 30 };

static State *open_state(Arena *mem)
{
    StateOpts opts = {.store = store_of_strings(mem, 0), .bytes_max = FOREVER, .is_complete = true};

    return state_new(&opts);
}

static StateEntry *touch(State *state, Str key, bool *is_new)
{
    StateEntry *entry;
    Err         err;

    assert_int_equal(state_touch(state, key, state_hash(key), &entry, is_new, &err), ERR_OK);
    return entry;
}

static StateEntry *find(State *state, Str key)
{
    StateEntry *entry;
    Err         err;

    assert_int_equal(state_find(state, key, state_hash(key), &entry, &err), ERR_OK);
    return entry;
}

static void put(State *state, Str key, int64_t n, Str s)
{
    bool        is_new;
    StateEntry *entry = touch(state, key, &is_new);

    entry->ts = n;
    state_put(state, entry, 0, value_bigint(n));
    state_put(state, entry, 1, s.ptr ? value_str(s) : value_null());
}

static void assert_entry(State *state, Str key, int64_t n, Str s)
{
    StateEntry *entry = find(state, key);

    assert_non_null(entry);
    assert_true(entry->ts == n && entry->slots[0].u.i == n);
    assert_int_equal(value_is_null(entry->slots[1]), s.ptr == NULL);
    if (s.ptr)
        assert_true(str_eq(value_as_str(entry->slots[1]), s));
}

static void ignore(void *self, const State *state, Str key, Str value)
{
    (void)self;
    (void)state;
    (void)key;
    (void)value;
}

static void seal(State *state, uint64_t epoch)
{
    state_seal(state, epoch);
    assert_true(state_encode(state, 0, (StateSink){ignore, NULL}));
}

static void touch_makes_an_entry_with_null_slots(void **test)
{
    State      *state = open_state(test_arena(test));
    bool        is_new;
    StateEntry *entry = touch(state, STR("a"), &is_new);

    assert_true(is_new);
    assert_true(value_is_null(entry->slots[0]) && value_is_null(entry->slots[2]));
    assert_int_equal(entry->ts, 0);
    assert_true(str_eq(state_key_of(entry), STR("a")));
    assert_ptr_equal(touch(state, STR("a"), &is_new), entry);
    assert_false(is_new);
    assert_null(find(state, STR("b")));
    state_free(state);
}

static void put_copies_what_the_value_points_at(void **test)
{
    State      *state = open_state(test_arena(test));
    char        bytes[] = "hello";
    Value       items[] = {value_str((Str){bytes, 5}), value_null(), value_str(STR(""))};
    bool        is_new;
    StateEntry *entry = touch(state, STR("a"), &is_new);

    state_put(state, entry, 1, value_str((Str){bytes, 5}));
    state_put(state, entry, 2, value_items(T_ARRAY, items, 3));
    memset(bytes, 'x', 5);
    memset(items, 0, sizeof items);
    assert_true(str_eq(value_as_str(entry->slots[1]), STR("hello")));
    assert_int_equal(entry->slots[2].len, 3);
    assert_true(str_eq(value_as_str(entry->slots[2].u.items[0]), STR("hello")));
    assert_true(value_is_null(entry->slots[2].u.items[1]));
    /* a value that is a part of the one it replaces */
    state_put(state, entry, 1, value_str((Str){entry->slots[1].u.s + 1, 3}));
    assert_true(str_eq(value_as_str(entry->slots[1]), STR("ell")));
    state_put(state, entry, 1, entry->slots[2].u.items[0]);
    state_put(state, entry, 2, value_null());
    assert_true(str_eq(value_as_str(entry->slots[1]), STR("hello")));
    state_free(state);
}

static void keep_serves_the_entry_that_was_touched_last(void **test)
{
    State      *state = open_state(test_arena(test));
    bool        is_new;
    StateEntry *entry;

    put(state, STR("a"), 1, STR("before"));
    seal(state, 1);
    entry = touch(state, STR("a"), &is_new);
    entry->slots[1] = state_keep(state, value_str(STR("after")), entry->slots[1]);
    entry->slots[1] = state_keep(state, value_str(STR("later")), entry->slots[1]);
    assert_entry(state, STR("a"), 1, STR("later"));
    state_settle(state, 1);
    state_abort(state);
    assert_entry(state, STR("a"), 1, STR("before"));
    state_free(state);
}

static void removed_entry_is_gone_and_comes_back_new(void **test)
{
    State      *state = open_state(test_arena(test));
    bool        is_new;
    StateEntry *entry;

    put(state, STR("a"), 7, STR("x"));
    seal(state, 1);
    state_settle(state, 1);
    state_remove(state, touch(state, STR("a"), &is_new));
    assert_null(find(state, STR("a")));
    entry = touch(state, STR("a"), &is_new);
    assert_true(is_new && value_is_null(entry->slots[1]));
    state_remove(state, entry);
    seal(state, 2);
    state_settle(state, 2);
    assert_int_equal(state_entries(state), 0);
    state_free(state);
}

typedef struct Scan {
    Buf    keys;
    int    left; /* visits before it stops */
    bool   removes;
    State *state;
} Scan;

static ErrCode visit(void *arg, StateEntry *entry, bool *stop, Err *err)
{
    Scan *scan = arg;
    bool  is_new;

    (void)err;
    buf_str(&scan->keys, state_key_of(entry));
    *stop = --scan->left == 0;
    if (scan->removes)
        state_remove(scan->state, touch(scan->state, state_key_of(entry), &is_new));
    return ERR_OK;
}

static Str scan_keys(State *state, Arena *mem, Str low, Str high, int max, bool removes)
{
    Scan scan = {buf_in(mem), max, removes, state};
    Err  err;

    assert_int_equal(state_scan(state, low, high, visit, &scan, &err), ERR_OK);
    return buf_view(&scan.keys);
}

static void scan_visits_keys_in_order_within_bounds(void **test)
{
    Arena *mem = test_arena(test);
    State *state = open_state(mem);

    for (const char *c = "hdbfaceg"; *c; c++)
        put(state, (Str){c, 1}, *c, STR("v"));
    assert_true(str_eq(scan_keys(state, mem, STR(""), STR_NULL, 0, false), STR("abcdefgh")));
    assert_true(str_eq(scan_keys(state, mem, STR("c"), STR("f"), 0, false), STR("cde")));
    assert_true(str_eq(scan_keys(state, mem, STR("bb"), STR_NULL, 2, false), STR("cd")));
    put(state, STR("dd"), 1, STR("v")); /* the index is kept up to date */
    assert_true(str_eq(scan_keys(state, mem, STR("c"), STR("e"), 0, true), STR("cddd")));
    assert_true(str_eq(scan_keys(state, mem, STR(""), STR_NULL, 0, false), STR("abefgh")));
    seal(state, 1);
    state_settle(state, 1);
    assert_int_equal(state_entries(state), 6);
    state_abort(state);
    assert_true(str_eq(scan_keys(state, mem, STR(""), STR_NULL, 0, false), STR("abefgh")));
    state_free(state);
}

static void numbers_are_unset_at_first_and_undone(void **test)
{
    State *state = open_state(test_arena(test));

    assert_true(state_number(state, 3) == INT64_MIN);
    assert_false(state_is_dirty(state));
    state_set_number(state, 3, 42);
    assert_true(state_is_dirty(state));
    seal(state, 1);
    state_set_number(state, 3, 43);
    state_set_number(state, 0, -1);
    state_settle(state, 1);
    state_abort(state);
    assert_true(state_number(state, 3) == 42 && state_number(state, 0) == INT64_MIN);
    state_free(state);
}

static void restore_takes_what_encode_gave(void **test)
{
    Arena    *mem = test_arena(test);
    State    *state = open_state(mem);
    State    *other = open_state(mem);
    Changes  *changes = changes_new();
    BufReader at;
    Change    change;
    Value     items[] = {value_str(STR("x")), value_null()};
    bool      is_new;
    Err       err;

    put(state, STR("a"), 1, STR("one"));
    put(state, STR("b"), -2, STR_NULL);
    state_put(state, touch(state, STR("b"), &is_new), 2, value_items(T_ARRAY, items, 2));
    put(state, STR("c"), 3, STR("gone"));
    state_remove(state, touch(state, STR("c"), &is_new));
    state_set_number(state, 1, 99);
    state_seal(state, 1);
    assert_true(state_encode(state, 0, changes_sink(changes)));
    assert_int_equal(changes->count, 3); /* "c" never was there for others */
    at = changes_read(changes);
    while (changes_next(&at, &change))
        assert_int_equal(state_restore(other, change.key, change.value, &err), ERR_OK);
    assert_entry(other, STR("a"), 1, STR("one"));
    assert_entry(other, STR("b"), -2, STR_NULL);
    assert_int_equal(find(other, STR("b"))->slots[2].len, 2);
    assert_true(state_number(other, 1) == 99);
    assert_false(state_is_dirty(other));
    assert_int_equal(state_restore(other, STR("a"), STR_NULL, &err), ERR_OK);
    assert_null(find(other, STR("a")));
    assert_int_equal(state_restore(other, STR("z"), STR("\1"), &err), ERR_STATE);
    changes_free(changes);
    state_free(other);
    state_free(state);
}

/* --- memory bound ----------------------------------------------------------------------------- */

/* A file that holds what was sealed. */
typedef struct FakeFile {
    Map    rows;
    Arena *mem;
    int    reads;
} FakeFile;

static ErrCode fake_read(void *self, Str key, Str *bytes, bool *found, Err *err)
{
    FakeFile *file = self;
    Str      *row = map_get(&file->rows, key);

    (void)err;
    file->reads++;
    *found = row && row->ptr;
    if (*found)
        *bytes = *row;
    return ERR_OK;
}

static ErrCode fake_load(void *self, ErrCode (*row)(void *, Str, Str, bool *, Err *), void *arg,
                         Err *err)
{
    FakeFile *file = self;
    size_t    cursor = 0;
    MapEntry *entry;
    bool      stop = false;

    while (!stop && (entry = map_next(&file->rows, &cursor))) {
        Str *value = entry->value;

        if (value->ptr)
            TRY(row(arg, entry->key, *value, &stop, err));
    }
    return ERR_OK;
}

static void fake_put(void *self, const State *state, Str key, Str value)
{
    FakeFile *file = self;
    Str      *row = ARENA_NEW(file->mem, Str);

    (void)state;
    if (value.ptr)
        *row = str_copy(file->mem, value);
    map_put(&file->rows, str_copy(file->mem, key), row);
}

static void clean_entries_leave_beyond_the_bound_and_are_read_back(void **test)
{
    enum { KEYS = 2000, BOUND = 200000 };
    Arena    *mem = test_arena(test);
    FakeFile  file = {.mem = mem};
    StateOpts opts = {.store = store_of_strings(mem, 0),
                      .bytes_max = BOUND,
                      .backing = {fake_read, fake_load, &file},
                      .is_complete = true};
    State    *state = state_new(&opts);
    bool      is_new;

    map_init(&file.rows, mem);
    for (int i = 0; i < KEYS; i++) {
        put(state, str_printf(mem, "%d", i), i, str_printf(mem, "value %d", i));
        if (i % 100 == 99) {
            state_seal(state, (uint64_t)i);
            assert_true(state_encode(state, 0, (StateSink){fake_put, &file}));
            state_settle(state, (uint64_t)i);
        }
    }
    assert_true(state_entries(state) < KEYS * 3 / 4);
    assert_true(state_entries(state) > KEYS / 8);
    for (int i = 0; i < KEYS; i++)
        assert_entry(state, str_printf(mem, "%d", i), i, str_printf(mem, "value %d", i));
    assert_true(file.reads > 0);
    assert_true(state_entries(state) < KEYS * 3 / 4);
    assert_false((touch(state, STR("5"), &is_new), is_new));
    assert_true((touch(state, STR("never"), &is_new), is_new));
    /* an ordered scan sees those that left, too */
    state_abort(state);
    assert_int_equal(scan_keys(state, mem, STR(""), STR_NULL, 0, false).len,
                     10 + 90 * 2 + 900 * 3 + 1000 * 4);
    state_free(state);
}

/* Makes count entries and lets the state settle them. */
static void fill(State *state, FakeFile *file, int count)
{
    static uint64_t epoch;

    for (int i = 0; i < count; i++) {
        put(state, str_printf(file->mem, "%d", i), i, STR("some text"));
        if (i % 100 == 99) {
            state_seal(state, ++epoch);
            assert_true(state_encode(state, 0, (StateSink){fake_put, file}));
            state_settle(state, epoch);
        }
    }
}

static void shared_budget_takes_from_those_that_hold_most(void **test)
{
    enum { BOUND = 2000000, SMALL = 1000, LARGE = 20000 };
    Arena      *mem = test_arena(test);
    FakeFile    files[2] = {{.mem = mem}, {.mem = mem}};
    StateBudget budget = {0};
    State      *states[2];

    for (int i = 0; i < 2; i++) {
        StateOpts opts = {.store = store_of_strings(mem, 0),
                          .bytes_max = BOUND,
                          .budget = &budget,
                          .backing = {fake_read, fake_load, &files[i]},
                          .is_complete = true};

        map_init(&files[i].rows, mem);
        states[i] = state_new(&opts);
    }
    assert_int_equal(budget.states, 2);
    fill(states[0], &files[0], SMALL);
    fill(states[1], &files[1], LARGE);
    fill(states[0], &files[0], SMALL);
    assert_int_equal(state_entries(states[0]), SMALL);
    assert_in_range(state_entries(states[1]), 1000, LARGE * 3 / 4);
    assert_in_range(budget.bytes, BOUND / 2, BOUND + BOUND / 4);
    assert_entry(states[1], STR("7"), 7, STR("some text"));
    state_free(states[1]);
    assert_true(budget.bytes < BOUND / 2);
    state_free(states[0]);
    assert_true(budget.bytes == 0 && budget.states == 0);
}

/* --- against a model -------------------------------------------------------------------------- */

enum { MODEL_KEYS = 40, MODEL_STEPS = 20000 };

typedef struct ModelRow {
    bool    exists;
    int64_t n;
    int     s; /* length of the string, -1 null */
} ModelRow;

typedef struct Model {
    ModelRow rows[MODEL_KEYS];
    int64_t  number;
} Model;

static Str model_key(int i, char *buf)
{
    return (Str){buf, (size_t)snprintf(buf, 16, "%d", i)};
}

static Str model_text(int len)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    return len < 0 ? STR_NULL : (Str){text, (size_t)len};
}

static void assert_model(State *state, const Model *model)
{
    for (int i = 0; i < MODEL_KEYS; i++) {
        char buf[16];
        Str  key = model_key(i, buf);

        if (!model->rows[i].exists)
            assert_null(find(state, key));
        else
            assert_entry(state, key, model->rows[i].n, model_text(model->rows[i].s));
    }
    assert_true(state_number(state, 0) == model->number);
}

static void model_change(State *state, Model *model, int64_t step)
{
    int  i = rand() % MODEL_KEYS;
    char buf[16];
    Str  key = model_key(i, buf);
    bool is_new;

    if (rand() % 4 == 0) {
        StateEntry *entry = touch(state, key, &is_new);

        assert_int_equal(is_new, !model->rows[i].exists);
        state_remove(state, entry);
        model->rows[i] = (ModelRow){0};
        return;
    }
    model->rows[i] = (ModelRow){true, step, rand() % 30 - 1};
    put(state, key, step, model_text(model->rows[i].s));
    if (rand() % 8 == 0)
        state_set_number(state, 0, model->number = step);
}

/* What was settled, replayed into a fresh state, is what the model had when it was sealed. */
static void assert_replay(FakeFile *file, const Model *sealed)
{
    State    *state = open_state(file->mem);
    size_t    cursor = 0;
    MapEntry *entry;
    Err       err;

    while ((entry = map_next(&file->rows, &cursor)))
        assert_int_equal(state_restore(state, entry->key, *(Str *)entry->value, &err), ERR_OK);
    assert_model(state, sealed);
    state_free(state);
}

static void random_epochs_agree_with_a_model(void **test)
{
    Arena    *mem = test_arena(test);
    FakeFile  file = {.mem = mem};
    State    *state = open_state(mem);
    Model     now = {.number = INT64_MIN}, sealed[3];
    int       unsettled = 0; /* sealed[0]: settled; then the sealed ones */
    uint64_t  epoch = 0, settled = 0;
    Changes  *waiting[2] = {changes_new(), changes_new()};
    StateSink sink = {fake_put, &file};

    map_init(&file.rows, mem);
    sealed[0] = now;
    srand(7);
    for (int step = 0; step < MODEL_STEPS; step++) {
        int what = rand() % 100;

        if (what < 80) {
            model_change(state, &now, step);
        } else if (what < 85) {
            if (unsettled > 0)
                (void)state_encode(state, 3, changes_sink(waiting[unsettled - 1]));
        } else if (what < 92 && unsettled < 2) {
            if (unsettled > 0)
                assert_true(state_encode(state, 0, changes_sink(waiting[unsettled - 1])));
            state_seal(state, ++epoch);
            sealed[++unsettled] = now;
        } else if (what < 98 && unsettled > 0) {
            BufReader at;
            Change    change;

            assert_true(state_encode(state, 0, changes_sink(waiting[unsettled - 1])));
            at = changes_read(waiting[0]);
            while (changes_next(&at, &change))
                sink.put(sink.self, state, change.key, change.value);
            state_settle(state, ++settled);
            changes_free(waiting[0]);
            waiting[0] = waiting[1];
            waiting[1] = changes_new();
            sealed[0] = sealed[1];
            sealed[1] = sealed[2];
            unsettled--;
            assert_replay(&file, &sealed[0]);
        } else if (what >= 98) {
            state_abort(state);
            for (int i = 0; i < 2; i++)
                buf_clear(&waiting[i]->bytes);
            now = sealed[0];
            unsettled = 0;
            settled = epoch;
            assert_model(state, &now);
        }
        if (step % 50 == 0)
            assert_model(state, &now);
        if (step == MODEL_STEPS / 2) /* from here on with an index */
            (void)scan_keys(state, mem, STR(""), STR_NULL, 1, false);
    }
    changes_free(waiting[0]);
    changes_free(waiting[1]);
    state_free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(touch_makes_an_entry_with_null_slots),
        arena_test(put_copies_what_the_value_points_at),
        arena_test(keep_serves_the_entry_that_was_touched_last),
        arena_test(removed_entry_is_gone_and_comes_back_new),
        arena_test(scan_visits_keys_in_order_within_bounds),
        arena_test(numbers_are_unset_at_first_and_undone),
        arena_test(restore_takes_what_encode_gave),
        arena_test(clean_entries_leave_beyond_the_bound_and_are_read_back),
        arena_test(shared_budget_takes_from_those_that_hold_most),
        arena_test(random_epochs_agree_with_a_model),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
