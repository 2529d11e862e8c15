/* admin reset-password, remove-totp: who is locked out is let in again by the operator of the server that runs. */
#include "cli/admin.h"
#include "http/http.h"

enum { TARGET_MOST = 2048, ADDRESS_MOST = 400 };

static int show_link(struct cli_run *run, void *ctx, const struct json *value)
{
    (void)ctx;
    struct str url = cli_admin_text(value, "url");
    cli_escape(&run->out, url);
    buf_byte(&run->out, '\n');
    if (str_starts(url, STR("/"))) {
        cli_note("behind the address of the server, since it has no public_url");
    }
    cli_note("good once, for 30 minutes; with the new password all their logins end");
    return 0;
}

static int show_removed(struct cli_run *run, void *ctx, const struct json *value)
{
    (void)ctx;
    (void)value;
    buf_printf(&run->out, "Logins of ");
    cli_escape(&run->out, str_trim(str_from(run->operands[0])));
    buf_printf(&run->out, " ask for no code any more\n");
    return 0;
}

/* request: less its target, which is what is asked of the account that the operand names. */
static int ask(struct cli_run *run, const char *what, struct cli_admin_request request)
{
    BUF_AUTO(target, TARGET_MOST);
    buf_printf(&target, "/%s?email=", what);
    http_percent_encode(&target, str_slice(str_from(run->operands[0]), 0, ADDRESS_MOST));
    request.method = "POST";
    request.target = buf_z(&target);
    return cli_admin_ask(run, &request);
}

static int reset_password(struct cli_run *run)
{
    return ask(run, "reset-password",
               (struct cli_admin_request){
                   .stopped = "--reset-password E-MAIL", .wanted = "url", .line = show_link});
}

static int remove_totp(struct cli_run *run)
{
    return ask(run, "remove-totp",
               (struct cli_admin_request){
                   .stopped = "--remove-totp E-MAIL", .wanted = "done", .line = show_removed});
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

static const struct cli_example totp_examples[] = {
    {"coditect admin remove-totp grace@example.com", "She logs in by her password alone."},
    {.line = NULL},
};
const struct cli_command cli_command_admin_remove_totp = {
    .name = "admin remove-totp",
    .summary = "Let somebody log in without the code of their lost second step.",
    .text = "For the server's user and root, on its machine. Nothing else changes: their password "
            "stays, and no login ends. It stands in the tenant's audit log. While the server is "
            "stopped: coditectd --data DIR --remove-totp E-MAIL.",
    .operands = operands,
    .options = cli_admin_options,
    .examples = totp_examples,
    .run = remove_totp,
};
