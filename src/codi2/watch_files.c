/*
 * Invariants
 * 1. A file is in `by_wd` under its descriptor and in `by_inode`, until the kernel says that its inode is gone (IN_IGNORED).
 *    What that was said of may be lost (IN_Q_OVERFLOW): then none is watched, and those that were are in `lapsed` until they are
 *    again. An inode of a file that is gone may be another's by then.
 * 2. A file that was seen is in the list `seen` until it is reported, also when it is gone meanwhile: then it is freed there.
 */
#include "codi2/watch_files.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

enum { FILES_MAGIC = 0x77666c73 };

struct file {
    int wd; /* -1: gone */
    uint64_t inode;
    bool seen;
    struct file *next; /* of those seen */
};

struct codi2_watch_files {
    unsigned magic;
    struct map *by_wd;
    struct map *by_inode;
    struct map *lapsed; /* inodes */
    struct file *seen;
};

static struct str wd_key(const int *wd)
{
    return str_of(wd, sizeof *wd);
}

static struct str inode_key(const uint64_t *inode)
{
    return str_of(inode, sizeof *inode);
}

struct codi2_watch_files *codi2_watch_files_create(void)
{
    struct codi2_watch_files *x = MEM_NEW(struct codi2_watch_files);
    x->magic = FILES_MAGIC;
    x->by_wd = map_create();
    x->by_inode = map_create();
    x->lapsed = map_create();
    return x;
}

void codi2_watch_files_destroy(struct codi2_watch_files *x)
{
    size_t position = 0;
    struct str key;
    void *f;
    if (!x) {
        return;
    }
    ASSERT_MAGIC(x, FILES_MAGIC);
    ASSERT(!x->seen);
    while (map_next(x->by_wd, &position, &key, &f)) {
        mem_free(f);
    }
    map_destroy(x->by_wd);
    map_destroy(x->by_inode);
    map_destroy(x->lapsed);
    x->magic = 0;
    mem_free(x);
}

size_t codi2_watch_files_count(const struct codi2_watch_files *x)
{
    return map_count(x->by_wd);
}

bool codi2_watch_files_has(const struct codi2_watch_files *x, uint64_t inode)
{
    return map_get(x->by_inode, inode_key(&inode)) != NULL;
}

bool codi2_watch_files_had(const struct codi2_watch_files *x, uint64_t inode)
{
    return map_get(x->lapsed, inode_key(&inode)) != NULL;
}

int codi2_watch_files_add(struct codi2_watch_files *x, int inotify, int fd, uint64_t inode)
{
    ASSERT_MAGIC(x, FILES_MAGIC);
    char path[64];
    if (codi2_watch_files_has(x, inode)) {
        return 0;
    }
    if (map_count(x->by_wd) >= CODI2_MAX_WATCHED_FILES) {
        return ERR_LIMIT;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int wd = inotify_add_watch(inotify, path, IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB);
    if (wd < 0 || map_get(x->by_wd, wd_key(&wd))) { /* the latter: under another inode's number */
        return ERR_LIMIT;
    }
    struct file *f = MEM_NEW(struct file);
    f->wd = wd;
    f->inode = inode;
    (void)map_put(x->by_wd, wd_key(&f->wd), f);
    (void)map_put(x->by_inode, inode_key(&f->inode), f);
    (void)map_remove(x->lapsed, inode_key(&f->inode));
    return 0;
}

static void gone(struct codi2_watch_files *x, struct file *f)
{
    (void)map_remove(x->by_wd, wd_key(&f->wd));
    (void)map_remove(x->by_inode, inode_key(&f->inode));
    f->wd = -1;
    if (!f->seen) {
        mem_free(f);
    }
}

void codi2_watch_files_lapse(struct codi2_watch_files *x, int inotify)
{
    ASSERT_MAGIC(x, FILES_MAGIC);
    size_t position = 0;
    struct str key;
    void *f;
    while (position = 0, map_next(x->by_wd, &position, &key, &f)) {
        struct file *file = f;
        (void)inotify_rm_watch(inotify, file->wd); /* what it says of that is nobody's by then */
        if (map_count(x->lapsed) < CODI2_MAX_WATCHED_FILES) {
            (void)map_put(x->lapsed, inode_key(&file->inode), x);
        }
        gone(x, file);
    }
}

bool codi2_watch_files_handle(struct codi2_watch_files *x, const struct inotify_event *e)
{
    struct file *f = map_get(x->by_wd, wd_key(&e->wd));
    if (f && e->mask & IN_IGNORED) {
        gone(x, f);
    } else if (f && !f->seen) {
        f->seen = true;
        f->next = x->seen;
        x->seen = f;
    }
    return f != NULL;
}

void codi2_watch_files_report(struct codi2_watch_files *x, codi2_seen_file_fn *seen, void *ctx)
{
    struct file *f;
    while ((f = x->seen)) {
        x->seen = f->next;
        f->seen = false;
        if (f->wd >= 0) {
            seen(ctx, f->inode);
        } else {
            mem_free(f);
        }
    }
}
