/*
 * Two versions of a file: /sessions/{id}/diff.
 *
 * As JSON for a page that draws it, which ends early rather than becoming larger than a reply may be; or as the text that patch
 * reads, which is never answered as a page.
 */
#include "api/api_int.h"
#include "api/files_api_int.h"

/* A line of JSON may take six times its bytes: what is written above this and its last line fit into a reply. */
enum { JSON_BYTES = 1536 * 1024 };

static const char *const compared_names[] = {[FILES_EQUAL] = "equal",
                                             [FILES_TEXT] = "text",
                                             [FILES_BINARY] = "binary",
                                             [FILES_TOO_LARGE] = "too_large"};

static void write_side(struct json_writer *w, const char *name, const struct files_entry *entry)
{
    json_name(w, name);
    json_object(w);
    json_member_integer(w, "version", (int64_t)entry->version);
    json_member_string(w, "type", str_from(files_kind_name(entry->kind)));
    json_member_integer(w, "size", (int64_t)entry->size);
    api_json_hash(w, &entry->hash);
    json_object_end(w);
}

static void write_line(struct json_writer *w, const struct content_diff_line *line)
{
    static const char *const ops[] = {
        [CONTENT_DIFF_SAME] = "same", [CONTENT_DIFF_REMOVE] = "remove", [CONTENT_DIFF_ADD] = "add"};
    json_object(w);
    json_member_string(w, "op", str_from(ops[line->op]));
    json_member_string(w, "text", line->text);
    if (line->open) {
        json_member_bool(w, "open", true);
    }
    json_object_end(w);
}

/* False: it did not fit whole. */
static bool write_hunk(struct api_call *call, const struct content_diff_hunk *hunk)
{
    struct json_writer *w = &call->json;
    json_object(w);
    json_member_integer(w, "from_line", (int64_t)hunk->from_line + 1);
    json_member_integer(w, "from_count", (int64_t)hunk->from_count);
    json_member_integer(w, "to_line", (int64_t)hunk->to_line + 1);
    json_member_integer(w, "to_count", (int64_t)hunk->to_count);
    json_name(w, "lines");
    json_array(w);
    size_t i = 0;
    while (i < hunk->count && call->body->n < JSON_BYTES) {
        write_line(w, &hunk->lines[i++]);
    }
    json_array_end(w);
    json_object_end(w);
    return i == hunk->count;
}

static int answer_json(struct api_call *call, struct str path, const struct files_diff *diff)
{
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    api_json_path(w, "path", path);
    json_member_string(w, "compared", str_from(compared_names[diff->compared]));
    if (diff->from_there) {
        write_side(w, "from", &diff->from);
    }
    if (diff->to_there) {
        write_side(w, "to", &diff->to);
    }
    if (diff->compared == FILES_TEXT) {
        json_member_integer(w, "added", (int64_t)diff->lines.added);
        json_member_integer(w, "removed", (int64_t)diff->lines.removed);
        json_name(w, "hunks");
        json_array(w);
        bool whole = true;
        for (size_t i = 0; whole && i < diff->lines.count; i++) {
            whole = write_hunk(call, &diff->lines.hunks[i]);
        }
        json_array_end(w);
        json_member_bool(w, "more", !whole);
    }
    json_object_end(w);
    return api_end(call);
}

/* As git writes names: in quotes, with escapes, when they have a control character, a quote or a backslash. */
static void put_name(struct buf *to, char side, struct str path, bool there)
{
    bool plain = true;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        plain = plain && c >= ' ' && c != 127 && c != '"' && c != '\\';
    }
    if (!there || plain) {
        buf_printf(to, there ? "%c/" : "/dev/null", side);
        buf_add(to, there ? path : STR_EMPTY);
        return;
    }
    buf_printf(to, "\"%c/", side);
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c < ' ' || c == 127 || c == '"' || c == '\\') {
            buf_printf(to, "\\%03o", c);
        } else {
            buf_byte(to, (char)c);
        }
    }
    buf_byte(to, '"');
}

static int answer_unified(struct api_call *call, struct str path, const struct files_diff *diff)
{
    struct http_response *res = call->res;
    bool text = diff->compared == FILES_TEXT;
    http_status(res, 200);
    http_set(res, "Content-Type", STR("text/x-diff"));
    http_set(res, "Content-Disposition", STR("attachment"));
    http_set(res, "Cache-Control", STR("private, no-cache"));
    struct buf *to = http_body_buf(res);
    if (diff->compared == FILES_EQUAL) {
        return 0;
    }
    buf_add(to, text                             ? STR("--- ")
                : diff->compared == FILES_BINARY ? STR("Binary files ")
                                                 : STR("Large files "));
    put_name(to, 'a', path, diff->from_there);
    buf_add(to, text ? STR("\n+++ ") : STR(" and "));
    put_name(to, 'b', path, diff->to_there);
    buf_add(to, text ? STR("\n") : STR(" differ\n"));
    if (text) {
        content_diff_write(&diff->lines, to);
    }
    return 0;
}

int api_files_diff(struct api_call *call, const struct api_files_diff_in *in)
{
    struct files_diff_input input = {.session = in->session_id,
                                     .path = in->path,
                                     .from = (uint64_t)in->from,
                                     .to = (uint64_t)in->to};
    struct files_diff diff;
    int r = files_diff(&call->data, &input, &diff);
    if (r < 0) {
        return r;
    }
    return in->format == API_FILES_DIFF_FORMAT_UNIFIED ? answer_unified(call, in->path, &diff)
                                                       : answer_json(call, in->path, &diff);
}
