/* Which origin: hosts, addresses, and who may ask. */
#include "auth/world.h"
#include "gateway/gateway_int.h"

#define SES "ses-01jd5k7c9r3m8xq2w4e6y8t0za"

static struct gateway make(const char *public_url, const char *ide_url)
{
    static struct http_static *some = (struct http_static *)(uintptr_t)16; /* "there is an IDE" */
    struct gateway g = {.magic = GATEWAY_MAGIC, .files = some};
    assert_int_equal(gateway_sites_init(&g, public_url, ide_url), 0);
    return g;
}

static void expect_session(const struct gateway *g, const char *host, const char *session)
{
    struct gateway_place place;
    if (!gateway_site_of(g, str_from(host), &place)) {
        fail_msg("%s is the platform's", host);
    }
    assert_str(place.session_id, session);
}

static void local_hosts(void **state)
{
    (void)state;
    struct gateway g = make(NULL, NULL);
    expect_session(&g, SES ".ide.coditect.localhost", SES);
    expect_session(&g, SES ".ide.coditect.localhost:8080", SES);
    expect_session(&g, SES ".IDE.Coditect.LOCALHOST:8080", SES);
    /* Below the family, and nobody's: never the platform's. */
    static const char *const nobody[] = {
        "ide.coditect.localhost",
        "IDE.coditect.localhost:80",
        ".ide.coditect.localhost",
        "x.ide.coditect.localhost",
        "x." SES ".ide.coditect.localhost",
        "SES-01JD5K7C9R3M8XQ2W4E6Y8T0ZA.ide.coditect.localhost",
        "usr-01jd5k7c9r3m8xq2w4e6y8t0za.ide.coditect.localhost",
        SES "0.ide.coditect.localhost",
    };
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        expect_session(&g, nobody[i], "");
    }
    static const char *const platform[] = {
        "",
        "localhost",
        "coditect.localhost",
        "coditect.localhost:8080",
        "xide.coditect.localhost",
        SES ".ide.coditect.localhost.",
        SES ".ide.coditect.localhost.evil.example",
        SES ".ide.example.com",
        "127.0.0.1:8080",
        "[::1]:8080",
        ":",
    };
    for (size_t i = 0; i < sizeof platform / sizeof *platform; i++) {
        struct gateway_place place;
        assert_false(gateway_site_of(&g, str_from(platform[i]), &place));
    }
    gateway_sites_fini(&g);
}

static void public_hosts(void **state)
{
    (void)state;
    struct gateway g = make("https://coditect.example.com:8443/", NULL);
    expect_session(&g, SES ".ide.coditect.example.com:8443", SES);
    expect_session(&g, SES ".ide.coditect.localhost:1", SES);
    assert_string_equal(gateway_frame_sources(&g), "http://*.ide.coditect.localhost:* "
                                                   "https://*.ide.coditect.example.com:8443");
    gateway_sites_fini(&g);
    /* The platform itself may lie below the same suffix. */
    g = make("https://coditect.example.com", "https://{session}.example.com");
    expect_session(&g, SES ".example.com", SES);
    expect_session(&g, "other.example.com", "");
    struct gateway_place place;
    assert_false(gateway_site_of(&g, STR("coditect.example.com"), &place));
    assert_false(gateway_site_of(&g, STR("Coditect.EXAMPLE.com"), &place));
    gateway_sites_fini(&g);
}

/* TLS on one machine: plain and public hosts differ in the port alone. */
static void public_local_name(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway g = make("https://coditect.localhost:8443", NULL);
    struct gateway_place place;
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.localhost:8443"), &place));
    assert_str(place.scheme, "https");
    assert_str(gateway_site_platform(&place, &arena), "https://coditect.localhost:8443");
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.localhost:8080"), &place));
    assert_str(place.scheme, "http");
    assert_str(gateway_site_platform(&place, &arena), "http://coditect.localhost:8080");
    assert_str(gateway_ide_url(&g, &arena, STR("coditect.localhost:8443"), STR(SES)),
               "https://" SES ".ide.coditect.localhost:8443/");
    gateway_sites_fini(&g);
}

