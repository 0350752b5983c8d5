/*
 * conformance_query.c -- a case of statements over topics.
 *
 *   topics -> statements (or their refusal) -> inputs, one by one -> outputs -> catalog and plans
 */
#include "cli/conformance.h"

#include <regex.h>
#include <stdio.h>

Str case_text(const CaseRun *run, Str text)
{
    Buf out = buf_in(run->mem);

    for (size_t i = 0; i < text.len;) {
        Str rest = str_slice(text, i, text.len);

        if (run->format.ptr && str_starts(rest, STR("{FORMAT}"))) {
            buf_str(&out, run->format);
            i += sizeof "{FORMAT}" - 1;
        } else if (run->config.ptr && str_starts(rest, STR("{CONFIG}"))) {
            buf_str(&out, run->config);
            i += sizeof "{CONFIG}" - 1;
        } else {
            buf_put(&out, text.ptr[i++]);
        }
    }
    return buf_view(&out);
}

/* The clock of a case: after 1970 began, as every real one is, but no record is old by it. */
enum { CASE_START_MS = 1000 };

void case_properties(const CaseRun *run, HarnessProperty **out, size_t *len)
{
    const Json      *props = json_get(run->test, STR("properties"));
    size_t           count = props ? props->len : 0;
    HarnessProperty *list = ARENA_ARRAY(run->mem, HarnessProperty, count + 2);

    *len = 0;
    for (size_t i = 0; i < count; i++) {
        const Json *value = props->u.members[i].value;
        Buf         text = buf_in(run->mem);

        if (value->kind == JSON_NULL)
            continue;
        if (value->kind == JSON_STRING)
            buf_str(&text, value->text);
        else
            json_print(&text, value);
        list[(*len)++] =
            (HarnessProperty){props->u.members[i].name, case_text(run, buf_view(&text))};
    }
    if (run->is_push_v2)
        list[(*len)++] = (HarnessProperty){STR("ksql.query.push.v2.enabled"), STR("true")};
    *out = list;
}

/* --- failures --------------------------------------------------------------------------------- */

CaseResult case_fail(const CaseRun *run, CaseFailure *failure, const char *cause,
                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    failure->cause = str_from(cause);
    failure->detail = str_vprintf(run->mem, format, args);
    va_end(args);
    return CASE_FAILED;
}

CaseResult case_refused(const CaseRun *run, CaseFailure *failure, Str sql, const Err *err)
{
    Buf  cause = buf_in(run->mem);
    bool quoted = false;

    buf_c(&cause, "refused: ");
    for (const char *c = err->msg; *c; c++) {
        if (*c == '"')
            quoted = !quoted;
        if (*c == '"' && quoted)
            buf_c(&cause, "\"_");
        if (!quoted && !(*c >= '0' && *c <= '9'))
            buf_put(&cause, *c);
    }
    failure->cause = buf_view(&cause);
    failure->detail = str_printf(run->mem, "%.*s\n    %s", STR_ARG(sql), err->msg);
    return CASE_FAILED;
}

/* --- topics and inputs ------------------------------------------------------------------------ */

ErrCode case_make_topics(const CaseRun *run, Harness *harness, Err *err)
{
    const Json *topics = json_get(run->test, STR("topics"));
    const Json *statements = json_get(run->test, STR("statements"));

    for (size_t i = 0; topics && i < topics->len; i++) {
        const Json *topic = topics->u.items[i];
        Str         name =
            topic->kind == JSON_STRING ? topic->text : json_get_str(topic, STR("name"), STR(""));

        TRY(harness_make_topic(harness, case_text(run, name),
                               (uint32_t)json_get_i64(topic, STR("partitions"), 4),
                               (int32_t)json_get_i64(topic, STR("replicas"), 1), err));
    }
    for (size_t i = 0; statements && i < statements->len; i++)
        TRY(harness_make_topics_of(harness, case_text(run, statements->u.items[i]->text), err));
    return ERR_OK;
}

