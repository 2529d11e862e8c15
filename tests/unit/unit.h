/* What every unit test includes: cmocka and two assertions of our own. */
#ifndef UNIT_H
#define UNIT_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, z) unit_assert_str((s), (z), __FILE__, __LINE__)

static inline void unit_assert_str(struct str s, const char *z, const char *file, int line)
{
    if (str_eq(s, str_from(z))) {
        return;
    }
    print_error("\"" STR_FMT "\" instead of \"%s\"\n", STR_ARG(s), z);
    _fail(file, line);
}

/*
 * A process in which something is expected to go wrong: no core file, and none of cmocka's handlers, which would go on with the
 * next test. Inside it only ASSERT, not cmocka's assertions.
 */
static inline pid_t unit_fork(void)
{
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
            (void)signal(signals[i], SIG_DFL);
        }
    }
    return child;
}

/* The same without output. */
static inline pid_t unit_fork_quiet(void)
{
    pid_t child = unit_fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
    }
    return child;
}

static inline int unit_signal_of(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return -1;
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/*
 * Runs body in a process of its own and collects what it writes to standard error, as a string cut at room - 1 bytes; its
 * status as waitpid gives it.
 */
static inline int unit_capture(void (*body)(void), char *ret_text, size_t room)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = unit_fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t n = 0;
    ssize_t got;
    while (n < room - 1 && (got = read(ends[0], ret_text + n, room - 1 - n)) > 0) {
        n += (size_t)got;
    }
    ret_text[n] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The expression ends the process by a failed ASSERT. It runs in a process of its own. */
#define assert_dies(...) \
    do { \
        pid_t unit_child_ = unit_fork_quiet(); \
        if (unit_child_ == 0) { \
            (void)(__VA_ARGS__); \
            _exit(0); \
        } \
        assert_int_equal(unit_signal_of(unit_child_), SIGABRT); \
    } while (0)

#endif
