/*
 * admin: what the operator of a server does on its machine, through the door that the server keeps in its data directory
 * (src/coditectd/admin.h): by the rights of files, not by a login.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin.h"
#include "http/http.h"

#define DOOR "store/admin.sock"

enum { LINE_MOST = 64 * 1024, PIECE = 64 * 1024 };

static const usec_t patience = 120 * USEC_PER_SEC;

/* ---- Where the server is ---- */

static bool is_data(const char *path)
{
    struct stat facts;
    struct str store = str_from(path);
    BUF_AUTO(text, 4096);
    buf_printf(&text, STR_FMT "/store", STR_ARG(store));
    return stat(buf_z(&text), &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* What was named, else where scripts/up and the packages put it. */
static int find_data(struct cli_run *run, const char **ret_data)
{
    const char *home = getenv("HOME");
    const char *given = cli_value(run, "data");
    if (given && !given[0]) { /* as of a variable that is not set: no other server is meant */
        return cli_fail(run, ERR_INVALID, "--data wants a directory");
    }
    given = given ? given : getenv("CODITECT_DATA");
    if (given && given[0]) {
        *ret_data = given;
        return 0;
    }
    const char *const usual[] = {
        arena_printf(&run->arena, "%s/.local/share/coditect", home ? home : "").p,
        "/var/lib/coditect",
    };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (is_data(usual[i])) {
            *ret_data = usual[i];
            return 0;
        }
    }
    return cli_fail(run, ERR_NOT_FOUND,
                    "no data directory of a server is found here: name it by --data DIR");
}

static int nobody_there(struct cli_run *run, const char *data,
                        const struct cli_admin_request *request)
{
    if (request->stopped) {
        return cli_fail(run, ERR_UNAVAILABLE,
                        "no server runs on %s; while it is stopped: coditectd --data %s %s", data,
                        data, request->stopped);
    }
    return cli_fail(run, ERR_UNAVAILABLE, "no server runs on %s", data);
}

/* The names of sockets are short, so they are looked up from within the directory. */
static int enter(struct cli_run *run, const struct cli_admin_request *request, const char *data)
{
    if (chdir(data) != 0) {
        return cli_fail(run, err_from_errno(errno), "%s: %s", data, strerror(errno));
    }
    if (access(DOOR, W_OK) == 0) {
        return 0;
    }
    if (errno == EACCES) {
        return cli_fail(run, ERR_FORBIDDEN,
                        "only the server's user and root may: sudo coditect %s --data %s",
                        run->command->name, data);
    }
    return nobody_there(run, data, request);
}

/* ---- The reply ---- */

int64_t cli_admin_number(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_INTEGER ? value->integer : 0;
}

struct str cli_admin_text(const struct json *line, const char *name)
{
    const struct json *value = json_get(line, name);
    return value && value->kind == JSON_STRING ? value->string : STR("-");
}

static int refused(struct cli_run *run, struct http_client *client, int status)
{
    ARENA_AUTO(arena);
    BUF_AUTO(body, LINE_MOST);
    struct json *reply = NULL;
    bool json = http_client_body(client, &body) == 0 &&
                json_parse(&arena, buf_str(&body), &reply, NULL) == 0;
    return cli_refused(run, status, json ? reply : NULL);
}

static int none_of_ours(struct cli_run *run)
{
    return cli_fail(run, ERR_CORRUPT, "the server does not answer as Coditect does");
}

static int broken_off(struct cli_run *run)
{
    return cli_fail(run, ERR_UNAVAILABLE, "the server stopped in the middle of it");
}

static int take_line(struct cli_run *run, const struct cli_admin_request *request, struct str text,
                     bool *done)
{
    ARENA_AUTO(arena);
    struct json *value;
    if (json_parse(&arena, text, &value, NULL) < 0) {
        return none_of_ours(run);
    }
    const struct json *failed = json_get(value, "failed");
    if (failed && failed->kind == JSON_STRING) {
        int status = (int)cli_admin_number(value, "status");
        int code = status > 0 ? cli_code_named(STR_EMPTY, status) : ERR_INTERNAL;
        return cli_fail(run, code, STR_FMT, STR_ARG(failed->string));
    }
    *done = json_get(value, "done") != NULL;
    int r = request->line(run, request->ctx, value);
    return r < 0 || run->out.n == 0 ? r : cli_flush(run);
}

/* Line by line as they come. */
static int take_lines(struct cli_run *run, const struct cli_admin_request *request,
                      struct http_client *client)
{
    BUF_AUTO(held, 2 * LINE_MOST);
    char piece[PIECE];
    bool done = false;
    ssize_t n;
    while ((n = http_client_read(client, piece, sizeof piece)) > 0) {
        struct str rest = str_of(piece, (size_t)n);
        while (rest.n > 0) {
            size_t end = str_find(rest, '\n', 0);
            buf_add(&held, str_slice(rest, 0, end));
            if (held.n > LINE_MOST || held.error) {
                return cli_fail(run, ERR_CORRUPT, "the server's line is too long");
            }
            if (end == rest.n) {
                break;
            }
            int r = take_line(run, request, buf_str(&held), &done);
            if (r < 0) {
                return r;
            }
            buf_clear(&held);
            rest = str_slice(rest, end + 1, rest.n);
        }
    }
    return n == 0 && done ? 0 : broken_off(run);
}

static bool is_wanted(const struct cli_admin_request *request, const struct json *value)
{
    const struct json *member = request->wanted ? json_get(value, request->wanted) : NULL;
    return !request->wanted || (member && (member->kind == JSON_STRING ||
                                           (member->kind == JSON_BOOL && member->boolean)));
}

static int take_value(struct cli_run *run, const struct cli_admin_request *request,
                      struct http_client *client)
{
    ARENA_AUTO(arena);
    BUF_AUTO(body, LINE_MOST);
    struct json *value;
    if (http_client_body(client, &body) < 0) {
        return broken_off(run);
    }
    if (json_parse(&arena, buf_str(&body), &value, NULL) < 0 || !is_wanted(request, value)) {
        return none_of_ours(run);
    }
    if (run->json) {
        cli_print_value(run, value);
        return 0;
    }
    return request->line(run, request->ctx, value);
}

/* To standard output, which is the command's whole reply. */
static int take_bytes(struct cli_run *run, struct http_client *client)
{
    char piece[PIECE];
    ssize_t n;
    int r = 0;
    while (r == 0 && (n = http_client_read(client, piece, sizeof piece)) != 0) {
        if (n < 0) {
            return broken_off(run);
        }
        cli_print(run, str_of(piece, (size_t)n));
        r = cli_flush(run);
    }
    return r;
}

static int take(struct cli_run *run, const struct cli_admin_request *request,
                struct http_client *client)
{
    switch (request->reply) {
    case CLI_ADMIN_LINES:
        return take_lines(run, request, client);
    case CLI_ADMIN_BYTES:
        return take_bytes(run, client);
    default:
        return take_value(run, request, client);
    }
}

int cli_admin_ask(struct cli_run *run, const struct cli_admin_request *request)
{
    const char *data = NULL;
    struct http_client *client = NULL;
    struct http_reply reply;
    int r = find_data(run, &data);
    r = r < 0 ? r : enter(run, request, data);
    if (r < 0) {
        return r;
    }
    const struct http_client_options options = {.address = STR("unix:" DOOR), .patience = patience};
    const struct http_call call = {.method = request->method, .target = str_from(request->target)};
    r = http_client_create(&options, &client);
    r = r < 0 ? r : http_client_call(client, &call, &reply);
    if (r < 0) {
        r = nobody_there(run, data, request);
    } else if (reply.status != 200) {
        r = refused(run, client, reply.status);
    } else {
        r = take(run, request, client);
    }
    http_client_destroy(client);
    return r;
}

struct list {
    const struct cli_admin_listing *listing;
    struct cli_table table;
    size_t count;
};

static void list_json(struct cli_run *run, struct list *l, const struct json *line)
{
    bool done = json_get(line, "done") != NULL;
    cli_print(run, l->count++ > 0 ? (done ? STR("") : STR(",")) : STR("["));
    if (done) {
        cli_print(run, STR("]\n"));
    } else {
        cli_print_value(run, line);
    }
}

static int list_line(struct cli_run *run, void *ctx, const struct json *line)
{
    enum { A_SCREEN = 100 };
    struct list *l = ctx;
    bool done = json_get(line, "done") != NULL;
    if (run->json) {
        list_json(run, l, line);
        return 0;
    }
    if (!done) {
        l->listing->add(run, &l->table, line);
        l->count++;
    }
    if (done || l->count % A_SCREEN == 0) {
        cli_table_flush(&l->table);
    }
    return 0;
}

int cli_admin_list(struct cli_run *run, const struct cli_admin_listing *listing)
{
    struct list l = {.listing = listing};
    cli_table_init(&l.table, run, listing->heads);
    int r = cli_admin_ask(run, &(struct cli_admin_request){.method = "GET",
                                                           .target = listing->target,
                                                           .reply = CLI_ADMIN_LINES,
                                                           .line = list_line,
                                                           .stopped = listing->stopped,
                                                           .ctx = &l});
    cli_table_fini(&l.table);
    return r;
}

/* ---- check, scrub ---- */

/* ctx: how many faults the last line tells. */
static int show_found(struct cli_run *run, void *ctx, const struct json *line)
{
    const struct json *fault = json_get(line, "fault");
    if (fault && fault->kind == JSON_STRING) {
        if (run->json) {
            cli_note(STR_FMT, STR_ARG(fault->string)); /* which escapes it */
        } else {
            cli_escape(&run->out, fault->string);
            buf_byte(&run->out, '\n');
        }
        return 0;
    }
    if (!json_get(line, "done")) {
        return 0; /* it goes on */
    }
    *(int64_t *)ctx = cli_admin_number(line, "faults");
    if (run->json) {
        cli_print_value(run, line);
        return 0;
    }
    const char *before = "";
    for (const struct json *m = line->first; m; m = m->next) {
        if (m->kind == JSON_INTEGER) {
            buf_printf(&run->out, "%s%lld " STR_FMT, before, (long long)m->integer,
                       STR_ARG(cli_escaped(&run->arena, m->name)));
            before = ", ";
        }
    }
    buf_byte(&run->out, '\n');
    return 0;
}

static int look(struct cli_run *run, struct cli_admin_request request)
{
    int64_t faults = 0;
    request.line = show_found;
    request.ctx = &faults;
    request.reply = CLI_ADMIN_LINES;
    int r = cli_admin_ask(run, &request);
    if (r == 0 && faults > 0) {
        r = cli_fail(run, ERR_CORRUPT, "what is stored is damaged");
    }
    return r;
}

static int check(struct cli_run *run)
{
    return look(run, (struct cli_admin_request){
                         .method = "POST", .target = "/check", .stopped = "--check"});
}

static int scrub(struct cli_run *run)
{
    return look(run, (struct cli_admin_request){
                         .method = "POST", .target = "/scrub", .stopped = "--scrub"});
}

/* ---- users ---- */

static void add_time(struct cli_table *table, const struct json *line, const char *name)
{
    struct str text = cli_admin_text(line, name);
    cli_table_add(table, text.n > 1 ? cli_time_text(&table->arena, text) : text);
}

static void add_user(struct cli_run *run, struct cli_table *table, const struct json *line)
{
    (void)run;
    cli_table_add(table, cli_admin_text(line, "id"));
    cli_table_add(table,
                  json_get(line, "removed_at") ? STR("removed") : cli_admin_text(line, "role"));
    add_time(table, line, "last_access_at");
    cli_table_add(table, cli_admin_text(line, "tenant_id"));
    cli_table_add(table, cli_admin_text(line, "email"));
    cli_table_add(table, cli_admin_text(line, "name"));
}

static int users(struct cli_run *run)
{
    static const char *const heads[] = {"ID",   "ROLE", "LAST USE (UTC)", "TENANT", "E-MAIL",
                                        "NAME", NULL};
    return cli_admin_list(run,
                          &(struct cli_admin_listing){
                              .target = "/users",
                              .heads = heads,
                              .add = add_user,
                              .stopped = "--create-owner, --reset-password or --remove-totp E-MAIL",
                          });
}

/* ---- rotate-keys ---- */

static int show_key(struct cli_run *run, void *ctx, const struct json *value)
{
    (void)ctx;
    buf_printf(&run->out, "Tokens are signed by key ");
    cli_escape(&run->out, cli_admin_text(value, "key"));
    buf_printf(&run->out, " now; those of the key before it are taken until the next rotation\n");
    return 0;
}

static int rotate_keys(struct cli_run *run)
{
    int r = cli_admin_ask(run, &(struct cli_admin_request){.method = "POST",
                                                           .target = "/rotate-keys",
                                                           .stopped = "--rotate-keys",
                                                           .wanted = "key",
                                                           .line = show_key});
    if (r == ERR_CONFLICT) {
        return cli_fail(run, r,
                        "the key is the setting jwt.secret: set another one there, and the one "
                        "before as jwt.previous_secret until nobody uses what it signed");
    }
    return r;
}

/* ---- the table's rows ---- */

const struct cli_option cli_admin_options[] = {
    {.name = "data", .value = "DIR", .text = "the server's data directory"},
    {.name = NULL},
};

static const struct cli_example check_examples[] = {
    {"coditect admin check", "Of the server on this machine, which goes on serving."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_check = {
    .name = "admin check",
    .summary = "Look whether all that the server stores fits together.",
    .text = "For the server's user and root, on its machine. Writers do not wait for it. While the "
            "server is stopped: coditectd --data DIR --check.",
    .options = cli_admin_options,
    .examples = check_examples,
    .run = check,
};

static const struct cli_example scrub_examples[] = {
    {"coditect admin scrub", "Reads all content: as long as a backup takes."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_scrub = {
    .name = "admin scrub",
    .summary = "Read all stored content and look whether it is what its hash says.",
    .text = "For the server's user and root, on its machine. Writers do not wait for it. While the "
            "server is stopped: coditectd --data DIR --scrub.",
    .options = cli_admin_options,
    .examples = scrub_examples,
    .run = scrub,
};

static const struct cli_example users_examples[] = {
    {"coditect admin users --json | jq -r '.[].email'", "All addresses."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_users = {
    .name = "admin users",
    .summary = "List all accounts of the server, with tenant, role and last use.",
    .text = "For the server's user and root, on its machine. LAST USE is of the logins that have "
            "not ended. While the server is stopped, coditectd --data DIR makes the first account "
            "(--create-owner E-MAIL), or lets somebody in again who is locked out "
            "(--reset-password E-MAIL, --remove-totp E-MAIL).",
    .options = cli_admin_options,
    .examples = users_examples,
    .run = users,
};

static const struct cli_example rotate_examples[] = {
    {"coditect admin rotate-keys", "Nobody is logged out who comes once before the next time."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_rotate_keys = {
    .name = "admin rotate-keys",
    .summary = "Have the server sign tokens by another key from now on.",
    .text = "For the server's user and root, on its machine. What the key before signed is taken "
            "until the next rotation; twice within a login's time between two uses logs it out. "
            "While the server is stopped: coditectd --data DIR --rotate-keys.",
    .options = cli_admin_options,
    .examples = rotate_examples,
    .run = rotate_keys,
};
