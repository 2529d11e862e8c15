/*
 * A gateway between a platform that only says so, and doors that say what they were asked: real servers and sockets, real
 * accounts and sessions in a memory store. Bytes as they are on the wire.
 */
#ifndef UNIT_GATEWAY_WORLD_H
#define UNIT_GATEWAY_WORLD_H

#include <sys/socket.h>
#include <sys/stat.h>

#include "auth/world.h"
#include "base/fd.h"
#include "gateway/gateway_int.h"
#include "net/net.h"
#include "sessions/sessions.h"
#include "workspaces/workspaces.h"

#define UNUSED __attribute__((unused))
#define BUNDLE_HASH "0123abcd"

/* A person with a running session. */
struct resident {
    struct data_context ctx;
    struct str session;
    struct auth_visit visit;
    struct http_server *door; /* NULL: nobody listens */
};

struct stand {
    struct people p;
    char data[64];
    struct workspaces_local *local;
    struct gateway *gateway;
    struct http_app platform, front_app, paths_app, door_app;
    struct http_server *front;
    struct http_server *paths; /* the server of its own, for IDEs told by the path */
    char address[32], paths_address[32];
    struct resident ada, eve;
};

/* ---- Applications that say what they were asked ---- */

UNUSED static int any_route(void *ctx, struct http_request *req, struct http_route *ret)
{
    (void)ctx;
    (void)req;
    *ret =
        (struct http_route){.lane = HTTP_WORK, .upgrade = true, .max_body = HTTP_MAX_BUFFERED_BODY};
    return 0;
}

UNUSED static void say_error(void *ctx, struct http_request *req, int code,
                             struct http_response *res)
{
    (void)req;
    http_status(res, err_row(code)->status);
    buf_printf(http_body_buf(res), "%s: %s", (const char *)ctx, err_name(code));
}

UNUSED static void opened(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    assert_int_equal(http_socket_send(socket, true, STR("hello")), 0);
}

UNUSED static void message(void *ctx, struct http_socket *socket, bool text, struct str data)
{
    (void)ctx;
    (void)text;
    (void)socket;
    (void)data;
}

UNUSED static void writable(void *ctx, struct http_socket *socket)
{
    (void)ctx;
    (void)socket;
}

UNUSED static void closed(void *ctx, struct http_socket *socket, int code)
{
    (void)ctx;
    (void)socket;
    (void)code;
}

UNUSED static void say_request(void *ctx, struct http_request *req, struct http_response *res)
{
    static const struct http_socket_handler handler = {opened, message, writable, closed};
    if (str_ends(req->path, STR("/socket")) &&
        http_websocket(req, res, &(struct http_socket_options){.handler = &handler}) == 0) {
        return;
    }
    if (str_ends(req->path, STR("/hostile"))) {
        http_set(res, "Set-Cookie", STR("theia-connection-token=t; Path=/; HttpOnly"));
        http_set(res, "Set-Cookie", STR("theia-connection-token=x; Domain=coditect.localhost"));
        http_set(res, "Set-Cookie", STR("__Host-coditect-refresh=x; Path=/; Secure"));
        http_set(res, "Clear-Site-Data", STR("\"cookies\""));
        http_set(res, "X-Frame-Options", STR("DENY"));
        http_set(res, "Strict-Transport-Security", STR("max-age=1; includeSubDomains"));
        http_set(res, "X-Mine", STR("stays"));
    }
    struct buf *out = http_body_buf(res);
    buf_printf(out, "%s " STR_FMT " " STR_FMT "\n", (const char *)ctx, STR_ARG(req->method_text),
               STR_ARG(req->target));
    for (size_t i = 0; i < req->header_count; i++) {
        buf_printf(out, STR_FMT ": " STR_FMT "\n", STR_ARG(req->headers[i].name),
                   STR_ARG(req->headers[i].value));
    }
}

