/* devices: where the person is logged in. */
#include "cli/cli_int.h"

static int fetch(struct cli_run *run, void *ctx, struct str cursor, struct cli_reply *ret_reply)
{
    (void)ctx;
    struct cli_client *client;
    struct cli_auth_devices_list_in in = {.cursor = cursor, .has_cursor = cursor.n > 0};
    int r = cli_client(run, &client);
    return r < 0 ? r : cli_auth_devices_list(client, &in, NULL, ret_reply);
}

static int show(struct cli_run *run, void *ctx, const struct json *element)
{
    struct cli_table *table = ctx;
    struct cli_device device = {0};
    int r = cli_shape_read(run, &cli_shape_device, element, &device);
    if (r < 0) {
        return r;
    }
    cli_table_add(table, device.id);
    cli_table_add(table, device.current ? STR("yes") : STR(""));
    cli_table_add(table, cli_time_text(&table->arena, device.last_access_at));
    cli_table_add(table, device.address);
    cli_table_add(table, device.device);
    return 0;
}

static int list(struct cli_run *run)
{
    static const char *const heads[] = {"ID", "THIS", "LAST USE (UTC)", "ADDRESS", "DEVICE", NULL};
    return cli_list_show(run, heads, &(struct cli_pages){.fetch = fetch, .show = show});
}

static int end_others(struct cli_run *run, struct cli_client *client)
{
    struct cli_reply reply;
    struct cli_ended ended;
    int r = cli_auth_devices_end_others(client, NULL, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_ended, reply.data, &ended);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
    } else {
        buf_printf(&run->out, "%lld logins ended\n", (long long)ended.ended);
    }
    return 0;
}

static int end_call(struct cli_run *run, const char *word, struct cli_reply *ret_reply)
{
    struct cli_auth_device_end_in in = {.device_id = str_from(word)};
    return cli_auth_device_end(run->client, &in, NULL, ret_reply);
}

static int end(struct cli_run *run)
{
    bool others = cli_given(run, "others");
    struct cli_client *client;
    if (others == (run->operand_count > 0)) {
        return cli_fail(run, ERR_INVALID, "name devices by their ids, or say --others");
    }
    if (!others) {
        return cli_each(run, end_call, cli_reply_print);
    }
    int r = cli_client(run, &client);
    return r < 0 ? r : end_others(run, client);
}

static const struct cli_example list_examples[] = {
    {"coditect devices ls", "Shows all logins of the person, newest first."},
    {.line = NULL},
};
const struct cli_command cli_command_devices_ls = {
    .name = "devices ls",
    .summary = "List where you are logged in.",
    .examples = list_examples,
    .run = list,
};

static const struct cli_operand end_operands[] = {
    {.name = "ID", .optional = true, .many = true},
    {.name = NULL},
};
static const struct cli_option end_options[] = {
    {.name = "others", .text = "all but this one"},
    {.name = NULL},
};
static const struct cli_example end_examples[] = {
    {"coditect devices rm log-01jd5k7c9r3m8xq2w4e6y8t0za", "Ends one login."},
    {"coditect devices rm --others", "Ends all but this one."},
    {.line = NULL},
};
const struct cli_command cli_command_devices_rm = {
    .name = "devices rm",
    .summary = "End logins.",
    .operands = end_operands,
    .options = end_options,
    .examples = end_examples,
    .run = end,
};
