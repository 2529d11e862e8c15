/*
 * Is all that the kept moments need still what was written? A backup reads back what it adds, and of what older ones wrote the
 * blocks alone: content that a disk has turned since would be found at the restore. So somebody reads it all now and then, and
 * hands what is harmed to the next backup, which writes it anew.
 *
 * The newest moment is read first and wholly, then the others from the last one on, and of each what the one before it here has
 * not at the same place: so each byte is read once. A proof is made in pieces and goes on at the cursor, by the moments of then:
 *
 * 1. The newest goes on as the newest of then. What came since was read back when it was written; what it leans on lies in the one
 *    before it, which is read as one of the others. What was found in that one is told of that one alone: the newer one mostly has
 *    it anew, and is called neither damaged for it nor whole.
 * 2. Once anything was found the blocks that two moments share are looked at in both, so that all that lack it are known.
 */
#include "backup/backup_int.h"
#include "base/log.h"
#include "base/map.h"

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
    const struct backup_proof *proof;
    struct backup_cursor *cursor;
    struct backup_directory *d;
    struct backup_table table, newer;
    char newer_name[BACKUP_NAME_ROOM]; /* the one that was read before it; empty: none */
    char next_name[BACKUP_NAME_ROOM];
    struct backup_lister lister; /* of newer */
    bool has_newer;
    struct content_codec *codec;
    struct backup_proven proven;
};

/* ---- Which moment ---- */

/* At the end, as the first of those that are read. */
static void move_newest(struct backup_moments *moments)
{
    usec_t at = backup_newest(moments);
    size_t i = moments->n - 1;
    while (at > 0 && moments->at[i].at != at) {
        i--;
    }
    struct backup_moment newest = moments->at[i];
    memmove(&moments->at[i], &moments->at[i + 1], (moments->n - 1 - i) * sizeof *moments->at);
    moments->at[moments->n - 1] = newest;
}

/* How many are left with the one that is to be read. */
static size_t find_place(const struct proving *g, const struct backup_moments *moments)
{
    const char *older = g->cursor->older;
    size_t left = moments->n - (older[0] != '\0');
    while (older[0] && left > 0 && strcmp(moments->at[left - 1].name, older) > 0) {
        left--;
    }
    return left;
}

static void choose_from(struct proving *g, const struct backup_moments *moments)
{
    size_t left = find_place(g, moments);
    if (left == 0) {
        return;
    }
    const struct backup_moment *moment = &moments->at[left - 1];
    g->proven.newest = left == moments->n;
    g->proven.at = moment->at;
    memcpy(g->proven.name, moment->name, sizeof g->proven.name);
    if (!g->proven.newest) {
        memcpy(g->newer_name, moments->at[left].name, sizeof g->newer_name);
    }
    if (left > 1) {
        memcpy(g->next_name, moments->at[left - 2].name, sizeof g->next_name);
    }
}

/* Another is the newest now. */
static void take_newest(struct proving *g)
{
    struct backup_cursor *c = g->cursor;
    if (strcmp(c->newest, g->proven.name) != 0) {
        c->part = c->part || c->key_n > 0;
        c->all = c->all || c->harmed || c->lost;
        c->harmed = c->lost = false;
    }
    memcpy(c->newest, g->proven.name, sizeof c->newest);
    g->proven.part = c->part;
    g->proven.doubt = c->part && c->all;
}

static int choose(struct proving *g)
{
    struct backup_cursor *c = g->cursor;
    struct backup_moments moments = {0};
    int r = backup_directory_list(g->d, &moments);
    if (r == 0 && moments.n > 0) {
        move_newest(&moments);
        choose_from(g, &moments);
    }
    bool other = c->older[0] && strcmp(c->older, g->proven.name) != 0;
    if (r == 0 && other) { /* that went */
        c->key_n = 0;
        c->harmed = c->lost = false;
    } else if (r == 0 && !c->older[0]) {
        take_newest(g);
    }
    r = r == 0 && moments.n == 0 ? ERR_NOT_FOUND : r;
    VEC_FREE(&moments);
    return r;
}

