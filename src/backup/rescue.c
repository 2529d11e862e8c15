/*
 * Content that the store has lost, and an older backup has not: it is looked for in all that are there, the newest first, and
 * written anew with what the moment adds. Otherwise the only good copy would go with the pack or the moment that it lies in.
 *
 * 1. What is found is compared with its content's hash, and not with its frame's alone, before it is taken for whole.
 * 2. However much is wanted, at most twice as many blocks are read as there are: much is looked for in order, what two moments
 *    share in the newer one alone.
 */
#include "backup/backup_int.h"
#include "base/log.h"
#include "base/map.h"

enum {
    WANTED_MOST = 100 * 1000
}; /* above, the rest stays as it is in the store; the next backup looks for it */

void backup_rescue_init(struct backup_rescue *g)
{
    *g = (struct backup_rescue){.places = map_create(), .codec = content_codec_create()};
    arena_init(&g->arena);
}

void backup_rescue_fini(struct backup_rescue *g)
{
    map_destroy(g->places);
    content_codec_destroy(g->codec);
    VEC_FREE(&g->wanted);
    arena_fini(&g->arena);
}

void backup_rescue_want(struct backup_rescue *g, const struct backup_wanted *what)
{
    if (g->wanted.n < WANTED_MOST) {
        VEC_ADD(&g->wanted, (struct backup_wanted){arena_str(&g->arena, what->key), what->hash});
    }
}

const struct backup_place *backup_rescue_find(const struct backup_rescue *g, struct str key)
{
    return map_get(g->places, key);
}

/* A search by halving reads fewer blocks. */
enum { HALVING = 32 };

struct search {
    struct backup_rescue *rescue;
    const struct backup_rescue_to *to;
    struct backup_lister lister;
    bool in_order; /* all blocks are read, one after the other: what is wanted is in order too */
};

static int write_found(struct search *s, const struct backup_wanted *what, struct str plain)
{
    struct backup_frame frame = {.type = BACKUP_VALUE, .plain = plain};
    backup_frame_hash(&frame);
    struct backup_place *place = ARENA_NEW(&s->rescue->arena, struct backup_place);
    int r = backup_writer_frame(s->to->writer, &frame, place);
    place->pack = s->to->pack;
    if (r == 0) {
        (void)map_put(s->rescue->places, what->key, place);
    }
    return r;
}

/* A block that cannot be read is passed over; halving would end at it each time, and what lies behind it be read from there. */
static int seek(struct search *s, struct str key, const struct backup_entry **ret_entry)
{
    int r = s->in_order ? 0 : backup_lister_begin(&s->lister, key);
    r = r ? r : backup_lister_seek(&s->lister, key, ret_entry);
    while (backup_directory_is_damage(s->to->d, r)) {
        s->in_order = true;
        (void)backup_lister_skip(&s->lister);
        r = backup_lister_seek(&s->lister, key, ret_entry);
    }
    return r;
}

/* ERR_NOT_FOUND: this moment has it not, or not whole. */
static int search_for(struct search *s, const struct backup_wanted *what)
{
    const struct backup_entry *entry;
    int r = seek(s, what->key, &entry);
    if (r || !str_eq(entry->key, what->key) || !entry->stored) {
        return r ? r : ERR_NOT_FOUND;
    }
    struct backup_frame frame = {.type = BACKUP_VALUE};
    struct str key, value, plain;
    r = backup_directory_frame(s->to->d, &entry->place, &frame);
    if (r) {
        return r;
    }
    if (backup_value_take(frame.plain, &key, &value) < 0 || !str_eq(key, what->key) ||
        content_decode_checked(s->rescue->codec, value, &what->hash, &plain) < 0) {
        return ERR_NOT_FOUND;
    }
    return write_found(s, what, frame.plain);
}

static int search_moment(struct backup_rescue *g, const struct backup_rescue_to *to,
                         const struct backup_table *table)
{
    struct search s = {.rescue = g, .to = to, .in_order = g->wanted.n * HALVING >= table->blocks.n};
    backup_lister_init(&s.lister, to->d, table);
    size_t left = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->wanted.n; i++) {
        r = search_for(&s, &g->wanted.at[i]);
        if (r == ERR_NOT_FOUND || backup_directory_is_damage(to->d, r)) {
            g->wanted.at[left++] = g->wanted.at[i];
            r = 0;
        }
    }
    g->wanted.n = r ? g->wanted.n : left;
    backup_lister_fini(&s.lister);
    return r;
}

/* Blocks that a newer moment has at the same place: they say of what is still wanted what they said there. */
static void drop_seen(struct backup_rescue *g, struct map *seen, struct backup_table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->blocks.n; i++) {
        const struct backup_ref *ref = &t->blocks.at[i];
        const struct backup_place *known = map_get(seen, content_hash_str(&ref->hash));
        if (known && backup_is_same_place(known, &ref->place)) {
            continue;
        }
        struct backup_place *place = ARENA_NEW(&g->arena, struct backup_place);
        *place = ref->place;
        (void)map_put(seen, content_hash_str(&ref->hash), place);
        t->blocks.at[n++] = *ref;
    }
    t->blocks.n = n;
}

int backup_rescue_run(struct backup_rescue *g, const struct backup_rescue_to *to)
{
    struct backup_moments moments = {0};
    struct map *seen = map_create();
    int r = g->wanted.n > 0 ? backup_directory_list(to->d, &moments) : 0;
    for (size_t i = moments.n; r == 0 && g->wanted.n > 0 && i > 0; i--) {
        struct backup_table table = {0};
        r = backup_directory_table(to->d, moments.at[i - 1].name, &table);
        if (r == 0) {
            drop_seen(g, seen, &table);
            r = search_moment(g, to, &table);
        }
        backup_table_fini(&table);
        r = r == ERR_NOT_FOUND || backup_directory_is_damage(to->d, r) ? 0 : r;
    }
    map_destroy(seen);
    VEC_FREE(&moments);
    return r;
}
