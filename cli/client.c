/*
 * client.c -- libcurl, driven step by step so that Ctrl-C is seen while nothing arrives.
 */
#include "cli/client.h"

#include <assert.h>
#include <curl/curl.h>

#include "cli/interrupt.h"
#include "common/clock.h"

enum { CONNECT_TIMEOUT_MS = 10000, ANSWER_BYTES_MAX = 64 << 20 };

struct Client {
    CURLM             *multi;
    CURL              *easy;
    struct curl_slist *headers; /* of the request under way */
    char              *url;
    const ClientAuth  *auth;
};

typedef struct Transfer {
    Client              *client;
    const ClientRequest *request;
    bool                 is_enough;
} Transfer;

/* --- life ------------------------------------------------------------------------------------- */

static bool is_loopback(Str host)
{
    return str_starts(host, STR("127.")) || str_starts(host, STR("localhost")) ||
           str_starts(host, STR("[::1]"));
}

/* A proxy from the environment is for other machines. */
static void choose_proxy(Client *client)
{
    Str       url = str_from(client->url);
    ptrdiff_t at = str_find(url, STR("://"), 0);
    Str       host = str_slice(url, (size_t)at + 3, url.len);

    curl_easy_setopt(client->easy, CURLOPT_NOPROXY, is_loopback(host) ? "*" : NULL);
}

static bool is_address(Str url)
{
    CURLU *parsed = curl_url();
    Arena *mem = arena_new(0);
    bool   is_http =
        str_starts_nocase(url, STR("http://")) || str_starts_nocase(url, STR("https://"));
    bool is_valid =
        is_http && curl_url_set(parsed, CURLUPART_URL, str_to_c(mem, url), 0) == CURLUE_OK;

    arena_free(mem);
    curl_url_cleanup(parsed);
    return is_valid;
}

ErrCode client_move(Client *client, Str url, Err *err)
{
    size_t len = url.len;

    if (!is_address(url)) {
        (void)err_set(err, ERR_CONFIG, "\"%.*s\" is no address of a server", STR_ARG(url));
        err_hint(err, "write it as " CLIENT_URL_DEFAULT);
        return ERR_CONFIG;
    }
    while (len > 0 && url.ptr[len - 1] == '/')
        len--;
    mem_free(client->url);
    client->url = mem_alloc(len + 1);
    memcpy(client->url, url.ptr, len);
    client->url[len] = '\0';
    choose_proxy(client);
    return ERR_OK;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    Transfer            *transfer = arg;
    const ClientRequest *request = transfer->request;
    long                 status = 0;

    curl_easy_getinfo(transfer->client->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!request->take(request->arg, (int)status, (Str){bytes, size * count})) {
        transfer->is_enough = true;
        return 0; /* ends the transfer */
    }
    return size * count;
}

