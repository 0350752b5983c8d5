/*
 * test.c -- finds the files, runs their cases, counts.
 */
#include "cli/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/exit_code.h"
#include "cli/test_run.h"
#include "common/vec.h"

typedef struct TestTotals {
    bool   is_verbose;
    Str    bootstrap_servers; /* STR_NULL: in memory */
    size_t passed, failed;
    size_t left_out[TEST_KAFKA_KINDS];
} TestTotals;

typedef VEC(Str) Paths;

static const char usage[] =
    "usage: weir test [--verbose] [--bootstrap-servers HOST:PORT] FILE|FOLDER...\n"
    "Runs the cases of *.test files on an engine in memory, without a server.\n"
    "\n"
    "  --verbose                      name the cases that pass, too\n"
    "  --bootstrap-servers HOST:PORT  run them on an empty Kafka broker; its topics are deleted\n"
    "\n"
    "A file holds statements, input records, and the records, rows or errors that must come of\n"
    "them.  Exit code: 0 all passed, 1 one failed, 2 wrong usage.\n";

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

/* The *.test files of a folder and of those in it, sorted. */
static bool add_folder(Arena *mem, Str path, Paths *out)
{
    DIR           *dir = opendir(str_to_c(mem, path));
    struct dirent *entry;
    Paths          names = {0};
    bool           ok = true;

    if (!dir) {
        fprintf(stderr, "could not open folder \"%.*s\": %s\n", STR_ARG(path), strerror(errno));
        return false;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            vec_push(mem, &names, str_printf(mem, "%.*s/%s", STR_ARG(path), entry->d_name));
    }
    closedir(dir);
    if (names.len > 0)
        qsort(names.items, names.len, sizeof *names.items, by_name);
    for (size_t i = 0; i < names.len && ok; i++) {
        struct stat st;

        if (stat(names.items[i].ptr, &st) == 0 && S_ISDIR(st.st_mode))
            ok = add_folder(mem, names.items[i], out);
        else if (str_ends(names.items[i], STR(".test")))
            vec_push(mem, out, names.items[i]);
    }
    return ok;
}

static bool add_path(Arena *mem, const char *path, Paths *out)
{
    struct stat st;
    Str         text = str_from(path);

    if (stat(path, &st) != 0) {
        fprintf(stderr, "could not find \"%s\": %s\n", path, strerror(errno));
        return false;
    }
    while (text.len > 1 && text.ptr[text.len - 1] == '/')
        text.len--;
    if (S_ISDIR(st.st_mode))
        return add_folder(mem, text, out);
    vec_push(mem, out, text);
    return true;
}

static void run_case(const TestFile *file, const TestCase *test, TestTotals *totals)
{
    Arena      *mem;
    TestOutcome outcome;
    TestKafka   on_kafka = totals->bootstrap_servers.ptr ? test_on_kafka(test) : TEST_KAFKA_RUNS;

    if (on_kafka != TEST_KAFKA_RUNS) {
        totals->left_out[on_kafka]++;
        return;
    }
    mem = arena_new(0);
    test_run(mem, file, test, totals->bootstrap_servers, &outcome);
    if (outcome.has_passed) {
        totals->passed++;
        if (totals->is_verbose)
            printf("ok   %.*s:%u: %.*s\n", STR_ARG(file->path), test->line, STR_ARG(test->name));
    } else {
        totals->failed++;
        printf("FAIL %.*s:%u: %.*s\n%.*s\n\n", STR_ARG(file->path), outcome.line,
               STR_ARG(test->name), STR_ARG(outcome.message));
    }
    fflush(stdout);
    arena_free(mem);
}

static void run_file(Str path, TestTotals *totals)
{
    Arena   *mem = arena_new(0);
    TestFile file;
    Err      err;

    if (test_file_read(mem, path, &file, &err) != ERR_OK) {
        printf("FAIL %s\n\n", err.msg);
        totals->failed++;
    } else {
        for (size_t i = 0; i < file.len; i++)
            run_case(&file, &file.cases[i], totals);
    }
    arena_free(mem);
}

static void print_totals(const TestTotals *totals)
{
    const size_t *left_out = totals->left_out;

    printf("%zu passed, %zu failed", totals->passed, totals->failed);
    if (totals->bootstrap_servers.ptr)
        printf(", left out: %zu that look at answers, %zu without output, %zu that set the clock, "
               "%zu with INSERT INTO ... SELECT",
               left_out[TEST_KAFKA_ANSWERS], left_out[TEST_KAFKA_NO_OUTPUT],
               left_out[TEST_KAFKA_CLOCK], left_out[TEST_KAFKA_WRITERS]);
    printf("\n");
}

int test_main(int argc, char *const *argv)
{
    Arena     *mem = arena_new(0);
    Paths      paths = {0};
    TestTotals totals = {0};
    bool       is_usage = argc < 2;

    for (int i = 1; i < argc && !is_usage; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            arena_free(mem);
            return EXIT_CODE_OK;
        }
        if (strcmp(argv[i], "--verbose") == 0)
            totals.is_verbose = true;
        else if (strcmp(argv[i], "--bootstrap-servers") == 0 && i + 1 < argc)
            totals.bootstrap_servers = str_from(argv[++i]);
        else
            is_usage = argv[i][0] == '-' || !add_path(mem, argv[i], &paths);
    }
    if (is_usage || paths.len == 0) {
        fputs(is_usage ? usage : "no *.test file found\n", stderr);
        arena_free(mem);
        return EXIT_CODE_USAGE;
    }
    for (size_t i = 0; i < paths.len; i++)
        run_file(paths.items[i], &totals);
    print_totals(&totals);
    arena_free(mem);
    return totals.failed ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}
