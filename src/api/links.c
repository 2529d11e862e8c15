/*
 * Links to sessions: made, listed and ended below /sessions/{id}/links; what whoever has one may read, below /shared.
 *
 * 1. The token is in the reply that makes it and nowhere else, in its address behind '#', and comes back in a header: neither a
 *    proxy's log nor ours, nor a Referer, has it.
 * 2. Below /shared no address, query or body names a session: it is the link's, whatever is asked.
 * 3. The past stays closed: a link shows the files of now, or those of its one moment. What somebody deleted is not shown by a
 *    link to the session.
 * 4. A link that is ended opens nothing from then on, and ends what is being sent by it within seconds (still.c).
 */
#include "api/api_int.h"
#include "api/files_api_int.h"
#include "sessions/sessions.h"
#include "settings/settings.h"

/* ---- For who has the session ---- */

/*
 * Whether the link's moment is not kept any more, so that it opens nothing. Of a past that grows old fewer moments are kept, and
 * each other one is taken for a later one (files/thin.c), with what was written in between.
 */
static int is_moment_gone(struct api_call *call, const struct data_link *link, bool *ret_gone)
{
    uint64_t wanted = (uint64_t)link->at;
    uint64_t at = wanted;
    int r = wanted > 0 ? files_moment(&call->data, link->session_id, wanted, &at) : 0;
    *ret_gone = r == 0 && at != wanted;
    return r;
}

static int write_link(struct api_call *call, const struct data_link *link, struct json_writer *w)
{
    bool gone = false;
    int r = is_moment_gone(call, link, &gone);
    if (r == ERR_CONFLICT) { /* it lies in a return to a moment that is in hand: not yet */
        r = 0;
    }
    if (r < 0) {
        return r;
    }
    struct reply_link reply = reply_link_begin(w);
    reply_link_record(&reply, link);
    if (gone) {
        reply_link_moment_gone(&reply, true);
    }
    reply_link_end(&reply);
    return 0;
}

int api_session_links_list(struct api_call *call, const struct api_session_links_list_in *in)
{
    struct sessions_links links;
    int r = sessions_links_list(&call->data, in->session_id, &links);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; r == 0 && i < links.n; i++) {
        r = write_link(call, &links.at[i], w);
    }
    if (r < 0) {
        return r;
    }
    return api_end_list(call, STR_EMPTY, (int64_t)links.n);
}

static int may_share(struct api_call *call)
{
    bool allowed = false;
    int r = settings_boolean(&call->data, SETTING_SHARING_LINKS, &allowed);
    if (r < 0 || allowed) {
        return r;
    }
    call->problem.message = STR("Your organization does not allow links to sessions.");
    return ERR_FORBIDDEN;
}

/* The moment that is meant, and when it was: the time of the last change in it that is still told; 0: none is. */
static int find_moment(struct api_call *call, uint64_t at, struct sessions_link_input *input)
{
    struct files_log log;
    int r = files_moment(&call->data, input->session_id, at, &input->at);
    if (r == 0) {
        struct files_log_input in = {
            .session = input->session_id, .before = input->at + 1, .limit = 1};
        r = files_log(&call->data, &in, &log);
    }
    if (r == 0) {
        input->moment = log.count > 0 ? log.events[0].at : 0;
    }
    return r;
}

int api_session_link_create(struct api_call *call, const struct api_session_link_create_in *in)
{
    struct sessions_link_input input = {
        .session_id = in->session_id, .name = in->name, .days = in->expires_in_days};
    struct data_link link;
    struct str token;
    int r = may_share(call);
    if (r == 0 && in->has_at) {
        r = find_moment(call, (uint64_t)in->at, &input);
    }
    if (r == 0) {
        r = sessions_link_create(&call->data, &input, &link, &token);
    }
    if (r < 0) {
        return r;
    }
    struct reply_new_link made = reply_new_link_begin(api_begin(call, 201));
    reply_new_link_token(&made, token);
    reply_new_link_url(&made, api_link(call, "shared#token", token));
    reply_new_link_link_whole(&made, &link);
    reply_new_link_end(&made);
    return api_end(call);
}

