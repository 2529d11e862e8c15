/* What was at a path, also under former names and with folders that went: in the history, and in the changes of a place. */
#include "files/fixture.h"
#include "files/trail_int.h"

static struct files_history history(struct fixture *f, const char *path, struct str after,
                                    size_t limit)
{
    struct files_history_input in = {f->session, str_from(path), after, limit};
    struct files_history found;
    assert_ok(files_history(&f->ctx, &in, &found));
    return found;
}

struct told {
    uint64_t version;
    enum files_op op;
    const char *path;
};

/* All of it, and the same in pages of one. */
static void expect(struct fixture *f, const char *path, const struct told *rows)
{
    struct files_history all = history(f, path, STR_EMPTY, 50);
    struct str after = STR_EMPTY;
    size_t n = 0;
    for (; rows[n].version > 0; n++) {
        assert_true(n < all.count);
        assert_int_equal(all.versions[n].entry.version, rows[n].version);
        assert_int_equal(all.versions[n].op, rows[n].op);
        assert_str(all.versions[n].entry.path, rows[n].path);
        struct files_history page = history(f, path, after, 1);
        assert_int_equal(page.count, 1);
        assert_int_equal(page.versions[0].entry.version, rows[n].version);
        after = page.next;
    }
    assert_int_equal(all.count, n);
    assert_int_equal(after.n, 0);
}

