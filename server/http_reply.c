/*
 * http_reply.c -- the bytes of HTTP/1.x responses: heads, errors, CORS.
 */
#include "server/http_reply.h"

#include <stdio.h>
#include <time.h>

#include "common/json_writer.h"

/* --- CORS ------------------------------------------------------------------------------------- */

void http_cors_init(HttpCors *cors, const Properties *props)
{
    cors->origins = str_trim(properties_get(props, "access.control.allow.origin"));
    cors->methods = properties_get(props, "access.control.allow.methods");
    cors->headers = properties_get(props, "access.control.allow.headers");
}

/* '*' stands for any run of characters.  Linear: on a mismatch only the last star grows. */
static bool fits(Str pattern, Str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool http_cors_allows(const HttpCors *cors, Str origin)
{
    size_t from = 0;

    for (size_t i = 0; i <= cors->origins.len; i++) {
        if (i < cors->origins.len && cors->origins.ptr[i] != ',')
            continue;
        if (i > from && fits(str_trim(str_slice(cors->origins, from, i)), origin))
            return true;
        from = i + 1;
    }
    return false;
}

/* --- heads ------------------------------------------------------------------------------------ */

static const char *reason_of(int status)
{
    static const struct {
        int         status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

static void put_field(Buf *out, Str name, Str value)
{
    buf_str(out, name);
    buf_str(out, STR(": "));
    buf_str(out, value);
    buf_str(out, STR("\r\n"));
}

static void put_status_line(Buf *out, const HttpReply *reply, int status)
{
    buf_str(out, reply->minor ? STR("HTTP/1.1 ") : STR("HTTP/1.0 "));
    buf_i64(out, status);
    buf_put(out, ' ');
    buf_c(out, reason_of(status));
    buf_str(out, STR("\r\n"));
}

/* What every response says: date, connection, CORS. */
static void put_common(Buf *out, const HttpReply *reply)
{
    put_field(out, STR("date"), reply->date);
    if (!reply->keeps_alive)
        buf_str(out, STR("connection: close\r\n"));
    else if (reply->minor == 0)
        buf_str(out, STR("connection: keep-alive\r\n"));
    if (reply->is_cors_on)
        buf_str(out, STR("vary: origin\r\n"));
    if (reply->origin.ptr) {
        put_field(out, STR("access-control-allow-origin"), reply->origin);
        buf_str(out, STR("access-control-allow-credentials: true\r\n"));
    }
}

void http_reply_head(Buf *out, const HttpReply *reply, const ApiFrame *frame)
{
    buf_reserve(out, 512);
    put_status_line(out, reply, frame->status);
    if (frame->content_type.len)
        put_field(out, STR("content-type"), frame->content_type);
    for (size_t i = 0; i < frame->headers_len; i++)
        put_field(out, frame->headers[i].name, frame->headers[i].value);
    put_common(out, reply);
    if (reply->is_chunked) {
        buf_str(out, STR("transfer-encoding: chunked\r\n"));
    } else if (reply->has_length) {
        buf_str(out, STR("content-length: "));
        buf_i64(out, (int64_t)reply->content_length);
        buf_str(out, STR("\r\n"));
    }
    buf_str(out, STR("\r\n"));
}

void http_reply_preflight(Buf *out, const HttpReply *reply, const HttpCors *cors)
{
    put_status_line(out, reply, 204);
    put_common(out, reply);
    put_field(out, STR("access-control-allow-methods"), cors->methods);
    put_field(out, STR("access-control-allow-headers"), cors->headers);
    buf_str(out, STR("\r\n"));
}

void http_reply_error_body(Buf *out, int status, const char *message)
{
    JsonWriter w = json_writer(out);

    jw_open(&w, '{');
    jw_field_c(&w, "@type", "generic_error");
    jw_field_i64(&w, "error_code", status * 100);
    jw_field_c(&w, "message", message);
    jw_close(&w, '}');
}

Str http_reply_date(char *out, size_t room, int64_t now_ms)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t            seconds = (time_t)(now_ms / 1000);
    struct tm         tm;

    /* Not strftime: names of days must not follow a locale. */
    gmtime_r(&seconds, &tm);
    snprintf(out, room, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
    return str_from(out);
}
