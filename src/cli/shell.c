/*
 * What goes between a shell and standard input and output, while there is a connection.
 *
 * 1. Nothing grows: the server is not read while standard output has not taken what came, standard input is not read while the
 *    server has not taken what was typed. Both are read on for as long as there is room, so that ~. works on a dead connection.
 * 2. Standard input and output stay blocking, as whoever shares them expects: only what can be had or taken is asked for.
 * 3. A ping goes behind what was typed. It is answered in its turn, so what went before it has arrived.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "cli/shell.h"

enum {
    PIECE = 16 * 1024,
    PIECES = 16,  /* in a turn, so that what is typed has its own */
    TAKEN = 4096, /* by whatever says that it takes some: PIPE_BUF */
    NUMBER = 20,
    MOST_SIDE = 1000,
    TURN_MS = 1000,
};

static const usec_t silence = 75 * USEC_PER_SEC;   /* codi2 sends a ping every 30 s */
static const usec_t no_answer = 45 * USEC_PER_SEC; /* to a ping of ours, by hand; more than that */
static const usec_t stir = 30 * USEC_PER_SEC;      /* the server cuts who is silent for 90 s */
static const usec_t farewell = 2 * USEC_PER_SEC;
static const usec_t again = USEC_PER_SEC; /* the shell is told that nothing follows */

void cli_shell_say(const struct cli_shell *s, const char *format, ...)
{
    char text[1024];
    BUF_AUTO(line, 8 * sizeof text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_printf(&line, s->by_hand ? "\r\n[coditect: " : "coditect: ");
    cli_escape(&line, str_from(text));
    buf_printf(&line, s->by_hand ? "]\r\n" : "\n");
    (void)!write(STDERR_FILENO, line.p, line.n);
}

/* ---- from the server ---- */

static bool is_read(const struct cli_shell *s)
{
    return s->show.n < CLI_SHELL_SHOWN;
}

static void receive(struct cli_shell *s)
{
    char piece[PIECE];
    s->dry = false;
    for (int i = 0; i < PIECES && !s->dry && s->end == CLI_SHELL_GOES_ON && is_read(s); i++) {
        ssize_t n = cli_connection_receive(s->connection, piece, sizeof piece);
        if (n < 0) {
            s->end = CLI_SHELL_LOST;
        } else if (n == 0) {
            s->dry = true;
        } else {
            s->heard = time_monotonic();
            cli_shell_hear(s, str_of(piece, (size_t)n));
        }
    }
}

/* As much as is taken without waiting; false: standard output fails. */
static bool show_some(struct cli_shell *s)
{
    ssize_t n = write(STDOUT_FILENO, s->show.p, s->show.n < TAKEN ? s->show.n : TAKEN);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    buf_consume(&s->show, (size_t)n);
    return true;
}

static int output_failed(struct cli_shell *s)
{
    int error = errno;
    s->run->closed = error == EPIPE;
    return cli_fail(s->run, ERR_IO, "writing failed: %s", strerror(error));
}

/* ---- to the server ---- */

static void say_size(struct cli_shell *s)
{
    BUF_AUTO(word, 128);
    buf_printf(&word, "{\"type\":\"resize\",\"cols\":%u,\"rows\":%u}", s->cols, s->rows);
    http_dial_send(&s->out, HTTP_DIAL_TEXT, buf_str(&word));
    s->sized = false;
}

static void say_typed(struct cli_shell *s)
{
    struct str piece = str_slice(buf_str(&s->typed), 0, PIECE);
    http_dial_send(&s->out, HTTP_DIAL_BINARY, piece);
    s->given += piece.n;
    s->mattered = s->given;
    s->mid_line = piece.p[piece.n - 1] != '\n';
    buf_consume(&s->typed, piece.n);
}

/*
 * A terminal has no end that could be sent: Ctrl-D is typed, at the start of a line, and typed again until the shell has ended, as
 * a program that began to read meanwhile makes nothing of the one before.
 */
static void say_over(struct cli_shell *s, usec_t now)
{
    struct str mark = s->mid_line ? STR("\n\x04") : STR("\x04");
    http_dial_send(&s->out, HTTP_DIAL_BINARY, mark);
    s->given += mark.n;
    s->mid_line = false;
    s->over_at = now;
}

static void say_ping(struct cli_shell *s, usec_t now)
{
    BUF_AUTO(number, NUMBER);
    buf_u64(&number, s->given);
    http_dial_send(&s->out, HTTP_DIAL_PING, buf_str(&number));
    s->pinged = true;
    s->pinged_at = now;
}

/* What is to be said next, once all that was said before is on its way. */
static void fill(struct cli_shell *s, usec_t now)
{
    buf_clear(&s->out);
    s->sent = 0;
    if (s->pongs) {
        http_dial_send(&s->out, HTTP_DIAL_PONG, str_of(s->pong, s->pong_n));
        s->pongs = false;
    }
    if (!is_read(s) && now - s->stirred_at >= stir) { /* its pings are not read either */
        http_dial_send(&s->out, HTTP_DIAL_PONG, STR_EMPTY);
        s->stirred_at = now;
    }
    if (s->sized) {
        say_size(s);
    }
    if (s->typed.n > 0) {
        say_typed(s);
    } else if (s->over && (s->over_at == 0 || now - s->over_at >= again)) {
        say_over(s, now);
    }
    if (!s->pinged && s->had < s->given) {
        say_ping(s, now);
    }
    ASSERT(!s->out.error);
}

static void send_some(struct cli_shell *s)
{
    ssize_t n = 1;
    while (n > 0 && s->end == CLI_SHELL_GOES_ON) {
        if (s->sent == s->out.n) {
            fill(s, time_monotonic());
        }
        if (s->out.n == 0) {
            return;
        }
        n = cli_connection_send(s->connection, str_slice(buf_str(&s->out), s->sent, s->out.n));
        s->sent += n > 0 ? (size_t)n : 0;
        s->end = n < 0 ? CLI_SHELL_LOST : s->end;
    }
}

/* ---- from standard input ---- */

static void help(void)
{
    static const char text[] = "\r\n~.  leaves; the shell goes on\r\n~~  types ~\r\n~?  says "
                               "this\r\nbehind the start of a line\r\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
}

static void take_keys(struct cli_shell *s, struct str in)
{
    while (in.n > 0) {
        enum cli_wish wish = cli_keys_take(&s->keys, &in, &s->typed);
        if (wish == CLI_WISH_LEAVE) {
            s->left_at = time_monotonic();
            return;
        }
        if (wish == CLI_WISH_HELP) {
            help();
        }
    }
}

static bool has_room(const struct cli_shell *s)
{
    return !s->over && s->left_at == 0 && s->typed.n < CLI_SHELL_TYPED;
}

static void take_input(struct cli_shell *s)
{
    char piece[TAKEN];
    ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        s->over = true;
        s->end = s->by_hand ? CLI_SHELL_LEFT : s->end;
    } else if (s->by_hand) {
        take_keys(s, str_of(piece, (size_t)n));
    } else {
        buf_add(&s->typed, str_of(piece, (size_t)n));
    }
}

