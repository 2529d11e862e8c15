/*
 * The files that are watched themselves (watch.h), by the inotify instance that watches their folders. Used by one thread.
 */
#ifndef CODI2_WATCH_FILES_H
#define CODI2_WATCH_FILES_H

#include <sys/inotify.h>

#include "codi2/watch.h"

struct codi2_watch_files;

struct codi2_watch_files *codi2_watch_files_create(void);
void codi2_watch_files_destroy(struct codi2_watch_files *x); /* NULL allowed */

/* inotify: the instance; fd: has the file open. ERR_LIMIT. */
int codi2_watch_files_add(struct codi2_watch_files *x, int inotify, int fd,
                          uint64_t inode) BASE_MUST_USE;
size_t codi2_watch_files_count(const struct codi2_watch_files *x);
bool codi2_watch_files_has(const struct codi2_watch_files *x, uint64_t inode);

/* Events were lost, and who is gone is not known: none is watched any more. had: it was, until then. */
void codi2_watch_files_lapse(struct codi2_watch_files *x, int inotify);
bool codi2_watch_files_had(const struct codi2_watch_files *x, uint64_t inode);

/* Whether the event is of such a file; it is reported later, once. */
bool codi2_watch_files_handle(struct codi2_watch_files *x, const struct inotify_event *e);
void codi2_watch_files_report(struct codi2_watch_files *x, codi2_seen_file_fn *seen, void *ctx);

#endif
