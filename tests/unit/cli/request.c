/* Requests as they go out, by rows like the generated ones. */
#include "cli/cli_int.h"

#include "unit.h"

struct in {
    struct str session_id;
    struct str path;
    bool recursive;
    bool has_recursive;
    int64_t limit;
    bool has_limit;
    struct str cursor;
    bool has_cursor;
    struct str name;
    bool has_name;
};

#define AT(field) .at = offsetof(struct in, field), .has_at = offsetof(struct in, has_##field)

static const struct cli_field fields[] = {
    {.name = "session_id",
     .source = CLI_IN_PATH,
     .kind = CLI_STRING,
     .prefix = "ses",
     .required = true,
     .at = offsetof(struct in, session_id)},
    {.name = "path",
     .source = CLI_IN_PATH,
     .kind = CLI_STRING,
     .prefix = "",
     .required = true,
     .rest = true,
     .at = offsetof(struct in, path)},
    {.name = "recursive", .source = CLI_IN_QUERY, .kind = CLI_BOOLEAN, .prefix = "", AT(recursive)},
    {.name = "limit", .source = CLI_IN_QUERY, .kind = CLI_INTEGER, .prefix = "", AT(limit)},
    {.name = "cursor", .source = CLI_IN_QUERY, .kind = CLI_STRING, .prefix = "", AT(cursor)},
    {.name = "name",
     .source = CLI_IN_BODY,
     .kind = CLI_STRING,
     .prefix = "",
     .b64 = "name_b64",
     AT(name)},
};
static const struct cli_operation operation = {
    .method = "POST",
    .path = STR("/sessions/{session_id}/history/{path}:restore"),
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
};

static const char id[] = "ses-01jd5k7c9r3m8xq2w4e6y8t0za";

static int target(const struct in *in, struct buf *out)
{
    struct cli_run run = {0};
    buf_init(&run.problem, 4096);
    struct cli_call call = {.operation = &operation, .in = in};
    int r = cli_request_target(&run, &call, out);
    buf_fini(&run.problem);
    return r;
}

static void an_address_is_bytes_encoded(void **state)
{
    (void)state;
    BUF_AUTO(out, 4096);
    struct in in = {.session_id = str_from(id), .path = STR("a b/ü#?%\xff/../x")};
    assert_int_equal(target(&in, &out), 0);
    assert_str(buf_str(&out), "/sessions/ses-01jd5k7c9r3m8xq2w4e6y8t0za/history/"
                              "a%20b/%C3%BC%23%3F%25%FF/../x:restore");
}

static void a_query_has_what_is_given(void **state)
{
    (void)state;
    BUF_AUTO(out, 4096);
    struct in in = {.session_id = str_from(id),
                    .path = STR("x"),
                    .has_recursive = true,
                    .limit = 7,
                    .has_limit = true,
                    .cursor = STR("a&b=c"),
                    .has_cursor = true};
    assert_int_equal(target(&in, &out), 0);
    assert_true(
        str_ends(buf_str(&out), STR("/x:restore?recursive=false&limit=7&cursor=a%26b%3Dc")));
}

static void what_is_no_id_leads_nowhere(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "ses-",
                                      "../../auth/devices",
                                      "ses-01jd5k7c9r3m8xq2w4e6y8t0z",
                                      "ses-01jd5k7c9r3m8xq2w4e6y8t0zaa",
                                      "log-01jd5k7c9r3m8xq2w4e6y8t0za",
                                      "ses-01jd5k7c9r3m8xq2w4e6y8t0z/",
                                      "SES-01jd5k7c9r3m8xq2w4e6y8t0za",
                                      "ses-01jd5k7c9r3m8xq2w4e6y8t0zu"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        BUF_AUTO(out, 4096);
        struct in in = {.session_id = str_from(bad[i]), .path = STR("x")};
        assert_int_equal(target(&in, &out), ERR_INVALID);
    }
}

static void a_path_must_not_be_empty(void **state)
{
    (void)state;
    BUF_AUTO(out, 16 * 1024);
    static char long_path[4098];
    memset(long_path, 'a', sizeof long_path - 1);
    struct in in = {.session_id = str_from(id), .path = STR("")};
    assert_int_equal(target(&in, &out), ERR_INVALID);
    in.path = str_of(long_path, 4097);
    assert_int_equal(target(&in, &out), ERR_INVALID);
    buf_clear(&out);
    in.path = str_of(long_path, 4096);
    assert_int_equal(target(&in, &out), 0);
}

static void body(struct str name, const char *expected)
{
    BUF_AUTO(out, 4096);
    struct in in = {.name = name, .has_name = true};
    struct cli_call call = {.operation = &operation, .in = &in};
    assert_int_equal(cli_request_body(NULL, &call, &out), 0);
    assert_str(buf_str(&out), expected);
}

static void bytes_that_are_no_text_go_as_base64(void **state)
{
    (void)state;
    body(STR("\"ü\n"), "{\"name\":\"\\\"ü\\n\"}");
    body(str_of("a\xff", 2), "{\"name_b64\":\"Yf8\"}");
}

/* Where nothing else says bytes, something else would be sent in their place. */
static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    static const struct cli_field text = {
        .name = "name", .source = CLI_IN_BODY, .kind = CLI_STRING, .prefix = "", AT(name)};
    static const struct cli_operation plain = {.fields = &text, .field_count = 1};
    struct cli_run run = {0};
    buf_init(&run.problem, 4096);
    BUF_AUTO(out, 4096);
    struct in in = {.name = str_of("a\xff", 2), .has_name = true};
    struct cli_call call = {.operation = &plain, .in = &in};
    assert_int_equal(cli_request_body(&run, &call, &out), ERR_INVALID);
    assert_str(buf_str(&run.problem), "name must be UTF-8");
    in.has_name = false;
    assert_int_equal(cli_request_body(&run, &call, &out), 0);
    buf_fini(&run.problem);
}

static void nothing_said_is_an_empty_object(void **state)
{
    (void)state;
    BUF_AUTO(out, 64);
    struct cli_call call = {.operation = &operation};
    assert_int_equal(cli_request_body(NULL, &call, &out), 0);
    assert_str(buf_str(&out), "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_bytes_encoded),
        cmocka_unit_test(a_query_has_what_is_given),
        cmocka_unit_test(what_is_no_id_leads_nowhere),
        cmocka_unit_test(a_path_must_not_be_empty),
        cmocka_unit_test(bytes_that_are_no_text_go_as_base64),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(nothing_said_is_an_empty_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
