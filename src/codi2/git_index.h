/*
 * The paths in a git index (gitformat-index(5), versions 2 to 4), which may have been written by anybody: nothing in it is
 * followed, and git itself is not run, since a repository's configuration can name programs.
 */
#ifndef CODI2_GIT_INDEX_H
#define CODI2_GIT_INDEX_H

#include "base/err.h"
#include "base/str.h"

enum { CODI2_MAX_GIT_INDEX = 64 << 20 }; /* bytes */

/* A checked path (content_path_check) of a file or link, borrowed for the call. */
typedef void codi2_git_path_fn(void *ctx, struct str path);

/*
 * Calls each for every file and link. Submodules and folders of a sparse index are left out; what a split index keeps in its
 * shared part is not seen. ERR_INVALID: malformed; each was not called then.
 */
int codi2_git_index_read(struct str bytes, codi2_git_path_fn *each, void *ctx) BASE_MUST_USE;

#endif
