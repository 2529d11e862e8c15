/*
 * The bundle's own files, from this machine's disk. Only addresses that name the bundle's hash are answered from here: the
 * page comes from the workspace, which may run an older bundle than this server has, and the two must not be mixed. Such an
 * address means the same bytes for ever.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "base/mem.h"
#include "gateway/gateway_int.h"

enum { MAX_PAGE = 64 * 1024, MAX_VERSION = 64 };

#define BUNDLE "bundle.js?v="

/* What the bundle's own page calls it: the directory may have been mounted elsewhere, under another name. */
static int read_version(const char *frontend, struct str *ret_version, struct arena *arena)
{
    struct str path = arena_printf(arena, "%s/index.html", frontend);
    FD_AUTO int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    char *bytes = arena_alloc(arena, MAX_PAGE);
    ssize_t n = fd < 0 ? -1 : fd_read_full(fd, bytes, MAX_PAGE);
    const char *found = n > 0 ? memmem(bytes, (size_t)n, BUNDLE, sizeof BUNDLE - 1) : NULL;
    if (!found) {
        return ERR_NOT_FOUND;
    }
    struct str rest =
        str_slice(str_of(bytes, (size_t)n), (size_t)(found - bytes) + sizeof BUNDLE - 1, (size_t)n);
    struct str version = str_slice(rest, 0, str_find(rest, '"', 0));
    if (version.n == 0 || version.n > MAX_VERSION || version.n == rest.n) {
        return ERR_NOT_FOUND;
    }
    *ret_version = version;
    return 0;
}

int gateway_files_open(struct gateway *g, const char *ide_directory)
{
    ARENA_AUTO(arena);
    struct str frontend = arena_printf(&arena, "%s/app/lib/frontend", ide_directory);
    struct str version;
    int r = read_version(frontend.p, &version, &arena);
    if (r < 0) {
        return r;
    }
    g->bundle = mem_dup(version.p, version.n);
    return http_static_open(&(struct http_static_options){.directory = frontend.p, .lasting = true},
                            &g->files);
}

bool gateway_files_has(const struct gateway *g, const struct http_request *req)
{
    struct str query = req->query;
    return g->files && (req->method == HTTP_GET || req->method == HTTP_HEAD) &&
           str_starts(query, STR("v=")) &&
           str_eq(str_slice(query, 2, query.n), str_from(g->bundle));
}

int gateway_files_serve(const struct gateway *g, struct http_request *req,
                        struct http_response *res, struct str path)
{
    return http_static_serve(g->files, req, res, path);
}
