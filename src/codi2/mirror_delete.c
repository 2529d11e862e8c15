/*
 * Deletions that nobody saw. A file that the index knows and the disk has not was deleted here, but whether somebody meant it
 * is another question: a disk that lost half of itself looks the same. So more than MIRROR_HELD_BACK of them at once are not
 * sent but shown, until a person chooses to delete or to restore them.
 *
 * 1. What was seen (an event named it, or its folder) is sent in any case.
 * 2. Once some are held back, all that nobody saw are, however few are still missing, until none is or a choice was made; also
 *    after a new start.
 * 3. A choice is carried out on a look at the whole tree, and forgotten only when that has succeeded.
 */
#include "base/map.h"
#include "codi2/mirror_int.h"

/* Leaves only what the index still knows: a move may have claimed some. */
static void drop_claimed(struct codi2_mirror *m, struct arena *arena, struct mirror_deletions *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct codi2_entry known;
        if (codi2_index_get(m->index, arena, d->at[i].step.path, &known) == 0) {
            d->at[kept++] = d->at[i];
        }
    }
    d->count = kept;
}

static bool was_replaced(const struct mirror_deletions *d, struct str path)
{
    for (size_t i = 0; i < d->replaced_count; i++) {
        if (content_path_within(path, d->replaced[i])) {
            return true;
        }
    }
    return false;
}

bool codi2_mirror_is_below_any(const struct map *folders, struct str path)
{
    struct str name;
    while (path.n > 0) {
        content_path_split(path, &path, &name);
        if (path.n > 0 && map_get(folders, path)) {
            return true;
        }
    }
    return false;
}

/* What goes with a folder that was seen going was seen too. The number of those that nobody saw. */
static size_t tell(struct mirror_deletions *d)
{
    static char mark;
    struct map *told = map_create();
    size_t unseen = 0;
    for (size_t i = 0; i < d->count; i++) { /* sorted: a folder comes before what is in it */
        struct mirror_deletion *one = &d->at[i];
        struct str path = one->step.path;
        one->told = one->told || codi2_mirror_is_below_any(told, path) || was_replaced(d, path);
        if (one->told) {
            (void)map_put(told, path, &mark);
        }
        unseen += one->told ? 0 : 1;
    }
    map_destroy(told);
    return unseen;
}

/* The index remembers that some are held back: a new start is no answer. */
static int show(struct codi2_mirror *m, size_t held)
{
    if (held == m->facts.held_back) {
        return 0;
    }
    m->facts.held_back = held;
    codi2_mirror_say(m);
    return codi2_index_set_fact(m->index, "held_back", held);
}

/* Leaves what is to be sent: a folder's deletion is that of all in it. */
static void leave(struct mirror_deletions *d, bool unseen)
{
    static char mark;
    struct map *sent = map_create();
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct str path = d->at[i].step.path;
        bool goes = map_get(sent, path) || codi2_mirror_is_below_any(sent, path); /* already */
        if ((d->at[i].told || unseen) && !goes) {
            (void)map_put(sent, path, &mark);
            d->at[kept++] = d->at[i];
        }
    }
    map_destroy(sent);
    d->count = kept;
}

/* What the index does not know, the store brings back. */
static int restore(struct codi2_mirror *m, const struct mirror_deletions *d)
{
    int error = codi2_index_begin(m->index);
    for (size_t i = 0; i < d->count && !error; i++) {
        error = d->at[i].told ? 0 : codi2_index_delete(m->index, d->at[i].step.path);
    }
    error = error ? error : codi2_mirror_start_anew(m);
    int committed = codi2_index_commit(m->index);
    return error ? error : committed;
}

int codi2_mirror_hold_back(struct codi2_mirror *m, struct arena *arena, struct mirror_deletions *d)
{
    int error = 0;
    drop_claimed(m, arena, d);
    size_t unseen = tell(d);
    bool hold = unseen > MIRROR_HELD_BACK || (m->facts.held_back > 0 && unseen > 0);
    d->choice = d->whole ? atomic_load(&m->choice) : CODI2_NO_CHOICE;
    if (d->choice == CODI2_CHOOSE_RESTORE) {
        error = restore(m, d);
    }
    if (!error && d->choice != CODI2_NO_CHOICE) {
        error = show(m, 0);
    } else if (!error && (d->whole || unseen > m->facts.held_back)) {
        error = show(m, hold ? unseen : 0);
    }
    leave(d, d->choice == CODI2_CHOOSE_DELETE || (d->choice == CODI2_NO_CHOICE && !hold));
    return error;
}
