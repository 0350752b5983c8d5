/*
 * test_run.c -- the steps of a case, one after the other, until one goes wrong.
 *
 * Statements go through the inline engine; what "rows:" and "answer:" look at goes through the API,
 * as it would in a server.  "output:" looks at what a topic got since the last look, and "rows:" at
 * what the last SELECT sent since then, so that a case can tell a story in steps.
 */
#include "cli/test_run.h"

#include <stdio.h>
#include <time.h>

#include "cli/client_session.h"
#include "cli/doc_reader.h"
#include "cli/file.h"
#include "cli/statement.h"
#include "cli/test_record.h"
#include "common/map.h"
#include "server/harness.h"

typedef struct TestRun {
    Arena          *mem;
    const TestFile *file;
    const TestCase *test;
    Harness        *harness;
    ClientSession   session; /* the same settings, for what goes through the API */
    HarnessCall    *call;    /* the last SELECT */
    DocReader       docs;    /* what it sent */
    int             status;
    Map         looked_at; /* topic, TOPIC/PARTITION -> size_t *: records that outputs covered */
    const Json *answer;    /* of the last statement that an "answer:" follows */
    Json       *refused;   /* the body of an answer that is an error */
    Buf         failure;
} TestRun;

static bool fail(TestRun *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Always false: `return fail(...)` ends the case. */
static bool fail(TestRun *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(&run->failure, format, args);
    va_end(args);
    return false;
}

static bool fail_err(TestRun *run, const Err *err, Str sql)
{
    Str text = err_render(run->mem, err, sql);

    return fail(run, "%.*s", STR_ARG(text));
}

static bool idle(TestRun *run)
{
    Err err;

    return harness_until_idle(run->harness, &err) == ERR_OK || fail_err(run, &err, STR(""));
}

/* --- comparing lines -------------------------------------------------------------------------- */

typedef struct Diff {
    TestRun *run;
    bool     differs;
} Diff;

static Diff diff_begin(TestRun *run, const char *what, Str name)
{
    buf_printf(&run->failure, "%s%.*s: - is expected, + was found", what, STR_ARG(name));
    return (Diff){run, false};
}

static void diff_line(Diff *diff, char mark, Str text)
{
    diff->differs = diff->differs || mark != ' ';
    buf_printf(&diff->run->failure, "\n  %c %.*s", mark, STR_ARG(text));
}

/* Both stand at one place; has_* says which side is longer. */
static void diff_pair(Diff *diff, bool is_same, bool has_expected, Str expected, bool has_found,
                      Str found)
{
    if (is_same) {
        diff_line(diff, ' ', found);
        return;
    }
    if (has_expected)
        diff_line(diff, '-', expected);
    if (has_found)
        diff_line(diff, '+', found);
}

static bool diff_end(Diff *diff)
{
    if (diff->differs)
        return false;
    buf_clear(&diff->run->failure);
    return true;
}

/* --- records ---------------------------------------------------------------------------------- */

static bool parse_record(TestRun *run, const TestLine *line, TestRecord *out)
{
    Err err;

    if (test_record_parse(run->mem, line->text, out, &err) == ERR_OK)
        return true;
    return fail(run, "line %u: %s\n  %.*s", line->number, err.msg, STR_ARG(line->text));
}

static bool step_input(TestRun *run, const TestStep *step)
{
    for (size_t i = 0; i < step->lines_len; i++) {
        TestRecord record;
        Err        err;

        if (!parse_record(run, &step->lines[i], &record))
            return false;
        record.record.topic = step->text;
        if (harness_produce(run->harness, &record.record, &err) != ERR_OK)
            return fail(run, "line %u: %s", step->lines[i].number, err.msg);
        if (!harness_is_on_kafka(run->harness) && !idle(run))
            return false;
    }
    return idle(run);
}

/* Kafka's clients take timestamp 0 for "now": there the millisecond after it is written. */
static bool same_ts(const TestRun *run, int64_t found, int64_t expected)
{
    return found == (expected == 0 && harness_is_on_kafka(run->harness) ? 1 : expected);
}

/* The ends of a session are timestamps of records. */
static bool same_window(const TestRun *run, const HarnessRecord *found, const HarnessRecord *want)
{
    if (found->is_session)
        return same_ts(run, found->window_start, want->window_start) &&
               same_ts(run, found->window_end, want->window_end);
    return found->window_start == want->window_start && found->window_end == want->window_end;
}

static bool same_record(const TestRun *run, const HarnessOutput *output, const HarnessRecord *found,
                        const TestRecord *expected)
{
    static const Json    none = {.kind = JSON_ARRAY};
    const HarnessRecord *want = &expected->record;

    return harness_same_side(found->key, want->key, output->source, true) &&
           harness_same_side(found->value, want->value, output->source, false) &&
           (!expected->has_ts || same_ts(run, found->ts, want->ts)) &&
           found->has_window == want->has_window && same_window(run, found, want) &&
           harness_same(found->headers, want->headers ? want->headers : &none, NULL);
}

/* of is a topic, or TOPIC/PARTITION. */
static size_t *looked_at(TestRun *run, Str of)
{
    size_t *count = map_get(&run->looked_at, of);

    if (!count) {
        count = ARENA_NEW(run->mem, size_t);
        map_put(&run->looked_at, of, count);
    }
    return count;
}

/* Leaves what earlier looks have covered out. */
static void keep_new(TestRun *run, Str topic, HarnessOutput *output)
{
    size_t   kept = 0, in_partition = 0;
    uint32_t partition = 0;

    for (size_t i = 0; i < output->len; i++) {
        size_t *covered;

        in_partition = output->records[i].partition == partition ? in_partition + 1 : 1;
        partition = output->records[i].partition;
        covered = looked_at(run, str_printf(run->mem, "%.*s/%u", STR_ARG(topic), partition));
        if (in_partition <= *covered)
            continue;
        *covered = in_partition;
        output->records[kept++] = output->records[i];
    }
    *looked_at(run, topic) = output->len;
    output->len = kept;
}

/* A Kafka transaction becomes readable a moment after its commit has been answered: as many records
 * as are expected are waited for. */
static bool read_output(TestRun *run, const TestStep *step, HarnessOutput *out)
{
    enum { READS_MAX = 50, PAUSE_NS = 50000000 };
    size_t enough = *looked_at(run, step->text) + step->lines_len;
    Err    err;

    for (int reads = 1;; reads++) {
        if (!idle(run))
            return false;
        if (harness_read(run->harness, step->text, run->mem, out, &err) != ERR_OK)
            return fail_err(run, &err, STR(""));
        if (!harness_is_on_kafka(run->harness) || out->len >= enough || reads == READS_MAX)
            break;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    keep_new(run, step->text, out);
    return true;
}

static bool same_key(const TestRun *run, const HarnessOutput *output, const HarnessRecord *found,
                     const HarnessRecord *want)
{
    return harness_same_side(found->key, want->key, output->source, true) &&
           same_window(run, found, want);
}

/* Partitions and tasks have no order among each other: found records are brought into the order of
 * the expected ones, but those of one key stay in theirs. */
static void order_by_key(const TestRun *run, HarnessOutput *output, const TestRecord *expected,
                         size_t expected_len)
{
    for (size_t i = 0; i < expected_len && i < output->len; i++) {
        size_t at = i;

        while (at < output->len &&
               !same_key(run, output, &output->records[at], &expected[i].record))
            at++;
        if (at == output->len)
            continue;
        for (HarnessRecord moved = output->records[at]; at > i; at--) {
            output->records[at] = output->records[at - 1];
            output->records[at - 1] = moved;
        }
    }
}

static bool compare_output(TestRun *run, const TestStep *step, const HarnessOutput *output,
                           const TestRecord *expected)
{
    size_t len = output->len > step->lines_len ? output->len : step->lines_len;
    Diff   diff = diff_begin(run, "topic ", step->text);

    for (size_t i = 0; i < len; i++) {
        const HarnessRecord *found = i < output->len ? &output->records[i] : NULL;
        bool                 has_expected = i < step->lines_len;
        Buf                  text = buf_in(run->mem);

        if (found)
            test_record_print(&text, found);
        diff_pair(&diff, found && has_expected && same_record(run, output, found, &expected[i]),
                  has_expected, has_expected ? step->lines[i].text : STR(""), found != NULL,
                  buf_view(&text));
    }
    return diff_end(&diff);
}

static bool step_output(TestRun *run, const TestStep *step)
{
    TestRecord   *expected = ARENA_ARRAY(run->mem, TestRecord, step->lines_len + 1);
    HarnessOutput output;

    for (size_t i = 0; i < step->lines_len; i++) {
        if (!parse_record(run, &step->lines[i], &expected[i]))
            return false;
    }
    if (!read_output(run, step, &output))
        return false;
    if (harness_is_on_kafka(run->harness))
        order_by_key(run, &output, expected, step->lines_len);
    return compare_output(run, step, &output, expected);
}

/* --- the API ---------------------------------------------------------------------------------- */

static HarnessCall *open_call(TestRun *run, Str path, Str sql)
{
    ApiHeader *accept = ARENA_NEW(run->mem, ApiHeader);
    ApiRequest request = {.method = STR("POST"),
                          .path = path,
                          .headers = accept,
                          .headers_len = 1,
                          .http_major = 1,
                          .http_minor = 1};
    Buf        body = buf_in(run->mem);

    *accept = (ApiHeader){STR("accept"), STR("application/vnd.ksql.v1+json")};
    client_session_request(&run->session, sql, &body);
    request.body = buf_view(&body);
    run->status = 0;
    return harness_call_open(run->harness, &request);
}

/* What has come of a call; true when it is complete. */
static bool take_call(TestRun *run, HarnessCall *call)
{
    Buf  body = {0};
    bool is_complete = harness_call_take(call, &run->status, &body);

    doc_reader_feed(&run->docs, buf_view(&body));
    buf_deinit(&body);
    return is_complete;
}

static void close_call(TestRun *run)
{
    if (run->call)
        harness_call_close(run->call);
    run->call = NULL;
    doc_reader_deinit(&run->docs);
    run->docs = (DocReader){0};
}

static bool next_doc(TestRun *run, Json **out)
{
    Str text;
    Err err;

    if (!doc_reader_next(&run->docs, &text))
        return false;
    return json_parse(run->mem, str_copy(run->mem, text), out, &err) == ERR_OK;
}

/* An HTTP error is the answer's only document. */
static bool fail_status(TestRun *run)
{
    Str message = STR("the answer has no body");

    run->refused = NULL;
    if (next_doc(run, &run->refused))
        message = json_get_str(run->refused, STR("message"), STR("the answer has no message"));
    return fail(run, "refused with status %d: %.*s", run->status, STR_ARG(message));
}

static bool call_and_wait(TestRun *run, Str path, Str sql)
{
    close_call(run);
    run->call = open_call(run, path, sql);
    if (!take_call(run, run->call)) {
        if (!idle(run))
            return false;
        (void)take_call(run, run->call);
    }
    return run->status < 400 || fail_status(run);
}

static bool contains(const Json *found, const Json *expected);

/* All that is expected, in its order; others may stand between. */
static bool contains_items(const Json *found, const Json *expected)
{
    size_t at = 0;

    for (size_t i = 0; i < found->len && at < expected->len; i++)
        at += contains(found->u.items[i], expected->u.items[at]);
    return at == expected->len;
}

static bool contains(const Json *found, const Json *expected)
{
    if (!found || found->kind != expected->kind)
        return harness_same(found, expected, NULL);
    if (expected->kind == JSON_ARRAY)
        return contains_items(found, expected);
    if (expected->kind != JSON_OBJECT)
        return harness_same(found, expected, NULL);
    for (size_t i = 0; i < expected->len; i++) {
        if (!contains(json_get(found, expected->u.members[i].name), expected->u.members[i].value))
            return false;
    }
    return true;
}

static bool step_answer(TestRun *run, const TestStep *step)
{
    Buf   text = buf_in(run->mem), found = buf_in(run->mem);
    Json *expected;
    Err   err;

    for (size_t i = 0; i < step->lines_len; i++) {
        buf_str(&text, step->lines[i].text);
        buf_put(&text, '\n');
    }
    if (json_parse(run->mem, buf_view(&text), &expected, &err) != ERR_OK)
        return fail(run, "what is expected is no JSON: %s", err.msg);
    if (!run->answer)
        return fail(run, "no statement stands before \"answer:\"");
    if (contains(run->answer, expected))
        return true;
    json_print(&found, run->answer);
    return fail(run, "the answer does not contain what is expected; it is\n  %.*s",
                STR_ARG(buf_view(&found)));
}

/* --- rows ------------------------------------------------------------------------------------- */

/* A row as a line: [...], delete [...] or error ...; false for what is no row. */
static bool print_row(const Json *doc, Buf *out, const Json **columns)
{
    const Json *row = json_get(doc, STR("row"));
    const Json *error = json_get(doc, STR("errorMessage"));

    *columns = NULL;
    if (error) {
        buf_c(out, "error ");
        buf_str(out, json_get_str(error, STR("message"), STR("")));
        return true;
    }
    if (!row)
        return false;
    *columns = json_get(row, STR("columns"));
    if (!*columns)
        return false;
    if (json_get_bool(row, STR("tombstone"), false))
        buf_c(out, "delete ");
    json_print(out, *columns);
    return true;
}

static bool same_row(TestRun *run, Str found_line, const Json *found, Str expected_line)
{
    bool is_delete = str_starts(expected_line, STR("delete "));
    Str  text =
        is_delete ? str_slice(expected_line, strlen("delete "), expected_line.len) : expected_line;
    Json *expected;
    Err   err;

    if (!found)
        return str_eq(found_line, expected_line);
    return is_delete == str_starts(found_line, STR("delete ")) &&
           json_parse(run->mem, text, &expected, &err) == ERR_OK &&
           harness_same(found, expected, NULL);
}

static bool step_rows(TestRun *run, const TestStep *step)
{
    size_t at = 0;
    Json  *doc;
    Diff   diff;

    if (!run->call)
        return fail(run, "no SELECT stands before \"rows:\"");
    if (!idle(run))
        return false;
    (void)take_call(run, run->call);
    diff = diff_begin(run, "rows", STR(""));
    while (next_doc(run, &doc)) {
        Buf         line = buf_in(run->mem);
        const Json *columns;
        bool        has_expected = at < step->lines_len;
        Str         expected = has_expected ? step->lines[at].text : STR("");

        if (!print_row(doc, &line, &columns))
            continue;
        diff_pair(&diff, has_expected && same_row(run, buf_view(&line), columns, expected),
                  has_expected, expected, true, buf_view(&line));
        at++;
    }
    for (; at < step->lines_len; at++)
        diff_line(&diff, '-', step->lines[at].text);
    return diff_end(&diff);
}

/* --- statements ------------------------------------------------------------------------------- */

/* "..." at either end stands for any text. */
static bool same_message(Str found, Str expected)
{
    bool is_open_begin = str_starts(expected, STR("..."));
    bool is_open_end = expected.len > 3 && str_ends(expected, STR("..."));

    expected = str_slice(expected, is_open_begin ? 3 : 0, expected.len - (is_open_end ? 3 : 0));
    if (is_open_begin && is_open_end)
        return str_find(found, expected, 0) >= 0;
    if (is_open_begin)
        return str_ends(found, expected);
    return is_open_end ? str_starts(found, expected) : str_eq(found, expected);
}

static bool check_refusal(TestRun *run, const TestRefusal *refusal, Str sql, const Err *err)
{
    bool is_there = refusal->line == 0 ||
                    (refusal->line == err->pos.line && refusal->column == err->pos.column);

    if (is_there && same_message(str_from(err->msg), refusal->message)) {
        if (!refusal->hint.ptr || same_message(str_from(err->hint), refusal->hint))
            return true;
        return fail(run, "advised otherwise: - is expected, + was found\n  - %.*s\n  + %s",
                    STR_ARG(refusal->hint), err->hint);
    }
    fail(run, "refused otherwise: - is expected, + was found\n  - ");
    if (refusal->line)
        fail(run, "%u:%u: ", refusal->line, refusal->column);
    fail(run, "%.*s\n  + ", STR_ARG(refusal->message));
    if (err->pos.line)
        fail(run, "%u:%u: ", err->pos.line, err->pos.column);
    return fail(run, "%s\n%.*s", err->msg, STR_ARG(err_render(run->mem, err, sql)));
}

/* The session of the API's requests has the same settings as the engine's. */
static void keep_setting(TestRun *run, const Statement *statement)
{
    switch (statement->kind) {
    case STATEMENT_SET:
        client_session_set(&run->session, statement->name, statement->value);
        break;
    case STATEMENT_UNSET:
        (void)client_session_unset(&run->session, statement->name);
        break;
    case STATEMENT_DEFINE:
        client_session_define(&run->session, statement->name, statement->value);
        break;
    case STATEMENT_UNDEFINE:
        (void)client_session_undefine(&run->session, statement->name);
        break;
    default:
        break;
    }
}

/* "line 2, column 5: message", more lines: as err_render() wrote it. */
static void read_rendered(Str text, Err *err)
{
    ptrdiff_t end = str_find(text, STR("\n"), 0), hint = str_find(text, STR("\nhint: "), 0);
    Str       advice = hint < 0 ? STR("") : str_slice(text, (size_t)hint + 7, text.len);
    unsigned  line, column;
    int       at = 0;

    text = str_slice(text, 0, end < 0 ? text.len : (size_t)end);
    (void)err_set(err, ERR_STATEMENT, "%.*s", STR_ARG(text));
    if (sscanf(err->msg, "line %u, column %u: %n", &line, &column, &at) == 2 && at > 0) {
        (void)err_set_at(err, ERR_STATEMENT, (SrcPos){.line = line, .column = column}, "%.*s",
                         STR_ARG(str_slice(text, (size_t)at, text.len)));
    }
    err_hint(err, "%.*s", STR_ARG(advice));
}

/* What the API answers itself, it also refuses itself. */
static bool is_of_api(Str sql)
{
    static const char *const words[] = {"ASSERT ", "DESCRIBE ", "EXPLAIN ",
                                        "LIST ",   "PRINT ",    "SHOW "};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts_nocase(sql, str_from(words[i])))
            return true;
    }
    return false;
}

