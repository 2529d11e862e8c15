/*
 * What a tenant has in the store: each chunk once, from when it is written until it is collected; its limit; a store that was there
 * before anybody counted. fixture_check sums all chunks again.
 */
#include "files/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct purging {
    struct fixture *f;
    bool more;
};

static int purge_write(struct txn *txn, void *arg)
{
    struct purging *p = arg;
    return files_purge(txn, &p->f->ctx.scope, p->f->session, &p->more);
}

static void purge(struct fixture *f)
{
    struct purging p = {f, true};
    while (p.more) {
        struct store_op op = store_op_new();
        assert_ok(store_write(f->store, &op, purge_write, &p));
    }
}

static int write_to(struct fixture *f, const char *path, struct str bytes)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    return files_put(fixture_ctx(f), &in, bytes, &entry);
}

static void copy(struct fixture *f, const char *from, const char *to)
{
    struct files_copy_input in = {.session = f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_USER, f->ctx.scope.user_id},
                                  .limit = 10};
    struct files_entry entry;
    assert_ok(files_copy(fixture_ctx(f), &in, &entry));
}

static void test_each_chunk_once(void **state)
{
    struct fixture *f = *state;
    assert_true(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes, 0);
    put(f, "inline", fixture_noise(f, 512, 9));
    assert_int_equal(fixture_held(f).bytes, 0);
    put(f, "a", fixture_noise(f, 3000, 1));
    assert_int_equal(fixture_held(f).bytes, 3000);
    put(f, "b", fixture_noise(f, 3000, 1));
    copy(f, "a", "c");
    assert_int_equal(fixture_held(f).bytes, 3000);
    put(f, "a", fixture_noise(f, 4000, 2)); /* the version before is kept */
    drop(f, "b");
    assert_int_equal(fixture_held(f).bytes, 7000);
    put(f, "large", fixture_noise(f, 300 * 1000, 3));
    uint64_t all = fixture_held(f).bytes;
    assert_true(all > 307 * 1000 && all < 308 * 1000); /* and a page */
    fixture_check(f);
    assert_int_equal(fixture_collect(f, 0), 0);
    purge(f);
    assert_int_equal(fixture_held(f).bytes, all); /* until it is collected */
    assert_true(fixture_collect(f, 0) > 0);
    assert_int_equal(fixture_held(f).bytes, 0);
    assert_true(fixture_held(f).whole);
    fixture_check(f);
}

/* Before compression, so that what comes and what goes are the same. */
static void test_what_compresses(void **state)
{
    struct fixture *f = *state;
    static char zeros[50 * 1000];
    put(f, "zeros", str_of(zeros, sizeof zeros));
    assert_int_equal(fixture_held(f).bytes, sizeof zeros);
    fixture_check(f);
}

static void test_damage_is_written_again_and_counted_once(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 3000};
    struct files_open_input in = {f->session, STR("a"), 0, 0};
    struct files_reader *reader;
    struct files_entry entry;
    struct str bytes;
    put(f, "a", fixture_noise(f, 3000, 1));
    assert_int_equal(fixture_damage(f), 1);
    assert_ok(files_reader_open(&f->ctx, &in, &reader, &entry));
    assert_int_equal(files_reader_next(reader, &bytes), ERR_CORRUPT); /* and marks it */
    files_reader_destroy(reader);
    f->ctx.quota = &quota; /* it is no new content */
    assert_ok(write_to(f, "again", fixture_noise(f, 3000, 1)));
    assert_int_equal(slurp(f, "a", 0).n, 3000);
    assert_int_equal(fixture_held(f).bytes, 3000);
    fixture_check(f);
}

static void assert_refused(struct fixture *f, int r)
{
    assert_int_equal(r, ERR_QUOTA);
    assert_true(str_starts(f->ctx.fault.message,
                           STR("The storage limit of your organization with its history")));
    f->ctx.fault = (struct data_fault){0};
}

