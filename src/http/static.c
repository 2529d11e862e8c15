/*
 * Files of a directory. The table of names is made once; a request's path is a key of it and never reaches the file system.
 *
 * Invariant: the table and its entries do not change after http_static_open, so that threads read them without a lock.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "http/http.h"

enum {
    STATIC_MAGIC = 0x73746174,
    MAX_FILES = 50000,
    MAX_DEPTH = 32,
    MAX_PATH_BYTES = 4096,
    SMALL = 64 * 1024, /* sent in one piece */
    ETAG_ROOM = 64,
};

struct static_file {
    uint64_t size;
    char etag[ETAG_ROOM];
};

struct http_static {
    unsigned magic;
    int directory;
    bool lasting;
    char *lasting_below;
    char *fallback;
    struct map *files; /* by "/a/b.js" */
};

/* ---- the table ---- */

static int add_file(struct http_static *files, const struct stat *info, struct str path)
{
    if (map_count(files->files) >= MAX_FILES) {
        return ERR_LIMIT;
    }
    struct static_file *file = MEM_NEW(struct static_file);
    file->size = (uint64_t)info->st_size;
    (void)snprintf(file->etag, sizeof file->etag, "\"%llx-%llx%08lx\"",
                   (unsigned long long)info->st_size, (unsigned long long)info->st_mtim.tv_sec,
                   (unsigned long)info->st_mtim.tv_nsec);
    ASSERT(map_put(files->files, path, file) == NULL);
    return 0;
}

/* Where the reading of the directory is. */
struct walk {
    struct http_static *files;
    struct buf *path;
    int depth;
};

static int read_directory(struct walk *walk, int directory);

/* Hidden names, symbolic links and special files are left out. */
static int read_entry(struct walk *walk, int parent, const char *name)
{
    FD_AUTO int fd = openat(parent, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        return 0;
    }
    size_t before = walk->path->n;
    buf_byte(walk->path, '/');
    buf_add(walk->path, str_from(name));
    int r = walk->path->error ? ERR_LIMIT : 0;
    if (r == 0 && S_ISREG(info.st_mode)) {
        r = add_file(walk->files, &info, buf_str(walk->path));
    } else if (r == 0 && S_ISDIR(info.st_mode)) {
        r = read_directory(walk, FD_TAKE(fd));
    }
    walk->path->n = before;
    return r;
}

/* Takes directory over. */
static int read_directory(struct walk *walk, int directory)
{
    DIR *stream = fdopendir(directory);
    if (!stream) {
        fd_close(&directory);
        return ERR_IO;
    }
    int r = ++walk->depth > MAX_DEPTH ? ERR_LIMIT : 0;
    const struct dirent *entry;
    while (r == 0 && (entry = readdir(stream))) {
        if (entry->d_name[0] != '.') {
            r = read_entry(walk, dirfd(stream), entry->d_name);
        }
    }
    walk->depth--;
    (void)closedir(stream);
    return r;
}

static char *dup_text(const char *text)
{
    return text ? mem_dup(text, strlen(text)) : NULL;
}

int http_static_open(const struct http_static_options *options, struct http_static **ret_static)
{
    FD_AUTO int directory = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FD_AUTO int again = directory < 0 ? -1 : fcntl(directory, F_DUPFD_CLOEXEC, 0);
    if (again < 0) {
        return ERR_NOT_FOUND;
    }
    struct http_static *files = MEM_NEW(struct http_static);
    files->magic = STATIC_MAGIC;
    files->directory = FD_TAKE(directory);
    files->lasting = options->lasting;
    files->files = map_create();
    files->lasting_below = dup_text(options->lasting_below);
    files->fallback = dup_text(options->fallback);
    BUF_AUTO(path, MAX_PATH_BYTES);
    int r = read_directory(&(struct walk){.files = files, .path = &path}, FD_TAKE(again));
    if (r < 0) {
        http_static_close(files);
        return r;
    }
    *ret_static = files;
    return 0;
}

void http_static_close(struct http_static *files)
{
    if (!files) {
        return;
    }
    ASSERT_MAGIC(files, STATIC_MAGIC);
    size_t position = 0;
    struct str path;
    void *file;
    while (map_next(files->files, &position, &path, &file)) {
        mem_free(file);
    }
    map_destroy(files->files);
    fd_close(&files->directory);
    mem_free(files->lasting_below);
    mem_free(files->fallback);
    files->magic = 0;
    mem_free(files);
}

/* ---- serving ---- */

/* What a browser says when a person goes there; scripts, styles and calls say otherwise. */
static bool wants_page(const struct http_request *request)
{
    struct str accept = http_header(request, "Accept");
    return accept.n > 0 && memmem(accept.p, accept.n, "text/html", 9);
}

static bool is_below(const struct http_static *files, struct str name)
{
    return files->lasting_below && str_starts(name, str_from(files->lasting_below));
}

