/* Inside auth/: the server's keys, tokens, passwords, notes of authenticated requests, buckets. */
#ifndef AUTH_AUTH_INT_H
#define AUTH_AUTH_INT_H

#include <stdatomic.h>

#include "auth/auth.h"
#include "base/lock.h"
#include "base/map.h"

enum {
    AUTH_MAC_SIZE = 32,
    AUTH_KID_SIZE = 16,  /* hexadecimal digits */
    AUTH_KEY_MAX = 1024, /* bytes of JWT_SECRET */
    AUTH_HEAD_ROOM = 96, /* the first part of a token of ours with its NUL */
    AUTH_PASSWORD_BYTES = 1024,
    AUTH_HASH_ROOM = 128, /* a PHC string with its NUL */
    AUTH_MAX_NOTES = 10000,
    AUTH_MAX_CALLS = 2000, /* of each kind */
    AUTH_OPEN_BURST = 200, /* records in a tenant's or the house's log of what anybody can cause, */
    AUTH_OPEN_A_MINUTE = 30,  /* and so many a minute */
    AUTH_OPEN_OPERATIONS = 8, /* of one network that are told apart */
    AUTH_MAX_BUCKETS = 100000,
    AUTH_REPLAY_SECONDS = 10, /* how long the token before the current one is good in any case */
    AUTH_SKEW_SECONDS = 30,
};

/* ---- keys.c ---- */

struct auth_key {
    uint8_t bytes[AUTH_KEY_MAX];
    size_t n;
    char kid[64];              /* ours: AUTH_KID_SIZE digits */
    char head[AUTH_HEAD_ROOM]; /* how every token begins that it signs (jws.c) */
};

/* The one function that signs: HMAC-SHA-256. */
void auth_key_mac(const struct auth_key *key, struct str text,
                  uint8_t ret_mac[static AUTH_MAC_SIZE]);

void auth_key_init(struct auth_key *key, struct str bytes); /* at most AUTH_KEY_MAX */

/* What one secret signs, each with a key of its own: what is made for one purpose is worth nothing for another. */
struct auth_keys {
    struct auth_key access; /* the secret itself; n 0: no such secret */
    struct auth_key refresh;
    struct auth_key ticket;
    struct auth_key pass;
    struct auth_key seal;
};

void auth_keys_init(struct auth_keys *keys, struct str secret); /* at most AUTH_KEY_MAX bytes */

/* The current keys sign; what those before the last rotation signed is taken too. */
struct auth_ring {
    struct auth_keys now;
    struct auth_keys before;
    struct auth_key workspace; /* apart: a running workspace has one token for all its life */
    struct auth_ring *older;   /* what it took the place of: somebody may still be reading it */
};

struct auth_secrets {
    struct str current;  /* empty: kept in the store, made when there is none */
    struct str previous; /* only with current */
};

/* ERR_CORRUPT: what the store keeps are no keys. */
int auth_ring_load(struct store *store, const struct auth_secrets *given,
                   struct auth_ring **ret_ring) BASE_MUST_USE;
void auth_ring_destroy(struct auth_ring *ring); /* with all older ones, wiped; NULL allowed */

/* Takes up the keys that another server of the same store made; those of the operator stay. */
int auth_keys_look(struct auth *a) BASE_MUST_USE;

/* For a token that no key of the ring `seen` signed: whether there is a newer ring. Looks into the store once a second at most. */
bool auth_keys_newer(struct auth *a, const struct auth_ring *seen);

/* ---- jws.c: JSON Web Signature, compact form (RFC 7515), HS256 alone ---- */

/* The first part of the key's tokens. */
void auth_jws_head(const struct auth_key *key, char ret_head[static AUTH_HEAD_ROOM]);

struct str auth_jws_sign(struct arena *arena, const struct auth_key *key, struct str payload);

/* ERR_UNAUTHENTICATED: anything but a signature by this key over exactly this text. */
int auth_jws_verify(struct arena *arena, const struct auth_key *key, struct str token,
                    struct str *ret_payload) BASE_MUST_USE;

/* ---- token.c ---- */

struct auth_claims {
    struct str tenant_id, user_id, login_id;
    int64_t counter;
};

struct str auth_access_make(const struct auth *a, struct arena *arena,
                            const struct auth_claims *claims);
