#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "cli/cli_int.h"

/* The operator's door: what the server answers by its own socket in its data directory, cmd_admin.c. */

enum cli_admin_reply {
    CLI_ADMIN_VALUE, /* one; with --json it is printed, and that is all */
    CLI_ADMIN_LINES,
    CLI_ADMIN_BYTES /* to standard output */
};

struct cli_admin_request {
    const char *method, *target;
    const char *stopped; /* what does it when no server runs; NULL: nothing */
    enum cli_admin_reply reply;
    const char *wanted; /* what the value must have, a string or true; NULL: anything */
    /* One line of the reply, of which the last one says "done", or the value. */
    int (*line)(struct cli_run *run, void *ctx, const struct json *line);
    void *ctx;
};
/* Of the server whose data directory --data or its like names; from there on the working directory. ERR_UNAVAILABLE: none runs. */
int cli_admin_ask(struct cli_run *run, const struct cli_admin_request *request) BASE_MUST_USE;

/* A listing: a table that is shown a screen at a time, or with --json an array. */
struct cli_admin_listing {
    const char *target;
    const char *const *heads; /* NULL at the end */
    void (*add)(struct cli_run *run, struct cli_table *table, const struct json *line);
    const char *stopped; /* as of cli_admin_request */
};
int cli_admin_list(struct cli_run *run, const struct cli_admin_listing *listing) BASE_MUST_USE;
int64_t cli_admin_number(const struct json *line, const char *name);  /* 0: there is none */
struct str cli_admin_text(const struct json *line, const char *name); /* "-": there is none */
extern const struct cli_option cli_admin_options[];

#endif
