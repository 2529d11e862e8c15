/*
 * 1. A batch that was let in is done, committed or not, before a newer connection is told its number: what codi2 hears on that is all
 *    that will ever have come of the older ones.
 * 2. A root with something in hand is not forgotten.
 */
#include "coditectd/wire_fence.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

enum { FENCE_MAGIC = 0x66656e63, MOST_ROOTS = 20000 };

struct root {
    uint64_t connection; /* the last */
    unsigned inside;     /* batches in hand */
};

struct coditectd_wire_fence {
    unsigned magic;
    struct lock lock;
    struct lock_cond left; /* a root has none in hand any more */
    struct map *roots;     /* name → struct root, owned */
};

struct coditectd_wire_fence *coditectd_wire_fence_create(void)
{
    struct coditectd_wire_fence *f = MEM_NEW(struct coditectd_wire_fence);
    f->magic = FENCE_MAGIC;
    lock_init(&f->lock, LOCK_FENCE);
    lock_cond_init(&f->left);
    f->roots = map_create();
    return f;
}

/* But for those with something in hand. */
static void forget_all(struct coditectd_wire_fence *f)
{
    size_t position = 0;
    struct str name;
    void *value;
    while (map_next(f->roots, &position, &name, &value)) {
        if (((struct root *)value)->inside == 0) {
            mem_free(map_remove(f->roots, name));
        }
    }
}

void coditectd_wire_fence_destroy(struct coditectd_wire_fence *f)
{
    if (!f) {
        return;
    }
    ASSERT_MAGIC(f, FENCE_MAGIC);
    forget_all(f);
    ASSERT(map_count(f->roots) == 0);
    map_destroy(f->roots);
    lock_cond_fini(&f->left);
    lock_fini(&f->lock);
    f->magic = 0;
    mem_free(f);
}

static struct root *root_of(struct coditectd_wire_fence *f, struct str name)
{
    struct root *root = map_get(f->roots, name);
    if (!root) {
        if (map_count(f->roots) >= MOST_ROOTS) {
            forget_all(f);
        }
        root = MEM_NEW(struct root);
        (void)map_put(f->roots, name, root);
    }
    return root;
}

int coditectd_wire_fence_greet(struct coditectd_wire_fence *f, struct str root, usec_t deadline,
                               uint64_t *ret_connection)
{
    ASSERT_MAGIC(f, FENCE_MAGIC);
    LOCK_SCOPE(&f->lock);
    uint64_t connection =
        rand_u64() >> 11 | 1; /* no number comes twice, after a new start either */
    struct root *here = root_of(f, root);
    here->connection = connection;
    while (here && here->inside > 0) {
        if (!lock_cond_wait_until(&f->left, &f->lock, deadline)) {
            return ERR_BUSY;
        }
        here = map_get(f->roots, root); /* it may have been forgotten meanwhile */
    }
    *ret_connection = connection;
    return 0;
}

int coditectd_wire_fence_enter(struct coditectd_wire_fence *f, struct str root, uint64_t connection)
{
    ASSERT_MAGIC(f, FENCE_MAGIC);
    LOCK_SCOPE(&f->lock);
    struct root *here = map_get(f->roots, root);
    if (!here || here->connection != connection) {
        return ERR_PRECONDITION;
    }
    here->inside++;
    return 0;
}

void coditectd_wire_fence_leave(struct coditectd_wire_fence *f, struct str root)
{
    ASSERT_MAGIC(f, FENCE_MAGIC);
    LOCK_SCOPE(&f->lock);
    struct root *here = map_get(f->roots, root);
    ASSERT(here && here->inside > 0);
    if (--here->inside == 0) {
        lock_cond_broadcast(&f->left);
    }
}