int auth_access_read(struct auth *a, struct arena *arena, struct str token,
                     struct auth_claims *ret_claims) BASE_MUST_USE; /* as auth_authenticate */

struct str auth_refresh_make(const struct auth *a, struct arena *arena, struct str login_id,
                             int64_t counter);
int auth_refresh_read(struct auth *a, struct str token, struct str *ret_login_id,
                      int64_t *ret_counter) BASE_MUST_USE; /* ERR_UNAUTHENTICATED */

/* ---- passwords.gen.c: the commonest passwords, in lower case, sorted as bytes ---- */

extern const size_t auth_common_count;
extern const char auth_common_text[];   /* one after the other */
extern const uint32_t auth_common_at[]; /* where each begins; one more: the end */

/* ---- password.c ---- */

/* The rules for a new one; ERR_INVALID with the fault on field. */
int auth_password_check(struct data_context *ctx, const char *field, struct str password,
                        struct str email) BASE_MUST_USE;

/* About 20 ms of a core, which it waits for. ERR_BUSY: no memory for the hash, or its process ended (hash_int.h). */
int auth_password_hash(const struct auth *a, struct str password,
                       char ret_phc[static AUTH_HASH_ROOM]) BASE_MUST_USE;

/* phc empty: the account does not exist; the work is the same. ERR_BAD_CREDENTIALS: it is another password; ERR_BUSY. */
int auth_password_verify(const struct auth *a, struct str phc, struct str password) BASE_MUST_USE;

/* ---- totp.c: RFC 6238 ---- */

enum { AUTH_CODE_DIGITS = 6 };

void auth_totp_code(struct str key, int64_t step, char ret_code[static AUTH_CODE_DIGITS + 1]);

/* Whether code is the one of now, or of the step before or after; which it is. The time it takes does not depend on the code. */
bool auth_totp_find(struct str key, struct str code, usec_t now, int64_t *ret_step);

/* RFC 4648 section 6; bytes.n divisible by 5. */
struct str auth_base32(struct arena *arena, struct str bytes);

/* RFC 3986 section 2.3: all but unreserved characters as %XX. */
void auth_percent(struct buf *to, struct str text);

/* What apps read from a picture (otpauth://totp/…); account: an address. */
struct str auth_totp_uri(struct arena *arena, struct str account, struct str secret);

/* ---- second.c: inside a login ---- */

struct auth_second_try {
    const struct data_user *user; /* whose password was right */
    struct str code;              /* empty: none was given */
};

/* What a code was found to be: for the transaction that uses it. */
struct auth_second {
    bool asked; /* false: the account has no second step */
    int64_t step;
    struct str recovery; /* hash of a recovery code; empty: it is the app's code of step */
    struct str key;
};

/* ERR_CODE_NEEDED, ERR_BAD_CODE, ERR_RATE_LIMITED. */
int auth_second_check(struct auth *a, struct data_context *ctx, const struct auth_second_try *in,
                      struct auth_second *ret_second) BASE_MUST_USE;

/* Uses the code up. ERR_BAD_CODE: somebody else did. */
int auth_second_use_in(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                       const struct auth_second *second) BASE_MUST_USE;

/*
 * Whether who asks still has the role that they were permitted by: first in each transaction that gives or takes rights.
 * ERR_UNAUTHENTICATED: is no member any more. ERR_FORBIDDEN: has another role by now.
 */
int auth_actor_in(struct txn *txn, struct data_context *ctx) BASE_MUST_USE;

/*
 * Whether who gave something with this role out could do so now: is a member who manages the tenant (owns it, of what owners alone
 * give) and whose role reaches it. ERR_NOT_FOUND: no.
 */
struct auth_giving {
    struct str created_by;
    enum data_permission wants;
    enum data_role role;
};
int auth_giver_in(struct txn *txn, const struct scope *scope,
                  const struct auth_giving *in) BASE_MUST_USE;

/* Deletes the record and takes the mark from user, which the caller puts. ERR_NOT_FOUND: there is none. */
int auth_second_forget_in(struct txn *txn, const struct scope *scope,
                          struct data_user *user) BASE_MUST_USE;

/* ---- reset.c: inside store functions ---- */

/* In the transaction that gives user this hash, which puts it: ends all their logins and keys, and a link that
 * waits. */
