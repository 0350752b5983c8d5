/*
 * entity_print.c -- lists and messages; pages of DESCRIBE and EXPLAIN are in entity_print_page.c.
 *
 * The table at the end says which function prints which @type.
 */
#include "cli/entity_print.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/entity_print_internal.h"

/* --- reading ---------------------------------------------------------------------------------- */

Str entity_text(const EntityPrint *print, const Json *object, const char *name)
{
    const Json *value = json_get(object, str_from(name));
    Buf         text = buf_in(print->mem);

    if (!value || value->kind == JSON_NULL)
        return STR("");
    if (value->kind == JSON_STRING)
        return value->text;
    json_print(&text, value);
    return buf_view(&text);
}

size_t entity_len(const Json *object, const char *name)
{
    const Json *list = json_get(object, str_from(name));

    return list && (list->kind == JSON_ARRAY || list->kind == JSON_OBJECT) ? list->len : 0;
}

const Json *entity_item(const Json *object, const char *name, size_t at)
{
    return json_get(object, str_from(name))->u.items[at];
}

Str entity_joined(const EntityPrint *print, const Json *object, const char *name)
{
    const Json *list = json_get(object, str_from(name));
    Buf         text = buf_in(print->mem);

    for (size_t i = 0; i < entity_len(object, name); i++) {
        if (i > 0)
            buf_c(&text, ", ");
        if (list->u.items[i]->kind == JSON_STRING)
            buf_str(&text, list->u.items[i]->text);
        else
            json_print(&text, list->u.items[i]);
    }
    return buf_view(&text);
}

static void print_fields(const EntityPrint *print, Buf *out, const Json *fields)
{
    for (size_t i = 0; i < fields->len; i++) {
        const Json *field = fields->u.items[i];

        buf_c(out, i ? ", " : "");
        buf_str(out, json_get_str(field, STR("name"), STR("")));
        buf_put(out, ' ');
        entity_print_type(print, out, json_get(field, STR("schema")));
    }
}

void entity_print_type(const EntityPrint *print, Buf *out, const Json *schema)
{
    Str         type = json_get_str(schema, STR("type"), STR(""));
    const Json *fields = json_get(schema, STR("fields"));
    const Json *member = json_get(schema, STR("memberSchema"));
    const Json *parameters = json_get(schema, STR("parameters"));

    if (str_eq(type, STR("STRING"))) {
        buf_c(out, "VARCHAR(STRING)");
        return;
    }
    buf_str(out, type);
    if (parameters && str_eq(type, STR("DECIMAL"))) {
        buf_printf(out, "(%" PRId64 ", %" PRId64 ")", json_get_i64(parameters, STR("precision"), 0),
                   json_get_i64(parameters, STR("scale"), 0));
    } else if (member && member->kind == JSON_OBJECT) {
        buf_c(out, str_eq(type, STR("MAP")) ? "<STRING, " : "<");
        entity_print_type(print, out, member);
        buf_put(out, '>');
    } else if (fields && fields->kind == JSON_ARRAY) {
        buf_put(out, '<');
        print_fields(print, out, fields);
        buf_put(out, '>');
    }
}

/* --- lists ------------------------------------------------------------------------------------ */

static void print_sources(const EntityPrint *print, const Json *entity, const char *list_name,
                          const char *name)
{
    const Str names[] = {str_from(name), STR("Kafka Topic"), STR("Key Format"), STR("Value Format"),
                         STR("Windowed")};
    TableList table = table_list(print->mem, names, 5, print->width_max);

    for (size_t i = 0; i < entity_len(entity, list_name); i++) {
        const Json *source = entity_item(entity, list_name, i);

        table_list_cell(&table, entity_text(print, source, "name"));
        table_list_cell(&table, entity_text(print, source, "topic"));
        table_list_cell(&table, entity_text(print, source, "keyFormat"));
        table_list_cell(&table, entity_text(print, source, "valueFormat"));
        table_list_cell(&table, entity_text(print, source, "isWindowed"));
    }
    table_list_print(print->out, &table);
}

static void print_streams(const EntityPrint *print, const Json *entity)
{
    print_sources(print, entity, "streams", "Stream Name");
}

static void print_tables(const EntityPrint *print, const Json *entity)
{
    print_sources(print, entity, "tables", "Table Name");
}

