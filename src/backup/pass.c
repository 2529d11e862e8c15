/*
 * One walk over the store in order of keys: content goes into frames of its own unless the moment before has it, the rest into
 * blocks, and a block that is known already is named again instead of written.
 *
 * Where a block ends depends on its keys alone, so that a change makes one or two blocks new and not all that follow. Content
 * never shares a block with the rest: what is appended all day (history) would make its blocks new too.
 *
 * 1. A walk has ended when the store says that this was the last key, and at nothing else.
 * 2. What was read is compared with its hash before it is called content. What is damaged is had from an older moment; where
 *    none has it whole it is kept as it is, but named by no later backup.
 */
#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

static const usec_t renew_every = 100 * USEC_PER_MS;
enum { CUT_MASK = 255, LOOK_EVERY = 256 };

struct walk {
    struct backup_pass *p;
    struct store_snapshot *s;
    struct backup_lister lister;
    bool has_lister;
    struct content_codec *codec;
    struct buf block, value;
    bool of_content; /* the block */
    bool heals;      /* the content that is written next */
    usec_t renewed;
    unsigned steps;
};

/* FNV-1a: the format does not depend on it. */
static bool cuts_behind(struct str key)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < key.n; i++) {
        h = (h ^ (uint8_t)key.p[i]) * 0x100000001b3;
    }
    return ((h >> 32) & CUT_MASK) == 0;
}

static bool is_spent(const struct backup_pass *p, uint64_t pack)
{
    return p->spent && map_get(p->spent, str_of(&pack, sizeof pack)) != NULL;
}

static int end_block(struct walk *w)
{
    struct backup_pass *p = w->p;
    if (w->block.n == 0) {
        return 0;
    }
    ASSERT(w->block.error == 0);
    struct backup_frame frame = {.type = BACKUP_BLOCK, .plain = buf_str(&w->block)};
    backup_frame_hash(&frame);
    struct str hash = content_hash_str(&frame.hash);
    const struct backup_ref *known = p->known ? map_get(p->known, hash) : NULL;
    struct backup_ref ref = {.hash = frame.hash};
    if (known) {
        ref = *known;
    } else {
        int r = backup_writer_frame(p->writer, &frame, &ref.place);
        if (r) {
            return r;
        }
        ref.place.pack = p->pack;
    }
    if (p->known && !known) {
        struct backup_ref *kept = ARENA_NEW(p->arena, struct backup_ref);
        *kept = ref;
        (void)map_put(p->known, hash, kept);
    }
    VEC_ADD(&p->table->blocks, ref);
    backup_table_use(p->table, &ref.place);
    buf_clear(&w->block);
    return 0;
}

static int add_entry(struct walk *w, const struct backup_entry *entry, bool of_content)
{
    int r = of_content != w->of_content ? end_block(w) : 0;
    if (r) {
        return r;
    }
    w->of_content = of_content;
    backup_entry_put(&w->block, entry);
    w->p->table->keys++;
    if (entry->stored) {
        w->p->table->contents++;
        backup_table_use(w->p->table, &entry->place);
    }
    return w->block.n >= BACKUP_BLOCK_CUT || cuts_behind(entry->key) ? end_block(w) : 0;
}

/* Whether the moment before has this content where it can stay. */
static int look_before(struct walk *w, struct backup_entry *entry)
{
    if (!w->has_lister) {
        return ERR_NOT_FOUND;
    }
    const struct backup_entry *before;
    int r = backup_lister_seek(&w->lister, entry->key, &before);
    if (r) {
        return r;
    }
    if (!str_eq(before->key, entry->key) || !before->stored) {
        return ERR_NOT_FOUND;
    }
    w->heals = w->p->harms && backup_is_harmed(w->p->harms, &before->place);
    if (w->heals || is_spent(w->p, before->place.pack)) {
        return ERR_NOT_FOUND;
    }
    entry->place = before->place;
    return 0;
}

static int write_content(struct walk *w, struct backup_entry *entry)
{
    buf_clear(&w->value);
    backup_value_put(&w->value, entry->key, entry->value);
    ASSERT(w->value.error == 0);
    struct backup_frame frame = {.type = BACKUP_VALUE, .plain = buf_str(&w->value)};
    backup_frame_hash(&frame);
    int r = backup_writer_frame(w->p->writer, &frame, &entry->place);
    entry->place.pack = w->p->pack;
    w->p->healed += r == 0 && w->heals;
    return r;
}

