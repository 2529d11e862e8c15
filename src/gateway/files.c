/*
 * The bundle's own files, from this machine's disk. Only addresses that name the bundle's hash are answered from here: the
 * page comes from the workspace, which may run an older bundle than this server has, and the two must not be mixed. Such an
 * address means the same bytes for ever.
 */
#include <stdio.h>

#include "base/mem.h"
#include "gateway/gateway_int.h"

/* "/bundles/0123abcd/" → "0123abcd" */
static struct str last_name(struct str directory)
{
    while (str_ends(directory, STR("/"))) {
        directory.n--;
    }
    size_t slash = directory.n;
    while (slash > 0 && directory.p[slash - 1] != '/') {
        slash--;
    }
    return str_slice(directory, slash, directory.n);
}

int gateway_files_open(struct gateway *g, const char *ide_directory)
{
    BUF_AUTO(frontend, 4096);
    buf_printf(&frontend, "%s/app/lib/frontend", ide_directory);
    if (frontend.error) {
        return ERR_NOT_FOUND;
    }
    struct str name = last_name(str_from(ide_directory));
    g->bundle = mem_dup(name.p, name.n);
    return http_static_open(
        &(struct http_static_options){.directory = buf_z(&frontend), .lasting = true}, &g->files);
}

bool gateway_files_has(const struct gateway *g, const struct http_request *req)
{
    struct str query = req->query;
    return g->files && (req->method == HTTP_GET || req->method == HTTP_HEAD) &&
           str_starts(query, STR("v=")) &&
           str_eq(str_slice(query, 2, query.n), str_from(g->bundle));
}

int gateway_files_serve(const struct gateway *g, struct http_request *req,
                        struct http_response *res)
{
    return http_static_serve(g->files, req, res, req->path);
}
