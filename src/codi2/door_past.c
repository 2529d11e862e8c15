/*
 * The way through the door to what only the server has: the past of files, and how the IDE is arranged. A request goes on as
 * it is, under codi2's token, to the call of the same name and to no other; what it may do is harmless in the hands of every
 * program inside (README.md). Nothing is kept here, so it costs no memory, whatever the size of a version.
 */
#include "codi2/door_int.h"

#include "base/assert.h"

enum { PATIENCE_S = 20 };

static const struct {
    const char *path;
    enum http_method method;
    uint64_t max_body;
} rows[] = {
    {"/past", HTTP_GET, 0},      {"/past/content", HTTP_GET, 0},
    {"/past/gone", HTTP_GET, 0}, {"/past/restore", HTTP_POST, 64 * 1024},
    {"/desk", HTTP_GET, 0},      {"/desk", HTTP_PUT, 64 * 1024},
};

int codi2_door_find_past(const struct http_request *request, uint64_t *ret_max_body)
{
    int error = ERR_NOT_FOUND;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!str_eq(request->path, str_from(rows[i].path))) {
            continue;
        }
        if (rows[i].method == request->method) {
            *ret_max_body = rows[i].max_body;
            return 0;
        }
        error = ERR_METHOD_NOT_ALLOWED;
    }
    return error;
}

/* Who asks is told by the token alone. */
static bool pass_in(void *ctx, struct str name, struct str *value)
{
    (void)ctx;
    (void)value;
    return !str_eq_nocase(name, STR("Authorization")) && !str_eq_nocase(name, STR("Cookie"));
}

void codi2_door_relay_past(const struct codi2_door_options *options, struct http_request *request,
                           struct http_response *response)
{
    struct arena *arena = request->arena;
    struct http_header *token = ARENA_NEW(arena, struct http_header);
    *token = (struct http_header){STR("Authorization"),
                                  arena_printf(arena, "Bearer " STR_FMT, STR_ARG(options->token))};
    const struct http_relay_options relay = {
        .upstream = arena_printf(arena, "unix:%s", options->wire),
        .target = arena_printf(arena, "/wire" STR_FMT "%s" STR_FMT, STR_ARG(request->path),
                               request->query.n > 0 ? "?" : "", STR_ARG(request->query)),
        .pass_in = pass_in,
        .add_in = token,
        .add_in_count = 1,
        .patience = PATIENCE_S * USEC_PER_SEC};
    if (http_relay(request, response, &relay) != 0) {
        UNREACHABLE(); /* the address was ours */
    }
}
