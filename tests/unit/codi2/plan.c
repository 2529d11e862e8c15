/* Planning: each way in which a disk can differ from the index gives the step that mends it. */
#include "codi2/plan.h"

#include <fcntl.h>

#include "base/fd.h"
#include "codi2/bench.h"

static struct codi2_step plan(struct bench *b, const char *path)
{
    struct codi2_step step = {0};
    assert_int_equal(codi2_plan(&(struct codi2_planner){&b->scratch.tree, b->index, &b->arena},
                                str_from(path), &step),
                     0);
    return step;
}

/* The index takes the disk's word, as after a push. */
static void learn(struct bench *b, const char *path, uint64_t version)
{
    struct codi2_entry entry = {.path = str_from(path), .version = version};
    assert_int_equal(codi2_tree_look(&b->scratch.tree, entry.path, &entry.look), 0);
    FD_AUTO int fd = -1;
    char bytes[64];
    if (codi2_tree_open_file(&b->scratch.tree, entry.path, &fd) == 0) {
        ssize_t n = fd_read_full(fd, bytes, sizeof bytes);
        content_hash(str_of(bytes, (size_t)n), &entry.hash);
    }
    assert_int_equal(codi2_index_put(b->index, &entry), 0);
}

static void new_things_are_created(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    scratch_mkdir(&b->scratch, "d");
    assert_int_equal(symlink("f", scratch_path(&b->scratch, "l")), 0);
    assert_int_equal(plan(b, "f").op, CODI2_WRITE);
    assert_int_equal(plan(b, "d").op, CODI2_MKDIR);
    assert_int_equal(plan(b, "l").op, CODI2_LINK);
    assert_int_equal(plan(b, "nothing").op, CODI2_NOTHING);
    assert_int_equal(plan(b, "d/below/nothing").op, CODI2_NOTHING);
}

static void what_is_known_is_left_alone(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    learn(b, "f", 3);
    assert_int_equal(plan(b, "f").op, CODI2_NOTHING);
}

static void changed_content_and_mode_are_written_on_their_base(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    learn(b, "f", 3);
    scratch_write(&b->scratch, "f", "longer");
    assert_int_equal(plan(b, "f").op, CODI2_WRITE);
    assert_int_equal(plan(b, "f").base, 3);
    learn(b, "f", 4);
    assert_int_equal(chmod(scratch_path(&b->scratch, "f"), 0700), 0);
    assert_int_equal(plan(b, "f").op, CODI2_WRITE);
    scratch_mkdir(&b->scratch, "d");
    learn(b, "d", 5);
    assert_int_equal(chmod(scratch_path(&b->scratch, "d"), 0700), 0);
    assert_int_equal(plan(b, "d").op, CODI2_MODE);
}

static void missing_is_a_deletion_only_if_the_index_knew_it(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    learn(b, "f", 3);
    assert_int_equal(unlink(scratch_path(&b->scratch, "f")), 0);
    assert_int_equal(plan(b, "f").op, CODI2_DELETE);
    assert_int_equal(plan(b, "g").op, CODI2_NOTHING);
}

static void moved_file_and_folder_are_recognised(void **state)
{
    struct bench *b = *state;
    scratch_mkdir(&b->scratch, "d");
    scratch_write(&b->scratch, "d/f", "x");
    learn(b, "d", 1);
    learn(b, "d/f", 2);
    scratch_rename(&b->scratch, "d", "e");
    struct codi2_step step = plan(b, "e");
    assert_int_equal(step.op, CODI2_MOVE);
    assert_str(step.from, "d");
    assert_int_equal(codi2_index_move(b->index, STR("d"), STR("e")), 0);
    learn(b, "e", 3);
    assert_int_equal(plan(b, "e/f").op, CODI2_NOTHING);
    scratch_rename(&b->scratch, "e/f", "g");
    step = plan(b, "g");
    assert_int_equal(step.op, CODI2_MOVE);
    assert_str(step.from, "e/f");
    assert_false(step.overwrite);
}

static void move_over_a_file_says_so(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "old");
    scratch_write(&b->scratch, "g", "new");
    learn(b, "f", 1);
    learn(b, "g", 2);
    scratch_rename(&b->scratch, "g", "f");
    struct codi2_step step = plan(b, "f");
    assert_int_equal(step.op, CODI2_MOVE);
    assert_str(step.from, "g");
    assert_true(step.overwrite);
}

static void save_by_temporary_file_is_a_write(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "old");
    learn(b, "f", 1);
    scratch_write(&b->scratch, "f.tmp", "newer");
    scratch_rename(&b->scratch, "f.tmp", "f");
    struct codi2_step step = plan(b, "f");
    assert_int_equal(step.op, CODI2_WRITE);
    assert_int_equal(step.base, 1);
}

/* What is unpacked where something was deleted may have its inode, its size, and the time that its origin had. */
static void other_content_is_no_move(void **state)
{
    struct bench *b = *state;
    struct stat facts;
    scratch_write(&b->scratch, "f", "one");
    learn(b, "f", 3);
    assert_int_equal(stat(scratch_path(&b->scratch, "f"), &facts), 0);
    char from[4096];
    (void)snprintf(from, sizeof from, "%s", scratch_path(&b->scratch, "f"));
    assert_int_equal(rename(from, scratch_path(&b->scratch, "g")), 0);
    assert_int_equal(plan(b, "g").op, CODI2_MOVE);
    scratch_write(&b->scratch, "g", "two");
    const struct timespec times[2] = {facts.st_atim, facts.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(&b->scratch, "g"), times, 0), 0);
    assert_int_equal(plan(b, "g").op, CODI2_WRITE);
}

