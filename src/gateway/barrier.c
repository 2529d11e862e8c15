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

static int ask_door(const struct gateway *g, struct str session_id)
{
    const struct http_call call = {.method = "POST", .target = STR("/sync?root=workspace")};
    int status = gateway_door_ask(g, session_id, &call, NULL);
    return status == 200 ? 0 : status == 409 ? ERR_CONFLICT : ERR_BAD_GATEWAY;
}

int gateway_barrier(const struct gateway *g, struct arena *arena, struct str session_id)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct workspaces_process process;
    workspaces_local_look(g->local, arena, session_id, &process);
    if (process.stored) {
        return 0;
    }
    return workspaces_lives(process.phase) ? ask_door(g, session_id) : ERR_UNAVAILABLE;
}
