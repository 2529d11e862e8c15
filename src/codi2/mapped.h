/*
 * Files of a tree that some process has mapped to write to (MAP_SHARED). Writing to such memory makes no event, and does not
 * touch the file's times again while a page is dirty: so they are found in /proc/PID/maps, brought to the disk (whoever writes
 * next then touches the times), and looked at.
 */
#ifndef CODI2_MAPPED_H
#define CODI2_MAPPED_H

#include <stdbool.h>

#include "codi2/tree.h"

enum { CODI2_MAX_MAPPED = 1000 }; /* found in one go; more are left to the sweep */

struct codi2_mapped_file {
    struct str path; /* relative to the root; "" when found and that name is gone */
    uint64_t inode;  /* of what has that path; else as /proc says */
    bool outside;    /* not below the root: it may have a name there all the same; path is empty */
};

/*
 * A line of /proc/PID/maps (proc(5)). True: a file is mapped to be written to; its path, relative to root (absolute), is a part
 * of line. A name with a line feed is not understood.
 */
bool codi2_mapped_parse(struct str line, struct str root, struct codi2_mapped_file *ret_file);

struct codi2_mapped_query {
    const struct codi2_tree *tree;
    struct str root;
    void (*found)(void *ctx, const struct codi2_mapped_file *file); /* perhaps more than once */
    void *ctx;
    size_t most; /* bytes of their lists that are read, or one piece more */
};

/* Of one process, ten times the maps that it may have by default. */
enum { CODI2_MOST_MAPS = 64 << 20 };

/*
 * Finds them, brings those to the disk that have a path, and tells each. The number of those below the root. *ret_all: there are no
 * others, that were mapped when it began and still are.
 */
size_t codi2_mapped_find(const struct codi2_mapped_query *query, bool *ret_all);

#endif