static void take_window(const Json *record, HarnessRecord *out)
{
    const Json *window = json_get(record, STR("window"));

    if (!window || window->kind != JSON_OBJECT)
        return;
    out->has_window = true;
    out->window_start = json_get_i64(window, STR("start"), 0);
    out->window_end = json_get_i64(window, STR("end"), 0);
    out->is_session = str_eq_nocase(json_get_str(window, STR("type"), STR("")), STR("session"));
}

static HarnessRecord record_of(const CaseRun *run, const Json *json)
{
    HarnessRecord record = {.topic = case_text(run, json_get_str(json, STR("topic"), STR(""))),
                            .key = json_get(json, STR("key")),
                            .value = json_get(json, STR("value")),
                            .headers = json_get(json, STR("headers")),
                            .ts = json_get_i64(json, STR("timestamp"), 0)};

    take_window(json, &record);
    return record;
}

ErrCode case_produce(const CaseRun *run, Harness *harness, const Json *input, Err *err)
{
    HarnessRecord record = record_of(run, input);

    return harness_produce(harness, &record, err);
}

/* --- outputs ---------------------------------------------------------------------------------- */

static Str show_tree(const CaseRun *run, const Json *json)
{
    Buf text = buf_in(run->mem);

    if (json)
        json_print(&text, json);
    else
        buf_c(&text, "null");
    return buf_view(&text);
}

static Str show_record(const CaseRun *run, const HarnessRecord *record)
{
    Str key = show_tree(run, record->key), value = show_tree(run, record->value);

    if (record->has_window)
        return str_printf(run->mem, "%.*s[%lld,%lld] -> %.*s @%lld", STR_ARG(key),
                          (long long)record->window_start, (long long)record->window_end,
                          STR_ARG(value), (long long)record->ts);
    return str_printf(run->mem, "%.*s -> %.*s @%lld", STR_ARG(key), STR_ARG(value),
                      (long long)record->ts);
}

/* What of two records differs, or NULL. */
static const char *difference(const CaseRun *run, const HarnessOutput *output,
                              const HarnessRecord *found, const HarnessRecord *expected,
                              bool has_ts)
{
    static Json empty = {.kind = JSON_ARRAY};
    bool        has_inputs =
        json_get(run->test, STR("inputs")) && json_get(run->test, STR("inputs"))->len > 0;
    bool any_ts = !has_ts || (!has_inputs && expected->ts == 0);

    if (!harness_same_side(found->key, expected->key, output->source, true))
        return "output key differs";
    if (!harness_same_side(found->value, expected->value, output->source, false))
        return "output value differs";
    if (!any_ts && found->ts != expected->ts)
        return "output timestamp differs";
    if (found->has_window != expected->has_window ||
        found->window_start != expected->window_start ||
        (found->window_end != expected->window_end && expected->is_session))
        return "output window differs";
    if (!harness_same(found->headers, expected->headers ? expected->headers : &empty, NULL))
        return "output headers differ";
    return NULL;
}

static CaseResult compare_topic(const CaseRun *run, Harness *harness, Str topic,
                                CaseFailure *failure)
{
    const Json   *outputs = json_get(run->test, STR("outputs"));
    HarnessOutput found;
    size_t        at = 0;
    Err           err;

    if (harness_read(harness, topic, run->mem, &found, &err) != ERR_OK)
        return case_fail(run, failure, "output cannot be read", "topic %.*s: %s", STR_ARG(topic),
                         err.msg);
    for (size_t i = 0; i < outputs->len; i++) {
        HarnessRecord expected = record_of(run, outputs->u.items[i]);
        const char   *why;

        if (!str_eq(expected.topic, topic))
            continue;
        if (at == found.len)
            return case_fail(run, failure, "output is missing",
                             "topic %.*s, record %zu: expected %.*s", STR_ARG(topic), at,
                             STR_ARG(show_record(run, &expected)));
        why = difference(run, &found, &found.records[at], &expected,
                         json_get(outputs->u.items[i], STR("timestamp")) != NULL);
        if (why)
            return case_fail(run, failure, why,
                             "topic %.*s, record %zu:\n    expected %.*s\n    found    %.*s",
                             STR_ARG(topic), at, STR_ARG(show_record(run, &expected)),
                             STR_ARG(show_record(run, &found.records[at])));
        at++;
    }
    if (at < found.len)
        return case_fail(run, failure, "output has more records than expected",
                         "topic %.*s, record %zu: found %.*s", STR_ARG(topic), at,
                         STR_ARG(show_record(run, &found.records[at])));
    return CASE_PASSED;
}

