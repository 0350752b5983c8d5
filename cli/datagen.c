/*
 * datagen.c -- options, pace, requests.
 */
#include "cli/datagen.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/client.h"
#include "cli/client_session.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "common/clock.h"
#include "common/json.h"

enum { ROWS_PER_REQUEST_MAX = 200, LOOK_MS = 20 };

/* --- options ---------------------------------------------------------------------------------- */

typedef enum OptionId {
    OPTION_CREATE,
    OPTION_FORMAT,
    OPTION_HELP,
    OPTION_ITERATIONS,
    OPTION_KIND,
    OPTION_QUIET,
    OPTION_RATE,
    OPTION_SEED,
    OPTION_SERVER,
    OPTION_STREAM,
    OPTION_TOPIC
} OptionId;

typedef struct Option {
    OptionId    id;
    const char *name, *alias; /* alias: its name in ksql-datagen; may be NULL */
    const char *value;        /* NULL: takes none */
    const char *help;
} Option;

static const Option table[] = {
    {OPTION_KIND, "kind", "quickstart", "KIND", "what to send (or the first argument)"},
    {OPTION_STREAM, "stream", NULL, "NAME", "the stream to send to (default: the kind's name)"},
    {OPTION_RATE, "rate", "msgRate", "N", "rows a second (default 1; -1: as fast as they go)"},
    {OPTION_ITERATIONS, "iterations", NULL, "N", "rows in all (default -1: until Ctrl-C)"},
    {OPTION_CREATE, "create", NULL, NULL, "create the stream first, if it is not there"},
    {OPTION_TOPIC, "topic", NULL, "NAME", "the topic of a created stream (default: its name)"},
    {OPTION_FORMAT, "value-format", "format", "FORMAT", "the format of a created stream (JSON)"},
    {OPTION_SEED, "seed", NULL, "N", "the same rows for the same number"},
    {OPTION_SERVER, "server", NULL, "URL", "the server (default " CLIENT_URL_DEFAULT ")"},
    {OPTION_QUIET, "quiet", NULL, NULL, "do not print the rows"},
    {OPTION_HELP, "help", NULL, NULL, "these lines"},
};

static void print_help(void)
{
    puts("usage: weir datagen KIND [OPTIONS]\n"
         "Sends records to a stream until Ctrl-C.  Options are --name value or name=value.\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        printf("  --%-14s %-8s %s\n", table[i].name, table[i].value ? table[i].value : "",
               table[i].help);
    puts("\nkinds:");
    for (const DatagenKind *kind = datagen_kinds; kind->name; kind++)
        printf("  %-18s %s\n", kind->name, kind->help);
}

static const Option *find(Str name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (str_eq(name, str_from(table[i].name)) ||
            (table[i].alias && str_eq(name, str_from(table[i].alias))))
            return &table[i];
    }
    return NULL;
}

static ErrCode take_kind(DatagenOptions *options, Str name, Err *err)
{
    const DatagenKind *kind = datagen_kind_find(name);

    if (!kind) {
        (void)err_set(err, ERR_CONFIG, "unknown kind \"%.*s\"", STR_ARG(name));
        err_hint(err, "weir datagen --help lists the kinds");
        return ERR_CONFIG;
    }
    options->kind = kind;
    return ERR_OK;
}

static ErrCode take_rate(DatagenOptions *options, const char *value, Err *err)
{
    char  *end;
    double rate = strtod(value, &end);

    if (*value == '\0' || *end != '\0' || !isfinite(rate) || rate == 0)
        return err_set(err, ERR_CONFIG, "rate is a number of rows a second, not \"%s\"", value);
    options->rate = rate;
    return ERR_OK;
}

static ErrCode take_number(const Option *option, const char *value, int64_t *out, Err *err)
{
    if (!str_to_i64(str_from(value), out))
        return err_set(err, ERR_CONFIG, "%s is a number, not \"%s\"", option->name, value);
    return ERR_OK;
}

