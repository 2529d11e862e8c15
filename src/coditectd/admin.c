/*
 * The operator's door: see admin.h.
 *
 * 1. Who may come is settled before a byte is read: the folder is the server's alone, the socket 0600, and the kernel says whose
 *    process is at the other end. There is no password here to be guessed.
 * 2. What reads all of the store does so page by page, so that writers wait for none of it; one check or scrub and one backup at a
 *    time. After each page it asks whether anybody still listens.
 */
#include <unistd.h>

#include "coditectd/admin_int.h"

#include "base/assert.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/mem.h"
#include "coditectd/check.h"
#include "files/upkeep.h"

enum { CONNECTIONS = 16, FAULTS_MOST = 1000, SAID_MOST = 2000 };

static const usec_t news_every = USEC_PER_SEC;
static const usec_t patience = 5 * USEC_PER_SEC; /* all that goes on is told to end */

/* ---- Lines ---- */

int coditectd_admin_begin(struct coditectd_admin_call *c)
{
    http_set(c->res, "Content-Type", STR("application/x-ndjson"));
    int r = http_stream(c->res, /* length= */ -1);
    c->begun = true;
    c->broken = r;
    return r;
}

void coditectd_admin_line(struct json_writer *w, struct buf *line)
{
    json_writer_init(w, line);
    json_object(w);
}

int coditectd_admin_say(struct coditectd_admin_call *c, struct json_writer *w, struct buf *line)
{
    json_object_end(w);
    return coditectd_admin_send(c, line);
}

int coditectd_admin_send(struct coditectd_admin_call *c, struct buf *line)
{
    buf_byte(line, '\n');
    ASSERT(line->error == 0);
    int r = c->begun ? c->broken : coditectd_admin_begin(c);
    r = atomic_load(&c->admin->stop) ? ERR_CLOSED : r;
    r = r < 0 ? r : http_write(c->res, buf_str(line));
    c->broken = r;
    c->news_at = time_monotonic();
    return r;
}

static int say_fault(struct coditectd_admin_call *c, struct str text)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_string(&w, "fault", text);
    c->said++;
    return coditectd_admin_say(c, &w, &line);
}

int coditectd_admin_progress(void *ctx, uint64_t looked_at)
{
    struct coditectd_admin_call *c = ctx;
    if (atomic_load(&c->admin->stop)) {
        return ERR_CLOSED;
    }
    if (c->broken < 0 || time_monotonic() - c->news_at < news_every) {
        return c->broken;
    }
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_integer(&w, "keys", (int64_t)looked_at);
    return coditectd_admin_say(c, &w, &line);
}

int coditectd_admin_say_end(struct coditectd_admin_call *c,
                            const struct coditectd_admin_total *totals)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_bool(&w, "done", true);
    for (; totals->name; totals++) {
        json_member_integer(&w, totals->name, (int64_t)totals->value);
    }
    return coditectd_admin_say(c, &w, &line);
}

/* ---- Check ---- */

static int check_page(void *ctx, const struct data_report *so_far)
{
    struct coditectd_admin_call *c = ctx;
    int r = 0;
    while (r == 0 && c->said < so_far->lines.n) {
        r = say_fault(c, str_from(so_far->lines.at[c->said]));
    }
    return r < 0 ? r : coditectd_admin_progress(c, so_far->keys);
}

static int check(struct coditectd_admin_call *c)
{
    struct data_report report = {.keys = 0};
    const struct data_watch watch = {.page = check_page, .ctx = c};
    int r = coditectd_admin_begin(c);
    if (r == 0) {
        r = data_check_watched(c->admin->options.store, coditectd_judge, &watch, &report);
    }
    if (r == 0) {
        r = coditectd_admin_say_end(c, (struct coditectd_admin_total[]){{"keys", report.keys},
                                                                        {"records", report.records},
                                                                        {"indexes", report.indexes},
                                                                        {"faults", report.faults},
                                                                        {NULL, 0}});
    }
    data_report_fini(&report);
    return r;
}

/* ---- Scrub ---- */

static void scrub_damaged(void *ctx, struct str what)
{
    struct coditectd_admin_call *c = ctx;
    if (c->broken == 0 && c->said < FAULTS_MOST) {
        (void)!say_fault(c, str_slice(what, 0, SAID_MOST)); /* the next page asks */
    }
}

static int scrub_page(void *ctx, const struct files_scrubbed *so_far)
{
    return coditectd_admin_progress(ctx, so_far->chunks + so_far->versions);
}

