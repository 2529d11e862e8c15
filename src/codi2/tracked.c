#include "codi2/tracked.h"

#include <sys/stat.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codi2/git_index.h"

enum { TRACKED_MAGIC = 0x7472636b };

struct repository {
    char *folder;
    struct codi2_look look; /* of the index that was read; inode 0: none */
    struct map *paths;      /* of the tree, with the folders above them */
};

struct codi2_tracked {
    unsigned magic;
    struct codi2_tracked_options options;
    VEC(struct repository) repositories;
    size_t count; /* of all paths */
};

struct codi2_tracked *codi2_tracked_create(const struct codi2_tracked_options *options)
{
    struct codi2_tracked *t = MEM_NEW(struct codi2_tracked);
    t->magic = TRACKED_MAGIC;
    t->options = *options;
    return t;
}

void codi2_tracked_destroy(struct codi2_tracked *t)
{
    if (!t) {
        return;
    }
    ASSERT_MAGIC(t, TRACKED_MAGIC);
    codi2_tracked_forget(t);
    VEC_FREE(&t->repositories);
    t->magic = 0;
    mem_free(t);
}

void codi2_tracked_forget(struct codi2_tracked *t)
{
    for (size_t i = 0; i < t->repositories.n; i++) {
        mem_free(t->repositories.at[i].folder);
        map_destroy(t->repositories.at[i].paths);
    }
    t->repositories.n = 0;
    t->count = 0;
}

bool codi2_tracked_has(const struct codi2_tracked *t, struct str path)
{
    ASSERT_MAGIC(t, TRACKED_MAGIC);
    for (size_t i = 0; i < t->repositories.n; i++) {
        if (map_get(t->repositories.at[i].paths, path)) {
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

struct loading {
    struct codi2_tracked *t;
    struct repository *repository;
    const struct map *before; /* what was excepted already */
    bool full;
};

static bool add(struct loading *l, struct str path, bool is_folder)
{
    static char mark;
    struct codi2_tracked *t = l->t;
    if (t->count >= CODI2_MAX_TRACKED) {
        l->full = true;
        return false;
    }
    if (map_put(l->repository->paths, path, &mark)) {
        return false; /* known, and all above it */
    }
    t->count++;
    if (t->options.found && !map_get(l->before, path)) {
        t->options.found(t->options.ctx, path, is_folder);
    }
    return true;
}

static void on_path(void *ctx, struct str below)
{
    struct loading *l = ctx;
    struct str folder = str_from(l->repository->folder);
    BUF_AUTO(full, CONTENT_MAX_PATH);
    if (folder.n > 0) {
        buf_add(&full, folder);
        buf_byte(&full, '/');
    }
    buf_add(&full, below);
    struct str path = buf_str(&full);
    if (full.error || !l->t->options.ignored(l->t->options.ctx, path)) {
        return;
    }
    bool go_on = add(l, path, /* is_folder= */ false);
    struct str name;
    while (go_on) {
        content_path_split(path, &path, &name);
        go_on = path.n > folder.n && add(l, path, /* is_folder= */ true);
    }
}

/* The text of the index in memory of its own, NULL: there is none that can be read. */
static char *read_index(const struct codi2_tree *tree, struct str path, size_t *ret_size)
{
    FD_AUTO int fd = -1;
    struct stat facts;
    if (codi2_tree_open_file(tree, path, &fd) != 0 || fstat(fd, &facts) < 0 ||
        facts.st_size > CODI2_MAX_GIT_INDEX) {
        return NULL;
    }
    char *bytes = mem_alloc((size_t)facts.st_size + 1);
    ssize_t n = fd_read_full(fd, bytes, (size_t)facts.st_size);
    *ret_size = n > 0 ? (size_t)n : 0;
    return bytes;
}

static struct repository *find(struct codi2_tracked *t, struct str folder)
{
    for (size_t i = 0; i < t->repositories.n; i++) {
        if (str_eq(str_from(t->repositories.at[i].folder), folder)) {
            return &t->repositories.at[i];
        }
    }
    if (t->repositories.n == CODI2_MAX_REPOSITORIES) {
        return NULL;
    }
    VEC_ADD(&t->repositories,
            (struct repository){.folder = mem_dup(folder.p, folder.n), .paths = map_create()});
    return &t->repositories.at[t->repositories.n - 1];
}

int codi2_tracked_load(struct codi2_tracked *t, struct str folder)
{
    ASSERT_MAGIC(t, TRACKED_MAGIC);
    BUF_AUTO(path, CONTENT_MAX_PATH);
    buf_printf(&path, STR_FMT "%s.git/index", STR_ARG(folder), folder.n > 0 ? "/" : "");
    struct repository *repository = path.error ? NULL : find(t, folder);
    if (!repository) {
        return ERR_LIMIT;
    }
    struct codi2_look look = {0};
    if (codi2_tree_look(t->options.tree, buf_str(&path), &look) != 0) {
        look = (struct codi2_look){0};
    }
    if (codi2_look_same(&look, &repository->look)) {
        return 0;
    }
    struct map *before = repository->paths;
    struct loading loading = {.t = t, .repository = repository, .before = before};
    repository->paths = map_create();
    repository->look = look;
    t->count -= map_count(before);
    size_t size = 0;
    MEM_AUTO char *bytes = read_index(t->options.tree, buf_str(&path), &size);
    if (bytes && codi2_git_index_read(str_of(bytes, size), on_path, &loading) != 0) {
        repository->look =
            (struct codi2_look){0}; /* half of it was there: once more when it is next seen */
    }
    map_destroy(before);
    return loading.full ? ERR_LIMIT : 0;
}
