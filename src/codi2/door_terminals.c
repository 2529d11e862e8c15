/*
 * The workspace's terminals at the door. Whoever reaches it may run anything in the workspace as it is: a shell more is no right
 * more (README.md).
 */
#include "codi2/door_int.h"

#include "base/assert.h"
#include "codi2/terminal_words.h"

#define BELOW "/terminals"

/* The terminal that the path names; empty: all. ERR_NOT_FOUND: it is not about terminals, or names none. */
static int read_path(const struct http_request *request, struct str *ret_id)
{
    struct str below = STR(BELOW);
    struct str rest = str_slice(request->path, below.n, request->path.n);
    if (!str_starts(request->path, below) || (rest.n > 0 && rest.p[0] != '/')) {
        return ERR_NOT_FOUND;
    }
    *ret_id = str_slice(rest, 1, rest.n);
    return rest.n == 0 || codi2_terminal_is_id(*ret_id) ? 0 : ERR_NOT_FOUND;
}

int codi2_door_find_terminal(const struct http_request *request, bool *ret_upgrade)
{
    struct str id;
    int error = read_path(request, &id);
    if (error) {
        return error;
    }
    bool deletes = id.n > 0 && request->method == HTTP_DELETE;
    *ret_upgrade = id.n > 0 && request->method == HTTP_GET;
    return request->method == HTTP_GET || deletes ? 0 : ERR_METHOD_NOT_ALLOWED;
}

void codi2_door_terminals(struct codi2_terminals *all, struct http_request *request,
                          struct http_response *response)
{
    struct str id;
    int error = read_path(request, &id);
    ASSERT(error == 0); /* codi2_door_find_terminal let it pass */
    if (id.n == 0) {
        http_set(response, "Content-Type", STR("application/json"));
        codi2_terminals_write(all, http_body_buf(response));
        return;
    }
    error = request->method == HTTP_GET ? codi2_terminals_open(all, request, response, id)
                                        : codi2_terminals_delete(all, id);
    if (error) {
        codi2_door_refuse(request, response, error, NULL);
    } else if (request->method == HTTP_DELETE) {
        http_status(response, 204);
    }
}
