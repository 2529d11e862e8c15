/*
 * An archive into a session: foreign bytes, entry by entry, as they come in.
 *
 * 1. Every name becomes a path of the tree below the folder that was asked for, checked like any other, or the archive is
 *    refused there: absolute names, ".." and names with a NUL have no such path. The tree knows no other place: a link in an
 *    archive is stored as a link, and nothing is written through one.
 * 2. Files, folders, links (symbolic ones; hard ones become copies). Anything else is refused.
 * 3. What is unpacked is bounded: its entries, its bytes, and its bytes against those that came in.
 * 4. Each entry is a change of its own, many of them in one transaction. What came before a refusal stays; what it replaced is in
 *    the history.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api_int.h"
#include "api/archive_int.h"
#include "base/fd.h"
#include "base/space.h"
#include "files/files.h"

enum {
    STEP = 64 * 1024,
    SMALL_FILE = 64 * 1024, /* written at once */
    MAX_ENTRIES = 100 * 1000,
    MAX_ZIP = 1024 * 1024 * 1024,
    MAX_RATIO = 200,               /* real text packs up to about 20, by deflate at most 1,032 */
    FREE_BYTES = 64 * 1024 * 1024, /* below this no ratio is asked for */
};

struct unpack {
    struct api_call *call;
    struct str session;
    struct str folder;
    struct archive *archive;
    struct data_context data; /* the call's, with an arena that is forgotten entry by entry */
    struct arena arena;
    char *step;      /* STEP bytes that came in */
    char *small;     /* SMALL_FILE bytes */
    int error;       /* of the connection */
    struct str held; /* came in, and was only looked at yet */
    uint64_t in;
    uint64_t out;
    uint64_t files, folders, links, entries;
    struct files_batch *batch; /* what came and is not done yet */
};

static void close_archive(struct archive **a)
{
    archive_read_free(*a);
}

static la_ssize_t take_bytes(struct archive *a, void *ctx, const void **ret_bytes)
{
    struct unpack *u = ctx;
    ssize_t n = (ssize_t)u->held.n;
    u->held = STR_EMPTY;
    if (n == 0) {
        n = http_body_read(u->call->req, u->step, STEP);
    }
    if (n < 0) {
        u->error = (int)n;
        u->call->gone = n == ERR_CLOSED;
        archive_set_error(a, EPIPE, "%s", err_name((int)n));
        return -1;
    }
    u->in += (uint64_t)n;
    *ret_bytes = u->step;
    return n;
}

static int refuse(struct unpack *u, int code, const char *what)
{
    u->call->problem.message = str_from(what);
    return code;
}

/* The same of the entry in hand. */
static int refuse_entry(struct unpack *u, int code, const char *what)
{
    u->call->problem.message = arena_printf(u->call->req->arena, "In the archive, entry %llu: %s",
                                            (unsigned long long)u->entries, what);
    return code;
}

static int refuse_as(struct unpack *u, int code)
{
    const struct data_fault *fault = &u->data.fault;
    return refuse_entry(u, code, fault->message.n > 0 ? fault->message.p : err_row(code)->text);
}

/* What libarchive answered, as ours. */
static int result(struct unpack *u, la_ssize_t r)
{
    if (r >= ARCHIVE_WARN) {
        return 0;
    }
    return u->error < 0 ? u->error
                        : refuse(u, ERR_INVALID,
                                 "The archive is damaged, or is no tar, tar.gz or zip archive.");
}

/* ---- One entry ---- */

/* The path of the tree that the entry's name means; empty: the folder itself, of which nothing is to be made. */
static int place(struct unpack *u, const char *name, struct str *ret_path)
{
    struct str path = str_from(name ? name : "");
    while (str_starts(path, STR("./"))) {
        path = str_slice(path, 2, path.n);
    }
    if (path.n > 1 && path.p[path.n - 1] == '/') {
        path = str_slice(path, 0, path.n - 1);
    }
    if (name == NULL || str_eq(path, STR("."))) {
        path = STR_EMPTY;
    }
    if (u->folder.n > 0 && path.n > 0) {
        path = arena_printf(&u->arena, STR_FMT "/" STR_FMT, STR_ARG(u->folder), STR_ARG(path));
    }
    if (content_path_check(path) < 0) {
        return refuse_entry(u, ERR_INVALID, "its name is no path below the session's root.");
    }
    *ret_path = arena_str(&u->arena, path);
    return 0;
}

static int count_bytes(struct unpack *u, size_t n)
{
    u->out += n;
    bool bomb = u->out > FREE_BYTES && u->out / MAX_RATIO > u->in;
    return bomb ? refuse_entry(u, ERR_TOO_LARGE,
                               "it unpacks to far more than any real content does.")
                : 0;
}

