/* The gateway as a browser sees it: whose request is whose, who gets through, and what passes in both directions. */
#include "world.h"

static void the_host_decides(void **state)
{
    struct stand *s = *state;
    assert_int_equal(ask(s, &(struct asked){.path = "/sessions"}), 200);
    assert_true(says("platform GET /sessions"));
    /* The platform's own page leads on from there; no workspace is asked. */
    assert_int_equal(ask(s, &(struct asked){.path = "/ide"}), 200);
    assert_true(says("platform GET /ide"));
    assert_int_equal(ask(s, &(struct asked){.path = "/ide/ses-1/"}), 200);
    assert_true(says("platform GET /ide/ses-1/"));
    /* An IDE's host is never the platform, whoever asks for whatever. */
    struct str host = host_of(s, &s->ada);
    static const char *const paths[] = {"/", "/api/v5/health", "/health", "/ws/x", "/auth/logout"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(ask(s, &(struct asked){.host = host, .path = paths[i]}), 401);
        assert_int_equal(
            ask(s, &(struct asked){.host = host, .path = paths[i], .pass = pass_of(s, &s->ada)}),
            200);
        assert_true(says(arena_printf(&s->p.w.arena, "door GET /ide%s\n", paths[i]).p));
    }
    assert_int_equal(ask(s, &(struct asked){.host = STR("x.ide.coditect.localhost"), .path = "/"}),
                     404);
    assert_true(says("\"code\":\"not_found\""));
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = "*", .method = "OPTIONS"}), 404);
}

static void nobody_gets_through(void **state)
{
    struct stand *s = *state;
    struct str host = host_of(s, &s->ada);
    struct str pass = pass_of(s, &s->ada);
    struct arena *arena = &s->p.w.arena;
    struct auth_visit old = s->ada.visit, other = s->ada.visit;
    old.generation++;
    other.session_id = s->eve.session;
    struct auth_visit mixed =
        s->eve.visit; /* Eve, signed for Ada's session: nobody would sign it */
    mixed.session_id = s->ada.session;
    mixed.generation = s->ada.visit.generation;
    struct str cookies[] = {
        STR_EMPTY,
        STR("x"),
        pass_of(s, &s->eve),
        str_slice(pass, 0, pass.n - 1),
        arena_printf(arena, STR_FMT "x", STR_ARG(pass)),
        arena_printf(arena, STR_FMT "; __Host-coditect-ide=" STR_FMT, STR_ARG(pass), STR_ARG(pass)),
        arena_printf(arena, STR_FMT "; __Host-coditect-ide=x", STR_ARG(pass)),
        arena_printf(arena, "x; coditect-ide=" STR_FMT, STR_ARG(pass)),
        auth_pass_make(s->p.auth, arena, &old),
        auth_pass_make(s->p.auth, arena, &other),
        auth_pass_make(s->p.auth, arena, &mixed),
        auth_ticket_make(s->p.auth, arena, &s->ada.visit),
    };
    for (size_t i = 0; i < sizeof cookies / sizeof *cookies; i++) {
        struct asked a = {.host = host, .path = "/files/", .pass = cookies[i]};
        assert_int_equal(ask(s, &a), 401);
        assert_true(says("\"code\":\"unauthenticated\""));
        assert_true(says("WWW-Authenticate: "));
        a.headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        assert_int_equal(ask(s, &a), 401);
    }
    /* In two lines too. */
    struct asked two = {.host = host, .path = "/", .pass = pass};
    two.headers =
        arena_printf(arena, "Cookie: __Host-coditect-ide=" STR_FMT "\r\n", STR_ARG(pass)).p;
    assert_int_equal(ask(s, &two), 401);
    assert_int_equal(visitors(&s->ada), 0);
    assert_int_equal(visitors(&s->eve), 0);
}

static void a_page_for_people(void **state)
{
    struct stand *s = *state;
    struct asked a = {
        .host = host_of(s, &s->ada), .path = "/", .headers = "Sec-Fetch-Mode: navigate\r\n"};
    assert_int_equal(ask(s, &a), 401);
    assert_true(says("Content-Type: text/html"));
    assert_true(says("default-src 'none'"));
    assert_true(says("frame-ancestors 'self' http://coditect.localhost:8080\r\n"));
    assert_true(says("<h1>This IDE is closed to you</h1>"));
    assert_true(says(arena_printf(&s->p.w.arena,
                                  "href=\"http://coditect.localhost:8080/sessions/" STR_FMT "\"",
                                  STR_ARG(s->ada.session))
                         .p));
    assert_false(says("<script"));
}

