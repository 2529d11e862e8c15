/*
 * All content read and hashed again: chunks and pages, and the bytes of small files, which lie in their versions. A reader does
 * that with what it reads; this finds what nobody has read for years while a backup still has it. Pages of keys are copied
 * within a transaction each and judged outside of it, in bounded memory.
 */
#include "files/files_int.h"

enum { PAGE_CHUNKS = 64, PAGE_VERSIONS = 1000 };

struct page {
    struct arena *arena;
    struct scope scope;
    enum data_space space;
    struct str after; /* key; empty: from the first */
    size_t limit;
    struct store_pair *at; /* results, in arena */
    size_t n;
    size_t prefix; /* of keys */
};

static int page_read(struct txn *txn, void *arg)
{
    struct page *page = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &page->scope, page->space, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = page->limit,
                                .judged = true};
    if (page->after.n >
        0) { /* an arena's copy has a zero byte behind it: the first key behind this one */
        range.begin = arena_str(arena, page->after);
        range.begin.n++;
    }
    struct store_pair *pairs;
    page->n = 0;
    size_t count;
    int r = store_scan(txn, &range, &pairs, &count);
    if (r < 0) {
        return r;
    }
    page->prefix = prefix.n;
    page->at = ARENA_ARRAY(page->arena, struct store_pair, count + 1);
    for (size_t i = 0; i < count; i++) {
        page->at[i].key = arena_str(page->arena, pairs[i].key);
        page->at[i].value = arena_str(page->arena, pairs[i].value);
    }
    page->n = count;
    return 0;
}

/* One that is not is marked. */
static bool chunk_is_whole(struct store *store, struct content_codec *codec,
                           const struct page *page, const struct store_pair *pair)
{
    struct content_hash hash;
    struct str plain;
    bool named = content_hash_parse(str_slice(pair->key, page->prefix, pair->key.n), &hash) == 0;
    bool whole = named && content_decode_checked(codec, pair->value, &hash, &plain) == 0;
    if (named && !whole) {
        files_mark_damaged(store, &page->scope, &hash);
    }
    return whole;
}

static bool version_is_whole(struct str value)
{
    struct files_past_version version;
    struct content_hash hash;
    if (files_version_decode(value, &version) < 0) {
        return false;
    }
    if (version.record.kind == FILES_FOLDER || !version.record.manifest.small) {
        return true;
    }
    content_hash(version.bytes, &hash);
    return content_hash_eq(&hash, &version.record.hash);
}

static int tell(struct store *store, const struct page *page, struct str key,
                const struct files_scrub *in)
{
    struct files_damage damage = {&page->scope, page->space,
                                  .name = str_slice(key, page->prefix, key.n)};
    BUF_AUTO(names, 8 * 1024);
    int r = files_damage_names(store, &damage, &names);
    if (r == 0) {
        in->damaged(in->ctx, arena_printf(page->arena, STR_FMT STR_FMT, STR_ARG(key),
                                          STR_ARG(buf_str(&names))));
    }
    return r;
}

static int scrub_space(struct store *store, const struct page *first, const struct files_scrub *in,
                       struct files_scrubbed *scrubbed)
{
    struct content_codec *codec = content_codec_create();
    BUF_AUTO(after, STORE_MAX_KEY);
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        ARENA_AUTO(arena);
        struct page page = *first;
        page.arena = &arena;
        page.after = buf_str(&after);
        r = store_read(store, page_read, &page);
        more = r == 0 && page.n == page.limit;
        for (size_t i = 0; r == 0 && i < page.n; i++) {
            struct str key = page.at[i].key;
            bool chunk = page.space == DATA_SPACE_CHUNK;
            bool whole = chunk ? chunk_is_whole(store, codec, &page, &page.at[i])
                               : version_is_whole(page.at[i].value);
            scrubbed->chunks += chunk;
            scrubbed->versions += !chunk;
            scrubbed->damaged += !whole;
            if (!whole) {
                r = tell(store, &page, key, in);
            }
        }
        if (r == 0 && in->page) {
            r = in->page(in->ctx, scrubbed);
        }
        if (more) {
            buf_clear(&after);
            buf_add(&after, page.at[page.n - 1].key);
        }
    }
    content_codec_destroy(codec);
    return r;
}

struct tenant {
    struct str after;
    char id[DATA_ID_ROOM]; /* result; empty: there is no more */
};

static int tenant_read(struct txn *txn, void *arg)
{
    struct tenant *tenant = arg;
    struct str id;
    tenant->id[0] = '\0';
    int r = data_tenant_next(txn, tenant->after, &id);
    if (r == 0) {
        memcpy(tenant->id, id.p, DATA_ID_SIZE);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int files_scrub(struct store *store, const struct files_scrub *in,
                struct files_scrubbed *ret_scrubbed)
{
    struct files_scrubbed scrubbed = {0};
    char last[DATA_ID_ROOM] = "";
    int r;
    do {
        struct tenant tenant = {.after = str_from(last)};
        r = store_read(store, tenant_read, &tenant);
        memcpy(last, tenant.id, sizeof last);
        struct page page = {.scope.tenant_id = str_from(last)};
        for (size_t i = 0; r == 0 && last[0] && i < 2; i++) {
            page.space = i == 0 ? DATA_SPACE_CHUNK : DATA_SPACE_VERSION;
            page.limit = i == 0 ? PAGE_CHUNKS : PAGE_VERSIONS;
            r = scrub_space(store, &page, in, &scrubbed);
        }
    } while (r == 0 && last[0]);
    if (r == 0) {
        *ret_scrubbed = scrubbed;
    }
    return r;
}
