/*
 * Auth's part about a tenant: its members, its invitations, its audit log; and the secrets that invitations, links and
 * keys are. Belongs to auth.h, which includes it.
 */
#ifndef AUTH_TENANT_H
#define AUTH_TENANT_H

#include "data/data.h"

struct auth;

/* ---- The tenant, its members, its invitations ----
 *
 * That the caller's role has the permission was asked before. ERR_FORBIDDEN here: it is about somebody above them.
 */

enum {
    AUTH_MAX_MEMBERS = 1000, /* accounts of a tenant, former ones included */
    AUTH_MAX_INVITATIONS = 100,
    AUTH_INVITATION_DAYS = 7,
    AUTH_INVITATION_MAX = 200, /* bytes of a token */
};

int auth_tenant_get(struct data_context *ctx, struct data_tenant *ret_tenant) BASE_MUST_USE;

struct auth_tenant_update {
    struct str name;  /* as data_text_name wants it */
    int64_t revision; /* If-Match; 0: whatever */
};

/* ERR_INVALID (field name), ERR_PRECONDITION, ERR_FORBIDDEN: the caller's role has just become another one. */
int auth_tenant_put(struct data_context *ctx, const struct auth_tenant_update *in,
                    struct data_tenant *ret_tenant) BASE_MUST_USE;

/* The caller, an owner, becomes admin and the member owner. ERR_NOT_FOUND, ERR_CONFLICT: to oneself. */
int auth_tenant_transfer(struct data_context *ctx, struct str user_id,
                         struct data_user *ret_owner) BASE_MUST_USE;

enum auth_members_sort {
    AUTH_MEMBERS_BY_CREATED, /* the oldest first */
    AUTH_MEMBERS_BY_NAME,    /* a to z, whatever the case */
    AUTH_MEMBERS_BY_EMAIL,
};

struct auth_members_input {
    size_t limit; /* 1 to DATA_MAX_LIST */
    struct str cursor;
    struct str words; /* only those with this in name or address, whatever the case; empty: all */
    enum auth_members_sort sort;
    bool former; /* those who were removed, instead of the others */
    bool reverse;
};

struct auth_members {
    struct data_user *at; /* .reply is the API's member object */
    size_t n;
    struct str next; /* cursor; empty at the end */
    int64_t total;   /* in all pages */
};

/* ERR_INVALID: a bad cursor. */
int auth_members_list(struct data_context *ctx, const struct auth_members_input *in,
                      struct auth_members *ret_members) BASE_MUST_USE;

/* How many there are, former ones not counted. */
int auth_members_count(struct txn *txn, const struct scope *scope,
                       uint64_t *ret_count) BASE_MUST_USE;

/* ERR_NOT_FOUND: nobody, or removed. */
int auth_member_get(struct data_context *ctx, struct str user_id,
                    struct data_user *ret_user) BASE_MUST_USE;

/* Whether other is own or below. */
bool auth_role_reaches(enum data_role own, enum data_role other);

struct auth_member_change {
    struct str user_id;
    enum data_role role;
    int64_t revision; /* If-Match; 0: whatever */
};

/*
 * Inside a store function of lifecycle/, which does what follows for sessions. ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_PRECONDITION;
 * ERR_CONFLICT: the last owner.
 */
int auth_member_put_in(struct txn *txn, struct data_context *ctx,
                       const struct auth_member_change *in,
                       struct data_user *ret_user) BASE_MUST_USE;

/* The same: ends all logins and takes address and password from the account, which stays. */
int auth_member_remove_in(struct txn *txn, struct data_context *ctx, struct str user_id,
                          int64_t revision) BASE_MUST_USE;

struct auth_invitation_input {
    struct str email;
    enum data_role role;
    struct str user_id; /* the account of a former member; empty: a new one */
};

/*
 * ret_token is told this once. A repeated ctx->op gives the same invitation with another token, and the one before ends.
 * ERR_INVALID (field email, user_id), ERR_FORBIDDEN, ERR_LIMIT (AUTH_MAX_INVITATIONS).
 */
int auth_invitation_create(struct data_context *ctx, const struct auth_invitation_input *in,
                           struct data_invitation *ret_invitation,
                           struct str *ret_token) BASE_MUST_USE;

