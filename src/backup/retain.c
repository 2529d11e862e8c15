/*
 * What goes from a backup directory, and what never does.
 *
 * 1. A moment goes only when `keep` newer ones can be read. One that cannot be read stays for a person to look at.
 * 2. While a moment cannot be read nobody knows what it needs: no pack goes.
 * 3. A moment that lies ahead is one of a clock that was wrong: it is no newer one, and stays until its time has come. What was
 *    made since would go at once in favour of it.
 */
#include "backup/backup_int.h"
#include "base/log.h"
#include "base/map.h"

struct retain {
    struct backup_directory *d;
    unsigned keep;
    unsigned good; /* moments found readable, from the newest on */
    bool unreadable;
    usec_t now;
    struct map *needed; /* names of packs */
    uint64_t gone;
};

static void need(struct retain *t, const struct backup_table *table)
{
    char name[BACKUP_FILE_ROOM];
    for (size_t i = 0; i < table->uses.n; i++) {
        backup_pack_file(name, table->uses.at[i].pack);
        (void)map_put(t->needed, str_from(name), t);
    }
}

static int judge_moment(struct retain *t, const struct backup_moment *moment)
{
    struct backup_table table = {0};
    int r = backup_directory_table(t->d, moment->name, &table);
    r = r ? r : backup_directory_check_uses(t->d, &table);
    if (r) {
        t->unreadable = true;
    } else if (t->keep > 0 && t->good == t->keep && moment->at <= t->now) {
        char name[BACKUP_FILE_ROOM];
        backup_moment_file(name, moment->name);
        r = t->d->shelf->driver->remove(t->d->shelf, name);
        t->gone += r == 0;
    } else {
        t->good += moment->at <= t->now;
        need(t, &table);
    }
    backup_table_fini(&table);
    return t->unreadable ? 0 : r;
}

static void judge_file(void *ctx, const char *name)
{
    const struct retain *t = ctx;
    struct backup_shelf *shelf = t->d->shelf;
    struct str s = str_from(name);
    bool part = str_ends(s, STR(".part"));
    bool spare = str_ends(s, STR(".pack")) && !t->unreadable && !map_get(t->needed, s);
    int r = part || spare ? shelf->driver->remove(shelf, name) : 0;
    if (r) {
        log_warn("backup", "%s cannot be removed from %s: %s", name, t->d->path, err_name(r));
    }
}

int backup_retain(struct backup_directory *d, unsigned keep, uint64_t *ret_gone)
{
    struct backup_moments moments = {0};
    int r = backup_directory_list(d, &moments);
    if (r) {
        return r;
    }
    struct retain t = {.d = d, .keep = keep, .now = time_now(), .needed = map_create()};
    for (size_t i = moments.n; r == 0 && i > 0; i--) {
        r = judge_moment(&t, &moments.at[i - 1]);
    }
    VEC_FREE(&moments);
    if (r == 0 && t.gone > 0) {
        r = d->shelf->driver->settle(d->shelf); /* packs go after the moments that need them */
    }
    r = r ? r : d->shelf->driver->list(d->shelf, &(struct backup_names){judge_file, &t});
    map_destroy(t.needed);
    if (r == 0) {
        *ret_gone = t.gone;
    }
    return r;
}
