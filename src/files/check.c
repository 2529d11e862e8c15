/*
 * Whether what the tree says is there: judged key by key while data/ walks the store (data_check), each within the snapshot
 * of its page. Content is not read and hashed here: a reader does that with every chunk.
 *
 * 1. An entry has its version, and the version says the same.
 * 2. What a version names is stored, at the level and length that it says.
 * 3. A chunk's bytes and the note that they are there come and go together.
 * 4. A name in a tree is one that a path may have, and a link leads somewhere: both become files of the workspace's disk, and of whoever
 *    unpacks an archive. Nothing is numbered beyond the tree's counter, from which new numbers are taken.
 */
#include "files/files_int.h"

static int content_fault(struct files_tx *tx, const struct files_record *record,
                         const char **ret_fault)
{
    const struct content_manifest *m = &record->manifest;
    if (record->kind == FILES_FOLDER || m->small) {
        return 0;
    }
    struct files_stored stored;
    int r = files_stored_get(tx, &m->hash, &stored);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "its content is not stored";
        return 0;
    }
    bool fits = r == 0 && (m->levels == 0 ? stored.length == m->length
                                          : stored.level == m->levels && stored.below == m->length);
    if (r == ERR_CORRUPT || (r == 0 && !fits)) {
        *ret_fault = "its content is stored as something else";
        return 0;
    }
    return r;
}

/* {session}/{first}/{rest}, with first a number. */
struct place {
    uint64_t first;
    struct str rest;
};

/* ERR_INVALID: the key is none of a tree, or of one without counters. Sets tx->session and reads its counters. */
static int place_read(struct files_tx *tx, struct str key, struct place *ret_place)
{
    struct str session = STR_EMPTY;
    struct str first = STR_EMPTY;
    if (!str_split(&key, '/', &session) || !data_is_tree(session) ||
        !str_split(&key, '/', &first) || data_key_number_read(first, &ret_place->first) < 0) {
        return ERR_INVALID;
    }
    tx->session = session;
    ret_place->rest = key;
    int r = data_usage_get(tx->txn, tx->scope, session, &tx->usage);
    return r == ERR_CORRUPT ? ERR_INVALID : r;
}

static bool is_numbered(const struct files_tx *tx, const struct files_record *record)
{
    uint64_t seq = tx->usage.seq;
    return record->since <= record->version && record->version <= seq &&
           record->id >> FILES_ID_BITS <= seq;
}

static bool leads(const struct files_past_version *version)
{
    uint64_t length = version->record.manifest.length;
    return version->record.kind != FILES_SYMLINK ||
           (length > 0 && length <= FILES_MAX_TARGET &&
            str_find(version->bytes, '\0', 0) == version->bytes.n);
}

static int judge_version(struct files_tx *tx, const struct data_found *found,
                         const char **ret_fault)
{
    struct files_past_version version;
    struct place place;
    uint64_t seq;
    int r = place_read(tx, found->rest, &place);
    if (r < 0 && r != ERR_INVALID) {
        return r;
    }
    if (r < 0 || files_version_decode(found->value, &version) < 0 || !leads(&version) ||
        data_key_number_read(place.rest, &seq) < 0 || seq > tx->usage.seq) {
        *ret_fault = "the version is not well-formed";
        return 0;
    }
    return content_fault(tx, &version.record, ret_fault);
}

static int judge_entry(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct files_record record;
    struct place place;
    int r = place_read(tx, found->rest, &place);
    if (r < 0 && r != ERR_INVALID) {
        return r;
    }
    if (r < 0 || content_name_check(place.rest) < 0 ||
        files_record_decode(found->value, &record) < 0 || !is_numbered(tx, &record)) {
        *ret_fault = "the entry is not well-formed";
        return 0;
    }
    struct files_past_version version;
    struct str text;
    r = store_get(tx->txn, files_key_version(tx, record.id, record.version), &text);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "the entry has no version";
        return 0;
    }
    if (r < 0) {
        return r;
    }
    bool same = files_version_decode(text, &version) == 0 &&
                content_hash_eq(&version.record.hash, &record.hash) &&
                version.record.kind == record.kind;
    *ret_fault = same ? NULL : "the entry's version says something else";
    return 0;
}

/* {session}/{folder}/{escaped name}/{seq} */
static int judge_past(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct files_record record;
    struct place place;
    struct str escaped = STR_EMPTY;
    struct str name;
    uint64_t seq;
    int r = place_read(tx, found->rest, &place);
    if (r < 0 && r != ERR_INVALID) {
        return r;
    }
    if (r < 0 || !str_split(&place.rest, '/', &escaped) ||
        files_unescape(tx->arena, escaped, &name) < 0 || content_name_check(name) < 0 ||
        data_key_number_read(place.rest, &seq) < 0 || seq > tx->usage.seq ||
        files_record_decode(found->value, &record) < 0 || !is_numbered(tx, &record)) {
        *ret_fault = "what was there is not well-formed";
    }
    return 0;
}

static int judge_change(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct files_change_record change;
    struct place place;
    int r = place_read(tx, found->rest, &place);
    if (r < 0 && r != ERR_INVALID) {
        return r;
    }
    if (r < 0 || place.rest.n > 0 || place.first > tx->usage.seq ||
        files_change_decode(found->value, &change) < 0 || content_path_check(change.path) < 0 ||
        content_path_check(change.from) < 0) {
        *ret_fault = "the change is not well-formed";
    }
    return 0;
}

/* The counter must have room for what is still to come. */
static int judge_usage(struct files_tx *tx, struct str session, const char **ret_fault)
{
    if (!data_is_tree(session)) {
        return 0; /* a conversation's, or the tenant's total */
    }
    int r = data_usage_get(tx->txn, tx->scope, session, &tx->usage);
    if (r == ERR_CORRUPT || (r == 0 && tx->usage.seq > INT64_MAX >> FILES_ID_BITS)) {
        *ret_fault = "the counters are not well-formed";
        return 0;
    }
    return r;
}

/* other: where the key of the same name must be. */
static int judge_pair(struct files_tx *tx, enum data_space other, struct str name,
                      const char **ret_fault)
{
    struct str value;
    if (name.n != CONTENT_HASH_TEXT) {
        *ret_fault = "the chunk's name is no hash";
        return 0;
    }
    int r = store_get(tx->txn, DATA_KEY(tx->arena, tx->scope, other, name), &value);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = other == DATA_SPACE_CHUNK ? "the chunk's bytes are missing"
                                               : "nothing says that the chunk is there";
        return 0;
    }
    return r;
}

int files_judge(const struct data_found *found, const char **ret_fault)
{
    struct str rest = found->rest;
    struct files_tx tx = {
        .txn = found->txn, .arena = store_arena(found->txn), .scope = found->scope};
    switch (found->space) {
    case DATA_SPACE_ENTRY:
        return judge_entry(&tx, found, ret_fault);
    case DATA_SPACE_PAST:
        return judge_past(&tx, found, ret_fault);
    case DATA_SPACE_VERSION:
        return judge_version(&tx, found, ret_fault);
    case DATA_SPACE_CHANGE:
        return judge_change(&tx, found, ret_fault);
    case DATA_SPACE_USAGE:
        return judge_usage(&tx, rest, ret_fault);
    case DATA_SPACE_CHUNK:
        return judge_pair(&tx, DATA_SPACE_STORED, rest, ret_fault);
    case DATA_SPACE_STORED:
        return judge_pair(&tx, DATA_SPACE_CHUNK, rest, ret_fault);
    default:
        return 0;
    }
}
