/* A directory whose list breaks off is not listed: nobody takes the beginning for all of it. */
#include "unit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"

static int good_reads = -1; /* of the next list; -1: all */

/* Instead of the C library's. */
struct dirent *readdir(DIR *dir)
{
    static struct dirent *(*real)(DIR *);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    }
    if (good_reads == 0) {
        errno = EIO;
        return NULL;
    }
    good_reads -= good_reads > 0;
    return real(dir);
}

static void count(void *ctx, const char *name)
{
    size_t *n = ctx;
    *n += name[0] == 'f';
}

static void test_a_list_that_breaks_off(void **state)
{
    (void)state;
    char path[] = "/tmp/coditect-unit-shelf-XXXXXX";
    assert_non_null(mkdtemp(path));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct backup_shelf *shelf;
    assert_int_equal(backup_shelf_directory(path, BACKUP_TO_READ, &shelf), 0);
    for (char name[] = "f0"; name[1] < '5'; name[1]++) {
        int file = openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(file >= 0);
        assert_int_equal(close(file), 0);
    }
    size_t n = 0;
    assert_int_equal(shelf->driver->list(shelf, &(struct backup_names){count, &n}), 0);
    assert_int_equal(n, 5);
    for (int reads = 0; reads < 7; reads++) {
        good_reads = reads;
        assert_int_equal(shelf->driver->list(shelf, &(struct backup_names){count, &n}), ERR_IO);
    }
    good_reads = -1;
    for (char name[] = "f0"; name[1] < '5'; name[1]++) {
        assert_int_equal(unlinkat(fd, name, 0), 0);
    }
    shelf->driver->close(shelf);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rmdir(path), 0);
}

/* Nobody waits for who would write into it. */
static void test_a_pipe_is_no_file(void **state)
{
    (void)state;
    char path[] = "/tmp/coditect-unit-shelf-XXXXXX";
    assert_non_null(mkdtemp(path));
    struct backup_shelf *shelf;
    struct backup_file *file = NULL;
    char c;
    assert_int_equal(backup_shelf_directory(path, BACKUP_TO_READ, &shelf), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
    assert_int_equal(shelf->driver->open(shelf, "pipe", &file), 0);
    assert_int_equal(shelf->driver->read(file, 0, &c, 1), ERR_IO);
    backup_file_close(&file);
    shelf->driver->close(shelf);
    assert_int_equal(unlinkat(fd, "pipe", 0), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_list_that_breaks_off),
                                       cmocka_unit_test(test_a_pipe_is_no_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
