/*
 * Is all that the newest moment needs still what was written? A backup reads back what it adds, and of what older ones wrote the
 * blocks alone: content that a disk has turned since would be found at the restore. So somebody reads it all now and then, and
 * hands what is harmed to the next backup, which writes it anew.
 */
#include "backup/backup_int.h"
#include "base/log.h"

enum { HARMS_MOST = 1000 }; /* above, a pack with harm counts as gone */

bool backup_is_harmed(const struct backup_harms *harms, const struct backup_place *place)
{
    for (size_t i = 0; i < harms->n; i++) {
        const struct backup_harm *harm = &harms->at[i];
        if (harm->pack == place->pack && place->offset < harm->to &&
            place->offset + place->size > harm->from) {
            return true;
        }
    }
    return false;
}

void backup_harms_add(struct backup_harms *harms, const struct backup_harm *harm)
{
    for (size_t i = 0; i < harms->n; i++) {
        struct backup_harm *known = &harms->at[i];
        if (known->pack != harm->pack) {
            continue;
        }
        if (harms->n >= HARMS_MOST) {
            *known = (struct backup_harm){.pack = harm->pack, .to = UINT64_MAX};
        }
        if (known->from <= harm->from && harm->to <= known->to) {
            return;
        }
    }
    VEC_ADD(harms, *harm);
}

struct proving {
    struct backup_directory *d;
    struct backup_table table;
    struct backup_harms harms;
};

static int count_bytes(void *ctx, struct str key, struct str value)
{
    struct proving *g = ctx;
    g->d->looked += key.n + value.n;
    return 0;
}

static int note_harm(void *ctx, const struct backup_harm *harm, struct str key)
{
    struct proving *g = ctx;
    (void)key;
    backup_harms_add(&g->harms, harm);
    return 0;
}

static void forget(struct proving *g)
{
    for (size_t i = 0; i < g->table.uses.n; i++) {
        backup_directory_forget(g->d, g->table.uses.at[i].pack);
    }
}

/* ret_name: empty when there is none. */
static int find_newest(struct backup_directory *d, char ret_name[static BACKUP_NAME_ROOM])
{
    struct backup_moments moments = {0};
    int r = backup_directory_list(d, &moments);
    usec_t newest = r ? 0 : backup_newest(&moments);
    ret_name[0] = '\0';
    for (size_t i = 0; newest > 0 && i < moments.n; i++) {
        if (moments.at[i].at == newest) {
            memcpy(ret_name, moments.at[i].name, BACKUP_NAME_ROOM);
        }
    }
    VEC_FREE(&moments);
    return r ? r : ret_name[0] ? 0 : ERR_NOT_FOUND;
}

/* Somebody may delete it while it is read; a place that does not answer says nothing of that. */
static bool is_deleted(struct backup_directory *d, const char *name)
{
    struct backup_moments moments = {0};
    bool found = false;
    bool answers =
        d->shelf->driver->settle(d->shelf) == 0 && backup_directory_list(d, &moments) == 0;
    for (size_t i = 0; i < moments.n; i++) {
        found = found || strcmp(moments.at[i].name, name) == 0;
    }
    VEC_FREE(&moments);
    return answers && !found;
}

static int prove(struct proving *g)
{
    char name[BACKUP_NAME_ROOM];
    int r = find_newest(g->d, name);
    if (r) {
        return r;
    }
    r = backup_directory_table(g->d, name, &g->table);
    forget(g); /* the disk is asked, and not what this machine remembers of it */
    const struct backup_sink sink = {count_bytes, g, note_harm};
    r = r ? r : backup_read_table(g->d, &g->table, &sink);
    forget(g); /* others want the memory for what they read again */
    bool damaged = backup_directory_is_damage(g->d, r);
    if ((damaged || g->harms.n > 0) && is_deleted(g->d, name)) {
        VEC_FREE(&g->harms);
        return ERR_NOT_FOUND;
    }
    return damaged ? ERR_CORRUPT : r;
}

int backup_prove(const struct backup_proof *proof, struct backup_harms *ret_harms,
                 struct backup_report *ret_report)
{
    const struct backup_source source = {.page = proof->page, .ctx = proof->ctx};
    struct proving g = {.d = NULL};
    int r = backup_directory_open(proof->where, /* store= */ NULL, BACKUP_TO_READ, &g.d);
    if (r) {
        return r;
    }
    g.d->source = &source;
    r = prove(&g);
    *ret_harms = g.harms;
    if (r == 0) {
        *ret_report = (struct backup_report){
            .at = g.table.at, .keys = g.table.keys, .contents = g.table.contents};
        memcpy(ret_report->name, g.table.name, sizeof ret_report->name);
    }
    backup_table_fini(&g.table);
    backup_directory_close(g.d);
    return r;
}
