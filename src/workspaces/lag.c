/*
 * Since when a workspace may hold something that the store has not. It lies in memory: it is known while the store takes
 * nothing, and costs no write.
 *
 * 1. It is no later than the truth, but for what came after the last word: a workspace says what is new within a second, and
 *    who says nothing for longer than its habit may hold what came after its last word.
 */
#include "workspaces/keeper_int.h"

/* A workspace speaks at least every 20 s, a call may take 3 s (src/codi2/report.c). */
static const usec_t habit = 30 * USEC_PER_SEC;
static const usec_t late = 60 * USEC_PER_SEC;

static usec_t older(usec_t a, usec_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void hear(struct lag *lag, const struct report *said)
{
    lag->heard_at = said->at;
    if (said->state == REPORT_RESTORING) {
        if (lag->was_ready) { /* people work on while it compares anew, and it looks at none of it */
            lag->before = older(lag->before, said->at);
        }
        return; /* what is pending is the comparison with the store */
    }
    lag->was_ready = true;
    if (said->pending == 0) {
        lag->before = lag->since = 0;
    } else if (said->pending_ms > 0 && said->pending_ms < said->at / USEC_PER_MS) {
        lag->since = said->at - said->pending_ms * USEC_PER_MS;
    } else {
        lag->since = older(lag->since, said->at); /* an older codi2 does not say how long */
    }
}

usec_t workspaces_lag(struct lag *lag, const struct report *said, usec_t now)
{
    if (said && said->at != lag->heard_at) {
        hear(lag, said);
    }
    usec_t since = older(lag->before, lag->since);
    bool silent = lag->heard_at != 0 && now - lag->heard_at > habit;
    return silent ? older(since, lag->heard_at) : since;
}

void workspaces_lag_restart(struct lag *lag)
{
    usec_t known = older(lag->before, lag->since);
    *lag = (struct lag){.before = older(known, lag->heard_at)};
}

void workspaces_behind_add(struct behind *b, usec_t since, bool failed, usec_t now)
{
    if (since == 0 || failed) {
        return;
    }
    b->since = older(b->since, since);
    b->late += now - since > late;
}
