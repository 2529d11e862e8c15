/* The wire as codi2 meets it: over a socket, with tokens, generations, conflicts, waiting. */
#include "files/fixture.h"

#include <pthread.h>

#include "coditectd/wire.h"
#include "sessions/sessions.h"
#include "wire/wire.h"

struct server {
    struct fixture *f;
    struct coditectd_wire_options options;
    struct http_app app;
    struct http_server *server;
    struct http_client *client;
    char address[64];
    char status[64];     /* the last that was reported */
    struct str text;     /* body of the last reply */
    uint64_t generation; /* of whoever calls */
};

static int who(void *ctx, struct arena *arena, const struct coditectd_wire_ask *ask,
               struct coditectd_wire_peer *ret_peer)
{
    struct server *s = ctx;
    if (!str_eq(ask->token, STR("right"))) {
        return ERR_UNAUTHENTICATED;
    }
    bool home = str_eq(ask->root, STR("home"));
    *ret_peer = (struct coditectd_wire_peer){.scope = s->f->ctx.scope,
                                             .session = s->f->session,
                                             .tree = home ? s->f->second : s->f->session,
                                             .generation = s->generation};
    return 0;
}

static int status_taken(void *ctx, const struct coditectd_wire_peer *peer, struct str text)
{
    struct server *s = ctx;
    (void)snprintf(s->status, sizeof s->status, STR_FMT, STR_ARG(text));
    return 0;
}

/* Gives both sessions a workspace of generation 3. */
static int seed(struct txn *txn, void *arg)
{
    struct fixture *f = arg;
    const struct str ids[] = {f->session, f->second};
    for (size_t i = 0; i < 2; i++) {
        struct data_session session;
        assert_ok(data_session_get(txn, &f->ctx.scope, ids[i], &session));
        struct data_workspace workspace = {
            .id = session.workspace_id,
            .state = DATA_WORKSPACE_STATE_RUNNING,
            .runtime = STR("local"),
            .tenant_id = f->ctx.scope.tenant_id,
            .user_id = f->ctx.scope.user_id,
            .session_id = session.id,
            .desired = DATA_WORKSPACE_DESIRED_RUNNING,
            .generation = 3,
            .changed_at = time_now(),
        };
        assert_ok(data_workspace_put(txn, &f->ctx.scope, &workspace));
    }
    return 0;
}

static void begin(struct fixture *f, struct server *s)
{
    static unsigned number;
    struct store_op op = store_op_new();
    assert_ok(store_write(f->store, &op, seed, f));
    *s = (struct server){.f = f, .generation = 3};
    s->options = (struct coditectd_wire_options){
        .store = f->store, .who = who, .status = status_taken, .ctx = s, .stop = -1};
    s->options.fence = coditectd_wire_fence_create();
    s->app = coditectd_wire_app(&s->options);
    (void)snprintf(s->address, sizeof s->address, "unix:/tmp/wire-%d-%u.sock", (int)getpid(),
                   number++);
    const char *const listen[] = {s->address, NULL};
    assert_ok(http_server_start(
        &(struct http_server_options){.listen = listen, .app = &s->app, .loops = 1}, &s->server));
    assert_ok(http_client_create(&(struct http_client_options){.address = str_from(s->address)},
                                 &s->client));
}

static void end(struct server *s)
{
    http_client_destroy(s->client);
    http_server_destroy(s->server);
    coditectd_wire_fence_destroy(s->options.fence);
    (void)unlink(s->address + strlen("unix:"));
}

/* The status; the reply's body is s->text. */
static int call(struct server *s, const char *method, const char *target, struct str body)
{
    const struct http_header headers[] = {{STR("Authorization"), STR("Bearer right")}};
    struct http_call request = {.method = method,
                                .target = str_from(target),
                                .headers = headers,
                                .header_count = 1,
                                .body = body};
    struct http_reply reply;
    BUF_AUTO(text, WIRE_MAX_MESSAGE);
    assert_ok(http_client_call(s->client, &request, &reply));
    assert_ok(http_client_body(s->client, &text));
    s->text = arena_str(&s->f->arena, buf_str(&text));
    return reply.status;
}

static struct wire_outcome push(struct server *s, const char *query, struct wire_batch *batch)
{
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    char target[64];
    struct wire_outcome outcome;
    wire_batch_write(&body, batch);
    (void)snprintf(target, sizeof target, "/wire/changes%s", query);
    assert_int_equal(call(s, "POST", target, buf_str(&body)), 200);
    assert_ok(wire_outcome_read(&s->f->arena, s->text, &outcome));
    return outcome;
}

