/*
 * Feeds, on top of ordinary keys:
 *   {feed} 00                    → position up to which entries were dropped
 *   {feed} 00 {position}         → 8 bytes time of the append (big endian usec), value
 * A feed's name has no zero byte, so no feed's entries lie among another's.
 */
#include "base/assert.h"
#include "store/store_int.h"

enum { STAMP = 8, TRIM_PAGE = 1000 };

static struct str entry_key(struct arena *a, struct str feed, const uint8_t *position)
{
    char *key = arena_alloc(a, feed.n + 1 + STORE_POSITION_SIZE);
    memcpy(key, feed.p, feed.n);
    if (position) {
        memcpy(key + feed.n + 1, position, STORE_POSITION_SIZE);
    }
    return str_of(key, feed.n + 1 + (position ? STORE_POSITION_SIZE : 0));
}

static void make_position(uint8_t to[static STORE_POSITION_SIZE], uint16_t epoch, uint64_t commit,
                          uint16_t order)
{
    store_big((char *)to, 2, epoch);
    store_big((char *)to + 2, 8, commit);
    store_big((char *)to + 10, 2, order);
}

static bool same_epoch(const struct txn *txn, const uint8_t *position)
{
    return store_unbig((const char *)position, 2) == atomic_load(&txn->store->epoch);
}

void store_feed_settle(struct store_writes *w, uint16_t epoch, uint64_t commit_number)
{
    _Static_assert(STORE_MAX_APPENDS <= UINT16_MAX, "the order in a transaction has 2 bytes");
    uint16_t order = 0;
    usec_t now = w->append_count ? time_now() : 0;
    for (const struct store_append_entry *a = w->appends; a; a = a->next) {
        uint8_t position[STORE_POSITION_SIZE];
        make_position(position, epoch, commit_number, order++);
        char *value = arena_alloc(w->arena, STAMP + a->value.n);
        store_big(value, STAMP, (uint64_t)now);
        if (a->value.n > 0) {
            memcpy(value + STAMP, a->value.p, a->value.n);
        }
        store_writes_put(w, entry_key(w->arena, a->feed, position),
                         str_of(value, STAMP + a->value.n));
    }
}

static void assert_not_appended(const struct txn *txn, struct str feed)
{
    for (const struct store_append_entry *a = txn->writes.appends; a; a = a->next) {
        ASSERT(!str_eq(a->feed, feed));
    }
}

/* 0 when all that follows position is kept. */
static int check_position(struct txn *txn, struct str feed, const uint8_t *position)
{
    if (!same_epoch(txn, position)) {
        return ERR_RESYNC;
    }
    struct str dropped;
    int r = store_get(txn, entry_key(&txn->arena, feed, NULL), &dropped);
    if (r) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    if (dropped.n != STORE_POSITION_SIZE) {
        return ERR_CORRUPT;
    }
    return memcmp(position, dropped.p, STORE_POSITION_SIZE) < 0 ? ERR_RESYNC : 0;
}

static int decode(struct str feed, const struct store_pair *pair, struct store_event *ret_event)
{
    if (pair->key.n != feed.n + 1 + STORE_POSITION_SIZE || pair->value.n < STAMP) {
        return ERR_CORRUPT;
    }
    memcpy(ret_event->position, pair->key.p + feed.n + 1, STORE_POSITION_SIZE);
    ret_event->at = (usec_t)store_unbig(pair->value.p, STAMP);
    ret_event->value = str_slice(pair->value, STAMP, pair->value.n);
    return 0;
}

/* All entries behind position, [begin, end). */
static struct store_range entries_behind(struct arena *a, struct str feed, const uint8_t *position)
{
    struct str last = entry_key(
        a, feed, position); /* with the NUL that arena memory has behind it: the next key */
    struct str begin = arena_str(a, last);
    char *end = (char *)arena_str(a, entry_key(a, feed, NULL)).p;
    end[feed.n] = 1;
    return (struct store_range){str_of(begin.p, begin.n + 1), str_of(end, feed.n + 1), .limit = 1};
}

struct events {
    struct store_event *at;
    size_t n;
};

static int decode_all(struct txn *txn, struct str feed, const struct store_range *range,
                      struct events *ret_events)
{
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, range, &pairs, &count);
    if (r) {
        return r;
    }
    struct store_event *events = ARENA_ARRAY(&txn->arena, struct store_event, count);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = decode(feed, &pairs[i], &events[i]);
    }
    if (r == 0) {
        *ret_events = (struct events){events, count};
    }
    return r;
}

