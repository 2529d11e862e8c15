/*
 * Files that somebody waits for while a tree is being restored: who waits says which, the mirror fetches those before all
 * others. One object per mirror. Thread safe.
 */
#ifndef CODI2_WANTED_H
#define CODI2_WANTED_H

#include "base/arena.h"
#include "base/time.h"

enum { CODI2_MAX_WANTED = 64 }; /* waited for at once */

struct codi2_wanted;

struct codi2_wanted *codi2_wanted_create(void);    /* nothing is being restored */
void codi2_wanted_destroy(struct codi2_wanted *w); /* NULL allowed; nobody waits any more */

/*
 * Waits until what the store has at path stands on the disk, be it nothing: at once when nothing is being restored. ERR_TIMEOUT:
 * not before the deadline (monotonic), or we are to end; ERR_LIMIT: too many wait.
 */
int codi2_wanted_await(struct codi2_wanted *w, struct str path, usec_t deadline) BASE_MUST_USE;

/* For the mirror. The path that somebody has waited for the longest, in arena; it stays until it is said to have come. */
bool codi2_wanted_first(struct codi2_wanted *w, struct arena *arena, struct str *ret_path);
void codi2_wanted_came(struct codi2_wanted *w, struct str path);

/* A tree is being restored, or nothing is missing any more: then everything has come. */
void codi2_wanted_restoring(struct codi2_wanted *w, bool restoring);

/* We are to end: nobody waits any longer, nor later. */
void codi2_wanted_close(struct codi2_wanted *w);

#endif
