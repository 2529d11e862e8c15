/*
 * That somebody reads what is sent to an address: the token of a link that a letter brings. And that a browser was given one before
 * (known.c).
 *     token  {expires}.{seal}    expires in seconds of Unix time
 * The seal (seal.c) is over what the link is for and expires: nothing is stored until it comes back, so that strangers who ask for
 * letters fill no store, and there is nothing to purge.
 *
 * 1. It holds for one purpose and address. What it was good for makes it worthless: the address has an account then, or is the
 *    person's. It names no password: who opens the link of an account says it then, so that nobody who typed somebody else's
 *    address has chosen theirs.
 * 2. Texts begin with their purpose and have spaces between parts that have none: no two mean the same, and none is a cursor's,
 *    which begin with a digit.
 */
#include "auth/auth_int.h"
#include "base/encode.h"

enum { SEAL_TEXT = 22 }; /* AUTH_SEAL_SIZE in base64url */

static struct str sealed(struct arena *arena, struct str what, uint64_t expires)
{
    return arena_printf(arena, STR_FMT " %llu", STR_ARG(what), (unsigned long long)expires);
}

struct str auth_confirmation_make(const struct auth *a, struct arena *arena, struct str what,
                                  usec_t life)
{
    uint64_t expires = (uint64_t)((time_now() + life) / USEC_PER_SEC);
    uint8_t seal[AUTH_SEAL_SIZE];
    BUF_AUTO(text, AUTH_CONFIRMATION_MAX);
    auth_seal(a, sealed(arena, what, expires), seal);
    buf_u64(&text, expires);
    buf_byte(&text, '.');
    encode_base64url(&text, str_of(seal, sizeof seal));
    ASSERT(text.error == 0);
    return arena_str(arena, buf_str(&text));
}

bool auth_confirmation_holds(const struct auth *a, struct arena *arena,
                             const struct auth_confirmation *in)
{
    struct str rest = in->token;
    struct str number;
    uint64_t expires;
    BUF_AUTO(seal, AUTH_SEAL_SIZE);
    return str_split(&rest, '.', &number) && rest.n == SEAL_TEXT &&
           str_u64(number, INT64_MAX / USEC_PER_SEC, &expires) == 0 &&
           encode_unbase64url(&seal, rest) == 0 &&
           auth_seal_is(a, sealed(arena, in->what, expires), buf_str(&seal)) &&
           (usec_t)expires * USEC_PER_SEC > time_now();
}

struct str auth_confirm_register(struct arena *arena, struct str email, struct str invitation)
{
    return arena_printf(arena, "register " STR_FMT " " STR_FMT, STR_ARG(email),
                        STR_ARG(invitation));
}

struct str auth_confirm_address(struct arena *arena, const struct data_user *user, struct str email)
{
    return arena_printf(arena, "address " STR_FMT " " STR_FMT " %lld " STR_FMT, STR_ARG(user->id),
                        STR_ARG(user->email), (long long)user->password_changed_at, STR_ARG(email));
}