static ErrCode take(DatagenOptions *options, const Option *option, const char *value, Err *err)
{
    int64_t number;

    switch (option->id) {
    case OPTION_CREATE:
        options->creates = true;
        break;
    case OPTION_FORMAT:
        options->format = str_from(value);
        break;
    case OPTION_HELP:
        options->wants_help = true;
        break;
    case OPTION_ITERATIONS:
        return take_number(option, value, &options->iterations, err);
    case OPTION_KIND:
        return take_kind(options, str_from(value), err);
    case OPTION_QUIET:
        options->is_quiet = true;
        break;
    case OPTION_RATE:
        return take_rate(options, value, err);
    case OPTION_SEED:
        TRY(take_number(option, value, &number, err));
        options->seed = (uint64_t)number;
        break;
    case OPTION_SERVER:
        options->server = str_from(value);
        break;
    case OPTION_STREAM:
        options->stream = str_from(value);
        break;
    case OPTION_TOPIC:
        options->topic = str_from(value);
    }
    return ERR_OK;
}

static ErrCode take_argument(DatagenOptions *options, int argc, char *const *argv, int *at,
                             Err *err)
{
    const char   *argument = argv[*at];
    bool          is_flag = argument[0] == '-';
    const char   *name = argument + strspn(argument, "-");
    const char   *equals = strchr(name, '=');
    const Option *option;

    if (!is_flag && !equals)
        return take_kind(options, str_from(argument), err);
    option = find(equals ? (Str){name, (size_t)(equals - name)} : str_from(name));
    if (!option && strcmp(argument, "-h") == 0)
        option = find(STR("help"));
    if (!option) {
        (void)err_set(err, ERR_CONFIG, "unknown option \"%s\"", argument);
        err_hint(err, "weir datagen --help lists the options");
        return ERR_CONFIG;
    }
    if (!option->value)
        return take(options, option, NULL, err);
    if (!equals && *at + 1 == argc)
        return err_set(err, ERR_CONFIG, "--%s needs %s", option->name, option->value);
    return take(options, option, equals ? equals + 1 : argv[++*at], err);
}

ErrCode datagen_options(DatagenOptions *options, int argc, char *const *argv, Err *err)
{
    *options = (DatagenOptions){
        .server = STR(CLIENT_URL_DEFAULT), .format = STR("JSON"), .rate = 1, .iterations = -1};
    for (int i = 1; i < argc; i++)
        TRY(take_argument(options, argc, argv, &i, err));
    if (options->wants_help)
        return ERR_OK;
    if (!options->kind) {
        (void)err_set(err, ERR_CONFIG, "nothing says what to send");
        err_hint(err, "weir datagen --help lists the kinds");
        return ERR_CONFIG;
    }
    if (!options->stream.ptr)
        options->stream = str_from(options->kind->name);
    if (!options->topic.ptr)
        options->topic = options->stream;
    return ERR_OK;
}

/* --- sending ---------------------------------------------------------------------------------- */

typedef struct Sender {
    const DatagenOptions *options;
    Client               *client;
    ClientSession         session;
    Buf                   body, answer;
    Buf                   shown; /* rows under way */
} Sender;

static int fail(const Err *err, int code)
{
    Arena *mem = arena_new(0);

    fprintf(stderr, "weir datagen: %.*s\n", STR_ARG(err_render(mem, err, STR(""))));
    arena_free(mem);
    return code;
}

/* The server's own message, and what this client can do about it. */
static int fail_answer(const Sender *sender)
{
    Arena *mem = arena_new(0);
    Str    text = buf_view(&sender->answer);
    Json  *json;
    Err    err;

    if (json_parse(mem, text, &json, &err) == ERR_OK)
        text = json_get_str(json, STR("message"), text);
    fprintf(stderr, "%.*s\n", STR_ARG(text));
    if (!sender->options->creates && str_find(text, STR("does not exist"), 0) >= 0)
        fprintf(stderr, "(--create makes the stream %.*s)\n", STR_ARG(sender->options->stream));
    arena_free(mem);
    return EXIT_CODE_FAILED;
}

