/*
 * entity_print_page.c -- DESCRIBE and EXPLAIN: labelled lines, then tables under headings.
 */
#include "cli/entity_print_internal.h"

#include <inttypes.h>

enum { LABEL_WIDTH = 16 };

static void put_label(const EntityPrint *print, const char *label, Str text)
{
    if (text.len > 0)
        buf_printf(print->out, "%-*s : %.*s\n", LABEL_WIDTH, label, STR_ARG(text));
}

static void put_heading(const EntityPrint *print, const char *heading)
{
    buf_printf(print->out, "\n%s\n", heading);
    for (const char *c = heading; *c; c++)
        buf_put(print->out, '-');
    buf_put(print->out, '\n');
}

/* --- fields ----------------------------------------------------------------------------------- */

static Str type_of_field(const EntityPrint *print, const Json *field, Str source_type, Str window)
{
    Str role = entity_text(print, field, "type");
    Str header_key = entity_text(print, field, "headerKey");
    Buf text = buf_in(print->mem);

    entity_print_type(print, &text, json_get(field, STR("schema")));
    if (str_eq(role, STR("KEY")))
        buf_c(&text, str_eq(source_type, STR("TABLE")) ? " (primary key)" : " (key)");
    if (str_eq(role, STR("KEY")) && window.len > 0)
        buf_printf(&text, " (Window type: %.*s)", STR_ARG(window));
    if (str_eq(role, STR("HEADER")) && header_key.len > 0)
        buf_printf(&text, " (header('%.*s'))", STR_ARG(header_key));
    else if (str_eq(role, STR("HEADER")))
        buf_c(&text, " (headers)");
    return buf_view(&text);
}

static void print_fields(const EntityPrint *print, const Json *description, Str source_type)
{
    static const Str names[] = {{"Field", 5}, {"Type", 4}};
    TableList        table = table_list(print->mem, names, 2, print->width_max);
    Str              window = entity_text(print, description, "windowType");

    for (size_t i = 0; i < entity_len(description, "fields"); i++) {
        const Json *field = entity_item(description, "fields", i);

        table_list_cell(&table, entity_text(print, field, "name"));
        table_list_cell(&table, type_of_field(print, field, source_type, window));
    }
    table_list_print(print->out, &table);
}

/* --- sources ---------------------------------------------------------------------------------- */

static void print_running(const EntityPrint *print, const Json *source, const char *list,
                          const char *heading)
{
    if (entity_len(source, list) == 0)
        return;
    put_heading(print, heading);
    for (size_t i = 0; i < entity_len(source, list); i++) {
        const Json *query = entity_item(source, list, i);

        buf_printf(print->out, "%.*s (%.*s) : %.*s\n", STR_ARG(entity_text(print, query, "id")),
                   STR_ARG(entity_text(print, query, "state")),
                   STR_ARG(entity_text(print, query, "queryString")));
    }
}

static void print_offsets(const EntityPrint *print, const Json *topic)
{
    static const Str names[] = {
        {"Partition", 9}, {"Start Offset", 12}, {"End Offset", 10}, {"Offset", 6}, {"Lag", 3}};
    TableList table = table_list(print->mem, names, 5, print->width_max);

    for (size_t i = 0; i < entity_len(topic, "offsets"); i++) {
        const Json *offset = entity_item(topic, "offsets", i);
        int64_t     end = json_get_i64(offset, STR("logEndOffset"), 0);
        int64_t     at = json_get_i64(offset, STR("consumerOffset"), 0);

        table_list_cell(&table, entity_text(print, offset, "partition"));
        table_list_cell(&table, entity_text(print, offset, "logStartOffset"));
        table_list_cell(&table, entity_text(print, offset, "logEndOffset"));
        table_list_cell(&table, entity_text(print, offset, "consumerOffset"));
        table_list_cell(&table, str_printf(print->mem, "%" PRId64, end - at));
    }
    table_list_print(print->out, &table);
}