int store_feed(struct txn *txn, const struct store_feed_range *range,
               struct store_event **ret_events, size_t *ret_count)
{
    struct arena *a = store_arena(txn);
    assert_not_appended(txn, range->feed);
    static const uint8_t zero[STORE_POSITION_SIZE];
    uint8_t from[STORE_POSITION_SIZE];
    if (memcmp(range->behind, zero, sizeof zero) == 0) {
        make_position(from, atomic_load(&txn->store->epoch), 0, 0);
    } else {
        int r = check_position(txn, range->feed, range->behind);
        if (r) {
            return r;
        }
        memcpy(from, range->behind, sizeof from);
    }
    struct store_range keys = entries_behind(a, range->feed, from);
    keys.limit = range->limit;
    struct events events;
    int r = decode_all(txn, range->feed, &keys, &events);
    if (r == 0) {
        *ret_events = events.at;
        *ret_count = events.n;
    }
    return r;
}

int store_feed_end(struct txn *txn, struct str feed,
                   uint8_t ret_position[static STORE_POSITION_SIZE])
{
    assert_not_appended(txn, feed);
    static const uint8_t zero[STORE_POSITION_SIZE];
    struct store_range range = entries_behind(store_arena(txn), feed, zero);
    range.reverse = true;
    struct events last;
    int r = decode_all(txn, feed, &range, &last);
    if (r) {
        return r;
    }
    if (last.n > 0 && same_epoch(txn, last.at->position)) {
        memcpy(ret_position, last.at->position, STORE_POSITION_SIZE);
        return 0;
    }
    struct str dropped;
    r = store_get(txn, entry_key(&txn->arena, feed, NULL), &dropped);
    if (r == 0 && dropped.n == STORE_POSITION_SIZE && same_epoch(txn, (const uint8_t *)dropped.p)) {
        memcpy(ret_position, dropped.p, STORE_POSITION_SIZE);
    } else if (r == 0 || r == ERR_NOT_FOUND) {
        /* Nothing of this epoch yet: behind commit 0, which no entry has. */
        make_position(ret_position, atomic_load(&txn->store->epoch), 0, 0);
        r = 0;
    }
    return r;
}

/* ---- trimming ------------------------------------------------------------------------------------------------------ */

struct trim {
    struct str feed;
    usec_t older_than;
    size_t keep;
    uint8_t cut
        [STORE_POSITION_SIZE]; /* find_cut: entries up to here may go; also where its last page ended */
    size_t seen;
    bool found, done;
};

struct trim_step { /* a function may run twice: it reads one and writes the other */
    struct trim before, after;
};

/* One page from the newest entry downwards, until one is too old or too many are seen. */
static int find_cut(struct txn *txn, void *ctx)
{
    struct trim_step *step = ctx;
    struct trim *t = &step->after;
    *t = step->before;
    static const uint8_t zero[STORE_POSITION_SIZE];
    struct store_range range = entries_behind(store_arena(txn), t->feed, zero);
    range.reverse = true;
    range.limit = TRIM_PAGE;
    if (t->seen > 0) {
        range.end = entry_key(&txn->arena, t->feed, t->cut);
    }
    struct events events;
    int r = decode_all(txn, t->feed, &range, &events);
    for (size_t i = 0; r == 0 && i < events.n && !t->done; i++) {
        memcpy(t->cut, events.at[i].position, sizeof t->cut);
        t->done = t->found = t->seen >= t->keep || events.at[i].at < t->older_than;
        t->seen++;
    }
    t->done = t->done || (r == 0 && events.n < TRIM_PAGE);
    return r;
}

/* Deletes one page from the oldest entry upwards; ERR_NOT_FOUND when none is left to delete. */
static int drop_page(struct txn *txn, void *ctx)
{
    const struct trim *t = ctx;
    struct arena *a = store_arena(txn);
    static const uint8_t zero[STORE_POSITION_SIZE];
    struct store_range range = entries_behind(a, t->feed, zero);
    range.end = entries_behind(a, t->feed, t->cut).begin;
    range.limit = TRIM_PAGE;
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r || count == 0) {
        return r ? r : ERR_NOT_FOUND;
    }
    struct str last = pairs[count - 1].key;
    store_delete_range(txn, range.begin, store_after(a, last));
    store_put(txn, entry_key(a, t->feed, NULL), str_slice(last, t->feed.n + 1, last.n));
    return 0;
}

int store_feed_trim(struct store *s, struct str feed, usec_t older_than, size_t keep)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    struct trim t = {.feed = feed, .older_than = older_than, .keep = keep};
    int r = 0;
    while (r == 0 && !t.done) {
        struct trim_step step = {.before = t};
        r = store_read(s, find_cut, &step);
        t = step.after;
    }
    while (r == 0 && t.found) {
        struct store_op op = store_op_new();
        op.reserve = true; /* the mark of the cut is put; it takes the place of many */
        r = store_write(s, &op, drop_page, &t);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}
