/*
 * Forks: a tree as another one was at any moment of a random past, cut off and begun again at random; then both go on apart,
 * are thinned, collected and purged, and neither takes anything from the other.
 */
#include "files/fixture.h"

#include "base/mem.h"
#include "base/rand.h"

#define DAY ((usec_t)24 * 3600 * USEC_PER_SEC)

static const struct files_keep keep = {.all = 2 * DAY, .hourly = 3 * DAY, .daily = 4 * DAY};

enum { OPERATIONS = 120, NAMES = 9, MOST_SEQ = 1000 };
static const char *const names[NAMES] = {"a",   "b",     "c",   "d/a",    "d/b",
                                         "d/e", "d/f/a", "e/a", "e/f/g/h"};

/* All of it, in steps of `limit` entries; now and then it is cut off and begun again. */
static struct str copy(struct fixture *f, uint64_t at, size_t limit)
{
    struct files_fork_input in = {
        .from = f->session, .at = at, .to = fixture_session(f), .limit = limit};
    struct files_forked forked;
    do {
        assert_ok(files_fork_step(&f->ctx, &in, &forked));
        in.after = rand_below(5) > 0 ? forked.next : STR_EMPTY;
        in.limit = rand_below(4) > 0 ? limit : limit * 2; /* so that it comes to an end */
        limit += in.after.n == 0;
    } while (forked.more);
    return in.to;
}

static void write_one(struct fixture *f, const char *path)
{
    static const size_t sizes[] = {0, 100, 600, 90000};
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    int r = files_put(fixture_ctx(f), &in,
                      fixture_noise(f, sizes[rand_below(4)], 1 + rand_below(5)), &entry);
    assert_true(r == 0 || r == ERR_IS_DIRECTORY || r == ERR_NOT_DIRECTORY);
}

static void link_one(struct fixture *f, const char *path)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    int r = files_symlink(fixture_ctx(f), &in, STR("to"), &entry);
    assert_true(r == 0 || r == ERR_IS_DIRECTORY || r == ERR_NOT_DIRECTORY);
}

static void delete_one(struct fixture *f, const char *path)
{
    uint64_t seq;
    struct files_delete_input in = {.session = f->session,
                                    .path = str_from(path),
                                    .author = {FILES_API, STR("x")},
                                    .recursive = true};
    int r = files_delete(fixture_ctx(f), &in, &seq);
    assert_true(r == 0 || r == ERR_NOT_FOUND || r == ERR_NOT_DIRECTORY);
}

static void move_one(struct fixture *f, const char *from, const char *to)
{
    struct files_entry entry;
    struct files_move_input in = {.session = f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_USER, STR("x")},
                                  .parents = true,
                                  .overwrite = true};
    int r = files_move(fixture_ctx(f), &in, &entry);
    assert_true(r == 0 || (r != ERR_CORRUPT && r != ERR_INTERNAL && r != ERR_IO));
}

static void one_operation(struct fixture *f)
{
    static const char *const tops[] = {"d", "e", "d/f", "a"};
    const char *path = names[rand_below(NAMES)];
    switch (rand_below(10)) {
    case 0:
        delete_one(f, path);
        break;
    case 1:
        delete_one(f, tops[rand_below(4)]);
        break;
    case 2:
        move_one(f, path, names[rand_below(NAMES)]);
        break;
    case 3:
        move_one(f, tops[rand_below(4)], tops[rand_below(4)]);
        break;
    case 4:
        link_one(f, path);
        break;
    default:
        write_one(f, path);
    }
}

static uint64_t latest(struct fixture *f)
{
    struct files_totals totals;
    assert_ok(files_totals(&f->ctx, f->session, &totals));
    return totals.seq;
}

static void assert_shows(struct fixture *f, struct str session, uint64_t at, const char *expected)
{
    char *seen = fixture_tree(f, session, at);
    assert_string_equal(seen, expected);
    mem_free(seen);
}

