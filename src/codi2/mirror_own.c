/*
 * Our own changes among the store's. Those of which the index has not heard (the answer was lost, codi2 was killed) are entered
 * into it, and the disk is looked at again: it may have gone on meanwhile. Those of which it has heard tell what others' changes
 * before them are worth here.
 */
#include "codi2/mirror_int.h"

static int recall_state(struct codi2_mirror *m, const struct codi2_remote *r)
{
    struct codi2_entry entry = {.path = r->path,
                                .look = {.kind = r->kind, .mode = r->mode, .mtime = r->mtime},
                                .version = r->version,
                                .hash = r->hash};
    struct codi2_look now;
    if (r->kind == CODI2_FOLDER && codi2_tree_look(&m->tree, r->path, &now) == 0 &&
        now.kind == CODI2_FOLDER) {
        entry.look.inode = now.inode; /* it is the one that we told of, or as good as that */
    }
    codi2_dirty_add(m->dirty, r->path, /* deep= */ false);
    return codi2_index_put(m->index, &entry);
}

static int recall_move(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct codi2_entry moved;
    int error = codi2_index_delete(m->index, r->path);
    if (!error) {
        error = codi2_index_move(m->index, r->from, r->path);
    }
    if (!error) {
        error = codi2_index_get(m->index, arena, r->path, &moved);
    }
    moved.version = r->version;
    codi2_dirty_add(m->dirty, r->from, /* deep= */ true);
    codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
    return error ? error : codi2_index_put(m->index, &moved);
}

int codi2_mirror_recall(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct codi2_entry source;
    codi2_mirror_damage_touched(m, r->path);
    codi2_mirror_damage_touched(m, r->from);
    if (r->deleted) {
        codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
        return codi2_index_delete(m->index, r->path);
    }
    int error = r->from.n > 0 ? codi2_index_get(m->index, arena, r->from, &source) : ERR_NOT_FOUND;
    if (error && error != ERR_NOT_FOUND) {
        return error;
    }
    return error ? recall_state(m, r) : recall_move(m, arena, r);
}

/*
 * Whether a change of ours, which the store took later and this disk shows already, moved or deleted the folder that others changed
 * something in: their change has no place here under its old path.
 */
bool codi2_mirror_is_overtaken(const struct codi2_mirror *m, const struct codi2_remotes *changes,
                               size_t at, bool *ret_moved)
{
    const struct codi2_remote *r = &changes->at[at];
    for (size_t i = at + 1; i < changes->count && !r->ours; i++) {
        const struct codi2_remote *later = &changes->at[i];
        struct str gone = later->deleted ? later->path : later->from;
        bool known = later->ours && later->version <= m->heard && gone.n > 0;
        if (known && (content_path_within(r->path, gone) ||
                      (r->from.n > 0 && content_path_within(r->from, gone)))) {
            *ret_moved = !later->deleted;
            return true;
        }
    }
    return false;
}
