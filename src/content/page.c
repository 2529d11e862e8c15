/*
 * Manifest pages and the builder that makes them.
 *
 * A file's chunks are listed in pages; pages in pages above them, until one is the root. A page ends behind a reference
 * whose hash's second byte is 0 once it has PAGE_LEAST references, or at CONTENT_PAGE_REFS: by content, so that a chunk
 * inserted at the front of a large file rewrites one page of each level and not all of them.
 *
 * Invariants:
 * 1. Three levels are enough: 64 GiB in chunks of CONTENT_CHUNK_MIN are 2^22, and 256^3 is 2^24.
 * 2. The root is the lowest single page: a page is never the only child of another.
 * 3. The manifest is a function of the chunks alone.
 */
#include "content/content.h"

#include "base/assert.h"
#include "base/mem.h"

enum {
    BUILDER_MAGIC = 0x62756c64,
    PAGE_HEAD = 8,
    REF_SIZE = CONTENT_HASH_SIZE + 8,
    PAGE_LEAST = 256,
};

static const char page_mark[4] = {'C', 'P', 'G', '1'};

struct content_builder {
    uint32_t magic;
    content_emit_fn *emit;
    void *ctx;
    uint64_t length;
    struct content_page
        open[CONTENT_MAX_LEVELS];     /* [n]: the page of level n + 1 that is being filled */
    bool emitted[CONTENT_MAX_LEVELS]; /* a page of this level was given out already */
    char bytes[CONTENT_PAGE_SIZE];
};

static void put_u64(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        to[i] = (char)(value >> (56 - 8 * i));
    }
}

static uint64_t get_u64(const char *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | (uint8_t)from[i];
    }
    return value;
}

struct str content_page_encode(const struct content_page *page,
                               char ret_bytes[static CONTENT_PAGE_SIZE])
{
    ASSERT(page->count >= 1 && page->count <= CONTENT_PAGE_REFS);
    ASSERT(page->level >= 1 && page->level <= CONTENT_MAX_LEVELS);
    memcpy(ret_bytes, page_mark, sizeof page_mark);
    ret_bytes[4] = (char)page->level;
    ret_bytes[5] = 0;
    ret_bytes[6] = (char)(page->count >> 8);
    ret_bytes[7] = (char)(page->count & 255);
    char *to = ret_bytes + PAGE_HEAD;
    for (size_t i = 0; i < page->count; i++, to += REF_SIZE) {
        memcpy(to, page->refs[i].hash.bytes, CONTENT_HASH_SIZE);
        put_u64(to + CONTENT_HASH_SIZE, page->refs[i].length);
    }
    return str_of(ret_bytes, (size_t)(to - ret_bytes));
}

static int head_decode(struct str bytes, size_t *ret_count, uint8_t *ret_level)
{
    if (bytes.n < PAGE_HEAD || memcmp(bytes.p, page_mark, sizeof page_mark) != 0 ||
        bytes.p[5] != 0) {
        return ERR_CORRUPT;
    }
    size_t count = (size_t)(uint8_t)bytes.p[6] << 8 | (uint8_t)bytes.p[7];
    uint8_t level = (uint8_t)bytes.p[4];
    if (count < 1 || count > CONTENT_PAGE_REFS || level < 1 || level > CONTENT_MAX_LEVELS ||
        bytes.n != PAGE_HEAD + count * REF_SIZE) {
        return ERR_CORRUPT;
    }
    *ret_count = count;
    *ret_level = level;
    return 0;
}

int content_page_decode(struct str bytes, struct content_page *ret_page)
{
    size_t count;
    uint8_t level;
    int r = head_decode(bytes, &count, &level);
    if (r < 0) {
        return r;
    }
    uint64_t most = level == 1 ? CONTENT_CHUNK_MAX : CONTENT_MAX_FILE;
    uint64_t sum = 0;
    const char *from = bytes.p + PAGE_HEAD;
    for (size_t i = 0; i < count; i++, from += REF_SIZE) {
        uint64_t length = get_u64(from + CONTENT_HASH_SIZE);
        if (length == 0 || length > most || length > CONTENT_MAX_FILE - sum) {
            return ERR_CORRUPT;
        }
        sum += length;
        memcpy(ret_page->refs[i].hash.bytes, from, CONTENT_HASH_SIZE);
        ret_page->refs[i].length = length;
    }
    ret_page->count = count;
    ret_page->level = level;
    ret_page->length = sum;
    return 0;
}

