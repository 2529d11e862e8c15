/* Whether the server lives (health) and can work (ready): for supervisors, probes and people. */
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
