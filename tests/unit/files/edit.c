/* Folders, links, deletion, moves; totals stay right. */
#include "files/fixture.h"

static void totals_are(struct fixture *f, uint64_t files, uint64_t bytes)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    assert_int_equal(totals.files, files);
    assert_int_equal(totals.bytes, bytes);
}

static int stat_of(struct fixture *f, const char *path)
{
    struct files_entry entry;
    return files_stat(&f->ctx, f->session, str_from(path), &entry);
}

static void test_mkdir(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("a/b"));
    struct files_entry entry;
    in.parents = false;
    assert_int_equal(files_mkdir(fixture_ctx(f), &in, &entry), ERR_NOT_FOUND);
    in.parents = true;
    assert_ok(files_mkdir(fixture_ctx(f), &in, &entry));
    assert_int_equal(entry.kind, FILES_FOLDER);
    assert_int_equal(entry.mode, 0755);
    assert_int_equal(files_mkdir(fixture_ctx(f), &in, &entry), ERR_EXISTS);
    in.path = STR_EMPTY;
    assert_int_equal(files_mkdir(fixture_ctx(f), &in, &entry), ERR_INVALID);
    put(f, "file", STR("x"));
    in.path = STR("file/below");
    assert_int_equal(files_mkdir(fixture_ctx(f), &in, &entry), ERR_NOT_DIRECTORY);
    in.path = STR("a");
    assert_int_equal(files_put(fixture_ctx(f), &in, STR("x"), &entry), ERR_IS_DIRECTORY);
    in.path = STR("z");
    in.author.id = fixture_noise(f, FILES_MAX_AUTHOR + 1, 1);
    assert_int_equal(files_mkdir(fixture_ctx(f), &in, &entry), ERR_INVALID);
}

static void test_symlink(void **state)
{
    struct fixture *f = *state;
    struct files_put_input in = fixture_put(f, STR("link"));
    struct files_entry entry;
    assert_ok(files_symlink(fixture_ctx(f), &in, STR("../any where"), &entry));
    assert_int_equal(entry.kind, FILES_SYMLINK);
    assert_str(slurp(f, "link", 0), "../any where");
    char *target = arena_alloc(&f->arena, FILES_MAX_TARGET + 1);
    memset(target, 't', FILES_MAX_TARGET + 1);
    assert_ok(files_symlink(fixture_ctx(f), &in, str_of(target, FILES_MAX_TARGET), &entry));
    assert_int_equal(slurp(f, "link", 0).n, FILES_MAX_TARGET);
    struct files_tree_input tree = {.session = f->session, .limit = 1};
    struct files_page page;
    assert_ok(files_tree(&f->ctx, &tree, &page));
    assert_true(str_eq(page.entries[0].bytes, str_of(target, FILES_MAX_TARGET)));
    struct files_since_input since = {f->session, 1, 1};
    struct files_events events;
    assert_ok(files_changes_since(&f->ctx, &since, &events));
    assert_true(str_eq(events.events[0].entry.bytes, str_of(target, FILES_MAX_TARGET)));
    assert_int_equal(
        files_symlink(fixture_ctx(f), &in, str_of(target, FILES_MAX_TARGET + 1), &entry),
        ERR_INVALID);
    assert_int_equal(files_symlink(fixture_ctx(f), &in, STR_EMPTY, &entry), ERR_INVALID);
    assert_int_equal(files_symlink(fixture_ctx(f), &in, STR("a\0b"), &entry), ERR_INVALID);
    totals_are(f, 1, FILES_MAX_TARGET);
}

static void test_delete(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c", STR("123"));
    struct files_entry entry = put(f, "a/d", STR("45"));
    totals_are(f, 2, 5);
    struct files_delete_input in = {
        .session = f->session, .path = STR("a"), .author = {FILES_API, STR("key")}};
    uint64_t seq;
    assert_int_equal(files_delete(fixture_ctx(f), &in, &seq), ERR_NOT_EMPTY);
    in.path = STR("a/d");
    in.match.version = entry.version + 1;
    assert_int_equal(files_delete(fixture_ctx(f), &in, &seq), ERR_PRECONDITION);
    in.match.version = entry.version;
    assert_ok(files_delete(fixture_ctx(f), &in, &seq));
    assert_int_equal(seq, 3);
    assert_int_equal(stat_of(f, "a/d"), ERR_NOT_FOUND);
    totals_are(f, 1, 3);
    assert_int_equal(drop(f, "a"), 4);
    totals_are(f, 0, 0);
    assert_int_equal(stat_of(f, "a/b/c"), ERR_NOT_FOUND);
    in = (struct files_delete_input){
        .session = f->session, .path = STR_EMPTY, .author = {FILES_API, STR("key")}};
    assert_int_equal(files_delete(fixture_ctx(f), &in, &seq), ERR_INVALID);
    in.path = STR("a");
    assert_int_equal(files_delete(fixture_ctx(f), &in, &seq), ERR_NOT_FOUND);
    put(f, "a/b/c", STR("new")); /* a new folder: what was in the old one is not there */
    assert_int_equal(stat_of(f, "a/d"), ERR_NOT_FOUND);
}

