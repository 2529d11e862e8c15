/*
 * The cookies: what the browser keeps where no script can read it. The refresh token, and the mark that somebody came in from
 * this browser before, which stays when they log out.
 *
 * 1. Only /auth/refresh and /auth/logout read the one, only /auth/login the other, and only from a page of the platform (origin.c).
 * 2. Two cookies of a name mean that somebody else set one: neither is taken.
 * 3. The name has the __Host- prefix wherever browsers honour it (https, loopback names): no other host or path can then set
 *    a cookie of this name for ours.
 */
#include "api/api_int.h"

static const char *cookie_name(const struct api *api)
{
    return api->origin.secure_cookie ? "__Host-coditect-refresh" : "coditect-refresh";
}

static const char *known_name(const struct api *api)
{
    return api->origin.secure_cookie ? "__Host-coditect-known" : "coditect-known";
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

struct str api_known_read(struct api_call *call)
{
    struct str known;
    int r = http_cookie(call->req, known_name(call->api), &known);
    return r == 0 && api_origin_is_own(&call->api->origin, call->req) ? known : STR_EMPTY;
}

static void set_cookie(struct api_call *call, const char *name, struct str value, long long seconds)
{
    const char *secure = call->api->origin.secure_cookie ? "; Secure" : "";
    http_set(call->res, "Set-Cookie",
             arena_printf(call->req->arena,
                          "%s=" STR_FMT "; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", name,
                          STR_ARG(value), seconds, secure));
}

void api_known_set(struct api_call *call, struct str known)
{
    set_cookie(call, known_name(call->api), known, (long long)AUTH_KNOWN_DAYS * 24 * 3600);
}

void api_cookie_set(struct api_call *call, struct str token)
{
    /* The token itself says when it ends. */
    set_cookie(call, cookie_name(call->api), token, call->api->login_life / USEC_PER_SEC);
}

void api_cookie_clear(struct api_call *call)
{
    set_cookie(call, cookie_name(call->api), STR(""), 0);
}
