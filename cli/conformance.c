/*
 * conformance.c -- weir-conformance: runs files of cases against the engine and counts.
 *
 *     weir-conformance [--format core|registry|all] [--filter REGEX] [--without REGEX]
 *                      [--list-failures] [--verbose] PATH...
 *
 * A case runs once for each of its formats and configurations.  A file in a folder "rest" (or whose
 * cases have responses) is run through the REST API, others by their statements alone.  The closing
 * line is "N passed, N failed, N skipped"; the exit code is 1 when anything failed.
 */
#include "cli/conformance.h"

#include <dirent.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/vec.h"

typedef enum FormatChoice { CHOICE_CORE, CHOICE_REGISTRY, CHOICE_ALL } FormatChoice;

typedef struct Failure {
    Str         id;
    CaseFailure why;
} Failure;

typedef struct Options {
    FormatChoice formats;
    regex_t      filter, without;
    bool         has_filter, has_without;
    bool         lists_failures, is_verbose;
} Options;

typedef struct Runner {
    Options options;
    Arena  *mem; /* names and failures */
    VEC(Str) files;
    VEC(Failure) failures;
    size_t passed, failed, skipped;
} Runner;

/* --- which runs ------------------------------------------------------------------------------- */

static bool is_registry_format(Str name)
{
    static const char *const names[] = {"AVRO", "JSON_SR", "PROTOBUF", "PROTOBUF_NOSR"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    }
    return false;
}

static bool word_at(Str text, size_t at, size_t len)
{
    bool starts = at == 0 || !(text.ptr[at - 1] == '_' || (text.ptr[at - 1] | 32) >= 'a');
    bool ends = at + len == text.len ||
                !(text.ptr[at + len] == '_' ||
                  ((text.ptr[at + len] | 32) >= 'a' && (text.ptr[at + len] | 32) <= 'z'));

    return starts && ends;
}

/* Whether the statements name a format of the registry: FORMAT='AVRO' in any spelling. */
static bool uses_registry(const CaseRun *run)
{
    static const char *const names[] = {"'AVRO'", "'JSON_SR'", "'PROTOBUF'", "'PROTOBUF_NOSR'"};
    const Json              *statements = json_get(run->test, STR("statements"));

    if (run->format.ptr && is_registry_format(run->format))
        return true;
    for (size_t i = 0; statements && i < statements->len; i++) {
        Str sql = str_upper_ascii(run->mem, case_text(run, statements->u.items[i]->text));

        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            ptrdiff_t at = str_find(sql, str_from(names[j]), 0);

            if (at >= 0 && word_at(sql, (size_t)at + 1, strlen(names[j]) - 2))
                return true;
        }
    }
    return false;
}

