/*
 * properties.c -- looking properties up, setting them, reading a .properties file.
 */
#include "server/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/limit.h"
#include "common/properties_text.h"

static const PropertyDef *def_find(Str name)
{
    size_t             len, low = 0;
    const PropertyDef *table = properties_table(&len);
    size_t             high = len;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int    cmp = str_cmp(name, str_from(table[mid].name));

        if (cmp == 0)
            return &table[mid];
        if (cmp < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* Longest first: each may stand before a Kafka property's own name. */
static const char *const prefixes[] = {
    "ksql.streams.main.consumer.",
    "ksql.streams.restore.consumer.",
    "ksql.streams.consumer.",
    "ksql.streams.producer.",
    "ksql.streams.admin.",
    "ksql.streams.topic.",
    "ksql.streams.",
    "consumer.",
    "producer.",
    "topic.",
};

static Str strip_prefix(Str name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        Str prefix = str_from(prefixes[i]);

        if (name.len > prefix.len && str_starts(name, prefix))
            return str_slice(name, prefix.len, name.len);
    }
    return name;
}

static const PropertyDef *def_of(Str name)
{
    const PropertyDef *def = def_find(name);

    return def ? def : def_find(strip_prefix(name));
}

/* Settings of the Kafka client and of TLS are families of names, passed on as they are. */
static bool is_family(Str name)
{
    Str bare = strip_prefix(name);

    return str_starts(bare, STR("sasl.")) || str_starts(bare, STR("ssl.")) ||
           str_starts(name, STR("ksql.functions.")) ||
           str_starts(name, STR("ksql.schema.registry."));
}

Str properties_canonical(Str name)
{
    const PropertyDef *def = def_of(name);

    if (def)
        return str_from(def->name);
    return is_family(name) ? strip_prefix(name) : STR_NULL;
}

void properties_init(Properties *props, Arena *mem, const Properties *under)
{
    props->under = under;
    props->mem = mem;
    map_init(&props->values, mem);
}

static ErrCode check_value(const PropertyDef *def, Str value, Err *err)
{
    int64_t number;

    switch (def->type) {
    case PROPERTY_INT:
        if (!str_to_i64(str_trim(value), &number))
            return err_set(err, ERR_CONFIG, "property \"%s\" takes a whole number, not \"%.*s\"",
                           def->name, STR_ARG(value));
        if (number < def->min)
            return err_set(err, ERR_CONFIG,
                           "property \"%s\" takes a number of at least %lld, not %lld", def->name,
                           (long long)def->min, (long long)number);
        return ERR_OK;
    case PROPERTY_BOOL:
        if (!str_eq_nocase(str_trim(value), STR("true")) &&
            !str_eq_nocase(str_trim(value), STR("false")))
            return err_set(err, ERR_CONFIG, "property \"%s\" takes true or false, not \"%.*s\"",
                           def->name, STR_ARG(value));
        return ERR_OK;
    case PROPERTY_STRING:
        break;
    }
    if (strcmp(def->name, "auto.offset.reset") == 0 && !str_eq_nocase(value, STR("earliest")) &&
        !str_eq_nocase(value, STR("latest")))
        return err_set(err, ERR_CONFIG,
                       "property \"auto.offset.reset\" takes earliest or latest, not \"%.*s\"",
                       STR_ARG(value));
    if (strcmp(def->name, "processing.guarantee") == 0 && !str_eq(value, STR("exactly_once_v2")) &&
        !str_eq(value, STR("at_least_once")) && !str_eq(value, STR("exactly_once")) &&
        !str_eq(value, STR("exactly_once_beta")))
        return err_set(err, ERR_CONFIG,
                       "property \"processing.guarantee\" takes exactly_once_v2 or at_least_once, "
                       "not \"%.*s\"",
                       STR_ARG(value));
    return ERR_OK;
}

/* The known name that was probably meant, or STR_NULL. */
static Str near_name(Str name)
{
    size_t             len;
    const PropertyDef *table = properties_table(&len);
    Str               *names = MEM_ARRAY(Str, len);
    Str                near;

    for (size_t i = 0; i < len; i++)
        names[i] = str_from(table[i].name);
    near = str_nearest(name, names, len);
    if (!near.ptr)
        near = str_nearest(strip_prefix(name), names, len);
    mem_free(names);
    return near;
}

/* ksqlDB and Kafka's clients have far more names than are known here, many of them alike: only a
 * few letters are taken for a slip. */
static bool is_slip(Str name, Str near)
{
    enum { SLIP_EDITS_MAX = 3 };

    return near.ptr && (str_distance(name, near) <= SLIP_EDITS_MAX ||
                        str_distance(strip_prefix(name), near) <= SLIP_EDITS_MAX);
}

static ErrCode unknown_name(Str name, ErrCode code, bool *is_error, Err *err)
{
    Str near = near_name(name);

    *is_error = is_slip(name, near) || str_starts(name, STR("weir.")) || code != ERR_CONFIG;
    if (!*is_error)
        return ERR_OK;
    err_set(err, code, "unknown property \"%.*s\"", STR_ARG(name));
    if (near.ptr)
        err_hint(err, "did you mean \"%.*s\"", STR_ARG(near));
    return code;
}

static void store(Properties *props, Str canonical, Str value)
{
    Str *kept = ARENA_NEW(props->mem, Str);

    *kept = str_copy(props->mem, value);
    map_put(&props->values, str_copy(props->mem, canonical), kept);
}

ErrCode properties_set(Properties *props, Str name, Str value, bool *is_ignored, Err *err)
{
    const PropertyDef *def = def_of(name);
    bool               ignored = false;

    if (def) {
        TRY(def->is_ignored ? ERR_OK : check_value(def, value, err));
        ignored = def->is_ignored;
        store(props, str_from(def->name), value);
    } else if (is_family(name)) {
        store(props, strip_prefix(name), value);
    } else {
        TRY(unknown_name(name, ERR_CONFIG, &ignored, err));
        ignored = true;
        store(props, name, value);
    }
    if (is_ignored)
        *is_ignored = ignored;
    return ERR_OK;
}

/* Whether the comma list of ksql.properties.overrides.denylist has the name. */
static bool is_denied(const Properties *props, Str name)
{
    Str    list = properties_get(props, "ksql.properties.overrides.denylist");
    size_t from = 0;

    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.ptr[i] != ',')
            continue;
        if (str_eq(str_trim(str_slice(list, from, i)), name))
            return true;
        from = i + 1;
    }
    return false;
}

