/*
 * A list of those who wait, first come first served, each on its own thread's stack: it is short, since the door has few
 * threads, and costs nothing when nobody waits.
 */
#include "codi2/wanted.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"

enum { WANTED_MAGIC = 0x77616e74 };

struct waiter {
    struct str path;
    bool came;
    struct waiter *next;
};

struct codi2_wanted {
    unsigned magic;
    struct lock lock;
    struct lock_cond changed;
    struct waiter *first;
    size_t count;
    bool restoring;
    bool closed;
};

struct codi2_wanted *codi2_wanted_create(void)
{
    struct codi2_wanted *w = MEM_NEW(struct codi2_wanted);
    w->magic = WANTED_MAGIC;
    lock_init(&w->lock, LOCK_WANTED);
    lock_cond_init(&w->changed);
    return w;
}

void codi2_wanted_destroy(struct codi2_wanted *w)
{
    if (!w) {
        return;
    }
    ASSERT_MAGIC(w, WANTED_MAGIC);
    ASSERT(!w->first);
    lock_cond_fini(&w->changed);
    lock_fini(&w->lock);
    w->magic = 0;
    mem_free(w);
}

static void add_locked(struct codi2_wanted *w, struct waiter *waiter)
{
    struct waiter **at = &w->first;
    lock_assert_held(&w->lock);
    while (*at) {
        at = &(*at)->next;
    }
    *at = waiter;
    w->count++;
}

static void remove_locked(struct codi2_wanted *w, const struct waiter *waiter)
{
    struct waiter **at = &w->first;
    lock_assert_held(&w->lock);
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    w->count--;
}

int codi2_wanted_await(struct codi2_wanted *w, struct str path, usec_t deadline)
{
    ASSERT_MAGIC(w, WANTED_MAGIC);
    LOCK_SCOPE(&w->lock);
    if (w->closed || w->count >= CODI2_MAX_WANTED) {
        return w->closed ? ERR_TIMEOUT : ERR_LIMIT;
    }
    struct waiter waiter = {.path = path, .came = !w->restoring};
    add_locked(w, &waiter);
    while (!waiter.came && !w->closed && lock_cond_wait_until(&w->changed, &w->lock, deadline)) {
    }
    remove_locked(w, &waiter);
    return waiter.came ? 0 : ERR_TIMEOUT;
}

bool codi2_wanted_first(struct codi2_wanted *w, struct arena *arena, struct str *ret_path)
{
    LOCK_SCOPE(&w->lock);
    for (const struct waiter *waiter = w->first; waiter; waiter = waiter->next) {
        if (!waiter->came) {
            *ret_path = arena_str(arena, waiter->path);
            return true;
        }
    }
    return false;
}

void codi2_wanted_came(struct codi2_wanted *w, struct str path)
{
    LOCK_SCOPE(&w->lock);
    for (struct waiter *waiter = w->first; waiter; waiter = waiter->next) {
        waiter->came = waiter->came || str_eq(waiter->path, path);
    }
    lock_cond_broadcast(&w->changed);
}

void codi2_wanted_restoring(struct codi2_wanted *w, bool restoring)
{
    LOCK_SCOPE(&w->lock);
    w->restoring = restoring;
    for (struct waiter *waiter = w->first; waiter; waiter = waiter->next) {
        waiter->came = waiter->came || !restoring;
    }
    lock_cond_broadcast(&w->changed);
}

void codi2_wanted_close(struct codi2_wanted *w)
{
    LOCK_SCOPE(&w->lock);
    w->closed = true;
    lock_cond_broadcast(&w->changed);
}
