/*
 * Browsers that somebody came in from before: a mark that the browser keeps, by which its next login is counted by the account and not
 * by the network (docs/adr/0032). Part of auth.h.
 */
#ifndef AUTH_KNOWN_H
#define AUTH_KNOWN_H

#include "base/arena.h"

enum {
    AUTH_KNOWN_DAYS = 180, /* from each login on */
    AUTH_KNOWN_MAX = 64,   /* bytes of a mark */
};

struct auth;

/* For who just logged in with this address, normalised; in the arena. Letters, digits, '.', '-' and '_'. */
struct str auth_known_make(const struct auth *a, struct arena *arena, struct str email);

#endif
