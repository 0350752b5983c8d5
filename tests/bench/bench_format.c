/*
 * bench_format.c -- records a second of one core's time: decoding and encoding of orders.
 *
 * An order is about 190 bytes of JSON with eight fields; four of them are wanted, one nested.
 */
#include "tests/bench/bench.h"

#include "common/limit.h"
#include "exec/format.h"

enum { ORDERS = 20000, ROUNDS = 10, COLUMNS = 8, COLUMNS_OUT = 4 };

typedef struct Bench {
    Arena   *mem;
    Arena   *batch_mem;
    Str     *orders;
    size_t   bytes;
    Decoder *decoder;
    Encoder *encoder;
    Value    row[COLUMNS];
    Buf      out;
} Bench;

static void check(ErrCode rc, const Err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static void orders_make(Bench *bench)
{
    bench->orders = ARENA_ARRAY(bench->mem, Str, ORDERS);
    for (int i = 0; i < ORDERS; i++) {
        bench->orders[i] =
            str_printf(bench->mem,
                       "{\"ORDERTIME\":%lld,\"ORDERID\":%d,\"ITEMID\":\"Item_%d\","
                       "\"ORDERUNITS\":"
                       "%d.%d,\"CUSTOMER\":\"customer-%d\",\"STATUS\":\"NEW\",\"PRIORITY\":%d,"
                       "\"ADDRESS\":{\"CITY\":\"City_%d\",\"STATE\":\"CA\",\"ZIPCODE\":%d}}",
                       1700000000000LL + i, i, i % 997, i % 10, i % 7, i % 1000, i % 5, i % 99,
                       10000 + i % 9999);
        bench->bytes += bench->orders[i].len;
    }
}

static FormatSide side_of(const Column *cols, uint32_t len, FormatKind kind)
{
    return (FormatSide){
        .spec = {.kind = kind, .is_wrapped = true, .delimiter = ','}, .cols = cols, .len = len};
}

static const TypeField address_fields[] = {
    {STR("CITY"), &type_string}, {STR("STATE"), &type_string}, {STR("ZIPCODE"), &type_bigint}};

static void codecs_open(Bench *bench)
{
    static const bool is_wanted[COLUMNS] = {false, true, true, true, false, false, false, true};
    const Type       *struct_type = type_struct(bench->mem, address_fields, 3);
    Column            cols[COLUMNS] = {
                   {.name = STR("ORDERTIME"), .type = &type_bigint},
                   {.name = STR("ORDERID"), .type = &type_int},
                   {.name = STR("ITEMID"), .type = &type_string},
                   {.name = STR("ORDERUNITS"), .type = &type_double},
                   {.name = STR("CUSTOMER"), .type = &type_string},
                   {.name = STR("STATUS"), .type = &type_string},
                   {.name = STR("PRIORITY"), .type = &type_int},
                   {.name = STR("ADDRESS"), .type = struct_type},
    };
    Column     cols_out[COLUMNS_OUT] = {cols[1], cols[2], cols[3], cols[7]};
    FormatSide in = side_of(cols, COLUMNS, FORMAT_JSON);
    FormatSide out = side_of(cols_out, COLUMNS_OUT, FORMAT_JSON);
    Err        err;

    check(decoder_open(bench->mem, &in, is_wanted, &bench->decoder, &err), &err);
    check(encoder_open(bench->mem, &out, &bench->encoder, &err), &err);
}

static double run_scan(void *arg)
{
    Bench *bench = arg;
    double started = bench_cpu_s();
    size_t found = 0;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++)
            found += memchr(bench->orders[i].ptr, '\n', bench->orders[i].len) != NULL;
    }
    if (found > 0)
        exit(1);
    return ROUNDS * ORDERS / (bench_cpu_s() - started);
}

static double run_decode(void *arg)
{
    Bench *bench = arg;
    double started = bench_cpu_s();
    bool   is_null;
    Err    err;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            if (i % 1024 == 0)
                arena_reset(bench->batch_mem);
            check(decoder_run(bench->decoder, bench->orders[i], bench->row, bench->batch_mem,
                              &is_null, &err),
                  &err);
        }
    }
    return ROUNDS * ORDERS / (bench_cpu_s() - started);
}

static double run_encode(void *arg)
{
    Bench *bench = arg;
    Value  row[COLUMNS_OUT] = {bench->row[1], bench->row[2], bench->row[3], bench->row[7]};
    double started = bench_cpu_s();
    bool   is_null;
    Err    err;

    for (int i = 0; i < ROUNDS * ORDERS; i++) {
        if (bench->out.len > 65536)
            buf_clear(&bench->out);
        row[0].u.i = i;
        check(encoder_run(bench->encoder, row, &bench->out, &is_null, &err), &err);
    }
    return ROUNDS * ORDERS / (bench_cpu_s() - started);
}

static double run_both(void *arg)
{
    Bench *bench = arg;
    double started = bench_cpu_s();
    bool   is_null;
    Err    err;

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            Value row[COLUMNS_OUT];

            if (i % 1024 == 0)
                arena_reset(bench->batch_mem);
            if (bench->out.len > 65536)
                buf_clear(&bench->out);
            check(decoder_run(bench->decoder, bench->orders[i], bench->row, bench->batch_mem,
                              &is_null, &err),
                  &err);
            row[0] = bench->row[1];
            row[1] = bench->row[2];
            row[2] = bench->row[3];
            row[3] = bench->row[7];
            check(encoder_run(bench->encoder, row, &bench->out, &is_null, &err), &err);
        }
    }
    return ROUNDS * ORDERS / (bench_cpu_s() - started);
}

int main(void)
{
    Bench bench = {.mem = arena_new(1 << 20), .batch_mem = arena_new(65536)};

    limits_init(&g_limits);
    orders_make(&bench);
    codecs_open(&bench);
    printf("orders of %zu bytes\n", bench.bytes / ORDERS);
    bench_head("formats, one core");
    bench_row("calibration: scan of the same bytes", "records/s", run_scan, &bench);
    bench_row("JSON decode, 4 of 8 fields, one nested", "records/s", run_decode, &bench);
    bench_row("JSON encode, 4 fields, one nested", "records/s", run_encode, &bench);
    bench_row("JSON decode and encode", "records/s", run_both, &bench);
    buf_deinit(&bench.out);
    arena_free(bench.batch_mem);
    arena_free(bench.mem);
    return 0;
}
