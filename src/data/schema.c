/*
 * Which versions of records a store has: the newest that was ever written of each, kept apart from the records, so that a program that
 * is too old for them says so when it opens the store and not to the first person who logs in.
 */
#include "data/data_int.h"

static int take_fn(struct txn *txn, void *ctx)
{
    struct data_newer *newer = ctx;
    *newer = (struct data_newer){.record = NULL};
    struct arena *arena = store_arena(txn);
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
            *newer = (struct data_newer){(*t)->name, stored, (*t)->version};
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
