/* Listings: one folder, pages, bounds; entries that come and go between pages. */
#include "files/fixture.h"

static struct files_page list(struct fixture *f, const char *path, const char *after, size_t limit)
{
    struct files_list_input in = {
        .session = f->session, .path = str_from(path), .after = str_from(after), .limit = limit};
    struct files_page page;
    assert_ok(files_list(&f->ctx, &in, &page));
    return page;
}

static void test_one_folder(void **state)
{
    struct fixture *f = *state;
    put(f, "d/b", STR("1"));
    put(f, "d/a/deep", STR("2"));
    put(f, "d/a b", STR("3"));
    put(f, "d/\xff", STR("4"));
    struct files_page page = list(f, "d", "", 10);
    static const char *const expected[] = {"d/a", "d/a b", "d/b", "d/\xff"};
    assert_int_equal(page.count, 4);
    assert_false(page.more);
    for (size_t i = 0; i < 4; i++) {
        assert_str(page.entries[i].path, expected[i]);
    }
    assert_int_equal(page.seq, 4);
    page = list(f, "d", "", 2);
    assert_true(page.more);
    assert_str(page.next, "a b");
    drop(f, "d/a b"); /* the cursor's entry goes */
    page = list(f, "d", "a b", 2);
    assert_str(page.entries[0].path, "d/b");
    assert_int_equal(list(f, "", "", 10).count, 1);
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    put(f, "file", STR("x"));
    struct files_page page;
    struct files_list_input in = {.session = f->session, .path = STR("none"), .limit = 1};
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_NOT_FOUND);
    in.path = STR("file");
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_NOT_DIRECTORY);
    in.path = STR("file/x");
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_NOT_DIRECTORY);
    in.path = STR_EMPTY;
    in.limit = 0;
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_INVALID);
    in.limit = FILES_MAX_LIST + 1;
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_INVALID);
    in.limit = FILES_MAX_LIST;
    assert_ok(files_list(&f->ctx, &in, &page));
    in.after = STR("..");
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_INVALID);
    in.after = STR_EMPTY;
    in.session = f->theirs;
    assert_int_equal(files_list(&f->ctx, &in, &page), ERR_NOT_FOUND);
}

static void test_root(void **state)
{
    struct fixture *f = *state;
    struct files_entry root;
    assert_ok(files_stat(&f->ctx, f->session, STR_EMPTY, &root));
    assert_int_equal(root.kind, FILES_FOLDER);
    assert_int_equal(root.version, 0);
    assert_int_equal(list(f, "", "", 1).count, 0);
    struct files_tree_input in = {.session = f->session, .limit = 1};
    struct files_page page;
    assert_ok(files_tree(&f->ctx, &in, &page));
    assert_int_equal(page.count, 0);
    assert_int_equal(page.seq, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_folder),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_root)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
