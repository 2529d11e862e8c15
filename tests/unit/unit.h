/* What every unit test includes: cmocka and two assertions of our own. */
#ifndef UNIT_H
#define UNIT_H

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

/* A process in which an assertion is expected to fail: no output, no core file. */
static inline pid_t unit_fork_quiet(void)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
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
