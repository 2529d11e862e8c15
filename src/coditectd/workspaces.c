/*
 * The running side of the server: who calls on the wire, and what calls say goes to the keeper.
 *
 * 1. A token is good while its generation is the workspace's present one, asked in the store on every call.
 */
#include "coditectd/workspaces.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "coditectd/wire_int.h"
#include "http/http.h"

#define WIRE_SOCKET "run/wire/wire.sock" /* below the data directory */

enum {
    RUNNING_MAGIC = 0x72756e6e,
    WAITERS = 512,    /* calls that wait for changes: two for each running workspace */
    WIRE_MODE = 0666, /* every workspace has a user of its own; the token says who it is */
};

struct coditectd_workspaces {
    unsigned magic;
    struct workspaces_keeper_options options;
    struct workspaces_keeper *keeper;
    struct coditectd_wire_options wire;
    struct http_app app;
    struct http_server *server;
    int stop; /* eventfd */
};

/* ---- who calls ---- */

static int current_fn(struct txn *txn, void *ctx)
{
    int r = coditectd_wire_generation(txn, ctx, /* generation= */ 0);
    return r == ERR_NOT_FOUND ? ERR_STALE : r; /* deleted: it is to end */
}

static int who(void *ctx, struct arena *arena, const struct coditectd_wire_ask *ask,
               struct coditectd_wire_peer *ret_peer)
{
    const struct coditectd_workspaces *w = ctx;
    struct auth_workspace token;
    int r = auth_workspace_read(w->options.auth, arena, ask->token, &token);
    if (r < 0) {
        return r;
    }
    bool home = str_eq(ask->root, STR("home"));
    struct coditectd_wire_peer peer = {
        .scope = {.tenant_id = token.tenant_id, .user_id = token.user_id, .role = DATA_ROLE_MEMBER},
        .session = token.session_id,
        .tree = home ? token.user_id : token.session_id,
        .generation = (uint64_t)token.generation};
    auth_plan_quota(w->options.auth, peer.scope.tenant_id, &peer.quota);
    r = store_read(w->options.store, current_fn, &peer);
    if (r == 0) {
        *ret_peer = peer;
    }
    return r;
}

static int status(void *ctx, const struct coditectd_wire_peer *peer, struct str text)
{
    const struct coditectd_workspaces *w = ctx;
    ARENA_AUTO(arena);
    struct auth_workspace who_says = {peer->scope.tenant_id, peer->scope.user_id, peer->session,
                                      (int64_t)peer->generation};
    return workspaces_keeper_report(w->keeper, &arena, &who_says, text);
}

/* ---- begin and end ---- */

static int serve_wire(struct coditectd_workspaces *w)
{
    const char *const listen[] = {"unix:" WIRE_SOCKET, NULL};
    struct http_server_options options = {.listen = listen, .app = &w->app, .loops = 1};
    options.limits.threads[HTTP_OUTSIDE] = WAITERS;
    int r = http_server_start(&options, &w->server);
    if (r == 0 && chmod(WIRE_SOCKET, WIRE_MODE) < 0) {
        r = ERR_FORBIDDEN;
    }
    return r ? log_err(r, "coditectd", "the wire cannot listen on %s: %s", WIRE_SOCKET,
                       err_row(r)->text)
             : 0;
}

int coditectd_workspaces_start(const struct workspaces_keeper_options *options,
                               struct coditectd_workspaces **ret_workspaces)
{
    struct coditectd_workspaces *w = MEM_NEW(struct coditectd_workspaces);
    w->magic = RUNNING_MAGIC;
    w->options = *options;
    w->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->wire = (struct coditectd_wire_options){
        .store = options->store, .who = who, .status = status, .ctx = w, .stop = w->stop};
    w->wire.fence = coditectd_wire_fence_create();
    w->app = coditectd_wire_app(&w->wire);
    int r = w->stop < 0 ? ERR_BUSY : workspaces_keeper_start(options, &w->keeper);
    if (r == 0) {
        r = serve_wire(w);
    }
    if (r < 0) {
        coditectd_workspaces_stop(w);
        return r;
    }
    *ret_workspaces = w;
    return 0;
}