static void print_queries(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {
        {"Query ID", 8},  {"Query Type", 10},       {"Status", 6},
        {"Sink Name", 9}, {"Sink Kafka Topic", 16}, {"Query String", 12},
    };
    TableList table = table_list(print->mem, names, 6, print->width_max);

    for (size_t i = 0; i < entity_len(entity, "queries"); i++) {
        const Json *query = entity_item(entity, "queries", i);

        table_list_cell(&table, entity_text(print, query, "id"));
        table_list_cell(&table, entity_text(print, query, "queryType"));
        table_list_cell(&table, entity_text(print, query, "state"));
        table_list_cell(&table, entity_joined(print, query, "sinks"));
        table_list_cell(&table, entity_joined(print, query, "sinkKafkaTopics"));
        table_list_cell(&table, entity_text(print, query, "queryString"));
    }
    table_list_print(print->out, &table);
    buf_c(print->out, "For detailed information on a query run: EXPLAIN <Query ID>;\n");
}

static bool holds_text(const Json *object, const char *name, Str text)
{
    const Json *list = json_get(object, str_from(name));

    for (size_t i = 0; i < entity_len(object, name); i++) {
        if (str_eq(list->u.items[i]->text, text))
            return true;
    }
    return false;
}

static void print_properties(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {
        {"Property", 8}, {"Scope", 5}, {"Default override", 16}, {"Effective Value", 15}};
    TableList table = table_list(print->mem, names, 4, print->width_max);

    for (size_t i = 0; i < entity_len(entity, "properties"); i++) {
        const Json *property = entity_item(entity, "properties", i);
        Str         name = entity_text(print, property, "name");
        bool        is_session = holds_text(entity, "overwrittenProperties", name);
        bool        is_default = holds_text(entity, "defaultProperties", name);
        Str         value = entity_text(print, property, "value");

        table_list_cell(&table, name);
        table_list_cell(&table, entity_text(print, property, "scope"));
        table_list_cell(&table, is_session ? STR("SESSION") : is_default ? STR("") : STR("SERVER"));
        table_list_cell(&table, value.len ? value : STR("NULL"));
    }
    table_list_print(print->out, &table);
}

/* One number where all partitions have as many. */
static Str replicas(const EntityPrint *print, const Json *topic)
{
    const Json *list = json_get(topic, STR("replicaInfo"));
    bool        are_equal = entity_len(topic, "replicaInfo") > 0;

    for (size_t i = 1; i < entity_len(topic, "replicaInfo"); i++)
        are_equal = are_equal && str_eq(list->u.items[i]->text, list->u.items[0]->text);
    return are_equal ? list->u.items[0]->text : entity_joined(print, topic, "replicaInfo");
}

static void print_topics(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {{"Kafka Topic", 11},
                                {"Partitions", 10},
                                {"Partition Replicas", 18},
                                {"Consumers", 9},
                                {"ConsumerGroups", 14}};
    bool is_extended = str_eq(entity_text(print, entity, "@type"), STR("kafka_topics_extended"));
    TableList table = table_list(print->mem, names, is_extended ? 5 : 3, print->width_max);

    for (size_t i = 0; i < entity_len(entity, "topics"); i++) {
        const Json *topic = entity_item(entity, "topics", i);

        table_list_cell(&table, entity_text(print, topic, "name"));
        table_list_cell(&table, str_printf(print->mem, "%zu", entity_len(topic, "replicaInfo")));
        table_list_cell(&table, replicas(print, topic));
        if (is_extended) {
            table_list_cell(&table, entity_text(print, topic, "consumerCount"));
            table_list_cell(&table, entity_text(print, topic, "consumerGroupCount"));
        }
    }
    table_list_print(print->out, &table);
}

typedef struct FunctionName {
    Str category, name;
} FunctionName;

static int by_category(const void *a, const void *b)
{
    const FunctionName *left = a, *right = b;
    int                 order = str_cmp(left->category, right->category);

    return order ? order : str_cmp(left->name, right->name);
}

static void print_functions(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {{"Function Name", 13}, {"Category", 8}};
    TableList        table = table_list(print->mem, names, 2, print->width_max);
    size_t           len = entity_len(entity, "functions");
    FunctionName    *functions = ARENA_ARRAY(print->mem, FunctionName, len + 1);

    for (size_t i = 0; i < len; i++) {
        const Json *function = entity_item(entity, "functions", i);

        functions[i] = (FunctionName){entity_text(print, function, "category"),
                                      entity_text(print, function, "name")};
    }
    qsort(functions, len, sizeof *functions, by_category);
    for (size_t i = 0; i < len; i++) {
        table_list_cell(&table, functions[i].name);
        table_list_cell(&table, functions[i].category);
    }
    table_list_print(print->out, &table);
    buf_c(print->out, "For detailed information about a function run: DESCRIBE FUNCTION <Name>;\n");
}

