/* The index: subtrees move and go together, bytes sort as bytes, and another tree's index is not believed. */
#include "codi2/index.h"
#include "base/time.h"

#include "codi2/bench.h"

static void put(struct bench *b, struct str path, uint64_t inode)
{
    struct codi2_entry entry = {.path = path, .version = inode + 100};
    entry.look = (struct codi2_look){
        .kind = CODI2_FILE, .mode = 0644, .size = 5, .inode = inode, .mtime = -7, .ctime = 8};
    memset(entry.hash.bytes, 0xab, sizeof entry.hash.bytes);
    assert_int_equal(codi2_index_put(b->index, &entry), 0);
}

static bool has(struct bench *b, const char *path)
{
    struct codi2_entry entry;
    int error = codi2_index_get(b->index, &b->arena, str_from(path), &entry);
    assert_true(error == 0 || error == ERR_NOT_FOUND);
    return error == 0;
}

static void entry_comes_back_as_it_was(void **state)
{
    struct bench *b = *state;
    struct str path = str_of("a/\xff\xfe b", 6);
    put(b, path, 3);
    struct codi2_entry entry;
    assert_int_equal(codi2_index_get(b->index, &b->arena, path, &entry), 0);
    assert_true(str_eq(entry.path, path));
    assert_int_equal(entry.version, 103);
    assert_int_equal(entry.look.mtime, -7);
    assert_int_equal(entry.look.size, 5);
    assert_int_equal(entry.hash.bytes[31], 0xab);
}

static void all_names_of_an_inode_come_page_by_page(void **state)
{
    struct bench *b = *state;
    char name[8];
    put(b, STR("other"), 2);
    for (unsigned n = 0; n < 2 * CODI2_MAX_LINKS + 1; n++) {
        (void)snprintf(name, sizeof name, "a%02u", n);
        put(b, str_from(name), 1);
    }
    struct codi2_links links = {.inode = 1};
    struct codi2_entries page;
    unsigned n = 0;
    do {
        assert_int_equal(codi2_index_by_inode(b->index, &b->arena, &links, &page), 0);
        for (size_t at = 0; at < page.count; at++, n++) {
            (void)snprintf(name, sizeof name, "a%02u", n);
            assert_str(page.at[at].path, name);
            links.after = page.at[at].path;
        }
    } while (page.count == CODI2_MAX_LINKS);
    assert_int_equal(n, 2 * CODI2_MAX_LINKS + 1);
}

static void subtree_moves_and_goes_without_its_neighbours(void **state)
{
    struct bench *b = *state;
    const char *const paths[] = {"a", "a-", "a/b", "a/b/c", "a0", "ab"};
    for (uint64_t i = 0; i < 6; i++) {
        put(b, str_from(paths[i]), i + 1);
    }
    assert_int_equal(codi2_index_move(b->index, STR("a"), STR("x/y")), 0);
    assert_true(has(b, "x/y") && has(b, "x/y/b") && has(b, "x/y/b/c"));
    assert_true(has(b, "a-") && has(b, "a0") && has(b, "ab"));
    assert_false(has(b, "a") || has(b, "a/b"));
    assert_int_equal(codi2_index_delete(b->index, STR("x/y")), 0);
    assert_false(has(b, "x/y") || has(b, "x/y/b/c"));
    assert_true(has(b, "ab"));
}

static void times_without_room_are_the_nearest(void **state)
{
    (void)state;
    struct codi2_look look;
    struct stat facts = {.st_mode = S_IFREG | 0644, .st_mtim = {-2, 500000000}};
    assert_true(codi2_look_of(&facts, &look));
    assert_true(look.mtime == -1500000000 && codi2_look_time(&look) == -1500000);
    facts.st_mtim = (struct timespec){INT64_MAX, 999999999};
    assert_true(codi2_look_of(&facts, &look));
    assert_true(look.mtime == 9223372035999999999);
    facts.st_mtim = (struct timespec){INT64_MIN, 0};
    assert_true(codi2_look_of(&facts, &look));
    assert_true(look.mtime == -9223372035000000000);
}

