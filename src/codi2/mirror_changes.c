/* The store's changes in their order, a page at a time: others' are brought to the disk, our own the index has heard of, or hears. */
#include "codi2/mirror_int.h"

enum { CHANGES_IN_ONE_GO = 1000 }; /* what they leave to do holds up a barrier that comes then */

static int apply_change(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    if (r->ours) {
        return r->version > m->heard ? codi2_mirror_recall(m, arena, r)
                                     : codi2_mirror_overtake(m, arena, r);
    }
    codi2_mirror_came_late(m, r);
    if (r->deleted) {
        return codi2_mirror_apply_deletion(m, arena, r);
    }
    if (r->restored && r->kind == CODI2_FOLDER) {
        return codi2_mirror_start_anew(m); /* what is in it is known to the store alone */
    }
    return r->from.n > 0 ? codi2_mirror_apply_move(m, arena, r)
                         : codi2_mirror_apply_state(m, arena, r);
}

static int apply_page(struct codi2_mirror *m, struct arena *arena,
                      const struct codi2_remotes *changes)
{
    int error = 0;
    for (size_t i = 0; i < changes->count && !error; i++) {
        bool moved = false;
        if (!codi2_mirror_is_overtaken(m, changes, i, &moved)) {
            error = apply_change(m, arena, &changes->at[i]);
        } else if (moved || changes->at[i].from.n > 0) {
            error = codi2_mirror_start_anew(m); /* it went along, and is to be fetched there */
        }
    }
    return error;
}

static bool is_enough(const struct codi2_mirror *m, size_t done)
{
    bool may_rest = done > 0 && atomic_load(&m->applied) >= m->unheard;
    return may_rest && (done >= CHANGES_IN_ONE_GO || codi2_mirror_awaited(m));
}

int codi2_mirror_pull(struct codi2_mirror *m)
{
    for (size_t done = 0; !is_enough(m, done);) {
        ARENA_AUTO(arena);
        struct codi2_remotes changes = {0};
        codi2_mirror_none_late(m);
        int error = codi2_link_changes(
            m->link, &arena, &(struct codi2_changes_query){.since = atomic_load(&m->applied)},
            &changes);
        if (!error && changes.count == 0 && changes.seq < m->heard) {
            return ERR_RESYNC; /* it was rolled back: it has not what we sent */
        }
        error = error ? error : apply_page(m, &arena, &changes);
        if (!error && changes.seq > 0) {
            error = codi2_mirror_applied(m, changes.seq);
        }
        if (error || changes.count == 0) {
            return error;
        }
        done += changes.count;
    }
    atomic_store(&m->remote, true); /* more is there; others want their turn */
    return 0;
}