/* "outputs": []: no sink of a CREATE ... AS has a record. */
static CaseResult all_sinks_empty(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    Catalog   *catalog = engine_catalog(harness_engine(harness));
    CaseResult result = CASE_PASSED;

    for (size_t i = 0; i < catalog_sources_len(catalog) && result == CASE_PASSED; i++) {
        const Source *source = catalog_source_at(catalog, i);
        HarnessOutput found;
        Err           err;

        if (source->created_by.ptr &&
            harness_read(harness, source->topic, run->mem, &found, &err) == ERR_OK && found.len)
            result = case_fail(run, failure, "output has more records than expected",
                               "topic %.*s: found %.*s", STR_ARG(source->topic),
                               STR_ARG(show_record(run, &found.records[0])));
    }
    catalog_unref(catalog);
    return result;
}

CaseResult case_outputs(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    const Json *outputs = json_get(run->test, STR("outputs"));

    if (!outputs)
        return CASE_PASSED;
    if (outputs->len == 0)
        return all_sinks_empty(run, harness, failure);
    for (size_t i = 0; i < outputs->len; i++) {
        Str  topic = record_of(run, outputs->u.items[i]).topic;
        bool is_seen = false;

        for (size_t j = 0; j < i && !is_seen; j++)
            is_seen = str_eq(record_of(run, outputs->u.items[j]).topic, topic);
        if (!is_seen && compare_topic(run, harness, topic, failure) != CASE_PASSED)
            return CASE_FAILED;
    }
    return CASE_PASSED;
}

/* --- after the outputs ------------------------------------------------------------------------ */

static CaseResult check_features(const CaseRun *run, const Json *want, const FormatSpec *spec,
                                 bool is_single, CaseFailure *failure)
{
    const Json *features = json_get(want, STR("features"));
    bool        unwraps = false, wraps = false;

    for (size_t i = 0; features && i < features->len; i++) {
        unwraps = unwraps || str_eq(features->u.items[i]->text, STR("UNWRAP_SINGLES"));
        wraps = wraps || str_eq(features->u.items[i]->text, STR("WRAP_SINGLES"));
    }
    if (is_single && ((unwraps && spec->is_wrapped) || (wraps && !spec->is_wrapped)))
        return case_fail(run, failure, "a source wraps its value otherwise", "%s",
                         format_kind_name(spec->kind));
    return CASE_PASSED;
}

static CaseResult check_format(const CaseRun *run, const Json *want, Str field,
                               const FormatSpec *spec, bool is_single, Str source,
                               CaseFailure *failure)
{
    const Json *format = json_get(want, field);
    Str         name = format && format->kind == JSON_STRING
                           ? format->text
                           : json_get_str(format, STR("format"), STR_NULL);

    if (name.ptr && !str_eq_nocase(name, str_from(format_kind_name(spec->kind))))
        return case_fail(run, failure, "a source has another format",
                         "%.*s: expected %.*s, found %s", STR_ARG(source), STR_ARG(name),
                         format_kind_name(spec->kind));
    if (format && format->kind == JSON_OBJECT && str_eq(field, STR("valueFormat")))
        return check_features(run, format, spec, is_single, failure);
    return CASE_PASSED;
}

