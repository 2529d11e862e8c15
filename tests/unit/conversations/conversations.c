#include "conversations/talk.h"

PEOPLE_SETUP

struct fill {
    struct scope scope;
    struct str session;
    unsigned n;
};

static int fill_fn(struct txn *txn, void *ctx)
{
    const struct fill *f = ctx;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < f->n; i++) {
        struct data_conversation one = {.id = data_id_make(store_arena(txn), "cnv"),
                                        .name = STR("Filler"),
                                        .tenant_id = f->scope.tenant_id,
                                        .user_id = f->scope.user_id,
                                        .session_id = f->session,
                                        .created_at = time_now(),
                                        .updated_at = time_now(),
                                        .revision = 1};
        r = data_conversation_put(txn, &f->scope, &one);
    }
    return r;
}

static void a_session_has_a_thousand(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = talk_session(&ada);
    struct str first = talk_begin(&ada, session);
    struct conversations_view view;
    assert_int_equal(conversations_delete(&ada, first, 0, &view), 0);
    for (unsigned i = 0; i < 10; i++) {
        struct fill f = {ada.scope, session, 100};
        assert_int_equal(store_write(ada.store, NULL, fill_fn, &f), 0);
    }
    struct conversations_create_input in = {.session_id = session, .name = STR("One more")};
    ada.op = store_op_new();
    assert_int_equal(conversations_create(&ada, &in, &view), ERR_LIMIT);
    assert_true(ada.fault.message.n > 0);
    assert_int_equal(conversations_restore(&ada, first, &view), ERR_LIMIT);
    struct conversations_list_input list = {.session_id = session, .limit = 100};
    struct conversations_page page;
    assert_int_equal(conversations_list(&ada, &list, &page), 0);
    assert_int_equal(page.total, 1000);
    list.words = STR("nowhere");
    assert_int_equal(conversations_list(&ada, &list, &page), 0);
    assert_int_equal(page.n, 0);
    in.session_id = talk_session(&ada);
    assert_int_equal(conversations_create(&ada, &in, &view), 0);
}

/* A search looks at a thousand in a call, and goes on where it was. */
static void a_search_is_bounded(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str wanted = talk_begin(&ada, talk_session(&ada));
    struct str one = talk_session(&ada);
    struct str two = talk_session(&ada);
    for (unsigned i = 0; i < 6; i++) {
        struct fill f = {ada.scope, i % 2 == 0 ? one : two, 200};
        assert_int_equal(store_write(ada.store, NULL, fill_fn, &f), 0);
    }
    struct conversations_list_input in = {.limit = 100, .words = STR("WHY")};
    struct conversations_page page;
    assert_int_equal(conversations_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 0);
    assert_true(page.next.n > 0);
    in.cursor = page.next;
    assert_int_equal(conversations_list(&ada, &in, &page), 0);
    assert_int_equal(page.n, 1);
    assert_true(str_eq(page.at[0].conversation.id, wanted));
    assert_int_equal(page.next.n, 0);
}

static void restored_within_thirty_days(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    struct conversations_view view;
    assert_int_equal(conversations_delete(&ada, id, 2, &view), ERR_PRECONDITION);
    assert_int_equal(conversations_delete(&ada, id, 1, &view), 0);
    time_test_advance((usec_t)29 * 24 * 3600 * USEC_PER_SEC);
    assert_int_equal(conversations_restore(&ada, id, &view), 0);
    assert_int_equal(conversations_restore(&ada, id, &view), 0);
    assert_int_equal(conversations_delete(&ada, id, 0, &view), 0);
    time_test_advance((usec_t)31 * 24 * 3600 * USEC_PER_SEC);
    assert_int_equal(conversations_restore(&ada, id, &view), ERR_NOT_FOUND);
    assert_int_equal(conversations_get(&ada, id, &view), ERR_NOT_FOUND);
}

/* By name more than can be gathered: the latest count, and no total is told. */
static void of_too_many_the_latest_are_sorted(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str session = talk_session(&ada);
    struct str last = talk_begin(&ada, session); /* "Why", behind all "Filler" */
    struct conversations_list_input in = {
        .limit = 1, .sort = CONVERSATIONS_BY_NAME, .reverse = true};
    struct conversations_page page;
    for (unsigned i = 0; i < CONVERSATIONS_MAX_GATHERED / 200; i++) {
        assert_int_equal(conversations_list(&ada, &in, &page), 0);
        assert_int_equal(page.total, 200 * i + 1);
        assert_true(str_eq(page.at[0].conversation.id, last));
        struct fill f = {ada.scope, session, 200};
        assert_int_equal(store_write(ada.store, NULL, fill_fn, &f), 0);
    }
    assert_int_equal(conversations_list(&ada, &in, &page), 0);
    assert_int_equal(page.total, -1);
    assert_str(page.at[0].conversation.name, "Filler");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_has_a_thousand),           TEST(a_search_is_bounded),
        TEST(of_too_many_the_latest_are_sorted),  TEST(restored_within_thirty_days),
        TEST_SQLITE(restored_within_thirty_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
