/* Back to a moment: what comes back, what goes, as one moment and in pages; the log tells it as one change. */
#include "files/changes.h"

#include "base/mem.h"
#include "files/files_int.h"

enum { MANY = 400 /* more than a page */, PAGES_MOST = 2 * MANY + 20 };

static struct files_rewind_input back(struct fixture *f, const char *path, uint64_t at)
{
    return (struct files_rewind_input){.session = f->session,
                                       .path = str_from(path),
                                       .at = at,
                                       .author = {FILES_USER, f->ctx.scope.user_id}};
}

static uint64_t latest(struct fixture *f)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    return totals.seq;
}

/* To its end; how many pages it took. */
static size_t finish(struct fixture *f, struct files_rewind *rewind)
{
    size_t pages = 0;
    for (; rewind->version == 0; pages++) {
        assert_true(pages < PAGES_MOST);
        assert_ok(files_rewind_step(&f->ctx, f->session, rewind->first, rewind));
    }
    return pages;
}

/* Paths, kinds, sizes and hashes without versions: what somebody sees. */
static char *seen(struct fixture *f, uint64_t at)
{
    BUF_AUTO(text, 1 << 20);
    struct files_tree_input in = {.session = f->session, .at = at, .limit = FILES_MAX_LIST};
    struct files_page page;
    assert_ok(files_tree(&f->ctx, &in, &page));
    assert_false(page.more);
    for (size_t i = 0; i < page.count; i++) {
        const struct files_entry *e = &page.entries[i];
        buf_printf(&text, STR_FMT " %d %llu %02x%02x\n", STR_ARG(e->path), e->kind,
                   (unsigned long long)e->size, e->hash.bytes[0], e->hash.bytes[1]);
    }
    buf_byte(&text, 0);
    return mem_dup(text.p, text.n);
}

static void assert_same(struct fixture *f, uint64_t a, uint64_t b)
{
    char *first = seen(f, a);
    char *second = seen(f, b);
    assert_string_equal(first, second);
    mem_free(first);
    mem_free(second);
}

static void test_all_and_undone(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    put(f, "kept", STR("1"));
    put(f, "changed", STR("1"));
    put(f, "d/gone", fixture_noise(f, 5000, 1));
    put(f, "d/moved", STR("m"));
    uint64_t then = latest(f);
    put(f, "changed", STR("2"));
    drop(f, "d/gone");
    move(f, "d/moved", "elsewhere");
    put(f, "came/later", STR("x"));
    uint64_t before = latest(f);
    struct files_rewind_input in = back(f, "", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_int_equal(rewind.version, latest(f));
    assert_same(f, then, 0);
    assert_true(str_eq(slurp(f, "d/gone", 0), fixture_noise(f, 5000, 1)));
    in.at = before;
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_same(f, before, 0);
    fixture_check(f);
}

static void test_folder_alone(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    put(f, "d/a", STR("1"));
    put(f, "out", STR("1"));
    uint64_t then = latest(f);
    put(f, "d/a", STR("2"));
    put(f, "d/b", STR("2"));
    put(f, "out", STR("2"));
    struct files_rewind_input in = back(f, "d", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_true(str_eq(slurp(f, "d/a", 0), STR("1")));
    assert_true(str_eq(slurp(f, "out", 0), STR("2")));
    struct files_entry entry;
    assert_int_equal(files_stat(&f->ctx, f->session, STR("d/b"), &entry), ERR_NOT_FOUND);
    struct files_diff diff; /* what a version of before and what is there now compare to */
    struct files_diff_input compared = {.session = f->session, .path = STR("d/a"), .from = then};
    assert_ok(files_diff(&f->ctx, &compared, &diff));
    assert_int_equal(diff.compared, FILES_EQUAL);
    compared.path = STR("d/b");
    compared.from = rewind.first - 1;
    assert_ok(files_diff(&f->ctx, &compared, &diff));
    assert_true(diff.from_there && !diff.to_there);
}

/* While it is in hand nothing of it is a moment, and the log is silent; then it is one change. */
static void test_one_moment(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    struct files_log log;
    char path[32];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "d/%03d", i);
        put(f, path, STR("1"));
    }
    uint64_t then = latest(f);
    drop(f, "d");
    uint64_t before = latest(f);
    struct files_rewind_input in = back(f, "", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    struct files_log_input look = {
        .session = f->session, .op = FILES_RESTORE, .since = before, .limit = 10};
    size_t pages = 0;
    for (; rewind.version == 0; pages++) {
        uint64_t now = 0;
        assert_ok(files_moment(&f->ctx, f->session, 0, &now));
        assert_int_equal(now, before);
        assert_ok(files_log(&f->ctx, &look, &log));
        assert_int_equal(log.count, 0);
        struct files_rewind other;
        assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &other), ERR_CONFLICT);
        assert_ok(files_rewind_step(&f->ctx, f->session, rewind.first, &rewind));
    }
    assert_true(pages > 1);
    assert_ok(files_log(&f->ctx, &look, &log));
    assert_int_equal(log.count, 1);
    assert_int_equal(log.events[0].moment, then);
    assert_int_equal(log.events[0].seq, rewind.version);
    uint64_t settled = 0;
    assert_ok(files_moment(&f->ctx, f->session, rewind.first, &settled));
    assert_int_equal(settled, rewind.version);
    assert_same(f, then, 0);
}

