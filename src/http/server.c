/*
 * Loops, lanes and listening sockets of one server, its start and its end. Every loop has a listening socket of its own for
 * TCP (SO_REUSEPORT: the kernel spreads connections); a unix path has one socket that all loops watch.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "http/http_int.h"

enum { SERVER_MAGIC = 0x73727672, ACCEPTS_A_TURN = 64, MAX_WORKERS = 64 };

static const uint32_t not_counted = UINT32_MAX;

/* Room for one more of this address, in a table of counters by keyed hash: two addresses may share one, which only makes the
 * limit a little tighter for them. */
static int admit(struct http_server *server, const struct net_address *peer, uint32_t *ret_group)
{
    if (atomic_fetch_add(&server->open, 1) >= server->limits.connections) {
        atomic_fetch_sub(&server->open, 1);
        return ERR_LIMIT;
    }
    struct str group = net_address_group(peer);
    if (group.n == 0 || http_forwarded_trusts(&server->trusted, peer) ||
        (net_address_is_loopback(peer) && !server->limits.per_loopback)) {
        *ret_group = not_counted;
        return 0;
    }
    uint32_t slot = (uint32_t)(map_hash(group) % HTTP_ADDRESS_SLOTS);
    if (atomic_fetch_add(&server->addresses[slot], 1) >= server->limits.per_address) {
        atomic_fetch_sub(&server->addresses[slot], 1);
        atomic_fetch_sub(&server->open, 1);
        return ERR_LIMIT;
    }
    *ret_group = slot;
    return 0;
}

void http_server_connection_ended(struct http_server *server, uint32_t group)
{
    if (group != not_counted) {
        atomic_fetch_sub(&server->addresses[group], 1);
    }
    if (atomic_fetch_sub(&server->open, 1) == 1) {
        LOCK_SCOPE(&server->lock);
        lock_cond_broadcast(&server->empty);
    }
}

static void refuse(struct http_server *server, int fd)
{
    static const char busy[] =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    atomic_fetch_add(&server->refused, 1);
    (void)send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
}

static bool is_own(int fd)
{
    uid_t uid;
    return net_peer_uid(fd, &uid) == 0 && (uid == geteuid() || uid == 0);
}

static void take_connection(struct http_worker *worker, int accepted,
                            const struct net_address *peer)
{
    FD_AUTO int fd = accepted;
    uint32_t group;
    if (worker->server->own_users && !is_own(fd)) {
        atomic_fetch_add(&worker->server->refused, 1);
        return;
    }
    if (admit(worker->server, peer, &group) < 0) {
        refuse(worker->server, fd);
        return;
    }
    atomic_fetch_add_explicit(&worker->server->accepted, 1, memory_order_relaxed);
    if (http_connection_start(worker, fd, peer, group) < 0) {
        http_server_connection_ended(worker->server, group);
        return;
    }
    (void)FD_TAKE(fd);
}

