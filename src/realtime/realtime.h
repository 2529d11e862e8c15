/*
 * Realtime: a session's feed as a WebSocket that can be taken up again where it ended. A message's cursor says what was told so far:
 * who shows it later is told all that came behind it, once and in order, and then what comes.
 *
 * Messages, each one JSON object:
 *   {"type":"ready","cursor":C}                       the first: nothing before C will come
 *   {"type":"events","events":[…],"cursor":C}         what the application makes of the feed's entries (realtime_tell)
 *   {"type":"resync","cursor":C}                      what was behind the cursor is no longer kept: read everything, what follows C comes
 *
 * A stream keeps one message in memory and reads on when the client has taken it: the feed itself is the queue. Each message was
 * read on the same snapshot as the right to it; a right that ends closes the socket (codes below), whoever ended it.
 *
 * Life: realtime_create; realtime_open in handlers; realtime_destroy when all servers are gone. Any thread.
 */
#ifndef REALTIME_REALTIME_H
#define REALTIME_REALTIME_H

#include "base/json.h"
#include "data/data.h"
#include "http/http.h"

enum {
    REALTIME_MAX_PER_USER = 64, /* open streams of a person, in one server */
    REALTIME_MAX_INCOMING =
        1024, /* bytes of a client's message, which are not looked at; over that 1009 */
    REALTIME_FULL = 32 * 1024, /* bytes at which a message ends, with the change in hand */
    REALTIME_CURSOR = 48,      /* characters of a cursor */
};

/* Why a socket was closed, beside RFC 6455's own codes (1001: the server stops; 1009; 1011: by our fault; 1013: try again later). */
enum realtime_close {
    REALTIME_CLOSE_LOGIN = 4401, /* the login or key ended, or the person was removed */
    REALTIME_CLOSE_GONE = 4404,  /* the session was deleted */
    REALTIME_CLOSE_SLOW = 4408, /* nothing was taken for REALTIME_PATIENCE_S; go on by the cursor */
};
enum { REALTIME_PATIENCE_S = 20 };

struct auth;
struct realtime;

/* An entry of the feed, on its way to a client. */
struct realtime_entry {
    struct str session_id;
    struct str value;
    usec_t at;
    uint64_t told; /* how much of it was told, by tell's own count; 0: nothing */
};

enum { REALTIME_PART = 1 };

struct reply_session_events;

/*
 * Writes what an entry means as elements of the message's open array events: one, or none. On a thread that may read the store, for
 * ctx's scope. REALTIME_PART: the text has REALTIME_FULL bytes, and it goes on from entry->told; at least something was told.
 * ERR_RESYNC: what it means is not kept any more; else what the store returns.
 */
typedef int realtime_tell(struct data_context *ctx, struct realtime_entry *entry,
                          struct reply_session_events *message);

struct realtime_options {
    struct store *store; /* both outlive it */
    struct auth *auth;
    realtime_tell *tell;
};

struct realtime *realtime_create(const struct realtime_options *options);
void realtime_destroy(struct realtime *rt); /* NULL allowed */

/* Whether this installation made the cursor for this session. ERR_INVALID. */
int realtime_cursor_check(const struct realtime *rt, struct str session_id,
                          struct str cursor) BASE_MUST_USE;

struct realtime_ask {
    struct http_request *req;
    struct http_response *res;
    const struct data_context *data; /* whose request it is: scope and key */
    struct str session_id;           /* one of theirs, not deleted */
    struct str since;                /* a checked cursor; empty: from now on */
    struct str protocol;             /* of the answer */
};

/*
 * Answers the request with a socket. realtime_ended is to be called with *ret_stream once the request has ended, on its loop.
 * ERR_LIMIT: the person has REALTIME_MAX_PER_USER; and what http_websocket returns.
 */
struct realtime_stream;
int realtime_open(struct realtime *rt, const struct realtime_ask *ask,
                  struct realtime_stream **ret_stream) BASE_MUST_USE;
void realtime_ended(void *stream);

#endif