ErrCode properties_override(Properties *props, Str name, Str value, Err *err)
{
    const PropertyDef *def = def_of(name);
    bool               is_error;

    if (!def && !is_family(name))
        return unknown_name(name, ERR_REQUEST, &is_error, err);
    if (def && def->level == PROPERTY_SERVER && !def->is_ignored)
        return err_set(err, ERR_REQUEST,
                       "property \"%.*s\" cannot be overridden: it is set in the server's "
                       "configuration only",
                       STR_ARG(name));
    if (def && is_denied(props, str_from(def->name)))
        return err_set(
            err, ERR_REQUEST,
            "property \"%.*s\" cannot be overridden: the server's configuration denies it",
            STR_ARG(name));
    if (def && !def->is_ignored && check_value(def, value, err) != ERR_OK) {
        err->code = ERR_REQUEST;
        return ERR_REQUEST;
    }
    store(props, properties_canonical(name), value);
    return ERR_OK;
}

void properties_unset(Properties *props, Str name)
{
    Str canonical = properties_canonical(name);

    map_remove(&props->values, canonical.ptr ? canonical : name);
}

static const Str *find_set(const Properties *props, Str canonical)
{
    const Str *value = NULL;

    for (; props && !value; props = props->under)
        value = map_get(&props->values, canonical);
    return value;
}

/* Requests ask for several of these, so that the usual case, the name itself, comes first. */
Str properties_get(const Properties *props, const char *name)
{
    Str                canonical = str_from(name);
    const Str         *value = find_set(props, canonical);
    const PropertyDef *def = value ? NULL : def_find(canonical);

    if (!value && !def) {
        canonical = properties_canonical(canonical);
        value = canonical.ptr ? find_set(props, canonical) : NULL;
        def = canonical.ptr ? def_find(canonical) : NULL;
    }
    if (value)
        return *value;
    return def && def->value ? str_from(def->value) : STR_NULL;
}

int64_t properties_int(const Properties *props, const char *name)
{
    int64_t value = 0;

    (void)str_to_i64(str_trim(properties_get(props, name)), &value);
    return value;
}

bool properties_bool(const Properties *props, const char *name)
{
    return str_eq_nocase(str_trim(properties_get(props, name)), STR("true"));
}

/* --- .properties files ------------------------------------------------------------------------ */

static ErrCode load_text(Properties *props, const char *path, Str text, Err *err)
{
    PropertiesText reader;
    Str            name, value;
    ErrCode        rc;

    properties_text_init(&reader, props->mem, text);
    for (;;) {
        rc = properties_text_next(&reader, &name, &value, err);
        if (rc == ERR_OK && !name.ptr)
            return ERR_OK;
        if (rc == ERR_OK)
            rc = properties_set(props, name, value, NULL, err);
        if (rc != ERR_OK) {
            err_wrap(err, "%s:%u", path, reader.line);
            return rc;
        }
    }
}

ErrCode properties_load(Properties *props, const char *path, Err *err)
{
    FILE   *file = fopen(path, "rb");
    Buf     text = {0};
    ErrCode rc;

    if (!file)
        return err_set(err, ERR_CONFIG, "could not open \"%s\": %s", path, strerror(errno));
    for (;;) {
        size_t got;

        buf_reserve(&text, 4096);
        got = fread(text.ptr + text.len, 1, 4096, file);
        text.len += got;
        if (got == 0 || text.len > (size_t)g_limits.statement_bytes)
            break;
    }
    if (ferror(file))
        rc = err_set(err, ERR_CONFIG, "could not read \"%s\": %s", path, strerror(errno));
    else if (text.len > (size_t)g_limits.statement_bytes)
        rc = err_set(err, ERR_CONFIG, "file \"%s\" is too long for a properties file", path);
    else
        rc = load_text(props, path, buf_view(&text), err);
    fclose(file);
    buf_deinit(&text);
    return rc;
}
