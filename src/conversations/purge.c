/*
 * The end of conversations: what was deleted longer than CONVERSATIONS_RESTORE_DAYS ago, and what a purged session had. Messages
 * go in pages, the record last, so that what was cut off is found again.
 */
#include "base/log.h"
#include "conversations/conversations_int.h"

enum { PAGE = 100 }; /* messages of a transaction */

/* What its texts had of the tenant's storage is free again. */
static int forget_usage(struct txn *txn, const struct scope *scope, struct str id)
{
    struct data_usage usage;
    uint64_t total;
    int r = data_usage_kept(txn, scope, &total);
    if (r == 0) {
        r = data_usage_get(txn, scope, id, &usage);
    }
    if (r == 0) {
        data_usage_keep(txn, scope, total - usage.bytes);
    }
    data_usage_delete(txn, scope, id);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int purge_one(struct txn *txn, const struct scope *scope, struct str id, bool *ret_more)
{
    struct data_message match = {.conversation_id = id};
    struct data_query query = {
        .index = DATA_MESSAGE_BY_CONVERSATION, .match = &match, .fixed = 1, .limit = PAGE};
    struct data_message_list rows;
    int r = data_message_list(txn, scope, &query, &rows);
    for (size_t i = 0; r == 0 && i < rows.n; i++) {
        r = data_message_delete(txn, scope, rows.at[i].id);
    }
    if (r < 0 || rows.next.n > 0) {
        *ret_more = r == 0;
        return r;
    }
    *ret_more = false;
    r = forget_usage(txn, scope, id);
    return r < 0 ? r : data_conversation_delete(txn, scope, id);
}

int conversations_purge_session(struct txn *txn, const struct scope *scope, struct str session,
                                bool *ret_more)
{
    struct data_conversation match = {.session_id = session};
    struct data_query query = {
        .index = DATA_CONVERSATION_BY_SESSION, .match = &match, .fixed = 1, .limit = 1};
    struct data_conversation_list rows;
    bool more;
    int r = data_conversation_list(txn, scope, &query, &rows);
    if (r < 0 || rows.n == 0) {
        *ret_more = false;
        return r;
    }
    r = purge_one(txn, scope, rows.at[0].id, &more);
    *ret_more = r == 0; /* this one or others */
    return r;
}

/* ---- The duty ---- */

struct purge {
    struct arena *arena;
    struct str after;   /* cursor; empty: from the beginning */
    struct scope scope; /* tenant only; results of find_fn, in arena */
    struct str id, cursor;
    bool more; /* result of purge_fn */
};

/* The one that was deleted longest ago. ERR_NOT_FOUND: none is over. */
static int find_fn(struct txn *txn, void *ctx)
{
    struct purge *p = ctx;
    struct data_place *places;
    size_t n;
    struct data_query query = {.index = DATA_CONVERSATION_BY_PURGE, .limit = 1, .cursor = p->after};
    usec_t now = 0;
    int r = data_clock_get(txn, &now);
    r = r < 0 ? r : data_places(txn, &data_conversation_type, &query, &places, &n);
    if (r < 0 || n == 0 || !conversations_is_over(places[0].record, now)) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    p->scope = (struct scope){.tenant_id = arena_str(p->arena, places[0].scope.tenant_id)};
    p->id = arena_str(p->arena, places[0].id);
    p->cursor = arena_str(p->arena, places[0].cursor);
    return 0;
}

static int purge_fn(struct txn *txn, void *ctx)
{
    struct purge *p = ctx;
    struct data_conversation conversation;
    p->more = false;
    usec_t now = 0;
    int r = data_clock_get(txn, &now);
    r = r < 0 ? r : data_conversation_get(txn, &p->scope, p->id, &conversation);
    if (r < 0 || !conversations_is_over(&conversation, now)) {
        return r == ERR_NOT_FOUND ? 0 : r;
    }
    r = purge_one(txn, &p->scope, p->id, &p->more);
    struct data_context nobody = {.scope = p->scope};
    return r < 0 || p->more
               ? r
               : data_audit(txn, &nobody, "conversation.purge", p->id, DATA_OUTCOME_OK);
}

/* A page of the one that was found. What is damaged keeps no other from going. */
static int purge_page(struct store *store, struct purge *p, int *damage)
{
    struct store_op op = store_op_new();
    op.reserve = true; /* it makes room */
    op.bytes = (size_t)PAGE * 500;
    int r = store_write(store, &op, purge_fn, p);
    if (!data_unreadable(r)) {
        return r;
    }
    *damage = log_err(r, "conversations",
                      "the deleted conversation " STR_FMT " stays: its data cannot be read",
                      STR_ARG(p->id));
    p->after = p->cursor;
    p->more = false;
    return 0;
}

int conversations_purge(struct store *store, usec_t deadline, bool *ret_more)
{
    ARENA_AUTO(arena);
    struct purge p = {.arena = &arena};
    int damage = 0;
    int r = 0;
    while (r == 0 && time_monotonic() < deadline) {
        if (!p.more) {
            r = store_read(store, find_fn, &p);
        }
        r = r < 0 ? r : purge_page(store, &p, &damage);
    }
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    *ret_more = r == 0;
    return damage;
}
