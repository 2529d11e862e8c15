/*
 * The server: puts store, auth, api and http together, waits for SIGTERM or SIGINT, lets requests finish. The only place
 * that names a store driver.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/api.h"
#include "auth/auth.h"
#include "base/args.h"
#include "base/crash.h"
#include "base/log.h"
#include "coditectd/duties.h"
#include "http/http.h"
#include "store/store.h"

static const usec_t patience = 30 * USEC_PER_SEC;

struct options {
    const char *listen;
    const char *data;
    const char *web;
    const char *public_url;
    const char *rate_factor;
};

struct parts {
    struct store *store;
    struct auth *auth;
    struct api *api;
    struct coditectd_duties *duties;
    struct http_app app;
    struct http_server *server;
    uint32_t factor; /* of all request limits */
};

static void read_options(char **argv, struct options *o)
{
    *o = (struct options){.listen = "127.0.0.1:8080", .rate_factor = "1"};
    const struct args_option options[] = {
        {.name = "listen",
         .value = "ADDR:PORT",
         .text = "where to listen (default 127.0.0.1:8080; port 0: any)",
         .given = &o->listen},
        {.name = "data",
         .value = "DIR",
         .text = "everything that must last; made when absent (required)",
         .given = &o->data},
        {.name = "web", .value = "DIR", .text = "the built web app", .given = &o->web},
        {.name = "public-url",
         .value = "URL",
         .text = "how browsers reach this server, when not by a local name",
         .given = &o->public_url},
        {.name = "rate-factor",
         .value = "N",
         .text = "multiplies the request limits (default 1)",
         .given = &o->rate_factor},
        {0},
    };
    (void)args_parse_or_exit(&(struct args_spec){.program = "coditectd",
                                                 .summary = "The Coditect server.",
                                                 .options = options},
                             argv);
}

/* Blocked before any thread starts, so that all inherit it and only main takes them. */
static void block_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, ret_set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int open_store(const struct options *o, struct parts *p)
{
    if (!o->data) {
        return log_err(ERR_INVALID, "coditectd",
                       "--data DIR is missing: where everything that must last lies");
    }
    if (mkdir(o->data, 0711) < 0 && errno != EEXIST) {
        return log_err(err_from_errno(errno), "coditectd", "%s cannot be made: %m", o->data);
    }
    BUF_AUTO(directory, 4096);
    buf_printf(&directory, "%s/store", o->data);
    int r = store_open(&(struct store_options){.driver = "sqlite", .directory = buf_z(&directory)},
                       &p->store);
    return r ? log_err(r, "coditectd", "the store in %s cannot be opened: %s", buf_z(&directory),
                       err_row(r)->text)
             : 0;
}

static int read_rate_factor(const struct options *o, uint32_t *ret_factor)
{
    uint64_t factor;
    if (str_u64(str_from(o->rate_factor), API_MAX_RATE_FACTOR, &factor) != 0 || factor == 0) {
        return log_err(ERR_INVALID, "coditectd", "--rate-factor wants a number from 1 to %d",
                       API_MAX_RATE_FACTOR);
    }
    *ret_factor = (uint32_t)factor;
    return 0;
}

static int create_auth(struct parts *p, uint32_t rate_factor)
{
    struct auth_options options = {
        .store = p->store, .secret = str_from(getenv("JWT_SECRET")), .limit_factor = rate_factor};
    int r = auth_create(&options, &p->auth);
    if (r == ERR_INVALID) {
        return log_err(r, "coditectd", "JWT_SECRET has less than %d bytes", AUTH_SECRET_MIN);
    }
    return r ? log_err(r, "coditectd", "accounts cannot be served: %s", err_row(r)->text) : 0;
}

static int create_api(const struct options *o, struct parts *p, uint32_t rate_factor)
{
    struct api_options options = {.store = p->store,
                                  .auth = p->auth,
                                  .public_url = o->public_url,
                                  .web_directory = o->web,
                                  .rate_factor = rate_factor};
    int r = api_create(&options, &p->api);
    if (r == ERR_NOT_FOUND) {
        return log_err(r, "coditectd", "there is no web app in %s", o->web);
    }
    return r ? log_err(r, "coditectd",
                       "--public-url is malformed: it looks like https://coditect.example.com")
             : 0;
}

static int listen_at(const struct options *o, struct parts *p)
{
    p->app = api_app(p->api);
    const char *const addresses[] = {o->listen, NULL};
    int r = http_server_start(&(struct http_server_options){.listen = addresses, .app = &p->app},
                              &p->server);
    return r ? log_err(r, "coditectd", "cannot listen on %s: %s", o->listen, err_row(r)->text) : 0;
}

static int start(const struct options *o, struct parts *p)
{
    uint32_t rate_factor = 1;
    int r = read_rate_factor(o, &rate_factor);
    if (!r) {
        r = open_store(o, p);
    }
    if (!r) {
        r = create_auth(p, rate_factor);
    }
    if (!r) {
        r = create_api(o, p, rate_factor);
    }
    if (!r) {
        r = coditectd_duties_start(p->auth, p->store, &p->duties);
    }
    return r ? r : listen_at(o, p);
}

static void stop(struct parts *p)
{
    if (p->server) {
        http_server_drain(p->server, patience);
        http_server_destroy(p->server);
    }
    coditectd_duties_stop(p->duties);
    api_destroy(p->api);
    auth_destroy(p->auth);
    store_close(p->store);
}

int main(int argc, char **argv)
{
    (void)argc;
    crash_setup();
    struct options options;
    read_options(argv, &options);
    sigset_t signals;
    block_signals(&signals);
    struct parts parts = {0};
    int r = start(&options, &parts);
    if (!r) {
        log_info("coditectd", "listening on port %u", http_server_port(parts.server, 0));
        int number;
        (void)sigwait(&signals, &number);
        log_info("coditectd", "stopping");
    }
    stop(&parts);
    return r ? 1 : 0;
}
