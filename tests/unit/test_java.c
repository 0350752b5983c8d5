/* The ways of Java: patterns, zones and their names. */
#include "exec/functions/java_time.h"

#include "tests/support/arena_group.h"
#include "tests/support/eval_sql.h"

/* 2021-03-04T13:05:09.007Z, a Thursday */
#define MOMENT "FROM_UNIXTIME(1614863109007)"
#define FORMAT(pattern) "FORMAT_TIMESTAMP(" MOMENT ", '" pattern "')"
#define FORMAT_IN(pattern, zone) "FORMAT_TIMESTAMP(" MOMENT ", '" pattern "', '" zone "')"
#define PARSE(text, pattern) "PARSE_TIMESTAMP('" text "', '" pattern "')"

static void date_letters_print_their_fields(void **state)
{
    EVAL_CHECK(
        state, {FORMAT("G GGGG GGGGG"), "AD Anno Domini A"}, {FORMAT("u uu uuuu"), "2021 21 2021"},
        {FORMAT("y yy yyy yyyyy"), "2021 21 2021 02021"}, {FORMAT("D DDD"), "63 063"},
        {FORMAT("M MM MMM MMMM MMMMM"), "3 03 Mar March M"}, {FORMAT("L"), "3"},
        {FORMAT("d dd"), "4 04"}, {FORMAT("Q QQ QQQ QQQQ"), "1 01 Q1 1st quarter"},
        {FORMAT("E EEEE EEEEE"), "Thu Thursday T"}, {FORMAT("e c F W w Y"), "5 5 1 1 10 2021"});
}

static void time_letters_print_their_fields(void **state)
{
    EVAL_CHECK(state, {FORMAT("a h hh K KK k H HH"), "PM 1 01 1 01 13 13 13"},
               {FORMAT("m mm s ss"), "5 05 9 09"}, {FORMAT("S SSS SSSSSSSSS"), "0 007 007000000"},
               {FORMAT("A n N"), "47109007 7000000 47109007000000"},
               {FORMAT("B"), "in the afternoon"},
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'h k K B')", "12 24 0 midnight"});
}

static void zone_letters_print_offsets_and_names(void **state)
{
    EVAL_CHECK(state, {FORMAT_IN("VV", "Europe/Paris"), "Europe/Paris"},
               {FORMAT_IN("X XX XXX XXXXX", "Asia/Kolkata"), "+0530 +0530 +05:30 +05:30"},
               {FORMAT_IN("X", "Europe/Paris"), "+01"}, {FORMAT("X XXX"), "Z Z"},
               {FORMAT("x xx xxx"), "+00 +0000 +00:00"}, {FORMAT("Z ZZZZ ZZZZZ"), "+0000 GMT Z"},
               {FORMAT_IN("Z O OOOO", "America/Los_Angeles"), "-0800 GMT-8 GMT-08:00"},
               {FORMAT_IN("z", "America/Los_Angeles"), "PST"},
               {FORMAT_IN("zzzz", "America/Los_Angeles"), "Pacific Standard Time"},
               {FORMAT_IN("v", "America/Los_Angeles"), "PT"},
               {FORMAT_IN("z", "Europe/Paris"), "CET"}, {FORMAT("z"), "GMT"},
               {FORMAT_IN("z", "UTC"), "UTC"}, {FORMAT_IN("z", "+01:00"), "+01:00"});
}

static void zones_of_equal_offsets_keep_their_own_names(void **state)
{
    EVAL_CHECK(state,
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(1526075913000), 'z', 'Europe/London')", "BST"},
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(1526075913000), 'z', 'Europe/Lisbon')", "WEST"},
               {"FORMAT_TIMESTAMP(FROM_UNIXTIME(1526075913000), 'z', 'Europe/Jersey')", "BST"});
}

