/*
 * From the store to the disk. What is clean here (the disk looks as the index says) takes the store's state; what is dirty (but
 * for a mere mode: mirror_merge.c) stays and is brought on top, so that both are kept: the one on the disk, the other in
 * the history. Our own writes to the tree raise events as anybody's; they find the index in agreement and end there.
 */
#include "base/assert.h"
#include "codi2/mirror_int.h"

#define STEP_NS (100 * 1000000LL)

/* How a path stands here before a change of the store is applied. */
struct stand {
    bool indexed;
    bool present;
    bool clean; /* the disk is what the index says, be it nothing */
    bool left;  /* known is not in the index: the disk was left with it */
    struct codi2_entry known;
    struct codi2_look look;
};

/* A folder that was made for what is in it (make_parents) has a mode that nobody chose. */
static bool is_on_the_way(const struct codi2_entry *known, const struct codi2_look *now)
{
    return known->version == 0 && now->kind == CODI2_FOLDER && known->look.mode == now->mode;
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
                 (!ret->present || is_on_the_way(&ret->known, &ret->look) ||
                  codi2_look_same(&ret->known.look, &ret->look) ||
                  codi2_plan_is_as_stored(&m->tree, arena, &ret->known, &ret->look) ||
                  (codi2_look_alike(&ret->known.look, &ret->look) &&
                   codi2_plan_has_content(&m->tree, arena, path, &ret->known.hash)));
    return 0;
}

static int put_entry(struct codi2_mirror *m, const struct codi2_remote *r,
                     const struct codi2_look *look)
{
    struct codi2_entry entry = {
        .path = r->path, .look = *look, .version = r->version, .hash = r->hash};
    if (look->mode != r->mode && r->kind != CODI2_SYMLINK) { /* ours is another, and goes on top */
        entry.look.mode = r->mode;
        codi2_dirty_add(m->dirty, r->path, /* deep= */ false);
    }
    return codi2_mirror_enter(m, &entry);
}

/* ---- making ---- */

static int clear(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r);

static int clear_way(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    int error = clear(m, arena, r);
    return error ? error : codi2_index_delete(m->index, r->path);
}

/* What stands in the way stays until all of the file is here: it may be damaged. */
static int make_file(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now,
                     struct codi2_look *ret_look)
{
    ARENA_AUTO(arena);
    bool replaces = now->present && now->look.kind == CODI2_FILE;
    const struct codi2_place place = {r->path, replaces ? &now->look : NULL};
    struct codi2_draft draft;
    uint32_t mode = codi2_mirror_merged_mode(r, &now->known.look, &now->look);
    int error = codi2_tree_draft(&m->tree, r->path, mode, &draft);
    if (error) {
        return error;
    }
    error = codi2_link_download(m->link, r, draft.fd);
    if (!error && replaces && !now->clean && !codi2_mirror_merges(m, r, &now->known, &now->look)) {
        error = ERR_CONFLICT; /* it was written to meanwhile, which its time may not say */
    }
    if (!error && !replaces) {
        error = now->present ? clear_way(m, &arena, r) : codi2_mirror_drop_special(m, r->path);
    }
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

static int make_other(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r,
                      struct codi2_look *ret_look)
{
    int error = r->kind == CODI2_FOLDER
                    ? codi2_tree_make_folder(&m->tree, r->path, r->mode)
                    : codi2_tree_make_link(&m->tree, r->path, r->bytes, r->mtime);
    if (error == ERR_EXISTS && r->kind == CODI2_FOLDER) {
        error = codi2_tree_set_mode(&m->tree, r->path, r->mode);
    }
    if (!error && r->kind == CODI2_FOLDER) {
        error = codi2_mirror_add_watch(m, r->path);
    }
    if (!error || error == ERR_NOT_FOUND) { /* one that is shut cannot be watched */
        error = codi2_tree_look(&m->tree, r->path, ret_look);
    }
    bool other = error == ERR_EXISTS || (!error && ret_look->kind != r->kind) ||
                 (!error && r->kind == CODI2_SYMLINK &&
                  !codi2_plan_has_content(&m->tree, arena, r->path, &r->hash));
    return other ? ERR_CONFLICT : error;
}

/* What is no loss: it can be made again, or it is no content at all. Not all that is left out: mirror_keep.c, 3. */
static bool is_of_no_worth(struct codi2_mirror *m, struct str path, const struct stand *now)
{
    bool folder = now->look.kind == CODI2_FOLDER;
    return (!now->indexed && codi2_mirror_makeable(m, path, folder)) ||
           codi2_tree_is_special(&m->tree, path);
}

/* A folder goes when all in it went. One that is shut is opened for it, and is shut again when something stays. */
static int clear_folder(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r,
                        bool stays)
{
    struct codi2_names names = {0};
    struct codi2_way way __attribute__((cleanup(codi2_way_shut))) = {0};
    codi2_way_open(&m->tree, arena_printf(arena, STR_FMT "/", STR_ARG(r->path)), &way);
    int error = codi2_tree_list(&m->tree, arena, r->path, &names);
    stays = stays || error == ERR_FORBIDDEN || names.more;
    error = error == ERR_FORBIDDEN ? 0 : error;
    for (size_t i = 0; i < names.count && !error; i++) {
        struct codi2_remote child = {.version = r->version};
        child.path =
            arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(r->path), STR_ARG(names.at[i]));
        error = clear(m, arena, &child);
        stays = stays || error == ERR_CONFLICT;
        error = error == ERR_CONFLICT ? 0 : error;
    }
    if (!error && !stays) {
        error = codi2_tree_remove_empty(&m->tree, r->path);
    }
    stays = stays || error == ERR_NOT_EMPTY;
    return stays ? ERR_CONFLICT : error == ERR_NOT_FOUND ? 0 : error;
}

