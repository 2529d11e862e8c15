/* The log: by place, by kind, from either end, in pages that join without gap. */
#include "files/fixture.h"

static struct files_log ask(struct fixture *f, struct files_log_input in)
{
    struct files_log log;
    in.session = f->session;
    in.limit = in.limit ? in.limit : 100;
    assert_ok(files_log(&f->ctx, &in, &log));
    return log;
}

static void fill(struct fixture *f)
{
    put(f, "a", STR("1"));   /* 1 */
    put(f, "d/b", STR("1")); /* 2 */
    put(f, "a", STR("2"));   /* 3 */
    move(f, "a", "d/moved"); /* 4 */
    drop(f, "d/b");          /* 5 */
    put(f, "dd", STR("1"));  /* 6 */
}

static void test_place_and_kind(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct files_log log = ask(f, (struct files_log_input){0});
    assert_int_equal(log.count, 6);
    assert_int_equal(log.events[0].seq, 6);
    log = ask(f, (struct files_log_input){.path = STR("d")});
    assert_int_equal(log.count, 3); /* not dd; what was moved into it too */
    assert_int_equal(log.events[0].op, FILES_DELETE);
    assert_true(str_eq(log.events[1].from, STR("a")));
    log = ask(f, (struct files_log_input){.path = STR("a")});
    assert_int_equal(log.count, 3); /* and what was moved away */
    log = ask(f, (struct files_log_input){.op = FILES_DELETE});
    assert_int_equal(log.count, 1);
    assert_true(str_eq(log.events[0].path, STR("d/b")));
    log = ask(f, (struct files_log_input){.since = 2, .before = 5});
    assert_int_equal(log.count, 2);
    assert_int_equal(log.events[0].seq, 4);
    assert_int_equal(log.events[1].seq, 3);
}

static void test_pages(void **state)
{
    struct fixture *f = *state;
    fill(f);
    for (size_t limit = 1; limit < 8; limit++) {
        struct files_log_input newest = {.limit = limit};
        struct files_log_input oldest = {.limit = limit, .oldest = true};
        uint64_t next = 6;
        do {
            struct files_log log = ask(f, newest);
            for (size_t i = 0; i < log.count; i++) {
                assert_int_equal(log.events[i].seq, next--);
            }
            newest.before = log.next;
        } while (newest.before != 0);
        assert_int_equal(next, 0);
        do {
            struct files_log log = ask(f, oldest);
            for (size_t i = 0; i < log.count; i++) {
                assert_int_equal(log.events[i].seq, ++next);
            }
            oldest.since = log.next;
        } while (oldest.since != 0);
        assert_int_equal(next, 6);
    }
}

/* A page looks at a bounded number of changes, finds nothing, and says where to go on. */
static void test_bounded(void **state)
{
    struct fixture *f = *state;
    if (f->directory[0] != 0) {
        skip(); /* once is enough */
    }
    put(f, "gone", STR("1"));
    drop(f, "gone");
    for (int i = 0; i < 4100; i++) {
        put(f, "a", STR("1"));
    }
    struct files_log log = ask(f, (struct files_log_input){.op = FILES_DELETE});
    assert_int_equal(log.count, 0);
    assert_true(log.next > 0);
    log = ask(f, (struct files_log_input){.op = FILES_DELETE, .before = log.next});
    assert_int_equal(log.count, 1);
    assert_int_equal(log.next, 0);
}

static size_t bytes_of(const struct files_event *events, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += events[i].path.n + events[i].from.n + events[i].entry.bytes.n;
    }
    return bytes;
}

/* A page ends once it has its bytes, and the next goes on behind it: of the log from either end, and of what the mirror follows. */
static void test_long_paths(void **state)
{
    enum { FILES = 200, LAST = 2 * FILES };
    struct fixture *f = *state;
    const size_t most = FILES_PAGE_BYTES + 2 * CONTENT_MAX_PATH;
    for (unsigned i = 0; i < FILES; i++) {
        put(f, fixture_long(f, i), STR("1"));
        move(f, fixture_long(f, i), fixture_long(f, FILES + i));
    }
    for (int oldest = 0; oldest < 2; oldest++) {
        struct files_log_input in = {.limit = FILES_MAX_BATCH, .oldest = oldest == 1};
        uint64_t told = 0;
        uint64_t pages = 0;
        for (bool more = true; more; pages++) {
            struct files_log log = ask(f, in);
            assert_true(log.count > 0 && bytes_of(log.events, log.count) < most);
            for (size_t i = 0; i < log.count; i++) {
                told++;
                assert_int_equal(log.events[i].seq, in.oldest ? told : LAST + 1 - told);
            }
            *(in.oldest ? &in.since : &in.before) = log.next;
            more = log.next != 0;
        }
        assert_int_equal(told, LAST);
        assert_int_equal(pages, 5);
    }
    struct files_since_input in = {.session = f->session, .limit = FILES_MAX_BATCH};
    for (bool more = true; more;) {
        struct files_events events;
        assert_ok(files_changes_since(&f->ctx, &in, &events));
        assert_true(events.count > 0 && bytes_of(events.events, events.count) < most);
        for (size_t i = 0; i < events.count; i++) {
            assert_int_equal(events.events[i].seq, ++in.since);
        }
        assert_int_equal(events.seq, in.since);
        more = events.more;
    }
    assert_int_equal(in.since, LAST);
}

static void restore(struct fixture *f, const char *path, uint64_t version)
{
    struct files_restore_input in = {f->session, str_from(path), version, {FILES_USER, STR("u")}};
    struct files_entry entry;
    assert_ok(files_restore(fixture_ctx(f), &in, &entry));
}

/* What a folder took along is told of a path in it, also when the path's version of then is gone. */
static void test_thinned(void **state)
{
    static const usec_t day = 24 * 3600 * USEC_PER_SEC;
    const struct files_keep keep = {.all = 7 * day, .hourly = 30 * day, .daily = 365 * day};
    struct fixture *f = *state;
    uint64_t at[100];
    time_test_set(20000 * day, day);
    put(f, "d/x", STR("1"));       /* 1 */
    put(f, "d/y", STR("1"));       /* 2 */
    restore(f, "d", drop(f, "d")); /* 3, 4 */
    put(f, "d/x", STR("2"));       /* 5 */
    time_test_advance(8 * day);
    fixture_thin(f, &keep);
    assert_int_equal(fixture_versions(f, "d/x", at), 1);
    struct files_log log = ask(f, (struct files_log_input){.path = STR("d/x")});
    assert_int_equal(log.count, 3);
    assert_int_equal(log.events[0].seq, 5);
    assert_int_equal(log.events[1].op, FILES_RESTORE);
    assert_int_equal(log.events[2].op, FILES_DELETE);
    assert_str(log.events[2].path, "d");
    time_test_real();
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct files_log log;
    struct files_log_input in = {.session = f->session, .limit = 0};
    assert_int_equal(files_log(&f->ctx, &in, &log), ERR_INVALID);
    in.limit = FILES_MAX_BATCH + 1;
    assert_int_equal(files_log(&f->ctx, &in, &log), ERR_INVALID);
    in = (struct files_log_input){.session = f->theirs, .limit = 1};
    assert_int_equal(files_log(&f->ctx, &in, &log), ERR_NOT_FOUND);
    in = (struct files_log_input){.session = f->session, .limit = 1, .path = STR("../x")};
    assert_int_equal(files_log(&f->ctx, &in, &log), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_and_kind), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_bounded),        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_thinned),
    };
    return fixture_run(tests, sizeof tests / sizeof tests[0]);
}
