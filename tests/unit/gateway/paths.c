/* IDEs told by the path, on a server of their own. */
#include "world.h"

#define SES "ses-01jd5k7c9r3m8xq2w4e6y8t0za"

static struct gateway make_at(const char *public_url, const char *ide_url)
{
    static struct http_static *some = (struct http_static *)(uintptr_t)16; /* "there is an IDE" */
    struct gateway g = {
        .magic = GATEWAY_MAGIC, .files = some, .ide_port = 8081, .platform_port = 8080};
    assert_int_equal(gateway_sites_init(&g, public_url, ide_url), 0);
    return g;
}

static struct gateway make(const char *public_url)
{
    return make_at(public_url, NULL);
}

static int place_of(const struct gateway *g, const char *host, const char *path,
                    struct gateway_place *ret_place)
{
    const struct http_request req = {.host = str_from(host), .path = str_from(path)};
    return gateway_paths_of(g, &req, ret_place);
}

static void places(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway g = make("https://192.0.2.7:8443");
    struct gateway_place place;
    assert_int_equal(place_of(&g, "localhost:8081", "/ide/" SES "/a/b", &place), 0);
    assert_str(place.session_id, SES);
    assert_str(place.base, "/ide/" SES);
    assert_str(place.path, "/a/b");
    assert_true(place.secure);
    assert_str(gateway_site_platform(&place, &arena), "http://localhost:8080");
    assert_int_equal(place_of(&g, "[::1]:8081", "/ide/" SES "/", &place), 0);
    assert_str(gateway_site_platform(&place, &arena), "http://[::1]:8080");
    assert_int_equal(place_of(&g, "192.0.2.7:8081", "/ide/" SES "/", &place), 0);
    assert_str(place.scheme, "https");
    assert_str(gateway_site_platform(&place, &arena), "https://192.0.2.7:8443");
    static const char *const nobody[] = {"/",
                                         "/ide",
                                         "/ide/",
                                         "/ide/" SES,
                                         "/ide/x/",
                                         "/ide//" SES "/",
                                         "/IDE/" SES "/",
                                         "/ide/" SES "x/",
                                         "/api/v5/health",
                                         "/coditect/ticket"};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        assert_int_equal(place_of(&g, "localhost", nobody[i], &place), ERR_NOT_FOUND);
        assert_int_equal(place.session_id.n, 0);
    }
    static const char *const strangers[] = {"",
                                            "example.com",
                                            "192.0.2.8:8081",
                                            "localhost.example",
                                            "127.example.com",
                                            "192.0.2.7.example.com"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        assert_int_equal(place_of(&g, strangers[i], "/ide/" SES "/", &place), ERR_MISDIRECTED);
        assert_str(gateway_site_platform(&place, &arena), "http://localhost:8080");
    }
    gateway_sites_fini(&g);
    g = make("http://192.0.2.7");
    assert_int_equal(place_of(&g, "192.0.2.7:8081", "/ide/" SES "/", &place), 0);
    assert_false(place.secure);
    gateway_sites_fini(&g);
}

