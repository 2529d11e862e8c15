/* See engine.h. */
#include "engine.h"

#include <pthread.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/mem.h"

struct waiting {
    struct waiting *next;
    struct txn *txn;
    struct lock_cond done_cond;
    bool done;
};

struct grouped {
    const struct engine *engine;
    void *self;
    struct lock lock;
    struct lock_cond work;
    struct waiting *first, **end;
    bool stop;
    uint64_t commit_number;
    pthread_t thread;
};

static struct waiting *take_all(struct grouped *g)
{
    LOCK_SCOPE(&g->lock);
    while (!g->first && !g->stop) {
        lock_cond_wait(&g->work, &g->lock);
    }
    struct waiting *all = g->first;
    g->first = NULL;
    g->end = &g->first;
    return all;
}

static void finish(struct grouped *g, struct waiting *all)
{
    LOCK_SCOPE(&g->lock);
    for (struct waiting *w = all, *next; w; w = next) {
        next = w->next;
        w->done = true;
        lock_cond_signal(&w->done_cond);
    }
}

static void apply_entries(const struct engine *e, void *view, const struct store_entry *entry)
{
    if (!entry) {
        return;
    }
    apply_entries(e, view, entry->left);
    if (entry->kind == STORE_WRITE_PUT) {
        e->put(view, entry->key, entry->value);
    } else {
        e->remove(view, entry->key);
    }
    apply_entries(e, view, entry->right);
}

static void run(struct grouped *g, struct txn *txn, void *view)
{
    txn->view = view;
    if (!store_txn_run(txn) || !store_txn_settle(txn, ++g->commit_number)) {
        return;
    }
    ASSERT(txn->writes.range_count == 0); /* the load has none */
    apply_entries(g->engine, view, txn->writes.root);
}

static void *write_groups(void *ctx)
{
    struct grouped *g = ctx;
    struct waiting *all;
    while ((all = take_all(g))) {
        void *view = g->engine->begin(g->self, /* write= */ true);
        for (struct waiting *w = all; w; w = w->next) {
            run(g, w->txn, view);
        }
        g->engine->commit(g->self, view);
        finish(g, all);
    }
    return NULL;
}

int engine_open(const struct engine *engine, const struct store_options *options, void **ret_self)
{
    struct grouped *g = MEM_NEW(struct grouped);
    g->engine = engine;
    (void)mkdir(options->directory, 0700);
    g->self = engine->open(options->directory);
    g->end = &g->first;
    lock_init(&g->lock, LOCK_STORE_QUEUE);
    lock_cond_init(&g->work);
    ASSERT(pthread_create(&g->thread, NULL, write_groups, g) == 0);
    *ret_self = g;
    return 0;
}

void engine_close(void *self)
{
    struct grouped *g = self;
    lock_take(&g->lock);
    g->stop = true;
    lock_cond_signal(&g->work);
    lock_release(&g->lock);
    ASSERT(pthread_join(g->thread, NULL) == 0);
    g->engine->close(g->self);
    lock_cond_fini(&g->work);
    lock_fini(&g->lock);
    mem_free(g);
}

int engine_read(void *self, struct txn *txn)
{
    struct grouped *g = self;
    txn->view = g->engine->begin(g->self, /* write= */ false);
    (void)store_txn_run(txn);
    g->engine->end_read(g->self, txn->view);
    return 0;
}

int engine_write(void *self, struct txn *txn)
{
    struct grouped *g = self;
    struct waiting w = {.txn = txn};
    lock_cond_init(&w.done_cond);
    lock_take(&g->lock);
    *g->end = &w;
    g->end = &w.next;
    lock_cond_signal(&g->work);
    while (!w.done) {
        lock_cond_wait(&w.done_cond, &g->lock);
    }
    lock_release(&g->lock);
    lock_cond_fini(&w.done_cond);
    return 0;
}

int engine_get(struct txn *txn, struct str key, struct str *ret_value)
{
    const struct grouped *g = txn->store->self;
    return g->engine->get(txn->view, &txn->arena, key, ret_value) ? 0 : ERR_NOT_FOUND;
}

int engine_scan(struct txn *txn, const struct store_range *range, struct store_pair **ret_pairs,
                size_t *ret_count)
{
    const struct grouped *g = txn->store->self;
    struct store_pairs pairs = {0};
    ASSERT(!range->reverse);
    g->engine->scan(txn->view, &txn->arena, range, &pairs);
    *ret_pairs = pairs.at;
    *ret_count = pairs.n;
    return 0;
}
