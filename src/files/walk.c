/*
 * From entry to entry of a tree. A walk holds the folders from the top to where it is; a cursor is the path of the last
 * entry, from which these folders are found again, so that a page costs what it returns, not what was returned before.
 */
#include "files/files_int.h"

enum { BATCH = 128 };

struct files_level { /* a folder on the way down */
    struct files_level *above;
    uint64_t folder;
    struct str path; /* of it, relative to where the walk began */
    struct files_children children;
    size_t next;      /* of children, not yet returned */
    struct str after; /* the last name taken */
    bool more;        /* children may follow behind what was read */
};

struct str files_path_join(struct arena *arena, struct str folder, struct str name)
{
    if (folder.n == 0) {
        return name;
    }
    char *p = arena_alloc(arena, folder.n + 1 + name.n);
    memcpy(p, folder.p, folder.n);
    p[folder.n] = '/';
    memcpy(p + folder.n + 1, name.p, name.n);
    return str_of(p, folder.n + 1 + name.n);
}

static void walk_down(struct files_walk *w, uint64_t folder, struct str path, struct str after)
{
    struct files_level *level = ARENA_NEW(w->tx->arena, struct files_level);
    *level = (struct files_level){
        .above = w->here, .folder = folder, .path = path, .after = after, .more = true};
    w->here = level;
}

/* Back to where the last page ended. What is gone meanwhile is passed over. */
static int walk_resume(struct files_walk *w, struct str cursor)
{
    struct str rest = cursor.n > 0 ? cursor : STR_EMPTY; /* "" would be one empty name */
    struct str name;
    while (str_split(&rest, '/', &name)) {
        struct files_level *level = w->here;
        level->after = name;
        if (!w->recursive) {
            return 0;
        }
        struct files_children_query query = {
            .folder = level->folder, .at = w->at, .after = name, .past_damage = w->past_damage};
        struct files_record record;
        int r = files_child_at(w->tx, &query, &record);
        if (r == ERR_NOT_FOUND || (r == ERR_CORRUPT && w->past_damage) ||
            (r == 0 && record.kind != FILES_FOLDER)) {
            return 0;
        }
        if (r < 0) {
            return r;
        }
        walk_down(w, record.id, files_path_join(w->tx->arena, level->path, name), STR_EMPTY);
    }
    return 0;
}

static int level_fill(struct files_walk *w, struct files_level *level)
{
    while (level->next == level->children.n && level->more) {
        struct files_children_query query = {.folder = level->folder,
                                             .at = w->at,
                                             .after = level->after,
                                             .limit = BATCH,
                                             .past_damage = w->past_damage};
        int r = files_children(w->tx, &query, &level->children);
        if (r < 0) {
            return r;
        }
        level->next = 0;
        level->more = level->children.more;
        level->after = level->children.last;
    }
    return 0;
}

int files_walk_next(struct files_walk *w, struct str *ret_path, struct files_record *ret_record)
{
    while (w->here) {
        struct files_level *level = w->here;
        int r = level_fill(w, level);
        if (r < 0) {
            return r;
        }
        if (level->next == level->children.n) {
            w->here = level->above;
            continue;
        }
        const struct files_named *child = &level->children.at[level->next++];
        *ret_path = files_path_join(w->tx->arena, level->path, child->name);
        *ret_record = child->record;
        w->damaged = child->damaged;
        if (w->recursive && child->record.kind == FILES_FOLDER) {
            walk_down(w, child->record.id, *ret_path, STR_EMPTY);
        }
        return 0;
    }
    return ERR_NOT_FOUND;
}

int files_walk_begin(struct files_walk *w, uint64_t folder, struct str after)
{
    walk_down(w, folder, STR_EMPTY, STR_EMPTY);
    return walk_resume(w, after);
}

void files_walk_skip(struct files_walk *w, struct str path)
{
    if (w->here && str_eq(w->here->path, path)) {
        w->here = w->here->above;
    }
}
