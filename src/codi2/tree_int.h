#ifndef CODI2_TREE_INT_H
#define CODI2_TREE_INT_H

#include "codi2/tree.h"

enum { CODI2_OWN_NAME = 64 };

/* tree.c */
int codi2_tree_errno(int number); /* an error code for errno */

/* openat2(2) below the root, through no symbolic link: a descriptor, or -1 with errno. "" is the root itself. */
int codi2_tree_open_beneath(const struct codi2_tree *t, struct str path, int flags);

/* The folder in which path stands (O_PATH), and its last name with a NUL in ret_name. */
int codi2_tree_open_parent(const struct codi2_tree *t, struct str path, int *ret_folder,
                           char ret_name[static CONTENT_MAX_NAME + 1]) BASE_MUST_USE;

/* A name that is never mirrored, and nobody's yet. */
void codi2_tree_own_name(char ret_name[static CODI2_OWN_NAME]);

/* As codi2_tree_remove, of a name in a folder. */
int codi2_tree_remove_at(int folder, const char *name, const atomic_bool *stop) BASE_MUST_USE;

/* tree_draft.c: one that is older than t->drafts_from goes: whoever was to give it its name was killed. */
void codi2_tree_drop_draft(const struct codi2_tree *t, int folder, const char *name);

#endif
