/*
 * The bytes of an archive that comes in, as libarchive takes them.
 *
 * 1. gzip is undone here: libarchive's own filter looks neither at the check sum nor at the length, and a bit that was turned on
 *    the way would be in a file.
 * 2. A tar archive ends with blocks of zeros, and nothing but zeros is behind them. libarchive ends at the first such block, and
 *    at the end of the bytes: one that was cut off between two entries or has a hole in its middle, nothing else shows.
 * 3. A zip archive says at its end what its entries are: it is put into a file of no name in the data directory first. libarchive
 *    holds that list in memory before the first entry, so the names in it are counted while it reads it.
 * 4. libarchive holds a tar header's map of holes in memory, however long it is: the bytes of one header are counted.
 * 5. What deflate makes of some bytes has a bound, so only what is more than that is a bomb: holes, and names of the same bytes.
 */
#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/archive_int.h"
#include "base/fd.h"
#include "base/space.h"

enum {
    STEP = 64 * 1024,
    MAX_ZIP = 1024 * 1024 * 1024,
    MAX_HEAD = 2 * 1024 * 1024, /* in libarchive's memory up to 12 times that */
    TAR_BLOCK = 512,
    END_RECORD = 22,       /* of a zip archive, and all that one of nothing is */
    GZIP_WINDOW = 15 + 16, /* and only gzip, says zlib.h */
};

static int refuse(struct api_unpack_source *s, int code, const char *what)
{
    s->call->problem.message = str_from(what);
    s->error = code;
    return code;
}

static int refuse_damaged(struct api_unpack_source *s)
{
    return refuse(s, ERR_INVALID, "The archive is damaged, or is no tar, tar.gz or zip archive.");
}

int api_unpack_result(struct api_unpack_source *s, ssize_t r, bool is_data)
{
    if (r >= ARCHIVE_OK || (r == ARCHIVE_WARN && !is_data)) {
        return 0;
    }
    return s->error < 0 ? s->error : refuse_damaged(s);
}

/* ---- What comes in ---- */

/* More into held. 0: nothing comes any more. */
static int take(struct api_unpack_source *s, size_t *ret_n)
{
    ssize_t n = http_body_read(s->call->req, s->step, STEP);
    if (n < 0) {
        s->error = (int)n;
        s->call->gone = n == ERR_CLOSED;
        return (int)n;
    }
    s->held = str_of(s->step, (size_t)n);
    s->in += (uint64_t)n;
    *ret_n = (size_t)n;
    int r = api_goes_on(s->call);
    s->error = r < 0 ? r : s->error;
    return r;
}

/* A file's name may begin with PK, too. */
static bool is_zip(struct str bytes)
{
    return str_starts(bytes, STR("PK\3\4")) || str_starts(bytes, STR("PK\5\6")) ||
           str_starts(bytes, STR("PK\7\10"));
}

/* The first bytes say what it is. */
static int look(struct api_unpack_source *s)
{
    size_t have = 0;
    ssize_t n = 1;
    while (n > 0 && have < END_RECORD) {
        n = http_body_read(s->call->req, s->step + have, STEP - have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        s->call->gone = n == ERR_CLOSED;
        return (int)n;
    }
    s->in = have;
    s->held = str_of(s->step, have);
    s->zip = is_zip(s->held);
    s->packed = str_starts(s->held, STR("\x1f\x8b"));
    return 0;
}

/* ---- tar ---- */

/* A member ended. Another one may follow; what is none is padding. */
static int member_end(struct api_unpack_source *s)
{
    s->whole = s->held.n == 0 || s->held.p[0] != '\x1f';
    if (s->whole) {
        s->held = STR_EMPTY;
        return 0;
    }
    return inflateReset(&s->gzip) == Z_OK ? 0 : refuse_damaged(s);
}

static int unpack_some(struct api_unpack_source *s, size_t *ret_n)
{
    s->gzip.next_in = (unsigned char *)(uintptr_t)s->held.p;
    s->gzip.avail_in = (unsigned)s->held.n;
    s->gzip.next_out = (unsigned char *)s->plain;
    s->gzip.avail_out = STEP;
    int z = inflate(&s->gzip, Z_NO_FLUSH);
    if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR) {
        return refuse_damaged(s);
    }
    *ret_n = STEP - s->gzip.avail_out;
    s->held = str_slice(s->held, s->held.n - s->gzip.avail_in, s->held.n);
    return z == Z_STREAM_END ? member_end(s) : 0;
}

