/*
 * What a round looks at: the paths that are dirty, and below those that are dirty with everything in them what the disk and the
 * index have. A folder is watched before it is listed.
 */
#include <stdlib.h>

#include "codi2/mirror_int.h"

int codi2_mirror_each_below(struct mirror_round *r, struct str folder,
                            void (*each)(struct mirror_round *r, struct str path))
{
    ARENA_AUTO(arena);
    struct codi2_span span = {.folder = folder, .after = STR("")};
    struct codi2_entries page;
    do {
        arena_reset(&arena);
        int error = codi2_index_below(r->m->index, &arena, &span, &page);
        if (error) {
            return error;
        }
        for (size_t i = 0; i < page.count; i++) {
            span.after = arena_str(r->arena, page.at[i].path);
            each(r, span.after);
        }
    } while (page.count == CODI2_PAGE);
    return 0;
}

/* A folder that is gone again, or that its owner shut. Of the root's neither names nor events would tell. */
static int pass_by(struct mirror_round *r, struct str folder, int error)
{
    if (error != ERR_FORBIDDEN) {
        return 0;
    }
    if (folder.n == 0 && !r->m->root_watched) {
        return error;
    }
    codi2_mirror_unkept(r->m, folder, CODI2_UNREADABLE);
    return 0;
}

/* The list tells gone from shut. */
static int watch_and_list(struct mirror_round *r, struct str folder, struct codi2_names *ret_names)
{
    int error = codi2_mirror_add_watch(r->m, folder);
    if (!error || error == ERR_NOT_FOUND) {
        error = codi2_tree_list(&r->m->tree, r->scratch, folder, ret_names);
    }
    if (!error && ret_names->more) {
        codi2_mirror_crowded(r->m, folder, ret_names->broken);
    }
    return error;
}

/* Watches and lists a folder and all below; every path found is looked at. ERR_FORBIDDEN: it is the root, and shut. */
static int walk(struct mirror_round *r, struct str folder)
{
    VEC(struct str) folders = {0};
    VEC_ADD(&folders, folder);
    int error = 0;
    while (folders.n > 0 && !error) {
        struct str at = folders.at[--folders.n];
        struct codi2_names names = {0};
        arena_reset(r->scratch);
        error = watch_and_list(r, at, &names);
        if (error == ERR_NOT_FOUND || error == ERR_FORBIDDEN) {
            error = pass_by(r, at, error);
            continue;
        }
        codi2_mirror_kept(r->m, at);
        codi2_mirror_keep_listed(r->m, at, &names);
        for (size_t i = 0; i < names.count && !error; i++) {
            struct str path = at.n ? arena_printf(r->arena, STR_FMT "/" STR_FMT, STR_ARG(at),
                                                  STR_ARG(names.at[i]))
                                   : arena_str(r->arena, names.at[i]);
            struct codi2_look look;
            if (content_path_check(path) != 0) {
                codi2_mirror_unkept(r->m, path, CODI2_BAD_NAME);
                continue;
            }
            if (codi2_tree_look(&r->m->tree, path, &look) != 0) {
                codi2_mirror_unkept_if_special(r->m, path);
                continue;
            }
            bool is_folder = look.kind == CODI2_FOLDER;
            if (codi2_mirror_ignored(r->m, path, is_folder)) {
                continue;
            }
            VEC_ADD(&r->paths, (struct codi2_dirty_path){.path = path, .deep = true});
            if (is_folder) {
                VEC_ADD(&folders, path);
            }
        }
    }
    VEC_FREE(&folders);
    return error;
}

/* Found again on the disk, or missing. */
static void recall(struct mirror_round *r, struct str path)
{
    VEC_ADD(&r->paths, (struct codi2_dirty_path){.path = path});
}

/* Of the same path first the one whose folder was listed. */
static int by_bytes(const void *a, const void *b)
{
    const struct codi2_dirty_path *x = a;
    const struct codi2_dirty_path *y = b;
    int order = str_cmp(x->path, y->path);
    return order ? order : (int)y->deep - (int)x->deep;
}

/* With all below it, on the disk and in the index. */
static int gather_below(struct mirror_round *r, struct str path)
{
    struct codi2_look look;
    bool folder = codi2_tree_look(&r->m->tree, path, &look) == 0 && look.kind == CODI2_FOLDER;
    int error = folder && !codi2_mirror_ignored(r->m, path, true) ? walk(r, path) : 0;
    return error ? error : codi2_mirror_each_below(r, path, recall);
}

/* As much of a path as has a name that the store does not take: what is below it is left out with it. */
static struct str to_first_bad(struct str path)
{
    size_t end = str_find(path, '/', 0);
    while (end < path.n && content_path_check(str_slice(path, 0, end)) == 0) {
        end = str_find(path, '/', end + 1);
    }
    return str_slice(path, 0, end);
}

/* What an event names may be longer than what the store takes: it is told as long as it is there. */
static bool is_bad_name(struct codi2_mirror *m, struct str path)
{
    struct codi2_look look;
    if (path.n == 0 || content_path_check(path) == 0) {
        return false;
    }
    struct str bad = to_first_bad(path);
    if (codi2_tree_look(&m->tree, bad, &look) == 0) {
        codi2_mirror_unkept(m, bad, CODI2_BAD_NAME);
    } else {
        codi2_status_forget(m->options.status, m->options.number, bad);
    }
    return true;
}

int codi2_mirror_gather(struct mirror_round *r, const struct codi2_dirty_path *taken, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        codi2_mirror_keep_seen(r->m, taken[i].path);
    }
    r->whole = count > 0 && taken[0].path.n == 0; /* sorted: it is the first */
    for (size_t i = 0; i < count && !error; i++) {
        if (is_bad_name(r->m, taken[i].path)) {
            continue;
        }
        if (taken[i].path.n > 0) {
            VEC_ADD(&r->paths, taken[i]);
        }
        if (taken[i].deep && (i == 0 || !r->whole)) { /* else it is walked with the whole tree */
            error = gather_below(r, taken[i].path);
        }
    }
    if (!error) {
        codi2_mirror_looked(r->m, r->whole);
    }
    if (r->paths.n > 0) {
        qsort(r->paths.at, r->paths.n, sizeof r->paths.at[0], by_bytes);
    }
    return error;
}
