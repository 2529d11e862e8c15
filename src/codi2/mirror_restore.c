/*
 * The whole tree of the store is compared with the disk: on an empty disk that brings everything back. Folders and links come
 * first, so that all of the project is seen; then files, small ones before large ones, and of these the latest changed first. A
 * file that is not there yet is not there for anybody; it comes whole, under its name, in one step. The status says how many
 * are. What somebody waits for (an editor that is open, wanted.h) comes before all others.
 *
 * There may be very many files, so of each no more is kept than what that order and the fetching need. What lies in the list itself
 * (the bytes of the smallest) is kept of the latest changed; of the others its page of the list is read once more.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codi2/mirror_int.h"

enum {
    SMALL_FILE = 256 * 1024,
    SHOW_EVERY = 64,
    LOT = 400,               /* files that are asked for ahead */
    MOST_KEPT = 1024 * 1024, /* bytes that lay in the list */
};

#define NONE UINT32_MAX

/* A file that is to be fetched. */
struct later_file {
    struct str path;                 /* in names */
    char *bytes;                     /* that lie in the list, owned; NULL: not kept */
    const struct content_hash *root; /* in names; NULL: there are no pages */
    struct content_hash hash;
    uint64_t version, size;
    int64_t mtime;
    uint32_t mode;
    uint32_t page; /* of the list */
    uint32_t next; /* of those whose bytes are in the same page; NONE: the last */
    uint8_t levels;
    bool small, damaged, came;
};

/* A page of the list. */
struct later_page {
    struct str cursor; /* in names: where it begins */
    uint32_t first;    /* of the files that wait for it */
};

struct later {
    struct arena names;
    struct arena scratch; /* for one entry */
    VEC(struct later_file) files;
    VEC(struct later_page) pages;
    struct mirror_paths seen; /* paths of the store, in names; sorted once all are there */
    size_t kept;              /* bytes */
    uint64_t least;           /* version: of what is older no bytes are kept */
    uint64_t seq;
};

