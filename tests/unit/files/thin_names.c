/*
 * Retention of names: of a file that is moved again and again, or deleted and brought back, stays what a kept moment shows, and no more.
 * So does of a folder, once it is gone.
 */
#include "files/fixture.h"

#include "base/mem.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};

enum { MOVES = 1000, FEWER = 288, MOST = 4000 };

static void set_clock(void)
{
    time_test_set(20000 * DAY, DAY);
}

static struct files_totals totals(struct fixture *f)
{
    struct files_totals now;
    assert_ok(files_totals(&f->ctx, f->session, &now));
    return now;
}

static void thin_after(struct fixture *f, usec_t time)
{
    time_test_advance(time);
    fixture_thin(f, &keep);
    (void)fixture_collect(f, 0);
    fixture_check(f);
}

static void assert_moment(struct fixture *f, uint64_t at, const char *shown)
{
    char *tree = fixture_tree(f, f->session, at);
    assert_string_equal(tree, shown);
    mem_free(tree);
}

static void rewind_to(struct fixture *f, uint64_t at)
{
    struct files_rewind rewind;
    struct files_rewind_input in = {
        .session = f->session, .at = at, .author = {FILES_USER, STR("x")}};
    assert_ok(files_rewind_begin(fixture_ctx(f), &in, &rewind));
    while (rewind.version == 0) {
        assert_ok(files_rewind_step(&f->ctx, f->session, rewind.first, &rewind));
    }
}

static void restore(struct fixture *f, const char *path, uint64_t version)
{
    struct files_entry entry;
    struct files_restore_input in = {f->session, str_from(path), version, {FILES_USER, STR("x")}};
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
}

/* From name to name, each another; *ret_name: the last. */
static void move_often(struct fixture *f, int times, usec_t pause, char ret_name[16])
{
    char name[16];
    (void)snprintf(name, sizeof name, "first");
    for (int i = 0; i < times; i++) {
        (void)snprintf(ret_name, 16, "d/n%d", i);
        move(f, name, ret_name);
        memcpy(name, ret_name, sizeof name);
        time_test_advance(pause);
    }
}

/* Within an hour: one name before, one after. */
static void test_moved_often(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    char name[16];
    if (f->directory[0] != 0) {
        skip(); /* once is enough, and a disk is slow */
    }
    set_clock();
    make(f, "d");
    put(f, "first", fixture_noise(f, 3000, 1));
    uint64_t kept = totals(f).seq;
    char *then = fixture_tree(f, f->session, 0);
    time_test_advance(HOUR);
    move_often(f, MOVES, USEC_PER_SEC, name);
    char *now = fixture_tree(f, f->session, 0);
    thin_after(f, 8 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 1);
    assert_in_range(fixture_keys(f, DATA_SPACE_CHANGE), 3, 4); /* the first move may be told */
    assert_moment(f, kept, then);
    assert_moment(f, 0, now);
    assert_int_equal(fixture_versions(f, name, at), 2);
    assert_int_equal(at[1], kept);
    assert_true(fixture_versions(f, "first", at) > 0);
    rewind_to(f, kept);
    assert_int_equal(fixture_keys(f, DATA_SPACE_ENTRY), 2);
    thin_after(f, 800 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_ENTRY), 2);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 0);
    assert_int_equal(fixture_keys(f, DATA_SPACE_CHANGE), 2);
    assert_true(str_eq(slurp(f, "first", 0), fixture_noise(f, 3000, 1)));
    mem_free(then);
    mem_free(now);
}

/* Over three days: one name an hour, then one a day, then the one that it has. */
static void test_moved_for_days(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    char *shown[2 * FEWER] = {NULL};
    char name[16];
    if (f->directory[0] != 0) {
        skip(); /* once is enough, and a disk is slow */
    }
    set_clock();
    make(f, "d");
    put(f, "first", STR("1"));
    move_often(f, FEWER, 3 * DAY / FEWER, name);
    uint64_t last = totals(f).seq;
    for (uint64_t i = 1; i <= last; i++) {
        shown[i] = fixture_tree(f, f->session, i);
    }
    static const struct {
        usec_t later;
        size_t names;
    } steps[] = {{11 * DAY, 3 * 24}, {35 * DAY, 4}, {400 * DAY, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        thin_after(f, steps[i].later);
        assert_in_range(fixture_keys(f, DATA_SPACE_PAST), 0, steps[i].names);
        assert_in_range(fixture_keys(f, DATA_SPACE_CHANGE), 2, 2 * steps[i].names + 3);
        for (uint64_t k = 1; k <= last; k++) {
            assert_moment(f, k, shown[fixture_moment(f, k)]);
        }
        assert_in_range(fixture_versions(f, name, at), 1, steps[i].names + 1);
    }
    for (uint64_t i = 1; i <= last; i++) {
        mem_free(shown[i]);
    }
}

/* What another file was at the first of its names is still told of who has the last. */
static void test_older_file(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    set_clock();
    put(f, "a", STR("an older one"));
    uint64_t older = totals(f).seq;
    time_test_advance(HOUR);
    drop(f, "a");
    put(f, "a", STR("1"));
    time_test_advance(HOUR);
    move(f, "a", "b");
    time_test_advance(HOUR);
    move(f, "b", "c");
    move(f, "c", "d");
    move(f, "d", "e");
    size_t before = fixture_versions(f, "e", at);
    assert_int_equal(at[before - 1], older);
    for (int i = 0; i < 3; i++) { /* hours, days, all */
        static const usec_t later[] = {8 * DAY, 31 * DAY, 300 * DAY};
        thin_after(f, later[i]);
        size_t n = fixture_versions(f, "e", at);
        if (i == 0) {
            assert_int_equal(at[n - 1], older);
            assert_true(str_eq(slurp(f, "e", older), STR("an older one")));
        }
        assert_true(str_eq(slurp(f, "e", 0), STR("1")));
    }
}

/* One that came to a name after the file had left it is none of the file's past. */
static void test_another_file(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    set_clock();
    put(f, "a", STR("1"));
    move(f, "a", "b");
    put(f, "a", STR("another"));
    move(f, "b", "c");
    uint64_t kept = totals(f).seq;
    thin_after(f, 8 * DAY);
    assert_int_equal(fixture_versions(f, "c", at), 1);
    assert_int_equal(at[0], kept);
    assert_int_equal(fixture_versions(f, "a", at), 1);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 0);
}

