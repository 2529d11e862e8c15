/*
 * Retention of what lay in a folder when that was deleted: it goes when no moment that is kept shows it, with all that it was made of, and
 * nothing else goes with it. Every transaction is a point at which the server may die: after each, the checker and the reader of all
 * content find nothing, and what is kept shows what it always showed.
 */
#include "files/fixture.h"

#include "base/mem.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};

enum { BIG = 3000, MANY = 450, DEEP = 60 };

static void set_clock(void)
{
    time_test_set(20000 * DAY, DAY);
}

static void big(struct fixture *f, const char *path, uint64_t seed)
{
    put(f, path, fixture_noise(f, BIG, seed));
}

static bool is_big(struct fixture *f, const char *path, uint64_t seed)
{
    return str_eq(slurp(f, path, 0), fixture_noise(f, BIG, seed));
}

/* Live entries, with one version each, and nothing else. */
static void assert_left(struct fixture *f, size_t there)
{
    assert_int_equal(fixture_keys(f, DATA_SPACE_ENTRY), there);
    assert_int_equal(fixture_ids(f, DATA_SPACE_VERSION), there);
    fixture_check(f);
}

static void damaged(void *ctx, struct str what)
{
    fail_msg(STR_FMT, STR_ARG(what));
}

static void scrub(struct fixture *f)
{
    struct files_scrub in = {.damaged = damaged};
    struct files_scrubbed scrubbed;
    assert_ok(files_scrub(f->store, &in, &scrubbed));
    assert_int_equal(scrubbed.damaged, 0);
}

static int restore(struct fixture *f, const char *path, uint64_t version)
{
    struct files_entry entry;
    struct files_restore_input in = {f->session, str_from(path), version, {FILES_USER, STR("x")}};
    return files_restore(fixture_ctx(f), &in, &entry);
}

/* One transaction of retention; false: there was none left. */
static bool step(struct fixture *f, struct files_thin_place *place)
{
    bool more = false;
    assert_ok(files_thin(f->store, &keep, place, &more));
    return more;
}

/* ---- what goes, and what does not ---- */

static void test_whole(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    big(f, "stays", 1);
    big(f, "d/same", 1);
    big(f, "d/e/f/deep", 2);
    put(f, "d/small", STR("x"));
    time_test_advance(2 * DAY);
    big(f, "d/same", 3);
    drop(f, "d");
    time_test_advance(100 * DAY);
    fixture_thin(f, &keep);
    assert_int_equal(fixture_versions(f, "d/e/f/deep", at), 2); /* the first day ended with it */
    assert_true(str_eq(slurp(f, "d/e/f/deep", at[1]), fixture_noise(f, BIG, 2)));
    big(f, "d/same", 4);
    time_test_advance(400 * DAY);
    fixture_thin(f, &keep);
    assert_int_equal(fixture_collect(f, 0), 2);
    assert_int_equal(fixture_versions(f, "d/e/f/deep", at), 0);
    assert_int_equal(fixture_versions(f, "d/same", at), 1);
    assert_true(is_big(f, "stays", 1) && is_big(f, "d/same", 4));
    assert_left(f, 3);
}

/* What was in it once and is not there when it goes: moved out, deleted before, moved away with what it was in. */
static void test_elsewhere(void **state)
{
    struct fixture *f = *state;
    set_clock();
    big(f, "d/out", 1);
    big(f, "d/sub/in", 2);
    big(f, "d/gone/in", 3);
    big(f, "d/on", 4);
    big(f, "to", 5);
    time_test_advance(2 * DAY);
    move(f, "d/out", "out");
    move(f, "d/sub", "sub");
    drop(f, "d/gone");
    struct files_move_input in = {.session = f->session,
                                  .from = STR("d/on"),
                                  .to = STR("to"),
                                  .author = {FILES_USER, STR("u")},
                                  .overwrite = true};
    struct files_entry entry;
    assert_ok(files_move(fixture_ctx(f), &in, &entry));
    time_test_advance(2 * DAY);
    move(f, "d", "e");
    time_test_advance(2 * DAY);
    drop(f, "e");
    time_test_advance(400 * DAY);
    fixture_thin(f, &keep);
    (void)fixture_collect(f, 0);
    assert_true(is_big(f, "out", 1) && is_big(f, "sub/in", 2) && is_big(f, "to", 4));
    assert_left(f, 4);
    scrub(f);
}