void coditectd_workspaces_stop(struct coditectd_workspaces *w)
{
    if (!w) {
        return;
    }
    ASSERT_MAGIC(w, RUNNING_MAGIC);
    (void)eventfd_write(w->stop, 1);
    http_server_destroy(w->server);
    if (w->server) {
        (void)unlink(WIRE_SOCKET);
    }
    coditectd_wire_fence_destroy(w->wire.fence);
    workspaces_keeper_stop(w->keeper);
    fd_close(&w->stop);
    w->magic = 0;
    mem_free(w);
}

void coditectd_workspaces_lags(const struct coditectd_workspaces *w,
                               struct workspaces_lags *ret_lags)
{
    ASSERT_MAGIC(w, RUNNING_MAGIC);
    workspaces_keeper_lags(w->keeper, ret_lags);
}

/* ---- the end of all workspaces ---- */

/* True when the process has ended by the deadline. */
static bool await_end(const struct workspaces_process *p, usec_t deadline)
{
    FD_AUTO int process = (int)syscall(SYS_pidfd_open, p->pid, 0);
    uint64_t started;
    if (process < 0 || process_start_time(p->pid, &started) < 0 || started != p->start_time) {
        return true;
    }
    struct pollfd fd = {.fd = process, .events = POLLIN};
    usec_t left = deadline - time_monotonic();
    return poll(&fd, 1, left > 0 ? (int)(left / USEC_PER_MS) + 1 : 0) == 1;
}

/* One that may run and cannot be reached is told, and keeps no other from being ended. */
static int ask_to_end(struct workspaces_local *local, struct str session,
                      const struct workspaces_process *process, bool force)
{
    if (process->unread) {
        return log_err(ERR_IO, "coditectd",
                       "whether the workspace of " STR_FMT
                       " runs is not known: its state in run/" STR_FMT " cannot be read: %s",
                       STR_ARG(session), STR_ARG(session), err_row(process->unread)->text);
    }
    if (workspaces_lives(process->phase)) {
        (void)!workspaces_local_stop(local, session, process, force);
    }
    return 0;
}

static int end_round(struct workspaces_local *local, bool force, usec_t patience)
{
    ARENA_AUTO(arena);
    struct workspaces_sessions list;
    int r = workspaces_local_list(local, &arena, &list);
    if (r < 0) {
        return r;
    }
    struct workspaces_process *all = ARENA_ARRAY(&arena, struct workspaces_process, list.n + 1);
    for (size_t i = 0; i < list.n; i++) {
        workspaces_local_look(local, &arena, list.at[i], &all[i]);
        int asked = ask_to_end(local, list.at[i], &all[i], force);
        r = r < 0 ? r : asked;
    }
    usec_t deadline = time_monotonic() + patience;
    for (size_t i = 0; i < list.n; i++) {
        if (workspaces_lives(all[i].phase) && !await_end(&all[i], deadline)) {
            r = ERR_TIMEOUT;
        }
    }
    return r;
}

int coditectd_workspaces_end_all(struct workspaces_local *local)
{
    int r = end_round(local, /* force= */ false, 45 * USEC_PER_SEC);
    return r == ERR_TIMEOUT ? end_round(local, /* force= */ true, 5 * USEC_PER_SEC) : r;
}

void coditectd_workspaces_end(struct coditectd_workspaces *w)
{
    ASSERT_MAGIC(w, RUNNING_MAGIC);
    workspaces_keeper_halt(w->keeper);
    int r = coditectd_workspaces_end_all(w->options.local);
    if (r < 0) {
        log_warn("coditectd", "some workspaces did not end: %s", err_row(r)->text);
    }
}
