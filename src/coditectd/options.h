/* The command line of the server. */
#ifndef CODITECTD_OPTIONS_H
#define CODITECTD_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

struct coditectd_options {
    const char *listen;
    const char *data; /* absolute; made when absent */
    const char *web;  /* NULL: none, as ide and node */
    const char *ide;
    const char *node;
    const char *public_url;
    const char *ide_url;
    const char *ide_listen; /* NULL: none */
    uint16_t listen_port;   /* 0: any */
    uint16_t ide_port;      /* 0: no ide_listen */
    const char *user;       /* whom the server becomes when started as root */
    const char *supervisor; /* absolute, as codi2 */
    const char *codi2;
    const char *
        origin; /* scheme, host and port at which browsers find this server; several between spaces */
    uint32_t rate_factor;
    int64_t memory; /* of one workspace, bytes; 0: unlimited */
    int64_t processes;
    usec_t idle_limit; /* 0: never */
    bool check;
    bool end_workspaces; /* with the server, in order */
    bool stop_workspaces;
};

/* Strings in arena or argv. Ends the process on --help, --version and mistakes of form; ERR_INVALID (said in the log): a
 * value that cannot be. Makes the data directory. */
int coditectd_options_read(char **argv, struct arena *arena,
                           struct coditectd_options *ret_options) BASE_MUST_USE;

#endif
