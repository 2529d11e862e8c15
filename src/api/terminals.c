/* Terminals of a running workspace: /sessions/{id}/terminals, and /ws/sessions/{id}/terminals/{id}. */
#include "api/api_int.h"
#include "gateway/gateway.h"
#include "sessions/sessions.h"

enum { TARGET_MOST = 16 * 1024 };

static void write_one(struct json_writer *w, const struct gateway_terminal *t)
{
    struct reply_terminal terminal = reply_terminal_begin(w);
    reply_terminal_id(&terminal, t->id);
    reply_terminal_run(&terminal, t->run);
    reply_terminal_state(&terminal, t->ended ? "ended" : "running");
    reply_terminal_started_at(&terminal, t->started);
    reply_terminal_sockets(&terminal, t->sockets);
    if (t->ended && t->by_signal) {
        reply_terminal_signal(&terminal, t->number);
    } else if (t->ended) {
        reply_terminal_exit_code(&terminal, t->number);
    }
    reply_terminal_end(&terminal);
}

/* It runs, and does not answer: it is just ending, or somebody in it has stopped it. */
static int says_nothing(struct api_call *call, int r)
{
    return r == ERR_BAD_GATEWAY
               ? data_fault(&call->data, ERR_BUSY, NULL,
                            "The workspace does not answer. Try again in a moment.")
               : r;
}

int api_terminals_list(struct api_call *call, const struct api_terminals_list_in *in)
{
    struct sessions_view view;
    struct gateway_terminals all;
    int r = sessions_get(&call->data, in->session_id, &view);
    if (r == 0) {
        r = sessions_runs(&call->data, &view);
    }
    r = r < 0 ? r : api_wait_begin(call);
    if (r == 0) {
        r = gateway_terminals_list(call->api->gateway, call->req->arena, view.session.id, &all);
        api_wait_end(call);
    }
    r = r < 0 ? r : api_still(call);
    if (r < 0) {
        return says_nothing(call, r);
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < all.n; i++) {
        write_one(w, &all.at[i]);
    }
    return api_end_list(call, STR_EMPTY, (int64_t)all.n);
}

int api_terminals_delete(struct api_call *call, const struct api_terminals_delete_in *in)
{
    struct sessions_view view;
    int r = sessions_enter(&call->data, in->session_id, "terminal.end", &view);
    r = r < 0 ? r : api_wait_begin(call);
    if (r == 0) {
        r = gateway_terminals_end(call->api->gateway, call->req->arena, view.session.id,
                                  in->terminal);
        api_wait_end(call);
    }
    return r < 0 ? says_nothing(call, r) : api_done(call);
}

/* At the door: our own words for what was decoded, and nothing else of the address. */
static struct str target_of(struct arena *arena, const struct api_terminals_socket_in *in)
{
    BUF_AUTO(out, TARGET_MOST);
    buf_printf(&out, "/terminals/" STR_FMT "?", STR_ARG(in->terminal));
    if (in->has_since) {
        buf_printf(&out, "since=%lld&", (long long)in->since);
    }
    if (in->has_run) {
        buf_printf(&out, "run=" STR_FMT "&", STR_ARG(in->run));
    }
    if (in->has_cols && in->has_rows) {
        buf_printf(&out, "cols=%lld&rows=%lld&", (long long)in->cols, (long long)in->rows);
    }
    if (in->has_command) {
        buf_add(&out, STR("command="));
        http_percent_encode(&out, in->command);
        buf_byte(&out, '&');
    }
    ASSERT(!out.error); /* all that is in it has its bounds */
    return arena_str(arena, str_slice(buf_str(&out), 0, out.n - 1));
}

/* Asked of the session first: whose it is not learns nothing by asking without a handshake. */
int api_terminals_socket(struct api_call *call, const struct api_terminals_socket_in *in)
{
    struct sessions_view view;
    struct gateway_socket socket = {.target = target_of(call->req->arena, in)};
    int r = sessions_get(&call->data, in->session_id, &view);
    if (r == 0) {
        r = view.session.deleted ? ERR_NOT_FOUND : api_socket_check(call, &socket.protocol);
    }
    if (r == 0) {
        r = sessions_enter(&call->data, in->session_id, "terminal.open", &view);
    }
    if (r < 0) {
        return r;
    }
    socket.visit = (struct auth_visit){.scope = call->data.scope,
                                       .session_id = view.session.id,
                                       .generation = view.workspace.generation};
    r = gateway_socket_relay(call->api->gateway, call->req, call->res, &socket);
    call->ended = gateway_socket_end;
    call->ended_ctx = socket.open;
    return r == ERR_LIMIT
               ? data_fault(&call->data, r, NULL,
                            "256 sockets of yours are open already. Close an IDE or a terminal.")
               : r;
}
