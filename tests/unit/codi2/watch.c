/* Watching: what happened is reported under its present name, also below folders that moved. */
#include "codi2/watch.h"

#include <poll.h>
#include <sys/ioctl.h>

#include "base/map.h"
#include "codi2/scratch.h"

struct seen {
    struct scratch scratch;
    struct codi2_watch *watch;
    struct map *paths; /* path → mark of the last report */
    const void *last;  /* written, closed or NULL: what the last report said besides */
    unsigned overflows;
    unsigned files; /* reports of files that are watched themselves */
    uint64_t inode; /* the last one */
};

static char changed;
static char written;
static char closed;
static char folder;

static void on_seen(void *ctx, enum codi2_seen what, struct str path)
{
    struct seen *s = ctx;
    if (what == CODI2_SEEN_OVERFLOW) {
        s->overflows++;
    } else {
        (void)map_put(s->paths, path, what == CODI2_SEEN_FOLDER ? &folder : &changed);
        s->last = what == CODI2_SEEN_WRITTEN  ? &written
                  : what == CODI2_SEEN_CLOSED ? &closed
                                              : NULL;
    }
}

static void on_seen_file(void *ctx, uint64_t inode)
{
    struct seen *s = ctx;
    s->files++;
    s->inode = inode;
}

static int setup(void **state)
{
    static struct seen s;
    s = (struct seen){0};
    scratch_setup(&s.scratch);
    s.paths = map_create();
    struct codi2_watch_options options = {
        .root = s.scratch.root, .seen = on_seen, .seen_file = on_seen_file, .ctx = &s};
    assert_int_equal(codi2_watch_create(&options, &s.watch), 0);
    assert_int_equal(codi2_watch_add(s.watch, STR("")), 0);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct seen *s = *state;
    codi2_watch_destroy(s->watch);
    map_destroy(s->paths);
    scratch_teardown(&s->scratch);
    return 0;
}

/* Events are queued before the call that caused them returns: no waiting. */
static void *mark(struct seen *s, const char *path)
{
    codi2_watch_read(s->watch);
    return map_get(s->paths, str_from(path));
}

static void files_come_change_and_go(void **state)
{
    struct seen *s = *state;
    scratch_write(&s->scratch, "a", "1");
    assert_ptr_equal(mark(s, "a"), &changed);
    (void)map_remove(s->paths, STR("a"));
    assert_int_equal(chmod(scratch_path(&s->scratch, "a"), 0600), 0);
    assert_ptr_equal(mark(s, "a"), &changed);
    (void)map_remove(s->paths, STR("a"));
    assert_int_equal(unlink(scratch_path(&s->scratch, "a")), 0);
    assert_ptr_equal(mark(s, "a"), &changed);
}

static void new_folder_is_told_apart_and_watched_when_asked(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "d");
    assert_ptr_equal(mark(s, "d"), &folder);
    scratch_write(&s->scratch, "d/early", "x");
    assert_null(mark(s, "d/early")); /* the listing that follows the watch finds it */
    assert_int_equal(codi2_watch_add(s->watch, STR("d")), 0);
    scratch_write(&s->scratch, "d/late", "x");
    assert_ptr_equal(mark(s, "d/late"), &changed);
    assert_int_equal(codi2_watch_count(s->watch), 2);
    assert_int_equal(codi2_watch_add(s->watch, STR("d")), 0);
    assert_int_equal(codi2_watch_count(s->watch), 2);
}

static void folder_that_moves_keeps_its_watches_under_the_new_name(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "a");
    scratch_mkdir(&s->scratch, "a/b");
    assert_int_equal(codi2_watch_add(s->watch, STR("a")), 0);
    assert_int_equal(codi2_watch_add(s->watch, STR("a/b")), 0);
    scratch_rename(&s->scratch, "a", "z");
    assert_ptr_equal(mark(s, "z"), &folder);
    assert_ptr_equal(mark(s, "a"), &changed);
    scratch_write(&s->scratch, "z/b/f", "x");
    assert_ptr_equal(mark(s, "z/b/f"), &changed);
    assert_null(mark(s, "a/b/f"));
    assert_int_equal(codi2_watch_count(s->watch), 3);
}

static void folder_that_leaves_the_tree_is_forgotten(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "a");
    scratch_mkdir(&s->scratch, "a/b");
    assert_int_equal(codi2_watch_add(s->watch, STR("a")), 0);
    assert_int_equal(codi2_watch_add(s->watch, STR("a/b")), 0);
    char away[128];
    (void)snprintf(away, sizeof away, "%s/away", s->scratch.index);
    assert_int_equal(rename(scratch_path(&s->scratch, "a"), away), 0);
    assert_ptr_equal(mark(s, "a"), &changed);
    assert_int_equal(codi2_watch_count(s->watch), 1);
}

