#include "api/api_int.h"

#include "unit.h"

#define SES "ses-01jd5k7c9r3m8xq2w4e6y8t0za"
#define BASE "/api/v5/sessions/" SES

static const char *route_of(const char *method, const char *path)
{
    struct api_match match;
    int r = api_match(str_from(method), str_from(path), &match);
    return r < 0 ? err_name(r) : match.route->id;
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *want;
    } rows[] = {
        {"GET", "/health", "health"},
        {"HEAD", "/health", "health"},
        {"GET", "/api/v5/health", "health"},
        {"GET", "/sessions", "not_found"},
        {"GET", "/api/v5/sessions", "sessions_list"},
        {"POST", "/api/v5/sessions", "sessions_create"},
        {"PATCH", "/api/v5/sessions", "method_not_allowed"},
        {"GET", "/api/v5/sessions/", "not_found"},
        {"GET", "/api/v5//sessions", "not_found"},
        {"GET", BASE, "sessions_get"},
        {"GET", BASE "/", "not_found"},
        {"GET", "/api/v5/sessions/related", "not_found"},
        {"GET", "/api/v5/sessions/ses-x", "not_found"},
        {"POST", BASE "/open", "sessions_open"},
        {"GET", BASE "/open", "method_not_allowed"},
        {"GET", BASE "/files", "files_list"},
        {"GET", BASE "/files/", "files_get"},
        {"GET", BASE "/files/a/b/c", "files_get"},
        {"POST", BASE "/files/a", "method_not_allowed"},
        {"POST", BASE "/files:mkdir", "files_mkdir"},
        {"GET", BASE "/files:mkdir", "method_not_allowed"},
        {"GET", BASE "/files:other", "not_found"},
        {"GET", BASE "/history/a:restore", "files_history"},
        {"POST", BASE "/history/a:restore", "files_restore"},
        {"POST", BASE "/history/a", "method_not_allowed"},
        {"GET", "/api/v5", "not_found"},
        {"GET", "/api/v5/", "not_found"},
        {"GET", "", "not_found"},
        {"OPTIONS", "*", "not_found"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(route_of(rows[i].method, rows[i].path), rows[i].want);
    }
}

static void values(void **state)
{
    (void)state;
    struct api_match match;
    assert_int_equal(api_match(STR("GET"), STR(BASE "/files/a/%20b"), &match), 0);
    assert_str(api_match_value(&match, "session_id"), SES);
    assert_str(api_match_value(&match, "path"), "a/%20b");
    assert_dies(api_match_value(&match, "other"));
    assert_int_equal(api_match(STR("POST"), STR(BASE "/history/a:restore:restore"), &match), 0);
    assert_str(api_match_value(&match, "path"), "a:restore");
}

static void allowed(void **state)
{
    (void)state;
    BUF_AUTO(list, 256);
    api_match_allowed(STR(BASE), &list);
    assert_str(buf_str(&list), "GET, HEAD, PUT, DELETE, OPTIONS");
    buf_clear(&list);
    api_match_allowed(STR("/api/v5/nothing"), &list);
    assert_int_equal(list.n, 0);
}

static void ours(void **state)
{
    (void)state;
    assert_true(api_match_is_ours(STR("/api")));
    assert_true(api_match_is_ours(STR("/api/v9/x")));
    assert_true(api_match_is_ours(STR("/health")));
    assert_true(api_match_is_ours(STR("/ws/x")));
    assert_false(api_match_is_ours(STR("/apis")));
    assert_false(api_match_is_ours(STR("/")));
    assert_false(api_match_is_ours(STR("/sessions/x")));
    assert_false(
        api_match_is_ours(STR("/ide/x"))); /* the web app leads from there to the session */
}

/* Every row is reached by an address made from its own segments, and by no other row. */
static void every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < API_ROUTE_COUNT; i++) {
        const struct api_route *row = &api_routes[i];
        BUF_AUTO(path, 512);
        buf_add(&path, STR("/api/v5"));
        for (size_t s = 0; s < row->segment_count; s++) {
            const struct api_segment *segment = &row->segments[s];
            buf_byte(&path, '/');
            if (segment->kind == API_SEGMENT_REST) {
                buf_add(&path, STR("x/y"));
            }
            if (segment->kind == API_SEGMENT_PARAM) {
                buf_printf(&path, "%s-01jd5k7c9r3m8xq2w4e6y8t0za", segment->prefix);
            } else {
                buf_add(&path, segment->text);
            }
        }
        struct api_match match;
        assert_int_equal(api_match(row->method, buf_str(&path), &match), 0);
        assert_ptr_equal(match.route, row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(values),    cmocka_unit_test(allowed),
        cmocka_unit_test(ours),      cmocka_unit_test(every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
