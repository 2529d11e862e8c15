/*
 * Conversations: made, listed, read, renamed, deleted, restored.
 *
 * 1. conversations_own is the only door to a stored conversation: its person's, through the session that it is in.
 * 2. deleted and deleted_at change together.
 * 3. How many messages there are and how long they are is counted by data/, not kept in the record.
 */
#include "conversations/conversations_int.h"

enum { WALK = 1000 }; /* records that a list looks at in a call */

int conversations_own(struct txn *txn, const struct scope *scope, struct str id,
                      struct data_conversation *ret_conversation)
{
    ASSERT(scope->user_id.n > 0);
    struct data_conversation conversation;
    struct data_session session;
    int r = data_conversation_get(txn, scope, id, &conversation);
    if (r == 0 && (!str_eq(conversation.user_id, scope->user_id) ||
                   conversations_is_over(&conversation, time_now()))) {
        return ERR_NOT_FOUND;
    }
    if (r == 0) {
        r = sessions_find(txn, scope, conversation.session_id, &session);
    }
    if (r == 0) {
        *ret_conversation = conversation;
    }
    return r;
}

int conversations_changed(struct txn *txn, const struct scope *scope,
                          struct data_conversation *conversation)
{
    conversation->updated_at = time_now();
    conversation->revision++;
    return data_conversation_put(txn, scope, conversation);
}

int conversations_length(struct txn *txn, const struct scope *scope, struct str id,
                         uint64_t *ret_count)
{
    struct data_message match = {.conversation_id = id};
    struct data_query query = {.index = DATA_MESSAGE_BY_CONVERSATION, .match = &match, .fixed = 1};
    return data_counted(txn, &(struct data_count_of){scope, &data_message_type}, &query, ret_count);
}

/* The rest of a view whose record is there, all of it copied out. */
static int join(struct txn *txn, struct data_context *ctx, struct conversations_view *view)
{
    struct data_usage usage;
    struct str id = view->conversation.id;
    int r = conversations_length(txn, &ctx->scope, id, &view->messages);
    if (r == 0) {
        r = data_usage_get(txn, &ctx->scope, id, &usage);
    }
    if (r == 0) {
        view->bytes = usage.bytes;
        data_conversation_copy(ctx->arena, &view->conversation);
    }
    return r;
}

static int count_of(struct txn *txn, const struct scope *scope,
                    const struct data_conversation *match, uint64_t *ret_count)
{
    struct data_query query = {.index = DATA_CONVERSATION_BY_SESSION, .match = match, .fixed = 2};
    return data_counted(txn, &(struct data_count_of){scope, &data_conversation_type}, &query,
                        ret_count);
}

static int room(struct txn *txn, struct data_context *ctx, struct str session)
{
    struct data_conversation match = {.session_id = session, .deleted = false};
    uint64_t n;
    int r = count_of(txn, &ctx->scope, &match, &n);
    return r == 0 && n >= CONVERSATIONS_MAX
               ? data_fault(ctx, ERR_LIMIT, NULL,
                            "The session has 1,000 conversations. Delete one first.")
               : r;
}

/* ---- One ---- */

struct one {
    struct data_context *ctx;
    struct str id;
    struct str session_id; /* of a new one */
    struct str name;
    int64_t revision;
    struct conversations_view view; /* result */
};

static int write_one(struct one *o, store_fn *fn, struct conversations_view *ret_view)
{
    int r = store_write(o->ctx->store, &o->ctx->op, fn, o);
    if (r == 0) {
        *ret_view = o->view;
    }
    return r;
}

static int create_new(struct txn *txn, struct one *o)
{
    struct data_context *ctx = o->ctx;
    struct data_session session;
    int r = sessions_find(txn, &ctx->scope, o->session_id, &session);
    if (r == 0) {
        r = room(txn, ctx, o->session_id);
    }
    if (r < 0) {
        return r;
    }
    usec_t now = time_now();
    o->view.conversation = (struct data_conversation){
        .id = o->id,
        .name = o->name,
        .tenant_id = ctx->scope.tenant_id,
        .user_id = ctx->scope.user_id,
        .session_id = o->session_id,
        .created_at = now,
        .updated_at = now,
        .revision = 1,
    };
    r = data_conversation_put(txn, &ctx->scope, &o->view.conversation);
    if (r == 0) {
        r = data_audit(txn, ctx, "conversation.create", o->id, DATA_OUTCOME_OK);
    }
    if (r == 0) {
        data_remember(txn, ctx, o->id);
    }
    return r;
}