/* Its watch goes on until its leaving is read: what it still tells comes behind that. */
static void folder_that_left_the_tree_may_still_speak(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "a");
    assert_int_equal(codi2_watch_add(s->watch, STR("a")), 0);
    char away[128];
    (void)snprintf(away, sizeof away, "%s/away", s->scratch.index);
    assert_int_equal(rename(scratch_path(&s->scratch, "a"), away), 0);
    (void)snprintf(away, sizeof away, "%s/away/f", s->scratch.index);
    assert_int_equal(mknod(away, S_IFREG | 0600, 0), 0);
    assert_ptr_equal(mark(s, "a"), &changed);
    assert_null(mark(s, "a/f"));
    assert_int_equal(codi2_watch_count(s->watch), 1);
}

static void folder_that_is_made_again_is_another_one(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "a");
    assert_int_equal(codi2_watch_add(s->watch, STR("a")), 0);
    assert_int_equal(rmdir(scratch_path(&s->scratch, "a")), 0);
    scratch_mkdir(&s->scratch, "a");
    assert_ptr_equal(mark(s, "a"), &folder);
    assert_int_equal(codi2_watch_add(s->watch, STR("a")), 0);
    scratch_write(&s->scratch, "a/f", "x");
    assert_ptr_equal(mark(s, "a/f"), &changed);
}

static void links_and_files_are_not_watched(void **state)
{
    struct seen *s = *state;
    assert_int_equal(symlink("/tmp", scratch_path(&s->scratch, "link")), 0);
    assert_int_equal(codi2_watch_add(s->watch, STR("link")), ERR_NOT_FOUND);
    scratch_write(&s->scratch, "file", "x");
    assert_int_equal(codi2_watch_add(s->watch, STR("file")), ERR_NOT_FOUND);
    assert_int_equal(codi2_watch_add(s->watch, STR("nothing")), ERR_NOT_FOUND);
}

/* Under whatever name it was opened, and once however often; until no name is left. */
static void file_is_watched_itself(void **state)
{
    struct seen *s = *state;
    char away[128];
    (void)snprintf(away, sizeof away, "%s/away", s->scratch.index);
    scratch_write(&s->scratch, "a", "1");
    assert_int_equal(link(scratch_path(&s->scratch, "a"), away), 0);
    FD_AUTO int outside = open(away, O_WRONLY | O_CLOEXEC);
    struct stat facts;
    assert_int_equal(fstat(outside, &facts), 0);
    FD_AUTO int fd = open(scratch_path(&s->scratch, "a"), O_RDONLY | O_CLOEXEC);
    assert_false(codi2_watch_has_file(s->watch, facts.st_ino));
    assert_int_equal(codi2_watch_add_file(s->watch, fd, facts.st_ino), 0);
    assert_int_equal(codi2_watch_add_file(s->watch, fd, facts.st_ino), 0);
    assert_true(codi2_watch_has_file(s->watch, facts.st_ino));
    assert_int_equal(codi2_watch_file_count(s->watch), 1);
    codi2_watch_read(s->watch);
    assert_int_equal(s->files, 0);
    assert_int_equal(write(outside, "2", 1), 1);
    assert_int_equal(fchmod(outside, 0600), 0);
    assert_int_equal(write(outside, "3", 1), 1);
    codi2_watch_read(s->watch);
    assert_true(s->files == 1 && s->inode == facts.st_ino);
    assert_int_equal(unlink(away), 0);
    fd_close(&fd);
    codi2_watch_read(s->watch);
    s->files = 0;
    assert_int_equal(write(outside, "4", 1), 1);
    codi2_watch_read(s->watch);
    assert_true(s->files == 1 && codi2_watch_has_file(s->watch, facts.st_ino));
    assert_int_equal(unlink(scratch_path(&s->scratch, "a")), 0);
    fd_close(&outside);
    codi2_watch_read(s->watch); /* what was done to it before it went makes no difference */
    assert_false(codi2_watch_has_file(s->watch, facts.st_ino));
    assert_int_equal(codi2_watch_file_count(s->watch), 0);
}

enum { MOST_QUEUED = 1 << 20 };

