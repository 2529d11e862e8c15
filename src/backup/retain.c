/*
 * What goes from a backup directory, and what never does.
 *
 * 1. A moment goes only when `keep` newer ones can be read. One that cannot be read stays for a person to look at.
 * 2. While a moment cannot be read nobody knows what it needs: no pack goes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"

struct retain {
    struct backup_directory *d;
    unsigned keep;
    unsigned good; /* moments found readable, from the newest on */
    bool unreadable;
    struct map *needed; /* names of packs */
    uint64_t gone;
};

static void need(struct retain *t, const struct backup_table *table)
{
    char name[32];
    for (size_t i = 0; i < table->uses.n; i++) {
        backup_pack_name(name, table->uses.at[i].pack, false);
        (void)map_put(t->needed, str_from(name), t);
    }
}

/* Its table, and packs as large as they were. */
static int read_moment(struct retain *t, const char *moment, struct backup_table *table)
{
    int r = backup_directory_table(t->d, moment, table);
    for (size_t i = 0; r == 0 && i < table->uses.n; i++) {
        uint64_t size = 0;
        r = backup_directory_pack_size(t->d, table->uses.at[i].pack, &size);
        r = r == 0 && size < table->uses.at[i].size ? ERR_CORRUPT : r;
    }
    return r;
}

static int judge_moment(struct retain *t, const char *moment)
{
    struct backup_table table = {0};
    int r = read_moment(t, moment, &table);
    if (r) {
        t->unreadable = true;
    } else if (t->keep > 0 && t->good == t->keep) {
        char name[BACKUP_NAME_ROOM + 8];
        (void)snprintf(name, sizeof name, "%s.moment", moment);
        r = unlinkat(t->d->fd, name, 0) < 0 ? ERR_IO : 0;
        t->gone += r == 0;
    } else {
        t->good++;
        need(t, &table);
    }
    backup_table_fini(&table);
    return t->unreadable ? 0 : r;
}

static void judge_file(const struct retain *t, const char *name)
{
    struct str s = str_from(name);
    bool part = str_ends(s, STR(".part"));
    bool spare = str_ends(s, STR(".pack")) && !t->unreadable && !map_get(t->needed, s);
    if ((part || spare) && unlinkat(t->d->fd, name, 0) < 0) {
        log_warn("backup", "%s cannot be removed from %s: %m", name, t->d->path);
    }
}

static int judge_files(const struct retain *t)
{
    int fd = openat(t->d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        fd_close(&fd);
        return ERR_IO;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        judge_file(t, e->d_name);
    }
    (void)closedir(dir);
    return 0;
}

int backup_retain(struct backup_directory *d, unsigned keep, uint64_t *ret_gone)
{
    struct backup_moments moments = {0};
    int r = backup_directory_list(d, &moments);
    if (r) {
        return r;
    }
    struct retain t = {.d = d, .keep = keep, .needed = map_create()};
    for (size_t i = moments.n; r == 0 && i > 0; i--) {
        r = judge_moment(&t, moments.at[i - 1].name);
    }
    VEC_FREE(&moments);
    if (r == 0 && t.gone > 0 && fsync(d->fd) < 0) {
        r = ERR_IO; /* packs go after the moments that need them */
    }
    r = r ? r : judge_files(&t);
    map_destroy(t.needed);
    if (r == 0) {
        *ret_gone = t.gone;
    }
    return r;
}