/* A file that is rewritten again and again is as large as before: its history alone fills the room. */
static void test_history_fills_it(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 10 * 1000, .session = 4000, .tenant = 4000};
    f->ctx.quota = &quota;
    for (uint64_t i = 0; i < 3; i++) {
        assert_ok(write_to(f, "a", fixture_noise(f, 3000, i)));
    }
    assert_refused(f, write_to(f, "a", fixture_noise(f, 3000, 3)));
    assert_true(str_eq(slurp(f, "a", 0), fixture_noise(f, 3000, 2))); /* as it was */
    assert_refused(f, write_to(f, "a", fixture_noise(f, 1001, 4)));
    assert_ok(write_to(f, "a", fixture_noise(f, 1000, 5))); /* exactly */
    assert_refused(f, write_to(f, "b", fixture_noise(f, 513, 6)));
    assert_ok(write_to(f, "b", fixture_noise(f, 512, 6)));  /* no content of its own */
    assert_ok(write_to(f, "a", fixture_noise(f, 3000, 1))); /* what is there already */
    make(f, "folder");
    move(f, "a", "folder/a");
    drop(f, "folder");
    assert_int_equal(fixture_held(f).bytes, 10 * 1000);
    purge(f);
    assert_refused(f, write_to(f, "new", fixture_noise(f, 3000, 7)));
    assert_true(fixture_collect(f, 0) > 0);
    assert_ok(write_to(f, "new", fixture_noise(f, 3000, 7)));
    quota.stored = 0;
    f->ctx.quota = NULL;
    assert_ok(write_to(f, "much", fixture_noise(f, 90 * 1000, 8)));
    fixture_check(f);
}

static int batch_of(struct fixture *f, struct str bytes)
{
    struct files_put_input in = fixture_put(f, STR("batch"));
    struct files_batch *b = files_batch_create(fixture_ctx(f), f->session, &in.author);
    struct files_batch_input one = {.put = &in, .kind = FILES_FILE, .bytes = bytes};
    uint64_t tag;
    assert_ok(files_batch_add(b, &one));
    int r = files_batch_flush(b, &tag);
    files_batch_destroy(b);
    return r;
}

static int link_of(struct fixture *f, struct str target)
{
    struct files_change change = {.kind = FILES_CHANGE_SYMLINK,
                                  .path = STR("link"),
                                  .mode = 0777,
                                  .mtime = time_now(),
                                  .bytes = target,
                                  .author = {FILES_TERMINAL, STR_EMPTY}};
    struct files_apply_input in = {.session = f->session, .changes = &change, .count = 1};
    struct files_apply_result result;
    content_hash(target, &change.hash);
    return files_apply(fixture_ctx(f), &in, &result);
}

static int chunk_of(struct fixture *f, struct str bytes)
{
    struct content_hash hash;
    content_hash(bytes, &hash);
    struct content_codec *codec = content_codec_create();
    int r = files_chunk_put(fixture_ctx(f), &hash, content_encode(codec, bytes));
    content_codec_destroy(codec);
    return r;
}

/* A stream, a batch, a workspace's chunk, a long link: none gets past it, and nothing of it is to be seen. */
static void test_every_way_in(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 1000 * 1000};
    struct files_entry entry;
    char *target = arena_alloc(&f->arena, 600);
    memset(target, 'x', 600);
    f->ctx.quota = &quota;
    assert_refused(f, write_to(f, "streamed", fixture_noise(f, 3000 * 1000, 1)));
    assert_int_equal(files_stat(&f->ctx, f->session, STR("streamed"), &entry), ERR_NOT_FOUND);
    assert_true(fixture_held(f).bytes > 0 &&
                fixture_held(f).bytes <= quota.stored); /* what came of it */
    assert_true(fixture_collect(f, 0) > 0);
    assert_int_equal(fixture_held(f).bytes, 0);
    quota.stored = 599;
    assert_refused(f, batch_of(f, fixture_noise(f, 600, 2)));
    assert_refused(f, chunk_of(f, fixture_noise(f, 600, 2)));
    assert_refused(f, link_of(f, str_of(target, 600)));
    assert_int_equal(fixture_held(f).bytes, 0);
    quota.stored = 600;
    assert_ok(link_of(f, str_of(target, 600)));
    quota.stored = 1800;
    assert_ok(batch_of(f, fixture_noise(f, 600, 2)));
    assert_ok(chunk_of(f, fixture_noise(f, 600, 3)));
    assert_int_equal(fixture_held(f).bytes, 1800);
    fixture_check(f);
}

