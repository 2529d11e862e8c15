/* What is not kept: bounded, judged anew with all below, told in order, and no more of it than fits. */
#include "codi2/unkept.h"

#include "unit.h"

static struct str told(const struct codi2_unkept *u, struct codi2_unkept_list list, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_array(&w);
    list.prefix = STR("/w/");
    (void)codi2_unkept_write(u, &list, &w);
    json_array_end(&w);
    return buf_str(out);
}

static const struct codi2_unkept_list everything = {.with_why = true, .most = 10, .room = 4096};
static const struct codi2_unkept_list failures = {.failed = true, .most = 10, .room = 4096};

static void it_tells_in_order_and_why(void **state)
{
    (void)state;
    struct codi2_unkept u;
    codi2_unkept_init(&u);
    assert_true(codi2_unkept_add(&u, STR("pipe"), CODI2_SPECIAL));
    assert_true(codi2_unkept_add(&u, STR("dist"), CODI2_IGNORED));
    assert_false(codi2_unkept_add(&u, STR("dist"), CODI2_IGNORED));
    assert_true(codi2_unkept_add(&u, STR("dist"), CODI2_UNREADABLE));
    assert_true(codi2_unkept_add(&u, STR("big"), CODI2_TOO_LARGE));
    BUF_AUTO(all, 4096);
    assert_str(told(&u, everything, &all), "[{\"path\":\"/w/big\",\"why\":\"too_large\"},"
                                           "{\"path\":\"/w/dist\",\"why\":\"unreadable\"},"
                                           "{\"path\":\"/w/pipe\",\"why\":\"special\"}]");
    BUF_AUTO(failed, 4096);
    assert_str(told(&u, failures, &failed), "[\"/w/big\",\"/w/dist\"]");
    assert_true(codi2_unkept_kept(&u, STR("big")));
    assert_false(codi2_unkept_kept(&u, STR("big")));
    codi2_unkept_fini(&u);
}

static void forgetting_a_folder_forgets_what_is_below(void **state)
{
    (void)state;
    struct codi2_unkept u;
    codi2_unkept_init(&u);
    (void)codi2_unkept_add(&u, STR("a/b"), CODI2_IGNORED);
    (void)codi2_unkept_add(&u, STR("a/c/d"), CODI2_BAD_NAME);
    (void)codi2_unkept_add(&u, STR("ab"), CODI2_IGNORED);
    assert_true(codi2_unkept_forget(&u, STR("a")));
    assert_false(codi2_unkept_forget(&u, STR("a")));
    BUF_AUTO(all, 4096);
    assert_str(told(&u, everything, &all), "[{\"path\":\"/w/ab\",\"why\":\"ignored\"}]");
    codi2_unkept_fini(&u);
}

static void what_is_damaged_is_so_whatever_is_seen_on_the_disk(void **state)
{
    (void)state;
    struct codi2_unkept u;
    codi2_unkept_init(&u);
    assert_true(codi2_unkept_add(&u, STR("a/b"), CODI2_DAMAGED));
    assert_true(codi2_unkept_add(&u, STR("a/c"), CODI2_UNREADABLE));
    assert_false(codi2_unkept_add(&u, STR("a/b"), CODI2_UNREADABLE));
    assert_false(codi2_unkept_kept(&u, STR("a/b")));
    assert_true(codi2_unkept_forget(&u, STR("a")));
    BUF_AUTO(all, 4096);
    assert_str(told(&u, everything, &all), "[{\"path\":\"/w/a/b\",\"why\":\"damaged\"}]");
    BUF_AUTO(failed, 4096);
    assert_str(told(&u, failures, &failed), "[\"/w/a/b\"]");
    assert_false(codi2_unkept_mended(&u, STR("a")));
    assert_true(codi2_unkept_mended(&u, STR("a/b")));
    assert_false(codi2_unkept_mended(&u, STR("a/b")));
    codi2_unkept_fini(&u);
}

static void it_is_bounded_and_says_so(void **state)
{
    (void)state;
    struct codi2_unkept u;
    codi2_unkept_init(&u);
    for (int i = 0; i < CODI2_MAX_NOT_KEPT; i++) {
        BUF_AUTO(path, 16);
        buf_printf(&path, "%05d", i);
        assert_true(codi2_unkept_add(&u, buf_str(&path), CODI2_IGNORED));
    }
    assert_false(u.more);
    assert_true(codi2_unkept_add(&u, STR("x"), CODI2_IGNORED));
    assert_false(
        codi2_unkept_add(&u, STR("y"), CODI2_IGNORED)); /* that there is more is told once */
    assert_true(u.more);
    assert_true(codi2_unkept_add(&u, STR("00000"), CODI2_SPECIAL)); /* what is known may change */
    assert_true(codi2_unkept_add(&u, STR("z"), CODI2_DAMAGED)); /* its own bound is the mirror's */
    BUF_AUTO(all, 4096);
    struct codi2_unkept_list two = everything;
    two.most = 2;
    assert_str(told(&u, two, &all), "[{\"path\":\"/w/00000\",\"why\":\"special\"},"
                                    "{\"path\":\"/w/00001\",\"why\":\"ignored\"}]");
    BUF_AUTO(tight, 4096);
    struct codi2_unkept_list narrow = everything;
    narrow.room = 130;
    assert_str(told(&u, narrow, &tight), "[{\"path\":\"/w/00000\",\"why\":\"special\"}]");
    assert_true(codi2_unkept_forget(&u, STR("")));
    assert_false(u.more);
    codi2_unkept_fini(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_in_order_and_why),
        cmocka_unit_test(forgetting_a_folder_forgets_what_is_below),
        cmocka_unit_test(what_is_damaged_is_so_whatever_is_seen_on_the_disk),
        cmocka_unit_test(it_is_bounded_and_says_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
