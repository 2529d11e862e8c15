/*
 * An archive into a session: foreign bytes, entry by entry, as they come in.
 *
 * 1. Every name becomes a path of the tree below the folder that was asked for, checked like any other, or the archive is
 *    refused there: absolute names, "..", and names that libarchive does not understand have no such path. (A NUL ends a name.)
 *    The tree knows no other place: a link in an archive is stored as a link, and nothing is written through one.
 * 2. Files, folders, links (symbolic ones; hard ones become copies). Anything else is refused.
 * 3. What is unpacked is bounded: its entries, its bytes, and its bytes against those that came in.
 * 4. Each entry is a change of its own, many of them in one transaction. What came before a refusal stays, what it replaced is in
 *    the history, and the refusal says both: how many entries are in the session, and which moment was before them.
 */
#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "api/api_int.h"
#include "api/archive_int.h"
#include "base/space.h"
#include "files/files.h"

enum { SMALL_FILE = 64 * 1024 }; /* written at once */

struct unpack {
    struct api_call *call;
    struct str session;
    struct str folder;
    struct api_unpack_source source;
    struct data_context data; /* the call's, with an arena that is forgotten entry by entry */
    struct arena arena;
    char *small;   /* SMALL_FILE bytes */
    uint64_t left; /* of the entry's bytes, as it says */
    uint64_t out;
    uint64_t files, folders, links, entries;
    uint64_t done;             /* entries that are in the session, once nothing waits */
    uint64_t before;           /* the moment */
    struct files_batch *batch; /* what came and is not done yet */
};

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

/* What is said to who may not (any more) is no word of the archive. */
static bool is_of_caller(int code)
{
    return code == ERR_UNAUTHENTICATED || code == ERR_FORBIDDEN;
}

static int refuse_as(struct unpack *u, int code)
{
    if (is_of_caller(code)) {
        return code;
    }
    const struct data_fault *fault = &u->data.fault;
    return refuse_entry(u, code, fault->message.n > 0 ? fault->message.p : err_row(code)->text);
}

/* ---- One entry ---- */

static int refuse_name(struct unpack *u)
{
    return refuse_entry(u, ERR_INVALID, "its name is no path below the session's root.");
}

/* The path of the tree that the entry's name means; empty: the folder itself, of which nothing is to be made. */
static int place(struct unpack *u, const char *name, struct str *ret_path)
{
    struct str path = str_from(name);
    while (str_starts(path, STR("./"))) {
        path = str_slice(path, 2, path.n);
    }
    if (path.n > 1 && path.p[path.n - 1] == '/') {
        path = str_slice(path, 0, path.n - 1);
    }
    if (str_eq(path, STR("."))) {
        path = STR_EMPTY;
    }
    if (u->folder.n > 0 && path.n > 0) {
        path = arena_printf(&u->arena, STR_FMT "/" STR_FMT, STR_ARG(u->folder), STR_ARG(path));
    }
    if (!name || content_path_check(path) < 0) {
        return refuse_name(u);
    }
    *ret_path = arena_str(&u->arena, path);
    return 0;
}

static int count_bytes(struct unpack *u, size_t n)
{
    u->out += n;
    bool bomb = api_unpack_is_bomb(&u->source, u->out);
    return bomb ? refuse_entry(u, ERR_TOO_LARGE,
                               "it unpacks to far more than any real content does.")
                : api_goes_on(u->call);
}