/* What its folders count is what is in them: taking everything away leaves nothing. */
static void assert_counts(struct fixture *f, struct str session)
{
    struct files_totals totals;
    struct files_list_input in = {.session = session, .limit = FILES_MAX_LIST};
    struct files_page page;
    assert_ok(files_list(&f->ctx, &in, &page));
    for (size_t i = 0; i < page.count; i++) {
        uint64_t seq;
        struct files_delete_input gone = {.session = session,
                                          .path = page.entries[i].path,
                                          .author = {FILES_API, STR("x")},
                                          .recursive = true};
        assert_ok(files_delete(fixture_ctx(f), &gone, &seq));
    }
    assert_ok(files_totals(&f->ctx, session, &totals));
    assert_int_equal(totals.files, 0);
    assert_int_equal(totals.bytes, 0);
}

static void test_any_moment(void **state)
{
    struct fixture *f = *state;
    static char *shown[MOST_SEQ];
    uint64_t seed = rand_u64();
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_test_seed(seed);
    for (size_t i = 0; i < OPERATIONS; i++) {
        one_operation(f);
        uint64_t seq = latest(f);
        assert_true(seq < MOST_SEQ);
        if (seq > 0 && !shown[seq]) {
            shown[seq] = fixture_tree(f, f->session, seq);
        }
    }
    uint64_t last = latest(f);
    for (size_t i = 0; i < 12; i++) {
        uint64_t at = i == 0 ? last : 1 + rand_below((uint32_t)last);
        struct str fork = copy(f, at, 1 + rand_below(8));
        assert_shows(f, fork, 0, shown[at]);
        assert_shows(f, fork, 1 + rand_below((uint32_t)at), shown[at]);
        fixture_check(f);
        if (i % 2 == 0) {
            assert_counts(f, fork);
        }
    }
    assert_shows(f, f->session, last, shown[last]);
    for (size_t i = 0; i < MOST_SEQ; i++) {
        mem_free(shown[i]);
        shown[i] = NULL;
    }
    rand_test_real();
}

static void thin(struct fixture *f)
{
    struct files_thin_place place = {{0}, {0}};
    bool more = true;
    while (more) {
        assert_ok(files_thin(f->store, &keep, &place, &more));
    }
}

struct end {
    const struct scope *scope;
    struct str session;
    bool more;
};

static int end_write(struct txn *txn, void *arg)
{
    struct end *end = arg;
    return files_purge(txn, end->scope, end->session, &end->more);
}

static void purge(struct fixture *f, struct str session)
{
    struct end end = {&f->ctx.scope, session, true};
    while (end.more) {
        struct store_op op = store_op_new();
        assert_ok(store_write(f->store, &op, end_write, &end));
    }
}

static void put_in(struct fixture *f, struct str session, const char *path, struct str bytes)
{
    struct files_put_input in = fixture_put(f, str_from(path));
    struct files_entry entry;
    in.session = session;
    assert_ok(files_put(fixture_ctx(f), &in, bytes, &entry));
}

/* The origin is edited, thinned and ends; the fork keeps what it began with and what it came to. */
static void test_apart(void **state)
{
    struct fixture *f = *state;
    time_test_set(20000 * DAY, DAY);
    put(f, "kept", fixture_noise(f, 3000, 1));
    put(f, "d/large", fixture_noise(f, 200000, 2));
    put(f, "d/small", STR("small"));
    uint64_t at = latest(f);
    put(f, "kept", fixture_noise(f, 3000, 3));
    put(f, "kept", fixture_noise(f, 3000, 4));
    struct str fork = copy(f, at, 2);
    char *before = fixture_tree(f, fork, 0);
    char *origin = fixture_tree(f, f->session, 0);
    assert_int_equal(fixture_collect(f, 0), 0);
    put_in(f, fork, "own", fixture_noise(f, 3000, 5));
    time_test_advance(2 * DAY + DAY / 2);
    thin(
        f); /* of the origin the first two of three versions go, and what is named by the fork stays */
    assert_int_equal(fixture_collect(f, 0), 1);
    assert_shows(f, fork, at, before);
    assert_shows(f, f->session, 0, origin);
    put_in(f, fork, "own", fixture_noise(f, 3000, 6));
    purge(f, f->session);
    assert_int_equal(fixture_collect(f, 0),
                     1); /* the version of `kept` that was the origin's alone */
    assert_shows(f, fork, at, before);
    fixture_check(f);
    time_test_advance(10 * DAY);
    thin(f);
    assert_int_equal(fixture_collect(f, 0), 1); /* the first version of `own` */
    fixture_check(f);
    mem_free(fixture_tree(f, fork, 0));
    purge(f, fork);
    assert_true(fixture_collect(f, 0) >= 6); /* kept, own, and what is large */
    mem_free(before);
    mem_free(origin);
    time_test_real();
}

