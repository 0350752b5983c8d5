/*
 * http_linger.h -- ends a connection whose last answer must still arrive.
 *
 * Closing a socket while the client is still sending makes the kernel throw the answer away and
 * reset the connection.  So the sending side is closed first, what still comes is read and thrown
 * away, and the socket goes when the client closes or the time is up.
 *
 * Thread: http.
 */
#ifndef SERVER_HTTP_LINGER_H
#define SERVER_HTTP_LINGER_H

#include "server/http_loop.h"

/* Takes fd, on which everything was sent. */
void http_linger(HttpLoop *loop, int fd);

#endif