static void test_move(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c", STR("123"));
    put(f, "x/y", STR("4567"));
    struct files_entry folder = move(f, "a/b", "x/z");
    assert_int_equal(folder.kind, FILES_FOLDER);
    assert_str(slurp(f, "x/z/c", 0), "123");
    assert_int_equal(stat_of(f, "a/b"), ERR_NOT_FOUND);
    totals_are(f, 2, 7);
    assert_int_equal(drop(f, "a"), 4);
    totals_are(f, 2, 7);
    move(f, "x/z/c", "top");
    drop(f, "x");
    totals_are(f, 1, 3);
    assert_str(slurp(f, "top", 0), "123");
}

static void test_move_refusals(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b", STR("1"));
    put(f, "c", STR("2"));
    struct files_move_input in = {.session = f->session,
                                  .from = STR("a"),
                                  .to = STR("a/b/d"),
                                  .author = {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_INVALID);
    in.to = STR("a");
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_INVALID);
    in.to = STR("c");
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_EXISTS);
    in.overwrite = true;
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry),
                     ERR_EXISTS); /* a folder onto a file */
    in.from = STR("c");
    in.to = STR("a");
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_EXISTS);
    in.to = STR("n/c");
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_NOT_FOUND);
    in.from = STR("none");
    in.to = STR("d");
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_NOT_FOUND);
    in.from = STR("c");
    in.match.version = 77;
    assert_int_equal(files_move(fixture_ctx(f), &in, &entry), ERR_PRECONDITION);
    in.match.version = 0;
    in.to = STR("n/c");
    in.parents = true;
    assert_ok(files_move(fixture_ctx(f), &in, &entry));
    totals_are(f, 2, 2);
}

/* As an editor saves: the name keeps its id and its history. */
static void test_move_over(void **state)
{
    struct fixture *f = *state;
    struct files_entry old = put(f, "doc", STR("old"));
    put(f, "doc.tmp", STR("newer"));
    struct files_entry entry = move(f, "doc.tmp", "doc");
    assert_int_equal(entry.id, old.id);
    assert_str(slurp(f, "doc", 0), "newer");
    assert_str(slurp(f, "doc", old.version), "old");
    assert_int_equal(stat_of(f, "doc.tmp"), ERR_NOT_FOUND);
    totals_are(f, 1, 5);
    struct str large = fixture_noise(f, 300000, 5);
    put(f, "doc.tmp", large);
    move(f, "doc.tmp", "doc");
    assert_true(str_eq(slurp(f, "doc", 0), large));
    totals_are(f, 1, 300000);
}

/* Moves cannot make what no path can name. */
static void test_move_too_deep(void **state)
{
    struct fixture *f = *state;
    make(f, fixture_chain(f, 'a', 1, 150).p);
    make(f, fixture_chain(f, 'b', 1, 107).p);
    assert_int_equal(fixture_move_into(f, STR("a"), fixture_chain(f, 'b', 1, 107)), ERR_LIMIT);
    assert_ok(fixture_move_into(f, STR("a"), fixture_chain(f, 'b', 1, 106))); /* 107 + 149 */
    make(f, fixture_chain(f, 'c', 99, 30).p); /* 2,899 bytes behind the first name */
    make(f, fixture_chain(f, 'd', 99, 12).p); /* 1,199 bytes */
    assert_int_equal(
        fixture_move_into(f, fixture_chain(f, 'c', 99, 1), fixture_chain(f, 'd', 99, 12)),
        ERR_LIMIT);
    assert_ok(fixture_move_into(f, fixture_chain(f, 'c', 99, 1), fixture_chain(f, 'd', 99, 11)));
    totals_are(f, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mkdir),         cmocka_unit_test(test_symlink),
        cmocka_unit_test(test_delete),        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_refusals), cmocka_unit_test(test_move_over),
        cmocka_unit_test(test_move_too_deep)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