static void literals_sections_and_padding_print(void **state)
{
    EVAL_CHECK(state, {FORMAT("yyyy''T''HH"), "2021T13"}, {FORMAT("''o''''clock'' h"), "o'clock 1"},
               {FORMAT("[yyyy][-MM]"), "2021-03"}, {FORMAT("ppppH"), "  13"},
               {"FORMAT_DATE(FROM_DAYS(0), 'yyyy[ HH:mm]')", "1970"},
               {"FORMAT_DATE(FROM_DAYS(0), 'yyyy[ HH:mm')", "1970"},
               {"FORMAT_DATE(FROM_DAYS(0), '[[HH]yyyy]')", "1970"});
}

static void patterns_that_java_refuses_are_refused(void **state)
{
    EVAL_CHECK(state, {FORMAT("b"), "error"}, {FORMAT("ddd"), "error"}, {FORMAT("HHH"), "error"},
               {FORMAT("{"), "error"}, {FORMAT("yyyy]"), "error"}, {FORMAT("''yyyy"), "error"},
               {FORMAT("V"), "error"}, {FORMAT("p"), "error"}, {FORMAT("SSSSSSSSSS"), "error"},
               {"FORMAT_DATE(FROM_DAYS(0), RPAD('', 1000, '['))", "error"});
}

static void adjacent_numbers_share_the_digits(void **state)
{
    EVAL_CHECK(state, {PARSE("20210304130509", "yyyyMMddHHmmss"), "2021-03-04T13:05:09.000"},
               {PARSE("210304", "yyMMdd"), "2021-03-04T00:00:00.000"},
               {PARSE("1203", "HHmm"), "1970-01-01T12:03:00.000"},
               {PARSE("2021034", "yyyyMMdd"), "error"}, {PARSE("20210304x", "yyyyMMdd"), "error"},
               {PARSE("12021", "yyyy"), "error"},
               {PARSE("+12021", "yyyy"), "+12021-01-01T00:00:00.000"});
}

static void text_is_read_in_any_letter_case(void **state)
{
    EVAL_CHECK(state, {PARSE("4 mar 2021", "d MMM yyyy"), "2021-03-04T00:00:00.000"},
               {PARSE("THURSDAY 4 MARCH 2021", "EEEE d MMMM yyyy"), "2021-03-04T00:00:00.000"},
               {PARSE("FRIDAY 4 MARCH 2021", "EEEE d MMMM yyyy"), "error"},
               {PARSE("1 pm", "h a"), "1970-01-01T13:00:00.000"},
               {PARSE("12 AM", "h a"), "1970-01-01T00:00:00.000"},
               {PARSE("0044 BC", "yyyy G") " < FROM_UNIXTIME(0)", "true"});
}

static void fields_are_checked_and_clamped(void **state)
{
    EVAL_CHECK(state, {PARSE("2021-02-31", "yyyy-MM-dd"), "2021-02-28T00:00:00.000"},
               {PARSE("2021-02-32", "yyyy-MM-dd"), "error"},
               {PARSE("2021-13-01", "yyyy-MM-dd"), "error"}, {PARSE("24:00", "HH:mm"), "error"},
               {PARSE("24", "kk"), "1970-01-01T00:00:00.000"},
               {PARSE("2020-366", "yyyy-DDD"), "2020-12-31T00:00:00.000"},
               {PARSE("2021-366", "yyyy-DDD"), "error"}, {PARSE("13 pm", "h a"), "error"});
}

static void sections_may_be_absent_from_the_text(void **state)
{
    EVAL_CHECK(state, {PARSE("2021", "yyyy[-MM[-dd]]"), "2021-01-01T00:00:00.000"},
               {PARSE("2021-03", "yyyy[-MM[-dd]]"), "2021-03-01T00:00:00.000"},
               {PARSE("2021-03-04", "yyyy[-MM[-dd]]"), "2021-03-04T00:00:00.000"},
               {PARSE("2021-", "yyyy[-MM[-dd]]"), "error"});
}