static void accept_ready(struct net_watch *w, unsigned what)
{
    (void)what;
    struct http_listener *listener =
        (struct http_listener *)(void *)((char *)w - offsetof(struct http_listener, watch));
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct net_address peer = {.length = sizeof peer.sockaddr};
        int fd = accept4(w->fd, (struct sockaddr *)(void *)&peer.sockaddr, &peer.length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(listener->worker, fd, &peer);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void stop_listening(struct http_worker *worker)
{
    for (unsigned i = 0; i < worker->listening; i++) {
        struct http_listener *listener = &worker->listeners[i];
        net_watch_end(&listener->watch);
        fd_close(&listener->watch.fd);
    }
    worker->listening = 0;
}

static void drain_worker(struct net_message *m)
{
    struct http_worker *worker =
        (struct http_worker *)(void *)((char *)m - offsetof(struct http_worker, drain));
    stop_listening(worker);
    struct http_connection *next;
    for (struct http_connection *c = worker->connections; c; c = next) {
        next = c->next;
        http_connection_drain(c);
    }
}

/* A thread that waits for a client wakes up when its socket is shut down, and gives the connection back. */
static void cut_worker(struct net_message *m)
{
    struct http_worker *worker =
        (struct http_worker *)(void *)((char *)m - offsetof(struct http_worker, cut));
    struct http_connection *next;
    for (struct http_connection *c = worker->connections; c; c = next) {
        next = c->next;
        if (c->state == CONN_LANE) {
            (void)shutdown(c->watch.fd, SHUT_RDWR);
        } else {
            http_connection_close(c);
        }
    }
    LOCK_SCOPE(&worker->server->lock);
    worker->cut_done = true;
    lock_cond_broadcast(&worker->server->empty);
}

/* One tag for one worker. */
struct cut_tag {
    struct net_message message;
    struct http_worker *worker;
    uint64_t tag;
};

static void cut_tagged(struct net_message *m)
{
    struct cut_tag *cut = (struct cut_tag *)(void *)m; /* its first member */
    struct http_connection *next;
    for (struct http_connection *c = cut->worker->connections; c; c = next) {
        next = c->next;
        if (c->state == CONN_OWNED && c->owner->tag == cut->tag) {
            c->owner->cut(c->owner);
        }
    }
    mem_free(cut);
}

void http_server_cut(struct http_server *server, uint64_t tag)
{
    ASSERT_MAGIC(server, SERVER_MAGIC);
    ASSERT(tag != 0);
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct cut_tag *cut = MEM_NEW(struct cut_tag);
        *cut =
            (struct cut_tag){.message.run = cut_tagged, .worker = &server->workers[i], .tag = tag};
        net_loop_post(server->workers[i].loop, &cut->message);
    }
}

static int listen_for(struct http_worker *worker, const struct net_address *address, size_t n)
{
    struct http_listener *listener = &worker->listeners[worker->listening];
    struct http_worker *first = &worker->server->workers[0];
    bool local = address->sockaddr.ss_family == AF_UNIX;
    *listener =
        (struct http_listener){.worker = worker, .watch = {.ready = accept_ready, .fd = -1}};
    if (local && worker != first) {
        listener->watch.fd = fcntl(first->listeners[n].watch.fd, F_DUPFD_CLOEXEC, 0);
        if (listener->watch.fd < 0) {
            return ERR_IO;
        }
    } else {
        int r = net_listen(address, !local, &listener->watch.fd);
        if (r < 0) {
            return r;
        }
    }
    worker->listening++;
    return net_watch_listen(worker->loop, &listener->watch);
}

/* Before SO_REUSEPORT lets two servers share an address by mistake. */
static int check_free(const struct net_address *address)
{
    if (address->sockaddr.ss_family == AF_UNIX || net_address_port(address) == 0) {
        return 0;
    }
    FD_AUTO int fd = -1;
    return net_listen(address, /* shared= */ false, &fd);
}

static int listen_on(struct http_server *server, const char *text)
{
    struct net_address address;
    int r = server->listen_count < HTTP_MAX_LISTEN ? net_address_parse(str_from(text), &address)
                                                   : ERR_INVALID;
    if (r == 0) {
        r = check_free(&address);
    }
    for (unsigned i = 0; r == 0 && i < server->worker_count; i++) {
        struct http_worker *worker = &server->workers[i];
        r = listen_for(worker, &address, server->listen_count);
        if (r == 0 && i == 0 && address.sockaddr.ss_family != AF_UNIX) {
            /* After port 0 the others take the port that the kernel chose. */
            r = net_bound_address(worker->listeners[server->listen_count].watch.fd, &address);
        }
    }
    if (r == 0) {
        server->ports[server->listen_count++] = net_address_port(&address);
    }
    return r;
}

/* What waits for a core has few threads; what waits for something else has many, which cost memory only. */
static const struct {
    const char *name;
    size_t stack;
    unsigned threads;
    bool per_core; /* so many for each core */
    unsigned queue;
} kinds[HTTP_LANES] = {
    [HTTP_READ] = {"read", 256 * 1024, 2, true, 4096},
    [HTTP_SCAN] = {"scan", 256 * 1024, 2, true, 256},
    [HTTP_WORK] = {"work", 256 * 1024, 128, false, 4096},
    /* As many compute as there are cores (auth/password.c); the others wait for their commits. */
    [HTTP_HASH] = {"hash", 256 * 1024, 2, true, 64},
    [HTTP_STREAM] = {"stream", 256 * 1024, 64, false, 256},
    [HTTP_OUTSIDE] = {"outside", 512 * 1024, 16, false, 256},
};

static void set_default(unsigned *value, unsigned otherwise)
{
    *value = *value ? *value : otherwise;
}

static void complete_limits(struct http_limits *limits)
{
    uint64_t descriptors = net_raise_fd_limit();
    unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    set_default(&limits->connections, (unsigned)(descriptors - descriptors / 8));
    set_default(&limits->per_address, 512);
    set_default(&limits->least_rate, 1024);
    set_default(&limits->stream_per_key, 4);
    limits->buffered_bodies = limits->buffered_bodies ? limits->buffered_bodies : 256U << 20;
    limits->header_time = limits->header_time ? limits->header_time : 10 * USEC_PER_SEC;
    limits->idle_time = limits->idle_time ? limits->idle_time : 75 * USEC_PER_SEC;
    limits->grace = limits->grace ? limits->grace : 10 * USEC_PER_SEC;
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        set_default(&limits->threads[i], kinds[i].threads * (kinds[i].per_core ? cores : 1));
        set_default(&limits->queue[i], kinds[i].queue);
    }
}

static void create_lanes(struct http_server *server)
{
    const struct http_limits *limits = &server->limits;
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        unsigned per_key = i == HTTP_STREAM    ? limits->stream_per_key
                           : i == HTTP_SCAN    ? limits->threads[i] / 2
                           : i == HTTP_OUTSIDE ? limits->threads[i] / 4
                                               : 0;
        server->lanes[i] = net_lane_create(&(struct net_lane_options){
            .name = kinds[i].name,
            .stack = kinds[i].stack,
            .threads = limits->threads[i],
            .queue = limits->queue[i],
            .per_key = per_key,
            .per_key_queue = per_key ? limits->queue[i] / 4 + 1 : 0,
        });
    }
}

