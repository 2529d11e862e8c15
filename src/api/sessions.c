/* Sessions: /sessions and what is done with one. */
#include "sessions/sessions.h"
#include "api/api_int.h"
#include "api/files_api_int.h"
#include "base/space.h"
#include "files/files.h"
#include "gateway/gateway.h"
#include "lifecycle/lifecycle.h"
#include "settings/settings.h"

struct str api_ide_url(const struct api_call *call, const struct sessions_view *view)
{
    bool wanted = view->workspace.desired == DATA_WORKSPACE_DESIRED_RUNNING;
    if (call->api->gateway == NULL || !wanted || view->session.deleted) {
        return STR_EMPTY;
    }
    return gateway_ide_url(call->api->gateway, call->req->arena, call->req->host, view->session.id);
}

/* Shown when somebody is there to answer. */
static void write_session(const struct api_call *call, struct reply_session reply,
                          const struct sessions_view *view)
{
    bool runs = view->workspace.state == DATA_WORKSPACE_STATE_RUNNING;
    sessions_write(reply, view, runs ? api_ide_url(call, view) : STR_EMPTY);
}

static int answer(struct api_call *call, int status, const struct sessions_view *view)
{
    api_etag(call, (uint64_t)view->session.revision);
    write_session(call, reply_session_begin(api_begin(call, status)), view);
    return api_end(call);
}

static int answer_new(struct api_call *call, int status, const struct sessions_view *view)
{
    http_set(
        call->res, "Location",
        arena_printf(call->req->arena, "/api/v5/sessions/" STR_FMT, STR_ARG(view->session.id)));
    return answer(call, status, view);
}

int api_sessions_create(struct api_call *call, const struct api_sessions_create_in *in)
{
    struct sessions_view view;
    struct sessions_create_input input = {.name = in->name,
                                          .project_id = in->project_id,
                                          .git_url = in->git_url,
                                          .git_branch = in->git_branch,
                                          .plain_http = call->api->git_plain_http};
    int r = sessions_create(&call->data, &input, &view);
    return r < 0 ? r : answer_new(call, 201, &view);
}

/* The document's words are in the order of the domain's. */
static enum sessions_sort sort_of(int word)
{
    _Static_assert((int)API_SESSIONS_LIST_SORT_ACTIVITY == SESSIONS_BY_ACTIVITY &&
                       (int)API_SESSIONS_LIST_SORT_CREATED == SESSIONS_BY_CREATED &&
                       (int)API_SESSIONS_LIST_SORT_NAME == SESSIONS_BY_NAME,
                   "orders are in one order");
    return (enum sessions_sort)word;
}

int api_sessions_list(struct api_call *call, const struct api_sessions_list_in *in)
{
    struct sessions_page page;
    struct sessions_list_input input = {.limit = (size_t)in->limit,
                                        .cursor = in->cursor,
                                        .deleted = in->deleted,
                                        .project_id = in->project_id,
                                        .words = in->q,
                                        .sort = sort_of(in->sort),
                                        .reverse = in->reverse};
    int r = sessions_list(&call->data, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        write_session(call, reply_session_begin(w), &page.at[i]);
    }
    return api_end_list(call, page.next, page.total);
}

int api_sessions_get(struct api_call *call, const struct api_sessions_get_in *in)
{
    struct sessions_view view;
    int r = sessions_get(&call->data, in->session_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}

int api_sessions_update(struct api_call *call, const struct api_sessions_update_in *in)
{
    struct sessions_view view;
    struct sessions_update_input update = {.rename = in->has_name,
                                           .name = in->name,
                                           .move = in->has_project_id,
                                           .project_id = in->project_id};
    int r = api_if_match(call, in->if_match, &update.revision);
    if (r == 0) {
        r = sessions_update(&call->data, in->session_id, &update, &view);
    }
    return r < 0 ? r : answer(call, 200, &view);
}

int api_sessions_delete(struct api_call *call, const struct api_sessions_delete_in *in)
{
    struct sessions_view view;
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r == 0) {
        r = sessions_delete(&call->data, in->session_id, revision, &view);
    }
    return r < 0 ? r : answer(call, 200, &view);
}

/* On a disk that is almost full what runs already may be opened, nothing else: ERR_DISK_LOW. */
static int may_start(struct api_call *call, struct str session)
{
    if (space_level(call->api->space) == SPACE_AMPLE) {
        return 0;
    }
    struct sessions_view view;
    int r = sessions_get(&call->data, session, &view);
    bool wanted = r == 0 && view.workspace.desired == DATA_WORKSPACE_DESIRED_RUNNING;
    return r < 0 || wanted ? r : ERR_DISK_LOW;
}

static int explain_barrier(struct api_call *call, const struct data_workspace *workspace, int r)
{
    if (r == ERR_CONFLICT) {
        return data_fault(&call->data, ERR_CONFLICT, NULL,
                          "The store refuses what the workspace has written, for want of room as a "
                          "rule: its IDE says why. Make room, or name a moment of the history.");
    }
    if (r == ERR_UNAVAILABLE && !sessions_comes(workspace)) {
        return data_fault(
            &call->data, ERR_CONFLICT, NULL,
            "The workspace ended before all that it had written was in the store. Open "
            "the session, so that the rest is stored, or name a moment of the history.");
    }
    return r == 0 ? 0
                  : data_fault(
                        &call->data, ERR_BUSY, NULL,
                        "The workspace does not say that all it has written is in the store, so "
                        "the latest may be missing. Try again, or name a moment of the history.");
}