static bool refuse_by_api(TestRun *run, const TestRefusal *refusal, Str sql)
{
    bool is_print = str_starts_nocase(sql, STR("PRINT "));
    Err  err;

    if (call_and_wait(run, is_print ? STR("/query") : STR("/ksql"), sql))
        return fail(run, "the statement was expected to fail: %.*s", STR_ARG(refusal->message));
    buf_clear(&run->failure);
    if (!run->refused)
        return fail(run, "the answer of the statement has no message");
    read_rendered(json_get_str(run->refused, STR("message"), STR("")), &err);
    return check_refusal(run, refusal, sql, &err);
}

static bool execute(TestRun *run, const TestRefusal *refusal, Str sql)
{
    Err     err;
    ErrCode rc = harness_execute(run->harness, sql, NULL, &err);

    if (rc == ERR_OK && refusal->is_expected)
        return fail(run, "the statement was expected to fail: %.*s", STR_ARG(refusal->message));
    if (rc != ERR_OK && refusal->is_expected)
        return check_refusal(run, refusal, sql, &err);
    return rc == ERR_OK || fail_err(run, &err, sql);
}

static bool ask(TestRun *run, Str sql)
{
    Json *answer;

    if (!call_and_wait(run, STR("/ksql"), sql))
        return false;
    if (!next_doc(run, &answer))
        return fail(run, "the statement has no answer");
    run->answer = answer;
    close_call(run);
    return true;
}

