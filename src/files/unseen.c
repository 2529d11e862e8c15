/*
 * What others changed and the sender of a batch has not seen: asked of the changes behind those that it knows. They are few, and a
 * folder may be large.
 *
 * 1. Changes from the sender's own disk are known. What others deleted is nothing to lose.
 * 2. A path is where it is now: what the sender's own moves took along unseen has gone with them.
 * 3. What came to a folder above by a move or a restore has no changes of its own.
 */
#include "files/files_int.h"

enum { MOST_UNSEEN = 4000, UNSEEN_PAGE = 250 }; /* changes that are looked through; in one go */

/* What a workspace's author names behind the last dot (src/wire/README.md); empty: it is no workspace's. */
static struct str disk_of(struct str id)
{
    size_t dot = id.n;
    while (dot > 0 && id.p[dot - 1] != '.') {
        dot--;
    }
    return dot > 0 ? str_slice(id, dot, id.n) : STR_EMPTY;
}

static void take_along(struct files_unseen *unseen, struct arena *arena,
                       const struct files_change_record *move)
{
    for (size_t i = 0; i < unseen->n; i++) {
        struct str *path = &unseen->at[i].path;
        if (content_path_within(*path, move->from)) {
            struct str below = str_slice(*path, move->from.n, path->n);
            *path = arena_printf(arena, STR_FMT STR_FMT, STR_ARG(move->path), STR_ARG(below));
        }
    }
}

static int take(struct files_unseen *unseen, struct files_tx *tx, struct str value)
{
    struct str ours = disk_of(unseen->sender);
    struct files_change_record change;
    int r = files_change_decode(value, &change);
    bool known = r == 0 && ours.n > 0 && str_eq(disk_of(change.author.id), ours);
    if (known && change.op == FILES_MOVE) {
        take_along(unseen, tx->arena, &change);
    }
    if (r == 0 && !known && change.op != FILES_DELETE) {
        unseen->at[unseen->n++] = change;
    }
    return r;
}

static int look(struct files_unseen *unseen, struct files_tx *tx)
{
    uint64_t from = unseen->from;
    uint64_t thinned = 0;
    int r = files_thin_end(tx, &thinned);
    unseen->known = true;
    unseen->more = from <= thinned || (from < unseen->end && unseen->end - from > MOST_UNSEEN);
    if (r < 0 || unseen->more) {
        return r;
    }
    unseen->at = ARENA_ARRAY(tx->arena, struct files_change_record, MOST_UNSEEN);
    while (from < unseen->end && r == 0) {
        uint64_t to = unseen->end - from > UNSEEN_PAGE ? from + UNSEEN_PAGE : unseen->end;
        struct store_range range = {files_key_change(tx, from), files_key_change(tx, to),
                                    .limit = UNSEEN_PAGE};
        struct store_pair *pairs;
        size_t count = 0;
        r = store_scan(tx->txn, &range, &pairs, &count);
        for (size_t i = 0; i < count && r == 0; i++) {
            r = take(unseen, tx, pairs[i].value);
        }
        from = to;
    }
    return r;
}

int files_unseen_below(struct files_unseen *unseen, struct files_tx *tx,
                       const struct files_place *folder, bool *ret_some)
{
    int r = unseen->known ? 0 : look(unseen, tx);
    bool some = unseen->more;
    for (size_t i = 0; i < unseen->n && r == 0 && !some; i++) {
        const struct files_change_record *change = &unseen->at[i];
        some = content_path_within(change->path, folder->path) ||
               (change->op != FILES_WRITE && content_path_within(folder->path, change->path));
    }
    *ret_some = some;
    return r;
}
