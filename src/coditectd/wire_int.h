/* Inside coditectd: what the halves of the wire share. */
#ifndef CODITECTD_WIRE_INT_H
#define CODITECTD_WIRE_INT_H

#include "coditectd/wire.h"
#include "files/mirror.h"
#include "wire/wire.h"

struct coditectd_wire_call {
    const struct coditectd_wire_options *options;
    struct http_request *req;
    struct http_response *res;
    struct coditectd_wire_peer peer;
    struct data_context data;
    struct str name; /* what follows the call's own part of the path */
};

/* A number of the query, at most `most`; absent: 0. ERR_INVALID. */
int coditectd_wire_number(struct coditectd_wire_call *c, const char *name, uint64_t most,
                          uint64_t *ret_value) BASE_MUST_USE;

/* ERR_STALE unless the token's generation is the workspace's present one and is the one named (0: none). In a store function. */
int coditectd_wire_generation(struct txn *txn, const struct coditectd_wire_peer *peer,
                              uint64_t generation) BASE_MUST_USE;

/* The root for the fence: a home is one tree, and each of the person's workspaces has a connection for it. */
struct str coditectd_wire_root(struct coditectd_wire_call *c);

/* wire_tree.c */
int coditectd_wire_batch(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_events(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_tree(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_past_like(struct coditectd_wire_call *c) BASE_MUST_USE;

/* wire_rules.c: the tenant's; their mark (0: this root has none), and the keys that change with them. */
enum { CODITECTD_WIRE_LISTS = 2 };
int coditectd_wire_rules(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_rules_mark(struct coditectd_wire_call *c, uint64_t *ret_mark) BASE_MUST_USE;
struct str coditectd_wire_rules_watched(struct coditectd_wire_call *c, size_t list);

/* wire_past.c */
int coditectd_wire_past(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_past_content(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_past_restore(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_gone(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_get_desk(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_put_desk(struct coditectd_wire_call *c) BASE_MUST_USE;

/* wire_source.c */
int coditectd_wire_get_source(struct coditectd_wire_call *c) BASE_MUST_USE;
int coditectd_wire_put_source(struct coditectd_wire_call *c) BASE_MUST_USE;

#endif
