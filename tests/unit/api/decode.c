#include "api/api_int.h"

#include "unit.h"

/* A request to a route of the real table, decoded. */
struct sample {
    const char *method;
    const char *path;
    const char *query;
    const char *body;
    const char *header; /* name of one more header */
    const char *value;
};

static struct arena arena;
static struct http_header headers[2];
static struct http_request request;
static struct api_call call;
static void *in;

static int decode(const struct sample *s)
{
    arena_reset(&arena);
    headers[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[1] = (struct http_header){str_from(s->header), str_from(s->value)};
    request = (struct http_request){
        .method_text = str_from(s->method),
        .path = str_from(s->path),
        .query = str_from(s->query),
        .body = str_from(s->body),
        .headers = headers,
        .header_count = s->header != NULL ? 2 : 1,
        .arena = &arena,
    };
    call = (struct api_call){.magic = API_CALL_MAGIC, .req = &request};
    int r = api_match(request.method_text, request.path, &call.match);
    assert_int_equal(r, 0);
    call.route = call.match.route;
    in = arena_alloc(&arena, call.route->in_size);
    return api_decode(&call, in);
}

#define DECODE(...) decode(&(struct sample){__VA_ARGS__})

static bool blames(const char *name)
{
    for (size_t i = 0; i < call.problem.field_count; i++) {
        if (str_eq(call.problem.fields[i].name, str_from(name))) {
            return true;
        }
    }
    return false;
}

#define SES "ses-01jd5k7c9r3m8xq2w4e6y8t0za"
#define FILES "/api/v5/sessions/" SES "/files"
#define REGISTER .method = "POST", .path = "/api/v5/auth/register"

static void a_good_body(void **state)
{
    (void)state;
    assert_int_equal(DECODE(REGISTER, .body = "{\"email\":\"a@b.c\",\"password\":\"12345678\"}"),
                     0);
    const struct api_auth_register_in *got = in;
    assert_str(got->email, "a@b.c");
    assert_str(got->password, "12345678");
    assert_false(got->has_name);
    assert_false(got->cookie);
    assert_int_equal(
        DECODE(REGISTER, .body = "{\"email\":\"a@b.c\",\"password\":\"12345678\",\"cookie\":true}"),
        0);
    got = in;
    assert_true(got->cookie && got->has_cookie);
}

static void everything_wrong_is_named(void **state)
{
    (void)state;
    assert_int_equal(DECODE(REGISTER, .body = "{\"email\":7,\"password\":1,\"cookie\":1,"
                                              "\"role\":\"owner\"}"),
                     ERR_INVALID);
    assert_int_equal(call.problem.field_count, 4);
    assert_true(blames("email") && blames("cookie") && blames("role") && blames("password"));
    assert_int_equal(DECODE(REGISTER, .body = "{}"), ERR_INVALID);
    assert_true(blames("email") && !blames("password"));
    assert_int_equal(DECODE(REGISTER), ERR_INVALID);
    assert_true(blames("body"));
}

static void bodies_that_are_no_object(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "[]", "1", "\"x\"", "null", "{", "{}{}", "{\"a\":1,\"a\":1}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(DECODE(REGISTER, .body = bodies[i]), ERR_INVALID);
        assert_true(blames("body"));
    }
}

static void the_type_of_a_body(void **state)
{
    (void)state;
    (void)DECODE(REGISTER, .body = "{}");
    headers[0].value = STR("text/plain");
    call.problem.field_count = 0;
    assert_int_equal(api_decode(&call, in), ERR_UNSUPPORTED_TYPE);
    headers[0].value = STR("Application/JSON ; charset=utf-8");
    call.problem.field_count = 0;
    assert_int_equal(api_decode(&call, in), ERR_INVALID);
}

static void lengths_are_code_points(void **state)
{
    (void)state;
#define EIGHT \
    "\xF0\x9F\x99\x82\xF0\x9F\x99\x82\xF0\x9F\x99\x82\xF0\x9F\x99\x82" \
    "\xF0\x9F\x99\x82\xF0\x9F\x99\x82\xF0\x9F\x99\x82\xF0\x9F\x99\x82"
    assert_int_equal(DECODE(REGISTER, .body = "{\"email\":\"a@b.c\",\"password\":\"" EIGHT "\"}"),
                     0);
    assert_int_equal(
        DECODE(REGISTER,
               .body = "{\"email\":\"a@b.c\",\"password\":\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"}"),
        ERR_INVALID);
    assert_true(blames("password"));
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *email;
        int want;
    } rows[] = {
        {"a@b", 0},
        {"a.b+c@d.e", 0},
        {"\xC3\xA9@b.c", 0},
        {"@b.c", ERR_INVALID},
        {"a@", ERR_INVALID},
        {"a@b@c", ERR_INVALID},
        {"a b@c.d", ERR_INVALID},
        {"abc", ERR_INVALID},
        {"a\\u0000@b.c", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"12345678\"}",
                       rows[i].email);
        assert_int_equal(DECODE(REGISTER, .body = body), rows[i].want);
    }
}

