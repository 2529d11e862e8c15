/*
 * Streams: a socket, two watches of the store, and a job that reads for it.
 *
 * All of a stream happens on its socket's loop, but reading (a job of the lane) and being woken (a thread of the store, which holds
 * a lock of the store): both only leave a note under rt->lock and post the stream's one message.
 *
 * 1. A stream lives until its request has ended, its message has run, and its job is done; whoever is last frees it.
 * 2. While a job is busy the reader is the job's; else it is the loop's.
 * 3. A message that the socket does not take waits in the reader, and nothing is read until it is taken.
 * 4. The watches begin before the first read, so that nothing that is written later is missed.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "realtime/realtime_int.h"

enum {
    THREADS = 4,
    MAX_JOBS = 100000, /* one for each stream */
    STACK = 512 * 1024,
    MAX_QUEUE = 128 * 1024,
    CLOSE_BROKEN = 1011,
    CLOSE_LATER = 1013,
};

/* Whoever ends logins or deletes sessions leaves an event in the tenant's feed; what ends by time alone is found by the round. */
static const usec_t round_every = 5 * USEC_PER_SEC;
static const usec_t right_gap =
    200 * USEC_PER_MS; /* between two looks for the right's sake alone */
static const usec_t retry_after = USEC_PER_SEC;
static const usec_t patience = REALTIME_PATIENCE_S * USEC_PER_SEC;

struct realtime_stream {
    unsigned magic;
    struct realtime *rt;
    struct arena arena;
    struct realtime_whose whose;
    struct realtime_user *user;
    struct realtime_reader reader;
    struct http_socket *socket; /* NULL before it opened, and when it is closed */
    struct store_watch *session_watch, *tenant_watch;
    struct net_timer timer;
    struct net_job job;
    bool closing;      /* nothing is sent any more */
    bool busy;         /* a job reads */
    bool due;          /* something may be there to be read */
    usec_t looked;     /* when the last job began */
    usec_t not_before; /* of the next one, after one that failed */
    usec_t full_since; /* the message in the reader waits; 0: none does */
    int result;        /* of the last job */

    /* under rt->lock */
    struct net_loop *loop; /* NULL before it opened, and when the request has ended */
    struct net_message message;
    bool posted, reading, ended;
    bool news, touched, done; /* notes: the session's feed, the tenant's, the job */
};

static struct realtime_stream *of_timer(struct net_timer *timer)
{
    return (struct realtime_stream *)(void *)((char *)timer -
                                              offsetof(struct realtime_stream, timer));
}

static struct realtime_stream *of_message(struct net_message *message)
{
    return (struct realtime_stream *)(void *)((char *)message -
                                              offsetof(struct realtime_stream, message));
}

static struct realtime_stream *of_job(struct net_job *job)
{
    return (struct realtime_stream *)(void *)((char *)job - offsetof(struct realtime_stream, job));
}

/* ---- Whose ---- */

static int count_in(struct realtime *rt, struct str user_id, struct realtime_user **ret_user)
{
    LOCK_SCOPE(&rt->lock);
    struct realtime_user *user = map_get(rt->by_user, user_id);
    if (!user) {
        user = MEM_NEW(struct realtime_user);
        user->id = mem_dup(user_id.p, user_id.n);
        (void)map_put(rt->by_user, user_id, user);
    }
    if (user->count >= REALTIME_MAX_PER_USER) {
        return ERR_LIMIT;
    }
    user->count++;
    *ret_user = user;
    return 0;
}

static void count_out(struct realtime *rt, struct realtime_user *user)
{
    LOCK_SCOPE(&rt->lock);
    if (--user->count == 0) {
        (void)map_remove(rt->by_user, str_from(user->id));
        mem_free(user->id);
        mem_free(user);
    }
}

static void destroy(struct realtime_stream *s)
{
    ASSERT(!s->socket && !s->session_watch && !s->tenant_watch);
    count_out(s->rt, s->user);
    buf_fini(&s->reader.frame);
    arena_fini(&s->arena);
    s->magic = 0;
    mem_free(s);
}

/* Whether nobody will come back to it. */
static bool is_left_locked(struct realtime_stream *s)
{
    lock_assert_held(&s->rt->lock);
    return s->ended && !s->posted && !s->reading;
}

static void post_locked(struct realtime_stream *s)
{
    lock_assert_held(&s->rt->lock);
    if (s->loop && !s->posted) {
        s->posted = true;
        net_loop_post(s->loop, &s->message);
    }
}

/* ---- Elsewhere than on the loop ---- */

static void session_changed(void *ctx)
{
    struct realtime_stream *s = ctx;
    LOCK_SCOPE(&s->rt->lock);
    s->news = true;
    post_locked(s);
}

static void tenant_changed(void *ctx)
{
    struct realtime_stream *s = ctx;
    LOCK_SCOPE(&s->rt->lock);
    s->touched = true;
    post_locked(s);
}

