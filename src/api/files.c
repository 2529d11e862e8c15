/*
 * Files of a session: /sessions/{id}/files.
 *
 * Content is never answered as a page: type octet-stream, as an attachment, with a policy that runs nothing, so that a file
 * that a person opens in the browser has no rights on the platform's origin.
 */
#include <stdio.h>

#include "api/api_int.h"
#include "api/files_api_int.h"
#include "base/encode.h"
#include "base/space.h"

enum { UPLOAD_STEP = 64 * 1024 };

struct files_author api_author(const struct api_call *call)
{
    return (struct files_author){.kind = FILES_API, .id = call->data.scope.user_id};
}

void api_moment(struct api_call *call, uint64_t at)
{
    http_set(call->res, "Moment", arena_printf(call->req->arena, "%llu", (unsigned long long)at));
}

/* ---- Entries as JSON ---- */

struct str api_hash(struct api_hash_text *text, const struct content_hash *hash)
{
    content_hash_text(hash, text->text);
    return str_of(text->text, CONTENT_HASH_TEXT);
}

static void write_entry(struct json_writer *w, const struct files_entry *entry)
{
    struct api_hash_text hash;
    struct reply_entry reply = reply_entry_begin(w);
    reply_entry_path(&reply, entry->path);
    reply_entry_type(&reply, files_kind_name(entry->kind));
    reply_entry_size(&reply, (int64_t)entry->size);
    reply_entry_mode(&reply, entry->mode);
    reply_entry_mtime(&reply, entry->mtime);
    reply_entry_version(&reply, (int64_t)entry->version);
    if (entry->kind != FILES_FOLDER) {
        reply_entry_hash(&reply, api_hash(&hash, &entry->hash));
    }
    reply_entry_end(&reply);
}

int api_answer_entry(struct api_call *call, int status, const struct files_entry *entry)
{
    api_etag(call, entry->version);
    write_entry(api_begin(call, status), entry);
    return api_end(call);
}

/* A path as an opaque cursor, and back. */
static struct str cursor_of(struct api_call *call, struct str path)
{
    BUF_AUTO(b64, 2 * CONTENT_MAX_PATH);
    encode_base64url(&b64, path);
    return arena_str(call->req->arena, buf_str(&b64));
}

static int read_cursor(struct api_call *call, struct str cursor, struct str *ret_path)
{
    if (cursor.n == 0) {
        *ret_path = STR_EMPTY;
        return 0;
    }
    BUF_AUTO(path, CONTENT_MAX_PATH + 1);
    if (encode_unbase64url(&path, cursor) < 0 || path.error != 0 ||
        content_path_check(buf_str(&path)) < 0) {
        api_field_error(call, "cursor", "is none that this list gave");
        return ERR_INVALID;
    }
    *ret_path = arena_str(call->req->arena, buf_str(&path));
    return 0;
}

/* ---- Listing ---- */

int api_answer_list(struct api_call *call, struct files_list_input *in, struct str cursor)
{
    struct files_page page;
    int r = read_cursor(call, cursor, &in->after);
    if (r == 0) {
        r = files_list(&call->data, in, &page);
    }
    r = r < 0 ? r : api_shared_stands(call);
    if (r < 0) {
        return r;
    }
    if (in->at > 0) {
        api_moment(call, page.seq);
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < page.count; i++) {
        write_entry(w, &page.entries[i]);
    }
    return api_end_page(call, cursor_of(call, page.next));
}

int api_files_list(struct api_call *call, const struct api_files_list_in *in)
{
    struct files_list_input input = {
        .session = in->session_id,
        .path = in->path,
        .limit = (size_t)in->limit,
        .recursive = in->recursive,
        .at = (uint64_t)in->at,
    };
    return api_answer_list(call, &input, in->cursor);
}

/* ---- Reading ---- */

