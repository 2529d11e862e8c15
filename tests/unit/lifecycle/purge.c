/* The end of deleted sessions: who goes, who stays, and that a purge that is cut off after any page goes on. */
#include "files/fixture.h"

#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"

static const usec_t day = 24 * 3600 * USEC_PER_SEC;

struct seed {
    struct fixture *f;
    struct str id;
    usec_t deleted_at; /* 0: it is not */
    int64_t host_uid;
    bool attended;
};

/* Makes the fixture's record whole, as sessions/ would have left it. */
static int seed_write(struct txn *txn, void *arg)
{
    struct seed *s = arg;
    const struct scope *scope = &s->f->ctx.scope;
    struct data_tenant tenant = {.id = scope->tenant_id,
                                 .name = STR("Tenant"),
                                 .created_at = USEC_PER_SEC,
                                 .updated_at = USEC_PER_SEC,
                                 .revision = 1};
    struct data_session session;
    int r = data_tenant_put(txn, scope, &tenant);
    if (r == 0) {
        r = data_session_get(txn, scope, s->id, &session);
    }
    if (r < 0) {
        return r;
    }
    session.deleted_at = s->deleted_at;
    session.deleted = s->deleted_at > 0;
    session.status = session.deleted ? DATA_SESSION_STATUS_DELETED : DATA_SESSION_STATUS_PAUSED;
    struct data_workspace workspace = {.id = session.workspace_id,
                                       .state = DATA_WORKSPACE_STATE_STOPPED,
                                       .desired = DATA_WORKSPACE_DESIRED_STOPPED,
                                       .runtime = STR("local"),
                                       .tenant_id = scope->tenant_id,
                                       .user_id = scope->user_id,
                                       .session_id = s->id,
                                       .attended = s->attended,
                                       .host_uid = s->host_uid,
                                       .changed_at = time_now()};
    r = data_workspace_put(txn, scope, &workspace);
    return r < 0 ? r : data_session_put(txn, scope, &session);
}

static void seed(struct seed s)
{
    assert_ok(store_write(s.f->store, NULL, seed_write, &s));
}

struct look {
    struct fixture *f;
    struct str id;
    struct str workspace;
    bool session_there, workspace_there;
    size_t keys;
};

/* Everything below the tenant whose key holds the session's id. */
static int look_read(struct txn *txn, void *arg)
{
    struct look *look = arg;
    struct arena *arena = store_arena(txn);
    struct str begin = arena_printf(arena, "t/" STR_FMT "/", STR_ARG(look->f->ctx.scope.tenant_id));
    struct store_range range = {begin, store_after(arena, begin), .limit = STORE_MAX_SCAN};
    struct data_session session;
    struct data_workspace workspace;
    struct store_pair *pairs;
    size_t count;
    look->keys = 0;
    int r = data_session_get(txn, &look->f->ctx.scope, look->id, &session);
    look->session_there = r == 0;
    if (r == 0) {
        look->workspace = arena_str(&look->f->arena, session.workspace_id);
    }
    look->workspace_there =
        look->workspace.n > 0 &&
        data_workspace_get(txn, &look->f->ctx.scope, look->workspace, &workspace) == 0;
    r = store_scan(txn, &range, &pairs, &count);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct str key = pairs[i].key;
        bool names = false;
        for (size_t at = 0; !names && at + look->id.n <= key.n; at++) {
            names = memcmp(key.p + at, look->id.p, look->id.n) == 0;
        }
        look->keys += names;
    }
    return r;
}

static struct look look_at(struct fixture *f, struct str id)
{
    struct look look = {.f = f, .id = id};
    assert_ok(store_read(f->store, look_read, &look));
    return look;
}

static uint64_t faults(struct fixture *f)
{
    struct data_report report;
    assert_ok(data_check(f->store, files_judge, &report));
    uint64_t count = report.faults;
    for (size_t i = 0; i < report.lines.n; i++) {
        /* The fixture's other people have no records. */
        count -= strstr(report.lines.at[i], "its tenant does not exist") != NULL;
    }
    data_report_fini(&report);
    return count;
}

static void fill(struct fixture *f)
{
    char path[32];
    for (int i = 0; i < 150; i++) {
        (void)snprintf(path, sizeof path, "folder/%d", i % 100);
        put(f, path, fixture_noise(f, 600, (uint64_t)i));
    }
    put(f, "big", fixture_noise(f, 300 * 1000, 1000));
    drop(f, "folder/7");
}