/* A folder that came back, under its name or another, keeps all; also when it goes and comes once more. */
static void test_came_back(void **state)
{
    struct fixture *f = *state;
    set_clock();
    big(f, "d/e/a", 1);
    for (int i = 0; i < 2; i++) {
        time_test_advance(2 * DAY);
        uint64_t seq = drop(f, "d");
        time_test_advance(i * 2 * DAY);
        assert_ok(restore(f, "d", seq));
    }
    time_test_advance(400 * DAY);
    fixture_thin(f, &keep);
    assert_true(is_big(f, "d/e/a", 1));
    assert_left(f, 3);
    drop(f, "d");
    time_test_advance(400 * DAY);
    fixture_thin(f, &keep);
    assert_int_equal(fixture_collect(f, 0), 1);
    assert_left(f, 0);
    assert_int_equal(fixture_keys(f, DATA_SPACE_NODE), 0);
}

/* One that came and went within an hour goes like a file that did, with what it held. */
static void test_young(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    put(f, "old", STR("x"));
    time_test_advance(2 * HOUR);
    big(f, "tmp/a", 1);
    big(f, "tmp/b.part", 2);
    move(f, "tmp/b.part", "tmp/b");
    big(f, "tmp/out", 3);
    move(f, "tmp/out", "out");
    big(f, "tmp/e/f", 4);
    put(f, "old", STR("y"));
    drop(f, "tmp");
    time_test_advance(8 * DAY);
    fixture_thin(f, &keep);
    assert_int_equal(fixture_collect(f, 0), 3);
    assert_int_equal(fixture_versions(f, "tmp/a", at), 0);
    assert_true(is_big(f, "out", 3));
    assert_int_equal(fixture_versions(f, "old", at), 2);
    assert_left(f, 2);
}

/* Something that an earlier moment shows comes into a young folder, and goes with it. */
static void old_inside(struct fixture *f, int way)
{
    if (way < 3) {
        big(f, "tmp/a", 3);
    }
    uint64_t went = way > 0 ? drop(f, way == 3 ? "old/x" : "old") : 0;
    if (way == 0) {
        move(f, "old/x", "tmp/x");
    } else if (way == 1) {
        assert_ok(restore(f, "old", went));
        move(f, "old", "tmp/old");
    } else if (way == 2) {
        assert_ok(restore(f, "old", went));
        move(f, "tmp", "old/tmp");
        move(f, "old/tmp", "tmp");
        move(f, "old/x", "tmp/x");
        move(f, "tmp/x", "tmp/y");
    } else {
        drop(f, "old");
        time_test_advance(2 * HOUR);
        assert_ok(restore(f, "old/x", went));
    }
    drop(f, way == 3 ? "old" : "tmp");
}

/* The same in a folder whose path becomes another: what came to it came under the one before. */
static void old_inside_elsewhere(struct fixture *f, bool moved)
{
    uint64_t made = make(f, "p").version;
    if (!moved) {
        move(f, "p", "q");
    }
    time_test_advance(2 * HOUR);
    make(f, moved ? "p/tmp" : "q/tmp");
    move(f, "old/x", moved ? "p/tmp/x" : "q/tmp/x");
    if (moved) {
        move(f, "p", "q");
    } else {
        drop(f, "q");
        assert_ok(restore(f, "p", made));
    }
    drop(f, moved ? "q/tmp" : "p/tmp");
}