static void *run_worker(void *context)
{
    struct http_worker *worker = context;
    net_loop_run(worker->loop);
    return NULL;
}

static int create_workers(struct http_server *server, unsigned count)
{
    count = count ? count : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    server->worker_count = count < MAX_WORKERS ? count : MAX_WORKERS;
    server->workers = mem_alloc(server->worker_count * sizeof *server->workers);
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct http_worker *worker = &server->workers[i];
        worker->server = server;
        worker->ids = rand_u64();
        worker->drain.run = drain_worker;
        worker->cut.run = cut_worker;
        int r = net_loop_create(&worker->loop);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void start_workers(struct http_server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct http_worker *worker = &server->workers[i];
        ASSERT(pthread_create(&worker->thread, NULL, run_worker, worker) == 0);
        (void)pthread_setname_np(worker->thread, "loop");
    }
    server->started = true;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server)
{
    ASSERT(options->app && options->app->route && options->app->handle && options->app->error);
    struct http_server *server = MEM_NEW(struct http_server);
    server->magic = SERVER_MAGIC;
    server->app = options->app;
    server->limits = options->limits;
    server->trusted = options->trusted;
    server->own_users = options->own_users;
    complete_limits(&server->limits);
    lock_init(&server->lock, LOCK_LOOP);
    lock_cond_init(&server->empty);
    int r = create_workers(server, options->loops);
    create_lanes(server);
    for (const char *const *text = options->listen; r == 0 && *text; text++) {
        r = listen_on(server, *text);
    }
    if (r < 0) {
        http_server_destroy(server);
        return r;
    }
    start_workers(server);
    *ret_server = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server, size_t n)
{
    ASSERT_MAGIC(server, SERVER_MAGIC);
    ASSERT(n < server->listen_count);
    return server->ports[n];
}

static void wait_until_empty(struct http_server *server, usec_t deadline)
{
    LOCK_SCOPE(&server->lock);
    while (atomic_load(&server->open) > 0 &&
           lock_cond_wait_until(&server->empty, &server->lock, deadline)) {
    }
}

void http_server_leave(struct http_server *server)
{
    ASSERT_MAGIC(server, SERVER_MAGIC);
    if (atomic_exchange(&server->draining, true)) {
        return;
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        net_loop_post(server->workers[i].loop, &server->workers[i].drain);
    }
}

void http_server_drain(struct http_server *server, usec_t patience)
{
    http_server_leave(server);
    wait_until_empty(server, time_monotonic() + patience);
}

/* Waits for each worker: its message may be posted again only after it has run. */
static void cut_all(struct http_server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        struct http_worker *worker = &server->workers[i];
        net_loop_post(worker->loop, &worker->cut);
        LOCK_SCOPE(&server->lock);
        while (!worker->cut_done) {
            lock_cond_wait(&server->empty, &server->lock);
        }
        worker->cut_done = false;
    }
}

/* Ends loops and lanes: connections are cut, handlers finish and give theirs back, until nothing is open. */
static void stop_workers(struct http_server *server)
{
    http_server_drain(server, 0);
    cut_all(server);
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        net_lane_destroy(server->lanes[i]);
        server->lanes[i] = NULL;
    }
    while (atomic_load(&server->open) > 0) {
        cut_all(server); /* also what a handler has handed over since */
        wait_until_empty(server, time_monotonic() + USEC_PER_SEC);
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        net_loop_stop(server->workers[i].loop);
        (void)pthread_join(server->workers[i].thread, NULL);
    }
}

void http_server_destroy(struct http_server *server)
{
    if (!server) {
        return;
    }
    ASSERT_MAGIC(server, SERVER_MAGIC);
    if (server->started) {
        stop_workers(server);
    }
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        net_lane_destroy(server->lanes[i]);
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        stop_listening(&server->workers[i]);
        http_worker_free_exchanges(&server->workers[i]);
        net_loop_destroy(server->workers[i].loop);
    }
    lock_cond_fini(&server->empty);
    lock_fini(&server->lock);
    mem_free(server->workers);
    server->magic = 0;
    mem_free(server);
}

void http_server_read_stats(struct http_server *server, struct http_server_stats *ret)
{
    ASSERT_MAGIC(server, SERVER_MAGIC);
    *ret = (struct http_server_stats){
        .requests = atomic_load(&server->requests),
        .connections = atomic_load(&server->accepted),
        .refused = atomic_load(&server->refused),
        .open = atomic_load(&server->open),
    };
    for (int i = HTTP_READ; i < HTTP_LANES; i++) {
        struct net_lane_stats lane;
        net_lane_read_stats(server->lanes[i], &lane);
        ret->lanes[i].started = lane.started;
        ret->lanes[i].refused = lane.refused;
        ret->lanes[i].running = lane.running;
        ret->lanes[i].waiting = lane.waiting;
        ret->lanes[i].threads = lane.threads;
    }
}
