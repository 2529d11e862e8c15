/*
 * The state of each path:
 *
 *   persisted   the store has what the disk has, as far as anybody said: all paths that are in none of the other states
 *   dirty       somebody says that it changed: to be looked at
 *   uploading   it differs from the store, and what it is now is on its way there
 *   conflict    besides dirty or uploading: others changed it too. Ours goes on top, theirs stays in the history, and the person
 *               is told when that is done
 *
 *   persisted ──event, sweep──► dirty ──looked at, differs──► uploading ──the store has it──► persisted
 *                                 ▲  └─looked at, same─► persisted        │
 *                                 └────refused, no answer, torn───────────┘
 *
 * Invariants, asserted here and in mirror.c
 * 1. What is sent is uploading, and what the store has taken was: persisted is only reached by the store's answer, or by a look
 *    that finds path and index the same.
 * 2. Between rounds nothing is uploading; a barrier is fulfilled when nothing is dirty either, so all are persisted.
 * 3. A path may be dirty while it is uploading: it changed again. The store's answer does not end that.
 *
 * The dirty ones are had each once, in byte order, so that a folder comes before what is in it. Besides, the whole tree may be
 * to look at. Bounded: when it would grow beyond CODI2_MAX_DIRTY it forgets the paths and says everything. Used by one thread.
 */
#ifndef CODI2_DIRTY_H
#define CODI2_DIRTY_H

#include "base/arena.h"

enum { CODI2_MAX_DIRTY = 200000 };

struct codi2_dirty;

struct codi2_dirty *codi2_dirty_create(void);
void codi2_dirty_destroy(struct codi2_dirty *d); /* NULL allowed */

void codi2_dirty_add(struct codi2_dirty *d, struct str path,
                     bool deep); /* deep: with everything below it */
/* It was written to, and, if closed, is open for writing to nobody that we know of: until it is added again. */
void codi2_dirty_add_written(struct codi2_dirty *d, struct str path, bool closed);
void codi2_dirty_add_all(struct codi2_dirty *d);       /* the whole tree */
size_t codi2_dirty_count(const struct codi2_dirty *d); /* the whole tree counts as one more */

/* What was told of it alone has been looked at: it is persisted. */
void codi2_dirty_seen(struct codi2_dirty *d, struct str path);

bool codi2_dirty_is_all(const struct codi2_dirty *d);
bool codi2_dirty_has(const struct codi2_dirty *d, struct str path); /* named, as such */

struct codi2_dirty_path {
    struct str path; /* "" with deep: the whole tree */
    bool deep;
    bool told;    /* somebody named this path: all that come from here but the whole tree */
    bool written; /* as it was added last, for both */
    bool closed;
};

/* All of them, sorted, in arena; the set is empty afterwards. */
void codi2_dirty_take(struct codi2_dirty *d, struct arena *arena,
                      struct codi2_dirty_path **ret_paths, size_t *ret_count);

void codi2_dirty_upload(struct codi2_dirty *d, struct str path); /* it differs and is sent */

/* Others changed it, too; or it only differs from the store, and nobody knows who did: the index was lost. */
enum codi2_conflict { CODI2_NO_CONFLICT, CODI2_BOTH_CHANGED, CODI2_DIFFERS };

/* The store has what was sent of it. */
enum codi2_conflict codi2_dirty_persisted(struct codi2_dirty *d, struct str path) BASE_MUST_USE;

/* It was not taken: dirty again. */
void codi2_dirty_refused(struct codi2_dirty *d, struct str path);

void codi2_dirty_conflict(struct codi2_dirty *d, struct str path, enum codi2_conflict how);
void codi2_dirty_agreed(struct codi2_dirty *d, struct str path); /* both are the same */

size_t codi2_dirty_uploading(const struct codi2_dirty *d);

#endif