/* The next bytes of the entry; 0 at its end. Before a hole that nothing follows libarchive says 0, and when asked again zeros. */
static int read_data(struct unpack *u, char *to, size_t room, size_t *ret_n)
{
    la_ssize_t got = archive_read_data(u->source.archive, to, room);
    if (got == 0 && u->left > 0) {
        got = archive_read_data(u->source.archive, to, room);
        got = got == 0 ? ARCHIVE_WARN : got;
    }
    int r = api_unpack_result(&u->source, got, /* is_data= */ true);
    if (r < 0) {
        return r;
    }
    size_t n = (size_t)got;
    u->left -= n < u->left ? n : u->left;
    *ret_n = n;
    r = count_bytes(u, n);
    return r == 0 && space_level(u->call->api->space) != SPACE_AMPLE ? ERR_DISK_LOW : r;
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
        u->done = u->entries - 1;
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

/* Of a link, whose content is its target, no file is made. */
static int copy_link(struct unpack *u, const struct files_put_input *put,
                     struct files_reader *reader)
{
    struct str target;
    int r = files_reader_next(reader, &target);
    u->files--;
    u->links++;
    return r < 0 ? r : put_off(u, put, FILES_SYMLINK, target);
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
    if (entry.kind == FILES_SYMLINK) {
        r = copy_link(u, put, reader);
        files_reader_destroy(reader);
        return r;
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
        return !target || !target[0] || strlen(target) > FILES_MAX_TARGET
                   ? refuse_entry(u, ERR_INVALID, "it is a link to nothing, or to too long a name.")
                   : put_off(u, put, FILES_SYMLINK, str_from(target));
    case AE_IFREG:
        u->files++;
        return link ? copy_file(u, put, link) : put_file(u, put);
    default:
        u->files++;
        return link ? copy_file(u, put, link)
                    : refuse_entry(u, ERR_INVALID, "it is neither file, folder nor link.");
    }
}

/* Any that a file system may know: 1970 and what is before it are times as others are. */
static void take_time(struct archive_entry *in, struct files_put_input *put)
{
    static const int64_t first = -62167219200, last = 253402300799; /* of the years 0 to 9999 */
    int64_t seconds = archive_entry_mtime(in);
    if (archive_entry_mtime_is_set(in) && seconds >= first && seconds <= last) {
        put->timed = true;
        put->mtime = seconds * USEC_PER_SEC + (usec_t)archive_entry_mtime_nsec(in) / 1000;
    }
}

static int add_entry(struct unpack *u, struct archive_entry *in)
{
    arena_reset(&u->arena);
    u->data.op = store_op_new();
    u->entries++;
    u->left = archive_entry_size_is_set(in) ? (uint64_t)archive_entry_size(in) : 0;
    if (u->entries > API_UNPACK_MAX_ENTRIES) {
        return refuse(u, ERR_TOO_LARGE, "The archive has more entries than one may have.");
    }
    if (archive_entry_is_encrypted(in)) {
        return refuse_entry(u, ERR_INVALID, "it is encrypted, and nobody here has its key.");
    }
    struct files_put_input put = {.session = u->session,
                                  .author = {FILES_API, u->call->data.scope.user_id},
                                  .parents = true,
                                  .mode = archive_entry_perm(in) & 07777,
                                  .expected = -1};
    take_time(in, &put);
    int r = place(u, api_unpack_name(&u->source.kept, archive_entry_pathname(in)), &put.path);
    if (r < 0 || put.path.n == 0) {
        return r < 0 || archive_entry_filetype(in) == AE_IFDIR ? r : refuse_name(u);
    }
    r = add_as(u, in, &put);
    if (r < 0 && u->call->problem.message.n == 0) {
        r = refuse_as(u, r);
    }
    return r;
}

/* Behind what is wrong, what has come of it: nobody needs to look. */
static int refuse_with_rest(struct unpack *u, int code)
{
    struct str *why = &u->call->problem.message;
    if (u->done > 0 && why->n > 0) {
        *why =
            arena_printf(u->call->req->arena,
                         STR_FMT " Its entries up to number %llu are in the session, which was "
                                 "at version %llu before.",
                         STR_ARG(*why), (unsigned long long)u->done, (unsigned long long)u->before);
    }
    return code;
}

/* ---- The archive ---- */

static int add_all(struct unpack *u)
{
    API_UTF8_LOCALE(locale);
    int r = api_unpack_begin(&u->source, u->call);
    while (r == 0 && !u->source.empty) {
        struct archive_entry *entry;
        r = api_unpack_next(&u->source, &entry);
        if (r == 0 && entry == NULL) {
            break;
        }
        r = r < 0 ? r : add_entry(u, entry);
        u->done = r < 0 ? u->done : u->entries;
    }
    int left = flush(u); /* also what came before a refusal */
    r = left < 0 ? left : r;
    r = r < 0 ? r : api_unpack_rest(&u->source);
    return r < 0 ? refuse_with_rest(u, r) : 0;
}

static int answer(struct unpack *u)
{
    struct reply_unpacked unpacked = reply_unpacked_begin(api_begin(u->call, 200));
    reply_unpacked_files(&unpacked, (int64_t)u->files);
    reply_unpacked_folders(&unpacked, (int64_t)u->folders);
    reply_unpacked_links(&unpacked, (int64_t)u->links);
    reply_unpacked_bytes(&unpacked, (int64_t)u->out);
    reply_unpacked_end(&unpacked);
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
                       .source = {.fd = -1},
                       .small = arena_alloc(call->req->arena, SMALL_FILE)};
    arena_init(&u.arena);
    u.data.arena = &u.arena;
    struct files_author author = {FILES_API, call->data.scope.user_id};
    u.batch = files_batch_create(&u.data, in->session_id, &author);
    struct files_totals totals;
    int r =
        files_totals(&u.data, in->session_id, &totals); /* before a byte is taken: is it there? */
    if (r == 0) {
        u.before = totals.seq;
        r = add_all(&u);
    }
    api_unpack_end(&u.source);
    files_batch_destroy(u.batch);
    arena_fini(&u.arena);
    return r < 0 ? r : answer(&u);
}
