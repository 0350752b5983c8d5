#include "planner/catalog.h"

#include <stdio.h>

#include "tests/support/arena_group.h"

static Source *make_source(const char *name)
{
    Source *source = source_new();

    source->name = str_copy(source->mem, str_from(name));
    return source;
}

static void catalog_finds_sources_by_exact_name(void **state)
{
    Catalog *catalog = catalog_new();

    (void)state;
    catalog_put_source(catalog, make_source("B"));
    catalog_put_source(catalog, make_source("A"));
    catalog_put_source(catalog, make_source("C"));
    assert_non_null(catalog_source(catalog, STR("B")));
    assert_null(catalog_source(catalog, STR("b")));
    assert_null(catalog_source(catalog, STR("")));
    assert_int_equal(catalog_sources_len(catalog), 3);
    assert_true(str_eq(catalog_source_at(catalog, 0)->name, STR("A")));
    assert_true(str_eq(catalog_source_at(catalog, 2)->name, STR("C")));
    catalog_unref(catalog);
}

static void catalog_edit_leaves_the_snapshot_alone(void **state)
{
    Catalog *before = catalog_new(), *after;

    (void)state;
    catalog_put_source(before, make_source("A"));
    after = catalog_edit(before);
    catalog_put_source(after, make_source("B"));
    assert_true(catalog_drop_source(after, STR("A")));
    assert_non_null(catalog_source(before, STR("A")));
    assert_null(catalog_source(before, STR("B")));
    assert_null(catalog_source(after, STR("A")));
    catalog_unref(before);
    assert_non_null(catalog_source(after, STR("B")));
    catalog_unref(after);
}

static void catalog_shares_objects_between_snapshots(void **state)
{
    Catalog *before = catalog_new(), *after;

    (void)state;
    catalog_put_source(before, make_source("A"));
    after = catalog_edit(before);
    assert_ptr_equal(catalog_source(before, STR("A")), catalog_source(after, STR("A")));
    catalog_unref(before);
    catalog_unref(after);
}

static void catalog_put_replaces_the_same_name(void **state)
{
    Catalog *catalog = catalog_new();
    Source  *second = make_source("A");

    (void)state;
    catalog_put_source(catalog, make_source("A"));
    catalog_put_source(catalog, second);
    assert_int_equal(catalog_sources_len(catalog), 1);
    assert_ptr_equal(catalog_source(catalog, STR("A")), second);
    catalog_unref(catalog);
}

static void catalog_drop_of_nothing_is_false(void **state)
{
    Catalog *catalog = catalog_new();

    (void)state;
    assert_false(catalog_drop_source(catalog, STR("A")));
    assert_false(catalog_drop_query(catalog, STR("A")));
    assert_false(catalog_drop_type(catalog, STR("A")));
    catalog_unref(catalog);
}

static void source_outlives_the_catalog_while_held(void **state)
{
    Catalog *catalog = catalog_new();
    Source  *held;

    (void)state;
    catalog_put_source(catalog, make_source("A"));
    held = source_ref(catalog_source(catalog, STR("A")));
    catalog_unref(catalog);
    assert_true(str_eq(held->name, STR("A")));
    source_unref(held);
}

static void paused_query_keeps_the_running_one_alive(void **state)
{
    CatalogQuery *running = catalog_query_new(), *paused, *resumed;

    (void)state;
    running->id = str_copy(running->mem, STR("CSAS_A_1"));
    paused = catalog_query_with_status(running, QUERY_PAUSED);
    catalog_query_unref(running);
    resumed = catalog_query_with_status(paused, QUERY_RUNNING);
    catalog_query_unref(paused);
    assert_int_equal(resumed->status, QUERY_RUNNING);
    assert_true(str_eq(resumed->id, STR("CSAS_A_1")));
    catalog_query_unref(resumed);
}

static void catalog_holds_many_names_in_order(void **state)
{
    Catalog *catalog = catalog_new();
    char     name[16];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "S%03d", (i * 7) % 500);
        catalog_put_source(catalog, make_source(name));
    }
    assert_int_equal(catalog_sources_len(catalog), 500);
    for (size_t i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "S%03zu", i);
        assert_true(str_eq(catalog_source_at(catalog, i)->name, str_from(name)));
        assert_non_null(catalog_source(catalog, str_from(name)));
    }
    catalog_unref(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalog_finds_sources_by_exact_name),
        cmocka_unit_test(catalog_edit_leaves_the_snapshot_alone),
        cmocka_unit_test(catalog_shares_objects_between_snapshots),
        cmocka_unit_test(catalog_put_replaces_the_same_name),
        cmocka_unit_test(catalog_drop_of_nothing_is_false),
        cmocka_unit_test(source_outlives_the_catalog_while_held),
        cmocka_unit_test(paused_query_keeps_the_running_one_alive),
        cmocka_unit_test(catalog_holds_many_names_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