/* The next bytes of the entry; 0 at its end. */
static int read_data(struct unpack *u, char *to, size_t room, size_t *ret_n)
{
    la_ssize_t n = archive_read_data(u->archive, to, room);
    int r = result(u, n);
    if (r == 0) {
        *ret_n = n > 0 ? (size_t)n : 0;
        r = count_bytes(u, *ret_n);
    }
    return r;
}

static int stream_file(struct unpack *u, const struct files_put_input *put, struct str first)
{
    struct files_upload *upload;
    int r = files_upload_create(&u->data, put, &upload);
    if (r < 0) {
        return r;
    }
    for (struct str bytes = first; r == 0 && bytes.n > 0;) {
        size_t n = 0;
        r = files_upload_write(upload, bytes);
        if (r == 0) {
            r = read_data(u, u->small, SMALL_FILE, &n);
        }
        bytes = str_of(u->small, n);
    }
    struct files_entry entry;
    if (r == 0) {
        r = files_upload_commit(upload, &entry);
    }
    files_upload_destroy(upload);
    return r;
}

static int flush(struct unpack *u)
{
    uint64_t last = u->entries;
    int r = files_batch_flush(u->batch, &u->entries);
    if (r < 0) {
        return refuse_as(u, r);
    }
    u->entries = last;
    return 0;
}

static int put_off(struct unpack *u, const struct files_put_input *put, enum files_kind kind,
                   struct str bytes)
{
    struct files_batch_input in = {put, kind, bytes, u->entries};
    int r = files_batch_add(u->batch, &in);
    return r == 0 && files_batch_is_full(u->batch) ? flush(u) : r;
}

/* With others when it is small; as a stream else. */
static int put_file(struct unpack *u, const struct files_put_input *put)
{
    size_t have = 0;
    size_t n = 1;
    while (n > 0 && have < SMALL_FILE) {
        int r = read_data(u, u->small + have, SMALL_FILE - have, &n);
        if (r < 0) {
            return r;
        }
        have += n;
    }
    if (n == 0) {
        return put_off(u, put, FILES_FILE, str_of(u->small, have));
    }
    int r = flush(u);
    return r < 0 ? r : stream_file(u, put, str_of(u->small, have));
}

/* A hard link names an entry that came before it: its content, here too. */
static int copy_file(struct unpack *u, const struct files_put_input *put, const char *target)
{
    struct files_open_input open = {.session = u->session};
    struct files_reader *reader;
    struct files_upload *upload = NULL;
    struct files_entry entry;
    int r = place(u, target, &open.path);
    r = r < 0 ? r : flush(u);
    if (r == 0) {
        r = files_reader_open(&u->data, &open, &reader, &entry);
    }
    if (r < 0) {
        return r == ERR_NOT_FOUND || r == ERR_IS_DIRECTORY
                   ? refuse_entry(u, ERR_INVALID, "it is a link to a file that is not there.")
                   : r;
    }
    struct str bytes;
    r = files_upload_create(&u->data, put, &upload);
    while (r == 0 && (r = files_reader_next(reader, &bytes)) == 0 && bytes.n > 0) {
        r = count_bytes(u, bytes.n);
        if (r == 0) {
            r = files_upload_write(upload, bytes);
        }
    }
    if (r == 0) {
        r = files_upload_commit(upload, &entry);
    }
    files_upload_destroy(upload);
    files_reader_destroy(reader);
    return r;
}

static int add_as(struct unpack *u, struct archive_entry *in, const struct files_put_input *put)
{
    const char *link = archive_entry_hardlink(in);
    const char *target = archive_entry_symlink(in);
    switch (archive_entry_filetype(in)) {
    case AE_IFDIR:
        u->folders++;
        return put_off(u, put, FILES_FOLDER, STR_EMPTY);
    case AE_IFLNK:
        u->links++;
        return put_off(u, put, FILES_SYMLINK, str_from(target ? target : ""));
    case AE_IFREG:
        u->files++;
        return link ? copy_file(u, put, link) : put_file(u, put);
    default:
        u->files++;
        return link ? copy_file(u, put, link)
                    : refuse_entry(u, ERR_INVALID, "it is neither file, folder nor link.");
    }
}

static int add_entry(struct unpack *u, struct archive_entry *in)
{
    arena_reset(&u->arena);
    u->data.op = store_op_new();
    u->entries++;
    if (u->entries > MAX_ENTRIES) {
        return refuse(u, ERR_TOO_LARGE, "The archive has more entries than one may have.");
    }
    struct files_put_input put = {.session = u->session,
                                  .author = {FILES_API, u->call->data.scope.user_id},
                                  .parents = true,
                                  .mode = archive_entry_perm(in) & 0777,
                                  .expected = -1};
    if (archive_entry_mtime_is_set(in) && archive_entry_mtime(in) > 0 &&
        archive_entry_mtime(in) < INT32_MAX) {
        put.mtime = (usec_t)archive_entry_mtime(in) * USEC_PER_SEC +
                    (usec_t)archive_entry_mtime_nsec(in) / 1000;
    }
    int r = place(u, archive_entry_pathname(in), &put.path);
    if (r < 0 || put.path.n == 0) {
        return r;
    }
    r = add_as(u, in, &put);
    if (r < 0 && u->call->problem.message.n == 0) {
        r = refuse_as(u, r);
    }
    return r;
}

