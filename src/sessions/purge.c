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
        over = is_over(places[i].record, now);
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
