/*
 * The tenant: its members, its invitations, and what owners and admins may do with others' sessions: /tenant/….
 *
 * 1. An invitation's token is in the reply that makes it and nowhere else; in its link it stands behind '#', which browsers do not
 *    send to servers, so that it gets into no log.
 */
#include "api/api_int.h"
#include "lifecycle/lifecycle.h"
#include "sessions/sessions.h"

/* The document's words are in the order of spec/records.yaml, which counts from 1. */
static enum data_role role_of(int word)
{
    _Static_assert((int)API_TENANT_MEMBER_UPDATE_ROLE_OWNER + 1 == (int)DATA_ROLE_OWNER &&
                       (int)API_TENANT_MEMBER_UPDATE_ROLE_VIEWER + 1 == (int)DATA_ROLE_VIEWER &&
                       (int)API_TENANT_INVITATION_CREATE_ROLE_OWNER + 1 == (int)DATA_ROLE_OWNER,
                   "roles are in one order");
    return (enum data_role)(word + 1);
}

/* A limit of 0 is none. */
static void write_used(struct reply_used reply, uint64_t used, uint64_t limit)
{
    reply_used_used(&reply, (int64_t)used);
    if (limit > 0) {
        reply_used_limit(&reply, (int64_t)limit);
    }
    reply_used_end(&reply);
}

static void write_usage(struct reply_tenant_usage reply, const struct lifecycle_usage *usage,
                        const struct data_quota *quota)
{
    write_used(reply_tenant_usage_members(&reply), usage->members, quota->members);
    write_used(reply_tenant_usage_sessions(&reply), usage->sessions, quota->sessions);
    write_used(reply_tenant_usage_running(&reply), usage->running, quota->running);
    write_used(reply_tenant_usage_bytes(&reply), usage->bytes, quota->tenant);
    if (usage->held.whole) {
        write_used(reply_tenant_usage_stored(&reply), usage->held.bytes, quota->stored);
    }
    reply_tenant_usage_end(&reply);
}

/* What is counted for no tenant as a whole. */
static void write_limits(struct reply_tenant_limits reply, const struct api_call *call)
{
    const struct data_quota *quota = call->data.quota;
    struct data_quota rates = *quota;
    api_requests(call->api, &rates);
    reply_tenant_limits_requests_per_minute(&reply, (int64_t)rates.requests);
    reply_tenant_limits_file_requests_per_minute(&reply, (int64_t)rates.file_requests);
    reply_tenant_limits_socket_requests_per_minute(&reply, (int64_t)rates.socket_requests);
    if (quota->session > 0) {
        reply_tenant_limits_session_bytes(&reply, (int64_t)quota->session);
    }
    if (quota->home > 0) {
        reply_tenant_limits_home_bytes(&reply, (int64_t)quota->home);
    }
    reply_tenant_limits_end(&reply);
}

static int answer_tenant(struct api_call *call, const struct data_tenant *tenant,
                         const struct lifecycle_usage *usage)
{
    api_etag(call, (uint64_t)tenant->revision);
    struct reply_tenant reply = reply_tenant_begin(api_begin(call, 200));
    reply_tenant_record(&reply, tenant);
    write_usage(reply_tenant_usage(&reply), usage, call->data.quota);
    write_limits(reply_tenant_limits(&reply), call);
    reply_tenant_end(&reply);
    return api_end(call);
}

int api_tenant_get(struct api_call *call)
{
    struct data_tenant tenant;
    struct lifecycle_usage usage;
    int r = lifecycle_usage(&call->data, &usage);
    if (r == 0) {
        r = auth_tenant_get(&call->data, &tenant);
    }
    return r < 0 ? r : answer_tenant(call, &tenant, &usage);
}

