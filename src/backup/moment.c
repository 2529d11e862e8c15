/*
 * What a moment is made of: entries (of blocks), and the table that names its blocks and the packs that it needs.
 *
 * 1. The last frame, E, says how many keys there are and the hash of all that the table says: a table without it is none.
 */
#include "backup/backup_int.h"
#include "base/mem.h"

enum { REF_SIZE = CONTENT_HASH_SIZE + 20, USE_SIZE = 24 };
enum { ENTRY_INLINE = 0, ENTRY_STORED = 1 };

/* ---- Entries and values ---- */

static void put_place(struct buf *b, const struct backup_place *place)
{
    backup_put(b, 8, place->pack);
    backup_put(b, 8, place->offset);
    backup_put(b, 4, place->size);
}

static bool take_place(struct str *rest, struct backup_place *ret_place)
{
    uint64_t size;
    if (!backup_take(rest, 8, &ret_place->pack) || !backup_take(rest, 8, &ret_place->offset) ||
        !backup_take(rest, 4, &size)) {
        return false;
    }
    ret_place->size = (uint32_t)size;
    return ret_place->offset < INT64_MAX;
}

static void put_key(struct buf *b, struct str key)
{
    backup_put(b, 2, key.n);
    buf_add(b, key);
}

static bool take_key(struct str *rest, struct str *ret_key)
{
    uint64_t n;
    return backup_take(rest, 2, &n) && n > 0 && n <= STORE_MAX_KEY &&
           backup_take_str(rest, n, ret_key);
}

bool backup_is_same_place(const struct backup_place *a, const struct backup_place *b)
{
    return a->pack == b->pack && a->offset == b->offset && a->size == b->size;
}

void backup_entry_put(struct buf *block, const struct backup_entry *entry)
{
    put_key(block, entry->key);
    backup_put(block, 1, entry->stored ? ENTRY_STORED : ENTRY_INLINE);
    if (entry->stored) {
        put_place(block, &entry->place);
        return;
    }
    backup_put(block, 4, entry->value.n);
    buf_add(block, entry->value);
}

int backup_entry_take(struct str *rest, struct backup_entry *ret_entry)
{
    if (rest->n == 0) {
        return ERR_NOT_FOUND;
    }
    struct backup_entry entry = {.stored = false};
    uint64_t how = 0, n = 0;
    if (!take_key(rest, &entry.key) || !backup_take(rest, 1, &how) || how > ENTRY_STORED) {
        return ERR_CORRUPT;
    }
    entry.stored = how == ENTRY_STORED;
    bool whole = entry.stored ? take_place(rest, &entry.place)
                              : backup_take(rest, 4, &n) && n <= STORE_MAX_VALUE &&
                                    backup_take_str(rest, n, &entry.value);
    if (!whole) {
        return ERR_CORRUPT;
    }
    *ret_entry = entry;
    return 0;
}

void backup_value_put(struct buf *b, struct str key, struct str value)
{
    put_key(b, key);
    buf_add(b, value);
}

int backup_value_take(struct str plain, struct str *ret_key, struct str *ret_value)
{
    if (!take_key(&plain, ret_key) || plain.n > STORE_MAX_VALUE) {
        return ERR_CORRUPT;
    }
    *ret_value = plain;
    return 0;
}

/* ---- The table ---- */

void backup_table_fini(struct backup_table *t)
{
    VEC_FREE(&t->blocks);
    VEC_FREE(&t->uses);
}

void backup_table_use(struct backup_table *t, const struct backup_place *place)
{
    for (size_t i = t->uses.n; i > 0; i--) { /* mostly the newest */
        if (t->uses.at[i - 1].pack == place->pack) {
            t->uses.at[i - 1].used += place->size;
            return;
        }
    }
    VEC_ADD(&t->uses, (struct backup_use){.pack = place->pack, .used = place->size});
}

struct table_writing {
    const struct backup_table *table;
    struct backup_writer *w;
    struct content_hasher *hasher;
    struct buf plain;
};

static int write_refs(struct table_writing *t, size_t from)
{
    size_t end = from + BACKUP_TABLE_REFS;
    end = end < t->table->blocks.n ? end : t->table->blocks.n;
    buf_clear(&t->plain);
    for (size_t i = from; i < end; i++) {
        buf_add(&t->plain, content_hash_str(&t->table->blocks.at[i].hash));
        put_place(&t->plain, &t->table->blocks.at[i].place);
    }
    struct backup_frame frame = {.type = BACKUP_TABLE, .plain = buf_str(&t->plain)};
    backup_frame_hash(&frame);
    content_hasher_add(t->hasher, content_hash_str(&frame.hash));
    struct backup_place place;
    return backup_writer_frame(t->w, &frame, &place);
}

