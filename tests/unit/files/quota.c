/* Storage limits: what is refused, that nothing of it is kept, what goes on, and that the tenant's total stays right. */
#include "files/fixture.h"

static int write_to(struct fixture *f, const char *path, size_t n)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    in.expected = (int64_t)n;
    return files_put(fixture_ctx(f), &in, fixture_noise(f, n, n), &entry);
}

static uint64_t bytes_of(struct fixture *f, struct str session)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, session, &totals));
    return totals.bytes;
}

static void test_session(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.session = 300 * 1000};
    f->ctx.quota = &quota;
    assert_ok(write_to(f, "a", 200 * 1000));
    assert_int_equal(write_to(f, "b", 100 * 1000 + 1), ERR_QUOTA); /* before it is sent */
    assert_true(str_starts(f->ctx.fault.message, STR("The storage limit of this session")));
    assert_ok(write_to(f, "b", 100 * 1000)); /* exactly */
    assert_int_equal(write_to(f, "c", 1), ERR_QUOTA);
    assert_ok(write_to(f, "c", 0));
    assert_int_equal(write_to(f, "b", 100 * 1000 + 1), ERR_QUOTA);
    assert_int_equal(slurp(f, "b", 0).n, 100 * 1000); /* as it was */
    make(f, "folder");
    move(f, "a", "folder/a");
    quota.session = 1000; /* lowered: what takes away goes on, and what stays as large */
    assert_ok(write_to(f, "b", 90 * 1000));
    assert_int_equal(write_to(f, "c", 1), ERR_QUOTA);
    drop(f, "folder");
    assert_int_equal(write_to(f, "c", 1), ERR_QUOTA);
    drop(f, "b");
    assert_ok(write_to(f, "c", 1));
    quota.session = 0;
    assert_ok(write_to(f, "c", 500 * 1000));
}

/* Its own limit: a session's is not asked, and the words are others. */
static void test_home(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.session = 10, .home = 300 * 1000};
    f->session = f->ctx.scope.user_id;
    f->ctx.quota = &quota;
    assert_ok(write_to(f, "a", 200 * 1000));
    assert_int_equal(write_to(f, "b", 100 * 1000 + 1), ERR_QUOTA);
    assert_true(str_starts(f->ctx.fault.message, STR("The storage limit of this home")));
    assert_ok(write_to(f, "b", 100 * 1000));
    quota.home = 0;
    assert_ok(write_to(f, "c", 500 * 1000));
    quota.home = 1000; /* lowered: what is there stays, and may shrink */
    assert_int_equal(write_to(f, "d", 1), ERR_QUOTA);
    assert_ok(write_to(f, "c", 400 * 1000));
    assert_int_equal(bytes_of(f, f->session), 700 * 1000);
}

static void test_unknown_length_and_copies(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.session = 300 * 1000};
    struct files_entry entry;
    f->ctx.quota = &quota;
    struct files_put_input in = fixture_put(f, STR("streamed"));
    assert_int_equal(files_put(fixture_ctx(f), &in, fixture_noise(f, 300 * 1000 + 1, 1), &entry),
                     ERR_QUOTA);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("streamed"), &entry), ERR_NOT_FOUND);
    assert_ok(write_to(f, "folder/one", 151 * 1000));
    struct files_copy_input copy = {.session = f->session,
                                    .from = STR("folder"),
                                    .to = STR("copy"),
                                    .author = in.author,
                                    .limit = 10};
    assert_int_equal(files_copy(fixture_ctx(f), &copy, &entry), ERR_QUOTA);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("copy"), &entry), ERR_NOT_FOUND);
    assert_ok(write_to(f, "folder/one", 150 * 1000));
    assert_ok(files_copy(fixture_ctx(f), &copy, &entry));
    assert_int_equal(bytes_of(f, f->session), 300 * 1000);
}

/* A batch counts as a whole: what it frees may be used in it. */
static void test_batches(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.session = 1000};
    f->ctx.quota = &quota;
    struct files_entry old;
    struct files_put_input in = fixture_put(f, STR("old"));
    assert_ok(files_put(fixture_ctx(f), &in, fixture_noise(f, 500, 1), &old));
    struct str bytes = fixture_noise(f, 501, 2);
    struct files_change changes[2] = {
        {.kind = FILES_CHANGE_PUT,
         .path = STR("new"),
         .mode = 0644,
         .mtime = time_now(),
         .bytes = bytes,
         .manifest = {.length = bytes.n, .small = true},
         .author = {FILES_TERMINAL, STR_EMPTY}},
        {.kind = FILES_CHANGE_DELETE,
         .path = STR("old"),
         .base = old.version,
         .author = {FILES_TERMINAL, STR_EMPTY}},
    };
    content_hash(bytes, &changes[0].hash);
    changes[0].manifest.hash = changes[0].hash;
    struct files_apply_input apply = {.session = f->session, .changes = changes, .count = 1};
    struct files_apply_result result;
    assert_int_equal(files_apply(fixture_ctx(f), &apply, &result), ERR_QUOTA);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("new"), &old), ERR_NOT_FOUND);
    apply.count = 2;
    assert_ok(files_apply(fixture_ctx(f), &apply, &result));
    assert_int_equal(result.outcome, FILES_APPLIED);
    assert_int_equal(bytes_of(f, f->session), 501);
}

static int forget(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    bool more;
    return files_purge(txn, &f->ctx.scope, f->second, &more);
}

/* Set over data that is there, taken away, changed meanwhile, set again. */
static void test_tenant(void **state)
{
    struct fixture *f = *state;
    struct data_quota quota = {.tenant = 1000};
    struct str first = f->session;
    assert_ok(write_to(f, "before", 400));
    f->ctx.quota = &quota;
    f->session = f->second;
    assert_ok(write_to(f, "a", 600));
    assert_int_equal(write_to(f, "b", 1), ERR_QUOTA);
    assert_true(str_starts(f->ctx.fault.message, STR("The storage limit of your organization")));
    f->ctx.quota = NULL;
    assert_ok(write_to(f, "b", 500));
    f->ctx.quota = &quota;
    assert_int_equal(write_to(f, "c", 1), ERR_QUOTA);
    drop(f, "b");
    assert_int_equal(write_to(f, "c", 1), ERR_QUOTA);
    assert_ok(write_to(f, "a", 599));
    assert_ok(write_to(f, "c", 1));
    f->session = first;
    assert_int_equal(write_to(f, "d", 1), ERR_QUOTA);
    struct store_op op = store_op_new();
    assert_ok(store_write(f->store, &op, forget, f)); /* 600 bytes of the tenant's go */
    assert_ok(write_to(f, "d", 600));
    assert_int_equal(write_to(f, "e", 1), ERR_QUOTA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_home),
        cmocka_unit_test(test_unknown_length_and_copies),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_tenant),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
