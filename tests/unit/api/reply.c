#include "api/api_int.h"

#include "unit.h"

struct asked {
    struct arena arena;
    struct http_request req;
    struct api_call call;
};

/* What If-Match comes to: the code, or the revisions that it names. */
static int ask(struct asked *a, struct str text, int64_t *ret_revision)
{
    arena_init(&a->arena);
    a->req.arena = &a->arena;
    a->call = (struct api_call){.magic = API_CALL_MAGIC, .req = &a->req};
    return api_if_match(&a->call, text, ret_revision);
}

static void one_tag_or_whatever(void **state)
{
    (void)state;
    struct asked a = {0};
    int64_t revision = 9;
    static const struct {
        const char *text;
        int64_t revision;
    } good[] = {{"", 0}, {"*", 0}, {"\"17\"", 17}, {"\"17\" ", 17}, {"W/\"3\", \"4\"", 4}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ask(&a, str_from(good[i].text), &revision), 0);
        assert_int_equal(revision, good[i].revision);
        assert_int_equal(a.call.data.other_count, 0);
        arena_fini(&a.arena);
    }
    static const char *const others[] = {
        "\"\"",         "17",     "\"0\"", "\"-1\"", "W/\"17\"", "\"17\"x",
        "\"17\"\"18\"", "\"1x\"", "\"",    ",",      "\"17",     "\"9223372036854775808\""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        revision = 5;
        assert_int_equal(ask(&a, str_from(others[i]), &revision), ERR_PRECONDITION);
        assert_int_equal(revision, 5);
        arena_fini(&a.arena);
    }
}

static void several_tags(void **state)
{
    (void)state;
    struct asked a = {0};
    int64_t revision;
    assert_int_equal(ask(&a, STR("\"3\", W/\"4\",\"x\", \"5\""), &revision), 0);
    assert_int_equal(revision, 3);
    assert_true(data_matches(&a.call.data, revision, 3));
    assert_true(data_matches(&a.call.data, revision, 5));
    assert_false(data_matches(&a.call.data, revision, 4));
    arena_fini(&a.arena);
    BUF_AUTO(many, 1024);
    for (int i = 1; i <= API_MAX_TAGS; i++) {
        buf_printf(&many, "%s\"%d\"", i > 1 ? ", " : "", i);
    }
    assert_int_equal(ask(&a, buf_str(&many), &revision), 0);
    assert_true(data_matches(&a.call.data, revision, API_MAX_TAGS));
    assert_false(data_matches(&a.call.data, revision, API_MAX_TAGS + 1));
    arena_fini(&a.arena);
    buf_printf(&many, ", \"x\"");
    assert_int_equal(ask(&a, buf_str(&many), &revision), ERR_INVALID);
    assert_int_equal(a.call.problem.field_count, 1);
    arena_fini(&a.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tag_or_whatever),
        cmocka_unit_test(several_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
