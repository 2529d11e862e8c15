/* sessions ls. */
#include "cli/cli_int.h"
#include "cli/order.h"

struct listing {
    struct cli_table table;
    bool deleted;
    bool quiet;
};

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    const struct listing *l = ctx;
    struct cli_client *client;
    const struct cli_order order = cli_order(run);
    struct cli_sessions_list_in in = {.deleted = l->deleted,
                                      .has_deleted = true,
                                      CLI_ORDERED(order),
                                      .cursor = cursor,
                                      .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_sessions_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct listing *l = ctx;
    struct cli_table *table = &l->table;
    struct cli_session s = {0};
    int r = cli_shape_read(run, &cli_shape_session, element, &s);
    if (r < 0) {
        return r;
    }
    if (l->quiet) {
        cli_escape(&run->out, s.name);
        buf_byte(&run->out, '\n');
        return 0;
    }
    cli_table_add(table, s.id);
    cli_table_add(table, l->deleted ? s.status : s.workspace.state);
    cli_table_add(table, arena_printf(&table->arena, "%lld", (long long)s.files));
    cli_table_add(table, cli_size_text(&table->arena, s.bytes));
    cli_table_add(table,
                  cli_time_text(&table->arena,
                                l->deleted && s.has_deleted_at ? s.deleted_at : s.last_access_at));
    cli_table_add(table, s.name);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID",   "STATE", ">FILES", ">SIZE", "LAST USE (UTC)",
                                        "NAME", NULL};
    static const char *const deleted_heads[] = {"ID",   "STATE", ">FILES", ">SIZE", "DELETED (UTC)",
                                                "NAME", NULL};
    struct listing l = {.deleted = cli_given(run, "deleted"), .quiet = cli_given(run, "quiet")};
    cli_table_init(&l.table, run, l.deleted ? deleted_heads : heads);
    int r = cli_pages_show(
        run, &(struct cli_pages){.fetch = fetch, .show = show, .ctx = &l, .table = &l.table});
    cli_table_fini(&l.table);
    return r;
}

static const struct cli_option list_options[] = {
    {.name = "deleted", .text = "those that can be restored, instead of the others"},
    {.name = "quiet", .letter = 'q', .text = "names only"},
    CLI_ORDER_OPTIONS("name", "activity|created|name"),
    {.name = NULL},
};
static const struct cli_example list_examples[] = {
    {"coditect sessions ls", "Newest activity first."},
    {"coditect sessions ls --search engine --sort name", "Those with engine in their name, by it."},
    {"coditect sessions ls --json | jq -r '.[].id'", "The ids, for a script."},
    {.line = NULL},
};
const struct cli_command cli_command_sessions_ls = {
    .name = "sessions ls",
    .summary = "List your sessions.",
    .options = list_options,
    .examples = list_examples,
    .run = list,
};