/* A file where the folder was, or where one above it was, also when it came in the midst. */
static void test_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    put(f, "d/e/a", STR("1"));
    uint64_t then = latest(f);
    drop(f, "d");
    put(f, "d", STR("a file"));
    uint64_t before = latest(f);
    struct files_rewind_input in = back(f, "d/e", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_same(f, then, 0);
    in = back(f, "d", before); /* a file */
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    assert_int_equal(rewind.version, latest(f));
    assert_same(f, before, 0);

    char name[32];
    drop(f, "d");
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "d/e/%d", i);
        put(f, name, STR("x"));
    }
    then = latest(f);
    drop(f, "d");
    in = back(f, "d/e", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    assert_ok(files_rewind_step(&f->ctx, f->session, rewind.first, &rewind));
    assert_int_equal(rewind.version, 0);
    drop(f, "d");
    put(f, "d", STR("in its midst"));
    (void)finish(f, &rewind);
    assert_str(slurp(f, "d", 0), "in its midst");
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    struct data_quota quota = {.session = 4000};
    put(f, "d/a", fixture_noise(f, 3000, 1));
    uint64_t then = latest(f);
    put(f, "file", STR("1"));
    struct files_rewind_input in = back(f, "d", latest(f) + 1);
    assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &rewind), ERR_NOT_FOUND);
    in = back(f, "none", then);
    assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &rewind), ERR_NOT_FOUND);
    in = back(f, "file/none", latest(f));
    assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &rewind), ERR_NOT_FOUND);
    drop(f, "d/a");
    put(f, "file", fixture_noise(f, 3000, 2));
    f->ctx.quota = &quota;
    in = back(f, "d", then);
    assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &rewind), ERR_QUOTA);
    uint64_t first;
    assert_int_equal(files_rewind_find(&f->ctx, f->session, &first), ERR_NOT_FOUND);
    in = back(f, "", then); /* what came since goes: there is room */
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    f->ctx.quota = NULL;
}

/* A folder that grew where it had more room is, where it was, another one with what was in it. */
static void test_grown_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    char path[2 * CONTENT_MAX_DEPTH] = "g";
    for (size_t i = 1; i < 2 * 200; i += 2) {
        memcpy(path + i, "/h", 3);
    }
    put(f, path, STR("1")); /* 201 names */
    path[2 * 100 + 1] = 0;
    uint64_t then = latest(f);
    move(f, path, "f");
    put(f, arena_printf(&f->arena, "f/%s", path).p, STR("2"));
    put(f, arena_printf(&f->arena, "f/%s/%s", path + 4, path).p, STR("2"));
    struct files_rewind_input in = back(f, "", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_same(f, then, 0);
    fixture_check(f);
}