static void addresses(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct str session = STR(SES);
    struct gateway g =
        make("https://coditect.example.com:8443", "https://{session}.ide.example.com/");
    static const struct {
        const char *host;
        const char *url;
    } rows[] = {
        {"coditect.localhost:8080", "http://" SES ".ide.coditect.localhost:8080/"},
        {"localhost", "http://" SES ".ide.coditect.localhost/"},
        {"127.0.0.1:9000", "http://" SES ".ide.coditect.localhost:9000/"},
        {"[::1]:9000", "http://" SES ".ide.coditect.localhost:9000/"},
        {"[::1]", "http://" SES ".ide.coditect.localhost/"},
        {"Coditect.example.com:8443", "https://" SES ".ide.example.com/"},
        {"elsewhere.example.com", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_str(gateway_ide_url(&g, &arena, str_from(rows[i].host), session), rows[i].url);
    }
    assert_str(gateway_ticket_url(&arena, STR("http://x/"), STR("a.b")),
               "http://x/coditect/ticket?ticket=a.b");
    g.files = NULL; /* no IDE */
    assert_str(gateway_ide_url(&g, &arena, STR("localhost"), session), "");
    gateway_sites_fini(&g);
    /* Below an address in numbers there are no names: its pages have no IDE, local ones do. */
    g = make("http://192.0.2.7:8080", NULL);
    assert_int_equal(g.site_count, 1);
    assert_str(gateway_ide_url(&g, &arena, STR("192.0.2.7:8080"), session), "");
    gateway_sites_fini(&g);
}

static void who_may_frame(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway_place place;
    struct gateway g = make("https://coditect.example.com", NULL);
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.localhost:81"), &place));
    assert_str(gateway_site_platform(&place, &arena), "http://coditect.localhost:81");
    assert_true(place.secure);
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.example.com"), &place));
    assert_str(gateway_site_platform(&place, &arena), "https://coditect.example.com");
    assert_true(place.secure);
    gateway_sites_fini(&g);
    g = make("http://coditect.example.com", NULL);
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.example.com"), &place));
    assert_false(place.secure);
    gateway_sites_fini(&g);
}

static void malformed_addresses(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"coditect.example.com", NULL},
        {"ftp://x.example", NULL},
        {"https://", NULL},
        {"https://x/y", NULL},
        {"https://x y", NULL},
        {"https://x;y", NULL},
        {"https://x:y", NULL},
        {"https://x:", NULL},
        {"https://x:70000", NULL},
        {"https://[::1", NULL},
        {"https://[::1]x", NULL},
        {"https://[g:x.y]", NULL},
        {"https://:80", NULL},
        {"https://X.example", NULL},
        {"https://u@x", NULL},
        {"https://x.example", "https://x.example"},
        {"https://x.example", "https://{session}"},
        {"https://x.example", "https://{session}."},
        {"https://x.example", "https://{session}..x"},
        {"https://x.example", "https://x.{session}.example"},
        {"https://x.example", "https://{session}.x/y"},
        {"https://x.example", "{session}.x.example"},
        {"https://x.example", "https://{session}.192.0.2.7"},
        {"https://x.example", "https://{session}.a.{session}.b"},
        {"https://x.example", "ftp://{session}.x.example"},
        {NULL, "https://{session}.x.example"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gateway g = {.magic = GATEWAY_MAGIC};
        if (gateway_sites_init(&g, rows[i][0], rows[i][1]) != ERR_INVALID) {
            fail_msg("row %zu is taken", i);
        }
        gateway_sites_fini(&g);
    }
    char lengthy[GATEWAY_MAX_URL + 2];
    memset(lengthy, 'a', sizeof lengthy);
    memcpy(lengthy, "https://", 8);
    lengthy[GATEWAY_MAX_URL + 1] = '\0';
    struct gateway g = {.magic = GATEWAY_MAGIC};
    assert_int_equal(gateway_sites_init(&g, lengthy, NULL), ERR_INVALID);
    gateway_sites_fini(&g);
}

