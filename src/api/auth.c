/*
 * Accounts and logins: /auth/….
 *
 * The refresh token goes back the way it came: with "cookie" at login, or when it came as a cookie, it is in Set-Cookie and
 * nowhere else, so that no script of the page ever sees it.
 */
#include "api/api_int.h"
#include "gateway/gateway.h"
#include "sessions/sessions.h"

static int answer_login(struct api_call *call, int status, const struct auth_result *result,
                        bool as_cookie)
{
    call->data.scope = result->scope; /* for the log */
    struct reply_login login = reply_login_begin(api_begin(call, status));
    reply_login_token(&login, result->token);
    if (as_cookie) {
        api_cookie_set(call, result->refresh_token);
        api_known_set(call, auth_known_make(call->api->auth, call->req->arena, result->user.email));
    } else {
        reply_login_refresh_token(&login, result->refresh_token);
    }
    reply_login_expires_in(&login, result->expires_in);
    reply_login_user_whole(&login, &result->user);
    reply_login_end(&login);
    return api_end(call);
}

static int answer_refreshed(struct api_call *call, const struct auth_result *result,
                            enum auth_cause cause, bool as_cookie)
{
    call->data.scope = result->scope; /* for the log */
    struct reply_refreshed refreshed = reply_refreshed_begin(api_begin(call, 200));
    reply_refreshed_token(&refreshed, result->token);
    if (as_cookie) {
        api_cookie_set(call, result->refresh_token);
    } else {
        reply_refreshed_refresh_token(&refreshed, result->refresh_token);
    }
    reply_refreshed_expires_in(&refreshed, result->expires_in);
    reply_refreshed_cause(&refreshed, auth_cause_name(cause));
    reply_refreshed_end(&refreshed);
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
    struct reply_registration reply = reply_registration_begin(api_begin(call, 200));
    reply_registration_registration(&reply, modes[auth_registration_mode(a)]);
    reply_registration_confirm(&reply, auth_confirms(a));
    reply_registration_end(&reply);
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
    int r = auth_login(call->api->auth, &call->data,
                       &(struct auth_login_input){.email = in->email,
                                                  .password = in->password,
                                                  .code = in->code,
                                                  .known = api_known_read(call)},
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
        call->clear_cookie = from_cookie && (r == ERR_UNAUTHENTICATED || r == ERR_REUSED);
        return r;
    }
    return answer_refreshed(call, &result, cause, from_cookie);
}

/* The login of the bearer token. ERR_UNAUTHENTICATED, ERR_EXPIRED: none, or not valid any more. */
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
    if (r == ERR_UNAUTHENTICATED || r == ERR_EXPIRED) {
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
    struct reply_ticket reply = reply_ticket_begin(api_begin(call, 200));
    reply_ticket_ticket(&reply, ticket);
    reply_ticket_expires_in(&reply, AUTH_TICKET_SECONDS);
    reply_ticket_url(&reply, gateway_ticket_url(call->req->arena, ide, ticket));
    reply_ticket_end(&reply);
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
    for (size_t i = 0; i < devices.n; i++) {
        auth_device_write(w, &call->data, &devices.at[i]);
    }
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
    struct reply_ended reply = reply_ended_begin(api_begin(call, 200));
    reply_ended_ended(&reply, ended);
    reply_ended_end(&reply);
    return api_end(call);
}

int api_auth_device_end(struct api_call *call, const struct api_auth_device_end_in *in)
{
    int r = auth_devices_revoke(call->api->auth, &call->data, in->device_id);
    return r < 0 ? r : api_done(call);
}