static void who_is_sent_there(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway g = make("http://192.0.2.7:8080");
    static const struct {
        const char *host;
        const char *url;
    } rows[] = {
        {"coditect.localhost:8080", "http://" SES ".ide.coditect.localhost:8080/"},
        {"localhost:8080", "http://localhost:8081/ide/" SES "/"},
        {"127.0.0.1:8080", "http://127.0.0.1:8081/ide/" SES "/"},
        {"[::1]:8080", "http://" SES ".ide.coditect.localhost:8080/"},
        {"192.0.2.7:8080", "http://192.0.2.7:8081/ide/" SES "/"},
        {"192.0.2.8:8080", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_str(gateway_ide_url(&g, &arena, str_from(rows[i].host), STR(SES)), rows[i].url);
    }
    assert_string_equal(gateway_frame_sources(&g),
                        "http://*.ide.coditect.localhost:* http://localhost:8081 "
                        "http://127.0.0.1:8081 http://192.0.2.7:8081");
    gateway_sites_fini(&g);
    g = make("https://coditect.example.com");
    assert_str(gateway_ide_url(&g, &arena, STR("coditect.example.com"), STR(SES)),
               "https://" SES ".ide.coditect.example.com/");
    gateway_sites_fini(&g);
}

static const char *below(struct stand *s, const struct resident *r, const char *path)
{
    return arena_printf(&s->p.w.arena, "/ide/" STR_FMT "%s", STR_ARG(r->session), path).p;
}

static void the_whole_way(void **state)
{
    struct stand *s = *state;
    struct str ticket = auth_ticket_make(s->p.auth, &s->p.w.arena, &s->ada.visit);
    struct asked a = {.host = STR("localhost:8081"), .to_paths = true};
    a.path = below(s, &s->ada, "/x");
    assert_int_equal(ask(s, &a), 401);
    a.path = gateway_ticket_url(&s->p.w.arena, str_from(below(s, &s->eve, "/")), ticket).p;
    assert_int_equal(ask(s, &a), 401);
    a.path = gateway_ticket_url(&s->p.w.arena, str_from(below(s, &s->ada, "/")), ticket).p;
    assert_int_equal(ask(s, &a), 303);
    assert_true(says(arena_printf(&s->p.w.arena, "Location: %s\r\n", below(s, &s->ada, "/")).p));
    assert_true(says("Set-Cookie: __Secure-coditect-ide="));
    assert_true(says(arena_printf(&s->p.w.arena, "; Path=%s; HttpOnly; SameSite=Strict; Secure\r\n",
                                  below(s, &s->ada, "/"))
                         .p));
    assert_int_equal(visitors(&s->ada), 0);
    a.pass = pass_of(s, &s->ada);
    a.path = below(s, &s->ada, "/a?b");
    assert_int_equal(ask(s, &a), 200);
    assert_true(says("door GET /ide/a?b\n"));
    assert_true(says("frame-ancestors 'self' http://localhost:8080\r\n"));
    a.path = below(s, &s->ada, "/hostile");
    assert_int_equal(ask(s, &a), 200);
    assert_true(says(arena_printf(&s->p.w.arena,
                                  "Set-Cookie: theia-connection-token=t; Path=%s; HttpOnly; "
                                  "SameSite=Strict; Secure\r\n",
                                  below(s, &s->ada, "/"))
                         .p));
    a.path = below(s, &s->ada, "/bundle.js?v=" BUNDLE_HASH);
    assert_int_equal(ask(s, &a), 200);
    assert_true(says("the bundle"));
    a.path = below(s, &s->eve, "/");
    assert_int_equal(ask(s, &a), 401);
    assert_int_equal(visitors(&s->eve), 0);
}

/* Nothing else is there: not the platform, not an IDE by its host's name alone. */
static void nothing_else(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = STR("localhost:8081"), .to_paths = true, .pass = pass_of(s, &s->ada)};
    static const char *const paths[] = {"/", "/api/v5/health", "/ide/", "/ide/ses-1/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        a.path = paths[i];
        assert_int_equal(ask(s, &a), 404);
    }
    a.host = host_of(s, &s->ada);
    a.path = "/";
    assert_int_equal(ask(s, &a), 404);
    a.host = STR("rebound.example.com");
    a.path = below(s, &s->ada, "/");
    assert_int_equal(ask(s, &a), 421);
    /* The other cookie's name does not count here. */
    a.host = STR("localhost:8081");
    a.headers =
        arena_printf(&s->p.w.arena, "Cookie: __Host-coditect-ide=" STR_FMT "\r\n", STR_ARG(a.pass))
            .p;
    a.pass = STR_EMPTY;
    assert_int_equal(ask(s, &a), 401);
}

#define STAND(name) cmocka_unit_test_setup_teardown(name, stand_up, tear_down)

/* Behind a proxy, at an address of their own. */
static void public_paths(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct gateway g = make_at("https://coditect.example.com", "https://ide.example.com:8443");
    struct gateway_place place;
    const struct str ses = STR(SES);
    assert_str(gateway_ide_url(&g, &arena, STR("coditect.example.com"), ses),
               "https://ide.example.com:8443/ide/" SES "/");
    assert_str(gateway_ide_url(&g, &arena, STR("localhost:8080"), ses),
               "http://localhost:8081/ide/" SES "/");
    assert_non_null(strstr(gateway_frame_sources(&g), " https://ide.example.com:8443"));
    assert_null(strstr(gateway_frame_sources(&g), "coditect.example.com"));
    assert_int_equal(place_of(&g, "ide.example.com:8443", "/ide/" SES "/x", &place), 0);
    assert_str(place.scheme, "https");
    assert_true(place.secure);
    assert_str(gateway_site_platform(&place, &arena), "https://coditect.example.com");
    assert_int_equal(place_of(&g, "coditect.example.com", "/ide/" SES "/x", &place),
                     ERR_MISDIRECTED);
    gateway_sites_fini(&g);
    g = make_at("https://coditect.localhost:443", "https://coditect.localhost:8443");
    assert_str(gateway_ide_url(&g, &arena, STR("coditect.localhost:443"), ses),
               "https://coditect.localhost:8443/ide/" SES "/");
    gateway_sites_fini(&g);
    assert_int_equal(gateway_check_urls("https://a.example.com", "https://a.example.com"),
                     ERR_INVALID);
    assert_int_equal(gateway_check_urls("https://a.example.com", "https://a.example.com:8443"), 0);
    assert_int_equal(gateway_check_urls(NULL, "https://a.example.com:8443"), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(public_paths),
        cmocka_unit_test(who_is_sent_there),
        STAND(the_whole_way),
        STAND(nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