/*
 * Removes what the store is known to have, and what can be made again; the rest stays (ERR_CONFLICT), with the folders that it
 * is in, and is looked at next. Nothing that came after the last look at it is removed, or that the store took after change r.
 */
static int clear(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    int error = find_stand(m, arena, r->path, &now);
    if (error) {
        return error;
    }
    if (is_of_no_worth(m, r->path, &now)) {
        return codi2_tree_remove(&m->tree, r->path, NULL);
    }
    if (!now.present) {
        return 0;
    }
    if (codi2_mirror_too_deep(r->path)) {
        return ERR_CONFLICT;
    }
    bool came_later = now.known.version > r->version;
    if (now.look.kind == CODI2_FOLDER) {
        return clear_folder(m, arena, r, came_later);
    }
    const struct codi2_place place = {r->path, &now.look};
    bool ours = !now.clean && (now.indexed || !codi2_mirror_ignored(m, r->path, false));
    m->ours_stays = m->ours_stays || ours;
    return !now.clean || came_later ? ERR_CONFLICT : codi2_tree_remove_same(&m->tree, &place);
}

static int make_once(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now)
{
    ARENA_AUTO(arena);
    struct codi2_look look;
    bool in_the_way = r->kind != CODI2_FILE && now->present &&
                      (now->look.kind != r->kind || r->kind == CODI2_SYMLINK);
    int error = in_the_way ? clear_way(m, &arena, r) : 0;
    if (!error && r->kind != CODI2_FILE) {
        error = codi2_mirror_drop_special(m, r->path);
    }
    if (!error) {
        error =
            r->kind == CODI2_FILE ? make_file(m, r, now, &look) : make_other(m, &arena, r, &look);
    }
    return error ? error : put_entry(m, r, &look);
}

/*
 * The folders above path that are missing here: one that the index knows was deleted. Of another the store says nothing but by what is
 * in it: the index knows how it is here, and learns its version when it changes. ERR_NOT_FOUND: something else stands there.
 */
static int make_parents(struct codi2_mirror *m, struct str path)
{
    ARENA_AUTO(arena);
    struct str back = STR_EMPTY;
    int error = 0;
    for (size_t end = str_find(path, '/', 0); end < path.n && !error;
         end = str_find(path, '/', end + 1)) {
        struct str folder = str_slice(path, 0, end);
        struct codi2_entry known = {.path = folder, .look = {.kind = CODI2_FOLDER, .mode = 0755}};
        bool deleted = codi2_index_get(m->index, &arena, folder, &known) == 0;
        error = codi2_mirror_drop_special(m, folder);
        error = error ? error : codi2_tree_make_folder(&m->tree, folder, known.look.mode);
        if (!error) {
            back = deleted && back.n == 0 ? folder : back;
            codi2_dirty_add(m->dirty, folder, /* deep= */ true);
            error = codi2_mirror_add_watch(m, folder);
            error = error == ERR_NOT_FOUND ? 0 : error; /* what it is in is not watched yet */
            if (!error && !deleted && codi2_tree_look(&m->tree, folder, &known.look) == 0) {
                error = codi2_mirror_enter(m, &known); /* as it is: no change that goes on top */
            }
        } else if (error == ERR_EXISTS) {
            error = 0;
        }
    }
    if (back.n > 0) {
        codi2_mirror_tell_back(m, back, /* below= */ true);
    }
    return error;
}