static void print_types(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {{"Type Name", 9}, {"Schema", 6}};
    TableList        table = table_list(print->mem, names, 2, print->width_max);
    const Json      *types = json_get(entity, STR("types"));

    for (size_t i = 0; i < entity_len(entity, "types"); i++) {
        Buf type = buf_in(print->mem);

        entity_print_type(print, &type, types->u.members[i].value);
        table_list_cell(&table, types->u.members[i].name);
        table_list_cell(&table, buf_view(&type));
    }
    table_list_print(print->out, &table);
}

void entity_print_variables(Arena *arena, Buf *out, const Str *names, const Str *values, size_t len,
                            size_t width_max)
{
    static const Str headers[] = {{"Variable Name", 13}, {"Value", 5}};
    TableList        table = table_list(arena, headers, 2, width_max);

    for (size_t i = 0; i < len; i++) {
        table_list_cell(&table, names[i]);
        table_list_cell(&table, values[i]);
    }
    buf_put(out, '\n');
    table_list_print(out, &table);
}

static void print_variables(const EntityPrint *print, const Json *entity)
{
    size_t len = entity_len(entity, "variables");
    Str   *names = ARENA_ARRAY(print->mem, Str, len + 1);
    Str   *values = ARENA_ARRAY(print->mem, Str, len + 1);

    for (size_t i = 0; i < len; i++) {
        const Json *variable = entity_item(entity, "variables", i);

        names[i] = entity_text(print, variable, "name");
        values[i] = entity_text(print, variable, "value");
    }
    entity_print_variables(print->mem, print->out, names, values, len, print->width_max);
}

static void print_connectors(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {{"Connector Name", 14}, {"Type", 4}, {"Class", 5}, {"Status", 6}};
    TableList        table = table_list(print->mem, names, 4, print->width_max);

    for (size_t i = 0; i < entity_len(entity, "connectors"); i++) {
        const Json *connector = entity_item(entity, "connectors", i);

        table_list_cell(&table, entity_text(print, connector, "name"));
        table_list_cell(&table, entity_text(print, connector, "type"));
        table_list_cell(&table, entity_text(print, connector, "className"));
        table_list_cell(&table, entity_text(print, connector, "state"));
    }
    table_list_print(print->out, &table);
}

static void print_plugins(const EntityPrint *print, const Json *entity)
{
    static const Str names[] = {{"Class", 5}, {"Type", 4}, {"Version", 7}};
    TableList        table = table_list(print->mem, names, 3, print->width_max);

    for (size_t i = 0; i < entity_len(entity, "connectorsPlugins"); i++) {
        const Json *plugin = entity_item(entity, "connectorsPlugins", i);

        table_list_cell(&table, entity_text(print, plugin, "className"));
        table_list_cell(&table, entity_text(print, plugin, "type"));
        table_list_cell(&table, entity_text(print, plugin, "version"));
    }
    table_list_print(print->out, &table);
}

/* --- messages --------------------------------------------------------------------------------- */

static void print_message(const EntityPrint *print, Str message)
{
    static const Str names[] = {{"Message", 7}};
    TableList        table = table_list(print->mem, names, 1, print->width_max);

    table_list_cell(&table, message);
    table_list_print(print->out, &table);
}

static void print_status(const EntityPrint *print, const Json *entity)
{
    const Json *status = json_get(entity, STR("commandStatus"));
    Str         message = entity_text(print, status, "message");

    print_message(print, message.len ? message : entity_text(print, status, "status"));
}

static void print_warning(const EntityPrint *print, const Json *entity)
{
    print_message(print, entity_text(print, entity, "message"));
}

static void print_terminated(const EntityPrint *print, const Json *entity)
{
    bool was_terminated = json_get_bool(entity, STR("wasTerminated"), false);
    Str  id = entity_text(print, entity, "queryId");

    print_message(print, str_printf(print->mem, "Query %.*s %s.", STR_ARG(id),
                                    was_terminated ? "was terminated" : "did not run"));
}

static void print_asserted_topic(const EntityPrint *print, const Json *entity)
{
    bool exists = json_get_bool(entity, STR("exists"), true);
    Str  name = entity_text(print, entity, "topicName");

    print_message(print, str_printf(print->mem, "Topic %.*s %s.", STR_ARG(name),
                                    exists ? "exists" : "does not exist"));
}

static void print_asserted_schema(const EntityPrint *print, const Json *entity)
{
    bool exists = json_get_bool(entity, STR("exists"), true);
    Str  subject = entity_text(print, entity, "subject");
    Str  id = entity_text(print, entity, "id");

    print_message(print, str_printf(print->mem, "Schema%s%.*s%s%.*s %s.",
                                    subject.len ? " with subject " : "", STR_ARG(subject),
                                    id.len ? " with id " : "", STR_ARG(id),
                                    exists ? "exists" : "does not exist"));
}