static struct wire_change file(const char *path, struct str bytes, uint64_t base)
{
    struct wire_change change = {
        .kind = WIRE_CHANGE_PUT,
        .base = base,
        .author = {WIRE_TERMINAL, STR("t1")},
        .entry = {
            .path = str_from(path), .kind = WIRE_FILE, .mode = 0644, .mtime = 5, .bytes = bytes}};
    content_hash(bytes, &change.entry.hash);
    change.entry.manifest = (struct content_manifest){
        .hash = change.entry.hash, .length = bytes.n, .small = bytes.n <= CONTENT_INLINE_MAX};
    return change;
}

static void test_hello(void **state)
{
    struct server s;
    begin(*state, &s);
    struct str hello = STR("{\"version\":9,\"generation\":3,\"program\":\"codi2\"}");
    assert_int_equal(call(&s, "POST", "/wire/hello", hello), 200);
    struct wire_welcome welcome;
    assert_ok(wire_welcome_read(&s.f->arena, s.text, &welcome));
    assert_int_equal(welcome.version, 1);
    assert_int_equal(welcome.seq, 0);
    hello = STR("{\"version\":1,\"generation\":2,\"program\":\"codi2\"}");
    assert_int_equal(call(&s, "POST", "/wire/hello", hello), 409);
    assert_non_null(strstr(s.text.p, "\"stale\""));
    assert_int_equal(call(&s, "POST", "/wire/hello", STR("{}")), 400);
    assert_int_equal(call(&s, "GET", "/wire/hello", STR_EMPTY), 405);
    assert_int_equal(call(&s, "GET", "/health", STR_EMPTY), 404);
    assert_int_equal(call(&s, "GET", "/wire/tree?root=etc", STR_EMPTY), 404);
    assert_int_equal(call(&s, "POST", "/wire/status", STR("{\"state\":\"persisted\"}")), 204);
    assert_string_equal(s.status, "{\"state\":\"persisted\"}");
    end(&s);
}

static void test_wrong_token(void **state)
{
    struct server s;
    begin(*state, &s);
    static const char *const values[] = {"Bearer wrong", "right", "Bearer "};
    for (size_t i = 0; i < 3; i++) {
        const struct http_header header = {STR("Authorization"), str_from(values[i])};
        struct http_call request = {
            .method = "GET", .target = STR("/wire/tree"), .headers = &header, .header_count = 1};
        struct http_reply reply;
        BUF_AUTO(text, 4096);
        assert_ok(http_client_call(s.client, &request, &reply));
        assert_int_equal(reply.status, 401);
        assert_ok(http_client_body(s.client, &text));
    }
    end(&s);
}

static void test_push_and_tree(void **state)
{
    struct server s;
    begin(*state, &s);
    struct wire_change changes[] = {file("d/\xff", STR("hello"), 0),
                                    file("big", fixture_noise(s.f, 3000, 1), 0)};
    struct wire_batch batch = {.id = {1}, .generation = 3, .changes = changes, .n = 2};
    struct wire_outcome outcome = push(&s, "", &batch);
    assert_int_equal(outcome.verdict, WIRE_MISSING);
    assert_int_equal(outcome.missing.n, 1);
    struct str encoded = STR("\0other"); /* not its bytes */
    char target[128] = "/wire/chunks/";
    content_hash_text(&outcome.missing.at[0], target + strlen(target));
    assert_int_equal(call(&s, "PUT", target, encoded), 400);
    assert_int_equal(call(&s, "GET", target, STR_EMPTY), 404);
    struct content_codec *codec = content_codec_create();
    encoded = arena_str(&s.f->arena, content_encode(codec, fixture_noise(s.f, 3000, 1)));
    content_codec_destroy(codec);
    assert_int_equal(call(&s, "PUT", target, encoded), 204);
    assert_int_equal(call(&s, "GET", target, STR_EMPTY), 200);
    assert_true(str_eq(s.text, encoded));
    outcome = push(&s, "", &batch);
    assert_int_equal(outcome.verdict, WIRE_APPLIED);
    assert_int_equal(outcome.seq, 2);
    outcome = push(&s, "", &batch); /* the reply was lost */
    assert_int_equal(outcome.verdict, WIRE_APPLIED);
    assert_int_equal(outcome.seq, 2);
    batch.id[0] = 2;
    batch.changes[0] = file("d/\xff", STR("other"), 0);
    outcome = push(&s, "", &batch);
    assert_int_equal(outcome.verdict, WIRE_CONFLICT);
    assert_int_equal(outcome.version, 1);
    struct wire_tree tree;
    assert_int_equal(call(&s, "GET", "/wire/tree?at=1", STR_EMPTY), 200);
    assert_ok(wire_tree_read(&s.f->arena, s.text, &tree));
    assert_int_equal(tree.n, 2);
    assert_str(tree.entries[1].path, "d/\xff");
    assert_str(tree.entries[1].bytes, "hello");
    assert_int_equal(call(&s, "GET", "/wire/tree?root=home", STR_EMPTY), 200);
    assert_ok(wire_tree_read(&s.f->arena, s.text, &tree));
    assert_int_equal(tree.n, 0);
    end(&s);
}