/* ---- a store from before ---- */

static int forget_write(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &f->ctx.scope, DATA_SPACE_HELD, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    store_delete_range(txn, prefix, store_after(arena, prefix));
    return 0;
}

static void fill(struct fixture *f, const char *folder, size_t count, uint64_t seed)
{
    struct files_put_input in = fixture_put(f, STR_EMPTY);
    struct files_batch *b = files_batch_create(fixture_ctx(f), f->session, &in.author);
    uint64_t tag;
    for (size_t i = 0; i < count; i++) {
        in.path = arena_printf(&f->arena, "%s/%zu", folder, i);
        struct files_batch_input one = {
            .put = &in, .kind = FILES_FILE, .bytes = fixture_noise(f, 600, seed + i)};
        if (files_batch_is_full(b)) {
            assert_ok(files_batch_flush(b, &tag));
        }
        assert_ok(files_batch_add(b, &one));
    }
    assert_ok(files_batch_flush(b, &tag));
    files_batch_destroy(b);
}

/* As a program that did not count left it. */
static void make_old(struct fixture *f, size_t count)
{
    fill(f, "old", count, 1);
    assert_ok(store_write(f->store, NULL, forget_write, f));
    fixture_check(f);
    assert_false(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes, 0);
}

/* One page of one tenant. */
static void count_on(struct fixture *f, struct files_held_place *place, bool *more)
{
    assert_ok(files_held_count(f->store, place, /* deadline= */ 0, more));
    fixture_check(f);
}

static void test_counted_in_pages_among_changes(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.stored = 100 * 1000};
    struct files_held_place place = {{0}};
    struct str first = f->session;
    bool more = true;
    make_old(f, 2500);
    f->ctx.quota = &quota; /* of what is not counted yet nobody knows */
    assert_ok(write_to(f, "before", fixture_noise(f, 3000, 5000)));
    assert_int_equal(fixture_held(f).bytes, 0);
    while (fixture_held(f).bytes == 0) { /* the other tenant may be the first */
        count_on(f, &place, &more);
    }
    assert_true(more && !fixture_held(f).whole);
    assert_true(fixture_held(f).bytes == 1000 * 600 || fixture_held(f).bytes == 999 * 600 + 3000);
    assert_refused(f, write_to(f, "between", fixture_noise(f, 3000, 5001)));
    f->ctx.quota = NULL;
    f->session = f->second;
    fill(f, "new", 200, 10 * 1000); /* some before the page's end, some behind it */
    fixture_check(f);
    f->session = first;
    purge(f);
    assert_int_equal(fixture_collect(f, 0), 2501);
    fixture_check(f);
    while (more) {
        count_on(f, &place, &more);
    }
    assert_true(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes, 200 * 600);
}

static void test_a_tenant_that_is_not_whole_waits(void **state)
{
    struct fixture *f = *state;
    struct files_held_place place = {{0}};
    bool more = true;
    fill(f, "old", 10, 1);
    assert_ok(store_write(f->store, NULL, forget_write, f));
    while (more) { /* no record of the tenant: an import is in hand */
        assert_ok(files_held_count(f->store, &place, /* deadline= */ 0, &more));
    }
    assert_int_equal(fixture_held(f).bytes, 0);
    fixture_check(f); /* puts the record */
    assert_ok(files_held_count(f->store, &place, time_monotonic() + 60 * USEC_PER_SEC, &more));
    assert_int_equal(fixture_held(f).bytes, 6000);
    assert_true(fixture_held(f).whole && !more);
}

struct counting {
    struct fixture *f;
    atomic_bool done;
    int r;
};

