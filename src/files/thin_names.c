/*
 * Retention: names that something had for a while, and the changes that tell of them (thin.c has the rules of what goes).
 *
 * 1. What past/{folder}/{name}/{until} says is shown to the moments from its `since` on, before `until`. When they all lie in one
 *    stretch, none of them is its last, so nobody is shown it. Then a file's goes, if a later name leads to the file; a
 *    folder's goes with the folder, since what was in it then is found by it.
 * 2. A change that took something from under a name stays while the name does: a coarser stretch finds it by that. One that
 *    brought something by a move stays while it is under the name: who asks for what was there before follows it (trail.c).
 * 3. Of moves one after another, the last tells where the first came from: a file whose name between goes keeps what was at
 *    its older one. Not when something else came there before the last move, or the folder went: that would be taken for the file's.
 * 4. The names of a folder that goes are found by the paths that its changes tell. One is not that lies in a folder which had been moved
 *    out of another before that went: no path leads there any more. Neither are names of files whose past was thinned by a program that
 *    still kept all names. They are no fault: every moment of theirs is taken for a later one, so they are shown to nobody. Each is one
 *    key for one such move, and goes with the folder that it lies in (thin_folder.c), or with the tree. To find them before that would
 *    take reading all names of the past again and again, which costs more than they do.
 */
#include "files/thin_int.h"
#include "files/trail_int.h"

static bool has_taken(const struct files_change_record *change)
{
    return change->op == FILES_MOVE || change->op == FILES_DELETE;
}

static struct str path_before(const struct files_change_record *change)
{
    return change->op == FILES_MOVE ? change->from : change->path;
}

int files_thin_name_find(struct files_tx *tx, uint64_t until,
                         const struct files_change_record *change, struct files_thin_name *ret_name)
{
    struct files_thin_name name = {.path = path_before(change), .until = until};
    struct str folder;
    struct str last;
    struct str value;
    uint64_t above = 0; /* the compiler does not see that it is set */
    int r = has_taken(change) ? files_thin_above(tx, name.path, until, &above) : ERR_NOT_FOUND;
    if (r < 0) {
        return r;
    }
    content_path_split(name.path, &folder, &last);
    name.key = files_key_past(tx, above, last, until);
    r = store_get(tx->txn, name.key, &value);
    r = r < 0 ? r : files_record_decode(value, &name.record);
    if (r == 0) {
        *ret_name = name;
    }
    return r;
}

int files_thin_name_told(struct files_tx *tx, uint64_t seq,
                         const struct files_change_record *change, bool *ret_told)
{
    struct files_record record;
    int r = has_taken(change) ? files_name_at(tx, path_before(change), seq - 1, &record)
                              : ERR_NOT_FOUND;
    *ret_told = r == 0;
    if (r == ERR_NOT_FOUND && change->op == FILES_MOVE) {
        r = files_name_at(tx, change->path, seq, &record);
        *ret_told = r == 0 && record.since == seq; /* else it came over another */
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* The first version of the file from the change on, and with it the move that is told of it. ERR_NOT_FOUND: none is. */
static int move_behind(struct files_tx *tx, const struct files_thin_name *name, uint64_t *ret_seq,
                       struct files_change_record *ret_move)
{
    uint64_t id = name->record.id;
    struct store_range range = {files_key_version(tx, id, name->until),
                                files_key_version(tx, id, UINT64_MAX), .limit = 1};
    struct store_pair *pairs;
    struct files_past_version next;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    r = r == 0 && count == 0 ? ERR_NOT_FOUND : r;
    r = r < 0 ? r : files_version_decode(pairs[0].value, &next);
    r = r < 0 ? r : files_change_read(tx, next.record.since, ret_move);
    if (r < 0) {
        return r;
    }
    *ret_seq = next.record.since;
    bool fits = ret_move->op == FILES_MOVE && ret_move->id == id;
    return fits && str_eq(ret_move->from, name->path) ? 0 : ERR_NOT_FOUND;
}

/* Whether nothing came to the path between two changes: of what was there and went by the second a name is left. */
static int stayed_empty(struct files_tx *tx, struct str path, const uint64_t between[static 2],
                        bool *ret_empty)
{
    struct str folder;
    struct str last;
    bool there = true;
    uint64_t above[2] = {0, 0};
    struct store_pair *pairs;
    size_t count;
    *ret_empty = false;
    int r = files_thin_above(tx, path, between[0], &above[0]);
    r = r < 0 ? r : files_thin_above(tx, path, between[1], &above[1]);
    if (r < 0 || above[0] != above[1]) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    content_path_split(path, &folder, &last);
    struct store_range range = {files_key_past(tx, above[0], last, between[0] + 1),
                                files_key_past(tx, above[0], last, between[1] + 1), .limit = 1};
    r = store_scan(tx->txn, &range, &pairs, &count);
    r = r < 0 ? r : files_was_at(tx, path, between[1] - 1, &there);
    *ret_empty = r == 0 && count == 0 && !there;
    return r;
}

/* Moves from a to b, and from b to c, where b goes: the latter is told as one from a. */
static int hand_on(struct files_tx *tx, const struct files_thin_name *name)
{
    struct files_change_record before;
    struct files_change_record move;
    uint64_t seq = 0;
    bool empty = false;
    int r = files_change_read(tx, name->record.since, &before);
    if (r < 0 || before.op != FILES_MOVE || before.id != name->record.id) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = move_behind(tx, name, &seq, &move);
    if (r < 0 || str_eq(move.path, before.from)) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = stayed_empty(tx, before.from, (const uint64_t[]){name->record.since, seq}, &empty);
    if (r == 0 && empty) {
        move.from = before.from;
        store_put(tx->txn, files_key_change(tx, seq), files_change_encode(tx->arena, &move));
    }
    return r;
}

int files_thin_name(struct files_tx *tx, const struct files_thin_name *name)
{
    store_delete(tx->txn, name->key);
    int r = hand_on(tx, name);
    r = r < 0 ? r : files_thin_said(tx, name->record.since);
    return r < 0 ? r : files_thin_said(tx, name->until);
}

int files_thin_folder_name(struct files_tx *tx, const struct files_record *folder)
{
    struct files_change_record change;
    struct files_thin_name name;
    int r = files_change_read(tx, folder->version, &change);
    r = r < 0 ? r : files_thin_name_find(tx, folder->version, &change, &name);
    if (r == 0 && name.record.id == folder->id) {
        store_delete(tx->txn, name.key);
        r = files_thin_said(tx, name.record.since);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}