struct auth_new_password {
    struct str hash;
    const char *action;
};
int auth_password_put_in(struct txn *txn, const struct data_context *ctx, struct data_user *user,
                         const struct auth_new_password *in) BASE_MUST_USE;

/* Harmless when no link waits. */
int auth_reset_forget_in(struct txn *txn, const struct scope *scope,
                         struct str user_id) BASE_MUST_USE;

/*
 * A link's token for the person, in arena; its hash is put. created_by empty: they asked for it by e-mail, or somebody who knows
 * their address did, so that it does not take the place of one that was handed over by an administrator and is not too old yet
 * (ERR_NOT_FOUND).
 */
struct auth_reset_making {
    struct arena *arena;
    const struct scope *scope; /* its tenant */
    struct str user_id;
    struct str created_by;
};
int auth_reset_make_in(struct txn *txn, const struct auth_reset_making *in,
                       struct auth_reset *ret_reset) BASE_MUST_USE;

/* Deletes links that are too old, at most limit. */
int auth_resets_expire(struct txn *txn, size_t limit) BASE_MUST_USE;

/* ---- user.c ---- */

struct auth_proof {
    struct str password;
    const char *field;  /* of the input */
    const char *action; /* that a wrong one is noted under; static */
};

/* Whether it is the caller's password; the account as it was then. ERR_BAD_CREDENTIALS, ERR_RATE_LIMITED. */
int auth_password_prove(struct auth *a, struct data_context *ctx, const struct auth_proof *proof,
                        struct data_user *ret_user) BASE_MUST_USE;

/* ---- identity.c: inside store functions ---- */

/*
 * Puts a person, with the identity that they have by it, or without any: in place of data_user_put, always. ERR_EXISTS: somebody else
 * has the address.
 */
int auth_user_put_in(struct txn *txn, const struct scope *scope,
                     struct data_user *user) BASE_MUST_USE;

struct auth_found {
    struct data_user user;
    bool older; /* has no identity that fits: putting them makes it */
};

/* Who comes in by this address and a password. ERR_NOT_FOUND. */
int auth_find_in(struct txn *txn, struct str email, struct auth_found *ret_found) BASE_MUST_USE;

/* ---- email.c ---- */

/* Trimmed, in NFKC and lower case, ASCII alone, into the arena. ERR_INVALID with the fault on "email". */
int auth_email_clean(struct data_context *ctx, struct str text,
                     struct str *ret_email) BASE_MUST_USE;

/* ---- confirm.c: that somebody reads what is sent to an address ---- */

enum { AUTH_CONFIRMATION_MAX = 64 }; /* bytes of a token */

/* A token for `what`, in arena; good for so long. */
struct str auth_confirmation_make(const struct auth *a, struct arena *arena, struct str what,
                                  usec_t life);

struct auth_confirmation {
    struct str what;
    struct str token;
};
bool auth_confirmation_holds(const struct auth *a, struct arena *arena,
                             const struct auth_confirmation *in);

/* What a token is for. invitation: "{tenant}.{invitation}", or empty. */
struct str auth_confirm_register(struct arena *arena, struct str email, struct str invitation);

/* That email becomes user's, who has this address and password now. */
struct str auth_confirm_address(struct arena *arena, const struct data_user *user,
                                struct str email);

/* known.c: whether the mark is one of auth_known_make for this address, and no older than AUTH_KNOWN_DAYS. */
bool auth_known_is(const struct auth *a, struct arena *arena, struct str email, struct str mark);

/* ---- account.c ---- */

/* Whether an address may be somebody's who has no invitation for it. ERR_FORBIDDEN with the fault. */
int auth_domain_allowed(const struct auth *a, struct data_context *ctx,
                        struct str email) BASE_MUST_USE;

/* ---- letters.c: asked for inside auth ---- */

struct auth_acceptance;

/* For who registers, with an invitation (accepted not NULL) only if it holds. Also ERR_FORBIDDEN, ERR_BUSY, ERR_RATE_LIMITED. */
struct auth_register_ask {
    struct str email;
    const struct auth_acceptance *accepted;
};
int auth_register_ask(struct auth *a, struct data_context *ctx,
                      const struct auth_register_ask *in) BASE_MUST_USE;

/* To the address that is to become user's, who proved to be it. ERR_BAD_CREDENTIALS: the password was changed meanwhile. */
int auth_address_ask(struct auth *a, struct data_context *ctx, const struct data_user *user,
                     struct str email) BASE_MUST_USE;