/* One request at a local place: its Origin, Sec-Fetch-Site, Sec-Fetch-Mode; NULL: not sent. */
struct asks {
    enum http_method method;
    const char *origin, *site, *mode;
    int result;
};

static int ask(const struct gateway *g, const struct asks *row)
{
    const char *const names[] = {"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"};
    const char *const values[] = {row->origin, row->site, row->mode};
    struct http_header headers[3];
    struct http_request req = {.method = row->method, .headers = headers};
    for (size_t i = 0; i < 3; i++) {
        if (values[i]) {
            headers[req.header_count++] =
                (struct http_header){str_from(names[i]), str_from(values[i])};
        }
    }
    struct gateway_place place;
    assert_true(gateway_site_of(g, STR(SES ".ide.coditect.localhost:81"), &place));
    return gateway_site_permits(&place, &req);
}

static void who_may_ask(void **state)
{
    (void)state;
    struct gateway g = make(NULL, NULL);
    static const char own[] = "http://" SES ".ide.coditect.localhost:81";
    static const struct asks rows[] = {
        {HTTP_GET, NULL, NULL, NULL, 0},
        {HTTP_POST, own, "same-origin", "cors", 0},
        {HTTP_GET, own, "same-origin", "websocket", 0},
        {HTTP_GET, NULL, "none", "navigate", 0},
        {HTTP_GET, NULL, "same-site", "navigate", 0},  /* the frame's start */
        {HTTP_GET, NULL, "cross-site", "navigate", 0}, /* a link */
        {HTTP_GET, NULL, "same-site", "no-cors", ERR_FORBIDDEN},
        {HTTP_GET, NULL, "same-site", NULL, ERR_FORBIDDEN},
        {HTTP_GET, NULL, "cross-site", "cors", ERR_FORBIDDEN},
        {HTTP_GET, NULL, "new-word", "cors", ERR_FORBIDDEN},
        {HTTP_POST, NULL, "same-site", "navigate", ERR_FORBIDDEN},
        {HTTP_POST, "null", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_POST, "", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_POST, "http://coditect.localhost:81", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_POST, "https://" SES ".ide.coditect.localhost:81", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_POST, "http://" SES ".ide.coditect.localhost", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_POST, "http://" SES ".ide.coditect.localhost:811", NULL, NULL, ERR_FORBIDDEN},
        {HTTP_GET, "http://ses-01jd5k7c9r3m8xq2w4e6y8t0zb.ide.coditect.localhost:81", "same-site",
         "websocket", ERR_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (ask(&g, &rows[i]) != rows[i].result) {
            fail_msg("row %zu", i);
        }
    }
    const struct http_header two[] = {{STR("Origin"), str_from(own)},
                                      {STR("Origin"), str_from(own)}};
    const struct http_request req = {.headers = two, .header_count = 2};
    struct gateway_place place;
    assert_true(gateway_site_of(&g, STR(SES ".ide.coditect.localhost:81"), &place));
    assert_int_equal(gateway_site_permits(&place, &req), ERR_FORBIDDEN);
    gateway_sites_fini(&g);
}

static bool page(enum http_method method, const char *name, const char *value)
{
    const struct http_header header = {str_from(name), str_from(value)};
    const struct http_request req = {.method = method, .headers = &header, .header_count = 1};
    return gateway_site_is_page(&req);
}

static void pages(void **state)
{
    (void)state;
    assert_true(page(HTTP_GET, "Sec-Fetch-Mode", "navigate"));
    assert_true(page(HTTP_GET, "Accept", "text/html,*/*"));
    assert_false(page(HTTP_GET, "Sec-Fetch-Mode", "cors"));
    assert_false(page(HTTP_GET, "Accept", "*/*"));
    assert_false(page(HTTP_POST, "Accept", "text/html"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_hosts),         cmocka_unit_test(public_hosts),
        cmocka_unit_test(public_local_name),   cmocka_unit_test(addresses),
        cmocka_unit_test(who_may_frame),       cmocka_unit_test(who_may_ask),
        cmocka_unit_test(malformed_addresses), cmocka_unit_test(pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
