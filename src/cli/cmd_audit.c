/* audit: what happened in the tenant. admin audit: what strangers were refused and the operator did, for the operator. */
#include <unistd.h>

#include "cli/admin.h"

static const usec_t minute = 60 * USEC_PER_SEC;

struct reading {
    struct cli_audit_list_in in;
    struct cli_table table;
};

/* "30m", "12h", "7d" before now, or a time as RFC 3339 writes it, or its date alone, which is its beginning. */
static int read_time(struct cli_run *run, const char *option, struct str *ret_time)
{
    const char *word = cli_value(run, option);
    struct str text = str_from(word);
    char unit = text.n > 0 ? text.p[text.n - 1] : '\0';
    usec_t each = unit == 'm'   ? minute
                  : unit == 'h' ? 60 * minute
                  : unit == 'd' ? 1440 * minute
                                : 0;
    uint64_t count;
    usec_t at;
    BUF_AUTO(written, 64);
    if (each > 0 && str_u64(str_slice(text, 0, text.n - 1), 100000, &count) == 0) {
        time_format(&written, time_now() - (usec_t)count * each);
    } else {
        buf_add(&written, str_slice(text, 0, 40));
        buf_add(&written, text.n == sizeof "2026-11-21" - 1 ? STR("T00:00:00Z") : STR_EMPTY);
    }
    if (time_parse(buf_str(&written), &at) < 0) {
        return cli_fail(run, ERR_INVALID,
                        "--%s wants 2026-11-21T04:05:06Z, 2026-11-21, or 30m, 12h, 7d", option);
    }
    *ret_time = arena_str(&run->arena, buf_str(&written));
    return 0;
}

static int read_filters(struct cli_run *run, struct cli_audit_list_in *in)
{
    const char *actor = cli_value(run, "actor");
    const char *action = cli_value(run, "action");
    const char *session = cli_value(run, "session");
    *in = (struct cli_audit_list_in){.has_since = cli_given(run, "since"),
                                     .has_until = cli_given(run, "until"),
                                     .has_actor = actor != NULL,
                                     .action = str_from(action),
                                     .has_action = action != NULL,
                                     .has_session_id = session != NULL};
    int r = in->has_since ? read_time(run, "since", &in->since) : 0;
    if (r == 0 && in->has_until) {
        r = read_time(run, "until", &in->until);
    }
    if (r == 0 && actor) {
        r = cli_member_find(run, str_from(actor), &in->actor);
    }
    if (r == 0 && session) {
        r = cli_session_find(run, str_from(session), /* deleted= */ false, &in->session_id);
    }
    return r;
}

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    struct reading *reading = ctx;
    struct cli_client *client;
    reading->in.cursor = cursor;
    reading->in.has_cursor = cursor.n > 0;
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_audit_list(client, &reading->in, NULL, ret_reply);
}

/* What it was done to; of calls that changed nothing what was called, and how often. */
static struct str what(struct arena *arena, const struct cli_audit_record *record)
{
    struct str target = record->has_target ? record->target : STR_EMPTY;
    if (record->has_route) {
        return arena_printf(arena, STR_FMT " x%lld%s" STR_FMT, STR_ARG(record->route),
                            (long long)record->count, target.n > 0 ? " " : "", STR_ARG(target));
    }
    if (record->has_count) {
        return arena_printf(arena, STR_FMT " x%lld", STR_ARG(target), (long long)record->count);
    }
    if (record->has_changed) {
        return arena_printf(arena, STR_FMT " (" STR_FMT ")", STR_ARG(target),
                            STR_ARG(record->changed));
    }
    return target.n > 0 ? target : STR("-");
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = &((struct reading *)ctx)->table;
    struct cli_audit_record record = {0};
    int r = cli_shape_read(run, &cli_shape_audit_record, element, &record);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, cli_time_text(&table->arena, record.at));
    cli_table_add(table, record.outcome);
    cli_table_add(table, record.action);
    cli_table_add(table, record.has_actor_id ? record.actor_id : STR("-"));
    cli_table_add(table, what(&table->arena, &record));
    cli_table_add(table, record.has_address ? record.address : STR("-"));
    return 0;
}

/* All of it by one request, as the server writes it. */
static int export_lines(struct cli_run *run, const struct cli_audit_list_in *in)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_content content = CLI_CONTENT;
    content.sink_fd = STDOUT_FILENO;
    content.accept = "application/x-ndjson";
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_audit_list(client, in, &content, &reply);
}

