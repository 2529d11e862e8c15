/*
 * Bytes between sockets and threads: event loops, timers, listening sockets, lanes of threads. Knows no protocol.
 * A loop and everything that is registered with it belong to the one thread that runs it; net_loop_post and net_loop_stop
 * are the only calls that another thread may make. Lanes are thread safe.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"
#include "base/time.h"

/* ---- event loop ---- */

struct net_loop;

/* What a descriptor became; NET_HANGUP also comes with an error. */
enum { NET_READABLE = 1, NET_WRITABLE = 2, NET_HANGUP = 4 };

/*
 * A descriptor in a loop, edge triggered for reading and writing: after an event the owner reads (writes) until the kernel
 * has no more or it took less than asked, and remembers what it left. Embedded by its owner, who keeps it until
 * net_watch_end. An event that was already fetched when net_watch_end was called is not delivered.
 */
struct net_watch {
    void (*ready)(struct net_watch *, unsigned what);
    struct net_loop *loop;
    int fd; /* owned by the embedder */
};

/* A deadline in a loop. Fires once, not before its time and at most NET_TICK after it. Embedded by its owner. */
struct net_timer {
    void (*fire)(struct net_timer *);
    struct net_loop *loop; /* NULL while it is not set */
    struct net_timer *next;
    struct net_timer **place;
    usec_t deadline;
    uint64_t tick; /* under which it is filed; may lie before the deadline's */
};

enum { NET_TICK = 64000 }; /* microseconds */

/* Work for the loop's thread. Embedded by its owner; not posted again before it has run. */
struct net_message {
    void (*run)(struct net_message *);
    struct net_message *next;
};

/* ERR_IO when the kernel gives no descriptors. Destroy when nothing is registered and no thread runs it. */
int net_loop_create(struct net_loop **ret_loop) BASE_MUST_USE;
void net_loop_destroy(struct net_loop *loop); /* NULL allowed */

/* Runs until net_loop_stop; what was posted before the stop has run when it returns. */
void net_loop_run(struct net_loop *loop);

/* One turn: waits at most wait for something to happen, then handles it. For tests and for threads with a loop of theirs. */
void net_loop_turn(struct net_loop *loop, usec_t wait);

/* The turn's time (monotonic), read once a turn. */
usec_t net_loop_now(const struct net_loop *loop);

/* From any thread: message->run runs on the loop's thread, in the order of posting. */
void net_loop_post(struct net_loop *loop, struct net_message *message);
void net_loop_stop(
    struct net_loop *loop); /* from any thread: net_loop_run returns after this turn */

/* Registers w->fd (nonblocking) with w->ready set. ERR_IO. */
int net_watch_start(struct net_loop *loop, struct net_watch *w) BASE_MUST_USE;

/* As net_watch_start for a listening socket that several loops share: one of them wakes per connection; level triggered. */
int net_watch_listen(struct net_loop *loop, struct net_watch *w) BASE_MUST_USE;
void net_watch_end(struct net_watch *w); /* harmless when not started; does not close */

/* Sets or moves the deadline (monotonic). Cheap when it only moves later. timer->fire must be set. */
void net_timer_set(struct net_loop *loop, struct net_timer *timer, usec_t deadline);
void net_timer_cancel(struct net_timer *timer); /* harmless when not set */

/* ---- addresses and sockets ---- */

enum { NET_ADDRESS_TEXT = 64 };

struct net_address {
    struct sockaddr_storage sockaddr;
    socklen_t length;
};

/*
 * "127.0.0.1:8080", "[::1]:8080", ":8080" (all interfaces), "localhost:8080" (127.0.0.1), "unix:/run/x.sock". No names are
 * resolved. ERR_INVALID.
 */
int net_address_parse(struct str text, struct net_address *ret_address) BASE_MUST_USE;

/* The host part ("127.0.0.1", "::1", "unix") into to; returns it. */
struct str net_address_host(const struct net_address *address, char to[static NET_ADDRESS_TEXT]);
uint16_t net_address_port(const struct net_address *address);    /* 0 for unix */
bool net_address_is_loopback(const struct net_address *address); /* 127.0.0.0/8, ::1, unix */

/* For limits per client: equal for equal IPv4 addresses and for equal IPv6 /64 prefixes. */
struct str net_address_group(const struct net_address *address);

/*
 * A nonblocking, listening socket. shared: SO_REUSEPORT, for one socket per loop. A unix path that no server holds is
 * replaced; its mode is 0600. ERR_EXISTS: the address is taken; ERR_FORBIDDEN: not allowed; ERR_IO.
 */
int net_listen(const struct net_address *address, bool shared, int *ret_fd) BASE_MUST_USE;

/* The address that a socket is bound to (the real port after port 0). ERR_IO. */
int net_bound_address(int fd, struct net_address *ret_address) BASE_MUST_USE;

/*
 * Begins to connect a nonblocking stream socket: writable (or hung up) when done. A unix path's last part is no link: then nobody is
 * there. ERR_IO (nobody there), ERR_BUSY.
 */
int net_connect(const struct net_address *address, int *ret_fd) BASE_MUST_USE;

/* Connects and waits until a deadline (monotonic); the socket stays nonblocking. ERR_IO, ERR_TIMEOUT. */
int net_connect_until(const struct net_address *address, usec_t deadline,
                      int *ret_fd) BASE_MUST_USE;

/* Whose process opened the other end of a unix socket, then. ERR_INVALID: fd is none. */
int net_peer_uid(int fd, uid_t *ret_uid) BASE_MUST_USE;

/* Waits until fd is readable (or writable); ERR_TIMEOUT at the deadline (monotonic), ERR_IO. Hang-up counts as ready. */
int net_wait(int fd, bool to_write, usec_t deadline) BASE_MUST_USE;

/* Raises the soft limit of descriptors to the hard one; returns the limit in force. */
uint64_t net_raise_fd_limit(void);

/* ---- lanes ---- */

/*
 * A lane: threads of one kind of work and the queue before them. Threads start when work waits and none is idle, up to the
 * maximum, and stay. Jobs start in the order of submission, except that a job whose key already has per_key jobs running
 * waits for one of them.
 */
struct net_lane;

struct net_job {
    void (*run)(struct net_job
                    *); /* on a thread of the lane; the job may be freed or submitted again by it */
    struct net_job *next;
    uint64_t key; /* 0: none. Whose job it is (a keyed hash), for per_key */
};

struct net_lane_options {
    const char *name;       /* static, <= 12 characters: names the threads */
    unsigned threads;       /* at most */
    unsigned queue;         /* jobs that may wait */
    unsigned per_key;       /* jobs of one key that may run at once; 0: any number */
    unsigned per_key_queue; /* jobs of one key that may wait; 0: any number */
    size_t stack;           /* bytes of a thread's stack */
};

struct net_lane_stats {
    uint64_t started; /* jobs, ever */
    uint64_t refused;
    unsigned running;
    unsigned waiting;
    unsigned threads;
};

struct net_lane *net_lane_create(const struct net_lane_options *options);
void net_lane_destroy(struct net_lane *lane); /* NULL allowed; waits for running and queued jobs */

/* ERR_BUSY: the queue (or the key's part of it) is full, or the lane is being destroyed. */
int net_lane_submit(struct net_lane *lane, struct net_job *job) BASE_MUST_USE;
void net_lane_read_stats(struct net_lane *lane, struct net_lane_stats *ret_stats);

#endif
