/*
 * From the store to the disk. What is clean here (the disk looks as the index says) takes the store's state; what is dirty
 * stays and is brought on top, so that both are kept: the one on the disk, the other in the history. Our own writes to the
 * tree raise events as anybody's; they find the index in agreement and end there.
 */
#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "codi2/mirror_int.h"

#define STEP_NS (100 * 1000000LL)

enum { SMALL_FILE = 256 * 1024, SHOW_EVERY = 64, CHANGES_IN_ONE_GO = 10000 };

/* How a path stands here before a change of the store is applied. */
struct stand {
    bool indexed;
    bool present;
    bool clean; /* the disk is what the index says, be it nothing */
    struct codi2_entry known;
    struct codi2_look look;
};

/* Reads it all. */
static bool has_content(struct codi2_mirror *m, struct arena *arena, struct str path,
                        const struct content_hash *hash)
{
    enum { PIECE = 64 * 1024 };
    FD_AUTO int fd = -1;
    struct str target;
    struct content_hash now;
    if (codi2_tree_read_link(&m->tree, arena, path, &target) == 0) {
        content_hash(target, &now);
        return content_hash_eq(&now, hash);
    }
    if (codi2_tree_open_file(&m->tree, path, &fd) != 0) {
        return false;
    }
    struct content_hasher *hasher = content_hasher_create();
    char *piece = arena_alloc(arena, PIECE);
    ssize_t n;
    while ((n = fd_read_full(fd, piece, PIECE)) > 0) {
        content_hasher_add(hasher, str_of(piece, (size_t)n));
    }
    content_hasher_end(hasher, &now);
    content_hasher_destroy(hasher);
    return n == 0 && content_hash_eq(&now, hash);
}

static int find_stand(struct codi2_mirror *m, struct arena *arena, struct str path,
                      struct stand *ret)
{
    *ret = (struct stand){0};
    int error = codi2_index_get(m->index, arena, path, &ret->known);
    if (error && error != ERR_NOT_FOUND) {
        return error;
    }
    ret->indexed = !error;
    error = codi2_tree_look(&m->tree, path, &ret->look);
    if (error && error != ERR_NOT_FOUND) {
        return error;
    }
    ret->present = !error;
    ret->clean = ret->indexed == ret->present &&
                 (!ret->present || codi2_look_same(&ret->known.look, &ret->look) ||
                  (codi2_look_alike(&ret->known.look, &ret->look) &&
                   has_content(m, arena, path, &ret->known.hash)));
    return 0;
}

static int put_entry(struct codi2_mirror *m, const struct codi2_remote *r,
                     const struct codi2_look *look)
{
    struct codi2_entry entry = {
        .path = r->path, .look = *look, .version = r->version, .hash = r->hash};
    return codi2_index_put(m->index, &entry);
}

/* ---- making ---- */

static int make_file(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now,
                     struct codi2_look *ret_look)
{
    bool replaces = now->present && now->look.kind == CODI2_FILE;
    const struct codi2_place place = {r->path, replaces ? &now->look : NULL};
    struct codi2_draft draft;
    int error = codi2_tree_draft(&m->tree, r->path, r->mode, &draft);
    if (error) {
        return error;
    }
    error = codi2_link_download(m->link, r, draft.fd);
    if (error) {
        codi2_draft_fini(&draft);
        return error;
    }
    error = codi2_tree_replace(&draft, &place, r->mtime, ret_look);
    if (!error && ret_look->ctime - ret_look->mtime < STEP_NS) {
        codi2_look_doubt(ret_look); /* else what is written next has another time */
    }
    return error;
}

static int make_other(struct codi2_mirror *m, const struct codi2_remote *r,
                      struct codi2_look *ret_look)
{
    int error = r->kind == CODI2_FOLDER ? codi2_tree_make_folder(&m->tree, r->path, r->mode)
                                        : codi2_tree_make_link(&m->tree, r->path, r->bytes);
    if (error == ERR_EXISTS && r->kind == CODI2_FOLDER) {
        error = codi2_tree_set_mode(&m->tree, r->path, r->mode);
    }
    if (!error && r->kind == CODI2_FOLDER) {
        error = codi2_mirror_add_watch(m, r->path);
    }
    if (!error) {
        error = codi2_tree_look(&m->tree, r->path, ret_look);
    }
    bool other = error == ERR_EXISTS || (!error && ret_look->kind != r->kind);
    return other ? ERR_CONFLICT : error;
}

