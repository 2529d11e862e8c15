/*
 * Content in the store. A chunk is two keys: its bytes, and a few bytes that say that it is there, so that a question or a
 * commit need not read content. Both are written and (by the collector) deleted together.
 *
 * The lease of an upload in flight is the hour in stored/: who sends a chunk that is there already renews it in every hour
 * anew, so that what store.spare says holds from the last upload on, and to the hour. What nothing names lies in the
 * collector's queue under that hour (loose.c): a chunk comes into it when it is written, and goes when something names it.
 */
#include "files/quota_int.h"

enum {
    REF_COST = 200, /* bytes that a reference of a page writes */
    MOST_TOGETHER = 1 << 20,
};

size_t files_item_cost(const struct files_item *item)
{
    return item->encoded.n + (item->page ? item->page->count * REF_COST : 0);
}

struct str files_hash_part(struct arena *arena, const struct content_hash *hash)
{
    char *text = arena_alloc(arena, CONTENT_HASH_TEXT + 1);
    content_hash_text(hash, text);
    return str_of(text, CONTENT_HASH_TEXT);
}

struct str files_key_chunk(struct files_tx *tx, const struct content_hash *hash)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_CHUNK, files_hash_part(tx->arena, hash));
}

struct str files_key_stored(struct files_tx *tx, const struct content_hash *hash)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_STORED, files_hash_part(tx->arena, hash));
}

struct str files_key_page_ref(struct files_tx *tx, const struct content_hash *hash,
                              const struct content_hash *page)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_CHUNKREF, files_hash_part(tx->arena, hash),
                    STR("page"), files_hash_part(tx->arena, page));
}

struct str files_key_version_ref(struct files_tx *tx, const struct content_hash *hash, uint64_t id,
                                 uint64_t seq)
{
    return DATA_KEY(tx->arena, tx->scope, DATA_SPACE_CHUNKREF, files_hash_part(tx->arena, hash),
                    tx->session,
                    arena_printf(tx->arena, "%016llx-%016llx", (unsigned long long)id,
                                 (unsigned long long)seq));
}

int files_stored_get(struct files_tx *tx, const struct content_hash *hash,
                     struct files_stored *ret_stored)
{
    struct str value;
    int r = store_get(tx->txn, files_key_stored(tx, hash), &value);
    return r < 0 ? r : files_stored_decode(value, ret_stored);
}

static uint32_t this_hour(const struct files_tx *tx)
{
    return (uint32_t)(tx->now / (3600 * USEC_PER_SEC));
}

static void stored_put(struct files_tx *tx, const struct content_hash *hash,
                       const struct files_stored *stored)
{
    files_tx_put(tx, files_key_stored(tx, hash), files_stored_encode(tx->arena, stored));
}

/* Everything that a page names is there and is what the page says; then the page refers to it. */
static int page_refs(struct files_tx *tx, const struct content_hash *hash,
                     const struct content_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct content_ref *ref = &page->refs[i];
        struct files_stored child;
        int r = files_stored_get(tx, &ref->hash, &child);
        if (r < 0) {
            return r == ERR_NOT_FOUND ? ERR_MISSING_CHUNKS : r;
        }
        if (page->level == 1 ? child.length != ref->length
                             : child.level != page->level - 1 || child.below != ref->length) {
            return ERR_INVALID;
        }
        files_tx_put(tx, files_key_page_ref(tx, &ref->hash, hash), STR_EMPTY);
        files_loose_drop(tx, &ref->hash, child.hour);
    }
    return 0;
}

static bool lacks(const struct files_item *item, const struct files_stored *stored, bool there)
{
    return !there || (stored->damaged && item->encoded.n > 0);
}

static int bytes_put(struct files_tx *tx, const struct files_item *item, bool writes,
                     struct files_stored *stored)
{
    if (!writes) {
        return 0;
    }
    int r = files_held_change(tx, &item->hash, stored->length, item->length);
    if (r == 0) {
        files_tx_put(tx, files_key_chunk(tx, &item->hash), item->encoded);
        stored->length = item->length;
        stored->damaged = false;
    }
    return r;
}