int api_tenant_put(struct api_call *call, const struct api_tenant_put_in *in)
{
    struct data_tenant tenant;
    struct auth_tenant_update update = {.name = in->name};
    struct lifecycle_usage usage = {.members = 0};
    int r = api_if_match(call, in->if_match, &update.revision);
    if (r == 0) {
        r = lifecycle_usage(&call->data, &usage); /* first: behind the change nothing may fail */
    }
    if (r == 0) {
        r = auth_tenant_put(&call->data, &update, &tenant);
    }
    return r < 0 ? r : answer_tenant(call, &tenant, &usage);
}

/* ---- Members ---- */

static int answer_member(struct api_call *call, const struct data_user *user)
{
    api_etag(call, (uint64_t)user->revision);
    reply_member_whole(api_begin(call, 200), user);
    return api_end(call);
}

int api_tenant_transfer(struct api_call *call, const struct api_tenant_transfer_in *in)
{
    struct data_user owner;
    int r = auth_tenant_transfer(&call->data, in->user_id, &owner);
    return r < 0 ? r : answer_member(call, &owner);
}

/* The document's words are in the order of the domain's. */
static enum auth_members_sort sort_of(int word)
{
    _Static_assert((int)API_TENANT_MEMBERS_LIST_SORT_CREATED == AUTH_MEMBERS_BY_CREATED &&
                       (int)API_TENANT_MEMBERS_LIST_SORT_NAME == AUTH_MEMBERS_BY_NAME &&
                       (int)API_TENANT_MEMBERS_LIST_SORT_EMAIL == AUTH_MEMBERS_BY_EMAIL,
                   "orders are in one order");
    return (enum auth_members_sort)word;
}

int api_tenant_members_list(struct api_call *call, const struct api_tenant_members_list_in *in)
{
    struct auth_members members;
    int r = auth_members_list(&call->data,
                              &(struct auth_members_input){.limit = (size_t)in->limit,
                                                           .cursor = in->cursor,
                                                           .words = in->q,
                                                           .sort = sort_of((int)in->sort),
                                                           .former = in->former,
                                                           .reverse = in->reverse},
                              &members);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < members.n; i++) {
        reply_member_whole(w, &members.at[i]);
    }
    return api_end_list(call, members.next, members.total);
}

int api_tenant_member_get(struct api_call *call, const struct api_tenant_member_get_in *in)
{
    struct data_user user;
    int r = auth_member_get(&call->data, in->user_id, &user);
    if (r == 0 && api_not_modified(call, (uint64_t)user.revision, in->if_none_match)) {
        return 0;
    }
    return r < 0 ? r : answer_member(call, &user);
}

int api_tenant_member_update(struct api_call *call, const struct api_tenant_member_update_in *in)
{
    struct data_user user;
    struct auth_member_change change = {.user_id = in->user_id, .role = role_of(in->role)};
    int r = api_if_match(call, in->if_match, &change.revision);
    if (r < 0) {
        return r;
    }
    r = lifecycle_member_put(&call->data, &change, &user);
    return r < 0 ? r : answer_member(call, &user);
}

int api_tenant_member_remove(struct api_call *call, const struct api_tenant_member_remove_in *in)
{
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r == 0) {
        r = lifecycle_member_remove(&call->data, in->user_id, revision);
    }
    return r < 0 ? r : api_done(call);
}

/* ---- Invitations ---- */

/* The document's words are in the order of the domain's. */
static enum auth_invitations_sort invitations_sort_of(int word)
{
    _Static_assert((int)API_TENANT_INVITATIONS_LIST_SORT_CREATED == AUTH_INVITATIONS_BY_CREATED &&
                       (int)API_TENANT_INVITATIONS_LIST_SORT_EMAIL == AUTH_INVITATIONS_BY_EMAIL,
                   "orders are in one order");
    return (enum auth_invitations_sort)word;
}

int api_tenant_invitations_list(struct api_call *call,
                                const struct api_tenant_invitations_list_in *in)
{
    struct auth_invitations invitations;
    int r = auth_invitations_list(
        &call->data,
        &(struct auth_invitations_input){.limit = (size_t)in->limit,
                                         .cursor = in->cursor,
                                         .words = in->q,
                                         .sort = invitations_sort_of((int)in->sort),
                                         .reverse = in->reverse},
        &invitations);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < invitations.n; i++) {
        reply_invitation_whole(w, &invitations.at[i]);
    }
    return api_end_list(call, invitations.next, invitations.total);
}