/* Finds what a path means; *path becomes the file's own. NULL: nothing. */
static const struct static_file *find(const struct http_static *files,
                                      const struct http_request *request, struct str *path)
{
    struct str name;
    if (http_percent_decode(request->arena, *path, &name) < 0) {
        return NULL;
    }
    if (str_eq(name, STR("/"))) {
        name = STR("/index.html");
    }
    const struct static_file *file = map_get(files->files, name);
    if (!file && files->fallback && wants_page(request) && !is_below(files, name)) {
        name = str_from(files->fallback);
        file = map_get(files->files, name);
    }
    *path = name;
    return file;
}

/* "gzip" with a weight that is not 0, and no range is asked for (a range means the bytes as they are). */
static bool takes_gzip(const struct http_request *request)
{
    struct str rest = http_header(request, "Accept-Encoding"), part;
    if (http_header_count(request, "Range") > 0) {
        return false;
    }
    while (str_split(&rest, ',', &part)) {
        struct str coding = str_trim(str_slice(part, 0, str_find(part, ';', 0)));
        if (str_eq_nocase(coding, STR("gzip"))) {
            return !memmem(part.p, part.n, "q=0", 3) || memmem(part.p, part.n, "q=0.", 4);
        }
    }
    return false;
}

/* The variant of a file that this client gets. */
struct chosen {
    const struct static_file *file;
    struct str path; /* with a NUL behind it */
    const char *type;
    bool lasting;
    bool packed;
};

static bool choose(const struct http_static *files, const struct http_request *request,
                   struct chosen *c)
{
    c->file = find(files, request, &c->path);
    if (!c->file) {
        return false;
    }
    c->type = http_media_type(c->path);
    c->lasting = files->lasting || is_below(files, c->path);
    struct str packed_path = arena_printf(request->arena, STR_FMT ".gz", STR_ARG(c->path));
    const struct static_file *packed =
        takes_gzip(request) ? map_get(files->files, packed_path) : NULL;
    c->packed = packed != NULL;
    c->file = packed ? packed : c->file;
    c->path = packed ? packed_path : arena_str(request->arena, c->path);
    return true;
}

static int send_part(struct http_response *response, const struct http_request *request, int fd,
                     struct http_range part)
{
    if (part.length > SMALL) {
        /* Once the head is out, a failure is the connection's end, which http_write_file sees to. */
        if (http_stream(response, (int64_t)part.length) == 0) {
            int sent = http_write_file(response, fd, part);
            (void)sent;
        }
        return 0;
    }
    char *bytes = arena_alloc(request->arena, part.length + 1);
    if (pread(fd, bytes, part.length, (off_t)part.offset) != (ssize_t)part.length) {
        return ERR_IO;
    }
    http_body(response, str_of(bytes, part.length));
    return 0;
}

static void set_range(struct http_response *response, struct arena *arena, struct http_range part,
                      uint64_t size)
{
    http_status(response, 206);
    http_set(response, "Content-Range",
             arena_printf(arena, "bytes %llu-%llu/%llu", (unsigned long long)part.offset,
                          (unsigned long long)(part.offset + part.length - 1),
                          (unsigned long long)size));
}

/* The headers that a 200, a 206 and a 304 have in common (RFC 9110 section 15.4.5). */
static void set_common(struct http_response *response, const struct chosen *c)
{
    http_set(response, "ETag", str_from(c->file->etag));
    http_set(response, "Cache-Control",
             c->lasting ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    http_set(response, "Vary", STR("Accept-Encoding"));
}

/* Sends an entry whose path ends in NUL, or the part that was asked for. */
static int send_file(const struct http_static *files, struct http_request *request,
                     struct http_response *response, const struct chosen *c)
{
    struct str etag = str_from(c->file->etag);
    FD_AUTO int fd = openat(files->directory, c->path.p + 1, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || (uint64_t)info.st_size != c->file->size) {
        return ERR_IO;
    }
    struct http_range part = {0, c->file->size};
    int r = http_range(request, c->file->size, etag, &part);
    if (r == ERR_RANGE) {
        return r;
    }
    set_common(response, c);
    http_set(response, "Content-Type", str_from(c->type));
    http_set(response, "Accept-Ranges", STR("bytes"));
    if (c->packed) {
        http_set(response, "Content-Encoding", STR("gzip"));
    }
    if (r == 0) {
        set_range(response, request->arena, part, c->file->size);
    }
    return send_part(response, request, fd, part);
}

int http_static_serve(struct http_static *files, struct http_request *request,
                      struct http_response *response, struct str path)
{
    ASSERT_MAGIC(files, STATIC_MAGIC);
    struct chosen c = {.path = path};
    if (!choose(files, request, &c)) {
        return ERR_NOT_FOUND;
    }
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        return ERR_METHOD_NOT_ALLOWED;
    }
    struct str etag = str_from(c.file->etag);
    struct str known = http_header(request, "If-None-Match");
    if (known.n > 0 && http_etag_listed(known, etag, /* strong= */ false)) {
        set_common(response, &c);
        http_status(response, 304);
        return 0;
    }
    return send_file(files, request, response, &c);
}