static void read_job(struct net_job *job)
{
    struct realtime_stream *s = of_job(job);
    ASSERT_MAGIC(s, REALTIME_STREAM_MAGIC);
    s->result = realtime_read(&s->reader);
    struct realtime *rt = s->rt;
    lock_take(&rt->lock);
    s->reading = false;
    s->done = true;
    post_locked(s);
    bool left = is_left_locked(s);
    lock_release(&rt->lock);
    if (left) {
        destroy(s);
    }
}

/* ---- On the loop ---- */

static usec_t now_of(const struct realtime_stream *s)
{
    return net_loop_now(http_socket_loop(s->socket));
}

static void wait_until(struct realtime_stream *s, usec_t deadline)
{
    if (!s->timer.loop || deadline < s->timer.deadline) {
        net_timer_set(http_socket_loop(s->socket), &s->timer, deadline);
    }
}

static void try_later(struct realtime_stream *s)
{
    s->due = true;
    s->not_before = now_of(s) + retry_after;
    wait_until(s, s->not_before);
}

static void begin_job(struct realtime_stream *s)
{
    struct realtime *rt = s->rt;
    lock_take(&rt->lock);
    s->reading = true;
    lock_release(&rt->lock);
    s->busy = true;
    s->due = false;
    s->looked = now_of(s);
    if (net_lane_submit(rt->lane, &s->job) < 0) {
        lock_take(&rt->lock);
        s->reading = false;
        lock_release(&rt->lock);
        s->busy = false;
        try_later(s);
    }
}

/* Reads on, if there is anything to and nothing waits. */
static void go_on(struct realtime_stream *s)
{
    if (!s->socket || s->closing || !s->due || s->busy || s->full_since > 0) {
        return;
    }
    if (now_of(s) < s->not_before) {
        wait_until(s, s->not_before);
    } else {
        begin_job(s);
    }
}

static void close_with(struct realtime_stream *s, int code, const char *reason)
{
    s->closing = true;
    http_socket_close(s->socket, code, str_from(reason));
}

static void close_for(struct realtime_stream *s, int result)
{
    switch (result) {
    case ERR_UNAUTHENTICATED:
        close_with(s, REALTIME_CLOSE_LOGIN, "the login has ended");
        return;
    case ERR_NOT_FOUND:
        close_with(s, REALTIME_CLOSE_GONE, "the session was deleted");
        return;
    default:
        log_warn("realtime", "a session's events: %s", err_name(result));
        close_with(s, CLOSE_BROKEN, "");
    }
}

static void send_frame(struct realtime_stream *s)
{
    int r = http_socket_send(s->socket, /* text= */ true, buf_str(&s->reader.frame));
    if (r == ERR_BUSY) {
        s->full_since = s->full_since > 0 ? s->full_since : now_of(s);
        return;
    }
    ASSERT(r == 0 || r == ERR_CLOSED);
    s->closing = s->closing || r == ERR_CLOSED;
    s->full_since = 0;
    buf_fini(&s->reader.frame); /* a quiet stream holds no buffers */
}

static void job_is_done(struct realtime_stream *s)
{
    s->busy = false;
    if (!s->socket) {
        return;
    }
    int r = s->result;
    if (r < 0 && err_row(r)->retry) {
        try_later(s);
        return;
    }
    if (r < 0) {
        close_for(s, r);
        return;
    }
    s->due = s->due || s->reader.more;
    if (s->reader.frame.n > 0) {
        send_frame(s);
    }
    go_on(s);
}

/* Other changes of the tenant are many, and hardly ever end this right. */
static void look_for_right(struct realtime_stream *s)
{
    usec_t next = s->looked + right_gap;
    if (next <= now_of(s)) {
        s->due = true;
        go_on(s);
    } else {
        wait_until(s, next);
    }
}

static void run(struct net_message *message)
{
    struct realtime_stream *s = of_message(message);
    ASSERT_MAGIC(s, REALTIME_STREAM_MAGIC);
    struct realtime *rt = s->rt;
    lock_take(&rt->lock);
    bool news = s->news, touched = s->touched, done = s->done;
    s->posted = s->news = s->touched = s->done = false;
    bool left = is_left_locked(s);
    lock_release(&rt->lock);
    if (left) {
        destroy(s);
        return;
    }
    s->due = s->due || news;
    if (done) {
        job_is_done(s);
    }
    go_on(s);
    if (touched && s->socket) {
        look_for_right(s);
    }
}

static void tick(struct net_timer *timer)
{
    struct realtime_stream *s = of_timer(timer);
    usec_t now = now_of(s);
    wait_until(s, now + round_every);
    if (s->full_since > 0 && now - s->full_since >= patience) {
        close_with(s, REALTIME_CLOSE_SLOW, "nothing is taken");
        return;
    }
    s->due = true;
    go_on(s);
}