static void print_groups(const EntityPrint *print, const Json *source)
{
    for (size_t i = 0; i < entity_len(source, "queryOffsetSummaries"); i++) {
        const Json *group = entity_item(source, "queryOffsetSummaries", i);

        put_heading(print, "Consumer group");
        put_label(print, "Group", entity_text(print, group, "groupId"));
        for (size_t j = 0; j < entity_len(group, "topicSummaries"); j++) {
            const Json *topic = entity_item(group, "topicSummaries", j);

            put_label(print, "Kafka topic", entity_text(print, topic, "kafkaTopic"));
            print_offsets(print, topic);
        }
    }
}

static void print_statistics(const EntityPrint *print, const Json *source)
{
    static const char *const lists[] = {"clusterStatistics", "clusterErrorStats"};
    static const char *const texts[] = {"statistics", "errorStats"};

    put_heading(print, "Local runtime statistics");
    for (size_t i = 0; i < 2; i++) {
        Str text = entity_text(print, source, texts[i]);

        if (text.len > 0)
            buf_printf(print->out, "%.*s\n", STR_ARG(text));
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < entity_len(source, lists[i]); j++) {
            const Json *stat = entity_item(source, lists[i], j);

            buf_printf(print->out, "%.*s : %.*s (%.*s)\n",
                       STR_ARG(entity_text(print, stat, "name")),
                       STR_ARG(entity_text(print, stat, "value")),
                       STR_ARG(entity_text(print, stat, "host")));
        }
    }
}

static void print_source(const EntityPrint *print, const Json *source)
{
    Str  type = entity_text(print, source, "type");
    Str  name = entity_text(print, source, "name");
    bool is_extended = json_get_bool(source, STR("extended"), false);

    put_label(print, "Name", name);
    if (is_extended) {
        put_label(print, "Type", type);
        put_label(print, "Timestamp field", entity_text(print, source, "timestamp"));
        put_label(print, "Key format", entity_text(print, source, "keyFormat"));
        put_label(print, "Value format", entity_text(print, source, "valueFormat"));
        put_label(print, "Kafka topic",
                  str_printf(print->mem, "%.*s (partitions: %.*s, replication: %.*s)",
                             STR_ARG(entity_text(print, source, "topic")),
                             STR_ARG(entity_text(print, source, "partitions")),
                             STR_ARG(entity_text(print, source, "replication"))));
        put_label(print, "Statement", entity_text(print, source, "statement"));
        buf_put(print->out, '\n');
    }
    print_fields(print, source, type);
    if (!is_extended) {
        buf_printf(print->out,
                   "For runtime statistics and query details run: DESCRIBE %.*s EXTENDED;\n",
                   STR_ARG(name));
        return;
    }
    if (entity_len(source, "sourceConstraints") > 0) {
        put_heading(print, "Sources that depend on this one");
        buf_printf(print->out, "%.*s\n",
                   STR_ARG(entity_joined(print, source, "sourceConstraints")));
    }
    print_running(print, source, "readQueries", "Queries that read from this source");
    print_running(print, source, "writeQueries", "Queries that write into this source");
    print_statistics(print, source);
    print_groups(print, source);
}

void entity_page_source(const EntityPrint *print, const Json *entity)
{
    print_source(print, json_get(entity, STR("sourceDescription")));
}

void entity_page_sources(const EntityPrint *print, const Json *entity)
{
    for (size_t i = 0; i < entity_len(entity, "sourceDescriptions"); i++) {
        if (i > 0)
            buf_put(print->out, '\n');
        print_source(print, entity_item(entity, "sourceDescriptions", i));
    }
}

/* --- queries ---------------------------------------------------------------------------------- */

static void print_text(const EntityPrint *print, const char *heading, Str text)
{
    if (text.len == 0)
        return;
    put_heading(print, heading);
    buf_str(print->out, text);
    if (text.ptr[text.len - 1] != '\n')
        buf_put(print->out, '\n');
}

static void print_overrides(const EntityPrint *print, const Json *query)
{
    const Json      *overrides = json_get(query, STR("overriddenProperties"));
    static const Str names[] = {{"Property", 8}, {"Value", 5}};
    TableList        table = table_list(print->mem, names, 2, print->width_max);

    if (entity_len(query, "overriddenProperties") == 0)
        return;
    put_heading(print, "Overridden properties");
    for (size_t i = 0; i < overrides->len; i++) {
        Str name = overrides->u.members[i].name;

        table_list_cell(&table, name);
        table_list_cell(&table, entity_text(print, overrides, str_to_c(print->mem, name)));
    }
    table_list_print(print->out, &table);
}