static void advance(struct proving *g)
{
    struct backup_cursor *c = g->cursor;
    *c = (struct backup_cursor){.all = c->all || c->harmed || c->lost};
    memcpy(c->older, g->next_name, sizeof c->older);
    g->proven.ended = c->older[0] == '\0';
    c->all = c->all && !g->proven.ended;
}

/* Somebody may delete it while it is read: ERR_NOT_FOUND. A place that does not answer says nothing of what lies there: ERR_*. */
static int look_for_it(struct proving *g)
{
    struct backup_moments moments = {0};
    bool found = false;
    int r = g->d->shelf->driver->settle(g->d->shelf);
    r = r ? r : backup_directory_list(g->d, &moments);
    for (size_t i = 0; i < moments.n; i++) {
        found = found || strcmp(moments.at[i].name, g->proven.name) == 0;
    }
    VEC_FREE(&moments);
    return r ? r : found ? 0 : ERR_NOT_FOUND;
}

/* ---- What is read of it ---- */

static int look_at_value(void *ctx, struct str key, struct str value)
{
    struct proving *g = ctx;
    struct content_hash hash;
    struct str plain;
    g->d->looked += key.n + value.n;
    if (g->proof->content && g->proof->content(key, &hash) &&
        content_decode_checked(g->codec, value, &hash, &plain) < 0) {
        g->cursor->lost = true;
    }
    return 0;
}

static int note_harm(void *ctx, const struct backup_harm *harm, struct str key)
{
    struct proving *g = ctx;
    (void)key;
    g->cursor->harmed = true;
    g->proven.pieces++;
    backup_harms_add(g->proof->harms, harm);
    return 0;
}

/* It was read as one of the newer moment's, unless there was something wrong with it. */
static int is_read(void *ctx, const struct backup_entry *entry)
{
    struct proving *g = ctx;
    struct backup_cursor *c = g->cursor;
    const struct backup_entry *other;
    if (entry->key.n <= sizeof c->key) { /* or it goes on a little earlier */
        c->key_n = entry->key.n;
        memcpy(c->key, entry->key.p, entry->key.n);
    }
    if (!g->has_newer || !entry->stored || backup_is_harmed(g->proof->harms, &entry->place)) {
        return 0;
    }
    int r = backup_lister_seek(&g->lister, entry->key, &other);
    if (backup_directory_is_damage(g->d, r)) {
        g->has_newer = false;
        return 0;
    }
    if (r) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    g->d->looked += entry->key.n;
    return other->stored && str_eq(other->key, entry->key) &&
           backup_is_same_place(&other->place, &entry->place);
}

/* Blocks that both have are read as the newer one's. */
static void drop_shared(struct backup_table *t, struct backup_table *newer)
{
    struct map *others = map_create();
    for (size_t i = 0; i < newer->blocks.n; i++) {
        struct backup_ref *ref = &newer->blocks.at[i];
        (void)map_put(others, content_hash_str(&ref->hash), ref);
    }
    size_t n = 0;
    for (size_t i = 0; i < t->blocks.n; i++) {
        const struct backup_ref *ref = &t->blocks.at[i];
        const struct backup_ref *other = map_get(others, content_hash_str(&ref->hash));
        if (other && backup_is_same_place(&other->place, &ref->place)) {
            (void)map_remove(others, content_hash_str(&ref->hash));
        } else {
            t->blocks.at[n++] = *ref;
        }
    }
    t->blocks.n = n;
    n = 0;
    for (size_t i = 0; i < newer->blocks.n; i++) {
        if (map_get(others, content_hash_str(&newer->blocks.at[i].hash))) {
            newer->blocks.at[n++] = newer->blocks.at[i];
        }
    }
    newer->blocks.n = n;
    map_destroy(others);
}

