/*
 * acceptor.h -- listening sockets, and who gets a new connection.
 *
 * All protocols share a port.  The first bytes of a connection say which one it speaks:
 *
 *     PRI * HTTP/2.0   HTTP/2 with prior knowledge: refused by GOAWAY, HTTP/1.1 required
 *     22 3             a TLS handshake on a cleartext port: closed
 *     anything else    HTTP/1.1; websockets begin as such
 *
 * Life: acceptor_open() binds, so that a busy port is known before anything else starts;
 * acceptor_start() listens; acceptor_stop() ends accepting and drains what is open.
 *
 * Thread: acceptor_stop() any; the rest the owner's, before and after the loop runs.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "server/http.h"

typedef struct Acceptor Acceptor;

/*
 * listeners: http://host:port, comma separated; host may be an IPv6 address in brackets; port 0
 * takes any.  ERR_CONFIG: malformed, or https; ERR_IO: the address cannot be had.
 */
ErrCode acceptor_open(Str listeners, Acceptor **out, Err *err) ERR_MUST_USE;
void    acceptor_close(Acceptor *acceptor);

/* The addresses in force, comma separated, with the ports that were chosen. */
Str acceptor_urls(const Acceptor *acceptor);

/* loop, http and ws outlive the acceptor.  idle_ms: how long a client may say nothing at all. */
typedef struct AcceptorOpts {
    HttpLoop *loop;
    Http     *http;
    Ws       *ws;
    int64_t   idle_ms;
} AcceptorOpts;

ErrCode acceptor_start(Acceptor *acceptor, const AcceptorOpts *opts, Err *err) ERR_MUST_USE;
void    acceptor_stop(Acceptor *acceptor);

#endif