static void test_old_generation(void **state)
{
    struct server s;
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    begin(*state, &s);
    struct wire_change change = file("a", STR("x"), 0);
    struct wire_batch batch = {.id = {1}, .generation = 2, .changes = &change, .n = 1};
    wire_batch_write(&body, &batch);
    assert_int_equal(call(&s, "POST", "/wire/changes", buf_str(&body)), 409);
    assert_non_null(strstr(s.text.p, "\"stale\""));
    end(&s);
}

static uint64_t greet(struct server *s, const char *target)
{
    struct wire_welcome welcome;
    struct str hello = STR("{\"version\":1,\"generation\":0,\"program\":\"codi2\"}");
    assert_int_equal(call(s, "POST", target, hello), 200);
    assert_ok(wire_welcome_read(&s->f->arena, s->text, &welcome));
    return welcome.connection;
}

static void test_older_connection(void **state)
{
    struct server s;
    BUF_AUTO(body, WIRE_MAX_REQUEST);
    begin(*state, &s);
    struct wire_change change = file("a", STR("x"), 0);
    struct wire_batch batch = {.id = {1}, .generation = 3, .changes = &change, .n = 1};
    batch.connection = greet(&s, "/wire/hello");
    (void)greet(&s, "/wire/hello?root=home"); /* is another */
    assert_int_equal(push(&s, "", &batch).seq, 1);
    uint64_t now = greet(&s, "/wire/hello");
    change = file("b", STR("x"), 0);
    batch.id[0] = 2;
    wire_batch_write(&body, &batch);
    assert_int_equal(call(&s, "POST", "/wire/changes", buf_str(&body)), 412);
    assert_non_null(strstr(s.text.p, "\"precondition\""));
    for (int i = 0; i < 2; i++) { /* nor is it told anything */
        struct str known = arena_printf(&s.f->arena, "?connection=%llu", (unsigned long long)now);
        struct str query = i == 0 ? STR("?connection=1") : known;
        struct str tree = arena_printf(&s.f->arena, "/wire/tree" STR_FMT, STR_ARG(query));
        struct str changes = arena_printf(&s.f->arena, "/wire/changes" STR_FMT, STR_ARG(query));
        assert_int_equal(call(&s, "GET", tree.p, STR_EMPTY), i == 0 ? 412 : 200);
        assert_int_equal(call(&s, "GET", changes.p, STR_EMPTY), i == 0 ? 412 : 200);
    }
    batch.connection = now;
    assert_int_equal(push(&s, "", &batch).seq, 2); /* it was not taken before */
    end(&s);
}

static void *write_later(void *arg)
{
    struct fixture *f = arg;
    put(f, "late", STR("x"));
    return NULL;
}

/* A call that waits is answered by the change, long before its time is over. */
static void test_waiting(void **state)
{
    struct server s;
    struct wire_events events;
    pthread_t thread;
    begin(*state, &s);
    assert_int_equal(call(&s, "GET", "/wire/changes?since=0", STR_EMPTY), 200);
    assert_true(str_starts(s.text, STR("{\"events\":[],\"seq\":0,\"more\":false,\"rules\":")));
    usec_t start = time_monotonic();
    assert_int_equal(pthread_create(&thread, NULL, write_later, s.f), 0);
    const struct http_header header = {STR("Authorization"), STR("Bearer right")};
    struct http_call request = {.method = "GET",
                                .target = STR("/wire/changes?since=0&wait=20000"),
                                .headers = &header,
                                .header_count = 1};
    struct http_reply reply;
    BUF_AUTO(body, WIRE_MAX_MESSAGE);
    assert_ok(http_client_call(s.client, &request, &reply));
    assert_ok(http_client_body(s.client, &body));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(time_monotonic() - start < 15 * USEC_PER_SEC);
    assert_ok(wire_events_read(&s.f->arena, buf_str(&body), &events));
    assert_int_equal(events.n, 1);
    assert_str(events.events[0].entry.path, "late");
    assert_int_equal(call(&s, "GET", "/wire/changes?since=1&wait=30", STR_EMPTY), 200);
    assert_int_equal(call(&s, "GET", "/wire/changes?since=0&wait=30001", STR_EMPTY), 400);
    end(&s);
}

