/*
 * The refresh token as a cookie: what the browser keeps where no script can read it.
 *
 * 1. Only /auth/refresh and /auth/logout read it, and only from a page of the platform (origin.c).
 * 2. Two cookies of the name mean that somebody else set one: neither is taken.
 * 3. The name has the __Host- prefix wherever browsers honour it (https, loopback names): no other host or path can then set
 *    a cookie of this name for ours.
 */
#include "api/api_int.h"

static const char *cookie_name(const struct api *api)
{
    return api->origin.secure_cookie ? "__Host-coditect-refresh" : "coditect-refresh";
}

int api_cookie_read(struct api_call *call, struct str *ret_token)
{
    struct str token;
    int r = http_cookie(call->req, cookie_name(call->api), &token);
    if (r < 0) {
        return r;
    }
    if (!api_origin_is_own(&call->api->origin, call->req)) {
        call->problem.message = STR("A cookie is taken from the platform's own pages only.");
        return ERR_FORBIDDEN;
    }
    *ret_token = token;
    return 0;
}

static void set_cookie(struct api_call *call, struct str token, long long seconds)
{
    const char *secure = call->api->origin.secure_cookie ? "; Secure" : "";
    http_set(call->res, "Set-Cookie",
             arena_printf(call->req->arena,
                          "%s=" STR_FMT "; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                          cookie_name(call->api), STR_ARG(token), seconds, secure));
}

void api_cookie_set(struct api_call *call, struct str token)
{
    /* The token itself says when it ends. */
    set_cookie(call, token, call->api->login_life / USEC_PER_SEC);
}

void api_cookie_clear(struct api_call *call)
{
    set_cookie(call, STR(""), 0);
}
