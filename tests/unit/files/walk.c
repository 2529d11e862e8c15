/* Walks, seen through listings: in pages of any size, from any cursor, what is there in byte order of names and no more. */
#include "files/fixture.h"

#include "base/mem.h"
#include "files/files_int.h"

/* Names around '/' and folders in folders, so that the order of names is not that of whole paths. */
static const char *const paths[] = {"a",        "a!/x", "a/b/c/d", "a/b.c", "a/b/c.d",
                                    "a/b/c!/e", "b",    "b-/1",    "z"};
enum { PATHS = sizeof paths / sizeof paths[0] };

static char *listed(struct fixture *f, struct files_list_input in)
{
    BUF_AUTO(text, 1 << 16);
    struct files_page page = {.more = true};
    while (page.more) {
        assert_ok(files_list(&f->ctx, &in, &page));
        assert_true(page.count <= in.limit);
        for (size_t i = 0; i < page.count; i++) {
            buf_printf(&text, STR_FMT "\n", STR_ARG(page.entries[i].path));
        }
        in.after = page.next;
    }
    buf_byte(&text, 0);
    return mem_dup(text.p, text.n);
}

static void fill(struct fixture *f)
{
    for (size_t i = 1; i < PATHS; i++) { /* "a" is a folder here */
        put(f, paths[i], STR("x"));
    }
}

static void test_any_page(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct files_list_input in = {
        .session = f->session, .limit = FILES_MAX_LIST, .recursive = true};
    char *all = listed(f, in);
    assert_string_equal(
        all,
        "a\na/b\na/b/c\na/b/c/d\na/b/c!\na/b/c!/e\na/b/c.d\na/b.c\na!\na!/x\nb\nb-\nb-/1\nz\n");
    for (in.limit = 1; in.limit < 15; in.limit++) {
        char *paged = listed(f, in);
        assert_string_equal(paged, all);
        mem_free(paged);
    }
    mem_free(all);
    in = (struct files_list_input){.session = f->session, .path = STR("a/b"), .limit = 2};
    all = listed(f, in);
    assert_string_equal(all, "a/b/c\na/b/c!\na/b/c.d\n");
    mem_free(all);
}

/* A cursor whose entry went meanwhile goes on behind its place, also when its folders went. */
static void test_what_is_gone(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct files_list_input in = {
        .session = f->session, .after = STR("a/b/c/d"), .limit = 3, .recursive = true};
    uint64_t then = drop(f, "a/b/c") - 1;
    char *rest = listed(f, in);
    assert_string_equal(rest, "a/b/c!\na/b/c!/e\na/b/c.d\na/b.c\na!\na!/x\nb\nb-\nb-/1\nz\n");
    mem_free(rest);
    drop(f, "a");
    rest = listed(f, in);
    assert_string_equal(rest, "a!\na!/x\nb\nb-\nb-/1\nz\n");
    mem_free(rest);
    in.at = then; /* as of before all is as it was */
    rest = listed(f, in);
    assert_string_equal(rest, "a/b/c!\na/b/c!/e\na/b/c.d\na/b.c\na!\na!/x\nb\nb-\nb-/1\nz\n");
    mem_free(rest);
}

static int past_read(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    struct files_tx tx;
    struct files_walk w = {.tx = &tx, .at = 1};
    struct files_record record;
    struct str path;
    int r = files_tx_begin(&tx, txn, &f->ctx.scope, f->session);
    r = r < 0 ? r : files_walk_begin(&w, FILES_ROOT, STR_EMPTY);
    return r < 0 ? r : files_walk_next(&w, &path, &record);
}

/* A moment that is none any more is not taken for one at which there was nothing. */
static void test_a_version_that_is_thinned(void **state)
{
    static const usec_t day = 24 * 3600 * USEC_PER_SEC;
    const struct files_keep keep = {.all = 7 * day, .hourly = 30 * day, .daily = 365 * day};
    struct fixture *f = *state;
    time_test_set(20000 * day, day);
    put(f, "a", STR("1"));
    put(f, "a", STR("2"));
    assert_ok(store_read(f->store, past_read, f));
    time_test_advance(8 * day);
    fixture_thin(f, &keep);
    assert_int_equal(store_read(f->store, past_read, f), ERR_CORRUPT);
    time_test_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_page),
        cmocka_unit_test(test_what_is_gone),
        cmocka_unit_test(test_a_version_that_is_thinned),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
