/*
 * Everything the handler calls is async-signal-safe: write(2), and glibc's backtrace functions, which allocate only at their
 * first use and are used once at setup for that reason.
 *
 * The first thread to crash reports; another that crashes meanwhile waits for the end of the process; a crash inside the
 * handler goes straight to the former action. Former actions are put back rather than the default, so that a sanitizer's
 * handler still sees the fault.
 */
#include "base/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"

enum { MOST_FRAMES = 64, STACK_SIZE = 64 * 1024, LONGEST_NUMBER = 24 };

static const struct crash_signal {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"},
};

enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction former[SIGNALS];
static _Atomic long reporter; /* thread id, 0: none yet */
static char handler_stack[STACK_SIZE];

static void put(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void put_number(uintptr_t value, unsigned base)
{
    char digits[LONGEST_NUMBER];
    char *at = digits + sizeof digits;
    *--at = '\0';
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    put(at);
}

static const char *signal_name(int number)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        if (signals[i].number == number) {
            return signals[i].name;
        }
    }
    return "a signal";
}

static void put_former_actions_back(void)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i].number, &former[i], NULL);
    }
}

static void report(int number, const siginfo_t *info)
{
    put("crashed: ");
    put(signal_name(number));
    if (number == SIGSEGV || number == SIGBUS) {
        put(" at address 0x");
        put_number((uintptr_t)info->si_addr, 16);
    }
    put(", thread ");
    put_number((uintptr_t)syscall(SYS_gettid), 10);
    put("\n");
    if (assert_context_now()) {
        put("  while: ");
        put(assert_context_now());
        put("\n");
    }
    void *frames[MOST_FRAMES];
    int count = backtrace(frames, MOST_FRAMES);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

static void handle(int number, siginfo_t *info, void *machine)
{
    (void)machine;
    long me = syscall(SYS_gettid);
    long nobody = 0;
    if (atomic_compare_exchange_strong(&reporter, &nobody, me)) {
        report(number, info);
    } else if (nobody != me) {
        for (;;) {
            (void)pause();
        }
    }
    put_former_actions_back();
    if (info->si_code > 0) {
        return; /* the instruction faults again */
    }
    (void)raise(number);
}

void crash_setup(void)
{
    void *frame;
    (void)backtrace(&frame, 1);
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    ASSERT(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_sigaction = handle,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    ASSERT(sigemptyset(&action.sa_mask) == 0);
    for (size_t i = 0; i < SIGNALS; i++) {
        ASSERT(sigaction(signals[i].number, &action, &former[i]) == 0);
    }
}
