/*
 * One request of the API, from its head to its answer: host → row → lane, and on the lane's thread authenticate → permit →
 * limit → decode → handler → envelope.
 *
 * 1. Nothing but the rows of spec/openapi.yaml decides: there is no route, right or limit in code.
 * 2. A request without a valid login on a row that wants one is answered before its body is looked at, and counted against
 *    its address, so that guessing tokens is limited too. A token that ran out is no guess, since we signed it: its 401 is
 *    not counted, or a neighbour's guesses would keep a page from hearing that it is to refresh.
 * 3. The call lies in the request's arena from route to finish; only one thread has it at a time.
 */
#include "api/api_int.h"
#include "base/map.h"
#include "files/files.h"

/* ---- On the loop ---- */

static void choose_lane(const struct api_call *call, struct http_route *ret)
{
    const struct api_route *row = call->route;
    const struct http_request *req = call->req;
    struct str who = http_header(req, "Authorization");
    ret->lane = row->lane;
    ret->key = map_hash(who.n > 0 ? who : req->peer);
    ret->upgrade = row->socket;
    if (row->body != API_BODY_BYTES) {
        ret->max_body = API_MAX_JSON;
        return;
    }
    ret->max_body = HTTP_MAX_BUFFERED_BODY;
    bool large = req->content_length < 0 || req->content_length > HTTP_MAX_BUFFERED_BODY;
    if (row->lane == HTTP_STREAM || (row->may_stream && large)) {
        ret->lane = HTTP_STREAM;
        ret->stream_body = true;
        ret->max_body = API_MAX_UPLOAD;
    }
}

static struct api_call *make_call(struct api *api, struct http_request *req)
{
    struct api_call *call = ARENA_NEW(req->arena, struct api_call);
    call->magic = API_CALL_MAGIC;
    call->api = api;
    call->req = req;
    req->user = call;
    return call;
}

static int route(void *ctx, struct http_request *req, struct http_route *ret)
{
    struct api *api = ctx;
    ASSERT_MAGIC(api, API_MAGIC);
    if (!api_origin_serves(&api->origin, req->host)) {
        return ERR_MISDIRECTED;
    }
    if (!api_match_is_ours(req->path)) {
        return api_web_route(api, req, ret);
    }
    struct api_call *call = make_call(api, req);
    if (req->method == HTTP_OPTIONS) {
        BUF_AUTO(allowed, 256);
        api_match_allowed(req->path, &allowed);
        return allowed.n > 0 ? 0 : ERR_NOT_FOUND;
    }
    int r = api_match(req->method_text, req->path, &call->match);
    if (r < 0) {
        return r;
    }
    call->route = call->match.route;
    choose_lane(call, ret);
    call->streams = ret->stream_body;
    return 0;
}

/* ---- On the lane's thread ---- */

static void note_client(struct api_call *call)
{
    const struct http_request *req = call->req;
    call->data.store = call->api->store;
    call->data.arena = req->arena;
    call->data.client = (struct data_client){
        .address = str_slice(req->peer, 0, 64),
        .user_agent = http_header(req, "User-Agent"),
        .request_id = req->id,
    };
}

int api_bearer(const struct http_request *req, struct str *ret_token)
{
    struct str value = http_header(req, "Authorization");
    struct str scheme = STR("Bearer ");
    if (http_header_count(req, "Authorization") != 1 || value.n <= scheme.n ||
        value.n > AUTH_TOKEN_MAX || !str_eq_nocase(str_slice(value, 0, scheme.n), scheme)) {
        return ERR_NOT_FOUND;
    }
    *ret_token = str_trim(str_slice(value, scheme.n, value.n));
    return 0;
}

static int take(struct api_call *call, const struct api_limit_ask *ask)
{
    struct api_limit_result result = api_limiter_take(call->api->limiter, ask, time_monotonic());
    if (result.limit > 0) {
        call->limit = result;
    }
    if (result.allowed) {
        return 0;
    }
    call->problem.retry_s = result.retry_s;
    return ERR_RATE_LIMITED;
}

