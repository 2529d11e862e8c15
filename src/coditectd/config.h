/*
 * The settings of the server, from four places of which the later wins: the default, one TOML file, the environment, flags.
 * All that is known of a setting is one row, generated from spec/settings.yaml; whoever adds a setting adds a row and uses it.
 */
#ifndef CODITECTD_CONFIG_H
#define CODITECTD_CONFIG_H

#include "base/arena.h"
#include "base/args.h"
#include "base/buf.h"
#include "base/time.h"

#define CODITECTD_CONFIG_FILE "/etc/coditect/coditect.toml"

enum { CODITECTD_MAX_LIST = 64 };

/* Texts of a list; at has n. */
struct coditectd_list {
    const char *const *at;
    size_t n;
};

#include "settings.gen.h"

enum coditectd_type {
    CODITECTD_TEXT,
    CODITECTD_PATH,
    CODITECTD_NUMBER,
    CODITECTD_BOOLEAN,
    CODITECTD_CHOICE, /* the index of a choice */
    CODITECTD_DURATION,
    CODITECTD_LIST,
};

enum { CODITECTD_MAX_CHOICES = 4 };

struct coditectd_row {
    const char *name;        /* "log.level" */
    const char *flag;        /* NULL: none */
    const char *environment; /* "CODITECT_LOG_LEVEL" */
    const char *also;        /* another name there, or NULL */
    const char *value;       /* what the help calls the value; NULL: a switch */
    const char *help;
    const char *unit;     /* of a bare number, or NULL */
    const char *standard; /* as text; NULL: none */
    const char *choices[CODITECTD_MAX_CHOICES + 1];
    enum coditectd_type type;
    int64_t least, most; /* of a number; of a duration in seconds; of a text in bytes */
    int64_t scale;       /* seconds of a duration's bare number */
    bool secret;
    size_t at; /* offset in struct coditectd_settings */
};

extern const struct coditectd_row coditectd_rows[SETTING_COUNT];

enum coditectd_source {
    CODITECTD_DEFAULT,
    CODITECTD_FILE,
    CODITECTD_ENVIRONMENT,
    CODITECTD_FLAG,
};

struct coditectd_config {
    struct coditectd_settings set; /* texts that nobody gave are NULL */
    const char *file;              /* that was read, or NULL */
    struct {
        enum coditectd_source source;
        const char *name; /* in the environment */
        size_t line;      /* of the file */
    } from[SETTING_COUNT];
};

struct coditectd_config_input {
    const char *file;                 /* NULL: CODITECTD_CONFIG_FILE, when there is one */
    char *const *environment;         /* as environ */
    const char *flags[SETTING_COUNT]; /* NULL: not given */
};

/* The rows as options whose values go into flags; ret_options has room for SETTING_COUNT. Returns how many there are. */
size_t coditectd_config_options(struct coditectd_config_input *input,
                                struct args_option *ret_options);

/*
 * Texts in arena. Everything that is wrong becomes a line in out, and also what is only suspicious (a name in the environment
 * that is nearly a setting's). ERR_INVALID: something is wrong.
 */
int coditectd_config_read(const struct coditectd_config_input *input, struct arena *arena,
                          struct coditectd_config *ret_config, struct buf *out) BASE_MUST_USE;

/* "log.level (/etc/coditect/coditect.toml, line 3)", in arena: for what is found wrong with a value later. */
const char *coditectd_config_where(const struct coditectd_config *config, struct arena *arena,
                                   enum coditectd_setting setting);

/* All settings as a file that would give the same values again, each with its source; secrets only say that they are given. */
void coditectd_config_print(const struct coditectd_config *config, struct buf *out);

#endif
