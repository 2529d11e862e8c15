/* The status: what it says of each state, that it always fits on the wire, barriers, and how long nothing has kept it awake. */
#include "codi2/status.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "unit.h"

static struct wire_status read_status(struct arena *arena, struct codi2_status *s)
{
    BUF_AUTO(text, WIRE_MAX_STATUS);
    struct wire_status ret;
    codi2_status_write(s, &text);
    assert_int_equal(text.error, 0);
    assert_int_equal(wire_status_read(arena, arena_str(arena, buf_str(&text)), &ret), 0);
    return ret;
}

static void the_worst_of_all_roots_is_the_state(void **state)
{
    (void)state;
    static const struct {
        struct codi2_facts roots[CODI2_ROOTS];
        const char *state;
    } rows[] = {
        {{{.health = CODI2_ONLINE}, {.health = CODI2_ONLINE}}, "persisted"},
        {{{.health = CODI2_ONLINE, .pending = 1}, {.health = CODI2_ONLINE}}, "persisting"},
        {{{.health = CODI2_ONLINE, .pending = 1}, {.health = CODI2_STARTING}}, "restoring"},
        {{{.health = CODI2_RESTORING}, {.health = CODI2_OFFLINE}}, "offline"},
        {{{.health = CODI2_OFFLINE}, {.health = CODI2_ONLINE, .held_back = 1}}, "conflict"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ARENA_AUTO(arena);
        struct codi2_status *s = codi2_status_create();
        for (unsigned root = 0; root < CODI2_ROOTS; root++) {
            codi2_status_set(s, root, &rows[i].roots[root]);
        }
        assert_str(read_status(&arena, s).state, rows[i].state);
        codi2_status_destroy(s);
    }
}

/* -1: it does not say. */
static int64_t number(struct codi2_status *s, const char *name)
{
    ARENA_AUTO(arena);
    BUF_AUTO(text, WIRE_MAX_STATUS);
    struct json *root;
    codi2_status_write(s, &text);
    assert_int_equal(json_parse(&arena, buf_str(&text), &root, NULL), 0);
    const struct json *value = json_get(root, name);
    return value ? value->integer : -1;
}

static int64_t pending_ms(struct codi2_status *s)
{
    return number(s, "pending_ms");
}

static void what_nobody_read_is_pending(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    enum { A_WHILE_MS = 30 };
    int ends[2];
    struct codi2_status *s = codi2_status_create();
    struct codi2_facts facts = {.health = CODI2_ONLINE};
    for (unsigned root = 0; root < CODI2_ROOTS; root++) {
        codi2_status_set(s, root, &facts);
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    codi2_status_unseen(s, 1, ends[0]);
    assert_str(read_status(&arena, s).state, "persisted");
    assert_int_equal(write(ends[1], "x", 1), 1);
    uint64_t before = codi2_status_wait(s, 0, 0);
    codi2_status_unseen(s, 1, ends[0]);
    assert_int_equal(codi2_status_wait(s, 0, 0), before + 1); /* who waits hears of it */
    assert_str(read_status(&arena, s).state, "persisting");
    assert_int_equal(number(s, "pending"), 1);
    assert_true(pending_ms(s) >= 1);
    facts.pending = 3; /* it was read, and is more */
    codi2_status_set(s, 1, &facts);
    codi2_status_unseen(s, 1, -1);
    assert_int_equal(number(s, "pending"), 3);
    while (pending_ms(s) <= A_WHILE_MS) {
    }
    usec_t then = time_monotonic();
    codi2_status_unseen(s, 1, ends[0]);
    facts.pending = 0; /* it is stored; what came meanwhile is younger */
    codi2_status_set(s, 1, &facts);
    assert_str(read_status(&arena, s).state, "persisting");
    int64_t pending = pending_ms(s);
    assert_true(pending <= (time_monotonic() - then) / USEC_PER_MS + 1);
    codi2_status_unseen(s, 1, -1);
    assert_str(read_status(&arena, s).state, "persisted");
    assert_int_equal(pending_ms(s), -1);
    codi2_status_destroy(s);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void it_says_for_how_long_something_is_pending(void **state)
{
    (void)state;
    enum { A_WHILE_MS = 30 };
    struct codi2_status *s = codi2_status_create();
    struct codi2_facts facts = {.health = CODI2_ONLINE};
    codi2_status_set(s, 0, &facts);
    assert_int_equal(pending_ms(s), -1);
    facts.pending = 1;
    codi2_status_set(s, 1, &facts);
    assert_true(pending_ms(s) > 0);
    while (pending_ms(s) <= A_WHILE_MS) {
    }
    facts.pending = 2; /* the first of them is not stored yet */
    codi2_status_set(s, 1, &facts);
    codi2_status_set(s, 0, &facts); /* the oldest of all roots counts */
    assert_true(pending_ms(s) > A_WHILE_MS);
    usec_t before = time_monotonic();
    codi2_status_set(s, 0, &(struct codi2_facts){.health = CODI2_ONLINE});
    codi2_status_set(s, 1, &(struct codi2_facts){.health = CODI2_ONLINE});
    assert_int_equal(pending_ms(s), -1);
    codi2_status_set(s, 1, &facts);
    int64_t anew = pending_ms(s);
    assert_true(anew > 0 && anew <= (time_monotonic() - before) / USEC_PER_MS + 1);
    codi2_status_destroy(s);
}

static void the_revision_grows_with_each_change_only(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    const struct codi2_facts facts = {.health = CODI2_ONLINE, .seq = 4};
    const struct codi2_busy busy = {.names = {"make"}, .count = 1};
    uint64_t before = codi2_status_wait(s, 0, 0);
    for (int i = 0; i < 2; i++) { /* the second time nothing is new */
        codi2_status_set(s, 0, &facts);
        codi2_status_message(s, 1, STR("a word"));
        codi2_status_not_kept(s, 0, STR("dist"), CODI2_IGNORED);
        codi2_status_ide(s, CODI2_IDE_RUNNING);
        codi2_status_busy(s, &busy);
        codi2_status_browser(s);
        codi2_status_forget(s, 0, STR("other"));
        assert_int_equal(codi2_status_wait(s, 0, 0), before + 5);
    }
    codi2_status_forget(s, 0, STR("dist"));
    assert_int_equal(codi2_status_wait(s, 0, 0), before + 6);
    codi2_status_destroy(s);
}

static void it_fits_whatever_is_in_it(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct codi2_status *s = codi2_status_create();
    char text[CONTENT_MAX_PATH];
    memset(text, 1, sizeof text); /* a control character takes six bytes of JSON */
    struct codi2_busy busy = {.count = CODI2_MAX_BUSY};
    for (size_t i = 0; i < CODI2_MAX_BUSY; i++) {
        memset(busy.names[i], 2, CODI2_PROCESS_NAME - 1);
    }
    codi2_status_busy(s, &busy);
    for (unsigned root = 0; root < CODI2_ROOTS; root++) {
        codi2_status_message(s, root, str_of(text, sizeof text));
        for (int i = 0; i < 2 * CODI2_MAX_NOT_KEPT; i++) {
            struct str path = arena_printf(&arena, "%03d%.*s", i, i * 20, text);
            codi2_status_not_kept(s, root, path, (enum codi2_why)(i % 5));
        }
    }
    struct wire_status status = read_status(&arena, s);
    assert_true(status.text.n < WIRE_MAX_STATUS);
    assert_true(status.message.n > 0);
    assert_int_equal(status.awake_count, WIRE_MAX_AWAKE);
    codi2_status_destroy(s);
}

static void a_message_is_cut_between_characters(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct codi2_status *s = codi2_status_create();
    BUF_AUTO(text, 1000);
    while (text.n < 600) {
        buf_add(&text, STR("€")); /* three bytes each: 300 is a whole number of them, 301 is not */
    }
    codi2_status_message(s, 0, arena_printf(&arena, "x" STR_FMT, STR_ARG(buf_str(&text))));
    assert_int_equal(read_status(&arena, s).message.n, 1 + 99 * 3);
    codi2_status_destroy(s);
}

static void a_notice_goes_after_a_minute_and_stands_behind_a_message(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    time_test_set(0, 1000 * USEC_PER_SEC);
    struct codi2_status *s = codi2_status_create();
    codi2_status_notice(s, &(struct codi2_notice){.text = STR("notice")});
    assert_str(read_status(&arena, s).message, "notice");
    codi2_status_message(s, 1, STR("message"));
    assert_str(read_status(&arena, s).message, "message");
    codi2_status_message(s, 1, STR_EMPTY);
    time_test_advance(60 * USEC_PER_SEC);
    assert_int_equal(read_status(&arena, s).message.n, 0);
    codi2_status_destroy(s);
    time_test_real();
}

static bool says(struct codi2_status *s, const char *part)
{
    BUF_AUTO(text, WIRE_MAX_STATUS);
    codi2_status_write(s, &text);
    return strstr(buf_z(&text), part) != NULL;
}

static void each_notice_has_a_number(void **state)
{
    (void)state;
    time_test_set(0, 1000 * USEC_PER_SEC);
    struct codi2_status *s = codi2_status_create();
    assert_false(says(s, "notice"));
    for (int i = 1; i <= 2; i++) { /* the same words again are news */
        uint64_t before = codi2_status_wait(s, 0, 0);
        codi2_status_notice(s, &(struct codi2_notice){.text = STR("ended")});
        assert_true(codi2_status_wait(s, 0, 0) > before);
        assert_true(says(s, i == 1 ? "\"notice\":{\"number\":1,\"text\":\"ended\"}"
                                   : "\"notice\":{\"number\":2,\"text\":\"ended\"}"));
    }
    codi2_status_notice(s, &(struct codi2_notice){STR("both"), .root = 1, .path = STR("a/\"b")});
    assert_true(says(s, "\"text\":\"both\",\"path\":\"/home/dev/a/\\\"b\"}"));
    codi2_status_notice(s, &(struct codi2_notice){STR("both"), .path = STR("no \xff utf-8")});
    assert_true(says(s, "\"number\":4,\"text\":\"both\"}"));
    BUF_AUTO(deep, 8192);
    while (deep.n < 1024) {
        buf_add(&deep, STR("deep/"));
    }
    codi2_status_notice(s, &(struct codi2_notice){STR("both"), .path = buf_str(&deep)});
    assert_true(says(s, "\"number\":5,\"text\":\"both\"}"));
    time_test_advance(60 * USEC_PER_SEC);
    assert_false(says(s, "notice"));
    codi2_status_destroy(s);
    time_test_real();
}

static bool tells(struct codi2_status *s, const char *part)
{
    BUF_AUTO(text, 512 * 1024);
    codi2_status_tell(s, &text);
    return strstr(buf_z(&text), part) != NULL;
}

static void a_notice_waits_a_day_for_somebody_to_fetch_it(void **state)
{
    (void)state;
    time_test_set(0, 1000 * USEC_PER_SEC);
    struct codi2_status *s = codi2_status_create();
    const struct codi2_notice ended = {.text = STR("ended")};
    assert_false(tells(s, "notices"));
    codi2_status_notice(s, &ended);
    codi2_status_notice(s, &(struct codi2_notice){STR("both"), .path = STR("a")});
    time_test_advance(23 * 3600 * USEC_PER_SEC);
    assert_false(says(s, "notice"));
    const char *both = "\"notices\":[{\"number\":1,\"text\":\"ended\"},{\"number\":2,"
                       "\"text\":\"both\",\"path\":\"/workspace/a\"}]}";
    assert_true(tells(s, both));
    time_test_advance(59 * USEC_PER_SEC); /* another page */
    assert_true(tells(s, both));
    time_test_advance(USEC_PER_SEC);
    assert_false(tells(s, "notices"));
    for (int i = 3; i <= 36; i++) {
        codi2_status_notice(s, &ended);
    }
    assert_true(tells(s, "\"notices\":[{\"number\":5,"));
    assert_true(tells(s, "\"number\":36,\"text\":\"ended\"}],\"more_notices\":2}"));
    codi2_status_notice(s, &ended); /* in place of one that was fetched */
    assert_true(tells(s, "\"number\":37,\"text\":\"ended\"}],\"more_notices\":2}"));
    time_test_advance(60 * USEC_PER_SEC);
    assert_false(tells(s, "notices"));
    codi2_status_notice(s, &ended);
    time_test_advance(24 * 3600 * USEC_PER_SEC);
    assert_false(tells(s, "notices"));
    codi2_status_destroy(s);
    time_test_real();
}

static void what_could_not_be_kept_stands_apart(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    assert_true(says(s, "\"not_kept_at\":0,\"failed\":[],\"not_kept\":[]"));
    codi2_status_not_kept(s, 0, STR("dist"), CODI2_IGNORED);
    codi2_status_not_kept(s, 1, STR("key"), CODI2_UNREADABLE);
    uint64_t at = codi2_status_wait(s, 0, 0);
    BUF_AUTO(wanted, 64);
    buf_printf(&wanted, "\"not_kept_at\":%llu,\"failed\":[{\"path\":\"/home/dev/key\"",
               (unsigned long long)at);
    codi2_status_message(s, 0, STR("another change"));
    assert_true(says(s, buf_z(&wanted)));
    assert_true(says(s, "\"not_kept\":[\"/workspace/dist\",\"/home/dev/key\"]"));
    assert_int_equal(number(s, "failed_count"), 1);
    codi2_status_kept(s, 1, STR("key"));
    assert_true(says(s, "\"failed\":[]"));
    assert_int_equal(number(s, "failed_count"), -1);
    for (char name = 'a'; name < 'p'; name++) { /* more than are named */
        codi2_status_not_kept(s, name % CODI2_ROOTS, str_of(&name, 1), CODI2_UNREADABLE);
    }
    assert_int_equal(number(s, "failed_count"), 15);
    assert_int_equal(number(s, "damaged_count"), -1);
    codi2_status_not_kept(s, 0, STR("b"), CODI2_DAMAGED);
    codi2_status_not_kept(s, 1, STR("B"), CODI2_DAMAGED);
    assert_int_equal(number(s, "damaged_count"), 2);
    codi2_status_destroy(s);
}

static void idle_time_begins_when_nothing_keeps_it_awake(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    const usec_t window = CODI2_WINDOW_S * USEC_PER_SEC;
    const struct codi2_busy busy = {.names = {"make"}, .count = 1};
    const struct codi2_busy nothing = {0};
    time_test_set(0, 1000 * USEC_PER_SEC);
    struct codi2_status *s = codi2_status_create();
    assert_str(read_status(&arena, s).awake[0], "browser"); /* somebody opened it */
    time_test_advance(window);
    struct wire_status status = read_status(&arena, s);
    assert_int_equal(status.awake_count, 0);
    assert_int_equal(status.idle_ms, 0);
    time_test_advance(90 * USEC_PER_SEC);
    assert_int_equal(read_status(&arena, s).idle_ms, 90000);

    codi2_status_busy(s, &busy);
    time_test_advance(30 * USEC_PER_SEC);
    status = read_status(&arena, s);
    assert_int_equal(status.idle_ms, 0);
    assert_str(status.awake[0], "process make");
    codi2_status_busy(s, &nothing); /* found idle: it was last seen at work 30 s ago */
    assert_int_equal(read_status(&arena, s).idle_ms, 30000);

    codi2_status_browser(s);
    time_test_advance(window - 1);
    assert_int_equal(read_status(&arena, s).awake_count, 1);
    time_test_advance(1 + 5 * USEC_PER_SEC);
    status = read_status(&arena, s);
    assert_int_equal(status.awake_count, 0);
    assert_int_equal(status.idle_ms, 5000);
    codi2_status_destroy(s);
    time_test_real();
}

static void a_barrier_waits_for_every_root(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    uint64_t barrier = codi2_status_barrier(s, /* all= */ true);
    uint64_t seq = 0;
    codi2_status_set(s, 0, &(struct codi2_facts){.barrier = barrier, .seq = 9});
    assert_int_equal(codi2_status_await(s, barrier, 0, &seq), ERR_TIMEOUT);
    codi2_status_set(s, 1, &(struct codi2_facts){.barrier = UINT64_MAX, .seq = 70});
    assert_int_equal(codi2_status_await(s, barrier, 0, &seq), 0);
    assert_int_equal(seq, 9);
    assert_int_equal(codi2_status_await(s, codi2_status_barrier(s, /* all= */ true), 0, &seq),
                     ERR_TIMEOUT);
    codi2_status_destroy(s);
}

/* Files that wait to be still are in no other number, and are told of while there are any. */
static void what_is_quiet_is_counted_apart(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct codi2_status *s = codi2_status_create();
    const struct codi2_facts facts = {.health = CODI2_ONLINE, .quiet = 2};
    codi2_status_set(s, 1, &(struct codi2_facts){.health = CODI2_ONLINE});
    codi2_status_set(s, 0, &(struct codi2_facts){.health = CODI2_ONLINE});
    assert_null(strstr(read_status(&arena, s).text.p, "quiet"));
    uint64_t before = codi2_status_wait(s, 0, 0);
    codi2_status_set(s, 0, &facts);
    codi2_status_set(s, 1, &facts);
    assert_int_equal(codi2_status_wait(s, 0, 0), before + 2);
    struct wire_status status = read_status(&arena, s);
    assert_str(status.state, "persisted");
    assert_non_null(strstr(status.text.p, "\"pending\":0,"));
    assert_non_null(strstr(status.text.p, "\"quiet\":4,"));
    codi2_status_destroy(s);
}

static void a_barrier_may_leave_what_is_quiet(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    uint64_t all = codi2_status_barrier(s, /* all= */ true);
    uint64_t saved = codi2_status_barrier(s, /* all= */ false);
    assert_true(saved > all);
    assert_int_equal(codi2_status_barrier_wanted(s), saved);
    assert_int_equal(codi2_status_barrier_of_all(s), all);
    codi2_status_destroy(s);
}

static void a_barrier_that_was_refused_is_not_waited_for(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    uint64_t barrier = codi2_status_barrier(s, /* all= */ true);
    uint64_t seq = 0;
    codi2_status_set(s, 0, &(struct codi2_facts){.refused = barrier});
    assert_int_equal(codi2_status_await(s, barrier, 0, &seq), ERR_TIMEOUT); /* the other goes on */
    codi2_status_set(s, 1, &(struct codi2_facts){.barrier = barrier});
    assert_int_equal(codi2_status_await(s, barrier, INT64_MAX, &seq), ERR_FORBIDDEN);
    assert_int_equal(codi2_status_await(s, codi2_status_barrier(s, /* all= */ true), 0, &seq),
                     ERR_TIMEOUT);
    codi2_status_destroy(s);
}

static void a_barrier_of_the_workspace_does_not_ask_the_home(void **state)
{
    (void)state;
    struct codi2_status *s = codi2_status_create();
    uint64_t barrier = codi2_status_barrier(s, /* all= */ true);
    uint64_t seq = 0;
    codi2_status_set(s, 1, &(struct codi2_facts){.refused = barrier});
    assert_int_equal(codi2_status_await_workspace(s, barrier, 0, &seq), ERR_TIMEOUT);
    codi2_status_set(s, 0, &(struct codi2_facts){.barrier = barrier, .seq = 9});
    assert_int_equal(codi2_status_await_workspace(s, barrier, INT64_MAX, &seq), 0);
    assert_int_equal(seq, 9);
    assert_int_equal(codi2_status_await(s, barrier, INT64_MAX, &seq), ERR_FORBIDDEN);
    codi2_status_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_of_all_roots_is_the_state),
        cmocka_unit_test(what_nobody_read_is_pending),
        cmocka_unit_test(it_says_for_how_long_something_is_pending),
        cmocka_unit_test(the_revision_grows_with_each_change_only),
        cmocka_unit_test(it_fits_whatever_is_in_it),
        cmocka_unit_test(a_message_is_cut_between_characters),
        cmocka_unit_test(a_notice_goes_after_a_minute_and_stands_behind_a_message),
        cmocka_unit_test(each_notice_has_a_number),
        cmocka_unit_test(a_notice_waits_a_day_for_somebody_to_fetch_it),
        cmocka_unit_test(what_could_not_be_kept_stands_apart),
        cmocka_unit_test(idle_time_begins_when_nothing_keeps_it_awake),
        cmocka_unit_test(a_barrier_waits_for_every_root),
        cmocka_unit_test(what_is_quiet_is_counted_apart),
        cmocka_unit_test(a_barrier_may_leave_what_is_quiet),
        cmocka_unit_test(a_barrier_that_was_refused_is_not_waited_for),
        cmocka_unit_test(a_barrier_of_the_workspace_does_not_ask_the_home)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
