/*
 * Files that are quiet: something writes to them all the time, and not each of their states is worth a version. One that differs
 * from what is stored waits until it has been still for CODI2_QUIET_STILL_S, at the latest until CODI2_QUIET_LONGEST_S after its
 * first change that is not stored. ADR 25 says for which files and why.
 *
 *   nothing ──differs──► waits ──its time has come, or something takes it──► on its way ──the round is over──► nothing
 *                          ▲                                                   │ └─dirty again: stays on its way
 *                          └────────looked at again: it changed, and may wait──┘
 *
 * 1. What waits is not stored and is counted here; what is on its way is dirty or in a round, and counted there.
 * 2. The time since the first change goes on while a file is on its way, when it is replaced by another, and when it gets another
 *    name within a round: it ends only by a round that leaves the path clean.
 *
 * Bounded: a file that finds CODI2_MAX_QUIET others waiting does not wait. Used by one thread.
 */
#ifndef CODI2_QUIET_H
#define CODI2_QUIET_H

#include "base/time.h"
#include "codi2/dirty.h"
#include "codi2/index.h"

enum { CODI2_QUIET_STILL_S = 10, CODI2_QUIET_LONGEST_S = 60, CODI2_MAX_QUIET = 1000 };

struct codi2_quiet;

struct codi2_quiet *codi2_quiet_create(void);
void codi2_quiet_destroy(struct codi2_quiet *q); /* NULL allowed */

/* A file that is quiet differs from what is stored, and looks so now. True: it waits. *ret_news: it did not look so before. */
bool codi2_quiet_waits(struct codi2_quiet *q, struct str path, const struct codi2_look *look,
                       bool *ret_news);

/* It is on its way, whatever the time. Harmless when it does not wait. */
void codi2_quiet_send(struct codi2_quiet *q, struct str path);

/* Those whose time has come, or all, are on their way, and dirty. */
void codi2_quiet_send_due(struct codi2_quiet *q, struct codi2_dirty *dirty, bool all);

/* A round is over. */
void codi2_quiet_settle(struct codi2_quiet *q, const struct codi2_dirty *dirty);

size_t codi2_quiet_count(const struct codi2_quiet *q); /* that wait */
/* Of these the ones that somebody named as dirty: to be looked at, and to wait on. */
size_t codi2_quiet_count_dirty(const struct codi2_quiet *q, const struct codi2_dirty *dirty);
usec_t codi2_quiet_next(const struct codi2_quiet *q); /* monotonic; INT64_MAX: none waits */

#endif
