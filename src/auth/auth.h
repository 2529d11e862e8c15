/*
 * Auth: accounts, passwords, logins, tokens, and the rate limits that belong to a person or an address.
 *
 * struct auth is made once per process, after the store is open, and used by any number of threads. Every function that
 * takes a data_context leaves its results in ctx->arena and, with ERR_INVALID or ERR_RATE_LIMITED, says why in ctx->fault.
 * Functions marked (hash) spend about 20 ms and 19 MiB in Argon2id: the lane `hash`. Errors of store_read and store_write
 * may come from every function and are not repeated.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/known.h"
#include "auth/letters.h"
#include "auth/plans.h"
#include "auth/tenant.h"
#include "base/json.h"
#include "data/data.h"

enum {
    AUTH_PASSWORD_MIN = 8,   /* characters */
    AUTH_PASSWORD_MAX = 256, /* characters; at most 1,024 bytes */
    AUTH_EMAIL_MAX = 254,    /* bytes */
    AUTH_NAME_MAX = 100,     /* characters */
    AUTH_TOKEN_MAX = 2048,   /* bytes of an access or refresh token */
    AUTH_SECRET_MIN = 32,    /* bytes of JWT_SECRET */
    AUTH_KID_ROOM = 17,      /* a key's id with its NUL */
    AUTH_MAX_APIKEYS = 50,   /* keys of a person */
    AUTH_APIKEY_DAYS = 366,  /* of a key's life at most */
    AUTH_MAX_DEVICES = 100,  /* logins of a person; the oldest ends when one more comes */
    AUTH_CODE_MAX = 32,      /* characters of a code as it is typed */
    AUTH_RECOVERY_CODES = 10,
    AUTH_ENROL_MINUTES = 30, /* to show the first code */
    AUTH_LOOK_SECONDS = 10,  /* until every server of a store knows another one's keys and plans */
};

struct auth;

/* Who may make an account: anybody, who was invited, nobody. */
enum auth_registration {
    AUTH_REGISTRATION_OPEN,
    AUTH_REGISTRATION_INVITE,
    AUTH_REGISTRATION_CLOSED,
};

/* A token bucket: `burst` at once, refilled at `burst` per `per`. burst 0: no limit. */
struct auth_rate {
    uint32_t burst;
    usec_t per;
};

enum auth_limit_kind {
    AUTH_LIMIT_USER,     /* requests of a user: 100 a minute */
    AUTH_LIMIT_REGISTER, /* registrations from an address: 5 a minute */
    AUTH_LIMIT_LOGIN,    /* logins from an address: 60 a minute */
    AUTH_LIMIT_PASSWORD, /* failed passwords for one account from one address: 10, then one each 6 s */
    AUTH_LIMIT_KNOWN, /* logins to an account from browsers that it came in from before: 10 a minute */
    AUTH_LIMIT_KNOWN_NETWORK, /* all of those from an address: 300 a minute */
    AUTH_LIMIT_REFRESH,       /* refreshes of a login, and ends by such a token: 120 a minute */
    AUTH_LIMIT_CODE, /* wrong codes of the second step, by account and network: 10, then one in 6 minutes */
    AUTH_LIMIT_APP_CODE, /* those of an app, by account alone (second.c): 30, then one in 2 minutes */
    AUTH_LIMIT_MAIL, /* messages to an address that strangers ask for: 3, then one in 10 minutes */
    AUTH_LIMIT_SOCKET, /* sockets that a login's pages of an IDE open: 300 a minute */
    AUTH_LIMIT_KINDS
};

