/* History and restore: of a path, through renames, of what is gone. */
#include "files/fixture.h"

static struct files_history history(struct fixture *f, const char *path, struct str after,
                                    size_t limit)
{
    struct files_history_input in = {f->session, str_from(path), after, limit};
    struct files_history found;
    assert_ok(files_history(&f->ctx, &in, &found));
    return found;
}

static struct files_entry restore(struct fixture *f, const char *path, uint64_t version)
{
    struct files_restore_input in = {f->session, str_from(path), version, {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
    return entry;
}

static void test_versions(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 12; i++) {
        put(f, "doc", fixture_noise(f, i * 100, i));
    }
    struct str after = STR_EMPTY;
    uint64_t expected = 12;
    do {
        struct files_history page = history(f, "doc", after, 5);
        for (size_t i = 0; i < page.count; i++, expected--) {
            const struct files_version *version = &page.versions[i];
            assert_int_equal(version->entry.version, expected);
            assert_int_equal(version->op, FILES_WRITE);
            assert_int_equal(version->author.kind, FILES_USER);
            assert_true(str_eq(version->author.id, f->ctx.scope.user_id));
            assert_true(version->at > 0);
            assert_true(str_eq(slurp(f, "doc", expected),
                               fixture_noise(f, (expected - 1) * 100, expected - 1)));
        }
        after = page.next;
    } while (after.n > 0);
    assert_int_equal(expected, 0);
}

/* Of a path that came and went ever again nothing is left out, whether it is asked for in pages or by its number. */
static void test_came_and_went(void **state)
{
    enum { TIMES = 1010 };
    struct fixture *f = *state;
    for (size_t i = 0; i < TIMES; i++) {
        put(f, "out", str_from(i % 2 ? "odd" : "even"));
        drop(f, "out");
    }
    struct str after = STR_EMPTY;
    uint64_t expected = (uint64_t)2 * TIMES;
    do {
        struct files_history page = history(f, "out", after, FILES_MAX_HISTORY);
        for (size_t i = 0; i < page.count; i++, expected--) {
            assert_int_equal(page.versions[i].entry.version, expected);
        }
        after = page.next;
    } while (after.n > 0);
    assert_int_equal(expected, 0);
    restore(f, "out", 1);
    assert_true(str_eq(slurp(f, "out", 0), STR("even")));
    uint64_t first = put(f, "built/out", STR("first")).version;
    for (size_t i = 0; i < 110; i++) { /* as a build does that cleans its folder */
        drop(f, "built");
        put(f, "built/out", STR("again"));
    }
    struct files_history page = history(f, "built/out", STR_EMPTY, FILES_MAX_HISTORY);
    assert_int_equal(page.count, 221); /* that it went with its folder is told each time */
    assert_int_equal(page.versions[220].entry.version, first);
}

static void test_through_renames_and_deletion(void **state)
{
    struct fixture *f = *state;
    put(f, "a/old", STR("1"));
    move(f, "a/old", "a/new");
    put(f, "a/new", STR("22"));
    drop(f, "a/new");
    put(f, "a/new", STR("333")); /* another file */
    struct files_history page = history(f, "a/new", STR_EMPTY, 10);
    static const struct {
        uint64_t version;
        enum files_op op;
        const char *path;
    } rows[] = {{5, FILES_WRITE, "a/new"},
                {4, FILES_DELETE, "a/new"},
                {3, FILES_WRITE, "a/new"},
                {2, FILES_MOVE, "a/new"},
                {1, FILES_WRITE, "a/old"}};
    assert_int_equal(page.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(page.versions[i].entry.version, rows[i].version);
        assert_int_equal(page.versions[i].op, rows[i].op);
        assert_str(page.versions[i].entry.path, rows[i].path);
    }
    assert_int_equal(history(f, "a/old", STR_EMPTY, 10).count, 2);
    drop(f, "a");
    assert_int_equal(history(f, "a/new", STR_EMPTY, 10).count, 6);
    assert_str(slurp(f, "a/new", 3), "22");
}

/* The same path in folders that came one after the other: all that was there, the newest first, by pages too. */
static void test_through_folders_made_anew(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/doc", STR("1"));       /* 1 */
    drop(f, "a/b");                    /* 2 */
    put(f, "a/b/doc", STR("22"));      /* 3 */
    drop(f, "a/b/doc");                /* 4 */
    drop(f, "a");                      /* 5 */
    put(f, "a", STR("no folder now")); /* 6 */
    move(f, "a", "x");                 /* 7 */
    put(f, "a/b/doc", STR("333"));     /* 8 */
    move(f, "a/b", "a/c");             /* 9 */
    static const uint64_t there[] = {9, 8, 4, 3, 2, 1};
    struct files_history all = history(f, "a/b/doc", STR_EMPTY, 10);
    assert_int_equal(all.count, 6);
    struct str after = STR_EMPTY;
    for (size_t i = 0; i < 6; i++) {
        struct files_history page = history(f, "a/b/doc", after, 1);
        after = page.next;
        assert_int_equal(page.count, 1);
        assert_int_equal(page.versions[0].entry.version, there[i]);
        assert_int_equal(all.versions[i].entry.version, there[i]);
    }
    assert_int_equal(after.n, 0);
    assert_true(str_eq(slurp(f, "a/b/doc", 1), STR("1")));
    restore(f, "a/b/doc", 3);
    assert_true(str_eq(slurp(f, "a/b/doc", 0), STR("22")));
    assert_int_equal(history(f, "a/c/doc", STR_EMPTY, 10).versions[0].entry.version, 8);
}

/* What is done in a folder after it was moved away is no past of where it was. */
static void test_of_a_folder_moved_away(void **state)
{
    struct fixture *f = *state;
    put(f, "d/f", STR("1"));    /* 1 */
    put(f, "d/gone", STR("1")); /* 2 */
    move(f, "d", "e");          /* 3 */
    put(f, "d/f", STR("22"));   /* 4 */
    put(f, "e/f", STR("333"));  /* 5 */
    put(f, "e/g", STR("1"));    /* 6 */
    drop(f, "e/g");             /* 7 */
    drop(f, "e/gone");          /* 8 */
    put(f, "e/gone", STR("2")); /* 9 */
    put(f, "e/sub/h", STR("1"));
    static const struct {
        const char *path;
        size_t count;
        uint64_t versions[3];
    } rows[] = {
        {"d/f", 3, {4, 3, 1}}, {"e/f", 2, {5, 1}}, {"d/gone", 2, {3, 2}}, {"e/gone", 3, {9, 8, 2}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct files_history page = history(f, rows[i].path, STR_EMPTY, 10);
        assert_int_equal(page.count, rows[i].count);
        for (size_t at = 0; at < page.count; at++) {
            assert_int_equal(page.versions[at].entry.version, rows[i].versions[at]);
        }
    }
    static const char *const never[] = {"d/g", "d/sub", "d/sub/h"};
    for (size_t i = 0; i < 3; i++) {
        struct files_history_input in = {f->session, str_from(never[i]), STR_EMPTY, 10};
        struct files_history page;
        assert_int_equal(files_history(&f->ctx, &in, &page), ERR_NOT_FOUND);
    }
}

/* A file there, on a disk of which the person who writes here is the workspace. */
static struct files_like on_disk(struct fixture *f, const char *path)
{
    return (struct files_like){.is = {.entry = {.path = str_from(path), .kind = FILES_FILE},
                                      .author = {FILES_USER, f->ctx.scope.user_id}}};
}

static int find_like(struct fixture *f, const struct files_like *like,
                     struct files_entry *ret_found)
{
    return files_version_like(&f->ctx, f->session, like, ret_found);
}

static void test_like(void **state)
{
    struct fixture *f = *state;
    struct files_like like = on_disk(f, "moved");
    struct files_entry found;
    usec_t times[451];
    for (size_t i = 1; i <= 450; i++) { /* more than a page of them */
        times[i] = put(f, "doc", fixture_noise(f, i, i)).mtime;
    }
    move(f, "doc", "moved");
    drop(f, "moved");
    put(f, "moved", STR("another"));
    for (size_t i = 1; i <= 450; i += 50) {
        like.is.entry.size = i;
        like.is.entry.mtime = times[i];
        assert_ok(find_like(f, &like, &found));
        assert_int_equal(found.version, i);
        assert_int_equal(found.size, i);
    }
    like.is.entry.mtime++;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    like.is.entry.path = STR("none");
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    like.is.entry.path = STR("../moved");
    assert_int_equal(find_like(f, &like, &found), ERR_INVALID);
    like.is.entry.path = STR("moved");
    assert_int_equal(files_version_like(&f->other, f->session, &like, &found), ERR_NOT_FOUND);
}

/* A link comes with its target, also with one that lies in the store as a chunk. */
static void test_like_and_a_long_link(void **state)
{
    struct fixture *f = *state;
    char target[FILES_MAX_TARGET];
    memset(target, 'x', sizeof target);
    struct files_like like = on_disk(f, "link");
    like.is.entry.kind = FILES_SYMLINK;
    static const size_t sizes[] = {CONTENT_INLINE_MAX, CONTENT_INLINE_MAX + 1, FILES_MAX_TARGET};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct files_put_input in = {.session = f->session,
                                     .path = STR("link"),
                                     .author = {FILES_USER, f->ctx.scope.user_id}};
        struct files_entry entry;
        struct files_entry found;
        assert_ok(files_symlink(fixture_ctx(f), &in, str_of(target, sizes[i]), &entry));
        like.is.entry.size = sizes[i];
        like.is.entry.mtime = entry.mtime;
        assert_ok(find_like(f, &like, &found));
        assert_int_equal(found.version, entry.version);
        assert_true(str_eq(found.bytes, str_of(target, sizes[i])));
    }
}

/* Of a path that came and went ever again the oldest are found too. */
static void test_like_and_came_and_went(void **state)
{
    enum { TIMES = 60 };
    struct fixture *f = *state;
    struct files_entry found;
    struct files_like like = on_disk(f, "out");
    usec_t times[TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        times[i] = put(f, "out", fixture_noise(f, i + 1, i)).mtime;
        drop(f, "out");
    }
    for (size_t i = 0; i < TIMES; i++) {
        like.is.entry.size = i + 1;
        like.is.entry.mtime = times[i];
        assert_ok(find_like(f, &like, &found));
        assert_int_equal(found.version, 2 * i + 1);
    }
}

/* What came to lie on a disk when the store had gone on was brought back on purpose. */
static void test_like_and_replaced_since(void **state)
{
    struct fixture *f = *state;
    struct files_entry found;
    usec_t times[4];
    for (size_t i = 0; i < 3; i++) {
        times[i] = put(f, "doc", fixture_noise(f, i + 1, i)).mtime;
    }
    move(f, "doc", "moved");
    drop(f, "moved");
    times[3] = put(f, "moved", fixture_noise(f, 4, 4)).mtime;
    struct files_history page = history(f, "moved", STR_EMPTY, 10);
    static const struct {
        size_t size;
        uint64_t found;
        size_t replaced_by; /* in the history; 0: it stands */
    } rows[] = {{1, 1, 4}, {2, 2, 3}, {3, 4, 1}, {4, 6, 0}};
    assert_int_equal(page.count, 6);
    for (size_t i = 0; i < 4; i++) {
        struct files_like like = on_disk(f, "moved");
        like.is.entry.size = rows[i].size;
        like.is.entry.mtime = times[i];
        bool stands = rows[i].replaced_by == 0;
        like.is.at = stands ? INT64_MAX : page.versions[rows[i].replaced_by].at;
        assert_ok(find_like(f, &like, &found));
        assert_int_equal(found.version, rows[i].found);
        like.is.at = stands ? 0 : like.is.at + 1;
        assert_int_equal(find_like(f, &like, &found), stands ? 0 : ERR_NOT_FOUND);
    }
}

/* What others wrote and others replaced came from the store, which had gone on perhaps while it was on its way. */
static void test_like_and_on_its_way(void **state)
{
    struct fixture *f = *state;
    struct files_entry found;
    struct files_like like = on_disk(f, "doc");
    like.is.entry.size = 3;
    like.is.entry.mtime = put(f, "doc", STR("one")).mtime;
    drop(f, "doc");
    usec_t gone = history(f, "doc", STR_EMPTY, 10).versions[0].at;
    like.is.at = gone + 10 * USEC_PER_SEC;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND); /* it is the workspace's own */
    like.is.author = (struct files_author){FILES_TERMINAL, STR("ses-x.")};
    assert_ok(find_like(f, &like, &found));
    like.is.at++;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    like.is.at = gone;
    like.by_others = true;
    assert_ok(find_like(f, &like, &found));
    like.is.author = on_disk(f, "doc").is.author;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
}

