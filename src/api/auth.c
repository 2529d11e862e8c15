/*
 * Accounts and logins: /auth/….
 *
 * The refresh token goes back the way it came: with "cookie" at login, or when it came as a cookie, it is in Set-Cookie and
 * nowhere else, so that no script of the page ever sees it.
 */
#include "api/api_int.h"
#include "gateway/gateway.h"
#include "sessions/sessions.h"

static void write_tokens(struct api_call *call, struct json_writer *w,
                         const struct auth_result *result, bool as_cookie)
{
    call->data.scope = result->scope; /* for the log */
    json_member_string(w, "token", result->token);
    if (as_cookie) {
        api_cookie_set(call, result->refresh_token);
    } else {
        json_member_string(w, "refresh_token", result->refresh_token);
    }
    json_member_integer(w, "expires_in", result->expires_in);
}

static int answer_login(struct api_call *call, int status, const struct auth_result *result,
                        bool as_cookie)
{
    struct json_writer *w = api_begin(call, status);
    json_object(w);
    write_tokens(call, w, result, as_cookie);
    json_member_raw(w, "user", result->user.reply);
    json_object_end(w);
    return api_end(call);
}

int api_auth_registration(struct api_call *call)
{
    static const char *const modes[] = {
        [AUTH_REGISTRATION_OPEN] = "open",
        [AUTH_REGISTRATION_INVITE] = "invite",
        [AUTH_REGISTRATION_CLOSED] = "closed",
    };
    const struct auth *a = call->api->auth;
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_string(w, "registration", str_from(modes[auth_registration_mode(a)]));
    json_member_bool(w, "confirm", auth_confirms(a));
    json_object_end(w);
    return api_end(call);
}

int api_auth_register(struct api_call *call, const struct api_auth_register_in *in)
{
    struct auth_result result;
    int r = auth_register(call->api->auth, &call->data,
                          &(struct auth_register_input){.email = in->email,
                                                        .password = in->password,
                                                        .name = in->name,
                                                        .invitation = in->invitation,
                                                        .confirmation = in->confirmation},
                          &result);
    if (r < 0) {
        return r;
    }
    return result.asked ? api_asked(call) : answer_login(call, 201, &result, in->cookie);
}

int api_auth_login(struct api_call *call, const struct api_auth_login_in *in)
{
    struct auth_result result;
    int r = auth_login(
        call->api->auth, &call->data,
        &(struct auth_login_input){.email = in->email, .password = in->password, .code = in->code},
        &result);
    return r < 0 ? r : answer_login(call, 200, &result, in->cookie);
}

/* The refresh token of the body, else of the cookie. ERR_UNAUTHENTICATED: neither. */
static int find_refresh_token(struct api_call *call, struct str in_body, struct str *ret_token,
                              bool *ret_from_cookie)
{
    if (in_body.n > 0) {
        *ret_token = in_body;
        *ret_from_cookie = false;
        return 0;
    }
    int r = api_cookie_read(call, ret_token);
    *ret_from_cookie = r == 0;
    return r == ERR_NOT_FOUND || r == ERR_CONFLICT ? ERR_UNAUTHENTICATED : r;
}

int api_auth_refresh(struct api_call *call, const struct api_auth_refresh_in *in)
{
    struct auth_result result;
    enum auth_cause cause;
    struct str token;
    bool from_cookie;
    int r = find_refresh_token(call, in->refresh_token, &token, &from_cookie);
    if (r < 0) {
        return r;
    }
    r = auth_refresh(call->api->auth, &call->data, token, &result, &cause);
    if (r < 0) {
        call->clear_cookie = from_cookie && r == ERR_UNAUTHENTICATED;
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    write_tokens(call, w, &result, from_cookie);
    json_member_string(w, "cause", str_from(auth_cause_name(cause)));
    json_object_end(w);
    return api_end(call);
}

/* The login of the bearer token. ERR_UNAUTHENTICATED: none, or not valid any more. */
static int logout_bearer(struct api_call *call, bool everywhere)
{
    struct str token;
    int r = api_bearer(call->req, &token);
    if (r < 0) {
        return ERR_UNAUTHENTICATED;
    }
    r = auth_authenticate(call->api->auth, &call->data, token);
    return r < 0 ? r : auth_logout(call->api->auth, &call->data, everywhere);
}

int api_auth_logout(struct api_call *call, const struct api_auth_logout_in *in)
{
    struct str token;
    bool from_cookie = false;
    int r = logout_bearer(call, in->everywhere);
    if (r == ERR_UNAUTHENTICATED) {
        r = find_refresh_token(call, in->refresh_token, &token, &from_cookie);
        if (r == 0) {
            r = auth_logout_token(call->api->auth, &call->data, token, in->everywhere);
        }
    }
    if (r < 0) {
        call->clear_cookie = from_cookie && r == ERR_UNAUTHENTICATED;
        return r;
    }
    api_cookie_clear(call);
    return api_done(call);
}

/* ---- The way into an IDE ---- */

/* Of a workspace that is wanted running, whether or not it answers just now: a page that is open already comes back sooner. */

int api_auth_ticket_create(struct api_call *call, const struct api_auth_ticket_create_in *in)
{
    struct sessions_view view;
    int r = sessions_get(&call->data, in->session_id, &view);
    if (r < 0 || view.session.deleted) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    struct str ide = api_ide_url(call, &view);
    if (ide.n == 0) {
        return ERR_NOT_RUNNING;
    }
    struct auth_visit visit = {.scope = call->data.scope,
                               .session_id = view.session.id,
                               .generation = view.workspace.generation};
    struct str ticket = auth_ticket_make(call->api->auth, call->req->arena, &visit);
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_string(w, "ticket", ticket);
    json_member_integer(w, "expires_in", AUTH_TICKET_SECONDS);
    json_member_string(w, "url", gateway_ticket_url(call->req->arena, ide, ticket));
    json_object_end(w);
    return api_end(call);
}

/* ---- Devices ---- */

int api_auth_devices_list(struct api_call *call, const struct api_auth_devices_list_in *in)
{
    struct auth_devices devices;
    int r = auth_devices_list(&call->data, (size_t)in->limit, in->cursor, &devices);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_array(w);
    for (size_t i = 0; i < devices.n; i++) {
        auth_device_write(w, &call->data, &devices.at[i]);
    }
    json_array_end(w);
    return api_end_page(call, devices.next);
}

/* Ends the logins of one page but the caller's own; each is an operation of its own. */
static int end_page(struct api_call *call, const struct auth_devices *page, int64_t *ended)
{
    for (size_t i = 0; i < page->n; i++) {
        if (str_eq(page->at[i].id, call->data.scope.login_id)) {
            continue;
        }
        call->data.op = store_op_new();
        int r = auth_devices_revoke(call->api->auth, &call->data, page->at[i].id);
        if (r < 0 && r != ERR_NOT_FOUND) {
            return r;
        }
        *ended += r == 0;
    }
    return 0;
}

int api_auth_devices_end_others(struct api_call *call)
{
    int64_t ended = 0;
    struct auth_devices page = {0};
    do {
        int r = auth_devices_list(&call->data, DATA_MAX_LIST, page.next, &page);
        if (r == 0) {
            r = end_page(call, &page, &ended);
        }
        if (r < 0) {
            return r;
        }
    } while (page.next.n > 0);
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_integer(w, "ended", ended);
    json_object_end(w);
    return api_end(call);
}

int api_auth_device_end(struct api_call *call, const struct api_auth_device_end_in *in)
{
    int r = auth_devices_revoke(call->api->auth, &call->data, in->device_id);
    return r < 0 ? r : api_done(call);
}
