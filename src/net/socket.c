/* Listening and connecting, and waiting for one descriptor in threads that may block. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/net.h"

enum { BACKLOG = 4096 };

static const struct sockaddr *sockaddr_of(const struct net_address *address)
{
    return (const struct sockaddr *)(const void *)&address->sockaddr;
}

static int open_socket(const struct net_address *address)
{
    return socket(address->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* The path is a socket left behind by a process that is gone. */
static bool is_abandoned(const struct net_address *address)
{
    FD_AUTO int fd = open_socket(address);
    return fd >= 0 && connect(fd, sockaddr_of(address), address->length) < 0 &&
           errno == ECONNREFUSED;
}

static int bind_to(int fd, const struct net_address *address)
{
    bool local = address->sockaddr.ss_family == AF_UNIX;
    if (local && fchmod(fd, S_IRUSR | S_IWUSR) < 0) { /* of the file that bind makes */
        return ERR_IO;
    }
    int r = bind(fd, sockaddr_of(address), address->length);
    if (r < 0 && errno == EADDRINUSE && local && is_abandoned(address)) {
        const void *sockaddr = &address->sockaddr;
        (void)unlink(((const struct sockaddr_un *)sockaddr)->sun_path);
        r = bind(fd, sockaddr_of(address), address->length);
    }
    if (r == 0) {
        return 0;
    }
    return errno == EADDRINUSE                 ? ERR_EXISTS
           : errno == EACCES || errno == EPERM ? ERR_FORBIDDEN
                                               : ERR_IO;
}

int net_listen(const struct net_address *address, bool shared, int *ret_fd)
{
    FD_AUTO int fd = open_socket(address);
    if (fd < 0) {
        return ERR_IO;
    }
    const int on = 1;
    if (address->sockaddr.ss_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
            return ERR_IO;
        }
    }
    int r = bind_to(fd, address);
    if (r < 0) {
        return r;
    }
    if (listen(fd, BACKLOG) < 0) {
        return errno == EADDRINUSE ? ERR_EXISTS : ERR_IO;
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}

int net_bound_address(int fd, struct net_address *ret_address)
{
    struct net_address bound = {.length = sizeof bound.sockaddr};
    if (getsockname(fd, (struct sockaddr *)(void *)&bound.sockaddr, &bound.length) < 0) {
        return ERR_IO;
    }
    *ret_address = bound;
    return 0;
}

/*
 * To what the path names itself, never to what a link there leads to: who may write in a socket's folder could send us to somebody
 * else's. The descriptor holds what was looked at, whatever takes its place in the meantime.
 */
static int connect_unix(int fd, const struct net_address *address)
{
    const struct sockaddr_un *un = (const void *)&address->sockaddr;
    FD_AUTO int found = open(un->sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat facts;
    if (found < 0 || fstat(found, &facts) < 0) {
        return -1;
    }
    if (!S_ISSOCK(facts.st_mode)) {
        errno = ECONNREFUSED;
        return -1;
    }
    struct sockaddr_un held = {.sun_family = AF_UNIX};
    (void)snprintf(held.sun_path, sizeof held.sun_path, "/proc/self/fd/%d", found);
    return connect(fd, (const struct sockaddr *)(const void *)&held, sizeof held);
}

static int begin_connect(int fd, const struct net_address *address)
{
    return address->sockaddr.ss_family == AF_UNIX
               ? connect_unix(fd, address)
               : connect(fd, sockaddr_of(address), address->length);
}

int net_connect(const struct net_address *address, int *ret_fd)
{
    FD_AUTO int fd = open_socket(address);
    if (fd < 0) {
        return ERR_IO;
    }
    if (begin_connect(fd, address) < 0 && errno != EINPROGRESS) {
        return errno == EAGAIN ? ERR_BUSY : ERR_IO; /* EAGAIN: a unix socket's backlog is full */
    }
    if (address->sockaddr.ss_family != AF_UNIX) {
        const int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}

int net_peer_uid(int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.pid == 0) {
        return ERR_INVALID;
    }
    *ret_uid = peer.uid;
    return 0;
}

int net_wait(int fd, bool to_write, usec_t deadline)
{
    struct pollfd polled = {.fd = fd, .events = to_write ? POLLOUT : POLLIN | POLLRDHUP};
    for (;;) {
        usec_t left = deadline - time_monotonic();
        if (left <= 0) {
            return ERR_TIMEOUT;
        }
        usec_t ms = (left + USEC_PER_MS - 1) / USEC_PER_MS;
        int n = poll(&polled, 1, ms > 60000 ? 60000 : (int)ms);
        if (n > 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return ERR_IO;
        }
    }
}

int net_connect_until(const struct net_address *address, usec_t deadline, int *ret_fd)
{
    FD_AUTO int fd = -1;
    int r = net_connect(address, &fd);
    if (r < 0) {
        return ERR_IO;
    }
    r = net_wait(fd, /* to_write= */ true, deadline);
    if (r < 0) {
        return r;
    }
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != 0) {
        return ERR_IO;
    }
    *ret_fd = FD_TAKE(fd);
    return 0;
}

uint64_t net_raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 1024;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            return raised.rlim_cur;
        }
    }
    return limit.rlim_cur;
}
