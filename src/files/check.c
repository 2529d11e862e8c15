/*
 * Whether what the tree says is there: judged key by key while data/ walks the store (data_check), each within the snapshot
 * of its page. Content is not read and hashed here: a reader does that with every chunk.
 *
 * 1. An entry has its version, and the version says the same.
 * 2. What a version names is stored, at the level and length that it says.
 * 3. A chunk's bytes and the note that they are there come and go together.
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

static int judge_version(struct files_tx *tx, struct str value, const char **ret_fault)
{
    struct files_past_version version;
    if (files_version_decode(value, &version) < 0) {
        *ret_fault = "the version is not well-formed";
        return 0;
    }
    return content_fault(tx, &version.record, ret_fault);
}

static int judge_entry(struct files_tx *tx, struct str value, const char **ret_fault)
{
    struct files_record record;
    if (files_record_decode(value, &record) < 0 || record.since > record.version) {
        *ret_fault = "the entry is not well-formed";
        return 0;
    }
    struct files_past_version version;
    struct str text;
    int r = store_get(tx->txn, files_key_version(tx, record.id, record.version), &text);
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

/* other: where the key of the same name must be. */
static int judge_pair(struct files_tx *tx, enum data_space other, struct str name,
                      const char **ret_fault)
{
    struct str value;
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
        tx.session = str_slice(rest, 0, str_find(rest, '/', 0));
        return judge_entry(&tx, found->value, ret_fault);
    case DATA_SPACE_VERSION:
        return judge_version(&tx, found->value, ret_fault);
    case DATA_SPACE_CHUNK:
        return judge_pair(&tx, DATA_SPACE_STORED, rest, ret_fault);
    case DATA_SPACE_STORED:
        return judge_pair(&tx, DATA_SPACE_CHUNK, rest, ret_fault);
    default:
        return 0;
    }
}
