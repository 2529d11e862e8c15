/*
 * Retention: folders that were deleted, and what lay in them (thin.c has the rules of what goes).
 *
 * 1. A folder that was deleted and did not come back changes no more. When each moment that showed it is taken for a later one, none
 *    shows it, nor what lay in it. So it goes whole, and nothing in it is asked about on its own.
 * 2. First its name in the past and the version that says that it is dead go, in one transaction: from then on nobody finds it, nor
 *    can bring it back by an older name (files_id_is_dead). In the same transaction thin/{session}/gone/{id} says that it goes.
 * 3. Then it is emptied, page by page, and each folder in it becomes one that goes, also one that died in it and waited: however deep
 *    it is, a page is small. An entry goes with all its versions, and is taken off the folder's totals in the same transaction. No other
 *    change is looked at meanwhile.
 * 4. One that came and went within a stretch goes if nothing in it is older than the stretch; else an earlier moment may show some of
 *    it, and it waits for a coarser one. What is older came by a move or came back, and while it lies in the folder, or died there,
 *    there is a change that says so. What comes in a folder that moves or comes back is in no change: after one did, it waits, too.
 */
#include "files/node_int.h"
#include "files/thin_int.h"

enum { ROOM = 200 }; /* keys of a page, about; what belongs to a version goes with it */

static struct str key_gone(struct files_tx *tx, uint64_t folder)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_THIN, tx->session, STR("gone"),
                    data_key_number(tx->arena, folder));
}

bool files_thin_is_gone(struct str key, struct str value)
{
    struct str word = STR_EMPTY;
    uint64_t folder;
    return str_split(&key, '/', &word) && str_eq(word, STR("gone")) && value.n == 0 &&
           data_key_number_read(key, &folder) == 0;
}

/* ---- whether it goes ---- */

static bool is_within(const struct files_change_record *change, struct str folder)
{
    return content_path_within(change->path, folder) ||
           (change->from.n > 0 && content_path_within(change->from, folder));
}

struct looked { /* what came into a folder */
    struct files_tx *tx;
    const struct files_stretch *s;
    struct str folder;
    bool old; /* result: maybe something older than the stretch */
};

