/*
 * Terminals by API. The door is a program of whoever works in the session, and here it answers on the platform's own origin: of a
 * socket only frames come through, of a list only what is parsed here, within its bounds.
 */
#include "base/json.h"
#include "base/mem.h"
#include "gateway/gateway_int.h"
#include "workspaces/workspaces.h"

enum { MOST_LIST = 64 * 1024, MOST_SOCKETS = 1000, MOST_CODE = 255 };

/* ---- what there is ---- */

static bool read_text(const struct json *value, const char *name, struct str *ret_text)
{
    const struct json *member = json_get(value, name);
    if (!member || member->kind != JSON_STRING) {
        return false;
    }
    *ret_text = member->string;
    return true;
}

static bool read_number(const struct json *value, const char *name, int64_t most, int64_t *ret)
{
    const struct json *member = json_get(value, name);
    if (!member || member->kind != JSON_INTEGER || member->integer < 0 || member->integer > most) {
        return false;
    }
    *ret = member->integer;
    return true;
}

static bool read_one(const struct json *value, struct gateway_terminal *t)
{
    struct str state, started;
    *t = (struct gateway_terminal){0};
    if (!read_text(value, "id", &t->id) || !str_is_word(t->id, GATEWAY_TERMINAL_ID) ||
        !read_text(value, "run", &t->run) || !str_is_word(t->run, GATEWAY_TERMINAL_RUN) ||
        !read_text(value, "state", &state) || !read_text(value, "started_at", &started) ||
        time_parse(started, &t->started) < 0 || t->started < 0 ||
        !read_number(value, "sockets", MOST_SOCKETS, &t->sockets)) {
        return false;
    }
    t->ended = str_eq(state, STR("ended"));
    if (!t->ended) {
        return str_eq(state, STR("running"));
    }
    t->by_signal = read_number(value, "signal", MOST_CODE, &t->number);
    return t->by_signal || read_number(value, "exit_code", MOST_CODE, &t->number);
}

int gateway_terminals_parse(struct arena *arena, struct str text,
                            struct gateway_terminals *ret_terminals)
{
    struct json *root;
    const struct json *list =
        json_parse(arena, text, &root, NULL) == 0 ? json_get(root, "terminals") : NULL;
    if (!list || list->kind != JSON_ARRAY || list->count > GATEWAY_TERMINALS) {
        return ERR_BAD_GATEWAY;
    }
    struct gateway_terminals all = {.n = 0};
    for (const struct json *one = list->first; one; one = one->next) {
        if (!read_one(one, &all.at[all.n++])) {
            return ERR_BAD_GATEWAY;
        }
    }
    *ret_terminals = all;
    return 0;
}

int gateway_terminals_list(const struct gateway *g, struct arena *arena, struct str session_id,
                           struct gateway_terminals *ret_terminals)
{
    BUF_AUTO(body, MOST_LIST);
    const struct http_call call = {.method = "GET", .target = STR("/terminals")};
    int status = gateway_door_ask(g, session_id, &call, &body);
    return status == 200
               ? gateway_terminals_parse(arena, arena_str(arena, buf_str(&body)), ret_terminals)
               : ERR_BAD_GATEWAY;
}

int gateway_terminals_end(const struct gateway *g, struct arena *arena, struct str session_id,
                          struct str id)
{
    ASSERT(str_is_word(id, GATEWAY_TERMINAL_ID));
    BUF_AUTO(body, MOST_LIST);
    const struct http_call call = {
        .method = "DELETE", .target = arena_printf(arena, "/terminals/" STR_FMT, STR_ARG(id))};
    int status = gateway_door_ask(g, session_id, &call, &body);
    return status == 204 ? 0 : status == 404 ? ERR_NOT_FOUND : ERR_BAD_GATEWAY;
}

/* ---- sockets ---- */

struct gateway_socket_open {
    struct gateway *gateway;
    struct gateway_open *open;
};

void gateway_socket_end(void *ctx)
{
    struct gateway_socket_open *open = ctx;
    if (open) {
        gateway_open_end(open->gateway, open->open, /* socket= */ true);
        mem_free(open);
    }
}

static bool pass_in(void *ctx, struct str name, struct str *value)
{
    static const char *const names[] = {"Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                        "Sec-WebSocket-Extensions", NULL};
    (void)ctx;
    (void)value;
    return str_in_nocase(name, names);
}

static bool pass_out(void *ctx, struct str name, struct str *value)
{
    static const char *const names[] = {"Sec-WebSocket-Accept", "Sec-WebSocket-Extensions", NULL};
    (void)ctx;
    (void)value;
    return str_in_nocase(name, names);
}

static int relay(struct http_request *req, struct http_response *res,
                 const struct gateway_socket *socket)
{
    const struct gateway_socket_open *open = socket->open;
    struct http_header *more = ARENA_ARRAY(req->arena, struct http_header, 2);
    more[0] = (struct http_header){STR("X-Request-Id"), req->id};
    more[1] = (struct http_header){STR("Sec-WebSocket-Protocol"), socket->protocol};
    struct str door =
        workspaces_local_door(open->gateway->local, req->arena, socket->visit.session_id);
    const struct http_relay_options options = {
        .upstream = arena_printf(req->arena, "unix:" STR_FMT, STR_ARG(door)),
        .target = socket->target,
        .pass_in = pass_in,
        .pass_out = pass_out,
        .add_out = more,
        .add_out_count = socket->protocol.n > 0 ? 2 : 1,
        .patience = GATEWAY_BARRIER_S * USEC_PER_SEC,
        .tag = open->open->tag,
        .socket = true,
    };
    return http_relay(req, res, &options) < 0 ? ERR_BAD_GATEWAY : 0;
}

int gateway_socket_relay(struct gateway *g, struct http_request *req, struct http_response *res,
                         struct gateway_socket *socket)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    int r = auth_limit(g->auth, AUTH_LIMIT_SOCKET, socket->visit.scope.login_id, NULL);
    struct gateway_open *open;
    r = r < 0 ? r : gateway_open_begin(g, &socket->visit, /* socket= */ true, &open);
    if (r < 0) {
        return r;
    }
    socket->open = MEM_NEW(struct gateway_socket_open);
    *socket->open = (struct gateway_socket_open){.gateway = g, .open = open};
    r = gateway_visit_stands(g, &socket->visit); /* after it is listed: see open.c */
    return r < 0 ? r : relay(req, res, socket);
}
