/* One request of ours at a workspace's door, where a program of whoever works in the session answers, or nobody. */
#include "gateway/gateway_int.h"
#include "workspaces/workspaces.h"

int gateway_door_ask(const struct gateway *g, struct str session_id, const struct http_call *call,
                     struct buf *body)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    ARENA_AUTO(arena);
    struct str door = workspaces_local_door(g->local, &arena, session_id);
    const struct http_client_options options = {
        .address = arena_printf(&arena, "unix:" STR_FMT, STR_ARG(door)), .host = STR("door")};
    struct http_call timed = *call;
    struct http_client *client;
    struct http_reply reply;
    timed.until = time_monotonic() + GATEWAY_BARRIER_S * USEC_PER_SEC;
    if (http_client_create(&options, &client) < 0) {
        return ERR_BAD_GATEWAY;
    }
    int r = http_client_call(client, &timed, &reply);
    if (r == 0 && body) {
        r = http_client_body(client, body);
    }
    http_client_destroy(client);
    return r == 0 ? reply.status : ERR_BAD_GATEWAY;
}
