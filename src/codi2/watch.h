/*
 * Watching a tree of folders with inotify(7). inotify is a hint and the tree is the truth: a consumer looks at each path it
 * is told of, and sweeps everything after an overflow. Used by one thread.
 *
 * A folder is watched before it is listed, so nothing that appears in it goes unseen: what was there before the watch is
 * found by the listing, what came later by an event, and what is seen twice is only looked at twice.
 *
 * A folder's watch names the file by which it was opened, also when that name is gone or another file's by now: then nothing tells
 * that the file was written to that another hard link still names. So files with several names are watched themselves.
 */
#ifndef CODI2_WATCH_H
#define CODI2_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum codi2_seen {
    CODI2_SEEN_CHANGED = 1, /* something at path came, changed or went: look */
    CODI2_SEEN_WRITTEN,     /* the same: it was written to, under this name of it */
    CODI2_SEEN_CLOSED,      /* likewise, and who wrote to it has closed it */
    CODI2_SEEN_FOLDER,      /* a folder came or moved here: look at everything in it */
    CODI2_SEEN_OVERFLOW,    /* events were lost: look at everything; path is empty */
};

enum { CODI2_MAX_WATCHED_FILES = 16384 };

/* path: relative to the root, borrowed for the call. */
typedef void codi2_seen_fn(void *ctx, enum codi2_seen what, struct str path);

/* A file that is watched itself changed, under whatever name: once for all events that were read in one go. */
typedef void codi2_seen_file_fn(void *ctx, uint64_t inode);

struct codi2_watch_options {
    const char *root; /* absolute */
    codi2_seen_fn *seen;
    codi2_seen_file_fn *seen_file;
    /* Whether a folder is to be left out, with all below it. */
    bool (*skip)(void *ctx, struct str path);
    void *ctx;
};

struct codi2_watch;

/* Watches nothing yet. ERR_LIMIT: no inotify instance is left (fs.inotify.max_user_instances). */
int codi2_watch_create(const struct codi2_watch_options *options,
                       struct codi2_watch **ret_watch) BASE_MUST_USE;
void codi2_watch_destroy(struct codi2_watch *w); /* NULL allowed */

int codi2_watch_fd(
    const struct codi2_watch *w); /* readable when codi2_watch_read has something to do */

/*
 * Watches the folder at path; call before listing it. Harmless when it is watched already. ERR_NOT_FOUND: it is gone or no
 * folder; ERR_LIMIT: fs.inotify.max_user_watches is reached, the caller must sweep this folder by the clock.
 */
int codi2_watch_add(struct codi2_watch *w, struct str path) BASE_MUST_USE;

/*
 * Watches the file that fd has open, until it has no name any more. Look at it once more afterwards. ERR_LIMIT: the kernel's limit
 * or CODI2_MAX_WATCHED_FILES is reached.
 */
int codi2_watch_add_file(struct codi2_watch *w, int fd, uint64_t inode) BASE_MUST_USE;
bool codi2_watch_has_file(const struct codi2_watch *w, uint64_t inode);
bool codi2_watch_had_file(const struct codi2_watch *w,
                          uint64_t inode); /* before CODI2_SEEN_OVERFLOW, and is to be again */

/* Reads all events that are there and reports them. Never blocks. */
void codi2_watch_read(struct codi2_watch *w);

size_t codi2_watch_count(const struct codi2_watch *w); /* folders watched */
size_t codi2_watch_file_count(const struct codi2_watch *w);

#endif
