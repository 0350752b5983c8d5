/* test_properties.c -- names, layers, errors and .properties files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/properties.h"

static Properties make(Arena **mem)
{
    Properties props;

    *mem = arena_new(0);
    properties_init(&props, *mem, NULL);
    return props;
}

static void default_is_in_force_until_set(void **state)
{
    Arena     *mem;
    Properties props = make(&mem), request;
    Err        err;

    (void)state;
    assert_true(str_eq(properties_get(&props, "auto.offset.reset"), STR("latest")));
    assert_int_equal(
        properties_set(&props, STR("ksql.streams.auto.offset.reset"), STR("earliest"), NULL, &err),
        ERR_OK);
    assert_true(str_eq(properties_get(&props, "auto.offset.reset"), STR("earliest")));
    properties_init(&request, mem, &props);
    assert_true(
        str_eq(properties_get(&request, "ksql.streams.auto.offset.reset"), STR("earliest")));
    assert_int_equal(properties_override(&request, STR("auto.offset.reset"), STR("latest"), &err),
                     ERR_OK);
    assert_true(str_eq(properties_get(&request, "auto.offset.reset"), STR("latest")));
    properties_unset(&request, STR("ksql.streams.auto.offset.reset"));
    assert_true(str_eq(properties_get(&request, "auto.offset.reset"), STR("earliest")));
    arena_free(mem);
}

static void misspelt_and_unknown_weir_names_are_errors(void **state)
{
    Arena     *mem;
    Properties props = make(&mem);
    Err        err;
    bool       is_ignored = false;

    (void)state;
    assert_int_equal(properties_set(&props, STR("ksql.service.di"), STR("x"), NULL, &err),
                     ERR_CONFIG);
    assert_non_null(strstr(err.hint, "ksql.service.id"));
    assert_int_equal(properties_set(&props, STR("weir.nonsense.entirely"), STR("x"), NULL, &err),
                     ERR_CONFIG);
    assert_int_equal(
        properties_set(&props, STR("ksql.verticle.instances"), STR("4"), &is_ignored, &err),
        ERR_OK);
    assert_true(is_ignored);
    is_ignored = false;
    assert_int_equal(
        properties_set(&props, STR("com.example.unheard.of.setting"), STR("4"), &is_ignored, &err),
        ERR_OK);
    assert_true(is_ignored);
    arena_free(mem);
}

/* A configuration file of a real cluster must do, and not every name is in the table. */
static void real_names_that_are_like_others_are_no_slips(void **state)
{
    static const char *const real[] = {
        "ksql.streams.topic.min.insync.replicas",
        "ksql.connect.group.id",
        "ksql.query.push.v2.interpreter.enabled",
        "ksql.total.cache.max.bytes.buffering",
        "ksql.server.command.topic.max.size",
        "ksql.collect.udf.metrics",
        "access.control.skip.options",
        "compression.enable",
        "schema.registry.url",
    };
    static const char *const slips[] = {"auto.offset.rest", "ksql.streams.num.stream.thread",
                                        "listener", "ksql.streams.producer.ackss",
                                        "bootstrap.server"};
    Arena                   *mem;
    Properties               props = make(&mem);
    Err                      err;

    (void)state;
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        bool is_ignored = false;

        if (properties_set(&props, str_from(real[i]), STR("x"), &is_ignored, &err) != ERR_OK)
            fail_msg("%s", err.msg);
        assert_true(is_ignored);
    }
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        if (properties_set(&props, str_from(slips[i]), STR("x"), NULL, &err) == ERR_OK)
            fail_msg("accepted: %s", slips[i]);
    }
    arena_free(mem);
}

static void wrong_type_is_named(void **state)
{
    Arena     *mem;
    Properties props = make(&mem);
    Err        err;

    (void)state;
    assert_int_equal(properties_set(&props, STR("commit.interval.ms"), STR("soon"), NULL, &err),
                     ERR_CONFIG);
    assert_non_null(strstr(err.msg, "commit.interval.ms"));
    assert_int_equal(properties_set(&props, STR("weir.ddl.over.rest"), STR("no"), NULL, &err),
                     ERR_CONFIG);
    assert_int_equal(properties_set(&props, STR("auto.offset.reset"), STR("none"), NULL, &err),
                     ERR_CONFIG);
    arena_free(mem);
}

static void request_cannot_override_server_level(void **state)
{
    Arena     *mem;
    Properties props = make(&mem);
    Err        err;

    (void)state;
    assert_int_equal(properties_override(&props, STR("ksql.service.id"), STR("x"), &err),
                     ERR_REQUEST);
    assert_int_equal(properties_override(&props, STR("no.such.thing.at.all"), STR("x"), &err),
                     ERR_REQUEST);
    assert_int_equal(
        properties_override(&props, STR("ksql.streams.num.stream.threads"), STR("4"), &err),
        ERR_OK);
    arena_free(mem);
}

static void file_has_comments_continuations_and_escapes(void **state)
{
    Arena     *mem;
    Properties props = make(&mem);
    char       path[] = "/tmp/weir-properties-XXXXXX";
    int        fd = mkstemp(path);
    const char text[] = "# comment\n"
                        "\n"
                        "listeners = http://127.0.0.1:\\\n    0\n"
                        "! another\n"
                        "ksql.service.id:a\\=b\r\n";
    Err        err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    assert_int_equal(properties_load(&props, path, &err), ERR_OK);
    assert_true(str_eq(properties_get(&props, "listeners"), STR("http://127.0.0.1:0")));
    assert_true(str_eq(properties_get(&props, "ksql.service.id"), STR("a=b")));
    unlink(path);
    assert_int_equal(properties_load(&props, path, &err), ERR_CONFIG);
    arena_free(mem);
}

static void mistake_in_a_file_has_its_line(void **state)
{
    Arena     *mem;
    Properties props = make(&mem);
    char       path[] = "/tmp/weir-properties-XXXXXX";
    int        fd = mkstemp(path);
    const char text[] = "listeners=http://127.0.0.1:\\\n    0\n\nauto.offset.rest latest\n";
    Err        err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    assert_int_equal(properties_load(&props, path, &err), ERR_CONFIG);
    assert_non_null(strstr(err.msg, ":4: unknown property \"auto.offset.rest\""));
    unlink(path);
    arena_free(mem);
}

static void table_is_sorted_and_documented(void **state)
{
    size_t             len;
    const PropertyDef *table = properties_table(&len);

    (void)state;
    for (size_t i = 0; i < len; i++) {
        assert_true(table[i].doc[0] != '\0');
        if (i)
            assert_true(strcmp(table[i - 1].name, table[i].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_in_force_until_set),
        cmocka_unit_test(misspelt_and_unknown_weir_names_are_errors),
        cmocka_unit_test(real_names_that_are_like_others_are_no_slips),
        cmocka_unit_test(wrong_type_is_named),
        cmocka_unit_test(request_cannot_override_server_level),
        cmocka_unit_test(file_has_comments_continuations_and_escapes),
        cmocka_unit_test(mistake_in_a_file_has_its_line),
        cmocka_unit_test(table_is_sorted_and_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
