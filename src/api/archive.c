/*
 * A session, or the caller's home (home.c), as an archive: its tree as of a moment, as it goes out.
 *
 * 1. The moment is fixed by the first page of the tree: what changes while the archive is sent is not in it.
 * 2. Memory is bounded: one page of the tree and one chunk of content at a time.
 * 3. A name is its bytes. libarchive asks the locale of the thread what they mean. Under UTF-8 a name that is none is kept as
 *    bytes by pax (hdrcharset=BINARY); in a zip archive it must not be called UTF-8, so it is written under another locale.
 * 4. After an error libarchive (3.6) frees neither its buffers nor its compressors. So it is told of none and closes in order,
 *    into nothing. It fills a tar archive's last file up with zeros then, which is why tar is packed here, not there.
 */
#include <archive.h>
#include <archive_entry.h>
#define ZLIB_CONST
#include <zlib.h>

#include "api/api_int.h"
#include "api/archive_int.h"
#include "api/files_api_int.h"
#include "files/files.h"
#include "sessions/sessions.h"

enum {
    TREE_PAGE = 200,
    BLOCK = 64 * 1024,
    GZIP = 16, /* zlib.h: added to the window's bits, a gzip stream */
};

struct download {
    struct api_call *call;
    struct archive *archive;
    struct archive_entry *entry; /* used again and again */
    struct data_context data;    /* the call's, with an arena that is forgotten page by page */
    struct arena arena;
    struct api_locale locale;
    bool zip;
    z_stream gzip; /* of a tar archive */
    char *packed;  /* BLOCK bytes */
    int error;     /* of the connection, or why the rest is not sent */
};

struct api_locale api_locale_begin(void)
{
    struct api_locale l = {.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};
    ASSERT(l.utf8);
    l.before = uselocale(l.utf8);
    return l;
}

void api_locale_end(struct api_locale *l)
{
    (void)uselocale(l->before);
    freelocale(l->utf8);
}

static void close_archive(struct archive **a)
{
    archive_write_free(*a);
}

static void close_entry(struct archive_entry **entry)
{
    archive_entry_free(*entry);
}

/* Packs what comes and sends what is ready. end: nothing follows. */
static int send_packed(struct download *d, struct str bytes, bool end)
{
    char *out = d->packed;
    d->gzip.next_in = (const Bytef *)bytes.p;
    d->gzip.avail_in = (uInt)bytes.n;
    do {
        d->gzip.next_out = (Bytef *)out;
        d->gzip.avail_out = BLOCK;
        int done = deflate(&d->gzip, end ? Z_FINISH : Z_NO_FLUSH);
        ASSERT(done == Z_OK || done == Z_STREAM_END || done == Z_BUF_ERROR);
        size_t ready = BLOCK - d->gzip.avail_out;
        int r = ready > 0 ? http_write(d->call->res, str_of(out, ready)) : 0;
        if (r < 0) {
            return r;
        }
    } while (d->gzip.avail_out == 0);
    return 0;
}

/* Never says that it failed: see 4. */
static la_ssize_t send_bytes(struct archive *a, void *ctx, const void *bytes, size_t n)
{
    struct download *d = ctx;
    (void)a;
    if (d->error == 0) {
        d->error = d->zip ? http_write(d->call->res, str_of(bytes, n))
                          : send_packed(d, str_of(bytes, n), /* end= */ false);
    }
    return (la_ssize_t)n;
}

/* What libarchive answered, as ours. Warnings are about names that have no form in some header; pax has one for all. */
static int result(const struct download *d, la_ssize_t r)
{
    return d->error < 0 ? d->error : r >= ARCHIVE_WARN ? 0 : ERR_IO;
}

static int begin(struct download *d)
{
    struct archive *a = d->archive;
    int r = d->zip ? archive_write_set_format_zip(a) : archive_write_set_format_pax(a);
    if (r == ARCHIVE_OK && d->zip) {
        r = archive_write_set_options(a, "zip:compression-level=3");
    }
    if (r == ARCHIVE_OK) {
        r = archive_write_set_bytes_per_block(a, BLOCK);
    }
    if (r == ARCHIVE_OK) {
        r = archive_write_set_bytes_in_last_block(a, 1);
    }
    if (r == ARCHIVE_OK) {
        r = archive_write_open2(a, d, NULL, send_bytes, NULL, NULL);
    }
    return result(d, r);
}