int files_item_put(struct files_tx *tx, const struct files_item *item)
{
    struct files_stored stored = {0};
    int r = files_stored_get(tx, &item->hash, &stored);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    bool there = r == 0;
    bool known = there && (!item->page || stored.level == item->page->level);
    bool writes = lacks(item, &stored, there);
    if (known && !writes && stored.hour >= this_hour(tx)) {
        return 0;
    }
    if (!there && item->encoded.n == 0) {
        return ERR_MISSING_CHUNKS; /* a page being adopted was collected meanwhile */
    }
    r = bytes_put(tx, item, writes, &stored);
    if (r < 0) {
        return r;
    }
    if (there) {
        files_loose_drop(tx, &item->hash, stored.hour);
    }
    if (item->page && !known) {
        r = page_refs(tx, &item->hash, item->page);
        if (r < 0) {
            return r;
        }
        stored.level = item->page->level;
        stored.below = item->page->length;
    }
    stored.hour = this_hour(tx);
    stored_put(tx, &item->hash, &stored);
    files_loose_put(tx, &item->hash, stored.hour); /* until something names it */
    return 0;
}

/* ERR_MISSING_CHUNKS, ERR_INVALID, ERR_CORRUPT. */
static int manifest_check(struct files_tx *tx, const struct content_manifest *m,
                          struct files_stored *ret_stored)
{
    int r = files_stored_get(tx, &m->hash, ret_stored);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_MISSING_CHUNKS : r;
    }
    bool is_it = m->levels == 0 ? ret_stored->length == m->length
                                : ret_stored->level == m->levels && ret_stored->below == m->length;
    return is_it ? 0 : ERR_INVALID;
}

int files_content_ref(struct files_tx *tx, uint64_t id, const struct files_content *content)
{
    const struct content_manifest *m = &content->manifest;
    if (m->small) {
        return 0;
    }
    struct files_stored stored;
    int r = manifest_check(tx, m, &stored);
    bool damaged = r == ERR_MISSING_CHUNKS || r == ERR_INVALID || r == ERR_CORRUPT;
    if (r < 0 && !(damaged && content->named)) {
        return r;
    }
    files_tx_put(tx, files_key_version_ref(tx, &m->hash, id, tx->seq), STR_EMPTY);
    if (r == 0) { /* else the collector finds out by itself that it is named, should it come back */
        files_loose_drop(tx, &m->hash, stored.hour);
    }
    return 0;
}

/* ---- calls ---- */

void files_missing_add(struct files_missing *missing, const struct content_hash *hash)
{
    if (!missing->at) {
        missing->at = ARENA_ARRAY(missing->arena, struct content_hash, FILES_MAX_NAMED);
    }
    if (missing->n < FILES_MAX_NAMED) {
        missing->at[missing->n++] = *hash;
    }
}

struct ask {
    struct data_context *ctx;
    const struct content_hash *hashes;
    size_t count;
    struct files_missing missing;
};

static void tx_plain(struct files_tx *tx, struct txn *txn, const struct data_context *ctx)
{
    *tx = (struct files_tx){
        .txn = txn, .arena = store_arena(txn), .scope = &ctx->scope, .quota = ctx->quota};
}

static int ask_read(struct txn *txn, void *arg)
{
    struct ask *ask = arg;
    struct files_tx tx;
    tx_plain(&tx, txn, ask->ctx);
    ask->missing.n = 0;
    for (size_t i = 0; i < ask->count; i++) {
        struct files_stored stored;
        int r = files_stored_get(&tx, &ask->hashes[i], &stored);
        if (r == ERR_NOT_FOUND || (r == 0 && stored.damaged)) {
            files_missing_add(&ask->missing, &ask->hashes[i]);
        } else if (r < 0) {
            return r;
        }
    }
    return 0;
}

int files_chunks_missing(struct data_context *ctx, const struct files_hashes *asked,
                         struct files_hashes *ret_missing)
{
    if (asked->n > FILES_MAX_NAMED) {
        return ERR_LIMIT;
    }
    struct ask ask = {
        .ctx = ctx, .hashes = asked->at, .count = asked->n, .missing.arena = ctx->arena};
    int r = store_read(ctx->store, ask_read, &ask);
    if (r == 0) {
        *ret_missing = (struct files_hashes){ask.missing.at, ask.missing.n};
    }
    return r;
}

struct put {
    struct data_context *ctx;
    struct files_item item;
    usec_t now;
};

static int put_write(struct txn *txn, void *arg)
{
    struct put *put = arg;
    struct files_tx tx;
    tx_plain(&tx, txn, put->ctx);
    tx.now = put->now;
    return files_item_put(&tx, &put->item);
}

