/*
 * Whether a call that takes its time goes on. Whose call it is was found when it began; a login and a key end, a role and a link's
 * settings change, while a body comes or goes for hours, or a workspace is waited for.
 *
 * 1. While bytes come or go it is asked every other second, so that a stream costs no more for it.
 *    The login is in use by that: none ends for want of use under an upload.
 * 2. Before such a call writes, the transaction asks once more (data_still): nothing is kept of who was out by then.
 */
#include "api/api_int.h"

static const usec_t ask_again = 2 * USEC_PER_SEC;

static int still_in(struct txn *txn, void *ctx)
{
    const struct api_call *call = ctx;
    const struct data_client *client = &call->data.client;
    struct scope now = call->data.scope;
    int r = client->key_id.n > 0 ? auth_apikey_still_in(txn, client->key_id, &now)
                                 : auth_still_in(call->api->auth, txn, &now);
    return r < 0 ? r : api_permit(call, now.role);
}

void api_lasts(struct api_call *call)
{
    if (call->data.scope.user_id.n > 0) {
        call->data.guard = (struct data_guard){still_in, call};
    }
}

int api_still(struct api_call *call)
{
    call->asked_at = time_monotonic();
    if (call->shared || call->data.scope.user_id.n == 0) {
        return call->shared ? api_link_still(call) : 0;
    }
    if (call->data.client.key_id.n > 0) {
        return store_read(call->api->store, still_in, call);
    }
    struct data_context now = call->data;
    int r = auth_still(call->api->auth, &now);
    return r < 0 ? r : api_permit(call, now.scope.role);
}

int api_goes_on(struct api_call *call)
{
    return time_monotonic() - call->asked_at < ask_again ? 0 : api_still(call);
}
