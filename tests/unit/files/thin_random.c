/*
 * Random changes while time goes on and the past is thinned step by step: every moment shows exactly what was there at the one that
 * is kept for it, and in the end nothing is left but what is there. A control thins too much, and must be found out.
 */
#include "files/fixture.h"

#include "base/mem.h"
#include "base/rand.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct files_keep keep = {.all = 7 * DAY, .hourly = 30 * DAY, .daily = 365 * DAY};
static const struct files_keep brief = {.all = 3 * HOUR, .hourly = 2 * DAY, .daily = 5 * DAY};
static const struct files_keep too_little = {.all = DAY, .hourly = 2 * DAY, .daily = 365 * DAY};

/* From the start of an hour of a day long ago. */
static void set_clock(void)
{
    time_test_set(20000 * DAY, DAY);
}

enum { OPERATIONS = 200, NAMES = 11, MOST_SEQ = 4000 };
static const char *const names[NAMES] = {"a",   "b",     "c", "d/a", "d/b",  "d/e/a",
                                         "d/e", "d/e/g", "d", "g",   "g/e/b"};

struct model {
    struct fixture *f;
    const struct files_keep *keep;  /* what is thinned by */
    const struct files_keep *right; /* what is kept must be as this says */
    size_t wrong;                   /* moments */
    char *shown[MOST_SEQ];          /* what each moment showed; NULL: it was none of its own */
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
    size_t n = fixture_versions(m->f, path, at);
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
        fixture_thin(m->f, m->keep);
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
        uint64_t kept = fixture_moment(m->f, at);
        assert_true(kept >= at && kept <= last);
        assert_non_null(m->shown[kept]);
        usec_t age = now - m->when[at];
        usec_t length = age < m->right->all ? 0 : age < m->right->hourly ? HOUR : DAY;
        char *seen = fixture_tree(m->f, m->f->session, at);
        assert_string_equal(seen, m->shown[kept]);
        mem_free(seen);
        if (age < m->right->daily && !is_near(m, at, kept, length)) {
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
    struct files_log log;
    assert_ok(files_totals(&m->f->ctx, m->f->session, &totals));
    compare_moments(m, totals.seq);
    for (size_t i = 0; i < NAMES; i++) {
        (void)fixture_versions(m->f, names[i], at);
    }
    assert_ok(files_log(&m->f->ctx,
                        &(struct files_log_input){.session = m->f->session, .limit = 500}, &log));
    for (size_t i = 0; i < log.count; i++) { /* each says which moment it is by now */
        const struct files_event *event = &log.events[i];
        uint64_t kept = fixture_moment(m->f, event->seq);
        assert_int_equal(event->settled, kept == event->seq ? 0 : kept);
    }
    fixture_check(m->f);
}

/* All that is older than what is there now is gone, deleted folders with all that lay in them. */
static void nothing_is_left(struct model *m)
{
    size_t there = 0;
    char *tree = fixture_tree(m->f, m->f->session, 0);
    for (const char *c = tree; *c; c++) {
        there += *c == '\n';
    }
    mem_free(tree);
    assert_int_equal(fixture_ids(m->f, DATA_SPACE_VERSION), there);
    assert_int_equal(fixture_keys(m->f, DATA_SPACE_ENTRY), there);
    assert_true(fixture_ids(m->f, DATA_SPACE_NODE) <= there);
    size_t pasts = fixture_keys(m->f, DATA_SPACE_PAST); /* folders' older names */
    size_t versions = fixture_keys(m->f, DATA_SPACE_VERSION);
    assert_true(pasts <= versions - there);
    assert_true(fixture_keys(m->f, DATA_SPACE_CHANGE) <= versions + there);
}

/* How many moments show what they should not. */
static size_t live_as(struct fixture *f, const struct files_keep *by,
                      const struct files_keep *right, uint64_t seed)
{
    struct model *m = MEM_NEW(struct model);
    m->f = f;
    m->keep = by;
    m->right = right;
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
            compare(m);
        }
    }
    static const usec_t later[] = {0, 8 * DAY, 31 * DAY, 200 * DAY, 400 * DAY};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        time_test_advance(later[i]);
        fixture_thin(m->f, by);
        (void)fixture_collect(m->f, 0);
        compare(m);
    }
    nothing_is_left(m);
    rand_test_real();
    for (size_t i = 0; i < MOST_SEQ; i++) {
        mem_free(m->shown[i]);
    }
    size_t wrong = m->wrong;
    mem_free(m);
    return wrong;
}

static size_t live(struct fixture *f, const struct files_keep *by, const struct files_keep *right)
{
    return live_as(f, by, right, rand_u64());
}

/* What was found once. */
static void test_again(void **state)
{
    /* The first hour came and went, and the next change is a week later. */
    assert_int_equal(live_as(*state, &keep, &keep, 5468046517586716092U), 0);
}

/* A folder waits for a coarser stretch, and what it lies in does not: it stays without a name. */
static void test_waited(void **state)
{
    (void)live_as(*state, &too_little, &keep, 3124496005359222603U);
}

static void test_random(void **state)
{
    assert_int_equal(live(*state, &keep, &keep), 0);
}

static void test_brief(void **state)
{
    assert_int_equal(live(*state, &brief, &brief), 0);
}

static void test_control(void **state)
{
    assert_true(live(*state, &too_little, &keep) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again), cmocka_unit_test(test_waited),  cmocka_unit_test(test_random),
        cmocka_unit_test(test_brief), cmocka_unit_test(test_control),
    };
    int failed = fixture_run(tests, sizeof tests / sizeof tests[0]);
    time_test_real();
    return failed;
}
