#include "codi2/door_int.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    DOOR_MAGIC = 0x646f6f72,
    WAIT_S = 3, /* who hears nothing for much longer knows that we stand still */
    SYNC_S = 30,
    AWAIT_S = 20,
    DRAIN_S = 2,
    MOST_WAITING = 64,
    SMALL_BODY = 256,
    MOST_SAVING = 32 * 1024, /* a path of the longest, escaped */
};

#define MOST_UPLOADED ((uint64_t)16 << 30) /* bytes of a request to the IDE */

struct codi2_door {
    unsigned magic;
    struct codi2_door_options options;
    struct http_app app;
    struct http_server *server;
};

void codi2_door_refuse(struct http_request *request, struct http_response *response, int code,
                       const char *message)
{
    const struct err_row *row = err_row(code);
    http_status(response, row->status);
    http_set(response, "Content-Type", STR("application/json"));
    if (row->retry) {
        http_set(response, "Retry-After", STR("1"));
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(response));
    failure_begin(&w, code, message ? str_from(message) : STR_EMPTY);
    failure_end(&w, request->id);
}

static void nothing_to_say(struct http_response *response)
{
    http_reset(response);
    http_status(response, 204);
}

static void get_health(struct codi2_door *d, struct http_request *request,
                       struct http_response *response)
{
    (void)request;
    struct json_writer w;
    json_writer_init(&w, http_body_buf(response));
    json_object(&w);
    json_member_string(&w, "status", STR("ok"));
    json_member_string(&w, "session", d->options.session);
    json_member_string(&w, "version", STR(CODITECT_VERSION));
    json_object_end(&w);
}

static void get_status(struct codi2_door *d, struct http_request *request,
                       struct http_response *response)
{
    struct str text;
    uint64_t known;
    if (http_query(request, "wait", &text) == 0) {
        if (str_u64(text, INT64_MAX, &known) != 0) {
            codi2_door_refuse(request, response, ERR_INVALID, NULL);
            return;
        }
        (void)codi2_status_wait(d->options.status, known, time_monotonic() + WAIT_S * USEC_PER_SEC);
    }
    codi2_status_tell(d->options.status, http_body_buf(response));
}

static void get_not_kept(struct codi2_door *d, struct http_request *request,
                         struct http_response *response)
{
    (void)request;
    codi2_status_write_not_kept(d->options.status, http_body_buf(response));
}

static void post_sync(struct codi2_door *d, struct http_request *request,
                      struct http_response *response)
{
    uint64_t seq;
    struct str word = STR_EMPTY;
    bool left = http_query(request, "quiet", &word) == 0 && str_eq(word, STR("left"));
    bool alone = http_query(request, "root", &word) == 0;
    if (alone && !str_eq(word, STR("workspace"))) {
        codi2_door_refuse(request, response, ERR_NOT_FOUND, NULL);
        return;
    }
    uint64_t barrier = codi2_status_barrier(d->options.status, /* all= */ !left);
    for (size_t i = 0; i < d->options.mirror_count; i++) {
        codi2_mirror_wake(d->options.mirrors[i]);
    }
    usec_t deadline = time_monotonic() + SYNC_S * USEC_PER_SEC;
    int error = alone ? codi2_status_await_workspace(d->options.status, barrier, deadline, &seq)
                      : codi2_status_await(d->options.status, barrier, deadline, &seq);
    if (error) {
        bool refused = alone && error == ERR_FORBIDDEN;
        codi2_door_refuse(request, response, refused ? ERR_CONFLICT : ERR_UNAVAILABLE, NULL);
        return;
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(response));
    json_object(&w);
    json_member_integer(&w, "seq", (int64_t)seq);
    json_object_end(&w);
}

/* The text under name in the body, which is a JSON object; empty when there is none. */
static struct str word_of(struct http_request *request, const char *name)
{
    struct json *body;
    const struct json *word = NULL;
    if (json_parse(request->arena, request->body, &body, NULL) == 0) {
        word = json_get(body, name);
    }
    return word && word->kind == JSON_STRING ? word->string : STR_EMPTY;
}