static void zones_in_the_text_are_followed(void **state)
{
    EVAL_CHECK(
        state, {PARSE("2021-07-01 12 PDT", "yyyy-MM-dd HH z"), "2021-07-01T19:00:00.000"},
        {PARSE("2021-01-01 12 Pacific Standard Time", "yyyy-MM-dd HH zzzz"),
         "2021-01-01T20:00:00.000"},
        {PARSE("2021-01-01 12 Asia/Tokyo", "yyyy-MM-dd HH VV"), "2021-01-01T03:00:00.000"},
        {PARSE("2021-01-01 12 GMT+2", "yyyy-MM-dd HH O"), "2021-01-01T10:00:00.000"},
        {PARSE("2021-01-01T12:00Z", "yyyy-MM-dd''T''HH:mmX"), "2021-01-01T12:00:00.000"},
        {PARSE("2021-01-01T12:00-0330", "yyyy-MM-dd''T''HH:mmXX"), "2021-01-01T15:30:00.000"},
        {PARSE("2021-01-01T12:00-03:30", "yyyy-MM-dd''T''HH:mmXX"), "error"},
        {PARSE("2021-01-01 12 XYZ", "yyyy-MM-dd HH z"), "error"});
}

static void clocks_that_change_follow_java(void **state)
{
    /* On 2021-03-14 clocks in Los Angeles skip from 2:00 to 3:00; on 2021-11-07 they fall back. */
    EVAL_CHECK(
        state,
        {"PARSE_TIMESTAMP('2021-03-14 02:30', 'yyyy-MM-dd HH:mm', 'America/Los_Angeles')",
         "2021-03-14T10:30:00.000"},
        {"PARSE_TIMESTAMP('2021-11-07 01:30', 'yyyy-MM-dd HH:mm', 'America/Los_Angeles')",
         "2021-11-07T08:30:00.000"},
        {"FORMAT_TIMESTAMP(FROM_UNIXTIME(1625097600000), 'z', 'America/Los_Angeles')", "PDT"});
}

static void zone_ids_are_javas(void **state)
{
    static const struct {
        const char *id;
        bool        is_known;
        const char *printed;
    } cases[] = {
        {"Z", true, "Z"},
        {"+1", true, "+01:00"},
        {"+01", true, "+01:00"},
        {"-0130", true, "-01:30"},
        {"+01:02:03", true, "+01:02:03"},
        {"UTC", true, "UTC"},
        {"UTC+1", true, "UTC+01:00"},
        {"GMT-03:00", true, "GMT-03:00"},
        {"UT", true, "UT"},
        {"America/New_York", true, "America/New_York"},
        {"EST5EDT", true, "EST5EDT"},
        {"PST", false, ""},
        {"", false, ""},
        {"+19", false, ""},
        {"+1:00", false, ""},
        {"Nowhere/At_All", false, ""},
        {"utc", false, ""},
        {"+01:60", false, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        JavaZone zone;
        Err      err;
        bool     is_known = java_zone_open(str_from(cases[i].id), &zone, &err) == ERR_OK;

        if (is_known != cases[i].is_known)
            fail_msg("zone '%s' is %s", cases[i].id, is_known ? "known" : "unknown");
        if (!is_known)
            continue;
        assert_string_equal(zone.id, cases[i].printed);
        java_zone_close(&zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(date_letters_print_their_fields),
        arena_test(time_letters_print_their_fields),
        arena_test(zone_letters_print_offsets_and_names),
        arena_test(zones_of_equal_offsets_keep_their_own_names),
        arena_test(literals_sections_and_padding_print),
        arena_test(patterns_that_java_refuses_are_refused),
        arena_test(adjacent_numbers_share_the_digits),
        arena_test(text_is_read_in_any_letter_case),
        arena_test(fields_are_checked_and_clamped),
        arena_test(sections_may_be_absent_from_the_text),
        arena_test(zones_in_the_text_are_followed),
        arena_test(clocks_that_change_follow_java),
        arena_test(zone_ids_are_javas),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
