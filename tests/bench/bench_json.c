/*
 * bench_json.c -- what JSON costs: orders of 190 bytes read and written on one core.
 *
 * The orders differ in all fields, one is nested; "4 of 8 fields" is what a projection reads, the
 * rest being validated and skipped.
 */
#include <stdlib.h>

#include "common/json.h"
#include "tests/bench/bench.h"

enum { ORDERS = 20000, ROUNDS = 10 };

typedef struct Orders {
    Str    texts[ORDERS];
    Arena *batch_mem;
    Buf    out;
} Orders;

/* Does its work once; gives how many orders or numbers that were. */
typedef int64_t OrdersFn(Orders *orders);

typedef struct Measure {
    OrdersFn *fn;
    Orders   *orders;
} Measure;

static double measure(void *arg)
{
    const Measure *self = arg;
    double         begin_s = bench_now_s();
    int64_t        done = self->fn(self->orders);

    return (double)done / (bench_now_s() - begin_s);
}

/* Keeps the compiler from dropping work whose result nobody reads. */
static void use(uint64_t result)
{
    __asm__ volatile("" : : "r"(result) : "memory");
}

static const char *const cities[] = {"Amsterdam", "Lisbon", "Graz", "Thessaloniki"};

static void orders_init(Orders *orders, Arena *arena)
{
    for (int i = 0; i < ORDERS; i++) {
        orders->texts[i] = str_printf(
            arena,
            "{\"order_id\":%d,\"customer\":\"customer-%05d\",\"amount\":%d.%02d,\"quantity\":%d,"
            "\"express\":%s,\"address\":{\"city\":\"%s\",\"zip\":\"%05d\"},"
            "\"note\":\"please ring twice!\",\"ts\":%lld}",
            1000000 + i, i * 7 % 99991, i % 900 + 10, i % 100, i % 9 + 1, i % 2 ? "true" : "false",
            cities[i % 4], i * 31 % 99999, 1700000000000LL + i);
    }
    orders->batch_mem = arena_new(0);
    orders->out = (Buf){0};
}

static int64_t scan_bytes(Orders *orders)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            uint64_t sum = 0;

            for (size_t at = 0; at < orders->texts[i].len; at++)
                sum += (unsigned char)orders->texts[i].ptr[at];
            use(sum);
        }
    }
    return (int64_t)ORDERS * ROUNDS;
}

static int64_t skip_orders(Orders *orders)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            JsonScan scan;

            json_scan_init(&scan, orders->texts[i]);
            if (!json_skip(&scan, NULL) || !json_at_end(&scan))
                abort();
            use((uint64_t)(scan.at - scan.begin));
        }
    }
    return (int64_t)ORDERS * ROUNDS;
}

static bool read_address(JsonScan *scan, Str *city)
{
    bool is_first = true, has_escape;
    Str  name;

    if (!json_enter(scan))
        return false;
    while (json_next_member(scan, &is_first, &name, &has_escape)) {
        if (!(str_eq(name, STR("city")) ? json_string(scan, city, &has_escape)
                                        : json_skip(scan, NULL)))
            return false;
    }
    return !scan->why;
}

static bool read_order(Str text, int64_t *id, Str *customer, double *amount, Str *city)
{
    JsonScan scan;
    bool     is_first = true, flag, ok;
    Str      name, number;

    json_scan_init(&scan, text);
    if (!json_enter(&scan))
        return false;
    while (json_next_member(&scan, &is_first, &name, &flag)) {
        if (str_eq(name, STR("order_id")))
            ok = json_number(&scan, &number, &flag) && str_to_i64(number, id);
        else if (str_eq(name, STR("customer")))
            ok = json_string(&scan, customer, &flag);
        else if (str_eq(name, STR("amount")))
            ok = json_number(&scan, &number, &flag) && value_parse_double(number, amount);
        else if (str_eq(name, STR("address")))
            ok = read_address(&scan, city);
        else
            ok = json_skip(&scan, NULL);
        if (!ok)
            return false;
    }
    return json_at_end(&scan);
}

