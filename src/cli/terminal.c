/*
 * The terminal: questions, progress; and what a signal must not leave behind.
 *
 * 1. A signal that ends the process first gives the terminal its echo and its screen back and removes the file that is being
 *    written; the handler does nothing but tcsetattr, poll, write, unlinkat and raise, which are async-signal-safe, and reads
 *    what was stored before the guard was set.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"

enum { NAME_ROOM = 32, REDRAW_US = 100000, SHOWN = 48 };

static struct {
    volatile sig_atomic_t terminal; /* a descriptor + 1 */
    struct termios before;
    const char *volatile screen; /* what is said to it last; NULL: nothing */
    volatile sig_atomic_t file;
    int directory;
    char name[NAME_ROOM];
} guard;

static void on_signal(int number)
{
    if (guard.terminal) {
        (void)tcsetattr(guard.terminal - 1, TCSANOW, &guard.before);
    }
    const char *words = guard.screen;
    struct pollfd shown = {STDOUT_FILENO, POLLOUT, 0};
    if (words && poll(&shown, 1, 0) == 1) { /* one that takes nothing must not hold the end up */
        (void)!write(STDOUT_FILENO, words, strlen(words));
    }
    if (guard.file) {
        (void)unlinkat(guard.directory, guard.name, 0);
    }
    (void)raise(number); /* once the handler returns; SA_RESETHAND made it the default */
}

static void guard_signals(void)
{
    static bool set;
    if (set) {
        return;
    }
    set = true;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(signals[i], NULL, &old);
        if (old.sa_handler == SIG_DFL) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

void cli_guard_screen(const char *words)
{
    guard.screen = words;
}

void cli_guard_file(int directory, const char *name)
{
    guard.file = 0;
    if (name) {
        guard_signals();
        guard.directory = directory;
        (void)snprintf(guard.name, sizeof guard.name, "%s", name);
        guard.file = 1;
    }
}

/* ---- as it is typed ---- */

int cli_terminal_raw(bool interrupts)
{
    if (!guard.terminal) {
        if (tcgetattr(STDIN_FILENO, &guard.before) != 0) {
            return ERR_IO;
        }
        guard_signals();
        guard.terminal = STDIN_FILENO + 1;
    }
    struct termios raw = guard.before;
    cfmakeraw(&raw);
    if (interrupts) {
        raw.c_lflag |= ISIG;
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* whoever is stopped gives no terminal back */
    }
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 ? 0 : ERR_IO;
}

void cli_terminal_back(void)
{
    if (guard.terminal) {
        (void)tcsetattr(guard.terminal - 1, TCSANOW, &guard.before);
        guard.terminal = 0;
    }
}

/* ---- questions ---- */

static ssize_t read_line(int fd, char *line, size_t room)
{
    size_t n = 0;
    while (n < room) {
        ssize_t got = read(fd, line + n, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -1;
        }
        if (line[n] == '\n') {
            return (ssize_t)n;
        }
        n++;
    }
    return -1;
}

static bool hide(int fd)
{
    if (tcgetattr(fd, &guard.before) != 0) {
        return false;
    }
    guard_signals();
    guard.terminal = fd + 1;
    struct termios quiet = guard.before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL;
    return tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
}

int cli_ask(struct cli_run *run, const char *question, bool hidden, struct str *ret_line)
{
    FD_AUTO int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return cli_fail(run, ERR_INVALID, "there is no terminal to ask for the %s", question);
    }
    char line[CLI_MOST_SECRET];
    BUF_AUTO(prompt, 128);
    buf_printf(&prompt, "%s: ", question);
    int r = fd_write_all(fd, buf_str(&prompt));
    bool silent = r == 0 && hidden && hide(fd);
    ssize_t n = r < 0 || (hidden && !silent) ? -1 : read_line(fd, line, sizeof line);
    if (silent) {
        (void)tcsetattr(fd, TCSAFLUSH, &guard.before);
    }
    guard.terminal = 0;
    if (n < 0) {
        explicit_bzero(line, sizeof line);
        return cli_fail(run, ERR_INVALID, "no %s was given", question);
    }
    *ret_line = arena_str(&run->arena, str_of(line, (size_t)n));
    explicit_bzero(line, sizeof line);
    return 0;
}

/* ---- progress ---- */

void cli_meter_init(struct cli_meter *meter)
{
    const char *term = getenv("TERM");
    *meter = (struct cli_meter){
        .shown = isatty(STDERR_FILENO) == 1 && term && strcmp(term, "dumb") != 0,
        .last = time_monotonic(),
    };
}

static void draw(struct cli_meter *meter)
{
    ARENA_AUTO(arena);
    BUF_AUTO(line, 4096);
    buf_printf(&line, "\r\x1b[K%llu files, " STR_FMT "  ", (unsigned long long)meter->files,
               STR_ARG(cli_size_text(&arena, (int64_t)meter->bytes)));
    struct str name = cli_escaped(&arena, meter->name);
    size_t end = 0;
    while (end < name.n && cli_width(str_slice(name, 0, end)) < SHOWN) {
        end += str_utf8_length(str_slice(name, end, name.n));
    }
    buf_add(&line, str_slice(name, 0, end));
    (void)!write(STDERR_FILENO, line.p, line.n);
}

void cli_meter_moved(struct cli_meter *meter, uint64_t bytes)
{
    if (!meter) {
        return;
    }
    meter->bytes += bytes;
    usec_t now = time_monotonic();
    if (meter->shown && now - meter->last >= REDRAW_US) {
        meter->last = now;
        draw(meter);
    }
}

void cli_meter_clear(struct cli_meter *meter)
{
    if (meter->shown) {
        (void)!write(STDERR_FILENO, "\r\x1b[K", 4);
    }
}

void cli_wait(usec_t time)
{
    usec_t until = time_monotonic() + time, now;
    while ((now = time_monotonic()) < until) {
        (void)poll(NULL, 0, (int)((until - now) / USEC_PER_MS) + 1);
    }
}