static void take_damaged(struct walk *w, struct backup_entry *entry,
                         const struct content_hash *hash)
{
    struct backup_pass *p = w->p;
    const struct backup_place *found = p->rescue ? backup_rescue_find(p->rescue, entry->key) : NULL;
    if (found) {
        entry->stored = true;
        entry->place = *found;
        p->rescued++;
        p->healed += w->heals;
        return;
    }
    p->damaged++;
    if (p->rescue && p->content_only) {
        backup_rescue_want(p->rescue, &(struct backup_wanted){entry->key, *hash});
    }
}

static int take_content(struct walk *w, struct backup_entry *entry, const struct content_hash *hash)
{
    w->heals = false;
    int r = look_before(w, entry);
    entry->stored = r == 0;
    if (r != ERR_NOT_FOUND) {
        return r;
    }
    r = store_snapshot_value(w->s, &entry->value);
    struct str plain;
    if (r && r != ERR_CORRUPT) {
        return r;
    }
    if (r || content_decode_checked(w->codec, entry->value, hash, &plain) < 0) {
        take_damaged(w, entry, hash);
        return 0;
    }
    entry->stored = true;
    return write_content(w, entry);
}

static int take_pair(struct walk *w, const struct store_snapshot_pair *pair)
{
    struct backup_entry entry = {.key = pair->key, .value = pair->value};
    struct content_hash hash;
    const struct backup_source *source = w->p->source;
    if (source->wanted &&
        !source->wanted(source->ctx, pair->key, pair->apart ? STR_EMPTY : pair->value)) {
        return 0;
    }
    bool content = source->content(pair->key, &hash);
    int r = 0;
    if (content) {
        r = take_content(w, &entry, &hash);
    } else if (w->p->content_only) {
        return 0;
    } else if (pair->apart) {
        r = store_snapshot_value(w->s, &entry.value);
    }
    return r ? r : add_entry(w, &entry, content);
}

int backup_page(const struct backup_source *source, uint64_t keys)
{
    int r = source->page ? source->page(source->ctx, keys) : 0;
    ASSERT(r <= 0);
    return r;
}

static int look_up(struct walk *w)
{
    const struct backup_pass *p = w->p;
    int r = backup_page(p->source, p->looked);
    if (p->d) {
        p->d->looked = p->looked;
    }
    if (r) {
        return r;
    }
    usec_t now = p->content_only ? time_monotonic() : 0;
    if (now - w->renewed < renew_every) {
        return 0;
    }
    w->renewed = now;
    return store_snapshot_renew(w->s);
}

static int walk(struct walk *w)
{
    int r = 0;
    bool ended = false; /* the store says so: "not found" from anywhere else is a failure */
    while (r == 0) {
        struct store_snapshot_pair pair = {0};
        r = w->steps++ % LOOK_EVERY == 0 || w->value.n > 0 ? look_up(w) : 0;
        buf_clear(&w->value);
        if (r == 0) {
            r = store_snapshot_next(w->s, &pair);
            ended = r == ERR_NOT_FOUND;
        }
        r = r ? r : take_pair(w, &pair);
        w->p->looked++;
    }
    r = ended ? end_block(w) : r;
    return r == ERR_NOT_FOUND ? ERR_IO : r;
}

int backup_pass_run(struct backup_pass *p)
{
    struct walk w = {.p = p, .codec = content_codec_create(), .renewed = time_monotonic()};
    buf_init(&w.block, BACKUP_FRAME_MOST);
    buf_init(&w.value, BACKUP_FRAME_MOST);
    w.has_lister = p->before != NULL;
    if (w.has_lister) {
        backup_lister_init(&w.lister, p->d, p->before);
    }
    p->table->at = time_now();
    int r = store_snapshot_open(p->source->store, &w.s);
    if (r == 0) {
        r = walk(&w);
        store_snapshot_close(w.s);
    }
    if (w.has_lister) {
        backup_lister_fini(&w.lister);
    }
    buf_fini(&w.block);
    buf_fini(&w.value);
    content_codec_destroy(w.codec);
    return r;
}
