/*
 * Browsers that somebody came in from before. Whoever shares a network shares what it may ask: without this, a stranger behind the same
 * address could use that up, and keep everybody there from logging in for as long as they like.
 *
 * 1. The mark is sealed for the address that logged in: it names nobody, the store knows nothing of it, and whether it holds is the same
 *    work whether or not the address has an account.
 * 2. It lets nobody in. Who steals one may guess at that account's password ten times a minute more, and then shares the network's count
 *    as everybody does.
 * 3. All marks of an account share one bucket: whoever logs in again and again to have more of them has no more logins by it.
 */
#include "auth/auth_int.h"

static const usec_t life = (usec_t)AUTH_KNOWN_DAYS * 24 * 3600 * USEC_PER_SEC;

_Static_assert((int)AUTH_KNOWN_MAX >= (int)AUTH_CONFIRMATION_MAX, "a mark is such a token");

static struct str what_of(struct arena *arena, struct str email)
{
    return arena_printf(arena, "known " STR_FMT, STR_ARG(email));
}

struct str auth_known_make(const struct auth *a, struct arena *arena, struct str email)
{
    return auth_confirmation_make(a, arena, what_of(arena, email), life);
}

bool auth_known_is(const struct auth *a, struct arena *arena, struct str email, struct str mark)
{
    const struct auth_confirmation known = {.what = what_of(arena, email), .token = mark};
    return mark.n > 0 && auth_confirmation_holds(a, arena, &known);
}
