/*
 * Whether what is said of content is true (check.c has the trees that name it). It is not read and hashed here: scrub.c does that.
 *
 * 1. A chunk's bytes and the note that they are there come and go together.
 * 2. A reference has its version or page, and what it names is there.
 * 3. What a tenant has in the store is the sum of its chunks (held.c).
 * 4. What waits for the collector is content.
 */
#include "data/check.h"
#include "files/check_int.h"
#include "files/quota_int.h"

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

/* Whether a version of this name has the content: rest is "{id}-{seq}". */
static int version_names(struct files_tx *tx, const struct content_hash *hash, struct str rest,
                         bool *ret_names)
{
    struct files_past_version version;
    struct str part = STR_EMPTY;
    struct str value;
    uint64_t id;
    uint64_t seq;
    *ret_names = false;
    if (!data_is_tree(tx->session) || !str_split(&rest, '-', &part) ||
        data_key_number_read(part, &id) < 0 || data_key_number_read(rest, &seq) < 0) {
        return 0;
    }
    int r = store_get(tx->txn, files_key_version(tx, id, seq), &value);
    r = r < 0 ? r : files_version_decode(value, &version);
    *ret_names = r == 0 && version.record.kind != FILES_FOLDER && !version.record.manifest.small &&
                 content_hash_eq(&version.record.manifest.hash, hash);
    return r;
}

/* {hash}/{session}/{id}-{seq} or {hash}/page/{hash}. What is on the page is for who reads it (scrub.c). */
static int judge_reference(struct files_tx *tx, struct str rest, const char **ret_fault)
{
    struct content_hash hash;
    struct content_hash page;
    struct files_stored stored;
    struct str part = STR_EMPTY;
    bool named = false;
    int r = 0;
    if (!str_split(&rest, '/', &part) || content_hash_parse(part, &hash) < 0 ||
        !str_split(&rest, '/', &tx->session)) {
        *ret_fault = "the reference is not well-formed";
        return 0;
    }
    if (!str_eq(tx->session, STR("page"))) {
        r = version_names(tx, &hash, rest, &named);
    } else if (content_hash_parse(rest, &page) == 0) {
        r = files_stored_get(tx, &page, &stored);
        named = r == 0 && stored.level > 0;
    }
    if ((r == 0 || r == ERR_NOT_FOUND) && !named) {
        *ret_fault = "what is said to name the content does not";
        return 0;
    }
    r = r < 0 ? r : files_stored_get(tx, &hash, &stored);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "what it names is not stored";
    }
    return r == ERR_NOT_FOUND || data_unreadable(r)
               ? 0
               : r; /* that is said where it is judged itself */
}

/* loose/{hour}/{tenant}/{hash}, among others */
static void judge_queued(struct str rest, const char **ret_fault)
{
    struct content_hash hash;
    struct str part;
    bool queued = str_starts(rest, STR("loose/"));
    for (int i = 0; i < 3; i++) {
        (void)str_split(&rest, '/', &part);
    }
    if (queued && content_hash_parse(rest, &hash) < 0) {
        *ret_fault = "what is queued is no content";
    }
}

int files_judge_content(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct str rest = found->rest;
    int r = 0;
    switch (found->space) {
    case DATA_SPACE_CHUNK:
        return judge_pair(tx, DATA_SPACE_STORED, rest, ret_fault);
    case DATA_SPACE_STORED:
        r = judge_pair(tx, DATA_SPACE_CHUNK, rest, ret_fault);
        return r < 0 || *ret_fault ? r : files_held_judge_chunk(tx, found, ret_fault);
    case DATA_SPACE_HELD:
        return files_held_judge(tx, found, ret_fault);
    case DATA_SPACE_CHUNKREF:
        *ret_fault = found->value.n > 0 ? "the reference is not well-formed" : NULL;
        return *ret_fault ? 0 : judge_reference(tx, rest, ret_fault);
    case DATA_SPACE_COUNT:
        judge_queued(rest, ret_fault);
        return 0;
    default:
        return 0;
    }
}