static void hard_link_is_no_move(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    learn(b, "f", 1);
    assert_int_equal(link(scratch_path(&b->scratch, "f"), scratch_path(&b->scratch, "g")), 0);
    assert_int_equal(plan(b, "g").op, CODI2_WRITE);
}

/* Names of one file that the index knows, in the order of bytes: "l000", "l001" and so on. */
static void link_more(struct bench *b, int from, int to)
{
    char name[16];
    for (int i = from; i < to; i++) {
        (void)snprintf(name, sizeof name, "l%03d", i);
        if (i == 0) {
            scratch_write(&b->scratch, name, "x");
        } else {
            assert_int_equal(
                link(scratch_path(&b->scratch, "l000"), scratch_path(&b->scratch, name)), 0);
        }
        learn(b, name, (uint64_t)i + 1);
    }
}

static void one_of_many_names_moves(void **state)
{
    struct bench *b = *state;
    link_more(b, 0, CODI2_MAX_LINKS + 1);
    scratch_rename(&b->scratch, "l008", "to");
    struct codi2_step step = plan(b, "to");
    assert_int_equal(step.op, CODI2_MOVE);
    assert_str(step.from, "l008");
    assert_int_equal(step.base, 9);
    scratch_rename(&b->scratch, "to", "l008");
    link_more(b, CODI2_MAX_LINKS + 1, CODI2_MOST_NAMES_OF_ONE + 1);
    scratch_rename(&b->scratch, "l064", "to"); /* too many: a deletion and a creation */
    assert_int_equal(plan(b, "to").op, CODI2_WRITE);
    assert_int_equal(plan(b, "l064").op, CODI2_DELETE);
}

static void other_kind_makes_room_first(void **state)
{
    struct bench *b = *state;
    scratch_write(&b->scratch, "f", "x");
    learn(b, "f", 1);
    assert_int_equal(unlink(scratch_path(&b->scratch, "f")), 0);
    scratch_mkdir(&b->scratch, "f");
    assert_int_equal(plan(b, "f").op, CODI2_DELETE);
    assert_int_equal(codi2_index_delete(b->index, STR("f")), 0);
    assert_int_equal(plan(b, "f").op, CODI2_MKDIR);
}

static void another_folder_takes_the_place_of_the_old_one(void **state)
{
    struct bench *b = *state;
    scratch_mkdir(&b->scratch, "d");
    scratch_mkdir(&b->scratch, "e");
    learn(b, "d", 1);
    learn(b, "e", 2);
    scratch_rename(&b->scratch, "d", "gone");
    scratch_mkdir(&b->scratch, "d");
    struct codi2_step step = plan(b, "d");
    assert_int_equal(step.op, CODI2_MKDIR);
    assert_true(step.replaced);
    assert_int_equal(step.base, 1);
    assert_int_equal(rmdir(scratch_path(&b->scratch, "d")), 0);
    scratch_rename(&b->scratch, "e", "d"); /* one that is known makes room for itself */
    assert_int_equal(plan(b, "d").op, CODI2_DELETE);
    assert_int_equal(codi2_index_delete(b->index, STR("d")), 0);
    assert_int_equal(plan(b, "d").op, CODI2_MOVE);
}

static void pipes_and_links_out_of_the_tree_are_not_followed(void **state)
{
    struct bench *b = *state;
    assert_int_equal(mkfifo(scratch_path(&b->scratch, "p"), 0600), 0);
    assert_int_equal(plan(b, "p").op, CODI2_NOTHING);
    assert_int_equal(symlink("/etc", scratch_path(&b->scratch, "l")), 0);
    assert_int_equal(plan(b, "l").op, CODI2_LINK);
    assert_int_equal(plan(b, "l/passwd").op, CODI2_NOTHING);
    int fd = -1;
    assert_int_equal(codi2_tree_open_file(&b->scratch.tree, STR("l/passwd"), &fd), ERR_NOT_FOUND);
    assert_int_equal(codi2_tree_open_file(&b->scratch.tree, STR("p"), &fd), ERR_NOT_FOUND);
    assert_int_equal(codi2_tree_open_file(&b->scratch.tree, STR("../etc/passwd"), &fd),
                     ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(new_things_are_created),
        TEST(what_is_known_is_left_alone),
        TEST(changed_content_and_mode_are_written_on_their_base),
        TEST(missing_is_a_deletion_only_if_the_index_knew_it),
        TEST(moved_file_and_folder_are_recognised),
        TEST(move_over_a_file_says_so),
        TEST(save_by_temporary_file_is_a_write),
        TEST(other_content_is_no_move),
        TEST(hard_link_is_no_move),
        TEST(one_of_many_names_moves),
        TEST(other_kind_makes_room_first),
        TEST(another_folder_takes_the_place_of_the_old_one),
        TEST(pipes_and_links_out_of_the_tree_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
