/* The running side: the local runtime, the keeper, and the wire on its internal socket. */
#ifndef CODITECTD_WORKSPACES_H
#define CODITECTD_WORKSPACES_H

#include "auth/auth.h"
#include "workspaces/workspaces.h"

struct coditectd_workspaces;

/* The working directory is the data directory. ERR_BUSY: no thread; ERR_EXISTS, ERR_FORBIDDEN: the socket cannot be made. */
int coditectd_workspaces_start(const struct workspaces_keeper_options *options,
                               struct coditectd_workspaces **ret_workspaces) BASE_MUST_USE;

/* Workspaces run on. NULL allowed. */
void coditectd_workspaces_stop(struct coditectd_workspaces *w);

/* workspaces_keeper_lags */
void coditectd_workspaces_lags(const struct coditectd_workspaces *w,
                               struct workspaces_lags *ret_lags);

/* Ends all workspaces while their wire is still served, so that they can persist. coditectd_workspaces_stop follows. */
void coditectd_workspaces_end(struct coditectd_workspaces *w);

/* Ends all workspaces of this machine: asks, waits until they have persisted (45 s), then kills. When no server runs, else
 * that one starts them again. ERR_TIMEOUT: some did not end; ERR_IO (said): of some it cannot be known. */
int coditectd_workspaces_end_all(struct workspaces_local *local) BASE_MUST_USE;

#endif
