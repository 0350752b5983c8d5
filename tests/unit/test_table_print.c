/* test_table_print.c -- cells keep their width, whatever is in them. */
#include "tests/support/arena_group.h"

#include "cli/table_print.h"

static void expect(Buf *out, const char *expected)
{
    buf_put(out, 0);
    assert_string_equal(out->ptr, expected);
}

/* --- a box ------------------------------------------------------------------------------------ */

static void box_shares_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(table_box(4, 80, 0, false).cell_width, 18);
    assert_int_equal(table_box(1, 80, 0, false).cell_width, 78);
    assert_int_equal(table_box(40, 80, 0, false).cell_width, 5);
    assert_int_equal(table_box(4, 80, 7, false).cell_width, 7);
}

static void header_stands_between_rules(void **state)
{
    const Str names[] = {STR("ID"), STR("COUNT")};
    const Str cells[] = {STR("a"), STR("12")};
    TableBox  box = table_box(2, 0, 6, false);
    Buf       out = buf_in(test_arena(state));

    table_box_header(&out, &box, names);
    table_box_row(&out, &box, cells);
    expect(&out, "+------+------+\n"
                 "|ID    |COUNT |\n"
                 "+------+------+\n"
                 "|a     |12    |\n");
}

static void long_cells_go_on_below(void **state)
{
    const Str cells[] = {STR("abcdefgh"), STR("x")};
    TableBox  box = table_box(2, 0, 3, false);
    Buf       out = buf_in(test_arena(state));

    table_box_row(&out, &box, cells);
    expect(&out, "|abc|x  |\n"
                 "|def|   |\n"
                 "|gh |   |\n");
}

static void long_cells_are_cut_when_asked(void **state)
{
    const Str cells[] = {STR("abcdefgh"), STR("abcdef")};
    TableBox  box = table_box(2, 0, 6, true);
    Buf       out = buf_in(test_arena(state));

    table_box_row(&out, &box, cells);
    expect(&out, "|abc...|abcdef|\n");
}

static void wide_characters_count_twice(void **state)
{
    const Str cells[] = {STR("世界世"), STR("ü")};
    TableBox  box = table_box(2, 0, 5, false);
    Buf       out = buf_in(test_arena(state));

    table_box_row(&out, &box, cells);
    expect(&out, "|世界 |ü    |\n"
                 "|世   |     |\n");
}

static void wide_character_in_a_narrow_cell_comes_to_an_end(void **state)
{
    const Str cells[] = {STR("世界")};
    TableBox  box = table_box(1, 0, 1, false);
    Buf       out = buf_in(test_arena(state));

    table_box_row(&out, &box, cells);
    expect(&out, "|世|\n|界|\n");
}

static void line_breaks_break_lines_and_other_controls_are_spaces(void **state)
{
    const Str cells[] = {STR("a\nb\x1b[31m")};
    TableBox  box = table_box(1, 0, 8, false);
    Buf       out = buf_in(test_arena(state));

    table_box_row(&out, &box, cells);
    expect(&out, "|a       |\n"
                 "|b [31m  |\n");
}

/* --- a list ----------------------------------------------------------------------------------- */

static void columns_of_a_list_are_as_wide_as_they_need(void **state)
{
    const Str names[] = {STR("Name"), STR("X")};
    Arena    *mem = test_arena(state);
    TableList list = table_list(mem, names, 2, 0);
    Buf       out = buf_in(mem);

    table_list_cell(&list, STR("a"));
    table_list_cell(&list, STR("long value"));
    table_list_cell(&list, STR("longer name"));
    table_list_cell(&list, STR(""));
    table_list_print(&out, &list);
    expect(&out, " Name        | X\n"
                 "--------------------------\n"
                 " a           | long value\n"
                 " longer name | \n"
                 "--------------------------\n");
}

static void widest_column_of_a_list_goes_on_below_where_the_line_ends(void **state)
{
    const Str names[] = {STR("Id"), STR("Query String"), STR("Z")};
    Arena    *mem = test_arena(state);
    TableList list = table_list(mem, names, 3, 28);
    Buf       out = buf_in(mem);

    table_list_cell(&list, STR("Q1"));
    table_list_cell(&list, STR("SELECT a, b FROM \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E;"));
    table_list_cell(&list, STR("x"));
    table_list_cell(&list, STR("Q2"));
    table_list_cell(&list, STR("0123456789012345678901234567890"));
    table_list_cell(&list, STR(""));
    table_list_print(&out, &list);
    expect(&out, " Id | Query String      | Z\n"
                 "----------------------------\n"
                 " Q1 | SELECT a, b FROM  | x\n"
                 "    | \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E;           | \n"
                 " Q2 | 01234567890123456 | \n"
                 "    | 78901234567890    | \n"
                 "----------------------------\n");
}

static void long_rows_on_a_narrow_terminal_are_written_upright(void **state)
{
    const Str names[] = {STR("Query ID"), STR("Status"), STR("Query String")};
    Arena    *mem = test_arena(state);
    TableList list = table_list(mem, names, 3, 40);
    Buf       out = buf_in(mem);

    table_list_cell(&list, STR("CSAS_BIG_ORDERS_1"));
    table_list_cell(&list, STR("RUNNING:1"));
    table_list_cell(&list,
                    STR("CREATE STREAM BIG_ORDERS AS SELECT ORDER_ID, ITEM FROM ORDERS WHERE "
                        "AMOUNT * PRICE >= 500 EMIT CHANGES"));
    table_list_print(&out, &list);
    expect(&out, "----------------------------------------\n"
                 " Query ID     | CSAS_BIG_ORDERS_1\n"
                 " Status       | RUNNING:1\n"
                 " Query String | CREATE STREAM BIG_\n"
                 "              | ORDERS AS SELECT ORDER_\n"
                 "              | ID, ITEM FROM ORDERS \n"
                 "              | WHERE AMOUNT * PRICE >= \n"
                 "              | 500 EMIT CHANGES\n"
                 "----------------------------------------\n");
}

static void list_of_nothing_is_its_header(void **state)
{
    const Str names[] = {STR("Name")};
    Arena    *mem = test_arena(state);
    TableList list = table_list(mem, names, 1, 0);
    Buf       out = buf_in(mem);

    table_list_print(&out, &list);
    expect(&out, " Name\n------\n------\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(box_shares_the_terminal),
        arena_test(header_stands_between_rules),
        arena_test(long_cells_go_on_below),
        arena_test(long_cells_are_cut_when_asked),
        arena_test(wide_characters_count_twice),
        arena_test(wide_character_in_a_narrow_cell_comes_to_an_end),
        arena_test(line_breaks_break_lines_and_other_controls_are_spaces),
        arena_test(columns_of_a_list_are_as_wide_as_they_need),
        arena_test(widest_column_of_a_list_goes_on_below_where_the_line_ends),
        arena_test(long_rows_on_a_narrow_terminal_are_written_upright),
        arena_test(list_of_nothing_is_its_header),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