static int audit(struct cli_run *run)
{
    static const char *const heads[] = {"WHEN (UTC)", "RESULT", "ACTION", "WHO",
                                        "WHAT",       "FROM",   NULL};
    struct reading reading;
    struct cli_pages pages = {
        .fetch = fetch, .show = show, .ctx = &reading, .table = &reading.table};
    int r = cli_number(run, "limit", &pages.most);
    r = r < 0 ? r : read_filters(run, &reading.in);
    if (r < 0) {
        return r;
    }
    if (cli_given(run, "ndjson")) {
        return run->json || pages.most > 0
                   ? cli_fail(run, ERR_INVALID, "--ndjson goes with neither --json nor --limit")
                   : export_lines(run, &reading.in);
    }
    cli_table_init(&reading.table, run, heads);
    r = cli_pages_show(run, &pages);
    cli_table_fini(&reading.table);
    return r;
}

static const struct cli_option options[] = {
    {.name = "since", .value = "TIME", .text = "not what is older: 2026-11-21, or 30m, 12h, 7d"},
    {.name = "until", .value = "TIME", .text = "not what is newer; a date is its beginning, UTC"},
    {.name = "actor", .value = "MEMBER", .text = "what this person did: an id or e-mail address"},
    {.name = "action", .value = "ACTION", .text = "session.create, or session for all of it"},
    {.name = "session", .value = "SESSION", .text = "what happened to this session"},
    {.name = "limit", .value = "N", .text = "so many, the newest (default: all)"},
    {.name = "ndjson", .text = "one JSON object a line, sent as one reply however long it is"},
    {.name = NULL},
};
static const struct cli_example examples[] = {
    {"coditect audit --since 7d --action login", "Logins of this week, newest first."},
    {"coditect audit --since 2026-11-01 --until 2026-12-01", "Of November."},
    {"coditect audit --ndjson --since 2026-11-01 > audit.ndjson", "An export, for other tools."},
    {.line = NULL},
};
const struct cli_command cli_command_audit = {
    .name = "audit",
    .summary = "Show what happened in your tenant: changes and refusals.",
    .text = "Owners and admins may. What changed in files stands in their history: coditect files "
            "changes.",
    .options = options,
    .examples = examples,
    .run = audit,
};

/* ---- admin audit ---- */

/* A refusal, or, without a count, what the operator did. */
static void add_house(struct cli_run *run, struct cli_table *table, const struct json *line)
{
    (void)run;
    struct arena *arena = &table->arena;
    long long count = (long long)cli_admin_number(line, "count");
    cli_table_add(table, cli_time_text(arena, cli_admin_text(line, "at")));
    cli_table_add(table, arena_printf(arena, "%lld", count > 0 ? count : 1));
    cli_table_add(table, cli_admin_text(line, "address"));
    cli_table_add(table, count > 0 ? cli_admin_text(line, "route")
                                   : arena_printf(arena, STR_FMT " " STR_FMT,
                                                  STR_ARG(cli_admin_text(line, "action")),
                                                  STR_ARG(cli_admin_text(line, "target"))));
}

static int admin_audit(struct cli_run *run)
{
    static const char *const heads[] = {"WHEN (UTC)", "COUNT", "FROM", "WHAT", NULL};
    struct cli_admin_listing listing = {.target = "/audit", .heads = heads, .add = add_house};
    struct str since;
    int r = cli_given(run, "since") ? read_time(run, "since", &since) : 0;
    if (r < 0) {
        return r;
    }
    if (cli_given(run, "since")) {
        listing.target = arena_printf(&run->arena, "/audit?since=" STR_FMT, STR_ARG(since)).p;
    }
    return cli_admin_list(run, &listing);
}

static const struct cli_option admin_audit_options[] = {
    {.name = "since", .value = "TIME", .text = "not what is older: 2026-11-21, or 30m, 12h, 7d"},
    {.name = "data", .value = "DIR", .text = "the server's data directory"},
    {.name = NULL},
};
static const struct cli_example admin_audit_examples[] = {
    {"coditect admin audit --since 1h", "Who knocks in vain, newest first."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_audit = {
    .name = "admin audit",
    .summary =
        "Show what strangers were refused, by address, operation and minute; and turns of keys.",
    .text = "For the server's user and root, on its machine. Wrong passwords of accounts that "
            "exist stand in their tenant's audit log too. Of many addresses at once some are "
            "counted together, as others.",
    .options = admin_audit_options,
    .examples = admin_audit_examples,
    .run = admin_audit,
};