static int authenticate(struct api_call *call)
{
    if (call->route->public) {
        return 0;
    }
    struct str token;
    int r =
        call->route->socket ? api_socket_token(call->req, &token) : api_bearer(call->req, &token);
    if (r == 0 && call->route->by_link) {
        r = api_link_enter(call, token);
    } else if (r == 0 && auth_apikey_is(token)) {
        r = auth_apikey_authenticate(call->api->auth, &call->data, token, &call->key);
    } else if (r == 0) {
        r = auth_authenticate(call->api->auth, &call->data, token);
    } else {
        r = ERR_UNAUTHENTICATED;
    }
    if (r != ERR_UNAUTHENTICATED) {
        return r;
    }
    r = take(call,
             &(struct api_limit_ask){.rate = API_RATE_DENIED,
                                     .who = api_limit_address(call->req->arena, call->req->peer)});
    return r < 0 ? r : ERR_UNAUTHENTICATED;
}

/* A key for reading reads, and none acts for the account itself. */
static bool key_may(const struct api_call *call)
{
    bool reads = call->req->method == HTTP_GET || call->req->method == HTTP_HEAD;
    return call->key == 0 ||
           (!call->route->by_login && (reads || call->key == DATA_APIKEY_ACCESS_WRITE));
}

int api_permit(const struct api_call *call, enum data_role role)
{
    if (call->route->public || call->route->by_link) {
        return 0;
    }
    bool role_may = data_may(role, call->route->permission);
    return role_may && key_may(call) ? 0 : ERR_FORBIDDEN;
}

/* What the request may add is as its tenant's plan says now. */
static void take_plan(struct api_call *call)
{
    struct data_quota *quota = ARENA_NEW(call->req->arena, struct data_quota);
    auth_plan_quota(call->api->auth, call->data.scope.tenant_id, quota);
    call->data.quota = quota;
}

static int limit(struct api_call *call)
{
    struct api_limit_ask ask = {.rate = call->route->rate, .who = call->data.scope.user_id};
    if (!api_rates[ask.rate].by_user || ask.who.n == 0) {
        ask.who = api_limit_address(call->req->arena, call->req->peer);
    } else {
        ask.requests = api_limit_planned(call->data.quota, ask.rate);
    }
    return take(call, &ask);
}

/* What says nothing of the digest to who has the store and not the server's key. */
static struct str sealed(const struct api_call *call, const struct content_hash *digest)
{
    uint8_t *seal = arena_alloc(call->req->arena, AUTH_SEAL_SIZE);
    BUF_AUTO(text, 64);
    buf_add(&text, STR("operation "));
    buf_add(&text, content_hash_str(digest));
    ASSERT(text.error == 0);
    auth_seal(call->api->auth, buf_str(&text), seal);
    return str_of(seal, AUTH_SEAL_SIZE);
}

static void hash_part(struct content_hasher *h, struct str part)
{
    uint64_t n = part.n;
    content_hasher_add(h, str_of(&n, sizeof n));
    content_hasher_add(h, part);
}

/*
 * The operation's identity. With an Idempotency-Key: derived from who, what and the key, and the digest of everything else
 * that the request says, so that the same key for another request is refused. Where nobody is logged in two people may choose
 * the same key: then the digest is part of the identity, sealed, since what it is made of may have a password: with another key of the
 * server it is another operation.
 */
static void identify(struct api_call *call)
{
    struct http_request *req = call->req;
    struct data_context *data = &call->data;
    if (req->method == HTTP_GET || req->method == HTTP_HEAD) {
        return; /* nothing is written: the store asserts that an operation has an identity */
    }
    struct str key = http_header(req, "Idempotency-Key");
    if (!call->route->idempotent || key.n == 0) {
        data->op = store_op_new();
        return;
    }
    struct content_hasher *h = content_hasher_create();
    struct content_hash digest;
    struct content_hash id;
    hash_part(h, req->path);
    hash_part(h, req->query);
    hash_part(h, req->body);
    content_hasher_end(h, &digest);
    hash_part(h, data->scope.tenant_id);
    hash_part(h, data->scope.user_id);
    hash_part(h, str_from(call->route->id));
    hash_part(h, key);
    if (data->scope.user_id.n == 0) {
        hash_part(h, sealed(call, &digest));
    }
    content_hasher_end(h, &id);
    content_hasher_destroy(h);
    data->op = store_op_derived(id.bytes);
    data->digested = true;
    memcpy(data->digest, digest.bytes, sizeof data->digest);
}

