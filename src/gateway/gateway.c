/*
 * The gateway's life, and its application: a request whose host is an IDE's is answered here, every other one by the
 * application behind. Which of the two is found out from the host alone, each time anew: it is a comparison of strings, and so
 * a request's `user` is always of whom answers it.
 *
 * The order for an IDE's request: whose origin asks → the cookie's signature → listed as open → the store → file or door.
 */
#include "base/mem.h"
#include "gateway/gateway_int.h"

/* ---- Life ---- */

int gateway_create(const struct gateway_options *options, struct gateway **ret_gateway)
{
    ASSERT(options->store && options->auth && options->local);
    struct gateway *g = MEM_NEW(struct gateway);
    g->magic = GATEWAY_MAGIC;
    g->store = options->store;
    g->auth = options->auth;
    g->local = options->local;
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

/* ---- The application ---- */

struct visit {
    struct gateway_open *open; /* NULL: not known whose, yet */
};

static bool is_ide_path(struct str path)
{
    return str_eq(path, STR("/ide")) || str_starts(path, STR("/ide/"));
}

static int route(void *ctx, struct http_request *req, struct http_route *ret)
{
    struct gateway *g = ctx;
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_place place;
    if (!gateway_site_of(g, req->host, &place)) {
        return is_ide_path(req->path) ? ERR_NOT_FOUND : g->next->route(g->next->ctx, req, ret);
    }
    if (place.session_id.n == 0 || !str_starts(req->path, STR("/"))) {
        return ERR_NOT_FOUND;
    }
    req->user = ARENA_NEW(req->arena, struct visit);
    ret->lane = gateway_files_has(g, req) ? HTTP_STREAM : HTTP_WORK;
    ret->key = map_hash(req->peer);
    ret->upgrade = true;
    ret->max_body = GATEWAY_MAX_UPLOAD;
    return 0;
}

/* The request is somebody's who may: to a file or to the door. */
static int serve(struct gateway *g, struct http_request *req, struct http_response *res,
                 const struct gateway_place *place)
{
    const struct visit *visit = req->user;
    if (gateway_files_has(g, req)) {
        gateway_answer_headers(place, req, res);
        int r = gateway_files_serve(g, req, res);
        if (r != ERR_NOT_FOUND) {
            return r;
        }
        http_reset(res);
    }
    return gateway_relay(g, req, res, visit->open);
}

static int answer(struct gateway *g, struct http_request *req, struct http_response *res,
                  const struct gateway_place *place)
{
    struct visit *visit = req->user;
    struct auth_visit who;
    if (str_eq(req->path, STR("/coditect/ticket"))) {
        return gateway_visit_begin(g, req, res, place);
    }
    int r = gateway_site_permits(place, req);
    if (r == 0) {
        r = gateway_visit_read(g, req, place, &who);
    }
    if (r < 0) {
        return r;
    }
    visit->open = gateway_open_begin(g, &who);
    r = gateway_visit_stands(g, &who);
    return r < 0 ? r : serve(g, req, res, place);
}

static void handle(void *ctx, struct http_request *req, struct http_response *res)
{
    struct gateway *g = ctx;
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_place place;
    if (!gateway_site_of(g, req->host, &place)) {
        g->next->handle(g->next->ctx, req, res);
        return;
    }
    int r = answer(g, req, res, &place);
    if (r < 0) {
        gateway_answer_failure(&place, req, res, r);
    }
}

static void answer_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    struct gateway *g = ctx;
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_place place;
    if (gateway_site_of(g, req->host, &place)) {
        gateway_answer_failure(&place, req, res, code);
    } else {
        g->next->error(g->next->ctx, req, code, res);
    }
}

static void finish(void *ctx, struct http_request *req, const struct http_outcome *outcome)
{
    struct gateway *g = ctx;
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    struct gateway_place place;
    if (!gateway_site_of(g, req->host, &place)) {
        if (g->next->finish) {
            g->next->finish(g->next->ctx, req, outcome);
        }
        return;
    }
    const struct visit *visit = req->user;
    if (visit && visit->open) {
        gateway_open_end(g, visit->open);
    }
}

struct http_app gateway_app(struct gateway *g, const struct http_app *next)
{
    ASSERT_MAGIC(g, GATEWAY_MAGIC);
    ASSERT(!g->next && next);
    g->next = next;
    return (struct http_app){
        .ctx = g, .route = route, .handle = handle, .error = answer_error, .finish = finish};
}
