/*
 * Access to a mirrored tree. Every path is resolved beneath the root and through no symbolic link (openat2(2)): whatever
 * the workspace plants in the tree, nothing outside is read or written. Used by any thread; no state but the root's
 * descriptor.
 */
#ifndef CODI2_TREE_H
#define CODI2_TREE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/vec.h"
#include "codi2/index.h"

/*
 * Names of our own temporary files (the IDE's and the CLI's among them), which are never mirrored: the prefix with 16 hexadecimal
 * digits behind it, and, directly below the root, a repository that is being cloned. All others are the person's.
 */
#define CODI2_OWN_PREFIX ".coditect-"
#define CODI2_OWN_CLONE CODI2_OWN_PREFIX "clone"
bool codi2_tree_is_own_name(struct str folder, struct str name);

enum { CODI2_MOST_NAMES = 1000000 };

struct codi2_tree {
    int fd;              /* of the root, O_PATH */
    size_t most_names;   /* of a folder that are had: CODI2_MOST_NAMES, or one more */
    int64_t drafts_from; /* ns: older drafts are nobody's; 0: not known (a clock may be set back) */
};

int codi2_tree_open(const char *root,
                    struct codi2_tree *ret_tree) BASE_MUST_USE; /* ERR_NOT_FOUND, ERR_IO */
void codi2_tree_close(struct codi2_tree *t);

/* ERR_NOT_FOUND: nothing is there, or what is there is no file, folder or symbolic link. */
int codi2_tree_look(const struct codi2_tree *t, struct str path,
                    struct codi2_look *ret_look) BASE_MUST_USE;

/* Whether something is there that is no file, folder or symbolic link: a socket, a pipe, a device. */
bool codi2_tree_is_special(const struct codi2_tree *t, struct str path);

struct codi2_names {
    struct str *at; /* sorted by bytes */
    size_t count;
    bool more;   /* not all: that one is missing says nothing */
    bool broken; /* since the disk did not say the rest */
};

/*
 * Names in a folder, in arena. Of drafts only those that are nobody's are touched: they go. ERR_NOT_FOUND; ERR_FORBIDDEN: it cannot be
 * read.
 */
int codi2_tree_list(const struct codi2_tree *t, struct arena *arena, struct str path,
                    struct codi2_names *ret_names) BASE_MUST_USE;

/* A file for reading. ERR_NOT_FOUND (also: no file any more), ERR_FORBIDDEN. */
int codi2_tree_open_file(const struct codi2_tree *t, struct str path, int *ret_fd) BASE_MUST_USE;

int codi2_tree_read_link(const struct codi2_tree *t, struct arena *arena, struct str path,
                         struct str *ret_target) BASE_MUST_USE; /* ERR_NOT_FOUND */

/*
 * Writing, used when the store's side comes down. Parents must exist. A file is written under a temporary name and renamed
 * by codi2_tree_replace, so that nobody sees a part of it.
 */
struct codi2_draft {
    int fd;     /* write here */
    int folder; /* where it will stand */
    uint32_t mode;
    char name[64];
};
int codi2_tree_draft(const struct codi2_tree *t, struct str path, uint32_t mode,
                     struct codi2_draft *ret_draft) BASE_MUST_USE;

/*
 * Gives the draft its mode, its time and its name, in the place of what looks as expected does (NULL: of nothing). ERR_CONFLICT: something
 * else stands there, and stays. The draft is finished afterwards, whatever came.
 */
struct codi2_place {
    struct str path;
    const struct codi2_look *expected;
};
int codi2_tree_replace(struct codi2_draft *d, const struct codi2_place *place, int64_t mtime,
                       struct codi2_look *ret_look) BASE_MUST_USE;
void codi2_draft_fini(struct codi2_draft *d); /* removes what was not replaced */

int codi2_tree_make_folder(const struct codi2_tree *t, struct str path,
                           uint32_t mode) BASE_MUST_USE; /* ERR_EXISTS */
/* At once with its time. ERR_EXISTS. */
int codi2_tree_make_link(const struct codi2_tree *t, struct str path, struct str target,
                         int64_t mtime) BASE_MUST_USE;
int codi2_tree_set_mode(const struct codi2_tree *t, struct str path, uint32_t mode) BASE_MUST_USE;

/*
 * A file, link or folder with everything in it, however deep and whatever its mode. Harmless when it is gone. stop: when it is
 * set the rest stays (ERR_BUSY); NULL: never. ERR_FORBIDDEN: the folder that it is in is shut.
 */
int codi2_tree_remove(const struct codi2_tree *t, struct str path,
                      const atomic_bool *stop) BASE_MUST_USE;

/* What is neither file, folder nor link, if it still is none at the moment it goes. ERR_CONFLICT: it stays. */
int codi2_tree_remove_special(const struct codi2_tree *t, struct str path) BASE_MUST_USE;

/* A file or link, if it looks as expected at the moment it goes. ERR_CONFLICT: it does not, and stays. Harmless when it is gone. */
int codi2_tree_remove_same(const struct codi2_tree *t,
                           const struct codi2_place *place) BASE_MUST_USE;

/* A folder, if nothing is in it but what a draft or a removal left. ERR_NOT_EMPTY. Harmless when it is gone. */
int codi2_tree_remove_empty(const struct codi2_tree *t, struct str path) BASE_MUST_USE;

/*
 * Folders above path whose mode shuts them against their owner (not all of u=rwx) are open to him until codi2_way_shut: a mode
 * is the person's word to programs, and what the store holds of such a folder has to come in and to go all the same. A way is
 * zero before it is first opened, and may be opened for several paths. What is missing, or another's, is left as it is.
 */
struct codi2_way {
    VEC(struct codi2_gate {
        int fd;
        uint32_t mode;
    })
    gates;
};
void codi2_way_open(const struct codi2_tree *t, struct str path, struct codi2_way *way);
void codi2_way_shut(struct codi2_way *way);

/* ERR_EXISTS: something stands there. */
int codi2_tree_rename(const struct codi2_tree *t, struct str from, struct str to) BASE_MUST_USE;

#endif
