/* Argon2id (RFC 9106) by libsodium, from a request to its reply: the same here and in a process of its own. */
#include <sodium.h>

#include "auth/hash_int.h"

_Static_assert(AUTH_HASH_ROOM >= crypto_pwhash_STRBYTES, "a PHC string does not fit");

static int make(const struct auth_hash_request *q, char ret_phc[static AUTH_HASH_ROOM])
{
    int r = crypto_pwhash_str_alg(ret_phc, q->password, q->length, q->passes, (size_t)q->memory,
                                  crypto_pwhash_ALG_ARGON2ID13);
    return r == 0 ? 0 : ERR_BUSY;
}

/* libsodium says no more than that it is not so, also when it got no memory to find out. */
static int check(const struct auth_hash_request *q)
{
    return crypto_pwhash_str_verify(q->phc, q->password, q->length) == 0 ? 0 : ERR_BAD_CREDENTIALS;
}

void auth_hash_answer(const struct auth_hash_request *request, struct auth_hash_reply *ret_reply)
{
    *ret_reply = (struct auth_hash_reply){.error = ERR_INVALID};
    if (request->length > AUTH_PASSWORD_BYTES || !memchr(request->phc, '\0', AUTH_HASH_ROOM)) {
        return;
    }
    if (request->kind == AUTH_HASH_MAKE) {
        ret_reply->error = make(request, ret_reply->phc);
    } else if (request->kind == AUTH_HASH_CHECK) {
        ret_reply->error = check(request);
    }
}