static int scrub(struct coditectd_admin_call *c)
{
    struct files_scrubbed scrubbed = {0};
    const struct files_scrub input = {.damaged = scrub_damaged, .page = scrub_page, .ctx = c};
    int r = coditectd_admin_begin(c);
    if (r == 0) {
        r = files_scrub(c->admin->options.store, &input, &scrubbed);
    }
    if (r < 0) {
        return r;
    }
    return coditectd_admin_say_end(c,
                                   (struct coditectd_admin_total[]){{"chunks", scrubbed.chunks},
                                                                    {"versions", scrubbed.versions},
                                                                    {"faults", scrubbed.damaged},
                                                                    {NULL, 0}});
}

/* ---- Accounts ---- */

static void member_time(struct json_writer *w, const char *name, usec_t t)
{
    char text[25];
    if (t > 0) {
        json_member_string(w, name, time_str(text, t));
    }
}

static int say_person(struct coditectd_admin_call *c, const struct auth_person *person)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    const struct data_user *user = &person->user;
    coditectd_admin_line(&w, &line);
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
    return coditectd_admin_say(c, &w, &line);
}

static int say_people(struct coditectd_admin_call *c, const struct auth_people *people)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < people->n; i++) {
        r = say_person(c, &people->at[i]);
    }
    return r;
}

static int users(struct coditectd_admin_call *c)
{
    struct auth_people_walk walk = {.ended = false};
    uint64_t count = 0;
    int r = coditectd_admin_begin(c);
    while (r == 0 && !walk.ended) {
        ARENA_AUTO(arena);
        struct auth_people people;
        r = auth_people_next(c->admin->options.store, &arena, &walk, &people);
        r = r < 0 ? r : say_people(c, &people);
        count += r == 0 ? people.n : 0;
    }
    return r < 0 ? r
                 : coditectd_admin_say_end(
                       c, (struct coditectd_admin_total[]){{"users", count}, {NULL, 0}});
}

/* Who it is about stays out of the log, as do all addresses; the audit log of the tenant has it. */
static struct data_context console(const struct coditectd_admin_call *c)
{
    return (struct data_context){
        .store = c->admin->options.store,
        .arena = c->req->arena,
        .client = {.address = STR("console"), .request_id = c->req->id, .nobody = true}};
}

static int reset_password(struct coditectd_admin_call *c)
{
    struct data_context ctx = console(c);
    struct auth_reset reset;
    int r = auth_console_reset(&ctx, c->in.email, &reset);
    if (r < 0) {
        c->why = r == ERR_NOT_FOUND ? "there is no such account"
                 : r == ERR_INVALID ? "that is not an e-mail address"
                                    : NULL;
        return r;
    }
    struct str base = str_from(c->admin->options.public_url ? c->admin->options.public_url : "");
    base.n -= str_ends(base, STR("/"));
    struct str url = arena_printf(ctx.arena, STR_FMT "/reset#token=" STR_FMT, STR_ARG(base),
                                  STR_ARG(reset.token));
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    json_member_string(&w, "url", url);
    member_time(&w, "expires_at", reset.expires_at);
    json_object_end(&w);
    http_set(c->res, "Content-Type", STR("application/json"));
    return 0;
}

