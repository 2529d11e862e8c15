/*
 * Which of a root's connections is its last. A server that is slow with a batch may take it when codi2 has long given it up, greeted
 * again and said something else; then it would undo that. So each greeting gets a number, each batch carries it, and one with another
 * number than the last is refused.
 *
 * In memory, for the process: a workspace calls one server, on its own machine, and what that had in hand ends with it. A number that is
 * not known (the server was started anew, or has forgotten it for want of room) is refused like an old one, and codi2 greets
 * again. Any thread.
 */
#ifndef CODITECTD_WIRE_FENCE_H
#define CODITECTD_WIRE_FENCE_H

#include "base/str.h"
#include "base/time.h"

struct coditectd_wire_fence;

struct coditectd_wire_fence *coditectd_wire_fence_create(void);
void coditectd_wire_fence_destroy(struct coditectd_wire_fence *f); /* NULL allowed */

/*
 * A new connection of a root. When this returns, nothing that came on an older one is in hand any more, and nothing that is still to
 * come on one will be taken. ERR_BUSY: something is in hand at the deadline (monotonic).
 */
int coditectd_wire_fence_greet(struct coditectd_wire_fence *f, struct str root, usec_t deadline,
                               uint64_t *ret_connection) BASE_MUST_USE;

/* A batch of this connection is in hand until it leaves. ERR_PRECONDITION: it is not the root's last. */
int coditectd_wire_fence_enter(struct coditectd_wire_fence *f, struct str root,
                               uint64_t connection) BASE_MUST_USE;
void coditectd_wire_fence_leave(struct coditectd_wire_fence *f, struct str root);

#endif
