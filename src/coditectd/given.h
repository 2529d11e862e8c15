/* Files that settings name: read at the start, before rights are given up. */
#ifndef CODITECTD_GIVEN_H
#define CODITECTD_GIVEN_H

#include "base/arena.h"
#include "base/err.h"

struct coditectd_given {
    const char *setting, *path;
    size_t most; /* bytes */
};

/* All of it, in arena. ERR_TOO_LARGE, ERR_NOT_FOUND and what else the file has (said). */
int coditectd_given_read(const struct coditectd_given *from, struct arena *arena,
                         struct str *ret_text) BASE_MUST_USE;

/* Its first line, which is a password or a key. ERR_INVALID (said): it is empty. */
int coditectd_given_secret(const struct coditectd_given *from, struct arena *arena,
                           const char **ret_secret) BASE_MUST_USE;

#endif
