/*
 * A transaction's own writes: a treap ordered by key, the deleted ranges, and the appends.
 *
 * Why a tree and not a sorted array: one transaction may write 100,000 small keys in any order.
 *
 * Invariants
 *  1. At most one entry a key; it says what the key will be, whatever the ranges say.
 *  2. No entry lies in a range unless it was written after the range was deleted: so ranges are applied first.
 *  3. bytes and puts count what is in the set now, not what passed through it.
 */
#include "base/assert.h"
#include "store/store_int.h"

void store_writes_init(struct store_writes *w, struct arena *arena)
{
    *w = (struct store_writes){.arena = arena, .random = 0x9e3779b97f4a7c15};
    w->appends_end = &w->appends;
}

bool store_writes_empty(const struct store_writes *w)
{
    return w->entry_count == 0 && w->range_count == 0 && w->append_count == 0;
}

/* xorshift64*: the shape of the tree is nobody's secret, a set is small and short-lived. */
static uint64_t next_priority(struct store_writes *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return w->random * 0x2545f4914f6cdd1d;
}

/* Splits tree into keys < key and keys > key; key itself is not in it. */
static void split(struct store_entry *tree, struct str key, struct store_entry **ret_less,
                  struct store_entry **ret_more)
{
    while (tree) {
        if (str_cmp(tree->key, key) < 0) {
            *ret_less = tree;
            ret_less = &tree->right;
            tree = tree->right;
        } else {
            *ret_more = tree;
            ret_more = &tree->left;
            tree = tree->left;
        }
    }
    *ret_less = *ret_more = NULL;
}

struct store_entry *store_writes_find(const struct store_writes *w, struct str key)
{
    struct store_entry *at = w->root;
    while (at) {
        int order = str_cmp(key, at->key);
        if (order == 0) {
            return at;
        }
        at = order < 0 ? at->left : at->right;
    }
    return NULL;
}

/* The entry of key, made as DELETE when absent. */
static struct store_entry *entry_of(struct store_writes *w, struct str key)
{
    struct store_entry *found = store_writes_find(w, key);
    if (found) {
        return found;
    }
    struct store_entry *made = ARENA_NEW(w->arena, struct store_entry);
    made->key = arena_str(w->arena, key);
    made->priority = next_priority(w);
    made->kind = STORE_WRITE_DELETE;
    struct store_entry **place = &w->root;
    while (*place && (*place)->priority >= made->priority) {
        place = str_cmp(key, (*place)->key) < 0 ? &(*place)->left : &(*place)->right;
    }
    split(*place, key, &made->left, &made->right);
    *place = made;
    w->entry_count++;
    w->bytes += key.n;
    return made;
}

static void set(struct store_writes *w, struct store_entry *e, enum store_write_kind kind,
                struct str value)
{
    w->puts += kind != STORE_WRITE_DELETE;
    w->puts -= e->kind != STORE_WRITE_DELETE;
    w->bytes += value.n;
    w->bytes -= e->value.n;
    e->kind = kind;
    e->value = value;
    e->by = 0;
}

void store_writes_put(struct store_writes *w, struct str key, struct str value)
{
    set(w, entry_of(w, key), STORE_WRITE_PUT, arena_str(w->arena, value));
}

void store_writes_delete(struct store_writes *w, struct str key)
{
    set(w, entry_of(w, key), STORE_WRITE_DELETE, STR_EMPTY);
}

int store_counter(struct str value, int64_t *ret_value)
{
    if (value.n != 8) {
        return ERR_CORRUPT;
    }
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number |= (uint64_t)(uint8_t)value.p[i] << (8 * i);
    }
    *ret_value = (int64_t)number;
    return 0;
}

void store_writes_settle(struct store_writes *w, struct store_entry *add, int64_t value)
{
    char *bytes = arena_alloc(w->arena, 8);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)((uint64_t)value >> (8 * i));
    }
    set(w, add, STORE_WRITE_PUT, str_of(bytes, 8));
}

static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

int store_writes_add(struct store_writes *w, struct str key, int64_t by)
{
    struct store_entry *e = store_writes_find(w, key);
    bool known = e || store_writes_cleared(
                          w, key); /* else what stands there is read when the set is settled */
    if (!e) {
        e = entry_of(w, key);
    }
    if (!known) {
        set(w, e, STORE_WRITE_ADD, STR_EMPTY);
    }
    if (e->kind == STORE_WRITE_ADD) {
        e->by = sum(e->by, by);
        return 0;
    }
    int64_t now = 0;
    int r = e->kind == STORE_WRITE_PUT ? store_counter(e->value, &now) : 0;
    if (r == 0) {
        store_writes_settle(w, e, sum(now, by));
    }
    return r;
}

struct store_entry *store_writes_from(const struct store_writes *w, struct str key, bool after)
{
    struct store_entry *best = NULL;
    for (struct store_entry *at = w->root; at;) {
        int order = str_cmp(at->key, key);
        if (order > 0 || (order == 0 && !after)) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}

struct store_entry *store_writes_below(const struct store_writes *w, struct str key)
{
    struct store_entry *best = NULL;
    for (struct store_entry *at = w->root; at;) {
        if (str_cmp(at->key, key) < 0) {
            best = at;
            at = at->right;
        } else {
            at = at->left;
        }
    }
    return best;
}

bool store_writes_cleared(const struct store_writes *w, struct str key)
{
    for (size_t i = 0; i < w->range_count; i++) {
        if (str_cmp(w->ranges[i].begin, key) <= 0 && str_cmp(key, w->ranges[i].end) < 0) {
            return true;
        }
    }
    return false;
}

static struct store_entry *merge(struct store_entry *less, struct store_entry *more)
{
    struct store_entry *root = NULL;
    struct store_entry **place = &root;
    while (less && more) {
        if (less->priority >= more->priority) {
            *place = less;
            place = &less->right;
            less = less->right;
        } else {
            *place = more;
            place = &more->left;
            more = more->left;
        }
    }
    *place = less ? less : more;
    return root;
}

/* Takes the entries of a dropped subtree out of the counts; its depth is logarithmic. */
static void uncount(struct store_writes *w, const struct store_entry *tree)
{
    if (!tree) {
        return;
    }
    w->entry_count--;
    w->bytes -= tree->key.n + tree->value.n;
    w->puts -= tree->kind != STORE_WRITE_DELETE;
    uncount(w, tree->left);
    uncount(w, tree->right);
}

void store_writes_range(struct store_writes *w, struct str begin, struct str end)
{
    ASSERT(w->range_count < STORE_MAX_RANGES);
    if (!w->ranges) {
        w->ranges = ARENA_ARRAY(w->arena, struct store_interval, STORE_MAX_RANGES);
    }
    struct store_entry *less, *inside, *more;
    split(w->root, begin, &less, &inside);
    split(inside, end, &inside, &more);
    uncount(w, inside);
    w->root = merge(less, more);
    w->ranges[w->range_count++] =
        (struct store_interval){arena_str(w->arena, begin), arena_str(w->arena, end)};
    w->bytes += begin.n + end.n;
}

void store_writes_append(struct store_writes *w, struct str feed, struct str value)
{
    struct store_append_entry *entry = ARENA_NEW(w->arena, struct store_append_entry);
    entry->feed = arena_str(w->arena, feed);
    entry->value = arena_str(w->arena, value);
    *w->appends_end = entry;
    w->appends_end = &entry->next;
    w->append_count++;
    w->puts++;
    w->bytes += feed.n + 1 + STORE_POSITION_SIZE + value.n;
}
