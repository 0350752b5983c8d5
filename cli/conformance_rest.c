/*
 * conformance_rest.c -- a case of statements and requests against the REST API.
 *
 *   topics -> statements one by one: SELECT to /query, the rest to /ksql -> responses -> outputs
 *
 * Inputs are produced after the statements that define things and before the first query, or, when
 * the case says so, while the push query runs.  Records lie in the partitions of their keys, as
 * ROWPARTITION in answers shows.
 */
#include "cli/conformance.h"

#include <stdio.h>

typedef struct RestRun {
    const CaseRun *run;
    Harness       *harness;
    CaseFailure   *failure;
    const Json    *responses;
    size_t         response; /* next one to compare */
    bool           has_inputs_in;
    bool           saw_error;
} RestRun;

/* --- requests --------------------------------------------------------------------------------- */

static bool is_query(Str sql)
{
    return str_starts_nocase(str_trim(sql), STR("SELECT")) ||
           str_starts_nocase(str_trim(sql), STR("PRINT"));
}

static bool is_push(Str sql)
{
    Arena *mem = arena_new(0);
    Str    upper = str_upper_ascii(mem, sql);
    bool   found = str_find(upper, STR("EMIT"), 0) >= 0;

    arena_free(mem);
    return found;
}

static ApiRequest request_of(const RestRun *rest, Str sql)
{
    Arena     *mem = rest->run->mem;
    Buf        body = buf_in(mem);
    ApiHeader *headers = ARENA_ARRAY(mem, ApiHeader, 1);

    headers[0] = (ApiHeader){STR("accept"), STR("application/vnd.ksql.v1+json")};
    buf_c(&body, "{\"ksql\":");
    json_put_string(&body, sql);
    buf_c(&body, ",\"streamsProperties\":{}}");
    return (ApiRequest){.method = STR("POST"),
                        .path = is_query(sql) ? STR("/query") : STR("/ksql"),
                        .headers = headers,
                        .headers_len = 1,
                        .body = buf_view(&body),
                        .http_major = 1,
                        .http_minor = 1};
}

static CaseResult fail(RestRun *rest, const char *cause, Str sql, Str detail)
{
    return case_fail(rest->run, rest->failure, cause, "%.*s\n    %.*s", STR_ARG(sql),
                     STR_ARG(detail));
}

static CaseResult produce_inputs(RestRun *rest)
{
    const Json *inputs = json_get(rest->run->test, STR("inputs"));
    Err         err;

    rest->has_inputs_in = true;
    for (size_t i = 0; inputs && i < inputs->len; i++) {
        if (case_produce(rest->run, rest->harness, inputs->u.items[i], &err) != ERR_OK ||
            harness_until_idle(rest->harness, &err) != ERR_OK)
            return case_fail(rest->run, rest->failure, "an input cannot be written",
                             "record %zu: %s", i, err.msg);
    }
    return CASE_PASSED;
}

/* --- comparing -------------------------------------------------------------------------------- */

/* Every field named in want is in found; "x|starts_with" asks for a beginning. */
static bool same_fields(const Json *found, const Json *want)
{
    for (size_t i = 0; i < want->len; i++) {
        Str         name = want->u.members[i].name;
        const Json *value = want->u.members[i].value;
        ptrdiff_t   bar = str_find(name, STR("|starts_with"), 0);
        const Json *other = json_get(found, bar < 0 ? name : str_slice(name, 0, (size_t)bar));

        if (bar >= 0) {
            if (!other || other->kind != JSON_STRING || !str_starts(other->text, value->text))
                return false;
        } else if (value->kind == JSON_OBJECT && other && other->kind == JSON_OBJECT) {
            if (!same_fields(other, value))
                return false;
        } else if (!harness_same(other, value, NULL)) {
            return false;
        }
    }
    return true;
}

static Str show(const RestRun *rest, const Json *json)
{
    Buf text = buf_in(rest->run->mem);

    if (json)
        json_print(&text, json);
    return buf_view(&text);
}

static bool has_row(const Json *item)
{
    return json_get(item, STR("row")) != NULL;
}

