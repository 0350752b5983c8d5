/*
 * config.c -- the command line of weir-server and what it sets.
 */
#include "server/config.h"

#include <stdio.h>

#include "common/limit.h"
#include "common/log.h"

void config_help(Buf *out)
{
    buf_c(out, "usage: weir-server [FILE.properties] [-o name=value]... [--data DIR]"
               " [--queries FILE]\n"
               "\n"
               "Runs SQL queries over topics and serves them over HTTP and websocket.\n"
               "\n"
               "  FILE.properties   settings, one name=value a line\n"
               "  -o name=value     one setting; wins over the file\n"
               "  --data DIR        where topics and tables are kept (./weir-data)\n"
               "  --queries FILE    SQL statements to apply at start; those in force are skipped\n"
               "  --help            this text\n"
               "  --version         the version\n"
               "\n"
               "Settings people use first: listeners=http://127.0.0.1:8088, weir.log.level=info,\n"
               "auto.offset.reset=latest, ksql.service.id=default_. SHOW PROPERTIES lists all.\n");
}

static ErrCode usage(Err *err, const char *format, const char *arg)
{
    char text[512];

    snprintf(text, sizeof text, format, arg);
    err_set(err, ERR_CONFIG, "%s", text);
    err_hint(err, "weir-server --help says what is understood");
    return ERR_CONFIG;
}

static ErrCode set_option(Config *config, const char *setting, Err *err)
{
    Str       text = str_from(setting);
    ptrdiff_t equals = str_find(text, STR("="), 0);
    Str       name;

    if (equals <= 0)
        return usage(err, "option -o takes name=value, not \"%s\"", setting);
    name = str_trim(str_slice(text, 0, (size_t)equals));
    return properties_set(&config->props, name,
                          str_trim(str_slice(text, (size_t)equals + 1, text.len)), NULL, err);
}

/* "--name VALUE" or "--name=VALUE": *value is set, and *i moved, when arg is that option. */
static ErrCode take_value(const char *name, int argc, char *const *argv, int *i, const char **value,
                          Err *err)
{
    size_t      len = strlen(name);
    const char *arg = argv[*i];

    *value = NULL;
    if (strncmp(arg, name, len) != 0)
        return ERR_OK;
    if (arg[len] == '=')
        *value = arg + len + 1;
    else if (arg[len] != '\0')
        return ERR_OK;
    else if (*i + 1 == argc)
        return usage(err, "option %s needs a value", name);
    else
        *value = argv[++*i];
    return ERR_OK;
}

static ErrCode parse_arg(Config *config, int argc, char *const *argv, int *i, Err *err)
{
    const char *value;

    if (strcmp(argv[*i], "--help") == 0 || strcmp(argv[*i], "-h") == 0) {
        config->wants_help = true;
        return ERR_OK;
    }
    if (strcmp(argv[*i], "--version") == 0) {
        config->wants_version = true;
        return ERR_OK;
    }
    TRY(take_value("-o", argc, argv, i, &value, err));
    if (value)
        return set_option(config, value, err);
    if (strncmp(argv[*i], "-o", 2) == 0)
        return set_option(config, argv[*i] + 2, err);
    TRY(take_value("--data", argc, argv, i, &value, err));
    if (value)
        return properties_set(&config->props, STR("weir.data.dir"), str_from(value), NULL, err);
    TRY(take_value("--queries", argc, argv, i, &value, err));
    if (value)
        return properties_set(&config->props, STR("ksql.queries.file"), str_from(value), NULL, err);
    return usage(err, "unknown option \"%s\"", argv[*i]);
}

/* The file counts first, wherever it stands. */
static ErrCode load_file(Config *config, int argc, char *const *argv, int *file_at, Err *err)
{
    *file_at = 0;
    for (int i = 1; i < argc; i++) {
        bool takes_next = strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--data") == 0 ||
                          strcmp(argv[i], "--queries") == 0;

        if (takes_next) {
            i++;
            continue;
        }
        if (argv[i][0] == '-')
            continue;
        if (*file_at)
            return usage(err, "more than one properties file: \"%s\"", argv[i]);
        *file_at = i;
    }
    return *file_at ? properties_load(&config->props, argv[*file_at], err) : ERR_OK;
}

ErrCode config_parse(Config *config, Arena *mem, int argc, char *const *argv, Err *err)
{
    Str queries;
    int file_at;

    *config = (Config){0};
    properties_init(&config->props, mem, NULL);
    TRY(load_file(config, argc, argv, &file_at, err));
    for (int i = 1; i < argc; i++) {
        if (i != file_at)
            TRY(parse_arg(config, argc, argv, &i, err));
    }
    queries = properties_get(&config->props, "ksql.queries.file");
    config->data_dir = str_to_c(mem, properties_get(&config->props, "weir.data.dir"));
    config->queries_file = queries.len ? str_to_c(mem, queries) : NULL;
    return ERR_OK;
}

/* Each once, however often it was set. */
static void log_ignored(const Properties *props)
{
    size_t             len, at = 0;
    const PropertyDef *table = properties_table(&len);
    const MapEntry    *entry;

    while ((entry = map_next(&props->values, &at))) {
        bool is_ignored = properties_canonical(entry->key).ptr == NULL;

        for (size_t i = 0; i < len; i++)
            is_ignored |= table[i].is_ignored && str_eq(entry->key, str_from(table[i].name));
        if (is_ignored)
            log_line(LOG_INFO, "config", "property \"%.*s\" is ignored: it means nothing here",
                     STR_ARG(entry->key));
    }
}

ErrCode config_apply(const Config *config, Err *err)
{
    size_t             len;
    const PropertyDef *table = properties_table(&len);
    Str                level_name = properties_get(&config->props, "weir.log.level");
    char               name[16];
    LogLevel           level;

    snprintf(name, sizeof name, "%.*s", STR_ARG(level_name));
    if (!log_level_parse(name, &level))
        return err_set(err, ERR_CONFIG,
                       "property \"weir.log.level\" takes error, warn, info or debug, not \"%.*s\"",
                       STR_ARG(level_name));
    log_set_level(level);
    for (size_t i = 0; i < len; i++) {
        if (table[i].type == PROPERTY_INT)
            (void)limits_set(&g_limits, table[i].name,
                             properties_int(&config->props, table[i].name));
    }
    log_ignored(&config->props);
    return ERR_OK;
}
