/* The person who is logged in: /users/me. */
#include "api/api_int.h"

static int answer(struct api_call *call, const struct data_user *user)
{
    json_raw(api_begin(call, 200), user->reply);
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
    int r = api_if_match(in->if_match, &update.revision);
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
