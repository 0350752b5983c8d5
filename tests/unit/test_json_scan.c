#include "common/json.h"

#include "common/limit.h"
#include "tests/support/seed.h"
#include "tests/support/text_is.h"

static const char order[] =
    "{\"id\": 17, \"who\":\"J\\u00f6rg\", \"tags\":[\"a\",null,true], \"at\":{\"x\":-1.5e3}}";

/* The whole text is one valid value. */
static bool is_valid(Str text)
{
    JsonScan scan;

    json_scan_init(&scan, text);
    return json_skip(&scan, NULL) && json_at_end(&scan);
}

static const char *why_not(const char *text)
{
    JsonScan scan;

    json_scan_init(&scan, str_from(text));
    if (json_skip(&scan, NULL))
        return json_at_end(&scan) ? "valid" : "more";
    assert_non_null(scan.why);
    return scan.why;
}

static void json_scan_walks_an_object(void **state)
{
    JsonScan scan;
    Str      name, text;
    bool     is_first = true, has_escape, is_integer;

    json_scan_init(&scan, str_from(order));
    assert_int_equal(json_peek(&scan), JSON_OBJECT);
    assert_true(json_enter(&scan));

    assert_true(json_next_member(&scan, &is_first, &name, &has_escape));
    assert_text(name, "id");
    assert_false(has_escape);
    assert_int_equal(json_peek(&scan), JSON_NUMBER);
    assert_true(json_number(&scan, &text, &is_integer));
    assert_text(text, "17");
    assert_true(is_integer);

    assert_true(json_next_member(&scan, &is_first, &name, &has_escape));
    assert_true(json_string(&scan, &text, &has_escape));
    assert_true(has_escape);
    assert_text(json_unescape(test_arena(state), text), "J\xc3\xb6rg");

    assert_true(json_next_member(&scan, &is_first, &name, &has_escape));
    assert_true(json_skip(&scan, &text));
    assert_text(text, "[\"a\",null,true]");

    assert_true(json_next_member(&scan, &is_first, &name, &has_escape));
    assert_text(name, "at");
    assert_true(json_skip(&scan, &text));
    assert_text(text, "{\"x\":-1.5e3}");

    assert_false(json_next_member(&scan, &is_first, &name, &has_escape));
    assert_null(scan.why);
    assert_int_equal(scan.depth, 0);
    assert_true(json_at_end(&scan));
}

static void json_scan_walks_an_array(void **state)
{
    JsonScan scan;
    bool     is_first = true;
    int      items = 0;

    (void)state;
    json_scan_init(&scan, STR(" [ null , true,false ] "));
    assert_true(json_enter(&scan));
    while (json_next_item(&scan, &is_first)) {
        assert_true(json_word(&scan));
        items++;
    }
    assert_null(scan.why);
    assert_int_equal(items, 3);
    assert_true(json_at_end(&scan));
}

static void json_scan_takes_what_rfc_8259_allows(void **state)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "-0.0e-0",
                                       "1E+2",
                                       "10.25",
                                       "null",
                                       " true\n",
                                       "\t\"\"\r",
                                       "[]",
                                       "{}",
                                       "[[],{}]",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"\":[{\"\":{}}]}",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uD834\\udd1e\"",
                                       "\"\x7f\xc2\x80\xf4\x8f\xbf\xbf\"",
                                       "1e400"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_string_equal(why_not(good[i]), "valid");
}