/* The end of the archive; or, after an error, that there is none. */
static int end(struct download *d, int r)
{
    d->error = r;
    r = result(d, archive_write_close(d->archive));
    return r < 0 || d->zip ? r : send_packed(d, STR_EMPTY, /* end= */ true);
}

static int add_content(struct download *d, const struct files_entry *entry)
{
    struct files_reader *reader;
    int r = files_reader_create(&d->data, entry, &reader);
    if (r < 0) {
        return r;
    }
    struct str bytes;
    while ((r = files_reader_next(reader, &bytes)) == 0 && bytes.n > 0) {
        r = result(d, archive_write_data(d->archive, bytes.p, bytes.n));
        r = r < 0 ? r : api_goes_on(d->call);
        if (r < 0) {
            break;
        }
    }
    files_reader_destroy(reader);
    return r;
}

/* In a zip archive a name with backslashes and no slash may be read as Windows' path, by libarchive and others. */
static const char *name_of(struct download *d, struct str path)
{
    bool windows = d->zip && str_find(path, '\\', 0) < path.n && str_find(path, '/', 0) == path.n;
    return arena_printf(&d->arena, "%s" STR_FMT, windows ? "./" : "", STR_ARG(path)).p;
}

/* A zip archive's seconds are 32 bits, with a sign to some and without one to others: what does not fit is the nearest that does. */
static void set_time(const struct download *d, struct archive_entry *out, usec_t mtime)
{
    int64_t part = mtime % USEC_PER_SEC;
    part += part < 0 ? USEC_PER_SEC : 0;
    int64_t seconds = (mtime - part) / USEC_PER_SEC;
    if (d->zip) {
        seconds = seconds < 0 ? 0 : seconds > INT32_MAX ? INT32_MAX : seconds;
    }
    archive_entry_set_mtime(out, (time_t)seconds, (long)part * 1000);
}

static int add_entry(struct download *d, const struct files_entry *entry)
{
    if (entry->damaged) {
        return ERR_CORRUPT;
    }
    static const unsigned types[] = {
        [FILES_FILE] = AE_IFREG, [FILES_FOLDER] = AE_IFDIR, [FILES_SYMLINK] = AE_IFLNK};
    struct archive_entry *out = archive_entry_clear(d->entry);
    archive_entry_set_pathname(out, name_of(d, entry->path));
    archive_entry_set_filetype(out, types[entry->kind]);
    archive_entry_set_perm(out, (__LA_MODE_T)entry->mode);
    set_time(d, out, entry->mtime);
    if (entry->kind == FILES_SYMLINK) {
        archive_entry_set_symlink(out, arena_str(&d->arena, entry->bytes).p);
    }
    archive_entry_set_size(out, entry->kind == FILES_FILE ? (la_int64_t)entry->size : 0);
    bool bytes = d->zip && !str_is_utf8(entry->path);
    if (bytes) {
        (void)uselocale(d->locale.before);
    }
    int r = result(d, archive_write_header(d->archive, out));
    (void)uselocale(d->locale.utf8);
    return r < 0 || entry->kind != FILES_FILE ? r : add_content(d, entry);
}

/* The first page is there already: while it was read, a failure could still be told. */
static int add_all(struct download *d, struct str session, struct files_page *page)
{
    BUF_AUTO(after, CONTENT_MAX_PATH);
    for (;;) {
        for (size_t i = 0; i < page->count; i++) {
            int r = add_entry(d, &page->entries[i]);
            r = r < 0 ? r : api_goes_on(d->call);
            if (r < 0) {
                return r;
            }
        }
        if (!page->more) {
            return 0;
        }
        buf_clear(&after);
        buf_add(&after, page->next);
        struct files_tree_input in = {
            .session = session, .at = page->seq, .after = buf_str(&after), .limit = TREE_PAGE};
        arena_reset(&d->arena);
        int r = files_tree(&d->data, &in, page);
        if (r == 0 && page->seq != in.at) {
            r = ERR_NOT_FOUND; /* retention took the moment for a later one: cut off, not mixed */
        }
        if (r < 0) {
            return r;
        }
    }
}

