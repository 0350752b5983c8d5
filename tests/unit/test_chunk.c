#include "exec/chunk.h"

#include "tests/support/arena_group.h"

static void assert_str(Str got, Str expected)
{
    assert_int_equal(got.ptr == NULL, expected.ptr == NULL);
    assert_int_equal(got.len, expected.len);
    if (got.len > 0)
        assert_memory_equal(got.ptr, expected.ptr, got.len);
}

static void chunk_gives_back_what_was_appended(void **state)
{
    Chunk *chunk = chunk_new(STR("t"), 3, NULL);
    Buf    headers = buf_in(test_arena(state));
    Record got;

    header_append(&headers, STR("trace"), STR("1"));
    header_append(&headers, STR("trace"), STR_NULL);
    header_append(&headers, STR(""), STR(""));
    Record records[] = {
        {STR("k"), STR("v"), STR_NULL, 1700000000000, 0},
        {STR_NULL, STR("value"), buf_view(&headers), -1, 0},
        {STR(""), STR_NULL, STR_NULL, INT64_MAX, 0},
        {STR_NULL, STR_NULL, STR_NULL, 0, 0},
        {STR("\0\xff"), STR(""), STR_NULL, 5, 0},
    };

    for (size_t i = 0; i < 5; i++)
        chunk_append(chunk, &records[i]);
    assert_int_equal(chunk->count, 5);
    assert_true(chunk->ts_min == -1 && chunk->ts_max == INT64_MAX);

    ChunkCursor cursor = chunk_cursor(buf_view(&chunk->bytes), 100);

    for (int i = 0; i < 5; i++) {
        assert_true(chunk_next(&cursor, &got));
        assert_str(got.key, records[i].key);
        assert_str(got.value, records[i].value);
        assert_str(got.headers, records[i].headers);
        assert_true(got.ts == records[i].ts);
        assert_int_equal(got.offset, 100 + i);
    }
    assert_false(chunk_next(&cursor, &got));
    chunk_free(chunk);
}

/* Full before its memory would be doubled for one more record. */
static Chunk *full_chunk(Str value)
{
    Chunk *chunk = chunk_new(STR("t"), 0, NULL);

    while (!chunk_is_full(chunk))
        chunk_append(chunk, &(Record){.value = value, .ts = 1});
    assert_true(chunk->bytes.len <= CHUNK_BYTES);
    assert_int_equal(chunk->bytes.cap, CHUNK_BYTES);
    return chunk;
}

static void chunk_continues_in_the_memory_of_a_freed_one(void **state)
{
    Chunk      *first = full_chunk(STR("abcdefgh"));
    const char *block = first->bytes.ptr;
    Chunk      *second;
    ChunkCursor cursor;
    Record      got;
    uint32_t    count = 0;

    (void)state;
    chunk_free(first);
    second = full_chunk(STR("12345678"));
    assert_ptr_equal(second->bytes.ptr, block);
    cursor = chunk_cursor(buf_view(&second->bytes), 0);
    for (; chunk_next(&cursor, &got); count++)
        assert_str(got.value, STR("12345678"));
    assert_int_equal(count, second->count);
    chunk_free(second);
    chunk_free_blocks();
}

static void chunk_record_is_written_in_place_or_taken_back(void **state)
{
    Chunk *chunk = chunk_new(STR("t"), 0, NULL);
    Record got;

    (void)state;
    chunk_begin(chunk, 10);
    buf_c(&chunk->bytes, "key");
    chunk_key_done(chunk, false);
    buf_c(&chunk->bytes, "value");
    chunk_end(chunk, false, STR_NULL);

    chunk_begin(chunk, 1);
    buf_c(&chunk->bytes, "half a key");
    chunk_cancel(chunk);

    /* Bytes of a side that turns out null do not stay behind. */
    chunk_begin(chunk, 20);
    buf_c(&chunk->bytes, "dropped");
    chunk_key_done(chunk, true);
    buf_c(&chunk->bytes, "dropped too");
    chunk_end(chunk, true, STR_NULL);

    ChunkCursor cursor = chunk_cursor(buf_view(&chunk->bytes), 0);

    assert_int_equal(chunk->count, 2);
    assert_true(chunk_next(&cursor, &got));
    assert_str(got.key, STR("key"));
    assert_str(got.value, STR("value"));
    assert_true(chunk_next(&cursor, &got));
    assert_null(got.key.ptr);
    assert_null(got.value.ptr);
    assert_int_equal(got.offset, 1);
    assert_false(chunk_next(&cursor, &got));
    assert_true(chunk->ts_min == 10 && chunk->ts_max == 20);
    chunk_free(chunk);
}

static void chunk_cursor_stops_at_truncated_bytes(void **state)
{
    Chunk *chunk = chunk_new(STR("t"), 0, NULL);
    Record record = {STR("key"), STR("value"), STR("\1h\2v"), 1, 0};
    Record got;

    (void)state;
    chunk_append(chunk, &record);
    for (size_t len = 0; len < chunk->bytes.len; len++) {
        /* A heap copy of the exact length, so that a sanitizer sees a read behind it. */
        char       *copy = mem_alloc(len ? len : 1);
        ChunkCursor cursor;

        memcpy(copy, chunk->bytes.ptr, len);
        cursor = chunk_cursor((Str){copy, len}, 0);
        assert_false(chunk_next(&cursor, &got));
        mem_free(copy);
    }
    chunk_free(chunk);
}

static void header_next_gives_names_and_values_in_order(void **state)
{
    Buf headers = buf_in(test_arena(state));
    Str rest, name, value;

    header_append(&headers, STR("a"), STR("1"));
    header_append(&headers, STR("b"), STR_NULL);
    header_append(&headers, STR("a"), STR(""));
    rest = buf_view(&headers);
    assert_true(header_next(&rest, &name, &value));
    assert_str(name, STR("a"));
    assert_str(value, STR("1"));
    assert_true(header_next(&rest, &name, &value));
    assert_str(name, STR("b"));
    assert_null(value.ptr);
    assert_true(header_next(&rest, &name, &value));
    assert_str(value, STR(""));
    assert_false(header_next(&rest, &name, &value));
}

static void header_next_ends_at_malformed_bytes(void **state)
{
    Str name, value;

    (void)state;
    for (Str rest = STR("\xff\xff\xff\xff\x7f"); header_next(&rest, &name, &value);)
        fail();
    for (Str rest = STR("\1"); header_next(&rest, &name, &value);)
        fail();
    for (Str rest = STR("\1a\x20v"); header_next(&rest, &name, &value);)
        fail();
}

/* The signed hashes that Kafka's Java client gives. */
static void partition_of_key_is_that_of_java_producers(void **state)
{
    static const struct {
        const char *key;
        int32_t     murmur2;
    } known[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t positive = (uint32_t)known[i].murmur2 & 0x7fffffff;

        assert_int_equal(partition_of_key(str_from(known[i].key), UINT32_MAX), positive);
        assert_int_equal(partition_of_key(str_from(known[i].key), 7), positive % 7);
    }
    assert_int_equal(partition_of_key(STR("any"), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(chunk_gives_back_what_was_appended),
        arena_test(chunk_continues_in_the_memory_of_a_freed_one),
        arena_test(chunk_record_is_written_in_place_or_taken_back),
        arena_test(chunk_cursor_stops_at_truncated_bytes),
        arena_test(header_next_gives_names_and_values_in_order),
        arena_test(header_next_ends_at_malformed_bytes),
        arena_test(partition_of_key_is_that_of_java_producers),
    };
    return cmocka_run_group_tests(tests, arena_group_setup, arena_group_teardown);
}