static void content_headers(struct api_call *call, const struct files_entry *entry)
{
    struct http_response *res = call->res;
    char date[30], shown[25];
    http_set(res, "Content-Type", STR("application/octet-stream"));
    http_set(res, "Content-Disposition", STR("attachment"));
    http_set(res, "Cache-Control", STR("private, no-cache"));
    http_set(res, "Accept-Ranges", STR("bytes"));
    http_set(res, "Last-Modified", arena_str(call->req->arena, time_http_date(date, entry->mtime)));
    http_set(res, "File-Type", str_from(files_kind_name(entry->kind)));
    http_set(res, "File-Mode", arena_printf(call->req->arena, "%o", (unsigned)entry->mode));
    http_set(res, "File-Mtime", arena_str(call->req->arena, time_str(shown, entry->mtime)));
}

static int send_content(struct api_call *call, struct files_reader *reader, struct http_range range)
{
    int r = files_reader_seek(reader, range.offset);
    if (r == 0) {
        r = http_stream(call->res, (int64_t)range.length);
        call->streamed = r == 0;
    }
    uint64_t left = call->req->method == HTTP_HEAD ? 0 : range.length;
    while (r == 0 && left > 0) {
        struct str bytes;
        r = files_reader_next(reader, &bytes);
        if (r == 0 && bytes.n == 0) {
            r = ERR_CORRUPT;
        }
        if (r == 0) {
            bytes = str_slice(bytes, 0, left < bytes.n ? (size_t)left : bytes.n);
            left -= bytes.n;
            r = http_write(call->res, bytes);
            r = r < 0 ? r : api_goes_on(call);
        }
    }
    /* A client that went away is nobody's fault, and there is nobody to tell. */
    return r == ERR_CLOSED ? 0 : r;
}

static int answer_content(struct api_call *call, struct files_reader *reader,
                          const struct files_entry *entry)
{
    struct arena *arena = call->req->arena;
    struct http_range range = {.offset = 0, .length = entry->size};
    struct str etag = arena_printf(arena, "\"%llu\"", (unsigned long long)entry->version);
    unsigned long long size = entry->size;
    int r = http_range(call->req, entry->size, etag, &range);
    if (r == ERR_RANGE) {
        call->content_range = arena_printf(arena, "bytes */%llu", size);
        return r;
    }
    content_headers(call, entry);
    if (r == 0) {
        unsigned long long first = range.offset;
        unsigned long long last = range.offset + range.length - 1;
        http_status(call->res, 206);
        http_set(call->res, "Content-Range",
                 arena_printf(arena, "bytes %llu-%llu/%llu", first, last, size));
    }
    return send_content(call, reader, range);
}

int api_answer_content(struct api_call *call, const struct files_open_input *in,
                       struct str if_none_match)
{
    struct files_reader *reader;
    struct files_entry entry;
    int r = files_reader_open(&call->data, in, &reader, &entry);
    if (r < 0) {
        return r;
    }
    r = api_shared_stands(call);
    if (r == 0 && !api_not_modified(call, entry.version, if_none_match)) {
        r = answer_content(call, reader, &entry);
    }
    files_reader_destroy(reader);
    return r;
}

int api_files_get(struct api_call *call, const struct api_files_get_in *in)
{
    struct files_open_input open = {
        .session = in->session_id,
        .path = in->path,
        .version = (uint64_t)in->version,
        .at = (uint64_t)in->at,
    };
    if (in->has_at && in->has_version) {
        api_field_error(call, "at", "is given beside a version");
        return ERR_INVALID;
    }
    return api_answer_content(call, &open, in->if_none_match);
}

/* ---- Writing ---- */

struct place {
    struct str session;
    struct str path;
};

/* Of "*" or several: the version that stands, if it is meant, which the transaction then checks. */
static int match_standing(struct api_call *call, struct place place, const struct api_tags *tags,
                          uint64_t *ret_version)
{
    struct files_entry entry;
    int r = files_stat(&call->data, place.session, place.path, &entry);
    if (r < 0) {
        return r == ERR_NOT_FOUND ? ERR_PRECONDITION : r;
    }
    bool meant = tags->any;
    for (size_t i = 0; i < tags->n; i++) {
        meant = meant || (uint64_t)tags->at[i] == entry.version;
    }
    if (!meant) {
        return ERR_PRECONDITION;
    }
    *ret_version = entry.version;
    return 0;
}

