/*
 * Our own changes among the store's. Those of which the index has not heard (the answer was lost, codi2 was killed) are entered
 * into it, and the disk is looked at again: it may have gone on meanwhile. Those of which it has heard tell what others' changes
 * before them are worth here; also on a later page, which is read when those have come to the disk already.
 */
#include "codi2/mirror_int.h"

enum { MOST_LATE = 4096 }; /* paths */

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
    return codi2_mirror_enter(m, &entry);
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
    return error ? error : codi2_mirror_enter(m, &moved);
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

/* ---- others' changes that stand on an earlier page than ours behind them ---- */

void codi2_mirror_none_late(struct codi2_mirror *m)
{
    if (atomic_load(&m->applied) >= m->heard) {
        map_destroy(m->late);
        m->late = NULL;
        m->late_more = false;
    } else if (!m->late) {
        m->late = map_create();
    }
}

void codi2_mirror_came_late(struct codi2_mirror *m, const struct codi2_remote *r)
{
    const struct str paths[] = {r->path, r->from};
    for (size_t i = 0; i < 2 && r->version < m->heard; i++) {
        if (map_count(m->late) >= MOST_LATE) {
            m->late_more = true;
        } else if (paths[i].n > 0) {
            (void)map_put(m->late, paths[i], (void *)(uintptr_t)r->version);
        }
    }
}

/* The folders above path that are in `gone` and were made for it alone. */
static void drop_parents(struct codi2_mirror *m, struct arena *arena, struct str path,
                         struct str gone)
{
    struct codi2_entry known;
    struct str name;
    for (struct str at = path;;) {
        content_path_split(at, &at, &name);
        if (!content_path_within(at, gone) ||
            codi2_index_get(m->index, arena, at, &known) != ERR_NOT_FOUND ||
            codi2_tree_remove_empty(&m->tree, at) != 0) {
            return;
        }
    }
}

/* What a change that came late left at path, unless something else stands there by now: r, which is ours, took it along. */
static int drop_late(struct codi2_mirror *m, struct arena *arena, struct str path,
                     const struct codi2_remote *r)
{
    struct codi2_entry known;
    const struct codi2_remote left = {.path = path, .version = r->version};
    int error = codi2_index_get(m->index, arena, path, &known);
    if (error || known.version != (uintptr_t)map_get(m->late, path)) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    error = codi2_mirror_apply_deletion(m, arena, &left);
    if (!error) {
        drop_parents(m, arena, path, r->deleted ? r->path : r->from);
    }
    return error;
}

int codi2_mirror_overtake(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct str gone = r->deleted ? r->path : r->from;
    bool any = m->late_more;
    size_t position = 0;
    struct str path;
    void *version;
    int error = 0;
    if (gone.n == 0 || r->kind != CODI2_FOLDER) {
        return 0;
    }
    while (m->late && !error && map_next(m->late, &position, &path, &version)) {
        if (content_path_within(path, gone)) {
            any = true;
            error = drop_late(m, arena, path, r);
        }
    }
    bool known = !any || (r->deleted && !m->late_more);
    return error || known ? error : codi2_mirror_start_anew(m); /* it is to be fetched there */
}