/* The disk holds something that the index does not know, or that changed: compare the content before calling it a conflict. */
static int meet(struct codi2_mirror *m, const struct codi2_remote *r, const struct codi2_look *now)
{
    struct codi2_entry theirs = {.path = r->path,
                                 .look = {.kind = r->kind, .mode = r->mode, .mtime = r->mtime},
                                 .version = r->version,
                                 .hash = r->hash};
    if (r->kind == CODI2_FOLDER && now->kind == CODI2_FOLDER) {
        return put_entry(m, r, now);
    }
    /* The store's version becomes the base of ours; equal content is noticed when it is read, and is no conflict. */
    bool lost = codi2_mirror_is_index_lost(m); /* who changed it is not known */
    codi2_dirty_conflict(m->dirty, r->path, lost ? CODI2_DIFFERS : CODI2_BOTH_CHANGED);
    codi2_dirty_add(m->dirty, r->path, now->kind == CODI2_FOLDER);
    return codi2_mirror_enter(m, &theirs);
}

/*
 * A folder above it that was deleted here is made again, for this alone. Where a file took the folder's place nothing is made:
 * the disk's state goes on top. The index learns of it all the same: the folder may have been moved, then it goes along.
 */
static int make(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *now)
{
    int error = make_once(m, r, now);
    if (!error && now->indexed && !now->present) {
        codi2_mirror_tell_back(m, r->path, /* below= */ false);
    }
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
    if (error == ERR_NOT_FOUND) {
        codi2_mirror_meet_above(m, r->path);
    }
    if (error == ERR_NOT_FOUND && r->kind != CODI2_FOLDER) {
        return meet(m, r, &(struct codi2_look){.kind = r->kind, .mode = r->mode});
    }
    return error == ERR_NOT_FOUND ? 0 : error;
}

/*
 * Whether the disk holds a version that the store has gone on from, and nobody touched it since: the same content with the same
 * time. The index would have known (it was lost, or is of another boot). What a program brings back has a time of its own; what
 * comes back with its old one (mv, cp -p, tar) has changed (ctime) later. What others wrote may have come late (files/history.c).
 */
static int see_left_behind(struct codi2_mirror *m, struct arena *arena,
                           const struct codi2_remote *r, struct stand *now)
{
    if (now->look.kind == CODI2_FOLDER) {
        return codi2_mirror_drop_left_folder(m, r, &now->present);
    }
    const struct codi2_entry here = {.path = r->path, .look = now->look};
    struct codi2_remote old;
    bool other = now->look.kind != r->kind || now->look.size != r->size ||
                 codi2_look_time(&now->look) != r->mtime / 1000;
    bool may = now->present && !now->indexed && other;
    const struct codi2_past_query query = {.here = &here};
    int error = may ? codi2_link_past_like(m->link, arena, &query, &old) : ERR_NOT_FOUND;
    if (error || old.version >= r->version ||
        !codi2_plan_has_content(&m->tree, arena, r->path, &old.hash)) {
        return error == ERR_NOT_FOUND ? 0 : error;
    }
    now->clean = true;
    if (r->kind == CODI2_FILE && now->look.kind == CODI2_FILE) { /* the one replaces the other */
        now->left = true;
        now->known = (struct codi2_entry){
            .path = r->path, .look = now->look, .version = old.version, .hash = old.hash};
        codi2_look_doubt(&now->known.look);
        return 0;
    }
    if (r->damaged) {
        return 0;
    }
    const struct codi2_place place = {r->path, &now->look};
    error = codi2_tree_remove_same(&m->tree, &place);
    now->clean = error != ERR_CONFLICT; /* it changed: it stays */
    now->present = error != 0;
    return now->clean ? error : 0;
}

static int apply_state(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    int error = find_stand(m, arena, r->path, &now);
    if (error || (now.indexed && now.known.version >= r->version)) {
        return error; /* or it is ours, or applied already */
    }
    error = see_left_behind(m, arena, r, &now);
    if (error) {
        return error;
    }
    if (!now.clean && now.present && !codi2_mirror_merges(m, r, &now.known, &now.look)) {
        return meet(m, r, &now.look);
    }
    error =
        r->damaged ? ERR_CORRUPT : make(m, r, &now); /* deleted here, changed there: it is back */
    if (error == ERR_CORRUPT && now.left) { /* what is here stays, and is no change of ours */
        int kept = codi2_index_put(m->index, &now.known);
        error = kept ? kept : error;
    }
    return error;
}

/* What the mode of a folder above forbids is done once more with the way open. */
static int with_way(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r,
                    int (*deed)(struct codi2_mirror *m, struct arena *arena,
                                const struct codi2_remote *r))
{
    int error = deed(m, arena, r);
    if (error != ERR_FORBIDDEN) {
        return error;
    }
    struct codi2_way way __attribute__((cleanup(codi2_way_shut))) = {0};
    codi2_way_open(&m->tree, r->path, &way);
    codi2_way_open(&m->tree, r->from, &way);
    return way.gates.n > 0 ? deed(m, arena, r) : error;
}

