/*
 * Trimming of feeds. Nobody waits for it and nothing depends on when it happens (a reader whose position is gone is told so),
 * so it walks over all feeds for ever, in steps that leave the thread free for other duties.
 */
#include "coditectd/trim.h"

#include "base/assert.h"

static const usec_t step_time = 100 * USEC_PER_MS;

struct step {
    struct coditectd_trim before;
    struct coditectd_trim after; /* result */
};

static int step_read(struct txn *txn, void *ctx)
{
    struct step *step = ctx;
    struct str feed;
    step->after.n = 0;
    int r = data_feed_next(txn, str_of(step->before.feed, step->before.n), &feed);
    if (r == 0) {
        memcpy(step->after.feed, feed.p, feed.n);
        step->after.n = feed.n;
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int coditectd_trim_step(struct coditectd_trim *trim, struct store *store)
{
    usec_t end = time_monotonic() + step_time;
    usec_t older_than = time_now() - CODITECTD_TRIM_HOURS * 3600 * USEC_PER_SEC;
    int r = 0;
    for (int i = 0; r == 0 && i < CODITECTD_TRIM_FEEDS && time_monotonic() < end; i++) {
        struct step step = {.before = *trim};
        r = store_read(store, step_read, &step);
        if (r < 0) {
            return r;
        }
        *trim = step.after;
        if (trim->n == 0) {
            return 0;
        }
        r = store_feed_trim(store, str_of(trim->feed, trim->n), older_than, CODITECTD_TRIM_KEEP);
    }
    return r;
}
