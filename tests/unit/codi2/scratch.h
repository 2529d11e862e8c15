/* A folder of its own for a test, and short ways to change what is in it. */
#ifndef UNIT_CODI2_SCRATCH_H
#define UNIT_CODI2_SCRATCH_H

#include <sys/stat.h>

#include "codi2/tree.h"
#include "unit.h"

#include "base/fd.h"

struct scratch {
    char root[64];
    char index[64];
    struct codi2_tree tree;
};

static inline void scratch_setup(struct scratch *s)
{
    (void)snprintf(s->root, sizeof s->root, "/tmp/coditect-tree-XXXXXX");
    (void)snprintf(s->index, sizeof s->index, "/tmp/coditect-index-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    assert_non_null(mkdtemp(s->index));
    assert_int_equal(codi2_tree_open(s->root, &s->tree), 0);
}

static inline void scratch_teardown(struct scratch *s)
{
    struct codi2_tree all;
    codi2_tree_close(&s->tree);
    assert_int_equal(codi2_tree_open("/tmp", &all), 0);
    assert_int_equal(codi2_tree_remove(&all, str_from(s->root + 5), NULL), 0);
    assert_int_equal(codi2_tree_remove(&all, str_from(s->index + 5), NULL), 0);
    codi2_tree_close(&all);
}

static inline const char *scratch_path(const struct scratch *s, const char *path)
{
    static char text[2][512];
    static int turn;
    turn = !turn;
    (void)snprintf(text[turn], sizeof text[turn], "%s/%s", s->root, path);
    return text[turn];
}

static inline void scratch_write(const struct scratch *s, const char *path, const char *content)
{
    FD_AUTO int fd = open(scratch_path(s, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, str_from(content)), 0);
}

static inline void scratch_mkdir(const struct scratch *s, const char *path)
{
    assert_int_equal(mkdir(scratch_path(s, path), 0755), 0);
}

static inline void scratch_rename(const struct scratch *s, const char *from, const char *to)
{
    assert_int_equal(rename(scratch_path(s, from), scratch_path(s, to)), 0);
}

#endif