/* History of what was forked: one version, by whom and when it was made. */
static void test_history(void **state)
{
    struct fixture *f = *state;
    put(f, "d/a", STR("1"));
    struct files_entry second = put(f, "d/a", STR("2"));
    struct str fork = copy(f, latest(f), 100);
    struct files_history_input in = {.session = fork, .path = STR("d/a"), .limit = 10};
    struct files_history history;
    assert_ok(files_history(&f->ctx, &in, &history));
    assert_int_equal(history.count, 1);
    assert_int_equal(history.versions[0].entry.version, second.version);
    assert_true(str_eq(history.versions[0].author.id, f->ctx.scope.user_id));
    put_in(f, fork, "d/a", STR("3"));
    assert_ok(files_history(&f->ctx, &in, &history));
    assert_int_equal(history.count, 2);
    assert_true(history.versions[0].entry.version > second.version);
    in.path = STR("d");
    assert_ok(files_history(&f->ctx, &in, &history));
    struct files_log log;
    assert_ok(files_log(&f->ctx, &(struct files_log_input){.session = fork, .limit = 50}, &log));
    assert_int_equal(log.count, 2);
    struct files_events events;
    struct files_since_input since = {fork, 0, 50};
    assert_int_equal(files_changes_since(&f->ctx, &since, &events), ERR_RESYNC);
    since.since = latest(f);
    assert_ok(files_changes_since(&f->ctx, &since, &events));
    assert_int_equal(events.count, 1);
}

static int refuse(struct txn *txn, void *arg)
{
    return ERR_STALE;
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct files_forked forked;
    put(f, "a", STR("1"));
    struct files_fork_input in = {.from = f->session, .at = 1, .to = f->second, .guard = refuse};
    assert_int_equal(files_fork_step(&f->ctx, &in, &forked), ERR_STALE);
    in.guard = NULL;
    in.to = f->theirs;
    assert_int_equal(files_fork_step(&f->ctx, &in, &forked), ERR_NOT_FOUND);
    in.to = f->second;
    in.from = f->theirs;
    assert_int_equal(files_fork_step(&f->ctx, &in, &forked), ERR_NOT_FOUND);
    in.from = f->session;
    in.at = 2;
    assert_int_equal(files_fork_step(&f->ctx, &in, &forked), ERR_NOT_FOUND);
    put_in(f, f->second, "x", STR("1"));
    put_in(f, f->second, "x", STR("2"));
    in.at = 1;
    assert_int_equal(files_fork_step(&f->ctx, &in, &forked), ERR_CORRUPT);
}

/* Names of the longest kind: a page ends by its bytes. */
static void test_long_names(void **state)
{
    struct fixture *f = *state;
    char path[16 * 251 + 16];
    for (size_t i = 0; i < 16; i++) {
        memset(path + i * 251, 'n', 250);
        path[i * 251 + 250] = '/';
    }
    for (int i = 0; i < 120; i++) {
        (void)snprintf(path + 16 * 251, 16, "%d", i);
        put(f, path, STR("x"));
    }
    struct files_fork_input in = {.from = f->session, .at = latest(f), .to = f->second};
    struct files_forked forked;
    size_t steps = 0;
    do {
        assert_ok(files_fork_step(&f->ctx, &in, &forked));
        in.after = forked.next;
        steps++;
    } while (forked.more);
    assert_true(steps > 1);
    char *origin = fixture_tree(f, f->session, 0);
    assert_shows(f, f->second, 0, origin);
    mem_free(origin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_moment), cmocka_unit_test(test_apart),
        cmocka_unit_test(test_history),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_long_names),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
