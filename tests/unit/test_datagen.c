/* test_datagen.c -- kinds make statements that the engine takes; the pace is kept. */
#include "tests/support/arena_group.h"

#include "cli/datagen.h"
#include "server/harness.h"

static DatagenOptions parse(Arena *mem, const char *first, ...)
{
    char          *argv[8] = {str_to_c(mem, STR("datagen"))};
    int            argc = 1;
    DatagenOptions options;
    va_list        args;
    Err            err;

    va_start(args, first);
    for (const char *next = first; next; next = va_arg(args, const char *))
        argv[argc++] = str_to_c(mem, str_from(next));
    va_end(args);
    if (datagen_options(&options, argc, argv, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    return options;
}

static void expect_refused(Arena *mem, const char *argument, const char *message)
{
    char          *argv[] = {str_to_c(mem, STR("datagen")), str_to_c(mem, str_from(argument))};
    DatagenOptions options;
    Err            err;

    assert_int_equal(datagen_options(&options, 2, argv, &err), ERR_CONFIG);
    assert_string_equal(err.msg, message);
}

static void options_are_flags_or_name_and_value(void **state)
{
    Arena         *mem = test_arena(state);
    DatagenOptions options = parse(mem, "orders", "--rate", "2.5", "iterations=7", NULL);

    assert_string_equal(options.kind->name, "orders");
    assert_true(str_eq(options.stream, STR("orders")));
    assert_true(options.rate > 2.4 && options.rate < 2.6);
    assert_int_equal(options.iterations, 7);
    assert_false(options.creates);

    options = parse(mem, "quickstart=USERS", "--create", "--stream=people", "msgRate=-1", NULL);
    assert_string_equal(options.kind->name, "users");
    assert_true(str_eq(options.topic, STR("people")));
    assert_true(options.creates);
    assert_true(options.rate < 0);
}

static void mistakes_are_named(void **state)
{
    Arena *mem = test_arena(state);

    expect_refused(mem, "ordrs", "unknown kind \"ordrs\"");
    expect_refused(mem, "--create", "nothing says what to send");
    expect_refused(mem, "--colour=red", "unknown option \"--colour=red\"");
    expect_refused(mem, "rate=fast", "rate is a number of rows a second, not \"fast\"");
    expect_refused(mem, "rate=0", "rate is a number of rows a second, not \"0\"");
    expect_refused(mem, "--rate", "--rate needs N");
}

static void pace_is_kept_and_ends(void **state)
{
    Arena         *mem = test_arena(state);
    DatagenOptions options = parse(mem, "orders", "--rate", "2", NULL);

    assert_int_equal(datagen_due(&options, 0, 0), 1);
    assert_int_equal(datagen_due(&options, 499, 1), 0);
    assert_int_equal(datagen_due(&options, 500, 1), 1);
    assert_int_equal(datagen_due(&options, 2000, 1), 4);

    options = parse(mem, "orders", "--rate=-1", "--iterations=250", NULL);
    assert_int_equal(datagen_due(&options, 0, 0), 200);
    assert_int_equal(datagen_due(&options, 0, 200), 50);
    assert_int_equal(datagen_due(&options, 0, 250), 0);
}

static void execute(Harness *harness, Str sql)
{
    Err err;

    if (harness_execute(harness, sql, NULL, &err) != ERR_OK)
        fail_msg("%.*s\n%s", STR_ARG(sql), err.msg);
}

static void every_kind_goes_into_the_stream_it_creates(void **state)
{
    Arena *mem = test_arena(state);

    for (const DatagenKind *kind = datagen_kinds; kind->name; kind++) {
        Buf           sql = buf_in(mem);
        Harness      *harness;
        HarnessOutput output;
        Datagen       gen;
        Err           err;

        assert_int_equal(harness_open(NULL, 0, &harness, &err), ERR_OK);
        datagen_init(&gen, 1, 1700000000000);
        datagen_create(&sql, kind, str_from(kind->name), STR("made_up"), STR("JSON"));
        execute(harness, buf_view(&sql));
        for (int i = 0; i < 20; i++) {
            buf_clear(&sql);
            buf_printf(&sql, "INSERT INTO %s (", kind->name);
            datagen_columns(&sql, kind);
            buf_c(&sql, ") VALUES (");
            datagen_row(&sql, kind, &gen);
            buf_c(&sql, ");");
            execute(harness, buf_view(&sql));
        }
        assert_int_equal(harness_read(harness, STR("made_up"), mem, &output, &err), ERR_OK);
        assert_int_equal(output.len, 20);
        harness_close(harness);
    }
}

static void same_seed_gives_the_same_rows_and_numbers_go_on(void **state)
{
    const DatagenKind *kind = datagen_kind_find(STR("Orders"));
    Arena             *mem = test_arena(state);
    Buf                a = buf_in(mem), b = buf_in(mem);
    Datagen            gen;

    datagen_init(&gen, 42, 1704067200500);
    datagen_row(&a, kind, &gen);
    assert_true(str_starts(buf_view(&a), STR("5, ")));
    datagen_init(&gen, 42, 1704067200500);
    datagen_row(&b, kind, &gen);
    assert_true(str_eq(buf_view(&a), buf_view(&b)));
    buf_clear(&b);
    datagen_row(&b, kind, &gen);
    assert_true(str_starts(buf_view(&b), STR("6, ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(options_are_flags_or_name_and_value),
        arena_test(mistakes_are_named),
        arena_test(pace_is_kept_and_ends),
        arena_test(every_kind_goes_into_the_stream_it_creates),
        arena_test(same_seed_gives_the_same_rows_and_numbers_go_on),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
