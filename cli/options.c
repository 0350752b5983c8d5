/*
 * options.c -- arguments one by one; the table says which take a value.
 */
#include "cli/options.h"

#include "cli/file.h"
#include "common/properties_text.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

typedef enum OptionId {
    OPTION_CONFIG_FILE,
    OPTION_DEFINE,
    OPTION_EXECUTE,
    OPTION_FILE,
    OPTION_HELP,
    OPTION_OUTPUT,
    OPTION_PASSWORD,
    OPTION_ROW_LIMIT,
    OPTION_SERVER,
    OPTION_TIMEOUT,
    OPTION_TOKEN,
    OPTION_USER,
    OPTION_VERSION
} OptionId;

typedef struct Option {
    OptionId    id;
    const char *brief, *name; /* brief may be NULL */
    const char *value;        /* what it is called in the help; NULL: takes none */
    const char *help;
} Option;

static const Option table[] = {
    {OPTION_EXECUTE, "-e", "--execute", "SQL", "run these statements and leave"},
    {OPTION_FILE, "-f", "--file", "FILE", "run the statements of a file (-: standard input)"},
    {OPTION_SERVER, NULL, "--server", "URL", "the server (default " CLIENT_URL_DEFAULT ")"},
    {OPTION_OUTPUT, NULL, "--output", "JSON|TABULAR", "how results are shown (default TABULAR)"},
    {OPTION_DEFINE, "-d", "--define", "NAME=VALUE", "a variable, ${NAME} in statements"},
    {OPTION_ROW_LIMIT, NULL, "--query-row-limit", "N", "end a SELECT after N rows"},
    {OPTION_TIMEOUT, NULL, "--query-timeout", "MS", "end a SELECT after MS milliseconds"},
    {OPTION_USER, "-u", "--user", "NAME", "who you are; asks for a missing password"},
    {OPTION_PASSWORD, "-p", "--password", "PASSWORD", "and your password"},
    {OPTION_TOKEN, "-t", "--token", "TOKEN", "a bearer token instead"},
    {OPTION_CONFIG_FILE, NULL, "--config-file", "FILE", "name=value lines, sent with each request"},
    {OPTION_HELP, "-h", "--help", NULL, "these lines"},
    {OPTION_VERSION, NULL, "--version", NULL, "the version"},
};

void options_help(Buf *out)
{
    buf_c(out,
          "usage: weir [OPTIONS] [URL]\n"
          "       weir datagen [OPTIONS] KIND   send records; weir datagen --help\n"
          "       weir test FILE|FOLDER...      run *.test files; weir test --help\n"
          "\n"
          "Without -e and -f, a session: statements end with a semicolon, help lists commands.\n"
          "\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const Option *option = &table[i];
        Buf           names = {0};

        buf_printf(&names, "%s%s%s %s", option->brief ? option->brief : "  ",
                   option->brief ? ", " : "  ", option->name, option->value ? option->value : "");
        buf_printf(out, "  %-32.*s %s\n", STR_ARG(buf_view(&names)), option->help);
        buf_deinit(&names);
    }
    buf_c(
        out,
        "\n"
        "Results go to the standard output, errors to the standard error.  Exit code: 0 all ran,\n"
        "1 a statement failed, 2 wrong usage, 3 no server answers, 130 Ctrl-C.\n");
}

/* --- values ----------------------------------------------------------------------------------- */

static ErrCode take_definition(ClientSession *session, Str text, Err *err)
{
    ptrdiff_t equals = str_find(text, STR("="), 0);
    Str       value;

    if (equals <= 0) {
        (void)err_set(err, ERR_CONFIG, "\"%.*s\" defines nothing", STR_ARG(text));
        err_hint(err, "write --define name=value");
        return ERR_CONFIG;
    }
    value = str_slice(text, (size_t)equals + 1, text.len);
    client_session_define(session, str_slice(text, 0, (size_t)equals), value);
    return ERR_OK;
}

static ErrCode take_number(const Option *option, Str text, int64_t *out, Err *err)
{
    int64_t number;

    if (!str_to_i64(text, &number) || number < 1)
        return err_set(err, ERR_CONFIG, "%s needs a number of at least 1, not \"%.*s\"",
                       option->name, STR_ARG(text));
    *out = number;
    return ERR_OK;
}

static ErrCode take_output(Options *options, Str text, Err *err)
{
    if (!str_eq_nocase(text, STR("JSON")) && !str_eq_nocase(text, STR("TABULAR")))
        return err_set(err, ERR_CONFIG, "--output is JSON or TABULAR, not \"%.*s\"", STR_ARG(text));
    options->is_json = str_eq_nocase(text, STR("JSON"));
    return ERR_OK;
}

