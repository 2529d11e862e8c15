/*
 * The memory driver: a persistent treap. A change copies the path from the root and shares the rest, so a snapshot is the
 * root of the moment and costs one reference. Used by tests, and as the simple truth that other drivers are compared with.
 *
 * Invariants
 *  1. A node never changes after it can be reached from a published root (self->root); only its count does.
 *  2. A pointer to a node in a variable or a node is one reference; functions say which of their arguments they consume.
 *  3. Writers are serial (lock); a reader takes the lock only to reference the root.
 */
#include "base/rand.h"
#include "store/store_int.h"

struct node {
    _Atomic size_t refs;
    uint64_t priority;
    struct node *left, *right;
    size_t key_size, value_size;
    char bytes[]; /* key, value */
};

struct memory {
    struct lock writer; /* held while a write transaction runs */
    struct lock lock;
    struct node *root;
    uint64_t commit_number;
    _Atomic uint64_t commits;
};

static struct str key_of(const struct node *n)
{
    return str_of(n->bytes, n->key_size);
}

static struct str value_of(const struct node *n)
{
    return str_of(n->bytes + n->key_size, n->value_size);
}

static struct node *ref(struct node *n)
{
    if (n) {
        n->refs++;
    }
    return n;
}

static void unref(struct node *n)
{
    if (n && --n->refs == 0) {
        unref(n->left);
        unref(n->right);
        mem_free(n);
    }
}

static struct node *make(struct str key, struct str value, uint64_t priority)
{
    struct node *n = mem_alloc(sizeof *n + key.n + value.n);
    n->refs = 1;
    n->priority = priority;
    n->key_size = key.n;
    n->value_size = value.n;
    if (key.n > 0) {
        memcpy(n->bytes, key.p, key.n);
    }
    if (value.n > 0) {
        memcpy(n->bytes + key.n, value.p, value.n);
    }
    return n;
}

/* A copy of n above left and right, both consumed; n is only read. */
static struct node *copy(const struct node *n, struct node *left, struct node *right)
{
    struct node *c = make(key_of(n), value_of(n), n->priority);
    c->left = left;
    c->right = right;
    return c;
}

/* Keys < key and keys >= key of t, which is only read. */
static void split(struct node *t, struct str key, struct node **ret_less, struct node **ret_rest)
{
    if (!t) {
        *ret_less = *ret_rest = NULL;
        return;
    }
    struct node *inner;
    if (str_cmp(key_of(t), key) < 0) {
        split(t->right, key, &inner, ret_rest);
        *ret_less = copy(t, ref(t->left), inner);
    } else {
        split(t->left, key, ret_less, &inner);
        *ret_rest = copy(t, inner, ref(t->right));
    }
}

/* less and more as one tree; both only read, the result is new. */
static struct node *join(struct node *less, struct node *more)
{
    if (!less || !more) {
        return ref(less ? less : more);
    }
    if (less->priority >= more->priority) {
        return copy(less, ref(less->left), join(less->right, more));
    }
    return copy(more, join(less, more->left), ref(more->right));
}

/* Replaces [begin, end) of *root by middle (consumed, NULL: nothing). */
static void replace(struct node **root, struct str begin, struct str end, struct node *middle)
{
    struct node *less, *rest, *gone, *more;
    split(*root, begin, &less, &rest);
    split(rest, end, &gone, &more);
    struct node *left = join(less, middle);
    unref(*root);
    *root = join(left, more);
    struct node *const used[] = {less, rest, gone, more, left, middle};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        unref(used[i]);
    }
}

static const struct node *find(const struct node *t, struct str key)
{
    while (t) {
        int order = str_cmp(key, key_of(t));
        if (order == 0) {
            return t;
        }
        t = order < 0 ? t->left : t->right;
    }
    return NULL;
}

/* ---- applying ------------------------------------------------------------------------------------------------------ */

static void apply_entry(struct node **root, struct arena *a, const struct store_entry *e)
{
    struct str key_then_nul = arena_str(a, e->key);
    struct str end = str_of(key_then_nul.p, e->key.n + 1);
    struct node *middle = NULL;
    if (e->kind == STORE_WRITE_PUT) {
        middle = make(e->key, e->value, rand_u64());
    }
    replace(root, e->key, end, middle);
}

