/*
 * fuzz_utf8.c -- any bytes at all through the UTF-8 functions: their answers agree, and text that
 * was repaired is valid.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *test_mem = arena_new(0);
    Str    s = {(const char *)data, size};
    Str    repaired = utf8_replace_invalid(test_mem, s);
    size_t units = 0;
    size_t offset = 0;

    assert(utf8_is_valid(repaired));
    assert(utf8_valid_prefix(s) <= size);
    assert(utf8_is_valid(s) == (repaired.ptr == s.ptr));
    assert(utf8_width(s) <= 2 * size);

    while (offset < s.len) {
        bool     splits;
        size_t   start = offset;
        uint32_t code_point = utf8_next(s, &offset);

        assert(offset > start && offset <= s.len);
        assert(utf8_offset_of_utf16(s, units, &splits) == start && !splits);
        if (code_point >= 0x10000)
            assert(utf8_offset_of_utf16(s, units + 1, &splits) == start && splits);
        units += code_point >= 0x10000 ? 2 : 1;
        /* The search above is linear: long inputs would only be slow. */
        if (units > 256)
            break;
    }
    if (offset == s.len)
        assert(utf8_len_utf16(s) == units);
    arena_free(test_mem);
    return 0;
}
