#include "conversations/talk.h"
#include "lifecycle/lifecycle.h"

PEOPLE_SETUP

static const usec_t day = (usec_t)24 * 3600 * USEC_PER_SEC;

static usec_t soon(void)
{
    return time_monotonic() + 60 * USEC_PER_SEC;
}

static struct str with_messages(struct data_context *ctx, struct str session, unsigned n)
{
    struct str id = talk_begin(ctx, session);
    struct data_message message;
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(talk_say(ctx, id, STR("text"), &message), 0);
    }
    return id;
}

struct counts {
    const struct scope *scope;
    size_t conversations, messages;
    uint64_t bytes;
};

static int count_fn(struct txn *txn, void *ctx)
{
    struct counts *c = ctx;
    struct data_conversation_list conversations;
    struct data_message_list messages;
    struct data_query query = {.index = DATA_BY_ID, .limit = 100};
    int r = data_conversation_list(txn, c->scope, &query, &conversations);
    r = r < 0 ? r : data_message_list(txn, c->scope, &query, &messages);
    r = r < 0 ? r : data_usage_total(txn, c->scope, &c->bytes);
    if (r == 0) {
        c->conversations = conversations.n;
        c->messages = messages.n;
    }
    return r;
}

static struct counts count(struct data_context *ctx)
{
    struct counts c = {.scope = &ctx->scope};
    assert_int_equal(store_read(ctx->store, count_fn, &c), 0);
    return c;
}

static void deleted_ones_go_after_thirty_days(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_quota quota = {.tenant = 1000000};
    ada.quota = &quota; /* from here on the total is kept */
    struct str session = talk_session(&ada);
    struct str kept = with_messages(&ada, session, 3);
    struct str gone = with_messages(&ada, session, 250); /* more than a step takes */
    struct conversations_view view;
    assert_int_equal(conversations_delete(&ada, gone, 0, &view), 0);
    bool more = true;
    assert_int_equal(conversations_purge(ada.store, soon(), &more), 0);
    assert_false(more);
    assert_int_equal(count(&ada).conversations, 2);
    assert_int_equal(count(&ada).bytes, 253 * 4);
    time_test_advance(30 * day);
    assert_int_equal(conversations_purge(ada.store, time_monotonic(), &more), 0);
    assert_true(more);
    assert_int_equal(conversations_purge(ada.store, soon(), &more), 0);
    assert_false(more);
    struct counts c = count(&ada);
    assert_int_equal(c.conversations, 1);
    assert_int_equal(c.messages, 3);
    assert_int_equal(c.bytes, 3 * 4);
    assert_int_equal(talk_get(&ada, kept).messages, 3);
}

static void a_purged_session_takes_its_own(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str gone = talk_session(&ada);
    struct str stays = talk_session(&ada);
    (void)with_messages(&ada, gone, 150);
    struct conversations_view deleted;
    struct str twice = with_messages(&ada, gone, 2);
    assert_int_equal(conversations_delete(&ada, twice, 0, &deleted), 0);
    struct str kept = with_messages(&ada, stays, 1);
    struct sessions_view view;
    assert_int_equal(sessions_delete(&ada, gone, 0, &view), 0);
    assert_int_equal(count(&ada).conversations, 3);
    time_test_advance(30 * day);
    bool more = true;
    assert_int_equal(lifecycle_purge(ada.store, NULL, soon(), &more), 0);
    assert_false(more);
    struct counts c = count(&ada);
    assert_int_equal(c.conversations, 1);
    assert_int_equal(c.messages, 1);
    assert_int_equal(c.bytes, 4);
    assert_int_equal(talk_get(&ada, kept).messages, 1);
}

/* Within one that goes first, or of it: it is told, and keeps no other from going. */
static void keeps_no_other_from_going(struct people *p, const char *type, struct str how, int told)
{
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = talk_session(&ada);
    struct str first = talk_begin(&ada, session);
    struct data_message message;
    assert_int_equal(talk_say(&ada, first, STR("text"), &message), 0);
    struct str second = with_messages(&ada, session, 2);
    struct conversations_view view;
    assert_int_equal(conversations_delete(&ada, first, 0, &view), 0);
    time_test_advance(USEC_PER_SEC);
    assert_int_equal(conversations_delete(&ada, second, 0, &view), 0);
    time_test_advance(31 * day);
    struct str id = strcmp(type, "message") == 0 ? message.id : first;
    struct str key = people_key(p, &ada, type, id);
    struct str was = people_damage(p, key, how);
    assert_true(was.n > 0);
    bool more = true;
    assert_int_equal(conversations_purge(ada.store, soon(), &more), told);
    assert_false(more);
    assert_int_equal(people_damage(p, key, was).n, how.n); /* as it is */
    assert_int_equal(count(&ada).conversations, 1);
    assert_int_equal(count(&ada).messages, 1);
    assert_int_equal(conversations_purge(ada.store, soon(), &more), 0);
    assert_int_equal(count(&ada).conversations, 0);
}

static void what_cannot_be_read_keeps_no_other_from_going(void **state)
{
    keeps_no_other_from_going(*state, "message", STR("1 {"), ERR_CORRUPT);
}

static void what_is_newer_keeps_no_other_from_going(void **state)
{
    keeps_no_other_from_going(*state, "message", STR("99 {}"), ERR_NEWER);
}

static void a_newer_record_keeps_no_other_from_going(void **state)
{
    keeps_no_other_from_going(*state, "conversation", STR("99 {}"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deleted_ones_go_after_thirty_days),
        TEST_SQLITE(deleted_ones_go_after_thirty_days),
        TEST(a_purged_session_takes_its_own),
        TEST_SQLITE(a_purged_session_takes_its_own),
        TEST(what_cannot_be_read_keeps_no_other_from_going),
        TEST(what_is_newer_keeps_no_other_from_going),
        TEST(a_newer_record_keeps_no_other_from_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
