/* The flags that ask for something else than to serve. */
#include "coditectd/asked.h"

#include "base/args.h"

enum { ACTIONS = 12, BACKUP_ACTIONS = 8 };

static void add_backup_actions(struct coditectd_asked *asked, struct args_option *to)
{
    const struct args_option actions[BACKUP_ACTIONS] = {
        {.name = "backup",
         .value = "TO",
         .text = "write a backup into the directory or bucket TO, or to standard output (-), then "
                 "exit; a server may run",
         .given = &asked->backup},
        {.name = "backups",
         .value = "FROM",
         .text = "list the backups in a directory or bucket, oldest first, then exit",
         .given = &asked->backups},
        {.name = "verify-backup",
         .value = "FROM",
         .text = "read a backup of a directory, bucket, file or - to its end, then exit",
         .given = &asked->verify},
        {.name = "restore",
         .value = "FROM",
         .text = "make the store of an empty --data from a backup, then exit",
         .given = &asked->restore},
        {.name = "moment",
         .value = "NAME",
         .text = "of --verify-backup and --restore: the newest that is not later, 20261121-17 say",
         .given = &asked->moment},
        {.name = "past-damage",
         .text = "of --restore: all that is whole, though something is damaged; says what is lost, "
                 "and exits with 3. Of --backup: reads all of the newest first, and writes anew "
                 "what is damaged there",
         .flag = &asked->past_damage},
        {.name = "export-tenant",
         .value = "ID",
         .text = "write one tenant to standard output, then exit; a server may run",
         .given = &asked->export_tenant},
        {.name = "import-tenant",
         .text = "add an exported tenant from standard input, then exit; when no server runs",
         .flag = &asked->import_tenant},
    };
    memcpy(to, actions, sizeof actions);
}

void coditectd_asked_read(char **argv, struct coditectd_asked *asked,
                          struct coditectd_config_input *input)
{
    struct args_option options[ACTIONS + BACKUP_ACTIONS + SETTING_COUNT + 1] = {
        {.name = "config",
         .value = "FILE",
         .text = "settings to read (default " CODITECTD_CONFIG_FILE ", when there is one)",
         .given = &asked->config},
        {.name = "check-config",
         .text = "say whether the settings are right, then exit",
         .flag = &asked->check_config},
        {.name = "print-config",
         .text = "show all settings and where each comes from, then exit",
         .flag = &asked->print_config},
        {.name = "check",
         .text = "look whether all that is stored is whole, then exit; when no server runs",
         .flag = &asked->check},
        {.name = "scrub",
         .text = "read all content and compare its hashes, then exit; when no server runs",
         .flag = &asked->scrub},
        {.name = "doctor",
         .text = "say what protects this installation here, and what does not, then exit",
         .flag = &asked->doctor},
        {.name = "json",
         .text = "of --doctor: for programs, an array of what was found",
         .flag = &asked->json},
        {.name = "rotate-keys",
         .text = "have tokens signed by a new key, then exit; when no server runs",
         .flag = &asked->rotate_keys},
        {.name = "create-owner",
         .value = "EMAIL",
         .text = "make an account with a tenant of its own, then exit; when no server runs. Asks "
                 "for the password, or reads it from standard input",
         .given = &asked->create_owner},
        {.name = "reset-password",
         .value = "EMAIL",
         .text = "give an account another password, end its logins; when no server runs",
         .given = &asked->reset_password},
        {.name = "remove-totp",
         .value = "EMAIL",
         .text = "have an account's logins ask for no code, then exit; when no server runs",
         .given = &asked->remove_totp},
        {.name = "stop-workspaces",
         .text = "end all workspaces of --data, then exit; when no server runs",
         .flag = &asked->stop_workspaces},
    };
    add_backup_actions(asked, options + ACTIONS);
    (void)coditectd_config_options(input, options + ACTIONS + BACKUP_ACTIONS);
    const struct args_spec spec = {
        .program = "coditectd", .summary = "The Coditect server.", .options = options};
    (void)args_parse_or_exit(&spec, argv);
    input->file = asked->config;
}
