#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "unit.h"
#include "workspace/workspace_int.h"

enum { LINE = 64, MOST_LINES = WORKSPACE_LOG_MOST / LINE, KEPT_LINES = WORKSPACE_LOG_KEPT / LINE };

/* A file without a name. */
static int open_log(int flags)
{
    char path[64] = "/tmp/coditect-log-XXXXXX";
    FD_AUTO int made = mkstemp(path);
    int fd = open(path, flags | O_CLOEXEC);
    assert_true(made >= 0 && fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static off_t size_of(int fd)
{
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    return facts.st_size;
}

static void fill(int fd, int lines)
{
    for (int i = 0; i < lines; i++) {
        assert_int_equal(dprintf(fd, "%063d\n", i), LINE);
    }
}

static unsigned long number_at(int fd, off_t offset)
{
    char text[LINE + 1] = "";
    assert_int_equal(pread(fd, text, LINE, offset), LINE);
    return strtoul(text, NULL, 10);
}

static void a_small_log_stays(void **state)
{
    (void)state;
    FD_AUTO int fd = open_log(O_RDWR | O_APPEND);
    fill(fd, MOST_LINES);
    workspace_log_trim(fd);
    assert_int_equal(size_of(fd), WORKSPACE_LOG_MOST);
}

/* The first line of what is kept may be cut, so it goes too. */
static void a_large_one_keeps_its_newest_lines(void **state)
{
    (void)state;
    FD_AUTO int fd = open_log(O_RDWR | O_APPEND);
    fill(fd, MOST_LINES + 1);
    workspace_log_trim(fd);
    assert_int_equal(size_of(fd), WORKSPACE_LOG_KEPT - LINE);
    assert_int_equal(number_at(fd, 0), MOST_LINES + 1 - (KEPT_LINES - 1));
    fill(fd, 1);
    assert_int_equal(number_at(fd, size_of(fd) - 2 * LINE), MOST_LINES);
    assert_int_equal(number_at(fd, size_of(fd) - LINE), 0);
}

static void of_one_endless_line_nothing_stays(void **state)
{
    (void)state;
    FD_AUTO int fd = open_log(O_RDWR | O_APPEND);
    MEM_AUTO char *bytes = mem_grow(NULL, WORKSPACE_LOG_MOST + 1);
    memset(bytes, 'x', WORKSPACE_LOG_MOST + 1);
    assert_int_equal(fd_write_all(fd, str_of(bytes, WORKSPACE_LOG_MOST + 1)), 0);
    workspace_log_trim(fd);
    assert_int_equal(size_of(fd), 0);
}

static void what_is_no_log_of_ours_is_left_alone(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    workspace_log_trim(ends[1]);
    workspace_log_trim(-1);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    FD_AUTO int fd = open_log(O_WRONLY | O_APPEND); /* as a shell redirects */
    fill(fd, MOST_LINES + 1);
    workspace_log_trim(fd);
    assert_int_equal(size_of(fd), WORKSPACE_LOG_MOST + LINE);
}

static void one_holds_the_lock(void **state)
{
    (void)state;
    char run[64] = "/tmp/coditect-run-XXXXXX";
    assert_non_null(mkdtemp(run));
    struct workspace_config config = {.run = run};
    assert_int_equal(workspace_lock(&config), 0);
    assert_int_equal(workspace_lock(&config), ERR_BUSY); /* opened again, as another process does */
    char path[80];
    (void)snprintf(path, sizeof path, "%s/lock", run);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(run), 0);
    assert_int_equal(workspace_lock(&config), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_log_stays),
        cmocka_unit_test(a_large_one_keeps_its_newest_lines),
        cmocka_unit_test(of_one_endless_line_nothing_stays),
        cmocka_unit_test(what_is_no_log_of_ours_is_left_alone),
        cmocka_unit_test(one_holds_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