/* A row of a pull query may stand anywhere among the rows. */
static bool take_row(const Json *found, bool *taken, const Json *want)
{
    for (size_t i = 0; i < found->len; i++) {
        if (!taken[i] && has_row(found->u.items[i]) && same_fields(found->u.items[i], want)) {
            taken[i] = true;
            return true;
        }
    }
    return false;
}

static CaseResult compare_rows(RestRun *rest, Str sql, const Json *found, const Json *want)
{
    bool *taken = ARENA_ARRAY(rest->run->mem, bool, found->len + 1);
    bool  is_any_order = !is_push(sql);

    if (found->len != want->len)
        return fail(
            rest, found->len < want->len ? "response: rows are missing" : "response: too many rows",
            sql, show(rest, found));
    for (size_t i = 0; i < want->len; i++) {
        const Json *item = want->u.items[i];
        bool        same = is_any_order && has_row(item) ? take_row(found, taken, item)
                                                         : same_fields(found->u.items[i], item);

        if (!same)
            return fail(
                rest, has_row(item) ? "response: a row differs" : "response: header or end differs",
                sql,
                str_printf(rest->run->mem, "expected %.*s\n    found    %.*s",
                           STR_ARG(show(rest, item)), STR_ARG(show(rest, found))));
    }
    return CASE_PASSED;
}

static const Json *next_response(RestRun *rest)
{
    if (!rest->responses || rest->response >= rest->responses->len)
        return NULL;
    return rest->responses->u.items[rest->response++];
}

static CaseResult compare_query(RestRun *rest, Str sql, const Json *found)
{
    const Json *response = next_response(rest);
    const Json *want = json_get(response, STR("query"));

    if (!response)
        return CASE_PASSED;
    if (json_get(response, STR("queryProto")))
        return CASE_PASSED; /* PROTOBUF is not part of this build: that answer alone is left out */
    if (!want)
        return fail(rest, "response: of another kind than expected", sql, show(rest, found));
    return compare_rows(rest, sql, found, want);
}

static CaseResult compare_admin(RestRun *rest, Str sql, const Json *found)
{
    for (size_t i = 0; i < found->len; i++) {
        const Json *response = next_response(rest);
        const Json *want = json_get(response, STR("admin"));

        if (!response)
            return CASE_PASSED;
        if (!want || !same_fields(found->u.items[i], want))
            return fail(rest, "response: an entity differs", sql,
                        str_printf(rest->run->mem, "expected %.*s\n    found    %.*s",
                                   STR_ARG(show(rest, want)),
                                   STR_ARG(show(rest, found->u.items[i]))));
    }
    return CASE_PASSED;
}

static Str kind_of(Str java_type)
{
    if (str_ends(java_type, STR("KsqlStatementErrorMessage")))
        return STR("statement_error");
    if (str_ends(java_type, STR("KsqlErrorMessage")))
        return STR("generic_error");
    return STR_NULL;
}

static CaseResult compare_error(RestRun *rest, Str sql, int status, const Json *found)
{
    const Json *want = json_get(rest->run->test, STR("expectedError"));
    Str         message = json_get_str(found, STR("message"), STR(""));
    Err         err = {0};

    rest->saw_error = true;
    if (!want || str_find(message, STR("not supported yet"), 0) >= 0) {
        snprintf(err.msg, sizeof err.msg, "%.*s", STR_ARG(message));
        return case_refused(rest->run, rest->failure, sql, &err);
    }
    if (json_get(want, STR("status")) && json_get_i64(want, STR("status"), 0) != status)
        return fail(rest, "error: another HTTP status", sql, show(rest, found));
    if (kind_of(json_get_str(want, STR("type"), STR(""))).ptr &&
        !str_eq(kind_of(json_get_str(want, STR("type"), STR(""))),
                json_get_str(found, STR("@type"), STR(""))))
        return fail(rest, "error: another @type", sql, show(rest, found));
    return CASE_PASSED;
}

