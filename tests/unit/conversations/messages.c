#include "conversations/talk.h"

#include <pthread.h>

PEOPLE_SETUP

enum { WRITERS = 4, EACH = 25 };

struct writer {
    struct data_context ctx;
    struct arena arena;
    struct str id;
    struct data_message said[EACH];
};

static void *write_all(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < EACH; i++) {
        assert_int_equal(talk_say(&w->ctx, w->id, STR("all at once"), &w->said[i]), 0);
    }
    return NULL;
}

static void writers_at_once_leave_no_gap(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    static struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.ctx = ada, .id = id};
        arena_init(&writers[i].arena);
        writers[i].ctx.arena = &writers[i].arena;
        assert_int_equal(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
    bool seen[WRITERS * EACH + 1] = {false};
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (unsigned k = 0; k < EACH; k++) {
            int64_t seq = writers[i].said[k].seq;
            assert_true(seq >= 1 && seq <= WRITERS * EACH && !seen[seq]);
            assert_true(k == 0 || seq > writers[i].said[k - 1].seq);
            seen[seq] = true;
        }
        arena_fini(&writers[i].arena);
    }
    assert_int_equal(talk_get(&ada, id).messages, WRITERS * EACH);
}

struct fill {
    struct scope scope;
    struct str id;
    int64_t from;
};

static int fill_fn(struct txn *txn, void *ctx)
{
    const struct fill *f = ctx;
    int r = 0;
    for (int64_t i = 0; r == 0 && i < 500; i++) {
        struct data_message one = {.id = data_id_make(store_arena(txn), "msg"),
                                   .conversation_id = f->id,
                                   .seq = f->from + i,
                                   .role = DATA_MESSAGE_ROLE_TOOL,
                                   .content = STR("x"),
                                   .created_at = time_now()};
        r = data_message_put(txn, &f->scope, &one);
    }
    return r;
}

static void a_conversation_has_ten_thousand(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    for (unsigned i = 0; i < 20; i++) {
        struct fill f = {ada.scope, id, 1 + 500 * (int64_t)i};
        assert_int_equal(store_write(ada.store, NULL, fill_fn, &f), 0);
    }
    struct data_message message;
    assert_int_equal(talk_say(&ada, id, STR("one more"), &message), ERR_LIMIT);
    assert_true(ada.fault.message.n > 0);
    assert_int_equal(talk_get(&ada, id).messages, 10000);
}

static void texts_have_bounds(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    char *p1 = arena_alloc(&p->w.arena, CONVERSATIONS_MAX_TEXT + 1);
    memset(p1, 'x', CONVERSATIONS_MAX_TEXT + 1);
    struct data_message message;
    assert_int_equal(talk_say(&ada, id, str_of(p1, CONVERSATIONS_MAX_TEXT), &message), 0);
    assert_int_equal(message.content.n, CONVERSATIONS_MAX_TEXT);
    assert_int_equal(talk_say(&ada, id, str_of(p1, CONVERSATIONS_MAX_TEXT + 1), &message),
                     ERR_INVALID);
    assert_str(ada.fault.field, "content");
    memset(p1, 1, CONVERSATIONS_MAX_TEXT); /* six bytes each as JSON */
    assert_int_equal(talk_say(&ada, id, str_of(p1, CONVERSATIONS_MAX_JSON / 6 + 1), &message),
                     ERR_INVALID);
    assert_int_equal(talk_say(&ada, id, str_of(p1, CONVERSATIONS_MAX_JSON / 6), &message), 0);
    assert_int_equal(talk_say(&ada, id, STR(""), &message), ERR_INVALID);
    assert_int_equal(talk_say(&ada, id, STR("\xff"), &message), ERR_INVALID);
    struct conversations_view view = talk_get(&ada, id);
    assert_int_equal(view.messages, 2);
    assert_int_equal(view.bytes, CONVERSATIONS_MAX_TEXT + CONVERSATIONS_MAX_JSON / 6);
}

/* They count as the tenant's storage, also when the limit comes later. */
static void texts_count_as_storage(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct str id = talk_begin(&ada, talk_session(&ada));
    struct data_message message;
    assert_int_equal(talk_say(&ada, id, STR("12345"), &message), 0);
    struct data_quota quota = {.tenant = 10};
    ada.quota = &quota;
    assert_int_equal(talk_say(&ada, id, STR("123456"), &message), ERR_QUOTA);
    assert_int_equal(talk_say(&ada, id, STR("12345"), &message), 0);
    assert_int_equal(talk_say(&ada, id, STR("1"), &message), ERR_QUOTA);
    assert_true(ada.fault.message.n > 0);
    assert_int_equal(talk_get(&ada, id).bytes, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writers_at_once_leave_no_gap),    TEST_SQLITE(writers_at_once_leave_no_gap),
        TEST(a_conversation_has_ten_thousand), TEST(texts_have_bounds),
        TEST_SQLITE(texts_have_bounds),        TEST(texts_count_as_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
