/*
 * The wire's calls on what a session begins with: the workspace asks which repository to clone, and says how far it is. What it
 * says is its claim: shown, and used for nothing else.
 */
#include "coditectd/wire_int.h"

#include "sessions/sessions.h"

_Static_assert((int)WIRE_SOURCE_PENDING == DATA_SOURCE_STATE_PENDING &&
                   (int)WIRE_SOURCE_CLONING == DATA_SOURCE_STATE_CLONING &&
                   (int)WIRE_SOURCE_DONE == DATA_SOURCE_STATE_DONE &&
                   (int)WIRE_SOURCE_FAILED == DATA_SOURCE_STATE_FAILED,
               "the wire's words are in the order of the record's");
_Static_assert((int)WIRE_MAX_URL == SESSIONS_URL_MAX && (int)WIRE_MAX_BRANCH == SESSIONS_BRANCH_MAX,
               "what was taken can be handed on");

struct source {
    struct coditectd_wire_call *call;
    struct wire_source_note note;
    struct sessions_source found; /* result, in the request's arena */
};

static int source_read(struct txn *txn, void *arg)
{
    struct source *s = arg;
    const struct coditectd_wire_peer *peer = &s->call->peer;
    struct arena *arena = s->call->req->arena;
    int r = coditectd_wire_generation(txn, peer, 0);
    r = r < 0 ? r : sessions_source_get(txn, &peer->scope, peer->session, &s->found);
    if (r == 0) {
        s->found.url = arena_str(arena, s->found.url);
        s->found.branch = arena_str(arena, s->found.branch);
        s->found.folder = arena_str(arena, s->found.folder);
    }
    return r;
}

int coditectd_wire_get_source(struct coditectd_wire_call *c)
{
    struct source s = {.call = c};
    int r = store_read(c->options->store, source_read, &s);
    if (r == 0) {
        const struct wire_source source = {.url = s.found.url,
                                           .branch = s.found.branch,
                                           .attempt = (uint64_t)s.found.attempt,
                                           .state = (enum wire_source_state)s.found.state,
                                           .folder = s.found.folder};
        wire_source_write(http_body_buf(c->res), &source);
    }
    return r;
}

static int source_write(struct txn *txn, void *arg)
{
    struct source *s = arg;
    const struct coditectd_wire_peer *peer = &s->call->peer;
    const struct sessions_source_note note = {.attempt = (int64_t)s->note.attempt,
                                              .state = (enum data_source_state)s->note.state,
                                              .percent = (int64_t)s->note.percent,
                                              .folder = s->note.folder,
                                              .message = s->note.message};
    int r = coditectd_wire_generation(txn, peer, 0);
    return r < 0 ? r : sessions_source_note(txn, &peer->scope, peer->session, &note);
}

int coditectd_wire_put_source(struct coditectd_wire_call *c)
{
    struct source s = {.call = c};
    int r = wire_source_note_read(c->req->arena, c->req->body, &s.note);
    if (r == 0) {
        c->data.op.reserve = true; /* that the disk was too small is said even when it is full */
        r = store_write(c->options->store, &c->data.op, source_write, &s);
    }
    if (r == 0) {
        http_reset(c->res);
        http_status(c->res, 204);
    }
    return r;
}
