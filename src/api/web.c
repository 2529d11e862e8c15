/*
 * The web app: everything that is not the API's. Files and their headers are http_static's; here are the rules of our pages.
 *
 * 1. An address without a file is the app's own (a page of the single-page app) when a browser asks for a page, else 404.
 *    The reference of the API is answered to whatever asks: its address stands in the documentation, for curl too.
 * 2. What lies below /assets/ has a hash in its name and is kept for ever; everything else is asked for again each time.
 */
#include "api/api_int.h"
#include "base/log.h"
#include "base/map.h"
#include "gateway/gateway.h"

/* moves: a page that came by localhost or 127.0.0.1 finds out whether the browser reaches the name beside which IDEs are. */
static char *make_policy(const struct gateway *gateway, bool moves)
{
    BUF_AUTO(policy, 8192);
    buf_printf(&policy,
               "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
               "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'%s; "
               "worker-src 'self' blob:; frame-src %s; frame-ancestors 'none'; "
               "object-src 'none'; base-uri 'none'; form-action 'self'",
               moves ? " http://coditect.localhost:*" : "",
               gateway != NULL ? gateway_frame_sources(gateway) : "'none'");
    ASSERT(policy.error == 0);
    return mem_dup(policy.p, policy.n);
}

int api_web_init(struct api *api, const struct api_options *options)
{
    api->web_policy = make_policy(options->gateway, api->origin.public_url.n == 0);
    if (options->web_directory == NULL) {
        return 0;
    }
    int r = http_static_open(&(struct http_static_options){.directory = options->web_directory,
                                                           .lasting_below = "/assets/",
                                                           .fallback = "/index.html"},
                             &api->web);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return log_err(r, "api", "the web app cannot be read: %s", err_row(r)->text);
    }
    return r;
}

void api_web_fini(struct api *api)
{
    mem_free(api->web_policy);
    http_static_close(api->web);
}

/* Whether a file answers is found out on the lane's thread. */
int api_web_route(struct api *api, struct http_request *req, struct http_route *ret)
{
    if (api->web == NULL) {
        return ERR_NOT_FOUND;
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        return ERR_METHOD_NOT_ALLOWED;
    }
    ret->lane = HTTP_STREAM;
    ret->key = map_hash(req->peer);
    return 0;
}

void api_web_handle(struct api *api, struct http_request *req, struct http_response *res)
{
    http_set(res, "X-Request-Id", req->id);
    http_set(res, "X-Content-Type-Options", STR("nosniff"));
    http_set(res, "X-Frame-Options", STR("DENY"));
    http_set(res, "Content-Security-Policy", str_from(api->web_policy));
    http_set(res, "Cross-Origin-Opener-Policy", STR("same-origin"));
    http_set(res, "Referrer-Policy", STR("same-origin"));
    bool reference = str_eq(req->path, STR("/docs/api"));
    int r = http_static_serve(api->web, req, res, reference ? STR("/index.html") : req->path);
    if (r == 0) {
        return;
    }
    if (r == ERR_IO) {
        log_warn("api", "a file of the web app has gone or changed since the start");
    }
    http_reset(res);
    struct api_problem problem = {0};
    api_fail_plain(req, res, r, &problem);
}
