/* The server's end of the socket pair. Thread safe: one request at a time. */
#ifndef WORKSPACES_BROKER_CLIENT_INT_H
#define WORKSPACES_BROKER_CLIENT_INT_H

#include "workspaces/broker_int.h"
#include "workspaces/workspaces.h"

/* Takes the descriptor. */
struct workspaces_broker *workspaces_broker_connected(int socket);

/* Sends and waits. ERR_CLOSED: the privileged side is gone; else the reply's error. */
int workspaces_broker_ask(struct workspaces_broker *b, struct broker_request *request,
                          struct broker_reply *ret_reply) BASE_MUST_USE;

/* Copies into a fixed field. ERR_INVALID when it does not fit or holds a NUL. */
int workspaces_broker_field(char *field, size_t room, struct str value) BASE_MUST_USE;

#endif