/*
 * Removes what the store is known to have, and what can be made again; the rest stays, with the folders that it is in, and
 * is looked at next. Nothing that came after the last look at it is removed.
 */
static int clear(struct codi2_mirror *m, struct arena *arena, struct str path, bool *ret_gone)
{
    struct stand now;
    struct codi2_names names = {0};
    int error = find_stand(m, arena, path, &now);
    if (error || (!now.indexed && codi2_mirror_ignored(m, path, now.look.kind == CODI2_FOLDER)) ||
        codi2_tree_is_special(&m->tree, path)) {
        error = error ? error : codi2_tree_remove(&m->tree, path);
        *ret_gone = !error;
        return error;
    }
    if (!now.present || now.look.kind != CODI2_FOLDER) {
        error = !now.present ? 0
                : !now.clean
                    ? ERR_CONFLICT
                    : codi2_tree_remove_same(&m->tree, &(struct codi2_place){path, &now.look});
        *ret_gone = !error;
        return error == ERR_CONFLICT ? 0 : error;
    }
    error = codi2_tree_list(&m->tree, arena, path, &names);
    for (size_t i = 0; i < names.count && !error; i++) {
        struct str child =
            arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(names.at[i]));
        bool gone; /* the folder says so when it is to go itself */
        error = clear(m, arena, child, &gone);
    }
    error = error ? error : codi2_tree_remove_empty(&m->tree, path);
    *ret_gone = !error;
    return error == ERR_NOT_EMPTY || error == ERR_NOT_FOUND ? 0 : error;
}

/* ERR_CONFLICT: not all of it. */
static int make_room(struct codi2_mirror *m, struct arena *arena, struct str path)
{
    bool gone = false;
    int error = clear(m, arena, path, &gone);
    return error || gone ? error : ERR_CONFLICT;
}

static int make_once(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now)
{
    ARENA_AUTO(arena);
    struct codi2_look look;
    bool in_the_way = now->present && (now->look.kind != r->kind || r->kind == CODI2_SYMLINK);
    int error = in_the_way ? make_room(m, &arena, r->path) : 0;
    if (!error && in_the_way) {
        error = codi2_index_delete(m->index, r->path);
    }
    if (!error) {
        error = r->kind == CODI2_FILE ? make_file(m, r, now, &look) : make_other(m, r, &look);
    }
    return error ? error : put_entry(m, r, &look);
}

/* The folders above path that are missing here. ERR_NOT_FOUND: something else stands in one's place. */
static int make_parents(struct codi2_mirror *m, struct str path)
{
    int error = 0;
    for (size_t end = str_find(path, '/', 0); end < path.n && !error;
         end = str_find(path, '/', end + 1)) {
        struct str folder = str_slice(path, 0, end);
        error = codi2_tree_make_folder(&m->tree, folder, 0755);
        if (!error) {
            codi2_dirty_add(m->dirty, folder, /* deep= */ true);
            error = codi2_mirror_add_watch(m, folder);
        } else if (error == ERR_EXISTS) {
            error = 0;
        }
    }
    return error;
}

/* The disk holds something that the index does not know, or that changed: compare the content before calling it a conflict. */
static int meet(struct codi2_mirror *m, const struct codi2_remote *r, const struct codi2_look *now)
{
    struct codi2_entry theirs = {.path = r->path,
                                 .look = {.kind = r->kind, .mode = r->mode},
                                 .version = r->version,
                                 .hash = r->hash};
    if (r->kind == CODI2_FOLDER && now->kind == CODI2_FOLDER) {
        return put_entry(m, r, now);
    }
    /* The store's version becomes the base of ours; equal content is noticed when it is read, and then nothing is sent. */
    codi2_dirty_conflict(m->dirty, r->path);
    codi2_dirty_add(m->dirty, r->path, now->kind == CODI2_FOLDER);
    return codi2_index_put(m->index, &theirs);
}

