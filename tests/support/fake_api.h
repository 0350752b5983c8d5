/*
 * fake_api.h -- server/api.h without an engine: link it before Weir's libraries, and what serves
 * sockets speaks to this.
 *
 * The path says what a call answers:
 *
 *     /echo      the request's body, whole
 *     /frames    three frames, then the end
 *     /endless   frames of 1000 bytes for ever
 *     /fed       what the test feeds: waits in between
 *     /nothing   ends without a frame
 *     else       404, whole
 *
 * A websocket gets the same as messages; its end is a closing frame with code 1000 and "done".
 *
 * Thread: any.
 */
#ifndef TESTS_SUPPORT_FAKE_API_H
#define TESTS_SUPPORT_FAKE_API_H

#include "server/api.h"

Api *fake_api_new(void);
void fake_api_free(Api *api); /* asserts that every call was closed */

/* To all calls of /fed. */
void fake_api_feed(Api *api, const char *text);
void fake_api_end(Api *api);

/* Counts since the start. */
int fake_api_opened(Api *api);
int fake_api_open_now(Api *api);
int fake_api_asked(Api *api); /* api_next() that gave a frame */

#endif
