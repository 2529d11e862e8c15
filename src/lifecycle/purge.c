/*
 * Sessions that cannot be restored any more: their files go in pages, then what was said in them, then their records, each page
 * in a transaction that asks whether the session is still over. What is cut off is found again by the index of deleted sessions.
 *
 * Content is not touched here: what a purged session was the last to name is queued for the collector (files/loose.c).
 */
#include "base/assert.h"
#include "base/log.h"
#include "conversations/conversations.h"
#include "files/upkeep.h"
#include "lifecycle/lifecycle_int.h"

struct over {
    struct arena *arena;
    struct str cursor;
    struct sessions_over_page page; /* result, in arena */
};

static int over_read(struct txn *txn, void *ctx)
{
    struct over *over = ctx;
    struct sessions_over_page page;
    int r = sessions_over(txn, over->cursor, &page);
    if (r < 0) {
        return r;
    }
    over->page = (struct sessions_over_page){
        .at = ARENA_ARRAY(over->arena, struct sessions_over_one, page.n + 1), .n = page.n};
    for (size_t i = 0; i < page.n; i++) {
        over->page.at[i].scope.tenant_id = arena_str(over->arena, page.at[i].scope.tenant_id);
        over->page.at[i].id = arena_str(over->arena, page.at[i].id);
    }
    over->page.next = arena_str(over->arena, page.next);
    return 0;
}

struct purge {
    const struct sessions_over_one *one;
    bool more; /* result */
};

static int purge_write(struct txn *txn, void *ctx)
{
    struct purge *purge = ctx;
    const struct sessions_over_one *one = purge->one;
    int r = sessions_over_check(txn, one);
    if (r == 0) {
        r = files_purge(txn, &one->scope, one->id, &purge->more);
    }
    if (r == 0 && !purge->more) {
        r = conversations_purge_session(txn, &one->scope, one->id, &purge->more);
    }
    return r == 0 && !purge->more ? sessions_forget(txn, one) : r;
}

/* All of one session, unless the time is over: then *ret_more. */
static int purge_one(struct store *store, const struct sessions_over_one *one, usec_t deadline,
                     bool *ret_more)
{
    struct purge purge = {one, true};
    while (purge.more) {
        struct store_op op = store_op_new();
        op.reserve = true; /* it makes room */
        op.bytes = (size_t)FILES_PURGE * 500;
        int r = store_write(store, &op, purge_write, &purge);
        if (r < 0) {
            return r == ERR_STALE ? 0 : r;
        }
        if (purge.more && time_monotonic() >= deadline) {
            *ret_more = true;
            return 0;
        }
    }
    log_info("lifecycle", "session " STR_FMT " was deleted %d days ago and is gone now",
             STR_ARG(one->id), SESSIONS_RESTORE_DAYS);
    return 0;
}

int lifecycle_purge(struct store *store, usec_t deadline, bool *ret_more)
{
    ARENA_AUTO(arena);
    struct over over = {.arena = &arena};
    bool more = false;
    int r;
    do {
        over.cursor = over.page.next;
        r = store_read(store, over_read, &over);
        for (size_t i = 0; r == 0 && i < over.page.n && !more; i++) {
            r = purge_one(store, &over.page.at[i], deadline, &more);
            more = more || (i + 1 < over.page.n && time_monotonic() >= deadline);
        }
    } while (r == 0 && !more && over.page.next.n > 0);
    if (r == 0) {
        *ret_more = more;
    }
    return r;
}