/*
 * A folder above it may have been deleted here: it is made again, for this alone; what else was in it stays deleted. Where a
 * file took the folder's place nothing is made: the disk's state goes on top.
 */
static int make(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now)
{
    int error = make_once(m, r, now);
    if (error == ERR_NOT_FOUND) {
        error = make_parents(m, r->path);
        if (!error) {
            error = make_once(m, r, now);
        }
    }
    if (error == ERR_CONFLICT) { /* something came between the look and the deed */
        struct codi2_look look = {0};
        error = codi2_tree_look(&m->tree, r->path, &look);
        return error == ERR_NOT_FOUND ? ERR_BUSY /* gone again: at once, once more */
               : error                ? error
                                      : meet(m, r, &look);
    }
    return error == ERR_NOT_FOUND ? 0 : error;
}

static int apply_state(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    int error = find_stand(m, arena, r->path, &now);
    if (error) {
        return error;
    }
    if (now.indexed && now.known.version >= r->version) {
        return 0; /* ours, or applied already */
    }
    if (now.clean) {
        return make(m, r, &now);
    }
    if (!now.present) { /* deleted here, changed there: theirs comes back */
        return make(m, r, &now);
    }
    return meet(m, r, &now.look);
}

/* ---- changes ---- */

/* What is not clean stays and becomes new. */
static int apply_deletion(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    int error = find_stand(m, arena, r->path, &now);
    if (error || !now.indexed || now.known.version > r->version) {
        return error;
    }
    error = make_room(m, arena, r->path);
    if (error == ERR_CONFLICT) {
        codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
        error = 0;
    }
    return error ? error : codi2_index_delete(m->index, r->path);
}

/* Both ends are as the index says: the same move here. */
static int move_here(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r,
                     const struct stand *target)
{
    int error = target->present ? make_room(m, arena, r->path) : 0;
    if (!error) {
        error = make_parents(m, r->path);
    }
    if (!error) {
        error = codi2_tree_rename(&m->tree, r->from, r->path);
    }
    if (error == ERR_EXISTS || error == ERR_CONFLICT) {
        return ERR_CONFLICT;
    }
    if (error == ERR_NOT_FOUND) {
        return 0; /* a file took the place of a folder above: the disk's state goes on top */
    }
    if (!error) {
        error = codi2_index_delete(m->index, r->path);
    }
    if (!error) {
        error = codi2_index_move(m->index, r->from, r->path);
    }
    struct codi2_look look;
    if (!error) {
        error = codi2_tree_look(&m->tree, r->path, &look);
    }
    return error ? error : put_entry(m, r, &look);
}

static int apply_move(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand old;
    struct stand target;
    int error = find_stand(m, arena, r->from, &old);
    if (!error) {
        error = find_stand(m, arena, r->path, &target);
    }
    if (error) {
        return error;
    }
    if (old.clean && old.present && target.clean) {
        error = move_here(m, arena, r, &target);
        if (error != ERR_CONFLICT) {
            return error;
        }
    }
    if (r->kind == CODI2_FOLDER) {
        return codi2_mirror_start_anew(m); /* what is in it is told of by no change of its own */
    }
    struct codi2_remote gone = *r;
    gone.path = r->from;
    error = apply_deletion(m, arena, &gone);
    return error ? error : apply_state(m, arena, r);
}

/* ---- our own changes, of which the index has not heard ---- */

static int recall_state(struct codi2_mirror *m, const struct codi2_remote *r,
                        const struct stand *now)
{
    struct codi2_look look = {.kind = r->kind, .mode = r->mode};
    if (now->present && r->kind == CODI2_FOLDER && now->look.kind == CODI2_FOLDER) {
        look.inode = now->look.inode; /* it is the one that we told of, or as good as that */
    }
    codi2_dirty_add(m->dirty, r->path, /* deep= */ false);
    return put_entry(m, r, &look);
}

