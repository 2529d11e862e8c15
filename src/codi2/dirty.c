#include "codi2/dirty.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

enum { DIRTY_MAGIC = 0x64697274 };

struct codi2_dirty {
    unsigned magic;
    struct map *paths;     /* dirty: path → &shallow or one of the marks */
    struct map *uploading; /* path → &mark */
    struct map *conflicts; /* path → &mark or &differs_mark */
    bool all;
};

static char shallow;
static char deep_mark;
static char written_mark;
static char closed_mark;
static char mark;
static char differs_mark;

struct codi2_dirty *codi2_dirty_create(void)
{
    struct codi2_dirty *d = MEM_NEW(struct codi2_dirty);
    d->magic = DIRTY_MAGIC;
    d->paths = map_create();
    d->uploading = map_create();
    d->conflicts = map_create();
    return d;
}

void codi2_dirty_destroy(struct codi2_dirty *d)
{
    if (!d) {
        return;
    }
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    map_destroy(d->paths);
    map_destroy(d->uploading);
    map_destroy(d->conflicts);
    d->magic = 0;
    mem_free(d);
}

void codi2_dirty_add_all(struct codi2_dirty *d)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    d->all = true;
}

static void add(struct codi2_dirty *d, struct str path, char *how)
{
    if (path.n == 0) {
        d->all = true;
        return;
    }
    if (map_count(d->paths) >= CODI2_MAX_DIRTY) {
        map_destroy(d->paths);
        d->paths = map_create();
        d->all = true;
        return;
    }
    if (how == &deep_mark || map_get(d->paths, path) != &deep_mark) {
        (void)map_put(d->paths, path, how);
    }
}

void codi2_dirty_add(struct codi2_dirty *d, struct str path, bool deep)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    add(d, path, deep ? &deep_mark : &shallow);
}

void codi2_dirty_add_written(struct codi2_dirty *d, struct str path, bool closed)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    add(d, path, closed ? &closed_mark : &written_mark);
}

void codi2_dirty_seen(struct codi2_dirty *d, struct str path)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    if (map_get(d->paths, path) != &deep_mark) {
        (void)map_remove(d->paths, path);
    }
}

size_t codi2_dirty_count(const struct codi2_dirty *d)
{
    return map_count(d->paths) + (d->all ? 1 : 0);
}

bool codi2_dirty_is_all(const struct codi2_dirty *d)
{
    return d->all;
}

bool codi2_dirty_has(const struct codi2_dirty *d, struct str path)
{
    return map_get(d->paths, path) != NULL;
}

void codi2_dirty_upload(struct codi2_dirty *d, struct str path)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    (void)map_put(d->uploading, path, &mark);
}

enum codi2_conflict codi2_dirty_persisted(struct codi2_dirty *d, struct str path)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    void *was = map_remove(d->uploading, path);
    ASSERT(was == &mark);
    const void *how = map_remove(d->conflicts, path);
    return !how ? CODI2_NO_CONFLICT : how == &mark ? CODI2_BOTH_CHANGED : CODI2_DIFFERS;
}

void codi2_dirty_refused(struct codi2_dirty *d, struct str path)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    void *was = map_remove(d->uploading, path);
    ASSERT(was == &mark);
    codi2_dirty_add(d, path, /* deep= */ false);
}

void codi2_dirty_conflict(struct codi2_dirty *d, struct str path, enum codi2_conflict how)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    if (map_count(d->conflicts) < CODI2_MAX_DIRTY) {
        (void)map_put(d->conflicts, path, how == CODI2_DIFFERS ? &differs_mark : &mark);
    }
}

void codi2_dirty_agreed(struct codi2_dirty *d, struct str path)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    (void)map_remove(d->conflicts, path);
}

size_t codi2_dirty_uploading(const struct codi2_dirty *d)
{
    return map_count(d->uploading);
}

static int by_path(const void *a, const void *b)
{
    const struct codi2_dirty_path *x = a;
    const struct codi2_dirty_path *y = b;
    return str_cmp(x->path, y->path);
}

void codi2_dirty_take(struct codi2_dirty *d, struct arena *arena,
                      struct codi2_dirty_path **ret_paths, size_t *ret_count)
{
    ASSERT_MAGIC(d, DIRTY_MAGIC);
    size_t count = codi2_dirty_count(d);
    struct codi2_dirty_path *paths = ARENA_ARRAY(arena, struct codi2_dirty_path, count + 1);
    size_t n = 0;
    if (d->all) {
        paths[n++] = (struct codi2_dirty_path){.path = STR(""), .deep = true};
    }
    size_t position = 0;
    struct str path;
    void *depth;
    while (map_next(d->paths, &position, &path, &depth)) {
        paths[n++] =
            (struct codi2_dirty_path){.path = arena_str(arena, path),
                                      .deep = depth == &deep_mark,
                                      .told = true,
                                      .written = depth == &written_mark || depth == &closed_mark,
                                      .closed = depth == &closed_mark};
    }
    ASSERT(n == count);
    qsort(paths, n, sizeof paths[0], by_path);
    map_destroy(d->paths);
    d->paths = map_create();
    d->all = false;
    *ret_paths = paths;
    *ret_count = n;
}
