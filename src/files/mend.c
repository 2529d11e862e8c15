/*
 * Content that is damaged comes back with the next upload that has it: a chunk is named by its hash, so whoever has the bytes, in
 * a file that is uploaded or on a workspace's disk, has exactly what is missing here. All that names it is whole then.
 *
 * 1. Who reads a chunk or page and finds other bytes, or none, marks it in stored/. Nothing else changes: the next read may be
 *    right, or an operator may put a file of the store back.
 * 2. A workspace that asks is told that what is marked is missing (files_chunks_missing). An upload that has the bytes, which
 *    are checked against the hash, writes them again and takes the mark away (files_item_put), and costs no look more than
 *    any other. A commit takes no notice of marks: who restores an old version has no bytes to send.
 * 3. A mark on what is whole costs one more write. One that cannot be set is set by the next reader.
 */
#include "files/files_int.h"

struct mark {
    const struct scope *scope;
    const struct content_hash *hash;
    bool writes;
    bool due; /* result */
};

static int mark_look(struct txn *txn, void *arg)
{
    struct mark *mark = arg;
    struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = mark->scope};
    struct files_stored stored;
    int r = files_stored_get(&tx, mark->hash, &stored);
    mark->due = r == 0 && !stored.damaged;
    if (mark->due && mark->writes) {
        stored.damaged = true;
        store_put(txn, files_key_stored(&tx, mark->hash), files_stored_encode(tx.arena, &stored));
    }
    return r;
}

/* Looked at first: who reads the same again and again is no load for those who write. */
void files_mark_damaged(struct store *store, const struct scope *scope,
                        const struct content_hash *hash)
{
    struct mark mark = {.scope = scope, .hash = hash};
    int r = store_read(store, mark_look, &mark);
    if (r == 0 && mark.due) {
        mark.writes = true;
        (void)!store_write(store, /* op= */ NULL, mark_look, &mark);
    }
}