/* Routes of the class auth are counted behind the router, by what they are about; a failure's headers come later (reply.c). */
static void take_auth_limit(struct api_call *call, int result)
{
    const struct data_limit *limit = &call->data.limit;
    if (limit->limit == 0 || call->limit.limit > 0) {
        return;
    }
    call->limit = (struct api_limit_result){
        .limit = limit->limit,
        .remaining = limit->remaining,
        .reset_s = (uint32_t)((limit->reset_ms + 999) / 1000),
    };
    if (result >= 0 && !call->streamed) {
        api_limit_headers(call);
    }
}

static int serve(struct api_call *call)
{
    int r = authenticate(call);
    api_note_known(call);
    if (r == 0) {
        r = api_permit(call, call->data.scope.role);
        call->asked_at = time_monotonic();
    }
    if (call->streams) {
        api_lasts(call);
    }
    take_plan(call);
    if (r == 0) {
        r = limit(call);
    }
    if (r < 0) {
        return r;
    }
    size_t size = call->route->in_size;
    void *in = arena_alloc(call->req->arena, size > 0 ? size : 1);
    r = api_decode(call, in);
    if (r < 0) {
        return r;
    }
    identify(call);
    api_audit_fields(call, in);
    api_headers(call->req, call->res);
    api_cors_headers(call->api, call->req, call->res);
    api_limit_headers(call);
    r = call->route->call(call, in);
    take_auth_limit(call, r);
    return r;
}

static void answer_options(const struct api *api, struct http_request *req,
                           struct http_response *res)
{
    struct buf allowed;
    buf_init(&allowed, 256);
    api_match_allowed(req->path, &allowed);
    api_headers(req, res);
    http_status(res, 204);
    struct str methods = arena_str(req->arena, buf_str(&allowed));
    http_set(res, "Allow", methods);
    api_cors_preflight(api, req, res, methods);
    buf_fini(&allowed);
}

static void handle(void *ctx, struct http_request *req, struct http_response *res)
{
    struct api *api = ctx;
    struct api_call *call = req->user;
    if (call == NULL) {
        api_web_handle(api, req, res);
        return;
    }
    ASSERT_MAGIC(call, API_CALL_MAGIC);
    if (call->route == NULL) {
        answer_options(api, req, res);
        return;
    }
    call->res = res;
    note_client(call);
    assert_context(arena_str(req->arena, req->id).p);
    api_note_begin(call);
    int r = api_audit_called(call, serve(call));
    call->handled = time_monotonic();
    api_note_end();
    assert_context(NULL);
    if (r >= 0) {
        return;
    }
    call->failed = r;
    if (call->streamed) {
        http_abort(res);
    } else {
        api_fail(call, r);
    }
}

/* ---- Errors of the protocol, and the end ---- */

static void answer_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    struct api *api = ctx;
    ASSERT_MAGIC(api, API_MAGIC);
    struct api_problem problem = {0};
    if (code == ERR_METHOD_NOT_ALLOWED) {
        struct buf allowed;
        buf_init(&allowed, 256);
        api_match_allowed(req->path, &allowed);
        struct str known = allowed.n > 0 ? buf_str(&allowed) : STR("GET, HEAD");
        http_set(res, "Allow", arena_str(req->arena, known));
        buf_fini(&allowed);
    }
    if (api_match_is_ours(req->path)) {
        api_cors_headers(api, req, res);
    }
    api_fail_plain(req, res, code, &problem);
}

static void finish(void *ctx, struct http_request *req, const struct http_outcome *outcome)
{
    const struct api *api = ctx;
    ASSERT_MAGIC(api, API_MAGIC);
    const struct api_call *call = req->user;
    struct http_outcome reply = *outcome;
    if (reply.status == 101) {
        reply.took = call->handled - req->received; /* the socket's life is no time of an answer */
    }
    api_metrics_count(api->metrics, call, &reply);
    api_note_finish(api, call, req, outcome);
    if (call && call->ended) {
        call->ended(call->ended_ctx);
    }
}

struct http_app api_app(struct api *api)
{
    ASSERT_MAGIC(api, API_MAGIC);
    return (struct http_app){
        .ctx = api,
        .route = route,
        .handle = handle,
        .error = answer_error,
        .finish = finish,
    };
}
