/* Whose token a request for a socket came with, and which requests may become one. */
#include "api/api_int.h"

#include "unit.h"

enum { MOST = 8 };

struct asked {
    struct http_request req;
    struct http_header headers[MOST];
};

static void add(struct asked *a, const char *name, const char *value)
{
    assert_true(a->req.header_count < MOST);
    a->headers[a->req.header_count++] = (struct http_header){str_from(name), str_from(value)};
    a->req.headers = a->headers;
}

static struct str token_of(const char *authorization, const char *protocols, const char *more)
{
    struct asked a = {.req = {.method = HTTP_GET}};
    struct str token = STR("none");
    if (authorization) {
        add(&a, "Authorization", authorization);
    }
    if (protocols) {
        add(&a, "sec-websocket-protocol", protocols);
    }
    if (more) {
        add(&a, "Sec-WebSocket-Protocol", more);
    }
    int r = api_socket_token(&a.req, &token);
    assert_true(r == 0 || (r == ERR_NOT_FOUND && str_eq(token, STR("none"))));
    return token;
}

static void tokens(void **state)
{
    (void)state;
    assert_str(token_of("Bearer a.b", NULL, NULL), "a.b");
    assert_str(token_of("Bearer a.b", "coditect.v5", NULL), "a.b");
    assert_str(token_of(NULL, "coditect.v5, coditect.bearer.a.b", NULL), "a.b");
    assert_str(token_of(NULL, "coditect.bearer.a.b,coditect.v5", NULL), "a.b");
    assert_str(token_of(NULL, "coditect.v5", "coditect.bearer.a.b"), "a.b");
    assert_str(token_of(NULL, NULL, NULL), "none");
    assert_str(token_of(NULL, "coditect.v5", NULL), "none");
    assert_str(token_of(NULL, "coditect.bearer.", NULL), "none");
    assert_str(token_of(NULL, "Coditect.Bearer.a.b", NULL), "none");
    assert_str(token_of(NULL, "coditect.bearer.a,coditect.bearer.a", NULL), "none");
    assert_str(token_of(NULL, "coditect.bearer.a", "coditect.bearer.b"), "none");
    assert_str(token_of("Bearer a.b", "coditect.bearer.a.b", NULL), "none");
    assert_str(token_of("Basic a.b", NULL, NULL), "none");
}

static void long_tokens(void **state)
{
    (void)state;
    char text[sizeof "coditect.bearer." + AUTH_TOKEN_MAX + 1] = "coditect.bearer.";
    size_t begin = strlen(text);
    memset(text + begin, 'a', AUTH_TOKEN_MAX);
    assert_int_equal(token_of(NULL, text, NULL).n, AUTH_TOKEN_MAX);
    memset(text + begin, 'a', AUTH_TOKEN_MAX + 1);
    assert_str(token_of(NULL, text, NULL), "none");
}

/* A handshake from a page of this origin; NULL: from no page. */
static struct asked handshake(const char *origin)
{
    struct asked a = {.req = {.method = HTTP_GET, .host = STR("localhost:8080")}};
    add(&a, "Connection", "keep-alive, Upgrade");
    add(&a, "Upgrade", "WebSocket");
    add(&a, "Sec-WebSocket-Version", "13");
    if (origin) {
        add(&a, "Origin", origin);
    }
    return a;
}

static int check(struct asked *a, struct str *ret_protocol)
{
    static const char *const cors[] = {"https://tools.example.com"};
    struct api api = {.cors_origins = cors, .cors_count = 1};
    assert_int_equal(api_origin_init(&api.origin, STR_EMPTY), 0);
    a->req.headers = a->headers;
    struct api_call call = {.api = &api, .req = &a->req};
    int r = api_socket_check(&call, ret_protocol);
    assert_true((r < 0) == (call.problem.message.n > 0));
    return r;
}

static void origins(void **state)
{
    static const struct {
        const char *origin;
        int expected;
    } rows[] = {
        {NULL, 0},
        {"http://localhost:8080", 0},
        {"https://tools.example.com", 0},
        {"http://localhost:8081", ERR_FORBIDDEN},
        {"https://localhost:8080", ERR_FORBIDDEN},
        {"http://ses-x.ide.localhost:8080", ERR_FORBIDDEN},
        {"https://tools.example.com.evil.example", ERR_FORBIDDEN},
        {"null", ERR_FORBIDDEN},
        {"", ERR_FORBIDDEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str protocol;
        struct asked a = handshake(rows[i].origin);
        assert_int_equal(check(&a, &protocol), rows[i].expected);
        add(&a, "Origin", "http://localhost:8080");
        assert_int_equal(check(&a, &protocol), rows[i].origin ? ERR_FORBIDDEN : 0);
    }
}

static void handshakes(void **state)
{
    (void)state;
    struct str protocol = STR("x");
    struct asked a = handshake(NULL);
    assert_int_equal(check(&a, &protocol), 0);
    assert_int_equal(protocol.n, 0);
    add(&a, "Sec-WebSocket-Protocol", "coditect.bearer.a, coditect.v5");
    assert_int_equal(check(&a, &protocol), 0);
    assert_str(protocol, "coditect.v5");
    for (size_t i = 0; i < 3; i++) {
        struct asked b = handshake(NULL);
        b.headers[i].value = STR("12");
        assert_int_equal(check(&b, &protocol), ERR_INVALID);
    }
    struct asked head = handshake(NULL);
    head.req.method = HTTP_HEAD;
    assert_int_equal(check(&head, &protocol), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),
        cmocka_unit_test(long_tokens),
        cmocka_unit_test(origins),
        cmocka_unit_test(handshakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
