/*
 * The pool of read-only connections: last in, first out, so that a busy few keep warm caches.
 *
 * A snapshot costs SQLite two locks of a file, half of the price of a get. All commits are made by this process, so a
 * connection keeps its snapshot when it comes back, and the next transaction goes on with it if nothing was committed
 * meanwhile (version). Snapshots of idle connections are let go before a checkpoint, which they would hold up.
 *
 * Invariants
 *  1. count = idle + busy; a connection that failed is closed instead of coming back.
 *  2. A transaction's snapshot is not older than its beginning: version changes before a commit is acknowledged.
 */
#include "base/assert.h"
#include "store/sqlite_int.h"

void store_readers_init(struct store_readers *r)
{
    lock_init(&r->lock, LOCK_STORE_READERS);
    lock_cond_init(&r->changed);
    r->closed = true;
}

void store_readers_fini(struct store_readers *r)
{
    ASSERT(r->count == 0);
    lock_cond_fini(&r->changed);
    lock_fini(&r->lock);
}

void store_readers_open(struct store_readers *r)
{
    LOCK_SCOPE(&r->lock);
    r->closed = false;
}

void store_readers_close(struct store_readers *r)
{
    LOCK_SCOPE(&r->lock);
    r->closed = true;
    lock_cond_broadcast(&r->changed);
    while (r->busy > 0) {
        lock_cond_wait(&r->changed, &r->lock);
    }
    while (r->idle) {
        struct store_connection *c = r->idle;
        r->idle = c->next;
        r->count--;
        store_connection_end_read(c);
        store_connection_close(c);
    }
}

static void let_go_locked(struct store_readers *r)
{
    lock_assert_held(&r->lock);
    for (struct store_connection *c = r->idle; c; c = c->next) {
        store_connection_end_read(c);
    }
}

void store_readers_let_go(struct store_readers *r)
{
    LOCK_SCOPE(&r->lock);
    let_go_locked(r);
}

void store_readers_pause(struct store_readers *r)
{
    LOCK_SCOPE(&r->lock);
    r->paused = true;
    while (r->busy > 0) {
        lock_cond_wait(&r->changed, &r->lock);
    }
    let_go_locked(r);
}

void store_readers_resume(struct store_readers *r)
{
    LOCK_SCOPE(&r->lock);
    r->paused = false;
    lock_cond_broadcast(&r->changed);
}

static bool must_wait(const struct store_readers *r)
{
    return !r->closed && (r->paused || (!r->idle && r->count == SQLITE_MAX_READERS));
}

/* An idle connection, or NULL and the right to open one. */
static int reserve(struct store_readers *r, struct store_connection **ret_c)
{
    LOCK_SCOPE(&r->lock);
    usec_t deadline = 0;
    while (must_wait(r)) {
        usec_t now = time_monotonic();
        deadline = deadline ? deadline : now + STORE_MAX_SECONDS * USEC_PER_SEC;
        if (!lock_cond_wait_until(&r->changed, &r->lock, deadline)) {
            return ERR_UNAVAILABLE;
        }
    }
    if (r->closed) {
        return ERR_UNAVAILABLE;
    }
    *ret_c = r->idle;
    if (r->idle) {
        r->idle = r->idle->next;
    } else {
        r->count++;
    }
    r->busy++;
    return 0;
}

static void release(struct store_readers *r, struct store_connection *c)
{
    LOCK_SCOPE(&r->lock);
    r->busy--;
    if (c) {
        c->next = r->idle;
        r->idle = c;
    } else {
        r->count--;
    }
    if (r->closed || r->paused || r->count == SQLITE_MAX_READERS || !c) {
        lock_cond_broadcast(&r->changed);
    }
}

int store_readers_take(struct store_sqlite *d, struct store_connection **ret_c)
{
    struct store_connection *c = NULL;
    int r = reserve(&d->readers, &c);
    if (r == 0 && !c) {
        const struct store_connection_options options = {
            .path = d->path, .vfs = d->vfs, .disk = d->disk};
        r = store_connection_open(&options, &c);
        if (r) {
            release(&d->readers, NULL);
            return ERR_UNAVAILABLE;
        }
    }
    if (r) {
        return r;
    }
    uint64_t version = atomic_load(&d->version);
    if (c->version != version) {
        store_connection_end_read(c);
        c->version = version;
    }
    *ret_c = c;
    return 0;
}

void store_readers_give(struct store_sqlite *d, struct store_connection *c)
{
    if (c->version != atomic_load(&d->version)) {
        store_connection_end_read(c);
    }
    if (c->failed) {
        store_connection_end_read(c);
        store_connection_close(c);
        c = NULL;
    }
    release(&d->readers, c);
}