static int send_archive(struct download *d, struct str session, struct files_page *page)
{
    struct archive *archive __attribute__((cleanup(close_archive))) = archive_write_new();
    struct archive_entry *entry __attribute__((cleanup(close_entry))) = archive_entry_new();
    ASSERT(archive && entry);
    d->locale = api_locale_begin();
    d->archive = archive;
    d->entry = entry;
    /* The session's person waits, and the machine's others: what more effort than 3 saves is a few percent. */
    int made = deflateInit2(&d->gzip, 3, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY);
    ASSERT(made == Z_OK);
    int r = begin(d);
    if (r == 0) {
        r = add_all(d, session, page);
    }
    r = end(d, r);
    (void)deflateEnd(&d->gzip);
    api_locale_end(&d->locale);
    return r;
}

/* "attachment" with the session's name, as RFC 6266 and RFC 8187 (section 3.2) write it. */
static void set_name(struct api_call *call, struct str name, const char *suffix)
{
    BUF_AUTO(text, 1024);
    buf_add(&text, STR("attachment; filename*=UTF-8''"));
    struct str rest = name;
    struct str part;
    for (bool first = true; str_split(&rest, '/', &part); first = false) {
        if (!first) {
            buf_byte(&text, '-');
        }
        http_percent_encode(&text, part);
    }
    buf_add(&text, str_from(suffix));
    http_set(call->res, "Content-Disposition", arena_str(call->req->arena, buf_str(&text)));
}

/* What was written while files go back to a moment is in no moment until that is done; the one before it lacks it. */
int api_now_is_whole(struct api_call *call, struct str session)
{
    uint64_t first;
    int r = files_rewind_find(&call->data, session, &first);
    if (r == 0) {
        return data_fault(&call->data, ERR_CONFLICT, NULL,
                          "Its files are going back to a moment. Ask again when that is done.");
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

int api_answer_archive(struct api_call *call, const struct api_archive_of *of)
{
    struct download d = {.call = call,
                         .data = call->data,
                         .zip = of->zip,
                         .packed = arena_alloc(call->req->arena, BLOCK)};
    arena_init(&d.arena);
    d.data.arena = &d.arena;
    struct files_tree_input first = {.session = of->session, .at = of->at, .limit = TREE_PAGE};
    struct files_page page;
    int r = of->at == 0 ? api_now_is_whole(call, of->session) : 0;
    r = r < 0 ? r : files_tree(&d.data, &first, &page);
    r = r < 0 ? r : api_shared_stands(call);
    if (r == 0) {
        http_set(call->res, "Content-Type",
                 d.zip ? STR("application/zip") : STR("application/gzip"));
        http_set(call->res, "Cache-Control", STR("no-store"));
        set_name(call, of->name, d.zip ? ".zip" : ".tar.gz");
        if (of->at > 0) {
            api_moment(call, page.seq);
        }
        r = http_stream(call->res, /* length= */ -1);
        call->streamed = r == 0;
    }
    if (r == 0 && call->req->method != HTTP_HEAD) {
        r = send_archive(&d, of->session, &page);
    }
    arena_fini(&d.arena);
    return r == ERR_CLOSED ? 0 : r; /* a client that went away is nobody's fault */
}

int api_files_archive(struct api_call *call, const struct api_files_archive_in *in)
{
    struct sessions_view view;
    int r = sessions_get(&call->data, in->session_id, &view);
    if (r == 0 && in->at == 0 && call->req->method != HTTP_HEAD) {
        r = api_barrier(call, &view);
    }
    if (r < 0) {
        return r;
    }
    return api_answer_archive(
        call, &(struct api_archive_of){.session = in->session_id,
                                       .name = view.session.name,
                                       .at = (uint64_t)in->at,
                                       .zip = in->format == API_FILES_ARCHIVE_FORMAT_ZIP});
}
