/*
 * Content that nothing names, and its collection.
 *
 * The queue holds what is not named: a chunk comes into it when it is written (nothing names it yet) and when the last
 * reference to it goes; it leaves it when something names it. So the collector's cost grows with what there is to collect
 * and not with what is kept. It is ordered by the hour in stored/, so that what is too young to be looked at is not looked at.
 *
 * 1. A chunk is deleted in a transaction that reads stored/ and the empty range of its references; whoever names a chunk reads
 *    stored/ and writes a reference. So of a collector and a commit at the same time one is first: the commit, and the chunk
 *    stays; or the collector, and the commit finds it missing (ERR_MISSING_CHUNKS) and has it sent again.
 * 2. An entry of the queue is a hint. One for a chunk that is named, renewed or gone is dropped when it is looked at, and is
 *    put again by whoever takes the last reference away: entries may be too many, never too few.
 * 3. A page goes together with its references to what it names; what that leaves without a name is queued in the same
 *    transaction. So a file of many levels is collected from the top, one page a transaction.
 * 4. A page that cannot be read stays, with all that it names, and leaves the queue: damage is for people to judge.
 */
#include "base/log.h"
#include "files/quota_int.h"

enum { COLLECT_KEYS = 2000, CHUNK_KEYS = 5, REF_KEYS = 2 };

static struct str key_loose(struct files_tx *tx, const struct content_hash *hash, uint64_t hour)
{
    return data_key_loose(tx->arena,
                          &(struct data_loose){.scope = *tx->scope,
                                               .hour = hour,
                                               .hash = files_hash_part(tx->arena, hash)});
}

void files_loose_put(struct files_tx *tx, const struct content_hash *hash, uint32_t hour)
{
    store_put(tx->txn, key_loose(tx, hash, hour), STR_EMPTY);
}

void files_loose_drop(struct files_tx *tx, const struct content_hash *hash, uint32_t hour)
{
    store_delete(tx->txn, key_loose(tx, hash, hour));
}

int files_is_named(struct files_tx *tx, const struct content_hash *hash, bool *ret_named)
{
    struct str part = files_hash_part(tx->arena, hash);
    return files_any(tx, DATA_PREFIX(tx->arena, tx->scope, DATA_SPACE_CHUNKREF, part), ret_named);
}

int files_ref_drop(struct files_tx *tx, const struct content_hash *hash, struct str key)
{
    bool named = true;
    struct files_stored stored;
    store_delete(tx->txn, key);
    int r = files_is_named(tx, hash, &named);
    if (r < 0 || named) {
        return r;
    }
    r = files_stored_get(tx, hash, &stored);
    if (r == 0) {
        files_loose_put(tx, hash, stored.hour);
    }
    return r == ERR_NOT_FOUND || r == ERR_CORRUPT ? 0 : r; /* the checker's business */
}

int files_content_unref(struct files_tx *tx, uint64_t id, uint64_t seq,
                        const struct content_manifest *manifest)
{
    return manifest->small ? 0
                           : files_ref_drop(tx, &manifest->hash,
                                            files_key_version_ref(tx, &manifest->hash, id, seq));
}

/* ---- The collector ---- */

struct candidate {
    struct scope scope;
    struct content_hash hash;
    uint32_t hour;
    const struct content_page *page; /* NULL: a chunk, as far as was known when it was looked at */
    bool damaged;
};

struct batch {
    const struct files_collect_input *in;
    struct candidate *at;
    size_t n;
    size_t chunks; /* result */
};

/* All that it names loses one reference. */
static int page_unref(struct files_tx *tx, const struct candidate *c)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->page->count; i++) {
        const struct content_hash *child = &c->page->refs[i].hash;
        r = files_ref_drop(tx, child, files_key_page_ref(tx, child, &c->hash));
    }
    return r;
}

enum verdict { VERDICT_KEEP, VERDICT_GO, VERDICT_LATER };

struct judged {
    enum verdict verdict;
    uint32_t length;
};

/* KEEP: named, renewed, gone, or a page that cannot be read. LATER: it became a page since it was looked at. */
static int judge(struct files_tx *tx, const struct files_collect_input *in,
                 const struct candidate *c, struct judged *ret_judged)
{
    struct files_stored stored = {.hour = 0};
    bool named = false;
    int r = files_stored_get(tx, &c->hash, &stored);
    *ret_judged = (struct judged){VERDICT_KEEP, stored.length};
    if (r < 0) {
        return r == ERR_NOT_FOUND || r == ERR_CORRUPT ? 0 : r;
    }
    if (stored.level > 0 && !c->page) {
        ret_judged->verdict = c->damaged ? VERDICT_KEEP : VERDICT_LATER;
        return 0;
    }
    r = in->careless ? 0 : files_is_named(tx, &c->hash, &named);
    ret_judged->verdict = named || stored.hour != c->hour ? VERDICT_KEEP : VERDICT_GO;
    return r;
}

/* *ret_gone: it was to be deleted and is. */
static int collect_one(struct files_tx *tx, const struct files_collect_input *in,
                       const struct candidate *c, bool *ret_gone)
{
    struct judged judged;
    int r = judge(tx, in, c, &judged);
    *ret_gone = r == 0 && judged.verdict == VERDICT_GO;
    if (r < 0 || judged.verdict == VERDICT_LATER) {
        return r;
    }
    files_loose_drop(tx, &c->hash, c->hour);
    r = *ret_gone ? files_held_change(tx, &c->hash, judged.length, 0) : 0;
    if (r < 0 || !*ret_gone) {
        return r;
    }
    store_delete(tx->txn, files_key_chunk(tx, &c->hash));
    store_delete(tx->txn, files_key_stored(tx, &c->hash));
    return c->page ? page_unref(tx, c) : 0;
}

