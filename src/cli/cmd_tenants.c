/* admin tenants, admin limits: what each tenant has and may have, and what the operator lets one have instead. */
#include <ctype.h>

#include "cli/admin.h"
#include "http/http.h"

enum { TARGET_MOST = 2048 };

static const struct limit {
    const char *name; /* of the server's, and with '-' the option's */
    const char *option;
    bool bytes;
} limits[] = {
    {"members", "members", false},
    {"sessions", "sessions", false},
    {"running", "running", false},
    {"storage", "storage", true},
    {"stored", "stored", true},
    {"session_storage", "session-storage", true},
    {"home_storage", "home-storage", true},
    {"requests", "requests", false},
    {"file_requests", "file-requests", false},
    {"socket_requests", "socket-requests", false},
};
enum { LIMITS = sizeof limits / sizeof *limits };

static struct str amount(struct cli_run *run, const struct limit *limit, const struct json *value)
{
    if (!value || value->kind != JSON_INTEGER) {
        return STR("-");
    }
    return limit->bytes ? cli_size_text(&run->arena, value->integer)
                        : arena_printf(&run->arena, "%lld", (long long)value->integer);
}

/* Whether the tenant's own plan says it. */
static bool is_own(const struct json *about)
{
    const struct json *own = about ? json_get(about, "own") : NULL;
    return own && own->kind == JSON_BOOL && own->boolean;
}

/* ---- tenants ---- */

static struct str used_of(struct cli_run *run, const struct limit *limit, const struct json *line)
{
    const struct json *about = json_get(line, limit->name);
    const struct json *used = about ? json_get(about, "used") : NULL;
    const struct json *most = about ? json_get(about, "limit") : NULL;
    struct str text = used ? amount(run, limit, used) : STR_EMPTY;
    if (most) {
        text = arena_printf(&run->arena, STR_FMT "%s" STR_FMT "%s", STR_ARG(text), used ? "/" : "",
                            STR_ARG(amount(run, limit, most)), is_own(about) ? "*" : "");
    } else if (is_own(about)) {
        text = arena_printf(&run->arena, STR_FMT "*", STR_ARG(text));
    }
    return text.n > 0 ? text : STR("-");
}

static void add_tenant(struct cli_run *run, struct cli_table *table, const struct json *line)
{
    cli_table_add(table, cli_admin_text(line, "id"));
    for (size_t i = 0; i < LIMITS; i++) {
        cli_table_add(table, used_of(run, &limits[i], line));
    }
    cli_table_add(table, cli_admin_text(line, "name"));
}

static int tenants(struct cli_run *run)
{
    static const char *const heads[] = {
        "ID",           "MEMBERS",   "SESSIONS", "RUNNING",      "STORAGE",
        "WITH HISTORY", "A SESSION", "A HOME",   "REQUESTS/MIN", "FILES/MIN",
        "SOCKETS/MIN",  "NAME",      NULL};
    return cli_admin_list(
        run, &(struct cli_admin_listing){.target = "/tenants", .heads = heads, .add = add_tenant});
}

/* ---- limits ---- */

/* "512", "20 GiB", "20G": units are powers of 1,024. ERR_INVALID, said. */
static int bytes_of(struct cli_run *run, struct cli_topic word, uint64_t *ret_bytes)
{
    static const char units[] = "KMGTP";
    struct str text = str_from(word.text);
    size_t digits = 0;
    while (digits < text.n && isdigit((unsigned char)text.p[digits])) {
        digits++;
    }
    struct str unit = str_trim(str_slice(text, digits, text.n));
    const char *at = unit.n > 0 ? strchr(units, toupper((unsigned char)unit.p[0])) : NULL;
    unsigned shift = at ? 10 * (unsigned)(at - units + 1) : 0;
    struct str rest = at ? str_slice(unit, 1, unit.n) : unit;
    bool known = rest.n == 0 || str_eq_nocase(rest, STR("iB")) || str_eq_nocase(rest, STR("B"));
    uint64_t number = 0;
    if (!known || str_u64(str_slice(text, 0, digits), (UINT64_C(1) << 52) >> shift, &number) < 0 ||
        number == 0) {
        return cli_fail(run, ERR_INVALID,
                        "%s must be a size such as 20GiB, none or default, not %.40s", word.name,
                        word.text);
    }
    *ret_bytes = number << shift;
    return 0;
}

