/*
 * How much content a tenant has in the store with all its history: its chunks and pages, each once, by their plain bytes. What lies in
 * versions themselves (up to 512 bytes) is not counted.
 *
 * 1. 256 counters, one for each first byte of a hash. One is added to in the transaction that writes or deletes stored/{hash}, and
 *    nobody who writes reads them, unless the tenant has a limit: two uploads do not stand in each other's way. As many, so that the
 *    checker can sum what one counts within a snapshot.
 * 2. held/to says which chunks that is so for: all, or those up to a hash. Who writes or deletes a chunk reads it. Who moves it on adds
 *    what stands between there and here in the same transaction: of the two one is first, so each chunk is counted once.
 * 3. With a tenant's first chunk it says "all". In a store from before there were counters it moves on in pages (files_held_count), and
 *    there is no turning back. Until it is done less is counted than is there: what fits is never refused.
 * 4. A record of a chunk that cannot be read is counted by nobody. It is not deleted either.
 * 5. Where one of the keys is damaged all of a tenant's go, and its chunks are counted again as in 3. Until then: damage of held/to keeps
 *    nobody from writing, for nothing is counted; that of a counter refuses the chunks that it is for.
 */
#include "base/assert.h"
#include "base/log.h"
#include "data/check.h"
#include "files/quota_int.h"

enum { PAGE = 1000, DIGITS = 2, COUNTER_SIZE = 8, COUNTERS = 256 };

static const struct str all = {"all", 3};

static struct str key_to(struct files_tx *tx)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_HELD, STR("to"));
}

/* hash: in digits. */
static struct str key_counter(struct files_tx *tx, struct str hash)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_HELD, str_slice(hash, 0, DIGITS));
}

/* Before all keys of a space. */
static struct str prefix_of(struct files_tx *tx, enum data_space space)
{
    struct str any = DATA_KEY(tx->arena, tx->scope, space, STR("x"));
    return arena_str(tx->arena, str_slice(any, 0, any.n - 1));
}

/* The first key behind this one: an arena's copy has a zero byte behind it. */
static struct str key_behind(struct files_tx *tx, struct str key)
{
    struct str copy = arena_str(tx->arena, key);
    return str_of(copy.p, copy.n + 1);
}

static int counter_read(struct str value, int64_t *ret_bytes)
{
    uint64_t bytes = 0;
    if (value.n != COUNTER_SIZE) {
        return ERR_CORRUPT;
    }
    for (size_t i = COUNTER_SIZE; i > 0; i--) {
        bytes = bytes << 8 | (uint8_t)value.p[i - 1];
    }
    *ret_bytes = (int64_t)bytes;
    return 0;
}

/* ---- how far it is counted ---- */

static int to_read(struct files_tx *tx)
{
    struct files_counting *held = &tx->held;
    struct content_hash hash;
    struct str value = STR_EMPTY;
    int r = store_get(tx->txn, key_to(tx), &value);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    if (r == 0 && !str_eq(value, all) && content_hash_parse(value, &hash) < 0) {
        return ERR_CORRUPT;
    }
    *held = (struct files_counting){.known = true, .all = str_eq(value, all), .to = value};
    return 0;
}

/* For who writes or deletes a chunk. */
static int to_know(struct files_tx *tx)
{
    int r = tx->held.known ? 0 : to_read(tx);
    if (r == ERR_CORRUPT) {
        tx->held = (struct files_counting){.known = true, .damaged = true};
        return 0;
    }
    return r;
}

static int has_chunks(struct files_tx *tx, bool *ret_some)
{
    return files_any(tx, prefix_of(tx, DATA_SPACE_STORED), ret_some);
}

/* A tenant's first chunk comes: from now on each is counted as it comes. */
static int begin(struct files_tx *tx)
{
    bool some = true;
    int r = has_chunks(tx, &some);
    if (r == 0 && !some) {
        tx->held.all = true;
        store_put(tx->txn, key_to(tx), all);
    }
    return r;
}

static bool is_counted(const struct files_tx *tx, struct str hash)
{
    return tx->held.all || str_cmp(hash, tx->held.to) <= 0;
}

/* The first key of a chunk that is not. */
static struct str behind_counted(struct files_tx *tx)
{
    struct str prefix = prefix_of(tx, DATA_SPACE_STORED);
    struct str to = tx->held.to;
    return to.n == 0 ? prefix
                     : key_behind(tx, DATA_KEY(tx->arena, tx->scope, DATA_SPACE_STORED, to));
}

/* ---- what is held ---- */

static int sum(struct files_tx *tx, uint64_t *ret_bytes)
{
    struct str prefix = prefix_of(tx, DATA_SPACE_HELD);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = COUNTERS + 1};
    struct store_pair *pairs;
    size_t count;
    int64_t bytes = 0;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        int64_t one = 0;
        bool counter = pairs[i].key.n == prefix.n + DIGITS &&
                       !str_eq(str_slice(pairs[i].key, prefix.n, pairs[i].key.n), STR("to"));
        r = counter ? counter_read(pairs[i].value, &one) : 0;
        bytes += one;
    }
    if (r == 0) {
        *ret_bytes = bytes > 0 ? (uint64_t)bytes : 0;
    }
    return r;
}