/* A file that went with a folder above it went when that did: deleted, moved, and within one that did later. */
static void test_like_and_gone_with_its_folder(void **state)
{
    struct fixture *f = *state;
    struct files_entry found;
    struct files_like like = on_disk(f, "a/b/doc");
    like.is.entry.size = 3;
    like.is.entry.mtime = put(f, "a/b/doc", STR("one")).mtime;
    like.is.at = INT64_MAX;
    assert_ok(find_like(f, &like, &found)); /* it stands */
    move(f, "a/b", "c");
    usec_t moved = history(f, "c", STR_EMPTY, 10).versions[0].at;
    put(f, "c/doc", STR("two"));
    drop(f, "a");
    drop(f, "c");
    like.is.at = moved;
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, 1);
    like.is.at++;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    struct files_like folder = on_disk(f, "a/b");
    folder.is.entry.kind = FILES_FOLDER;
    folder.is.at = moved;
    assert_ok(find_like(f, &folder, &found));
    folder.is.at++;
    assert_int_equal(find_like(f, &folder, &found), ERR_NOT_FOUND);
    folder.is.entry.path = STR("a/none");
    folder.is.at = 0;
    assert_int_equal(find_like(f, &folder, &found), ERR_NOT_FOUND);
    put(f, "a/b/other", STR("x")); /* another folder of that name */
    like.is.at = moved;
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, 1);
}

