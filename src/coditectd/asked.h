/* What the command line asks for besides settings. */
#ifndef CODITECTD_ASKED_H
#define CODITECTD_ASKED_H

#include "coditectd/config.h"

struct coditectd_asked {
    const char *config;
    bool check_config, print_config;
    bool check, scrub, doctor, json, rotate_keys, stop_workspaces;
    const char *create_owner, *reset_password, *remove_totp;
    const char *backup, *backups, *verify, *restore, *moment, *export_tenant;
    bool import_tenant, past_damage;
};

/* Its words are argv's. Ends the process on --help, --version and mistakes of form. */
void coditectd_asked_read(char **argv, struct coditectd_asked *asked,
                          struct coditectd_config_input *input);

#endif
