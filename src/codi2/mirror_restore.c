/*
 * The whole tree of the store is compared with the disk: on an empty disk that brings everything back. Folders and links come
 * first, so that all of the project is seen; then files, small ones before large ones, and of these the latest changed first. A
 * file that is not there yet is not there for anybody; it comes whole, under its name, in one step. The status says how many
 * are. What somebody waits for (an editor that is open, wanted.h) comes before all others.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "codi2/mirror_int.h"

enum { SMALL_FILE = 256 * 1024, SHOW_EVERY = 64 };

struct later {
    struct arena *arena;
    VEC(struct codi2_remote) files; /* to be fetched */
    struct map *seen;               /* paths of the store */
    uint64_t seq;
};

static void later_fini(struct later *l)
{
    VEC_FREE(&l->files);
    map_destroy(l->seen);
}

static int take_page(struct codi2_mirror *m, struct later *l, const struct codi2_remotes *page)
{
    static char mark;
    for (size_t i = 0; i < page->count; i++) {
        const struct codi2_remote *r = &page->at[i];
        (void)map_put(l->seen, r->path, &mark);
        if (r->kind == CODI2_FILE) {
            VEC_ADD(&l->files, *r);
            continue;
        }
        int error = codi2_mirror_apply_state(m, l->arena, r);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int take_tree(struct codi2_mirror *m, struct later *l)
{
    struct str cursor = STR_EMPTY;
    do {
        struct codi2_remotes page = {0};
        int error =
            codi2_link_tree(m->link, l->arena, &(struct codi2_tree_query){l->seq, cursor}, &page);
        if (!error) {
            error = take_page(m, l, &page);
        }
        if (error) {
            return error;
        }
        l->seq = page.seq;
        cursor = page.next;
    } while (cursor.n > 0);
    return 0;
}

/*
 * Small files before large ones, and of these the latest changed first: what somebody works with is there soon. By the version,
 * since a file's own time may be that of an archive it came from.
 */
static int by_worth(const void *a, const void *b)
{
    const struct codi2_remote *x = a;
    const struct codi2_remote *y = b;
    bool large_x = x->size > SMALL_FILE;
    bool large_y = y->size > SMALL_FILE;
    if (large_x != large_y) {
        return large_x ? 1 : -1;
    }
    if (x->version != y->version) {
        return x->version < y->version ? 1 : -1;
    }
    return x->mtime < y->mtime ? 1 : x->mtime > y->mtime ? -1 : str_cmp(x->path, y->path);
}

/* One that came already, since it was waited for, has no path any more. */
static int fetch_one(struct codi2_mirror *m, struct codi2_remote *r)
{
    ARENA_AUTO(arena);
    if (r->path.n == 0) {
        return 0;
    }
    int error = codi2_mirror_apply_state(m, &arena, r);
    if (!error && ++m->facts.done % SHOW_EVERY == 0) {
        codi2_mirror_show(m, CODI2_RESTORING);
    }
    r->path = error ? r->path : STR_EMPTY;
    return error;
}

/* What is waited for, and is not among what is still to come, is there by now or will never be. */
static int fetch_wanted(struct codi2_mirror *m, struct later *l, size_t from)
{
    ARENA_AUTO(arena);
    struct str path;
    while (codi2_wanted_first(m->wanted, &arena, &path)) {
        int error = 0;
        for (size_t i = from; i < l->files.n && !error; i++) {
            if (str_eq(l->files.at[i].path, path)) {
                error = fetch_one(m, &l->files.at[i]);
                break;
            }
        }
        if (error) {
            return error;
        }
        codi2_wanted_came(m->wanted, path);
        arena_reset(&arena);
    }
    return 0;
}

/* A lot comes in one answer, and goes into the index in one transaction. */
static int fetch_lot(struct codi2_mirror *m, struct later *l, size_t from, size_t to)
{
    int error = codi2_index_begin(m->index);
    for (size_t i = from; i < to && !error; i++) {
        error = fetch_wanted(m, l, i);
        error = error ? error : fetch_one(m, &l->files.at[i]);
    }
    int committed = codi2_index_commit(m->index);
    codi2_watch_read(m->watch); /* our own deeds: more than the kernel's queue holds */
    return error ? error : committed;
}

static int fetch(struct codi2_mirror *m, struct later *l)
{
    m->facts.total = l->files.n;
    m->facts.done = 0;
    codi2_mirror_show(m, CODI2_RESTORING);
    if (l->files.n > 0) {
        qsort(l->files.at, l->files.n, sizeof l->files.at[0], by_worth);
    }
    int error = 0;
    size_t asked = codi2_link_ahead(m->link, l->files.at, l->files.n);
    for (size_t i = 0, lot = 0; i < l->files.n && !error; i = lot) {
        lot = asked;
        asked += codi2_link_ahead(m->link, &l->files.at[asked], l->files.n - asked);
        error = fetch_lot(m, l, i, lot);
    }
    codi2_link_ahead_end(m->link);
    return error;
}

/* What the index knows and the store has not: it was deleted there while we were away. */
static int drop_unknown(struct codi2_mirror *m, const struct later *l)
{
    struct codi2_span span = {.folder = STR(""), .after = STR("")};
    struct codi2_entries page;
    do {
        int error = codi2_index_below(m->index, l->arena, &span, &page);
        for (size_t i = 0; i < page.count && !error; i++) {
            struct codi2_remote gone = {.path = page.at[i].path, .version = UINT64_MAX};
            span.after = gone.path;
            if (map_get(l->seen, gone.path)) {
                continue;
            }
            /* A version that the store has not come to: it has lost some of its past, and the disk is what is left of it. */
            error = page.at[i].version > l->seq ? codi2_index_delete(m->index, gone.path)
                                                : codi2_mirror_apply_deletion(m, l->arena, &gone);
        }
        if (error) {
            return error;
        }
    } while (page.count == CODI2_PAGE);
    return 0;
}

/* What was left goes before anything comes: the disk may have no room for both. So does what a restore that was cut brought. */
static int make_room(struct codi2_mirror *m, const struct later *l)
{
    int error = drop_unknown(m, l);
    return error ? error : codi2_mirror_drop_left(m, l->seen);
}

int codi2_mirror_reconcile(struct codi2_mirror *m)
{
    ARENA_AUTO(arena);
    struct later l __attribute__((cleanup(later_fini))) = {.arena = &arena, .seen = map_create()};
    codi2_mirror_show(m, CODI2_RESTORING);
    int error = take_tree(m, &l);
    if (!error && atomic_load(&m->applied) == 0) { /* what went meanwhile, no index told */
        error = make_room(m, &l);
    }
    if (!error) {
        error = fetch(m, &l);
    }
    if (!error) {
        error = drop_unknown(m, &l);
    }
    if (!error) {
        error = codi2_mirror_applied(m, l.seq);
    }
    return error;
}