int files_held(struct txn *txn, const struct scope *scope, struct files_held *ret_held)
{
    struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = scope};
    struct files_held held = {0};
    bool some = false;
    int r = to_read(&tx);
    r = r < 0 ? r : sum(&tx, &held.bytes);
    r = r < 0 || tx.held.all ? r : has_chunks(&tx, &some);
    held.whole = r == 0 && (tx.held.all || !some);
    if (r == 0 || r == ERR_CORRUPT) {
        *ret_held = held;
        return 0;
    }
    return r;
}

static int fits(struct files_tx *tx, uint64_t more)
{
    struct files_counting *held = &tx->held;
    uint64_t most = tx->quota ? tx->quota->stored : 0;
    if (most == 0) {
        return 0;
    }
    int r = held->summed ? 0 : sum(tx, &held->bytes);
    if (r < 0) {
        return r == ERR_CORRUPT ? 0 : r; /* until it is counted again */
    }
    held->summed = true;
    if (held->bytes + more > most) {
        tx->refusal = FILES_QUOTA_STORED_TEXT;
        return ERR_QUOTA;
    }
    held->bytes += more;
    return 0;
}

int files_held_change(struct files_tx *tx, const struct content_hash *hash, uint64_t before,
                      uint64_t after)
{
    if (before == after) {
        return 0;
    }
    int r = to_know(tx);
    if (r < 0 || tx->held.damaged) {
        return r;
    }
    if (after > before) {
        r = tx->held.to.n == 0 && !tx->held.all ? begin(tx) : 0;
        r = r < 0 ? r : fits(tx, after - before);
    }
    struct str digits = files_hash_part(tx->arena, hash);
    if (r == 0 && is_counted(tx, digits)) {
        store_add(tx->txn, key_counter(tx, digits), (int64_t)(after - before));
    }
    return r;
}

/* ---- stores from before ---- */

struct page {
    const struct scope *scope;
    bool due; /* results: not all is counted */
    bool damaged;
    bool more;
};

/*
 * What an import has not finished has no record of its tenant yet, and is counted when it has. The counters are judged where one was
 * found damaged, or nothing is written: a transaction that reads them is in the way of uploads.
 */
static int page_due(struct files_tx *tx, struct page *page, bool judge)
{
    struct data_tenant tenant;
    uint64_t bytes;
    bool some = false;
    int r = to_read(tx);
    r = r == 0 && judge ? sum(tx, &bytes) : r;
    page->damaged = r == ERR_CORRUPT;
    if (r == 0 && !tx->held.all) {
        r = has_chunks(tx, &some);
    }
    page->due = page->damaged || some;
    if ((r == 0 || page->damaged) && page->due) {
        r = data_tenant_get(tx->txn, tx->scope, tx->scope->tenant_id, &tenant);
        page->due = r == 0;
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* From the first chunk on. */
static void count_again(struct files_tx *tx)
{
    struct str prefix = prefix_of(tx, DATA_SPACE_HELD);
    store_delete_range(tx->txn, prefix, store_after(tx->arena, prefix));
}

static int page_look(struct txn *txn, void *arg)
{
    struct page *page = arg;
    struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = page->scope};
    return page_due(&tx, page, /* judge= */ true);
}

static int page_write(struct txn *txn, void *arg)
{
    struct page *page = arg;
    struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = page->scope};
    page->more = false;
    int r = page_due(&tx, page, page->damaged);
    if (r < 0 || !page->due) {
        return r;
    }
    if (page->damaged) {
        count_again(&tx);
        page->more = true;
        return 0;
    }
    struct str prefix = prefix_of(&tx, DATA_SPACE_STORED);
    struct store_range range = {behind_counted(&tx), store_after(tx.arena, prefix), .limit = PAGE};
    struct store_pair *pairs;
    size_t count;
    r = store_scan(txn, &range, &pairs, &count);
    struct str hash = STR_EMPTY;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct files_stored stored;
        hash = str_slice(pairs[i].key, prefix.n, pairs[i].key.n);
        if (files_stored_decode(pairs[i].value, &stored) == 0) {
            store_add(txn, key_counter(&tx, hash), (int64_t)stored.length);
        }
    }
    if (r == 0) {
        page->more = count == PAGE;
        store_put(txn, key_to(&tx), page->more ? hash : all);
    }
    return r;
}