struct str api_link(const struct api_call *call, const char *page, struct str token)
{
    struct str url = call->api->origin.public_url;
    struct arena *arena = call->req->arena;
    if (url.n == 0) {
        url = arena_printf(arena, "http://" STR_FMT, STR_ARG(call->req->host));
    }
    return arena_printf(arena, STR_FMT "/%s=" STR_FMT, STR_ARG(url), page, STR_ARG(token));
}

int api_tenant_invitation_create(struct api_call *call,
                                 const struct api_tenant_invitation_create_in *in)
{
    struct data_invitation invitation;
    struct str token;
    if (auth_registration_mode(call->api->auth) == AUTH_REGISTRATION_CLOSED) {
        return data_fault(&call->data, ERR_FORBIDDEN, NULL, "Registration is closed here.");
    }
    int r = auth_invitation_create(&call->data,
                                   &(struct auth_invitation_input){.email = in->email,
                                                                   .role = role_of(in->role),
                                                                   .user_id = in->user_id},
                                   &invitation, &token);
    if (r < 0) {
        return r;
    }
    struct reply_invitation_made made = reply_invitation_made_begin(api_begin(call, 201));
    reply_invitation_made_record(&made, &invitation);
    reply_invitation_made_token(&made, token);
    reply_invitation_made_url(&made, api_link(call, "register#invitation", token));
    reply_invitation_made_end(&made);
    return api_end(call);
}

int api_tenant_invitation_delete(struct api_call *call,
                                 const struct api_tenant_invitation_delete_in *in)
{
    int r = auth_invitation_end(&call->data, in->invitation_id);
    return r < 0 ? r : api_done(call);
}

/* ---- Others' sessions ---- */

/* The IDE is for who has the session: no address of it. */
static int answer_session(struct api_call *call, const struct sessions_view *view)
{
    api_etag(call, (uint64_t)view->session.revision);
    sessions_write(reply_session_begin(api_begin(call, 200)), view, STR_EMPTY);
    return api_end(call);
}

/* The document's words are in the order of the domain's. */
static enum sessions_sort sessions_sort_of(int word)
{
    _Static_assert((int)API_TENANT_SESSIONS_LIST_SORT_ACTIVITY == SESSIONS_BY_ACTIVITY &&
                       (int)API_TENANT_SESSIONS_LIST_SORT_CREATED == SESSIONS_BY_CREATED &&
                       (int)API_TENANT_SESSIONS_LIST_SORT_NAME == SESSIONS_BY_NAME,
                   "orders are in one order");
    return (enum sessions_sort)word;
}

int api_tenant_sessions_list(struct api_call *call, const struct api_tenant_sessions_list_in *in)
{
    struct sessions_page page;
    struct sessions_list_input input = {.limit = (size_t)in->limit,
                                        .cursor = in->cursor,
                                        .deleted = in->deleted,
                                        .words = in->q,
                                        .sort = sessions_sort_of((int)in->sort),
                                        .reverse = in->reverse};
    int r = sessions_tenant_list(&call->data, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        sessions_write(reply_session_begin(w), &page.at[i], STR_EMPTY);
    }
    return api_end_list(call, page.next, page.total);
}

int api_tenant_session_delete(struct api_call *call, const struct api_tenant_session_delete_in *in)
{
    struct sessions_view view;
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r < 0) {
        return r;
    }
    r = sessions_tenant_delete(&call->data, in->session_id, revision, &view);
    return r < 0 ? r : answer_session(call, &view);
}

int api_tenant_session_restore(struct api_call *call,
                               const struct api_tenant_session_restore_in *in)
{
    struct sessions_view view;
    int r = sessions_tenant_restore(&call->data, in->session_id, &view);
    return r < 0 ? r : answer_session(call, &view);
}
