/* test_query_print.c -- a query's answer as it comes, read back from the spool file. */
#include "tests/support/arena_group.h"

#include "cli/file.h"
#include "cli/query_print.h"
#include "tests/support/temp_dir.h"

typedef struct Shown {
    Output      output;
    QueryPrint  query;
    const char *dir;
    Str         path;
} Shown;

static void begin(Shown *shown, Arena *mem, bool is_print, int64_t rows_max)
{
    Err err;

    *shown = (Shown){.output = {.column_width = 6}, .dir = temp_dir_make(mem)};
    shown->path = str_printf(mem, "%s/spool", shown->dir);
    assert_int_equal(output_spool(&shown->output, shown->path.ptr, &err), ERR_OK);
    query_print_init(&shown->query, &shown->output, is_print, rows_max);
}

static void end(Shown *shown, Arena *mem, bool has_failed, const char *expected)
{
    Str text;
    Err err;

    query_print_end(&shown->query);
    assert_int_equal(shown->query.has_failed, has_failed);
    output_spool_end(&shown->output);
    assert_int_equal(file_read(mem, shown->path, 1 << 20, &text, &err), ERR_OK);
    assert_string_equal(str_to_c(mem, text), expected);
    temp_dir_remove(shown->dir);
}

static void rows_are_shown_before_the_answer_ends(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;
    long   size;

    begin(&shown, mem, false, 0);
    assert_true(query_print_take(&shown.query, 200,
                                 STR("[{\"header\":{\"schema\":\"`A` STRING, `B` INTEGER\"}},\n"
                                     "{\"row\":{\"columns\":[\"x\",1]}},\n{\"row\":")));
    size = ftell(shown.output.spool);
    assert_true(size > 0);
    assert_true(query_print_take(&shown.query, 200,
                                 STR("{\"columns\":[null,2],\"tombstone\":true}},\n"
                                     "{\"finalMessage\":\"Limit Reached\"}]")));
    assert_true(ftell(shown.output.spool) > size);
    assert_true(str_eq(shown.query.final_message, STR("Limit Reached")));
    end(&shown, mem, false,
        "+------+------+\n"
        "|A     |B     |\n"
        "+------+------+\n"
        "|x     |1     |\n"
        "|<TOMBS|2     |\n"
        "|TONE> |      |\n");
}

static void query_ends_after_so_many_rows(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;

    begin(&shown, mem, false, 1);
    assert_false(query_print_take(&shown.query, 200,
                                  STR("[{\"row\":{\"columns\":[1]}},{\"row\":{\"columns\":[2]}}")));
    end(&shown, mem, false, "|1     |\n");
}

static void error_among_the_rows_is_a_failure(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;

    begin(&shown, mem, false, 0);
    query_print_take(&shown.query, 200,
                     STR("[{\"row\":{\"columns\":[1]}},\n{\"errorMessage\":{\"message\":\"cut "
                         "off\"}},\n]"));
    end(&shown, mem, true, "|1     |\ncut off\n");
}

static void refused_query_shows_the_message_of_its_body(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;

    begin(&shown, mem, false, 0);
    query_print_take(&shown.query, 400, STR("{\"@type\":\"statement_error\",\"mess"));
    query_print_take(&shown.query, 400, STR("age\":\"no such table\"}"));
    end(&shown, mem, true, "no such table\n");
}

static void json_shows_header_and_rows_as_documents(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;

    begin(&shown, mem, false, 0);
    shown.output.is_json = true;
    query_print_take(&shown.query, 200, STR("[{\"row\":{\"columns\":[1,\"a\"]}}]"));
    end(&shown, mem, false,
        "{\n"
        "  \"row\": {\n"
        "    \"columns\": [ 1, \"a\" ]\n"
        "  }\n"
        "}\n");
}

static void lines_of_print_pass_without_empty_ones_and_controls(void **state)
{
    Arena *mem = test_arena(state);
    Shown  shown;

    begin(&shown, mem, true, 0);
    query_print_take(&shown.query, 200, STR("\nKey format: KAFKA_STR"));
    query_print_take(&shown.query, 200, STR("ING\n\n\nkey: \x1b[1m\n"));
    end(&shown, mem, false, "Key format: KAFKA_STRING\nkey:  [1m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(rows_are_shown_before_the_answer_ends),
        arena_test(query_ends_after_so_many_rows),
        arena_test(error_among_the_rows_is_a_failure),
        arena_test(refused_query_shows_the_message_of_its_body),
        arena_test(json_shows_header_and_rows_as_documents),
        arena_test(lines_of_print_pass_without_empty_ones_and_controls),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