static void pages_of_others_do_nothing(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada),
                      .path = "/file-upload",
                      .method = "POST",
                      .pass = pass_of(s, &s->ada)};
    a.headers =
        arena_printf(&s->p.w.arena, "Origin: http://" STR_FMT "\r\n", STR_ARG(host_of(s, &s->eve)))
            .p;
    assert_int_equal(ask(s, &a), 403);
    a.headers = "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\n";
    assert_int_equal(ask(s, &a), 403);
    assert_int_equal(visitors(&s->ada), 0);
    a.headers = arena_printf(&s->p.w.arena, "Origin: http://" STR_FMT "\r\n", STR_ARG(a.host)).p;
    assert_int_equal(ask(s, &a), 200);
}

/* ---- Tickets ---- */

static const char *ticket_path(struct stand *s, const struct auth_visit *visit)
{
    struct str ticket = auth_ticket_make(s->p.auth, &s->p.w.arena, visit);
    struct str url = gateway_ticket_url(&s->p.w.arena, STR("/"), ticket);
    return url.p;
}

/* The cookie that the last reply sets. */
static struct str cookie_set(struct stand *s)
{
    static const char name[] = "Set-Cookie: __Host-coditect-ide=";
    const char *at = strstr(reply_text, name);
    assert_non_null(at);
    struct str line = str_from(at + sizeof name - 1);
    line = str_slice(line, 0, str_find(line, '\r', 0));
    struct str value = str_slice(line, 0, str_find(line, ';', 0));
    assert_str(str_slice(line, value.n, line.n), "; Path=/; HttpOnly; SameSite=Strict; Secure");
    return arena_str(&s->p.w.arena, value);
}

static void a_ticket_leads_in_once(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = ticket_path(s, &s->ada.visit)};
    a.headers =
        "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
    assert_int_equal(ask(s, &a), 303);
    assert_true(says("Location: /\r\n"));
    assert_true(says("Cache-Control: no-store"));
    struct str cookie = cookie_set(s);
    assert_int_equal(ask(s, &a), 401);
    assert_true(says("text/html"));
    assert_false(says("Set-Cookie"));
    assert_int_equal(visitors(&s->ada), 0);
    assert_int_equal(ask(s, &(struct asked){.host = a.host, .path = "/", .pass = cookie}), 200);
    assert_true(says("door GET /ide/\n"));
}

static void a_ticket_renews_from_inside(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = ticket_path(s, &s->ada.visit)};
    a.headers = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n";
    assert_int_equal(ask(s, &a), 204);
    (void)cookie_set(s);
    assert_int_equal(ask(s, &a), 401);
    assert_true(says("application/json"));
}

static void tickets_that_do_not(void **state)
{
    struct stand *s = *state;
    struct str host = host_of(s, &s->ada);
    struct auth_visit old = s->ada.visit;
    old.generation++;
    static const char *const malformed[] = {
        "/coditect/ticket", "/coditect/ticket?ticket=", "/coditect/ticket?ticket=a.b.c",
        "/coditect/ticket?ticket=%zz&ticket=x"};
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = ticket_path(s, &s->eve.visit)}),
                     401);
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = ticket_path(s, &old)}), 401);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(ask(s, &(struct asked){.host = host, .path = malformed[i]}), 401);
    }
    const char *path = ticket_path(s, &s->ada.visit);
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = path, .method = "HEAD"}), 405);
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = path, .method = "POST"}), 405);
    assert_int_equal(ask(s, &(struct asked){.host = host,
                                            .path = path,
                                            .headers = "Sec-Fetch-Site: cross-site\r\n"}),
                     403);
    /* None of that has used it up. */
    assert_int_equal(ask(s, &(struct asked){.host = host, .path = path}), 303);
    assert_int_equal(visitors(&s->ada), 0);
}

/* ---- What passes ---- */

static void headers_that_go_in(void **state)
{
    struct stand *s = *state;
    struct asked a = {
        .host = host_of(s, &s->ada), .path = "/a%20b?c=d&e", .pass = pass_of(s, &s->ada)};
    a.headers =
        "Authorization: Bearer x\r\nX-Coditect-Gateway: forged\r\nX-Forwarded-For: 1.2.3.4\r\n"
        "Cookie: theia-connection-token=shadow; __Host-theia-connection-token=t; other=o\r\n"
        "Accept: text/x\r\n";
    assert_int_equal(ask(s, &a), 200);
    assert_true(says("door GET /ide/a%20b?c=d&e\n"));
    assert_true(says(arena_printf(&s->p.w.arena, "Host: " STR_FMT "\n", STR_ARG(a.host)).p));
    assert_true(says("Cookie: theia-connection-token=t\n"));
    assert_true(says("Accept: text/x\n"));
    static const char *const gone[] = {"Authorization", "forged", "1.2.3.4",
                                       "other=o",       "shadow", "coditect-ide"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        assert_false(says(gone[i]));
    }
}