/* Then it waits until that is too old, too. */
static void test_old_inside(void **state)
{
    for (int way = 0; way < 6; way++) {
        struct fixture *f = fixture_create(NULL);
        set_clock();
        big(f, "old/x", 1);
        uint64_t at = put(f, "old/x", fixture_noise(f, BIG, 2)).version;
        char *shown = fixture_tree(f, f->session, 0);
        time_test_advance(2 * HOUR);
        if (way < 4) {
            old_inside(f, way);
        } else {
            old_inside_elsewhere(f, way == 4);
        }
        time_test_advance(8 * DAY);
        fixture_thin(f, &keep);
        (void)fixture_collect(f, 0);
        char *now = fixture_tree(f, f->session, at);
        assert_string_equal(now, shown);
        fixture_check(f);
        time_test_advance(400 * DAY);
        fixture_thin(f, &keep);
        (void)fixture_collect(f, 0);
        assert_left(f, way == 0 || way == 2 ? 1 : way > 3 ? 2 : 0);
        mem_free(now);
        mem_free(shown);
        fixture_destroy(f);
    }
}

/* ---- step by step ---- */

/* Of all kinds, more than a page of one folder, and deep. */
static void grow(struct fixture *f)
{
    char path[1000];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof path, "was/many/%03d", i);
        if (i % 9 == 0) {
            big(f, path, 100 + (uint64_t)i % 40);
        } else {
            put(f, path, str_from(path));
        }
    }
    size_t n = (size_t)snprintf(path, sizeof path, "was");
    for (int i = 0; i < DEEP; i++) {
        n += (size_t)snprintf(path + n, sizeof path - n, "/%d", i);
    }
    make(f, path);
    big(f, "was/away", 7);
    make(f, "was/empty");
    big(f, "stays", 100); /* shares content with what goes */
}

static void test_every_step(void **state)
{
    struct fixture *f = *state;
    char *shown[3];
    uint64_t at[3];
    uint64_t seq = 0;
    set_clock();
    grow(f);
    time_test_advance(2 * DAY);
    move(f, "was/away", "away");
    move(f, "was", "d");
    time_test_advance(2 * DAY);
    drop(f, "d");
    big(f, "d/many/001", 8);
    time_test_advance(300 * DAY);
    for (size_t i = 0; i < 3; i++) {
        if (i < 2) {
            seq = move(f, i == 0 ? "d" : "e", i == 0 ? "e" : "d").version;
        } else {
            seq = drop(f, "d");
        }
        at[i] = seq;
        shown[i] = fixture_tree(f, f->session, 0);
        time_test_advance(2 * DAY);
    }
    time_test_advance(200 * DAY);
    struct files_thin_place place = {{0}, {0}};
    size_t steps = 0;
    for (bool more = true; more; steps++) {
        more = step(f, &place);
        fixture_check(f);
        if (steps % 8 == 0) {
            (void)fixture_collect(f, 0);
            scrub(f);
        }
        for (size_t i = 0; i < 3; i++) {
            char *now = fixture_tree(f, f->session, at[i]);
            assert_string_equal(now, shown[i]);
            mem_free(now);
        }
    }
    (void)fixture_collect(f, 0);
    scrub(f);
    assert_true(steps > DEEP);                              /* a folder at a time */
    assert_int_equal(fixture_keys(f, DATA_SPACE_ENTRY), 4); /* with what was in the last */
    assert_int_equal(fixture_ids(f, DATA_SPACE_VERSION), 5);
    for (size_t i = 0; i < 3; i++) {
        mem_free(shown[i]);
    }
    time_test_advance(400 * DAY);
    fixture_thin(f, &keep);
    assert_left(f, 2);
}

/* One that was moved to and fro, and was made by the change that made others, which are somewhere else now. */
static void test_many_versions(void **state)
{
    struct fixture *f = *state;
    uint64_t at[100];
    set_clock();
    make(f, "a/b/c/d");
    move(f, "a/b", "b");
    drop(f, "b/c/d");
    for (int i = 0; i < 150; i++) {
        move(f, "a", "e");
        move(f, "e", "a");
    }
    drop(f, "a");
    time_test_advance(400 * DAY);
    struct files_thin_place place = {{0}, {0}};
    while (step(f, &place)) {
        fixture_check(f);
        assert_int_equal(fixture_versions(f, "b/c", at), 1);
    }
    assert_left(f, 2);
}

