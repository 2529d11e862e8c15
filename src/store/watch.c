/*
 * Watches within this process: who waits for a key is woken by the thread whose write of it has been kept, before its
 * store_write returns. A driver whose store is shared by several processes adds its own.
 *
 * Invariant: a watch is in the list of its key from store_watch to store_unwatch, and wake runs only under watch_lock:
 * so after store_unwatch it does not run.
 */
#include "base/assert.h"
#include "store/store_int.h"

struct store_watch {
    struct store *store;
    struct store_watch *next; /* of the same key */
    char *key;
    size_t key_size;
    void (*wake)(void *ctx);
    void *ctx;
};

struct store_watch *store_watch(struct store *s, struct str key, void (*wake)(void *ctx), void *ctx)
{
    ASSERT_MAGIC(s, STORE_MAGIC);
    LOCK_SCOPE(&s->watch_lock);
    if (s->watch_count == STORE_MAX_WATCHES) {
        return NULL;
    }
    struct store_watch *w = MEM_NEW(struct store_watch);
    w->store = s;
    w->key = mem_dup(key.p, key.n);
    w->key_size = key.n;
    w->wake = wake;
    w->ctx = ctx;
    w->next = map_put(s->watches, key, w);
    s->watch_count++;
    return w;
}

void store_unwatch(struct store_watch *w)
{
    if (!w) {
        return;
    }
    struct store *s = w->store;
    struct str key = str_of(w->key, w->key_size);
    lock_take(&s->watch_lock);
    struct store_watch *first = map_get(s->watches, key);
    ASSERT(first != NULL);
    if (first == w && !w->next) {
        (void)map_remove(s->watches, key);
    } else if (first == w) {
        (void)map_put(s->watches, key, w->next);
    } else {
        struct store_watch *before = first;
        while (before->next != w) {
            before = before->next;
            ASSERT(before != NULL);
        }
        before->next = w->next;
    }
    s->watch_count--;
    lock_release(&s->watch_lock);
    mem_free(w->key);
    mem_free(w);
}

static void wake_key(struct store *s, struct str key)
{
    for (struct store_watch *w = map_get(s->watches, key); w; w = w->next) {
        w->wake(w->ctx);
    }
}

static void wake_entries(struct store *s, const struct store_entry *tree)
{
    if (tree) {
        wake_entries(s, tree->left);
        wake_key(s, tree->key);
        wake_entries(s, tree->right);
    }
}

static void wake_range(struct store *s, struct store_interval range)
{
    size_t position = 0;
    struct str key;
    void *first;
    while (map_next(s->watches, &position, &key, &first)) {
        if (str_cmp(range.begin, key) <= 0 && str_cmp(key, range.end) < 0) {
            wake_key(s, key);
        }
    }
}

void store_watch_notify(struct store *s, const struct store_writes *writes)
{
    if (atomic_load(&s->watch_count) == 0) {
        return;
    }
    LOCK_SCOPE(&s->watch_lock);
    if (!writes) {
        wake_range(s, (struct store_interval){STR_EMPTY, STR("\xff")});
        return;
    }
    wake_entries(s, writes->root);
    for (size_t i = 0; i < writes->range_count; i++) {
        wake_range(s, writes->ranges[i]);
    }
    struct str before = STR_EMPTY;
    for (const struct store_append_entry *a = writes->appends; a; a = a->next) {
        if (!str_eq(before, a->feed)) {
            wake_key(s, a->feed);
        }
        before = a->feed;
    }
}
