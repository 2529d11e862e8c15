/* Retention: what goes and what stays, and that the storage of a file that is edited often is bounded. */
#include "files/fixture.h"

#include "base/mem.h"
#include "base/rand.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};

static void thin(struct fixture *f)
{
    fixture_thin(f, &keep);
}

/* From the start of an hour of a day long ago. */
static void set_clock(void)
{
    time_test_set(20000 * DAY, DAY);
}

/* A version that is gone was never there: no damage. */
static int opened(struct fixture *f, const char *path, uint64_t version)
{
    struct files_open_input in = {f->session, str_from(path), version, 0};
    struct files_reader *reader;
    struct files_entry entry;
    int r = files_reader_open(&f->ctx, &in, &reader, &entry);
    if (r == 0) {
        files_reader_destroy(reader);
    }
    return r;
}

static void test_rule(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    for (int i = 0; i < 12; i++) { /* three an hour */
        put(f, "doc", fixture_noise(f, 3000, (uint64_t)i));
        time_test_advance(20 * MINUTE);
    }
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 12);
    time_test_advance(7 * DAY -
                      4 * HOUR); /* all of the first hour only now is 7 days old: not yet */
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 12);
    time_test_advance(HOUR);
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 10);
    assert_int_equal(at[9], 3);
    assert_int_equal(opened(f, "doc", 2), ERR_NOT_FOUND);
    assert_int_equal(opened(f, "doc", 1), ERR_NOT_FOUND);
    time_test_advance(DAY);
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 4);
    assert_int_equal(at[1], 9);
    assert_true(str_eq(slurp(f, "doc", 9), fixture_noise(f, 3000, 8)));
    assert_int_equal(fixture_moment(f, 1), 3);
    assert_int_equal(fixture_moment(f, 7), 9);
    assert_int_equal(fixture_moment(f, 9), 9);
    put(f, "other", STR("1"));
    time_test_advance(30 * DAY);
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 1); /* a day's last: the current one */
    assert_int_equal(fixture_moment(f, 4), 12);
    assert_int_equal(fixture_collect(f, 0), 11);
    put(f, "doc", STR("small"));
    assert_int_equal(fixture_versions(f, "doc", at), 2);
    time_test_advance(400 * DAY);
    thin(f);
    assert_int_equal(fixture_versions(f, "doc", at), 1);
    assert_true(str_eq(slurp(f, "doc", 0), STR("small")));
    assert_int_equal(fixture_collect(f, 0), 1);
    fixture_check(f);
}

/* What came and went within an hour leaves nothing; what went later leaves what it was. */
static void test_gone(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    put(f, "d/short", fixture_noise(f, 2000, 1));
    put(f, "d/short", fixture_noise(f, 2000, 2));
    drop(f, "d/short");
    put(f, "d/long", fixture_noise(f, 2000, 3));
    time_test_advance(2 * HOUR);
    drop(f, "d/long");
    time_test_advance(8 * DAY);
    thin(f);
    assert_int_equal(fixture_collect(f, 0), 2);
    assert_int_equal(fixture_versions(f, "d/short", at), 0);
    assert_int_equal(fixture_versions(f, "d/long", at), 2);
    assert_true(str_eq(slurp(f, "d/long", at[1]), fixture_noise(f, 2000, 3)));
    assert_true(fixture_versions(f, "d", at) > 0);
    fixture_check(f);
}

/* An hour of which nothing is left, before anything else: no later day is what it showed. */
static void test_empty_hour(void **state)
{
    struct fixture *f = *state;
    set_clock();
    put(f, "gone", STR("1"));
    drop(f, "gone");
    time_test_advance(5 * DAY);
    put(f, "here", STR("1"));
    time_test_advance(2 * HOUR);
    put(f, "here", STR("2"));
    for (int i = 0; i < 2; i++) {
        time_test_advance(i == 0 ? 8 * DAY : 31 * DAY);
        thin(f);
        assert_int_equal(fixture_moment(f, 1), 2);
        assert_int_equal(fixture_moment(f, 3), i == 0 ? 3 : 4);
        char *tree = fixture_tree(f, f->session, 1);
        assert_string_equal(tree, "");
        mem_free(tree);
    }
    time_test_advance(400 * DAY);
    thin(f);
    assert_int_equal(fixture_moment(f, 1), 4); /* as all that is too old */
    fixture_check(f);
}

static int follow(struct fixture *f, uint64_t since, size_t *ret_count)
{
    struct files_events events;
    int r =
        files_changes_since(&f->ctx, &(struct files_since_input){f->session, since, 500}, &events);
    *ret_count = r == 0 ? events.count : 0;
    return r;
}

