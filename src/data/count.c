/*
 * Numbers of a counted index: how many entries it has for each value of its first fields, so that a limit or a list's total
 * costs one read, however many there are.
 *
 * 1. A number is kept from the first change on: until then it is what a scan finds, so stores that are older than the index's
 *    `counted` need no migration.
 * 2. It changes with the entries, in their transaction; the checker counts again and compares.
 */
#include "data/data_int.h"

int data_count_scan(struct txn *txn, struct str prefix, uint64_t *ret_count)
{
    struct arena *arena = store_arena(txn);
    struct store_range range = {
        .begin = prefix, .end = store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    uint64_t count = 0;
    size_t n = STORE_MAX_SCAN;
    while (n == STORE_MAX_SCAN) {
        struct store_pair *pairs;
        int r = store_scan(txn, &range, &pairs, &n);
        if (r < 0) {
            return r;
        }
        count += n;
        if (n > 0) { /* an arena's copy has a zero byte behind it: the first key behind this one */
            range.begin = arena_str(arena, pairs[n - 1].key);
            range.begin.n++;
        }
    }
    *ret_count = count;
    return 0;
}

int data_count_kept(struct txn *txn, struct str prefix, uint64_t *ret_count)
{
    struct str value;
    int r = store_get(txn, data_key_count(store_arena(txn), prefix), &value);
    if (r < 0) {
        return r;
    }
    return data_key_number_read(value, ret_count) < 0 ? ERR_CORRUPT : 0;
}

int data_count_change(struct txn *txn, struct str prefix, int by)
{
    uint64_t count = 0;
    int r = data_count_kept(txn, prefix, &count);
    if (r == ERR_NOT_FOUND) {
        r = data_count_scan(txn, prefix, &count); /* sees the change already */
    } else if (r == 0 && by < 0 && count == 0) {
        r = ERR_CORRUPT;
    } else if (r == 0) {
        count = by < 0 ? count - 1 : count + 1;
    }
    if (r == 0) {
        struct arena *arena = store_arena(txn);
        store_put(txn, data_key_count(arena, prefix), data_key_number(arena, count));
    }
    return r;
}

int data_counted(struct txn *txn, const struct data_count_of *of, const struct data_query *query,
                 uint64_t *ret_count)
{
    const struct data_index *row = &of->type->indexes[query->index - 1];
    ASSERT(row->counted && query->fixed == row->count_by);
    if (data_in_link(of->scope)) {
        return ERR_FORBIDDEN;
    }
    struct str prefix = data_key_index_prefix(store_arena(txn), of->scope, of->type, query);
    ASSERT(prefix.n > 0);
    int r = data_count_kept(txn, prefix, ret_count);
    return r == ERR_NOT_FOUND ? data_count_scan(txn, prefix, ret_count) : r;
}