enum auth_invitations_sort {
    AUTH_INVITATIONS_BY_CREATED, /* the newest first */
    AUTH_INVITATIONS_BY_EMAIL,   /* a to z */
};

struct auth_invitations_input {
    size_t limit; /* 1 to DATA_MAX_LIST */
    struct str cursor;
    struct str words; /* only those with this in the address, whatever the case; empty: all */
    enum auth_invitations_sort sort;
    bool reverse;
};

struct auth_invitations {
    struct data_invitation *at;
    size_t n;
    struct str next; /* cursor; empty at the end */
    int64_t total;   /* in all pages */
};

/* ERR_INVALID: a bad cursor. */
int auth_invitations_list(struct data_context *ctx, const struct auth_invitations_input *in,
                          struct auth_invitations *ret_invitations) BASE_MUST_USE;

/* Withdraws it. ERR_NOT_FOUND, ERR_FORBIDDEN. */
int auth_invitation_end(struct data_context *ctx, struct str id) BASE_MUST_USE;

/* ---- The audit log ---- */

struct auth_audit_input {
    size_t limit; /* 1 to DATA_MAX_LIST */
    struct str cursor;
    usec_t since;      /* 0: all */
    usec_t until;      /* 0: all */
    struct str actor;  /* a user's id; empty: whoever */
    struct str action; /* "session.create", or "session" for all of that noun; empty: whatever */
    struct str target; /* an id; empty: whatever */
};

struct auth_audit_page {
    struct data_audit *at; /* newest first */
    size_t n;              /* may be less than limit before the end */
    struct str next;       /* cursor; empty at the end */
};

/* Of ctx->scope's tenant. That the role permits it was asked before. ERR_INVALID: a bad cursor. */
int auth_audit_list(struct data_context *ctx, const struct auth_audit_input *in,
                    struct auth_audit_page *ret_page) BASE_MUST_USE;

/*
 * Notes a call of ctx's person that changed nothing: one that was denied, or one that read; or a read by a link, which is nobody's;
 * or, without a person, one that a stranger was denied: for the operator, in the log of the house (data_house), by network.
 * Nothing is written before the next auth_flush; equal calls are counted and share records: denials of a route, and reads by a
 * link from an address, one at once and then one a minute; reads of a target one a flush. Bounded: so many records of strangers
 * at once and then a minute (auth_int.h), and what is more from "others"; so many operations of a network, and what is more in
 * one without a route; what does not fit in memory is counted and logged.
 */
struct auth_call {
    const char *route; /* its operationId, "ide" and "ide_ticket" at an IDE's own address; static */
    bool denied;
    bool by_link;      /* ctx->client.link_id, whose last use is written with it */
    struct str target; /* an id or empty; of denials not kept */
};
void auth_call_note(struct auth *a, const struct data_context *ctx, const struct auth_call *call);

/*
 * Whether the id is of something that is there and somebody else's of the tenant: who is told that there is no such thing was denied
 * it. That one reads the same for an id of nobody's. The errors of the store: nobody can say whether it was.
 */
int auth_is_anothers(const struct data_context *ctx, struct str id, bool *ret_is) BASE_MUST_USE;

/* From now on auth_flush leaves nothing for a later minute: the server ends. */
void auth_calls_close(struct auth *a);

/* ---- The checker ---- */

/*
 * A data_judge: who has a password has the identity that fits, and nobody else one; who is asked for a code has a second step, and
 * what lets somebody in has its person.
 */
int auth_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

/* ---- Secrets: what somebody is told once and brings back ---- */

/* 256 random bits as base64url, in arena. */
struct str auth_secret_make(struct arena *arena);

/* SHA-256, hexadecimal, in arena: what is kept. A fast hash is enough for what nobody can guess. */
struct str auth_secret_hash(struct arena *arena, struct str secret);

/*
 * A token that finds its record: {prefix, "cdk_"}{26 digits of the record's id}_{43 characters of a secret}. What is kept is the
 * hash of all of it. auth_token_id: the id, of a kind ("key"), that a token of the right form names; empty: it has another.
 */
struct str auth_token_make(struct arena *arena, const char *prefix, struct str id);
struct str auth_token_id(struct arena *arena, const char *prefix, const char *kind,
                         struct str token);

#endif
