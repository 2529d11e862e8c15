/*
 * The command line of our binaries, described by one table from which the help comes too: --name VALUE, --name=VALUE, --flag,
 * --switch or --switch=VALUE.
 * --help and --version are always there. Options stand before operands; "--" ends them.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>

#include "base/buf.h"

struct args_option {
    const char *name;  /* "config" for --config, at most 31 bytes; NULL ends the table */
    const char *value; /* what the help calls the value: "FILE"; NULL for a flag or a switch */
    const char *text;  /* one line of help */
    const char **
        given; /* where the value goes ("true" of a bare switch); left alone when the option is absent */
    bool *flag; /* of a flag: set to true */
};

struct args_spec {
    const char *program;
    const char *summary; /* one line: what the program does */
    const char
        *operands; /* how the help calls what follows the options; NULL: nothing may follow */
    const struct args_option *options;
};

enum args_result {
    ARGS_RUN,
    ARGS_SHOW, /* help or version was asked for: out holds it */
    ARGS_WRONG /* out holds one line for the person, which names the nearest option */
};

/*
 * argv as main gets it, ended by NULL. ret_first: index of the first operand in argv, or of that NULL. Values point into argv.
 */
enum args_result args_parse(const struct args_spec *spec, char **argv, struct buf *out,
                            int *ret_first);

/* The same for main: prints what is to be shown and ends the process (0, or 2 when wrong). */
int args_parse_or_exit(const struct args_spec *spec, char **argv);

#endif
