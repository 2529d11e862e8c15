/* What is asked of a session's files and of the home alike: which of the two calls it is, is said by the place. */
#include "cli/home.h"
#include "cli/cli_int.h"

bool cli_is_home(const struct cli_run *run)
{
    return str_starts(str_from(run->command->name), STR("home "));
}

int cli_tree_list(struct cli_run *run, const struct cli_place *place, struct cli_files_list_in *in,
                  struct cli_reply *ret_reply)
{
    if (!place->home) {
        in->session_id = place->id;
        return cli_files_list(run->client, in, NULL, ret_reply);
    }
    const struct cli_users_me_home_list_in home = {.path = in->path,
                                                   .has_path = in->has_path,
                                                   .recursive = in->recursive,
                                                   .has_recursive = in->has_recursive,
                                                   .limit = in->limit,
                                                   .has_limit = in->has_limit,
                                                   .cursor = in->cursor,
                                                   .has_cursor = in->has_cursor};
    return cli_users_me_home_list(run->client, &home, NULL, ret_reply);
}

int cli_tree_get(struct cli_run *run, const struct cli_place *place, int64_t version,
                 struct cli_content *content)
{
    struct cli_reply reply;
    if (!place->home) {
        const struct cli_files_get_in in = {.session_id = place->id,
                                            .path = place->path,
                                            .version = version,
                                            .has_version = version > 0};
        return cli_files_get(run->client, &in, content, &reply);
    }
    const struct cli_users_me_home_get_in home = {
        .path = place->path, .version = version, .has_version = version > 0};
    return cli_users_me_home_get(run->client, &home, content, &reply);
}

int cli_tree_history(struct cli_run *run, const struct cli_place *place, struct str cursor,
                     struct cli_reply *ret_reply)
{
    if (!place->home) {
        const struct cli_files_history_in in = {.session_id = place->id,
                                                .path = place->path,
                                                .cursor = cursor,
                                                .has_cursor = cursor.n > 0};
        return cli_files_history(run->client, &in, NULL, ret_reply);
    }
    const struct cli_users_me_home_history_in home = {
        .path = place->path, .cursor = cursor, .has_cursor = cursor.n > 0};
    return cli_users_me_home_history(run->client, &home, NULL, ret_reply);
}

int cli_tree_restore(struct cli_run *run, const struct cli_place *place, int64_t version,
                     struct cli_reply *ret_reply)
{
    if (!place->home) {
        const struct cli_files_restore_in in = {
            .session_id = place->id, .path = place->path, .version = version};
        return cli_files_restore(run->client, &in, NULL, ret_reply);
    }
    const struct cli_users_me_home_restore_in home = {.path = place->path, .version = version};
    return cli_users_me_home_restore(run->client, &home, NULL, ret_reply);
}

int cli_tree_changes(struct cli_run *run, const struct cli_place *place,
                     struct cli_files_changes_in *in, struct cli_reply *ret_reply)
{
    if (!place->home) {
        in->session_id = place->id;
        return cli_files_changes(run->client, in, NULL, ret_reply);
    }
    const struct cli_users_me_home_changes_in home = {.since = in->since,
                                                      .has_since = in->has_since,
                                                      .before = in->before,
                                                      .has_before = in->has_before,
                                                      .order = in->order,
                                                      .has_order = in->has_order,
                                                      .op = in->op,
                                                      .has_op = in->has_op,
                                                      .path = in->path,
                                                      .has_path = in->has_path,
                                                      .cursor = in->cursor,
                                                      .has_cursor = in->has_cursor};
    return cli_users_me_home_changes(run->client, &home, NULL, ret_reply);
}
