/*
 * All content read and hashed again: chunks and pages, and the bytes of small files, which lie in their versions. A reader does
 * that with what it reads; this finds what nobody has read for years while a backup still has it. Pages of keys are copied
 * within a transaction each and judged outside of it, in bounded memory.
 *
 * Bytes that are gone have no key to be judged: the keys of bytes are held against those of stored/, which say what is there, and come
 * and go with them.
 */
#include "files/files_int.h"

enum { PAGE_CHUNKS = 64, PAGE_STORED = 2 * PAGE_CHUNKS, PAGE_VERSIONS = 1000 };

struct piece {
    struct str name; /* its key behind the prefix */
    struct str value;
    bool gone; /* a chunk: there is no such key, and should be */
};

struct page {
    struct arena *arena;
    struct scope scope;
    enum data_space space;
    struct str after;  /* name; empty: from the first */
    struct str prefix; /* result; of keys */
    struct piece *at;  /* results, in arena */
    size_t n;
    bool more; /* result: behind the last of them */
};

/* Pairs behind a name, of which only the names are left. */
struct names {
    struct store_pair *at;
    size_t n;
    bool more;
};

static struct str prefix_of(struct arena *arena, const struct page *page, enum data_space space)
{
    struct str any = DATA_KEY(arena, &page->scope, space, STR("x"));
    return str_slice(any, 0, any.n - 1);
}

static int names_read(struct txn *txn, const struct page *page, enum data_space space,
                      struct names *ret)
{
    struct arena *arena = store_arena(txn);
    struct str prefix = prefix_of(arena, page, space);
    struct store_range range = {prefix, store_after(arena, prefix), .judged = true};
    range.limit = space == DATA_SPACE_CHUNK    ? PAGE_CHUNKS
                  : space == DATA_SPACE_STORED ? PAGE_STORED
                                               : PAGE_VERSIONS;
    if (page->after.n > 0) { /* a zero byte is behind it: the first key behind this one */
        range.begin = arena_printf(arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(page->after));
        range.begin.n++;
    }
    int r = store_scan(txn, &range, &ret->at, &ret->n);
    for (size_t i = 0; r == 0 && i < ret->n; i++) {
        ret->at[i].key = str_slice(ret->at[i].key, prefix.n, ret->at[i].key.n);
    }
    ret->more = r == 0 && ret->n == range.limit;
    return r;
}

/* Whether the page ends before name: what is read of the one or the other list goes no further. */
static bool ends_before(const struct names *names, struct str name)
{
    return names->more && str_cmp(name, names->at[names->n - 1].key) > 0;
}

/* stored: none, of versions. */
static void merge(struct page *page, const struct names *bytes, const struct names *stored)
{
    size_t b = 0;
    size_t s = 0;
    page->n = 0;
    page->at = ARENA_ARRAY(page->arena, struct piece, bytes->n + stored->n + 1);
    while (b < bytes->n || s < stored->n) {
        int order = s == stored->n  ? -1
                    : b == bytes->n ? 1
                                    : str_cmp(bytes->at[b].key, stored->at[s].key);
        bool gone = order > 0;
        const struct store_pair *pair = gone ? &stored->at[s] : &bytes->at[b];
        if (ends_before(bytes, pair->key) || ends_before(stored, pair->key)) {
            break;
        }
        page->at[page->n++] =
            (struct piece){.name = arena_str(page->arena, pair->key),
                           .value = gone ? STR_EMPTY : arena_str(page->arena, pair->value),
                           .gone = gone};
        b += order <= 0;
        s += order >= 0;
    }
    page->more = bytes->more || stored->more;
}

static int page_read(struct txn *txn, void *arg)
{
    struct page *page = arg;
    struct names bytes = {0};
    struct names stored = {0};
    int r = names_read(txn, page, page->space, &bytes);
    if (r == 0 && page->space == DATA_SPACE_CHUNK) {
        r = names_read(txn, page, DATA_SPACE_STORED, &stored);
    }
    if (r == 0) {
        page->prefix = prefix_of(page->arena, page, page->space);
        merge(page, &bytes, &stored);
    }
    return r;
}

/* One that is not is marked. */
static bool chunk_is_whole(struct store *store, struct content_codec *codec,
                           const struct page *page, const struct piece *piece)
{
    struct content_hash hash;
    struct str plain;
    bool named = content_hash_parse(piece->name, &hash) == 0;
    bool whole =
        named && !piece->gone && content_decode_checked(codec, piece->value, &hash, &plain) == 0;
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

static int tell(struct store *store, const struct page *page, const struct piece *piece,
                const struct files_scrub *in)
{
    struct files_damage damage = {&page->scope, page->space, .name = piece->name};
    BUF_AUTO(names, 8 * 1024);
    int r = files_damage_names(store, &damage, &names);
    if (r == 0) {
        in->damaged(in->ctx,
                    arena_printf(page->arena, STR_FMT STR_FMT STR_FMT, STR_ARG(page->prefix),
                                 STR_ARG(piece->name), STR_ARG(buf_str(&names))));
    }
    return r;
}

static int scrub_space(struct store *store, const struct page *first, const struct files_scrub *in,
                       struct files_scrubbed *scrubbed)
{
    struct content_codec *codec = content_codec_create();
    BUF_AUTO(after, STORE_MAX_KEY);
    bool chunks = first->space == DATA_SPACE_CHUNK;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        ARENA_AUTO(arena);
        struct page page = *first;
        page.arena = &arena;
        page.after = buf_str(&after);
        r = store_read(store, page_read, &page);
        more = r == 0 && page.more;
        for (size_t i = 0; r == 0 && i < page.n; i++) {
            const struct piece *piece = &page.at[i];
            bool whole = chunks ? chunk_is_whole(store, codec, &page, piece)
                                : version_is_whole(piece->value);
            scrubbed->chunks += chunks && !piece->gone;
            scrubbed->versions += !chunks;
            scrubbed->damaged += !whole;
            if (!whole) {
                r = tell(store, &page, piece, in);
            }
        }
        if (r == 0 && in->page) {
            r = in->page(in->ctx, scrubbed);
        }
        if (more) {
            buf_clear(&after);
            buf_add(&after, page.at[page.n - 1].name);
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
            r = scrub_space(store, &page, in, &scrubbed);
        }
    } while (r == 0 && last[0]);
    if (r == 0) {
        *ret_scrubbed = scrubbed;
    }
    return r;
}
