/* Projects: /projects. */
#include "api/api_int.h"
#include "sessions/sessions.h"

static void write_project(struct json_writer *w, const struct sessions_project *view)
{
    struct reply_project project = reply_project_begin(w);
    reply_project_record(&project, &view->project);
    reply_project_sessions(&project, (int64_t)view->sessions);
    reply_project_end(&project);
}

static int answer(struct api_call *call, int status, const struct sessions_project *view)
{
    api_etag(call, (uint64_t)view->project.revision);
    write_project(api_begin(call, status), view);
    return api_end(call);
}

/* The document's words in the domain's. */
static enum sessions_sort sort_of(int word)
{
    return word == API_PROJECTS_LIST_SORT_NAME ? SESSIONS_BY_NAME : SESSIONS_BY_CREATED;
}

int api_projects_list(struct api_call *call, const struct api_projects_list_in *in)
{
    struct sessions_projects page;
    struct sessions_projects_input input = {.limit = (size_t)in->limit,
                                            .cursor = in->cursor,
                                            .words = in->q,
                                            .sort = sort_of(in->sort),
                                            .reverse = in->reverse};
    int r = sessions_projects_list(&call->data, &input, &page);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.n; i++) {
        write_project(w, &page.at[i]);
    }
    return api_end_list(call, page.next, page.total);
}

int api_projects_create(struct api_call *call, const struct api_projects_create_in *in)
{
    struct sessions_project view;
    int r = sessions_project_create(&call->data, in->name, &view);
    if (r < 0) {
        return r;
    }
    http_set(call->res, "Location",
             arena_printf(call->req->arena, "/api/v5/projects/" STR_FMT, STR_ARG(view.project.id)));
    return answer(call, 201, &view);
}

int api_projects_get(struct api_call *call, const struct api_projects_get_in *in)
{
    struct sessions_project view;
    int r = sessions_project_get(&call->data, in->project_id, &view);
    return r < 0 ? r : answer(call, 200, &view);
}

int api_projects_update(struct api_call *call, const struct api_projects_update_in *in)
{
    struct sessions_project view;
    struct sessions_update_input update = {.name = in->name};
    int r = api_if_match(call, in->if_match, &update.revision);
    if (r == 0) {
        r = sessions_project_rename(&call->data, in->project_id, &update, &view);
    }
    return r < 0 ? r : answer(call, 200, &view);
}

int api_projects_delete(struct api_call *call, const struct api_projects_delete_in *in)
{
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r == 0) {
        r = sessions_project_delete(&call->data, in->project_id, revision);
    }
    return r < 0 ? r : api_done(call);
}