/* Fields left 0 take the value in brackets. */
struct auth_options {
    struct store *store;
    struct str secret;          /* JWT_SECRET, >= AUTH_SECRET_MIN bytes; empty: the store has one */
    struct str previous_secret; /* what secret was before; what it signed is taken; empty: none */
    struct str issuer;          /* ["coditect"] */
    struct str audience;        /* ["coditect-api"] */
    enum auth_registration registration;
    struct data_quota quota;    /* of tenants that have no plan [no limits] */
    const char *const *domains; /* of addresses that may register uninvited; outlives auth */
    size_t domain_count;        /* 0: all */
    struct str mail_base;       /* what links in mails begin with; empty: nobody sends any */
    bool confirm;       /* a letter to an address precedes an account of it; wants mail_base */
    usec_t access_life; /* [15 min] */
    usec_t idle_life, absolute_life; /* [30 d, 90 d] */
    bool limits_given;               /* limits below hold; else the defaults above */
    struct auth_rate limits[AUTH_LIMIT_KINDS];
    uint32_t limit_factor; /* multiplies every burst [1] */
    bool hashers;          /* passwords are hashed by processes of this program's, see hasher.h */
    bool cheap_hash;       /* tests only: Argon2id with the least memory that libsodium takes */
};

/* ERR_INVALID: a secret is too short, or only the previous one is given. */
int auth_create(const struct auth_options *options, struct auth **ret_auth) BASE_MUST_USE;
void auth_destroy(
    struct auth *a); /* NULL allowed; what is noted (auth_flush) and not written is forgotten */

/*
 * A new key for all that is signed from the next auth_create on; what the key before it signed is taken until the next
 * rotation, what older ones signed no more. For a store that no server uses, and whose server keeps its key there. In the log of
 * the house it is the operator's (key.rotate). ret_kid: the new key's id. ERR_NOT_FOUND: no key is kept in this store; ERR_CORRUPT.
 */
int auth_rotate_keys(struct store *store, char ret_kid[static AUTH_KID_ROOM]) BASE_MUST_USE;

/*
 * The same in a server that runs, which signs with the new key from then on; others of the same store from their next
 * auth_look_again on. ERR_CONFLICT: the key is jwt.secret, which is the operator's to change. ERR_BUSY: somebody else is at it.
 */
int auth_turn_keys(struct auth *a, char ret_kid[static AUTH_KID_ROOM]) BASE_MUST_USE;

/* ---- Accounts and logins ---- */

struct auth_result {
    struct str token;         /* the access token */
    struct str refresh_token; /* for the body or the cookie */
    int64_t expires_in;       /* seconds, of the access token */
    struct data_user user;    /* .reply is the API's user object */
    struct scope scope;
    bool asked; /* of auth_register: a letter is on its way instead, and all else is empty */
};

enum auth_registration auth_registration_mode(const struct auth *a);
bool auth_confirms(const struct auth *a); /* auth_options.confirm */

struct auth_register_input {
    struct str email;
    struct str password;
    struct str name;         /* may be empty */
    struct str invitation;   /* a token; empty: a tenant of their own */
    struct str confirmation; /* a token that was mailed to email; empty: none */
};

/*
 * (hash) Makes tenant, owner and login in one transaction; with an invitation a member of its tenant. ERR_INVALID (field email,
 * password, name), ERR_EXISTS (the address is taken), ERR_RATE_LIMITED, ERR_LIMIT (AUTH_MAX_MEMBERS); ERR_FORBIDDEN: it is not
 * open to this address, or the invitation or confirmation does not hold. Repeatable by ctx->op with the same address and password,
 * until its login is refreshed (else ERR_CONFLICT) or wants a code (ERR_CODE_NEEDED): new tokens for that login. No digest is kept.
 *
 * Where addresses are confirmed and there is no confirmation yet: `asked`, the same after the same work whoever has the address
 * (auth/letters.h), without a look at password and name; never ERR_EXISTS. Also ERR_BUSY.
 */
int auth_register(struct auth *a, struct data_context *ctx, const struct auth_register_input *in,
                  struct auth_result *ret_result) BASE_MUST_USE;

struct auth_login_input {
    struct str email, password;
    struct str code;  /* of the second step; empty: none */
    struct str known; /* what the browser kept of a login before (known.h); empty: none */
};

/*
 * (hash) The same work and the same ERR_BAD_CREDENTIALS for unknown accounts and wrong passwords. ERR_RATE_LIMITED. After the
 * right password of an account with a second step also ERR_CODE_NEEDED, ERR_BAD_CODE.
 */
int auth_login(struct auth *a, struct data_context *ctx, const struct auth_login_input *in,
               struct auth_result *ret_result) BASE_MUST_USE;

