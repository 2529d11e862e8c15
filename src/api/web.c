/*
 * The web app's files: everything that is not the API's.
 *
 * They are read once, at start, into memory, and looked up by the path as it was sent: no name from the network ever reaches
 * the file system, and the reply needs no thread. A build is some megabytes; the bounds below are far above that.
 *
 * 1. An address without a file is the app's own (a page of the single-page app) when a browser asks for a page, else 404.
 * 2. What lies below /assets/ has a hash in its name and is kept for ever; everything else is asked for again each time.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api_int.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"
#include "files/files.h"

enum {
    MAX_FILES = 10000,
    MAX_DEPTH = 8,
    MAX_NAME = 1024, /* bytes of a path below the directory */
    MAX_BYTES = 256 * 1024 * 1024,
    ETAG_SIZE = 18, /* quotes around 16 digits */
};

struct page {
    char *bytes;
    size_t n;
    const char *type;
    bool lasting;
    char etag[ETAG_SIZE + 1];
};

struct api_web {
    struct map *pages; /* by "/assets/index-1a2b.js" */
    size_t bytes;      /* of all */
};

/* ---- Reading the directory ---- */

static void page_destroy(struct page *page)
{
    mem_free(page->bytes);
    mem_free(page);
}

static int read_page(struct api_web *web, int fd, size_t size, struct str path)
{
    if (map_count(web->pages) >= MAX_FILES || size > MAX_BYTES - web->bytes) {
        return log_err(ERR_LIMIT, "api", "the web app's directory is too large");
    }
    struct page *page = MEM_NEW(struct page);
    page->bytes = mem_alloc(size + 1);
    ssize_t n = fd_read_full(fd, page->bytes, size);
    if (n < 0 || (size_t)n != size) {
        page_destroy(page);
        return ERR_IO;
    }
    struct content_hash hash;
    char text[CONTENT_HASH_TEXT + 1];
    content_hash(str_of(page->bytes, size), &hash);
    content_hash_text(&hash, text);
    (void)snprintf(page->etag, sizeof page->etag, "\"%.16s\"", text);
    page->n = size;
    page->type = http_media_type(path);
    page->lasting = str_starts(path, STR("/assets/"));
    web->bytes += size;
    (void)map_put(web->pages, path, page);
    return 0;
}

static int read_directory(struct api_web *web, int directory, struct buf *path, int depth);

/* One entry: a file or a directory; anything else (a symbolic link) is left out. */
static int read_entry(struct api_web *web, int directory, const char *name, struct buf *path,
                      int depth)
{
    FD_AUTO int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return 0;
    }
    size_t before = path->n;
    int r = 0;
    buf_printf(path, "/%s", name);
    if (path->error != 0) {
        return ERR_LIMIT;
    }
    if (S_ISREG(st.st_mode)) {
        r = read_page(web, fd, (size_t)st.st_size, buf_str(path));
    } else if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
        r = read_directory(web, FD_TAKE(fd), path, depth + 1);
    }
    path->n = before;
    return r;
}

/* Takes directory over. */
static int read_directory(struct api_web *web, int directory, struct buf *path, int depth)
{
    DIR *stream = fdopendir(directory);
    if (stream == NULL) {
        fd_close(&directory);
        return ERR_IO;
    }
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] != '.') {
            r = read_entry(web, dirfd(stream), entry->d_name, path, depth);
        }
    }
    (void)closedir(stream);
    return r;
}

static char *make_policy(const char *ide_sources)
{
    const char *frames = ide_sources != NULL ? ide_sources : "http://*.ide.coditect.localhost:*";
    BUF_AUTO(policy, 8192);
    buf_printf(&policy,
               "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
               "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
               "worker-src 'self' blob:; frame-src 'self' %s; frame-ancestors 'none'; "
               "object-src 'none'; base-uri 'none'; form-action 'self'",
               frames);
    ASSERT(policy.error == 0);
    return mem_dup(policy.p, policy.n);
}

int api_web_init(struct api *api, const struct api_options *options)
{
    api->web_policy = make_policy(options->ide_sources);
    if (options->web_directory == NULL) {
        return 0;
    }
    int directory = open(options->web_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return ERR_NOT_FOUND;
    }
    api->web = MEM_NEW(struct api_web);
    api->web->pages = map_create();
    BUF_AUTO(path, MAX_NAME);
    return read_directory(api->web, directory, &path, 0);
}

void api_web_fini(struct api *api)
{
    mem_free(api->web_policy);
    if (api->web == NULL) {
        return;
    }
    size_t position = 0;
    struct str path;
    void *page;
    while (map_next(api->web->pages, &position, &path, &page)) {
        page_destroy(page);
    }
    map_destroy(api->web->pages);
    MEM_FREE(api->web);
}

/* ---- Answering ---- */

static bool wants_page(const struct http_request *req)
{
    struct str accept = http_header(req, "Accept");
    return accept.n > 0 && memmem(accept.p, accept.n, "text/html", 9) != NULL;
}

/* The file that answers an address: itself, or the app's page for the app's own addresses. */
static struct str name_of(const struct api *api, const struct http_request *req)
{
    bool own_address =
        str_eq(req->path, STR("/")) || (wants_page(req) && !str_starts(req->path, STR("/assets/")));
    bool is_file = map_get(api->web->pages, req->path) != NULL;
    return own_address && !is_file ? STR("/index.html") : req->path;
}

static const struct page *find_page(const struct api *api, const struct http_request *req)
{
    return api->web != NULL ? map_get(api->web->pages, name_of(api, req)) : NULL;
}

/* The compressed form that the build put beside a file, when the client takes it. */
static const struct page *find_gzip(const struct api *api, const struct http_request *req)
{
    if (!http_header_has_token(req, "Accept-Encoding", "gzip")) {
        return NULL;
    }
    struct str name = name_of(api, req);
    return map_get(api->web->pages, arena_printf(req->arena, STR_FMT ".gz", STR_ARG(name)));
}

int api_web_route(struct api *api, struct http_request *req, struct http_route *ret)
{
    if (find_page(api, req) == NULL) {
        return ERR_NOT_FOUND;
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        return ERR_METHOD_NOT_ALLOWED;
    }
    ret->lane = HTTP_INLINE;
    return 0;
}

void api_web_handle(struct api *api, struct http_request *req, struct http_response *res)
{
    const struct page *page = find_page(api, req);
    ASSERT(page != NULL);
    http_set(res, "X-Request-Id", req->id);
    http_set(res, "X-Content-Type-Options", STR("nosniff"));
    http_set(res, "X-Frame-Options", STR("DENY"));
    http_set(res, "Content-Security-Policy", str_from(api->web_policy));
    http_set(res, "Cross-Origin-Opener-Policy", STR("same-origin"));
    http_set(res, "Referrer-Policy", STR("same-origin"));
    const struct page *gzip = find_gzip(api, req);
    struct str etag = str_from(gzip != NULL ? gzip->etag : page->etag);
    http_set(res, "Vary", STR("Accept-Encoding"));
    http_set(res, "ETag", etag);
    http_set(res, "Cache-Control",
             page->lasting ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    if (http_etag_listed(http_header(req, "If-None-Match"), etag, /* strong= */ false)) {
        http_status(res, 304);
        return;
    }
    http_set(res, "Content-Type", str_from(page->type));
    if (gzip != NULL) {
        http_set(res, "Content-Encoding", STR("gzip"));
        page = gzip;
    }
    http_body(res, str_of(page->bytes, page->n));
}