/*
 * Steps until files went that came into a folder so many levels deep and were moved about there, and until the folder with others did.
 * Each change and each file costs a look at all the folders on its way.
 */
static void steps_below(size_t levels, size_t ret_steps[static 2])
{
    enum { FILES = 100 };
    struct fixture *f = fixture_create(NULL);
    struct files_thin_place place = {{0}, {0}};
    const char *folder = fixture_chain(f, 'd', 1, levels).p;
    char paths[3][600];
    set_clock();
    make(f, folder);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(paths[0], sizeof paths[0], "f%d", i);
        (void)snprintf(paths[1], sizeof paths[1], "%s/f%d", folder, i);
        (void)snprintf(paths[2], sizeof paths[2], "%s/g%d", folder, i);
        put(f, paths[0], STR("1"));
        move(f, paths[0], paths[1]);
        move(f, paths[1], paths[2]);
    }
    for (size_t i = 0; i < 2; i++) {
        time_test_advance(i == 0 ? 8 * DAY : 400 * DAY);
        for (ret_steps[i] = 1; step(f, &place); ret_steps[i]++) {
        }
        if (i == 0) {
            drop(f, folder);
        }
    }
    assert_left(f, levels - 1);
    fixture_destroy(f);
}

/* ---- who wants it back meanwhile ---- */

/* After so many steps: it comes back whole and stays, or not at all. Results: which; whether there was a step more. */
static bool comes_back(struct fixture *f, size_t steps, bool *ret_more)
{
    static const char *const paths[] = {"was", "d", "d/e"};
    uint64_t at[100];
    bool back = false;
    struct files_thin_place place = {{0}, {0}};
    set_clock();
    big(f, "was/a", 1);
    big(f, "was/e/b", 2);
    make(f, "was/e/c");
    uint64_t last = move(f, "was", "d").version;
    last = drop(f, "d") > last ? last + 1 : last;
    time_test_advance(400 * DAY);
    *ret_more = true;
    for (size_t i = 0; i < steps && *ret_more; i++) {
        *ret_more = step(f, &place);
    }
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (uint64_t version = last; version > 0 && !back; version--) {
            int r = restore(f, paths[i], version);
            assert_true(r == 0 || r == ERR_NOT_FOUND || r == ERR_EXISTS);
            back = r == 0;
            if (back) {
                move(f, paths[i], "back");
            }
        }
        (void)fixture_versions(f, paths[i], at);
    }
    fixture_thin(f, &keep);
    (void)fixture_collect(f, 0);
    assert_true(!back || (is_big(f, "back/a", 1) && is_big(f, "back/e/b", 2)));
    assert_left(f, back ? 5 : 0);
    return back;
}

static void test_wanted_back(void **state)
{
    bool more = true;
    size_t back = 0;
    size_t steps = 0;
    for (; more; steps++) {
        struct fixture *f = fixture_create(NULL);
        back += comes_back(f, steps, &more);
        fixture_destroy(f);
    }
    assert_true(back > 0 && back < steps);
}

/* The work of a step is bounded, not the number of changes or files in it alone. */
static void test_deep(void **state)
{
    const struct fixture *f = *state;
    size_t shallow[2];
    size_t deep[2];
    if (f->directory[0] != 0) {
        skip(); /* once is enough, and a disk is slow */
    }
    steps_below(2, shallow);
    steps_below(CONTENT_MAX_DEPTH - 1, deep);
    for (size_t i = 0; i < 2; i++) {
        assert_true(deep[i] > shallow[i] + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_elsewhere),
        cmocka_unit_test(test_came_back),     cmocka_unit_test(test_young),
        cmocka_unit_test(test_old_inside),    cmocka_unit_test(test_every_step),
        cmocka_unit_test(test_many_versions), cmocka_unit_test(test_wanted_back),
        cmocka_unit_test(test_deep),
    };
    int failed = fixture_run(tests, sizeof tests / sizeof tests[0]);
    time_test_real();
    return failed;
}