static void query_parameters(void **state)
{
    (void)state;
    assert_int_equal(DECODE("GET", FILES, "path=a%2Fb+c&recursive=true&limit=7"), 0);
    const struct api_files_list_in *got = in;
    assert_str(got->path, "a/b+c");
    assert_true(got->recursive);
    assert_int_equal(got->limit, 7);
    assert_str(got->session_id, SES);

    assert_int_equal(DECODE("GET", FILES, ""), 0);
    got = in;
    assert_int_equal(got->limit, 100);
    assert_false(got->has_path);

    static const struct {
        const char *query;
        const char *blamed;
    } rows[] = {
        {"limit=0", "limit"},
        {"limit=1001", "limit"},
        {"limit=-1", "limit"},
        {"limit=", "limit"},
        {"limit=9223372036854775808", "limit"},
        {"limit=1&limit=1", "limit"},
        {"recursive=1", "recursive"},
        {"x=1", "x"},
        {"path=%zz", "query"},
        {"path=..", "path"},
        {"path=a%00", "path"},
        {"path=/a", "path"},
        {"cursor=a.b", "cursor"},
        {"cursor=", "cursor"},
        {"path=a&path_b64=YQ", "path_b64"},
        {"path_b64=YQ==", "path_b64"},
        {"path_b64=Li4", "path_b64"},
        {"path_b64=YR", "path_b64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(DECODE("GET", FILES, rows[i].query), ERR_INVALID);
        assert_true(blames(rows[i].blamed));
    }
    assert_int_equal(DECODE("GET", FILES, "path_b64=_w"), 0);
    got = in;
    assert_true(got->has_path);
    assert_str(got->path, "\xFF");
}

static void too_many_parameters(void **state)
{
    (void)state;
    char query[33 * 5 + 1] = "";
    for (size_t i = 0; i < 33; i++) {
        memcpy(query + i * 5, "x=aa&", 6);
    }
    assert_int_equal(DECODE("GET", FILES, query), ERR_INVALID);
    assert_true(blames("query"));
    assert_true(call.problem.field_count <= API_MAX_FIELD_ERRORS);
}

static void more_errors_than_are_told(void **state)
{
    (void)state;
    char body[1024] = "{";
    size_t n = 1;
    for (int i = 0; i < 40; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "%s\"f%d\":1", i > 0 ? "," : "", i);
    }
    (void)snprintf(body + n, sizeof body - n, "}");
    assert_int_equal(DECODE(REGISTER, .body = body), ERR_INVALID);
    assert_int_equal(call.problem.field_count, API_MAX_FIELD_ERRORS);
}

static void rest_of_the_path(void **state)
{
    (void)state;
    assert_int_equal(DECODE("GET", FILES "/a%20b/c%25d"), 0);
    const struct api_files_get_in *got = in;
    assert_str(got->path, "a b/c%d");
    static const char *const bad[] = {"/",       "/a/",     "//a",    "/.",    "/..",
                                      "/a/../b", "/%2e%2e", "/a%2Fb", "/a%2fb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", FILES, bad[i]);
        assert_int_equal(DECODE("GET", path), ERR_INVALID);
        assert_true(blames("path"));
    }
    assert_int_equal(
        DECODE("POST", "/api/v5/sessions/" SES "/history/a:b:restore", .body = "{\"version\":3}"),
        0);
    const struct api_files_restore_in *restore = in;
    assert_str(restore->path, "a:b");
    assert_int_equal(restore->version, 3);
    assert_int_equal(
        DECODE("POST", "/api/v5/sessions/" SES "/history/a:restore", .body = "{\"version\":1.5}"),
        ERR_INVALID);
}

static void two_forms_of_a_path(void **state)
{
    (void)state;
    assert_int_equal(DECODE("POST", FILES ":move", .body = "{\"from_b64\":\"_w\",\"to\":\"b\"}"),
                     0);
    const struct api_files_move_in *got = in;
    assert_str(got->from, "\xFF");
    assert_str(got->to, "b");
    assert_int_equal(DECODE("POST", FILES ":move", .body = "{\"to\":\"b\"}"), ERR_INVALID);
    assert_true(blames("from"));
    assert_int_equal(DECODE("POST", FILES ":mkdir", .body = "{\"path\":\"a\",\"path_b64\":\"YQ\"}"),
                     ERR_INVALID);
    assert_int_equal(DECODE("POST", FILES ":mkdir", .body = "{\"path\":\"\"}"), ERR_INVALID);
}

static void header_fields(void **state)
{
    (void)state;
    assert_int_equal(DECODE("GET", FILES "/a", .header = "if-none-match", .value = "\"7\""), 0);
    const struct api_files_get_in *got = in;
    assert_str(got->if_none_match, "\"7\"");
    char wide[202];
    memset(wide, 'k', 201);
    wide[201] = '\0';
    assert_int_equal(DECODE("POST", "/api/v5/sessions", .body = "{\"name\":\"x\"}",
                            .header = "Idempotency-Key", .value = wide),
                     ERR_INVALID);
    assert_true(blames("Idempotency-Key"));
}

static void no_body_is_taken_where_none_is_described(void **state)
{
    (void)state;
    assert_int_equal(DECODE("POST", "/api/v5/sessions/" SES "/open"), 0);
    assert_int_equal(DECODE("POST", "/api/v5/sessions/" SES "/open", .body = "{}"), 0);
    assert_int_equal(DECODE("POST", "/api/v5/sessions/" SES "/open", .body = "{\"a\":1}"),
                     ERR_INVALID);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_body),
        cmocka_unit_test(everything_wrong_is_named),
        cmocka_unit_test(bodies_that_are_no_object),
        cmocka_unit_test(the_type_of_a_body),
        cmocka_unit_test(lengths_are_code_points),
        cmocka_unit_test(addresses),
        cmocka_unit_test(query_parameters),
        cmocka_unit_test(too_many_parameters),
        cmocka_unit_test(more_errors_than_are_told),
        cmocka_unit_test(rest_of_the_path),
        cmocka_unit_test(two_forms_of_a_path),
        cmocka_unit_test(header_fields),
        cmocka_unit_test(no_body_is_taken_where_none_is_described),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
