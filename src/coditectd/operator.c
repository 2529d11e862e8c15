/*
 * Accounts from the console: the first owner where registration is closed, another password or no second step for who is locked
 * out. In the audit log what is done here is nobody's, and its address is "console".
 */
#include "coditectd/operator.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/fd.h"
#include "base/log.h"
#include "coditectd/check.h"

enum { PASSWORD_ROOM = 4096 };

struct password {
    char text[PASSWORD_ROOM];
    size_t n;
};

/* One line, less its end. */
static int take(struct password *p, ssize_t n)
{
    if (n <= 0 || n == PASSWORD_ROOM) {
        return log_err(ERR_INVALID, "coditectd", "no password was given");
    }
    p->n = (size_t)n;
    p->n -= p->n > 0 && p->text[p->n - 1] == '\n';
    p->n -= p->n > 0 && p->text[p->n - 1] == '\r';
    return p->n > 0 ? 0 : log_err(ERR_INVALID, "coditectd", "the password is empty");
}

/* Without echo. Signals wait meanwhile, so that the terminal gets its echo back. */
static int ask(const char *question, struct password *ret_password)
{
    struct termios before;
    struct termios silent;
    sigset_t all;
    sigset_t mask;
    if (tcgetattr(STDIN_FILENO, &before) < 0) {
        return log_err(ERR_IO, "coditectd", "the terminal does not answer");
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &mask);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    (void)fprintf(stderr, "%s: ", question);
    ssize_t n = read(STDIN_FILENO, ret_password->text, PASSWORD_ROOM);
    (void)fputc('\n', stderr);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    return take(ret_password, n);
}

static int read_password(struct password *ret_password)
{
    if (!isatty(STDIN_FILENO)) {
        return take(ret_password, fd_read_full(STDIN_FILENO, ret_password->text, PASSWORD_ROOM));
    }
    struct password again;
    int r = ask("password", ret_password);
    r = r < 0 ? r : ask("password once more", &again);
    if (r == 0 &&
        (again.n != ret_password->n || memcmp(again.text, ret_password->text, again.n) != 0)) {
        r = log_err(ERR_INVALID, "coditectd", "the two passwords differ");
    }
    explicit_bzero(&again, sizeof again);
    return r;
}

static int create_auth(const struct coditectd_options *o, struct store *store,
                       struct auth **ret_auth)
{
    struct auth_options options = {
        .store = store,
        .secret = str_from(o->set.jwt_secret),
        .previous_secret = str_from(o->set.jwt_previous_secret),
        .limits_given = true, /* none */
    };
    return auth_create(&options, ret_auth);
}

static int carry_out(const struct coditectd_options *o, struct auth *auth, struct data_context *ctx)
{
    struct password password;
    struct auth_console_input in = {
        .email = str_from(o->create_owner ? o->create_owner : o->reset_password)};
    if (o->remove_totp) {
        return auth_console_totp_end(ctx, str_from(o->remove_totp));
    }
    int r = read_password(&password);
    if (r == 0) {
        in.password = str_of(password.text, password.n);
        r = o->create_owner ? auth_console_owner(auth, ctx, &in)
                            : auth_console_password(auth, ctx, &in);
    }
    explicit_bzero(&password, sizeof password);
    return r;
}

static void say(const struct coditectd_options *o, const struct data_context *ctx, int r)
{
    if (r == 0 && o->create_owner) {
        (void)printf("%s owns a tenant of their own now\n", o->create_owner);
    } else if (r == 0 && o->reset_password) {
        (void)printf("%s has another password; all their logins are ended\n", o->reset_password);
    } else if (r == 0) {
        (void)printf("logins of %s ask for no code any more\n", o->remove_totp);
    } else if (ctx->fault.message.n > 0) {
        log_error("coditectd", STR_FMT, STR_ARG(ctx->fault.message));
    } else if (r == ERR_NOT_FOUND) {
        log_error("coditectd", o->remove_totp ? "there is no such account, or it asks for no code"
                                              : "there is no such account");
    } else {
        log_error("coditectd", "nothing was changed: %s", err_row(r)->text);
    }
}

int coditectd_operator(const struct coditectd_options *o, const char *driver)
{
    struct store *store;
    if (coditectd_check_open(o->set.data, driver, &store) < 0) {
        return 1;
    }
    ARENA_AUTO(arena);
    struct auth *auth = NULL;
    struct data_context ctx = {.store = store,
                               .arena = &arena,
                               .client = {.address = STR("console"), .nobody = true},
                               .op = store_op_new()};
    int r = coditectd_check_schema(o->set.data, store);
    r = r < 0 ? r : create_auth(o, store, &auth);
    r = r < 0 ? r : carry_out(o, auth, &ctx);
    say(o, &ctx, r);
    auth_destroy(auth);
    store_close(store);
    return r == 0 ? 0 : 1;
}
