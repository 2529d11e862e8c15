/* Housekeeping: work that nobody waits for, on one thread. */
#ifndef CODITECTD_DUTIES_H
#define CODITECTD_DUTIES_H

#include "auth/auth.h"
#include "files/upkeep.h"

struct coditectd_duties;

struct coditectd_duties_options {
    usec_t
        collect_every; /* between looks for sessions that are over and content that nothing names */
    unsigned spare_hours;           /* see files_collect */
    int64_t pace;                   /* of data_clock_follow: so many times as fast as time passes */
    usec_t audit_keep;              /* age at which audit records go */
    struct files_keep history;      /* step is set here */
    struct workspaces_local *local; /* outlives the thread; NULL: there are no disks here */
    bool users;                     /* each workspace has a user of its own */
};

/* Starts the thread; auth and store outlive it. ERR_BUSY: no thread is to be had. */
int coditectd_duties_start(struct auth *auth, struct store *store,
                           const struct coditectd_duties_options *options,
                           struct coditectd_duties **ret_duties) BASE_MUST_USE;

/* Ends it, and writes what is noted. NULL allowed. */
void coditectd_duties_stop(struct coditectd_duties *d);

#endif
