/* Whether the server lives (health) and can work (ready), and what of a request arrives: for supervisors, probes and people. */
#include "api/api_int.h"

static int answer(struct api_call *call, const char *status)
{
    struct reply_health health = reply_health_begin(api_begin(call, 200));
    reply_health_status(&health, status);
    reply_health_version(&health, STR(CODITECT_VERSION));
    reply_health_end(&health);
    return api_end(call);
}

int api_health(struct api_call *call)
{
    return answer(call, "ok");
}

/*
 * Whether the store answers: the login of nobody is looked for, as each request looks for its own. That it is not there is
 * the good answer.
 */
int api_ready(struct api_call *call)
{
    call->data.scope = (struct scope){
        .tenant_id = STR("ten-00000000000000000000000000"),
        .user_id = STR("usr-00000000000000000000000000"),
        .login_id = STR("log-00000000000000000000000000"),
    };
    int r = auth_still(call->api->auth, &call->data);
    return r == ERR_UNAUTHENTICATED ? answer(call, "ready") : ERR_UNAVAILABLE;
}

int api_doctor(struct api_call *call)
{
    const struct http_request *req = call->req;
    struct str origin = http_header(req, "Origin");
    struct reply_arrived arrived = reply_arrived_begin(api_begin(call, 200));
    reply_arrived_host(&arrived, req->host);
    if (origin.n > 0) {
        reply_arrived_origin(&arrived, origin);
    }
    reply_arrived_own_origin(&arrived, api_origin_is_own(&call->api->origin, req));
    reply_arrived_secure(&arrived, req->secure);
    reply_arrived_upgrade(&arrived, http_header_has_token(req, "Connection", "upgrade") &&
                                        http_header_has_token(req, "Upgrade", "websocket"));
    reply_arrived_address(&arrived, req->peer);
    reply_arrived_time(&arrived, time_now());
    reply_arrived_end(&arrived);
    return api_end(call);
}
