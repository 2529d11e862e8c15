/* Retention of all trees, one after another (thin.c has the steps of one). */
#include "base/log.h"
#include "files/files_int.h"

enum { PAGE = 64 };

struct next {
    struct arena *arena;
    struct str after_tenant, after_tree; /* the one before; empty: from the first */
    struct str tenant, tree;             /* results; empty: there is no more */
};

/* The first tree of a tenant behind `after`: usage is kept of conversations too, and of all together. ERR_NOT_FOUND. */
static int tree_behind(struct txn *txn, const struct scope *scope, struct str after,
                       struct str *ret_tree)
{
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, scope, DATA_SPACE_USAGE, STR("x"));
    struct str prefix = arena_str(arena, str_slice(any, 0, any.n - 1));
    struct store_range range = {prefix, store_after(arena, prefix), .limit = PAGE};
    size_t count = PAGE;
    if (after.n > 0) {
        range.begin = store_after(arena, DATA_KEY(arena, scope, DATA_SPACE_USAGE, after));
    }
    while (count == PAGE) {
        struct store_pair *pairs;
        int r = store_scan(txn, &range, &pairs, &count);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < count; i++) {
            struct str id = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
            if (data_is_tree(id)) {
                *ret_tree = id;
                return 0;
            }
            range.begin = store_after(arena, pairs[i].key);
        }
    }
    return ERR_NOT_FOUND;
}

static int next_read(struct txn *txn, void *arg)
{
    struct next *next = arg;
    struct str tenant = next->after_tenant;
    struct str tree = next->after_tree;
    int r = tenant.n > 0 ? 0 : data_tenant_next(txn, STR_EMPTY, &tenant);
    while (r == 0) {
        struct scope scope = {.tenant_id = tenant};
        r = tree_behind(txn, &scope, tree, &tree);
        if (r != ERR_NOT_FOUND) {
            break;
        }
        tree = STR_EMPTY;
        r = data_tenant_next(txn, tenant, &tenant);
    }
    if (r == ERR_NOT_FOUND) {
        tenant = tree = STR_EMPTY;
        r = 0;
    }
    next->tenant = arena_str(next->arena, tenant);
    next->tree = arena_str(next->arena, tree);
    return r;
}

static int next_tree(struct store *store, struct next *next)
{
    next->after_tenant = next->tenant;
    next->after_tree = next->tree;
    return store_read(store, next_read, next);
}

static void place_set(struct files_thin_place *place, const struct next *next)
{
    ASSERT(next->tenant.n < sizeof place->tenant && next->tree.n < sizeof place->tree);
    *place = (struct files_thin_place){{0}, {0}};
    if (next->tree.n > 0) {
        memcpy(place->tenant, next->tenant.p, next->tenant.n);
        memcpy(place->tree, next->tree.p, next->tree.n);
    }
}

/* One damaged tree keeps no other from being thinned, so it is told of and left as it is. */
static int one_step(struct store *store, const struct files_keep *keep, const struct next *next,
                    bool *ret_more)
{
    struct files_tree tree = {next->tenant, next->tree};
    int r = files_thin_step(store, keep, &tree, ret_more);
    if (r == ERR_CORRUPT || r == ERR_NOT_FOUND) {
        log_warn("files",
                 "the past of " STR_FMT " of " STR_FMT " is not thinned: its data are damaged",
                 STR_ARG(next->tree), STR_ARG(next->tenant));
    }
    return r;
}

int files_thin(struct store *store, const struct files_keep *keep, struct files_thin_place *place,
               bool *ret_more)
{
    ARENA_AUTO(arena);
    struct next next = {
        .arena = &arena, .tenant = str_from(place->tenant), .tree = str_from(place->tree)};
    int damage = 0;
    int r = next.tree.n > 0 ? 0 : next_tree(store, &next);
    usec_t end = time_monotonic() + keep->step;
    do {
        bool more = false;
        r = r < 0 || next.tree.n == 0 ? r : one_step(store, keep, &next, &more);
        if (r == ERR_CORRUPT || r == ERR_NOT_FOUND) {
            damage = ERR_CORRUPT;
            r = 0;
        }
        if (r == 0 && !more && next.tree.n > 0) {
            r = next_tree(store, &next);
        }
    } while (r == 0 && next.tree.n > 0 && time_monotonic() < end);
    if (r == 0) {
        place_set(place, &next);
        *ret_more = next.tree.n > 0;
    }
    return r < 0 ? r : damage;
}