static void what_came_later_stays_with_its_folders(void **state)
{
    struct bench *b = *state;
    const char *const paths[] = {"a", "a-", "a/b", "a/b/old", "a/c", "a/c/old", "a/b/new"};
    for (uint64_t i = 0; i < 7; i++) {
        put(b, str_from(paths[i]), i + 1);
    }
    assert_int_equal(codi2_index_delete_older(b->index, STR("a"), 106), 0);
    assert_true(has(b, "a") && has(b, "a/b") && has(b, "a/b/new") && has(b, "a-"));
    assert_false(has(b, "a/b/old") || has(b, "a/c") || has(b, "a/c/old"));
    struct codi2_entry entry;
    assert_int_equal(codi2_index_get(b->index, &b->arena, STR("a/b"), &entry), 0);
    assert_int_equal(entry.look.inode, 0);
    assert_int_equal(codi2_index_get(b->index, &b->arena, STR("a/b/new"), &entry), 0);
    assert_int_equal(entry.look.inode, 7);
    assert_int_equal(codi2_index_delete_older(b->index, STR("a"), 107), 0);
    assert_false(has(b, "a") || has(b, "a/b/new"));
    assert_true(has(b, "a-"));
    assert_int_equal(codi2_index_delete_older(b->index, STR("a-"), UINT64_MAX), 0);
    assert_false(has(b, "a-"));
}

static uint64_t fact(struct bench *b, const char *name)
{
    uint64_t value;
    assert_int_equal(codi2_index_fact(b->index, name, &value), 0);
    return value;
}

static void what_another_store_said_is_forgotten(void **state)
{
    struct bench *b = *state;
    static const char *const facts[] = {"seq", "heard", "compared", "held_back"};
    uint64_t disk = fact(b, "disk");
    put(b, STR("a"), 7);
    put(b, STR("a/old"), 5);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(codi2_index_set_fact(b->index, facts[i], 9), 0);
    }
    assert_int_equal(codi2_index_forget(b->index, 77), 0);
    assert_false(has(b, "a") || has(b, "a/old"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fact(b, facts[i]), 0);
    }
    assert_int_equal(fact(b, "store"), 77);
    assert_int_equal(fact(b, "disk"), disk);
}

static bool came_later(struct bench *b, const char *path, uint64_t version)
{
    bool is = false;
    const struct codi2_entry than = {.path = str_from(path), .version = version};
    assert_int_equal(codi2_index_older_came_later(b->index, &b->arena, &than, &is), 0);
    return is;
}

/* Moved folders keep the versions of what is in them. */
static void a_folder_that_came_later_is_told_by_what_is_in_it(void **state)
{
    struct bench *b = *state;
    put(b, STR("a"), 1);
    put(b, STR("a/p"), 9);
    put(b, STR("a/p/c"), 3);
    put(b, STR("a-/p"), 9);
    put(b, STR("a-/c"), 3);
    assert_true(came_later(b, "a", 105) && came_later(b, "a", 103));
    assert_false(came_later(b, "a", 102) || came_later(b, "a", 109) || came_later(b, "a-", 105));
    assert_false(came_later(b, "a/p", 105) || came_later(b, "a", UINT64_MAX));
}

static struct codi2_entries below(struct bench *b, struct str folder, struct str after)
{
    struct codi2_entries page;
    struct codi2_span span = {.folder = folder, .after = after};
    assert_int_equal(codi2_index_below(b->index, &b->arena, &span, &page), 0);
    return page;
}

static void pages_of_a_subtree_are_in_byte_order(void **state)
{
    struct bench *b = *state;
    const char *const paths[] = {"d", "d-", "d/a", "d/b", "d/b/c", "e"};
    for (uint64_t i = 0; i < 6; i++) {
        put(b, str_from(paths[i]), i + 1);
    }
    struct codi2_entries page = below(b, STR("d"), STR(""));
    assert_int_equal(page.count, 4);
    assert_str(page.at[0].path, "d");
    assert_str(page.at[1].path, "d/a");
    assert_str(page.at[3].path, "d/b/c");
    assert_int_equal(below(b, STR("d"), STR("d/b")).count, 1);
    assert_int_equal(below(b, STR(""), STR("")).count, 6);
}

