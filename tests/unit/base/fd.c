#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>

#include "unit.h"

static void closes_once(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;
    errno = E2BIG;
    fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    errno = E2BIG;
    fd_close(&fd);
    assert_int_equal(errno, E2BIG);
    /* A second owner of the same number is a bug that must not go on. */
    assert_dies((fd_close(&number), 0));
}

static void scope_and_take(void **state)
{
    (void)state;
    int taken;
    int ended;
    {
        FD_AUTO int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
        FD_AUTO int given = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ended = kept;
        taken = FD_TAKE(given);
        assert_int_equal(given, -1);
    }
    assert_int_equal(fcntl(ended, F_GETFD), -1);
    assert_true(fcntl(taken, F_GETFD) >= 0);
    fd_close(&taken);
}

static void reads_to_the_end(void **state)
{
    (void)state;
    int ends[2];
    char text[10];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fd_write_all(ends[1], STR("abcdef")), 0);
    assert_int_equal(fd_read_full(ends[0], text, 4), 4);
    assert_memory_equal(text, "abcd", 4);
    fd_close(&ends[1]);
    assert_int_equal(fd_read_full(ends[0], text, sizeof text), 2);
    assert_int_equal(fd_read_full(ends[0], text, sizeof text), 0);
    fd_close(&ends[0]);
    assert_int_equal(fd_read_full(-1, text, 1), ERR_IO);
}

/* More than a pipe holds: the writer meets short writes. */
static void writes_all(void **state)
{
    (void)state;
    enum { MANY = 1 << 20 };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    char *bytes = calloc(1, MANY);
    assert_non_null(bytes);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fd_close(&ends[0]);
        _exit(fd_write_all(ends[1], str_of(bytes, MANY)) == 0 ? 0 : 1);
    }
    fd_close(&ends[1]);
    assert_int_equal(fd_read_full(ends[0], bytes, MANY), MANY);
    assert_int_equal(unit_signal_of(child), 0);
    fd_close(&ends[0]);
    free(bytes);
}

static void full_device(void **state)
{
    (void)state;
    FD_AUTO int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(fd_write_all(full, STR("x")), ERR_NO_SPACE);
    FD_AUTO int readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd_write_all(readable, STR("x")), ERR_IO);
    assert_int_equal(fd_write_all(readable, STR_EMPTY), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_once),      cmocka_unit_test(scope_and_take),
        cmocka_unit_test(reads_to_the_end), cmocka_unit_test(writes_all),
        cmocka_unit_test(full_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