/* The next bytes behind gzip; none at the end. */
static int unpack_next(struct api_unpack_source *s, size_t *ret_n)
{
    size_t n = 0;
    while (n == 0) {
        size_t came = 1;
        int r = s->held.n > 0 ? 0 : take(s, &came);
        if (r == 0 && came == 0) {
            *ret_n = 0;
            return s->whole ? 0 : refuse_damaged(s);
        }
        if (r == 0 && s->whole) { /* a member that begins here, or padding */
            r = member_end(s);
        }
        if (r == 0 && s->held.n > 0) {
            r = unpack_some(s, &n);
        }
        if (r < 0) {
            return r;
        }
    }
    *ret_n = n;
    return 0;
}

/* Each piece of the plain stream, once. */
static int count(struct api_unpack_source *s, struct str bytes)
{
    size_t n = bytes.n;
    while (n > 0 && bytes.p[n - 1] == '\0') {
        n--;
    }
    s->solid = n > 0 ? s->out + n : s->solid;
    s->out += bytes.n;
    s->head += s->heading ? bytes.n : 0;
    if (s->head > MAX_HEAD) {
        return refuse(s, ERR_TOO_LARGE,
                      "The archive has a header that is larger than any real one.");
    }
    return 0;
}

static int next_bytes(struct api_unpack_source *s, struct str *ret_bytes)
{
    size_t n = s->held.n;
    int r = s->packed ? unpack_next(s, &n) : n > 0 ? 0 : take(s, &n);
    if (r < 0) {
        return r;
    }
    *ret_bytes = str_of(s->packed ? s->plain : s->step, n);
    if (!s->packed) {
        s->held = STR_EMPTY;
    }
    return count(s, *ret_bytes);
}

static la_ssize_t on_tar_read(struct archive *a, void *ctx, const void **ret_bytes)
{
    struct str bytes;
    int r = next_bytes(ctx, &bytes);
    if (r < 0) {
        archive_set_error(a, EPIPE, "%s", err_name(r));
        return -1;
    }
    *ret_bytes = bytes.p;
    return (la_ssize_t)bytes.n;
}

static int open_tar(struct api_unpack_source *s)
{
    if (s->packed) {
        s->plain = arena_alloc(s->call->req->arena, STEP);
        if (inflateInit2(&s->gzip, GZIP_WINDOW) != Z_OK) {
            s->packed = false;
            return ERR_LIMIT;
        }
    }
    archive_read_support_format_tar(s->archive);
    return api_unpack_result(s, archive_read_open(s->archive, s, NULL, on_tar_read, NULL),
                             /* is_data= */ false);
}

/* ---- zip ---- */

static int spool(struct api_unpack_source *s)
{
    char path[PATH_MAX];
    int n_path = snprintf(path, sizeof path, "%s/unpack-XXXXXX", s->call->api->spool);
    ASSERT(n_path > 0 && n_path < PATH_MAX);
    int fd FD_AUTO = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || unlink(path) < 0) {
        return err_from_errno(errno);
    }
    int r = 0;
    for (size_t n = s->held.n; r == 0 && n > 0;) {
        r = s->in > MAX_ZIP ? refuse(s, ERR_TOO_LARGE,
                                     "A zip archive may have 1 GiB here; a tar archive, more.")
                            : fd_write_all(fd, s->held);
        r = r < 0 ? r : take(s, &n);
        if (r == 0 && space_level(s->call->api->space) != SPACE_AMPLE) {
            r = ERR_DISK_LOW; /* by this, or by what others wrote meanwhile */
        }
    }
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0) {
        return err_from_errno(errno);
    }
    s->fd = r < 0 ? -1 : FD_TAKE(fd);
    return r;
}

static uint64_t count_names(struct str bytes)
{
    static const char mark[] = {'P', 'K', 1, 2};
    uint64_t n = 0;
    const char *at = bytes.p;
    const char *end = bytes.p + bytes.n;
    while ((at = memmem(at, (size_t)(end - at), mark, sizeof mark))) {
        at += sizeof mark;
        n++;
    }
    return n;
}

static la_ssize_t on_zip_read(struct archive *a, void *ctx, const void **ret_bytes)
{
    struct api_unpack_source *s = ctx;
    ssize_t n = read(s->fd, s->step, STEP);
    if (n < 0) {
        archive_set_error(a, errno, "read");
        return -1;
    }
    s->names += s->begun ? 0 : count_names(str_of(s->step, (size_t)n));
    if (s->names > 2 * API_UNPACK_MAX_ENTRIES) { /* a part may be read twice */
        refuse(s, ERR_TOO_LARGE, "The archive has more entries than one may have.");
        archive_set_error(a, E2BIG, "entries");
        return -1;
    }
    *ret_bytes = s->step;
    return n;
}

static la_int64_t on_zip_seek(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
    struct api_unpack_source *s = ctx;
    off_t at = lseek(s->fd, (off_t)offset, whence);
    if (at < 0) {
        archive_set_error(a, errno, "seek");
        return ARCHIVE_FATAL;
    }
    return at;
}

