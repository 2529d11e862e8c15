/* A person with a session and conversations in it. */
#ifndef UNIT_CONVERSATIONS_TALK_H
#define UNIT_CONVERSATIONS_TALK_H

#include "auth/world.h"
#include "conversations/conversations.h"
#include "sessions/sessions.h"

static inline struct str talk_session(struct data_context *ctx)
{
    struct sessions_view view;
    ctx->op = store_op_new();
    assert_int_equal(sessions_create(ctx, &(struct sessions_create_input){.name = STR("A")}, &view),
                     0);
    return view.session.id;
}

static inline struct str talk_begin(struct data_context *ctx, struct str session)
{
    struct conversations_view view;
    struct conversations_create_input in = {.session_id = session, .name = STR("Why")};
    ctx->op = store_op_new();
    assert_int_equal(conversations_create(ctx, &in, &view), 0);
    time_test_advance(USEC_PER_SEC);
    return view.conversation.id;
}

static inline int talk_say(struct data_context *ctx, struct str id, struct str text,
                           struct data_message *ret_message)
{
    struct conversations_append_input in = {.role = DATA_MESSAGE_ROLE_USER, .content = text};
    ctx->op = store_op_new();
    return conversations_append(ctx, id, &in, ret_message);
}

static inline struct conversations_view talk_get(struct data_context *ctx, struct str id)
{
    struct conversations_view view;
    assert_int_equal(conversations_get(ctx, id, &view), 0);
    return view;
}

#endif
