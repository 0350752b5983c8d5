/*
 * fuzz_format_json.c -- any bytes at all as a JSON record.
 *
 * What decodes encodes again, and comes back equal.  Decoding a second time, when the layout of
 * the first has been learned, must give the same as the first; and which columns are wanted must
 * not decide whether the record is good.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "common/limit.h"
#include "exec/format.h"

enum { COLUMNS = 12 };

static FormatSide side_make(Arena *mem)
{
    static const char *const names[COLUMNS] = {"A", "B", "C", "D", "E", "F",
                                               "G", "H", "I", "J", "K", "L"};
    Column                  *cols = ARENA_ARRAY(mem, Column, COLUMNS);
    TypeField fields[] = {{STR("X"), &type_int}, {STR("y"), type_array(mem, &type_string)}};

    cols[0].type = &type_boolean;
    cols[1].type = &type_int;
    cols[2].type = &type_bigint;
    cols[3].type = &type_double;
    cols[4].type = type_decimal(mem, 10, 3);
    cols[5].type = &type_string;
    cols[6].type = &type_bytes;
    cols[7].type = &type_date;
    cols[8].type = &type_time;
    cols[9].type = type_array(mem, &type_bigint);
    cols[10].type = type_map(mem, &type_string, &type_double);
    cols[11].type = type_struct(mem, fields, 2);
    for (int i = 0; i < COLUMNS; i++)
        cols[i].name = str_from(names[i]);
    return (FormatSide){
        .spec = {.kind = FORMAT_JSON, .is_wrapped = true}, .cols = cols, .len = COLUMNS};
}

static void assert_same(const Value *a, const Value *b)
{
    for (int i = 0; i < COLUMNS; i++)
        assert(value_eq(a[i], b[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const bool only_b[COLUMNS] = {false, true};
    Arena            *mem = arena_new(0);
    FormatSide        side = side_make(mem);
    Str               text = {(const char *)data, size};
    Value             first[COLUMNS], again[COLUMNS];
    Decoder          *decoder = NULL, *narrow = NULL;
    Encoder          *encoder = NULL;
    Buf               out = buf_in(mem);
    bool              is_null = false, is_null_again = false;
    Err               err;
    ErrCode           rc;

    if (g_limits.nesting == 0)
        limits_init(&g_limits);
    rc = decoder_open(mem, &side, NULL, &decoder, &err);
    assert(rc == ERR_OK);
    rc = decoder_open(mem, &side, only_b, &narrow, &err);
    assert(rc == ERR_OK);
    rc = encoder_open(mem, &side, &encoder, &err);
    assert(rc == ERR_OK);

    rc = decoder_run(decoder, text, first, mem, &is_null, &err);
    assert(decoder_run(decoder, text, again, mem, &is_null_again, &err) == rc);
    assert(decoder_run(narrow, text, again, mem, &is_null_again, &err) == rc);
    if (rc == ERR_OK && !is_null) {
        rc = decoder_run(decoder, text, again, mem, &is_null, &err);
        assert(rc == ERR_OK);
        assert_same(first, again);
        rc = encoder_run(encoder, first, &out, &is_null, &err);
        assert(rc == ERR_OK && !is_null);
        rc = decoder_run(decoder, buf_view(&out), again, mem, &is_null, &err);
        assert(rc == ERR_OK);
        assert_same(first, again);
    }
    arena_free(mem);
    return 0;
}
