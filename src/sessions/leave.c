/*
 * The sessions of somebody who deleted the account: deleted in pages, as if a week ago, and what was deleted since then likewise, so
 * that the purge, which comes to each after the days for restoring, is through within those days from the account's end. Of the
 * week four days are for duties that may come only once a day (store.collect): this one, the purge, this one again, the collector,
 * who by then spares nothing of theirs any more (store.spare is 20 days at most).
 */
#include "sessions/sessions_int.h"

enum { PAGE = 20 };

static const usec_t week = 7 * 24 * 60 * 60 * USEC_PER_SEC;

static int delete_one(struct txn *txn, struct data_context *ctx, const struct data_session *session,
                      bool *progress)
{
    struct sessions_view view = {.session = *session};
    int r = sessions_may_go(txn, ctx, session);
    if (r == ERR_CONFLICT) {
        return 0; /* a fork of it is in hand: next time */
    }
    r = r < 0 ? r : sessions_join(txn, &ctx->scope, &view);
    if (r == 0) {
        r = sessions_want(txn, ctx, &view.workspace, DATA_WORKSPACE_DESIRED_STOPPED);
    }
    if (r < 0) {
        return r;
    }
    view.session.status = DATA_SESSION_STATUS_DELETED;
    view.session.deleted = true;
    view.session.deleted_at = time_now() - week;
    *progress = true;
    r = sessions_links_end_of(txn, ctx, session); /* also one made in the moment of leaving */
    return r < 0 ? r : sessions_changed(txn, ctx, &view, "session.delete");
}

/* Whether something of theirs runs, or is not yet seen stopped: it could still write into the home. */
static int look_for_running(struct txn *txn, const struct scope *scope, bool *ret_running)
{
    struct data_workspace match = {.user_id = scope->user_id};
    struct data_workspace_list list = {0};
    bool running = false;
    do {
        struct data_query query = {.index = DATA_WORKSPACE_BY_USER,
                                   .match = &match,
                                   .fixed = 1,
                                   .limit = DATA_MAX_LIST,
                                   .cursor = list.next};
        int r = data_workspace_list(txn, scope, &query, &list);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < list.n; i++) {
            running = running || list.at[i].attended;
        }
    } while (!running && list.next.n > 0);
    *ret_running = running;
    return 0;
}

/* The next page of their sessions, behind *list; deleted: those that are. */
static int list_of(struct txn *txn, const struct scope *scope, bool deleted,
                   struct data_session_list *list)
{
    struct data_session match = {.user_id = scope->user_id, .deleted = deleted};
    struct data_query query = {.index = DATA_SESSION_BY_USER,
                               .match = &match,
                               .fixed = 2,
                               .limit = PAGE,
                               .cursor = list->next};
    return data_session_list(txn, scope, &query, list);
}

/* ---- In this order: each is asked once nothing is left for those before it ---- */

static int leave_sessions(struct txn *txn, struct data_context *ctx, enum sessions_left *ret_left)
{
    struct data_session_list list = {.next = STR_EMPTY};
    bool some = false;
    int r = list_of(txn, &ctx->scope, /* deleted= */ false, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        r = delete_one(txn, ctx, &list.at[i], &some);
    }
    if (r == 0 && list.n > 0) {
        *ret_left = some ? SESSIONS_LEFT_SOME : SESSIONS_LEFT_WAITING;
    }
    return r;
}

static int leave_running(struct txn *txn, struct data_context *ctx, enum sessions_left *ret_left)
{
    bool running = false;
    int r = look_for_running(txn, &ctx->scope, &running);
    if (r == 0 && running) {
        *ret_left = SESSIONS_LEFT_WAITING;
    }
    return r;
}

/* Those of a page that they deleted themselves, shortly before. */
static int bring_forward(struct txn *txn, const struct scope *scope,
                         const struct data_session_list *list, bool *ret_some)
{
    usec_t latest = time_now() - week;
    int r = 0;
    for (size_t i = 0; r == 0 && i < list->n; i++) {
        struct data_session session = list->at[i];
        if (session.deleted_at > latest) {
            session.deleted_at = latest;
            session.revision++;
            *ret_some = true;
            r = data_session_put(txn, scope, &session);
        }
    }
    return r;
}

static int leave_deleted(struct txn *txn, struct data_context *ctx, enum sessions_left *ret_left)
{
    struct data_session_list list = {.next = STR_EMPTY};
    bool any = false;
    bool some = false;
    int r;
    do {
        r = list_of(txn, &ctx->scope, /* deleted= */ true, &list);
        r = r < 0 ? r : bring_forward(txn, &ctx->scope, &list, &some);
        any = any || (r == 0 && list.n > 0);
    } while (r == 0 && !some && list.next.n > 0);
    if (r == 0 && any) {
        *ret_left = some ? SESSIONS_LEFT_SOME : SESSIONS_LEFT_DELETED;
    }
    return r;
}

static int leave_projects(struct txn *txn, struct data_context *ctx, enum sessions_left *ret_left)
{
    struct data_project match = {.user_id = ctx->scope.user_id};
    struct data_query query = {
        .index = DATA_PROJECT_BY_USER, .match = &match, .fixed = 1, .limit = DATA_MAX_LIST};
    struct data_project_list list;
    int r = data_project_list(txn, &ctx->scope, &query, &list);
    for (size_t i = 0; r == 0 && i < list.n; i++) {
        r = data_project_delete(txn, &ctx->scope, list.at[i].id);
    }
    if (r == 0 && list.next.n > 0) {
        *ret_left = SESSIONS_LEFT_SOME;
    }
    return r;
}

int sessions_leave_in(struct txn *txn, struct data_context *ctx, enum sessions_left *ret_left)
{
    static int (*const steps[])(struct txn *, struct data_context *, enum sessions_left *) = {
        leave_sessions, leave_running, leave_deleted, leave_projects};
    enum sessions_left left = SESSIONS_LEFT_NONE;
    int r = 0;
    for (size_t i = 0; r == 0 && left == SESSIONS_LEFT_NONE && i < sizeof steps / sizeof *steps;
         i++) {
        r = steps[i](txn, ctx, &left);
    }
    if (r == 0) {
        *ret_left = left;
    }
    return r;
}