static void post_activity(struct codi2_door *d, struct http_request *request,
                          struct http_response *response)
{
    struct str kind = word_of(request, "kind");
    if (!str_eq(kind, STR("input")) && !str_eq(kind, STR("visible"))) {
        codi2_door_refuse(request, response, ERR_INVALID, NULL);
        return;
    }
    codi2_status_browser(d->options.status);
    nothing_to_say(response);
}

static void post_held_back(struct codi2_door *d, struct http_request *request,
                           struct http_response *response)
{
    struct str word = word_of(request, "choice");
    enum codi2_choice choice = str_eq(word, STR("delete"))    ? CODI2_CHOOSE_DELETE
                               : str_eq(word, STR("restore")) ? CODI2_CHOOSE_RESTORE
                                                              : CODI2_NO_CHOICE;
    if (choice == CODI2_NO_CHOICE) {
        codi2_door_refuse(request, response, ERR_INVALID, NULL);
        return;
    }
    uint64_t held = 0;
    for (size_t i = 0; i < d->options.mirror_count; i++) {
        struct codi2_facts facts;
        codi2_status_get(d->options.status, (unsigned)i, &facts);
        held += codi2_mirror_choose(d->options.mirrors[i], choice) ? facts.held_back : 0;
    }
    if (held == 0) {
        codi2_door_refuse(request, response, ERR_CONFLICT, "No deletions are held back.");
        return;
    }
    http_status(response, 202);
    struct json_writer w;
    json_writer_init(&w, http_body_buf(response));
    json_object(&w);
    json_member_integer(&w, "held_back", (int64_t)held);
    json_object_end(&w);
}

/* The tree that ?root= names, "workspace" when it names none. ERR_NOT_FOUND: there is none; ERR_INVALID: path is none in it. */
static int find_tree(const struct codi2_door *d, struct http_request *request, struct str path,
                     struct codi2_mirror **ret)
{
    struct str root = STR("workspace");
    int error = http_query(request, "root", &root);
    size_t number = str_eq(root, STR("workspace")) ? 0 : 1;
    bool known = number == 0 || str_eq(root, STR("home"));
    if (error && error != ERR_NOT_FOUND) {
        return error;
    }
    if (!known || number >= d->options.mirror_count) {
        return ERR_NOT_FOUND;
    }
    *ret = d->options.mirrors[number];
    return path.n == 0 ? ERR_INVALID : content_path_check(path);
}

static void get_await(struct codi2_door *d, struct http_request *request,
                      struct http_response *response)
{
    struct str path = STR_EMPTY;
    struct codi2_mirror *m;
    int error = http_query(request, "path", &path);
    error = error && error != ERR_NOT_FOUND ? error : find_tree(d, request, path, &m);
    if (error) {
        codi2_door_refuse(request, response, error, NULL);
    } else if (codi2_mirror_await_file(m, path, time_monotonic() + AWAIT_S * USEC_PER_SEC) != 0) {
        codi2_door_refuse(request, response, ERR_UNAVAILABLE,
                          "This file is still being restored. Try again in a moment.");
    } else {
        nothing_to_say(response);
    }
}

static void post_saving(struct codi2_door *d, struct http_request *request,
                        struct http_response *response)
{
    struct content_hash hash;
    struct codi2_mirror *m;
    struct str path = word_of(request, "path");
    int error = find_tree(d, request, path, &m);
    error = error ? error : content_hash_parse(word_of(request, "hash"), &hash);
    if (error) {
        codi2_door_refuse(request, response, error, NULL);
        return;
    }
    codi2_mirror_saving(m, path, &hash);
    nothing_to_say(response);
}

