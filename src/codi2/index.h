/*
 * The local index: what this disk held of a tree when it was last in step with the store. It lies beside the tree and is
 * lost with it; so a path that is missing from the disk was deleted here only if the index knows it. SQLite (journal in
 * WAL, not flushed at each commit): losing its last moments is harmless, since an entry that is missing or too old only
 * means that a file is looked at again.
 *
 * Used by one thread.
 */
#ifndef CODI2_INDEX_H
#define CODI2_INDEX_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/time.h"
#include "content/content.h"

enum { CODI2_MAX_LINKS = 8, CODI2_PAGE = 256 };

enum codi2_kind { CODI2_FILE = 1, CODI2_FOLDER, CODI2_SYMLINK };

/* What a file looked like to lstat when it was last the same as the store's. */
struct codi2_look {
    enum codi2_kind kind;
    uint32_t mode; /* permission bits */
    uint64_t size;
    uint64_t inode;
    int64_t mtime; /* nanoseconds */
    int64_t ctime; /* nanoseconds */
    bool linked;   /* a file that has other names: as it is now, the index does not keep it */
};

struct codi2_entry {
    struct str path;
    struct codi2_look look;
    uint64_t version; /* the store's */
    struct content_hash hash;
};

struct codi2_index;

/*
 * Opens or makes the index in directory for the tree at root. An index that names another tree (device, inode, birth) is emptied:
 * it does not speak of this disk; one that is damaged is removed and made anew. *ret_fresh: it is empty. ERR_IO, ERR_NO_SPACE.
 */
int codi2_index_open(const char *directory, const char *root, struct codi2_index **ret_index,
                     bool *ret_fresh) BASE_MUST_USE;
void codi2_index_close(struct codi2_index *x); /* NULL allowed */

/* Its file was found to be none of SQLite's, or broken: all that it says is lost. It is to be closed, removed, and opened anew. */
bool codi2_index_is_damaged(const struct codi2_index *x);
void codi2_index_remove(const char *directory);

/* Changes between begin and commit are kept together. */
int codi2_index_begin(struct codi2_index *x) BASE_MUST_USE;
int codi2_index_commit(struct codi2_index *x) BASE_MUST_USE;

int codi2_index_get(struct codi2_index *x, struct arena *arena, struct str path,
                    struct codi2_entry *ret_entry) BASE_MUST_USE; /* ERR_NOT_FOUND */
int codi2_index_put(struct codi2_index *x, const struct codi2_entry *entry) BASE_MUST_USE;

/* The entry and everything below it. */
int codi2_index_delete(struct codi2_index *x, struct str path) BASE_MUST_USE;

/*
 * The same, of what is no newer than version. A folder that something newer is in stays known (the store has made it again for
 * that), but not how it looks there: inode 0.
 */
int codi2_index_delete_older(struct codi2_index *x, struct str path,
                             uint64_t version) BASE_MUST_USE;

/* Every entry, and what the facts say of them: it is another store's from now on, all of it or not at all. */
int codi2_index_forget(struct codi2_index *x, uint64_t store) BASE_MUST_USE;

/* Whether below than's path something newer than its version has something older in it: a folder that was moved there. */
int codi2_index_older_came_later(struct codi2_index *x, struct arena *arena,
                                 const struct codi2_entry *than, bool *ret) BASE_MUST_USE;

/* Whether than's path and all below it is older than its version: what the store took later is not in a folder that moved then. */
int codi2_index_is_older(struct codi2_index *x, struct arena *arena, const struct codi2_entry *than,
                         bool *ret) BASE_MUST_USE;

/* The entry and everything below it now stand under to. */
int codi2_index_move(struct codi2_index *x, struct str from, struct str to) BASE_MUST_USE;

struct codi2_entries {
    struct codi2_entry *at;
    size_t count;
};

struct codi2_links {
    uint64_t inode;
    struct str after; /* the path had last; "" at first */
};

/* Entries of an inode (hard links), by path: the next at most CODI2_MAX_LINKS; fewer: the end. */
int codi2_index_by_inode(struct codi2_index *x, struct arena *arena,
                         const struct codi2_links *links,
                         struct codi2_entries *ret_entries) BASE_MUST_USE;

struct codi2_span {
    struct str folder; /* this entry and everything below it; "" for all */
    struct str after;  /* the path had last; "" at first */
};

/* The next at most CODI2_PAGE entries in byte order of paths; fewer: the end. */
int codi2_index_below(struct codi2_index *x, struct arena *arena, const struct codi2_span *span,
                      struct codi2_entries *ret_entries) BASE_MUST_USE;

/*
 * Small facts that belong to the index, 0 when never set: "seq", up to which the store's changes are applied; "heard", up to
 * which our own are entered here; "compared", 1 when the whole tree was compared with the store; "store", which one all this is
 * about; "disk", which names this index and no other.
 */
int codi2_index_fact(struct codi2_index *x, const char *name, uint64_t *ret_value) BASE_MUST_USE;
int codi2_index_set_fact(struct codi2_index *x, const char *name, uint64_t value) BASE_MUST_USE;

/* In nanoseconds. What an int64_t has no room for, before 1677 or after 2262, is the nearest that it has. */
int64_t codi2_nanoseconds(int64_t seconds, int64_t nanoseconds);

/* The look of what stat says; false for what is no file, folder or link. */
bool codi2_look_of(const struct stat *facts, struct codi2_look *ret_look);
bool codi2_look_same(const struct codi2_look *a, const struct codi2_look *b);
int64_t codi2_look_time(
    const struct codi2_look *look); /* mtime as the store has it: microseconds */

/*
 * Files' times move on in steps (10 ms on some kernels): what is written again within the step looks the same. So a look that was
 * taken so soon after the last change proves nothing, and is the same as no look at all: the content is to be compared.
 * codi2_look_alike: the same but for that. To be doubted before the content is read: what is written meanwhile counts, too.
 * since: also one that was taken so long after the last change, and as much longer as a step takes.
 */
void codi2_look_doubt(struct codi2_look *look);
void codi2_look_doubt_since(struct codi2_look *look, usec_t ago);
bool codi2_look_alike(const struct codi2_look *doubted, const struct codi2_look *now);

#endif
