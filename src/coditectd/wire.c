/*
 * The wire: routes, who calls, the small calls and chunks. The calls on the tree are in wire_tree.c.
 *
 * 1. Nothing is done for a token that `who` does not know; what a token may touch is its peer's session, whatever the
 *    request says.
 * 2. A newer generation ends an older one: asked in the transaction that changes something.
 * 3. A newer connection of the same workspace ends an older one: wire_fence.h.
 */
#include "coditectd/wire_int.h"

#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "sessions/sessions.h"

enum {
    MAX_RESTORE = 64 * 1024, /* a path of the longest, escaped */
    PATIENCE_S = 5,          /* for what came on an older connection */
};

typedef int call_fn(struct coditectd_wire_call *c);

struct row {
    enum http_method method;
    struct str path;
    bool prefix; /* a name follows */
    enum http_lane lane;
    uint64_t max_body;
    call_fn *fn;
};

/* ---- calls ---- */

int coditectd_wire_number(struct coditectd_wire_call *c, const char *name, uint64_t most,
                          uint64_t *ret_value)
{
    struct str text;
    int r = http_query(c->req, name, &text);
    if (r == ERR_NOT_FOUND) {
        *ret_value = 0;
        return 0;
    }
    return r < 0 ? r : str_u64(text, most, ret_value);
}

int coditectd_wire_generation(struct txn *txn, const struct coditectd_wire_peer *peer,
                              uint64_t generation)
{
    struct data_session session;
    struct data_workspace workspace;
    int r = sessions_find(txn, &peer->scope, peer->session, &session);
    if (r == 0) {
        r = data_workspace_get(txn, &peer->scope, session.workspace_id, &workspace);
    }
    if (r < 0) {
        return r;
    }
    bool same = (generation == 0 || generation == peer->generation) &&
                (uint64_t)workspace.generation == peer->generation;
    return same ? 0 : ERR_STALE;
}

struct str coditectd_wire_root(struct coditectd_wire_call *c)
{
    return arena_printf(c->req->arena, STR_FMT "/" STR_FMT, STR_ARG(c->peer.session),
                        STR_ARG(c->peer.tree));
}

struct greet {
    struct coditectd_wire_call *call;
    uint64_t generation;
    struct data_usage usage;
};

static int greet_read(struct txn *txn, void *arg)
{
    struct greet *greet = arg;
    const struct coditectd_wire_peer *peer = &greet->call->peer;
    int r = coditectd_wire_generation(txn, peer, greet->generation);
    return r < 0 ? r : data_usage_get(txn, &peer->scope, peer->tree, &greet->usage);
}

static int call_hello(struct coditectd_wire_call *c)
{
    struct wire_hello hello;
    int r = wire_hello_read(c->req->arena, c->req->body, &hello);
    if (r < 0) {
        return r;
    }
    if (hello.version < WIRE_VERSION) {
        return ERR_NOT_IMPLEMENTED;
    }
    struct greet greet = {.call = c, .generation = hello.generation};
    uint64_t connection = 0;
    r = coditectd_wire_fence_greet(c->options->fence, coditectd_wire_root(c),
                                   time_monotonic() + PATIENCE_S * USEC_PER_SEC, &connection);
    r = r < 0 ? r : store_read(c->options->store, greet_read, &greet);
    if (r == 0) {
        struct wire_welcome welcome = {.version = WIRE_VERSION,
                                       .seq = greet.usage.seq,
                                       .connection = connection,
                                       .store = store_id(c->options->store)};
        wire_welcome_write(http_body_buf(c->res), &welcome);
    }
    return r;
}

static int call_missing(struct coditectd_wire_call *c)
{
    struct wire_hashes asked;
    struct files_hashes missing;
    int r = wire_hashes_read(c->req->arena, c->req->body, &asked);
    if (r == 0) {
        r = files_chunks_missing(&c->data, &(struct files_hashes){asked.at, asked.n}, &missing);
    }
    if (r == 0) {
        wire_hashes_write(http_body_buf(c->res), &(struct wire_hashes){missing.at, missing.n});
    }
    return r;
}

static int call_put_chunk(struct coditectd_wire_call *c)
{
    struct content_hash hash;
    int r = content_hash_parse(c->name, &hash);
    if (r == 0) {
        r = files_chunk_put(&c->data, &hash, c->req->body);
    }
    if (r == 0) {
        http_status(c->res, 204);
    }
    return r;
}