static void json_scan_says_why_it_refuses(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "the text ends too early"},
        {"  ", "the text ends too early"},
        {"{\"a\"", "a colon is expected"},
        {"{\"a\" 1}", "a colon is expected"},
        {"{a:1}", "a string is expected"},
        {"{\"a\":1,}", "a string is expected"},
        {"{\"a\":1 \"b\":2}", "a comma or the closing bracket is expected"},
        {"{\"a\":1", "the text ends too early"},
        {"{,}", "a string is expected"},
        {"[1,]", "a value is expected"},
        {"[,1]", "a value is expected"},
        {"[1 2]", "a comma or the closing bracket is expected"},
        {"[1}", "a comma or the closing bracket is expected"},
        {"[", "the text ends too early"},
        {"]", "a value is expected"},
        {"nul", "a value is expected"},
        {"nULL", "a value is expected"},
        {"True", "a value is expected"},
        {"NaN", "a value is expected"},
        {"+1", "a value is expected"},
        {".5", "a value is expected"},
        {"'a'", "a value is expected"},
        {"/**/1", "a value is expected"},
        {"-", "a number is malformed"},
        {"01", "a number is malformed"},
        {"-01", "a number is malformed"},
        {"1.", "a number is malformed"},
        {"1.e5", "a number is malformed"},
        {"1e", "a number is malformed"},
        {"1e+", "a number is malformed"},
        {"\"abc", "the text ends too early"},
        {"\"\\", "the text ends too early"},
        {"\"\\u12", "the text ends too early"},
        {"\"\\x\"", "an escape sequence is malformed"},
        {"\"\\u12g4\"", "an escape sequence is malformed"},
        {"\"a\nb\"", "a control character stands in a string"},
        {"\"0123456789abcdef\x1f\"", "a control character stands in a string"},
        {"\"\xff\"", "the text is not valid UTF-8"},
        {"\"\xc0\x80\"", "the text is not valid UTF-8"},
        {"\"\xed\xa0\x80\"", "the text is not valid UTF-8"},
        {"\"0123456789abcdef\xe2\x82\"", "the text is not valid UTF-8"},
        {"{\"\xff\":1}", "the text is not valid UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(why_not(cases[i].text), cases[i].why);
    assert_string_equal(why_not("1 2"), "more");
    assert_string_equal(why_not("1x"), "more");
}

static void json_scan_stays_failed(void **state)
{
    JsonScan    scan;
    bool        is_first = true, flag;
    Str         text;
    const char *at;

    (void)state;
    json_scan_init(&scan, STR("[1,x,2]"));
    assert_true(json_enter(&scan));
    assert_true(json_next_item(&scan, &is_first) && json_skip(&scan, NULL));
    assert_true(json_next_item(&scan, &is_first));
    assert_false(json_skip(&scan, NULL));
    at = scan.at;
    assert_int_equal(json_peek(&scan), JSON_ERROR);
    assert_false(json_next_item(&scan, &is_first));
    assert_false(json_string(&scan, &text, &flag));
    assert_false(json_number(&scan, &text, &flag));
    assert_false(json_word(&scan));
    assert_false(json_enter(&scan));
    assert_false(json_at_end(&scan));
    assert_ptr_equal(scan.at, at);
    assert_int_equal(scan.at - scan.begin, 3);
}

static void json_scan_bounds_the_depth(void **state)
{
    enum { BRACKETS = 1000000 };
    char    *text = arena_bytes(test_arena(state), BRACKETS);
    size_t   depth = (size_t)g_limits.nesting;
    JsonScan scan;

    memset(text, '[', BRACKETS);
    json_scan_init(&scan, (Str){text, BRACKETS});
    assert_false(json_skip(&scan, NULL));
    assert_string_equal(scan.why, "nested too deeply");
    assert_int_equal(scan.at - scan.begin, g_limits.nesting);
    memset(text + depth, ']', depth);
    assert_true(is_valid((Str){text, 2 * depth}));
    memset(text, '[', depth + 1);
    memset(text + depth + 1, ']', depth + 1);
    assert_false(is_valid((Str){text, 2 * (depth + 1)}));
}

static void json_skip_has_a_depth_of_its_own_whatever_the_limit(void **state)
{
    enum { BRACKETS = 100000 };
    char   *text = arena_bytes(test_arena(state), BRACKETS);
    int64_t nesting = g_limits.nesting;

    memset(text, '[', BRACKETS);
    memset(text + 1024, ']', 1024);
    g_limits.nesting = BRACKETS;
    assert_true(is_valid((Str){text, 2048}));
    memset(text, '[', BRACKETS);
    assert_false(is_valid((Str){text, BRACKETS}));
    g_limits.nesting = nesting;
}