int api_session_link_delete(struct api_call *call, const struct api_session_link_delete_in *in)
{
    int r = sessions_link_end(&call->data, in->session_id, in->link_id);
    return r < 0 ? r : api_done(call);
}

/* ---- For whoever has the link ---- */

int api_link_enter(struct api_call *call, struct str token)
{
    struct sessions_shared *shared = ARENA_NEW(call->req->arena, struct sessions_shared);
    bool allowed = false;
    int r = sessions_link_enter(&call->data, token, shared);
    if (r == 0) {
        r = settings_boolean(&call->data, SETTING_SHARING_LINKS, &allowed);
    }
    if (r < 0 || !allowed) {
        return r < 0 ? r : ERR_UNAUTHENTICATED;
    }
    call->shared = shared;
    http_set(call->res, "X-Robots-Tag", STR("noindex"));
    return 0;
}

/*
 * The moment that the link shows; 0: the files as they are. ERR_NOT_FOUND when it is gone, and why: who has the link knows already
 * that there is one.
 */
static int moment_of(struct api_call *call, uint64_t *ret_at)
{
    const struct data_link *link = &call->shared->link;
    bool gone = false;
    int r = is_moment_gone(call, link, &gone);
    if (r == 0 && gone) {
        call->problem.message = STR("The moment that this link shows is not kept any more.");
        return ERR_NOT_FOUND;
    }
    *ret_at = (uint64_t)link->at;
    return r;
}

int api_shared_stands(struct api_call *call)
{
    uint64_t at;
    return call->shared ? moment_of(call, &at) : 0;
}

int api_link_still(struct api_call *call)
{
    bool allowed = false;
    ARENA_AUTO(arena); /* it may be asked for hours */
    struct data_context data = call->data;
    data.arena = &arena;
    int r = sessions_link_stands(&data, call->shared);
    r = r < 0 ? r : settings_boolean(&data, SETTING_SHARING_LINKS, &allowed);
    return r < 0 || allowed ? r : ERR_UNAUTHENTICATED;
}

int api_shared_get(struct api_call *call)
{
    const struct sessions_shared *shared = call->shared;
    uint64_t at;
    int r = moment_of(call, &at);
    if (r < 0) {
        return r;
    }
    struct reply_shared reply = reply_shared_begin(api_begin(call, 200));
    reply_shared_name(&reply, shared->session.name);
    if (shared->link.at > 0) {
        reply_shared_at(&reply, shared->link.at);
    }
    if (shared->link.moment_at > 0) {
        reply_shared_moment_at(&reply, shared->link.moment_at);
    }
    reply_shared_expires_at(&reply, shared->link.expires_at);
    reply_shared_end(&reply);
    return api_end(call);
}

int api_shared_files_list(struct api_call *call, const struct api_shared_files_list_in *in)
{
    struct files_list_input input = {
        .session = call->shared->session.id,
        .path = in->path,
        .limit = (size_t)in->limit,
        .recursive = in->recursive,
    };
    int r = moment_of(call, &input.at);
    return r < 0 ? r : api_answer_list(call, &input, in->cursor);
}

int api_shared_files_get(struct api_call *call, const struct api_shared_files_get_in *in)
{
    struct files_open_input open = {
        .session = call->shared->session.id,
        .path = in->path,
    };
    int r = moment_of(call, &open.at);
    return r < 0 ? r : api_answer_content(call, &open, in->if_none_match);
}

int api_shared_archive(struct api_call *call, const struct api_shared_archive_in *in)
{
    struct api_archive_of of = {
        .session = call->shared->session.id,
        .name = call->shared->session.name,
        .zip = in->format == API_SHARED_ARCHIVE_FORMAT_ZIP,
    };
    int r = moment_of(call, &of.at);
    return r < 0 ? r : api_answer_archive(call, &of);
}
