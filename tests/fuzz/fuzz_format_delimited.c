/*
 * fuzz_format_delimited.c -- any bytes at all as a DELIMITED record; the first byte chooses the
 * delimiter.  What decodes encodes again, and comes back equal.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "common/limit.h"
#include "exec/format.h"

enum { COLUMNS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = ",|\t $-";
    Arena            *mem = arena_new(0);
    Column            cols[COLUMNS] = {{.name = STR("A"), .type = &type_string},
                                       {.name = STR("B"), .type = &type_double},
                                       {.name = STR("C"), .type = type_decimal(mem, 10, 3)},
                                       {.name = STR("D"), .type = &type_bytes}};
    FormatSide        side = {.spec = {.kind = FORMAT_DELIMITED}, .cols = cols, .len = COLUMNS};
    Value             first[COLUMNS], again[COLUMNS];
    Decoder          *decoder = NULL;
    Encoder          *encoder = NULL;
    Buf               out = buf_in(mem);
    bool              is_null = false, is_blank = true;
    Str               text;
    Err               err;
    ErrCode           rc;

    if (g_limits.nesting == 0)
        limits_init(&g_limits);
    side.len = size > 1 && data[1] % 2 ? COLUMNS : 1;
    side.spec.delimiter = delimiters[size > 0 ? data[0] % 6 : 0];
    text = size > 0 ? (Str){(const char *)data + 1, size - 1} : STR("");
    rc = decoder_open(mem, &side, NULL, &decoder, &err);
    assert(rc == ERR_OK);
    rc = encoder_open(mem, &side, &encoder, &err);
    assert(rc == ERR_OK);

    rc = decoder_run(decoder, text, first, mem, &is_null, &err);
    if (rc == ERR_OK) {
        for (uint32_t i = 0; i < side.len; i++)
            is_blank = is_blank && value_is_null(first[i]);
        rc = encoder_run(encoder, first, &out, &is_null, &err);
        assert(rc == ERR_OK && (!is_null || is_blank));
        if (!is_null) {
            rc = decoder_run(decoder, buf_view(&out), again, mem, &is_null, &err);
            assert(rc == ERR_OK);
            for (uint32_t i = 0; i < side.len; i++)
                assert(value_eq(first[i], again[i]));
        }
    }
    arena_free(mem);
    return 0;
}