static bool step_statement(TestRun *run, const TestStep *step)
{
    bool is_asked =
        str_starts_nocase(step->text, STR("ASSERT ")) || /* the API's business, not the engine's */
        (step + 1 < run->test->steps + run->test->steps_len && step[1].kind == TEST_ANSWER);
    Statement statement;
    Err       err;

    if (step->refusal.is_expected && is_of_api(step->text))
        return refuse_by_api(run, &step->refusal, step->text);
    if (step->refusal.is_expected)
        return execute(run, &step->refusal, step->text);
    if (statement_read(run->mem, step->text, &statement, &err) != ERR_OK)
        return fail_err(run, &err, step->text);
    if (statement.kind == STATEMENT_QUERY)
        return call_and_wait(run, STR("/query"), step->text);
    if (is_asked)
        return ask(run, step->text);
    keep_setting(run, &statement);
    return execute(run, &step->refusal, step->text) && idle(run);
}

static bool step_run(TestRun *run, const TestStep *step)
{
    enum { SCRIPT_BYTES_MAX = 4 << 20 };
    Str    path = run->file->path;
    size_t folder = path.len;
    Str    sql;
    Err    err;

    while (folder > 0 && path.ptr[folder - 1] != '/')
        folder--;
    path =
        str_printf(run->mem, "%.*s%.*s", STR_ARG(str_slice(path, 0, folder)), STR_ARG(step->text));
    if (file_read(run->mem, path, SCRIPT_BYTES_MAX, &sql, &err) != ERR_OK)
        return fail_err(run, &err, STR(""));
    return execute(run, &step->refusal, sql) && idle(run);
}