static int open_zip(struct api_unpack_source *s)
{
    s->empty = s->held.n == END_RECORD && str_starts(s->held, STR("PK\5\6"));
    int r = spool(s);
    s->empty = s->empty && s->in == END_RECORD;
    if (r < 0 || s->empty) {
        return r;
    }
    r = api_unpack_names_read(&s->kept, s->fd, s->in);
    if (r == ERR_INVALID) {
        return refuse(
            s, r,
            "Names in the archive differ by slashes and backslashes alone: send them as tar.");
    }
    if (r == ERR_CORRUPT) {
        return refuse(s, ERR_INVALID,
                      "The archive is damaged: its entries are not those that its list says.");
    }
    if (r < 0) {
        return refuse(s, ERR_TOO_LARGE,
                      "The archive has more names with backslashes than one may have.");
    }
    archive_read_support_format_zip_seekable(s->archive);
    archive_read_set_callback_data(s->archive, s);
    archive_read_set_read_callback(s->archive, on_zip_read);
    archive_read_set_seek_callback(s->archive, on_zip_seek);
    return api_unpack_result(s, archive_read_open1(s->archive), /* is_data= */ false);
}

/* ---- The calls ---- */

int api_unpack_begin(struct api_unpack_source *s, struct api_call *call)
{
    *s = (struct api_unpack_source){.call = call, .fd = -1};
    s->step = arena_alloc(call->req->arena, STEP);
    s->archive = archive_read_new();
    ASSERT(s->archive);
    int r = look(s);
    if (r < 0) {
        s->packed = false;
        return r;
    }
    return s->zip ? open_zip(s) : open_tar(s);
}

bool api_unpack_is_bomb(const struct api_unpack_source *s, uint64_t out)
{
    enum {
        /* Deflate makes 1,032 bytes of one at most, of zeros for instance: such files are real, and in our own archives. What is more
           needs a trick, holes or entries that share their bytes. */
        MAX_RATIO = 1100,
        FREE_BYTES = 64 * 1024 * 1024, /* below this no ratio is asked for */
    };
    return out > FREE_BYTES && out / MAX_RATIO > s->in;
}

/* Of a header that libarchive does not understand it takes the rest: a name or a size may be another one then. Names that are no
 * UTF-8 are a warning, too, and real. */
static bool is_half_read(struct api_unpack_source *s, int got)
{
    const char *why = got == ARCHIVE_WARN ? archive_error_string(s->archive) : NULL;
    return why && strstr(why, "malformed");
}

int api_unpack_next(struct api_unpack_source *s, struct archive_entry **ret_entry)
{
    int got = s->begun ? archive_read_data_skip(s->archive) : ARCHIVE_OK;
    int r = api_unpack_result(s, got, /* is_data= */ false);
    if (r < 0) {
        return r;
    }
    struct archive_entry *entry = NULL;
    s->head = 0;
    s->heading = true;
    got = archive_read_next_header(s->archive, &entry);
    s->heading = false;
    if (got == ARCHIVE_EOF) {
        *ret_entry = NULL;
        return s->error;
    }
    r = is_half_read(s, got) ? refuse_damaged(s) : api_unpack_result(s, got, /* is_data= */ false);
    if (r == 0) {
        s->begun = true;
        *ret_entry = entry;
    }
    return r;
}

/* Where libarchive stands is behind the one or two blocks of zeros that it took for the end, if there was one. */
static int check_end(struct api_unpack_source *s)
{
    uint64_t begin = (uint64_t)archive_read_header_position(s->archive);
    uint64_t end = (uint64_t)archive_filter_bytes(s->archive, 0);
    if (s->solid > end) {
        return refuse(
            s, ERR_INVALID,
            "There is more behind the archive's end: it is damaged, or is several in one.");
    }
    if (end < begin + TAR_BLOCK || end < s->solid + TAR_BLOCK) {
        return refuse(s, ERR_INVALID,
                      "The archive ends before its end: it was cut off between two entries.");
    }
    return 0;
}

int api_unpack_rest(struct api_unpack_source *s)
{
    struct str bytes = STR("more");
    int r = 0;
    while (r == 0 && !s->zip && bytes.n > 0) {
        r = next_bytes(s, &bytes);
    }
    return r < 0 || s->zip ? r : check_end(s);
}

void api_unpack_end(struct api_unpack_source *s)
{
    archive_read_free(s->archive);
    s->archive = NULL;
    api_unpack_names_fini(&s->kept);
    if (s->packed) {
        (void)inflateEnd(&s->gzip);
    }
    fd_close(&s->fd);
}
