/*
 * Visits: a ticket becomes the IDE's cookie, and the cookie says on each request whose it is.
 *
 * 1. The cookie proves nothing by itself: login, session and generation are asked of the store each time, on one snapshot.
 * 2. The __Host- prefix keeps pages of other hosts (also of other sessions) from setting a cookie of this name for ours; where
 *    browsers do not know it, two cookies of the name mean that somebody tried, and neither is taken.
 * 3. The ticket's address is for going there (the frame's start) or for the IDE's own page; never for another page's fetch.
 */
#include "base/log.h"
#include "gateway/gateway_int.h"

/* __Host- wants Path=/. */
static const char *cookie_name(const struct gateway_place *place)
{
    if (!place->secure) {
        return "coditect-ide";
    }
    return place->site ? "__Host-coditect-ide" : "__Secure-coditect-ide";
}

int gateway_visit_pass(const struct gateway *g, const struct http_request *req,
                       const struct gateway_place *place, struct auth_visit *ret_visit)
{
    struct str pass;
    return http_cookie(req, cookie_name(place), &pass) < 0
               ? ERR_UNAUTHENTICATED
               : auth_pass_read(g->auth, pass, ret_visit);
}

int gateway_visit_read(const struct gateway *g, const struct http_request *req,
                       const struct gateway_place *place, struct auth_visit *ret_visit)
{
    struct auth_visit visit;
    if (gateway_visit_pass(g, req, place, &visit) < 0 ||
        !str_eq(visit.session_id, place->session_id)) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_visit = visit;
    return 0;
}

int gateway_visit_may(const struct gateway *g, struct txn *txn, const struct auth_visit *visit,
                      struct data_session *ret_session)
{
    struct scope scope = visit->scope;
    struct data_session session;
    int r = auth_still_in(g->auth, txn, &scope);
    if (r == 0) {
        r = data_session_get(txn, &scope, visit->session_id, &session);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : r;
    }
    if (session.deleted || !str_eq(session.user_id, scope.user_id) ||
        !data_may(scope.role, DATA_PERMISSION_IDE)) {
        return ERR_UNAUTHENTICATED;
    }
    *ret_session = session;
    return 0;
}

struct stands {
    const struct gateway *g;
    const struct auth_visit *visit;
};

static int stands_fn(struct txn *txn, void *ctx)
{
    const struct stands *s = ctx;
    struct data_session session;
    struct data_workspace workspace;
    int r = gateway_visit_may(s->g, txn, s->visit, &session);
    if (r < 0) {
        return r;
    }
    r = data_workspace_get(txn, &s->visit->scope, session.workspace_id, &workspace);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    }
    bool stands = workspace.desired == DATA_WORKSPACE_DESIRED_RUNNING &&
                  workspace.generation == s->visit->generation;
    return stands ? 0 : ERR_UNAUTHENTICATED;
}

int gateway_visit_stands(const struct gateway *g, const struct auth_visit *visit)
{
    return store_read(g->store, stands_fn, &((struct stands){.g = g, .visit = visit}));
}

bool gateway_visit_is_socket(const struct http_request *req)
{
    return http_header_count(req, "Upgrade") > 0;
}

int gateway_visit_count(const struct gateway *g, const struct http_request *req,
                        const struct auth_visit *visit, struct auth_limit_state *ret_limit)
{
    return gateway_visit_is_socket(req)
               ? auth_limit(g->auth, AUTH_LIMIT_SOCKET, visit->scope.login_id, ret_limit)
               : 0;
}

static int check_way(const struct http_request *req)
{
    struct str site = http_header(req, "Sec-Fetch-Site");
    if (req->method != HTTP_GET) {
        return ERR_METHOD_NOT_ALLOWED;
    }
    return str_eq(site, STR("cross-site")) || http_header_count(req, "Sec-Fetch-Site") > 1
               ? ERR_FORBIDDEN
               : 0;
}

static int take(struct gateway *g, struct http_request *req, const struct gateway_place *place,
                struct auth_visit *ret_visit)
{
    struct data_context ctx = {.store = g->store, .arena = req->arena};
    struct auth_ticket_use use = {.session_id = place->session_id};
    if (http_query(req, "ticket", &use.ticket) < 0) {
        return ERR_UNAUTHENTICATED;
    }
    int r = auth_ticket_take(g->auth, &ctx, &use, ret_visit);
    return r < 0 ? r : gateway_visit_stands(g, ret_visit);
}

static void note_entry(const struct http_request *req, const struct auth_visit *visit)
{
    const struct log_field fields[] = {
        {"request", req->id},           {"tenant", visit->scope.tenant_id},
        {"user", visit->scope.user_id}, {"session", visit->session_id},
        {"address", req->peer},         {NULL, STR_EMPTY},
    };
    log_event(LOG_INFO, "gateway", STR("an IDE is entered"), fields);
}

int gateway_visit_begin(struct gateway *g, struct http_request *req, struct http_response *res,
                        const struct gateway_place *place)
{
    struct auth_visit visit;
    int r = check_way(req);
    if (r == 0) {
        r = take(g, req, place, &visit);
    }
    if (r < 0) {
        return r;
    }
    note_entry(req, &visit);
    gateway_answer_headers(place, req, res);
    http_set(res, "Cache-Control", STR("no-store"));
    http_set(res, "Set-Cookie",
             arena_printf(req->arena,
                          "%s=" STR_FMT "; Path=" STR_FMT "/; HttpOnly; SameSite=Strict%s",
                          cookie_name(place), STR_ARG(auth_pass_make(g->auth, req->arena, &visit)),
                          STR_ARG(place->base), place->secure ? "; Secure" : ""));
    if (str_eq(http_header(req, "Sec-Fetch-Dest"), STR("empty"))) {
        http_status(res, 204); /* asked for by a script of the IDE's page, which is there already */
        return 0;
    }
    http_status(res, 303);
    http_set(res, "Location", arena_printf(req->arena, STR_FMT "/", STR_ARG(place->base)));
    return 0;
}
