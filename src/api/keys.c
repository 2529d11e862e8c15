/* API keys: /auth/keys. */
#include "api/api_int.h"

int api_auth_keys_list(struct api_call *call, const struct api_auth_keys_list_in *in)
{
    struct auth_apikeys keys;
    int r = auth_apikeys_list(&call->data, (size_t)in->limit, in->cursor, &keys);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < keys.n; i++) {
        reply_key_whole(w, &keys.at[i]);
    }
    return api_end_page(call, keys.next);
}

int api_auth_key_create(struct api_call *call, const struct api_auth_key_create_in *in)
{
    struct data_apikey key;
    struct str token;
    bool writes = in->access == API_AUTH_KEY_CREATE_ACCESS_WRITE;
    int r = auth_apikey_create(
        &call->data,
        &(struct auth_apikey_input){
            .name = in->name,
            .access = writes ? DATA_APIKEY_ACCESS_WRITE : DATA_APIKEY_ACCESS_READ,
            .days = in->expires_in_days,
        },
        &key, &token);
    if (r < 0) {
        return r;
    }
    struct reply_new_key made = reply_new_key_begin(api_begin(call, 201));
    reply_new_key_key(&made, token);
    reply_new_key_record_whole(&made, &key);
    reply_new_key_end(&made);
    return api_end(call);
}

int api_auth_key_delete(struct api_call *call, const struct api_auth_key_delete_in *in)
{
    int r = auth_apikey_revoke(&call->data, in->key_id);
    return r < 0 ? r : api_done(call);
}