/* The next page of one tenant. Looked at first: where all is counted nobody waits for a commit. */
static int page_count(struct store *store, const struct scope *scope, bool *ret_more)
{
    struct page page = {.scope = scope};
    struct store_op op = store_op_new();
    op.bytes = PAGE * 10;
    int r = store_read(store, page_look, &page);
    if (r == 0 && page.due) {
        r = store_write(store, &op, page_write, &page);
    }
    if (r == 0 && page.due && page.damaged) {
        log_warn("files", "what " STR_FMT " has in the store is counted again: it was damaged",
                 STR_ARG(scope->tenant_id));
    }
    *ret_more = r == 0 && page.more;
    return r;
}

struct next {
    struct arena *arena;
    struct str after;
    struct str tenant; /* result; empty: there is no more */
};

static int next_read(struct txn *txn, void *arg)
{
    struct next *next = arg;
    struct str tenant = STR_EMPTY;
    int r = data_tenant_next(txn, next->after, &tenant);
    next->tenant = arena_str(next->arena, tenant);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int next_tenant(struct store *store, struct next *next)
{
    next->after = next->tenant;
    return store_read(store, next_read, next);
}

/* What is damaged of one tenant keeps no other from being counted. */
static int one_page(struct store *store, struct str tenant, bool *ret_more)
{
    const struct scope scope = {.tenant_id = tenant};
    int r = page_count(store, &scope, ret_more);
    if (r == ERR_CORRUPT) {
        log_warn("files", "what " STR_FMT " has in the store is not counted: its data are damaged",
                 STR_ARG(tenant));
    }
    return r == ERR_CORRUPT ? 0 : r;
}

int files_held_count(struct store *store, struct files_held_place *place, usec_t deadline,
                     bool *ret_more)
{
    ARENA_AUTO(arena);
    struct next next = {.arena = &arena, .tenant = str_from(place->tenant)};
    int r = next.tenant.n > 0 ? 0 : next_tenant(store, &next);
    do {
        bool more = false;
        r = r < 0 || next.tenant.n == 0 ? r : one_page(store, next.tenant, &more);
        if (r == 0 && !more && next.tenant.n > 0) {
            r = next_tenant(store, &next);
        }
    } while (r == 0 && next.tenant.n > 0 && time_monotonic() < deadline);
    if (r == 0) {
        ASSERT(next.tenant.n < sizeof place->tenant);
        *place = (struct files_held_place){{0}};
        memcpy(place->tenant, next.tenant.p, next.tenant.n);
        *ret_more = next.tenant.n > 0;
    }
    return r;
}

/* ---- the checker's part ---- */

/* Of the chunks that one counter is for and that are counted. */
static int sum_again(struct files_tx *tx, struct str digits, int64_t *ret_bytes)
{
    struct str begin = DATA_KEY(tx->arena, tx->scope, DATA_SPACE_STORED, digits);
    struct str end = store_after(tx->arena, begin);
    struct str counted = tx->held.all ? end : behind_counted(tx);
    struct store_range range = {begin, str_cmp(counted, end) < 0 ? counted : end,
                                .limit = STORE_MAX_SCAN};
    int64_t bytes = 0;
    size_t count = STORE_MAX_SCAN;
    while (count == STORE_MAX_SCAN && str_cmp(range.begin, range.end) < 0) {
        struct store_pair *pairs;
        int r = store_scan(tx->txn, &range, &pairs, &count);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < count; i++) {
            struct files_stored stored;
            int decoded = files_stored_decode(pairs[i].value, &stored);
            bytes += decoded == 0 ? (int64_t)stored.length : 0;
        }
        range.begin = count > 0 ? key_behind(tx, pairs[count - 1].key) : range.end;
    }
    *ret_bytes = bytes;
    return 0;
}

static bool is_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

int files_held_judge(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct str name = found->rest;
    int64_t says;
    int64_t real = 0;
    int r = to_read(tx);
    if (str_eq(name, STR("to"))) {
        *ret_fault = r == ERR_CORRUPT ? "it is no hash" : NULL;
        return r == ERR_CORRUPT ? 0 : r;
    }
    if (r < 0) {
        return r == ERR_CORRUPT ? 0 : r;
    }
    bool counts = tx->held.all || tx->held.to.n > 0;
    if (!counts || name.n != DIGITS || !is_digit(name.p[0]) || !is_digit(name.p[1]) ||
        counter_read(found->value, &says) < 0) {
        *ret_fault = "it counts nothing";
        return 0;
    }
    r = sum_again(tx, name, &real);
    if (r == 0 && real != says) {
        *ret_fault = "it is not the sum of the chunks";
    }
    return r == ERR_CORRUPT ? 0 : r;
}

/* Where no counter is none was summed. */
int files_held_judge_chunk(struct files_tx *tx, const struct data_found *found,
                           const char **ret_fault)
{
    struct str value;
    int r = found->rest.n == CONTENT_HASH_TEXT ? to_read(tx) : ERR_CORRUPT;
    if (r == 0 && is_counted(tx, found->rest)) {
        r = store_get(tx->txn, key_counter(tx, found->rest), &value);
    }
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "no counter counts it";
    }
    return r == ERR_NOT_FOUND || r == ERR_CORRUPT ? 0 : r;
}