/* In the transaction that gives user another address: the old one is told. */
int auth_address_tell_in(struct txn *txn, const struct auth *a,
                         const struct data_user *before) BASE_MUST_USE;

/* ---- limits.c ---- */

struct auth_limits;
struct auth_limits *auth_limits_create(void);
void auth_limits_destroy(struct auth_limits *l);

/* Gives a token back, of who did not guess: what was refused meanwhile backs off no longer. */
void auth_limit_return(struct auth *a, enum auth_limit_kind kind, struct str key);

/*
 * auth_limit for a request, which is told: of the bucket that refuses it, with the fault; else of the first that counted it, since
 * what lies behind (of an account, of wrong passwords) is for nobody to see who is let through. ERR_RATE_LIMITED.
 */
int auth_limit_request(struct auth *a, struct data_context *ctx, enum auth_limit_kind kind,
                       struct str key) BASE_MUST_USE;

/* What an address counts as: itself, of IPv6 its network of 64 bits, which one person has for the asking. */
struct str auth_limit_network(struct arena *arena, struct str address);
size_t auth_limits_count(struct auth *a);

/* A bucket's key for what ctx's client may do to an account: nobody spends what others may from elsewhere. */
struct str auth_limit_of(const struct data_context *ctx, struct str whose);

/* ---- notes.c: what authenticated requests leave to be written later ---- */

struct auth_notes {
    struct lock lock;
    struct map *waiting;  /* login id → struct note */
    struct map *flushing; /* NULL: nobody writes */
};

struct auth_note {
    struct scope scope; /* tenant and login; the id of an API key in the login's place */
    int64_t counter;    /* was used; 0: no news */
    usec_t access;
};

void auth_notes_init(struct auth_notes *n);
void auth_notes_fini(struct auth_notes *n);
void auth_note_add(struct auth *a, const struct auth_note *note);
int64_t auth_note_counter(struct auth *a,
                          struct str login_id); /* noted as used and not yet written; 0: none */

/* ---- calls.c: what was refused or read, for the audit log ---- */

enum auth_call_kind { /* who made it, or what it was */
                      AUTH_CALL_READ,
                      AUTH_CALL_LINK,
                      AUTH_CALL_DENIAL,
                      AUTH_CALL_STRANGER,
                      AUTH_CALL_GUESS,
                      AUTH_CALL_KINDS
};

struct auth_calls {
    struct lock lock;
    struct map *all;              /* whose and what → struct call */
    size_t held[AUTH_CALL_KINDS]; /* of each kind in it, at most AUTH_MAX_CALLS */
    size_t dropped;               /* since the last time it was said */
    struct map *budgets; /* tenant → usec_t: when its log may have AUTH_OPEN_BURST at once again */
    struct map *networks; /* of strangers → size_t: so many entries in all have a route */
    uint64_t flushes;
    bool flushing;
    bool closing;
};

void auth_calls_init(struct auth_calls *c);
void auth_calls_fini(struct auth_calls *c);

/* A wrong password or code of an account that exists. action is static. */
void auth_denial_add(struct auth *a, const struct data_context *ctx, const char *action,
                     const struct data_user *user);
int auth_calls_flush(struct auth *a) BASE_MUST_USE;

/* ---- logins.c: inside store functions ---- */

/* A new login of scope's user, whose strings and login_id are set; the oldest ends when there are too many. */
int auth_login_add(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                   struct data_login *ret_login) BASE_MUST_USE;
int auth_login_end(struct txn *txn, const struct data_context *ctx, const char *action,
                   const struct data_login *login) BASE_MUST_USE;

/* All logins of scope's user but the one named keep. */
int auth_login_end_all(struct txn *txn, const struct data_context *ctx, const struct scope *scope,
                       struct str keep) BASE_MUST_USE;
bool auth_login_expired(const struct auth *a, const struct data_login *login, usec_t now);

/* Tokens for login; user and scope are copied into ctx->arena. */
void auth_issue(const struct auth *a, struct data_context *ctx, const struct data_login *login,
                struct auth_result *result);

/* ctx->arena's copy of a scope. */
struct scope auth_scope_copy(struct arena *arena, const struct scope *scope);

/* ---- invitations.c: accepting one ---- */

