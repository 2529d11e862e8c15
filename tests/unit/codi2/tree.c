/* What comes from the store replaces and removes only what was expected to stand there. */
#include "codi2/scratch.h"

#include <sys/inotify.h>

#include "base/mem.h"

static int setup(void **state)
{
    struct scratch *s = MEM_NEW(struct scratch);
    scratch_setup(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    scratch_teardown(*state);
    mem_free(*state);
    return 0;
}

static int replace(struct scratch *s, const char *text, const struct codi2_look *expected)
{
    struct codi2_draft draft;
    struct codi2_look look;
    const struct codi2_place place = {STR("file"), expected};
    assert_int_equal(codi2_tree_draft(&s->tree, place.path, 0644, &draft), 0);
    assert_int_equal(fd_write_all(draft.fd, str_from(text)), 0);
    return codi2_tree_replace(&draft, &place, /* mtime= */ 5000000000, &look);
}

static void holds(struct scratch *s, const char *text)
{
    char content[64] = "";
    struct arena arena;
    struct codi2_names names;
    FD_AUTO int fd = -1;
    assert_int_equal(codi2_tree_open_file(&s->tree, STR("file"), &fd), 0);
    assert_true(fd_read_full(fd, content, sizeof content - 1) >= 0);
    assert_string_equal(content, text);
    arena_init(&arena);
    assert_int_equal(codi2_tree_list(&s->tree, &arena, STR(""), &names), 0);
    assert_int_equal(names.count, 1);
    arena_fini(&arena);
    assert_int_equal(codi2_tree_remove_empty(&s->tree, STR("file")), ERR_NOT_EMPTY); /* no folder */
}

static void a_draft_replaces_only_what_is_expected(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    assert_int_equal(replace(s, "one", NULL), 0);
    holds(s, "one");
    assert_int_equal(replace(s, "two", NULL), ERR_CONFLICT); /* something is there */
    holds(s, "one");
    assert_int_equal(codi2_tree_look(&s->tree, STR("file"), &look), 0);
    assert_int_equal(replace(s, "two", &look), 0);
    holds(s, "two");
    assert_int_equal(replace(s, "three", &look), ERR_CONFLICT); /* something else is there */
    holds(s, "two");
    assert_int_equal(unlink(scratch_path(s, "file")), 0);
    assert_int_equal(replace(s, "four", &look), 0); /* deleted here, changed there */
    holds(s, "four");
}

static void a_list_that_is_not_whole_says_so(void **state)
{
    struct scratch *s = *state;
    struct codi2_names names;
    ARENA_AUTO(arena);
    for (size_t i = 0; i < 4; i++) {
        scratch_write(s, (const char[]){(char)('a' + i), '\0'}, "");
    }
    assert_int_equal(codi2_tree_list(&s->tree, &arena, STR(""), &names), 0);
    assert_int_equal(names.count, 4);
    assert_false(names.more);
    s->tree.most_names = 4;
    assert_int_equal(codi2_tree_list(&s->tree, &arena, STR(""), &names), 0);
    assert_int_equal(names.count, 4);
    assert_false(names.more);
    s->tree.most_names = 3;
    assert_int_equal(codi2_tree_list(&s->tree, &arena, STR(""), &names), 0);
    assert_true(names.count >= 3);
    assert_true(names.more);
}

/* An IDE that hears last of all that a file went goes on to show what was in it. */
static void whoever_watches_hears_last_that_the_file_came(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    _Alignas(struct inotify_event) char events[4096];
    uint32_t last = 0;
    assert_int_equal(replace(s, "one", NULL), 0);
    assert_int_equal(codi2_tree_look(&s->tree, STR("file"), &look), 0);
    FD_AUTO int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(inotify_add_watch(watch, s->root, IN_MOVE) >= 0);
    assert_int_equal(replace(s, "two", &look), 0);
    ssize_t n = read(watch, events, sizeof events);
    assert_true(n > 0);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const void *)(events + at);
        last = strcmp(event->name, "file") == 0 ? event->mask : last;
        at += (ssize_t)(sizeof *event + event->len);
    }
    assert_int_equal(last, IN_MOVED_TO);
}

static void only_what_is_expected_is_removed(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    scratch_write(s, "file", "one");
    assert_int_equal(codi2_tree_look(&s->tree, STR("file"), &look), 0);
    scratch_write(s, "file", "longer");
    const struct codi2_place place = {STR("file"), &look};
    assert_int_equal(codi2_tree_remove_same(&s->tree, &place), ERR_CONFLICT);
    holds(s, "longer");
    assert_int_equal(codi2_tree_look(&s->tree, STR("file"), &look), 0);
    assert_int_equal(codi2_tree_remove_same(&s->tree, &place), 0);
    assert_int_equal(codi2_tree_look(&s->tree, STR("file"), &look), ERR_NOT_FOUND);
    assert_int_equal(codi2_tree_remove_same(&s->tree, &place), 0);
}

