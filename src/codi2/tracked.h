/*
 * Which paths git tracks although our rules would leave them out (a `dist` that is checked in): those are kept. Read from the
 * index of each repository of the tree. Used by one thread.
 */
#ifndef CODI2_TRACKED_H
#define CODI2_TRACKED_H

#include "codi2/tree.h"

enum {
    CODI2_MAX_REPOSITORIES = 256,
    CODI2_MAX_TRACKED = 200000 /* paths that are excepted, in all */
};

struct codi2_tracked;

struct codi2_tracked_options {
    const struct codi2_tree *tree;
    /* Whether the rules would leave a file out. */
    bool (*ignored)(void *ctx, struct str path);
    /* A path is excepted from now on: a file, or a folder above it. NULL allowed. */
    void (*found)(void *ctx, struct str path, bool is_folder);
    void *ctx;
};

struct codi2_tracked *codi2_tracked_create(const struct codi2_tracked_options *options);
void codi2_tracked_destroy(struct codi2_tracked *t); /* NULL allowed */

/*
 * folder holds ".git": reads its index unless it is the one read last. An index that is missing or malformed excepts nothing.
 * ERR_LIMIT: more repositories or paths than this keeps.
 */
int codi2_tracked_load(struct codi2_tracked *t, struct str folder) BASE_MUST_USE;

/* The rules have changed: every index is read again when next asked for. */
void codi2_tracked_forget(struct codi2_tracked *t);

bool codi2_tracked_has(const struct codi2_tracked *t, struct str path);

#endif
