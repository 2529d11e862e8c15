/* The checker over a tree: whole after every kind of change, and each thing that is taken away is missed. */
#include "files/fixture.h"

#include "base/mem.h"

/* Faults of all but tenants and sessions' records, which the fixture does not make whole. */
static size_t faults(struct fixture *f, const char *what)
{
    struct data_report report;
    assert_ok(data_check(f->store, files_judge, &report));
    size_t count = 0;
    for (size_t i = 0; i < report.lines.n; i++) {
        count += strstr(report.lines.at[i], what) != NULL;
    }
    data_report_fini(&report);
    return count;
}

static const char *const words[] = {
    "its content is not stored",      "its content is stored as something else",
    "the version is not well-formed", "the entry is not well-formed",
    "the entry has no version",       "the entry's version says something else",
    "the chunk's bytes are missing",  "nothing says that the chunk is there",
};

static size_t all_faults(struct fixture *f)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        count += faults(f, words[i]);
    }
    return count;
}

static void make_some(struct fixture *f)
{
    put(f, "small", STR("hello"));
    put(f, "small", STR("hello again"));
    put(f, "chunk", fixture_noise(f, 5000, 1));
    put(f, "pages", fixture_noise(f, 400 * 1000, 2));
    make(f, "folder");
    move(f, "chunk", "folder/chunk");
    drop(f, "small");
}

static void test_a_whole_tree(void **state)
{
    struct fixture *f = *state;
    make_some(f);
    assert_int_equal(all_faults(f), 0);
}

struct damage {
    struct fixture *f;
    enum data_space space;
    bool shorten; /* else remove */
};

/* The first key of a space goes, or loses the end of its value. */
static int damage_write(struct txn *txn, void *arg)
{
    const struct damage *d = arg;
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &d->f->ctx.scope, d->space, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 1};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r < 0) {
        return r;
    }
    assert_int_equal(n, 1);
    if (d->shorten) {
        store_put(txn, pairs[0].key, str_slice(pairs[0].value, 0, pairs[0].value.n / 2));
    } else {
        store_delete(txn, pairs[0].key);
    }
    return 0;
}

static void damage(struct fixture *f, enum data_space space, bool shorten)
{
    struct damage d = {f, space, shorten};
    assert_ok(store_write(f->store, NULL, damage_write, &d));
}

static void test_bytes_that_are_gone(void **state)
{
    struct fixture *f = *state;
    make_some(f);
    damage(f, DATA_SPACE_CHUNK, /* shorten= */ false);
    assert_int_equal(faults(f, "the chunk's bytes are missing"), 1);
}

static void test_content_that_nothing_knows(void **state)
{
    struct fixture *f = *state;
    put(f, "chunk", fixture_noise(f, 5000, 1));
    damage(f, DATA_SPACE_STORED, /* shorten= */ false);
    assert_int_equal(faults(f, "its content is not stored"), 1);
    assert_int_equal(faults(f, "nothing says that the chunk is there"), 1);
}

static void test_a_version_that_is_gone(void **state)
{
    struct fixture *f = *state;
    put(f, "small", STR("hello"));
    damage(f, DATA_SPACE_VERSION, /* shorten= */ true);
    assert_int_equal(faults(f, "the version is not well-formed"), 1);
    assert_int_equal(faults(f, "the entry's version says something else"), 1);
    damage(f, DATA_SPACE_VERSION, /* shorten= */ false);
    assert_int_equal(faults(f, "the entry has no version"), 1);
    damage(f, DATA_SPACE_ENTRY, /* shorten= */ true);
    assert_int_equal(faults(f, "the entry is not well-formed"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_tree),
        cmocka_unit_test(test_bytes_that_are_gone),
        cmocka_unit_test(test_content_that_nothing_knows),
        cmocka_unit_test(test_a_version_that_is_gone),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
