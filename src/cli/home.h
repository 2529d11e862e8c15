#ifndef CLI_HOME_H
#define CLI_HOME_H

#include "cli/cli_int.h"

/* Is the command one of the home's? And what is asked of a place in a session or in it (run->client is there). */
bool cli_is_home(const struct cli_run *run);
int cli_tree_list(struct cli_run *run, const struct cli_place *place, struct cli_files_list_in *in,
                  struct cli_reply *ret_reply) BASE_MUST_USE;
int cli_tree_get(struct cli_run *run, const struct cli_place *place, int64_t version,
                 struct cli_content *content) BASE_MUST_USE; /* version 0: the current one */
int cli_tree_history(struct cli_run *run, const struct cli_place *place, struct str cursor,
                     struct cli_reply *ret_reply) BASE_MUST_USE;
int cli_tree_restore(struct cli_run *run, const struct cli_place *place, int64_t version,
                     struct cli_reply *ret_reply) BASE_MUST_USE;
int cli_tree_changes(struct cli_run *run, const struct cli_place *place,
                     struct cli_files_changes_in *in, struct cli_reply *ret_reply) BASE_MUST_USE;

#endif