/* Harmless when it runs twice; large, so that saves and deletions need not wait behind it. */
static int put_run(struct put *put)
{
    struct store_op op = store_op_new();
    op.bytes = files_item_cost(&put->item);
    return store_write(put->ctx->store, &op, put_write, put);
}

static void codec_fini(struct content_codec **c)
{
    content_codec_destroy(*c);
}
#define CODEC_AUTO(name) \
    struct content_codec *name __attribute__((cleanup(codec_fini))) = content_codec_create()

struct puts {
    struct data_context *ctx;
    struct files_item *items;
    size_t count;
    usec_t now;
};

static int puts_write(struct txn *txn, void *arg)
{
    struct puts *puts = arg;
    struct files_tx tx;
    tx_plain(&tx, txn, puts->ctx);
    tx.now = puts->now;
    int r = 0;
    for (size_t i = 0; i < puts->count && r == 0; i++) {
        r = files_item_put(&tx, &puts->items[i]);
    }
    return files_quota_refused(puts->ctx, &tx, r);
}

int files_chunks_put(struct data_context *ctx, const struct files_chunk *chunks, size_t count)
{
    CODEC_AUTO(codec);
    struct store_op op = store_op_new();
    if (count > FILES_MAX_TOGETHER) {
        return ERR_LIMIT;
    }
    struct puts puts = {.ctx = ctx,
                        .items = ARENA_ARRAY(ctx->arena, struct files_item, count),
                        .count = count,
                        .now = time_now()};
    for (size_t i = 0; i < count; i++) {
        struct str plain;
        if (content_decode_checked(codec, chunks[i].encoded, &chunks[i].hash, &plain) < 0) {
            return ERR_INVALID;
        }
        puts.items[i] = (struct files_item){
            .hash = chunks[i].hash, .encoded = chunks[i].encoded, .length = (uint32_t)plain.n};
        op.bytes += files_item_cost(&puts.items[i]);
    }
    if (op.bytes > MOST_TOGETHER) {
        return ERR_LIMIT;
    }
    return count > 0 ? store_write(ctx->store, &op, puts_write, &puts) : 0;
}

int files_chunk_put(struct data_context *ctx, const struct content_hash *hash, struct str encoded)
{
    return files_chunks_put(ctx, &(struct files_chunk){.hash = *hash, .encoded = encoded}, 1);
}

struct load {
    const struct scope *scope;
    const struct content_hash *hash;
    struct buf *to;
};

static int load_read(struct txn *txn, void *arg)
{
    struct load *load = arg;
    struct files_tx tx = {.txn = txn, .arena = store_arena(txn), .scope = load->scope};
    struct str value;
    int r = store_get(txn, files_key_chunk(&tx, load->hash), &value);
    if (r < 0) {
        return r;
    }
    buf_clear(load->to);
    buf_add(load->to, value);
    return load->to->error ? ERR_CORRUPT : 0;
}

static int load_plain(const struct files_fetch *fetch, const struct content_hash *hash,
                      struct str *ret_plain)
{
    struct load load = {.scope = &fetch->ctx->scope, .hash = hash, .to = fetch->encoded};
    int r = store_read(fetch->ctx->store, load_read, &load);
    if (r == 0) {
        r = content_decode_checked(fetch->codec, buf_str(fetch->encoded), hash, ret_plain);
    }
    if (r == ERR_CORRUPT || r == ERR_NOT_FOUND) {
        files_mark_damaged(fetch->ctx->store, &fetch->ctx->scope, hash);
    }
    return r;
}