static void print_connector_info(const EntityPrint *print, const Json *entity)
{
    Str name = entity_text(print, json_get(entity, STR("info")), "name");

    print_message(print, str_printf(print->mem, "Created connector %.*s", STR_ARG(name)));
}

static void print_dropped_connector(const EntityPrint *print, const Json *entity)
{
    Str name = entity_text(print, entity, "connectorName");

    print_message(print, str_printf(print->mem, "Dropped connector \"%.*s\"", STR_ARG(name)));
}

/* --- entities --------------------------------------------------------------------------------- */

static void print_warnings(const EntityPrint *print, const Json *entity)
{
    for (size_t i = 0; i < entity_len(entity, "warnings"); i++) {
        Str message = entity_text(print, entity_item(entity, "warnings", i), "message");

        buf_printf(print->out, "WARNING: %.*s\n", STR_ARG(message));
    }
}

typedef struct EntityKind {
    const char *type;
    void (*print)(const EntityPrint *print, const Json *entity);
} EntityKind;

static const EntityKind kinds[] = {
    {"assert_schema", print_asserted_schema},
    {"assert_topic", print_asserted_topic},
    {"connector_info", print_connector_info},
    {"connector_list", print_connectors},
    {"connector_plugins_list", print_plugins},
    {"currentStatus", print_status},
    {"describe_function", entity_page_function},
    {"drop_connector", print_dropped_connector},
    {"function_names", print_functions},
    {"kafka_topics", print_topics},
    {"kafka_topics_extended", print_topics},
    {"properties", print_properties},
    {"queries", print_queries},
    {"queryDescription", entity_page_query},
    {"query_descriptions", entity_page_queries},
    {"sourceDescription", entity_page_source},
    {"source_descriptions", entity_page_sources},
    {"streams", print_streams},
    {"tables", print_tables},
    {"terminate_query", print_terminated},
    {"type_list", print_types},
    {"variables", print_variables},
    {"warning_entity", print_warning},
};

void entity_print(Arena *arena, Buf *out, const Json *entity, size_t width_max)
{
    EntityPrint print = {arena, out, width_max};
    Str         type = json_get_str(entity, STR("@type"), STR(""));

    print_warnings(&print, entity);
    buf_put(out, '\n');
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_eq(type, str_from(kinds[i].type))) {
            kinds[i].print(&print, entity);
            return;
        }
    }
    json_print(out, entity); /* of a server that is newer than this client */
    buf_put(out, '\n');
}

bool entity_is_failure(const Json *entity)
{
    const Json *status = json_get(entity, STR("commandStatus"));

    return str_eq(json_get_str(status, STR("status"), STR("")), STR("ERROR"));
}

/* --- schemas ---------------------------------------------------------------------------------- */

static Str take_name(Arena *arena, Str schema, size_t *at)
{
    Buf name = buf_in(arena);

    while (*at < schema.len && schema.ptr[*at] == ' ')
        (*at)++;
    if (*at == schema.len || schema.ptr[*at] != '`') {
        while (*at < schema.len && schema.ptr[*at] != ' ' && schema.ptr[*at] != ',')
            buf_put(&name, schema.ptr[(*at)++]);
        return buf_view(&name);
    }
    for (++*at; *at < schema.len; ++*at) {
        if (schema.ptr[*at] == '`' && (*at + 1 == schema.len || schema.ptr[++*at] != '`'))
            break;
        buf_put(&name, schema.ptr[*at]);
    }
    return buf_view(&name);
}

/* Behind the comma that ends the column; those within <>, () and quotes are the type's. */
static void skip_type(Str schema, size_t *at)
{
    size_t depth = 0;
    bool   is_quoted = false;

    for (; *at < schema.len; ++*at) {
        char c = schema.ptr[*at];

        if (c == '`')
            is_quoted = !is_quoted;
        else if (!is_quoted && (c == '<' || c == '('))
            depth++;
        else if (!is_quoted && (c == '>' || c == ')') && depth > 0)
            depth--;
        else if (!is_quoted && c == ',' && depth == 0)
            break;
    }
    *at += *at < schema.len;
}

size_t entity_schema_names(Arena *arena, Str schema, Str **out)
{
    size_t len = 0, cap = 0;
    Str   *names = NULL;

    for (size_t at = 0; at < schema.len; skip_type(schema, &at)) {
        if (len == cap) {
            names = arena_grow(arena, names, cap * sizeof *names, (cap * 2 + 8) * sizeof *names);
            cap = cap * 2 + 8;
        }
        names[len++] = take_name(arena, schema, &at);
    }
    *out = names;
    return len;
}
