/*
 * fuzz_json.c -- any bytes at all as JSON: skipping and the tree agree on what is valid, and what
 * is printed again reads as the same.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "common/json.h"
#include "common/utf8.h"

static Str printed(Arena *arena, const Json *json)
{
    Buf out = buf_in(arena);

    json_print(&out, json);
    return buf_view(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena   *test_mem = arena_new(0);
    Str      text = {(const char *)data, size}, skipped, once, twice;
    JsonScan scan;
    bool     is_valid;
    Json    *json;
    Err      err;

    json_scan_init(&scan, text);
    is_valid = json_skip(&scan, &skipped) && json_at_end(&scan);
    assert(scan.at >= scan.begin && scan.at <= scan.end);
    assert((json_parse(test_mem, text, &json, &err) == ERR_OK) == is_valid);
    if (is_valid) {
        assert(skipped.len <= size);
        once = printed(test_mem, json);
        assert(utf8_is_valid(once));
        assert(json_parse(test_mem, once, &json, &err) == ERR_OK);
        twice = printed(test_mem, json);
        assert(str_eq(once, twice));
    }
    arena_free(test_mem);
    return 0;
}
