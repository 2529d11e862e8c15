/*
 * What an IDE's door refuses, for the audit log: counted and written a moment later, as all denials (auth_call_note), so that no
 * refused request costs a durable write of its own. It is the person's whose pass came with the request, as long as their login
 * stands, else a stranger's. No denial: somebody's own session, which is paused or was started again since; open pages ask on there.
 */
#include "gateway/gateway_int.h"

struct look {
    const struct gateway *g;
    const struct auth_visit *visit;
    bool known; /* results */
    bool may;   /* be in that IDE */
};

static int look_fn(struct txn *txn, void *ctx)
{
    struct look *l = ctx;
    struct scope scope = l->visit->scope;
    struct data_session session;
    int r = auth_still_in(l->g->auth, txn, &scope);
    l->known = r == 0;
    r = r < 0 ? r : gateway_visit_may(l->g, txn, l->visit, &session);
    l->may = r == 0;
    return r == ERR_UNAUTHENTICATED ? 0 : r;
}

void gateway_denied(const struct gateway *g, const struct http_request *req,
                    const struct gateway_place *place, int code)
{
    struct auth_visit visit;
    struct look look = {.g = g, .visit = &visit};
    if (code != ERR_UNAUTHENTICATED && code != ERR_FORBIDDEN) {
        return;
    }
    struct data_context about = {
        .arena = req->arena,
        .client = {.address = str_slice(req->peer, 0, 64), .request_id = req->id}};
    bool ticket = str_eq(place->path, STR(GATEWAY_TICKET_PATH));
    if (gateway_visit_pass(g, req, place, &visit) == 0 &&
        store_read(g->store, look_fn, &look) == 0 && look.known) {
        about.scope = visit.scope;
    }
    bool own = look.may && str_eq(visit.session_id, place->session_id);
    if (!own || ticket || code == ERR_FORBIDDEN) {
        auth_call_note(g->auth, &about,
                       &(struct auth_call){.route = ticket ? "ide_ticket" : "ide", .denied = true});
    }
}