static int call_get_chunk(struct coditectd_wire_call *c)
{
    struct content_hash hash;
    struct str encoded;
    int r = content_hash_parse(c->name, &hash);
    if (r == 0) {
        r = files_chunk_get(&c->data, &hash, &encoded);
    }
    if (r == 0) {
        http_body(c->res, encoded);
    }
    return r;
}

static int call_put_chunks(struct coditectd_wire_call *c)
{
    struct wire_chunks sent;
    int r = wire_chunks_read(c->req->arena, c->req->body, &sent);
    if (r < 0) {
        return r;
    }
    struct files_chunk *chunks = ARENA_ARRAY(c->req->arena, struct files_chunk, sent.n);
    for (size_t i = 0; i < sent.n; i++) {
        chunks[i] = (struct files_chunk){.hash = sent.at[i].hash, .encoded = sent.at[i].encoded};
    }
    r = files_chunks_put(&c->data, chunks, sent.n);
    if (r == 0) {
        http_status(c->res, 204);
    }
    return r;
}

/* The first of them, as many as have room; without those that are not here, or not whole. */
static int call_get_chunks(struct coditectd_wire_call *c)
{
    struct wire_hashes asked;
    int r = wire_hashes_read(c->req->arena, c->req->body, &asked);
    struct buf *out = http_body_buf(c->res);
    for (size_t i = 0, n = 0; r == 0 && i < asked.n && n < WIRE_MAX_CHUNKS; i++) {
        struct wire_chunk chunk = {.hash = asked.at[i]};
        r = files_chunk_get(&c->data, &chunk.hash, &chunk.encoded);
        if (r == 0 && !wire_chunks_add(out, &chunk)) {
            break;
        }
        n += r == 0;
        r = r == ERR_NOT_FOUND || r == ERR_CORRUPT ? 0 : r;
    }
    return r;
}

static int call_status(struct coditectd_wire_call *c)
{
    struct wire_status status;
    int r = wire_status_read(c->req->arena, c->req->body, &status);
    if (r == 0) {
        r = c->options->status(c->options->ctx, &c->peer, status.text);
    }
    if (r == 0) {
        http_status(c->res, 204);
    }
    return r;
}

static const struct row rows[] = {
    {HTTP_POST, {"hello", 5}, false, HTTP_WORK, 4096, call_hello},
    {HTTP_POST, {"chunks:missing", 14}, false, HTTP_WORK, WIRE_MAX_REQUEST, call_missing},
    {HTTP_POST, {"chunks:get", 10}, false, HTTP_WORK, WIRE_MAX_REQUEST, call_get_chunks},
    {HTTP_POST, {"chunks", 6}, false, HTTP_WORK, WIRE_MAX_CHUNK_BYTES, call_put_chunks},
    {HTTP_PUT, {"chunks/", 7}, true, HTTP_WORK, CONTENT_ENCODED_MAX, call_put_chunk},
    {HTTP_GET, {"chunks/", 7}, true, HTTP_WORK, 0, call_get_chunk},
    {HTTP_POST, {"changes", 7}, false, HTTP_WORK, WIRE_MAX_REQUEST, coditectd_wire_batch},
    {HTTP_GET, {"changes", 7}, false, HTTP_OUTSIDE, 0, coditectd_wire_events},
    {HTTP_GET, {"tree", 4}, false, HTTP_WORK, 0, coditectd_wire_tree},
    {HTTP_GET, {"rules", 5}, false, HTTP_WORK, 0, coditectd_wire_rules},
    {HTTP_POST, {"status", 6}, false, HTTP_WORK, WIRE_MAX_STATUS, call_status},
    {HTTP_GET, {"past", 4}, false, HTTP_WORK, 0, coditectd_wire_past},
    {HTTP_GET, {"past/content", 12}, false, HTTP_STREAM, 0, coditectd_wire_past_content},
    {HTTP_GET, {"past/gone", 9}, false, HTTP_WORK, 0, coditectd_wire_gone},
    {HTTP_GET, {"past/like", 9}, false, HTTP_WORK, 0, coditectd_wire_past_like},
    {HTTP_POST, {"past/restore", 12}, false, HTTP_WORK, MAX_RESTORE, coditectd_wire_past_restore},
    {HTTP_GET, {"desk", 4}, false, HTTP_WORK, 0, coditectd_wire_get_desk},
    {HTTP_PUT, {"desk", 4}, false, HTTP_WORK, SESSIONS_DESK_MAX, coditectd_wire_put_desk},
    {HTTP_GET, {"source", 6}, false, HTTP_WORK, 0, coditectd_wire_get_source},
    {HTTP_POST, {"source", 6}, false, HTTP_WORK, 4096, coditectd_wire_put_source},
};

