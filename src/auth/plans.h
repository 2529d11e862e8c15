/* What auth.h says of plans: what a tenant may have. Included by it. */
#ifndef AUTH_PLANS_H
#define AUTH_PLANS_H

#include "data/data.h"

struct auth;

enum auth_plan_limit {
    AUTH_PLAN_MEMBERS,
    AUTH_PLAN_SESSIONS,
    AUTH_PLAN_RUNNING,
    AUTH_PLAN_STORAGE, /* bytes of all files */
    AUTH_PLAN_STORED,  /* bytes of their content with all its history */
    AUTH_PLAN_SESSION_STORAGE,
    AUTH_PLAN_HOME_STORAGE,
    AUTH_PLAN_REQUESTS, /* a minute and person, as the next two, each a rate class of spec/openapi.yaml */
    AUTH_PLAN_FILE_REQUESTS,
    AUTH_PLAN_SOCKET_REQUESTS,
    AUTH_PLAN_LIMITS
};

/* As in the record and wherever an operator names one: "members". */
const char *auth_plan_limit_name(enum auth_plan_limit limit);

enum {
    AUTH_PLAN_AS_SET = 0, /* what the settings say */
    AUTH_PLAN_NONE = -1,  /* no limit; requests always have one */
};
#define AUTH_PLAN_MOST ((int64_t)1 << 52)

/* What the tenant may have: the settings, or what its plan says instead. Any thread; the store is not asked. */
void auth_plan_quota(struct auth *a, struct str tenant_id, struct data_quota *ret_quota);

/* The limits of the plan alone; all AUTH_PLAN_AS_SET: there is none. */
void auth_plan_own(struct auth *a, struct str tenant_id, int64_t ret_limits[AUTH_PLAN_LIMITS]);

struct auth_plan_change {
    struct str tenant_id;
    unsigned given;                   /* bit n: limit n is set */
    int64_t limits[AUTH_PLAN_LIMITS]; /* AUTH_PLAN_AS_SET, AUTH_PLAN_NONE, or 1 to AUTH_PLAN_MOST */
};

/*
 * For the operator. It holds from the next request on; what is there already stays when it is more. ctx->client goes into the
 * tenant's audit log. ERR_NOT_FOUND: no such tenant; ERR_INVALID: a limit is none.
 */
int auth_plan_set(struct auth *a, struct data_context *ctx,
                  const struct auth_plan_change *change) BASE_MUST_USE;

/* The first tenant behind `after` (empty: the first), in ctx->arena. ERR_NOT_FOUND: none. */
int auth_tenant_next(struct data_context *ctx, struct str after,
                     struct data_tenant *ret_tenant) BASE_MUST_USE;

/* The one with this id, whose form was asked before. ERR_NOT_FOUND. */
int auth_tenant_named(struct data_context *ctx, struct str id,
                      struct data_tenant *ret_tenant) BASE_MUST_USE;

#endif
