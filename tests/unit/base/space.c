/* The levels of free space, with limits around what this machine has: no disk is filled. */
#include <sys/statvfs.h>

#include "base/space.h"
#include "unit.h"

static void each_limit_counts(void **state)
{
    (void)state;
    struct statvfs fs;
    assert_int_equal(statvfs("/", &fs), 0);
    uint64_t size = (uint64_t)fs.f_blocks * fs.f_frsize;
    const struct {
        struct space space;
        enum space_level level;
    } rows[] = {
        {{.directory = "/"}, SPACE_AMPLE},
        {{.directory = "/", .low = 1, .scarce = 1}, SPACE_AMPLE},
        {{.directory = "/", .low = 2 * size}, SPACE_LOW},
        {{.directory = "/", .low = 2 * size, .scarce = 2 * size}, SPACE_SCARCE},
        {{.directory = "/", .scarce = 2 * size}, SPACE_SCARCE},
        {{.directory = "/", .percent = 101, .percent_to = 2 * size}, SPACE_LOW},
        {{.directory = "/", .percent = 101, .percent_to = 1}, SPACE_AMPLE},
        {{.directory = "/nothing", .low = 2 * size}, SPACE_AMPLE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(space_level(&rows[i].space), rows[i].level);
    }
    assert_int_equal(space_level(NULL), SPACE_AMPLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_limit_counts)};
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
