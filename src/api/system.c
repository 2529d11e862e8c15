/* Whether the server lives (health) and can work (ready), and what of a request arrives: for supervisors, probes and people. */
#include "api/api_int.h"

static int answer(struct api_call *call, const char *status)
{
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_string(w, "status", str_from(status));
    json_member_string(w, "version", STR(CODITECT_VERSION));
    json_object_end(w);
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
    char now[25];
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_string(w, "host", req->host);
    if (origin.n > 0) {
        json_member_string(w, "origin", origin);
    }
    json_member_bool(w, "own_origin", api_origin_is_own(&call->api->origin, req));
    json_member_bool(w, "secure", req->secure);
    json_member_bool(w, "upgrade",
                     http_header_has_token(req, "Connection", "upgrade") &&
                         http_header_has_token(req, "Upgrade", "websocket"));
    json_member_string(w, "address", req->peer);
    json_member_string(w, "time", time_str(now, time_now()));
    json_object_end(w);
    return api_end(call);
}
