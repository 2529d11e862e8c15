/*
 * From the disk to the store. Paths are taken in byte order, so that a folder comes before what is in it. Writes, links and
 * new folders gather in a batch; a move and a change of kind go alone, since what is planned behind them depends on the
 * index after them; deletions go last, when every move has claimed its own. How they are sent: mirror_batch.c.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/vec.h"
#include "codi2/mirror_int.h"

static void round_fini(struct mirror_round *r)
{
    VEC_FREE(&r->paths);
    VEC_FREE(&r->batch);
    VEC_FREE(&r->deletions);
    VEC_FREE(&r->replaced);
    VEC_FREE(&r->later);
    VEC_FREE(&r->claimed);
    map_destroy(r->undone);
}

/* ---- moves ---- */

/* What may have moved to a path where something else makes room first: what is moved is not known yet. */
static int claim_by_inode(struct mirror_round *r, const struct codi2_step *step)
{
    const struct codi2_look *now = &step->look;
    struct codi2_entries known = {0};
    int error = codi2_index_by_inode(r->m->index, r->scratch,
                                     &(struct codi2_links){.inode = now->inode}, &known);
    for (size_t i = 0; i < known.count && !error; i++) {
        const struct codi2_look *was = &known.at[i].look;
        bool same =
            was->kind == now->kind &&
            (was->kind == CODI2_FOLDER || (was->size == now->size && was->mtime == now->mtime));
        if (same && !str_eq(known.at[i].path, step->path)) {
            VEC_ADD(&r->claimed, arena_str(r->arena, known.at[i].path));
        }
    }
    return error;
}

/* When full: nothing is sent of what is below, which the store would have in the wrong place, nor is what moved deleted. */
static int put_off(struct mirror_round *r, const struct codi2_step *step)
{
    (void)map_put(r->undone, step->path, r);
    if (step->op != CODI2_MOVE) {
        return claim_by_inode(r, step);
    }
    VEC_ADD(&r->claimed, arena_str(r->arena, step->from));
    return 0;
}

static int send_alone(struct mirror_round *r, const struct codi2_step *step)
{
    if (r->full) {
        return put_off(r, step);
    }
    struct codi2_change change = {.step = *step};
    codi2_mirror_doubt(r->m, &change.step.look); /* of what moved */
    int error = codi2_mirror_flush(r);
    if (!error) {
        codi2_mirror_enlist(r, &change);
        error = codi2_mirror_flush(r);
    }
    return error;
}

/* ---- one path ---- */

