/* Tenants at the operator's door: what each has and may have, and limits of its own instead of those of the settings. */
#include "api/api.h"
#include "base/assert.h"
#include "base/log.h"
#include "coditectd/admin_int.h"
#include "lifecycle/lifecycle.h"

struct about {
    struct data_tenant tenant;
    struct lifecycle_usage usage;
    struct data_quota quota;
    int64_t own[AUTH_PLAN_LIMITS];
};

static int about_read(struct coditectd_admin_call *c, struct data_context *ctx, struct about *about)
{
    struct str id = about->tenant.id;
    ctx->scope = (struct scope){.tenant_id = id};
    auth_plan_quota(c->admin->options.auth, id, &about->quota);
    auth_plan_own(c->admin->options.auth, id, about->own);
    api_requests(c->admin->options.api, &about->quota);
    return lifecycle_usage(ctx, &about->usage);
}

/* used NULL: it is of no tenant as a whole, or still being counted. A limit of 0 is none. */
static void write_limit(struct json_writer *w, const struct about *about,
                        enum auth_plan_limit limit)
{
    const struct {
        const uint64_t *used;
        uint64_t limit;
    } facts[AUTH_PLAN_LIMITS] = {
        [AUTH_PLAN_MEMBERS] = {&about->usage.members, about->quota.members},
        [AUTH_PLAN_SESSIONS] = {&about->usage.sessions, about->quota.sessions},
        [AUTH_PLAN_RUNNING] = {&about->usage.running, about->quota.running},
        [AUTH_PLAN_STORAGE] = {&about->usage.bytes, about->quota.tenant},
        [AUTH_PLAN_STORED] = {about->usage.held.whole ? &about->usage.held.bytes : NULL,
                              about->quota.stored},
        [AUTH_PLAN_SESSION_STORAGE] = {NULL, about->quota.session},
        [AUTH_PLAN_HOME_STORAGE] = {NULL, about->quota.home},
        [AUTH_PLAN_REQUESTS] = {NULL, about->quota.requests},
        [AUTH_PLAN_FILE_REQUESTS] = {NULL, about->quota.file_requests},
        [AUTH_PLAN_SOCKET_REQUESTS] = {NULL, about->quota.socket_requests},
    };
    json_name(w, auth_plan_limit_name(limit));
    json_object(w);
    if (facts[limit].used) {
        json_member_integer(w, "used", (int64_t)*facts[limit].used);
    }
    if (facts[limit].limit > 0) {
        json_member_integer(w, "limit", (int64_t)facts[limit].limit);
    }
    json_member_bool(w, "own", about->own[limit] != AUTH_PLAN_AS_SET);
    json_object_end(w);
}

static void write_about(struct json_writer *w, const struct about *about)
{
    char text[25];
    json_member_string(w, "id", about->tenant.id);
    json_member_string(w, "name", about->tenant.name);
    json_member_string(w, "created_at", time_str(text, about->tenant.created_at));
    for (unsigned i = 0; i < AUTH_PLAN_LIMITS; i++) {
        write_limit(w, about, (enum auth_plan_limit)i);
    }
}

static int say_about(struct coditectd_admin_call *c, const struct about *about)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    write_about(&w, about);
    return coditectd_admin_say(c, &w, &line);
}

/* The house is nobody's. */
static int say_tenant(struct coditectd_admin_call *c, struct data_context *ctx, struct about *about,
                      uint64_t *count)
{
    if (data_is_house(about->tenant.id)) {
        return 0;
    }
    ++*count;
    int r = about_read(c, ctx, about);
    return r < 0 ? r : say_about(c, about);
}

int coditectd_admin_tenants(struct coditectd_admin_call *c)
{
    char after[DATA_ID_ROOM] = "";
    uint64_t count = 0;
    int r = coditectd_admin_begin(c);
    while (r == 0) {
        ARENA_AUTO(arena);
        struct data_context ctx = {.store = c->admin->options.store, .arena = &arena};
        struct about about = {.tenant.id = STR_EMPTY};
        r = auth_tenant_next(&ctx, str_from(after), &about.tenant);
        r = r < 0 ? r : say_tenant(c, &ctx, &about, &count);
        if (r == 0) {
            memcpy(after, about.tenant.id.p, DATA_ID_SIZE);
            after[DATA_ID_SIZE] = '\0';
        }
    }
    return r == ERR_NOT_FOUND
               ? coditectd_admin_say_end(
                     c, (struct coditectd_admin_total[]){{"tenants", count}, {NULL, 0}})
               : r;
}

int coditectd_admin_limits(struct coditectd_admin_call *c)
{
    struct auth *auth = c->admin->options.auth;
    const struct auth_plan_change *change = &c->in.plan;
    struct data_context ctx = {.store = c->admin->options.store,
                               .arena = c->req->arena,
                               .scope = {.tenant_id = change->tenant_id},
                               .client = {.address = STR("console"), .request_id = c->req->id}};
    struct about about = {.tenant.id = STR_EMPTY};
    if (change->tenant_id.n == 0) {
        return ERR_INVALID;
    }
    if (data_is_house(change->tenant_id)) {
        return ERR_NOT_FOUND;
    }
    int r = change->given ? auth_plan_set(auth, &ctx, change) : 0;
    r = r < 0 ? r : auth_tenant_named(&ctx, change->tenant_id, &about.tenant);
    r = r < 0 ? r : about_read(c, &ctx, &about);
    if (r < 0) {
        return r;
    }
    if (change->given) {
        log_info("coditectd", "the plan of tenant " STR_FMT " is another",
                 STR_ARG(about.tenant.id));
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    write_about(&w, &about);
    json_object_end(&w);
    http_set(c->res, "Content-Type", STR("application/json"));
    return 0;
}