static CaseResult check_source(const CaseRun *run, const Catalog *catalog, const Json *want,
                               CaseFailure *failure)
{
    Str           name = json_get_str(want, STR("name"), STR(""));
    Str           type = json_get_str(want, STR("type"), STR_NULL);
    Str           schema = json_get_str(want, STR("schema"), STR_NULL);
    const Source *source = catalog_source(catalog, name);
    Buf           found = buf_in(run->mem);
    bool          is_single;

    if (!source)
        return case_fail(run, failure, "a source is missing", "%.*s", STR_ARG(name));
    if (type.ptr && source->is_table != str_eq_nocase(type, STR("table")))
        return case_fail(run, failure, "a source is of the other kind", "%.*s", STR_ARG(name));
    schema_print(&found, source->schema, true);
    if (schema.ptr && !harness_same_schema(source, case_text(run, schema)))
        return case_fail(run, failure, "a source has another schema",
                         "%.*s:\n    expected %.*s\n    found    %.*s", STR_ARG(name),
                         STR_ARG(schema), STR_ARG(buf_view(&found)));
    is_single = source->schema->len == source->schema->key_len + 1;
    if (check_format(run, want, STR("keyFormat"), &source->key_format, false, name, failure) !=
        CASE_PASSED)
        return CASE_FAILED;
    return check_format(run, want, STR("valueFormat"), &source->value_format, is_single, name,
                        failure);
}

/* The names that the plans' exchanges would have as topics must not match. */
static CaseResult check_blacklist(const CaseRun *run, const Catalog *catalog, Str pattern,
                                  CaseFailure *failure)
{
    regex_t    regex;
    CaseResult result = CASE_PASSED;

    if (regcomp(&regex, str_to_c(run->mem, pattern), REG_EXTENDED | REG_NOSUB) != 0)
        return case_fail(run, failure, "a pattern of the case cannot be read", "%.*s",
                         STR_ARG(pattern));
    for (size_t i = 0; i < catalog_queries_len(catalog); i++) {
        const CatalogQuery *query = catalog_query_at(catalog, i);

        for (uint32_t n = 0; query->plan && n < query->plan->nodes_len; n++) {
            const PlanNode *node = query->plan->nodes[n];
            Str             name;

            if (node->kind != PLAN_EXCHANGE)
                continue;
            name = str_printf(run->mem, "%.*s-%.*s", STR_ARG(query->id),
                              STR_ARG(node->u.exchange.topic));
            if (regexec(&regex, name.ptr, 0, NULL, 0) == 0)
                result =
                    case_fail(run, failure, "a query re-keys without need", "%.*s", STR_ARG(name));
        }
    }
    regfree(&regex);
    return result;
}

static CaseResult check_post(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    const Json *post = json_get(run->test, STR("post"));
    const Json *sources = json_get(post, STR("sources"));
    Str         pattern = json_get_str(json_get(post, STR("topics")), STR("blacklist"), STR_NULL);
    Catalog    *catalog = engine_catalog(harness_engine(harness));
    CaseResult  result = CASE_PASSED;

    for (size_t i = 0; sources && i < sources->len && result == CASE_PASSED; i++)
        result = check_source(run, catalog, sources->u.items[i], failure);
    if (result == CASE_PASSED && pattern.ptr)
        result = check_blacklist(run, catalog, pattern, failure);
    catalog_unref(catalog);
    return result;
}

/* --- refusals --------------------------------------------------------------------------------- */

/* "line 3:" at the beginning. */
static bool begins_with_line(Str message)
{
    return str_starts(message, STR("line ")) && message.len > 5 && message.ptr[5] >= '0' &&
           message.ptr[5] <= '9';
}

static CaseResult judge_refusal(const CaseRun *run, size_t failed, Str sql, const Err *err,
                                CaseFailure *failure)
{
    const Json *want = json_get(run->test, STR("expectedException"));
    Str         type = json_get_str(want, STR("type"), STR(""));
    Str         message = json_get_str(want, STR("message"), STR(""));
    bool is_syntax = str_ends(type, STR("ParseFailedException")) || begins_with_line(message);
    const Json *statements = json_get(run->test, STR("statements"));

    if (err->code == ERR_NOT_YET)
        return case_refused(run, failure, sql, err);
    if (is_syntax != (err->code == ERR_SYNTAX))
        return case_fail(
            run, failure, is_syntax ? "should be a syntax error" : "should not be a syntax error",
            "%.*s\n    %s\n    wanted: %.*s", STR_ARG(sql), err->msg, STR_ARG(message));
    if (failed + 1 < statements->len)
        return case_fail(run, failure, "refused at an earlier statement",
                         "%.*s\n    %s\n    wanted: %.*s", STR_ARG(sql), err->msg,
                         STR_ARG(message));
    return CASE_PASSED;
}

