/*
 * What lies on a disk of which the index was lost, and is not in the store. It may be new; or others deleted it, or moved it away,
 * while nobody was here to follow: then the history of its path has a version of this size, time and content, and says that it
 * went after the file here had last changed (ctime). That goes, and stays in the history. Everything else is a change.
 *
 * What this session's own workspaces deleted is not believed: they saw it gone, and here it is again, such as what an operator
 * repaired. A clock behind the server's, and a folder that was renamed away and back, can let a file go that was put back on
 * purpose within that time: it is in the history.
 *
 * Only files in folders that the store has. What went with its whole folder is told from what was made again by no moment of its
 * own, and comes back.
 */
#include "base/vec.h"
#include "codi2/mirror_int.h"

static int drop_one(struct codi2_mirror *m, struct arena *arena, struct str path)
{
    struct codi2_entry here = {.path = path};
    struct codi2_remote old;
    int error = codi2_index_get(m->index, arena, path, &here);
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    if (codi2_tree_look(&m->tree, path, &here.look) != 0 || here.look.kind != CODI2_FILE ||
        codi2_mirror_ignored(m, path, /* is_folder= */ false)) {
        return 0;
    }
    const struct codi2_past_query query = {.here = &here, .by_others = true};
    error = codi2_link_past_like(m->link, arena, &query, &old);
    if (error || !codi2_plan_has_content(&m->tree, arena, path, &old.hash)) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    const struct codi2_place place = {path, &here.look};
    error = codi2_tree_remove_same(&m->tree, &place);
    return error == ERR_CONFLICT || error == ERR_FORBIDDEN ? 0 : error; /* it changed: it stays */
}

int codi2_mirror_drop_left(struct codi2_mirror *m, const struct map *seen)
{
    ARENA_AUTO(paths);
    ARENA_AUTO(scratch);
    VEC(struct str) folders = {0};
    VEC_ADD(&folders, STR(""));
    int error = 0;
    while (folders.n > 0 && !error) {
        struct str at = folders.at[--folders.n];
        ARENA_AUTO(listed);
        struct codi2_names names = {0};
        (void)!codi2_tree_list(&m->tree, &listed, at,
                               &names); /* shut, or gone: nothing is known of it */
        for (size_t i = 0; i < names.count && !error; i++) {
            arena_reset(&scratch);
            struct str path = arena_printf(&scratch, STR_FMT "%s" STR_FMT, STR_ARG(at),
                                           at.n > 0 ? "/" : "", STR_ARG(names.at[i]));
            struct codi2_look look;
            if (content_path_check(path) != 0) {
                continue;
            }
            if (!map_get(seen, path)) {
                error = drop_one(m, &scratch, path);
            } else if (codi2_tree_look(&m->tree, path, &look) == 0 && look.kind == CODI2_FOLDER) {
                VEC_ADD(&folders, arena_str(&paths, path));
            }
        }
    }
    VEC_FREE(&folders);
    return error;
}