UNUSED static struct http_app saying(const char *name)
{
    return (struct http_app){.ctx = (void *)(uintptr_t)name,
                             .route = any_route,
                             .handle = say_request,
                             .error = say_error};
}

/* ---- The stand ---- */

UNUSED static struct http_server *serve(const char *address, const struct http_app *application)
{
    const char *const listen[] = {address, NULL};
    struct http_server *server;
    assert_int_equal(
        http_server_start(
            &(struct http_server_options){.listen = listen, .app = application, .loops = 1},
            &server),
        0);
    return server;
}

UNUSED static void make_directory(struct arena *arena, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)mkdir(arena_str(arena, str_of(path, (size_t)(slash - path))).p, 0755);
    }
}

UNUSED static void make_file(struct stand *s, const char *name, const char *text)
{
    struct str path = arena_printf(&s->p.w.arena, "%s/%s", s->data, name);
    make_directory(&s->p.w.arena, path.p);
    FILE *file = fopen(path.p, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

UNUSED static void open_door(struct stand *s, struct resident *r)
{
    struct str path = workspaces_local_door(s->local, &s->p.w.arena, r->session);
    make_directory(&s->p.w.arena, path.p);
    r->door = serve(arena_printf(&s->p.w.arena, "unix:%s", path.p).p, &s->door_app);
}

/* The session wanted running, once more or for the first time. */
UNUSED static void resident_open(struct resident *r)
{
    struct sessions_view view;
    r->ctx.op = store_op_new();
    assert_int_equal(sessions_open(&r->ctx, r->session, &view), 0);
    r->visit = (struct auth_visit){
        .scope = r->ctx.scope, .session_id = r->session, .generation = view.workspace.generation};
}

UNUSED static void move_in(struct stand *s, struct resident *r, const char *email)
{
    struct sessions_view view;
    r->ctx = people_request_of(&s->p, email);
    r->ctx.op = store_op_new();
    const struct sessions_create_input in = {.name = STR("A")};
    assert_int_equal(sessions_create(&r->ctx, &in, &view), 0);
    r->session = arena_str(&s->p.w.arena, view.session.id);
    resident_open(r);
    open_door(s, r);
}

UNUSED static int stand_up(void **state)
{
    static struct stand stand;
    struct stand *s = &stand;
    *s = (struct stand){.platform = saying("platform"), .door_app = saying("door")};
    people_init(&s->p, "memory", NULL);
    time_test_real(); /* servers wait on real sockets */
    (void)snprintf(s->data, sizeof s->data, "/tmp/unit-gateway-XXXXXX");
    assert_non_null(mkdtemp(s->data));
    make_file(s, "bundle/app/lib/frontend/index.html",
              "<script src=\"./bundle.js?v=" BUNDLE_HASH "\"></script>");
    make_file(s, "bundle/app/lib/frontend/bundle.js", "the bundle");
    s->local = workspaces_local_create(NULL, s->data);
    const struct gateway_options options = {.store = s->p.w.store,
                                            .auth = s->p.auth,
                                            .local = s->local,
                                            .ide_directory =
                                                arena_printf(&s->p.w.arena, "%s/bundle", s->data).p,
                                            .ide_port = 8081,
                                            .platform_port = 8080};
    assert_int_equal(gateway_create(&options, &s->gateway), 0);
    s->front_app = gateway_app(s->gateway, &s->platform);
    s->front = serve("127.0.0.1:0", &s->front_app);
    (void)snprintf(s->address, sizeof s->address, "127.0.0.1:%u", http_server_port(s->front, 0));
    s->paths_app = gateway_paths_app(s->gateway);
    s->paths = serve("127.0.0.1:0", &s->paths_app);
    (void)snprintf(s->paths_address, sizeof s->paths_address, "127.0.0.1:%u",
                   http_server_port(s->paths, 0));
    move_in(s, &s->ada, "ada@example.com");
    move_in(s, &s->eve, "eve@example.com");
    *state = s;
    return 0;
}

UNUSED static int tear_down(void **state)
{
    struct stand *s = *state;
    gateway_stop(s->gateway);
    http_server_drain(s->front, 5 * USEC_PER_SEC);
    http_server_drain(s->paths, 5 * USEC_PER_SEC);
    http_server_destroy(s->front);
    http_server_destroy(s->paths);
    http_server_destroy(s->ada.door);
    http_server_destroy(s->eve.door);
    gateway_destroy(s->gateway);
    workspaces_local_destroy(s->local);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->data);
    assert_int_equal(system(command), 0);
    people_fini(&s->p);
    return 0;
}

/* ---- Requests ---- */

/* What goes out, and what comes back, all of it. */
struct asked {
    const char *method; /* NULL: GET */
    struct str host;    /* empty: the platform's */
    const char *path;
    const char *headers; /* lines with CRLF; NULL: none */
    struct str pass;     /* of the IDE's cookie; empty: none */
    bool to_paths;       /* to the server of its own */
};

static char reply_text[256 * 1024];

UNUSED static int stand_connect(const char *to)
{
    struct net_address address;
    int fd;
    assert_int_equal(net_address_parse(str_from(to), &address), 0);
    assert_int_equal(net_connect_until(&address, time_monotonic() + 5 * USEC_PER_SEC, &fd), 0);
    return fd;
}

UNUSED static void stand_send(struct stand *s, int fd, const struct asked *a)
{
    BUF_AUTO(out, 64 * 1024);
    buf_printf(&out, "%s %s HTTP/1.1\r\nHost: " STR_FMT "\r\n%s", a->method ? a->method : "GET",
               a->path, STR_ARG(a->host.n ? a->host : STR("coditect.localhost")),
               a->headers ? a->headers : "");
    if (a->pass.n) {
        buf_printf(&out, "Cookie: %s-coditect-ide=" STR_FMT "\r\n",
                   a->to_paths ? "__Secure" : "__Host", STR_ARG(a->pass));
    }
    buf_add(&out, STR("\r\n"));
    assert_int_equal(send(fd, out.p, out.n, MSG_NOSIGNAL), (ssize_t)out.n);
    (void)s;
}

/* Reads until `until` stands in what came, or to the end; false: neither within the time. */
UNUSED static bool stand_read(int fd, const char *until, usec_t patience)
{
    usec_t deadline = time_monotonic() + patience;
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, reply_text + n, sizeof reply_text - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
        reply_text[n] = '\0';
        if (got == 0 || (until && memmem(reply_text, n, until, strlen(until)))) {
            return true;
        }
        if (got < 0 && net_wait(fd, false, deadline) != 0) {
            return false;
        }
    }
}

