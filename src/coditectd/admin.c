/*
 * The operator's door: see admin.h.
 *
 * 1. Who may come is settled before a byte is read: the folder is the server's alone, the socket 0600, and the kernel says whose
 *    process is at the other end. There is no password here to be guessed.
 * 2. Check and scrub read page by page, each in a transaction of its own, so that writers wait for none of it; one of them at a
 *    time. After each page they ask whether anybody still listens.
 */
#include "coditectd/admin.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "coditectd/check.h"
#include "files/upkeep.h"
#include "http/http.h"

enum { ADMIN_MAGIC = 0x61646d6e, CONNECTIONS = 16, LINE_MOST = 16 * 1024, FAULTS_MOST = 1000 };

static const usec_t news_every = USEC_PER_SEC;
static const usec_t patience = 30 * USEC_PER_SEC;

struct coditectd_admin {
    unsigned magic;
    struct coditectd_admin_options options;
    atomic_bool stop;
    atomic_flag reading; /* a check or a scrub is on its way */
    struct http_app app;
    struct http_server *server;
};

struct admin_call {
    struct coditectd_admin *admin;
    struct http_request *req;
    struct http_response *res;
    bool begun;     /* the head is sent */
    int broken;     /* why nobody gets anything any more; 0: they do */
    size_t said;    /* faults that were sent */
    usec_t news_at; /* when something was sent last */
};

/* ---- Lines ---- */

static int begin(struct admin_call *c)
{
    http_set(c->res, "Content-Type", STR("application/x-ndjson"));
    int r = http_stream(c->res, /* length= */ -1);
    c->begun = r == 0;
    return r;
}

static void line_begin(struct json_writer *w, struct buf *line)
{
    json_writer_init(w, line);
    json_object(w);
}

static int line_end(struct admin_call *c, struct json_writer *w, struct buf *line)
{
    json_object_end(w);
    buf_byte(line, '\n');
    ASSERT(line->error == 0);
    int r = atomic_load(&c->admin->stop) ? ERR_CLOSED : http_write(c->res, buf_str(line));
    c->broken = r;
    c->news_at = time_monotonic();
    return r;
}

static int say_fault(struct admin_call *c, struct str text)
{
    BUF_AUTO(line, LINE_MOST);
    struct json_writer w;
    line_begin(&w, &line);
    json_member_string(&w, "fault", text);
    c->said++;
    return line_end(c, &w, &line);
}

static int say_progress(struct admin_call *c, uint64_t looked_at)
{
    if (atomic_load(&c->admin->stop)) {
        return ERR_CLOSED;
    }
    if (c->broken < 0 || time_monotonic() - c->news_at < news_every) {
        return c->broken;
    }
    BUF_AUTO(line, LINE_MOST);
    struct json_writer w;
    line_begin(&w, &line);
    json_member_integer(&w, "keys", (int64_t)looked_at);
    return line_end(c, &w, &line);
}

struct total {
    const char *name;
    uint64_t value;
};

static int say_end(struct admin_call *c, const struct total *totals)
{
    BUF_AUTO(line, LINE_MOST);
    struct json_writer w;
    line_begin(&w, &line);
    json_member_bool(&w, "done", true);
    for (; totals->name; totals++) {
        json_member_integer(&w, totals->name, (int64_t)totals->value);
    }
    return line_end(c, &w, &line);
}

/* ---- Check ---- */

static int check_page(void *ctx, const struct data_report *so_far)
{
    struct admin_call *c = ctx;
    int r = 0;
    while (r == 0 && c->said < so_far->lines.n) {
        r = say_fault(c, str_from(so_far->lines.at[c->said]));
    }
    return r < 0 ? r : say_progress(c, so_far->keys);
}

static int check(struct admin_call *c)
{
    struct data_report report = {.keys = 0};
    const struct data_watch watch = {.page = check_page, .ctx = c};
    int r = begin(c);
    if (r == 0) {
        r = data_check_watched(c->admin->options.store, coditectd_judge, &watch, &report);
    }
    if (r == 0) {
        r = say_end(c, (struct total[]){{"keys", report.keys},
                                        {"records", report.records},
                                        {"indexes", report.indexes},
                                        {"faults", report.faults},
                                        {NULL, 0}});
    }
    data_report_fini(&report);
    return r;
}

