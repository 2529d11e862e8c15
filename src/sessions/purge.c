/*
 * The end of sessions: what was deleted longer than SESSIONS_RESTORE_DAYS ago and cannot be restored any more. Its files go
 * first (files/, ordered by lifecycle/), its record last: so a purge that was cut off is found again.
 *
 * The record of a workspace that had a user on the host stays, a few hundred bytes: it keeps that user's number from being
 * given to somebody else while a disk may still hold files of that number.
 */
#include "sessions/sessions_int.h"

static bool is_over(const struct data_session *session, usec_t now)
{
    return session->deleted && now - session->deleted_at >= sessions_restore_life();
}

int sessions_over(struct txn *txn, struct str cursor, struct sessions_over_page *ret_page)
{
    struct data_place *places;
    size_t n;
    struct data_query query = {
        .index = DATA_SESSION_BY_PURGE, .limit = DATA_MAX_LIST, .cursor = cursor};
    usec_t now = 0;
    int r = data_clock_get(txn, &now);
    r = r < 0 ? r : data_places(txn, &data_session_type, &query, &places, &n);
    if (r < 0) {
        return r;
    }
    struct sessions_over_page page = {
        .at = ARENA_ARRAY(store_arena(txn), struct sessions_over_one, n + 1)};
    bool over = true; /* in the order of their deletion */
    for (size_t i = 0; over && i < n; i++) {
        struct data_session session;
        r = data_session_get(txn, &places[i].scope, places[i].id, &session);
        if (r == ERR_NOT_FOUND || r == ERR_CORRUPT) {
            continue; /* lost or damaged: for the checker, and keeps no other from going */
        }
        if (r < 0) {
            return r;
        }
        over = is_over(&session, now);
        if (over) {
            page.at[page.n++] = (struct sessions_over_one){places[i].scope, places[i].id};
        }
    }
    page.next = over && n == DATA_MAX_LIST ? places[n - 1].cursor : STR_EMPTY;
    *ret_page = page;
    return 0;
}

static int read_over(struct txn *txn, const struct sessions_over_one *one,
                     struct data_session *ret_session, struct data_workspace *ret_workspace)
{
    struct data_session session;
    usec_t now = 0;
    int r = data_clock_get(txn, &now);
    r = r < 0 ? r : data_session_get(txn, &one->scope, one->id, &session);
    if (r < 0 || !is_over(&session, now)) {
        return r < 0 && r != ERR_NOT_FOUND ? r : ERR_STALE;
    }
    r = data_workspace_get(txn, &one->scope, session.workspace_id, ret_workspace);
    if (r == 0 && ret_workspace->attended) {
        return ERR_STALE; /* not yet seen stopped: later */
    }
    *ret_session = session;
    return r;
}

int sessions_over_check(struct txn *txn, const struct sessions_over_one *one)
{
    struct data_session session;
    struct data_workspace workspace;
    int r = read_over(txn, one, &session, &workspace);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int sessions_forget(struct txn *txn, const struct sessions_over_one *one)
{
    struct data_session session;
    struct data_workspace workspace = {.host_uid = 0};
    int r = read_over(txn, one, &session, &workspace);
    if (r == 0 && workspace.host_uid == 0) {
        r = data_workspace_delete(txn, &one->scope, session.workspace_id);
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r == 0) {
        r = data_session_delete(txn, &one->scope, one->id);
    }
    struct data_context ctx = {.scope = one->scope};
    return r < 0 ? r : data_audit(txn, &ctx, "session.purge", one->id, DATA_OUTCOME_OK);
}

/* ---- The checker ---- */

static int judge_session(const struct data_found *found, const struct data_session *session,
                         const char **ret_fault)
{
    struct data_workspace workspace;
    struct data_user user;
    int r = data_workspace_get(found->txn, found->scope, session->workspace_id, &workspace);
    if (r == ERR_NOT_FOUND || (r == 0 && !str_eq(workspace.session_id, session->id))) {
        *ret_fault = "the session has no workspace of its own";
        return 0;
    }
    r = r < 0 ? r : data_user_get(found->txn, found->scope, session->user_id, &user);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "its person does not exist";
        return 0;
    }
    return r;
}

static int judge_workspace(const struct data_found *found, const struct data_workspace *workspace,
                           const char **ret_fault)
{
    struct data_session session;
    int r = data_session_get(found->txn, found->scope, workspace->session_id, &session);
    bool stays = workspace->host_uid != 0 && !workspace->attended;
    if (r == ERR_NOT_FOUND) {
        *ret_fault = stays ? NULL : "its session does not exist";
        return 0;
    }
    return r;
}

static int judge_project(const struct data_found *found, const struct data_project *project,
                         const char **ret_fault)
{
    struct data_user user;
    int r = data_user_get(found->txn, found->scope, project->user_id, &user);
    if (r == ERR_NOT_FOUND) {
        *ret_fault = "its person does not exist";
        return 0;
    }
    return r;
}

int sessions_judge(const struct data_found *found, const char **ret_fault)
{
    int r = 0;
    if (found->type == &data_session_type) {
        r = judge_session(found, found->record, ret_fault);
    } else if (found->type == &data_workspace_type) {
        r = judge_workspace(found, found->record, ret_fault);
    } else if (found->type == &data_project_type) {
        r = judge_project(found, found->record, ret_fault);
    }
    return r == ERR_CORRUPT || r == ERR_NEWER ? 0
                                              : r; /* a record that cannot be read is said itself */
}
