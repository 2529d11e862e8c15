/* keys: with which scripts come in. */
#include "cli/cli_int.h"

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    struct cli_client *client;
    struct cli_auth_keys_list_in in = {.cursor = cursor, .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_auth_keys_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_key key = {0};
    int r = cli_shape_read(run, &cli_shape_key, element, &key);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, key.id);
    cli_table_add(table, key.access);
    cli_table_add(table, cli_time_text(&table->arena, key.expires_at));
    cli_table_add(table, key.has_last_used_at ? cli_time_text(&table->arena, key.last_used_at)
                                              : STR("never"));
    cli_table_add(table, key.name);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID",   "ACCESS", "EXPIRES (UTC)", "LAST USE (UTC)",
                                        "NAME", NULL};
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

/* The key alone on standard output, for KEY=$(coditect keys new …). */
static int create(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_new_key made = {0};
    struct cli_auth_key_create_in in = {
        .name = str_from(run->operands[0]),
        .access = cli_given(run, "write") ? STR("write") : STR("read"),
        .has_access = true,
        .has_expires_in_days = cli_given(run, "days"),
    };
    run->subject = run->operands[0];
    int r = cli_number(run, "days", &in.expires_in_days);
    r = r < 0 ? r : cli_client(run, &client);
    r = r < 0 ? r : cli_auth_key_create(client, &in, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_new_key, reply.data, &made);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
    } else {
        buf_printf(&run->out, STR_FMT "\n", STR_ARG(made.key));
    }
    return 0;
}

static int end_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_auth_key_delete_in in = {.key_id = str_from(word)};
    return cli_auth_key_delete(run->client, &in, NULL, ret_reply);
}

static int end(struct cli_run *run)
{
    return cli_each(run, end_call, cli_reply_print);
}

static const struct cli_example list_examples[] = {
    {"coditect keys ls", "Shows all keys of the person, newest first."},
    {.line = NULL},
};
const struct cli_command cli_command_keys_ls = {
    .name = "keys ls",
    .summary = "List your API keys.",
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand new_operands[] = {{.name = "NAME"}, {.name = NULL}};
static const struct cli_option new_options[] = {
    {.name = "write", .text = "a key that may change things; without it, one that may only read"},
    {.name = "days", .value = "N", .text = "until it ends by itself, 1 to 366 (default 90)"},
    {.name = NULL},
};
static const struct cli_example new_examples[] = {
    {"coditect keys new backup --days 30", "Prints a key that reads for a month. Nobody can "
                                           "show it again."},
    {.line = NULL},
};
const struct cli_command cli_command_keys_new = {
    .name = "keys new",
    .summary = "Make an API key for a script.",
    .operands = new_operands,
    .options = new_options,
    .examples = new_examples,
    .run = create,
};

static const struct cli_operand end_operands[] = {
    {.name = "ID", .many = true},
    {.name = NULL},
};
static const struct cli_example end_examples[] = {
    {"coditect keys rm key-01jd5k7c9r3m8xq2w4e6y8t0za", "Ends a key at once."},
    {.line = NULL},
};
const struct cli_command cli_command_keys_rm = {
    .name = "keys rm",
    .summary = "End API keys.",
    .operands = end_operands,
    .examples = end_examples,
    .run = end,
};
