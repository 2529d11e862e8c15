#include "conversations/talk.h"
#include "data/check.h"

PEOPLE_SETUP

enum { LONG = 60000, MANY = 1100 };

/* What the checker says; there are at most two faults. */
static void check(struct data_context *ctx, uint64_t faults)
{
    struct data_report report;
    assert_int_equal(data_check(ctx->store, conversations_judge, &report), 0);
    for (size_t i = 0; i < report.lines.n; i++) {
        assert_non_null(strstr(report.lines.at[i], "it is not the sum of its messages"));
    }
    assert_int_equal(report.faults, faults);
    assert_int_equal(report.lines.n, faults);
    data_report_fini(&report);
}

static void say(struct data_context *ctx, struct str id, struct str text, unsigned times)
{
    struct data_message message;
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(talk_say(ctx, id, text, &message), 0);
    }
}

static struct str long_text(struct data_context *ctx)
{
    char *p = arena_alloc(ctx->arena, LONG);
    memset(p, 'a', LONG);
    return str_of(p, LONG);
}

struct turn {
    struct data_context *ctx;
    struct str id;
    int by;
};

static int turn_fn(struct txn *txn, void *ctx)
{
    struct turn *t = ctx;
    struct data_usage usage;
    int r = data_usage_get(txn, &t->ctx->scope, t->id, &usage);
    if (r == 0) {
        usage.bytes += (uint64_t)t->by;
        data_usage_put(txn, &t->ctx->scope, t->id, &usage);
    }
    return r;
}

/* Its counter is wrong by so many bytes more. */
static void turn(struct data_context *ctx, struct str id, int by)
{
    struct store_op op = store_op_new();
    struct turn t = {.ctx = ctx, .id = id, .by = by};
    assert_int_equal(store_write(ctx->store, &op, turn_fn, &t), 0);
}

static void wrong_by_a_byte_is_found(struct data_context *ctx, struct str id)
{
    check(ctx, 0);
    turn(ctx, id, 1);
    check(ctx, 1);
    turn(ctx, id, -2);
    check(ctx, 1);
    turn(ctx, id, 1);
    check(ctx, 0);
}

static void a_short_one_is_summed(void **state)
{
    struct data_context ada = people_request_of(*state, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    check(&ada, 0); /* without any */
    say(&ada, id, STR("text"), 3);
    wrong_by_a_byte_is_found(&ada, id);
}

/* Two looks in bytes and a rest, and a short one before and behind. */
static void one_of_many_bytes_is_summed_in_looks(void **state)
{
    struct data_context ada = people_request_of(*state, "ada@example.com");
    struct str session = talk_session(&ada);
    struct str before = talk_begin(&ada, session);
    struct str id = talk_begin(&ada, session);
    struct str behind = talk_begin(&ada, session);
    say(&ada, before, STR("text"), 2);
    say(&ada, id, long_text(&ada), 150);
    say(&ada, behind, STR("text"), 2);
    wrong_by_a_byte_is_found(&ada, id);
    turn(&ada, before, 1);
    turn(&ada, behind, 1);
    check(&ada, 2);
}

static void one_of_many_messages_is_summed_in_looks(void **state)
{
    struct data_context ada = people_request_of(*state, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    say(&ada, id, STR("a"), MANY);
    wrong_by_a_byte_is_found(&ada, id);
}

/* ---- While it is written to ---- */

struct walk {
    struct data_context *ctx;
    struct str id, text;
    unsigned pages;
    bool deletes;
};

static int page_fn(void *ctx, const struct data_report *so_far)
{
    struct walk *w = ctx;
    struct conversations_view view;
    (void)so_far;
    w->pages++;
    if (!w->deletes) {
        say(w->ctx, w->id, w->text, 1);
        return 0;
    }
    w->ctx->op = store_op_new();
    return conversations_delete(w->ctx, w->id, 0, &view);
}

/* The faults that a walk finds; each key was looked at once. */
static uint64_t faults_of(struct walk *w)
{
    struct data_report report, still;
    const struct data_watch watch = {.page = page_fn, .ctx = w};
    assert_int_equal(data_check_watched(w->ctx->store, conversations_judge, &watch, &report), 0);
    assert_int_equal(data_check(w->ctx->store, NULL, &still), 0);
    assert_true(report.keys <= still.keys);
    uint64_t faults = report.faults;
    data_report_fini(&report);
    data_report_fini(&still);
    return faults;
}

static void one_that_grows_meanwhile_is_judged_at_its_end(void **state)
{
    struct data_context ada = people_request_of(*state, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    struct walk w = {.ctx = &ada, .id = id, .text = long_text(&ada)};
    say(&ada, id, w.text, 150);
    assert_int_equal(faults_of(&w), 0);
    turn(&ada, id, 1);
    unsigned before = w.pages;
    assert_int_equal(faults_of(&w), 1);
    struct walk nothing = {.ctx = &ada, .id = id, .deletes = true};
    assert_int_equal(faults_of(&nothing), 0); /* it goes, and its messages may go first */
    assert_true(w.pages > before && before > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_short_one_is_summed),
        TEST(one_of_many_bytes_is_summed_in_looks),
        TEST(one_of_many_messages_is_summed_in_looks),
        TEST_SQLITE(one_that_grows_meanwhile_is_judged_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
