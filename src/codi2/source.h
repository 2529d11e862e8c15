/*
 * What the session begins with: a git repository, cloned here when the session runs for the first time, and again when the person
 * asks for another attempt after one that failed.
 */
#ifndef CODI2_SOURCE_H
#define CODI2_SOURCE_H

#include "codi2/mirror.h"

struct codi2_source_options {
    const char *root;  /* the session's tree, absolute */
    const char *index; /* directory of its index: where is noted what is about to be put in place */
    struct codi2_link_options link;
    struct codi2_status *status; /* outlives it, as the mirrors do */
    struct codi2_mirror *const *mirrors;
    size_t mirror_count;
};

struct codi2_source;

/* Starts the thread, which ends by itself when there is nothing to fetch (any more). ERR_NOT_FOUND: there is no tree; ERR_BUSY. */
int codi2_source_start(const struct codi2_source_options *options,
                       struct codi2_source **ret_source) BASE_MUST_USE;

/*
 * What it does is cut, and made again after the next start: nothing more is put in place or said. Returns at once; the thread
 * may have to wait for the disk. NULL allowed.
 */
void codi2_source_cancel(struct codi2_source *s);

/* The same, and waits for its end. NULL allowed. */
void codi2_source_stop(struct codi2_source *s);

#endif
