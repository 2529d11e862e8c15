#include <errno.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/mem.h"
#include "workspaces/broker_client_int.h"

enum { BROKER_MAGIC = 0x62726f6b };

struct workspaces_broker {
    unsigned magic;
    struct lock lock; /* one conversation at a time */
    int socket;
};

struct workspaces_broker *workspaces_broker_connected(int socket)
{
    struct workspaces_broker *b = MEM_NEW(struct workspaces_broker);
    b->magic = BROKER_MAGIC;
    b->socket = socket;
    lock_init(&b->lock, LOCK_BROKER);
    return b;
}

void workspaces_broker_destroy(struct workspaces_broker *b)
{
    if (!b) {
        return;
    }
    ASSERT_MAGIC(b, BROKER_MAGIC);
    fd_close(&b->socket);
    lock_fini(&b->lock);
    b->magic = 0;
    mem_free(b);
}

int workspaces_broker_ask(struct workspaces_broker *b, struct broker_request *request,
                          struct broker_reply *ret_reply)
{
    ASSERT_MAGIC(b, BROKER_MAGIC);
    LOCK_SCOPE(&b->lock);
    request->version = BROKER_VERSION;
    ssize_t n = send(b->socket, request, sizeof *request, MSG_NOSIGNAL);
    if (n != (ssize_t)sizeof *request) {
        return ERR_CLOSED;
    }
    do {
        n = recv(b->socket, ret_reply, sizeof *ret_reply, 0);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof *ret_reply) {
        return ERR_CLOSED;
    }
    ret_reply->text[BROKER_TEXT - 1] = '\0';
    return ret_reply->error;
}

int workspaces_broker_field(char *field, size_t room, struct str value)
{
    if (value.n >= room || (value.n > 0 && memchr(value.p, '\0', value.n))) {
        return ERR_INVALID;
    }
    memset(field, 0, room);
    if (value.n > 0) {
        memcpy(field, value.p, value.n);
    }
    return 0;
}
