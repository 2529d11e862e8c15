/*
 * The paths that somebody says have changed: each once, taken in byte order, so that a folder comes before what is in it.
 * Besides, whether everything must be looked at. Bounded: when it would grow beyond CODI2_MAX_DIRTY it forgets the paths and
 * says everything. Used by one thread.
 */
#ifndef CODI2_DIRTY_H
#define CODI2_DIRTY_H

#include "base/arena.h"

enum { CODI2_MAX_DIRTY = 200000 };

struct codi2_dirty;

struct codi2_dirty *codi2_dirty_create(void);
void codi2_dirty_destroy(struct codi2_dirty *d); /* NULL allowed */

void codi2_dirty_add(struct codi2_dirty *d, struct str path,
                     bool deep);                       /* deep: with everything below it */
void codi2_dirty_add_all(struct codi2_dirty *d);       /* the whole tree */
size_t codi2_dirty_count(const struct codi2_dirty *d); /* the whole tree counts as one more */

struct codi2_dirty_path {
    struct str path; /* "" with deep: the whole tree */
    bool deep;
    bool told; /* somebody named this path: all that come from here but the whole tree */
};

/* All of them, sorted, in arena; the set is empty afterwards. */
void codi2_dirty_take(struct codi2_dirty *d, struct arena *arena,
                      struct codi2_dirty_path **ret_paths, size_t *ret_count);

#endif
