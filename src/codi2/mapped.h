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

/*
 * A line of /proc/PID/maps (proc(5)). True: a file below root (absolute) is mapped to be written to; ret_path, relative to
 * root, is a part of line. A name with a line feed is not understood.
 */
bool codi2_mapped_parse(struct str line, struct str root, struct str *ret_path);

struct codi2_mapped_query {
    const struct codi2_tree *tree;
    struct str root;
    void (*found)(void *ctx, struct str path); /* perhaps more than once */
    void *ctx;
};

/* Finds them, brings them to the disk and tells each. The number found. */
size_t codi2_mapped_find(const struct codi2_mapped_query *query);

#endif
