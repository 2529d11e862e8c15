/*
 * One's own home: /users/me/home. It is a tree like a session's, named by the person's id, so each answer is the session's
 * (files.c, history.c, archive.c) of another tree. No address names whose home it is, and no API key opens it: keys and
 * credentials lie there.
 */
#include "api/api_int.h"
#include "api/files_api_int.h"

_Static_assert((int)API_USERS_ME_HOME_CHANGES_OP_WRITE == (int)API_FILES_CHANGES_OP_WRITE, "");
_Static_assert((int)API_USERS_ME_HOME_CHANGES_OP_DELETE == (int)API_FILES_CHANGES_OP_DELETE, "");
_Static_assert((int)API_USERS_ME_HOME_CHANGES_OP_MOVE == (int)API_FILES_CHANGES_OP_MOVE, "");
_Static_assert((int)API_USERS_ME_HOME_CHANGES_OP_RESTORE == (int)API_FILES_CHANGES_OP_RESTORE, "");

static struct str home_of(const struct api_call *call)
{
    return call->data.scope.user_id;
}

int api_users_me_home_list(struct api_call *call, const struct api_users_me_home_list_in *in)
{
    struct files_list_input input = {
        .session = home_of(call),
        .path = in->path,
        .limit = (size_t)in->limit,
        .recursive = in->recursive,
    };
    return api_answer_list(call, &input, in->cursor);
}

int api_users_me_home_get(struct api_call *call, const struct api_users_me_home_get_in *in)
{
    struct files_open_input open = {
        .session = home_of(call),
        .path = in->path,
        .version = (uint64_t)in->version,
    };
    return api_answer_content(call, &open, in->if_none_match);
}

int api_users_me_home_changes(struct api_call *call, const struct api_users_me_home_changes_in *in)
{
    struct files_log_input input = {
        .session = home_of(call),
        .path = in->path,
        .op = api_changes_op(in->has_op, in->op),
        .since = (uint64_t)in->since,
        .before = (uint64_t)in->before,
        .oldest = in->order == API_USERS_ME_HOME_CHANGES_ORDER_OLDEST,
        .limit = (size_t)in->limit,
    };
    return api_answer_changes(call, &input, in->cursor);
}

int api_users_me_home_history(struct api_call *call, const struct api_users_me_home_history_in *in)
{
    return api_answer_history(call, &(struct files_history_input){.session = home_of(call),
                                                                  .path = in->path,
                                                                  .after = in->cursor,
                                                                  .limit = (size_t)in->limit});
}

int api_users_me_home_restore(struct api_call *call, const struct api_users_me_home_restore_in *in)
{
    return api_answer_restored(call, &(struct files_restore_input){.session = home_of(call),
                                                                   .path = in->path,
                                                                   .version = (uint64_t)in->version,
                                                                   .author = api_author(call)});
}

int api_users_me_home_archive(struct api_call *call, const struct api_users_me_home_archive_in *in)
{
    return api_answer_archive(
        call, &(struct api_archive_of){.session = home_of(call),
                                       .name = STR("home"),
                                       .zip = in->format == API_USERS_ME_HOME_ARCHIVE_FORMAT_ZIP});
}
