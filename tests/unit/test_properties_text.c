/* Java .properties: what java.util.Properties makes of a text. */
#include "common/properties_text.h"

#include "tests/support/arena_group.h"

/* Entries as "name=value@line", separated by '|'; the error, if there is one, at the end. */
static const char *entries(Arena *mem, Str text)
{
    PropertiesText reader;
    Buf            out = buf_in(mem);
    Str            name, value;
    Err            err;

    properties_text_init(&reader, mem, text);
    for (;;) {
        if (properties_text_next(&reader, &name, &value, &err) != ERR_OK) {
            buf_printf(&out, "line %u: %s", reader.line, err.msg);
            break;
        }
        if (!name.ptr)
            break;
        buf_printf(&out, "%s%.*s=%.*s@%u", out.len ? "|" : "", STR_ARG(name), STR_ARG(value),
                   reader.line);
    }
    buf_put(&out, '\0');
    return out.ptr;
}

static void name_ends_at_equals_colon_or_blank(void **state)
{
    assert_string_equal(entries(*state, STR("a=1\nb : 2\n c   3\nd\te = f\ng\nh=\n")),
                        "a=1@1|b=2@2|c=3@3|d=e = f@4|g=@5|h=@6");
}

static void comments_and_blank_lines_are_skipped(void **state)
{
    assert_string_equal(entries(*state, STR("# a=1 \\\n! b=2\n\n   \t# c\nd=4 # no comment")),
                        "d=4 # no comment@5");
    assert_string_equal(entries(*state, STR("")), "");
    assert_string_equal(entries(*state, STR("\n#x")), "");
}

static void backslash_joins_lines_and_lines_are_counted(void **state)
{
    assert_string_equal(entries(*state, STR("a=1,\\\n   2,\\\r\n\t3\nb=4\\\\\nc=5")),
                        "a=1,2,3@1|b=4\\@4|c=5@5");
    assert_string_equal(entries(*state, STR("\\\n  a=1\nb=2\\")), "a=1@1|b=2@3");
}

static void lines_end_as_on_any_system(void **state)
{
    assert_string_equal(entries(*state, STR("a=1\r\nb=2\rc=3\n")), "a=1@1|b=2@2|c=3@3");
}

static void escapes_stand_for_characters(void **state)
{
    assert_string_equal(entries(*state, STR("a\\=\\:\\ b=\\t\\\\x\\q\n")), "a=: b=\t\\xq@1");
    assert_string_equal(entries(*state, STR("a=\\u00e9\\ud83d\\ude00\\ud83d.")),
                        "a=\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBD.@1");
    assert_string_equal(entries(*state, STR("a=1\nb=\\u00g9")),
                        "a=1@1line 2: malformed \\u: four hexadecimal digits are expected");
}

static void blanks_behind_a_value_do_not_count_unless_escaped(void **state)
{
    assert_string_equal(entries(*state, STR("a=1 \t\nb=1\\ \n")), "a=1@1|b=1 @2");
}

static void byte_order_mark_is_skipped(void **state)
{
    assert_string_equal(entries(*state, STR("\xEF\xBB\xBF"
                                            "a=1")),
                        "a=1@1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_ends_at_equals_colon_or_blank),
        cmocka_unit_test(comments_and_blank_lines_are_skipped),
        cmocka_unit_test(backslash_joins_lines_and_lines_are_counted),
        cmocka_unit_test(lines_end_as_on_any_system),
        cmocka_unit_test(escapes_stand_for_characters),
        cmocka_unit_test(blanks_behind_a_value_do_not_count_unless_escaped),
        cmocka_unit_test(byte_order_mark_is_skipped),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