enum auth_cause { AUTH_ROTATED, AUTH_CONCURRENT };
const char *auth_cause_name(enum auth_cause cause); /* "rotated", "concurrent" */

/*
 * The refresh rule (architecture, Tokens). ERR_UNAUTHENTICATED: forged, unknown, or expired. ERR_REUSED: it has ended its login
 * and left the audit event login.reused. ERR_RATE_LIMITED.
 */
int auth_refresh(struct auth *a, struct data_context *ctx, struct str refresh_token,
                 struct auth_result *ret_result, enum auth_cause *ret_cause) BASE_MUST_USE;

/*
 * Ends the login that the refresh token names (its signature is checked, its counter is not), or all logins of its user.
 * Harmless when it is gone already. ERR_UNAUTHENTICATED: forged; ERR_RATE_LIMITED (as refreshes of the login).
 */
int auth_logout_token(struct auth *a, struct data_context *ctx, struct str refresh_token,
                      bool everywhere) BASE_MUST_USE;

/* The same for the login of ctx->scope. */
int auth_logout(struct auth *a, struct data_context *ctx, bool everywhere) BASE_MUST_USE;

/*
 * Checks signature, claims and the stored login and user; fills ctx->scope. Point reads only: lane `inline`. bearer is the
 * token without "Bearer ". ERR_UNAUTHENTICATED; ERR_EXPIRED: we signed it, and its time is over, whether or not its login stands.
 */
int auth_authenticate(struct auth *a, struct data_context *ctx, struct str bearer) BASE_MUST_USE;

/* Whether the scope's login still stands; sets scope.role. It is in use by that. ERR_UNAUTHENTICATED. */
int auth_still(struct auth *a, struct data_context *ctx) BASE_MUST_USE;

/* Whether anybody can still ask as the scope's user: a device is logged in, or a script has a key for writing. */
int auth_anybody_in(struct data_context *ctx, bool *ret_anybody) BASE_MUST_USE;

/* The same in somebody else's transaction, so that more can be asked of one snapshot; sets scope->role. */
int auth_still_in(const struct auth *a, struct txn *txn, struct scope *scope) BASE_MUST_USE;
/* And for the API key that the scope came with. */
int auth_apikey_still_in(struct txn *txn, struct str key_id, struct scope *scope) BASE_MUST_USE;

/* ---- The way into a session's IDE: a ticket, once, becomes a pass ---- */

enum {
    AUTH_TICKET_SECONDS = 60, /* of life */
    AUTH_TICKET_MAX = 400,    /* bytes of a ticket or a pass */
};

/* What tickets and passes say: who, by which login, may enter which session's IDE in which generation of its workspace. */
struct auth_visit {
    struct scope scope; /* without role */
    struct str session_id;
    int64_t generation; /* >= 1 */
};

/* In arena. That the person may enter is for the caller to know. */
struct str auth_ticket_make(const struct auth *a, struct arena *arena,
                            const struct auth_visit *visit);

struct auth_ticket_use {
    struct str ticket;
    struct str session_id; /* where it was shown */
};

/*
 * Uses a ticket up; fills ctx->scope. Whether session and generation still stand is for the caller to ask. ERR_UNAUTHENTICATED:
 * forged, too old, of another session, used before, or its login has ended.
 */
int auth_ticket_take(struct auth *a, struct data_context *ctx, const struct auth_ticket_use *use,
                     struct auth_visit *ret_visit) BASE_MUST_USE;

/* In arena; characters that may stand in a cookie. */
struct str auth_pass_make(const struct auth *a, struct arena *arena,
                          const struct auth_visit *visit);

/* The signature alone: login (auth_still_in), session, generation are for the caller to ask. Borrows from pass. ERR_UNAUTHENTICATED. */
int auth_pass_read(const struct auth *a, struct str pass,
                   struct auth_visit *ret_visit) BASE_MUST_USE;

/* ---- Seals ---- */

/*
 * A mark that only this installation makes of text, for what clients bring back unread (cursors); also good for a rotation of
 * the keys longer. Who takes it for more than one purpose puts the purpose into the text.
 */