static CaseResult compare_response(RestRun *rest, Str sql, int status, Str body)
{
    Json *found;
    Err   err;

    if (json_parse(rest->run->mem, body, &found, &err) != ERR_OK)
        return fail(rest, "response: no JSON document", sql, body);
    if (status >= 400)
        return compare_error(rest, sql, status, found);
    return is_query(sql) ? compare_query(rest, sql, found) : compare_admin(rest, sql, found);
}

/* --- the run ---------------------------------------------------------------------------------- */

/* A push query that sees the inputs come in. */
static CaseResult run_live(RestRun *rest, Str sql)
{
    ApiRequest   request = request_of(rest, sql);
    HarnessCall *call = harness_call_open(rest->harness, &request);
    Buf          body = buf_in(rest->run->mem);
    int          status = 0;
    bool         is_end = harness_call_take(call, &status, &body);
    CaseResult   result = CASE_PASSED;
    Err          err;

    if (!is_end && harness_until_idle(rest->harness, &err) != ERR_OK)
        result = fail(rest, "the engine does not come to rest", sql, str_from(err.msg));
    if (result == CASE_PASSED && !rest->has_inputs_in)
        result = produce_inputs(rest);
    if (!is_end)
        is_end = harness_call_take(call, &status, &body);
    harness_call_close(call);
    if (result != CASE_PASSED)
        return result;
    if (!is_end)
        return fail(rest, "response: does not end", sql, buf_view(&body));
    return compare_response(rest, sql, status, buf_view(&body));
}

static CaseResult run_statement(RestRun *rest, Str sql)
{
    bool       is_live = json_get_bool(json_get(rest->run->test, STR("inputConditions")),
                                       STR("waitForActivePushQuery"), false);
    ApiRequest request;
    int        status = 0;
    Str        body;
    Err        err;

    if (is_query(sql) && is_live && is_push(sql))
        return run_live(rest, sql);
    if (is_query(sql) && !rest->has_inputs_in && produce_inputs(rest) != CASE_PASSED)
        return CASE_FAILED;
    if (is_query(sql) && is_push(sql))
        return run_live(rest, sql);
    request = request_of(rest, sql);
    if (harness_request(rest->harness, &request, rest->run->mem, &status, &body, &err) != ERR_OK)
        return fail(rest, "the engine does not come to rest", sql, str_from(err.msg));
    return compare_response(rest, sql, status, body);
}

static CaseResult run_case(RestRun *rest)
{
    const Json *statements = json_get(rest->run->test, STR("statements"));
    CaseResult  result = CASE_PASSED;
    Err         err;

    if (case_make_topics(rest->run, rest->harness, &err) != ERR_OK)
        return case_fail(rest->run, rest->failure, "a topic cannot be made", "%s", err.msg);
    for (size_t i = 0; i < statements->len && result == CASE_PASSED && !rest->saw_error; i++)
        result = run_statement(rest, case_text(rest->run, statements->u.items[i]->text));
    if (result != CASE_PASSED)
        return result;
    if (json_get(rest->run->test, STR("expectedError")) && !rest->saw_error)
        return case_fail(rest->run, rest->failure, "should be refused", "%.*s",
                         STR_ARG(json_get_str(json_get(rest->run->test, STR("expectedError")),
                                              STR("message"), STR(""))));
    if (rest->saw_error)
        return CASE_PASSED;
    if (!rest->has_inputs_in && produce_inputs(rest) != CASE_PASSED)
        return CASE_FAILED;
    if (harness_until_idle(rest->harness, &err) != ERR_OK)
        return case_fail(rest->run, rest->failure, "the engine does not come to rest", "%s",
                         err.msg);
    return case_outputs(rest->run, rest->harness, rest->failure);
}

CaseResult conformance_rest(const CaseRun *run, CaseFailure *failure)
{
    RestRun rest = {
        .run = run, .failure = failure, .responses = json_get(run->test, STR("responses"))};
    HarnessProperty *props;
    size_t           props_len;
    CaseResult       result;
    Err              err;

    case_properties(run, &props, &props_len);
    if (harness_open_spread(props, props_len, &rest.harness, &err) != ERR_OK)
        return case_fail(run, failure, "the engine does not open", "%s", err.msg);
    result = run_case(&rest);
    harness_close(rest.harness);
    return result;
}
