/* Inside lifecycle/: the steps of what goes on in the background, and when what failed is tried again. */
#ifndef LIFECYCLE_LIFECYCLE_INT_H
#define LIFECYCLE_LIFECYCLE_INT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"
#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"

/*
 * When what failed is tried again: a second later, then after twice as long each time, at most a minute; each for itself, so
 * that nothing waits for another's end. Of one thread.
 */
struct lifecycle_delays {
    struct map *of; /* what failed → struct delay * */
    usec_t now;     /* begin of this turn, monotonic */
};

void lifecycle_delays_init(struct lifecycle_delays *d);
void lifecycle_delays_fini(struct lifecycle_delays *d);

void lifecycle_delays_begin(struct lifecycle_delays *d); /* a turn */
bool lifecycle_delays_due(const struct lifecycle_delays *d, struct str what);
void lifecycle_delays_tried(struct lifecycle_delays *d, struct str what, bool failed);

/* Ends the turn and forgets what was due and not tried: it is not in hand any more. When the next is due: in a minute at the latest. */
usec_t lifecycle_delays_end(struct lifecycle_delays *d);

struct lifecycle_copy {
    const struct sessions_forking *fork;
    struct str after; /* the last path that is copied; empty: from the start, which is harmless */
};

struct lifecycle_copied {
    bool whole;       /* and said so */
    struct str after; /* in the arena */
};

/* Copies the next entries in one transaction. ERR_STALE: it is not in hand any more. */
int lifecycle_copy_step(struct store *store, struct arena *arena, const struct lifecycle_copy *copy,
                        struct lifecycle_copied *ret_copied) BASE_MUST_USE;

/* The next page of each session whose files go back to a moment and that is due. *ret_more: at least one goes on, also where
 * another failed. */
int lifecycle_rewind_step(struct store *store, struct lifecycle_delays *delays,
                          bool *ret_more) BASE_MUST_USE;

#endif
