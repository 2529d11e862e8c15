/* Which lines of /proc/PID/maps name a file of the tree that is written to through memory. */
#include "codi2/mapped.h"

#include <sys/mman.h>

#include "codi2/scratch.h"

#define AT "7f00-7f10 "
#define REST " 00000000 08:01 1234       "

static void lines_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *path; /* NULL: none */
    } rows[] = {
        {AT "rw-s" REST "/workspace/data.db", "data.db"},
        {AT "-w-s" REST "/workspace/a b/c", "a b/c"},
        {AT "rw-s" REST "/workspace/gone (deleted)",
         "gone (deleted)"}, /* nothing will stand there */
        {AT "rw-p" REST "/workspace/data.db", NULL},
        {AT "r--s" REST "/workspace/data.db", NULL},
        {AT "rw-s" REST "/workspaces/data.db", NULL},
        {AT "rw-s" REST "/workspace/", NULL},
        {AT "rw-s" REST "/workspace", NULL},
        {AT "rw-s" REST "/workspace/../etc/passwd", NULL},
        {AT "rw-s" REST "/dev/zero (deleted)", NULL},
        {AT "rw-s 00000000 00:00 0", NULL},
        {AT "rw-s 00000000 00:00 0 ", NULL},
        {AT "rw", NULL},
        {"rw-s", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str path;
        bool good = codi2_mapped_parse(str_from(rows[i].line), STR("/workspace"), &path);
        assert_int_equal(good, rows[i].path != NULL);
        if (good) {
            assert_str(path, rows[i].path);
        }
    }
}

static void on_found(void *ctx, struct str path)
{
    int *count = ctx;
    assert_str(path, "mapped");
    ++*count;
}

static void our_own_mapping_is_found_while_it_lasts(void **state)
{
    (void)state;
    struct scratch s;
    int count = 0;
    scratch_setup(&s);
    scratch_write(&s, "mapped", "some bytes");
    scratch_write(&s, "only read", "some bytes");
    const struct codi2_mapped_query query = {
        .tree = &s.tree, .root = str_from(s.root), .found = on_found, .ctx = &count};
    FD_AUTO int fd = open(scratch_path(&s, "mapped"), O_RDWR | O_CLOEXEC);
    FD_AUTO int other = open(scratch_path(&s, "only read"), O_RDONLY | O_CLOEXEC);
    void *memory = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *only_read = mmap(NULL, 10, PROT_READ, MAP_SHARED, other, 0);
    assert_true(memory != MAP_FAILED && only_read != MAP_FAILED);
    assert_int_equal(codi2_mapped_find(&query), 1);
    assert_int_equal(count, 1);
    assert_int_equal(munmap(memory, 10), 0);
    assert_int_equal(munmap(only_read, 10), 0);
    assert_int_equal(codi2_mapped_find(&query), 0);
    scratch_teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_told_apart),
                                       cmocka_unit_test(our_own_mapping_is_found_while_it_lasts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