static int look_at(struct looked *l, const struct store_pair *pair)
{
    struct files_change_record change;
    struct files_past_version version;
    struct str value;
    uint64_t seq;
    int r = data_key_number_last(pair->key, &seq);
    r = r < 0 ? r : files_change_decode(pair->value, &change);
    if (r < 0) {
        return r;
    }
    l->old = change.id >> FILES_ID_BITS < l->s->first && is_within(&change, l->folder);
    if (l->old || (change.op != FILES_MOVE && change.op != FILES_RESTORE)) {
        return 0;
    }
    r = store_get(l->tx->txn, files_key_version(l->tx, change.id, seq), &value);
    r = r < 0 ? r : files_version_decode(value, &version);
    l->old = r == 0 && version.record.kind == FILES_FOLDER;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Whether nothing in the folder is older than the stretch. */
static int is_young(struct files_tx *tx, const struct files_stretch *s,
                    const struct files_change_record *end, bool *ret_young)
{
    uint64_t made = end->id >> FILES_ID_BITS;
    struct looked l = {tx, s, end->path, .old = made < s->first};
    int r = 0;
    if (s->first > 1 && !l.old) { /* nothing is older than all */
        struct store_range range = {files_key_change(tx, made), files_key_change(tx, s->from),
                                    .limit = FILES_THIN_RUN};
        struct store_pair *pairs;
        size_t count;
        r = store_scan(tx->txn, &range, &pairs, &count);
        l.old = r == 0 && count == FILES_THIN_RUN;
        for (size_t i = 0; r == 0 && i < count && !l.old; i++) {
            r = look_at(&l, &pairs[i]);
        }
    }
    *ret_young = r == 0 && !l.old;
    return r;
}

/* From here on nobody finds it: past is the name with which it died, death its last version. */
static int folder_goes(struct files_tx *tx, struct str past, const struct files_record *death)
{
    store_delete(tx->txn, past);
    store_put(tx->txn, key_gone(tx, death->id), STR_EMPTY);
    return files_thin_version(tx, death, NULL);
}

int files_thin_folder(struct files_tx *tx, const struct files_stretch *s,
                      const struct files_change_record *change)
{
    struct files_past_version latest;
    struct files_record record;
    struct str folder;
    struct str name;
    struct str value;
    uint64_t above = 0;
    bool young = false;
    int r = files_version_at(tx, change->id, UINT64_MAX - 1, &latest);
    if (r < 0 || latest.record.version != s->from) {
        return r; /* it came back */
    }
    r = is_young(tx, s, change, &young);
    r = r < 0 || !young ? r : files_thin_above(tx, change->path, s->from, &above);
    if (r < 0 || !young) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    content_path_split(change->path, &folder, &name);
    struct str past = files_key_past(tx, above, name, s->from);
    r = store_get(tx->txn, past, &value);
    r = r < 0 ? r : files_record_decode(value, &record);
    if (r < 0 || record.id != change->id) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    return folder_goes(tx, past, &latest.record);
}

/* ---- how it goes ---- */

struct emptying {
    struct files_tx *tx;
    uint64_t folder;
    struct files_node node; /* what is still in it */
    size_t room;
};

/* Something is done in each page, however much is read for it. */
static bool has_room(const struct emptying *e)
{
    return e->room == ROOM || (e->room > 0 && !files_thin_is_full(e->tx));
}

/* The oldest versions of id first: the last that is left says what it is. *ret_all: none is. */
static int versions_drop(struct emptying *e, uint64_t id, bool *ret_all)
{
    struct files_tx *tx = e->tx;
    struct store_range range = {files_key_version(tx, id, 0), files_key_version(tx, id, UINT64_MAX),
                                .limit = e->room + 1};
    struct store_pair *pairs;
    struct files_past_version version;
    struct files_past_version next;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    r = r < 0 || count == 0 ? r : files_version_decode(pairs[0].value, &next);
    size_t i = 0;
    for (; r == 0 && i < count && has_room(e); i++, e->room--) {
        bool heir = i + 1 < count;
        version = next;
        r = heir ? files_version_decode(pairs[i + 1].value, &next) : 0;
        r = r < 0 ? r : files_thin_version(tx, &version.record, heir ? &next.record : NULL);
    }
    *ret_all = r == 0 && i == count;
    return r;
}

static int entry_drop(struct emptying *e, const struct store_pair *entry, bool *ret_gone)
{
    struct files_tx *tx = e->tx;
    struct files_record record;
    struct files_node node;
    int r = files_record_decode(entry->value, &record);
    r = r < 0 ? r : files_node_of(tx, &record, &node);
    *ret_gone = r == 0;
    if (r == 0 && record.kind == FILES_FOLDER) {
        store_put(tx->txn, key_gone(tx, record.id), STR_EMPTY);
    } else if (r == 0) {
        r = versions_drop(e, record.id, ret_gone);
    }
    if (r < 0 || !*ret_gone) {
        return r;
    }
    store_delete(tx->txn, entry->key);
    r = files_thin_said(tx, record.since);
    e->node.files -= node.files;
    e->node.bytes -= node.bytes;
    e->room -= e->room > 0;
    return r;
}

/* *ret_all: nothing is left under its names. */
static int entries_drop(struct emptying *e, bool *ret_all)
{
    struct str prefix = files_key_entries(e->tx, e->folder);
    struct store_range range = {prefix, store_after(e->tx->arena, prefix), .limit = ROOM};
    struct store_pair *pairs;
    size_t count;
    bool gone = true;
    int r = store_scan(e->tx->txn, &range, &pairs, &count);
    size_t i = 0;
    for (; r == 0 && i < count && has_room(e) && gone; i++) {
        r = entry_drop(e, &pairs[i], &gone);
    }
    *ret_all = r == 0 && i == count && count < ROOM && gone;
    return r;
}

/*
 * What had been in it: it is somewhere else, or went before. But a folder that died here may have waited for a coarser stretch, because
 * of a change that went with this one: it is as young as what it lay in, and goes, too.
 */
static int past_drop(struct emptying *e, const struct store_pair *past)
{
    struct files_record record;
    struct files_past_version latest;
    uint64_t until;
    bool died = false;
    int r = data_key_number_last(past->key, &until);
    r = r < 0 ? r : files_record_decode(past->value, &record);
    if (r == 0 && record.kind == FILES_FOLDER) {
        r = files_version_at(e->tx, record.id, UINT64_MAX - 1, &latest);
        died = r == 0 && latest.op == FILES_DELETE && latest.record.version == until;
    }
    if (died) {
        return folder_goes(e->tx, past->key, &latest.record);
    }
    store_delete(e->tx->txn, past->key);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int pasts_drop(struct emptying *e, bool *ret_all)
{
    struct str prefix = files_key_pasts(e->tx, e->folder);
    struct store_range range = {prefix, store_after(e->tx->arena, prefix), .limit = e->room + 1};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(e->tx->txn, &range, &pairs, &count);
    size_t i = 0;
    for (; r == 0 && i < count && has_room(e); i++, e->room--) {
        r = past_drop(e, &pairs[i]);
    }
    *ret_all = r == 0 && i == count;
    return r;
}

int files_thin_folder_page(struct files_tx *tx, bool *ret_some)
{
    struct str first = key_gone(tx, 0);
    struct store_range range = {first, key_gone(tx, UINT64_MAX), .limit = 1};
    struct store_pair *pairs;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    *ret_some = r == 0 && count > 0;
    if (!*ret_some) {
        return r;
    }
    struct str key = pairs[0].key;
    struct emptying e = {.tx = tx, .room = ROOM};
    r = data_key_number_last(key, &e.folder);
    const struct files_record folder = {.kind = FILES_FOLDER, .id = e.folder};
    bool all = true;
    r = r < 0 ? r : files_node_of(tx, &folder, &e.node);
    r = r < 0 ? r : versions_drop(&e, e.folder, &all);
    r = r < 0 || !all ? r : entries_drop(&e, &all);
    r = r < 0 || !all ? r : pasts_drop(&e, &all);
    if (r == 0 && all) {
        files_node_drop(tx, e.folder);
        store_delete(tx->txn, key);
    } else if (r == 0) {
        files_node_put(tx, e.folder, &e.node);
    }
    return r;
}
