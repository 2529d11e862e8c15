/*
 * The barrier of a workspace, for what begins as it is now: what was written in it is in the store.
 *
 * 1. A run that has ended says it in its state file, a running one at its door (POST /sync). What answers there is a program of whoever
 *    works in the session: it is believed for their own copy alone, and waited for no longer than the time given.
 * 2. Nobody's word is no word: a run that was killed, or ended without having stored everything, left the rest on its disk, and only
 *    the next one can bring it.
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

static int ask_door(const struct gateway *g, struct arena *arena, struct str session_id)
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

int gateway_barrier(const struct gateway *g, struct arena *arena, struct str session_id)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct workspaces_process process;
    workspaces_local_look(g->local, arena, session_id, &process);
    if (process.stored) {
        return 0;
    }
    return workspaces_lives(process.phase) ? ask_door(g, arena, session_id) : ERR_UNAVAILABLE;
}