static int read_if_match(struct api_call *call, struct place place, struct str if_match,
                         uint64_t *ret_version)
{
    struct api_tags tags;
    if (if_match.n == 0) {
        *ret_version = 0;
        return 0;
    }
    int r = api_tags(call, if_match, &tags);
    if (r < 0 || tags.any || tags.n > 1) {
        return r < 0 ? r : match_standing(call, place, &tags, ret_version);
    }
    *ret_version = (uint64_t)tags.at[0];
    return 0;
}

static int put_match(struct api_call *call, const struct api_files_put_in *in,
                     struct files_match *ret_match)
{
    if (in->if_none_match.n > 0 && !str_eq(in->if_none_match, STR("*"))) {
        api_field_error(call, "If-None-Match", "must be * when writing");
        return ERR_INVALID;
    }
    ret_match->none = in->if_none_match.n > 0;
    struct place place = {in->session_id, in->path};
    return read_if_match(call, place, in->if_match, &ret_match->version);
}

/* Where something is put, and what is said of its mode and time. */
struct put_where {
    struct place place;
    bool has_mode, has_mtime;
    struct str mode, mtime;
};

static int put_input(struct api_call *call, const struct put_where *where,
                     struct files_put_input *ret_input)
{
    struct files_put_input input = {.session = where->place.session,
                                    .path = where->place.path,
                                    .author = api_author(call),
                                    .parents = true,
                                    .mode = -1,
                                    .timed = where->has_mtime,
                                    .expected = call->req->content_length};
    uint32_t mode = 0;
    int r = 0;
    for (size_t i = 0; i < where->mode.n; i++) { /* at most four */
        unsigned digit = (unsigned char)where->mode.p[i] - (unsigned)'0';
        mode = mode * 8 + digit;
        if (digit > 7) {
            api_field_error(call, "mode", "must be octal digits, like 755");
            r = ERR_INVALID;
            break;
        }
    }
    if (where->has_mode) {
        input.mode = mode;
    }
    if (where->has_mtime && time_parse(where->mtime, &input.mtime) < 0) {
        api_field_error(call, "mtime", "is no time like 2026-11-21T04:05:06Z");
        r = ERR_INVALID;
    }
    if (r == 0) {
        *ret_input = input;
    }
    return r;
}

/* The body, step by step, into the upload. */
static int copy_body(struct api_call *call, struct files_upload *upload)
{
    char *step = arena_alloc(call->req->arena, UPLOAD_STEP);
    for (;;) {
        ssize_t n = http_body_read(call->req, step, UPLOAD_STEP);
        if (n == ERR_CLOSED) {
            call->gone = true;
        }
        if (n <= 0) {
            return (int)n;
        }
        int r = api_goes_on(call);
        r = r < 0 ? r : files_upload_write(upload, str_of(step, (size_t)n));
        if (r == 0 && space_level(call->api->space) != SPACE_AMPLE) {
            r = ERR_DISK_LOW; /* others wrote meanwhile, too */
        }
        if (r < 0) {
            return r;
        }
    }
}

static int put_stream(struct api_call *call, const struct files_put_input *input,
                      struct files_entry *ret_entry)
{
    struct files_upload *upload;
    int r = files_upload_create(&call->data, input, &upload);
    if (r < 0) {
        return r;
    }
    r = copy_body(call, upload);
    if (r == 0) {
        r = files_upload_commit(upload, ret_entry);
    }
    files_upload_destroy(upload);
    return r;
}

