/*
 * Files with several names (hard links). An event of inotify names the file by which it was opened: a folder's watch says nothing
 * of the other names, and nothing that helps once that name is gone, or another file's.
 *
 * 1. A file that has several names when it is looked at, or that the index knows under another one, is watched itself from then on,
 *    until it has no name any more: who opened it under a name that is gone by now may still write to it. Where that cannot be
 *    done, each barrier looks at the whole tree.
 * 2. A file may have got its second name and lost the first between two looks: then nothing tells that it had another. But who
 *    writes to it by the first is heard; a name that was written to and is no file, nor was one that the index knows, has the
 *    whole tree looked at: by the next barrier, or soon; what nobody told of and changed is watched itself from then on. Until that
 *    look nothing is called persisted; but not for ever where none finds anything: then it is a deleted file that is written to.
 *    A file that was made without a name (O_TMPFILE) is named by its inode there: "#12".
 * 3. What is done through a name that is outside the tree, or in a folder that is left out, is seen by the next look at the whole
 *    tree; that finds several names, and (1) holds.
 */
#include <unistd.h>

#include "base/fd.h"
#include "codi2/mirror_int.h"

typedef void name_fn(struct codi2_mirror *m, struct str path);

/* The names that the index knows and that are this file's. An inode may have been used again: then the old name is not. */
static int each_name(struct codi2_mirror *m, uint64_t inode, struct str but, name_fn *each)
{
    ARENA_AUTO(arena);
    struct codi2_links links = {.inode = inode};
    struct codi2_entries page = {0};
    int error;
    do {
        error = codi2_index_by_inode(m->index, &arena, &links, &page);
        for (size_t i = 0; i < page.count && !error; i++) {
            struct codi2_look look;
            links.after = page.at[i].path;
            if (!str_eq(links.after, but) && codi2_tree_look(&m->tree, links.after, &look) == 0 &&
                look.inode == inode) {
                each(m, links.after);
            }
        }
    } while (!error && page.count == CODI2_MAX_LINKS);
    return error;
}

static void tell(struct codi2_mirror *m, struct str path)
{
    if (!codi2_dirty_has(m->dirty, path)) { /* what is known of it already says more */
        codi2_dirty_add(m->dirty, path, /* deep= */ false);
    }
}

int codi2_mirror_tell_links(struct mirror_round *r, const struct codi2_step *step)
{
    return each_name(r->m, step->look.inode, step->path, tell);
}

void codi2_mirror_seen_file(void *ctx, uint64_t inode)
{
    struct codi2_mirror *m = ctx;
    if (each_name(m, inode, STR_EMPTY, tell) != 0) {
        codi2_dirty_add_all(m->dirty);
    }
}

static void flush_and_tell(struct codi2_mirror *m, struct str path)
{
    FD_AUTO int fd = -1;
    if (codi2_tree_open_file(&m->tree, path, &fd) == 0) {
        (void)fdatasync(fd);
        tell(m, path);
    }
}

void codi2_mirror_seen_mapped(struct codi2_mirror *m, const struct codi2_mapped_file *file)
{
    bool gone = !file->outside && file->path.n == 0;
    if (file->path.n > 0) {
        tell(m, file->path);
    }
    if ((gone || codi2_watch_has_file(m->watch, file->inode)) &&
        each_name(m, file->inode, file->path, flush_and_tell) != 0) {
        codi2_dirty_add_all(m->dirty);
    }
}

static bool is_known_elsewhere(struct mirror_round *r, const struct codi2_step *step)
{
    struct codi2_entries known = {0};
    return (step->op == CODI2_WRITE || step->op == CODI2_MOVE) &&
           codi2_index_by_inode(r->m->index, r->scratch,
                                &(struct codi2_links){.inode = step->look.inode}, &known) == 0 &&
           known.count > 0 && (known.count > 1 || !str_eq(known.at[0].path, step->path));
}