/* ---- Scrub ---- */

static void scrub_damaged(void *ctx, struct str key)
{
    struct admin_call *c = ctx;
    if (c->broken == 0 && c->said < FAULTS_MOST) {
        (void)!say_fault(c, str_slice(key, 0, 300)); /* the next page asks */
    }
}

static int scrub_page(void *ctx, const struct files_scrubbed *so_far)
{
    return say_progress(ctx, so_far->chunks + so_far->versions);
}

static int scrub(struct admin_call *c)
{
    struct files_scrubbed scrubbed = {0};
    const struct files_scrub input = {.damaged = scrub_damaged, .page = scrub_page, .ctx = c};
    int r = begin(c);
    if (r == 0) {
        r = files_scrub(c->admin->options.store, &input, &scrubbed);
    }
    if (r < 0) {
        return r;
    }
    return say_end(c, (struct total[]){{"chunks", scrubbed.chunks},
                                       {"versions", scrubbed.versions},
                                       {"faults", scrubbed.damaged},
                                       {NULL, 0}});
}

/* ---- Users ---- */

static void member_time(struct json_writer *w, const char *name, usec_t t)
{
    char text[25];
    if (t > 0) {
        json_member_string(w, name, time_str(text, t));
    }
}

static int say_person(struct admin_call *c, const struct auth_person *person)
{
    BUF_AUTO(line, LINE_MOST);
    struct json_writer w;
    const struct data_user *user = &person->user;
    line_begin(&w, &line);
    json_member_string(&w, "id", user->id);
    if (user->email.n > 0) {
        json_member_string(&w, "email", user->email);
    }
    if (user->name.n > 0) {
        json_member_string(&w, "name", user->name);
    }
    json_member_string(&w, "role", str_from(data_role_name(user->role)));
    json_member_string(&w, "tenant_id", user->tenant_id);
    json_member_string(&w, "tenant", person->tenant);
    json_member_integer(&w, "logins", (int64_t)person->logins);
    member_time(&w, "created_at", user->created_at);
    member_time(&w, "removed_at", user->removed_at);
    member_time(&w, "last_access_at", person->last_access);
    return line_end(c, &w, &line);
}

static int say_people(struct admin_call *c, const struct auth_people *people)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < people->n; i++) {
        r = say_person(c, &people->at[i]);
    }
    return r;
}

static int users(struct admin_call *c)
{
    struct auth_people_walk walk = {.ended = false};
    uint64_t count = 0;
    int r = begin(c);
    while (r == 0 && !walk.ended) {
        ARENA_AUTO(arena);
        struct auth_people people;
        r = auth_people_next(c->admin->options.store, &arena, &walk, &people);
        r = r < 0 ? r : say_people(c, &people);
        count += r == 0 ? people.n : 0;
    }
    return r < 0 ? r : say_end(c, (struct total[]){{"users", count}, {NULL, 0}});
}

/* ---- Keys ---- */

static int rotate_keys(struct admin_call *c)
{
    char kid[AUTH_KID_ROOM];
    int r = auth_turn_keys(c->admin->options.auth, kid);
    if (r < 0) {
        return r;
    }
    log_info("coditectd", "tokens are signed by another key from now on: %s", kid);
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    json_member_string(&w, "key", str_from(kid));
    json_object_end(&w);
    http_set(c->res, "Content-Type", STR("application/json"));
    return 0;
}

/* ---- The application ---- */

static const struct row {
    enum http_method method;
    struct str path;
    enum http_lane lane;
    bool reads_all; /* one such at a time */
    int (*run)(struct admin_call *c);
} rows[] = {
    {HTTP_GET, {"/users", 6}, HTTP_STREAM, false, users},
    {HTTP_POST, {"/check", 6}, HTTP_STREAM, true, check},
    {HTTP_POST, {"/scrub", 6}, HTTP_STREAM, true, scrub},
    {HTTP_POST, {"/rotate-keys", 12}, HTTP_WORK, false, rotate_keys},
};