/* One folder alone of another that was deleted: no version brings it back, the moment before does, and nothing beside it. */
static void test_went_with_another(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    struct files_entry entry;
    uint64_t at[8];
    put(f, "p/s/x", STR("1"));
    put(f, "p/s/x", fixture_noise(f, 3000, 1));
    put(f, "p/s/t/y", STR("2"));
    make(f, "p/s/empty");
    uint64_t alone = latest(f);
    put(f, "p/beside", STR("3"));
    uint64_t version = drop(f, "p");
    for (int again = 0; again < 2; again++) { /* also where another folder has the name by now */
        struct files_restore_input one = {
            f->session, STR("p/s"), version, {FILES_USER, f->ctx.scope.user_id}};
        assert_int_equal(files_restore(fixture_ctx(f), &one, &entry), ERR_EXISTS);
        struct files_rewind_input in = back(f, "p/s", version - 1);
        assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
        (void)finish(f, &rewind);
        assert_same(f, alone, 0);
        assert_true(str_eq(slurp(f, "p/s/x", 0), fixture_noise(f, 3000, 1)));
        assert_true(fixture_versions(f, "p/s/x", at) > 2);
        fixture_check(f);
        (void)drop(f, again ? "p" : "p/s");
    }
    assert_true(fixture_versions(f, "p/beside", at) > 0); /* it can still be had */
}

/* ---- damage ---- */

enum record { ITS_VERSION, ITS_PAST, ITS_ENTRY };

struct harm {
    struct fixture *f;
    enum record record;
    struct files_entry entry; /* as it was when the version was written */
    uint64_t seq;             /* of the version; of its past, when it went */
    bool torn;                /* else it is lost */
};

static int harm_write(struct txn *txn, void *arg)
{
    const struct harm *h = arg;
    struct files_tx tx = {
        .txn = txn, .arena = store_arena(txn), .scope = &h->f->ctx.scope, .session = h->f->session};
    struct str path = h->entry.path;
    struct str key = h->record == ITS_VERSION ? files_key_version(&tx, h->entry.id, h->seq)
                     : h->record == ITS_PAST  ? files_key_past(&tx, FILES_ROOT, path, h->seq)
                                              : files_key_entry(&tx, FILES_ROOT, path);
    struct str value;
    assert_ok(store_get(txn, key, &value));
    if (h->torn) {
        store_put(txn, key, STR("torn"));
    } else {
        store_delete(txn, key);
    }
    return 0;
}

static struct files_entry stat_of(struct fixture *f, const char *path)
{
    struct files_entry entry;
    assert_ok(files_stat(&f->ctx, f->session, str_from(path), &entry));
    return entry;
}

static void harm(struct harm h)
{
    assert_ok(store_write(h.f->store, NULL, harm_write, &h));
}

static void mode(struct fixture *f, const char *path, uint32_t bits)
{
    struct files_change change = other_change(FILES_CHANGE_MKDIR, path, stat_of(f, path).version);
    change.mode = bits;
    assert_int_equal(apply(f, &change, 1).outcome, FILES_APPLIED);
}

static void assert_content(struct fixture *f, const char *path, const char *wanted)
{
    struct files_entry entry;
    if (wanted) {
        assert_str(slurp(f, path, 0), wanted);
    } else {
        assert_int_equal(files_stat(&f->ctx, f->session, str_from(path), &entry), ERR_NOT_FOUND);
    }
}

/* Of a tree of which everything changed since, or went. */
struct damaged_case {
    const char *name;
    enum record record;
    const char *path; /* whose record is lost */
    bool torn;
    const char *kept; /* what is there instead; NULL: nothing */
};

static const struct damaged_case damaged_cases[] = {
    {"a file's version", ITS_VERSION, "a", false, "2"},
    {"a file's version that cannot be decoded", ITS_VERSION, "a", true, "2"},
    {"the version of what went since", ITS_VERSION, "gone", false, NULL},
    {"the version of what went since, torn", ITS_VERSION, "gone", true, NULL},
    {"how it went", ITS_PAST, "gone", true, NULL},
    {"a folder's version", ITS_VERSION, "d", false, NULL},
    {"a folder's version, torn", ITS_VERSION, "d", true, NULL},
};