static int create_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    bool found;
    struct str id;
    int r = data_replay(txn, o->ctx, &found, &id);
    if (r == 0) {
        r = found ? conversations_own(txn, &o->ctx->scope, id, &o->view.conversation)
                  : create_new(txn, o);
    }
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

int conversations_create(struct data_context *ctx, const struct conversations_create_input *in,
                         struct conversations_view *ret_view)
{
    struct one o = {
        .ctx = ctx, .id = data_id_make(ctx->arena, "cnv"), .session_id = in->session_id};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &o.name);
    return r < 0 ? r : write_one(&o, create_fn, ret_view);
}

static int get_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = conversations_own(txn, &o->ctx->scope, o->id, &o->view.conversation);
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

int conversations_get(struct data_context *ctx, struct str id, struct conversations_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id};
    int r = store_read(ctx->store, get_fn, &o);
    if (r == 0) {
        *ret_view = o.view;
    }
    return r;
}

/* The one that is to be changed, of the revision that the caller knows. */
static int begin(struct txn *txn, struct one *o)
{
    struct data_conversation *conversation = &o->view.conversation;
    int r = conversations_own(txn, &o->ctx->scope, o->id, conversation);
    bool other = r == 0 && !data_matches(o->ctx, o->revision, conversation->revision);
    return other ? ERR_PRECONDITION : r;
}

static int finish(struct txn *txn, struct one *o, const char *action)
{
    int r = conversations_changed(txn, &o->ctx->scope, &o->view.conversation);
    if (r == 0) {
        r = data_audit(txn, o->ctx, action, o->id, DATA_OUTCOME_OK);
    }
    return r < 0 ? r : join(txn, o->ctx, &o->view);
}

static int rename_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = begin(txn, o);
    if (r < 0 || o->view.conversation.deleted) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    if (str_eq(o->view.conversation.name, o->name)) {
        return join(txn, o->ctx, &o->view);
    }
    o->view.conversation.name = o->name;
    return finish(txn, o, "conversation.rename");
}

int conversations_rename(struct data_context *ctx, struct str id,
                         const struct conversations_rename_input *in,
                         struct conversations_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = in->revision};
    int r = data_text_name(ctx, &(struct data_name_rule){.field = "name"}, in->name, &o.name);
    return r < 0 ? r : write_one(&o, rename_fn, ret_view);
}

static int delete_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = begin(txn, o);
    if (r < 0 || o->view.conversation.deleted) {
        return r < 0 ? r : join(txn, o->ctx, &o->view);
    }
    o->view.conversation.deleted = true;
    o->view.conversation.deleted_at = time_now();
    return finish(txn, o, "conversation.delete");
}

int conversations_delete(struct data_context *ctx, struct str id, int64_t revision,
                         struct conversations_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id, .revision = revision};
    ctx->op.reserve = true; /* it leads to room */
    return write_one(&o, delete_fn, ret_view);
}

static int restore_fn(struct txn *txn, void *ctx)
{
    struct one *o = ctx;
    int r = begin(txn, o);
    if (r < 0 || !o->view.conversation.deleted) {
        return r < 0 ? r : join(txn, o->ctx, &o->view);
    }
    r = room(txn, o->ctx, o->view.conversation.session_id);
    if (r < 0) {
        return r;
    }
    o->view.conversation.deleted = false;
    o->view.conversation.deleted_at = 0;
    return finish(txn, o, "conversation.restore");
}

int conversations_restore(struct data_context *ctx, struct str id,
                          struct conversations_view *ret_view)
{
    struct one o = {.ctx = ctx, .id = id};
    return write_one(&o, restore_fn, ret_view);
}

/* ---- List ---- */

struct list {
    struct data_context *ctx;
    const struct conversations_list_input *in;
    struct data_conversation match;
    struct str words;               /* folded */
    struct conversations_page page; /* result */
};

/* *ret_wanted: it has the words, and its session is there. */
static int look(struct txn *txn, const struct list *l, const struct data_conversation *one,
                bool *ret_wanted)
{
    *ret_wanted =
        l->words.n == 0 || data_text_has(data_text_fold(store_arena(txn), one->name), l->words);
    if (conversations_is_over(one, time_now())) {
        *ret_wanted = false;
    }
    if (!*ret_wanted || l->in->session_id.n > 0) {
        return 0; /* that session was looked at */
    }
    struct data_session session;
    int r = sessions_find(txn, &l->ctx->scope, one->session_id, &session);
    *ret_wanted = r == 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int take(struct txn *txn, struct list *l, const struct data_conversation_list *rows)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < rows->n; i++) {
        bool wanted;
        r = look(txn, l, &rows->at[i], &wanted);
        if (r == 0 && wanted) {
            l->page.at[l->page.n].conversation = rows->at[i];
            r = join(txn, l->ctx, &l->page.at[l->page.n++]);
        }
    }
    return r;
}

