/* tenant, workspaces: what an owner or admin sees of the whole, and does to it. */
#include "cli/cli_int.h"

/* ---- the tenant ---- */

static int rename_tenant(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_tenant tenant = {0};
    struct cli_tenant_put_in in = {.name = str_from(run->operands[0])};
    int r = cli_client(run, &client);
    r = r < 0 ? r : cli_tenant_put(client, &in, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_tenant, reply.data, &tenant);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
        return 0;
    }
    buf_printf(&run->out, STR_FMT "  ", STR_ARG(cli_escaped(&run->arena, tenant.id)));
    cli_escape(&run->out, tenant.name);
    buf_byte(&run->out, '\n');
    return 0;
}

/* ---- workspaces ---- */

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    struct cli_client *client;
    struct cli_workspaces_list_in in = {.running = !cli_given(run, "all"),
                                        .has_running = true,
                                        .cursor = cursor,
                                        .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_workspaces_list(client, &in, NULL, ret_reply);
}

/* "412 MiB", of a limit "412 MiB/4.0 GiB"; "-": nobody counts. */
static struct str memory_of(struct arena *arena, const struct cli_tenant_workspace *w)
{
    if (!w->has_usage) {
        return STR("-");
    }
    struct str used = cli_size_text(arena, w->usage.memory_bytes);
    return w->limits.has_memory_bytes
               ? arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(used),
                              STR_ARG(cli_size_text(arena, w->limits.memory_bytes)))
               : used;
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_tenant_workspace w = {0};
    int r = cli_shape_read(run, &cli_shape_tenant_workspace, element, &w);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, w.id);
    cli_table_add(table, w.state);
    cli_table_add(table, cli_time_text(&table->arena, w.since));
    cli_table_add(table, memory_of(&table->arena, &w));
    cli_table_add(table, cli_size_text(&table->arena, w.bytes));
    cli_table_add(table, w.has_user_email ? w.user_email : STR("-"));
    cli_table_add(table, w.session_name);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID",     "STATE", "SINCE (UTC)", ">MEMORY",
                                        ">FILES", "WHOSE", "SESSION",     NULL};
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

static int stop_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_workspaces_stop_in in = {.workspace_id = str_from(word)};
    return cli_workspaces_stop(run->client, &in, NULL, ret_reply);
}

static int stop_some(struct cli_run *run)
{
    return cli_each(run, stop_call, cli_reply_print);
}

/* ---- the table's rows ---- */

static const struct cli_operand rename_operands[] = {{.name = "NAME"}, {.name = NULL}};
static const struct cli_example rename_examples[] = {
    {"coditect tenant rename 'Analytical Engines'", "What members and invitations see."},
    {.line = NULL},
};
const struct cli_command cli_command_tenant_rename = {
    .name = "tenant rename",
    .summary = "Give your tenant another name.",
    .operands = rename_operands,
    .examples = rename_examples,
    .run = rename_tenant,
};

static const struct cli_option list_options[] = {
    {.name = "all", .text = "those that do not run too"},
    {.name = NULL},
};
static const struct cli_example list_examples[] = {
    {"coditect workspaces ls", "Those of everybody that run, the latest started first."},
    {.line = NULL},
};
const struct cli_command cli_command_workspaces_ls = {
    .name = "workspaces ls",
    .summary = "List the workspaces of everybody in your tenant.",
    .text = "For owners and admins. MEMORY is what it uses now, as its control group counts it.",
    .options = list_options,
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand stop_operands[] = {{.name = "ID", .many = true}, {.name = NULL}};
static const struct cli_example stop_examples[] = {
    {"coditect workspaces stop wsp-01jd5k7c9r3m8xq2w4e6y8t0za", "As a pause of its session."},
    {.line = NULL},
};
const struct cli_command cli_command_workspaces_stop = {
    .name = "workspaces stop",
    .summary = "Stop workspaces of anybody in your tenant.",
    .text = "For owners and admins. What is in them is persisted first.",
    .operands = stop_operands,
    .examples = stop_examples,
    .run = stop_some,
};