static void a_large_folder_comes_in_pages(void **state)
{
    struct bench *b = *state;
    assert_int_equal(codi2_index_begin(b->index), 0);
    for (uint64_t i = 0; i < CODI2_PAGE + 10; i++) {
        put(b, arena_printf(&b->arena, "f%04u", (unsigned)i), i + 1);
    }
    assert_int_equal(codi2_index_commit(b->index), 0);
    struct codi2_entries page = below(b, STR(""), STR(""));
    assert_int_equal(page.count, CODI2_PAGE);
    assert_int_equal(below(b, STR(""), page.at[CODI2_PAGE - 1].path).count, 10);
}

static void index_survives_and_another_tree_empties_it(void **state)
{
    struct bench *b = *state;
    bool fresh = true;
    put(b, STR("f"), 1);
    assert_int_equal(codi2_index_set_fact(b->index, "seq", UINT64_C(1) << 40), 0);
    codi2_index_close(b->index);
    assert_int_equal(codi2_index_open(b->scratch.index, b->scratch.root, &b->index, &fresh), 0);
    uint64_t seq;
    assert_false(fresh);
    assert_true(has(b, "f"));
    assert_int_equal(codi2_index_fact(b->index, "seq", &seq), 0);
    assert_int_equal(seq, UINT64_C(1) << 40);
    codi2_index_close(b->index);
    assert_int_equal(codi2_index_open(b->scratch.index, b->scratch.index, &b->index, &fresh), 0);
    assert_true(fresh);
    assert_false(has(b, "f"));
    assert_int_equal(codi2_index_fact(b->index, "seq", &seq), 0);
    assert_int_equal(seq, 0);
}

/* A folder that is made where one was deleted often gets the same inode: the time of birth tells them apart. */
static void folder_made_anew_is_another_tree(void **state)
{
    struct bench *b = *state;
    bool fresh = false;
    codi2_index_close(b->index);
    scratch_mkdir(&b->scratch, "t");
    char tree[512];
    (void)snprintf(tree, sizeof tree, "%s", scratch_path(&b->scratch, "t"));
    assert_int_equal(codi2_index_open(b->scratch.index, tree, &b->index, &fresh), 0);
    put(b, STR("f"), 1);
    codi2_index_close(b->index);
    assert_int_equal(rmdir(tree), 0);
    scratch_mkdir(&b->scratch, "t");
    assert_int_equal(codi2_index_open(b->scratch.index, tree, &b->index, &fresh), 0);
    assert_true(fresh);
}

static void a_look_just_after_a_change_proves_nothing(void **state)
{
    (void)state;
    const struct codi2_look now = {.kind = CODI2_FILE, .size = 3, .mtime = 7, .ctime = 7000000000};
    struct codi2_look other = now;
    other.size = 4;
    for (int64_t ms = 0; ms <= 1000; ms += 1000) {
        struct codi2_look look = now;
        time_test_set(7 * USEC_PER_SEC + ms * USEC_PER_MS, 1);
        codi2_look_doubt(&look);
        assert_int_equal(codi2_look_same(&look, &now), ms == 1000);
        assert_int_equal(codi2_look_alike(&look, &now), ms == 0);
        assert_false(codi2_look_alike(&look, &other));
        look = now;
        codi2_look_doubt_since(&look, 2 * USEC_PER_SEC);
        assert_true(codi2_look_alike(&look, &now));
    }
    time_test_real();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(entry_comes_back_as_it_was),
        TEST(all_names_of_an_inode_come_page_by_page),
        TEST(subtree_moves_and_goes_without_its_neighbours),
        TEST(what_came_later_stays_with_its_folders),
        TEST(what_another_store_said_is_forgotten),
        TEST(a_folder_that_came_later_is_told_by_what_is_in_it),
        TEST(pages_of_a_subtree_are_in_byte_order),
        TEST(a_large_folder_comes_in_pages),
        TEST(index_survives_and_another_tree_empties_it),
        TEST(folder_made_anew_is_another_tree),
        cmocka_unit_test(times_without_room_are_the_nearest),
        cmocka_unit_test(a_look_just_after_a_change_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
