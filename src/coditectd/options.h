/* What the server is told: its settings (coditectd/config.h), what follows from them, and what else it may be asked to do. */
#ifndef CODITECTD_OPTIONS_H
#define CODITECTD_OPTIONS_H

#include "backup/backup.h"
#include "coditectd/config.h"
#include "http/http.h"

struct coditectd_options {
    struct coditectd_settings set; /* data, web, ide, node: absolute */
    uint16_t listen_port;          /* 0: any */
    uint16_t ide_port;             /* 0: no ide_listen */
    struct http_networks trusted;  /* proxies */
    const char *supervisor;        /* absolute, as codi2 */
    const char *codi2;
    const char *
        origin; /* scheme, host and port at which browsers find this server; several between spaces */
    bool check;
    bool scrub;
    bool doctor;
    bool json; /* of doctor alone */
    bool rotate_keys;
    const char *create_owner; /* addresses; NULL: not asked for */
    const char *reset_password;
    const char *remove_totp;
    bool stop_workspaces;
    struct backup_access bucket; /* how one is asked; all 0 when none is named */
    const char
        *backup; /* absolute, a bucket's address or "-", as the next three; NULL: not asked for */
    const char *backups;
    const char *verify;
    const char *restore;
    const char *moment;
    bool past_damage;          /* of backup and restore */
    const char *export_tenant; /* an id; NULL: not asked for */
    bool import_tenant;
};

/*
 * Strings in arena or argv. Ends the process on --help, --version, --check-config, --print-config and mistakes of form;
 * ERR_INVALID (said on standard error): a value that cannot be. Sets the log up and makes the data directory.
 */
int coditectd_options_read(char **argv, struct arena *arena,
                           struct coditectd_options *ret_options) BASE_MUST_USE;

#endif
