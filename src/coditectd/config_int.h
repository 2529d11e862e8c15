/* Inside: from a text, or from what a file says, to the value of one setting. */
#ifndef CODITECTD_CONFIG_INT_H
#define CODITECTD_CONFIG_INT_H

#include "base/json.h"
#include "coditectd/config.h"

struct coditectd_put {
    struct arena *arena; /* for texts */
    struct coditectd_settings *set;
    const struct coditectd_row *row;
    struct str folder; /* for relative paths, "/etc/coditect/"; empty: they stay as they are */
};

/* False: the value cannot be, and nothing has changed. */
bool coditectd_config_put(const struct coditectd_put *p, struct str text);

/* The same; a text in quotes is no number or boolean here, and a list is one. */
bool coditectd_config_put_json(const struct coditectd_put *p, const struct json *value);

/* "wants a number from 1 to 9 MiB" */
void coditectd_config_wants(const struct coditectd_row *row, struct buf *out);

#endif
