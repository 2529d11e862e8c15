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

/* A read answers whether the store does: auth/ looks for the login of nobody. */
static int probe(struct txn *txn, void *ctx)
{
    struct scope scope;
    (void)ctx;
    int r = data_login_by_id(txn, STR("log-00000000000000000000000000"), &scope);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int api_ready(struct api_call *call)
{
    int r = store_read(call->data.store, probe, NULL);
    return r < 0 ? ERR_UNAVAILABLE : answer(call, "ready");
}
