#include "tests/bench/http_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "tests/bench/bench.h"
#include "tests/bench/server_process.h"

enum { RESPONSE_BYTES_MAX = 65536, WAIT_MS_MAX = 10000 };

typedef struct Client {
    int    fd;
    size_t len; /* of response */
    char   response[RESPONSE_BYTES_MAX];
} Client;

/* --- single requests -------------------------------------------------------------------------- */

static int new_socket(int port, struct sockaddr_in *address)
{
    struct timeval wait = {.tv_sec = WAIT_MS_MAX / 1000};
    int            one = 1;
    int            fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        bench_die("socket", strerror(errno));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd;
}

int http_connect(int port)
{
    struct sockaddr_in address;
    int                fd = new_socket(port, &address);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        bench_die("connect", strerror(errno));
    return fd;
}

size_t http_format(char *out, size_t size, const char *path, const char *body)
{
    int len = *body ? snprintf(out, size,
                               "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               "Content-Type: application/json\r\n"
                               "Content-Length: %zu\r\n\r\n%s",
                               path, strlen(body), body)
                    : snprintf(out, size, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);

    if (len < 0 || (size_t)len >= size)
        bench_die("request", "too long");
    return (size_t)len;
}

void http_send(int fd, const char *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        bench_die("send", strerror(errno));
}

/* The length of the whole response at the front of text; 0: more must come. */
static size_t response_len(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    const char *field;
    size_t      whole;

    if (!end)
        return 0;
    field = memmem(text, (size_t)(end - text), "ontent-", 7);
    while (field && strncasecmp(field + 7, "length:", 7) != 0)
        field = memmem(field + 7, (size_t)(end - field - 7), "ontent-", 7);
    if (!field)
        bench_die("response without a length", text);
    whole = (size_t)(end - text) + 4 + strtoull(field + 14, NULL, 10);
    return whole <= len ? whole : 0;
}

void http_once(int port, const char *path, const char *body, char *response, size_t size)
{
    size_t cap = strlen(body) + 512, len = 0;
    char  *request = mem_alloc(cap);
    int    fd = http_connect(port);

    http_send(fd, request, http_format(request, cap, path, body));
    do {
        ssize_t got = recv(fd, response + len, size - 1 - len, 0);

        if (got <= 0)
            bench_die("no whole response to", body);
        len += (size_t)got;
        response[len] = '\0';
    } while (response_len(response, len) == 0);
    close(fd);
    mem_free(request);
    if (strncmp(response, "HTTP/1.1 200", 12) != 0)
        bench_die(body, response);
}

/* --- load ------------------------------------------------------------------------------------- */

static void send_request(const HttpLoad *load, Client *client, int64_t n)
{
    char   body[HTTP_LOAD_REQUEST_BYTES / 2], request[HTTP_LOAD_REQUEST_BYTES];
    int    len = load->body(body, sizeof body, load->first + n);
    size_t whole;

    if (len < 0 || (size_t)len >= sizeof body)
        bench_die("request", "too long");
    whole = http_format(request, sizeof request, load->path, body);
    client->len = 0;
    http_send(client->fd, request, whole);
}

/* True when the response is complete. */
static bool take_response(const HttpLoad *load, Client *client)
{
    ssize_t got =
        recv(client->fd, client->response + client->len, RESPONSE_BYTES_MAX - 1 - client->len, 0);

    if (got <= 0)
        bench_die("recv", got == 0 ? "the server closed a connection" : strerror(errno));
    client->len += (size_t)got;
    client->response[client->len] = '\0';
    if (response_len(client->response, client->len) == 0)
        return false;
    if (strncmp(client->response, "HTTP/1.1 200", 12) != 0 ||
        !strstr(client->response, load->expect))
        bench_die("unexpected response", client->response);
    return true;
}

/* A single connection is waited for in recv(): that is a system call less. */
static int wait_for_some(const HttpLoad *load, Client *clients, int epoll_fd,
                         struct epoll_event *events)
{
    if (load->connections > 1)
        return epoll_wait(epoll_fd, events, HTTP_LOAD_CONNECTIONS_MAX, WAIT_MS_MAX);
    events[0].data.ptr = clients;
    return 1;
}

static int64_t run_clients(const HttpLoad *load, Client *clients, int epoll_fd, double ends)
{
    struct epoll_event events[HTTP_LOAD_CONNECTIONS_MAX];
    int64_t            sent = 0, answered = 0;

    for (int i = 0; i < load->connections && sent < load->requests_max; i++)
        send_request(load, &clients[i], sent++);
    while (answered < sent) {
        int  count = wait_for_some(load, clients, epoll_fd, events);
        bool is_over = bench_now_s() >= ends;

        if (count <= 0)
            bench_die("http load", "no response came");
        for (int i = 0; i < count; i++) {
            Client *client = events[i].data.ptr;

            if (!take_response(load, client))
                continue;
            answered++;
            if (!is_over && sent < load->requests_max)
                send_request(load, client, sent++);
        }
    }
    return answered;
}

double http_load_run(const HttpLoad *load)
{
    Client *clients = MEM_ARRAY(Client, (size_t)load->connections);
    int     epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int64_t answered;
    double  began, seconds;

    if (epoll_fd < 0 || load->connections > HTTP_LOAD_CONNECTIONS_MAX)
        bench_die("http load", "could not begin");
    for (int i = 0; i < load->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

        clients[i].fd = http_connect(load->port);
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &event) != 0)
            bench_die("epoll", strerror(errno));
    }
    began = bench_now_s();
    answered = run_clients(load, clients, epoll_fd, began + load->seconds_max);
    seconds = bench_now_s() - began;
    for (int i = 0; i < load->connections; i++)
        close(clients[i].fd);
    close(epoll_fd);
    mem_free(clients);
    return (double)answered / seconds;
}

/* --- echo ------------------------------------------------------------------------------------- */

static void echo_loop(int listener)
{
    static const char  response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    struct epoll_event events[HTTP_LOAD_CONNECTIONS_MAX];
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    int                epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    char               request[HTTP_LOAD_REQUEST_BYTES];

    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, HTTP_LOAD_CONNECTIONS_MAX, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == listener) {
                event.data.fd = accept(listener, NULL, NULL);
                epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
            } else if (recv(fd, request, sizeof request, 0) <= 0 ||
                       send(fd, response, sizeof response - 1, MSG_NOSIGNAL) < 0) {
                close(fd);
            }
        }
    }
}

pid_t http_echo_start(int *port)
{
    struct sockaddr_in address;
    socklen_t          len = sizeof address;
    int                listener = new_socket(0, &address);
    pid_t              pid;

    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, HTTP_LOAD_CONNECTIONS_MAX) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        bench_die("listen", strerror(errno));
    *port = ntohs(address.sin_port);
    pid = fork();
    if (pid < 0)
        bench_die("fork", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        echo_loop(listener);
    }
    close(listener);
    return pid;
}

void http_echo_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