enum { AUTH_SEAL_SIZE = 16 };
void auth_seal(const struct auth *a, struct str text, uint8_t ret_seal[static AUTH_SEAL_SIZE]);
bool auth_seal_is(const struct auth *a, struct str text, struct str seal);

/* ---- Workspaces ---- */

enum { AUTH_WORKSPACE_TOKEN_MAX = 200 }; /* bytes */

/* What a workspace's token says. */
struct auth_workspace {
    struct str tenant_id, user_id, session_id;
    int64_t generation;
};

/* A token that opens the wire to this workspace, in arena. */
struct str auth_workspace_token(const struct auth *a, struct arena *arena,
                                const struct auth_workspace *workspace);

/* ERR_UNAUTHENTICATED: not made here. Whether the generation is the present one is for the caller to ask. Borrows from token. */
int auth_workspace_read(const struct auth *a, struct arena *arena, struct str token,
                        struct auth_workspace *ret_workspace) BASE_MUST_USE;

/* ---- Devices ---- */

struct auth_devices {
    struct data_login *at; /* newest first; the API's object: auth_device_write */
    size_t n;
    struct str next; /* cursor; empty at the end */
};

/* ERR_INVALID: a bad cursor. */
int auth_devices_list(struct data_context *ctx, size_t limit, struct str cursor,
                      struct auth_devices *ret_devices) BASE_MUST_USE;
void auth_device_write(struct json_writer *w, const struct data_context *ctx,
                       const struct data_login *login);

/* ERR_NOT_FOUND: no login of this user. */
int auth_devices_revoke(struct auth *a, struct data_context *ctx,
                        struct str login_id) BASE_MUST_USE;

/* ---- Keys of scripts: like a login without a device; they neither make keys nor end logins, which is for api/ to see to ---- */

struct auth_apikey_input {
    struct str name;
    enum data_apikey_access access; /* what it may do is for api/ to see to */
    int64_t days;                   /* 1 to AUTH_APIKEY_DAYS */
};

/*
 * ret_token is the key itself: only its hash is kept, so that nobody can show it again. A repetition makes another key.
 * ERR_INVALID (field name); ERR_LIMIT: the person has AUTH_MAX_APIKEYS.
 */
int auth_apikey_create(struct data_context *ctx, const struct auth_apikey_input *in,
                       struct data_apikey *ret_key, struct str *ret_token) BASE_MUST_USE;

struct auth_apikeys {
    struct data_apikey *at; /* newest first; .reply is the API's object */
    size_t n;
    struct str next; /* cursor; empty at the end */
};

/* ERR_INVALID: a bad cursor. */
int auth_apikeys_list(struct data_context *ctx, size_t limit, struct str cursor,
                      struct auth_apikeys *ret_keys) BASE_MUST_USE;

/* ERR_NOT_FOUND: no key of this user. */
int auth_apikey_revoke(struct data_context *ctx, struct str key_id) BASE_MUST_USE;

/* Whether what came as a bearer's token has the form of a key. */
bool auth_apikey_is(struct str bearer);

/* As auth_authenticate, for a key; the scope has no login. Its use is noted. ERR_UNAUTHENTICATED. */
int auth_apikey_authenticate(struct auth *a, struct data_context *ctx, struct str bearer,
                             enum data_apikey_access *ret_access) BASE_MUST_USE;

/* ---- The user ---- */

int auth_user_get(struct data_context *ctx, struct data_user *ret_user) BASE_MUST_USE;

struct auth_user_update {
    struct str name;
    int64_t revision; /* If-Match; 0: whatever */
};
/* ERR_INVALID (field name), ERR_PRECONDITION. */
int auth_user_put(struct data_context *ctx, const struct auth_user_update *in,
                  struct data_user *ret_user) BASE_MUST_USE;

struct auth_password_input {
    struct str old_password;
    struct str new_password;
    bool end_others; /* logs the other devices out */
};

/* How many common passwords this build refuses; 0: it was built without the list. */
size_t auth_common_passwords(void);