/* Versions, what was deleted, a version back; nothing of another generation's. */
static void test_past(void **state)
{
    struct server s;
    begin(*state, &s);
    put(s.f, "a.txt", STR("one"));
    put(s.f, "a.txt", STR("two!"));
    assert_int_equal(call(&s, "GET", "/wire/past?path=a.txt", STR_EMPTY), 200);
    const char *newest =
        strstr(s.text.p, "{\"version\":2,\"op\":\"write\",\"kind\":\"file\",\"size\":4,");
    assert_non_null(newest);
    assert_non_null(
        strstr(newest, "{\"version\":1,\"op\":\"write\",\"kind\":\"file\",\"size\":3,"));
    assert_non_null(strstr(newest, "\"next\":\"\""));
    assert_int_equal(call(&s, "GET", "/wire/past/content?path=a.txt&version=1", STR_EMPTY), 200);
    assert_str(s.text, "one");
    struct str restore = STR("{\"path\":\"a.txt\",\"version\":1}");
    assert_int_equal(call(&s, "POST", "/wire/past/restore", restore), 200);
    assert_str(s.text, "{\"version\":3}");
    assert_int_equal(call(&s, "GET", "/wire/past/content?path=a.txt&version=3", STR_EMPTY), 200);
    assert_str(s.text, "one");

    const struct files_delete_input gone = {
        .session = s.f->session, .path = STR("a.txt"), .author = {FILES_API}};
    uint64_t seq;
    s.f->ctx.op = store_op_new();
    assert_ok(files_delete(&s.f->ctx, &gone, &seq));
    assert_int_equal(call(&s, "GET", "/wire/past/gone", STR_EMPTY), 200);
    assert_non_null(strstr(s.text.p, "{\"gone\":[{\"path\":\"a.txt\",\"version\":4,\"op\":"
                                     "\"delete\",\"kind\":\"file\",\"size\":3,"));
    assert_int_equal(call(&s, "POST", "/wire/past/restore", restore), 200);
    assert_int_equal(call(&s, "GET", "/wire/past?root=home&path=a.txt", STR_EMPTY), 404);

    static const char *const malformed[] = {
        "/wire/past",
        "/wire/past?path=../a",
        "/wire/past?path=a.txt&cursor=zz",
        "/wire/past/content?path=a.txt",
        "/wire/past/content?path=a.txt&version=0",
        "/wire/past/content?path=a.txt&version=99999999999999999999",
        "/wire/past/gone?before=-1",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(call(&s, "GET", malformed[i], STR_EMPTY), 400);
    }
    assert_int_equal(call(&s, "GET", "/wire/past/content?path=a.txt&version=77", STR_EMPTY), 404);
    static const char *const bodies[] = {"",
                                         "{}",
                                         "[]",
                                         "{\"path\":1,\"version\":1}",
                                         "{\"path\":\"a.txt\",\"version\":0}",
                                         "{\"path\":\"a.txt\",\"version\":\"1\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(call(&s, "POST", "/wire/past/restore", str_from(bodies[i])), 400);
    }
    s.generation = 2;
    assert_int_equal(call(&s, "POST", "/wire/past/restore", restore), 409);
    end(&s);
}

/* One text a person and session; the last stands, at most 64 KiB, from the present workspace alone. */
static void test_desk(void **state)
{
    struct server s;
    begin(*state, &s);
    assert_int_equal(call(&s, "GET", "/wire/desk", STR_EMPTY), 404);
    assert_int_equal(call(&s, "PUT", "/wire/desk", STR_EMPTY), 400);
    assert_int_equal(call(&s, "PUT", "/wire/desk", STR("first")), 204);
    struct str most = fixture_noise(s.f, SESSIONS_DESK_MAX, 1);
    assert_int_equal(call(&s, "PUT", "/wire/desk", most), 204);
    assert_int_equal(call(&s, "GET", "/wire/desk", STR_EMPTY), 200);
    assert_true(str_eq(s.text, most));
    assert_int_equal(call(&s, "PUT", "/wire/desk", fixture_noise(s.f, SESSIONS_DESK_MAX + 1, 1)),
                     413);
    s.generation = 2;
    assert_int_equal(call(&s, "PUT", "/wire/desk", STR("of an older workspace")), 409);
    assert_int_equal(call(&s, "GET", "/wire/desk", STR_EMPTY), 200);
    assert_true(str_eq(s.text, most));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hello),
                                       cmocka_unit_test(test_wrong_token),
                                       cmocka_unit_test(test_push_and_tree),
                                       cmocka_unit_test(test_old_generation),
                                       cmocka_unit_test(test_older_connection),
                                       cmocka_unit_test(test_waiting),
                                       cmocka_unit_test(test_past),
                                       cmocka_unit_test(test_desk)};
    return fixture_run(tests, sizeof tests / sizeof *tests);
}