static void go_back(struct fixture *f, uint64_t moment)
{
    struct files_rewind_input in = {
        .session = f->session, .at = moment, .author = {FILES_USER, f->ctx.scope.user_id}};
    struct files_rewind rewind;
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    while (rewind.version == 0) {
        assert_ok(files_rewind_step(&f->ctx, f->session, rewind.first, &rewind));
    }
}

/* A return to a moment takes a folder away as somebody would, and brings it back: then what is in it stands. */
static void test_like_and_gone_back(void **state)
{
    struct fixture *f = *state;
    struct files_entry found;
    put(f, "before", STR("x"));
    struct files_like like = on_disk(f, "a/b/doc");
    struct files_entry doc = put(f, "a/b/doc", STR("one"));
    like.is.entry.size = 3;
    like.is.entry.mtime = doc.mtime;
    go_back(f, doc.version - 1);
    like.is.at = history(f, "a", STR_EMPTY, 10).versions[0].at;
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, doc.version);
    like.is.at++;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    go_back(f, doc.version);
    like.is.at = INT64_MAX;
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, doc.version);
}

/* Also by a move: what is elsewhere now stood here until then. */
static void test_like_and_moved_since(void **state)
{
    struct fixture *f = *state;
    struct files_entry found;
    struct files_like like = on_disk(f, "doc");
    like.is.entry.size = 3;
    like.is.entry.mtime = put(f, "doc", STR("one")).mtime;
    move(f, "doc", "moved");
    like.is.at = history(f, "moved", STR_EMPTY, 10).versions[0].at;
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, 1);
    like.is.at++;
    assert_int_equal(find_like(f, &like, &found), ERR_NOT_FOUND);
    like.is.entry.path = STR("moved");
    assert_ok(find_like(f, &like, &found));
    assert_int_equal(found.version, 2);
}

