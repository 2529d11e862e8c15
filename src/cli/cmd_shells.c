/* shells: which there are in a session's workspace, and their end. */
#include "cli/cli_int.h"

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    (void)cursor; /* there is one page */
    struct cli_client *client;
    struct cli_terminals_list_in in = {0};
    int r = cli_client(run, &client);
    r = r < 0 ? r
              : cli_session_find(run, str_from(run->operands[0]), /* deleted= */ false,
                                 &in.session_id);
    return r < 0 ? r : cli_terminals_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_terminal t = {0};
    int r = cli_shape_read(run, &cli_shape_terminal, element, &t);
    if (r < 0) {
        return r;
    }
    struct str state = t.state;
    if (t.has_exit_code) {
        state = arena_printf(&table->arena, STR_FMT " with %lld", STR_ARG(state),
                             (long long)t.exit_code);
    } else if (t.has_signal) {
        state = arena_printf(&table->arena, STR_FMT " by signal %lld", STR_ARG(state),
                             (long long)t.signal);
    }
    cli_table_add(table, t.id);
    cli_table_add(table, state);
    cli_table_add(table, cli_time_text(&table->arena, t.started_at));
    cli_table_add(table, arena_printf(&table->arena, "%lld", (long long)t.sockets));
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"NAME", "STATE", "STARTED (UTC)", ">CONNECTED", NULL};
    run->subject = run->operands[0];
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

static int end_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_terminals_delete_in in = {.session_id = run->session, .terminal = str_from(word)};
    return cli_terminals_delete(run->client, &in, NULL, ret_reply);
}

static int end(struct cli_run *run)
{
    return cli_each_of_session(run, end_call);
}

static const struct cli_operand list_operands[] = {{.name = "SESSION", .complete = CLI_SESSION},
                                                   {.name = NULL}};
static const struct cli_example list_examples[] = {
    {"coditect shells ls 'Project A'", "Those that coditect shell goes back to, by name."},
    {.line = NULL},
};
const struct cli_command cli_command_shells_ls = {
    .name = "shells ls",
    .summary = "List the shells of a session's workspace.",
    .text = "At most 16; those of the IDE are not among them. One that has ended stays until "
            "somebody was told so.",
    .operands = list_operands,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand end_operands[] = {
    {.name = "SESSION", .complete = CLI_SESSION},
    {.name = "NAME", .many = true},
    {.name = NULL},
};
static const struct cli_example end_examples[] = {
    {"coditect shells end 'Project A' main", "As closing its window would."},
    {.line = NULL},
};
const struct cli_command cli_command_shells_end = {
    .name = "shells end",
    .summary = "Hang up on shells of a session's workspace.",
    .text = "A shell, and what runs in it, get SIGHUP.",
    .operands = end_operands,
    .examples = end_examples,
    .run = end,
};