/* ---- The archive ---- */

/* Whether a zip archive comes: they alone begin so. */
static int look(struct unpack *u, bool *ret_zip)
{
    size_t have = 0;
    ssize_t n = 1;
    while (n > 0 && have < 2) {
        n = http_body_read(u->call->req, u->step + have, STEP - have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        u->call->gone = n == ERR_CLOSED;
        return (int)n;
    }
    u->held = str_of(u->step, have);
    *ret_zip = str_starts(u->held, STR("PK"));
    return 0;
}

/* A zip archive says at its end what its entries are: it is put into a file of no name in the data directory first. */
static int spool(struct unpack *u, int *ret_fd)
{
    char path[PATH_MAX];
    int n_path = snprintf(path, sizeof path, "%s/unpack-XXXXXX", u->call->api->spool);
    ASSERT(n_path > 0 && n_path < PATH_MAX);
    int fd FD_AUTO = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || unlink(path) < 0) {
        return err_from_errno(errno);
    }
    const void *bytes;
    la_ssize_t n;
    while ((n = take_bytes(u->archive, u, &bytes)) > 0) {
        int r = u->in > MAX_ZIP ? refuse(u, ERR_TOO_LARGE,
                                         "A zip archive may have 1 GiB here; a tar archive, more.")
                                : fd_write_all(fd, str_of(bytes, (size_t)n));
        if (r < 0) {
            return r;
        }
    }
    if (u->error == 0 && lseek(fd, 0, SEEK_SET) < 0) {
        return err_from_errno(errno);
    }
    *ret_fd = FD_TAKE(fd);
    return u->error;
}

static int open_archive(struct unpack *u, int *ret_fd)
{
    bool zip = false;
    int r = look(u, &zip);
    if (r == 0 && zip) {
        r = spool(u, ret_fd);
    }
    if (r < 0) {
        return r;
    }
    struct archive *a = u->archive;
    if (zip) {
        archive_read_support_format_zip_seekable(a);
        return result(u, archive_read_open_fd(a, *ret_fd, STEP));
    }
    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    return result(u, archive_read_open(a, u, NULL, take_bytes, NULL));
}

/* What stands behind the last entry. */
static int skip_rest(struct unpack *u)
{
    const void *bytes;
    while (take_bytes(u->archive, u, &bytes) > 0) {
    }
    return u->error;
}

static int add_all(struct unpack *u)
{
    API_UTF8_LOCALE(locale);
    int fd FD_AUTO = -1;
    struct archive *a __attribute__((cleanup(close_archive))) = archive_read_new();
    ASSERT(a);
    u->archive = a;
    int r = open_archive(u, &fd);
    while (r == 0) {
        struct archive_entry *entry;
        int got = archive_read_next_header(a, &entry);
        if (got == ARCHIVE_EOF) {
            break;
        }
        r = result(u, got);
        if (r == 0) {
            r = add_entry(u, entry);
        }
    }
    int left = flush(u); /* also what came before a refusal */
    r = left < 0 ? left : r;
    return r < 0 ? r : skip_rest(u);
}

static int answer(struct unpack *u)
{
    struct json_writer *w = api_begin(u->call, 200);
    json_object(w);
    json_member_integer(w, "files", (int64_t)u->files);
    json_member_integer(w, "folders", (int64_t)u->folders);
    json_member_integer(w, "links", (int64_t)u->links);
    json_member_integer(w, "bytes", (int64_t)u->out);
    json_object_end(w);
    return api_end(u->call);
}

int api_files_unpack(struct api_call *call, const struct api_files_unpack_in *in)
{
    if (space_level(call->api->space) != SPACE_AMPLE) {
        return ERR_DISK_LOW;
    }
    struct unpack u = {.call = call,
                       .session = in->session_id,
                       .folder = in->path,
                       .data = call->data,
                       .step = arena_alloc(call->req->arena, STEP),
                       .small = arena_alloc(call->req->arena, SMALL_FILE)};
    arena_init(&u.arena);
    u.data.arena = &u.arena;
    struct files_author author = {FILES_API, call->data.scope.user_id};
    u.batch = files_batch_create(&u.data, in->session_id, &author);
    struct files_totals totals;
    int r =
        files_totals(&u.data, in->session_id, &totals); /* before a byte is taken: is it there? */
    if (r == 0) {
        r = add_all(&u);
    }
    files_batch_destroy(u.batch);
    arena_fini(&u.arena);
    return r < 0 ? r : answer(&u);
}
