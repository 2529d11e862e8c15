/* links: by which others read a session's files. */
#include "cli/cli_int.h"

struct listing {
    struct cli_table table;
    struct str session;
};

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    const struct listing *l = ctx;
    struct cli_client *client;
    struct cli_session_links_list_in in = {.session_id = l->session};
    (void)cursor; /* one page has all */
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_session_links_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct listing *l = ctx;
    struct cli_table *table = &l->table;
    struct cli_link link = {0};
    int r = cli_shape_read(run, &cli_shape_link, element, &link);
    if (r < 0) {
        return r;
    }
    const char *gone = link.has_moment_gone && link.moment_gone ? " (gone)" : "";
    cli_table_add(table, link.id);
    cli_table_add(table, link.has_at
                             ? arena_printf(&table->arena, "%lld%s", (long long)link.at, gone)
                             : STR("now"));
    cli_table_add(table, cli_time_text(&table->arena, link.expires_at));
    cli_table_add(table, link.has_last_used_at ? cli_time_text(&table->arena, link.last_used_at)
                                               : STR("never"));
    cli_table_add(table, link.name);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID",   "SHOWS", "EXPIRES (UTC)", "LAST USE (UTC)",
                                        "NAME", NULL};
    struct listing l = {.session = STR_EMPTY};
    int r = cli_session_find(run, str_from(run->operands[0]), /* deleted= */ false, &l.session);
    if (r < 0) {
        return r;
    }
    cli_table_init(&l.table, run, heads);
    r = cli_pages_show(
        run, &(struct cli_pages){.fetch = fetch, .show = show, .ctx = &l, .table = &l.table});
    cli_table_fini(&l.table);
    return r;
}

/* The address alone on standard output. */
static int create(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_new_link made = {0};
    struct cli_session_link_create_in in = {
        .name = str_from(run->operands[1]),
        .has_expires_in_days = cli_given(run, "days"),
        .has_at = cli_given(run, "at"),
    };
    int r = cli_number(run, "days", &in.expires_in_days);
    r = r < 0 ? r : cli_number(run, "at", &in.at);
    r = r < 0 ? r
              : cli_session_find(run, str_from(run->operands[0]), /* deleted= */ false,
                                 &in.session_id);
    r = r < 0 ? r : cli_client(run, &client);
    r = r < 0 ? r : cli_session_link_create(client, &in, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_new_link, reply.data, &made);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
    } else {
        buf_printf(&run->out, STR_FMT "\n", STR_ARG(made.url));
    }
    return 0;
}

static int end_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_session_link_delete_in in = {.session_id = run->session, .link_id = str_from(word)};
    return cli_session_link_delete(run->client, &in, NULL, ret_reply);
}

static int end(struct cli_run *run)
{
    return cli_each_of_session(run, end_call);
}

static const struct cli_operand list_operands[] = {{.name = "SESSION", .complete = CLI_SESSION},
                                                   {.name = NULL}};
static const struct cli_example list_examples[] = {
    {"coditect links ls 'Project A'", "Shows all links to the session, newest first."},
    {.line = NULL},
};
const struct cli_command cli_command_links_ls = {
    .name = "links ls",
    .summary = "List the links to a session.",
    .operands = list_operands,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand new_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION}, {.name = "NAME"}, {.name = NULL}};
static const struct cli_option new_options[] = {
    {.name = "days", .value = "N", .text = "until it ends by itself, 1 to 365 (default 7)"},
    {.name = "at",
     .value = "VERSION",
     .text = "show the files of this moment alone; without it, those of now"},
    {.name = NULL},
};
static const struct cli_example new_examples[] = {
    {"coditect links new 'Project A' 'for Grace' --days 30",
     "Prints an address by which whoever has it reads the files for a month. Nobody can show it "
     "again."},
    {.line = NULL},
};
const struct cli_command cli_command_links_new = {
    .name = "links new",
    .summary = "Make a read-only link to a session.",
    .operands = new_operands,
    .options = new_options,
    .examples = new_examples,
    .run = create,
};

static const struct cli_operand end_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "ID", .many = true},
    {.name = NULL},
};
static const struct cli_example end_examples[] = {
    {"coditect links rm 'Project A' lnk-01jd5k7c9r3m8xq2w4e6y8t0za", "Ends a link at once."},
    {.line = NULL},
};
const struct cli_command cli_command_links_rm = {
    .name = "links rm",
    .summary = "End links to a session.",
    .operands = end_operands,
    .examples = end_examples,
    .run = end,
};
