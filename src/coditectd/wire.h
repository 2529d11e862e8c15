/*
 * The server's side of the wire (src/wire/README.md): from HTTP to files/. Its http_app belongs on an internal socket alone.
 * Who a token stands for is asked of the caller, since tokens are made by whoever starts workspaces.
 */
#ifndef CODITECTD_WIRE_H
#define CODITECTD_WIRE_H

#include "coditectd/wire_fence.h"
#include "data/data.h"
#include "http/http.h"

struct coditectd_wire_ask {
    struct str token;
    struct str root; /* "workspace" or "home" */
};

/* What a token is good for. */
struct coditectd_wire_peer {
    struct scope scope;      /* of the session's person */
    struct str session;      /* whose workspace calls */
    struct str tree;         /* the root's: the session's, or the person's home */
    uint64_t generation;     /* of the workspace that the token was made for */
    struct data_quota quota; /* for what it writes */
};

struct coditectd_wire_options {
    struct store *store;
    /* Strings of ret_peer go into arena. ERR_UNAUTHENTICATED: no such token; ERR_NOT_FOUND: it has no such root. */
    int (*who)(void *ctx, struct arena *arena, const struct coditectd_wire_ask *ask,
               struct coditectd_wire_peer *ret_peer);
    /* What a workspace says about itself (a JSON object). */
    int (*status)(void *ctx, const struct coditectd_wire_peer *peer, struct str text);
    void *ctx;
    struct coditectd_wire_fence *fence; /* outlives the app */
    int stop; /* descriptor that becomes readable when calls that wait are to answer at once; -1: none */
};

/* The options outlive the app. Threads of the lanes: WORK, STREAM; OUTSIDE holds one thread for each call that waits for
 * changes, so it wants as many as there are roots of running workspaces. */
struct http_app coditectd_wire_app(const struct coditectd_wire_options *options);

#endif
