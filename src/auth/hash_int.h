/*
 * Inside auth/: Argon2id and where it is computed. hash.c computes; hasher.c is a process that does nothing else; hashers.c has as
 * many of those as there are cores, and asks them.
 */
#ifndef AUTH_HASH_INT_H
#define AUTH_HASH_INT_H

#include "auth/auth_int.h"

enum auth_hash_kind {
    AUTH_HASH_MAKE = 1, /* a PHC string of the password */
    AUTH_HASH_CHECK,    /* whether the password is that of a PHC string */
};

/* One message over a socket pair, both ways between two processes of the same program: it has no version. */
struct auth_hash_request {
    uint32_t kind;
    uint32_t length; /* of the password */
    uint64_t passes; /* to make one; to check one its PHC string says them */
    uint64_t memory; /* bytes */
    char password[AUTH_PASSWORD_BYTES];
    char phc[AUTH_HASH_ROOM]; /* to check */
};

struct auth_hash_reply {
    int32_t error; /* 0, ERR_BAD_CREDENTIALS, ERR_BUSY: no memory, ERR_INVALID: no such request */
    char phc[AUTH_HASH_ROOM]; /* made */
};

/* ---- hash.c ---- */

/* In this thread, now. */
void auth_hash_answer(const struct auth_hash_request *request, struct auth_hash_reply *ret_reply);

/* ---- hasher.c ---- */

/* From now on this process hashes, reads standard input, writes there and to standard error, and is killed for anything else. */
int auth_hasher_confine(void) BASE_MUST_USE; /* ERR_INTERNAL: the kernel has no such filter */

/* ---- hashers.c: any thread may ask ---- */

/* apart: in processes of their own, begun when they are needed; else in the thread that asks. */
struct auth_hashers *auth_hashers_create(bool apart);
void auth_hashers_destroy(struct auth_hashers *h); /* nobody asks any more; NULL allowed */

/*
 * Waits until a core is free, then for the answer: what the reply's error says. ERR_BUSY also when the process ended meanwhile, or
 * cannot be begun; the next who asks gets another.
 */
int auth_hashers_ask(struct auth_hashers *h, const struct auth_hash_request *request,
                     struct auth_hash_reply *ret_reply) BASE_MUST_USE;

#endif
