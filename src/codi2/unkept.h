/*
 * What of a tree is not in the store, and why: the paths that the mirror left out or could not bring, as it met them. Where a
 * folder is left out, that folder stands for all below it. So is what the store has and cannot give: what is seen on the disk says
 * nothing of that. Bounded: more than CODI2_MAX_NOT_KEPT are not remembered.
 * Used under the status's lock.
 */
#ifndef CODI2_UNKEPT_H
#define CODI2_UNKEPT_H

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"

enum { CODI2_MAX_NOT_KEPT = 2000 };

enum codi2_why {
    CODI2_IGNORED,    /* by the rules: it can be made again */
    CODI2_SPECIAL,    /* no file, folder or link: a socket, a pipe, a device */
    CODI2_UNREADABLE, /* its owner has shut it */
    CODI2_TOO_LARGE,  /* over CONTENT_MAX_FILE */
    CODI2_BAD_NAME,   /* a path that is too long or too deep */
    CODI2_REFUSED,    /* the store takes others, and not this */
    CODI2_DAMAGED,    /* what the store has of it is not whole: it cannot come here */
};

struct codi2_unkept {
    struct map *paths; /* relative to the root → why */
    bool more;         /* some were not remembered */
};

void codi2_unkept_init(struct codi2_unkept *u);
void codi2_unkept_fini(struct codi2_unkept *u);

/* All three: whether that was news. forget: path and all below it; kept: path alone. */
bool codi2_unkept_add(struct codi2_unkept *u, struct str path, enum codi2_why why);
bool codi2_unkept_forget(struct codi2_unkept *u, struct str path);
bool codi2_unkept_kept(struct codi2_unkept *u, struct str path);

/* The same of what was damaged, which those leave as it is: path alone. Who adds such bounds how many there are. */
bool codi2_unkept_mended(struct codi2_unkept *u, struct str path);

/* How many of these somebody would want to be kept: all but CODI2_IGNORED and CODI2_SPECIAL. */
struct codi2_unkept_sum {
    size_t failed;
    size_t damaged; /* of them: CODI2_DAMAGED */
};
struct codi2_unkept_sum codi2_unkept_sum(const struct codi2_unkept *u);

struct codi2_unkept_list {
    struct str prefix; /* before each path */
    bool failed;       /* only what codi2_unkept_sum counts */
    bool with_why;     /* {"path","why"}, else the path alone */
    size_t most;       /* of them */
    size_t room;       /* bytes of the whole JSON text before which each must end */
};

/* Into the array that w is in, sorted by path. False: some are missing. */
bool codi2_unkept_write(const struct codi2_unkept *u, const struct codi2_unkept_list *list,
                        struct json_writer *w);

#endif
