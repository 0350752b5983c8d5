/*
 * test_record.c -- lines to records and back.
 */
#include "cli/test_record.h"

#include <inttypes.h>

/* Takes one JSON value off the front of *rest. */
static ErrCode take_json(Arena *arena, const char *what, Str *rest, const Json **out, Err *err)
{
    JsonScan scan;
    Str      text;
    Json    *json;

    *rest = str_trim(*rest);
    json_scan_init(&scan, *rest);
    if (rest->len == 0 || !json_skip(&scan, &text))
        return err_set(err, ERR_SYNTAX, "the %s is no JSON%s%s", what, scan.why ? ": " : "",
                       scan.why ? scan.why : "");
    TRY(json_parse(arena, text, &json, err));
    *rest = str_trim(str_slice(*rest, (size_t)(scan.at - rest->ptr), rest->len));
    *out = json;
    return ERR_OK;
}

static Str take_word(Str *rest)
{
    size_t end = 0;
    Str    word;

    while (end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t')
        end++;
    word = str_slice(*rest, 0, end);
    *rest = str_trim(str_slice(*rest, end, rest->len));
    return word;
}

static bool take_window(Str text, HarnessRecord *record)
{
    ptrdiff_t dots = str_find(text, STR(".."), 0);

    record->has_window = true;
    return dots > 0 && str_to_i64(str_slice(text, 0, (size_t)dots), &record->window_start) &&
           str_to_i64(str_slice(text, (size_t)dots + 2, text.len), &record->window_end);
}

/* {"name": "text"} as the harness wants it: [{"KEY": name, "VALUE": base64}]. */
static ErrCode take_headers(Arena *arena, Str *rest, HarnessRecord *record, Err *err)
{
    const Json *names;
    Json       *list;
    Buf         text = buf_in(arena);

    TRY(take_json(arena, "list of headers", rest, &names, err));
    if (names->kind != JSON_OBJECT)
        return err_set(err, ERR_SYNTAX, "headers are written {\"name\": \"text\"}");
    buf_put(&text, '[');
    for (size_t i = 0; i < names->len; i++) {
        const Json *value = names->u.members[i].value;
        Buf         base64 = buf_in(arena);

        base64_encode(&base64, value->text);
        buf_c(&text, i ? ",{\"KEY\":" : "{\"KEY\":");
        json_put_string(&text, names->u.members[i].name);
        buf_c(&text, ",\"VALUE\":");
        if (value->kind == JSON_STRING)
            json_put_string(&text, buf_view(&base64));
        else
            buf_c(&text, "null");
        buf_put(&text, '}');
    }
    buf_put(&text, ']');
    TRY(json_parse(arena, buf_view(&text), &list, err));
    record->headers = list;
    return ERR_OK;
}

static ErrCode take_attribute(Arena *arena, Str *rest, TestRecord *out, Err *err)
{
    Str word;

    if (str_starts(*rest, STR("headers="))) {
        *rest = str_slice(*rest, strlen("headers="), rest->len);
        return take_headers(arena, rest, &out->record, err);
    }
    word = take_word(rest);
    if (word.ptr[0] == '@' && str_to_i64(str_slice(word, 1, word.len), &out->record.ts)) {
        out->has_ts = true;
        return ERR_OK;
    }
    if (str_starts(word, STR("window=")) &&
        take_window(str_slice(word, strlen("window="), word.len), &out->record))
        return ERR_OK;
    if (str_starts(word, STR("session=")) &&
        take_window(str_slice(word, strlen("session="), word.len), &out->record)) {
        out->record.is_session = true;
        return ERR_OK;
    }
    (void)err_set(err, ERR_SYNTAX, "cannot read \"%.*s\" behind the value of a record",
                  STR_ARG(word));
    err_hint(err, "a record is KEY VALUE @TIMESTAMP window=START..END headers={...}");
    return ERR_SYNTAX;
}

ErrCode test_record_parse(Arena *arena, Str line, TestRecord *out, Err *err)
{
    Str rest = line;

    *out = (TestRecord){0};
    TRY(take_json(arena, "key of a record", &rest, &out->record.key, err));
    TRY(take_json(arena, "value of a record", &rest, &out->record.value, err));
    while (rest.len > 0)
        TRY(take_attribute(arena, &rest, out, err));
    return ERR_OK;
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_tree(Buf *out, const Json *json)
{
    if (json)
        json_print(out, json);
    else
        buf_c(out, "null");
}

static void print_headers(Buf *out, const Json *headers)
{
    buf_c(out, " headers={");
    for (size_t i = 0; i < headers->len; i++) {
        const Json *header = headers->u.items[i];
        Str         value = json_get_str(header, STR("VALUE"), STR_NULL);
        Buf         text = {0};

        buf_c(out, i ? ", " : "");
        json_put_string(out, json_get_str(header, STR("KEY"), STR("")));
        buf_c(out, ": ");
        if (value.ptr && base64_decode(&text, value))
            json_put_string(out, buf_view(&text));
        else
            buf_c(out, "null");
        buf_deinit(&text);
    }
    buf_put(out, '}');
}

void test_record_print(Buf *out, const HarnessRecord *record)
{
    print_tree(out, record->key);
    buf_put(out, ' ');
    print_tree(out, record->value);
    buf_printf(out, " @%" PRId64, record->ts);
    if (record->has_window)
        buf_printf(out, " %s=%" PRId64 "..%" PRId64, record->is_session ? "session" : "window",
                   record->window_start, record->window_end);
    if (record->headers && record->headers->len > 0)
        print_headers(out, record->headers);
}
