/* Inside files: what a folder knows of all that is below it. */
#ifndef FILES_NODE_INT_H
#define FILES_NODE_INT_H

#include "files/files_int.h"

/* ---- node.c ---- */

struct files_node {
    uint64_t files; /* and links */
    uint64_t bytes;
    uint64_t reach;  /* bytes of the longest path below, at most */
    uint64_t levels; /* names in the deepest path below, at most */
};

/* What a record and all below it count for. */
int files_node_of(struct files_tx *tx, const struct files_record *record,
                  struct files_node *ret_node) BASE_MUST_USE;

void files_node_put(struct files_tx *tx, uint64_t folder, const struct files_node *node);
void files_node_drop(struct files_tx *tx, uint64_t folder);

/* It reaches at least so far; (hold) as far as a name of so many bytes, and what is below that. */
void files_node_raise(struct files_node *node, uint64_t reach, uint64_t levels);
void files_node_hold(struct files_node *node, uint64_t name, const struct files_node *below);

/* Something that counts for `by` comes to place, or (take) goes from it. */
int files_node_add(struct files_tx *tx, const struct files_place *place,
                   struct files_node by) BASE_MUST_USE;
int files_node_take(struct files_tx *tx, const struct files_place *place,
                    struct files_node by) BASE_MUST_USE;

/*
 * What a record counts for that is to go to place. ERR_LIMIT, with tx->refusal and tx->tight: by what is recorded, paths below it would be
 * longer or deeper there than content_path_check allows.
 */
int files_node_to(struct files_tx *tx, const struct files_place *place,
                  const struct files_record *record, struct files_node *ret_node) BASE_MUST_USE;

/* ---- measure.c ---- */

/*
 * Outside of transactions: looks at what is below the folder, and records how far it reaches. 0: so that it fits. ERR_LIMIT: it does not,
 * or others changed the session all the while.
 */
int files_measure(struct data_context *ctx, struct str session,
                  const struct files_tight *tight) BASE_MUST_USE;

#endif
