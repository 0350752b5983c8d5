/*
 * client_session.h -- what a session remembers between requests.
 *
 * The server keeps no sessions: properties (SET) and variables (DEFINE) live here and go along with
 * each request, as does the number of the last statement that the server accepted, so that the next
 * request sees its effect whichever node answers.
 *
 * Thread: one.
 */
#ifndef CLI_CLIENT_SESSION_H
#define CLI_CLIENT_SESSION_H

#include "common/buf.h"
#include "common/map.h"

typedef struct ClientSession {
    Arena  *mem;
    Map     properties;    /* name -> Str * */
    Map     variables;     /* name, lower case -> Str * */
    int64_t sequence;      /* commandSequenceNumber of the last accepted statement; -1: none */
    bool    is_pipelining; /* do not wait for the last statement's effect */
} ClientSession;

/* mem lives as long as the session. */
void client_session_init(ClientSession *session, Arena *mem);

void client_session_set(ClientSession *session, Str name, Str value);
/* The value it had, or STR_NULL. */
Str  client_session_unset(ClientSession *session, Str name);
void client_session_define(ClientSession *session, Str name, Str value);
Str  client_session_undefine(ClientSession *session, Str name);

/* text with ${name} replaced by the variable of that name; $${name} leaves ${name}, and an unknown
 * name is left as it stands. */
Str client_session_substitute(const ClientSession *session, Arena *arena, Str text);

/* The body of a request to /ksql or /query. */
void client_session_request(const ClientSession *session, Str sql, Buf *out);

#endif
