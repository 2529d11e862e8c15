/* Pages and the builder: round trips, strictness, levels, what an insertion changes. */
#include "unit.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "content/content.h"

struct shelf {
    struct map *pages; /* hash → page */
    size_t count;
};

static int keep(void *ctx, const struct content_hash *hash, const struct content_page *page,
                struct str bytes)
{
    struct shelf *shelf = ctx;
    struct content_hash again;
    content_hash(bytes, &again);
    assert_true(content_hash_eq(&again, hash));
    struct content_page *decoded = MEM_NEW(struct content_page);
    assert_int_equal(content_page_decode(bytes, decoded), 0);
    assert_int_equal(decoded->count, page->count);
    assert_int_equal(decoded->length, page->length);
    assert_memory_equal(decoded->refs, page->refs, page->count * sizeof *page->refs);
    mem_free(map_put(shelf->pages, content_hash_str(hash), decoded));
    shelf->count++;
    return 0;
}

static void shelf_fini(struct shelf *shelf)
{
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(shelf->pages, &at, &key, &value)) {
        mem_free(value);
    }
    map_destroy(shelf->pages);
}

static void ref_make(struct content_ref *ret_ref, uint64_t n, uint64_t length)
{
    content_hash(str_of(&n, sizeof n), &ret_ref->hash);
    ret_ref->length = length;
}

static struct content_manifest build(struct shelf *shelf, uint64_t first, size_t count)
{
    struct content_builder *b = content_builder_create(keep, shelf);
    for (size_t i = 0; i < count; i++) {
        struct content_ref ref;
        ref_make(&ref, first + i, 20000);
        assert_int_equal(content_builder_add(b, &ref), 0);
    }
    struct content_manifest manifest;
    assert_int_equal(content_builder_end(b, &manifest), 0);
    assert_int_equal(manifest.length, count * 20000);
    assert_false(manifest.small);
    content_builder_destroy(b);
    return manifest;
}

/* Goes through the tree; *next is the number of the chunk that must come. */
static void walk(const struct shelf *shelf, const struct content_hash *hash, unsigned levels,
                 uint64_t *next)
{
    if (levels == 0) {
        struct content_ref ref;
        ref_make(&ref, (*next)++, 0);
        assert_true(content_hash_eq(&ref.hash, hash));
        return;
    }
    const struct content_page *page = map_get(shelf->pages, content_hash_str(hash));
    assert_non_null(page);
    assert_int_equal(page->level, levels);
    for (size_t i = 0; i < page->count; i++) {
        walk(shelf, &page->refs[i].hash, levels - 1, next);
    }
}

static void test_trees(void **state)
{
    static const struct {
        size_t chunks;
        unsigned levels;
    } rows[] = {{1, 0}, {2, 1}, {256, 1}, {3000, 2}, {100000, 2}, {400000, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct shelf shelf = {.pages = map_create()};
        struct content_manifest manifest = build(&shelf, 0, rows[i].chunks);
        assert_int_equal(manifest.levels, rows[i].levels);
        uint64_t next = 0;
        walk(&shelf, &manifest.hash, manifest.levels, &next);
        assert_int_equal(next, rows[i].chunks);
        shelf_fini(&shelf);
    }
}

/* Every count around the ends of the first pages gives a tree without a single-child root. */
static void test_counts_around_the_ends(void **state)
{
    for (size_t count = 250; count < 2200; count += count < 1100 ? 1 : 13) {
        struct shelf shelf = {.pages = map_create()};
        struct content_manifest manifest = build(&shelf, 7, count);
        uint64_t next = 7;
        walk(&shelf, &manifest.hash, manifest.levels, &next);
        assert_int_equal(next, 7 + count);
        const struct content_page *root = map_get(shelf.pages, content_hash_str(&manifest.hash));
        assert_true(root->count > 1);
        shelf_fini(&shelf);
    }
}

static void test_insertion_changes_few_pages(void **state)
{
    enum { CHUNKS = 50000 };
    struct shelf shelf = {.pages = map_create()};
    (void)build(&shelf, 1, CHUNKS);
    size_t before = map_count(shelf.pages);
    (void)build(&shelf, 0, CHUNKS + 1); /* one more chunk at the front */
    assert_in_range(map_count(shelf.pages) - before, 2, 4);
    assert_true(before > 60);
    shelf_fini(&shelf);
}

static int refuse(void *ctx, const struct content_hash *hash, const struct content_page *page,
                  struct str bytes)
{
    return ERR_IO;
}

static void test_bounds(void **state)
{
    struct content_builder *b = content_builder_create(refuse, NULL);
    struct content_ref ref;
    struct content_manifest manifest;
    ref_make(&ref, 1, CONTENT_CHUNK_MAX);
    assert_int_equal(content_builder_add(b, &ref), 0);
    assert_int_equal(content_builder_add(b, &ref), 0);
    assert_int_equal(content_builder_end(b, &manifest), ERR_IO);
    content_builder_destroy(b);

    struct shelf shelf = {.pages = map_create()};
    b = content_builder_create(keep, &shelf);
    for (uint64_t sum = 0; sum < CONTENT_MAX_FILE; sum += CONTENT_CHUNK_MAX) {
        assert_int_equal(content_builder_add(b, &ref), 0);
    }
    assert_int_equal(content_builder_add(b, &ref), ERR_TOO_LARGE);
    assert_int_equal(content_builder_end(b, &manifest), 0);
    assert_int_equal(manifest.length, CONTENT_MAX_FILE);
    content_builder_destroy(b);
    content_builder_destroy(NULL);
    shelf_fini(&shelf);
}

static void test_strict(void **state)
{
    MEM_AUTO struct content_page *page = MEM_NEW(struct content_page);
    MEM_AUTO struct content_page *out = MEM_NEW(struct content_page);
    MEM_AUTO char *bytes = mem_alloc(CONTENT_PAGE_SIZE + 1);
    page->level = 1;
    page->count = 2;
    ref_make(&page->refs[0], 1, 5);
    ref_make(&page->refs[1], 2, CONTENT_CHUNK_MAX);
    struct str good = content_page_encode(page, bytes);
    assert_int_equal(content_page_decode(good, out), 0);
    assert_int_equal(out->length, 5 + CONTENT_CHUNK_MAX);
    for (size_t n = 0; n < good.n; n++) {
        assert_int_equal(content_page_decode(str_of(bytes, n), out), ERR_CORRUPT);
    }
    assert_int_equal(content_page_decode(str_of(bytes, good.n + 1), out), ERR_CORRUPT);
    static const size_t places[] = {0, 3, 4, 5, 6, 7, 8 + 32};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char kept = bytes[places[i]];
        bytes[places[i]] = 99;
        assert_int_equal(content_page_decode(good, out), ERR_CORRUPT);
        bytes[places[i]] = kept;
    }
    bytes[8 + 39] = 0; /* a length of 0 */
    assert_int_equal(content_page_decode(good, out), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees), cmocka_unit_test(test_counts_around_the_ends),
        cmocka_unit_test(test_insertion_changes_few_pages), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_strict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