static int recall_move(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct codi2_entry moved;
    int error = codi2_index_delete(m->index, r->path);
    if (!error) {
        error = codi2_index_move(m->index, r->from, r->path);
    }
    if (!error) {
        error = codi2_index_get(m->index, arena, r->path, &moved);
    }
    moved.version = r->version;
    codi2_dirty_add(m->dirty, r->from, /* deep= */ true);
    codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
    return error ? error : codi2_index_put(m->index, &moved);
}

/* The index learns of it, and the disk is looked at again: it may have gone on meanwhile. */
static int recall(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    struct codi2_entry source;
    int error = find_stand(m, arena, r->path, &now);
    if (error) {
        return error;
    }
    if (r->deleted) {
        codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
        return codi2_index_delete(m->index, r->path);
    }
    if (r->from.n > 0) {
        error = codi2_index_get(m->index, arena, r->from, &source);
        if (error != ERR_NOT_FOUND) {
            return error ? error : recall_move(m, arena, r);
        }
    }
    return recall_state(m, r, &now);
}

static int apply_change(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    if (r->ours) {
        return r->version > m->heard ? recall(m, arena, r) : 0;
    }
    if (r->deleted) {
        return apply_deletion(m, arena, r);
    }
    if (r->restored && r->kind == CODI2_FOLDER) {
        return codi2_mirror_start_anew(m); /* what is in it is known to the store alone */
    }
    return r->from.n > 0 ? apply_move(m, arena, r) : apply_state(m, arena, r);
}

static int note_applied(struct codi2_mirror *m, uint64_t seq)
{
    int error = codi2_index_set_fact(m->index, "seq", seq);
    if (!error) {
        m->heard = seq > m->heard ? seq : m->heard;
        error = codi2_index_set_fact(m->index, "heard", m->heard);
    }
    if (!error) {
        atomic_store(&m->applied, seq);
        m->facts.seq = seq > m->facts.seq ? seq : m->facts.seq;
    }
    return error;
}

int codi2_mirror_pull(struct codi2_mirror *m)
{
    for (size_t done = 0; done < CHANGES_IN_ONE_GO;) {
        ARENA_AUTO(arena);
        struct codi2_remotes changes = {0};
        int error = codi2_link_changes(
            m->link, &arena, &(struct codi2_changes_query){.since = atomic_load(&m->applied)},
            &changes);
        for (size_t i = 0; i < changes.count && !error; i++) {
            error = apply_change(m, &arena, &changes.at[i]);
        }
        if (!error && changes.seq > 0) {
            error = note_applied(m, changes.seq);
        }
        if (error || changes.count == 0) {
            return error;
        }
        done += changes.count;
    }
    atomic_store(&m->remote, true); /* more is there; others want their turn */
    return 0;
}

/* ---- the whole tree ---- */

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
        int error = apply_state(m, l->arena, r);
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

/* Small files before large ones: most of a project can be worked with soon. */
static int fetch(struct codi2_mirror *m, struct later *l)
{
    m->facts.total = l->files.n;
    m->facts.done = 0;
    codi2_mirror_show(m, CODI2_RESTORING);
    for (int large = 0; large < 2; large++) {
        for (size_t i = 0; i < l->files.n; i++) {
            if ((l->files.at[i].size > SMALL_FILE) != (large == 1)) {
                continue;
            }
            ARENA_AUTO(arena);
            int error = apply_state(m, &arena, &l->files.at[i]);
            if (error) {
                return error;
            }
            if (++m->facts.done % SHOW_EVERY == 0) {
                codi2_mirror_show(m, CODI2_RESTORING);
            }
        }
    }
    return 0;
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
                                                : apply_deletion(m, l->arena, &gone);
        }
        if (error) {
            return error;
        }
    } while (page.count == CODI2_PAGE);
    return 0;
}

int codi2_mirror_reconcile(struct codi2_mirror *m)
{
    ARENA_AUTO(arena);
    struct later l __attribute__((cleanup(later_fini))) = {.arena = &arena, .seen = map_create()};
    codi2_mirror_show(m, CODI2_RESTORING);
    int error = take_tree(m, &l);
    if (!error) {
        error = fetch(m, &l);
    }
    if (!error) {
        error = drop_unknown(m, &l);
    }
    if (!error) {
        error = note_applied(m, l.seq);
    }
    return error;
}
