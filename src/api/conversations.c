/* Conversations and their messages: /conversations. */
#include "conversations/conversations.h"
#include "api/api_int.h"

static void write_conversation(struct json_writer *w, const struct conversations_view *view)
{
    struct reply_conversation conversation = reply_conversation_begin(w);
    reply_conversation_record(&conversation, &view->conversation);
    reply_conversation_messages(&conversation, (int64_t)view->messages);
    reply_conversation_bytes(&conversation, (int64_t)view->bytes);
    reply_conversation_end(&conversation);
}

static int answer(struct api_call *call, int status, const struct conversations_view *view)
{
    api_etag(call, (uint64_t)view->conversation.revision);
    write_conversation(api_begin(call, status), view);
    return api_end(call);
}

/* The document's words are in the order of the domain's. */
static enum conversations_sort sort_of(int word)
{
    _Static_assert((int)API_CONVERSATIONS_LIST_SORT_ACTIVITY == CONVERSATIONS_BY_ACTIVITY &&
                       (int)API_CONVERSATIONS_LIST_SORT_CREATED == CONVERSATIONS_BY_CREATED &&
                       (int)API_CONVERSATIONS_LIST_SORT_NAME == CONVERSATIONS_BY_NAME,
                   "orders are in one order");
    return (enum conversations_sort)word;
}

int api_conversations_list(struct api_call *call, const struct api_conversations_list_in *in)
{
    struct conversations_page page;
    struct conversations_list_input input = {.session_id = in->session_id,
                                             .limit = (size_t)in->limit,
                                             .cursor = in->cursor,
                                             .words = in->q,
                                             .deleted = in->deleted,
                                             .sort = sort_of((int)in->sort),
                                             .reverse = in->reverse};
    int r = conversations_list(&call->data, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        write_conversation(w, &page.at[i]);
    }
    return api_end_list(call, page.next, page.total);
}

int api_conversations_create(struct api_call *call, const struct api_conversations_create_in *in)
{
    struct conversations_view view;
    struct conversations_create_input input = {.session_id = in->session_id, .name = in->name};
    int r = conversations_create(&call->data, &input, &view);
    if (r < 0) {
        return r;
    }
    http_set(call->res, "Location",
             arena_printf(call->req->arena, "/api/v5/conversations/" STR_FMT,
                          STR_ARG(view.conversation.id)));
    return answer(call, 201, &view);
}

int api_conversations_get(struct api_call *call, const struct api_conversations_get_in *in)
{
    struct conversations_view view;
    int r = conversations_get(&call->data, in->conversation_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}

int api_conversations_update(struct api_call *call, const struct api_conversations_update_in *in)
{
    struct conversations_view view;
    struct conversations_rename_input input = {.name = in->name};
    int r = api_if_match(call, in->if_match, &input.revision);
    if (r == 0) {
        r = conversations_rename(&call->data, in->conversation_id, &input, &view);
    }
    return r < 0 ? r : answer(call, 200, &view);
}

int api_conversations_delete(struct api_call *call, const struct api_conversations_delete_in *in)
{
    struct conversations_view view;
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r == 0) {
        r = conversations_delete(&call->data, in->conversation_id, revision, &view);
    }
    return r < 0 ? r : answer(call, 200, &view);
}

int api_conversations_restore(struct api_call *call, const struct api_conversations_restore_in *in)
{
    struct conversations_view view;
    int r = conversations_restore(&call->data, in->conversation_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}

/* ---- Messages: their stored form is the API's ---- */

int api_messages_list(struct api_call *call, const struct api_messages_list_in *in)
{
    struct conversations_messages page;
    struct conversations_messages_input input = {
        .limit = (size_t)in->limit, .cursor = in->cursor, .reverse = in->reverse};
    int r = conversations_messages(&call->data, in->conversation_id, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        reply_message_whole(w, &page.at[i]);
    }
    return api_end_list(call, page.next, page.total);
}

/* The document's words are in the order of the record's, which begin at 1. */
static enum data_message_role role_of(int word)
{
    _Static_assert((int)API_MESSAGES_CREATE_ROLE_USER + 1 == DATA_MESSAGE_ROLE_USER &&
                       (int)API_MESSAGES_CREATE_ROLE_ASSISTANT + 1 == DATA_MESSAGE_ROLE_ASSISTANT &&
                       (int)API_MESSAGES_CREATE_ROLE_SYSTEM + 1 == DATA_MESSAGE_ROLE_SYSTEM &&
                       (int)API_MESSAGES_CREATE_ROLE_TOOL + 1 == DATA_MESSAGE_ROLE_TOOL,
                   "roles are in one order");
    return (enum data_message_role)(word + 1);
}

int api_messages_create(struct api_call *call, const struct api_messages_create_in *in)
{
    struct data_message message;
    struct conversations_append_input input = {.role = role_of((int)in->role),
                                               .content = in->content};
    int r = conversations_append(&call->data, in->conversation_id, &input, &message);
    if (r < 0) {
        return r;
    }
    reply_message_whole(api_begin(call, 201), &message);
    return api_end(call);
}
