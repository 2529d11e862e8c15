/*
 * Scans: the driver's committed pairs, overlaid with the transaction's own writes.
 *
 * A merge of two ordered streams. The driver's is fetched in batches, because any number of its pairs may be hidden by
 * deletions; a transaction that has written nothing passes the scan through.
 */
#include "base/assert.h"
#include "store/store_int.h"

struct merge {
    struct txn *txn;
    struct store_range rest; /* what the driver has not been asked for yet */
    struct store_pair *base;
    size_t base_count, base_at;
    bool base_ended;
    struct store_entry *own; /* next own write in the range, or NULL */
};

int store_pairs_add(struct store_pairs *pairs, struct arena *a, struct store_pair pair)
{
    pairs->bytes += pair.key.n + pair.value.n;
    if (pairs->bytes > STORE_MAX_SCAN_BYTES) {
        return ERR_TOO_LARGE;
    }
    if (pairs->n == pairs->room) {
        size_t room = pairs->room ? pairs->room * 2 : 8;
        struct store_pair *grown = ARENA_ARRAY(a, struct store_pair, room);
        if (pairs->n > 0) {
            memcpy(grown, pairs->at, pairs->n * sizeof *grown);
        }
        pairs->at = grown;
        pairs->room = room;
    }
    pairs->at[pairs->n++] = pair;
    return 0;
}

struct str store_after(struct arena *a, struct str prefix)
{
    while (prefix.n > 0 && (uint8_t)prefix.p[prefix.n - 1] == 0xff) {
        prefix.n--;
    }
    ASSERT(prefix.n > 0);
    struct str copy = arena_str(a, prefix);
    ((char *)copy.p)[copy.n - 1]++;
    return copy;
}

static int driver_scan(struct txn *txn, const struct store_range *range,
                       struct store_pair **ret_pairs, size_t *ret_count)
{
    int r = txn->store->driver->scan(txn, range, ret_pairs, ret_count);
    if (r != 0 && r != ERR_TOO_LARGE && !txn->broken) {
        txn->broken = r;
    }
    return r > 0 ? ERR_UNAVAILABLE : r;
}

static int fetch(struct merge *m)
{
    while (m->base_at == m->base_count && !m->base_ended) {
        int r = driver_scan(m->txn, &m->rest, &m->base, &m->base_count);
        if (r) {
            return r;
        }
        m->base_at = 0;
        m->base_ended = m->base_count < m->rest.limit;
        if (m->base_count == 0) {
            break;
        }
        struct str last = m->base[m->base_count - 1].key;
        if (m->rest.reverse) {
            m->rest.end = last;
        } else {
            struct str next =
                arena_str(&m->txn->arena, last); /* its NUL makes the key that follows */
            m->rest.begin = str_of(next.p, next.n + 1);
        }
    }
    return 0;
}

static struct store_entry *first_own(const struct txn *txn, const struct store_range *range)
{
    return range->reverse ? store_writes_below(&txn->writes, range->end)
                          : store_writes_from(&txn->writes, range->begin, false);
}

static bool own_in_range(const struct store_entry *e, const struct store_range *range)
{
    return e &&
           (range->reverse ? str_cmp(e->key, range->begin) >= 0 : str_cmp(e->key, range->end) < 0);
}

static void next_own(struct merge *m)
{
    m->own = m->rest.reverse ? store_writes_below(&m->txn->writes, m->own->key)
                             : store_writes_from(&m->txn->writes, m->own->key, true);
}

/* The own write in pair, 1 when it is a deletion. */
static int take_own(struct merge *m, struct store_pair *ret_pair)
{
    ret_pair->key = m->own->key;
    int r =
        m->own->kind == STORE_WRITE_DELETE ? 1 : store_get(m->txn, m->own->key, &ret_pair->value);
    next_own(m);
    return r;
}

/* The next pair; 1: nothing to see at this step; ERR_NOT_FOUND: the end. */
static int step(struct merge *m, const struct store_range *range, struct store_pair *ret_pair)
{
    int r = fetch(m);
    if (r) {
        return r;
    }
    bool base = m->base_at < m->base_count;
    bool own = own_in_range(m->own, range);
    if (!base) {
        return own ? take_own(m, ret_pair) : ERR_NOT_FOUND;
    }
    struct store_pair *pair = &m->base[m->base_at];
    int order = own ? str_cmp(m->own->key, pair->key) : 1;
    if (own && range->reverse) {
        order = -order;
    }
    m->base_at += order >= 0;
    if (own && order <= 0) {
        return take_own(m, ret_pair);
    }
    *ret_pair = *pair;
    return store_writes_cleared(&m->txn->writes, pair->key);
}

static int merged_scan(struct txn *txn, const struct store_range *range, struct store_pairs *pairs)
{
    struct merge m = {.txn = txn, .rest = *range, .own = first_own(txn, range)};
    while (pairs->n < range->limit) {
        struct store_pair pair;
        int r = step(&m, range, &pair);
        if (r == 0) {
            r = store_pairs_add(pairs, &txn->arena, pair);
        }
        if (r == ERR_NOT_FOUND) {
            return 0;
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int store_scan(struct txn *txn, const struct store_range *range, struct store_pair **ret_pairs,
               size_t *ret_count)
{
    struct arena *a = store_arena(txn);
    ASSERT(range->limit >= 1 && range->limit <= STORE_MAX_SCAN);
    if (str_cmp(range->begin, range->end) >= 0) {
        *ret_pairs = ARENA_NEW(a, struct store_pair);
        *ret_count = 0;
        return 0;
    }
    if (store_writes_empty(&txn->writes)) {
        return driver_scan(txn, range, ret_pairs, ret_count);
    }
    struct store_pairs pairs = {0};
    int r = merged_scan(txn, range, &pairs);
    if (r == 0) {
        *ret_pairs = pairs.at;
        *ret_count = pairs.n;
    }
    return r;
}
