/*
 * Another password for who forgot theirs: /auth/reset, and the link for it, which who manages members makes or which comes by
 * e-mail.
 *
 * 1. As of invitations: the token is in the reply that makes it and nowhere else, in its link behind '#'.
 */
#include "api/api_int.h"

int api_tenant_member_reset(struct api_call *call, const struct api_tenant_member_reset_in *in)
{
    struct auth_reset reset;
    int r = auth_member_reset(&call->data, in->user_id, &reset);
    if (r < 0) {
        return r;
    }
    struct reply_reset reply = reply_reset_begin(api_begin(call, 201));
    reply_reset_token(&reply, reset.token);
    reply_reset_url(&reply, api_link(call, "reset#token", reset.token));
    reply_reset_expires_at(&reply, reset.expires_at);
    reply_reset_end(&reply);
    return api_end(call);
}

int api_auth_reset_ask(struct api_call *call, const struct api_auth_reset_ask_in *in)
{
    int r = auth_reset_ask(call->api->auth, &call->data, in->email);
    return r < 0 ? r : api_done(call);
}

int api_auth_reset(struct api_call *call, const struct api_auth_reset_in *in)
{
    int r = auth_reset_use(
        call->api->auth, &call->data,
        &(struct auth_reset_input){.token = in->token, .new_password = in->new_password});
    return r < 0 ? r : api_done(call);
}
