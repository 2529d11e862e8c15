/*
 * The barrier of a workspace (POST /sync at its door), for what begins as it is now. What answers there is a program of whoever works in
 * the session: it is believed for their own copy alone, and waited for no longer than the time given.
 */
#include "gateway/gateway_int.h"
#include "workspaces/workspaces.h"

int gateway_door_client(const struct gateway *g, struct arena *arena, struct str session_id,
                        struct http_client **ret_client)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct str door = workspaces_local_door(g->local, arena, session_id);
    const struct http_client_options options = {
        .address = arena_printf(arena, "unix:" STR_FMT, STR_ARG(door)), .host = STR("door")};
    return http_client_create(&options, ret_client) < 0 ? ERR_BAD_GATEWAY : 0;
}

int gateway_barrier(const struct gateway *g, struct arena *arena, struct str session_id)
{
    struct http_client *client;
    struct http_reply reply;
    int error = gateway_door_client(g, arena, session_id, &client);
    if (error) {
        return error;
    }
    const struct http_call call = {.method = "POST",
                                   .target = STR("/sync?root=workspace"),
                                   .until = time_monotonic() + GATEWAY_BARRIER_S * USEC_PER_SEC};
    int r = http_client_call(client, &call, &reply);
    http_client_destroy(client);
    if (r == 0 && reply.status == 409) {
        return ERR_CONFLICT;
    }
    return r == 0 && reply.status == 200 ? 0 : ERR_BAD_GATEWAY;
}