static bool step_topic(TestRun *run, const TestStep *step)
{
    Err err;

    return harness_make_topic(run->harness, step->text, (uint32_t)step->number, 1, &err) ==
               ERR_OK ||
           fail_err(run, &err, STR(""));
}

static bool do_step(TestRun *run, const TestStep *step)
{
    switch (step->kind) {
    case TEST_STATEMENT:
        return step_statement(run, step);
    case TEST_RUN:
        return step_run(run, step);
    case TEST_TOPIC:
        return step_topic(run, step);
    case TEST_TIME:
        harness_set_time(run->harness, step->number);
        return idle(run);
    case TEST_INPUT:
        return step_input(run, step);
    case TEST_OUTPUT:
        return step_output(run, step);
    case TEST_ROWS:
        return step_rows(run, step);
    case TEST_ANSWER:
        break;
    }
    return step_answer(run, step);
}

/* --- the case --------------------------------------------------------------------------------- */

static bool open_harness(TestRun *run, Str bootstrap_servers)
{
    size_t           len = run->test->properties_len;
    HarnessProperty *properties = ARENA_ARRAY(run->mem, HarnessProperty, len + 1);
    Err              err;

    for (size_t i = 0; i < len; i++)
        properties[i] =
            (HarnessProperty){run->test->properties[i].name, run->test->properties[i].value};
    if (bootstrap_servers.ptr)
        properties[len++] = (HarnessProperty){STR("bootstrap.servers"), bootstrap_servers};
    return harness_open(properties, len, &run->harness, &err) == ERR_OK ||
           fail_err(run, &err, STR(""));
}

