/*
 * The gateway's life, and its applications: a request whose host is an IDE's is answered here, every other one by the
 * application behind; and a second one, without any behind, for IDEs told by the path. Whose a request is is found out from
 * host and path alone, each time anew: it is a comparison of strings, and so a request's `user` is of whom answers it.
 *
 * The order for an IDE's request: whose origin asks → the cookie's signature → listed as open → the store → file or door.
 */
#include "base/mem.h"
#include "gateway/gateway_int.h"

/* ---- Life ---- */

int gateway_create(const struct gateway_options *options, struct gateway **ret_gateway)
{
    ASSERT(options->store && options->auth && options->local);
    ASSERT(options->ide_port == 0 || options->platform_port != 0);
    struct gateway *g = MEM_NEW(struct gateway);
    g->magic = GATEWAY_MAGIC;
    g->store = options->store;
    g->auth = options->auth;
    g->local = options->local;
    g->ide_port = options->ide_port;
    g->platform_port = options->platform_port;
    gateway_opens_init(&g->opens);
    int r = gateway_sites_init(g, options->public_url, options->ide_url);
    if (r == 0 && options->ide_directory) {
        r = gateway_files_open(g, options->ide_directory);
    }
    if (r < 0) {
        gateway_destroy(g);
        return r;
    }
    *ret_gateway = g;
    return 0;
}

void gateway_destroy(struct gateway *g)
{
    if (!g) {
        return;
    }
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    gateway_opens_fini(&g->opens);
    http_static_close(g->files);
    mem_free(g->bundle);
    gateway_sites_fini(g);
    g->magic = 0;
    mem_free(g);
}

/* ---- The applications ---- */

/*
 * Whose request this is. 0: an IDE's, ret_place says which; ERR_NOT_FOUND, ERR_MISDIRECTED: nobody's, and ret_place can say
 * so; 1: the next application's.
 */
static int find_place(const struct gateway_front *f, const struct http_request *req,
                      struct gateway_place *ret_place)
{
    ASSERT_MAGIC(f->gateway, GATEWAY_MAGIC);
    if (!f->next) {
        return gateway_paths_of(f->gateway, req, ret_place);
    }
    if (!gateway_site_of(f->gateway, req->host, ret_place)) {
        return 1;
    }
    ret_place->path = req->path;
    bool found = ret_place->session_id.n > 0 && str_starts(req->path, STR("/"));
    return found ? 0 : ERR_NOT_FOUND;
}

static int route(void *ctx, struct http_request *req, struct http_route *ret)
{
    const struct gateway_front *f = ctx;
    struct gateway_place place;
    int r = find_place(f, req, &place);
    if (r < 0) {
        return r;
    }
    if (r > 0) {
        return f->next->route(f->next->ctx, req, ret);
    }
    req->user = ARENA_NEW(req->arena, struct gateway_visit);
    ret->lane = gateway_files_has(f->gateway, req) ? HTTP_STREAM : HTTP_WORK;
    /* By cookie: behind a proxy all peers are one. Made-up cookies are answered before they take time. */
    struct str cookie = http_header(req, "Cookie");
    ret->key = map_hash(cookie.n > 0 ? cookie : req->peer);
    ret->upgrade = true;
    ret->max_body = GATEWAY_MAX_UPLOAD;
    return 0;
}

/* The request is somebody's who may: to a file or to the door. */
static int serve(struct http_request *req, struct http_response *res,
                 const struct gateway_place *place, const struct gateway_open *open)
{
    if (gateway_files_has(place->gateway, req)) {
        gateway_answer_headers(place, req, res);
        int r = gateway_files_serve(place->gateway, req, res, place->path);
        if (r != ERR_NOT_FOUND) {
            return r;
        }
        http_reset(res);
    }
    return gateway_relay(req, res, &(struct gateway_relay){.place = place, .tag = open->tag});
}

static int answer(struct gateway *g, struct http_request *req, struct http_response *res,
                  const struct gateway_place *place)
{
    struct gateway_visit *visit = req->user;
    struct auth_visit who;
    if (str_eq(place->path, STR(GATEWAY_TICKET_PATH))) {
        return gateway_visit_begin(g, req, res, place);
    }
    int r = gateway_site_permits(place, req);
    if (r == 0) {
        r = gateway_visit_read(g, req, place, &who);
    }
    r = r < 0 ? r : gateway_visit_count(g, req, &who, &visit->limit);
    if (r < 0) {
        return r;
    }
    visit->socket = gateway_visit_is_socket(req);
    r = gateway_open_begin(g, &who, visit->socket, &visit->open);
    if (r == 0) {
        r = gateway_visit_stands(g, &who);
    }
    return r < 0 ? r : serve(req, res, place, visit->open);
}

static void handle(void *ctx, struct http_request *req, struct http_response *res)
{
    const struct gateway_front *f = ctx;
    struct gateway_place place;
    int r = find_place(f, req, &place);
    if (r > 0) {
        f->next->handle(f->next->ctx, req, res);
        return;
    }
    if (r == 0) {
        r = answer(f->gateway, req, res, &place);
        gateway_denied(f->gateway, req, &place, r);
    }
    if (r < 0) {
        gateway_answer_failure(&place, req, res, r);
    }
}

static void answer_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    const struct gateway_front *f = ctx;
    struct gateway_place place;
    if (find_place(f, req, &place) > 0) {
        f->next->error(f->next->ctx, req, code, res);
    } else {
        gateway_answer_failure(&place, req, res, code);
    }
}

static void finish(void *ctx, struct http_request *req, const struct http_outcome *outcome)
{
    const struct gateway_front *f = ctx;
    struct gateway_place place;
    if (find_place(f, req, &place) <= 0) {
        const struct gateway_visit *visit = req->user;
        if (visit && visit->open) {
            gateway_open_end(f->gateway, visit->open, visit->socket);
        }
    } else if (f->next->finish) {
        f->next->finish(f->next->ctx, req, outcome);
    }
}

static struct http_app app_of(struct gateway_front *f)
{
    return (struct http_app){
        .ctx = f, .route = route, .handle = handle, .error = answer_error, .finish = finish};
}

struct http_app gateway_app(struct gateway *g, const struct http_app *next)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    ASSERT(!g->by_host.gateway && next);
    g->by_host = (struct gateway_front){.gateway = g, .next = next};
    return app_of(&g->by_host);
}

struct http_app gateway_paths_app(struct gateway *g)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    ASSERT(!g->by_path.gateway && g->ide_port != 0);
    g->by_path = (struct gateway_front){.gateway = g};
    return app_of(&g->by_path);
}