/* ---- the terminal's size ---- */

void cli_shell_measure(struct cli_shell *s)
{
    struct winsize size;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
            unsigned cols = size.ws_col < MOST_SIDE ? size.ws_col : MOST_SIDE;
            unsigned rows = size.ws_row < MOST_SIDE ? size.ws_row : MOST_SIDE;
            s->sized = s->sized || cols != s->cols || rows != s->rows;
            s->cols = cols;
            s->rows = rows;
            return;
        }
    }
}

static void take_signal(struct cli_shell *s, int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        cli_shell_measure(s);
    }
}

/* ---- all of it ---- */

enum { SERVER, INPUT, OUTPUT, SIGNALS, ALL };

/* An fd of -1 is passed over: what nobody waits for may have ended. */
static void wait_for(const struct cli_shell *s, int signals, struct pollfd fds[static ALL])
{
    bool reads = is_read(s);
    short server = (short)((reads ? POLLIN : 0) | (s->sent < s->out.n ? POLLOUT : 0));
    fds[SERVER] = (struct pollfd){server ? cli_connection_fd(s->connection) : -1, server, 0};
    fds[INPUT] = (struct pollfd){has_room(s) ? STDIN_FILENO : -1, POLLIN, 0};
    fds[OUTPUT] = (struct pollfd){s->show.n > 0 ? STDOUT_FILENO : -1, POLLOUT, 0};
    fds[SIGNALS] = (struct pollfd){signals, POLLIN, 0};
    (void)poll(fds, ALL, reads && !s->dry ? 0 : TURN_MS);
}

/* Asked when all that has come was read just now: time in which nobody looked does not count. */
static bool is_dead(const struct cli_shell *s)
{
    usec_t now = time_monotonic();
    return s->dry &&
           (now - s->heard > silence ||
            (s->by_hand && s->pinged && now - s->pinged_at > no_answer && s->heard < s->pinged_at));
}

/* Once all that was typed before has arrived, or a connection that takes nothing had its time. */
static void leave(struct cli_shell *s)
{
    bool all = s->typed.n == 0 && !cli_shell_is_unsure(s);
    if (s->end == CLI_SHELL_GOES_ON && s->left_at != 0 &&
        (all || time_monotonic() - s->left_at > farewell)) {
        s->end = CLI_SHELL_LEFT;
    }
}

static int turn(struct cli_shell *s, int signals)
{
    struct pollfd fds[ALL];
    receive(s);
    if (s->end == CLI_SHELL_GOES_ON && is_dead(s)) {
        s->end = CLI_SHELL_LOST;
    }
    send_some(s);
    leave(s);
    if (s->end != CLI_SHELL_GOES_ON) {
        return 0;
    }
    wait_for(s, signals, fds);
    if (fds[OUTPUT].revents && !show_some(s)) {
        return output_failed(s);
    }
    if (fds[INPUT].revents) {
        take_input(s);
    }
    if (fds[SIGNALS].revents) {
        take_signal(s, signals);
    }
    return 0;
}

static int show_rest(struct cli_shell *s)
{
    struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0}; /* it may be one that does not wait itself */
    while (s->show.n > 0) {
        (void)poll(&fd, 1, -1);
        if (!show_some(s)) {
            return output_failed(s);
        }
    }
    return 0;
}

int cli_shell_attend(struct cli_shell *s)
{
    sigset_t resized, before;
    (void)sigemptyset(&resized);
    (void)sigaddset(&resized, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &resized, &before);
    FD_AUTO int signals = signalfd(-1, &resized, SFD_CLOEXEC | SFD_NONBLOCK);
    int r = s->by_hand ? cli_terminal_raw(/* interrupts= */ false) : 0;
    if (r < 0) {
        r = cli_fail(s->run, r, "the terminal does not answer");
    }
    cli_shell_measure(s); /* it may have changed before anybody looked */
    while (r == 0 && s->end == CLI_SHELL_GOES_ON) {
        r = turn(s, signals);
    }
    if (s->end == CLI_SHELL_LOST && s->left_at != 0) {
        s->end = CLI_SHELL_LEFT;
    }
    r = r < 0 ? r : show_rest(s);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}