static int collect_write(struct txn *txn, void *arg)
{
    struct batch *batch = arg;
    batch->chunks = 0;
    for (size_t i = 0; i < batch->n; i++) {
        struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = &batch->at[i].scope};
        bool gone;
        int r = collect_one(&tx, batch->in, &batch->at[i], &gone);
        if (r < 0) {
            return r;
        }
        batch->chunks += gone;
    }
    return 0;
}

struct due {
    struct arena *arena;
    unsigned spare_hours;
    uint64_t before; /* results: an hour */
    struct candidate *at;
    uint8_t *levels;
    size_t n;
};

static int due_read(struct txn *txn, void *arg)
{
    struct due *due = arg;
    struct data_loose *loose;
    due->n = 0;
    size_t count;
    usec_t now;
    int r = data_clock_get(txn, &now);
    uint64_t hour = r < 0 ? 0 : (uint64_t)now / (3600 * USEC_PER_SEC);
    due->before = hour > due->spare_hours ? hour - due->spare_hours : 0;
    due->before += due->spare_hours == 0; /* of this hour too */
    r = r < 0 ? r : data_loose_list(txn, due->before, &loose, &count);
    if (r < 0) {
        return r;
    }
    due->at = ARENA_ARRAY(due->arena, struct candidate, count + 1);
    due->levels = ARENA_ARRAY(due->arena, uint8_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct candidate *c = &due->at[due->n];
        struct files_stored stored;
        if (content_hash_parse(loose[i].hash, &c->hash) < 0 || loose[i].hour > UINT32_MAX) {
            continue; /* for the checker: it keeps no other */
        }
        c->hour = (uint32_t)loose[i].hour;
        c->scope.tenant_id = arena_str(due->arena, loose[i].scope.tenant_id);
        struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = &c->scope};
        r = files_stored_get(&tx, &c->hash, &stored);
        due->levels[due->n++] = r == 0 ? stored.level : 0;
        if (r < 0 && r != ERR_NOT_FOUND && r != ERR_CORRUPT) {
            return r;
        }
    }
    return 0;
}

static void codec_fini(struct content_codec **codec)
{
    content_codec_destroy(*codec);
}

/* Outside of transactions, which may not unpack: what is under a hash never changes. */
static int page_read(struct store *store, struct arena *arena, struct candidate *c)
{
    struct content_codec *codec __attribute__((cleanup(codec_fini))) = content_codec_create();
    BUF_AUTO(encoded, CONTENT_ENCODED_MAX);
    struct data_context ctx = {.store = store, .arena = arena, .scope = c->scope};
    struct files_fetch fetch = {&ctx, codec, &encoded};
    struct content_page *page = ARENA_NEW(arena, struct content_page);
    struct str bytes;
    int r = files_fetch(&fetch, &c->hash, &bytes);
    if (r == 0) {
        r = content_page_decode(bytes, page);
    }
    if (r == 0) {
        c->page = page;
    }
    if (r == ERR_CORRUPT) {
        c->damaged = true;
        char hash[CONTENT_HASH_TEXT + 1];
        content_hash_text(&c->hash, hash);
        log_error("files", "the page %s of " STR_FMT " is damaged and is not collected", hash,
                  STR_ARG(c->scope.tenant_id));
        return 0;
    }
    return r;
}

static int batch_write(struct store *store, struct batch *batch, struct files_collected *collected)
{
    struct store_op op = store_op_new();
    op.reserve = true; /* it makes room */
    op.bytes = COLLECT_KEYS * 100;
    int r = batch->n > 0 ? store_write(store, &op, collect_write, batch) : 0;
    if (r == 0) {
        collected->looked += batch->n;
        collected->chunks += batch->n > 0 ? batch->chunks : 0;
    }
    return r;
}

/* What is damaged around one stays in the queue and keeps no other, nor those of another tenant, from being collected. */
static int batch_run(struct store *store, struct batch *batch, struct files_collected *collected)
{
    int r = batch_write(store, batch, collected);
    if (r != ERR_CORRUPT) {
        return r;
    }
    r = 0;
    for (size_t i = 0; r == 0 && i < batch->n; i++) {
        struct batch one = {.in = batch->in, .at = &batch->at[i], .n = 1};
        r = batch_write(store, &one, collected);
        r = r == ERR_CORRUPT ? 0 : r;
    }
    return r;
}

/* From `from` on, as many as one transaction takes. */
static int batch_next(struct store *store, const struct due *due, size_t from, struct batch *batch)
{
    batch->at = due->at + from;
    batch->n = 0;
    for (size_t keys = 0; from + batch->n < due->n; batch->n++) {
        struct candidate *c = &batch->at[batch->n];
        if (due->levels[from + batch->n] > 0 && !c->page && !c->damaged) {
            int r = page_read(store, due->arena, c);
            if (r < 0) {
                return r;
            }
        }
        keys += CHUNK_KEYS + (c->page ? c->page->count * REF_KEYS : 0);
        if (batch->n > 0 && keys > COLLECT_KEYS) {
            return 0;
        }
    }
    return 0;
}

int files_collect(struct store *store, const struct files_collect_input *in,
                  struct files_collected *ret_collected)
{
    ARENA_AUTO(arena);
    struct due due = {.arena = &arena, .spare_hours = in->spare_hours};
    int r = store_read(store, due_read, &due);
    struct files_collected collected = {0};
    struct batch batch = {.in = in};
    for (size_t i = 0; r == 0 && i < due.n; i += batch.n) {
        r = batch_next(store, &due, i, &batch);
        if (r == 0) {
            r = batch_run(store, &batch, &collected);
        }
    }
    if (r == 0) {
        *ret_collected = collected;
    }
    return r;
}
