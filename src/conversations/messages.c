/*
 * Messages: appended and read.
 *
 * 1. seq is the count of messages and 1: appends to a conversation exclude one another by that number, so that all readers see
 *    one order, without gaps, whoever wrote at the same moment. Messages go only with all of a conversation that takes none any
 *    more.
 * 2. Texts count as storage: of the conversation (usage/), and of the tenant where its total is kept.
 * 3. As JSON no text is longer than a request may be, so that what was taken in fits into a record.
 */
#include "base/json.h"
#include "conversations/conversations_int.h"

enum { STEP = 10, PAGE_BYTES = 512 * 1024 };

struct append {
    struct data_context *ctx;
    struct str id;
    struct data_message message; /* all but seq and created_at */
    struct data_message result;
};

/* The tenant's total, as files/ keeps it: from the first growth on under a limit. */
static int settle_tenant(struct txn *txn, struct data_context *ctx, uint64_t grown)
{
    uint64_t most = ctx->quota ? ctx->quota->tenant : 0;
    uint64_t total;
    int r = data_usage_kept(txn, &ctx->scope, &total);
    if (r == ERR_NOT_FOUND && most == 0) {
        return 0;
    }
    if (r == ERR_NOT_FOUND) {
        r = data_usage_total(txn, &ctx->scope, &total);
    }
    if (r < 0) {
        return r;
    }
    if (most > 0 && total + grown > most) {
        return data_fault(ctx, ERR_QUOTA, NULL,
                          "Your organization has as much in storage as it may.");
    }
    data_usage_keep(txn, &ctx->scope, total + grown);
    return 0;
}

static int settle(struct txn *txn, struct append *a)
{
    struct data_usage usage;
    uint64_t grown = a->message.content.n;
    int r = settle_tenant(txn, a->ctx, grown);
    if (r == 0) {
        r = data_usage_get(txn, &a->ctx->scope, a->id, &usage);
    }
    if (r == 0) {
        usage.bytes += grown;
        data_usage_put(txn, &a->ctx->scope, a->id, &usage);
    }
    return r;
}

static int append_new(struct txn *txn, struct append *a, struct data_conversation *conversation)
{
    const struct scope *scope = &a->ctx->scope;
    uint64_t length;
    int r = conversations_length(txn, scope, a->id, &length);
    if (r == 0 && length >= CONVERSATIONS_MAX_MESSAGES) {
        return data_fault(a->ctx, ERR_LIMIT, NULL,
                          "The conversation has 10,000 messages. Begin another one.");
    }
    r = r < 0 ? r : settle(txn, a);
    if (r < 0) {
        return r;
    }
    a->result = a->message;
    a->result.seq = (int64_t)length + 1;
    a->result.created_at = time_now();
    r = data_message_put(txn, scope, &a->result);
    if (r == 0) {
        r = conversations_changed(txn, scope, conversation);
    }
    if (r == 0) {
        r = data_audit(txn, a->ctx, "message.create", a->message.id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_remember(txn, a->ctx, a->message.id);
    }
    return r;
}

static int append_fn(struct txn *txn, void *ctx)
{
    struct append *a = ctx;
    struct data_conversation conversation;
    bool found = false;
    struct str id;
    int r = conversations_own(txn, &a->ctx->scope, a->id, &conversation);
    if (r == 0 && conversation.deleted) {
        return ERR_NOT_FOUND;
    }
    r = r < 0 ? r : data_replay(txn, a->ctx, &found, &id);
    if (r == 0) {
        r = found ? data_message_get(txn, &a->ctx->scope, id, &a->result)
                  : append_new(txn, a, &conversation);
    }
    if (r == 0) {
        data_message_copy(a->ctx->arena, &a->result);
    }
    return r;
}

static int check_text(struct data_context *ctx, struct str text)
{
    if (text.n == 0 || !str_is_utf8(text)) {
        return data_fault(ctx, ERR_INVALID, "content", "The text is empty, or not UTF-8.");
    }
    BUF_AUTO(json, CONVERSATIONS_MAX_JSON);
    struct json_writer w;
    json_writer_init(&w, &json);
    if (text.n <= CONVERSATIONS_MAX_TEXT) {
        json_string(&w, text);
    }
    return text.n > CONVERSATIONS_MAX_TEXT || json.error < 0
               ? data_fault(ctx, ERR_INVALID, "content",
                            "The text is longer than 61,440 bytes, or 65,536 as JSON.")
               : 0;
}

int conversations_append(struct data_context *ctx, struct str id,
                         const struct conversations_append_input *in,
                         struct data_message *ret_message)
{
    int r = check_text(ctx, in->content);
    if (r < 0) {
        return r;
    }
    struct append a = {.ctx = ctx,
                       .id = id,
                       .message = {.id = data_id_make(ctx->arena, "msg"),
                                   .conversation_id = id,
                                   .role = in->role,
                                   .content = in->content}};
    ctx->op.bytes = 3 * in->content.n;
    r = store_write(ctx->store, &ctx->op, append_fn, &a);
    if (r == 0) {
        *ret_message = a.result;
    }
    return r;
}

/* ---- List ---- */

struct list {
    struct data_context *ctx;
    struct str id;
    const struct conversations_messages_input *in;
    struct conversations_messages page; /* result */
};

/* A few at a time, so that long messages do not fill the memory before it is seen that they are long. */
static int walk(struct txn *txn, struct list *l)
{
    const struct conversations_messages_input *in = l->in;
    struct data_message match = {.conversation_id = l->id};
    struct data_message_list rows = {.next = in->cursor};
    size_t bytes = 0;
    do {
        size_t left = in->limit - l->page.n;
        struct data_query query = {.index = DATA_MESSAGE_BY_CONVERSATION,
                                   .match = &match,
                                   .fixed = 1,
                                   .limit = left < STEP ? left : STEP,
                                   .cursor = rows.next,
                                   .reverse = in->reverse};
        int r = data_message_list(txn, &l->ctx->scope, &query, &rows);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < rows.n; i++) {
            bytes += rows.at[i].content.n;
            data_message_copy(l->ctx->arena, &rows.at[i]);
            l->page.at[l->page.n++] = rows.at[i];
        }
    } while (rows.next.n > 0 && l->page.n < in->limit && bytes < PAGE_BYTES);
    l->page.next = rows.next.n > 0 ? arena_str(l->ctx->arena, rows.next) : STR_EMPTY;
    return 0;
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    struct data_conversation conversation;
    uint64_t total = 0;
    l->page = (struct conversations_messages){
        .at = ARENA_ARRAY(l->ctx->arena, struct data_message, l->in->limit)};
    int r = conversations_own(txn, &l->ctx->scope, l->id, &conversation);
    if (r == 0) {
        r = walk(txn, l);
    }
    if (r == 0) {
        r = conversations_length(txn, &l->ctx->scope, l->id, &total);
    }
    l->page.total = (int64_t)total;
    return r;
}

int conversations_messages(struct data_context *ctx, struct str id,
                           const struct conversations_messages_input *in,
                           struct conversations_messages *ret_messages)
{
    ASSERT(in->limit >= 1 && in->limit <= DATA_MAX_LIST);
    struct list l = {.ctx = ctx, .id = id, .in = in};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_messages = l.page;
    }
    return r;
}
