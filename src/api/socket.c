/*
 * Sockets: rows with x-socket, whose request becomes a WebSocket. Until then it is a request like any other: login, right, limit
 * and input are the router's, and what refuses it is an ordinary reply.
 *
 * 1. A token comes in a header, never in the address, which proxies log. A page can set no header but the subprotocols: there it
 *    stands beside PROTOCOL, which is what the answer names, so that the token is not sent back.
 * 2. Nothing that a browser sends by itself opens a socket: no cookie counts. A page must be ours, too, or one that may call the
 *    API (cors_origins), so that a token that leaked into another page opens nothing there.
 */
#include "api/api_int.h"

#define PROTOCOL "coditect.v5"
#define BEARER "coditect.bearer."

struct offered {
    struct str token; /* of the last bearer */
    size_t bearers;
    bool protocol;
};

static void look_at(struct str value, struct offered *offered)
{
    struct str part;
    while (value.p && str_split(&value, ',', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR(BEARER))) {
            offered->token = str_slice(part, strlen(BEARER), part.n);
            offered->bearers++;
        } else if (str_eq(part, STR(PROTOCOL))) {
            offered->protocol = true;
        }
    }
}

static struct offered offered_by(const struct http_request *req)
{
    struct offered offered = {.token = STR_EMPTY};
    for (size_t i = 0; i < req->header_count; i++) {
        if (str_eq_nocase(req->headers[i].name, STR("Sec-WebSocket-Protocol"))) {
            look_at(req->headers[i].value, &offered);
        }
    }
    return offered;
}

int api_socket_token(const struct http_request *req, struct str *ret_token)
{
    struct offered offered = offered_by(req);
    if (offered.bearers == 0) {
        return api_bearer(req, ret_token);
    }
    if (offered.bearers > 1 || http_header_count(req, "Authorization") > 0 ||
        offered.token.n == 0 || offered.token.n > AUTH_TOKEN_MAX) {
        return ERR_NOT_FOUND;
    }
    *ret_token = offered.token;
    return 0;
}

static bool is_handshake(const struct http_request *req)
{
    return req->method == HTTP_GET && http_header_has_token(req, "Connection", "upgrade") &&
           http_header_has_token(req, "Upgrade", "websocket") &&
           http_header_count(req, "Sec-WebSocket-Version") == 1 &&
           str_eq(http_header(req, "Sec-WebSocket-Version"), STR("13"));
}

int api_socket_check(struct api_call *call, struct str *ret_protocol)
{
    const struct http_request *req = call->req;
    if (!is_handshake(req)) {
        call->problem.message =
            STR("A WebSocket answers here: ask with the headers of its handshake, version 13.");
        return ERR_INVALID;
    }
    if (http_header_count(req, "Origin") > 0 && !api_cors_allows(call->api, req) &&
        (http_header_count(req, "Origin") != 1 || !api_origin_is_own(&call->api->origin, req))) {
        call->problem.message = STR("Pages of this origin may not open it.");
        return ERR_FORBIDDEN;
    }
    *ret_protocol = offered_by(req).protocol ? STR(PROTOCOL) : STR_EMPTY;
    return 0;
}