static struct data_query query_of(const struct list *l, struct str cursor, size_t limit)
{
    bool one = l->in->session_id.n > 0;
    return (struct data_query){
        .index = one ? DATA_CONVERSATION_BY_SESSION : DATA_CONVERSATION_BY_USER,
        .match = &l->match,
        .fixed = 2,
        .limit = limit,
        .cursor = cursor,
        .reverse = !l->in->reverse,
    };
}

static int walk(struct txn *txn, struct list *l)
{
    const struct conversations_list_input *in = l->in;
    struct data_conversation_list rows = {.next = in->cursor};
    size_t looked = 0;
    do {
        struct data_query query = query_of(l, rows.next, in->limit - l->page.n);
        int r = data_conversation_list(txn, &l->ctx->scope, &query, &rows);
        r = r < 0 ? r : take(txn, l, &rows);
        if (r < 0) {
            return r;
        }
        looked += rows.n;
    } while (rows.next.n > 0 && l->page.n < in->limit && looked < WALK);
    l->page.next = rows.next.n > 0 ? arena_str(l->ctx->arena, rows.next) : STR_EMPTY;
    return 0;
}

static int gather_key(struct txn *txn, void *ctx, const void *record, struct str *ret_key)
{
    const struct list *l = ctx;
    const struct data_conversation *one = record;
    struct arena *arena = store_arena(txn);
    bool wanted;
    int r = look(txn, l, one, &wanted);
    if (r == 0 && wanted) {
        *ret_key = l->in->sort == CONVERSATIONS_BY_NAME
                       ? data_pick_by_text(arena, data_text_fold(arena, one->name), one->id)
                       : data_pick_by_time(arena, one->created_at, one->id);
    }
    return r;
}

static int sorted(struct txn *txn, struct list *l)
{
    struct data_gather in = {
        .scope = &l->ctx->scope,
        .type = &data_conversation_type,
        .query = query_of(l, STR_EMPTY, DATA_MAX_LIST),
        .most = CONVERSATIONS_MAX_GATHERED,
        .key = gather_key,
        .ctx = l,
        .arena = l->ctx->arena,
        .limit = l->in->limit,
        .cursor = l->in->cursor,
        .reverse = (l->in->sort == CONVERSATIONS_BY_NAME) == l->in->reverse,
    };
    struct data_gathered all;
    in.query.reverse = true; /* should there be more than are looked at: the latest */
    int r = data_gather(txn, &in, &all);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; r == 0 && i < all.n; i++) {
        l->page.at[l->page.n].conversation = *(const struct data_conversation *)all.at[i];
        r = join(txn, l->ctx, &l->page.at[l->page.n++]);
    }
    l->page.next = all.next;
    l->page.total = all.total;
    return r;
}

static int list_fn(struct txn *txn, void *ctx)
{
    struct list *l = ctx;
    const struct conversations_list_input *in = l->in;
    struct data_session session;
    l->page = (struct conversations_page){
        .at = ARENA_ARRAY(l->ctx->arena, struct conversations_view, in->limit), .total = -1};
    int r = in->session_id.n > 0 ? sessions_find(txn, &l->ctx->scope, in->session_id, &session) : 0;
    bool indexed = in->sort == CONVERSATIONS_BY_ACTIVITY;
    if (r == 0) {
        r = indexed ? walk(txn, l) : sorted(txn, l);
    }
    if (r < 0 || !indexed || in->session_id.n == 0 || l->words.n > 0) {
        return r;
    }
    uint64_t total;
    r = count_of(txn, &l->ctx->scope, &l->match, &total);
    if (r == 0) {
        l->page.total = (int64_t)total;
    }
    return r;
}

int conversations_list(struct data_context *ctx, const struct conversations_list_input *in,
                       struct conversations_page *ret_page)
{
    ASSERT(in->limit >= 1 && in->limit <= DATA_MAX_LIST);
    struct list l = {.ctx = ctx,
                     .in = in,
                     .match = {.user_id = ctx->scope.user_id,
                               .session_id = in->session_id,
                               .deleted = in->deleted},
                     .words = data_text_fold(ctx->arena, in->words)};
    int r = store_read(ctx->store, list_fn, &l);
    if (r == ERR_INVALID) {
        return data_fault(ctx, r, "cursor", "This is not a cursor that was given out.");
    }
    if (r == 0) {
        *ret_page = l.page;
    }
    return r;
}
