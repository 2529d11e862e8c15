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

/* Pages of the largest limit; each ends once it has its bytes, and the next goes on behind it. */
static size_t count_pages(struct fixture *f, size_t wanted)
{
    struct files_tree_input in = {.session = f->session, .limit = FILES_MAX_LIST};
    struct files_page page;
    size_t pages = 0;
    do {
        size_t bytes = 0;
        assert_ok(files_tree(&f->ctx, &in, &page));
        for (size_t i = 0; i < page.count; i++) {
            bytes += page.entries[i].path.n + page.entries[i].bytes.n;
        }
        assert_true(bytes < FILES_PAGE_BYTES + CONTENT_MAX_PATH + FILES_MAX_TARGET);
        assert_true(page.count <= wanted && (page.count > 0) == (wanted > 0));
        wanted -= page.count;
        in.at = page.seq;
        in.after = page.next;
        pages++;
    } while (page.more);
    assert_int_equal(wanted, 0);
    return pages;
}

static void test_long_paths(void **state)
{
    enum { FILES = 300, FOLDERS = 15 };
    struct fixture *f = *state;
    for (unsigned i = 0; i < FILES; i++) {
        put(f, fixture_long(f, i), STR("1"));
    }
    assert_int_equal(count_pages(f, FILES + FOLDERS), 3);
    struct files_list_input in = {.session = f->session, .limit = 1000, .recursive = true};
    struct files_page page;
    assert_ok(files_list(&f->ctx, &in, &page));
    assert_true(page.more && page.count < FILES);
}

static void test_long_targets(void **state)
{
    enum { LINKS = 300 };
    struct fixture *f = *state;
    struct files_entry entry;
    for (unsigned i = 0; i < LINKS; i++) {
        struct files_put_input in = fixture_put(f, arena_printf(&f->arena, "link-%u", i));
        assert_ok(files_symlink(fixture_ctx(f), &in, str_from(fixture_long(f, i)), &entry));
    }
    assert_int_equal(count_pages(f, LINKS), 3);
    struct files_list_input in = {.session = f->session, .limit = 1000};
    struct files_page page;
    assert_ok(files_list(&f->ctx, &in, &page));
    assert_int_equal(page.count, LINKS); /* it tells no targets */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_folder), cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_long_targets), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_root)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
