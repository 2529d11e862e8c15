/*
 * Sessions that cannot be restored any more: their files go in pages, then what was said in them, each page in a transaction that
 * asks whether the session is still over; then what this machine's disk holds of them; then their records. What is cut off is
 * found again by the index of deleted sessions, and what is gone already is passed over.
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

struct purging {
    struct store *store;
    const struct lifecycle_disks *disks;
    usec_t deadline;
};

struct purge {
    const struct sessions_over_one *one;
    bool more;        /* results */
    int64_t host_uid; /* of its workspaces */
};

static int host_read(struct txn *txn, struct purge *purge)
{
    struct data_session session;
    struct data_workspace workspace = {.host_uid = 0};
    const struct sessions_over_one *one = purge->one;
    int r = data_session_get(txn, &one->scope, one->id, &session);
    r = r < 0 ? r : data_workspace_get(txn, &one->scope, session.workspace_id, &workspace);
    purge->host_uid = workspace.host_uid;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int files_write(struct txn *txn, void *ctx)
{
    struct purge *purge = ctx;
    const struct sessions_over_one *one = purge->one;
    int r = sessions_over_check(txn, one);
    r = r < 0 ? r : host_read(txn, purge);
    r = r < 0 ? r : files_purge(txn, &one->scope, one->id, &purge->more);
    if (r == 0 && !purge->more) {
        r = conversations_purge_session(txn, &one->scope, one->id, &purge->more);
    }
    return r;
}

static int record_write(struct txn *txn, void *ctx)
{
    return sessions_forget(txn, ctx);
}

static struct store_op op_large(void)
{
    struct store_op op = store_op_new();
    op.reserve = true; /* it makes room */
    op.bytes = (size_t)FILES_PURGE * 500;
    return op;
}

/* What is left of a session whose files are gone. */
static int end(const struct purging *all, const struct purge *purge)
{
    struct sessions_over_one one = *purge->one;
    int r = all->disks ? all->disks->remove(all->disks->ctx, one.id, purge->host_uid) : 0;
    if (r < 0) {
        log_warn("lifecycle",
                 "the disk of session " STR_FMT ", which is gone, is removed later: %s",
                 STR_ARG(one.id), err_name(r));
        return 0;
    }
    struct store_op op = op_large();
    r = store_write(all->store, &op, record_write, &one);
    if (r == 0) {
        log_info("lifecycle", "session " STR_FMT " was deleted %d days ago and is gone now",
                 STR_ARG(one.id), SESSIONS_RESTORE_DAYS);
    }
    return r == ERR_STALE ? 0 : r;
}

/* All of one session, unless the time is over: then *ret_more. */
static int purge_one(const struct purging *all, const struct sessions_over_one *one, bool *ret_more)
{
    struct purge purge = {.one = one, .more = true};
    while (purge.more) {
        struct store_op op = op_large();
        int r = store_write(all->store, &op, files_write, &purge);
        if (r < 0) {
            return r == ERR_STALE ? 0 : r;
        }
        if (purge.more && time_monotonic() >= all->deadline) {
            *ret_more = true;
            return 0;
        }
    }
    return end(all, &purge);
}

int lifecycle_purge(struct store *store, const struct lifecycle_disks *disks, usec_t deadline,
                    bool *ret_more)
{
    const struct purging all = {store, disks, deadline};
    ARENA_AUTO(arena);
    struct over over = {.arena = &arena};
    bool more = false;
    int damage = 0;
    int r;
    do {
        over.cursor = over.page.next;
        r = store_read(store, over_read, &over);
        for (size_t i = 0; r == 0 && i < over.page.n && !more; i++) {
            r = purge_one(&all, &over.page.at[i], &more);
            if (data_unreadable(r)) { /* as of accounts */
                damage = log_err(r, "lifecycle",
                                 "the deleted session " STR_FMT " stays: its data cannot be read",
                                 STR_ARG(over.page.at[i].id));
                r = 0;
            }
            more = more || (i + 1 < over.page.n && time_monotonic() >= deadline);
        }
    } while (r == 0 && !more && over.page.next.n > 0);
    if (r == 0) {
        *ret_more = more;
    }
    return r < 0 ? r : damage;
}
