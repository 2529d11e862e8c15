/*
 * Retention: what goes and what stays, and that the storage of a file that is edited often is bounded; then random changes while
 * time goes on and the past is thinned step by step: every moment shows exactly what was there at the one that is kept for it.
 * A control thins too much, and must be found out.
 */
#include "files/fixture.h"

#include "base/mem.h"
#include "base/rand.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};
static const struct files_keep too_little = {.all = DAY, .hourly = 2 * DAY, .daily = 365 * DAY};

/* Until nothing is due any more. */
static void thin_to(struct fixture *f, const struct files_keep *what)
{
    struct files_thin_place place = {{0}, {0}};
    bool more = true;
    while (more) {
        assert_ok(files_thin(f->store, what, &place, &more));
    }
}

static void thin(struct fixture *f)
{
    thin_to(f, &keep);
}

static size_t versions(struct fixture *f, const char *path, uint64_t *ret_at)
{
    size_t n = 0;
    struct str after = STR_EMPTY;
    do {
        struct files_history_input in = {f->session, str_from(path), after, 100};
        struct files_history page;
        int r = files_history(&f->ctx, &in, &page);
        if (r == ERR_NOT_FOUND) {
            return 0;
        }
        assert_ok(r);
        for (size_t i = 0; i < page.count; i++) {
            ret_at[n++] = page.versions[i].entry.version;
        }
        after = page.next;
    } while (after.n > 0);
    return n;
}

static uint64_t moment(struct fixture *f, uint64_t at)
{
    uint64_t kept = 0;
    assert_ok(files_moment(&f->ctx, f->session, at, &kept));
    return kept;
}

