#include "base/crash.h"

#include <sys/mman.h>

#include "base/assert.h"
#include "unit.h"

static volatile unsigned deepest;

static void write_where_nothing_is(void)
{
    crash_setup();
    assert_context("GET /y");
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
}

static void fail_an_assertion(void)
{
    crash_setup();
    assert_context("GET /z");
    ASSERT(deepest != 0);
}

static unsigned overflow(unsigned depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    deepest = depth;
    return depth < (1u << 30) ? overflow(depth + 1) + (unsigned char)frame[0] : 0;
}

static void overflow_the_stack(void)
{
    crash_setup();
    (void)overflow(0);
}

static void be_signalled(void)
{
    crash_setup();
    (void)raise(SIGFPE);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

static char text[64 * 1024];

/* A sanitizer's handler runs after ours and may end the process with a status of its own. */
static void assert_ended(int status, int signal)
{
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == signal || WTERMSIG(status) == SIGABRT
                                    : WEXITSTATUS(status) != 0);
}

static void fault(void **state)
{
    (void)state;
    assert_ended(unit_capture(write_where_nothing_is, text, sizeof text), SIGSEGV);
    assert_non_null(strstr(text, "crashed: SIGSEGV at address 0x"));
    assert_non_null(strstr(text, ", thread "));
    assert_int_equal(count(text, "  while: GET /y\n"), 1);
    assert_true(count(text, "unit-base-crash(") >= 2); /* frames of this program */
}

static void failed_assertion(void **state)
{
    (void)state;
    int status = unit_capture(fail_an_assertion, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "assertion failed: "));
    assert_non_null(strstr(text, "crashed: SIGABRT, thread "));
    assert_int_equal(count(text, "  while: GET /z\n"), 1);
}

static void stack_overflow(void **state)
{
    (void)state;
    assert_ended(unit_capture(overflow_the_stack, text, sizeof text), SIGSEGV);
    assert_non_null(strstr(text, "crashed: SIGSEGV at address 0x"));
}

static void signal_from_outside(void **state)
{
    (void)state;
    assert_ended(unit_capture(be_signalled, text, sizeof text), SIGFPE);
    assert_non_null(strstr(text, "crashed: SIGFPE, thread "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault),
        cmocka_unit_test(failed_assertion),
        cmocka_unit_test(stack_overflow),
        cmocka_unit_test(signal_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