static int send(Sender *sender, Str sql)
{
    int     status;
    Err     err;
    ErrCode rc;

    buf_clear(&sender->body);
    buf_clear(&sender->answer);
    client_session_request(&sender->session, sql, &sender->body);
    rc = client_ask(sender->client, "/ksql", buf_view(&sender->body), &sender->answer, &status,
                    &err);
    if (rc == ERR_CANCELLED)
        return EXIT_CODE_INTERRUPTED;
    if (rc != ERR_OK)
        return fail(&err, EXIT_CODE_UNREACHABLE);
    return status == 200 ? EXIT_CODE_OK : fail_answer(sender);
}

static int send_rows(Sender *sender, Datagen *gen, int64_t rows, Buf *sql)
{
    const DatagenOptions *options = sender->options;
    int                   code;

    buf_clear(sql);
    buf_clear(&sender->shown);
    gen->now_ms = clock_now_ms(clock_system());
    for (int64_t i = 0; i < rows; i++) {
        size_t begin;

        buf_printf(sql, "INSERT INTO %.*s (", STR_ARG(options->stream));
        datagen_columns(sql, options->kind);
        buf_c(sql, ") VALUES (");
        begin = sql->len;
        datagen_row(sql, options->kind, gen);
        buf_str(&sender->shown, str_slice(buf_view(sql), begin, sql->len));
        buf_put(&sender->shown, '\n');
        buf_c(sql, ");\n");
    }
    code = send(sender, buf_view(sql));
    if (code == EXIT_CODE_OK && !options->is_quiet)
        fwrite(sender->shown.ptr, 1, sender->shown.len, stdout);
    return code;
}

static void wait_a_little(void)
{
    struct timespec time = {.tv_nsec = LOOK_MS * 1000000};

    (void)nanosleep(&time, NULL); /* Ctrl-C ends it early */
}

int64_t datagen_due(const DatagenOptions *options, int64_t passed_ms, int64_t sent)
{
    int64_t due = ROWS_PER_REQUEST_MAX;

    if (options->rate > 0) {
        double all = (double)passed_ms * options->rate / 1000 + 1; /* the first at once */

        due = all - (double)sent < ROWS_PER_REQUEST_MAX ? (int64_t)(all - (double)sent) : due;
    }
    if (options->iterations >= 0 && options->iterations - sent < due)
        due = options->iterations - sent;
    return due;
}

static int run(Sender *sender)
{
    const DatagenOptions *options = sender->options;
    const Clock          *clock = clock_system();
    int64_t               begin = clock_monotonic_ns(clock), sent = 0;
    uint64_t              seed = options->seed ? options->seed : (uint64_t)clock_now_ms(clock);
    Datagen               gen;
    Buf                   sql = {0};
    int                   code = EXIT_CODE_OK;

    datagen_init(&gen, seed, clock_now_ms(clock));
    if (options->creates) {
        datagen_create(&sql, options->kind, options->stream, options->topic, options->format);
        code = send(sender, buf_view(&sql));
    }
    while (code == EXIT_CODE_OK && !interrupt_is_raised() &&
           (options->iterations < 0 || sent < options->iterations)) {
        int64_t due = datagen_due(options, (clock_monotonic_ns(clock) - begin) / 1000000, sent);

        if (due == 0) {
            wait_a_little();
            continue;
        }
        code = send_rows(sender, &gen, due, &sql);
        sent += due;
        fflush(stdout);
    }
    buf_deinit(&sql);
    return code == EXIT_CODE_INTERRUPTED ? EXIT_CODE_OK : code; /* how it is meant to end */
}

int datagen_main(int argc, char *const *argv)
{
    static const ClientAuth nobody;
    DatagenOptions          options;
    Sender                  sender = {.options = &options};
    Arena                  *mem;
    Err                     err;
    int                     code;

    if (datagen_options(&options, argc, argv, &err) != ERR_OK)
        return fail(&err, EXIT_CODE_USAGE);
    if (options.wants_help) {
        print_help();
        return EXIT_CODE_OK;
    }
    if (client_open(options.server, &nobody, &sender.client, &err) != ERR_OK)
        return fail(&err, EXIT_CODE_USAGE);
    mem = arena_new(0);
    client_session_init(&sender.session, mem);
    code = run(&sender);
    buf_deinit(&sender.body);
    buf_deinit(&sender.answer);
    buf_deinit(&sender.shown);
    arena_free(mem);
    client_close(sender.client);
    return code;
}