static bool is_of_connection(Str name)
{
    return str_starts(name, STR("ssl.")) || str_starts(name, STR("sasl.")) ||
           str_starts(name, STR("security.protocol"));
}

/* Settings of the connection are for clients of Kafka; the others are the session's. */
static ErrCode take_config(ClientSession *session, Arena *mem, Str path, Err *err)
{
    PropertiesText reader;
    Str            text, name, value;

    TRY(file_read(mem, path, CONFIG_BYTES_MAX, &text, err));
    properties_text_init(&reader, mem, text);
    for (;;) {
        if (properties_text_next(&reader, &name, &value, err) != ERR_OK) {
            err_wrap(err, "%.*s:%u", STR_ARG(path), reader.line);
            return err->code;
        }
        if (!name.ptr)
            return ERR_OK;
        if (!is_of_connection(name))
            client_session_set(session, name, value);
    }
}

static ErrCode take(Options *options, ClientSession *session, Arena *mem, const Option *option,
                    const char *value, Err *err)
{
    switch (option->id) {
    case OPTION_CONFIG_FILE:
        return take_config(session, mem, str_from(value), err);
    case OPTION_DEFINE:
        return take_definition(session, str_from(value), err);
    case OPTION_EXECUTE:
        options->sql = str_from(value);
        break;
    case OPTION_FILE:
        options->file = str_from(value);
        break;
    case OPTION_HELP:
        options->wants_help = true;
        break;
    case OPTION_OUTPUT:
        return take_output(options, str_from(value), err);
    case OPTION_PASSWORD:
        options->auth.password = value;
        break;
    case OPTION_ROW_LIMIT:
        return take_number(option, str_from(value), &options->rows_max, err);
    case OPTION_SERVER:
        options->server = str_from(value);
        break;
    case OPTION_TIMEOUT:
        return take_number(option, str_from(value), &options->timeout_ms, err);
    case OPTION_TOKEN:
        options->auth.token = value;
        break;
    case OPTION_USER:
        options->auth.user = value;
        break;
    case OPTION_VERSION:
        options->wants_version = true;
    }
    return ERR_OK;
}

/* --- arguments -------------------------------------------------------------------------------- */

/* "--name", "--name=value" or "-x"; *value is what stands behind '='. */
static const Option *find(const char *argument, const char **value)
{
    const char *equals = strchr(argument, '=');
    size_t      len = equals ? (size_t)(equals - argument) : strlen(argument);

    *value = NULL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const Option *option = &table[i];

        if (option->brief && strcmp(argument, option->brief) == 0)
            return option;
        if (len == strlen(option->name) && strncmp(argument, option->name, len) == 0) {
            *value = equals ? equals + 1 : NULL;
            return option;
        }
    }
    return NULL;
}

static ErrCode refuse_unknown(const char *argument, Err *err)
{
    Str names[sizeof table / sizeof *table];
    Str nearest;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        names[i] = str_from(table[i].name);
    nearest = str_nearest(str_from(argument), names, sizeof table / sizeof *table);
    (void)err_set(err, ERR_CONFIG, "unknown option \"%s\"", argument);
    if (nearest.ptr)
        err_hint(err, "did you mean %.*s?", STR_ARG(nearest));
    else
        err_hint(err, "weir --help lists the options");
    return ERR_CONFIG;
}

static ErrCode check(const Options *options, Err *err)
{
    if (options->sql.ptr && options->file.ptr)
        return err_set(err, ERR_CONFIG, "--execute and --file exclude each other");
    if (options->auth.token && options->auth.user)
        return err_set(err, ERR_CONFIG, "--token and --user exclude each other");
    if (options->auth.password && !options->auth.user)
        return err_set(err, ERR_CONFIG, "--password needs --user");
    return ERR_OK;
}

ErrCode options_parse(Options *options, ClientSession *session, Arena *mem, int argc,
                      char *const *argv, Err *err)
{
    bool has_server = false;

    *options = (Options){.server = STR(CLIENT_URL_DEFAULT)};
    for (int i = 1; i < argc; i++) {
        const char   *value;
        const Option *option;

        if (argv[i][0] != '-') {
            if (has_server)
                return err_set(err, ERR_CONFIG, "one server only, not \"%s\" too", argv[i]);
            options->server = str_from(argv[i]);
            has_server = true;
            continue;
        }
        option = find(argv[i], &value);
        if (!option)
            return refuse_unknown(argv[i], err);
        if (!option->value && value)
            return err_set(err, ERR_CONFIG, "%s takes no value", option->name);
        if (option->value && !value && i + 1 == argc)
            return err_set(err, ERR_CONFIG, "%s needs %s", option->name, option->value);
        if (option->value && !value)
            value = argv[++i];
        TRY(take(options, session, mem, option, value, err));
    }
    return check(options, err);
}
