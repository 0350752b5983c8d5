/* test_doc_reader.c -- objects come out as soon as they are whole, however the bytes are cut. */
#include "tests/support/arena_group.h"

#include "cli/doc_reader.h"

static const char *const answer = "[{\"header\":{\"schema\":\"`A` STRING\"}},\n"
                                  "{\"row\":{\"columns\":[\"}{][\\\"\\\\\",{\"x\":[1,2]},null]}},\n"
                                  "{\"finalMessage\":\"Limit Reached\"}]\n";

static void expect_all(DocReader *reader, const char *const *expected, size_t len)
{
    Str found;

    for (size_t i = 0; i < len; i++) {
        assert_true(doc_reader_next(reader, &found));
        assert_int_equal(found.len, strlen(expected[i]));
        assert_memory_equal(found.ptr, expected[i], found.len);
    }
    assert_false(doc_reader_next(reader, &found));
}

static const char *const documents[] = {
    "{\"header\":{\"schema\":\"`A` STRING\"}}",
    "{\"row\":{\"columns\":[\"}{][\\\"\\\\\",{\"x\":[1,2]},null]}}",
    "{\"finalMessage\":\"Limit Reached\"}",
};

static void objects_of_an_array_come_one_by_one(void **state)
{
    DocReader reader = {0};

    (void)state;
    doc_reader_feed(&reader, str_from(answer));
    expect_all(&reader, documents, 3);
    doc_reader_deinit(&reader);
}

static void every_cut_of_the_bytes_gives_the_same_objects(void **state)
{
    Str text = str_from(answer);

    (void)state;
    for (size_t size = 1; size < text.len; size++) {
        DocReader reader = {0};
        size_t    found = 0;
        Str       doc;

        for (size_t at = 0; at < text.len; at += size) {
            size_t end = at + size < text.len ? at + size : text.len;

            doc_reader_feed(&reader, str_slice(text, at, end));
            while (doc_reader_next(&reader, &doc)) {
                assert_int_equal(doc.len, strlen(documents[found]));
                assert_memory_equal(doc.ptr, documents[found], doc.len);
                found++;
            }
        }
        assert_int_equal(found, 3);
        doc_reader_deinit(&reader);
    }
}

static void lines_of_objects_come_one_by_one(void **state)
{
    const char *const expected[] = {"{\"a\":1}", "{}", "{\"b\":{}}"};
    DocReader         reader = {0};

    (void)state;
    doc_reader_feed(&reader, STR("{\"a\":1}\n{}\r\n\n{\"b\":{}}"));
    expect_all(&reader, expected, 3);
    doc_reader_deinit(&reader);
}

static void stray_brackets_outside_of_objects_do_no_harm(void **state)
{
    const char *const expected[] = {"{\"a\":1}"};
    DocReader         reader = {0};

    (void)state;
    doc_reader_feed(&reader, STR("]}]]}{\"a\":1},\n]"));
    expect_all(&reader, expected, 1);
    doc_reader_deinit(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_of_an_array_come_one_by_one),
        cmocka_unit_test(every_cut_of_the_bytes_gives_the_same_objects),
        cmocka_unit_test(lines_of_objects_come_one_by_one),
        cmocka_unit_test(stray_brackets_outside_of_objects_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
