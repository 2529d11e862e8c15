/*
 * What codi2 was told: by its command line, over its environment (USER_ID, TENANT_ID, SESSION_ID, SESSION_NAME, GENERATION,
 * PLATFORM_ORIGIN, BASE_PATH, MEMORY_LIMIT), over its configuration file.
 */
#ifndef CODI2_OPTIONS_H
#define CODI2_OPTIONS_H

#include "base/arena.h"
#include "base/log.h"

struct codi2_options {
    const char *user;
    const char *tenant;
    const char *session;
    const char *session_name;
    const char *platform_origin; /* of pages that may frame the IDE; "" for none */
    const char *base_path;       /* below which the browser sees the IDE; "" for "/" */
    const char *generation;      /* a number, "" for none */
    const char *memory;          /* bytes, "": not watched */
    const char *sweep;           /* seconds between looks at a whole tree */
    const char *wire;            /* the server's internal socket */
    const char *door;            /* our socket */
    const char *ide;             /* bundle; "" for none */
    const char *node;
    const char *workspace;       /* tree */
    const char *workspace_index; /* directory */
    const char *home;
    const char *home_index;
    int token_fd; /* -1: none */
    bool self_test;
    enum log_level level;
    enum log_form form;
};

/* Strings in arena or argv. Ends the process on --help, --version and mistakes. */
void codi2_options_read(int argc, char **argv, struct arena *arena,
                        struct codi2_options *ret_options);

#endif