/* One request on a connection of its own; its status, the rest in reply_text. */
UNUSED static int ask(struct stand *s, const struct asked *a)
{
    struct asked last = *a;
    last.headers =
        arena_printf(&s->p.w.arena, "%sConnection: close\r\n", a->headers ? a->headers : "").p;
    FD_AUTO int fd = stand_connect(a->to_paths ? s->paths_address : s->address);
    stand_send(s, fd, &last);
    assert_true(stand_read(fd, NULL, 10 * USEC_PER_SEC));
    int status = 0;
    assert_int_equal(sscanf(reply_text, "HTTP/1.1 %d", &status), 1);
    return status;
}

UNUSED static bool says(const char *text)
{
    return strstr(reply_text, text) != NULL;
}

UNUSED static struct str host_of(struct stand *s, const struct resident *r)
{
    return arena_printf(&s->p.w.arena, STR_FMT ".ide.coditect.localhost:8080", STR_ARG(r->session));
}

UNUSED static struct str pass_of(struct stand *s, const struct resident *r)
{
    return auth_pass_make(s->p.auth, &s->p.w.arena, &r->visit);
}

/* Connections that a door has ever seen. */
UNUSED static uint64_t visitors(const struct resident *r)
{
    struct http_server_stats stats;
    http_server_read_stats(r->door, &stats);
    return stats.connections;
}

#endif
