/*
 * ws.h -- GET /ws/query: a query whose rows come as websocket text messages.
 *
 * Framing is libwebsockets', on a service thread of its own that starts with the first websocket.
 * A session is one ApiCall; each frame of the call is one text message, and the last one closes the
 * websocket with a code.  What the client says is read and ignored, up to the limit of a message.
 * A session whose socket is full is not asked for more; the others go on.
 *
 * Thread: ws_adopt() http; open and close the owner's.
 */
#ifndef SERVER_WS_H
#define SERVER_WS_H

#include "server/api.h"

typedef struct Ws Ws;

Ws *ws_open(Api *api);
/* Closes the sessions and ends the thread.  No ws_adopt() may follow. */
void ws_close(Ws *ws);

/*
 * Takes the socket of a checked upgrade request.  key is its Sec-WebSocket-Key, rest what the
 * client sent behind the head.
 */
void ws_adopt(Ws *ws, int fd, const ApiRequest *request, Str key, Str rest);
/* Open sessions.  Thread: any. */
int64_t ws_sessions(const Ws *ws);

#endif
