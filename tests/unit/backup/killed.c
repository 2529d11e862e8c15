/* A backup that is killed before each step in turn. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int steps_left = -1; /* of what changes a directory, or waits for the disk; -1: all */

static void step(void)
{
    if (steps_left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    steps_left -= steps_left > 0;
}

/* Instead of the C library's. */
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    step();
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
    step();
    return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int fsync(int fd)
{
    step();
    return (int)syscall(SYS_fsync, fd);
}

/* In a process of its own, which ends before the step that is said. Whether it was killed. */
static bool back_up_until(struct place *p, int at)
{
    pid_t child = fork();
    if (child == 0) {
        steps_left = at;
        (void)back_up(p, 1);
        _exit(0);
    }
    int status;
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* Before each step of it, also those that make room for the new one: what was there is whole, and the next one tidies up. */
static void test_killed_at_each_step(void **state)
{
    struct place *p = *state;
    struct backup_report report;
    (void)back_up(p, 1);
    bool killed = true;
    int at = 0;
    for (; killed; at++) {
        put_record(p, 0, at % 2 ? "odd" : "even");
        put_chunk(p, CHUNKS, at % 2);
        store_close(p->open); /* what a process has open is not for its child */
        p->open = NULL;
        killed = back_up_until(p, at);
        assert_int_equal(backup_verify(&(struct backup_from){.path = p->backup}, &report), 0);
        open_place(p);
        (void)back_up(p, 1);
        assert_int_equal(files(p, ".moment"), 1);
        assert_int_equal(files(p, ".part"), 0);
        assert_in_range(files(p, ".pack"), 1, 2);
    }
    assert_true(at > 8);
    restore(p, NULL);
    same(p->store, p->again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_at_each_step, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
