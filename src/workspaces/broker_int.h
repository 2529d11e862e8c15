/*
 * The broker: the one part of coditectd that keeps the rights it was started with. It is the parent process; the server,
 * which parses what the network sends, is its child and runs as an ordinary user. They speak by a socket pair in fixed
 * structs, three kinds of request; nothing else is parsed on the privileged side. All paths are made here from ids that are
 * checked to be labels, all uids must lie in the configured range: a server that was taken over cannot name a file.
 *
 * Without root both sides run as the same user and the same code serves.
 */
#ifndef WORKSPACES_BROKER_INT_H
#define WORKSPACES_BROKER_INT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "workspaces/workspaces.h"

enum {
    BROKER_VERSION = 3,
    BROKER_LABEL = 64,
    BROKER_NAME = 401,
    BROKER_TOKEN = 256,
    BROKER_TEXT = 200,
    BROKER_CPU = 1 << 20,      /* hundredths of a processor, as in the supervisor */
    BROKER_PROCESSES = 1 << 20 /* the most that a workspace may be allowed, as in the supervisor */
};

enum broker_kind {
    BROKER_START = 1, /* make the directories and start the supervisor */
    BROKER_SIGNAL,    /* pass a signal to a supervisor that is still the one meant */
    BROKER_REMOVE,    /* delete the tree of a session from this machine's disk */
};

struct broker_request {
    uint32_t version;
    uint32_t kind;
    char session[BROKER_LABEL];
    char user[BROKER_LABEL];
    char tenant[BROKER_LABEL];
    char name[BROKER_NAME]; /* of the session: UTF-8 without control characters */
    char token[BROKER_TOKEN];
    int64_t generation;
    int64_t memory;
    int64_t processes;
    uint32_t uid;
    uint32_t network;
    int32_t pid;
    int32_t signal;
    uint64_t start_time;
    int64_t cpu;
};

struct broker_reply {
    int32_t error; /* 0 or ERR_* */
    char text[BROKER_TEXT];
};

/* What the privileged side knows from its own command line, never from a request. */
struct broker_place {
    const char *data;            /* directory, absolute */
    const char *supervisor;      /* coditect-workspace */
    const char *codi2;           /* as the workspaces' users reach it */
    const char *node;            /* directory bound at /opt/coditect/node; NULL: none */
    const char *node_program;    /* as a workspace names it; NULL: there is no Node.js */
    const char *ide;             /* bundle directory, or NULL */
    const char *web;             /* or NULL; never shown to a workspace */
    const char *platform_origin; /* or NULL */
    uid_t first_uid; /* range of the workspaces' users; 0: everything runs as the caller */
    uid_t last_uid;
    uid_t server_uid; /* of the unprivileged side */
    gid_t server_gid;
};

/* broker_expose.c: the place's paths, at which every user who needs them reaches them. ERR_INVALID, ERR_FORBIDDEN. */
int workspaces_broker_expose(const struct workspaces_broker_options *options, struct arena *arena,
                             struct broker_place *place) BASE_MUST_USE;

/* broker.c: answers one request; false when the other side is gone. */
bool workspaces_broker_serve(int socket, const struct broker_place *place);

/* broker.c: true when a request may be carried out. */
bool workspaces_broker_check(const struct broker_place *place,
                             const struct broker_request *request);

/* broker_start.c: the supervisor's configuration, of a request that passed the check. Then the start itself. */
void workspaces_broker_encode(struct buf *out, const struct broker_place *place,
                              const struct broker_request *request);
int workspaces_broker_start(const struct broker_place *place, const struct broker_request *request,
                            struct broker_reply *reply) BASE_MUST_USE;
/* broker_process.c */
int workspaces_broker_signal(const struct broker_place *place,
                             const struct broker_request *request) BASE_MUST_USE;
/* broker_remove.c: ERR_BUSY: a supervisor runs. */
int workspaces_broker_remove(const struct broker_place *place,
                             const struct broker_request *request) BASE_MUST_USE;

/* A DNS label of our ids: lower case letters, digits, hyphens not in front, 1 to 63, NUL-terminated within its field. */
bool workspaces_broker_is_label(const char *field);

#endif