/* (hash) ERR_BAD_CREDENTIALS: the old one is wrong; ERR_INVALID (field new_password); ERR_RATE_LIMITED. */
int auth_password_change(struct auth *a, struct data_context *ctx,
                         const struct auth_password_input *in) BASE_MUST_USE;

struct auth_email_input {
    struct str email;
    struct str password;     /* not looked at beside a confirmation */
    struct str confirmation; /* a token that was mailed to email; empty: none */
    int64_t revision;        /* If-Match; 0: whatever */
};

struct auth_email_result {
    bool asked; /* a letter is on its way to the new address, and nothing changed */
    struct data_user user;
};

/*
 * (hash) Another address to log in with; ends nothing, and the old one is told where mail is sent. ERR_BAD_CREDENTIALS (field
 * password), ERR_INVALID (field email, password), ERR_EXISTS: it is taken. That answer is why it is limited like registrations, in
 * one bucket with them: ERR_RATE_LIMITED, ERR_PRECONDITION. Where addresses are confirmed and there is no confirmation yet: `asked`, the
 * same whoever has it. ERR_FORBIDDEN: the confirmation does not hold; it is this person's, for it, until address or password change.
 */
int auth_email_change(struct auth *a, struct data_context *ctx, const struct auth_email_input *in,
                      struct auth_email_result *ret_result) BASE_MUST_USE;

/* (hash) Whether password is the caller's; *ret_proof is for auth_leave_in. ERR_BAD_CREDENTIALS (field password), ERR_RATE_LIMITED. */
int auth_leave_prove(struct auth *a, struct data_context *ctx, struct str password,
                     struct str *ret_proof) BASE_MUST_USE;

/*
 * Inside a store function of lifecycle/, which does what follows for sessions: the caller's account ends. Logins, keys and second
 * step are gone, address and name too; the record waits for what else is to go. Of a tenant without anybody else the name and
 * the invitations go: *ret_last. ERR_CONFLICT: others are left without an owner; ERR_BAD_CREDENTIALS: the password was changed.
 */
int auth_leave_in(struct txn *txn, struct data_context *ctx, struct str proof,
                  bool *ret_last) BASE_MUST_USE;

/* Where the end of deleted accounts is: from the first (cursor empty) on. ERR_NOT_FOUND: there is none behind. */
struct auth_leaver {
    struct scope scope; /* tenant and person, in the transaction's arena */
    struct str cursor;
};
int auth_leaver_next(struct txn *txn, struct str cursor,
                     struct auth_leaver *ret_leaver) BASE_MUST_USE;

/* When nothing else is left of the person: the record goes. */
int auth_leaver_forget_in(struct txn *txn, const struct scope *scope) BASE_MUST_USE;

/* ---- The second step: codes of an authenticator app (RFC 6238) and recovery codes ---- */

struct auth_totp_new {
    struct str secret; /* base32, for typing into the app */
    struct str uri;    /* otpauth://…, for a picture that the app reads */
};

/*
 * (hash) Begins, again if need be; nothing is asked for before auth_totp_confirm. ERR_BAD_CREDENTIALS (field password),
 * ERR_EXISTS: it is on; ERR_RATE_LIMITED.
 */
int auth_totp_begin(struct auth *a, struct data_context *ctx, struct str password,
                    struct auth_totp_new *ret_new) BASE_MUST_USE;

struct auth_recovery {
    struct str codes[AUTH_RECOVERY_CODES]; /* each is good once; told this once */
};

/*
 * From now on each login asks for a code. ERR_BAD_CODE (field code), ERR_EXISTS: it is on; ERR_NOT_FOUND: nothing was begun
 * within AUTH_ENROL_MINUTES. ERR_RATE_LIMITED, ERR_CONFLICT.
 */
int auth_totp_confirm(struct auth *a, struct data_context *ctx, struct str code,
                      struct auth_recovery *ret_recovery) BASE_MUST_USE;

struct auth_totp_state {
    usec_t since; /* 0: it is off */
    unsigned recovery_left;
};

int auth_totp_get(struct data_context *ctx, struct auth_totp_state *ret_state) BASE_MUST_USE;