static const struct {
    const char *path;
    enum http_method method;
    enum http_lane lane; /* what waits has threads of its own */
    uint64_t max_body;
    void (*handle)(struct codi2_door *d, struct http_request *request,
                   struct http_response *response);
} routes[] = {
    {"/health", HTTP_GET, HTTP_INLINE, 0, get_health},
    {"/status", HTTP_GET, HTTP_OUTSIDE, 0, get_status},
    {"/not-kept", HTTP_GET, HTTP_INLINE, 0, get_not_kept},
    {"/sync", HTTP_POST, HTTP_WORK, SMALL_BODY, post_sync},
    {"/activity", HTTP_POST, HTTP_INLINE, SMALL_BODY, post_activity},
    {"/held-back", HTTP_POST, HTTP_INLINE, SMALL_BODY, post_held_back},
    {"/await", HTTP_GET, HTTP_STREAM, 0, get_await},
    {"/saving", HTTP_POST, HTTP_INLINE, MOST_SAVING, post_saving},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static int find(const struct http_request *request, size_t *ret_route)
{
    for (size_t i = 0; i < ROUTES; i++) {
        if (str_eq(request->path, str_from(routes[i].path))) {
            *ret_route = i;
            return request->method == routes[i].method ? 0 : ERR_METHOD_NOT_ALLOWED;
        }
    }
    return ERR_NOT_FOUND;
}

static int on_route(void *ctx, struct http_request *request, struct http_route *ret)
{
    const struct codi2_door *d = ctx;
    size_t i;
    if (codi2_door_is_ide(request)) {
        ret->upgrade = true;
        ret->max_body = MOST_UPLOADED;
        return d->options.ide ? 0 : ERR_NOT_FOUND;
    }
    int error = codi2_door_find_terminal(request, &ret->upgrade);
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = codi2_door_find_past(request, &ret->max_body);
    if (error != ERR_NOT_FOUND) {
        ret->upgrade = true; /* of a relay */
        return error;
    }
    error = find(request, &i);
    if (!error) {
        ret->lane = routes[i].lane;
        ret->max_body = routes[i].max_body;
    }
    return error;
}

static void on_request(void *ctx, struct http_request *request, struct http_response *response)
{
    struct codi2_door *d = ctx;
    size_t i;
    if (codi2_door_is_ide(request)) {
        codi2_door_relay(d->options.ide, request, response);
        return;
    }
    bool upgrade;
    if (codi2_door_find_terminal(request, &upgrade) == 0) {
        codi2_door_terminals(d->options.terminals, request, response);
        return;
    }
    uint64_t unused;
    if (codi2_door_find_past(request, &unused) == 0) {
        codi2_door_relay_past(&d->options, request, response);
        return;
    }
    if (find(request, &i) != 0) {
        UNREACHABLE(); /* on_route let it pass */
    }
    http_set(response, "Content-Type", STR("application/json"));
    routes[i].handle(d, request, response);
}

static void on_error(void *ctx, struct http_request *request, int code,
                     struct http_response *response)
{
    (void)ctx;
    codi2_door_refuse(request, response, code, NULL);
}

int codi2_door_open(const struct codi2_door_options *options, struct codi2_door **ret_door)
{
    struct codi2_door *d = MEM_NEW(struct codi2_door);
    d->magic = DOOR_MAGIC;
    d->options = *options;
    d->app =
        (struct http_app){.ctx = d, .route = on_route, .handle = on_request, .error = on_error};
    BUF_AUTO(address, 512);
    buf_printf(&address, "unix:%s", options->socket);
    struct http_server_options server = {
        .listen = (const char *const[]){buf_z(&address), NULL},
        .app = &d->app,
        .loops = 1, /* the terminals' */
        .limits = {.threads = {[HTTP_WORK] = MOST_WAITING,
                               [HTTP_STREAM] = MOST_WAITING,
                               [HTTP_OUTSIDE] = MOST_WAITING},
                   .queue = {[HTTP_WORK] = MOST_WAITING,
                             [HTTP_STREAM] = MOST_WAITING,
                             [HTTP_OUTSIDE] = MOST_WAITING}},
    };
    int error = http_server_start(&server, &d->server);
    /* The folder's mode says who may enter: the workspace and the server. */
    if (!error && chmod(options->socket, 0666) < 0) {
        error = log_err(ERR_IO, "codi2", "the door %s cannot be opened: %m", options->socket);
    }
    if (error) {
        codi2_door_close(d);
        return error;
    }
    *ret_door = d;
    return 0;
}

void codi2_door_close(struct codi2_door *d)
{
    if (!d) {
        return;
    }
    ASSERT_MAGIC(d, DOOR_MAGIC);
    for (size_t i = 0; i < d->options.mirror_count; i++) {
        codi2_mirror_end_waits(d->options.mirrors[i]);
    }
    if (d->server) {
        http_server_drain(d->server, DRAIN_S * USEC_PER_SEC);
        http_server_destroy(d->server);
        (void)unlink(d->options.socket);
    }
    d->magic = 0;
    mem_free(d);
}