static void apply_entries(struct node **root, struct arena *a, const struct store_entry *e)
{
    if (e) {
        apply_entries(root, a, e->left);
        apply_entry(root, a, e);
        apply_entries(root, a, e->right);
    }
}

static void apply(struct node **root, const struct store_writes *w)
{
    for (size_t i = 0; i < w->range_count; i++) {
        replace(root, w->ranges[i].begin, w->ranges[i].end, NULL);
    }
    apply_entries(root, w->arena, w->root);
}

/* ---- the driver ---------------------------------------------------------------------------------------------------- */

static int memory_open(const struct store_options *options, void **ret_self)
{
    (void)options;
    struct memory *m = MEM_NEW(struct memory);
    lock_init(&m->writer, LOCK_STORE_QUEUE);
    lock_init(&m->lock, LOCK_MEMORY_STORE);
    *ret_self = m;
    return 0;
}

static void memory_close(void *self)
{
    struct memory *m = self;
    unref(m->root);
    lock_fini(&m->lock);
    lock_fini(&m->writer);
    mem_free(m);
}

static struct node *snapshot(struct memory *m)
{
    LOCK_SCOPE(&m->lock);
    return ref(m->root);
}

static int memory_read(void *self, struct txn *txn)
{
    struct node *root = snapshot(self);
    txn->view = root;
    (void)store_txn_run(txn);
    unref(root);
    return 0;
}

static void publish(struct memory *m, struct node *root)
{
    lock_take(&m->lock);
    struct node *before = m->root;
    m->root = root;
    lock_release(&m->lock);
    unref(before);
}

static int memory_write(void *self, struct txn *txn)
{
    struct memory *m = self;
    LOCK_SCOPE(&m->writer);
    struct node *root = snapshot(m);
    txn->view = root;
    if (store_txn_run(txn) && store_txn_settle(txn, m->commit_number + 1)) {
        m->commit_number++;
        apply(&root, &txn->writes);
        publish(m, ref(root));
        m->commits++;
    }
    unref(root);
    return 0;
}

static int memory_get(struct txn *txn, struct str key, struct str *ret_value)
{
    const struct node *n = find(txn->view, key);
    if (!n) {
        return ERR_NOT_FOUND;
    }
    *ret_value = arena_str(&txn->arena, value_of(n));
    return 0;
}

struct walk {
    const struct store_range *range;
    struct arena *arena;
    struct store_pairs pairs;
};

/* In order (or against it) through what lies in the range, until it is full. */
static int walk(struct walk *w, const struct node *t)
{
    if (!t || w->pairs.n == w->range->limit) {
        return 0;
    }
    bool from = str_cmp(key_of(t), w->range->begin) >= 0;
    bool to = str_cmp(key_of(t), w->range->end) < 0;
    const struct node *first = t->left, *second = t->right;
    bool go_first = from, go_second = to;
    if (w->range->reverse) {
        first = t->right;
        second = t->left;
        go_first = to;
        go_second = from;
    }
    int r = go_first ? walk(w, first) : 0;
    if (r == 0 && from && to && w->pairs.n < w->range->limit) {
        struct store_pair pair = {arena_str(w->arena, key_of(t)), arena_str(w->arena, value_of(t))};
        r = store_pairs_add(&w->pairs, w->arena, pair);
    }
    if (r == 0 && go_second) {
        r = walk(w, second);
    }
    return r;
}

static int memory_scan(struct txn *txn, const struct store_range *range,
                       struct store_pair **ret_pairs, size_t *ret_count)
{
    struct walk w = {.range = range, .arena = &txn->arena};
    int r = walk(&w, txn->view);
    if (r == 0) {
        *ret_pairs = w.pairs.at;
        *ret_count = w.pairs.n;
    }
    return r;
}

static void memory_stats(void *self, struct store_stats *stats)
{
    const struct memory *m = self;
    stats->commits += m->commits;
}

const struct store_driver store_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .get = memory_get,
    .scan = memory_scan,
    .stats = memory_stats,
    .place = store_driver_no_place,
};