static int add_limit(struct cli_run *run, const struct limit *limit, struct buf *target)
{
    const char *text = cli_value(run, limit->option);
    int64_t number = 0;
    uint64_t bytes = 0;
    int r = 0;
    if (!text) {
        return 0;
    }
    if (strcmp(text, "none") == 0 || strcmp(text, "default") == 0) {
        buf_printf(target, "&%s=%s", limit->name, text);
        return 0;
    }
    struct cli_topic word = {limit->option, text};
    if (limit->bytes) {
        r = bytes_of(run, word, &bytes);
        number = (int64_t)bytes;
    } else {
        r = cli_positive(run, word, &number);
    }
    buf_printf(target, "&%s=%lld", limit->name, (long long)number);
    return r;
}

static int show_limits(struct cli_run *run, void *ctx, const struct json *line)
{
    static const char *const heads[] = {"LIMIT", ">USED", ">MOST", "FROM", NULL};
    (void)ctx;
    struct cli_table table;
    cli_table_init(&table, run, heads);
    for (size_t i = 0; i < LIMITS; i++) {
        const struct json *about = json_get(line, limits[i].name);
        const struct json *most = about ? json_get(about, "limit") : NULL;
        cli_table_add(&table, str_from(limits[i].option));
        cli_table_add(&table, amount(run, &limits[i], about ? json_get(about, "used") : NULL));
        cli_table_add(&table, most ? amount(run, &limits[i], most) : STR("no limit"));
        cli_table_add(&table, is_own(about) ? STR("plan") : STR("settings"));
    }
    cli_table_flush(&table);
    cli_table_fini(&table);
    return 0;
}

static int show_or_set(struct cli_run *run)
{
    BUF_AUTO(target, TARGET_MOST);
    buf_printf(&target, "/limits?tenant=");
    http_percent_encode(&target, str_slice(str_from(run->operands[0]), 0, 100));
    int r = 0;
    for (size_t i = 0; r == 0 && i < LIMITS; i++) {
        r = add_limit(run, &limits[i], &target);
    }
    if (r < 0) {
        return r;
    }
    r = cli_admin_ask(run, &(struct cli_admin_request){
                               .method = "POST", .target = buf_z(&target), .line = show_limits});
    if (r == ERR_INVALID || r == ERR_NOT_FOUND) {
        return cli_fail(run, r,
                        r == ERR_NOT_FOUND
                            ? "there is no such tenant: coditect admin tenants names them"
                            : "the server takes a tenant's id (ten-…) and limits within bounds; "
                              "requests always have one");
    }
    return r;
}

/* ---- the table's rows ---- */

static const struct cli_example tenants_examples[] = {
    {"coditect admin tenants", "USED/MOST of each; * marks what a plan of its own says."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_tenants = {
    .name = "admin tenants",
    .summary = "List all tenants of the server, with what each has and may have.",
    .text =
        "For the server's user and root, on its machine. Without a limit there is no number behind "
        "the stroke.",
    .options = cli_admin_options,
    .examples = tenants_examples,
    .run = tenants,
};

static const struct cli_operand limits_operands[] = {{.name = "TENANT"}, {.name = NULL}};
static const struct cli_option limits_options[] = {
    {.name = "members", .value = "N", .text = "people"},
    {.name = "sessions", .value = "N", .text = "sessions, deleted ones not counted"},
    {.name = "running", .value = "N", .text = "workspaces that run at once"},
    {.name = "storage", .value = "SIZE", .text = "all files together: 20GiB"},
    {.name = "stored", .value = "SIZE", .text = "their content with all its history"},
    {.name = "session-storage", .value = "SIZE", .text = "the files of one session"},
    {.name = "home-storage", .value = "SIZE", .text = "those of one person's home"},
    {.name = "requests", .value = "N", .text = "requests a minute, of each person"},
    {.name = "file-requests", .value = "N", .text = "those of files' content"},
    {.name = "socket-requests", .value = "N", .text = "those that lead to sockets"},
    {.name = "data", .value = "DIR", .text = "the server's data directory"},
    {.name = NULL},
};
static const struct cli_example limits_examples[] = {
    {"coditect admin limits ten-01jd5k7c9r3m8xq2w4e6y8t0za",
     "What it has, may have, and who says so."},
    {"coditect admin limits ten-01jd5k7c9r3m8xq2w4e6y8t0za --members 50 --storage 200GiB",
     "Both hold at once."},
    {"coditect admin limits ten-01jd5k7c9r3m8xq2w4e6y8t0za --running none --members default",
     "No limit; and what the settings say."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_limits = {
    .name = "admin limits",
    .summary = "Show what a tenant may have, or let it have more or less than the settings say.",
    .text = "For the server's user and root, on its machine. A value is a number, none for no "
            "limit, or "
            "default for what the settings say. It holds at once and stands in the tenant's audit "
            "log. What "
            "is there already stays when it is more.",
    .operands = limits_operands,
    .options = limits_options,
    .examples = limits_examples,
    .run = show_or_set,
};
