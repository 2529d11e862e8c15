#include "codi2/terminal.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"

enum {
    PIECE = 16 * 1024,  /* read from the shell at once */
    FRAME = 32 * 1024,  /* sent at once */
    TURN = 512 * 1024,  /* read in one turn of the loop */
    LAST = 1024 * 1024, /* of what the shell's children say after its end */
    CLOSE_NORMAL = 1000
};

static struct codi2_terminal *of_watch(struct net_watch *w)
{
    return (struct codi2_terminal *)(void *)((char *)w - offsetof(struct codi2_terminal, watch));
}

static struct codi2_terminal *of_turn(struct net_timer *timer)
{
    return (struct codi2_terminal *)(void *)((char *)timer - offsetof(struct codi2_terminal, turn));
}

/* ---- to the viewers ---- */

/* False: the socket is full (it says when it is not), or closing. */
static bool deliver(struct codi2_viewer *v, bool text, struct str bytes)
{
    int error = http_socket_send(v->socket, text, bytes);
    v->full = v->full || error != 0;
    return error == 0;
}

static bool say_missed(struct codi2_viewer *v, uint64_t start)
{
    BUF_AUTO(text, CODI2_TERMINAL_WORD);
    codi2_terminal_say_missed(&text, start - v->at, start);
    if (!deliver(v, /* text= */ true, buf_str(&text))) {
        return false;
    }
    v->at = start;
    return true;
}

/* The last that it hears of the terminal. */
static void say_ended(struct codi2_viewer *v)
{
    struct codi2_terminal *t = v->terminal;
    BUF_AUTO(text, CODI2_TERMINAL_WORD);
    codi2_terminal_say_ended(&text, &t->how);
    if (deliver(v, /* text= */ true, buf_str(&text))) {
        t->told = true;
        http_socket_close(v->socket, CLOSE_NORMAL, STR("the shell has ended"));
        v->full = true; /* nothing follows */
    }
}

static void feed(struct codi2_viewer *v)
{
    const struct codi2_terminal *t = v->terminal;
    while (!v->full && v->at < t->ring.end) {
        uint64_t start = codi2_ring_start(&t->ring);
        if (v->at < start && !say_missed(v, start)) {
            return;
        }
        struct str piece = codi2_ring_piece(&t->ring, v->at, FRAME);
        v->at += deliver(v, /* text= */ false, piece) ? piece.n : 0;
    }
    if (!v->full && codi2_terminal_has_ended(t)) {
        say_ended(v);
    }
}

/* Bytes that may be read without taking from the fastest viewer what it has not had. */
static size_t room(const struct codi2_terminal *t)
{
    uint64_t fastest = t->viewers ? 0 : t->ring.end;
    for (const struct codi2_viewer *v = t->viewers; v; v = v->next) {
        fastest = v->at > fastest ? v->at : fastest;
    }
    uint64_t behind = t->ring.end - fastest;
    return behind < CODI2_RING_ROOM ? CODI2_RING_ROOM - (size_t)behind : 0;
}

/* ---- from and to the shell ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes read; 0: there are none now, or there is no room for them. */
static size_t read_some(struct codi2_terminal *t)
{
    char piece[PIECE];
    size_t most = least(PIECE, room(t));
    most = t->pid > 0 ? most : least(most, t->rest);
    size_t n = 0;
    while (t->readable && n < most) {
        ssize_t got = read(t->watch.fd, piece + n, most - n); /* never more than a page */
        n += got > 0 ? (size_t)got : 0;
        t->readable = got > 0 || (got < 0 && errno == EINTR);
    }
    codi2_ring_add(&t->ring, str_of(piece, n));
    t->rest -= t->pid > 0 ? 0 : n;
    return n;
}

static void listen_again(struct codi2_terminal *t)
{
    for (struct codi2_viewer *v = t->viewers; v; v = v->next) {
        if (v->waits) {
            v->waits = false;
            http_socket_pause(v->socket, /* paused= */ false);
        }
    }
}

static void write_typed(struct codi2_terminal *t)
{
    while (t->typed.n > 0 && t->writable) {
        ssize_t n = write(t->watch.fd, t->typed.p, t->typed.n);
        if (n >= 0) {
            buf_consume(&t->typed, (size_t)n);
        } else if (errno != EINTR) {
            t->writable = false;
            if (errno != EAGAIN) {
                buf_clear(&t->typed); /* nobody is there to read it */
            }
        }
    }
    if (t->typed.n == 0) {
        buf_clear(&t->typed);
        buf_fini(&t->typed);
    }
    if (t->typed.n < CODI2_TYPED) {
        listen_again(t);
    }
}

static void close_line(struct codi2_terminal *t)
{
    net_timer_cancel(&t->turn);
    net_watch_end(&t->watch);
    fd_close(&t->watch.fd); /* what is left there is hung up on */
    buf_fini(&t->typed);
    listen_again(t);
}

static void feed_all(struct codi2_terminal *t)
{
    for (struct codi2_viewer *v = t->viewers; v; v = v->next) {
        feed(v);
    }
}

/* All that can be done now. */
static void run(struct codi2_terminal *t)
{
    size_t n = 1, done = 0;
    if (!codi2_terminal_has_ended(t)) {
        write_typed(t);
    }
    feed_all(t);
    while (n > 0 && done < TURN && !codi2_terminal_has_ended(t)) {
        n = read_some(t);
        done += n;
        if (t->pid == 0 && (!t->readable || t->rest == 0)) {
            close_line(t); /* all that the shell said has been read */
        }
        feed_all(t);
    }
    if (n > 0 && !codi2_terminal_has_ended(t)) { /* the loop's others first */
        net_timer_set(t->watch.loop, &t->turn, net_loop_now(t->watch.loop));
    }
}

