/* Feeds are kept for a day and 100,000 events; this drops the rest, a few feeds at a time. One thread. */
#ifndef CODITECTD_TRIM_H
#define CODITECTD_TRIM_H

#include "data/data.h"

enum {
    CODITECTD_TRIM_FEEDS = 100, /* looked at in one step */
    CODITECTD_TRIM_KEEP = 100000,
    CODITECTD_TRIM_HOURS = 24,
};

/* Where the walk over all feeds is; zero before the first step. */
struct coditectd_trim {
    char feed[DATA_FEED_MAX]; /* the last one that was looked at */
    size_t n;
};

/*
 * The next feeds in order of their names, at most CODITECTD_TRIM_FEEDS and for about a tenth of a second; behind the last one
 * the walk begins again. A failure is the store's; the feed that it happened to is passed over until the next round.
 */
int coditectd_trim_step(struct coditectd_trim *trim, struct store *store) BASE_MUST_USE;

#endif
