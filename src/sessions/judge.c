/* What the checker asks of what sessions/ keeps: who it is of, and that a session and its workspace are each other's. */
#include "data/check.h"
#include "sessions/sessions_int.h"

static int judge_session(const struct data_found *found, const struct data_session *session,
                         const char **ret_fault)
{
    struct data_workspace workspace;
    int r = data_workspace_get(found->txn, found->scope, session->workspace_id, &workspace);
    if (r == ERR_NOT_FOUND || (r == 0 && !str_eq(workspace.session_id, session->id))) {
        *ret_fault = "the session has no workspace of its own";
        return 0;
    }
    return r < 0 ? r : data_judge_person(found, session->user_id, ret_fault);
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

/* {session}/{person}; data/ asks for the session. */
static int judge_desk(const struct data_found *found, const char **ret_fault)
{
    struct str person = found->rest;
    struct str session = STR_EMPTY;
    if (!str_split(&person, '/', &session) || found->value.n > SESSIONS_DESK_MAX) {
        *ret_fault = "the desk is not well-formed";
        return 0;
    }
    return data_judge_person(found, person, ret_fault);
}

int sessions_judge(const struct data_found *found, const char **ret_fault)
{
    int r = 0;
    if (found->type == &data_session_type) {
        r = judge_session(found, found->record, ret_fault);
    } else if (found->type == &data_workspace_type) {
        r = judge_workspace(found, found->record, ret_fault);
    } else if (found->type == &data_project_type) {
        const struct data_project *project = found->record;
        r = data_judge_person(found, project->user_id, ret_fault);
    } else if (found->type == &data_link_type) {
        const struct data_link *link = found->record;
        r = data_judge_person(found, link->user_id, ret_fault);
    } else if (found->space == DATA_SPACE_DESK) {
        r = judge_desk(found, ret_fault);
    }
    return data_unreadable(r) ? 0 : r; /* a record that cannot be read is said itself */
}
