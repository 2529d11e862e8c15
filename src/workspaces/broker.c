/*
 * The privileged side's loop: receive a request, check it, carry it out, answer. See broker_int.h.
 * Invariant: a request that does not pass workspaces_broker_check touches nothing.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "workspaces/broker_int.h"

bool workspaces_broker_is_label(const char *field)
{
    size_t n = strnlen(field, BROKER_LABEL);
    if (n == 0 || n == BROKER_LABEL || field[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = field[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

static bool is_allowed_signal(int signal)
{
    return signal == SIGTERM || signal == SIGKILL;
}

static bool is_allowed_uid(const struct broker_place *place, uint32_t uid)
{
    return place->first_uid == 0 || (uid >= place->first_uid && uid <= place->last_uid);
}

/* A name goes to the IDE by an environment variable and into its title. */
static bool is_plain_text(const char *field, size_t room)
{
    size_t n = strnlen(field, room);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)field[i] < ' ' || field[i] == 0x7f) {
            return false;
        }
    }
    return n < room && str_is_utf8(str_of(field, n));
}

static bool is_good_start(const struct broker_place *place, const struct broker_request *r)
{
    return workspaces_broker_is_label(r->user) && workspaces_broker_is_label(r->tenant) &&
           is_plain_text(r->name, BROKER_NAME) && is_plain_text(r->token, BROKER_TOKEN) &&
           is_allowed_uid(place, r->uid) && r->generation > 0 && r->memory >= 0 &&
           r->processes >= 0 && r->processes <= BROKER_PROCESSES && r->cpu >= 0 &&
           r->cpu <= BROKER_CPU;
}

bool workspaces_broker_check(const struct broker_place *place, const struct broker_request *r)
{
    if (r->version != BROKER_VERSION || !workspaces_broker_is_label(r->session)) {
        return false;
    }
    switch (r->kind) {
    case BROKER_START:
        return is_good_start(place, r);
    case BROKER_SIGNAL:
        return r->pid > 1 && is_allowed_signal(r->signal);
    case BROKER_REMOVE:
        return is_allowed_uid(place, r->uid);
    default:
        return false;
    }
}

static int carry_out(const struct broker_place *place, const struct broker_request *r,
                     struct broker_reply *reply)
{
    if (!workspaces_broker_check(place, r)) {
        return ERR_INVALID;
    }
    switch (r->kind) {
    case BROKER_START:
        return workspaces_broker_start(place, r, reply);
    case BROKER_SIGNAL:
        return workspaces_broker_signal(place, r);
    default: /* workspaces_broker_check knows no other */
        return workspaces_broker_remove(place, r);
    }
}

bool workspaces_broker_serve(int socket, const struct broker_place *place)
{
    struct broker_request request;
    ssize_t n =
        recv(socket, &request, sizeof request, MSG_DONTWAIT | MSG_TRUNC); /* the true length */
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n != (ssize_t)sizeof request) {
        return false; /* the server is gone, or is not ours */
    }
    struct broker_reply reply = {0};
    reply.error = carry_out(place, &request, &reply);
    explicit_bzero(&request, sizeof request);
    return send(socket, &reply, sizeof reply, MSG_NOSIGNAL) == (ssize_t)sizeof reply;
}
