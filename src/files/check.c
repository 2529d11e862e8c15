/*
 * Whether what the tree says is there: judged key by key while data/ walks the store (data_check), each within the snapshot
 * of its page. Content is not read and hashed here: a reader does that with every chunk.
 *
 * 1. An entry has its version, and the version says the same; of it there is the change (a copy of the tree takes it along). What was there has one from which its past is read.
 * 2. What a version names is stored, at the level and length that it says.
 * 3. What a version names has its reference, or the version before names the same: without it, the collector takes content for loose.
 * 4. A name in a tree is one that a path may have, and a link leads somewhere: both become files of the workspace's disk, and of whoever
 *    unpacks an archive. Nothing is numbered beyond the tree's counter, from which new numbers are taken.
 * 5. What a folder, and a tree, says of the files and bytes below it is the sum of what is in it; a tenant's total is that of its trees.
 *    A folder reaches no further than it says.
 *    Not asked: a tree that is deleted, since its entries go before its counters, and a folder with more than SUMMED_MOST names.
 * 6. What is kept of moments of the past that are one, by a return or by thinning, can be read.
 */
#include "data/check.h"
#include "files/check_int.h"
#include "files/node_int.h"
#include "files/rewind_int.h"
#include "files/thin_int.h"

/* A page of 500 folders is one transaction, in the memory of one. */
enum { SUMMED_MOST = 200 };

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

/* What stands in the way of reading it is said where it is judged itself. */
static int passed_over(int r)
{
    return r == ERR_NOT_FOUND || r == ERR_CORRUPT || r == ERR_NEWER ? 0 : r;
}

/* Whether nobody takes the tree away. */
static int is_kept(struct files_tx *tx, bool *ret_kept)
{
    struct data_session session;
    struct data_user user;
    bool home = data_id_is(tx->session, "usr");
    int r = home ? data_user_get(tx->txn, tx->scope, tx->session, &user)
                 : data_session_get(tx->txn, tx->scope, tx->session, &session);
    *ret_kept = r == 0 && (home ? user.deleted_at == 0 : !session.deleted);
    return passed_over(r);
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
    return record->since <= record->version && record->version <= seq && seq < UINT64_MAX &&
           record->id >> FILES_ID_BITS <= seq;
}

static bool leads(const struct files_past_version *version)
{
    uint64_t length = version->record.manifest.length;
    return version->record.kind != FILES_SYMLINK ||
           (length > 0 && length <= FILES_MAX_TARGET &&
            str_find(version->bytes, '\0', 0) == version->bytes.n);
}

/*
 * A deletion and a move carry what the version before names. A tree that is taken away loses the versions before the later ones:
 * there, none before is no fault.
 */
static int carries(struct files_tx *tx, const struct files_past_version *version, uint64_t seq,
                   bool *ret_carries)
{
    struct files_past_version before;
    bool kept = true;
    *ret_carries = false;
    if (seq == 0 || (version->op != FILES_DELETE && version->op != FILES_MOVE)) {
        return 0;
    }
    int r = files_version_at(tx, version->record.id, seq - 1, &before);
    if (r == 0) {
        *ret_carries =
            content_hash_eq(&before.record.manifest.hash, &version->record.manifest.hash);
    } else if (r == ERR_NOT_FOUND) {
        r = is_kept(tx, &kept);
        *ret_carries = !kept;
    }
    return passed_over(r);
}

static int reference_fault(struct files_tx *tx, const struct files_past_version *version,
                           uint64_t seq, const char **ret_fault)
{
    const struct files_record *record = &version->record;
    struct str value;
    bool named = true;
    if (*ret_fault || record->kind == FILES_FOLDER || record->manifest.small) {
        return 0;
    }
    int r = store_get(tx->txn, files_key_version_ref(tx, &record->manifest.hash, record->id, seq),
                      &value);
    if (r == ERR_NOT_FOUND) {
        r = carries(tx, version, seq, &named);
    }
    if (r == 0 && !named) {
        *ret_fault = "nothing says that it names its content";
    }
    return r;
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
        data_key_number_read(place.rest, &seq) < 0 || seq > tx->usage.seq ||
        version.record.id != place.first) {
        *ret_fault = "the version is not well-formed";
        return 0;
    }
    r = content_fault(tx, &version.record, ret_fault);
    return r < 0 ? r : reference_fault(tx, &version, seq, ret_fault);
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
    if (!same) {
        *ret_fault = "the entry's version says something else";
        return 0;
    }
    r = store_get(tx->txn, files_key_change(tx, record.version), &text);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "nothing says who made the entry's version";
    }
    return passed_over(r);
}

/*
 * What there was until seq is shown by a version, unless all moments of its last one are taken for one behind it: then that may be
 * gone (thin.c).
 */
static int past_fault(struct files_tx *tx, const struct files_record *record, uint64_t seq,
                      const char **ret_fault)
{
    struct str value;
    uint64_t shown = record->version;
    int r = files_moment_settle(tx, &shown);
    if (r == ERR_CONFLICT) { /* in a rewind in hand */
        return 0;
    }
    if (r < 0 || shown >= seq) {
        return passed_over(r);
    }
    r = store_get(tx->txn, files_key_version(tx, record->id, record->version), &value);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "what was there has no version";
    }
    return passed_over(r);
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
        return 0;
    }
    return past_fault(tx, &record, seq, ret_fault);
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