static int write_end(struct table_writing *t)
{
    const struct backup_table *table = t->table;
    struct content_hash all;
    content_hasher_end(t->hasher, &all);
    buf_clear(&t->plain);
    backup_put(&t->plain, 8, (uint64_t)table->at);
    backup_put(&t->plain, 8, table->keys);
    backup_put(&t->plain, 8, table->contents);
    backup_put(&t->plain, 8, table->blocks.n);
    buf_add(&t->plain, content_hash_str(&all));
    for (size_t i = 0; i < table->uses.n; i++) {
        backup_put(&t->plain, 8, table->uses.at[i].pack);
        backup_put(&t->plain, 8, table->uses.at[i].used);
        backup_put(&t->plain, 8, table->uses.at[i].size);
    }
    struct backup_frame frame = {.type = BACKUP_END, .plain = buf_str(&t->plain)};
    backup_frame_hash(&frame);
    struct backup_place place;
    return backup_writer_frame(t->w, &frame, &place);
}

int backup_table_write(const struct backup_table *table, struct backup_writer *w)
{
    struct table_writing t = {.table = table, .w = w, .hasher = content_hasher_create()};
    buf_init(&t.plain, BACKUP_FRAME_MOST);
    int r = table->uses.n > BACKUP_MOST_PACKS ? ERR_LIMIT : 0;
    for (size_t i = 0; r == 0 && i < table->blocks.n; i += BACKUP_TABLE_REFS) {
        r = write_refs(&t, i);
    }
    r = r ? r : write_end(&t);
    buf_fini(&t.plain);
    content_hasher_destroy(t.hasher);
    return r;
}

static int take_refs(struct backup_table_reading *reading, const struct backup_frame *frame)
{
    struct str rest = frame->plain;
    content_hasher_add(reading->hasher, content_hash_str(&frame->hash));
    if (rest.n % REF_SIZE != 0 || rest.n > (size_t)BACKUP_TABLE_REFS * REF_SIZE) {
        return ERR_CORRUPT;
    }
    while (rest.n > 0) {
        struct backup_ref ref;
        struct str hash;
        if (!backup_take_str(&rest, CONTENT_HASH_SIZE, &hash) || !take_place(&rest, &ref.place)) {
            return ERR_CORRUPT;
        }
        memcpy(ref.hash.bytes, hash.p, sizeof ref.hash.bytes);
        VEC_ADD(&reading->table->blocks, ref);
    }
    return 0;
}

static int take_uses(struct backup_table *table, struct str rest)
{
    if (rest.n % USE_SIZE != 0 || rest.n / USE_SIZE > BACKUP_MOST_PACKS) {
        return ERR_CORRUPT;
    }
    while (rest.n > 0) {
        struct backup_use use;
        if (!backup_take(&rest, 8, &use.pack) || !backup_take(&rest, 8, &use.used) ||
            !backup_take(&rest, 8, &use.size)) {
            return ERR_CORRUPT;
        }
        VEC_ADD(&table->uses, use);
    }
    return 0;
}

static int take_end(struct backup_table_reading *reading, struct str rest)
{
    struct backup_table *table = reading->table;
    uint64_t at, blocks;
    struct str hash;
    struct content_hash all;
    content_hasher_end(reading->hasher, &all);
    if (!backup_take(&rest, 8, &at) || at > INT64_MAX || !backup_take(&rest, 8, &table->keys) ||
        !backup_take(&rest, 8, &table->contents) || !backup_take(&rest, 8, &blocks) ||
        !backup_take_str(&rest, CONTENT_HASH_SIZE, &hash)) {
        return ERR_CORRUPT;
    }
    table->at = (usec_t)at;
    if (blocks != table->blocks.n || !str_eq(hash, content_hash_str(&all))) {
        return ERR_CORRUPT;
    }
    return take_uses(table, rest);
}

int backup_table_take(struct backup_table_reading *reading, const struct backup_frame *frame,
                      bool *ret_end)
{
    if (frame->type != BACKUP_TABLE && frame->type != BACKUP_END) {
        return ERR_CORRUPT;
    }
    *ret_end = frame->type == BACKUP_END;
    return *ret_end ? take_end(reading, frame->plain) : take_refs(reading, frame);
}
