/*
 * client.h -- HTTP requests to a server, over a connection that is kept.
 *
 * Bytes of an answer are handed over as they arrive, so that an answer without end can be shown row
 * by row.  A request ends when the answer does, when the taker has enough, when its time is over,
 * or on Ctrl-C; in the last three cases the connection is closed, which ends the query in the
 * server.
 *
 * Thread: one.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "common/buf.h"
#include "common/err.h"

#define CLIENT_URL_DEFAULT "http://127.0.0.1:8088"

typedef struct Client Client;

/* Credentials; NULL: none.  A token excludes user and password. */
typedef struct ClientAuth {
    const char *user, *password;
    const char *token;
} ClientAuth;

/* ERR_CONFIG: not an http or https URL.  Does not connect. */
ErrCode client_open(Str url, const ClientAuth *auth, Client **out, Err *err) ERR_MUST_USE;
void    client_close(Client *client); /* NULL is fine */
/* The same for another server; on failure nothing changes. */
ErrCode     client_move(Client *client, Str url, Err *err) ERR_MUST_USE;
const char *client_url(const Client *client); /* without a slash at its end */

typedef struct ClientRequest {
    const char *path;
    Str         body; /* STR_NULL: GET */
    const char *accept;
    int64_t     timeout_ms; /* 0: none */
    /* Called with each piece of the answer's body; false: enough. */
    bool (*take)(void *arg, int status, Str bytes);
    void *arg;
} ClientRequest;

/*
 * Sends and takes the whole answer.  ERR_OK with the HTTP status: the answer ended, or was ended by
 * take or by its timeout.  ERR_CANCELLED: Ctrl-C, whose flag stays raised.  ERR_IO: no connection,
 * or it broke; the message names the server and the cause.
 */
ErrCode client_send(Client *client, const ClientRequest *request, int *status,
                    Err *err) ERR_MUST_USE;

/* A short request whose answer is wanted as a whole; body STR_NULL: GET. */
ErrCode client_ask(Client *client, const char *path, Str body, Buf *answer, int *status,
                   Err *err) ERR_MUST_USE;

#endif
