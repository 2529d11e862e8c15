/*
 * A move is recognised by the inode: the index knows it under another path, nothing of that kind is there any more, and (for
 * a file or link, whose inode may have been used again) size, time of change of the content and the content itself are the
 * same. Times prove nothing: what is unpacked or copied has those of its origin, for many files the same. Taking a move for
 * a deletion and a creation would be right too, but would cut the file's history.
 */
#include "codi2/plan.h"

#include "base/fd.h"

bool codi2_plan_has_content(const struct codi2_tree *tree, struct arena *arena, struct str path,
                            const struct content_hash *hash)
{
    enum { PIECE = 64 * 1024 };
    FD_AUTO int fd = -1;
    struct str target;
    struct content_hash now;
    if (codi2_tree_read_link(tree, arena, path, &target) == 0) {
        content_hash(target, &now);
        return content_hash_eq(&now, hash);
    }
    if (codi2_tree_open_file(tree, path, &fd) != 0) {
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

bool codi2_plan_is_as_stored(const struct codi2_tree *tree, struct arena *arena,
                             const struct codi2_entry *known, const struct codi2_look *now)
{
    bool unseen = known->look.inode == 0 && known->version > 0;
    return unseen && now->kind != CODI2_FOLDER && known->look.kind == now->kind &&
           (now->kind == CODI2_SYMLINK || known->look.mode == now->mode) &&
           codi2_look_time(&known->look) == codi2_look_time(now) &&
           codi2_plan_has_content(tree, arena, known->path, &known->hash);
}

static bool is_gone(const struct codi2_tree *tree, const struct codi2_entry *entry)
{
    struct codi2_look now;
    int error = codi2_tree_look(tree, entry->path, &now);
    return error == ERR_NOT_FOUND ||
           (!error && (now.kind != entry->look.kind || now.inode != entry->look.inode));
}

static bool moved_here(const struct codi2_planner *p, const struct codi2_entry *entry,
                       const struct codi2_step *step)
{
    const struct codi2_look *look = &step->look;
    if (entry->look.kind != look->kind || str_eq(entry->path, step->path) ||
        content_path_within(step->path, entry->path) || !is_gone(p->tree, entry)) {
        return false;
    }
    return look->kind == CODI2_FOLDER ||
           (entry->look.size == look->size && entry->look.mtime == look->mtime &&
            codi2_plan_has_content(p->tree, p->arena, step->path, &entry->hash));
}

/* Of a file with several names (hard links) the one that is gone moved. Of very many not all are looked at: each new one would be so often. */
static int find_move(const struct codi2_planner *p, struct codi2_step *step)
{
    struct codi2_links links = {.inode = step->look.inode};
    struct codi2_entries known = {0};
    size_t looked = 0;
    int error;
    do {
        error = codi2_index_by_inode(p->index, p->arena, &links, &known);
        for (size_t i = 0; !error && i < known.count; i++) {
            links.after = known.at[i].path;
            if (moved_here(p, &known.at[i], step)) {
                step->op = CODI2_MOVE;
                step->from = known.at[i].path;
                step->base = known.at[i].version;
                return 0;
            }
        }
        looked += known.count;
    } while (!error && known.count == CODI2_MAX_LINKS && looked < CODI2_MOST_NAMES_OF_ONE);
    return error;
}

static enum codi2_op creation(enum codi2_kind kind)
{
    switch (kind) {
    case CODI2_FILE:
        return CODI2_WRITE;
    case CODI2_FOLDER:
        return CODI2_MKDIR;
    default:
        return CODI2_LINK;
    }
}

/* Nothing is known of path: it moved here, or it is new. */
static int plan_new(const struct codi2_planner *p, struct codi2_step *step)
{
    int error = find_move(p, step);
    if (!error && step->op == CODI2_NOTHING) {
        step->op = creation(step->look.kind);
    }
    return error;
}

/*
 * Another folder stands where the index knows one. When it moved here the old one makes room for it; else it takes the old one's
 * place, and each entry is judged by itself: what is missing in it is no deletion that anybody explained.
 */
static int plan_other_folder(const struct codi2_planner *p, struct codi2_step *step)
{
    struct codi2_step moved = *step;
    int error = find_move(p, &moved);
    step->op = moved.op == CODI2_MOVE ? CODI2_DELETE : CODI2_MKDIR;
    step->replaced = step->op == CODI2_MKDIR;
    return error;
}

/* The index knows something else at path. */
static int plan_changed(const struct codi2_planner *p, const struct codi2_entry *known,
                        struct codi2_step *step)
{
    bool other = known->look.inode != step->look.inode;
    step->base = known->version;
    if (known->look.kind != step->look.kind) {
        step->op = CODI2_DELETE;
        return 0;
    }
    if (step->look.kind == CODI2_FOLDER && other) {
        return plan_other_folder(p, step);
    }
    if (step->look.kind == CODI2_FOLDER) {
        step->op = known->look.mode != step->look.mode ? CODI2_MODE : CODI2_NOTHING;
        return 0;
    }
    int error = other ? find_move(p, step) : 0;
    if (step->op == CODI2_MOVE) {
        step->overwrite = true;
        step->to_base = known->version;
    } else {
        step->op = creation(step->look.kind);
    }
    return error;
}

int codi2_plan(const struct codi2_planner *p, struct str path, struct codi2_step *ret_step)
{
    struct codi2_step step = {.op = CODI2_NOTHING, .path = path};
    struct codi2_entry known = {0};
    int error = codi2_index_get(p->index, p->arena, path, &known);
    bool indexed = !error;
    if (error && error != ERR_NOT_FOUND) {
        return error;
    }
    error = codi2_tree_look(p->tree, path, &step.look);
    if (error == ERR_NOT_FOUND) {
        step.op = indexed ? CODI2_DELETE : CODI2_NOTHING;
        step.base = known.version;
        error = 0;
    } else if (!error && !indexed) {
        error = plan_new(p, &step);
    } else if (!error && !codi2_look_same(&known.look, &step.look)) {
        error = plan_changed(p, &known, &step);
    }
    if (!error) {
        *ret_step = step;
    }
    return error;
}