static void test_restore_file(void **state)
{
    struct fixture *f = *state;
    struct files_entry first = put(f, "doc", STR("one"));
    put(f, "doc", STR("two"));
    struct files_entry entry = restore(f, "doc", 1);
    assert_int_equal(entry.version, 3);
    assert_int_equal(entry.id, first.id);
    assert_str(slurp(f, "doc", 0), "one");
    assert_str(slurp(f, "doc", 2), "two");
    drop(f, "doc");
    entry = restore(f, "doc", 2);
    assert_int_equal(entry.id, first.id);
    assert_str(slurp(f, "doc", 0), "two");
    struct files_history page = history(f, "doc", STR_EMPTY, 10);
    assert_int_equal(page.count, 5);
    assert_int_equal(page.versions[0].op, FILES_RESTORE);
    /* One that lives on elsewhere is not doubled: the old path gets a file of its own. */
    move(f, "doc", "elsewhere");
    entry = restore(f, "doc", 1);
    assert_true(entry.id != first.id);
    assert_str(slurp(f, "elsewhere", 0), "two");
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, 2);
    assert_int_equal(totals.bytes, 6);
}

static void test_restore_folder(void **state)
{
    struct fixture *f = *state;
    put(f, "d/e/f", STR("kept"));
    uint64_t gone = drop(f, "d");
    struct files_restore_input in = {f->session, STR("d"), gone, {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
    assert_str(slurp(f, "d/e/f", 0), "kept");
    assert_int_equal(files_restore(fixture_ctx(f), &in, &entry), ERR_EXISTS);
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, 1);
    assert_int_equal(totals.bytes, 4);
    /* A file alone out of a deleted folder. */
    drop(f, "d");
    restore(f, "d/e/f", 1);
    assert_str(slurp(f, "d/e/f", 0), "kept");
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    put(f, "doc", STR("x"));
    struct files_history page;
    struct files_history_input in = {f->session, STR("none"), STR_EMPTY, 10};
    assert_int_equal(files_history(&f->ctx, &in, &page), ERR_NOT_FOUND);
    in.path = STR("doc");
    in.after = STR("what");
    assert_int_equal(files_history(&f->ctx, &in, &page), ERR_INVALID);
    in.after = STR_EMPTY;
    in.limit = FILES_MAX_HISTORY + 1;
    assert_int_equal(files_history(&f->ctx, &in, &page), ERR_INVALID);
    in.limit = 1;
    assert_int_equal(files_history(&f->other, &in, &page), ERR_NOT_FOUND);
    struct files_restore_input back = {f->session, STR("doc"), 99, {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_int_equal(files_restore(fixture_ctx(f), &back, &entry), ERR_NOT_FOUND);
    struct files_open_input open = {f->session, STR("doc"), 99, 0};
    struct files_reader *reader;
    assert_int_equal(files_reader_open(&f->ctx, &open, &reader, &entry), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions),
                                       cmocka_unit_test(test_came_and_went),
                                       cmocka_unit_test(test_through_renames_and_deletion),
                                       cmocka_unit_test(test_through_folders_made_anew),
                                       cmocka_unit_test(test_of_a_folder_moved_away),
                                       cmocka_unit_test(test_like),
                                       cmocka_unit_test(test_like_and_a_long_link),
                                       cmocka_unit_test(test_like_and_came_and_went),
                                       cmocka_unit_test(test_like_and_replaced_since),
                                       cmocka_unit_test(test_like_and_moved_since),
                                       cmocka_unit_test(test_like_and_on_its_way),
                                       cmocka_unit_test(test_like_and_gone_with_its_folder),
                                       cmocka_unit_test(test_like_and_gone_back),
                                       cmocka_unit_test(test_restore_file),
                                       cmocka_unit_test(test_restore_folder),
                                       cmocka_unit_test(test_refusals)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
