/*
 * The server: reads its options, starts http with the application, waits for SIGTERM or SIGINT, lets requests finish.
 */
#include <signal.h>
#include <stddef.h>

#include "base/args.h"
#include "base/crash.h"
#include "base/log.h"
#include "http/http.h"

static const char *listen_address = "127.0.0.1:8080";

static const struct args_option options[] = {
    {"listen", "ADDR:PORT", "where to listen (default 127.0.0.1:8080; port 0: any)",
     &listen_address, NULL},
    {0},
};

static const usec_t patience = 30 * USEC_PER_SEC;

static int route(void *ctx, struct http_request *request, struct http_route *ret)
{
    (void)ctx;
    *ret = (struct http_route){.lane = HTTP_INLINE};
    bool known = str_eq(request->path, STR("/health")) || str_eq(request->path, STR("/ready")) ||
                 str_eq(request->path, STR("/api/v5/health")) ||
                 str_eq(request->path, STR("/api/v5/ready"));
    bool readable = request->method == HTTP_GET || request->method == HTTP_HEAD;
    return !known ? ERR_NOT_FOUND : readable ? 0 : ERR_METHOD_NOT_ALLOWED;
}

static void handle(void *ctx, struct http_request *request, struct http_response *response)
{
    (void)ctx;
    (void)request;
    http_set(response, "Content-Type", STR("application/json"));
    http_body(response,
              STR("{\"success\":true,\"data\":{\"status\":\"ok\",\"version\":\"" CODITECT_VERSION
                  "\"}}"));
}

static void error(void *ctx, struct http_request *request, int code, struct http_response *response)
{
    (void)ctx;
    const struct err_row *row = err_row(code);
    http_status(response, row->status);
    http_set(response, "Content-Type", STR("application/json"));
    if (row->status == 405) {
        http_set(response, "Allow", STR("GET, HEAD"));
    }
    if (row->status == 503) {
        http_set(response, "Retry-After", STR("1"));
    }
    buf_printf(
        http_body_buf(response),
        "{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\",\"request_id\":\"" STR_FMT
        "\"}}",
        row->name, row->text, STR_ARG(request->id));
}

/* Blocked before any thread starts, so that all inherit it and only main takes them. */
static void block_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, ret_set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    (void)argc;
    crash_setup();
    (void)args_parse_or_exit(&(struct args_spec){.program = "coditectd",
                                                 .summary = "The Coditect server.",
                                                 .options = options},
                             argv);
    sigset_t signals;
    block_signals(&signals);
    const struct http_app app = {.route = route, .handle = handle, .error = error};
    const char *const listen[] = {listen_address, NULL};
    struct http_server *server;
    int r =
        http_server_start(&(struct http_server_options){.listen = listen, .app = &app}, &server);
    if (r < 0) {
        (void)log_err(r, "coditectd", "cannot listen on %s: %s", listen_address, err_row(r)->text);
        return 1;
    }
    log_info("coditectd", "listening on port %u", http_server_port(server, 0));
    int number;
    (void)sigwait(&signals, &number);
    log_info("coditectd", "stopping");
    http_server_drain(server, patience);
    http_server_destroy(server);
    return 0;
}