/*
 * It changed and nobody told, when the tree was looked at since something was written to under a name that is gone. Not one whose look
 * is doubted alone: of such there are always some where people work.
 */
static bool is_sought(struct mirror_round *r, const struct codi2_dirty_path *p,
                      const struct codi2_step *step)
{
    struct codi2_entry known;
    return r->whole && r->m->seeking && !p->told && step->op == CODI2_WRITE &&
           codi2_index_get(r->m->index, r->scratch, p->path, &known) == 0 &&
           known.look.inode == step->look.inode && !codi2_look_alike(&known.look, &step->look);
}

/* Most that are known elsewhere only moved, or have the inode of one that went: they leave room for those with several names. */
static bool is_to_be_watched(struct mirror_round *r, const struct codi2_step *step, bool sought)
{
    return step->look.kind == CODI2_FILE && !codi2_watch_has_file(r->m->watch, step->look.inode) &&
           (step->look.linked || codi2_watch_had_file(r->m->watch, step->look.inode) ||
            (codi2_watch_file_count(r->m->watch) < CODI2_MAX_WATCHED_FILES / 4 &&
             (sought || is_known_elsewhere(r, step))));
}

/* Whether it is watched from now on: what was seen of it before proves nothing. */
static bool watch_links(struct mirror_round *r, const struct codi2_step *step, bool sought)
{
    struct codi2_mirror *m = r->m;
    FD_AUTO int fd = -1;
    struct stat facts;
    if (!is_to_be_watched(r, step, sought) ||
        codi2_tree_open_file(&m->tree, step->path, &fd) != 0 || fstat(fd, &facts) != 0 ||
        facts.st_ino != step->look.inode) {
        return false; /* what replaced it has an event of its own */
    }
    bool watched = codi2_watch_add_file(m->watch, fd, step->look.inode) == 0;
    if (!watched && step->look.linked) {
        codi2_mirror_unwatched(m);
    }
    return watched;
}

/* A file that was made without a name and got one. */
static bool is_made_nameless(struct codi2_mirror *m, struct arena *arena, struct str path)
{
    struct str folder;
    struct str name;
    struct codi2_links links = {0};
    struct codi2_entries known = {0};
    content_path_split(path, &folder, &name);
    if (name.n < 2 || name.p[0] != '#' ||
        str_u64(str_slice(name, 1, name.n), INT64_MAX, &links.inode) != 0 ||
        codi2_index_by_inode(m->index, arena, &links, &known) != 0 || known.count == 0) {
        return false;
    }
    codi2_mirror_seen_file(m, links.inode);
    return codi2_dirty_has(m->dirty, known.at[0].path);
}

static void seek_written(struct mirror_round *r, const struct codi2_dirty_path *p,
                         const struct codi2_step *step)
{
    struct codi2_mirror *m = r->m;
    struct codi2_entry known;
    if (!p->written || r->whole || step->look.kind == CODI2_FILE ||
        codi2_tree_is_special(&m->tree, p->path) ||
        (codi2_index_get(m->index, r->scratch, p->path, &known) == 0 &&
         known.look.kind == CODI2_FILE) ||
        is_made_nameless(m, r->scratch, p->path)) {
        return;
    }
    if (codi2_mirror_awaited(m)) {
        codi2_dirty_add_all(m->dirty);
    } else {
        codi2_mirror_seek(m);
    }
}

int codi2_mirror_plan(struct mirror_round *r, const struct codi2_dirty_path *p,
                      struct codi2_step *ret_step)
{
    const struct codi2_planner planner = {&r->m->tree, r->m->index, r->scratch};
    int error = codi2_plan(&planner, p->path, ret_step);
    if (error) {
        return error;
    }
    seek_written(r, p, ret_step);
    bool sought = is_sought(r, p, ret_step);
    r->m->vain = sought ? 0 : r->m->vain;
    return watch_links(r, ret_step, sought) ? codi2_plan(&planner, p->path, ret_step) : 0;
}
