/* Chunks in the store: asking, sending, getting, and what happens when they are damaged or gone. */
#include "files/fixture.h"

#include "base/mem.h"

static struct content_hash hash_of(struct str bytes)
{
    struct content_hash hash;
    content_hash(bytes, &hash);
    return hash;
}

static void test_ask_send_get(void **state)
{
    struct fixture *f = *state;
    struct content_hash hashes[] = {hash_of(STR("one")), hash_of(STR("two"))};
    const struct files_hashes asked = {hashes, 2};
    struct files_hashes missing;
    assert_ok(files_chunks_missing(&f->ctx, &asked, &missing));
    assert_int_equal(missing.n, 2);
    assert_ok(files_chunk_put(&f->ctx, &hashes[1], STR("\0two")));
    assert_ok(files_chunk_put(&f->ctx, &hashes[1], STR("\0two")));
    assert_ok(files_chunks_missing(&f->ctx, &asked, &missing));
    assert_int_equal(missing.n, 1);
    assert_true(content_hash_eq(&missing.at[0], &hashes[0]));
    struct str encoded;
    assert_ok(files_chunk_get(&f->ctx, &hashes[1], &encoded));
    assert_true(str_eq(encoded, STR("\0two")));
    assert_int_equal(files_chunk_get(&f->ctx, &hashes[0], &encoded), ERR_NOT_FOUND);
    assert_int_equal(files_chunk_get(&f->other, &hashes[1], &encoded),
                     ERR_NOT_FOUND); /* another tenant's */
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct content_hash hash = hash_of(STR("one"));
    assert_int_equal(files_chunk_put(&f->ctx, &hash, STR("\0two")), ERR_INVALID);
    assert_int_equal(files_chunk_put(&f->ctx, &hash, STR("\5one")), ERR_INVALID);
    assert_int_equal(files_chunk_put(&f->ctx, &hash, STR_EMPTY), ERR_INVALID);
    struct files_hashes asked = {
        .at = ARENA_ARRAY(&f->arena, struct content_hash, FILES_MAX_NAMED + 1),
        .n = FILES_MAX_NAMED + 1};
    struct files_hashes missing;
    assert_int_equal(files_chunks_missing(&f->ctx, &asked, &missing), ERR_LIMIT);
    asked.n = FILES_MAX_NAMED;
    assert_ok(files_chunks_missing(&f->ctx, &asked, &missing));
    assert_int_equal(missing.n, FILES_MAX_NAMED);
}

/* ---- damage ---- */

struct damage {
    struct fixture *f;
    enum data_space space;
    size_t number; /* which key of the space */
    bool remove;
    size_t count; /* of its keys */
};

static int damage_write(struct txn *txn, void *arg)
{
    struct damage *d = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &d->f->ctx.scope, d->space, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 100};
    struct store_pair *pairs;
    int r = store_scan(txn, &range, &pairs, &d->count);
    if (r < 0 || d->number >= d->count) {
        return r;
    }
    struct store_pair *pair = &pairs[d->number];
    if (d->remove) {
        store_delete(txn, pair->key);
        return 0;
    }
    char *changed = arena_alloc(arena, pair->value.n);
    memcpy(changed, pair->value.p, pair->value.n);
    changed[pair->value.n / 2] ^= 1;
    store_put(txn, pair->key, str_of(changed, pair->value.n));
    return 0;
}

/* What a reader gives until its end or the first error: always a beginning of the right bytes. */
static int read_against(struct fixture *f, const char *path, struct str right)
{
    struct files_open_input in = {f->session, str_from(path), 0, 0};
    struct files_reader *reader;
    struct files_entry entry;
    int r = files_reader_open(&f->ctx, &in, &reader, &entry);
    if (r < 0) {
        return r;
    }
    size_t n = 0;
    struct str bytes;
    while ((r = files_reader_next(reader, &bytes)) == 0 && bytes.n > 0) {
        assert_true(str_eq(bytes, str_slice(right, n, n + bytes.n)));
        n += bytes.n;
    }
    files_reader_destroy(reader);
    assert_true(r < 0 || n == right.n);
    return r;
}

static void test_damage_is_never_wrong_bytes(void **state)
{
    struct fixture *f = *state;
    struct str right = fixture_noise(f, 200000, 4);
    put(f, "big", right);
    struct damage d = {.f = f, .space = DATA_SPACE_CHUNK, .number = 100};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    assert_true(d.count > 3); /* chunks and a page */
    size_t count = d.count;
    for (size_t i = 0; i < count; i++) {
        d.number = i;
        d.remove = false;
        assert_ok(store_write(f->store, NULL, damage_write, &d));
        assert_int_equal(read_against(f, "big", right), ERR_CORRUPT);
        assert_ok(store_write(f->store, NULL, damage_write, &d)); /* flips it back */
        assert_ok(read_against(f, "big", right));
    }
    d.number = 0;
    d.remove = true;
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    assert_int_equal(read_against(f, "big", right), ERR_CORRUPT);
}

