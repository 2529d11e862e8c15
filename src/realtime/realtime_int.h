/* Inside realtime/: cursors, what is read for a stream, who has how many. */
#ifndef REALTIME_REALTIME_INT_H
#define REALTIME_REALTIME_INT_H

#include "auth/auth.h"
#include "base/lock.h"
#include "base/map.h"
#include "net/net.h"
#include "realtime/realtime.h"

enum {
    REALTIME_MAGIC = 0x7265616c,
    REALTIME_STREAM_MAGIC = 0x72657374,
    REALTIME_MAX_FRAME =
        256 * 1024,      /* REALTIME_FULL, and one change with its names in their longest form */
    REALTIME_PAGE = 100, /* entries that are read at once */
};

struct realtime {
    unsigned magic;
    struct store *store;
    struct auth *auth;
    realtime_tell *tell;
    struct net_lane *lane;
    struct lock lock;
    struct map *by_user; /* struct realtime_user; under lock */
};

/* A person's streams. */
struct realtime_user {
    char *id;
    size_t count;
};

/* ---- Places in a feed (cursor.c) ---- */

/* Behind position, and of the entry that follows it what was told. */
struct realtime_place {
    uint8_t position[STORE_POSITION_SIZE];
    uint64_t told;
};

struct str realtime_cursor_make(const struct realtime *rt, struct arena *arena,
                                struct str session_id, const struct realtime_place *place);

/* ERR_INVALID: not made here, or for another session. */
int realtime_cursor_read(const struct realtime *rt, struct str session_id, struct str cursor,
                         struct realtime_place *ret_place) BASE_MUST_USE;

/* ---- What is read (page.c) ---- */

/* Whose stream it is. Its strings live as long as the stream. */
struct realtime_whose {
    struct scope scope;
    struct str key_id; /* of the API key that it came with */
    struct str session_id;
};

/* Where a stream is; one thread has it at a time. */
struct realtime_reader {
    struct realtime *rt;
    const struct realtime_whose *whose;
    struct realtime_place place; /* valid when placed */
    bool placed;                 /* else: from now on */
    bool lost;                   /* what came behind it is not kept: from now on, again */
    bool greeted;
    struct buf frame; /* the next message; empty: there is none */
    bool more;        /* there is more to be read at once */
};

/*
 * Makes the next message, and moves on. ERR_UNAUTHENTICATED, ERR_NOT_FOUND: the right has ended, of the person or with the session;
 * others: nothing has changed, and it may be tried again.
 */
int realtime_read(struct realtime_reader *reader) BASE_MUST_USE;

#endif