static void headers_that_go_out(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/hostile", .pass = pass_of(s, &s->ada)};
    assert_int_equal(ask(s, &a), 200);
    assert_true(says("Set-Cookie: __Host-theia-connection-token=t; Path=/; HttpOnly; "
                     "SameSite=Strict; Secure\r\n"));
    assert_true(says("X-Mine: stays\r\n"));
    assert_true(says("Content-Security-Policy: frame-ancestors 'self' "
                     "http://coditect.localhost:8080\r\n"));
    assert_true(says("Origin-Agent-Cluster: ?1\r\n"));
    static const char *const gone[] = {"Domain=", "refresh", "Clear-Site-Data", "X-Frame-Options",
                                       "Strict-Transport"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        assert_false(says(gone[i]));
    }
}

static void bodies_have_a_limit(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada),
                      .path = "/file-upload",
                      .method = "POST",
                      .pass = pass_of(s, &s->ada),
                      .headers = "Content-Length: 17179869185\r\n"};
    assert_int_equal(ask(s, &a), 413);
    assert_true(says("\"code\":\"too_large\""));
    assert_true(says("frame-ancestors"));
    assert_int_equal(visitors(&s->ada), 0);
}

static void nobody_at_the_door(void **state)
{
    struct stand *s = *state;
    http_server_destroy(s->ada.door);
    s->ada.door = NULL;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/x", .pass = pass_of(s, &s->ada)};
    assert_int_equal(ask(s, &a), 502);
    assert_true(says("\"code\":\"bad_gateway\""));
    assert_true(says("Retry-After: 1\r\n"));
    a.headers = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n";
    assert_int_equal(ask(s, &a), 502);
    assert_true(says("<h1>The workspace does not answer</h1>"));
}

/* ---- Files ---- */

static void files_of_the_bundle(void **state)
{
    struct stand *s = *state;
    struct asked a = {.host = host_of(s, &s->ada), .path = "/bundle.js?v=" BUNDLE_HASH};
    assert_int_equal(ask(s, &a), 401);
    a.pass = pass_of(s, &s->ada);
    assert_int_equal(ask(s, &a), 200);
    assert_true(says("\r\n\r\nthe bundle"));
    assert_true(says("immutable"));
    assert_true(says("frame-ancestors"));
    assert_int_equal(visitors(&s->ada), 0);
    /* Another bundle's file, one that is not there, one without a version: the workspace's own. */
    static const char *const others[] = {"/bundle.js?v=other",
                                         ("/none.js?v=" BUNDLE_HASH),
                                         "/bundle.js",
                                         "/",
                                         "/index.html",
                                         "/x?",
                                         "/x?a?b"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        a.path = others[i];
        assert_int_equal(ask(s, &a), 200);
        assert_true(says(arena_printf(&s->p.w.arena, "door GET /ide%s\n", others[i]).p));
    }
}

static void a_bundle_must_be_one(void **state)
{
    struct stand *s = *state;
    struct gateway *g;
    struct gateway_options options = {
        .store = s->p.w.store, .auth = s->p.auth, .local = s->local, .ide_directory = s->data};
    assert_int_equal(gateway_create(&options, &g), ERR_NOT_FOUND);
    make_file(s, "app/lib/frontend/index.html", "<script src=\"./bundle.js\"></script>");
    assert_int_equal(gateway_create(&options, &g), ERR_NOT_FOUND);
    options.ide_directory = NULL;
    options.public_url = "nonsense";
    assert_int_equal(gateway_create(&options, &g), ERR_INVALID);
}

#define STAND(name) cmocka_unit_test_setup_teardown(name, stand_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND(the_host_decides),       STAND(nobody_gets_through),
        STAND(a_page_for_people),      STAND(pages_of_others_do_nothing),
        STAND(a_ticket_leads_in_once), STAND(a_ticket_renews_from_inside),
        STAND(tickets_that_do_not),    STAND(headers_that_go_in),
        STAND(headers_that_go_out),    STAND(bodies_have_a_limit),
        STAND(nobody_at_the_door),     STAND(files_of_the_bundle),
        STAND(a_bundle_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
