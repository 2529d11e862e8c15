/*
 * Batches on their way to the store, which takes one as a whole or not at all.
 *
 * One that it refuses for what is in it is sent in halves, down to the change that it refuses alone; the others are stored. A move
 * that it refuses (what is below would lie too deep) is told as a creation and a deletion; any other change is left out and told.
 * So no path holds up the rest. That is believed of a server that takes others of ours: one that takes nothing does not understand
 * us, and all waits.
 */
#include "base/log.h"
#include "codi2/mirror_int.h"

enum { CHANGE_COST = 900, LEVEL_COST = 150 };

/* What a change writes in the store, about: itself, and the totals of each folder above. On the wire it is less. */
static size_t cost_of(const struct codi2_change *change)
{
    const struct codi2_step *step = &change->step;
    size_t bytes = 0;
    size_t levels = 0;
    for (size_t i = 0; i < step->path.n; i++) {
        levels += step->path.p[i] == '/';
    }
    if (step->op == CODI2_LINK) {
        bytes = change->target.n;
    } else if (step->op == CODI2_DELETE || change->content.manifest.small) {
        bytes = CONTENT_INLINE_MAX; /* what goes is written once more, as it was */
    }
    return CHANGE_COST + levels * LEVEL_COST + 2 * step->path.n + bytes + bytes / 2;
}

void codi2_mirror_enlist(struct mirror_round *r, const struct codi2_change *change)
{
    bool half = r->batch.n >= MIRROR_BATCH / 2 || r->batch_bytes >= MIRROR_BATCH_BYTES / 2;
    if (r->full && change->step.op != CODI2_DELETE && half) {
        return;
    }
    codi2_dirty_upload(r->m->dirty, change->step.path);
    r->batch_bytes += cost_of(change);
    VEC_ADD(&r->batch, *change);
}

void codi2_mirror_put_back(struct mirror_round *r, size_t from)
{
    for (size_t i = from; i < r->batch.n; i++) {
        codi2_dirty_refused(r->m->dirty, r->batch.at[i].step.path);
    }
    r->batch.n = r->batch_bytes = 0;
}

/* ---- what is refused alone ---- */

/*
 * The index forgets by what it would be known again at its new place. So it is created there, what is in it moves by itself as far as
 * the store takes that, and what is left at the old place is deleted, in a round to come.
 */
static int part(struct mirror_round *r, const struct codi2_step *step)
{
    ARENA_AUTO(arena);
    struct codi2_entry known;
    codi2_dirty_refused(r->m->dirty, step->path);
    codi2_dirty_add(r->m->dirty, step->path, /* deep= */ true);
    codi2_dirty_add(r->m->dirty, step->from, /* deep= */ true);
    VEC_ADD(&r->claimed, arena_str(r->arena, step->from));
    int error = codi2_index_get(r->m->index, &arena, step->from, &known);
    if (error) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    known.look.inode = 0;
    return codi2_index_put(r->m->index, &known);
}

/* Until it is said to have changed, or the whole tree is looked at. */
static void leave_out(struct codi2_mirror *m, struct str path, int why)
{
    bool again = codi2_dirty_has(m->dirty, path);
    log_warn("codi2", STR_FMT " is not stored: %s", STR_ARG(path), err_name(why));
    codi2_dirty_refused(m->dirty, path);
    if (!again) {
        codi2_dirty_seen(m->dirty, path);
    }
    codi2_mirror_unkept(m, path, CODI2_REFUSED);
}

struct refusal {
    struct codi2_step step;
    int why;
};

static int settle_refusal(struct mirror_round *r, const struct refusal *refusal)
{
    if (refusal->step.op == CODI2_MOVE) {
        return part(r, &refusal->step);
    }
    if (r->m->takes) {
        leave_out(r->m, refusal->step.path, refusal->why);
        return 0;
    }
    codi2_dirty_refused(r->m->dirty, refusal->step.path);
    return refusal->why;
}

/* ---- sending ---- */

enum came { TAKEN, NOT_TAKEN, REFUSED };

static int send_some(struct mirror_round *r, const struct codi2_batch *batch, enum came *ret_came)
{
    bool overtaken = false;
    int error = codi2_mirror_send(r->m, batch, &overtaken);
    bool refused = error == ERR_TOO_LARGE || error == ERR_INVALID || error == ERR_LIMIT;
    bool taken = !error && !overtaken;
    *ret_came = refused ? REFUSED : taken ? TAKEN : NOT_TAKEN;
    r->m->takes = r->m->takes || taken;
    return error;
}

int codi2_mirror_flush(struct mirror_round *r)
{
    VEC(struct refusal) refusals = {0};
    enum came came = TAKEN;
    int error = 0;
    size_t done = 0;
    size_t lot = r->batch.n;
    while (done < r->batch.n && came != NOT_TAKEN) {
        size_t rest = r->batch.n - done;
        const struct codi2_batch some = {r->batch.at + done, lot < rest ? lot : rest, r->m->seen};
        error = send_some(r, &some, &came);
        if (came == REFUSED && some.count > 1) {
            lot = some.count / 2;
            continue;
        }
        if (came == REFUSED) {
            VEC_ADD(&refusals, ((struct refusal){some.changes[0].step, error}));
        }
        done += came == NOT_TAKEN ? 0 : some.count;
        lot = 2 * some.count;
    }
    error = came == NOT_TAKEN ? error : 0;
    codi2_mirror_put_back(r, done);
    for (size_t i = 0; i < refusals.n; i++) {
        int settled = settle_refusal(r, &refusals.at[i]);
        error = error ? error : settled;
    }
    VEC_FREE(&refusals);
    return !error && came == NOT_TAKEN && r->full ? ERR_QUOTA
                                                  : error; /* no room was made: not again at once */
}

int codi2_mirror_flush_whole(struct mirror_round *r)
{
    bool whole = r->batch.n >= MIRROR_BATCH || r->batch_bytes >= MIRROR_BATCH_BYTES;
    return whole && !r->full ? codi2_mirror_flush(r) : 0;
}