static bool check_end(TestRun *run)
{
    bool has_refusal = false;
    Str  id;
    Err  err;

    for (size_t i = 0; i < run->test->steps_len; i++)
        has_refusal = has_refusal || run->test->steps[i].refusal.is_expected;
    if (run->file->must_fail && !has_refusal)
        return fail(run, "a test in a file named error_* has an \"error:\"");
    if (!has_refusal && !idle(run))
        return false;
    if (harness_failed_query(run->harness, &id, &err))
        return fail(run, "query %.*s failed: %s", STR_ARG(id), err.msg);
    return true;
}

static bool has_step(const TestCase *test, TestStepKind kind)
{
    for (size_t i = 0; i < test->steps_len; i++) {
        if (test->steps[i].kind == kind)
            return true;
    }
    return false;
}

static bool has_insert_query(const TestCase *test)
{
    for (size_t i = 0; i < test->steps_len; i++) {
        Str text = test->steps[i].text;

        if (test->steps[i].kind == TEST_STATEMENT && str_starts_nocase(text, STR("INSERT INTO ")) &&
            (str_find(text, STR("SELECT "), 0) >= 0 || str_find(text, STR("select "), 0) >= 0))
            return true;
    }
    return false;
}

TestKafka test_on_kafka(const TestCase *test)
{
    if (has_step(test, TEST_ROWS) || has_step(test, TEST_ANSWER))
        return TEST_KAFKA_ANSWERS;
    if (!has_step(test, TEST_OUTPUT))
        return TEST_KAFKA_NO_OUTPUT;
    if (has_step(test, TEST_TIME))
        return TEST_KAFKA_CLOCK;
    return has_insert_query(test) ? TEST_KAFKA_WRITERS : TEST_KAFKA_RUNS;
}

void test_run(Arena *arena, const TestFile *file, const TestCase *test, Str bootstrap_servers,
              TestOutcome *out)
{
    TestRun run = {.mem = arena, .file = file, .test = test, .failure = buf_in(arena)};

    *out = (TestOutcome){.has_passed = true, .line = test->line};
    client_session_init(&run.session, arena);
    map_init(&run.looked_at, arena);
    out->has_passed = open_harness(&run, bootstrap_servers);
    for (size_t i = 0; out->has_passed && i < test->steps_len; i++) {
        out->line = test->steps[i].line;
        out->has_passed = do_step(&run, &test->steps[i]);
    }
    out->has_passed = out->has_passed && check_end(&run);
    out->message = buf_view(&run.failure);
    close_call(&run);
    harness_close(run.harness);
}
