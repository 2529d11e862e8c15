/*
 * The way through the door to the IDE's backend. What is relayed came through the server's gateway, which knows who asks, or
 * from a program of the workspace, which has everything that the IDE has: the same files, the same user. So nobody is told
 * apart here. The secret is ours: a client's header of that name is dropped, whoever sent it.
 */
#include "codi2/door_int.h"

#include <string.h>

#include "base/assert.h"

#define BELOW "/ide"
#define SECRET_HEADER "X-Coditect-Gateway"

bool codi2_door_is_ide(const struct http_request *request)
{
    const struct str below = STR(BELOW);
    return str_starts(request->path, below) &&
           (request->path.n == below.n || request->path.p[below.n] == '/');
}

static bool pass_in(void *ctx, struct str name, struct str *value)
{
    (void)ctx;
    (void)value;
    return !str_eq_nocase(name, STR(SECRET_HEADER));
}

static struct str target_of(const struct http_request *request)
{
    struct str path = str_slice(request->path, sizeof BELOW - 1, request->path.n);
    return arena_printf(request->arena, STR_FMT "%s" STR_FMT, STR_ARG(path.n > 0 ? path : STR("/")),
                        request->query.n > 0 ? "?" : "", STR_ARG(request->query));
}

/* A person looks at it, not a program. */
static bool wants_page(const struct http_request *request)
{
    struct str accept = http_header(request, "Accept");
    return request->method == HTTP_GET && accept.n > 0 &&
           memmem(accept.p, accept.n, "text/html", 9) != NULL;
}

/* Loads itself again until the IDE stands there. What may frame it the gateway says; it has no script and loads nothing. */
static void wait_page(struct http_response *response)
{
    http_status(response, err_row(ERR_UNAVAILABLE)->status);
    http_set(response, "Content-Type", STR("text/html; charset=utf-8"));
    http_set(response, "Cache-Control", STR("no-store"));
    http_set(response, "Retry-After", STR("1"));
    buf_add(
        http_body_buf(response),
        STR("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta http-equiv=\"refresh\" content=\"2\">\n<title>The IDE is starting</title>\n"
            "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto 0;"
            "padding:0 1.5rem}h1{font-size:1.375rem;margin:0 0 .5rem}</style>\n</head>\n<body>\n"
            "<main>\n<h1>The IDE is starting</h1>\n<p>It is not ready yet. This page goes on by "
            "itself in a moment; your files are kept.</p>\n</main>\n</body>\n</html>\n"));
}

void codi2_door_relay(const struct codi2_ide *ide, struct http_request *request,
                      struct http_response *response)
{
    if (codi2_ide_look(ide) != CODI2_IDE_RUNNING) {
        if (wants_page(request)) {
            wait_page(response);
        } else {
            codi2_door_refuse(request, response, ERR_UNAVAILABLE,
                              "The IDE is not ready yet. Try again in a moment.");
        }
        return;
    }
    struct http_header *secret = ARENA_NEW(request->arena, struct http_header);
    *secret = (struct http_header){STR(SECRET_HEADER), codi2_ide_secret(ide)};
    const struct http_relay_options options = {.upstream = codi2_ide_address(ide),
                                               .target = target_of(request),
                                               .pass_in = pass_in,
                                               .add_in = secret,
                                               .add_in_count = 1};
    int error = http_relay(request, response, &options);
    ASSERT(error == 0); /* the address was ours */
}
