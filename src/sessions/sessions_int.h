/* Inside sessions/: what every store function here begins and ends with. */
#ifndef SESSIONS_SESSIONS_INT_H
#define SESSIONS_SESSIONS_INT_H

#include "replies.gen.h"
#include "sessions/sessions.h"

static inline usec_t sessions_restore_life(void)
{
    return (usec_t)SESSIONS_RESTORE_DAYS * 24 * 60 * 60 * USEC_PER_SEC;
}

/* The caller's session, also a deleted one that can still be restored. ERR_NOT_FOUND. */
int sessions_own(struct txn *txn, const struct scope *scope, struct str id,
                 struct data_session *ret_session) BASE_MUST_USE;

/* Joins what belongs to view->session. ERR_CORRUPT: it has no workspace. */
int sessions_join(struct txn *txn, const struct scope *scope,
                  struct sessions_view *view) BASE_MUST_USE;

/* Into another arena, deep. */
void sessions_view_copy(struct arena *arena, struct sessions_view *view);

/* ERR_NOT_FOUND: the caller has no such project. */
int sessions_project_own(struct txn *txn, const struct scope *scope, struct str id,
                         struct data_project *ret_project) BASE_MUST_USE;

/* ERR_INVALID with the fault: id is neither empty nor a project of the caller's. */
int sessions_project_check(struct txn *txn, struct data_context *ctx, struct str id) BASE_MUST_USE;

/* ERR_LIMIT with the fault: the caller has SESSIONS_MAX_PER_USER sessions. */
int sessions_room(struct txn *txn, struct data_context *ctx) BASE_MUST_USE;

/* ERR_CONFLICT with the fault: a fork of it is in hand. */
int sessions_may_go(struct txn *txn, struct data_context *ctx,
                    const struct data_session *session) BASE_MUST_USE;

/* Writes view->session as changed now (revision, times), audits action (NULL: that was done). */
int sessions_changed(struct txn *txn, const struct data_context *ctx, struct sessions_view *view,
                     const char *action) BASE_MUST_USE;

/* Ends the links to a session, which is being deleted; audited. */
int sessions_links_end_of(struct txn *txn, const struct data_context *ctx,
                          const struct data_session *session) BASE_MUST_USE;

/* Whether a session may begin with this repository. ERR_INVALID with the fault: field git_url, git_branch. */
int sessions_source_check(struct data_context *ctx,
                          const struct sessions_create_input *in) BASE_MUST_USE;

/* Fills and ends the API's object, for a session with a source. */
void sessions_source_write(struct reply_session_source reply, const struct data_session *session);

/* Writes what is wanted of the workspace; a start raises the generation. */
int sessions_want(struct txn *txn, const struct data_context *ctx, struct data_workspace *workspace,
                  enum data_workspace_desired desired) BASE_MUST_USE;

#endif
