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
    "its content is not stored",         "its content is stored as something else",
    "the version is not well-formed",    "the entry is not well-formed",
    "the entry has no version",          "the entry's version says something else",
    "the chunk's bytes are missing",     "nothing says that the chunk is there",
    "what was there is not well-formed", "the change is not well-formed",
    "the counters are not well-formed",  "the chunk's name is no hash",
    "what is below the folder is not",   "nothing says that it names its content",
    "the reference is not well-formed",  "what is said to name the content does not",
    "what it names is not stored",       "what was there has no version",
    "nothing says who made the entry's",
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

static int first_of(struct txn *txn, const struct fixture *f, enum data_space space,
                    struct store_pair *ret_first)
{
    struct arena *arena = store_arena(txn);
    struct str any = DATA_KEY(arena, &f->ctx.scope, space, STR("x"));
    struct str prefix = str_slice(any, 0, any.n - 1);
    struct store_range range = {prefix, store_after(arena, prefix), .limit = 1};
    struct store_pair *pairs;
    size_t n;
    int r = store_scan(txn, &range, &pairs, &n);
    if (r == 0) {
        assert_int_equal(n, 1);
        *ret_first = pairs[0];
    }
    return r;
}

/* The first key of a space goes, or loses the end of its value. */
static int damage_write(struct txn *txn, void *arg)
{
    const struct damage *d = arg;
    struct store_pair first;
    int r = first_of(txn, d->f, d->space, &first);
    if (r < 0) {
        return r;
    }
    if (d->shorten) {
        store_put(txn, first.key, str_slice(first.value, 0, first.value.n / 2));
    } else {
        store_delete(txn, first.key);
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

struct forged {
    struct fixture *f;
    enum data_space space;
    size_t cut;      /* bytes at the end of the space's first key */
    struct str tail; /* instead of them */
};

/* The same value under a key that nothing of ours writes. */
static int forge_write(struct txn *txn, void *arg)
{
    const struct forged *g = arg;
    struct arena *arena = store_arena(txn);
    struct store_pair first;
    int r = first_of(txn, g->f, g->space, &first);
    if (r == 0) {
        struct str front = str_slice(first.key, 0, first.key.n - g->cut);
        store_put(txn, arena_printf(arena, STR_FMT STR_FMT, STR_ARG(front), STR_ARG(g->tail)),
                  first.value);
    }
    return r;
}

static int count_write(struct txn *txn, void *arg)
{
    const struct fixture *f = arg;
    data_usage_put(txn, &f->ctx.scope, f->session, &(struct data_usage){.seq = INT64_MAX});
    return 0;
}

static void test_what_nobody_wrote(void **state)
{
    struct fixture *f = *state;
    put(f, "+abc", STR("hello")); /* before what is forged, in order of keys */
    put(f, "noise", fixture_noise(f, 5000, 1));
    drop(f, "noise");
    const struct {
        struct forged forged;
        const char *what;
    } rows[] = {
        {{f, DATA_SPACE_ENTRY, 4, STR("..")}, "the entry is not well-formed"},
        {{f, DATA_SPACE_ENTRY, 4, STR("a/b")}, "the entry is not well-formed"},
        {{f, DATA_SPACE_ENTRY, 4, STR("")}, "the entry is not well-formed"},
        {{f, DATA_SPACE_PAST, 16, STR("x")}, "what was there is not well-formed"},
        {{f, DATA_SPACE_PAST, 16, STR("00000000000000ff")}, "what was there is not well-formed"},
        {{f, DATA_SPACE_PAST, 22, STR("02e02e/0000000000000001")},
         "what was there is not well-formed"},
        {{f, DATA_SPACE_VERSION, 16, STR("00000000000000ff")}, "the version is not well-formed"},
        {{f, DATA_SPACE_CHANGE, 16, STR("00000000000000ff")}, "the change is not well-formed"},
        {{f, DATA_SPACE_CHUNK, 1, STR("")}, "the chunk's name is no hash"},
    };
    size_t before = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ok(store_write(f->store, NULL, forge_write, (void *)(uintptr_t)&rows[i].forged));
        assert_int_equal(all_faults(f), ++before);
        assert_true(faults(f, rows[i].what) > 0);
    }
    assert_ok(store_write(f->store, NULL, count_write, f));
    assert_int_equal(faults(f, "the counters are not well-formed"), 1);
}

struct shallow {
    struct fixture *f;
    size_t number; /* reach 2, levels 3 */
};

/* In the first folder's record. */
static int shallow_write(struct txn *txn, void *arg)
{
    const struct shallow *s = arg;
    struct arena *arena = store_arena(txn);
    struct store_pair first;
    int r = first_of(txn, s->f, DATA_SPACE_NODE, &first);
    if (r == 0) {
        char *value = arena_alloc(arena, first.value.n);
        memcpy(value, first.value.p, first.value.n);
        value[16 * s->number + 15]--;
        store_put(txn, first.key, str_of(value, first.value.n));
    }
    return r;
}

/* A folder says at least how far it reaches: what fits by that may be moved. */
static void test_a_folder_that_reaches_further(void **state)
{
    struct fixture *f = *state;
    struct shallow s = {.f = f};
    put(f, "d/e/f", STR("x"));
    for (s.number = 2; s.number < 4; s.number++) {
        fixture_check(f);
        assert_ok(store_write(f->store, NULL, shallow_write, &s));
        assert_int_equal(faults(f, "what is in it reaches further than it says"), 1);
        put(f, "d/e/f", STR("once more"));
    }
}

/* Two sessions with the same content, of which one loses what keeps it: the other's end would take it from both. */
static void test_a_reference_that_is_gone(void **state)
{
    struct fixture *f = *state;
    put(f, "noise", fixture_noise(f, 5000, 1));
    damage(f, DATA_SPACE_CHUNKREF, /* shorten= */ false);
    assert_int_equal(faults(f, "nothing says that it names its content"), 1);
    assert_int_equal(all_faults(f), 1);
}

/* A deletion and a move have no reference of their own. */
static void test_what_carries_on(void **state)
{
    struct fixture *f = *state;
    put(f, "noise", fixture_noise(f, 5000, 1));
    move(f, "noise", "sound");
    drop(f, "sound");
    assert_int_equal(all_faults(f), 0);
    damage(f, DATA_SPACE_VERSION, /* shorten= */ false); /* the first, which had it */
    assert_int_equal(faults(f, "what is said to name the content does not"), 1);
    assert_int_equal(faults(f, "nothing says that it names its content"), 1);
    assert_int_equal(faults(f, "what was there has no version"), 1);
}

static void test_references_that_nobody_made(void **state)
{
    struct fixture *f = *state;
    put(f, "noise", fixture_noise(f, 5000, 1));
    struct forged rows[] = {
        {f, DATA_SPACE_CHUNKREF, 16, STR("00000000000000ff")},
        {f, DATA_SPACE_CHUNKREF, 16, STR("x")},
        {f, DATA_SPACE_CHUNKREF, 33 + DATA_ID_SIZE, STR("page/x")},
        {f, DATA_SPACE_CHUNKREF, 33 + DATA_ID_SIZE,
         STR("page/0000000000000000000000000000000000000000000000000000000000000000")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ok(store_write(f->store, NULL, forge_write, &rows[i]));
        damage(f, DATA_SPACE_CHUNKREF, /* shorten= */ true); /* which has no value to lose */
        assert_true(faults(f, "what is said to name the content does not") > 0);
    }
}

struct counted {
    struct fixture *f;
    struct data_usage by; /* more than it is */
    bool total;
};

static int miscount_write(struct txn *txn, void *arg)
{
    const struct counted *c = arg;
    const struct scope *scope = &c->f->ctx.scope;
    struct data_usage usage;
    uint64_t total = 0;
    int r = data_usage_get(txn, scope, c->f->session, &usage);
    r = r < 0 ? r : data_usage_sum(txn, scope, &total);
    usage.files += c->by.files;
    usage.bytes += c->by.bytes;
    if (r == 0 && c->total) {
        data_usage_keep(txn, scope, total + c->by.bytes);
    } else if (r == 0) {
        data_usage_put(txn, scope, c->f->session, &usage);
    }
    return r;
}

static void miscount(struct fixture *f, bool total, struct data_usage by)
{
    struct counted c = {f, by, total};
    assert_ok(store_write(f->store, NULL, miscount_write, &c));
}

/* Bytes and files are the sum of what is there, in a tree, in each folder, and in all trees together. */
static void test_counters_that_lie(void **state)
{
    struct fixture *f = *state;
    static const char *const tree = "it is not the sum of what is in it";
    static const char *const total = "it is not the sum of the tenant's trees";
    make_some(f);
    put(f, "folder/deep/one", fixture_noise(f, 300, 3));
    miscount(f, /* total= */ true, (struct data_usage){0});
    assert_int_equal(faults(f, tree) + faults(f, total), 0);
    miscount(f, /* total= */ true, (struct data_usage){.bytes = 1});
    assert_int_equal(faults(f, total), 1);
    miscount(f, /* total= */ true, (struct data_usage){0});
    miscount(f, /* total= */ false, (struct data_usage){.bytes = 1});
    assert_int_equal(faults(f, tree), 1);
    miscount(f, /* total= */ false, (struct data_usage){.bytes = -1ULL, .files = 1});
    assert_int_equal(faults(f, tree), 1);
    miscount(f, /* total= */ false, (struct data_usage){.files = -1ULL});
    assert_int_equal(faults(f, tree) + faults(f, total), 0);
    damage(f, DATA_SPACE_NODE, /* shorten= */ false);
    assert_int_equal(faults(f, tree), 1); /* of what is above it */
    put(f, "folder/deep/two", STR("x"));
    damage(f, DATA_SPACE_NODE, /* shorten= */ true);
    assert_int_equal(faults(f, "what is below the folder is not well-formed"), 1);
}

/* A folder is summed up to 200 names: more are too much for a page of the check, and what they come to is not asked. */
static void test_a_folder_with_too_many_names(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        put(f, name, STR("x"));
    }
    fixture_check(f);
    miscount(f, /* total= */ false, (struct data_usage){.files = 1});
    assert_int_equal(fixture_faults(f), 1);
    put(f, "one more", STR("x"));
    fixture_check(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_tree),
        cmocka_unit_test(test_bytes_that_are_gone),
        cmocka_unit_test(test_content_that_nothing_knows),
        cmocka_unit_test(test_a_version_that_is_gone),
        cmocka_unit_test(test_what_nobody_wrote),
        cmocka_unit_test(test_a_reference_that_is_gone),
        cmocka_unit_test(test_what_carries_on),
        cmocka_unit_test(test_references_that_nobody_made),
        cmocka_unit_test(test_counters_that_lie),
        cmocka_unit_test(test_a_folder_that_reaches_further),
        cmocka_unit_test(test_a_folder_with_too_many_names),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
