/*
 * What lies on a disk of which the index was lost, and is not in the store. It may be new; or others deleted it, or moved it away,
 * alone or with a folder above it, while nobody was here to follow: then the history of its path has a version of this size, time
 * and content, and says that it went after what is here had last changed (ctime). That goes, and stays in the history. Everything
 * else is a change.
 *
 * 1. No file or link goes but what the history has, byte for byte.
 * 2. A folder goes when nothing is in it any more, and others took it away: the history says so of what was in it, or, when
 *    nothing was, of itself. What stays keeps the folders that it is in; so does what the rules leave out, such as node_modules.
 *    One in whose place others put a file or a link makes room for it; when it stays, it goes on top, and that is told.
 * 3. Where no folder ever stood in the store all that is in it is new: it is not looked at one by one.
 *
 * What this session's own workspaces deleted is not believed: they saw it gone, and here it is again, such as what an operator
 * repaired. A clock behind the server's, and a folder that was renamed away and back, can let a file go that was put back on
 * purpose within that time: it is in the history.
 */
#include "codi2/mirror_int.h"

struct left {
    struct codi2_mirror *m;
    const struct mirror_paths *seen; /* NULL: nothing of it is in the store */
};

/* Of what is in a folder. */
struct tally {
    size_t went;
    size_t stay;
};

static int look_below(struct left *l, struct str at, struct tally *t);

/* ERR_NOT_FOUND: the store never had it, or had let go of it before it came here. */
static int find_past(struct codi2_mirror *m, const struct codi2_past_query *query)
{
    ARENA_AUTO(arena);
    struct codi2_remote old;
    int error = codi2_link_past_like(m->link, &arena, query, &old);
    if (error || query->here->look.kind == CODI2_FOLDER) {
        return error;
    }
    bool same = codi2_plan_has_content(&m->tree, &arena, query->here->path, &old.hash);
    return same ? 0 : ERR_NOT_FOUND;
}

static int drop_folder(struct left *l, const struct codi2_entry *here)
{
    struct tally inside = {0};
    struct codi2_entry ever = {.path = here->path, .look = {.kind = CODI2_FOLDER}};
    int error = find_past(l->m, &(struct codi2_past_query){.here = &ever});
    error = error ? error : look_below(l, here->path, &inside);
    if (!error && inside.stay > 0) {
        return ERR_NOT_EMPTY;
    }
    if (!error && inside.went == 0) {
        error = find_past(l->m, &(struct codi2_past_query){.here = here, .by_others = true});
    }
    return error ? error : codi2_tree_remove_empty(&l->m->tree, here->path);
}

static int drop_file(struct left *l, const struct codi2_entry *here)
{
    const struct codi2_place place = {here->path, &here->look};
    int error = find_past(l->m, &(struct codi2_past_query){.here = here, .by_others = true});
    return error ? error : codi2_tree_remove_same(&l->m->tree, &place);
}

/* Whether it is to be judged: it is there, is mirrored, and nothing is known of it. */
static bool is_unknown(struct left *l, struct codi2_entry *here)
{
    ARENA_AUTO(arena);
    struct codi2_entry known;
    return content_path_check(here->path) == 0 &&
           !(l->seen && codi2_mirror_is_among(l->seen, here->path)) &&
           codi2_tree_look(&l->m->tree, here->path, &here->look) == 0 &&
           codi2_index_get(l->m->index, &arena, here->path, &known) == ERR_NOT_FOUND &&
           !codi2_mirror_ignored(l->m, here->path, here->look.kind == CODI2_FOLDER);
}

/* Where the store has a file by now it comes to a folder as a whole: codi2_mirror_drop_left_folder. */
static bool is_folder_of_both(struct left *l, struct str path)
{
    ARENA_AUTO(arena);
    struct codi2_entry known;
    struct codi2_look look;
    return l->seen && codi2_mirror_is_among(l->seen, path) &&
           codi2_tree_look(&l->m->tree, path, &look) == 0 && look.kind == CODI2_FOLDER &&
           codi2_index_get(l->m->index, &arena, path, &known) == 0 &&
           known.look.kind == CODI2_FOLDER;
}

static int look_at(struct left *l, struct str path, struct tally *t)
{
    struct codi2_entry here = {.path = path};
    if (!is_unknown(l, &here)) {
        t->stay++;
        return is_folder_of_both(l, path) ? look_below(l, path, &(struct tally){0}) : 0;
    }
    int error = here.look.kind == CODI2_FOLDER ? drop_folder(l, &here) : drop_file(l, &here);
    t->went += error == 0;
    t->stay += error != 0;
    bool stays = error == ERR_NOT_FOUND || error == ERR_NOT_EMPTY || error == ERR_FORBIDDEN ||
                 error == ERR_CONFLICT; /* it is new, or changed */
    return stays ? 0 : error;
}

static int look_below(struct left *l, struct str at, struct tally *t)
{
    ARENA_AUTO(listed);
    ARENA_AUTO(scratch);
    struct codi2_names names = {0};
    if (codi2_tree_list(&l->m->tree, &listed, at, &names) != 0) {
        t->stay++; /* shut, or gone: nothing is known of it */
        return 0;
    }
    t->stay += names.more;
    int error = 0;
    for (size_t i = 0; i < names.count && !error; i++) {
        arena_reset(&scratch);
        struct str path = arena_printf(&scratch, STR_FMT "%s" STR_FMT, STR_ARG(at),
                                       at.n > 0 ? "/" : "", STR_ARG(names.at[i]));
        error = look_at(l, path, t);
    }
    return error;
}

bool codi2_mirror_is_index_lost(const struct codi2_mirror *m)
{
    return m->fresh && atomic_load(&m->applied) == 0;
}

int codi2_mirror_drop_left_folder(struct codi2_mirror *m, const struct codi2_remote *r,
                                  bool *ret_stays)
{
    struct tally t = {0};
    bool may = r->kind != CODI2_FOLDER && codi2_mirror_is_index_lost(m);
    int error = may ? look_at(&(struct left){m, /* seen= */ NULL}, r->path, &t) : 0;
    *ret_stays = error || t.went == 0;
    return error;
}

int codi2_mirror_drop_left(struct codi2_mirror *m, const struct mirror_paths *seen)
{
    return look_below(&(struct left){m, seen}, STR(""), &(struct tally){0});
}
