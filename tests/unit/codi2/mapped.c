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
        const char *path; /* NULL: none; "": outside */
    } rows[] = {
        {AT "rw-s" REST "/workspace/data.db", "data.db"},
        {AT "-w-s" REST "/workspace/a b/c", "a b/c"},
        {AT "rw-s" REST "/workspace/gone (deleted)",
         "gone (deleted)"}, /* nothing will stand there */
        {AT "rw-p" REST "/workspace/data.db", NULL},
        {AT "r--s" REST "/workspace/data.db", NULL},
        {AT "rw-s" REST "/workspaces/data.db", ""},
        {AT "rw-s" REST "/workspace/", ""},
        {AT "rw-s" REST "/workspace", ""},
        {AT "rw-s" REST "/workspace/../etc/passwd", ""},
        {AT "rw-s" REST "/dev/zero (deleted)", ""},
        {AT "rw-s 00000000 08:01 12x4       /workspace/data.db", NULL},
        {AT "rw-s 00000000 00:00 0", NULL},
        {AT "rw-s 00000000 00:00 0 ", NULL},
        {AT "rw", NULL},
        {"rw-s", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codi2_mapped_file file;
        bool good = codi2_mapped_parse(str_from(rows[i].line), STR("/workspace"), &file);
        assert_int_equal(good, rows[i].path != NULL);
        if (good) {
            assert_str(file.path, rows[i].path);
            assert_int_equal(file.inode, 1234);
            assert_int_equal(file.outside, !rows[i].path[0]);
        }
    }
}

struct found {
    uint64_t inode; /* that is looked for */
    int named;
    int gone;
    int outside;
};

static void on_found(void *ctx, const struct codi2_mapped_file *file)
{
    struct found *found = ctx;
    if (file->inode != found->inode) {
        return; /* another program's */
    }
    found->outside += file->outside;
    found->gone += !file->outside && file->path.n == 0;
    if (file->path.n > 0) {
        assert_str(file->path, "mapped");
        found->named++;
    }
}

static void our_own_mapping_is_found_while_it_lasts(void **state)
{
    (void)state;
    struct scratch s;
    struct found found = {0};
    bool all;
    scratch_setup(&s);
    scratch_write(&s, "mapped", "some bytes");
    scratch_write(&s, "only read", "some bytes");
    const struct codi2_mapped_query query = {.tree = &s.tree,
                                             .root = str_from(s.root),
                                             .found = on_found,
                                             .ctx = &found,
                                             .most = CODI2_MOST_MAPS};
    FD_AUTO int fd = open(scratch_path(&s, "mapped"), O_RDWR | O_CLOEXEC);
    FD_AUTO int other = open(scratch_path(&s, "only read"), O_RDONLY | O_CLOEXEC);
    void *memory = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *only_read = mmap(NULL, 10, PROT_READ, MAP_SHARED, other, 0);
    struct stat facts;
    assert_true(memory != MAP_FAILED && only_read != MAP_FAILED);
    assert_int_equal(fstat(fd, &facts), 0);
    found.inode = facts.st_ino;
    assert_int_equal(codi2_mapped_find(&query, &all), 1);
    assert_true(found.named == 1 && found.gone == 0 && found.outside == 0);
    char away[128];
    (void)snprintf(away, sizeof away, "%s/away", s.index);
    assert_int_equal(rename(scratch_path(&s, "mapped"), away), 0);
    assert_int_equal(codi2_mapped_find(&query, &all), 0);
    assert_true(found.named == 1 && found.gone == 0 && found.outside == 1);
    assert_int_equal(rename(away, scratch_path(&s, "mapped")), 0);
    assert_int_equal(unlink(scratch_path(&s, "mapped")), 0);
    assert_int_equal(codi2_mapped_find(&query, &all), 1);
    assert_true(found.named == 1 && found.gone == 1 && found.outside == 1);
    assert_int_equal(munmap(memory, 10), 0);
    assert_int_equal(munmap(only_read, 10), 0);
    assert_int_equal(codi2_mapped_find(&query, &all), 0);
    assert_true(all);
    scratch_teardown(&s);
}

/* Those of which no two neighbours are alike cannot be joined. */
static void a_process_with_very_many_maps_is_read_to_its_end(void **state)
{
    enum { PAGES = 30000 };
    (void)state;
    struct scratch s;
    struct found found = {0};
    bool all;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *many = mmap(NULL, PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(many != MAP_FAILED);
    for (size_t i = 0; i < PAGES; i += 2) {
        assert_int_equal(mprotect(many + i * page, page, PROT_READ), 0);
    }
    scratch_setup(&s);
    struct codi2_mapped_query query = {.tree = &s.tree,
                                       .root = str_from(s.root),
                                       .found = on_found,
                                       .ctx = &found,
                                       .most = CODI2_MOST_MAPS};
    assert_int_equal(codi2_mapped_find(&query, &all), 0);
    assert_true(all);
    query.most = 1 << 20; /* of some 1.5 MB: others may be mapped behind */
    assert_int_equal(codi2_mapped_find(&query, &all), 0);
    assert_false(all);
    scratch_teardown(&s);
    assert_int_equal(munmap(many, PAGES * page), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(our_own_mapping_is_found_while_it_lasts),
        cmocka_unit_test(a_process_with_very_many_maps_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
