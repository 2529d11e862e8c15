#include "codi2/unkept.h"

#include <stdlib.h>

#include "base/vec.h"
#include "content/content.h"

static const char *const names[] = {
    [CODI2_IGNORED] = "ignored",       [CODI2_SPECIAL] = "special",
    [CODI2_UNREADABLE] = "unreadable", [CODI2_TOO_LARGE] = "too_large",
    [CODI2_BAD_NAME] = "bad_name",     [CODI2_REFUSED] = "refused",
    [CODI2_DAMAGED] = "damaged",
};

void codi2_unkept_init(struct codi2_unkept *u)
{
    *u = (struct codi2_unkept){.paths = map_create()};
}

void codi2_unkept_fini(struct codi2_unkept *u)
{
    map_destroy(u->paths);
    u->paths = NULL;
}

static void *value_of(enum codi2_why why)
{
    return (void *)((uintptr_t)why + 1);
}

static bool is_damaged(const struct codi2_unkept *u, struct str path)
{
    return map_get(u->paths, path) == value_of(CODI2_DAMAGED);
}

bool codi2_unkept_add(struct codi2_unkept *u, struct str path, enum codi2_why why)
{
    if (is_damaged(u, path)) {
        return false;
    }
    if (why != CODI2_DAMAGED && !map_get(u->paths, path) &&
        map_count(u->paths) >= CODI2_MAX_NOT_KEPT) {
        bool news = !u->more;
        u->more = true;
        return news;
    }
    void *value = value_of(why);
    return map_put(u->paths, path, value) != value;
}

bool codi2_unkept_mended(struct codi2_unkept *u, struct str path)
{
    return is_damaged(u, path) && map_remove(u->paths, path) != NULL;
}

bool codi2_unkept_forget(struct codi2_unkept *u, struct str path)
{
    size_t position = 0;
    struct str known;
    void *why;
    bool any = false;
    while (map_next(u->paths, &position, &known, &why)) {
        if (content_path_within(known, path) && why != value_of(CODI2_DAMAGED)) {
            (void)map_remove(u->paths, known);
            any = true;
        }
    }
    u->more = u->more && path.n > 0;
    return any;
}

bool codi2_unkept_kept(struct codi2_unkept *u, struct str path)
{
    return !is_damaged(u, path) && map_remove(u->paths, path) != NULL;
}

struct one {
    struct str path;
    enum codi2_why why;
};

static int by_path(const void *a, const void *b)
{
    const struct one *x = a;
    const struct one *y = b;
    return str_cmp(x->path, y->path);
}

static bool is_failure(enum codi2_why why)
{
    return why != CODI2_IGNORED && why != CODI2_SPECIAL;
}

struct codi2_unkept_sum codi2_unkept_sum(const struct codi2_unkept *u)
{
    size_t position = 0;
    struct codi2_unkept_sum sum = {0};
    struct str path;
    void *value;
    while (map_next(u->paths, &position, &path, &value)) {
        sum.failed += is_failure((enum codi2_why)((uintptr_t)value - 1));
        sum.damaged += value == value_of(CODI2_DAMAGED);
    }
    return sum;
}

/* False: it may not fit any more (a byte takes at most 6 as JSON). */
static bool write_one(const struct codi2_unkept_list *list, const struct one *one,
                      struct json_writer *w)
{
    BUF_AUTO(full, 2 * CONTENT_MAX_PATH);
    buf_add(&full, list->prefix);
    buf_add(&full, one->path);
    if (w->out->n + 6 * full.n + 64 >= list->room) {
        return false;
    }
    if (!list->with_why) {
        json_string(w, buf_str(&full));
        return true;
    }
    json_object(w);
    json_member_string(w, "path", buf_str(&full));
    json_member_string(w, "why", str_from(names[one->why]));
    json_object_end(w);
    return true;
}

bool codi2_unkept_write(const struct codi2_unkept *u, const struct codi2_unkept_list *list,
                        struct json_writer *w)
{
    VEC(struct one) all = {0};
    size_t position = 0;
    struct str path;
    void *value;
    while (map_next(u->paths, &position, &path, &value)) {
        enum codi2_why why = (enum codi2_why)((uintptr_t)value - 1);
        if (!list->failed || is_failure(why)) {
            VEC_ADD(&all, ((struct one){path, why}));
        }
    }
    if (all.n > 0) {
        qsort(all.at, all.n, sizeof all.at[0], by_path);
    }
    bool whole = all.n <= list->most;
    for (size_t i = 0; i < all.n && i < list->most; i++) {
        whole = write_one(list, &all.at[i], w) && whole;
    }
    VEC_FREE(&all);
    return whole;
}