static void json_unescape_knows_every_escape(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(json_unescape(arena, STR("\\\"\\\\\\/\\b\\f\\n\\r\\t")), "\"\\/\b\f\n\r\t");
    assert_text(json_unescape(arena, STR("a\\u0041b\\u00e9\\u20AC")), "aAb\xc3\xa9\xe2\x82\xac");
    assert_text(json_unescape(arena, STR("\\ud834\\udd1e!")), "\xf0\x9d\x84\x9e!");
    assert_int_equal(json_unescape(arena, STR("\\u0000")).len, 1);
    assert_text(json_unescape(arena, STR("plain")), "plain");
    assert_int_equal(json_unescape(arena, STR("")).len, 0);
}

static void json_unescape_replaces_lone_surrogates(void **state)
{
    Arena *arena = test_arena(state);

    assert_text(json_unescape(arena, STR("\\ud834")), "\xef\xbf\xbd");
    assert_text(json_unescape(arena, STR("\\udd1e")), "\xef\xbf\xbd");
    assert_text(json_unescape(arena, STR("\\ud834x")), "\xef\xbf\xbdx");
    assert_text(json_unescape(arena, STR("\\ud834\\n")), "\xef\xbf\xbd\n");
    assert_text(json_unescape(arena, STR("\\ud834\\u0041")), "\xef\xbf\xbd"
                                                             "A");
    assert_text(json_unescape(arena, STR("\\ud834\\ud834\\udd1e")), "\xef\xbf\xbd\xf0\x9d\x84\x9e");
}

static void json_scan_reads_strings_of_any_length_and_place(void **state)
{
    char text[80];

    (void)state;
    /* The closing quote and a special byte at every place relative to the sixteen-byte steps. */
    for (size_t len = 0; len < 40; len++) {
        for (size_t special = 0; special <= len; special++) {
            JsonScan scan;
            Str      raw;
            bool     has_escape;

            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[len + 1] = '"';
            if (special + 1 < len) {
                text[special + 1] = '\\';
                text[special + 2] = 'n';
            }
            json_scan_init(&scan, (Str){text, len + 2});
            assert_true(json_string(&scan, &raw, &has_escape));
            assert_int_equal(raw.len, len);
            assert_int_equal(has_escape, special + 1 < len);
            json_scan_init(&scan, (Str){text, len + 1});
            assert_false(json_string(&scan, &raw, &has_escape));
        }
    }
}

static void json_scan_reads_nothing_behind_the_end(void **state)
{
    size_t len = strlen(order);

    (void)state;
    /* Each beginning in memory of exactly its size, which AddressSanitizer guards. */
    for (size_t cut = 0; cut < len; cut++) {
        char *text = mem_alloc(cut + 1);

        memcpy(text + 1, order, cut);
        assert_false(is_valid((Str){text + 1, cut}));
        mem_free(text);
    }
    assert_true(is_valid(str_from(order)));
}

static void json_scan_survives_random_changes(void **state)
{
    static const char bytes[] = "{}[]:,\"\\u0e-+.ntf \x01\x80\xc3\xff";
    Seed              seed = {101};
    char              text[sizeof order];

    for (int i = 0; i < 50000; i++) {
        JsonScan scan;
        Str      whole;

        memcpy(text, order, sizeof text);
        for (uint64_t n = 1 + seed_below(&seed, 3); n > 0; n--)
            text[seed_below(&seed, sizeof text - 1)] = bytes[seed_below(&seed, sizeof bytes - 1)];
        json_scan_init(&scan, (Str){text, sizeof text - 1});
        if (json_skip(&scan, &whole)) {
            assert_true(is_valid(whole));
        } else {
            assert_non_null(scan.why);
            assert_true(scan.at <= scan.end);
        }
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(json_scan_walks_an_object),
        arena_test(json_scan_walks_an_array),
        arena_test(json_scan_takes_what_rfc_8259_allows),
        arena_test(json_scan_says_why_it_refuses),
        arena_test(json_scan_stays_failed),
        arena_test(json_scan_bounds_the_depth),
        arena_test(json_skip_has_a_depth_of_its_own_whatever_the_limit),
        arena_test(json_unescape_knows_every_escape),
        arena_test(json_unescape_replaces_lone_surrogates),
        arena_test(json_scan_reads_strings_of_any_length_and_place),
        arena_test(json_scan_reads_nothing_behind_the_end),
        arena_test(json_scan_survives_random_changes),
    };

    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