static int open_newer(struct proving *g)
{
    int r = backup_directory_table(g->d, g->newer_name, &g->newer);
    g->has_newer = r == 0;
    return r == ERR_NOT_FOUND || backup_directory_is_damage(g->d, r) ? 0 : r;
}

static void forget(struct proving *g)
{
    for (size_t i = 0; i < g->table.uses.n; i++) {
        backup_directory_forget(g->d, g->table.uses.at[i].pack);
    }
}

static int read_moment(struct proving *g)
{
    const struct backup_cursor *c = g->cursor;
    char key[sizeof c->key];
    memcpy(key, c->key, c->key_n);
    struct backup_sink sink = {.take = look_at_value,
                               .ctx = g,
                               .lost = note_harm,
                               .is_read = is_read,
                               .from = str_of(key, c->key_n)};
    int r = backup_directory_table(g->d, g->proven.name, &g->table);
    r = r == 0 && g->newer_name[0] ? open_newer(g) : r;
    if (g->has_newer && !c->all && g->proof->harms->n == 0) {
        drop_shared(&g->table, &g->newer);
        sink.part = true;
    }
    backup_lister_init(&g->lister, g->d, &g->newer);
    if (r == 0 && g->has_newer && sink.from.n > 0) {
        r = backup_lister_begin(&g->lister, sink.from);
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    forget(g); /* the disk is asked, and not what this machine remembers of it */
    r = r ? r : backup_read_table(g->d, &g->table, &sink);
    forget(g); /* others want the memory for what they read again */
    backup_lister_fini(&g->lister);
    return r;
}

/* What was found of it now says nothing. The newest goes on with the one that is it now. */
static int pass_gone(struct proving *g, const struct backup_cursor *before)
{
    g->cursor->harmed = before->harmed;
    g->cursor->lost = before->lost;
    if (!g->proven.newest) {
        advance(g);
    }
    g->proven.name[0] = '\0';
    return 0;
}

static int prove(struct proving *g)
{
    struct backup_cursor *c = g->cursor;
    struct backup_harms *harms = g->proof->harms;
    const struct backup_cursor before = *c;
    size_t known = harms->n;
    int r = read_moment(g);
    bool damaged = r == ERR_NOT_FOUND || backup_directory_is_damage(g->d, r);
    int there = damaged || c->harmed || c->lost ? look_for_it(g) : 0;
    if (there) {
        harms->n = known < harms->n ? known : harms->n;
        *c = there == ERR_NOT_FOUND ? *c : before;
        return there == ERR_NOT_FOUND ? pass_gone(g, &before) : there;
    }
    c->harmed = c->harmed || damaged;
    g->proven.harmed = c->harmed;
    g->proven.lost = c->lost;
    r = damaged ? 0 : r;
    if (r == 0) {
        advance(g);
    }
    return r;
}

static int prove_chosen(struct proving *g)
{
    int r = choose(g);
    if (r == 0 && g->proven.name[0] == '\0') { /* all that was left went */
        *g->cursor = (struct backup_cursor){.all = false};
        g->proven.ended = true;
        return 0;
    }
    return r ? r : prove(g);
}

int backup_prove(const struct backup_proof *proof, struct backup_cursor *cursor,
                 struct backup_proven *ret_proven)
{
    const struct backup_source source = {.page = proof->page, .ctx = proof->ctx};
    struct proving g = {.proof = proof, .cursor = cursor};
    *ret_proven = (struct backup_proven){.at = 0};
    int r = backup_directory_open(proof->where, /* store= */ NULL, BACKUP_TO_READ, &g.d);
    if (r) {
        return r;
    }
    g.codec = content_codec_create();
    g.d->source = &source;
    r = prove_chosen(&g);
    *ret_proven = g.proven;
    ret_proven->contents = g.table.contents;
    content_codec_destroy(g.codec);
    backup_table_fini(&g.table);
    backup_table_fini(&g.newer);
    backup_directory_close(g.d);
    return r;
}