/* ---- the application ---- */

static int find(const struct http_request *req, const struct row **ret_row, struct str *ret_name)
{
    const struct str start = STR("/wire/");
    bool known = false;
    if (!str_starts(req->path, start)) {
        return ERR_NOT_FOUND;
    }
    struct str rest = str_slice(req->path, start.n, req->path.n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->prefix ? !str_starts(rest, row->path) : !str_eq(rest, row->path)) {
            continue;
        }
        known = true;
        if (row->method == req->method) {
            *ret_row = row;
            *ret_name = str_slice(rest, row->path.n, rest.n);
            return 0;
        }
    }
    return known ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}

/* What waits has threads of its own, which those who have gone may hold until their time is over: nothing else needs them. */
static bool waits(const struct http_request *req)
{
    struct str text;
    return http_query(req, "wait", &text) == 0 && !str_eq(text, STR("0"));
}

static int app_route(void *ctx, struct http_request *req, struct http_route *ret)
{
    const struct row *row;
    struct str name;
    int r = find(req, &row, &name);
    if (r == 0) {
        ret->lane = row->lane == HTTP_OUTSIDE && !waits(req) ? HTTP_WORK : row->lane;
        ret->max_body = row->max_body;
    }
    return r;
}

static void app_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    const struct err_row *row = err_row(code);
    struct json_writer w;
    http_reset(res);
    http_status(res, row->status);
    http_set(res, "Content-Type", STR("application/json"));
    if (row->retry) {
        http_set(res, "Retry-After", STR("1"));
    }
    json_writer_init(&w, http_body_buf(res));
    failure_begin(&w, code, STR_EMPTY);
    failure_end(&w, req->id);
}

static int identify(struct coditectd_wire_call *c)
{
    const struct str scheme = STR("Bearer ");
    struct str header = http_header(c->req, "Authorization");
    struct coditectd_wire_ask ask = {.root = STR("workspace")};
    if (!str_starts(header, scheme)) {
        return ERR_UNAUTHENTICATED;
    }
    ask.token = str_slice(header, scheme.n, header.n);
    int r = http_query(c->req, "root", &ask.root);
    if (r < 0 && r != ERR_NOT_FOUND) {
        return r;
    }
    if (!str_eq(ask.root, STR("workspace")) && !str_eq(ask.root, STR("home"))) {
        return ERR_NOT_FOUND;
    }
    return c->options->who(c->options->ctx, c->req->arena, &ask, &c->peer);
}

static void app_handle(void *ctx, struct http_request *req, struct http_response *res)
{
    const struct row *row = NULL;
    struct coditectd_wire_call c = {.options = ctx, .req = req, .res = res};
    int r = find(req, &row, &c.name);
    if (r == 0) {
        r = identify(&c);
    }
    if (r == 0) {
        c.data = (struct data_context){.store = c.options->store,
                                       .arena = req->arena,
                                       .scope = c.peer.scope,
                                       .client.request_id = req->id,
                                       .quota = &c.peer.quota,
                                       .op = store_op_new()};
        http_set(res, "Content-Type",
                 row->fn == call_get_chunk || row->fn == call_get_chunks
                     ? STR("application/octet-stream")
                     : STR("application/json"));
        const struct log_field whose[] = {{"request", req->id},
                                          {"session", c.peer.session},
                                          {"tenant", c.peer.scope.tenant_id},
                                          {"user", c.peer.scope.user_id},
                                          {NULL, STR_EMPTY}};
        log_bind(whose);
        r = row->fn(&c);
        if (r < 0 && err_row(r)->status >= 500) {
            log_warn("wire", STR_FMT ": %s", STR_ARG(row->path), err_name(r));
        }
        log_bind(NULL);
    }
    if (r < 0) {
        app_error(ctx, req, r, res);
    }
}

struct http_app coditectd_wire_app(const struct coditectd_wire_options *options)
{
    return (struct http_app){
        .ctx = (void *)options, .route = app_route, .handle = app_handle, .error = app_error};
}
