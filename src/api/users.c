/* The person who is logged in: /users/me. */
#include "api/api_int.h"
#include "lifecycle/lifecycle.h"

static int answer(struct api_call *call, const struct data_user *user)
{
    reply_user_whole(api_begin(call, 200), user);
    return api_end(call);
}

int api_users_me_get(struct api_call *call, const struct api_users_me_get_in *in)
{
    struct data_user user;
    int r = auth_user_get(&call->data, &user);
    if (r < 0) {
        return r;
    }
    if (api_not_modified(call, (uint64_t)user.revision, in->if_none_match)) {
        return 0;
    }
    return answer(call, &user);
}

int api_users_me_put(struct api_call *call, const struct api_users_me_put_in *in)
{
    struct data_user user;
    struct auth_user_update update = {.name = in->name};
    int r = api_if_match(call, in->if_match, &update.revision);
    if (r == 0) {
        r = auth_user_put(&call->data, &update, &user);
    }
    if (r < 0) {
        return r;
    }
    api_etag(call, (uint64_t)user.revision);
    return answer(call, &user);
}

int api_users_me_password(struct api_call *call, const struct api_users_me_password_in *in)
{
    int r = auth_password_change(call->api->auth, &call->data,
                                 &(struct auth_password_input){
                                     .old_password = in->current_password,
                                     .new_password = in->new_password,
                                     .end_others = in->end_others,
                                 });
    return r < 0 ? r : api_done(call);
}

int api_users_me_email(struct api_call *call, const struct api_users_me_email_in *in)
{
    struct auth_email_result result;
    struct auth_email_input input = {
        .email = in->email, .password = in->password, .confirmation = in->confirmation};
    int r = api_if_match(call, in->if_match, &input.revision);
    if (r == 0) {
        r = auth_email_change(call->api->auth, &call->data, &input, &result);
    }
    if (r < 0) {
        return r;
    }
    if (result.asked) {
        return api_asked(call);
    }
    api_etag(call, (uint64_t)result.user.revision);
    return answer(call, &result.user);
}

int api_users_me_delete(struct api_call *call, const struct api_users_me_delete_in *in)
{
    int64_t revision;
    int r = api_if_match(call, in->if_match, &revision);
    if (r == 0) {
        r = lifecycle_account_delete(call->api->auth, &call->data, in->password, revision);
    }
    if (r < 0) {
        return r;
    }
    api_cookie_clear(call);
    return api_done(call);
}

/* ---- The second step of logins: /users/me/totp ---- */

int api_users_me_totp_get(struct api_call *call)
{
    struct auth_totp_state state;
    int r = auth_totp_get(&call->data, &state);
    if (r < 0) {
        return r;
    }
    struct reply_totp totp = reply_totp_begin(api_begin(call, 200));
    reply_totp_enabled(&totp, state.since != 0);
    if (state.since != 0) {
        reply_totp_since(&totp, state.since);
    }
    reply_totp_recovery_codes_left(&totp, state.recovery_left);
    reply_totp_end(&totp);
    return api_end(call);
}

int api_users_me_totp_begin(struct api_call *call, const struct api_users_me_totp_begin_in *in)
{
    struct auth_totp_new made;
    int r = auth_totp_begin(call->api->auth, &call->data, in->password, &made);
    if (r < 0) {
        return r;
    }
    struct reply_new_totp totp = reply_new_totp_begin(api_begin(call, 201));
    reply_new_totp_secret(&totp, made.secret);
    reply_new_totp_uri(&totp, made.uri);
    reply_new_totp_expires_in(&totp, AUTH_ENROL_MINUTES * 60);
    reply_new_totp_end(&totp);
    return api_end(call);
}

int api_users_me_totp_confirm(struct api_call *call, const struct api_users_me_totp_confirm_in *in)
{
    struct auth_recovery recovery;
    int r = auth_totp_confirm(call->api->auth, &call->data, in->code, &recovery);
    if (r < 0) {
        return r;
    }
    struct reply_recovery reply = reply_recovery_begin(api_begin(call, 200));
    reply_recovery_recovery_codes(&reply);
    for (size_t i = 0; i < AUTH_RECOVERY_CODES; i++) {
        reply_recovery_recovery_codes_item(&reply, recovery.codes[i]);
    }
    reply_recovery_recovery_codes_end(&reply);
    reply_recovery_end(&reply);
    return api_end(call);
}

int api_users_me_totp_end(struct api_call *call, const struct api_users_me_totp_end_in *in)
{
    int r = auth_totp_end(call->api->auth, &call->data, in->password);
    return r < 0 ? r : api_done(call);
}

int api_tenant_member_totp_end(struct api_call *call,
                               const struct api_tenant_member_totp_end_in *in)
{
    int r = auth_member_totp_end(&call->data, in->user_id);
    return r < 0 ? r : api_done(call);
}
