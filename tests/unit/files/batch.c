/* Changes that wait for one transaction: what comes of them is what single calls would have come to, also when one is refused. */
#include "files/fixture.h"

static struct files_batch *batch(struct fixture *f)
{
    struct files_author author = {FILES_API, f->ctx.scope.user_id};
    return files_batch_create(fixture_ctx(f), f->session, &author);
}

static int add(struct files_batch *b, const struct files_batch_input *what)
{
    struct files_put_input put = {.path = what->put->path, .mode = -1, .timed = true, .mtime = 7};
    struct files_batch_input in = *what;
    in.put = &put;
    return files_batch_add(b, &in);
}

#define ADD(path_, ...) \
    assert_ok(add(b, &(struct files_batch_input){ \
                         .put = &(struct files_put_input){.path = STR(path_)}, __VA_ARGS__}))

static uint64_t latest(struct fixture *f)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    return totals.seq;
}

static void test_mixed(void **state)
{
    struct fixture *f = *state;
    struct files_batch *b = batch(f);
    struct files_entry entry;
    uint64_t tag = 99;
    char target[2000];
    memset(target, 't', sizeof target);
    put(f, "there", STR("old"));
    make(f, "folder");
    uint64_t before = latest(f);
    ADD("folder", .kind = FILES_FOLDER); /* is there: no change */
    ADD("there", .kind = FILES_FILE, .bytes = STR("new"));
    ADD("d/e/large", .kind = FILES_FILE, .bytes = fixture_noise(f, 60000, 1));
    ADD("twice", .kind = FILES_FILE, .bytes = STR("1"));
    ADD("twice", .kind = FILES_FILE, .bytes = STR("2"));
    ADD("link", .kind = FILES_SYMLINK, .bytes = STR("there"));
    ADD("long", .kind = FILES_SYMLINK, .bytes = str_of(target, sizeof target));
    ADD("empty/folder", .kind = FILES_FOLDER);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("twice"), &entry), ERR_NOT_FOUND);
    assert_ok(files_batch_flush(b, &tag));
    assert_int_equal(tag, 99);
    assert_int_equal(latest(f), before + 7);
    assert_true(str_eq(slurp(f, "there", 0), STR("new")));
    assert_true(str_eq(slurp(f, "there", 1), STR("old")));
    assert_true(str_eq(slurp(f, "twice", 0), STR("2")));
    assert_true(str_eq(slurp(f, "twice", before + 3), STR("1")));
    assert_true(str_eq(slurp(f, "d/e/large", 0), fixture_noise(f, 60000, 1)));
    assert_ok(files_stat(&f->ctx, f->session, STR("empty/folder"), &entry));
    assert_int_equal(entry.kind, FILES_FOLDER);
    assert_int_equal(entry.mtime, 7);
    assert_ok(files_batch_flush(b, &tag)); /* nothing waits */
    assert_int_equal(latest(f), before + 7);
    files_batch_destroy(b);
    fixture_check(f);
}

/* What came before the one that is refused stays, what comes behind it is not done. */
static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct files_batch *b = batch(f);
    struct files_entry entry;
    uint64_t tag = 0;
    put(f, "file", STR("x"));
    ADD("a", .kind = FILES_FILE, .bytes = STR("1"), .tag = 1);
    ADD("b", .kind = FILES_FILE, .bytes = fixture_noise(f, 2000, 1), .tag = 2);
    ADD("file/below", .kind = FILES_FILE, .bytes = STR("1"), .tag = 3);
    ADD("c", .kind = FILES_FILE, .bytes = STR("1"), .tag = 4);
    assert_int_equal(files_batch_flush(b, &tag), ERR_NOT_DIRECTORY);
    assert_int_equal(tag, 3);
    assert_true(str_eq(slurp(f, "a", 0), STR("1")));
    assert_true(str_eq(slurp(f, "b", 0), fixture_noise(f, 2000, 1)));
    assert_int_equal(files_stat(&f->ctx, f->session, STR("c"), &entry), ERR_NOT_FOUND);
    ADD("file", .kind = FILES_FOLDER, .tag = 5);
    assert_int_equal(files_batch_flush(b, &tag), ERR_EXISTS);
    assert_int_equal(tag, 5);
    assert_ok(files_batch_flush(b, &tag));
    struct files_put_input bad = {.path = STR("../x")};
    struct files_batch_input in = {.put = &bad, .kind = FILES_FILE};
    assert_int_equal(files_batch_add(b, &in), ERR_INVALID);
    bad.path = STR("x");
    in.kind = FILES_SYMLINK;
    assert_int_equal(files_batch_add(b, &in), ERR_INVALID); /* no target */
    files_batch_destroy(b);
    fixture_check(f);
}

static void test_quota(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.session = 2500};
    uint64_t tag = 0;
    f->ctx.quota = &quota;
    struct files_batch *b = batch(f);
    ADD("a", .kind = FILES_FILE, .bytes = fixture_noise(f, 1000, 1), .tag = 1);
    ADD("b", .kind = FILES_FILE, .bytes = fixture_noise(f, 1000, 2), .tag = 2);
    ADD("c", .kind = FILES_FILE, .bytes = fixture_noise(f, 1000, 3), .tag = 3);
    assert_int_equal(files_batch_flush(b, &tag), ERR_QUOTA);
    assert_int_equal(tag, 3);
    assert_true(f->ctx.fault.message.n > 0);
    assert_int_equal(slurp(f, "b", 0).n, 1000);
    files_batch_destroy(b);
    f->ctx.quota = NULL;
}

static void test_full(void **state)
{
    struct fixture *f = *state;
    struct files_batch *b = batch(f);
    uint64_t tag;
    size_t n = 0;
    char path[32];
    for (; !files_batch_is_full(b); n++) {
        (void)snprintf(path, sizeof path, "d/%zu", n);
        struct files_put_input put = {.path = str_from(path), .mode = -1};
        assert_ok(
            files_batch_add(b, &(struct files_batch_input){&put, FILES_FILE, str_from(path), n}));
    }
    assert_ok(files_batch_flush(b, &tag));
    assert_true(n >= 100 && latest(f) == n);
    for (n = 0; !files_batch_is_full(b); n++) { /* by bytes */
        (void)snprintf(path, sizeof path, "e/%zu", n);
        struct files_put_input put = {.path = str_from(path), .mode = -1};
        assert_ok(files_batch_add(
            b, &(struct files_batch_input){&put, FILES_FILE, fixture_noise(f, 60000, n), n}));
    }
    assert_true(n < 20);
    assert_ok(files_batch_flush(b, &tag));
    files_batch_destroy(b);
    fixture_check(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_full),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
