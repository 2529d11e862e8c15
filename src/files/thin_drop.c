/* Retention: what goes for a change of a stretch (thin.c has the rules). */
#include "files/thin_int.h"

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

/* The change of a version that is gone, unless others need it: what else it made, a coarser stretch that asks what was moved. */
static int change_drop(struct files_tx *tx, uint64_t seq)
{
    struct files_change_record change;
    struct str value;
    bool left = false;
    int r = store_get(tx->txn, files_key_change(tx, seq), &value);
    r = r < 0 ? r : files_change_decode(value, &change);
    if (r < 0 || change.op == FILES_MOVE) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = is_left(tx, seq, change.id, &left);
    if (r == 0 && !left) {
        store_delete(tx->txn, files_key_change(tx, seq));
    }
    return r;
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
    int r = folder ? 0 : files_content_unref(tx, record->id, record->version, manifest);
    return r < 0 ? r : change_drop(tx, record->version);
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

/* All of a file that came and went in the stretch; past: the key under which it went. */
static int file_drop(struct files_tx *tx, const struct files_stretch *s, uint64_t id,
                     struct str past)
{
    struct files_past_version version;
    int r = files_version_at(tx, id, s->first - 1, &version);
    if (r != ERR_NOT_FOUND) {
        return r; /* it was there before */
    }
    struct store_range range = {files_key_version(tx, id, s->first),
                                files_key_version(tx, id, s->from + 1), .limit = LEFT_MOST};
    struct store_pair *pairs;
    size_t count;
    r = store_scan(tx->txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = files_version_decode(pairs[i].value, &version);
        r = r < 0 ? r : files_thin_version(tx, &version.record, NULL);
    }
    if (r == 0) {
        store_delete(tx->txn, past);
    }
    return r;
}

/*
 * Something went from under path with the change in hand (s->from): a file that had come in the same stretch? Not `stays`, which
 * is there under another name.
 */
static int gone_drop(struct files_tx *tx, const struct files_stretch *s, struct str path,
                     uint64_t stays)
{
    struct str folder;
    struct str name;
    struct str value;
    struct files_record record;
    uint64_t above = 0; /* the compiler does not see that it is set */
    int r = files_thin_above(tx, path, s->from, &above);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    content_path_split(path, &folder, &name);
    struct str past = files_key_past(tx, above, name, s->from);
    r = store_get(tx->txn, past, &value);
    r = r < 0 ? r : files_record_decode(value, &record);
    if (r < 0 || record.kind == FILES_FOLDER || record.since < s->first || record.id == stays) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    return file_drop(tx, s, record.id, past);
}

/* What went with a change that is a version, own: a file that came in the same stretch leaves nothing. */
static int went_thin(struct files_tx *tx, const struct files_stretch *s,
                     const struct files_change_record *change, const struct files_past_version *own)
{
    bool over_another = own->op == FILES_MOVE && own->record.since < s->from;
    if (own->op != FILES_DELETE && !over_another) {
        return 0;
    }
    return gone_drop(tx, s, over_another ? change->from : change->path, /* stays= */ 0);
}

int files_thin_change(struct files_tx *tx, const struct files_stretch *s,
                      const struct files_change_record *change, bool *ret_folder)
{
    struct files_past_version own;
    struct files_past_version before;
    struct str value;
    int r = store_get(tx->txn, files_key_version(tx, change->id, s->from), &value);
    r = r < 0 ? r : files_version_decode(value, &own);
    if (r == ERR_NOT_FOUND && change->op == FILES_MOVE) { /* a finer stretch has dropped it */
        return gone_drop(tx, s, change->from, /* stays= */ change->id);
    }
    *ret_folder = r == 0 && own.record.kind == FILES_FOLDER && own.op == FILES_DELETE;
    if (*ret_folder) {
        return files_thin_folder(tx, s, change);
    }
    if (r < 0 || own.record.kind == FILES_FOLDER) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = files_version_at(tx, change->id, s->from - 1, &before);
    if (r == 0 && before.record.kind != FILES_FOLDER && before.record.version >= s->first) {
        r = files_thin_version(tx, &before.record, &own.record);
    }
    return r == 0 || r == ERR_NOT_FOUND ? went_thin(tx, s, change, &own) : r;
}
