/* The table of commands, and what belongs to all of them. */
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
    &cli_command_login,
    &cli_command_register,
    &cli_command_logout,
    &cli_command_whoami,
    &cli_command_devices_ls,
    &cli_command_devices_rm,
    &cli_command_keys_ls,
    &cli_command_keys_new,
    &cli_command_keys_rm,
    &cli_command_sessions_ls,
    &cli_command_sessions_new,
    &cli_command_sessions_open,
    &cli_command_sessions_pause,
    &cli_command_sessions_fork,
    &cli_command_sessions_rename,
    &cli_command_sessions_rm,
    &cli_command_sessions_restore,
    &cli_command_sessions_assign,
    &cli_command_projects_ls,
    &cli_command_projects_new,
    &cli_command_projects_rename,
    &cli_command_projects_rm,
    &cli_command_files_ls,
    &cli_command_files_cat,
    &cli_command_files_get,
    &cli_command_files_put,
    &cli_command_files_rm,
    &cli_command_files_mkdir,
    &cli_command_files_mv,
    &cli_command_files_cp,
    &cli_command_files_history,
    &cli_command_files_restore,
    &cli_command_files_changes,
    &cli_command_files_rewind,
    &cli_command_cp,
    &cli_command_members_ls,
    &cli_command_members_role,
    &cli_command_members_rm,
    &cli_command_members_invite,
    &cli_command_members_invitations,
    &cli_command_members_withdraw,
    &cli_command_audit,
    &cli_command_doctor,
    &cli_command_admin_check,
    &cli_command_admin_scrub,
    &cli_command_admin_users,
    &cli_command_admin_rotate_keys,
    &cli_command_completion,
    &cli_command_manual,
    NULL,
};

/* json first: commands without it show the list from the second on. */
const struct cli_option cli_common[] = {
    {.name = "json", .text = "print JSON, as the API answers it, for machines"},
    {.name = "help", .letter = 'h', .text = "show help"},
    {.name = NULL},
};

const struct cli_topic cli_exits[] = {
    {"0", "done"},
    {"1", "failed: here or in the server, or something of cp was left out"},
    {"2", "the words are wrong, a name is ambiguous, or the server found the request invalid"},
    {"3", "not logged in, or the login has ended, or the password or its code is wrong"},
    {"4", "not found"},
    {"5", "refused: not permitted, in conflict with what is there, too large, or no space left"},
    {"6", "the server does not answer, or is busy for too long"},
    {"128+N", "ended by signal N: 130 Ctrl-C, 141 nobody reads standard output any more"},
    {.name = NULL},
};

const struct cli_topic cli_environment[] = {
    {"CODITECT_TOKEN", "an API key to come with instead of the login, for scripts and CI"},
    {"CODITECT_URL", "the server that CODITECT_TOKEN is for"},
    {"CODITECT_DATA", "the data directory that admin means, as coditectd reads it"},
    {"XDG_CONFIG_HOME", "where the folder coditect with the login lies; ~/.config when not set"},
    {"NO_COLOR", "when not empty, nothing is coloured"},
    {"HTTPS_PROXY, NO_PROXY", "by which proxy the server is reached, as libcurl reads them"},
    {"SSL_CERT_FILE", "the authorities that the server's certificate must come from"},
    {.name = NULL},
};

const struct cli_topic cli_files[] = {
    {"coditect/login.json", "server and tokens; mode 0600, refused when others can read it"},
    {"coditect/login.lock", "held while tokens are renewed, so that two runs do not do it at once"},
    {.name = NULL},
};
