/*
 * bench_statements.c -- what statements cost: 1 000 queries over a source of 200 columns.
 *
 * Each statement is parsed, planned, logged and started by the engine of this process, in memory.
 * The time is CPU time.  Memory is what the catalog uses, and what the process holds more
 * than before, by query: each runs, with a decoder for its 200 columns.
 */
#include "tests/bench/bench.h"

#include <unistd.h>

#include "parser/parser.h"
#include "server/engine.h"

enum { QUERIES = 1000, COLUMNS = 200, SECONDS_MAX = 2, QUERY_KB_MAX = 64 };

typedef struct World {
    Arena     *mem; /* of the statement under way */
    Engine    *engine;
    Properties props;
    Clock      clock;
    Session    session;
} World;

static void die(const char *sql, const Err *err)
{
    fprintf(stderr, "%s: %s\n", sql, err->msg);
    exit(1);
}

static void run(World *world, const char *sql)
{
    AstStmtList   stmts;
    CommandResult result;
    Err           err;

    if (parser_parse(world->mem, str_from(sql), (ParserOpts){0}, &stmts, &err) != ERR_OK ||
        engine_execute(world->engine, &world->session, stmts.items[0], world->mem, &result, &err) !=
            ERR_OK)
        die(sql, &err);
    if (result.is_failed)
        die(sql, &(Err){.msg = "failed"});
}

static double resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long  total, pages;

    if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2)
        exit(1);
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void open_world(World *world, Arena *mem)
{
    EngineOpts opts = {.props = &world->props, .clock = &world->clock, .is_inline = true};
    Err        err;

    world->mem = mem;
    clock_fake_init(&world->clock, 1000);
    properties_init(&world->props, mem, NULL);
    if (engine_open(&opts, &world->engine, &err) != ERR_OK)
        die("open", &err);
    session_init(&world->session, mem, world->engine);
}

static void create_source(World *world)
{
    Buf sql = buf_in(world->mem);

    buf_c(&sql, "CREATE STREAM orders (id STRING KEY");
    for (int i = 0; i < COLUMNS; i++)
        buf_printf(&sql, ", c%d %s", i, i % 3 ? "STRING" : "DECIMAL(10, 2)");
    buf_c(&sql, ") WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');");
    run(world, str_to_c(world->mem, buf_view(&sql)));
}

/* Milliseconds of all statements; each has a predicate and expressions, one in ten all columns. */
static double create_queries(World *world)
{
    Arena *mem = world->mem, *stmt_mem = arena_new(0);
    double begin = bench_cpu_s();

    world->mem = stmt_mem;
    for (int i = 0; i < QUERIES; i++) {
        Str sql =
            i % 10 == 0
                ? str_printf(stmt_mem, "CREATE STREAM s%d AS SELECT * FROM orders WHERE c0 > %d;",
                             i, i)
                : str_printf(stmt_mem,
                             "CREATE STREAM s%d AS SELECT id, c%d AS a, UCASE(c%d) AS b, "
                             "c%d * 1.19 AS c FROM orders WHERE c%d LIKE '%%x%%' AND c0 > %d;",
                             i, i % COLUMNS, 1 + i % 60 * 3, i % 60 * 3, 1 + i % 60 * 3, i);

        run(world, str_to_c(stmt_mem, sql));
        arena_reset(stmt_mem);
    }
    world->mem = mem;
    arena_free(stmt_mem);
    return (bench_cpu_s() - begin) * 1000;
}

/* What the plans hold: the rest is the queries that run them. */
static double planned_kb(World *world)
{
    Catalog *catalog = engine_catalog(world->engine);
    size_t   bytes = 0;

    for (size_t i = 0; i < catalog_queries_len(catalog); i++)
        bytes += arena_used(catalog_query_at(catalog, i)->mem);
    for (size_t i = 0; i < catalog_sources_len(catalog); i++)
        bytes += arena_used(catalog_source_at(catalog, i)->mem);
    catalog_unref(catalog);
    return (double)bytes / 1024;
}

int main(void)
{
    Arena *mem = arena_new(0);
    World  world = {0};
    double before, ms, kb;

    open_world(&world, mem);
    create_source(&world);
    before = resident_kb();
    ms = create_queries(&world);
    kb = (resident_kb() - before) / QUERIES;
    bench_head("1 000 CREATE STREAM AS over 200 columns");
    printf("%-52s %14.0f ms, at most %d\n", "parse, plan, start", ms, SECONDS_MAX * 1000);
    printf("%-52s %14.1f KB, at most %d\n", "memory of a query's plan and its sink",
           planned_kb(&world) / QUERIES, QUERY_KB_MAX);
    printf("%-52s %14.1f KB\n", "memory of a query that runs", kb);
    engine_close(world.engine);
    arena_free(mem);
    return 0;
}
