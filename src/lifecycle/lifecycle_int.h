/* Inside lifecycle/: one step of a copy. */
#ifndef LIFECYCLE_LIFECYCLE_INT_H
#define LIFECYCLE_LIFECYCLE_INT_H

#include "base/arena.h"
#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"

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

/* The next page of each session whose files go back to a moment. *ret_more: at least one goes on. */
int lifecycle_rewind_step(struct store *store, bool *ret_more) BASE_MUST_USE;

#endif
