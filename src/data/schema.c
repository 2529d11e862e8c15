/*
 * Which versions of records a store has: the newest that was ever written of each, kept apart from the records, so that a program that
 * is too old for them says so when it opens the store and not to the first person who logs in.
 */
#include <stdio.h>

#include "data/data_int.h"

static const struct str prefix = {"g/schema/", sizeof "g/schema/" - 1};

/* Whether this program knows the record, and in that version. */
static int judge(const struct store_pair *pair, struct data_newer *ret_newer)
{
    struct str name = str_slice(pair->key, prefix.n, pair->key.n);
    const struct data_type *type = data_type_named(name);
    uint64_t stored;
    if (str_u64(pair->value, INT64_MAX, &stored) < 0) {
        return ERR_CORRUPT;
    }
    if (type && stored <= type->version) {
        return 0;
    }
    *ret_newer = (struct data_newer){.stored = stored, .known = type ? type->version : 0};
    (void)snprintf(ret_newer->record, sizeof ret_newer->record, STR_FMT, STR_ARG(name));
    return ERR_NEWER;
}

static int take_fn(struct txn *txn, void *ctx)
{
    struct data_newer *newer = ctx;
    struct arena *arena = store_arena(txn);
    struct store_range range = {
        .begin = prefix, .end = store_after(arena, prefix), .limit = STORE_MAX_SCAN};
    struct store_pair *pairs;
    size_t n;
    *newer = (struct data_newer){.stored = 0};
    int r = store_scan(txn, &range, &pairs, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = judge(&pairs[i], newer);
    }
    for (const struct data_type *const *t = data_types; r == 0 && *t; t++) {
        struct str key = data_key_schema(arena, *t);
        struct str version = arena_printf(arena, "%u", (*t)->version);
        size_t i = 0;
        while (i < n && !str_eq(pairs[i].key, key)) {
            i++;
        }
        if (i == n || !str_eq(pairs[i].value, version)) {
            store_put(txn, key, version);
        }
    }
    return r;
}

int data_schema_take(struct store *store, struct data_newer *ret_newer)
{
    struct store_op op = store_op_new();
    op.reserve = true;
    return store_write(store, &op, take_fn, ret_newer);
}
