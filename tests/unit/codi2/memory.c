/* The watch over memory: what is read of /proc, and who is chosen. */
#include "codi2/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "unit.h"

static void anonymous_and_shared_pages_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"Name:\tx\nVmRSS:\t  900 kB\nRssAnon:\t     100 kB\nRssFile:\t  700 kB\nRssShmem:\t  20 "
         "kB\nThreads:\t1\n",
         120 * 1024},
        {"Name:\tzombie\nState:\tZ\n", 0},
        {"", 0},
        {"RssAnon:\t-1 kB\nRssShmem:\t1 MB\n", 0},
        {"RssAnon:\t99999999999999999999 kB\nRssShmem:\t1 kB\n", 1024},
        {"Name:\tRssAnon: 5 kB\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(codi2_memory_parse(str_from(rows[i].text)), rows[i].bytes);
    }
}

static pid_t eater(size_t bytes)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char *all = mem_grow(NULL, bytes);
        memset(all, 1, bytes);
        (void)!write(ends[1], "x", 1);
        (void)pause();
        _exit(all[bytes / 2]);
    }
    char c;
    assert_int_equal(read(ends[0], &c, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return child;
}

static void the_kernel_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t kills;
    } rows[] = {
        {"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3},
        {"low 0\nhigh 0\nmax 12\noom 4\noom_kill 2\noom_group_kill 1\n", 2},
        {"oom_kill_disable 0\nunder_oom 0\n", 0}, /* an old kernel does not count */
        {"oom_kill -1\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(codi2_memory_parse_kills(str_from(rows[i].text)), rows[i].kills);
    }
}

static void write_count(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void what_the_kernel_ended_is_told_once_and_by_name_when_it_is_known(void **state)
{
    (void)state;
    char path[] = "/tmp/coditect-kills-XXXXXX";
    FD_AUTO int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_count(path, "oom_kill 7\n");
    pid_t large = eater(50 << 20);
    struct codi2_memory m = {.kills = path, .killed = 7};
    struct codi2_process ended = {.pid = 1};
    int wait;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_true(wait > 0);
    assert_int_equal(m.large.pid, large);
    assert_int_equal(kill(large, SIGKILL), 0);
    assert_int_equal(waitpid(large, NULL, 0), large);
    write_count(path, "oom_kill 8\n");
    m.next = 0;
    assert_true(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(ended.pid, large);
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    write_count(path, "oom_kill 9\n"); /* of somebody who came and went between two looks */
    m.next = 0;
    assert_true(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(ended.pid, 0);
    assert_string_equal(ended.name, "");
    assert_int_equal(unlink(path), 0);
}

/* The count comes before the end of the process; under load much before. */
static void what_the_kernel_is_ending_is_named_when_it_is_gone(void **state)
{
    (void)state;
    char path[] = "/tmp/coditect-kills-XXXXXX";
    FD_AUTO int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_count(path, "oom_kill 0\n");
    pid_t large = eater(50 << 20);
    struct codi2_memory m = {.kills = path};
    struct codi2_process ended = {.pid = 1};
    int wait;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    write_count(path, "oom_kill 1\n");
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_in_range(wait, 1, 200);
    assert_int_equal(kill(large, SIGKILL), 0);
    assert_int_equal(waitpid(large, NULL, 0), large);
    m.next = 0;
    assert_true(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(ended.pid, large);

    pid_t other = eater(50 << 20); /* not the one that the kernel meant: it stays */
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(m.large.pid, other);
    write_count(path, "oom_kill 2\n");
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    m.next = 0;
    m.name_until = 1;
    assert_true(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(ended.pid, 0);
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_int_equal(unlink(path), 0);
}

static void the_largest_goes_when_all_are_over(void **state)
{
    (void)state;
    const struct codi2_memory_use uses[] = {{{.pid = 2}, 40}, {{.pid = 3}, 50}, {{.pid = 4}, 10}};
    assert_null(codi2_memory_judge(uses, 3, 100));
    assert_int_equal(codi2_memory_judge(uses, 3, 99)->process.pid, 3);
    assert_int_equal(codi2_memory_judge(uses, 1, 1)->process.pid, 2);
    assert_null(codi2_memory_judge(uses, 0, 1));
}

static void one_that_eats_is_ended_and_no_other(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    pid_t small = eater(1 * MIB);
    pid_t large = eater(300 * MIB);
    struct codi2_memory m = {.limit = (uint64_t)1000 * MIB};
    struct codi2_process ended = {0};
    int wait;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_true(wait > 0);
    m = (struct codi2_memory){.limit = 250 * MIB};
    assert_true(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(ended.pid, large);
    assert_false(codi2_memory_turn(&m, &ended, &wait)); /* it is not time to look */
    int status;
    assert_int_equal(waitpid(large, &status, 0), large);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    m.next = 0;
    assert_false(codi2_memory_turn(&m, &ended, &wait));
    assert_int_equal(kill(small, SIGKILL), 0);
    assert_int_equal(waitpid(small, &status, 0), small);
    m = (struct codi2_memory){0};
    assert_false(codi2_memory_turn(&m, &ended, &wait)); /* no limit */
    assert_int_equal(wait, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anonymous_and_shared_pages_count),
        cmocka_unit_test(the_kernel_counts),
        cmocka_unit_test(what_the_kernel_ended_is_told_once_and_by_name_when_it_is_known),
        cmocka_unit_test(what_the_kernel_is_ending_is_named_when_it_is_gone),
        cmocka_unit_test(the_largest_goes_when_all_are_over),
        cmocka_unit_test(one_that_eats_is_ended_and_no_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