/* Something else came there after the file had gone, and went again before its last move. */
static void test_another_between(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    set_clock();
    put(f, "a", STR("1"));
    move(f, "a", "b");
    put(f, "a/x", STR("in another"));
    move(f, "a", "z");
    move(f, "b", "c");
    uint64_t kept = totals(f).seq;
    thin_after(f, 8 * DAY);
    assert_int_equal(fixture_versions(f, "c", at), 1);
    assert_int_equal(at[0], kept);
}

/* A file that goes and comes back again and again. */
static void test_brought_back(void **state)
{
    struct fixture *f = *state;
    set_clock();
    put(f, "doc", STR("1"));
    uint64_t version = totals(f).seq;
    char *then = fixture_tree(f, f->session, 0);
    time_test_advance(HOUR);
    for (int i = 0; i < 50; i++) {
        drop(f, "doc");
        restore(f, "doc", version);
    }
    thin_after(f, 8 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 1);
    assert_in_range(fixture_keys(f, DATA_SPACE_CHANGE), 2, 3);
    assert_moment(f, version, then);
    thin_after(f, 400 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 0);
    assert_int_equal(fixture_keys(f, DATA_SPACE_CHANGE), 1);
    assert_true(str_eq(slurp(f, "doc", 0), STR("1")));
    mem_free(then);
}

/* A folder that was at many places, and files that came into it, moved about and left it. */
static void test_gone_folder(void **state)
{
    struct fixture *f = *state;
    char from[16] = "g";
    char to[16];
    char path[32];
    set_clock();
    put(f, "stays", STR("1"));
    put(f, "left", STR("2"));
    put(f, "g/sub/x", STR("3"));
    for (int i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof path, "%s/left%d", from, i);
        move(f, i == 0 ? "left" : "out", path);
        (void)snprintf(to, sizeof to, "g%d", i);
        move(f, from, to);
        memcpy(from, to, sizeof from);
        (void)snprintf(path, sizeof path, "%s/left%d", from, i);
        move(f, path, "out");
    }
    (void)snprintf(path, sizeof path, "%s/lies", from);
    put(f, "lies", STR("4"));
    move(f, "lies", path);
    put(f, path, STR("5"));
    drop(f, from);
    thin_after(f, 8 * DAY);
    thin_after(f, 400 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_ENTRY), 2);
    assert_int_equal(fixture_keys(f, DATA_SPACE_VERSION), 2);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 0);
    assert_int_equal(fixture_keys(f, DATA_SPACE_CHANGE), 2);
    assert_true(str_eq(slurp(f, "out", 0), STR("2")));
}

/*
 * A folder's name in one that was moved out of a third, which went before it: by its path nobody finds it any more. It stays where it
 * is, shows nothing, and goes with what it is in.
 */
static void test_name_that_nobody_finds(void **state)
{
    struct fixture *f = *state;
    uint64_t at[MOST];
    set_clock();
    put(f, "stays", STR("1"));
    put(f, "a/b/c/x", STR("2"));
    put(f, "a/b/y", STR("3"));
    move(f, "a/b/c", "c");
    move(f, "a/b", "b");
    drop(f, "a");
    time_test_advance(HOUR);
    drop(f, "c");
    time_test_advance(HOUR);
    put(f, "stays", STR("4"));
    uint64_t last = totals(f).seq;
    thin_after(f, 400 * DAY);
    char *now = fixture_tree(f, f->session, 0);
    for (uint64_t i = 1; i <= last; i++) {
        assert_moment(f, i, now);
    }
    assert_int_equal(fixture_versions(f, "b/c", at), 0);
    assert_int_equal(fixture_versions(f, "b/c/x", at), 0);
    put(f, "b/c", STR("another"));
    assert_int_equal(fixture_versions(f, "b/c", at), 1);
    drop(f, "b");
    thin_after(f, 400 * DAY);
    assert_int_equal(fixture_keys(f, DATA_SPACE_PAST), 0);
    assert_int_equal(fixture_keys(f, DATA_SPACE_VERSION), 1);
    assert_int_equal(fixture_keys(f, DATA_SPACE_CHANGE), 1);
    mem_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved_often),     cmocka_unit_test(test_moved_for_days),
        cmocka_unit_test(test_older_file),      cmocka_unit_test(test_another_file),
        cmocka_unit_test(test_another_between), cmocka_unit_test(test_brought_back),
        cmocka_unit_test(test_gone_folder),     cmocka_unit_test(test_name_that_nobody_finds),
    };
    int failed = fixture_run(tests, sizeof tests / sizeof tests[0]);
    time_test_real();
    return failed;
}
