/*
 * The entries of a moment in order of their keys, to be held against the store's. Blocks are read one after the other; what is
 * kept is a copy, since the same directory is read for other things meanwhile.
 */
#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/log.h"

void backup_lister_init(struct backup_lister *l, struct backup_directory *d,
                        const struct backup_table *table)
{
    *l = (struct backup_lister){.d = d, .table = table};
    buf_init(&l->block, BACKUP_FRAME_MOST);
}

void backup_lister_fini(struct backup_lister *l)
{
    buf_fini(&l->block);
}

static int next_block(struct backup_lister *l)
{
    if (l->next == l->table->blocks.n) {
        return ERR_NOT_FOUND;
    }
    const struct backup_ref *ref = &l->table->blocks.at[l->next++];
    l->rest = STR_EMPTY;
    struct backup_frame frame = {.type = BACKUP_BLOCK};
    int r = backup_directory_frame(l->d, &ref->place, &frame);
    if (r) {
        return r;
    }
    if (!content_hash_eq(&frame.hash, &ref->hash)) {
        return log_err(ERR_CORRUPT, "backup", "%s holds another block than its moment says",
                       l->d->reader.name);
    }
    buf_clear(&l->block);
    buf_add(&l->block, frame.plain);
    l->rest = buf_str(&l->block);
    return 0;
}

static int advance(struct backup_lister *l)
{
    int r = backup_entry_take(&l->rest, &l->entry);
    while (r == ERR_NOT_FOUND) {
        r = next_block(l);
        if (r) {
            return r;
        }
        r = backup_entry_take(&l->rest, &l->entry);
    }
    return r ? log_err(r, "backup", "a block in %s is damaged", l->d->reader.name) : 0;
}

int backup_lister_next(struct backup_lister *l, const struct backup_entry **ret_entry)
{
    int r = advance(l);
    l->some = r == 0;
    if (r == 0) {
        *ret_entry = &l->entry;
    }
    return r;
}

const struct backup_place *backup_lister_skip(struct backup_lister *l)
{
    ASSERT(l->next > 0);
    l->rest = STR_EMPTY;
    return &l->table->blocks.at[l->next - 1].place;
}

/* Among the blocks before `to` it is the last that does not begin behind the key; one that cannot be read ends the search early. */
int backup_lister_begin(struct backup_lister *l, struct str key)
{
    size_t from = 0, to = l->table->blocks.n;
    int r = to > 0 ? 0 : ERR_NOT_FOUND;
    while (r == 0 && to - from > 1) {
        const struct backup_entry *first;
        size_t middle = l->next = from + (to - from) / 2;
        l->rest = STR_EMPTY;
        r = backup_lister_next(l, &first);
        bool behind = r == 0 && str_cmp(first->key, key) > 0;
        from = r || behind ? from : middle;
        to = behind ? middle : to;
    }
    l->next = from;
    l->rest = STR_EMPTY;
    l->some = false;
    return backup_directory_is_damage(l->d, r) ? 0 : r;
}

int backup_lister_seek(struct backup_lister *l, struct str key,
                       const struct backup_entry **ret_entry)
{
    while (!l->some || str_cmp(l->entry.key, key) < 0) {
        const struct backup_entry *entry;
        int r = backup_lister_next(l, &entry);
        if (r) {
            return r;
        }
    }
    *ret_entry = &l->entry;
    return 0;
}