static void test_damaged_small_file(void **state)
{
    struct fixture *f = *state;
    struct str right = fixture_noise(f, CONTENT_INLINE_MAX, 4);
    put(f, "small", right);
    struct damage d = {.f = f, .space = DATA_SPACE_VERSION};
    assert_ok(store_write(f->store, NULL, damage_write, &d)); /* its middle lies in the bytes */
    assert_int_equal(read_against(f, "small", right), ERR_CORRUPT);
}

/* Each chunk and page of a file in turn, changed or gone; somebody reads the file, and another one is uploaded that has it, too. */
static void test_damage_is_mended_by_who_has_it(void **state)
{
    struct fixture *f = *state;
    struct str right = fixture_noise(f, 200000, 4);
    put(f, "big", right);
    struct damage d = {.f = f, .space = DATA_SPACE_CHUNK, .number = 100};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    size_t count = d.count;
    assert_true(count > 3);
    for (size_t i = 0; i < 2 * count; i++) {
        d.number = i / 2;
        d.remove = i % 2 == 1;
        assert_ok(store_write(f->store, NULL, damage_write, &d));
        put(f, "other", right);
        assert_int_equal(read_against(f, "big", right), ERR_CORRUPT); /* nobody knew */
        put(f, "other", right);
        assert_ok(read_against(f, "big", right));
    }
    fixture_check(f);
    drop(f, "other");
    assert_int_equal(fixture_collect(f, 0), 0); /* it has the names that it had */
    assert_ok(read_against(f, "big", right));
}

static size_t missing_of(struct fixture *f, struct content_hash *hash)
{
    struct files_hashes missing;
    assert_ok(files_chunks_missing(&f->ctx, &(struct files_hashes){hash, 1}, &missing));
    return missing.n;
}

/* As a workspace meets it, which asks before it sends. */
static void test_damage_that_is_known_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct content_hash hash = hash_of(STR("one"));
    struct str encoded;
    assert_ok(files_chunk_put(&f->ctx, &hash, STR("\0one")));
    struct damage d = {.f = f, .space = DATA_SPACE_CHUNK};
    for (int i = 0; i < 2; i++) {
        d.remove = i == 1;
        assert_ok(store_write(f->store, NULL, damage_write, &d));
        assert_int_equal(missing_of(f, &hash), 0);
        assert_int_equal(files_chunk_get(&f->ctx, &hash, &encoded),
                         d.remove ? ERR_NOT_FOUND : ERR_CORRUPT);
        assert_int_equal(missing_of(f, &hash), 1);
        assert_ok(files_chunk_put(&f->ctx, &hash, STR("\0one")));
        assert_int_equal(missing_of(f, &hash), 0);
        assert_ok(files_chunk_get(&f->ctx, &hash, &encoded));
    }
    assert_int_equal(fixture_collect(f, 0), 1); /* nothing names it */
}

/* What is right again is read, marked or not. */
static void test_a_mark_takes_nothing_away(void **state)
{
    struct fixture *f = *state;
    struct str right = fixture_noise(f, 3000, 4);
    struct content_hash hash = hash_of(right);
    put(f, "file", right);
    struct damage d = {.f = f, .space = DATA_SPACE_CHUNK};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    assert_int_equal(read_against(f, "file", right), ERR_CORRUPT);
    assert_ok(store_write(f->store, NULL, damage_write, &d)); /* flips it back */
    assert_int_equal(missing_of(f, &hash), 1);
    assert_ok(read_against(f, "file", right));
    fixture_check(f);
    put(f, "other", right);
    assert_int_equal(missing_of(f, &hash), 0);
}

/* The same content twice is stored once. */
static void test_stored_once(void **state)
{
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 500000, 4);
    put(f, "a", bytes);
    struct damage d = {.f = f, .space = DATA_SPACE_CHUNK, .number = 100};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    size_t before = d.count;
    put(f, "b", bytes);
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    assert_int_equal(d.count, before);
    char *changed = arena_alloc(&f->arena, bytes.n + 1);
    memcpy(changed + 1, bytes.p, bytes.n);
    put(f, "a", str_of(changed, bytes.n + 1));
    assert_ok(store_write(f->store, NULL, damage_write, &d));
    assert_in_range(d.count - before, 2, 4); /* the first chunk or two, and the page */
    assert_true(str_eq(slurp(f, "b", 0), bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask_send_get),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damage_is_never_wrong_bytes),
        cmocka_unit_test(test_damaged_small_file),
        cmocka_unit_test(test_damage_is_mended_by_who_has_it),
        cmocka_unit_test(test_damage_that_is_known_is_asked_for),
        cmocka_unit_test(test_a_mark_takes_nothing_away),
        cmocka_unit_test(test_stored_once),
    };
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
