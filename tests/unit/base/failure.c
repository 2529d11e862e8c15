/* The body of a refusal: the error's own words or others, and what stands between. */
#include "base/failure.h"
#include "base/err.h"
#include "unit.h"

static void body(void **state)
{
    (void)state;
    BUF_AUTO(out, 1024);
    struct json_writer w;
    json_writer_init(&w, &out);
    failure_begin(&w, ERR_NOT_FOUND, STR_EMPTY);
    failure_end(&w, STR("req-1"));
    ARENA_AUTO(arena);
    struct str text = arena_printf(&arena,
                                   "{\"success\":false,\"error\":{\"code\":\"not_found\","
                                   "\"message\":\"%s\",\"request_id\":\"req-1\"}}",
                                   err_row(ERR_NOT_FOUND)->text);
    assert_true(str_eq(buf_str(&out), text));
}

static void other_words_and_more(void **state)
{
    (void)state;
    BUF_AUTO(out, 1024);
    struct json_writer w;
    json_writer_init(&w, &out);
    failure_begin(&w, ERR_INVALID, STR("The \"name\" is missing."));
    json_member_integer(&w, "more", 1);
    failure_end(&w, STR_EMPTY);
    assert_string_equal(buf_z(&out),
                        "{\"success\":false,\"error\":{\"code\":\"invalid\",\"message\":"
                        "\"The \\\"name\\\" is missing.\",\"more\":1,\"request_id\":\"\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body),
        cmocka_unit_test(other_words_and_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