static void print_errors(const EntityPrint *print, const Json *query)
{
    for (size_t i = 0; i < entity_len(query, "queryErrors"); i++) {
        const Json *error = entity_item(query, "queryErrors", i);

        put_heading(print, i ? "Earlier error" : "Error");
        put_label(print, "Time", entity_text(print, error, "timestamp"));
        put_label(print, "Type", entity_text(print, error, "type"));
        put_label(print, "Error", entity_text(print, error, "errorMessage"));
    }
}

static void print_query(const EntityPrint *print, const Json *query)
{
    Str topology = entity_text(print, query, "topology");
    Str plan = entity_text(print, query, "executionPlan");

    put_label(print, "ID", entity_text(print, query, "id"));
    put_label(print, "Query Type", entity_text(print, query, "queryType"));
    put_label(print, "SQL", entity_text(print, query, "statementText"));
    put_label(print, "Status", entity_text(print, query, "state"));
    put_label(print, "Consumer group", entity_text(print, query, "consumerGroupId"));
    put_label(print, "Reads from", entity_joined(print, query, "sources"));
    put_label(print, "Writes into", entity_joined(print, query, "sinks"));
    if (entity_len(query, "fields") > 0) {
        buf_put(print->out, '\n');
        print_fields(print, query,
                     entity_len(query, "sinks") > 0 &&
                             str_starts(entity_text(print, query, "id"), STR("CTAS_"))
                         ? STR("TABLE")
                         : STR("STREAM"));
    }
    print_text(print, "Execution plan", plan);
    if (!str_eq(plan, topology))
        print_text(print, "Topology", topology);
    print_overrides(print, query);
    print_errors(print, query);
}

void entity_page_query(const EntityPrint *print, const Json *entity)
{
    print_query(print, json_get(entity, STR("queryDescription")));
}

void entity_page_queries(const EntityPrint *print, const Json *entity)
{
    for (size_t i = 0; i < entity_len(entity, "queryDescriptions"); i++) {
        if (i > 0)
            buf_put(print->out, '\n');
        print_query(print, entity_item(entity, "queryDescriptions", i));
    }
}

/* --- functions -------------------------------------------------------------------------------- */

static Str signature(const EntityPrint *print, Str name, const Json *variant)
{
    Buf text = buf_in(print->mem);

    buf_printf(&text, "%.*s(", STR_ARG(name));
    for (size_t i = 0; i < entity_len(variant, "arguments"); i++) {
        const Json *argument = entity_item(variant, "arguments", i);

        buf_printf(&text, "%s%.*s %.*s%s", i ? ", " : "",
                   STR_ARG(entity_text(print, argument, "name")),
                   STR_ARG(entity_text(print, argument, "type")),
                   json_get_bool(argument, STR("isVariadic"), false) ? "..." : "");
    }
    buf_put(&text, ')');
    return buf_view(&text);
}

void entity_page_function(const EntityPrint *print, const Json *entity)
{
    Str name = entity_text(print, entity, "name");
    Str overview = entity_text(print, entity, "description");

    put_label(print, "Name", name);
    put_label(print, "Author", entity_text(print, entity, "author"));
    put_label(print, "Version", entity_text(print, entity, "version"));
    put_label(print, "Overview", overview);
    put_label(print, "Type", entity_text(print, entity, "type"));
    put_heading(print, "Variations");
    for (size_t i = 0; i < entity_len(entity, "functions"); i++) {
        const Json *variant = entity_item(entity, "functions", i);
        Str         description = entity_text(print, variant, "description");

        buf_printf(print->out, "%.*s -> %.*s\n", STR_ARG(signature(print, name, variant)),
                   STR_ARG(entity_text(print, variant, "returnType")));
        if (description.len > 0 && !str_eq(description, overview))
            buf_printf(print->out, "    %.*s\n", STR_ARG(description));
    }
}