/* rewind/{tree}/{number}, thin/{tree}/{number}, thin/{tree}/gone/{folder} */
static int judge_moments(struct files_tx *tx, const struct data_found *found,
                         const char **ret_fault)
{
    struct place place = {0};
    struct files_rewind_record rewind;
    struct str key = found->rest;
    struct str tree = STR_EMPTY;
    if (found->space == DATA_SPACE_THIN && str_split(&key, '/', &tree) && data_is_tree(tree) &&
        files_thin_is_gone(key, found->value)) {
        return 0;
    }
    int r = place_read(tx, found->rest, &place);
    bool fits = r == 0 && place.rest.n == 0;
    if (fits && found->space == DATA_SPACE_THIN) {
        r = files_thin_read(tx, place.first, found->value);
    } else if (fits) {
        r = files_rewind_get(tx, place.first, &rewind);
    }
    if (r == ERR_INVALID || r == ERR_CORRUPT || (r == 0 && !fits)) {
        *ret_fault = "what is kept of moments is not well-formed";
        return 0;
    }
    return passed_over(r);
}

/* Whether it says what the names in the folder come to. */
static int judge_sum(struct files_tx *tx, uint64_t folder, const struct files_node *says,
                     const char **ret_fault)
{
    struct str prefix = files_key_entries(tx, folder);
    struct store_range range = {prefix, store_after(tx->arena, prefix), .limit = SUMMED_MOST + 1};
    struct store_pair *pairs;
    size_t count = 0;
    bool kept = false;
    int r = is_kept(tx, &kept);
    if (r < 0 || !kept) {
        return r;
    }
    r = store_scan(tx->txn, &range, &pairs, &count);
    struct files_node sum = {0};
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct files_record record;
        struct files_node node;
        r = files_record_decode(pairs[i].value, &record);
        r = r < 0 ? r : files_node_of(tx, &record, &node);
        if (r == 0) {
            sum.files += node.files;
            sum.bytes += node.bytes;
            files_node_hold(&sum, pairs[i].key.n - prefix.n, &node);
        }
    }
    bool all = r == 0 && count <= SUMMED_MOST;
    if (all && (sum.files != says->files || sum.bytes != says->bytes)) {
        *ret_fault = "it is not the sum of what is in it";
    } else if (all && (sum.reach > says->reach || sum.levels > says->levels)) {
        *ret_fault = "what is in it reaches further than it says";
    }
    return passed_over(r);
}

static int judge_node(struct files_tx *tx, const struct data_found *found, const char **ret_fault)
{
    struct place place = {0};
    struct files_node says;
    int r = place_read(tx, found->rest, &place);
    const struct files_record folder = {.kind = FILES_FOLDER, .id = place.first};
    r = r < 0 ? r : files_node_of(tx, &folder, &says);
    if (r == ERR_INVALID || r == ERR_CORRUPT || (r == 0 && place.rest.n > 0)) {
        *ret_fault = "what is below the folder is not well-formed";
        return 0;
    }
    return r < 0 ? r : judge_sum(tx, place.first, &says, ret_fault);
}

static int judge_total(struct files_tx *tx, const char **ret_fault)
{
    uint64_t kept = 0;
    uint64_t sum = 0;
    int r = data_usage_kept(tx->txn, tx->scope, &kept);
    r = r < 0 ? r : data_usage_sum(tx->txn, tx->scope, &sum);
    if (r == 0 && kept != sum) {
        *ret_fault = "it is not the sum of the tenant's trees";
    }
    return passed_over(r);
}

/* The counter must have room for what is still to come. */
static int judge_usage(struct files_tx *tx, struct str session, const char **ret_fault)
{
    if (str_eq(session, STR("total"))) {
        return judge_total(tx, ret_fault);
    }
    if (!data_is_tree(session)) {
        *ret_fault = data_id_is(session, "cnv") ? NULL : "the counters are of no tree";
        return 0;
    }
    tx->session = session;
    int r = data_usage_get(tx->txn, tx->scope, session, &tx->usage);
    if (r == ERR_CORRUPT || (r == 0 && tx->usage.seq > INT64_MAX >> FILES_ID_BITS)) {
        *ret_fault = "the counters are not well-formed";
        return 0;
    }
    const struct files_node says = {.files = tx->usage.files,
                                    .bytes = tx->usage.bytes,
                                    .reach = UINT64_MAX,
                                    .levels = UINT64_MAX};
    return r < 0 ? r : judge_sum(tx, FILES_ROOT, &says, ret_fault);
}

int files_judge(const struct data_found *found, const char **ret_fault)
{
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
    case DATA_SPACE_NODE:
        return judge_node(&tx, found, ret_fault);
    case DATA_SPACE_REWIND:
    case DATA_SPACE_THIN:
        return judge_moments(&tx, found, ret_fault);
    case DATA_SPACE_USAGE:
        return judge_usage(&tx, found->rest, ret_fault);
    default:
        return files_judge_content(&tx, found, ret_fault);
    }
}
