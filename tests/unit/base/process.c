#include "base/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void itself(void **state)
{
    (void)state;
    uint64_t first = 0;
    uint64_t again = 1;
    assert_int_equal(process_start_time(getpid(), &first), 0);
    assert_int_equal(process_start_time(getpid(), &again), 0);
    assert_true(first > 0);
    assert_int_equal(first, again);
}

static void nobody(void **state)
{
    (void)state;
    uint64_t ticks = 17;
    assert_int_equal(process_start_time(-1, &ticks), ERR_NOT_FOUND);
    assert_int_equal(process_start_time(0, &ticks), ERR_NOT_FOUND);
    assert_int_equal(process_start_time(INT32_MAX, &ticks), ERR_NOT_FOUND);
    assert_int_equal(ticks, 17);
}

static void a_zombie_does_not_live(void **state)
{
    (void)state;
    uint64_t ticks = 17;
    pid_t child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_int_equal(process_start_time(child, &ticks), 0);
    assert_true(ticks > 17);
    ticks = 17;
    (void)kill(child, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_start_time(child, &ticks), ERR_NOT_FOUND);
    assert_int_equal(ticks, 17);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

#define REST " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n"

static void texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"5 (sh) S" REST, 0},
        {"5 (a b) S" REST, 0},
        {"5 (a) Z 1) S" REST, 0}, /* a name made to mislead */
        {"5 () S" REST, 0},
        {"5 (sh\n) S" REST, 0},
        {"5 (sh) Z" REST, ERR_NOT_FOUND},
        {"5 (sh) X" REST, ERR_NOT_FOUND},
        {"", ERR_INVALID},
        {"5 sh S" REST, ERR_INVALID},
        {")", ERR_INVALID},
        {"5 (sh) S 1 2 3", ERR_INVALID},
        {"5 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 soon 20", ERR_INVALID},
        {"5 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99999999999999999999 20",
         ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ticks = 17;
        int error = process_stat_start_time(str_from(rows[i].text), &ticks);
        if (error != rows[i].error || ticks != (error ? 17U : 4711U)) {
            fail_msg("%s: %d, %llu", rows[i].text, error, (unsigned long long)ticks);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(itself),
        cmocka_unit_test(nobody),
        cmocka_unit_test(a_zombie_does_not_live),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