static void *count_run(void *arg)
{
    struct counting *c = arg;
    struct files_held_place place = {{0}};
    struct files_collect_input in = {.spare_hours = 0};
    struct files_collected collected;
    bool more = true;
    while (c->r == 0 && (more || !atomic_load(&c->done))) {
        c->r = files_held_count(c->f->store, &place, /* deadline= */ 0, &more);
        c->r = c->r < 0 ? c->r : files_collect(c->f->store, &in, &collected);
    }
    return NULL;
}

/* Beside a writer, a collector, and a store that loses conflicts and the results of commits. */
static void test_counted_beside_writers(void **state)
{
    (void)state;
    const struct store_faults none = {.rate = 0};
    const struct store_faults some = {.seed = 7, .rate = 40};
    struct fixture *f = fixture_create(&none);
    struct counting c = {.f = f};
    make_old(f, 3000);
    store_set_faults(f->store, &some);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, count_run, &c), 0);
    for (uint64_t i = 0; i < 150; i++) {
        struct files_put_input in = fixture_put(f, STR("a"));
        struct files_entry entry;
        (void)!files_put(fixture_ctx(f), &in, fixture_noise(f, 2000 + 500 * i, i % 50), &entry);
    }
    atomic_store(&c.done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    store_set_faults(f->store, &none);
    struct files_held_place place = {{0}};
    bool more;
    fixture_check(f);
    assert_ok(files_held_count(f->store, &place, time_monotonic() + 60 * USEC_PER_SEC, &more));
    fixture_check(f);
    assert_true(fixture_held(f).whole);
    assert_int_equal(fixture_held(f).bytes > 3000 * 600, 1);
    fixture_destroy(f);
}

/* ---- the checker ---- */

struct forging {
    struct fixture *f;
    const char *name;
    struct str value; /* empty: it goes */
};

static int forge_write(struct txn *txn, void *arg)
{
    const struct forging *g = arg;
    struct str key =
        DATA_KEY(store_arena(txn), &g->f->ctx.scope, DATA_SPACE_HELD, str_from(g->name));
    if (g->value.n > 0) {
        store_put(txn, key, g->value);
    } else {
        store_delete(txn, key);
    }
    return 0;
}

static void forge(struct fixture *f, const char *name, struct str value)
{
    struct forging g = {f, name, value};
    assert_ok(store_write(f->store, NULL, forge_write, &g));
}

static void test_counters_that_lie(void **state)
{
    struct fixture *f = *state;
    struct str bytes = fixture_noise(f, 3000, 1);
    struct content_hash hash;
    char name[CONTENT_HASH_TEXT + 1];
    content_hash(bytes, &hash);
    content_hash_text(&hash, name);
    name[2] = '\0';
    put(f, "a", bytes);
    fixture_check(f);
    forge(f, name, STR("\xb9\x0b\0\0\0\0\0\0")); /* 3001 */
    assert_int_equal(fixture_faults(f), 1);
    forge(f, name, STR("short"));
    assert_int_equal(fixture_faults(f), 1);
    forge(f, name, STR_EMPTY);
    assert_int_equal(fixture_faults(f), 1);
    forge(f, name, STR("\xb8\x0b\0\0\0\0\0\0"));
    fixture_check(f);
    forge(f, "more", STR("\0\0\0\0\0\0\0\0"));
    assert_int_equal(fixture_faults(f), 1);
    forge(f, "more", STR_EMPTY);
    forge(f, "to", STR("whatever"));
    assert_int_equal(fixture_faults(f), 1);
    forge(f, "to", STR_EMPTY);
    assert_int_equal(fixture_faults(f), 1);
    forge(f, "to", STR("all"));
    fixture_check(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_chunk_once),
        cmocka_unit_test(test_what_compresses),
        cmocka_unit_test(test_damage_is_written_again_and_counted_once),
        cmocka_unit_test(test_history_fills_it),
        cmocka_unit_test(test_every_way_in),
        cmocka_unit_test(test_counted_in_pages_among_changes),
        cmocka_unit_test(test_a_tenant_that_is_not_whole_waits),
        cmocka_unit_test(test_counted_beside_writers),
        cmocka_unit_test(test_counters_that_lie),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
