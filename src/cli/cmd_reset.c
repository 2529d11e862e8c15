/* admin reset-password: a link for who is locked out, from the operator of the server that runs. */
#include "cli/cli_int.h"
#include "http/http.h"

enum { TARGET_MOST = 2048, ADDRESS_MOST = 400 };

static int show_link(struct cli_run *run, void *ctx, const struct json *value)
{
    (void)ctx;
    const struct json *url = json_get(value, "url");
    if (!url || url->kind != JSON_STRING) {
        return cli_fail(run, ERR_CORRUPT, "the server does not answer as Coditect does");
    }
    if (run->json) {
        cli_print_value(run, value);
        return 0;
    }
    cli_escape(&run->out, url->string);
    buf_byte(&run->out, '\n');
    if (str_starts(url->string, STR("/"))) {
        cli_note("behind the address of the server, since it has no public_url");
    }
    cli_note("good once, for 30 minutes; with the new password all their logins end");
    return 0;
}

static int reset_password(struct cli_run *run)
{
    BUF_AUTO(target, TARGET_MOST);
    buf_printf(&target, "/reset-password?email=");
    http_percent_encode(&target, str_slice(str_from(run->operands[0]), 0, ADDRESS_MOST));
    return cli_admin_ask(run, &(struct cli_admin_request){.method = "POST",
                                                          .target = buf_z(&target),
                                                          .stopped = "--reset-password E-MAIL",
                                                          .line = show_link});
}

static const struct cli_operand operands[] = {{.name = "EMAIL"}, {.name = NULL}};
static const struct cli_example examples[] = {
    {"coditect admin reset-password grace@example.com", "The link to hand over."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_reset_password = {
    .name = "admin reset-password",
    .summary = "Make a link by which somebody chooses another password.",
    .text =
        "For the server's user and root, on its machine. The link is good once, for 30 minutes; "
        "nobody learns a password by it, and their second step stays. It stands in the tenant's "
        "audit log. While the server is stopped: coditectd --data DIR --reset-password E-MAIL.",
    .operands = operands,
    .options = cli_admin_options,
    .examples = examples,
    .run = reset_password,
};
