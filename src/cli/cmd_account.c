/* login, register, logout, whoami. A password is never an argument: others see those. */
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli_int.h"

/* All of standard input, less the newline at its end. */
static int read_password(struct cli_run *run, struct str *ret_password)
{
    char text[CLI_MOST_SECRET];
    ssize_t n = fd_read_full(STDIN_FILENO, text, sizeof text);
    if (n < 0 || n == (ssize_t)sizeof text) {
        explicit_bzero(text, sizeof text);
        return cli_fail(run, ERR_INVALID, "no password can be read from standard input");
    }
    n -= n > 0 && text[n - 1] == '\n';
    n -= n > 0 && text[n - 1] == '\r';
    *ret_password = arena_str(&run->arena, str_of(text, (size_t)n));
    explicit_bzero(text, sizeof text);
    return n > 0 ? 0 : cli_fail(run, ERR_INVALID, "the password is empty");
}

static int ask_password(struct cli_run *run, bool twice, struct str *ret_password)
{
    struct str again;
    if (cli_given(run, "password-stdin")) {
        return read_password(run, ret_password);
    }
    int r = cli_ask(run, "password", /* hidden= */ true, ret_password);
    if (r < 0 || !twice) {
        return r;
    }
    r = cli_ask(run, "password once more", /* hidden= */ true, &again);
    if (r == 0 && !str_eq(*ret_password, again)) {
        return cli_fail(run, ERR_INVALID, "the two passwords differ");
    }
    return r;
}

/* The server that was named, else the one of the present login. */
static int choose_server(struct cli_run *run, struct str *ret_url)
{
    if (run->operand_count > 0) {
        *ret_url = str_from(run->operands[0]);
        return 0;
    }
    struct cli_account account;
    int r = cli_account_load(run, &run->arena, &account);
    if (r < 0) {
        return cli_fail(run, ERR_INVALID, "which server? coditect %s URL", run->command->name);
    }
    *ret_url = account.url;
    return 0;
}

/* The login whose place the new one takes is ended, so that none is left that nobody can use. */
static int replace(struct cli_run *run, const struct cli_account *account)
{
    FD_AUTO int lock = -1;
    struct cli_account old;
    int r = cli_account_lock(run, &lock);
    bool had = r == 0 && cli_account_load(run, &run->arena, &old) == 0;
    r = r < 0 ? r : cli_account_save(run, account);
    if (r == 0 && had && str_eq(old.url, account->url)) {
        struct cli_reply reply;
        struct cli_auth_logout_in in = {.refresh_token = old.refresh_token,
                                        .has_refresh_token = true};
        (void)!cli_auth_logout(run->client, &in, NULL, &reply); /* it ends by itself else */
    }
    return r;
}

static int keep(struct cli_run *run, struct str url, const struct cli_reply *reply)
{
    struct cli_login login = {0};
    int r = cli_shape_read(run, &cli_shape_login, reply->data, &login);
    if (r < 0) {
        return r;
    }
    if (!login.has_refresh_token) {
        return cli_fail(run, ERR_CORRUPT, "the server's reply has no refresh_token");
    }
    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    struct cli_account account = {
        .url = url,
        .email = login.user.email,
        .token = login.token,
        .refresh_token = login.refresh_token,
        .expires_at = time_now() / USEC_PER_SEC + login.expires_in,
    };
    if (run->json) { /* now, while the reply is there */
        cli_print_value(run, json_get(reply->data, "user"));
    } else {
        struct str email = cli_escaped(&run->arena, login.user.email);
        buf_printf(&run->out, "Logged in as " STR_FMT "\n", STR_ARG(email));
    }
    r = replace(run, &account);
    if (r < 0) {
        buf_clear(&run->out);
    }
    return r;
}

struct answers {
    struct str url, email, password;
};

static int ask(struct cli_run *run, bool twice, struct answers *ret)
{
    struct answers a;
    int r = choose_server(run, &a.url);
    r = r < 0 ? r : cli_client_create(run, a.url, &run->client); /* a wrong address is said first */
    const char *email = cli_value(run, "email");
    if (r == 0 && email) {
        a.email = str_from(email);
    } else if (r == 0) {
        r = cli_ask(run, "e-mail", /* hidden= */ false, &a.email);
    }
    r = r < 0 ? r : ask_password(run, twice, &a.password);
    if (r == 0) {
        *ret = a;
    }
    return r;
}

static int log_in(struct cli_run *run)
{
    struct answers a;
    struct cli_reply reply;
    int r = ask(run, /* twice= */ false, &a);
    if (r < 0) {
        return r;
    }
    const char *code = cli_value(run, "code");
    struct cli_auth_login_in in = {
        .email = a.email, .password = a.password, .code = str_from(code), .has_code = code != NULL};
    r = cli_auth_login(run->client, &in, NULL, &reply);
    if (r == ERR_CODE_NEEDED) {
        r = cli_ask(run, "code of your authenticator app", /* hidden= */ false, &in.code);
        in.has_code = true;
        r = r < 0 ? r : cli_auth_login(run->client, &in, NULL, &reply);
    }
    return r < 0 ? r : keep(run, a.url, &reply);
}

/* Nobody is logged in yet. */
static int say_asked(struct cli_run *run, struct str email, const struct cli_reply *reply)
{
    if (run->json) {
        cli_print_value(run, reply->data);
    } else {
        buf_printf(&run->out,
                   "A letter is on its way to " STR_FMT ": open its link in a browser, choose a "
                   "password there, and log in with it\n",
                   STR_ARG(cli_escaped(&run->arena, email)));
    }
    return 0;
}