int files_fetch(const struct files_fetch *fetch, const struct content_hash *hash,
                struct str *ret_plain)
{
    int r = load_plain(fetch, hash, ret_plain);
    return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

int files_chunk_get(struct data_context *ctx, const struct content_hash *hash,
                    struct str *ret_encoded)
{
    BUF_AUTO(encoded, CONTENT_ENCODED_MAX);
    CODEC_AUTO(codec);
    struct files_fetch fetch = {ctx, codec, &encoded};
    struct str plain;
    int r = load_plain(&fetch, hash, &plain);
    if (r == 0) {
        *ret_encoded = arena_str(ctx->arena, buf_str(&encoded));
    }
    return r;
}

static int link_load(struct data_context *ctx, struct files_entry *entry)
{
    BUF_AUTO(encoded, CONTENT_ENCODED_MAX);
    CODEC_AUTO(codec);
    struct files_fetch fetch = {ctx, codec, &encoded};
    struct str plain;
    int r = files_fetch(&fetch, &entry->manifest.hash, &plain);
    if (r == 0) {
        entry->bytes = arena_str(ctx->arena, plain);
    }
    return r;
}

int files_bytes_load(struct data_context *ctx, struct files_entry *entry)
{
    int r = 0;
    if (entry->kind == FILES_SYMLINK && !entry->manifest.small) {
        r = link_load(ctx, entry);
    } else if (entry->kind != FILES_FOLDER && entry->manifest.small) {
        struct content_hash hash;
        content_hash(entry->bytes, &hash);
        r = content_hash_eq(&hash, &entry->hash) ? 0 : ERR_CORRUPT;
    }
    entry->damaged = entry->damaged || r == ERR_CORRUPT;
    entry->bytes = entry->damaged ? STR_EMPTY : entry->bytes;
    return r == ERR_CORRUPT ? 0 : r;
}

/* ---- adopting pages that came as chunks ---- */

static int known_read(struct txn *txn, void *arg)
{
    struct put *put = arg;
    struct files_tx tx;
    tx_plain(&tx, txn, put->ctx);
    struct files_stored stored;
    int r = files_stored_get(&tx, &put->item.hash, &stored);
    put->item.length = r == 0 ? stored.level : 0;
    return r;
}

/* Asks for what a page of level 1 names. */
static int leaf_ask(struct data_context *ctx, const struct content_page *page,
                    struct files_missing *missing)
{
    MEM_AUTO struct content_hash *hashes = mem_alloc(page->count * sizeof *hashes);
    for (size_t i = 0; i < page->count; i++) {
        hashes[i] = page->refs[i].hash;
    }
    struct ask ask = {
        .ctx = ctx, .hashes = hashes, .count = page->count, .missing.arena = ctx->arena};
    int r = store_read(ctx->store, ask_read, &ask);
    for (size_t i = 0; r == 0 && i < ask.missing.n; i++) {
        files_missing_add(missing, &ask.missing.at[i]);
    }
    return r;
}

static int page_adopt(const struct files_fetch *fetch, const struct content_hash *hash,
                      unsigned level, struct files_missing *missing);

static int page_below(const struct files_fetch *fetch, const struct content_page *page,
                      struct files_missing *missing)
{
    if (page->level == 1) {
        return leaf_ask(fetch->ctx, page, missing);
    }
    for (size_t i = 0; i < page->count && missing->n < FILES_MAX_NAMED; i++) {
        int r = page_adopt(fetch, &page->refs[i].hash, page->level - 1u, missing);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Depth is bounded by CONTENT_MAX_LEVELS. */
static int page_adopt(const struct files_fetch *fetch, const struct content_hash *hash,
                      unsigned level, struct files_missing *missing)
{
    struct put put = {.ctx = fetch->ctx, .item.hash = *hash, .now = time_now()};
    int r = store_read(fetch->ctx->store, known_read, &put);
    if (r == ERR_NOT_FOUND) {
        files_missing_add(missing, hash);
        return 0;
    }
    if (r < 0 || put.item.length == level) {
        return r;
    }
    struct str bytes;
    r = files_fetch(fetch, hash, &bytes);
    if (r < 0) {
        return r;
    }
    MEM_AUTO struct content_page *page = MEM_NEW(struct content_page);
    if (content_page_decode(bytes, page) < 0 || page->level != level) {
        return ERR_INVALID;
    }
    size_t before = missing->n;
    r = page_below(fetch, page, missing);
    if (r < 0 || missing->n > before) {
        return r;
    }
    put.item = (struct files_item){.hash = *hash, .page = page};
    return put_run(&put);
}

int files_adopt(struct data_context *ctx, const struct content_manifest *manifest,
                struct files_missing *missing)
{
    if (manifest->small || manifest->levels == 0) {
        return 0;
    }
    BUF_AUTO(encoded, CONTENT_ENCODED_MAX);
    CODEC_AUTO(codec);
    struct files_fetch fetch = {ctx, codec, &encoded};
    return page_adopt(&fetch, &manifest->hash, manifest->levels, missing);
}
