/*
 * The end of a tree: all keys of a session go, in pages, so that a large one holds nobody up. What can be seen goes before
 * what it is seen through, so that the checker finds nothing wrong at any moment and a purge that was cut off is begun again.
 */
#include "files/quota_int.h"

/* An entry is judged by its version, so versions go behind entries. */
static const enum data_space spaces[] = {DATA_SPACE_ENTRY,   DATA_SPACE_PAST,   DATA_SPACE_NODE,
                                         DATA_SPACE_VERSION, DATA_SPACE_CHANGE, DATA_SPACE_REWIND,
                                         DATA_SPACE_DESK,    DATA_SPACE_THIN};

/* rest: "{id}/{seq}". A version that is not well-formed names nothing that could be found. */
static int version_unref(struct files_tx *tx, struct str rest, struct str value)
{
    struct files_past_version version;
    uint64_t id;
    uint64_t seq;
    struct str part;
    if (!str_split(&rest, '/', &part) || data_key_number_read(part, &id) < 0 ||
        data_key_number_read(rest, &seq) < 0 || files_version_decode(value, &version) < 0 ||
        version.record.kind == FILES_FOLDER) {
        return 0;
    }
    return files_content_unref(tx, id, seq, &version.record.manifest);
}

/* Takes at most *room keys of the space and counts them off. */
static int purge_space(struct files_tx *tx, enum data_space space, size_t *room)
{
    struct str prefix = DATA_PREFIX(tx->arena, tx->scope, space, tx->session);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = *room};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct str key = pairs[i].key;
        if (space == DATA_SPACE_VERSION) {
            r = version_unref(tx, str_slice(key, prefix.n, key.n), pairs[i].value);
        }
        store_delete(tx->txn, key);
    }
    if (r == 0) {
        *room -= count;
    }
    return r;
}

int files_purge(struct txn *txn, const struct scope *scope, struct str session, bool *ret_more)
{
    struct files_tx tx = {
        .txn = txn, .arena = store_arena(txn), .scope = scope, .session = session};
    size_t room = FILES_PURGE;
    int r = 0;
    for (size_t i = 0; r == 0 && room > 0 && i < sizeof spaces / sizeof spaces[0]; i++) {
        r = purge_space(&tx, spaces[i], &room);
    }
    if (r == 0 && room > 0) {
        r = files_quota_forget(txn, scope, session);
        data_usage_delete(txn, scope, session);
    }
    if (r == 0) {
        *ret_more = room == 0;
    }
    return r;
}
