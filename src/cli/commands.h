/* The rows of the table of commands; each is defined beside the function that it runs. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli_int.h"

extern const struct cli_command cli_command_login, cli_command_register, cli_command_logout,
    cli_command_whoami, cli_command_devices_ls, cli_command_devices_rm, cli_command_keys_ls,
    cli_command_keys_new, cli_command_keys_rm, cli_command_links_ls, cli_command_links_new,
    cli_command_links_rm, cli_command_sessions_ls, cli_command_sessions_new,
    cli_command_sessions_open, cli_command_sessions_pause, cli_command_sessions_fork,
    cli_command_sessions_rename, cli_command_sessions_rm, cli_command_sessions_restore,
    cli_command_files_ls, cli_command_files_cat, cli_command_files_get, cli_command_files_put,
    cli_command_files_rm, cli_command_files_mkdir, cli_command_files_mv, cli_command_files_history,
    cli_command_files_restore, cli_command_cp, cli_command_files_cp, cli_command_sessions_assign,
    cli_command_projects_ls, cli_command_projects_new, cli_command_projects_rename,
    cli_command_projects_rm, cli_command_files_changes, cli_command_files_rewind,
    cli_command_members_ls, cli_command_members_role, cli_command_members_rm,
    cli_command_members_invite, cli_command_members_invitations, cli_command_members_withdraw,
    cli_command_audit, cli_command_admin_check, cli_command_admin_scrub, cli_command_admin_users,
    cli_command_admin_audit, cli_command_admin_tenants, cli_command_admin_limits,
    cli_command_admin_rotate_keys, cli_command_admin_reset_password, cli_command_completion,
    cli_command_doctor, cli_command_manual, cli_command_settings_ls, cli_command_settings_get,
    cli_command_settings_set, cli_command_settings_reset, cli_command_admin_backup,
    cli_command_admin_backups, cli_command_admin_restore, cli_command_files_unpack,
    cli_command_sessions_clone, cli_command_home_ls, cli_command_home_cat, cli_command_home_history,
    cli_command_home_restore, cli_command_home_changes, cli_command_home_archive,
    cli_command_tenant_rename, cli_command_workspaces_ls, cli_command_workspaces_stop,
    cli_command_admin_remove_totp, cli_command_shell, cli_command_shells_ls, cli_command_shells_end,
    cli_command_members_transfer;

#endif
