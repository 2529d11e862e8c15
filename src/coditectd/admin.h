/*
 * The operator's door: HTTP on a unix socket of the store's folder, for the server's own user and root alone. What it does is
 * what no tenant may; the public API knows none of it. `coditect admin` speaks to it (src/cli/cmd_admin.c).
 *
 *     GET  /users         every account: a line of JSON each, then {"done":true,"users":N}
 *     GET  /tenants       every tenant, what it has and may have: {"id","name","created_at"} and of members, sessions, running,
 *                         storage, stored, session_storage, home_storage, requests, file_requests, socket_requests
 *                         {"used"?,"limit"?,"own"} each, then {"done":true,"tenants":N}
 *     POST /limits        ?tenant=ten-… and any of members=, sessions=, running=, storage=, stored=, session_storage=, home_storage= (bytes),
 *                         requests=, file_requests=, socket_requests= (a minute and person): a number, none, or default, what the settings say. One
 *                         such object
 *     POST /check         {"fault":TEXT} for each, {"keys":N} now and then, at the end {"done":true,"keys","records","indexes","faults"}
 *     POST /scrub         the same: {"done":true,"chunks","versions","faults"}
 *     POST /rotate-keys   {"key":ID}
 *     POST /reset-password ?email=: {"url","expires_at"}, a link for another password; without public_url its path alone
 *     POST /remove-totp   ?email=: {"done":true}, logins of theirs ask for no code any more
 *     POST /backup        of all, into ?directory= (absolute; else backup.directory), where the newest ?keep= stay (else all): {"keys":N}
 *                         now and then, {"done":true,"name","keys","contents","written","removed","damaged"}
 *     POST /backup/stream one in one piece, as bytes
 *     GET  /backups       those in ?directory=: {"name","at"} each, then {"done":true} with what the schedule does
 *
 * Lists are sent as they are made; one that does not end with "done" was broken off, or with {"failed":TEXT,"status":N}. Failures
 * before the first line have the envelope of the API.
 */
#ifndef CODITECTD_ADMIN_H
#define CODITECTD_ADMIN_H

#include "auth/auth.h"

#define CODITECTD_ADMIN_SOCKET "store/admin.sock" /* in the data directory */

struct api;
struct coditectd_admin;
struct coditectd_backups;

struct coditectd_admin_options {
    struct store *store; /* this and what follows outlives the door */
    struct auth *auth;
    const struct api *api;
    struct coditectd_backups *backups; /* NULL: no schedule */
    const char *public_url;            /* NULL, "": links have none */
};

/* In the data directory. ERR_EXISTS, ERR_FORBIDDEN, ERR_IO: it cannot listen there. */
int coditectd_admin_start(const struct coditectd_admin_options *options,
                          struct coditectd_admin **ret_admin) BASE_MUST_USE;

/* Breaks off what goes on. NULL allowed. */
void coditectd_admin_stop(struct coditectd_admin *admin);

#endif
