/* Retention: what goes for a change of a stretch (thin.c has the rules). */
#include "files/thin_int.h"
#include "files/trail_int.h"

enum { LEFT_MOST = 8 };

/*
 * Whether something that the change with this number made is left. The ids that it gave out are its own (files_tx_id), and the first
 * version of each is of that number.
 */
static int is_left(struct files_tx *tx, uint64_t seq, uint64_t id, bool *ret_left)
{
    struct str end = files_key_version(tx, (seq + 1) << FILES_ID_BITS, 0);
    struct str first = files_key_version(tx, id, seq);
    struct str value;
    int r = store_get(tx->txn, first, &value);
    *ret_left = r == 0;
    for (uint64_t made = seq << FILES_ID_BITS; r == ERR_NOT_FOUND; made++) {
        struct store_range range = {files_key_version(tx, made, 0), end, .limit = 1};
        struct store_pair *pairs;
        size_t count;
        r = store_scan(tx->txn, &range, &pairs, &count);
        if (r < 0 || count == 0) {
            break;
        }
        struct str numbers = str_slice(pairs[0].key, first.n - 33, first.n); /* "{id}/{seq}" */
        uint64_t found = 0;
        r = data_key_number_read(str_slice(numbers, 0, 16), &made) < 0 ||
                    data_key_number_read(str_slice(numbers, 17, 33), &found) < 0
                ? ERR_CORRUPT
                : ERR_NOT_FOUND;
        *ret_left = found == seq;
        if (*ret_left) {
            return 0;
        }
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int files_thin_said(struct files_tx *tx, uint64_t seq)
{
    struct files_change_record change;
    bool needed = false;
    int r = files_change_read(tx, seq, &change);
    r = r < 0 ? r : is_left(tx, seq, change.id, &needed);
    r = r < 0 || needed ? r : files_thin_name_told(tx, seq, &change, &needed);
    if (r == 0 && !needed) {
        store_delete(tx->txn, files_key_change(tx, seq));
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int files_thin_version(struct files_tx *tx, const struct files_record *record,
                       const struct files_record *heir)
{
    const struct content_manifest *manifest = &record->manifest;
    bool folder = record->kind == FILES_FOLDER;
    if (heir && !folder && !manifest->small && !heir->manifest.small &&
        content_hash_eq(&manifest->hash, &heir->manifest.hash)) {
        store_put(tx->txn, files_key_version_ref(tx, &manifest->hash, heir->id, heir->version),
                  STR_EMPTY);
    }
    store_delete(tx->txn, files_key_version(tx, record->id, record->version));
    int r = folder ? files_thin_folder_name(tx, record)
                   : files_content_unref(tx, record->id, record->version, manifest);
    return r < 0 ? r : files_thin_said(tx, record->version);
}

int files_thin_above(struct files_tx *tx, struct str path, uint64_t seq, uint64_t *ret_folder)
{
    struct str folder;
    struct str name;
    struct files_record record;
    content_path_split(path, &folder, &name);
    int r = files_record_at(tx, folder, seq - 1, &record);
    if (r == 0) {
        *ret_folder = record.id;
    }
    bool unknown = r == ERR_NOT_DIRECTORY || r == ERR_CORRUPT; /* as where some of it is thinned */
    return unknown || (r == 0 && record.kind != FILES_FOLDER) ? ERR_NOT_FOUND : r;
}

/* All of a file that came in the stretch and went with the change in hand, s->from. */
static int file_drop(struct files_tx *tx, const struct files_stretch *s,
                     const struct files_thin_name *name)
{
    uint64_t id = name->record.id;
    struct store_range range = {files_key_version(tx, id, s->first),
                                files_key_version(tx, id, s->from + 1), .limit = LEFT_MOST};
    struct store_pair *pairs;
    struct files_past_version version;
    size_t count;
    int r = store_scan(tx->txn, &range, &pairs, &count);
    store_delete(tx->txn, name->key);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = files_version_decode(pairs[i].value, &version);
        r = r < 0 ? r : files_thin_version(tx, &version.record, NULL);
    }
    r = r < 0 ? r : files_thin_said(tx, name->record.since);
    return r < 0 ? r : files_thin_said(tx, s->from);
}

/*
 * Whether a later name leads to what went with the change, a file that is older than the stretch: it came back. Not while the version with
 * which it was moved over another tells its path by this change, which is the other's.
 */
static int has_later(struct files_tx *tx, const struct files_thin_name *name,
                     const struct files_change_record *change, bool *ret_later)
{
    uint64_t id = name->record.id;
    struct files_past_version latest;
    struct str value;
    int r = files_version_at(tx, id, UINT64_MAX - 1, &latest);
    *ret_later = r == 0 && latest.record.version > name->until;
    if (r < 0 || !*ret_later || change->id == id) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = store_get(tx->txn, files_key_version(tx, id, name->until), &value);
    *ret_later = r == ERR_NOT_FOUND;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What the change in hand, s->from, took from under a name: a file that had come under it in the same stretch? */
static int gone_drop(struct files_tx *tx, const struct files_stretch *s,
                     const struct files_change_record *change)
{
    struct files_thin_name name;
    struct files_past_version version;
    int r = files_thin_name_find(tx, s->from, change, &name);
    if (r < 0 || name.record.kind == FILES_FOLDER || name.record.since < s->first) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    bool later = change->op == FILES_MOVE && change->id == name.record.id;
    if (!later) {
        r = files_version_at(tx, name.record.id, s->first - 1, &version);
        if (r == ERR_NOT_FOUND) {
            return file_drop(tx, s, &name);
        }
        r = r < 0 ? r : has_later(tx, &name, change, &later);
    }
    return r < 0 || !later ? r : files_thin_name(tx, &name);
}

int files_thin_change(struct files_tx *tx, const struct files_stretch *s,
                      const struct files_change_record *change, bool *ret_folder)
{
    struct files_past_version own;
    struct files_past_version before;
    struct str value;
    int r = store_get(tx->txn, files_key_version(tx, change->id, s->from), &value);
    r = r < 0 ? r : files_version_decode(value, &own);
    if (r == ERR_NOT_FOUND) { /* a finer stretch has dropped it */
        return gone_drop(tx, s, change);
    }
    *ret_folder = r == 0 && own.record.kind == FILES_FOLDER && own.op == FILES_DELETE;
    if (*ret_folder) {
        return files_thin_folder(tx, s, change);
    }
    if (r < 0 || own.record.kind == FILES_FOLDER) {
        return r;
    }
    r = files_version_at(tx, change->id, s->from - 1, &before);
    if (r == 0 && before.record.kind != FILES_FOLDER && before.record.version >= s->first) {
        r = files_thin_version(tx, &before.record, &own.record);
    }
    return r == 0 || r == ERR_NOT_FOUND ? gone_drop(tx, s, change) : r;
}