static void ready(struct net_watch *w, unsigned what)
{
    struct codi2_terminal *t = of_watch(w);
    t->readable |= (what & (NET_READABLE | NET_HANGUP)) != 0;
    t->writable |= (what & NET_WRITABLE) != 0;
    run(t);
}

static void its_turn(struct net_timer *timer)
{
    run(of_turn(timer));
}

/* ---- its life ---- */

static void make_run(char to[static CODI2_TERMINAL_RUN + 1])
{
    uint8_t bytes[CODI2_TERMINAL_RUN / 2];
    BUF_AUTO(text, CODI2_TERMINAL_RUN);
    rand_bytes(bytes, sizeof bytes);
    encode_hex(&text, str_of(bytes, sizeof bytes));
    memcpy(to, text.p, CODI2_TERMINAL_RUN);
}

int codi2_terminal_begin(struct net_loop *loop, const struct codi2_shell_setting *setting,
                         const struct codi2_terminal_begin *begin,
                         struct codi2_terminal **ret_terminal)
{
    ASSERT(codi2_terminal_is_id(begin->id));
    struct codi2_shell shell;
    int error = codi2_shell_start(setting, begin->command, &begin->size, &shell);
    if (error) {
        return error;
    }
    struct codi2_terminal *t = MEM_NEW(struct codi2_terminal);
    memcpy(t->id, begin->id.p, begin->id.n);
    make_run(t->run);
    t->started = time_now();
    t->size = begin->size;
    t->pid = shell.pid;
    t->writable = true;
    t->rest = LAST;
    t->watch = (struct net_watch){.ready = ready, .fd = shell.master};
    t->turn.fire = its_turn;
    buf_init(&t->typed, CODI2_TYPED * (CODI2_VIEWERS + 1));
    error = net_watch_start(loop, &t->watch);
    if (error) {
        codi2_terminal_destroy(t);
        return error;
    }
    *ret_terminal = t;
    return 0;
}

void codi2_terminal_destroy(struct codi2_terminal *t)
{
    if (!t) {
        return;
    }
    if (!codi2_terminal_has_ended(t)) {
        t->how = (struct codi2_exit){.hung_up = true};
        close_line(t);
    }
    while (t->viewers) {
        struct codi2_viewer *v = t->viewers;
        v->full = false;
        say_ended(v);
        http_socket_close(v->socket, CLOSE_NORMAL, STR_EMPTY); /* if it could not be said */
        codi2_terminal_detach(v);
    }
    codi2_ring_fini(&t->ring);
    buf_fini(&t->typed);
    mem_free(t);
}

static void say_opened(struct codi2_viewer *v, bool fresh)
{
    const struct codi2_terminal *t = v->terminal;
    const struct codi2_opened opened = {.id = str_from(t->id),
                                        .run = str_from(t->run),
                                        .offset = v->at,
                                        .size = t->size,
                                        .fresh = fresh};
    BUF_AUTO(text, CODI2_TERMINAL_WORD);
    codi2_terminal_say_opened(&text, &opened);
    (void)deliver(v, /* text= */ true, buf_str(&text)); /* the first that is sent */
}

/* Whoever types: while the shell takes too little, nobody is read. */
static void hold_up(struct codi2_viewer *v)
{
    if (v->terminal->typed.n >= CODI2_TYPED) {
        v->waits = true;
        http_socket_pause(v->socket, /* paused= */ true);
    }
}

int codi2_terminal_attach(struct codi2_terminal *t, struct codi2_viewer *v, bool fresh)
{
    if (t->viewer_count == CODI2_VIEWERS) {
        return ERR_LIMIT;
    }
    v->terminal = t;
    v->next = t->viewers;
    t->viewers = v;
    t->viewer_count++;
    v->at = v->at < t->ring.end ? v->at : t->ring.end;
    say_opened(v, fresh);
    hold_up(v);
    run(t);
    return 0;
}

void codi2_terminal_detach(struct codi2_viewer *v)
{
    struct codi2_terminal *t = v->terminal;
    if (!t) {
        return;
    }
    struct codi2_viewer **place = &t->viewers;
    while (*place != v) {
        place = &(*place)->next;
    }
    *place = v->next;
    t->viewer_count--;
    v->terminal = NULL;
    if (!codi2_terminal_has_ended(t)) {
        run(t); /* what was read at its pace is not any more */
    }
}

void codi2_terminal_type(struct codi2_viewer *v, struct str bytes)
{
    struct codi2_terminal *t = v->terminal;
    if (!t || codi2_terminal_has_ended(t)) {
        return;
    }
    buf_add(&t->typed, bytes);
    hold_up(v);
    run(t);
}

void codi2_terminal_resize(struct codi2_terminal *t, const struct codi2_size *size)
{
    t->size = *size;
    if (!codi2_terminal_has_ended(t)) {
        codi2_shell_resize(t->watch.fd, size);
    }
}

void codi2_terminal_writable(struct codi2_viewer *v)
{
    v->full = false;
    if (v->terminal) {
        run(v->terminal);
    }
}

void codi2_terminal_reaped(struct codi2_terminal *t, int status)
{
    bool by_signal = WIFSIGNALED(status);
    t->how = (struct codi2_exit){.by_signal = by_signal,
                                 .number = by_signal ? WTERMSIG(status) : WEXITSTATUS(status)};
    t->pid = 0;
    t->readable = true; /* what it said last may be on its way still: to be asked for */
    run(t);
}