int codi2_mirror_apply_state(struct codi2_mirror *m, struct arena *arena,
                             const struct codi2_remote *r)
{
    int error = with_way(m, arena, r, apply_state);
    return error == ERR_CORRUPT ? codi2_mirror_damaged(m, r->path)
           : error              ? error
                                : codi2_mirror_mended(m, r->path);
}

/* ---- changes ---- */

/* What is not clean stays and becomes new; what came later stays and is known, of a folder with all that is in it. */
static int apply_deletion(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r)
{
    struct stand now;
    const struct codi2_entry gone = {.path = r->path, .version = r->version};
    bool some_stays = false;
    int error = find_stand(m, arena, r->path, &now);
    if (error || !now.indexed || now.known.version > r->version) {
        return error;
    }
    error = codi2_index_older_came_later(m->index, arena, &gone, &some_stays);
    if (error || some_stays) {
        return error ? error : codi2_mirror_start_anew(m); /* which of it, versions do not say */
    }
    m->ours_stays = false;
    error = clear(m, arena, r);
    if (error == ERR_CONFLICT) {
        codi2_mirror_tell_stays(m, r->path, now.look.kind);
        codi2_dirty_add(m->dirty, r->path, /* deep= */ true);
        error = 0;
    }
    return error ? error : codi2_index_delete_older(m->index, r->path, r->version);
}

int codi2_mirror_apply_deletion(struct codi2_mirror *m, struct arena *arena,
                                const struct codi2_remote *r)
{
    int error = with_way(m, arena, r, apply_deletion);
    return error ? error : codi2_mirror_mended_below(m, r->path);
}

/* The move itself. ERR_CONFLICT: what stood at either end had changed at the last moment, and stays. */
static int carry(struct codi2_mirror *m, const struct codi2_remote *r, const struct stand *old)
{
    struct codi2_look look;
    int error = codi2_tree_rename(&m->tree, r->from, r->path);
    bool shut = error == ERR_FORBIDDEN && r->kind == CODI2_FOLDER &&
                (old->look.mode & S_IWUSR) == 0; /* it cannot leave the folder that it is in */
    if (error) {
        return error == ERR_EXISTS || shut ? ERR_CONFLICT : error;
    }
    if (codi2_tree_look(&m->tree, r->path, &look) != 0) {
        return 0; /* gone on: that is looked at next */
    }
    look.ctime = old->look.ctime; /* a rename changes it */
    if (codi2_look_same(&look, &old->look)) {
        return 0;
    }
    error = codi2_tree_rename(&m->tree, r->path, r->from);
    return error && error != ERR_EXISTS ? error : ERR_CONFLICT;
}

/* Both ends are as the index says: the same move here. */
static int move_here(struct codi2_mirror *m, struct arena *arena, const struct codi2_remote *r,
                     const struct stand *old)
{
    int error = clear(m, arena, r);
    if (!error) {
        error = make_parents(m, r->path);
    }
    if (!error) {
        error = carry(m, r, old);
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
    error = error ? error : codi2_mirror_mended_below(m, r->path);
    if (error) {
        return error;
    }
    struct codi2_look look = old->look;
    look.ctime = 0; /* what was written since the look is found by the next one */
    codi2_dirty_add(m->dirty, r->path, /* deep= */ false);
    return put_entry(m, r, &look);
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
    bool whole = old.clean && old.present && target.clean && old.known.version < r->version &&
                 !codi2_mirror_is_damaged_below(m, r->from);
    if (whole && r->kind == CODI2_FOLDER) {
        const struct codi2_entry move = {.path = r->from, .version = r->version};
        error = codi2_index_is_older(m->index, arena, &move, &whole);
        if (error) {
            return error;
        }
    }
    if (whole) {
        error = move_here(m, arena, r, &old);
        if (error != ERR_CONFLICT) {
            return error;
        }
    }
    if (r->kind == CODI2_FOLDER) {
        return codi2_mirror_start_anew(m); /* what is in it is told of by no change of its own */
    }
    struct codi2_remote gone = *r;
    gone.path = r->from;
    error = codi2_mirror_apply_deletion(m, arena, &gone);
    return error ? error : codi2_mirror_apply_state(m, arena, r);
}

int codi2_mirror_apply_move(struct codi2_mirror *m, struct arena *arena,
                            const struct codi2_remote *r)
{
    return with_way(m, arena, r, apply_move);
}