static int find(const struct http_request *req, const struct row **ret_row)
{
    int r = ERR_NOT_FOUND;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(req->path, rows[i].path)) {
            *ret_row = &rows[i];
            r = rows[i].method == req->method ? 0 : ERR_METHOD_NOT_ALLOWED;
        }
    }
    return r;
}

static int app_route(void *ctx, struct http_request *req, struct http_route *ret)
{
    (void)ctx;
    const struct row *row;
    int r = find(req, &row);
    if (r == 0) {
        ret->lane = row->lane;
    }
    return r;
}

static void app_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    (void)ctx;
    const struct err_row *row = err_row(code);
    struct json_writer w;
    http_reset(res);
    http_status(res, row->status);
    http_set(res, "Content-Type", STR("application/json"));
    if (code == ERR_METHOD_NOT_ALLOWED) {
        http_set(res, "Allow", str_eq(req->path, STR("/users")) ? STR("GET") : STR("POST"));
    }
    json_writer_init(&w, http_body_buf(res));
    failure_begin(&w, code, STR_EMPTY);
    failure_end(&w, req->id);
}

static int run(const struct row *row, struct admin_call *c)
{
    if (!row->reads_all) {
        return row->run(c);
    }
    if (atomic_flag_test_and_set(&c->admin->reading)) {
        return ERR_BUSY;
    }
    int r = row->run(c);
    atomic_flag_clear(&c->admin->reading);
    return r;
}

static void app_handle(void *ctx, struct http_request *req, struct http_response *res)
{
    struct coditectd_admin *admin = ctx;
    ASSERT_MAGIC(admin, ADMIN_MAGIC);
    struct admin_call c = {.admin = admin, .req = req, .res = res, .news_at = time_monotonic()};
    const struct row *row = NULL;
    int r = find(req, &row);
    r = r < 0 ? r : run(row, &c);
    if (r < 0 && err_row(r)->status >= 500 && r != ERR_CLOSED && r != ERR_BUSY) {
        log_warn("coditectd", "admin " STR_FMT ": %s", STR_ARG(req->path), err_name(r));
    }
    if (r < 0 && c.begun) {
        http_abort(res);
    } else if (r < 0) {
        app_error(admin, req, r, res);
    }
}

int coditectd_admin_start(const struct coditectd_admin_options *options,
                          struct coditectd_admin **ret_admin)
{
    static const char *const addresses[] = {"unix:" CODITECTD_ADMIN_SOCKET, NULL};
    struct coditectd_admin *admin = MEM_NEW(struct coditectd_admin);
    admin->magic = ADMIN_MAGIC;
    admin->options = *options;
    admin->app = (struct http_app){
        .ctx = admin, .route = app_route, .handle = app_handle, .error = app_error};
    struct http_server_options server = {
        .listen = addresses,
        .app = &admin->app,
        .loops = 1,
        .limits = {.connections = CONNECTIONS},
        .own_users = true,
    };
    for (int i = 0; i < HTTP_LANES; i++) {
        server.limits.threads[i] = i == HTTP_STREAM ? 4 : 1;
        server.limits.queue[i] = CONNECTIONS;
    }
    int r = http_server_start(&server, &admin->server);
    if (r < 0) {
        coditectd_admin_stop(admin);
        return r;
    }
    *ret_admin = admin;
    return 0;
}

void coditectd_admin_stop(struct coditectd_admin *admin)
{
    if (!admin) {
        return;
    }
    ASSERT_MAGIC(admin, ADMIN_MAGIC);
    atomic_store(&admin->stop, true);
    if (admin->server) {
        http_server_drain(admin->server, patience);
        (void)unlink(CODITECTD_ADMIN_SOCKET);
    }
    http_server_destroy(admin->server);
    admin->magic = 0;
    mem_free(admin);
}