/* The kernel's word that they are gone is lost, and their inodes are free for others. */
static void files_are_watched_no_more_when_events_are_lost(void **state)
{
    struct seen *s = *state;
    struct stat goes;
    struct stat stays;
    scratch_write(&s->scratch, "goes", "1");
    scratch_write(&s->scratch, "stays", "1");
    {
        FD_AUTO int a = open(scratch_path(&s->scratch, "goes"), O_RDONLY | O_CLOEXEC);
        FD_AUTO int b = open(scratch_path(&s->scratch, "stays"), O_RDONLY | O_CLOEXEC);
        assert_true(fstat(a, &goes) == 0 && fstat(b, &stays) == 0);
        assert_int_equal(codi2_watch_add_file(s->watch, a, goes.st_ino), 0);
        assert_int_equal(codi2_watch_add_file(s->watch, b, stays.st_ino), 0);
    }
    codi2_watch_read(s->watch);
    bool full = false;
    for (unsigned i = 0; i < MOST_QUEUED && !full; i++) { /* two that differ, else they are one */
        int before = 0;
        int after = 0;
        (void)ioctl(codi2_watch_fd(s->watch), FIONREAD, &before);
        assert_int_equal(chmod(scratch_path(&s->scratch, i % 2 ? "goes" : "stays"), 0600), 0);
        (void)ioctl(codi2_watch_fd(s->watch), FIONREAD, &after);
        full = before == after;
    }
    assert_true(full);
    assert_int_equal(unlink(scratch_path(&s->scratch, "goes")), 0);
    codi2_watch_read(s->watch);
    assert_int_equal(s->overflows, 1);
    assert_int_equal(codi2_watch_file_count(s->watch), 0);
    assert_false(codi2_watch_has_file(s->watch, goes.st_ino));
    assert_true(codi2_watch_had_file(s->watch, stays.st_ino)); /* it is to be watched again */
    FD_AUTO int again = open(scratch_path(&s->scratch, "stays"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(codi2_watch_add_file(s->watch, again, stays.st_ino), 0);
    assert_false(codi2_watch_had_file(s->watch, stays.st_ino));
    s->files = 0;
    assert_int_equal(write(again, "2", 1), 1);
    codi2_watch_read(s->watch);
    assert_true(s->files == 1 && s->inode == stays.st_ino);
}

/* It may have another name. */
static void what_is_written_to_when_its_name_is_gone_is_told(void **state)
{
    struct seen *s = *state;
    scratch_write(&s->scratch, "a", "1");
    FD_AUTO int fd = open(scratch_path(&s->scratch, "a"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(unlink(scratch_path(&s->scratch, "a")), 0);
    assert_ptr_equal(mark(s, "a"), &changed);
    assert_null(s->last);
    assert_int_equal(write(fd, "2", 1), 1);
    codi2_watch_read(s->watch);
    assert_ptr_equal(s->last, &written);
    fd_close(&fd);
    codi2_watch_read(s->watch);
    assert_ptr_equal(s->last, &closed);
}

/* Makes and watches so many folders below one, in each other, with names of 250 bytes; the innermost, open. */
static int make_deep(struct seen *s, const char *first, int depth)
{
    BUF_AUTO(path, 8192);
    buf_add(&path, str_from(first));
    int fd = open(scratch_path(&s->scratch, first), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int i = 0; i < depth; i++) {
        char name[251];
        memset(name, 'a' + i, 250);
        name[250] = '\0';
        assert_int_equal(mkdirat(fd, name, 0755), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)close(fd);
        fd = next;
        buf_byte(&path, '/');
        buf_add(&path, str_from(name));
        assert_int_equal(codi2_watch_add(s->watch, buf_str(&path)), 0);
    }
    return fd;
}

/* One that moves to where it lies deeper than a path has room for. */
static void what_has_no_path_is_not_told_as_something_else(void **state)
{
    struct seen *s = *state;
    scratch_mkdir(&s->scratch, "x");
    scratch_mkdir(&s->scratch, "y");
    assert_int_equal(codi2_watch_add(s->watch, STR("x")), 0);
    assert_int_equal(codi2_watch_add(s->watch, STR("y")), 0);
    FD_AUTO int x = make_deep(s, "x", 15);
    FD_AUTO int y = make_deep(s, "y", 20);
    const char *from = scratch_path(&s->scratch, "x");
    codi2_watch_read(s->watch);
    assert_int_equal(renameat(AT_FDCWD, from, y, "x"), 0);
    codi2_watch_read(s->watch);
    map_destroy(s->paths);
    s->paths = map_create();
    FD_AUTO int file = openat(x, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    codi2_watch_read(s->watch);
    assert_int_equal(map_count(s->paths), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(files_come_change_and_go),
        TEST(new_folder_is_told_apart_and_watched_when_asked),
        TEST(folder_that_moves_keeps_its_watches_under_the_new_name),
        TEST(folder_that_leaves_the_tree_is_forgotten),
        TEST(folder_that_left_the_tree_may_still_speak),
        TEST(folder_that_is_made_again_is_another_one),
        TEST(links_and_files_are_not_watched),
        TEST(file_is_watched_itself),
        TEST(files_are_watched_no_more_when_events_are_lost),
        TEST(what_is_written_to_when_its_name_is_gone_is_told),
        TEST(what_has_no_path_is_not_told_as_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
