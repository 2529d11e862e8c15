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
    int r = data_usage_kept(tx->txn, tx->scope, &total);
    if (r == ERR_NOT_FOUND) {
        if (quota->tenant == 0) {
            return 0;
        }
        r = data_usage_total(tx->txn, tx->scope, &total); /* with this tree's bytes of before */
    }
    if (r < 0) {
        return r;
    }
    total += after - before;
    if (after > before && quota->tenant > 0 && total > quota->tenant) {
        tx->refusal = FILES_QUOTA_TENANT_TEXT;
        return ERR_QUOTA;
    }
    data_usage_keep(tx->txn, tx->scope, total);
    return 0;
}

int files_quota_forget(struct txn *txn, const struct scope *scope, struct str session)
{
    struct data_usage usage;
    uint64_t total;
    int r = data_usage_kept(txn, scope, &total);
    if (r == 0) {
        r = data_usage_get(txn, scope, session, &usage);
    }
    if (r == 0) {
        data_usage_keep(txn, scope, total - usage.bytes);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}