static void set_auth(Client *client)
{
    const ClientAuth *auth = client->auth;

    if (auth->token) {
        curl_easy_setopt(client->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(client->easy, CURLOPT_XOAUTH2_BEARER, auth->token);
    } else if (auth->user) {
        curl_easy_setopt(client->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(client->easy, CURLOPT_USERNAME, auth->user);
        curl_easy_setopt(client->easy, CURLOPT_PASSWORD, auth->password ? auth->password : "");
    }
}

ErrCode client_open(Str url, const ClientAuth *auth, Client **out, Err *err)
{
    Client *client = MEM_NEW(Client);
    ErrCode rc;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    client->auth = auth;
    assert(client->multi && client->easy);
    rc = client_move(client, url, err);
    if (rc != ERR_OK) {
        client_close(client);
        return rc;
    }
    curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->easy, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
    curl_easy_setopt(client->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(client->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(client->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    set_auth(client);
    *out = client;
    return ERR_OK;
}

void client_close(Client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    mem_free(client->url);
    mem_free(client);
}

const char *client_url(const Client *client)
{
    return client->url;
}

/* --- one request ------------------------------------------------------------------------------ */

static void prepare(Client *client, Transfer *transfer)
{
    const ClientRequest *request = transfer->request;
    Buf                  text = {0};

    buf_printf(&text, "%s%s%c", client->url, request->path, '\0');
    curl_easy_setopt(client->easy, CURLOPT_URL, text.ptr);
    buf_clear(&text);
    buf_printf(&text, "Accept: %s%c", request->accept, '\0');
    client->headers = curl_slist_append(NULL, text.ptr);
    /* Without these two curl waits for "100 Continue" and calls JSON a form. */
    client->headers = curl_slist_append(client->headers, "Expect:");
    client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
    buf_deinit(&text);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, client->headers);
    if (request->body.ptr) {
        curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, request->body.ptr);
    } else {
        curl_easy_setopt(client->easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, transfer);
}

/* Until the transfer is done, its time is over, or Ctrl-C. */
static ErrCode drive(Client *client, const ClientRequest *request, CURLcode *out, bool *is_over,
                     Err *err)
{
    int64_t begin = clock_monotonic_ns(clock_system());
    int     running = 1;

    while (running > 0) {
        CURLMcode code = curl_multi_perform(client->multi, &running);
        int64_t   passed_ms = (clock_monotonic_ns(clock_system()) - begin) / 1000000;
        int64_t   left_ms = request->timeout_ms - passed_ms;
        int       wait_ms = INTERRUPT_LOOK_MS;

        if (code != CURLM_OK)
            return err_set(err, ERR_IO, "could not send the request: %s",
                           curl_multi_strerror(code));
        if (running > 0 && interrupt_is_raised())
            return err_set(err, ERR_CANCELLED, "interrupted");
        *is_over = request->timeout_ms > 0 && left_ms <= 0;
        if (*is_over)
            return ERR_OK;
        if (request->timeout_ms > 0 && left_ms < wait_ms)
            wait_ms = (int)left_ms;
        if (running > 0)
            (void)curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
    }
    for (int left; /* one transfer: one message */;) {
        CURLMsg *message = curl_multi_info_read(client->multi, &left);

        if (!message)
            return ERR_OK;
        if (message->msg == CURLMSG_DONE)
            *out = message->data.result;
    }
}

static ErrCode name_failure(const Client *client, CURLcode code, Err *err)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
        (void)err_set(err, ERR_IO, "could not reach the server at %s: %s", client->url,
                      code == CURLE_COULDNT_CONNECT ? "nobody listens there"
                                                    : curl_easy_strerror(code));
        err_hint(err, "start one by \"weir-server\", or name another by --server URL");
        return ERR_IO;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return err_set(err, ERR_IO, "the server at %s closed the connection", client->url);
    case CURLE_SSL_CONNECT_ERROR:
        (void)err_set(err, ERR_IO, "no TLS is spoken at %s", client->url);
        err_hint(err, "a server without it is reached by http://");
        return ERR_IO;
    default:
        return err_set(err, ERR_IO, "the connection to %s broke: %s", client->url,
                       curl_easy_strerror(code));
    }
}

ErrCode client_send(Client *client, const ClientRequest *request, int *status, Err *err)
{
    Transfer transfer = {client, request, false};
    CURLcode code = CURLE_OK;
    bool     is_over = false;
    long     response = 0;
    ErrCode  rc;

    prepare(client, &transfer);
    curl_multi_add_handle(client->multi, client->easy);
    rc = drive(client, request, &code, &is_over, err);
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &response);
    curl_multi_remove_handle(client->multi, client->easy);
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    if (rc != ERR_OK)
        return rc;
    if (code != CURLE_OK && !transfer.is_enough && !is_over)
        return name_failure(client, code, err);
    *status = (int)response;
    return ERR_OK;
}

static bool collect(void *arg, int status, Str bytes)
{
    Buf *answer = arg;

    (void)status;
    buf_str(answer, bytes);
    return answer->len <= ANSWER_BYTES_MAX;
}

ErrCode client_ask(Client *client, const char *path, Str body, Buf *answer, int *status, Err *err)
{
    ClientRequest request = {
        .path = path, .body = body, .accept = "application/json", .take = collect, .arg = answer};

    TRY(client_send(client, &request, status, err));
    if (answer->len > ANSWER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the answer is longer than %d bytes", ANSWER_BYTES_MAX);
    return ERR_OK;
}