static void a_folder_goes_with_what_drafts_left_alone(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    scratch_mkdir(s, "d");
    scratch_write(s, "d/" CODI2_OWN_PREFIX "0123456789abcdef", "half");
    scratch_write(s, "d/new", "new");
    assert_int_equal(codi2_tree_remove_empty(&s->tree, STR("d")), ERR_NOT_EMPTY);
    assert_int_equal(codi2_tree_look(&s->tree, STR("d/new"), &look), 0);
    assert_int_equal(unlink(scratch_path(s, "d/new")), 0);
    scratch_write(s, "d/" CODI2_OWN_CLONE, "the person's, but in the root");
    assert_int_equal(codi2_tree_remove_empty(&s->tree, STR("d")), ERR_NOT_EMPTY);
    assert_int_equal(unlink(scratch_path(s, "d/" CODI2_OWN_CLONE)), 0);
    scratch_write(s, "d/" CODI2_OWN_PREFIX "0123456789abcdef", "half");
    scratch_mkdir(s, "d/" CODI2_OWN_PREFIX "123456789abcdef0"); /* of a removal that was killed */
    scratch_write(s, "d/" CODI2_OWN_PREFIX "123456789abcdef0/deep", "of no worth");
    assert_int_equal(codi2_tree_remove_empty(&s->tree, STR("d")), 0);
    assert_int_equal(codi2_tree_look(&s->tree, STR("d"), &look), ERR_NOT_FOUND);
}

static void nothing_is_moved_over_anything(void **state)
{
    struct scratch *s = *state;
    scratch_write(s, "a", "a");
    scratch_write(s, "b", "b");
    assert_int_equal(codi2_tree_rename(&s->tree, STR("a"), STR("b")), ERR_EXISTS);
    assert_int_equal(codi2_tree_rename(&s->tree, STR("a"), STR("c")), 0);
}

/* Deeper than any path that is mirrored. */
static void make_deep(struct scratch *s, const char *top, int levels)
{
    int fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < levels; i++) {
        const char *name = i == 0 ? top : "d";
        FD_AUTO int file = openat(fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
        assert_true(file >= 0);
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(below >= 0);
        (void)fchmod(fd, i == 0 ? 0700 : i % 3 == 0 ? 0500 : 0700);
        fd_close(&fd);
        fd = below;
    }
    fd_close(&fd);
}

static void what_is_removed_may_be_deep_and_shut(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    make_deep(s, "top", 700);
    assert_int_equal(codi2_tree_remove(&s->tree, STR("top"), NULL), 0);
    assert_int_equal(codi2_tree_look(&s->tree, STR("top"), &look), ERR_NOT_FOUND);
    assert_int_equal(codi2_tree_look(&s->tree, STR("f"), &look), 0);
    assert_int_equal(codi2_tree_remove(&s->tree, STR("top"), NULL), 0);
}

static void a_removal_stops_when_it_is_to(void **state)
{
    struct scratch *s = *state;
    struct codi2_look look;
    atomic_bool stop = true;
    make_deep(s, "top", 3);
    assert_int_equal(codi2_tree_remove(&s->tree, STR("top"), &stop), ERR_BUSY);
    assert_int_equal(codi2_tree_look(&s->tree, STR("top/d/d"), &look), 0);
    stop = false;
    assert_int_equal(codi2_tree_remove(&s->tree, STR("top"), &stop), 0);
    assert_int_equal(codi2_tree_look(&s->tree, STR("top"), &look), ERR_NOT_FOUND);
}

static uint32_t mode_of(struct scratch *s, const char *path)
{
    struct codi2_look look;
    assert_int_equal(codi2_tree_look(&s->tree, str_from(path), &look), 0);
    return look.mode;
}

static void a_way_is_open_and_then_as_shut_as_before(void **state)
{
    struct scratch *s = *state;
    struct codi2_way way = {0};
    assert_int_equal(mkdir(scratch_path(s, "a"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(s, "a/b"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(s, "a/c"), 0500), 0);
    assert_int_equal(chmod(scratch_path(s, "a/b"), 0), 0);
    assert_int_equal(chmod(scratch_path(s, "a"), 0511), 0);
    codi2_way_open(&s->tree, STR("a/b/missing/f"), &way);
    codi2_way_open(&s->tree, STR("a/c"), &way); /* of itself nothing is changed */
    assert_int_equal(way.gates.n, 2);
    assert_int_equal(mode_of(s, "a"), 0711);
    assert_int_equal(mode_of(s, "a/b"), 0700);
    assert_int_equal(mode_of(s, "a/c"), 0500);
    codi2_way_shut(&way);
    assert_int_equal(mode_of(s, "a"), 0511);
    assert_int_equal(mode_of(s, "a/b"), 0);
    codi2_way_shut(&way);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_draft_replaces_only_what_is_expected),        TEST(a_list_that_is_not_whole_says_so),
        TEST(whoever_watches_hears_last_that_the_file_came), TEST(only_what_is_expected_is_removed),
        TEST(a_folder_goes_with_what_drafts_left_alone),     TEST(nothing_is_moved_over_anything),
        TEST(what_is_removed_may_be_deep_and_shut),          TEST(a_removal_stops_when_it_is_to),
        TEST(a_way_is_open_and_then_as_shut_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
