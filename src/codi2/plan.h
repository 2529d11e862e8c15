/*
 * Planning: from a path that somebody says has changed to the steps that make the store hold what the disk holds. Pure but
 * for looking at the tree and the index; sends nothing.
 */
#ifndef CODI2_PLAN_H
#define CODI2_PLAN_H

#include "codi2/index.h"
#include "codi2/tree.h"

enum codi2_op {
    CODI2_NOTHING,
    CODI2_WRITE,
    CODI2_LINK,
    CODI2_MKDIR,
    CODI2_MODE,
    CODI2_DELETE,
    CODI2_MOVE
};

struct codi2_step {
    enum codi2_op op;
    struct str path;
    struct str from;        /* CODI2_MOVE */
    struct codi2_look look; /* of what is at path; not CODI2_DELETE */
    uint64_t base; /* version in the index; 0: the store knows nothing of it, as far as we know */
    uint64_t to_base; /* CODI2_MOVE: version of what stood at path; 0: nothing */
    bool overwrite;   /* CODI2_MOVE: a file stands at path in the index */
    bool
        replaced; /* CODI2_MKDIR: the index knows another folder at path; what was in that one may be gone */
};

/*
 * What to do about path, as the index and the disk stand now. A path whose kind changed gives CODI2_DELETE: carry it out,
 * update the index and ask again. CODI2_MOVE: likewise, since what is below may have changed besides. Strings in arena.
 */
struct codi2_planner {
    const struct codi2_tree *tree;
    struct codi2_index *index;
    struct arena *arena;
};
enum { CODI2_MOST_NAMES_OF_ONE = 64 }; /* of a file, among which one that moved is looked for */

/* Whether the file or link at path has these bytes now: reads them all. */
bool codi2_plan_has_content(const struct codi2_tree *tree, struct arena *arena, struct str path,
                            const struct content_hash *hash);

/*
 * Of a file or link that the index knows by what the store has of it alone (no inode; it was met, or no answer told of it): whether
 * nobody touched it here since.
 */
bool codi2_plan_is_as_stored(const struct codi2_tree *tree, struct arena *arena,
                             const struct codi2_entry *known, const struct codi2_look *now);

int codi2_plan(const struct codi2_planner *p, struct str path,
               struct codi2_step *ret_step) BASE_MUST_USE;

#endif