/*
 * What is made of a session as it is now begins with what its workspace has written by now, which nobody else knows. One that has
 * ended has said whether it is stored.
 */
int api_barrier(struct api_call *call, const struct sessions_view *view)
{
    if (view->session.deleted || call->api->gateway == NULL) {
        return 0;
    }
    int r = api_wait_begin(call);
    if (r < 0) {
        return r;
    }
    r = gateway_barrier(call->api->gateway, call->req->arena, view->session.id);
    api_wait_end(call);
    api_lasts(call);
    int still = api_still(call);
    return still < 0 ? still : explain_barrier(call, &view->workspace, r);
}

/* What is refused, or made already, neither waits for its workspace nor for a walk of its tree. A moment that is past needs no barrier. */
static int before_fork(struct api_call *call, const struct sessions_fork_input *in, bool *ret_made)
{
    struct sessions_view view;
    int r = sessions_fork_may(&call->data, in, ret_made);
    if (r < 0 || *ret_made || in->at > 0) {
        return r;
    }
    r = sessions_get(&call->data, in->id, &view);
    return r < 0 ? r : api_barrier(call, &view);
}

/* What the moment held, where that counts. One that is still to come is refused, or has come when it is asked: then as too large. */
static int fork_size(struct api_call *call, struct sessions_fork_input *in)
{
    const struct data_quota *quota = call->data.quota;
    bool counts = quota && quota->tenant > 0;
    int r = counts ? files_bytes_at(&call->data, in->id, in->at, &in->bytes) : 0;
    in->bytes = r == ERR_NOT_FOUND ? INT64_MAX : in->bytes;
    return r == ERR_NOT_FOUND ? 0 : r;
}

int api_sessions_fork(struct api_call *call, const struct api_sessions_fork_in *in)
{
    if (space_level(call->api->space) != SPACE_AMPLE) {
        return ERR_DISK_LOW;
    }
    struct sessions_view view;
    struct sessions_fork_input input = {.id = in->session_id, .name = in->name};
    bool made = false;
    int r = in->at > 0 ? files_moment(&call->data, in->session_id, (uint64_t)in->at, &input.at) : 0;
    r = r < 0 ? r : before_fork(call, &input, &made);
    if (r == 0 && !made && in->at == 0) {
        r = api_now_is_whole(call, in->session_id);
        r = r < 0 ? r : files_moment(&call->data, in->session_id, 0, &input.at);
    }
    if (r == 0 && !made) {
        r = fork_size(call, &input);
    }
    if (r == 0) {
        r = sessions_fork(&call->data, &input, &view);
    }
    if (r == 0 && in->at > 0 && !made) { /* of one made before, what it was then is not known */
        api_moment(call, input.at);
    }
    return r < 0 ? r : answer_new(call, 202, &view);
}

/* How many may run is the tenant's to say. */
static int own_limit(struct api_call *call)
{
    struct data_quota *quota = ARENA_NEW(call->req->arena, struct data_quota);
    int64_t most;
    int r = settings_number(&call->data, SETTING_WORKSPACES_RUNNING, &most);
    if (r < 0) {
        return r;
    }
    *quota = *call->data.quota;
    quota->own_running = (uint64_t)most;
    call->data.quota = quota;
    return 0;
}

int api_sessions_open(struct api_call *call, const struct api_sessions_open_in *in)
{
    struct sessions_view view;
    int r = may_start(call, in->session_id);
    if (r < 0) {
        return r;
    }
    r = own_limit(call);
    if (r == 0) {
        r = sessions_open(&call->data, in->session_id, &view);
    }
    return r < 0 ? r : answer(call, 202, &view);
}

static void write_related(const struct api_call *call, struct json_writer *w,
                          const struct lifecycle_relation *one)
{
    static const char *const words[LIFECYCLE_REASONS] = {
        "fork_of", "fork", "same_origin", "project", "name", "repository", "files"};
    struct reply_related reply = reply_related_begin(w);
    reply_related_score(&reply, one->score);
    reply_related_reasons(&reply);
    for (unsigned reason = 0; reason < LIFECYCLE_REASONS; reason++) {
        if (one->reasons & 1u << reason) {
            reply_related_reasons_item(&reply, words[reason]);
        }
    }
    reply_related_reasons_end(&reply);
    reply_related_shared_files(&reply, one->shared);
    write_session(call, reply_related_session(&reply), &one->view);
    reply_related_end(&reply);
}

int api_sessions_related(struct api_call *call, const struct api_sessions_related_in *in)
{
    struct lifecycle_related related;
    int r = lifecycle_related(&call->data, in->session_id, &related);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < related.n && i < (size_t)in->limit; i++) {
        write_related(call, w, &related.at[i]);
    }
    return api_end(call);
}

int api_sessions_pause(struct api_call *call, const struct api_sessions_pause_in *in)
{
    struct sessions_view view;
    int r = sessions_pause(&call->data, in->session_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}

int api_sessions_clone(struct api_call *call, const struct api_sessions_clone_in *in)
{
    struct sessions_view view;
    int r = sessions_clone(&call->data, in->session_id, &view);
    return r < 0 ? r : answer(call, 202, &view);
}

int api_sessions_restore(struct api_call *call, const struct api_sessions_restore_in *in)
{
    struct sessions_view view;
    int r = sessions_restore(&call->data, in->session_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}