static void later_fini(struct later *l)
{
    for (size_t i = 0; i < l->files.n; i++) {
        mem_free(l->files.at[i].bytes);
    }
    VEC_FREE(&l->files);
    VEC_FREE(&l->pages);
    VEC_FREE(&l->seen);
    arena_fini(&l->names);
    arena_fini(&l->scratch);
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool codi2_mirror_is_among(const struct mirror_paths *sorted, struct str path)
{
    return sorted->n > 0 && bsearch(&path, sorted->at, sorted->n, sizeof path, by_bytes) != NULL;
}

/* ---- the list ---- */

static int by_version(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The older half of the bytes that are kept goes. */
static void shed(struct later *l)
{
    VEC(uint64_t) versions = {0};
    for (size_t i = 0; i < l->files.n; i++) {
        if (l->files.at[i].bytes) {
            VEC_ADD(&versions, l->files.at[i].version);
        }
    }
    qsort(versions.at, versions.n, sizeof versions.at[0], by_version);
    l->least = versions.at[versions.n / 2] + 1;
    VEC_FREE(&versions);
    for (size_t i = 0; i < l->files.n; i++) {
        struct later_file *f = &l->files.at[i];
        if (f->bytes && f->version < l->least) {
            l->kept -= (size_t)f->size;
            MEM_FREE(f->bytes);
        }
    }
}

static void add_file(struct later *l, const struct codi2_remote *r, struct str path)
{
    struct later_file f = {.path = path,
                           .hash = r->hash,
                           .version = r->version,
                           .size = r->size,
                           .mtime = r->mtime,
                           .mode = r->mode,
                           .page = (uint32_t)l->pages.n - 1,
                           .next = NONE,
                           .levels = r->manifest.levels,
                           .small = r->manifest.small,
                           .damaged = r->damaged};
    if (f.levels > 0) {
        struct content_hash *root = ARENA_NEW(&l->names, struct content_hash);
        *root = r->manifest.hash;
        f.root = root;
    }
    if (r->bytes.n > 0 && r->version >= l->least) {
        f.bytes = mem_dup(r->bytes.p, r->bytes.n);
        l->kept += r->bytes.n;
    }
    VEC_ADD(&l->files, f);
    if (l->kept > MOST_KEPT) {
        shed(l);
    }
}

/* Whether it is here, or what is here is to go on top of it. */
static int is_known(struct codi2_mirror *m, struct later *l, const struct codi2_remote *r,
                    bool *ret_known)
{
    struct codi2_entry known;
    int error = codi2_index_get(m->index, &l->scratch, r->path, &known);
    *ret_known = !error && known.version >= r->version;
    error = error == ERR_NOT_FOUND ? 0 : error;
    return *ret_known ? codi2_mirror_mended(m, r->path) : error;
}

/*
 * A folder that was made on the way to what is in it is known without its version. It was here: that it is gone, or something else, was
 * done here, and goes to the store on top of the version that is learned here.
 */
static int learn_version(struct codi2_mirror *m, struct later *l, const struct codi2_remote *r,
                         bool *ret_known)
{
    struct codi2_entry known;
    struct codi2_look now;
    int error = codi2_index_get(m->index, &l->scratch, r->path, &known);
    bool folders = !error && known.look.kind == CODI2_FOLDER && r->kind == CODI2_FOLDER;
    if (!folders || known.version > 0) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    struct codi2_way way __attribute__((cleanup(codi2_way_shut))) = {0};
    error = codi2_tree_look(&m->tree, r->path, &now);
    if (error == ERR_FORBIDDEN) {
        codi2_way_open(&m->tree, r->path, &way);
        error = codi2_tree_look(&m->tree, r->path, &now);
    }
    *ret_known = error ? error == ERR_NOT_FOUND : now.kind != CODI2_FOLDER;
    known.version = r->version;
    known.look.mode = r->mode;
    return *ret_known ? codi2_index_put(m->index, &known) : 0;
}

static int take_other(struct codi2_mirror *m, struct later *l, const struct codi2_remote *r)
{
    bool known = false;
    int error = learn_version(m, l, r, &known);
    return error || known ? error : codi2_mirror_apply_state(m, &l->scratch, r);
}

static int take_page(struct codi2_mirror *m, struct later *l, const struct codi2_remotes *page)
{
    int error = 0;
    for (size_t i = 0; i < page->count && !error; i++) {
        const struct codi2_remote *r = &page->at[i];
        struct str path = arena_str(&l->names, r->path);
        bool known = false;
        VEC_ADD(&l->seen, path);
        arena_reset(&l->scratch);
        if (r->kind != CODI2_FILE) {
            error = take_other(m, l, r);
            continue;
        }
        error = is_known(m, l, r, &known);
        if (!error && !known) {
            add_file(l, r, path);
        }
    }
    return error;
}

static int take_tree(struct codi2_mirror *m, struct later *l)
{
    struct str cursor = STR_EMPTY;
    do {
        ARENA_AUTO(arena);
        struct codi2_remotes page = {0};
        VEC_ADD(&l->pages, ((struct later_page){.cursor = cursor, .first = NONE}));
        int error =
            codi2_link_tree(m->link, &arena, &(struct codi2_tree_query){l->seq, cursor}, &page);
        if (!error && cursor.n == 0 && page.seq < m->heard) {
            error = codi2_mirror_rolled_back(m);
        }
        if (!error) {
            error = take_page(m, l, &page);
        }
        if (error) {
            return error;
        }
        l->seq = page.seq;
        cursor = arena_str(&l->names, page.next);
    } while (cursor.n > 0);
    if (l->seen.n > 0) {
        qsort(l->seen.at, l->seen.n, sizeof l->seen.at[0], by_bytes);
    }
    return 0;
}

/* ---- the files ---- */

/*
 * Small files before large ones, and of these the latest changed first: what somebody works with is there soon. By the version,
 * since a file's own time may be that of an archive it came from.
 */
static int by_worth(const void *a, const void *b)
{
    const struct later_file *x = a;
    const struct later_file *y = b;
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

static bool is_in_list(const struct later_file *f)
{
    return f->small && !f->damaged && !f->bytes && f->size > 0;
}

static void order(struct later *l)
{
    if (l->files.n > 0) {
        qsort(l->files.at, l->files.n, sizeof l->files.at[0], by_worth);
    }
    for (size_t i = l->files.n; i > 0; i--) {
        struct later_file *f = &l->files.at[i - 1];
        if (is_in_list(f)) {
            f->next = l->pages.at[f->page].first;
            l->pages.at[f->page].first = (uint32_t)i - 1;
        }
    }
}

static struct codi2_remote remote_of(const struct later_file *f)
{
    return (struct codi2_remote){.path = f->path,
                                 .kind = CODI2_FILE,
                                 .mode = f->mode,
                                 .mtime = f->mtime,
                                 .version = f->version,
                                 .size = f->size,
                                 .hash = f->hash,
                                 .manifest = {.hash = f->root ? *f->root : f->hash,
                                              .length = f->size,
                                              .levels = f->levels,
                                              .small = f->small},
                                 .bytes = str_of(f->bytes, f->bytes ? (size_t)f->size : 0),
                                 .damaged = f->damaged};
}

static int bring(struct codi2_mirror *m, struct later_file *f, const struct codi2_remote *r)
{
    ARENA_AUTO(arena);
    int error = codi2_mirror_apply_state(m, &arena, r);
    if (!error && ++m->facts.done % SHOW_EVERY == 0) {
        codi2_mirror_show(m, CODI2_RESTORING);
    }
    if (!error) {
        f->came = true;
        MEM_FREE(f->bytes);
    }
    return error;
}

/* What the page has of those that wait for it. */
static int bring_found(struct codi2_mirror *m, const struct map *waiting,
                       const struct codi2_remotes *page)
{
    int error = 0;
    for (size_t i = 0; i < page->count && !error; i++) {
        struct later_file *f = map_get(waiting, page->at[i].path);
        if (f && f->version == page->at[i].version) {
            error = bring(m, f, &page->at[i]);
        }
    }
    return error;
}

/* All files whose bytes are in a page of the list. ERR_BUSY: it is not that list any more; all is compared once more. */
static int fetch_page(struct codi2_mirror *m, struct later *l, const struct later_page *at)
{
    ARENA_AUTO(arena);
    struct codi2_remotes page = {0};
    int error =
        codi2_link_tree(m->link, &arena, &(struct codi2_tree_query){l->seq, at->cursor}, &page);
    if (error) {
        return error;
    }
    struct map *waiting = map_create();
    for (uint32_t i = at->first; i != NONE; i = l->files.at[i].next) {
        if (!l->files.at[i].came) {
            (void)map_put(waiting, l->files.at[i].path, &l->files.at[i]);
        }
    }
    error = bring_found(m, waiting, &page);
    map_destroy(waiting);
    for (uint32_t i = at->first; i != NONE && !error; i = l->files.at[i].next) {
        error = l->files.at[i].came ? 0 : ERR_BUSY;
    }
    return error;
}

/* It may have come already, since it was waited for, or with others. */
static int fetch_one(struct codi2_mirror *m, struct later *l, struct later_file *f)
{
    if (f->came) {
        return 0;
    }
    if (is_in_list(f)) {
        return fetch_page(m, l, &l->pages.at[f->page]);
    }
    struct codi2_remote r = remote_of(f);
    return bring(m, f, &r);
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
                error = fetch_one(m, l, &l->files.at[i]);
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

/* What came is dirty, as anything that was written; unless somebody changed it already it need not wait until all is here. */
static void look_over(struct codi2_mirror *m, const struct later *l, size_t from, size_t to)
{
    ARENA_AUTO(arena);
    for (size_t i = from; i < to; i++) {
        struct str path = l->files.at[i].path;
        struct codi2_entry known;
        struct codi2_look now;
        arena_reset(&arena);
        if (codi2_dirty_has(m->dirty, path) && codi2_tree_look(&m->tree, path, &now) == 0 &&
            codi2_index_get(m->index, &arena, path, &known) == 0 &&
            codi2_look_same(&known.look, &now)) {
            codi2_dirty_seen(m->dirty, path);
        }
    }
}

/* A lot comes in one answer, and goes into the index in one transaction. */
static int fetch_lot(struct codi2_mirror *m, struct later *l, size_t from, size_t to)
{
    int error = codi2_index_begin(m->index);
    for (size_t i = from; i < to && !error; i++) {
        error = fetch_wanted(m, l, i);
        error = error ? error : fetch_one(m, l, &l->files.at[i]);
    }
    int committed = codi2_index_commit(m->index);
    codi2_watch_read(m->watch); /* our own deeds: more than the kernel's queue holds */
    look_over(m, l, from, to);
    return error ? error : committed;
}

/* The lot that begins at from is on its way; where it ends. */
static size_t ask_ahead(struct codi2_mirror *m, const struct later *l, size_t from)
{
    ARENA_AUTO(arena);
    size_t count = l->files.n - from < LOT ? l->files.n - from : LOT;
    struct codi2_remote *remotes = ARENA_ARRAY(&arena, struct codi2_remote, count + 1);
    for (size_t i = 0; i < count; i++) {
        remotes[i] = remote_of(&l->files.at[from + i]);
    }
    return from + codi2_link_ahead(m->link, remotes, count);
}

static int fetch(struct codi2_mirror *m, struct later *l)
{
    m->facts.total = l->files.n;
    m->facts.done = 0;
    codi2_mirror_show(m, CODI2_RESTORING);
    order(l);
    int error = 0;
    size_t asked = ask_ahead(m, l, 0);
    for (size_t i = 0, lot = 0; i < l->files.n && !error; i = lot) {
        lot = asked;
        asked = ask_ahead(m, l, asked);
        error = fetch_lot(m, l, i, lot);
    }
    codi2_link_ahead_end(m->link);
    return error;
}

/* ---- what is not in the list ---- */

static int drop_page(struct codi2_mirror *m, const struct later *l, struct arena *arena,
                     const struct codi2_entries *page)
{
    int error = 0;
    for (size_t i = 0; i < page->count && !error; i++) {
        struct codi2_remote gone = {.path = page->at[i].path, .version = UINT64_MAX};
        if (!codi2_mirror_is_among(&l->seen, gone.path)) {
            error = codi2_mirror_apply_deletion(m, arena, &gone);
        }
    }
    return error;
}

/* What the index knows and the store has not: it was deleted there while we were away. */
static int drop_unknown(struct codi2_mirror *m, const struct later *l)
{
    ARENA_AUTO(arena);
    BUF_AUTO(after, CONTENT_MAX_PATH);
    struct codi2_entries page;
    do {
        arena_reset(&arena);
        struct codi2_span span = {.folder = STR(""), .after = buf_str(&after)};
        int error = codi2_index_below(m->index, &arena, &span, &page);
        error = error ? error : drop_page(m, l, &arena, &page);
        if (error) {
            return error;
        }
        if (page.count > 0) {
            buf_clear(&after);
            buf_add(&after, page.at[page.count - 1].path);
        }
    } while (page.count == CODI2_PAGE);
    return 0;
}

/* What was left goes before anything comes: the disk may have no room for both. So does what a restore that was cut brought. */
static int make_room(struct codi2_mirror *m, const struct later *l)
{
    int error = drop_unknown(m, l);
    return error ? error : codi2_mirror_drop_left(m, &l->seen);
}

int codi2_mirror_reconcile(struct codi2_mirror *m)
{
    struct later l __attribute__((cleanup(later_fini))) = {0};
    m->comparisons++;
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