/* --- the run ---------------------------------------------------------------------------------- */

static CaseResult run_inputs(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    const Json *inputs = json_get(run->test, STR("inputs"));
    Err         err;

    for (size_t i = 0; inputs && i < inputs->len; i++) {
        if (case_produce(run, harness, inputs->u.items[i], &err) != ERR_OK)
            return case_fail(run, failure, "an input cannot be written", "record %zu: %s", i,
                             err.msg);
        if (harness_until_idle(harness, &err) != ERR_OK)
            return case_fail(run, failure, "the engine does not come to rest", "%s", err.msg);
    }
    if (harness_until_idle(harness, &err) != ERR_OK)
        return case_fail(run, failure, "the engine does not come to rest", "%s", err.msg);
    return CASE_PASSED;
}

static CaseResult run_statements(const CaseRun *run, Harness *harness, CaseFailure *failure,
                                 bool *is_refused)
{
    const Json *statements = json_get(run->test, STR("statements"));
    bool        wants = json_get(run->test, STR("expectedException")) != NULL;
    bool        has_inputs = json_get(run->test, STR("inputs")) != NULL;
    Err         err;

    for (size_t i = 0; i < statements->len; i++) {
        Str sql = case_text(run, statements->u.items[i]->text);

        if (harness_execute(harness, sql, NULL, &err) == ERR_OK)
            continue;
        *is_refused = true;
        if (wants)
            return judge_refusal(run, i, sql, &err, failure);
        return case_refused(run, failure, sql, &err);
    }
    if (wants && !has_inputs)
        return case_fail(run, failure, "should be refused", "%.*s",
                         STR_ARG(json_get_str(json_get(run->test, STR("expectedException")),
                                              STR("message"), STR(""))));
    return CASE_PASSED;
}

/* A case with inputs and an exception: the query ends in state ERROR after the outputs. */
static CaseResult check_queries(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    bool wants = json_get(run->test, STR("expectedException")) != NULL;
    Str  id;
    Err  err;
    bool has_failed = harness_failed_query(harness, &id, &err);

    if (has_failed && !wants)
        return case_fail(run, failure, "a query failed", "%.*s: %s", STR_ARG(id), err.msg);
    if (!has_failed && wants)
        return case_fail(run, failure, "a query should have failed", "%s", "");
    return CASE_PASSED;
}

static CaseResult run_case(const CaseRun *run, Harness *harness, CaseFailure *failure)
{
    bool       is_refused = false;
    CaseResult result;
    Err        err;

    if (case_make_topics(run, harness, &err) != ERR_OK)
        return case_fail(run, failure, "a topic cannot be made", "%s", err.msg);
    result = run_statements(run, harness, failure, &is_refused);
    if (result != CASE_PASSED || is_refused)
        return result;
    result = run_inputs(run, harness, failure);
    if (result == CASE_PASSED)
        result = check_queries(run, harness, failure);
    if (result == CASE_PASSED)
        result = case_outputs(run, harness, failure);
    if (result == CASE_PASSED)
        result = check_post(run, harness, failure);
    return result;
}

CaseResult conformance_query(const CaseRun *run, CaseFailure *failure)
{
    HarnessProperty *props;
    size_t           props_len;
    Harness         *harness;
    CaseResult       result;
    Err              err;

    case_properties(run, &props, &props_len);
    if (harness_open(props, props_len, &harness, &err) != ERR_OK)
        return case_fail(run, failure, "the engine does not open", "%s", err.msg);
    harness_set_time(harness, CASE_START_MS);
    result = run_case(run, harness, failure);
    harness_close(harness);
    return result;
}
