/*
 * Storage limits: how much the files of a tree, and of all trees of a tenant, may hold, by their sizes as people see them. History
 * and what is shared between files are not counted.
 *
 * 1. A change is refused as a whole when it makes a tree grow beyond a limit. What takes something away goes on, also above.
 * 2. The tenant's total is kept from the first change on that a limit for tenants was set for: it is summed once, and then moves
 *    with every change, so that setting the limit anew needs no counting. While no total is kept nothing is paid for it.
 * 3. Deleted sessions count until they are purged: they can be restored.
 */
#include "files/files_int.h"

/* usage/ without its total is a session a key. */
static int total_sum(struct txn *txn, const struct scope *scope, uint64_t *ret_total)
{
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, scope, DATA_SPACE_USAGE, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    uint64_t total = 0;
    size_t count = STORE_MAX_SCAN;
    while (count == STORE_MAX_SCAN) {
        struct store_pair *pairs;
        int r = store_scan(txn, &range, &pairs, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
            struct data_usage usage;
            r = data_usage_get(txn, scope, str_slice(pairs[i].key, prefix.n, pairs[i].key.n),
                               &usage);
            total += r == 0 ? usage.bytes : 0;
        }
        if (r < 0) {
            return r;
        }
        if (count >
            0) { /* an arena's copy has a zero byte behind it: the first key behind this one */
            range.begin = arena_str(arena, pairs[count - 1].key);
            range.begin.n++;
        }
    }
    *ret_total = total;
    return 0;
}

static struct str key_total(struct txn *txn, const struct scope *scope)
{
    return DATA_KEY(store_arena(txn), scope, DATA_SPACE_USAGE, STR("total"));
}

static void total_put(struct txn *txn, const struct scope *scope, uint64_t total)
{
    store_put(txn, key_total(txn, scope), data_key_number(store_arena(txn), total));
}

/* ERR_NOT_FOUND: none is kept. */
static int total_get(struct txn *txn, const struct scope *scope, uint64_t *ret_total)
{
    struct str value;
    int r = store_get(txn, key_total(txn, scope), &value);
    if (r < 0) {
        return r;
    }
    return data_key_number_read(value, ret_total) < 0 ? ERR_CORRUPT : 0;
}

int files_quota_settle(struct files_tx *tx)
{
    static const struct data_quota none;
    const struct data_quota *quota = tx->quota ? tx->quota : &none;
    uint64_t before = tx->bytes_before;
    uint64_t after = tx->usage.bytes;
    uint64_t total = 0;
    if (after > before && quota->session > 0 && after > quota->session) {
        tx->refusal = FILES_QUOTA_SESSION_TEXT;
        return ERR_QUOTA;
    }
    if (after == before) {
        return 0;
    }
    int r = total_get(tx->txn, tx->scope, &total);
    if (r == ERR_NOT_FOUND) {
        if (quota->tenant == 0) {
            return 0;
        }
        r = total_sum(tx->txn, tx->scope, &total); /* this tree's counter is still that of before */
    }
    if (r < 0) {
        return r;
    }
    total += after - before;
    if (after > before && quota->tenant > 0 && total > quota->tenant) {
        tx->refusal = FILES_QUOTA_TENANT_TEXT;
        return ERR_QUOTA;
    }
    total_put(tx->txn, tx->scope, total);
    return 0;
}

int files_quota_forget(struct txn *txn, const struct scope *scope, struct str session)
{
    struct data_usage usage;
    uint64_t total;
    int r = total_get(txn, scope, &total);
    if (r == 0) {
        r = data_usage_get(txn, scope, session, &usage);
    }
    if (r == 0) {
        total_put(txn, scope, total - usage.bytes);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}
