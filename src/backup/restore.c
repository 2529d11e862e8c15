/*
 * A store from a backup. It is made in "{directory}/restore.part", without a flush until its end, and gets its name when it is on
 * the disk; what an interrupted restore left goes at the next. A server that starts meanwhile makes an empty store: then the
 * name is taken, and nothing is overwritten.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum { BATCH_BYTES = 4 << 20, BATCH_PAIRS = 5000, LOG_BYTES = 64 << 20 };

struct restoring {
    struct store *store;
    struct arena arena; /* of the batch */
    struct store_pair *pairs;
    size_t n, bytes;
    uint64_t lost, gaps;
};

static int flush(struct restoring *g)
{
    int r = g->n > 0 ? store_load(g->store, g->pairs, g->n) : 0;
    g->n = g->bytes = 0;
    arena_reset(&g->arena);
    g->pairs = ARENA_ARRAY(&g->arena, struct store_pair, BATCH_PAIRS);
    return r;
}

static int take(void *ctx, struct str key, struct str value)
{
    struct restoring *g = ctx;
    g->pairs[g->n++] = (struct store_pair){arena_str(&g->arena, key), arena_str(&g->arena, value)};
    g->bytes += key.n + value.n;
    return g->n == BATCH_PAIRS || g->bytes >= BATCH_BYTES ? flush(g) : 0;
}

/* An empty value is content for nobody: who reads it finds it damaged, who has the bytes writes them again. */
static int lose(void *ctx, const struct backup_harm *harm, struct str key)
{
    struct restoring *g = ctx;
    if (key.n == 0) {
        g->gaps += harm->to != UINT64_MAX; /* of a pack that is gone each piece is told */
        return 0;
    }
    g->lost++;
    return take(ctx, key, STR_EMPTY);
}

/* Opened again without a word, so that the log is copied into the database: one file is all there is then. */
static int open_part(const char *part, struct store **ret_store)
{
    const struct store_options options = {.driver = "sqlite",
                                          .directory = part,
                                          .balloon = 1,
                                          .checkpoint = LOG_BYTES,
                                          .unsafe_no_sync = true};
    return store_open(&options, ret_store);
}

static int fill(const struct backup_from *from, const char *part, struct backup_report *ret_report)
{
    struct restoring g = {.store = NULL};
    int r = open_part(part, &g.store);
    if (r) {
        return r;
    }
    arena_init(&g.arena);
    (void)!flush(&g);
    const struct backup_sink sink = {take, &g, from->past_damage ? lose : NULL};
    r = backup_read(from, &sink, ret_report);
    r = r ? r : flush(&g);
    r = r ? r : store_raise_epoch(g.store);
    store_close(g.store);
    arena_fini(&g.arena);
    r = r ? r : open_part(part, &g.store);
    if (r == 0) {
        store_close(g.store);
        ret_report->lost = g.lost;
        ret_report->gaps = g.gaps;
    }
    return r;
}

void backup_remove(const char *part)
{
    DIR *dir = opendir(part);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        (void)unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir) {
        (void)closedir(dir);
        (void)rmdir(part);
    }
}

/* The file, and then its name. */
static int settle(const char *part, const char *directory)
{
    FD_AUTO int from = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FD_AUTO int to = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0 || syncfs(from) < 0) {
        return ERR_IO;
    }
    if (renameat2(from, "store.db", to, "store.db", RENAME_NOREPLACE) < 0) {
        return err_from_errno(errno);
    }
    return syncfs(to) < 0 ? ERR_IO : 0;
}

bool backup_has_store(const char *directory)
{
    DIR *dir = opendir(directory);
    bool found = false;
    for (const struct dirent *e; dir && !found && (e = readdir(dir));) {
        found = str_starts(str_from(e->d_name), STR("store."));
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

int backup_restore(const struct backup_from *from, const char *directory,
                   struct backup_report *ret_report)
{
    if (backup_has_store(directory)) {
        return ERR_EXISTS;
    }
    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        return err_from_errno(errno);
    }
    ARENA_AUTO(a);
    const char *part = arena_printf(&a, "%s/restore.part", directory).p;
    backup_remove(part);
    int r = fill(from, part, ret_report);
    r = r ? r : settle(part, directory);
    backup_remove(part);
    return r == ERR_NO_SPACE
               ? log_err(r, "backup", "there is no space left for the store in %s", directory)
               : r;
}
