/*
 * Which versions of records a store has: the newest that was ever written of each, kept apart from the records, so that a program that
 * is too old for them says so when it opens the store and not to the first person who logs in.
 */
#include <stdio.h>

#include "data/data_int.h"

static bool is_known(struct str name)
{
    for (const struct data_type *const *t = data_types; *t; t++) {
        if (str_eq(name, str_from((*t)->name))) {
            return true;
        }
    }
    return false;
}

/* Records of which this program does not even know the name. */
static int find_unknown(struct txn *txn, struct data_newer *ret_newer)
{
    const struct str prefix = STR("g/schema/");
    struct store_range range = {
        .begin = prefix, .end = store_after(store_arena(txn), prefix), .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str name = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
        if (!is_known(name)) {
            if (str_u64(pairs[i].value, INT64_MAX, &ret_newer->stored) < 0) {
                return ERR_CORRUPT;
            }
            (void)snprintf(ret_newer->record, sizeof ret_newer->record, STR_FMT, STR_ARG(name));
            return ERR_NEWER;
        }
    }
    return r;
}

static int take_fn(struct txn *txn, void *ctx)
{
    struct data_newer *newer = ctx;
    *newer = (struct data_newer){.stored = 0};
    struct arena *arena = store_arena(txn);
    int unknown = find_unknown(txn, newer);
    if (unknown < 0) {
        return unknown;
    }
    for (const struct data_type *const *t = data_types; *t; t++) {
        struct str key = data_key_schema(arena, *t);
        struct str value;
        uint64_t stored = 0;
        int r = store_get(txn, key, &value);
        if (r == 0 && str_u64(value, INT64_MAX, &stored) < 0) {
            r = ERR_CORRUPT;
        }
        if (r < 0 && r != ERR_NOT_FOUND) {
            return r;
        }
        if (stored > (*t)->version) {
            *newer = (struct data_newer){.stored = stored, .known = (*t)->version};
            (void)snprintf(newer->record, sizeof newer->record, "%s", (*t)->name);
            return ERR_NEWER;
        }
        if (stored < (*t)->version) {
            store_put(txn, key, arena_printf(arena, "%u", (*t)->version));
        }
    }
    return 0;
}

int data_schema_take(struct store *store, struct data_newer *ret_newer)
{
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(store, &op, take_fn, ret_newer);
}