/* What a token says. */
struct auth_acceptance {
    struct str tenant_id, invitation_id; /* borrow from the token */
    struct str hash;                     /* of its secret */
    bool sealed; /* there is none: a confirmation names the invitation, which the caller checks */
};

/* ERR_FORBIDDEN with the fault: it is no token. sealed: what a confirmation's link has, {tenant}.{invitation}, is one too. */
int auth_invitation_read(struct data_context *ctx, struct str token, bool sealed,
                         struct auth_acceptance *ret_acceptance) BASE_MUST_USE;

/* Whether it holds for this address. ERR_FORBIDDEN, ERR_INVALID (as below). */
int auth_invitation_check_in(struct txn *txn, struct data_context *ctx,
                             const struct auth_acceptance *acceptance,
                             struct str email) BASE_MUST_USE;

/* In the transaction that makes the account: uses it up; sets user's tenant and role, of a former member's account also its id.
 * ERR_FORBIDDEN: it does not hold; ERR_INVALID: the address is another; ERR_LIMIT. */
int auth_invitation_take_in(struct txn *txn, struct data_context *ctx,
                            const struct auth_acceptance *acceptance,
                            struct data_user *user) BASE_MUST_USE;

/* Ends those of ctx's tenant that cannot be accepted any more (after each change of a role, a removal, or a former account that somebody
 * got), and those for the address of who came or went; empty: of nobody. */
int auth_invitations_sift_in(struct txn *txn, const struct data_context *ctx,
                             struct str address) BASE_MUST_USE;

/* ---- apikeys.c: inside store functions ---- */

/* Writes when a key was used last; harmless when it is gone. */
int auth_apikey_touch(struct txn *txn, const struct scope *scope, struct str key_id,
                      usec_t used) BASE_MUST_USE;

/* All keys of scope's user. */
int auth_apikeys_end_all(struct txn *txn, const struct data_context *ctx,
                         const struct scope *scope) BASE_MUST_USE;

/* Ends the keys that are past their age, at most limit; adds how many to *ended. */
int auth_apikeys_expire(struct txn *txn, size_t limit, size_t *ended) BASE_MUST_USE;

/* ---- the whole ---- */

enum { AUTH_MAGIC = 0x41757468 };

/* How old a note of the last use must be to be written again. */
#define AUTH_ACCESS_EVERY (5 * 60 * USEC_PER_SEC)

/* ---- plans.c ---- */

struct auth_plans {
    struct data_quota standard;
    struct lock lock;  /* of what follows */
    struct map *all;   /* tenant → its plan */
    uint64_t begun;    /* reads of the store */
    uint64_t taken_up; /* which of them all is from */
};

void auth_plans_init(struct auth_plans *p, const struct data_quota *standard);
void auth_plans_fini(struct auth_plans *p);
int auth_plans_look(struct auth *a) BASE_MUST_USE; /* takes up what the store has */

/* Of a tenant that ends; harmless when it has none. What is in memory goes with the next look. */
int auth_plan_forget_in(struct txn *txn, const struct scope *scope) BASE_MUST_USE;

struct auth {
    unsigned magic;
    struct store *store;
    struct auth_ring *_Atomic ring; /* replaced as a whole; what it points to never changes */
    atomic_flag turning;
    struct lock ring_lock;    /* of another ring's taking the place of ring */
    uint64_t ring_look;       /* which look found ring */
    _Atomic uint64_t looks;   /* that were begun */
    _Atomic usec_t looked_at; /* when the last one that succeeded began; monotonic */
    _Atomic usec_t failed_at; /* the same of one that failed */
    _Atomic unsigned failed;  /* so many since one succeeded */
    bool secret_given;
    char *issuer, *audience;
    char *mail_base; /* NULL: no mail is sent */
    enum auth_registration registration;
    bool confirm;
    const char *const *domains;
    size_t domain_count;
    usec_t access_life, idle_life, absolute_life;
    struct auth_rate rates[AUTH_LIMIT_KINDS];
    bool cheap_hash;
    struct auth_hashers *hashers; /* hash_int.h */
    char dummy_hash[AUTH_HASH_ROOM];
    struct auth_limits *limits;
    struct auth_notes notes;
    struct auth_calls calls;
    struct auth_plans plans;
};

/* Of identity.c, for auth_judge. */
int auth_identity_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