static void page_empty(struct content_builder *b, size_t at)
{
    b->open[at].count = 0;
    b->open[at].length = 0;
    b->open[at].level = (uint8_t)(at + 1);
}

static void builder_empty(struct content_builder *b)
{
    b->length = 0;
    for (size_t i = 0; i < CONTENT_MAX_LEVELS; i++) {
        page_empty(b, i);
        b->emitted[i] = false;
    }
}

struct content_builder *content_builder_create(content_emit_fn *emit, void *ctx)
{
    struct content_builder *b = MEM_NEW(struct content_builder);
    b->magic = BUILDER_MAGIC;
    b->emit = emit;
    b->ctx = ctx;
    builder_empty(b);
    return b;
}

void content_builder_destroy(struct content_builder *b)
{
    if (!b) {
        return;
    }
    ASSERT_MAGIC(b, BUILDER_MAGIC);
    b->magic = 0;
    mem_free(b);
}

/* Gives out the open page at this place; ret_ref names it. */
static int page_out(struct content_builder *b, size_t at, struct content_ref *ret_ref)
{
    struct content_page *page = &b->open[at];
    struct str bytes = content_page_encode(page, b->bytes);
    struct content_ref ref = {.length = page->length};
    content_hash(bytes, &ref.hash);
    int r = b->emit(b->ctx, &ref.hash, page, bytes);
    if (r < 0) {
        return r;
    }
    page_empty(b, at);
    b->emitted[at] = true;
    *ret_ref = ref;
    return 0;
}

static bool page_ends(const struct content_page *page)
{
    if (page->count == CONTENT_PAGE_REFS) {
        return true;
    }
    return page->count >= PAGE_LEAST && page->refs[page->count - 1].hash.bytes[1] == 0;
}

static void page_add(struct content_page *page, const struct content_ref *ref)
{
    ASSERT(page->count < CONTENT_PAGE_REFS);
    page->refs[page->count++] = *ref;
    page->length += ref->length;
}

/* Puts ref into the page of level at + 1 and what that completes into the pages above. */
static int builder_push(struct content_builder *b, size_t at, struct content_ref ref)
{
    for (; at < CONTENT_MAX_LEVELS; at++) {
        page_add(&b->open[at], &ref);
        /* The highest level has one page only; invariant 1 says that it is never full. */
        if (at + 1 == CONTENT_MAX_LEVELS || !page_ends(&b->open[at])) {
            return 0;
        }
        int r = page_out(b, at, &ref);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int content_builder_add(struct content_builder *b, const struct content_ref *chunk)
{
    ASSERT_MAGIC(b, BUILDER_MAGIC);
    ASSERT(chunk->length > 0 && chunk->length <= CONTENT_CHUNK_MAX);
    if (chunk->length > CONTENT_MAX_FILE - b->length) {
        return ERR_TOO_LARGE;
    }
    b->length += chunk->length;
    return builder_push(b, 0, *chunk);
}

/* The only reference when there is nothing else at this level and above: the root. */
static bool builder_root(const struct content_builder *b, size_t at)
{
    if (at > 0 && b->open[at].count != 1) {
        return false;
    }
    for (size_t i = at + 1; i < CONTENT_MAX_LEVELS; i++) {
        if (b->open[i].count > 0) {
            return false;
        }
    }
    return b->open[at].count == 1 && !b->emitted[at];
}

int content_builder_end(struct content_builder *b, struct content_manifest *ret_manifest)
{
    ASSERT_MAGIC(b, BUILDER_MAGIC);
    ASSERT(b->length > 0);
    struct content_manifest manifest = {.length = b->length};
    struct content_ref root = b->open[0].refs[0];
    for (size_t at = 0; !builder_root(b, at); at++) {
        ASSERT(at + 1 < CONTENT_MAX_LEVELS || b->open[at].count > 0);
        if (b->open[at].count > 0) {
            int r = page_out(b, at, &root);
            if (r < 0) {
                return r;
            }
            if (at + 1 < CONTENT_MAX_LEVELS) {
                page_add(&b->open[at + 1], &root);
            }
        }
        manifest.levels = (uint8_t)(at + 1);
        if (at + 1 == CONTENT_MAX_LEVELS) {
            break;
        }
        root = b->open[at + 1].refs[0];
    }
    manifest.hash = root.hash;
    builder_empty(b);
    *ret_manifest = manifest;
    return 0;
}