static void test_only_what_is_over_goes(void **state)
{
    struct fixture *f = *state;
    bool more = true;
    fill(f);
    struct str old = f->session;
    seed((struct seed){f, old, time_now() - (SESSIONS_RESTORE_DAYS - 1) * day});
    assert_ok(lifecycle_purge(f->store, NULL, time_monotonic() + 60 * USEC_PER_SEC, &more));
    assert_false(more);
    assert_true(look_at(f, old).session_there);
    seed((struct seed){f, old, time_now() - (SESSIONS_RESTORE_DAYS + 1) * day, .attended = true});
    assert_ok(lifecycle_purge(f->store, NULL, time_monotonic() + 60 * USEC_PER_SEC, &more));
    assert_true(look_at(f, old).session_there); /* its workspace was not seen stopped */
    seed((struct seed){f, f->second, 0});
    f->session = f->second;
    put(f, "mine", STR("stays"));
    seed((struct seed){f, old, time_now() - (SESSIONS_RESTORE_DAYS + 1) * day});
    struct look before = look_at(f, old);
    assert_true(before.keys > 500 && before.workspace_there);
    assert_ok(lifecycle_purge(f->store, NULL, time_monotonic() + 60 * USEC_PER_SEC, &more));
    assert_false(more);
    struct look after = look_at(f, old);
    after.workspace = before.workspace;
    assert_ok(store_read(f->store, look_read, &after));
    assert_false(after.session_there || after.workspace_there);
    assert_int_equal(after.keys, 0);
    assert_int_equal(faults(f), 0);
    assert_str(slurp(f, "mine", 0), "stays");
}

/* A deadline that is over ends each call after one page: as a crash there would. */
static void test_goes_on_after_any_page(void **state)
{
    struct fixture *f = *state;
    fill(f);
    seed((struct seed){f, f->session, time_now() - 31 * day});
    size_t before = look_at(f, f->session).keys;
    size_t pages = 0;
    bool more = true;
    for (; more; pages++) {
        assert_ok(lifecycle_purge(f->store, NULL, 0, &more));
        struct look look = look_at(f, f->session);
        assert_true(look.keys < before);
        assert_int_equal(look.session_there, more);
        assert_int_equal(faults(f), 0);
        before = look.keys;
    }
    assert_true(pages > 1);
    assert_int_equal(before, 0);
    assert_true(fixture_collect(f, 0) > 150);
    assert_int_equal(faults(f), 0);
}

/* The number of a host's user is never given twice: the record that holds it stays. */
static void test_a_number_on_the_host_stays_taken(void **state)
{
    struct fixture *f = *state;
    bool more;
    seed((struct seed){f, f->session, time_now() - 31 * day, .host_uid = 200001});
    struct look look = look_at(f, f->session);
    assert_ok(lifecycle_purge(f->store, NULL, time_monotonic() + 60 * USEC_PER_SEC, &more));
    assert_ok(store_read(f->store, look_read, &look));
    assert_false(look.session_there);
    assert_true(look.workspace_there);
    assert_int_equal(faults(f), 0);
}

struct disk {
    struct fixture *f;
    size_t asked;
    int answer;
};

/* Asked when the files are gone and while the record says that the session is over. */
static int disk_remove(void *ctx, struct str session, int64_t host_uid)
{
    struct disk *disk = ctx;
    struct look look = look_at(disk->f, session);
    assert_true(look.session_there);
    assert_true(look.keys <= 5);
    assert_int_equal(host_uid, 200002);
    disk->asked++;
    return disk->answer;
}

static void test_the_disk_goes_between_files_and_record(void **state)
{
    struct fixture *f = *state;
    struct disk disk = {.f = f, .answer = ERR_BUSY};
    struct lifecycle_disks disks = {disk_remove, &disk};
    usec_t soon = time_monotonic() + 60 * USEC_PER_SEC;
    bool more;
    fill(f);
    seed((struct seed){f, f->session, time_now() - 29 * day, .host_uid = 200002});
    assert_ok(lifecycle_purge(f->store, &disks, soon, &more));
    assert_int_equal(disk.asked, 0);
    seed((struct seed){f, f->session, time_now() - 31 * day, .host_uid = 200002});
    assert_ok(lifecycle_purge(f->store, &disks, 0, &more));
    assert_true(more && disk.asked == 0); /* files are left */
    for (size_t i = 1; i <= 2; i++) {     /* something runs there: nothing is forgotten */
        assert_ok(lifecycle_purge(f->store, &disks, soon, &more));
        assert_int_equal(disk.asked, i);
        assert_true(look_at(f, f->session).session_there);
    }
    disk.answer = 0;
    assert_ok(lifecycle_purge(f->store, &disks, soon, &more));
    assert_int_equal(disk.asked, 3);
    assert_false(look_at(f, f->session).session_there);
    assert_ok(lifecycle_purge(f->store, &disks, soon, &more));
    assert_int_equal(disk.asked, 3);
    assert_int_equal(faults(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_over_goes),
        cmocka_unit_test(test_goes_on_after_any_page),
        cmocka_unit_test(test_a_number_on_the_host_stays_taken),
        cmocka_unit_test(test_the_disk_goes_between_files_and_record),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