static struct files_entry restore(struct fixture *f, const char *path, uint64_t version)
{
    struct files_restore_input in = {f->session, str_from(path), version, {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
    return entry;
}

static bool is_known(struct fixture *f, const char *path, uint64_t version)
{
    struct files_diff_input in = {f->session, str_from(path), .to = version, .before = true};
    struct files_diff diff;
    int r = files_diff(&f->ctx, &in, &diff);
    assert_true(r == 0 || r == ERR_NOT_FOUND);
    return r == 0 && diff.to.version == version;
}

/* As git does: deleted, written anew, then renamed. */
static void test_made_anew_before_a_rename(void **state)
{
    struct fixture *f = *state;
    put(f, "x", STR("1"));   /* 1 */
    put(f, "x", STR("22"));  /* 2 */
    drop(f, "x");            /* 3 */
    put(f, "x", STR("333")); /* 4 */
    move(f, "x", "y");       /* 5 */
    put(f, "x", STR("new")); /* 6 */
    expect(f, "y",
           (const struct told[]){{5, FILES_MOVE, "y"},
                                 {4, FILES_WRITE, "x"},
                                 {3, FILES_DELETE, "x"},
                                 {2, FILES_WRITE, "x"},
                                 {1, FILES_WRITE, "x"},
                                 {0}});
    assert_str(slurp(f, "y", 2), "22");
    assert_true(is_known(f, "y", 2));
    assert_false(is_known(f, "y", 6)); /* what came there later is another's */
    restore(f, "y", 2);
    assert_str(slurp(f, "y", 0), "22");
    move(f, "y", "z"); /* and over two renames */
    assert_str(slurp(f, "z", 1), "1");
    assert_int_equal(history(f, "z", STR_EMPTY, 10).count, 7);
    fixture_check(f);
}

/* What was at the new name before comes where it belongs by time. */
static void test_both_names_had_others(void **state)
{
    struct fixture *f = *state;
    put(f, "y", STR("1"));   /* 1 */
    put(f, "x", STR("22"));  /* 2 */
    drop(f, "y");            /* 3 */
    drop(f, "x");            /* 4 */
    put(f, "x", STR("333")); /* 5 */
    move(f, "x", "y");       /* 6 */
    expect(f, "y",
           (const struct told[]){{6, FILES_MOVE, "y"},
                                 {5, FILES_WRITE, "x"},
                                 {4, FILES_DELETE, "x"},
                                 {2, FILES_WRITE, "x"},
                                 {3, FILES_DELETE, "y"},
                                 {1, FILES_WRITE, "y"},
                                 {0}});
    move(f, "y", "x"); /* 7: there and back ends */
    assert_int_equal(history(f, "x", STR_EMPTY, 10).count, 7);
    assert_int_equal(history(f, "y", STR_EMPTY, 10).count, 7);
}

static void test_folders_made_anew_before_a_rename(void **state)
{
    struct fixture *f = *state;
    put(f, "d/f", STR("1"));  /* 1 */
    drop(f, "d");             /* 2 */
    put(f, "d/f", STR("22")); /* 3 */
    move(f, "d/f", "d/g");    /* 4 */
    static const struct told inside[] = {{4, FILES_MOVE, "d/g"},
                                         {3, FILES_WRITE, "d/f"},
                                         {2, FILES_DELETE, "d/f"},
                                         {1, FILES_WRITE, "d/f"},
                                         {0}};
    expect(f, "d/g", inside);
    assert_str(slurp(f, "d/g", 1), "1");
    move(f, "d", "e"); /* 5 */
    move(f, "e", "h"); /* 6 */
    expect(f, "h/g", inside);
    assert_str(slurp(f, "h/g", 1), "1");
    restore(f, "h/g", 1);
    assert_str(slurp(f, "h/g", 0), "1");
    fixture_check(f);
}

/* More names than are followed: what there is no room for is the oldest, and it ends. */
static void test_many_names(void **state)
{
    enum { TIMES = 120 };
    struct fixture *f = *state;
    char from[16] = "n0";
    put(f, from, STR("first"));
    drop(f, from);
    put(f, from, STR("second"));
    for (unsigned i = 1; i <= TIMES; i++) {
        char to[16];
        (void)snprintf(to, sizeof to, "n%u", i);
        move(f, from, to);
        memcpy(from, to, sizeof from);
    }
    assert_false(is_known(f, from, 1));
    assert_true(is_known(f, from, 3));
    assert_true(is_known(f, "n99", 1));
}

struct walked {
    struct fixture *f;
    size_t n;
    uint64_t ends[3];
};

static int walk(struct txn *txn, void *arg)
{
    const struct files_trail_rooms rooms = {.periods = 3, .folders = 3, .names = 1};
    struct walked *w = arg;
    struct files_tx tx;
    struct files_trail trail;
    int r = files_tx_begin(&tx, txn, &w->f->ctx.scope, w->f->session);
    r = r < 0 ? r : files_trail_read(&tx, STR("d/x"), &rooms, &trail);
    w->n = r == 0 ? trail.period_count : 0;
    for (size_t i = 0; i < w->n; i++) {
        w->ends[i] = files_period_end(&trail.periods[i]);
    }
    return r;
}

/* What lies in a folder that moved away changes on there, more often than there is room for: what it left is found all the same. */
static void test_changed_on_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct walked w = {f};
    put(f, "d/x", STR("1"));  /* 1 */
    drop(f, "d/x");           /* 2 */
    put(f, "d/x", STR("22")); /* 3 */
    move(f, "d", "k");        /* 4 */
    for (unsigned i = 0; i < 5; i++) {
        drop(f, "k/x");
        put(f, "k/x", STR("new"));
    }
    assert_ok(store_read(f->store, walk, &w));
    assert_int_equal(w.n, 2);
    assert_int_equal(w.ends[0], 4);
    assert_int_equal(w.ends[1], 2);
}

static void test_gone_with_its_folder(void **state)
{
    struct fixture *f = *state;
    put(f, "src/a/x", STR("int x;")); /* 1 */
    put(f, "src/a/y", STR("int y;")); /* 2 */
    drop(f, "src/a/y");               /* 3 */
    drop(f, "src");                   /* 4 */
    expect(f, "src/a/x",
           (const struct told[]){{4, FILES_DELETE, "src/a/x"}, {1, FILES_WRITE, "src/a/x"}, {0}});
    expect(f, "src/a/y",
           (const struct told[]){{3, FILES_DELETE, "src/a/y"}, {2, FILES_WRITE, "src/a/y"}, {0}});
    struct files_history page = history(f, "src/a/x", STR_EMPTY, 1);
    assert_int_equal(page.versions[0].entry.size, 6);
    assert_int_equal(page.versions[0].author.kind, FILES_USER);
    assert_true(page.versions[0].at > 0);
    assert_int_equal(history(f, "src/a", STR_EMPTY, 10).versions[0].op, FILES_DELETE);
    assert_true(is_known(f, "src/a/x", 1));
    assert_str(slurp(f, "src/a/x", 4), "int x;");
    restore(f, "src/a/x", 4); /* 5 */
    assert_str(slurp(f, "src/a/x", 0), "int x;");
    assert_int_equal(history(f, "src/a/x", STR_EMPTY, 10).count, 3);
    fixture_check(f);
}

static void test_gone_as_its_folder_moved(void **state)
{
    struct fixture *f = *state;
    put(f, "m/s/one", STR("1"));   /* 1 */
    move(f, "m", "k");             /* 2 */
    put(f, "k/s/one", STR("22"));  /* 3 */
    put(f, "m/s/one", STR("new")); /* 4 */
    expect(f, "m/s/one",
           (const struct told[]){{4, FILES_WRITE, "m/s/one"},
                                 {2, FILES_MOVE, "k/s/one"},
                                 {1, FILES_WRITE, "m/s/one"},
                                 {0}});
    expect(f, "k/s/one",
           (const struct told[]){{3, FILES_WRITE, "k/s/one"}, {1, FILES_WRITE, "m/s/one"}, {0}});
    assert_str(slurp(f, "m/s/one", 2), "1");
}

/* ---- the changes of a place ---- */

/* Newest first, and the same in pages of one and from the other end. */
static void changes(struct fixture *f, const char *path, enum files_op op, const uint64_t *seqs)
{
    size_t n = 0;
    while (seqs[n] > 0) {
        n++;
    }
    struct files_log_input in = {
        .session = f->session, .path = str_from(path), .op = op, .limit = 50};
    struct files_log log;
    assert_ok(files_log(&f->ctx, &in, &log));
    assert_int_equal(log.count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(log.events[i].seq, seqs[i]);
    }
    for (int oldest = 0; oldest < 2; oldest++) {
        size_t seen = 0;
        struct files_log_input one = {.session = f->session,
                                      .path = str_from(path),
                                      .op = op,
                                      .oldest = oldest != 0,
                                      .limit = 1};
        do {
            assert_ok(files_log(&f->ctx, &one, &log));
            if (log.count > 0) {
                assert_int_equal(log.events[0].seq, seqs[oldest ? n - 1 - seen : seen]);
                seen++;
            }
            *(oldest ? &one.since : &one.before) = log.next;
        } while (log.next > 0);
        assert_int_equal(seen, n);
    }
}

static void test_changes_of_what_went_along(void **state)
{
    struct fixture *f = *state;
    put(f, "src/a/x", STR("1")); /* 1 */
    put(f, "src/b", STR("1"));   /* 2 */
    drop(f, "src");              /* 3 */
    put(f, "src", STR("file"));  /* 4 */
    drop(f, "src");              /* 5 */
    make(f, "src");              /* 6 */
    drop(f, "src");              /* 7: of an empty one */
    changes(f, "src/a/x", FILES_DELETE, (const uint64_t[]){3, 0});
    changes(f, "src/a", FILES_DELETE, (const uint64_t[]){3, 0});
    changes(f, "src/a/x", 0, (const uint64_t[]){3, 1, 0});
    changes(f, "src/never", 0, (const uint64_t[]){0});
    changes(f, "sr", 0, (const uint64_t[]){0});
    restore(f, "src", 3); /* 8 */
    changes(f, "src/a/x", 0, (const uint64_t[]){8, 3, 1, 0});
    changes(f, "src/b", FILES_RESTORE, (const uint64_t[]){8, 0});
}

static void test_changes_under_former_names(void **state)
{
    struct fixture *f = *state;
    put(f, "m/one", STR("1"));   /* 1 */
    put(f, "m/other", STR("1")); /* 2 */
    make(f, "n");                /* 3 */
    move(f, "m/one", "n/two");   /* 4 */
    put(f, "n/two", STR("22"));  /* 5 */
    move(f, "n", "k");           /* 6 */
    put(f, "m/one", STR("new")); /* 7 */
    put(f, "n/two", STR("new")); /* 8 */
    put(f, "k/two", STR("333")); /* 9 */
    changes(f, "k/two", 0, (const uint64_t[]){9, 6, 5, 4, 1, 0});
    changes(f, "k/two", FILES_MOVE, (const uint64_t[]){6, 4, 0});
    changes(f, "k", 0, (const uint64_t[]){9, 6, 5, 4, 3, 0});
    changes(f, "n/two", 0, (const uint64_t[]){8, 6, 5, 4, 1, 0});
    changes(f, "m/one", 0, (const uint64_t[]){7, 4, 1, 0});
    changes(f, "m/other", 0, (const uint64_t[]){2, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made_anew_before_a_rename),
                                       cmocka_unit_test(test_both_names_had_others),
                                       cmocka_unit_test(test_folders_made_anew_before_a_rename),
                                       cmocka_unit_test(test_many_names),
                                       cmocka_unit_test(test_changed_on_elsewhere),
                                       cmocka_unit_test(test_gone_with_its_folder),
                                       cmocka_unit_test(test_gone_as_its_folder_moved),
                                       cmocka_unit_test(test_changes_of_what_went_along),
                                       cmocka_unit_test(test_changes_under_former_names)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