/* The body is the target, as a GET of the link answers it. */
static int put_link(struct api_call *call, const struct files_put_input *input,
                    struct files_entry *ret_entry)
{
    char *target = arena_alloc(call->req->arena, FILES_MAX_TARGET + 1);
    size_t n = 0;
    ssize_t more = 1;
    while (more > 0 && n <= FILES_MAX_TARGET) {
        more = http_body_read(call->req, target + n, FILES_MAX_TARGET + 1 - n);
        n += more > 0 ? (size_t)more : 0;
    }
    call->gone = more == ERR_CLOSED;
    if (more < 0) {
        return (int)more;
    }
    if (input->mode >= 0) {
        api_field_error(call, "mode", "is given for a link, which has none");
        return ERR_INVALID;
    }
    if (n == 0 || n > FILES_MAX_TARGET || memchr(target, '\0', n)) {
        api_field_error(call, "body", "is no target: 1 to %d bytes without a NUL",
                        FILES_MAX_TARGET);
        return ERR_INVALID;
    }
    return files_symlink(&call->data, input, str_of(target, n), ret_entry);
}

int api_files_put(struct api_call *call, const struct api_files_put_in *in)
{
    const struct put_where where = {
        {in->session_id, in->path}, in->has_mode, in->has_mtime, in->mode, in->mtime};
    struct files_put_input input;
    struct files_entry entry;
    if (space_level(call->api->space) != SPACE_AMPLE) {
        return ERR_DISK_LOW;
    }
    int r = put_input(call, &where, &input);
    r = r < 0 ? r : put_match(call, in, &input.match);
    if (r == 0 && in->type == API_FILES_PUT_TYPE_SYMLINK) {
        r = put_link(call, &input, &entry);
    } else if (r == 0 && call->req->body.n == (size_t)call->req->content_length) {
        r = files_put(&call->data, &input, call->req->body, &entry);
    } else if (r == 0) {
        r = put_stream(call, &input, &entry);
    }
    return r < 0 ? r : api_answer_entry(call, 200, &entry);
}

static int answer_changed(struct api_call *call, uint64_t seq)
{
    struct reply_changed changed = reply_changed_begin(api_begin(call, 200));
    reply_changed_version(&changed, (int64_t)seq);
    reply_changed_end(&changed);
    return api_end(call);
}

int api_files_delete(struct api_call *call, const struct api_files_delete_in *in)
{
    struct files_delete_input input = {
        .session = in->session_id,
        .path = in->path,
        .author = api_author(call),
        .recursive = in->recursive,
    };
    struct place place = {in->session_id, in->path};
    uint64_t seq;
    int r = read_if_match(call, place, in->if_match, &input.match.version);
    if (r == 0) {
        r = files_delete(&call->data, &input, &seq);
    }
    return r < 0 ? r : answer_changed(call, seq);
}

int api_files_mkdir(struct api_call *call, const struct api_files_mkdir_in *in)
{
    const struct put_where where = {
        {in->session_id, in->path}, in->has_mode, in->has_mtime, in->mode, in->mtime};
    struct files_put_input input;
    struct files_entry entry;
    int r = put_input(call, &where, &input);
    r = r < 0 ? r : files_mkdir(&call->data, &input, &entry);
    return r < 0 ? r : api_answer_entry(call, 201, &entry);
}

int api_files_copy(struct api_call *call, const struct api_files_copy_in *in)
{
    struct files_entry entry;
    if (space_level(call->api->space) != SPACE_AMPLE) {
        return ERR_DISK_LOW; /* content is shared, but each name is kept */
    }
    int r = files_copy(&call->data,
                       &(struct files_copy_input){.session = in->session_id,
                                                  .from = in->from,
                                                  .to = in->to,
                                                  .author = api_author(call),
                                                  .limit = FILES_MAX_COPY},
                       &entry);
    return r < 0 ? r : api_answer_entry(call, 201, &entry);
}

int api_files_move(struct api_call *call, const struct api_files_move_in *in)
{
    struct files_entry entry;
    int r = files_move(&call->data,
                       &(struct files_move_input){.session = in->session_id,
                                                  .from = in->from,
                                                  .to = in->to,
                                                  .author = api_author(call),
                                                  .parents = true,
                                                  .overwrite = in->overwrite},
                       &entry);
    return r < 0 ? r : api_answer_entry(call, 200, &entry);
}