static void test_past_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged_cases / sizeof damaged_cases[0]; i++) {
        const struct damaged_case *c = &damaged_cases[i];
        struct fixture *f = fixture_create(NULL);
        struct files_rewind rewind;
        struct str noise = fixture_noise(f, 5000, 1);
        put(f, "d/x", STR("1"));
        put(f, "a", STR("1"));
        put(f, "gone", STR("older"));
        put(f, "gone", STR("1"));
        put(f, "noise", noise);
        struct files_entry harmed = stat_of(f, c->path);
        uint64_t then = latest(f);
        put(f, "a", STR("2"));
        put(f, "d/x", STR("2"));
        put(f, "d/later", STR("2"));
        mode(f, "d", 0700);
        drop(f, "noise");
        uint64_t went = drop(f, "gone");
        uint64_t before = latest(f);
        harm((struct harm){f, c->record, harmed, c->record == ITS_PAST ? went : harmed.version,
                           c->torn});
        struct files_rewind_input in = back(f, "", then);
        assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
        (void)finish(f, &rewind);
        if (rewind.damaged != 1) {
            fail_msg("%s: %llu damaged", c->name, (unsigned long long)rewind.damaged);
        }
        bool folder = str_eq(str_from(c->path), STR("d"));
        assert_content(f, "a", str_eq(str_from(c->path), STR("a")) ? c->kept : "1");
        assert_content(f, "gone", str_eq(str_from(c->path), STR("gone")) ? c->kept : "1");
        assert_true(str_eq(slurp(f, "noise", 0), noise));
        assert_content(f, "d/x", "1");
        assert_content(f, "d/later", NULL);
        assert_int_equal(stat_of(f, "d").mode, folder ? 0700 : 0755);
        in.at = before;
        assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
        (void)finish(f, &rewind);
        assert_content(f, "a", "2");
        assert_content(f, "d/x", "2");
        assert_content(f, "d/later", "2");
        assert_content(f, "gone", NULL);
        fixture_destroy(f);
    }
}

/* More than a page of them, met while they are made: each is passed once, and what is beside them comes back. */
static void test_past_many(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    struct files_entry all[MANY];
    char path[32];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "%03d", i);
        all[i] = put(f, path, STR("1"));
    }
    uint64_t then = latest(f);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "%03d", i);
        drop(f, path);
        if (i % 2 == 0) {
            all[i].path = str_from(path);
            harm((struct harm){f, ITS_VERSION, all[i], all[i].version, false});
        }
    }
    struct files_rewind_input in = back(f, "", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_int_equal(rewind.damaged, MANY / 2);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "%03d", i);
        assert_content(f, path, i % 2 == 0 ? NULL : "1");
    }
}

/* What is there now and cannot be read stays, whatever was there, and nothing is put over it. */
static void test_unread_now(void **state)
{
    struct fixture *f = *state;
    struct files_rewind rewind;
    struct files_entry entry;
    put(f, "a", STR("1"));
    put(f, "b", STR("1"));
    uint64_t then = latest(f);
    put(f, "a", STR("2"));
    put(f, "b", STR("2"));
    put(f, "later", STR("2"));
    (void)drop(f, "a"); /* one went, another came: nobody knows which was there then */
    put(f, "a", STR("3"));
    harm((struct harm){f, ITS_ENTRY, stat_of(f, "a"), 0, true});
    harm((struct harm){f, ITS_ENTRY, stat_of(f, "later"), 0, true});
    struct files_rewind_input in = back(f, "", then);
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    (void)finish(f, &rewind);
    assert_int_equal(rewind.damaged, 2);
    assert_content(f, "b", "1");
    assert_int_equal(files_stat(&f->ctx, f->session, STR("a"), &entry), ERR_CORRUPT);
    assert_int_equal(files_stat(&f->ctx, f->session, STR("later"), &entry), ERR_CORRUPT);
    in = back(f, "a", then);
    assert_int_equal(files_rewind_begin(fixture_ctx(f), &in, &rewind), ERR_CORRUPT);
    uint64_t first;
    assert_int_equal(files_rewind_find(&f->ctx, f->session, &first), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_and_undone),    cmocka_unit_test(test_folder_alone),
        cmocka_unit_test(test_one_moment),        cmocka_unit_test(test_in_the_way),
        cmocka_unit_test(test_grown_elsewhere),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_went_with_another), cmocka_unit_test(test_past_damage),
        cmocka_unit_test(test_past_many),         cmocka_unit_test(test_unread_now),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