/* Who slept while a file went would keep it for ever: no change is left that says so. */
static void test_follower(void **state)
{
    struct fixture *f = *state;
    size_t n;
    set_clock();
    put(f, "stays", STR("1"));
    put(f, "goes", STR("2"));
    drop(f, "goes");
    assert_ok(follow(f, 2, &n));
    assert_int_equal(n, 1);
    time_test_advance(8 * DAY);
    put(f, "new", STR("3"));
    thin(f);
    assert_int_equal(follow(f, 0, &n), ERR_RESYNC);
    assert_int_equal(follow(f, 2, &n), ERR_RESYNC);
    assert_ok(follow(f, 3, &n));
    assert_int_equal(n, 1);
    assert_ok(follow(f, 4, &n));
    assert_int_equal(follow(f, 5, &n), ERR_RESYNC); /* of a store that was further than this one */
}

/* As editors save: a file of another name is written and moved over. */
static void save_by_move(struct fixture *f, uint64_t seed)
{
    put(f, "doc.tmp", fixture_noise(f, 2000, seed));
    struct files_entry entry;
    struct files_move_input in = {.session = f->session,
                                  .from = STR("doc.tmp"),
                                  .to = STR("doc"),
                                  .author = {FILES_USER, STR("u")},
                                  .overwrite = true};
    assert_ok(files_move(fixture_ctx(f), &in, &entry));
}

static void test_saved_by_move(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    put(f, "doc", fixture_noise(f, 2000, 100));
    for (uint64_t i = 0; i < 10; i++) {
        save_by_move(f, i);
        time_test_advance(MINUTE);
    }
    time_test_advance(8 * DAY);
    thin(f);
    assert_int_equal(fixture_collect(f, 0), 10);
    assert_int_equal(fixture_versions(f, "doc", at), 1);
    assert_int_equal(fixture_versions(f, "doc.tmp", at), 0);
    assert_true(str_eq(slurp(f, "doc", 0), fixture_noise(f, 2000, 9)));
    fixture_check(f);
}

/* A thousand edits of a file of many chunks, over ten hours: what is stored afterwards is what ten versions need. */
static void test_bounded(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 130 * 1024, EDITS = 1000, CHUNKS_OF_EDIT = 4 };
    uint64_t at[EDITS + 1];
    if (f->directory[0] == 0) {
        skip(); /* once is enough */
    }
    set_clock();
    struct str noise = fixture_noise(f, SIZE, 1);
    char *text = mem_dup(noise.p, noise.n);
    for (size_t i = 0; i < EDITS; i++) {
        text[rand_below(SIZE)] ^= 1;
        put(f, "doc", str_of(text, SIZE));
        time_test_advance(10 * HOUR / EDITS);
    }
    size_t whole = fixture_collect(f, 0);
    assert_int_equal(whole, 0);
    size_t bytes = fixture_stored(f); /* on average about one chunk for each edit */
    assert_true(bytes > (size_t)SIZE && bytes < SIZE + (size_t)EDITS * 2 * CONTENT_CHUNK_MAX);
    time_test_advance(8 * DAY);
    thin(f);
    size_t gone = fixture_collect(f, 0);
    assert_true(fixture_versions(f, "doc", at) <= 11);
    assert_true(gone > EDITS - 11 && gone < (size_t)EDITS * CHUNKS_OF_EDIT);
    thin(f);
    assert_int_equal(fixture_collect(f, 0), 0);
    fixture_check(f);
    mem_free(text);
}

/* Ten MiB, and a byte in front of them: a chunk or two are new, and a page for each level. */
static void test_insertion_in_front(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 10 << 20 };
    if (f->directory[0] == 0) {
        skip(); /* once is enough */
    }
    char *text = mem_alloc(SIZE + 1);
    memcpy(text + 1, fixture_noise(f, SIZE, 1).p, SIZE);
    text[0] = 'x';
    put(f, "large", str_of(text + 1, SIZE));
    size_t before = fixture_stored(f);
    put(f, "large", str_of(text, SIZE + 1));
    assert_in_range(fixture_stored(f) - before, 1, 3 * CONTENT_CHUNK_MAX);
    mem_free(text);
}

static int clock_real(void **state)
{
    time_test_real();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_empty_hour),
        cmocka_unit_test(test_follower),
        cmocka_unit_test(test_saved_by_move),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_insertion_in_front),
    };
    int failed = fixture_run(tests, sizeof tests / sizeof tests[0]);
    (void)clock_real(NULL);
    return failed;
}