/* What cannot be brought to the store at all has no descriptor: it waits for a change of it (its mode, its size). */
static int open_to_send(struct mirror_round *r, const struct codi2_step *step, int *ret_fd)
{
    struct codi2_mirror *m = r->m;
    if (step->look.size > CONTENT_MAX_FILE) {
        codi2_mirror_unkept(m, step->path, CODI2_TOO_LARGE);
        return 0;
    }
    int error = codi2_tree_open_file(&m->tree, step->path, ret_fd);
    if (error == ERR_FORBIDDEN) {
        codi2_mirror_unkept(m, step->path, CODI2_UNREADABLE);
        return 0;
    }
    if (error) {
        codi2_dirty_add(m->dirty, step->path, /* deep= */ false);
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    codi2_mirror_kept(m, step->path);
    return 0;
}

/* Reads and sends a file's content; a file that changes under our hands stays dirty. */
static int add_write(struct mirror_round *r, const struct codi2_step *step)
{
    FD_AUTO int fd = -1;
    struct codi2_mirror *m = r->m;
    int error = open_to_send(r, step, &fd);
    if (error || fd < 0) {
        return error;
    }
    struct codi2_change change = {.step = *step};
    codi2_mirror_hold(m, fd, &change.step.look);
    error = codi2_link_upload(m->link, &change.content, fd, step->look.size);
    struct codi2_look after;
    bool torn = error == ERR_CONFLICT;
    if (!error) {
        torn = codi2_tree_look(&m->tree, step->path, &after) != 0 ||
               codi2_mirror_is_torn(m, &step->look, &after);
    }
    if (torn) {
        codi2_dirty_add(m->dirty, step->path, /* deep= */ false);
        return 0;
    }
    if (error) {
        return error;
    }
    struct codi2_entry known = {0};
    bool same = step->base != 0 && codi2_index_get(m->index, r->scratch, step->path, &known) == 0 &&
                known.look.kind == CODI2_FILE && known.look.mode == step->look.mode &&
                content_hash_eq(&known.hash, &change.content.hash);
    if (same) {
        codi2_dirty_agreed(m->dirty, step->path);
    }
    if (same && codi2_look_time(&known.look) == codi2_look_time(&step->look)) {
        known.look = change.step.look;
        return codi2_index_put(m->index, &known);
    }
    change.saved = codi2_saves_has(m->saves, step->path, &change.content.hash);
    codi2_mirror_enlist(r, &change);
    error = codi2_mirror_tell_links(
        r, step); /* not for a doubt alone: two names would tell each other of it in turn */
    return error ? error : codi2_mirror_flush_whole(r);
}

static int add_link(struct mirror_round *r, const struct codi2_step *step)
{
    struct codi2_change change = {.step = *step};
    int error = codi2_tree_read_link(&r->m->tree, r->arena, step->path, &change.target);
    if (error == ERR_NOT_FOUND) {
        codi2_dirty_add(r->m->dirty, step->path, /* deep= */ false);
        return 0;
    }
    if (error) {
        return error;
    }
    codi2_mirror_kept(r->m, step->path);
    codi2_look_doubt(&change.step.look);
    content_hash(change.target, &change.content.hash);
    codi2_mirror_enlist(r, &change);
    return 0;
}

static bool is_shut(const struct codi2_look *look)
{
    const uint32_t open = S_IRUSR | S_IXUSR;
    return (look->mode & open) != open;
}

/* Whether what is in a folder could not be looked at before its mode was changed, or cannot any more. */
static bool opens_or_shuts(struct mirror_round *r, const struct codi2_step *step)
{
    struct codi2_entry known;
    return is_shut(&step->look) ||
           (codi2_index_get(r->m->index, r->scratch, step->path, &known) == 0 &&
            is_shut(&known.look));
}

static int do_step(struct mirror_round *r, const struct codi2_step *step, bool listed)
{
    if (r->full && step->op != CODI2_MOVE && codi2_mirror_is_below_any(r->undone, step->path)) {
        return 0;
    }
    switch (step->op) {
    case CODI2_WRITE:
        return add_write(r, step);
    case CODI2_LINK:
        return add_link(r, step);
    case CODI2_MKDIR:
        if (!listed || is_shut(&step->look)) {
            codi2_dirty_add(r->m->dirty, step->path, /* deep= */ true);
        }
        codi2_mirror_enlist(r, &(struct codi2_change){.step = *step});
        return 0;
    case CODI2_MODE:
        if (opens_or_shuts(r, step)) {
            codi2_dirty_add(r->m->dirty, step->path, /* deep= */ true);
        }
        codi2_mirror_enlist(r, &(struct codi2_change){.step = *step});
        return 0;
    case CODI2_MOVE:
        if (step->look.kind == CODI2_FOLDER) {
            codi2_dirty_add(r->m->dirty, step->path, /* deep= */ true);
        }
        return send_alone(r, step);
    default:
        return 0;
    }
}

/* What was below a folder that was seen to be replaced went with it: it is looked at next, as seen. */
static void tell(struct mirror_round *r, struct str path)
{
    codi2_dirty_add(r->m->dirty, path, /* deep= */ false);
}

static int carry_out(struct mirror_round *r, const struct codi2_dirty_path *p,
                     struct codi2_step *step)
{
    if (step->op == CODI2_DELETE) {
        if (codi2_tree_look(&r->m->tree, p->path, &step->look) != ERR_NOT_FOUND) {
            return send_alone(r, step); /* it makes room for what stands there now */
        }
        VEC_ADD(&r->deletions, (struct mirror_deletion){*step, p->told});
        return 0;
    }
    if (step->replaced && !r->late) {
        VEC_ADD(&r->later, *p);
        return 0;
    }
    int error = codi2_mirror_flush_whole(r);
    if (!error && step->replaced && p->told) {
        VEC_ADD(&r->replaced, p->path);
        error = p->deep ? 0 : codi2_mirror_each_below(r, p->path, tell);
    }
    return error ? error : do_step(r, step, p->deep);
}

static int look_once(struct mirror_round *r, const struct codi2_dirty_path *p, bool *ret_again)
{
    struct codi2_step step;
    int error = codi2_mirror_plan(r, p, &step);
    if (error) {
        return error == ERR_FORBIDDEN ? 0 : error;
    }
    bool gone = step.look.inode == 0;
    if (gone) {
        codi2_status_forget(r->m->options.status, r->m->options.number, p->path);
        codi2_mirror_unkept_if_special(r->m, p->path);
    }
    if (step.op == CODI2_NOTHING) {
        (void)map_remove(r->m->empty, p->path);
        codi2_quiet_send(r->m->quiet, p->path);
        codi2_dirty_agreed(r->m->dirty, p->path);
        if (!gone && step.look.kind != CODI2_FOLDER) {
            codi2_mirror_kept(r->m, p->path);
        }
        return 0;
    }
    bool folder = !gone && step.look.kind == CODI2_FOLDER;
    bool made = step.op != CODI2_DELETE; /* a folder of the store's making goes there, too */
    if (made && step.base == 0 && codi2_mirror_ignored(r->m, p->path, folder)) {
        return 0;
    }
    bool rests;
    error = codi2_mirror_rests(r, &step, &rests);
    if (error || rests || codi2_mirror_waits(r->m, p, &step)) {
        return error;
    }
    *ret_again = step.op == CODI2_DELETE && !gone;
    return carry_out(r, p, &step);
}

/* Where something had to make room, what stands there now is looked at at once: it may have moved here. */
static int look_at(struct mirror_round *r, const struct codi2_dirty_path *p)
{
    bool again = false;
    int error = look_once(r, p, &again);
    if (!error && again) {
        codi2_dirty_add(r->m->dirty, p->path, /* deep= */ true);
        error = look_once(r, p, &again);
    }
    arena_reset(r->scratch);
    return error;
}

/* ---- deletions ---- */

/* In lots of so many, and of so many bytes. When full the last of them are left in the batch. */
static int send_deletions(struct mirror_round *r, size_t lot, size_t bytes)
{
    struct codi2_mirror *m = r->m;
    struct mirror_deletions d = {.at = r->deletions.at,
                                 .count = r->deletions.n,
                                 .replaced = r->replaced.at,
                                 .replaced_count = r->replaced.n,
                                 .whole = r->whole};
    int error = codi2_mirror_hold_back(m, r->arena, &d);
    for (size_t i = 0; i < d.count && !error; i++) {
        struct codi2_look back; /* since it was missed, which uploads may have made long ago */
        if (codi2_tree_look(&m->tree, d.at[i].step.path, &back) == 0) {
            codi2_dirty_add(m->dirty, d.at[i].step.path, /* deep= */ true);
            continue;
        }
        bool whole = r->batch.n >= lot || r->batch_bytes >= bytes;
        error = whole ? codi2_mirror_flush(r) : 0;
        codi2_mirror_enlist(r, &(struct codi2_change){.step = d.at[i].step});
    }
    if (!error && !r->full) {
        error = codi2_mirror_flush(r);
    }
    if (!error && !r->full) { /* unless there is a newer word */
        (void)atomic_compare_exchange_strong(&m->choice, &d.choice, CODI2_NO_CHOICE);
    }
    return error;
}

static int look_at_all(struct mirror_round *r)
{
    int error = 0;
    for (size_t i = 0; i < r->paths.n && !error;) {
        struct codi2_dirty_path p = r->paths.at[i]; /* the deep one, if there is one */
        for (i++; i < r->paths.n && str_eq(r->paths.at[i].path, p.path); i++) {
            p.told = p.told || r->paths.at[i].told;
        }
        error = look_at(r, &p);
    }
    if (!error && !r->full) {
        error = codi2_mirror_flush(r);
    }
    r->late = true;
    for (size_t i = 0; i < r->later.n && !error; i++) {
        error = look_at(r, &r->later.at[i]);
    }
    return error;
}

/* ---- no room ---- */

static bool is_any_gone(struct mirror_round *r)
{
    bool gone = false;
    for (size_t i = 0; i < r->paths.n && !gone; i++) {
        struct codi2_entry known;
        struct codi2_look look;
        struct str path = r->paths.at[i].path;
        gone = codi2_tree_look(&r->m->tree, path, &look) == ERR_NOT_FOUND &&
               codi2_index_get(r->m->index, r->scratch, path, &known) == 0;
        arena_reset(r->scratch);
    }
    return gone;
}

static bool is_moved(const struct mirror_round *r, struct str path)
{
    for (size_t i = 0; i < r->claimed.n; i++) {
        struct str claimed = r->claimed.at[i];
        if (content_path_within(path, claimed) || content_path_within(claimed, path)) {
            return true;
        }
    }
    return false;
}

/* When full all is looked at again anyway. */
static void look_again_at(struct mirror_round *r, const struct mirror_deletion *one)
{
    if (r->full) {
        return;
    }
    if (one->told) {
        codi2_dirty_add(r->m->dirty, one->step.path, /* deep= */ true);
    } else {
        codi2_dirty_add_all(r->m->dirty); /* what is named would pass for seen */
    }
}

/* What moved is no deletion, nor may a folder go that it moved out of. What went with that folder was seen all the same. */
static void drop_moved(struct mirror_round *r)
{
    struct map *told = map_create();
    size_t kept = 0;
    for (size_t i = 0; i < r->deletions.n; i++) { /* a folder comes before what is in it */
        struct mirror_deletion *one = &r->deletions.at[i];
        one->told = one->told || codi2_mirror_is_below_any(told, one->step.path);
        if (!is_moved(r, one->step.path)) {
            r->deletions.at[kept++] = *one;
        } else {
            if (one->told) {
                (void)map_put(told, one->step.path, r);
            }
            look_again_at(r, one);
        }
    }
    map_destroy(told);
    r->deletions.n = kept;
}

/*
 * The store refused a batch for want of room. What was deleted here makes room, but must not go alone as long as it can be helped:
 * who packs files writes the pack and deletes what is in it, and the store would be left with neither. So everything is looked
 * at once more, and the deletions go with what is written, in one batch, which the store takes or refuses as a whole. Where there
 * are more deletions than a batch has places beside what is written (half of them at least), or more bytes than it may
 * have, the first ones go alone.
 */
static int make_room(struct mirror_round *r)
{
    r->full = true;
    r->late = false;
    r->undone = map_create();
    codi2_mirror_put_back(r, 0);
    r->deletions.n = r->later.n = r->replaced.n = 0;
    int error = look_at_all(r);
    drop_moved(r);
    VEC(struct codi2_change) writes = {.at = r->batch.at, .n = r->batch.n, .room = r->batch.room};
    size_t room = MIRROR_BATCH_BYTES - r->batch_bytes; /* more than a third: see enlist */
    r->batch.at = NULL;
    r->batch.n = r->batch.room = r->batch_bytes = 0;
    error = error ? error : send_deletions(r, MIRROR_BATCH - writes.n, room);
    error = !error && r->batch.n == 0 ? ERR_QUOTA : error;
    for (size_t i = 0; i < writes.n; i++) {
        VEC_ADD(&r->batch, writes.at[i]);
    }
    VEC_FREE(&writes);
    return error ? error : codi2_mirror_flush(r);
}

static void take_back(struct codi2_mirror *m, const struct codi2_dirty_path *p)
{
    if (p->written) {
        codi2_dirty_add_written(m->dirty, p->path, p->closed);
    } else {
        codi2_dirty_add(m->dirty, p->path, p->deep);
    }
}

static void settle(const struct mirror_round *r)
{
    struct codi2_mirror *m = r->m;
    codi2_quiet_settle(m->quiet, m->dirty);
    codi2_saves_settle(m->saves, m->dirty);
    if (r->whole) {
        m->tree.drafts_from = 0; /* those that were old are gone */
    }
}

int codi2_mirror_push(struct codi2_mirror *m)
{
    if (codi2_dirty_count(m->dirty) == 0) {
        return 0;
    }
    ARENA_AUTO(arena);
    ARENA_AUTO(scratch);
    struct mirror_round r
        __attribute__((cleanup(round_fini))) = {.m = m, .arena = &arena, .scratch = &scratch};
    struct codi2_dirty_path *taken;
    size_t count;
    codi2_dirty_take(m->dirty, &arena, &taken, &count);
    int error = codi2_mirror_gather(&r, taken, count);
    if (!error) {
        error = look_at_all(&r);
    }
    if (!error) {
        error = codi2_mirror_flush(&r);
    }
    if (!error && r.claimed.n > 0) {
        drop_moved(&r);
    }
    if (!error) {
        error = codi2_link_flush(m->link); /* what the store has in name may be damaged there */
    }
    if (!error) {
        error = send_deletions(&r, MIRROR_BATCH / 2, MIRROR_BATCH_BYTES);
    }
    if (error == ERR_QUOTA && is_any_gone(&r)) {
        error = make_room(&r);
    }
    for (size_t i = 0; i < count && (error || r.full); i++) {
        take_back(m, &taken[i]);
    }
    codi2_mirror_put_back(&r, 0);
    ASSERT(codi2_dirty_uploading(m->dirty) == 0);
    if (!error && !r.full) {
        settle(&r);
    }
    return error;
}