static void opened(void *ctx, struct http_socket *socket)
{
    struct realtime_stream *s = ctx;
    s->socket = socket;
    lock_take(&s->rt->lock);
    s->loop = http_socket_loop(socket);
    lock_release(&s->rt->lock);
    struct store *store = s->rt->store;
    s->session_watch =
        store_watch(store, data_feed_session(&s->arena, s->whose.session_id), session_changed, s);
    s->tenant_watch =
        store_watch(store, data_feed_tenant(&s->arena, &s->whose.scope), tenant_changed, s);
    if (!s->session_watch || !s->tenant_watch) {
        close_with(s, CLOSE_LATER, "too many streams");
        return;
    }
    wait_until(s, now_of(s) + round_every);
    s->due = true;
    go_on(s);
}

/* There is nothing to say to a stream. */
static void heard(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    (void)ctx;
    (void)socket;
    (void)text;
    (void)data;
}

static void writable(void *ctx, struct http_socket *socket)
{
    struct realtime_stream *s = ctx;
    (void)socket;
    if (s->full_since > 0) {
        send_frame(s);
        go_on(s);
    }
}

static void closed(void *ctx, struct http_socket *socket, int code)
{
    struct realtime_stream *s = ctx;
    (void)socket;
    (void)code;
    net_timer_cancel(&s->timer);
    store_unwatch(s->session_watch);
    store_unwatch(s->tenant_watch);
    s->session_watch = s->tenant_watch = NULL;
    s->socket = NULL;
}

void realtime_ended(void *stream)
{
    struct realtime_stream *s = stream;
    ASSERT_MAGIC(s, REALTIME_STREAM_MAGIC);
    struct realtime *rt = s->rt;
    lock_take(&rt->lock);
    s->loop = NULL;
    s->ended = true;
    bool left = is_left_locked(s);
    lock_release(&rt->lock);
    if (left) {
        destroy(s);
    }
}

/* ---- Life ---- */

static struct realtime_stream *make(struct realtime *rt, const struct realtime_ask *ask,
                                    struct realtime_user *user)
{
    struct realtime_stream *s = MEM_NEW(struct realtime_stream);
    s->magic = REALTIME_STREAM_MAGIC;
    s->rt = rt;
    s->user = user;
    arena_init(&s->arena);
    const struct scope *scope = &ask->data->scope;
    s->whose = (struct realtime_whose){
        .scope = {.tenant_id = arena_str(&s->arena, scope->tenant_id),
                  .user_id = arena_str(&s->arena, scope->user_id),
                  .login_id = arena_str(&s->arena, scope->login_id),
                  .role = scope->role},
        .key_id = arena_str(&s->arena, ask->data->client.key_id),
        .session_id = arena_str(&s->arena, ask->session_id),
    };
    s->reader = (struct realtime_reader){.rt = rt, .whose = &s->whose};
    buf_init(&s->reader.frame, REALTIME_MAX_FRAME);
    s->timer.fire = tick;
    s->job.run = read_job;
    s->message.run = run;
    return s;
}

int realtime_open(struct realtime *rt, const struct realtime_ask *ask,
                  struct realtime_stream **ret_stream)
{
    static const struct http_socket_handler handler = {
        .opened = opened, .message = heard, .writable = writable, .closed = closed};
    ASSERT_MAGIC(rt, REALTIME_MAGIC);
    struct realtime_user *user;
    int r = count_in(rt, ask->data->scope.user_id, &user);
    if (r < 0) {
        return r;
    }
    struct realtime_stream *s = make(rt, ask, user);
    if (ask->since.n > 0) {
        s->reader.placed = true;
        r = realtime_cursor_read(rt, ask->session_id, ask->since, &s->reader.place);
    }
    const struct http_socket_options options = {
        .handler = &handler,
        .ctx = s,
        .protocol = ask->protocol,
        .max_message = REALTIME_MAX_FRAME,
        .max_incoming = REALTIME_MAX_INCOMING,
        .max_queue = MAX_QUEUE,
    };
    r = r < 0 ? r : http_websocket(ask->req, ask->res, &options);
    if (r < 0) {
        destroy(s);
        return r;
    }
    *ret_stream = s;
    return 0;
}

struct realtime *realtime_create(const struct realtime_options *options)
{
    struct realtime *rt = MEM_NEW(struct realtime);
    rt->magic = REALTIME_MAGIC;
    rt->store = options->store;
    rt->auth = options->auth;
    rt->tell = options->tell;
    lock_init(&rt->lock, LOCK_REALTIME);
    rt->by_user = map_create();
    rt->lane = net_lane_create(&(struct net_lane_options){
        .name = "events", .threads = THREADS, .queue = MAX_JOBS, .stack = STACK});
    return rt;
}

void realtime_destroy(struct realtime *rt)
{
    if (!rt) {
        return;
    }
    ASSERT_MAGIC(rt, REALTIME_MAGIC);
    net_lane_destroy(rt->lane);
    ASSERT(map_count(rt->by_user) == 0);
    map_destroy(rt->by_user);
    lock_fini(&rt->lock);
    rt->magic = 0;
    mem_free(rt);
}