static bool any_statement_matches(const CaseRun *run, const regex_t *regex)
{
    const Json *statements = json_get(run->test, STR("statements"));

    for (size_t i = 0; statements && i < statements->len; i++) {
        Str sql = case_text(run, statements->u.items[i]->text);

        if (regexec(regex, str_to_c(run->mem, sql), 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

/* False: not chosen, and not counted.  *skips: chosen, but this build cannot run it. */
static bool is_chosen(const Runner *runner, const CaseRun *run, Str id, bool *skips)
{
    const Options *options = &runner->options;
    bool           is_registry = uses_registry(run);

    *skips = false;
    if (options->has_filter && regexec(&options->filter, str_to_c(run->mem, id), 0, NULL, 0) != 0)
        return false;
    if (options->has_without && any_statement_matches(run, &options->without))
        return false;
    if (is_registry && options->formats == CHOICE_CORE)
        return false;
    if (!is_registry && options->formats == CHOICE_REGISTRY)
        return false;
    *skips = is_registry;
    return true;
}

/* --- one run ---------------------------------------------------------------------------------- */

static void note_failure(Runner *runner, Str id, const CaseFailure *why)
{
    Failure failure = {str_copy(runner->mem, id),
                       {str_copy(runner->mem, why->cause), str_copy(runner->mem, why->detail)}};

    runner->failed++;
    vec_push(runner->mem, &runner->failures, failure);
    if (runner->options.is_verbose)
        printf("FAILED %.*s\n    %.*s\n    %.*s\n", STR_ARG(id), STR_ARG(why->cause),
               STR_ARG(why->detail));
}

static void log_nowhere(LogLevel level, const char *line)
{
    (void)level;
    (void)line;
}

/* What is on the way when the process dies is worth knowing. */
static char current_id[512];

static void on_crash(int signal_number)
{
    static const char text[] = "crashed in ";

    if (write(STDERR_FILENO, text, sizeof text - 1) > 0 &&
        write(STDERR_FILENO, current_id, strlen(current_id)) > 0)
        (void)!write(STDERR_FILENO, "\n", 1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run_one(Runner *runner, CaseRun *run, Str file, size_t index, bool is_rest)
{
    Str         name = json_get_str(run->test, STR("name"), STR(""));
    CaseFailure why = {0};
    Str         id;
    bool        skips;

    run->mem = arena_new(0);
    run->is_verbose = runner->options.is_verbose;
    id = str_printf(run->mem, "%.*s[%zu]%s%.*s%s%.*s%s %.*s", STR_ARG(file), index,
                    run->format.ptr ? " " : "", STR_ARG(run->format), run->config.ptr ? " " : "",
                    STR_ARG(run->config), run->is_push_v2 ? " push-v2" : "", STR_ARG(name));
    if (is_chosen(runner, run, id, &skips)) {
        CaseResult result;

        snprintf(current_id, sizeof current_id, "%.*s", STR_ARG(id));
        result = skips     ? CASE_SKIPPED
                 : is_rest ? conformance_rest(run, &why)
                           : conformance_query(run, &why);
        if (result == CASE_PASSED)
            runner->passed++;
        else if (result == CASE_SKIPPED)
            runner->skipped++;
        else
            note_failure(runner, id, &why);
    }
    arena_free(run->mem);
}

static void run_configs(Runner *runner, CaseRun *run, Str file, size_t index, bool is_rest)
{
    const Json *configs = json_get(run->test, STR("config"));

    if (!configs || configs->len == 0) {
        run_one(runner, run, file, index, is_rest);
        return;
    }
    for (size_t i = 0; i < configs->len; i++) {
        run->config = configs->u.items[i]->text;
        run_one(runner, run, file, index, is_rest);
    }
    run->config = STR_NULL;
}

static void run_case(Runner *runner, const Json *test, Str file, size_t index, bool is_rest,
                     bool is_push_v2)
{
    CaseRun     run = {.test = test, .is_push_v2 = is_push_v2};
    const Json *formats = json_get(test, STR("format"));

    if (!formats || formats->len == 0) {
        run_configs(runner, &run, file, index, is_rest);
        return;
    }
    for (size_t i = 0; i < formats->len; i++) {
        run.format = formats->u.items[i]->text;
        run_configs(runner, &run, file, index, is_rest);
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static bool read_file(Str path, Buf *out)
{
    Arena *mem = arena_new(0);
    FILE  *file = fopen(str_to_c(mem, path), "rb");
    size_t got = 1;
    bool   ok = file != NULL;

    while (ok && got > 0) {
        buf_reserve(out, 65536);
        got = fread(out->ptr + out->len, 1, 65536, file);
        out->len += got;
    }
    if (file) {
        ok = !ferror(file);
        fclose(file);
    }
    arena_free(mem);
    return ok;
}

static Str stem_of(Str path)
{
    size_t from = path.len;

    while (from > 0 && path.ptr[from - 1] != '/')
        from--;
    path = str_slice(path, from, path.len);
    return str_ends(path, STR(".json")) ? str_slice(path, 0, path.len - 5) : path;
}

static bool run_file(Runner *runner, Str path)
{
    Arena      *mem = arena_new(0);
    Buf         text = {0};
    Json       *json = NULL;
    const Json *tests;
    Str         stem = stem_of(path);
    bool        is_rest = str_find(path, STR("rest/"), 0) >= 0;
    Err         err = {.msg = "could not be read"};
    bool ok = read_file(path, &text) && json_parse(mem, buf_view(&text), &json, &err) == ERR_OK;

    tests = json_get(json, STR("tests"));
    if (!ok || !tests) {
        fprintf(stderr, "weir-conformance: %.*s: %s\n", STR_ARG(path), err.msg);
        ok = false;
    }
    for (size_t i = 0; ok && i < tests->len; i++) {
        run_case(runner, tests->u.items[i], stem, i, is_rest,
                 is_rest && str_starts(stem, STR("scalable-push")));
    }
    buf_deinit(&text);
    arena_free(mem);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static bool collect(Runner *runner, Str path)
{
    char          *c_path = str_to_c(runner->mem, path);
    struct stat    info;
    struct dirent *entry;
    DIR           *dir;

    if (stat(c_path, &info) != 0) {
        fprintf(stderr, "weir-conformance: could not open \"%s\"\n", c_path);
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        vec_push(runner->mem, &runner->files, path);
        return true;
    }
    dir = opendir(c_path);
    while (dir && (entry = readdir(dir))) {
        Str name = str_printf(runner->mem, "%s/%s", c_path, entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        if (str_ends(name, STR(".json")))
            vec_push(runner->mem, &runner->files, name);
        else if (entry->d_type == DT_DIR && !collect(runner, name))
            return false;
    }
    if (dir)
        closedir(dir);
    return true;
}

/* --- reporting -------------------------------------------------------------------------------- */

static int by_cause(const void *a, const void *b)
{
    int cmp = str_cmp(((const Failure *)a)->why.cause, ((const Failure *)b)->why.cause);

    return cmp ? cmp : str_cmp(((const Failure *)a)->id, ((const Failure *)b)->id);
}

static void list_failures(Runner *runner)
{
    Failure *items = runner->failures.items;
    size_t   len = runner->failures.len;

    qsort(items, len, sizeof *items, by_cause);
    for (size_t i = 0; i < len;) {
        size_t end = i;

        while (end < len && str_eq(items[end].why.cause, items[i].why.cause))
            end++;
        printf("\n%zu x %.*s\n", end - i, STR_ARG(items[i].why.cause));
        for (; i < end; i++)
            printf("  %.*s\n    %.*s\n", STR_ARG(items[i].id), STR_ARG(items[i].why.detail));
    }
}

static int usage(FILE *out, int code)
{
    fputs("usage: weir-conformance [--format core|registry|all] [--filter REGEX]\n"
          "                        [--without REGEX] [--list-failures] [--verbose] PATH...\n"
          "\n"
          "Runs files of conformance cases, or all of a folder, on the engine without sockets.\n",
          out);
    return code;
}

static bool take_regex(const char *text, regex_t *out, bool *has)
{
    /* \b is what people write for a word's edge; POSIX has no name for it but glibc does. */
    *has = regcomp(out, text, REG_EXTENDED | REG_NOSUB) == 0;
    if (!*has)
        fprintf(stderr, "weir-conformance: \"%s\" is no regular expression\n", text);
    return *has;
}

static bool take_format(const char *text, FormatChoice *out)
{
    if (strcmp(text, "core") == 0)
        *out = CHOICE_CORE;
    else if (strcmp(text, "registry") == 0)
        *out = CHOICE_REGISTRY;
    else if (strcmp(text, "all") == 0)
        *out = CHOICE_ALL;
    else
        return false;
    return true;
}

static bool take_argument(Runner *runner, char **argv, int *i)
{
    Options    *options = &runner->options;
    const char *arg = argv[*i];

    if (strcmp(arg, "--list-failures") == 0)
        options->lists_failures = true;
    else if (strcmp(arg, "--verbose") == 0)
        options->is_verbose = true;
    else if (strcmp(arg, "--format") == 0 && argv[*i + 1])
        return take_format(argv[++*i], &options->formats);
    else if (strcmp(arg, "--filter") == 0 && argv[*i + 1])
        return take_regex(argv[++*i], &options->filter, &options->has_filter);
    else if (strcmp(arg, "--without") == 0 && argv[*i + 1])
        return take_regex(argv[++*i], &options->without, &options->has_without);
    else if (arg[0] == '-')
        return false;
    else
        return collect(runner, str_from(arg));
    return true;
}

int main(int argc, char **argv)
{
    Runner runner = {.mem = arena_new(0), .options = {.formats = CHOICE_ALL}};
    bool   ok = true;
    int    code;

    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    for (int i = 1; i < argc && ok; i++)
        ok = take_argument(&runner, argv, &i);
    if (!ok || runner.files.len == 0)
        return usage(stderr, 2);
    signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    log_set_level(LOG_ERROR);
    log_set_sink(runner.options.is_verbose ? NULL : log_nowhere);
    qsort(runner.files.items, runner.files.len, sizeof *runner.files.items, by_path);
    for (size_t i = 0; i < runner.files.len; i++)
        ok = run_file(&runner, runner.files.items[i]) && ok;
    if (runner.options.lists_failures)
        list_failures(&runner);
    printf("%zu passed, %zu failed, %zu skipped\n", runner.passed, runner.failed, runner.skipped);
    code = ok && runner.failed == 0 ? 0 : 1;
    arena_free(runner.mem);
    return code;
}