static int remove_totp(struct coditectd_admin_call *c)
{
    struct data_context ctx = console(c);
    int r = auth_console_totp_end(&ctx, c->in.email);
    if (r < 0) {
        c->why = r == ERR_NOT_FOUND ? "there is no such account, or it asks for no code"
                 : r == ERR_INVALID ? "that is not an e-mail address"
                                    : NULL;
        return r;
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    json_member_bool(&w, "done", true);
    json_object_end(&w);
    http_set(c->res, "Content-Type", STR("application/json"));
    return 0;
}

/* ---- Keys ---- */

static int rotate_keys(struct coditectd_admin_call *c)
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

static int (*const runs[])(struct coditectd_admin_call *c) = {
    [CODITECTD_ADMIN_USERS] = users,
    [CODITECTD_ADMIN_TENANTS] = coditectd_admin_tenants,
    [CODITECTD_ADMIN_LIMITS] = coditectd_admin_limits,
    [CODITECTD_ADMIN_AUDIT] = coditectd_admin_audit,
    [CODITECTD_ADMIN_CHECK] = check,
    [CODITECTD_ADMIN_SCRUB] = scrub,
    [CODITECTD_ADMIN_ROTATE_KEYS] = rotate_keys,
    [CODITECTD_ADMIN_RESET_PASSWORD] = reset_password,
    [CODITECTD_ADMIN_REMOVE_TOTP] = remove_totp,
    [CODITECTD_ADMIN_BACKUP] = coditectd_admin_backup,
    [CODITECTD_ADMIN_BACKUP_STREAM] = coditectd_admin_backup_stream,
    [CODITECTD_ADMIN_BACKUPS] = coditectd_admin_backups,
};

static int app_route(void *ctx, struct http_request *req, struct http_route *ret)
{
    (void)ctx;
    const struct coditectd_admin_row *row;
    int r = coditectd_admin_find(req, &row);
    if (r == 0) {
        ret->lane = row->lane;
    }
    return r;
}

static void say_refused(struct http_request *req, struct http_response *res, int code,
                        struct str why)
{
    const struct err_row *row = err_row(code);
    struct json_writer w;
    http_reset(res);
    http_status(res, row->status);
    http_set(res, "Content-Type", STR("application/json"));
    if (code == ERR_METHOD_NOT_ALLOWED) {
        http_set(res, "Allow", coditectd_admin_allow(req->path));
    }
    json_writer_init(&w, http_body_buf(res));
    failure_begin(&w, code, why);
    failure_end(&w, req->id);
}

static void app_error(void *ctx, struct http_request *req, int code, struct http_response *res)
{
    (void)ctx;
    say_refused(req, res, code, STR_EMPTY);
}

static atomic_flag *turn_of(struct coditectd_admin *admin, enum coditectd_admin_turn turn)
{
    return turn == CODITECTD_ADMIN_READS ? &admin->reading : &admin->backing_up;
}

static int run(struct coditectd_admin_call *c)
{
    const struct coditectd_admin_row *row;
    int r = coditectd_admin_find(c->req, &row);
    r = r < 0 ? r : coditectd_admin_decode(c->req, &c->in);
    if (r < 0 || row->turn == CODITECTD_ADMIN_ANY) {
        return r < 0 ? r : runs[row->what](c);
    }
    if (atomic_flag_test_and_set(turn_of(c->admin, row->turn))) {
        c->why = row->turn == CODITECTD_ADMIN_READS ? "another check or scrub is on its way"
                                                    : "another backup is being made";
        return ERR_BUSY;
    }
    r = runs[row->what](c);
    atomic_flag_clear(turn_of(c->admin, row->turn));
    return r;
}

/* Behind the first line the status is gone: a last line says it. */
static void end_begun(struct coditectd_admin_call *c, int code)
{
    BUF_AUTO(line, CODITECTD_ADMIN_LINE);
    struct json_writer w;
    coditectd_admin_line(&w, &line);
    json_member_string(&w, "failed", str_from(c->why ? c->why : err_row(code)->text));
    json_member_integer(&w, "status", err_row(code)->status);
    if (c->raw || c->broken < 0 || coditectd_admin_say(c, &w, &line) < 0) {
        http_abort(c->res);
    }
}

static void app_handle(void *ctx, struct http_request *req, struct http_response *res)
{
    struct coditectd_admin *admin = ctx;
    ASSERT_MAGIC(admin, CODITECTD_ADMIN_MAGIC);
    struct coditectd_admin_call c = {
        .admin = admin, .req = req, .res = res, .news_at = time_monotonic()};
    int r = run(&c);
    if (r < 0 && err_row(r)->status >= 500 && r != ERR_CLOSED && r != ERR_BUSY) {
        log_warn("coditectd", "admin " STR_FMT ": %s", STR_ARG(req->path), err_name(r));
    }
    if (r < 0 && c.begun) {
        end_begun(&c, r);
    } else if (r < 0) {
        say_refused(req, res, r, str_from(c.why ? c.why : ""));
    }
}

int coditectd_admin_start(const struct coditectd_admin_options *options,
                          struct coditectd_admin **ret_admin)
{
    static const char *const addresses[] = {"unix:" CODITECTD_ADMIN_SOCKET, NULL};
    struct coditectd_admin *admin = MEM_NEW(struct coditectd_admin);
    admin->magic = CODITECTD_ADMIN_MAGIC;
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
    ASSERT_MAGIC(admin, CODITECTD_ADMIN_MAGIC);
    atomic_store(&admin->stop, true);
    if (admin->server) {
        http_server_drain(admin->server, patience);
        (void)unlink(CODITECTD_ADMIN_SOCKET);
    }
    http_server_destroy(admin->server);
    admin->magic = 0;
    mem_free(admin);
}