/* From the start of an hour of a day long ago. */
static void set_clock(void)
{
    time_test_set(20000 * DAY, DAY);
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
    assert_int_equal(versions(f, "doc", at), 12);
    time_test_advance(7 * DAY -
                      4 * HOUR); /* all of the first hour only now is 7 days old: not yet */
    thin(f);
    assert_int_equal(versions(f, "doc", at), 12);
    time_test_advance(HOUR);
    thin(f);
    assert_int_equal(versions(f, "doc", at), 10);
    assert_int_equal(at[9], 3);
    time_test_advance(DAY);
    thin(f);
    assert_int_equal(versions(f, "doc", at), 4);
    assert_int_equal(at[1], 9);
    assert_true(str_eq(slurp(f, "doc", 9), fixture_noise(f, 3000, 8)));
    assert_int_equal(moment(f, 1), 3);
    assert_int_equal(moment(f, 7), 9);
    assert_int_equal(moment(f, 9), 9);
    put(f, "other", STR("1"));
    time_test_advance(30 * DAY);
    thin(f);
    assert_int_equal(versions(f, "doc", at), 1); /* a day's last: the current one */
    assert_int_equal(moment(f, 4), 12);
    assert_int_equal(fixture_collect(f, 0), 11);
    put(f, "doc", STR("small"));
    assert_int_equal(versions(f, "doc", at), 2);
    time_test_advance(400 * DAY);
    thin(f);
    assert_int_equal(versions(f, "doc", at), 1);
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
    assert_int_equal(versions(f, "d/short", at), 0);
    assert_int_equal(versions(f, "d/long", at), 2);
    assert_true(str_eq(slurp(f, "d/long", at[1]), fixture_noise(f, 2000, 3)));
    assert_true(versions(f, "d", at) > 0);
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
    assert_int_equal(versions(f, "doc", at), 1);
    assert_int_equal(versions(f, "doc.tmp", at), 0);
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
    assert_true(versions(f, "doc", at) <= 11);
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

/* ---- at random ---- */

enum { OPERATIONS = 200, NAMES = 7, MOST_SEQ = 4000 };
static const char *const names[NAMES] = {"a", "b", "c", "d/a", "d/b", "d/e/a", "d"};

struct model {
    struct fixture *f;
    const struct files_keep *keep; /* what is thinned by; what is kept must be as `keep` says */
    size_t wrong;                  /* moments */
    char *shown[MOST_SEQ];         /* what each moment showed; NULL: it was none of its own */
    usec_t when[MOST_SEQ];
};

static void note(struct model *m)
{
    struct files_totals totals;
    assert_ok(files_totals(&m->f->ctx, m->f->session, &totals));
    assert_true(totals.seq < MOST_SEQ);
    if (totals.seq > 0 && !m->shown[totals.seq]) {
        m->shown[totals.seq] = fixture_tree(m->f, m->f->session, 0);
        m->when[totals.seq] = time_now();
    }
}

/* What is asked at random may be impossible, never damaged. */
static void may_fail(int r)
{
    assert_true(r == 0 || (r != ERR_CORRUPT && r != ERR_INTERNAL && r != ERR_IO));
}

static void write_one(struct model *m, const char *path)
{
    struct files_put_input in = fixture_put(m->f, str_from(path));
    struct files_entry entry;
    in.parents = true;
    may_fail(files_put(fixture_ctx(m->f), &in,
                       fixture_noise(m->f, rand_below(3) * 600, rand_below(6)), &entry));
}

static void delete_one(struct model *m, const char *path)
{
    uint64_t seq;
    struct files_delete_input in = {.session = m->f->session,
                                    .path = str_from(path),
                                    .author = {FILES_API, STR("x")},
                                    .recursive = true};
    may_fail(files_delete(fixture_ctx(m->f), &in, &seq));
}

static void move_one(struct model *m, const char *from, const char *to)
{
    struct files_entry entry;
    struct files_move_input in = {.session = m->f->session,
                                  .from = str_from(from),
                                  .to = str_from(to),
                                  .author = {FILES_USER, STR("x")},
                                  .parents = true,
                                  .overwrite = true};
    may_fail(files_move(fixture_ctx(m->f), &in, &entry));
}

static void restore_one(struct model *m, const char *path)
{
    uint64_t at[MOST_SEQ];
    size_t n = versions(m->f, path, at);
    struct files_entry entry;
    if (n > 0) {
        struct files_restore_input in = {
            m->f->session, str_from(path), at[rand_below(n)], {FILES_USER, STR("x")}};
        may_fail(files_restore(fixture_ctx(m->f), &in, &entry));
    }
}

/* Pages of a return to a moment, between which thinning may come. */
static void rewind_some(struct model *m)
{
    struct files_totals totals;
    struct files_rewind rewind;
    assert_ok(files_totals(&m->f->ctx, m->f->session, &totals));
    struct files_rewind_input in = {.session = m->f->session,
                                    .at = totals.seq > 0 ? 1 + rand_below(totals.seq) : 1,
                                    .author = {FILES_USER, STR("x")}};
    int r = files_rewind_begin(fixture_ctx(m->f), &in, &rewind);
    while (r == 0 && rewind.version == 0) {
        thin_to(m->f, m->keep);
        r = files_rewind_step(&m->f->ctx, m->f->session, rewind.first, &rewind);
    }
    assert_true(r == 0 || r == ERR_NOT_FOUND);
}

static void one_operation(struct model *m)
{
    const char *path = names[rand_below(NAMES)];
    switch (rand_below(12)) {
    case 0:
    case 1:
        delete_one(m, path);
        break;
    case 2:
    case 3:
        move_one(m, path, names[rand_below(NAMES)]);
        break;
    case 4:
        restore_one(m, path);
        break;
    case 5:
        if (rand_below(6) == 0) {
            rewind_some(m);
        }
        break;
    default:
        write_one(m, path);
    }
    note(m);
}

/* Whether what `kept` shows is what some moment from `at` on showed, of the same hour or day (length; 0: itself). */
static bool is_near(const struct model *m, uint64_t at, uint64_t kept, usec_t length)
{
    if (length == 0) { /* a return to a moment that changed nothing takes a number too */
        return strcmp(m->shown[at], m->shown[kept]) == 0;
    }
    for (uint64_t i = at; i <= kept; i++) {
        if (m->shown[i] && m->when[i] / length == m->when[at] / length &&
            strcmp(m->shown[i], m->shown[kept]) == 0) {
            return true;
        }
    }
    return false;
}

/* Every moment shows what was there at the one that is kept for it. */
static void compare_moments(struct model *m, uint64_t last)
{
    usec_t now = time_now();
    for (uint64_t at = 1; at <= last; at++) {
        if (!m->shown[at]) {
            continue;
        }
        uint64_t kept = moment(m->f, at);
        assert_true(kept >= at && kept <= last);
        assert_non_null(m->shown[kept]);
        usec_t age = now - m->when[at];
        usec_t length = age < keep.all ? 0 : age < keep.hourly ? HOUR : DAY;
        char *seen = fixture_tree(m->f, m->f->session, at);
        assert_string_equal(seen, m->shown[kept]);
        mem_free(seen);
        if (age < keep.daily && !is_near(m, at, kept, length)) {
            print_message("moment %llu is told by %llu\n", (unsigned long long)at,
                          (unsigned long long)kept);
            m->wrong++;
        }
    }
}

static void compare(struct model *m)
{
    struct files_totals totals;
    uint64_t at[MOST_SEQ];
    size_t n;
    struct files_log log;
    assert_ok(files_totals(&m->f->ctx, m->f->session, &totals));
    compare_moments(m, totals.seq);
    for (size_t i = 0; i < NAMES; i++) {
        (void)versions(m->f, names[i], at);
    }
    assert_ok(follow(m->f, totals.seq, &n));
    assert_ok(files_log(&m->f->ctx,
                        &(struct files_log_input){.session = m->f->session, .limit = 500}, &log));
    for (size_t i = 0; i < log.count; i++) { /* each says which moment it is by now */
        const struct files_event *event = &log.events[i];
        uint64_t kept = moment(m->f, event->seq);
        assert_int_equal(event->settled, kept == event->seq ? 0 : kept);
    }
    fixture_check(m->f);
}

/* How many moments show what they should not. */
static size_t live(struct fixture *f, const struct files_keep *by)
{
    struct model *m = MEM_NEW(struct model);
    m->f = f;
    m->keep = by;
    uint64_t seed = rand_u64();
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_test_seed(seed);
    set_clock();
    struct files_thin_place place = {{0}, {0}};
    for (size_t i = 0; i < OPERATIONS; i++) {
        bool more;
        one_operation(m);
        time_test_advance((usec_t)rand_below(20 * MINUTE));
        if (rand_below(30) == 0) {
            time_test_advance((usec_t)rand_below(9 * DAY));
        }
        assert_ok(files_thin(m->f->store, by, &place, &more)); /* one step */
        if (rand_below(40) == 0) {
            (void)fixture_collect(m->f, 0);
        }
    }
    static const usec_t later[] = {0, 8 * DAY, 31 * DAY, 200 * DAY, 400 * DAY};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        time_test_advance(later[i]);
        thin_to(m->f, by);
        (void)fixture_collect(m->f, 0);
        compare(m);
    }
    rand_test_real();
    for (size_t i = 0; i < MOST_SEQ; i++) {
        mem_free(m->shown[i]);
    }
    size_t wrong = m->wrong;
    mem_free(m);
    return wrong;
}

static void test_random(void **state)
{
    assert_int_equal(live(*state, &keep), 0);
}

static void test_control(void **state)
{
    assert_true(live(*state, &too_little) > 0);
}

static int clock_real(void **state)
{
    time_test_real();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),     cmocka_unit_test(test_gone),
        cmocka_unit_test(test_follower), cmocka_unit_test(test_saved_by_move),
        cmocka_unit_test(test_bounded),  cmocka_unit_test(test_insertion_in_front),
        cmocka_unit_test(test_random),   cmocka_unit_test(test_control),
    };
    int failed = fixture_run(tests, sizeof tests / sizeof tests[0]);
    (void)clock_real(NULL);
    return failed;
}