/* (hash) ERR_BAD_CREDENTIALS (field password), ERR_NOT_FOUND: neither on nor begun; ERR_RATE_LIMITED. */
int auth_totp_end(struct auth *a, struct data_context *ctx, struct str password) BASE_MUST_USE;

/* For somebody who has lost app and codes. ERR_NOT_FOUND: nobody, or theirs is off; ERR_FORBIDDEN; ERR_CONFLICT: oneself. */
int auth_member_totp_end(struct data_context *ctx, struct str user_id) BASE_MUST_USE;

/* ---- For the operator, on a store that no server uses; ctx has no scope ---- */

struct auth_console_input {
    struct str email;
    struct str password;
};

/* (hash) An account with a tenant of its own, whatever registration says; nobody is logged in. ERR_INVALID, ERR_EXISTS. */
int auth_console_owner(struct auth *a, struct data_context *ctx,
                       const struct auth_console_input *in) BASE_MUST_USE;

/* (hash) Another password; ends all logins. ERR_NOT_FOUND: no such account; ERR_INVALID. */
int auth_console_password(struct auth *a, struct data_context *ctx,
                          const struct auth_console_input *in) BASE_MUST_USE;

/* ERR_NOT_FOUND: no such account, or its logins ask for no code. */
int auth_console_totp_end(struct data_context *ctx, struct str email) BASE_MUST_USE;

/* ---- Limits ---- */

/* What the RateLimit-* headers say. */
struct auth_limit_state {
    uint32_t limit;
    uint32_t remaining;
    int64_t reset_ms;       /* until the bucket is full */
    int64_t retry_after_ms; /* 0 when the request was let through */
};

/*
 * Takes one token of key's bucket (a user id, an address). ERR_RATE_LIMITED; some kinds back off (limits.c). The table is bounded:
 * when it is full, the bucket that was used longest ago is forgotten. ret_state (NULL allowed) is set in both cases.
 */
int auth_limit(struct auth *a, enum auth_limit_kind kind, struct str key,
               struct auth_limit_state *ret_state) BASE_MUST_USE;

/* ---- Everybody, for the operator ---- */

struct auth_person {
    struct data_user user;
    struct str tenant;  /* its name */
    size_t logins;      /* that have not ended */
    usec_t last_access; /* the latest of any of them, 0: there are none */
};

/* How far a walk through all tenants is; starts as zeroes. */
struct auth_people_walk {
    char tenant[DATA_ID_ROOM];
    char cursor[DATA_MAX_CURSOR];
    size_t cursor_length;
    bool ended; /* all were seen */
};

struct auth_people {
    struct auth_person *at; /* in the arena of the call; former members too */
    size_t n;               /* may be 0 before the end */
};
/* The next few accounts, tenant by tenant, oldest first. */
int auth_people_next(struct store *store, struct arena *arena, struct auth_people_walk *walk,
                     struct auth_people *ret_people) BASE_MUST_USE;

/* ---- Duties: called by the server from a thread that may block ---- */

/* Writes what requests noted (first use of a counter, last access, wrong passwords). Call every second, and at shutdown. */
int auth_flush(struct auth *a) BASE_MUST_USE;

/* Takes up the keys and plans that another server of the same store may have changed. Call every AUTH_LOOK_SECONDS. */
int auth_look_again(struct auth *a) BASE_MUST_USE;

/* Ends keys past their age, and logins past their absolute or idle age, in transactions of 50 of each and for 100 ms; ret_ended tells how many. Call every minute. */
int auth_purge(struct auth *a, size_t *ret_ended) BASE_MUST_USE;

/* Deletes invitations that are too old, at most 50 per call; ret_ended tells how many. Call every minute. */
int auth_invitations_purge(struct store *store, size_t *ret_ended) BASE_MUST_USE;

/* Where a purge of the audit log is; starts as zeroes but for the times: what is older goes, of refusals in the log of the house, of all else. */
struct auth_audit_purge {
    usec_t house_before, before;
    char tenant[DATA_ID_ROOM];
};

/* One step through all tenants: at most 100 records of one. *ret_more: this round is not at its end. */
int auth_audit_purge(struct store *store, struct auth_audit_purge *state,
                     bool *ret_more) BASE_MUST_USE;

#endif