static int64_t read_orders(Orders *orders)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            int64_t id = 0;
            double  amount = 0;
            Str     customer = STR_NULL, city = STR_NULL;

            if (!read_order(orders->texts[i], &id, &customer, &amount, &city))
                abort();
            use((uint64_t)id + customer.len + city.len + (uint64_t)amount);
        }
    }
    return (int64_t)ORDERS * ROUNDS;
}

static int64_t parse_trees(Orders *orders)
{
    for (int i = 0; i < ORDERS; i++) {
        Json *json;
        Err   err;

        arena_reset(orders->batch_mem);
        if (json_parse(orders->batch_mem, orders->texts[i], &json, &err) != ERR_OK)
            abort();
        use(json->len);
    }
    return ORDERS;
}

static int64_t write_orders(Orders *orders)
{
    for (int round = 0; round < ROUNDS; round++) {
        buf_clear(&orders->out);
        for (int i = 0; i < ORDERS; i++) {
            buf_c(&orders->out, "{\"ORDER_ID\":");
            buf_i64(&orders->out, 1000000 + i);
            buf_c(&orders->out, ",\"CUSTOMER\":");
            json_put_string(&orders->out, STR("customer-12345"));
            buf_c(&orders->out, ",\"AMOUNT\":");
            json_put_double(&orders->out, (double)(i + 1000) / 100);
            buf_c(&orders->out, ",\"CITY\":");
            json_put_string(&orders->out, str_from(cities[i % 4]));
            buf_put(&orders->out, '}');
        }
        use(orders->out.len);
    }
    return (int64_t)ORDERS * ROUNDS;
}

/* Amounts of two decimals, and doubles that need all their digits. */
static int64_t print_doubles(Orders *orders, double divisor)
{
    for (int round = 0; round < ROUNDS; round++) {
        buf_clear(&orders->out);
        for (int i = 0; i < ORDERS; i++)
            value_print_double(&orders->out, (double)(i + 1000) / divisor);
        use(orders->out.len);
    }
    return (int64_t)ORDERS * ROUNDS;
}

static int64_t print_amounts(Orders *orders)
{
    return print_doubles(orders, 100);
}

static int64_t print_thirds(Orders *orders)
{
    return print_doubles(orders, 3.3);
}

static int64_t parse_thirds(Orders *orders)
{
    static char texts[ORDERS][32];

    (void)orders;

    for (int i = 0; i < ORDERS && !texts[i][0]; i++)
        snprintf(texts[i], sizeof texts[i], "%.17g", (double)(i + 1000) / 3.3);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ORDERS; i++) {
            double d = 0;

            if (!value_parse_double(str_from(texts[i]), &d))
                abort();
            use((uint64_t)d);
        }
    }
    return (int64_t)ORDERS * ROUNDS;
}

static const struct {
    const char *what;
    const char *unit;
    OrdersFn   *fn;
} rows[] = {
    {"calibration: sum of the same bytes", "orders/s", scan_bytes},
    {"validate and skip", "orders/s", skip_orders},
    {"read 4 of 8 fields, one nested", "orders/s", read_orders},
    {"parse into a tree", "orders/s", parse_trees},
    {"write 4 fields", "orders/s", write_orders},
    {"print doubles of two decimals", "values/s", print_amounts},
    {"print doubles of all digits", "values/s", print_thirds},
    {"parse doubles of all digits", "values/s", parse_thirds},
};

int main(void)
{
    Arena  *test_mem = arena_new(0);
    Orders *orders = MEM_NEW(Orders);

    orders_init(orders, test_mem);
    bench_head("JSON orders of 190 bytes, one core");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Measure arg = {rows[i].fn, orders};

        bench_row(rows[i].what, rows[i].unit, measure, &arg);
    }
    arena_free(orders->batch_mem);
    buf_deinit(&orders->out);
    mem_free(orders);
    arena_free(test_mem);
    return 0;
}