static int sign_up(struct cli_run *run)
{
    struct answers a;
    struct cli_reply reply;
    const char *name = cli_value(run, "name");
    int r = ask(run, /* twice= */ true, &a);
    if (r < 0) {
        return r;
    }
    struct cli_auth_register_in in = {.email = a.email,
                                      .password = a.password,
                                      .has_password = true,
                                      .name = str_from(name),
                                      .has_name = name != NULL};
    r = cli_auth_register(run->client, &in, NULL, &reply);
    if (r < 0) {
        return r;
    }
    return reply.status == 202 ? say_asked(run, a.email, &reply) : keep(run, a.url, &reply);
}

/* Under the lock, so that the refresh token is the newest. */
static int log_out(struct cli_run *run)
{
    FD_AUTO int lock = -1;
    struct cli_client *client;
    struct cli_reply reply;
    int r = cli_account_lock(run, &lock);
    r = r < 0 ? r : cli_client(run, &client);
    if (r == 0 && cli_client_account(client)->is_key) {
        r = cli_fail(run, ERR_INVALID,
                     "CODITECT_TOKEN is a key and no login: unset it, or end it with keys rm");
    }
    if (r < 0) {
        return r;
    }
    struct cli_auth_logout_in in = {.everywhere = cli_given(run, "everywhere"),
                                    .has_everywhere = true,
                                    .refresh_token = cli_client_account(client)->refresh_token,
                                    .has_refresh_token = true};
    r = cli_auth_logout(client, &in, NULL, &reply);
    if (r < 0 && r != ERR_UNAUTHENTICATED) {
        return r;
    }
    r = cli_account_forget(run);
    if (r == 0) {
        cli_print(run, run->json ? STR("{\"done\":true}\n") : STR("Logged out\n"));
    }
    return r;
}

static void fact(struct cli_run *run, const char *name, struct str value)
{
    buf_printf(&run->out, "%-8s", name);
    cli_escape(&run->out, value);
    buf_byte(&run->out, '\n');
}

static int show_person(struct cli_run *run)
{
    struct cli_client *client;
    struct cli_reply reply;
    struct cli_user user = {0};
    int r = cli_client(run, &client);
    r = r < 0 ? r : cli_users_me_get(client, NULL, NULL, &reply);
    r = r < 0 ? r : cli_shape_read(run, &cli_shape_user, reply.data, &user);
    if (r < 0) {
        return r;
    }
    if (run->json) {
        cli_print_value(run, reply.data);
        return 0;
    }
    fact(run, "e-mail", user.email);
    if (user.has_name) {
        fact(run, "name", user.name);
    }
    fact(run, "role", user.role);
    fact(run, "id", user.id);
    fact(run, "tenant", user.tenant_id);
    fact(run, "server", cli_client_account(client)->url);
    return 0;
}

static const struct cli_operand server[] = {
    {.name = "URL", .optional = true},
    {.name = NULL},
};

static const struct cli_option login_options[] = {
    {.name = "email", .value = "ADDRESS", .text = "the e-mail address, instead of being asked"},
    {.name = "password-stdin", .text = "read the password from standard input"},
    {.name = "code",
     .value = "CODE",
     .text = "of your authenticator app, or a recovery code, instead of being asked"},
    {.name = NULL},
};
static const struct cli_example login_examples[] = {
    {"coditect login http://coditect.localhost:8080", "Asks for address and password."},
    {"pass coditect | coditect login https://c.example.com --email ada@example.com "
     "--password-stdin",
     "The password comes from a password manager."},
    {.line = NULL},
};
const struct cli_command cli_command_login = {
    .name = "login",
    .summary = "Log in to a server.",
    .text = "Without URL: again to the server of the present login. The tokens are kept in a file "
            "that only "
            "you can read, and renewed by themselves. http:// is refused but for this machine.",
    .operands = server,
    .options = login_options,
    .examples = login_examples,
    .run = log_in,
};

static const struct cli_option register_options[] = {
    {.name = "email", .value = "ADDRESS", .text = "the e-mail address, instead of being asked"},
    {.name = "password-stdin", .text = "read the password from standard input"},
    {.name = "name", .value = "NAME", .text = "your name"},
    {.name = NULL},
};
static const struct cli_example register_examples[] = {
    {"coditect register http://coditect.localhost:8080", "Asks for address and password."},
    {.line = NULL},
};
const struct cli_command cli_command_register = {
    .name = "register",
    .summary = "Create an account and log in.",
    .operands = server,
    .options = register_options,
    .examples = register_examples,
    .run = sign_up,
};

static const struct cli_option logout_options[] = {
    {.name = "everywhere", .text = "end all of the person's logins"},
    {.name = NULL},
};
static const struct cli_example logout_examples[] = {
    {"coditect logout", "Ends this machine's login and forgets its tokens."},
    {.line = NULL},
};
const struct cli_command cli_command_logout = {
    .name = "logout",
    .summary = "End this login.",
    .options = logout_options,
    .examples = logout_examples,
    .run = log_out,
};

static const struct cli_example whoami_examples[] = {
    {"coditect whoami", "Shows address, role, ids and server."},
    {.line = NULL},
};
const struct cli_command cli_command_whoami = {
    .name = "whoami",
    .summary = "Show who is logged in, and where.",
    .examples = whoami_examples,
    .run = show_person,
};
