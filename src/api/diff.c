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

static void write_side(struct reply_diff_side side, const struct files_entry *entry)
{
    struct api_hash_text hash;
    reply_diff_side_version(&side, (int64_t)entry->version);
    reply_diff_side_type(&side, files_kind_name(entry->kind));
    reply_diff_side_mode(&side, (int64_t)entry->mode);
    reply_diff_side_size(&side, (int64_t)entry->size);
    reply_diff_side_hash(&side, api_hash(&hash, &entry->hash));
    reply_diff_side_end(&side);
}

static void write_line(struct reply_diff_line reply, const struct content_diff_line *line)
{
    static const char *const ops[] = {
        [CONTENT_DIFF_SAME] = "same", [CONTENT_DIFF_REMOVE] = "remove", [CONTENT_DIFF_ADD] = "add"};
    reply_diff_line_op(&reply, ops[line->op]);
    reply_diff_line_text(&reply, line->text);
    if (line->open) {
        reply_diff_line_open(&reply);
    }
    reply_diff_line_end(&reply);
}

/* False: it did not fit whole. */
static bool write_hunk(struct reply_diff_hunk reply, const struct buf *body,
                       const struct content_diff_hunk *hunk)
{
    reply_diff_hunk_from_line(&reply, (int64_t)hunk->from_line + 1);
    reply_diff_hunk_from_count(&reply, (int64_t)hunk->from_count);
    reply_diff_hunk_to_line(&reply, (int64_t)hunk->to_line + 1);
    reply_diff_hunk_to_count(&reply, (int64_t)hunk->to_count);
    reply_diff_hunk_lines(&reply);
    size_t i = 0;
    while (i < hunk->count && body->n < JSON_BYTES) {
        write_line(reply_diff_hunk_lines_item(&reply), &hunk->lines[i++]);
    }
    reply_diff_hunk_lines_end(&reply);
    reply_diff_hunk_end(&reply);
    return i == hunk->count;
}

static void write_lines(struct reply_diff *reply, const struct buf *body,
                        const struct content_diff *lines)
{
    reply_diff_added(reply, (int64_t)lines->added);
    reply_diff_removed(reply, (int64_t)lines->removed);
    reply_diff_hunks(reply);
    bool whole = true;
    for (size_t i = 0; whole && i < lines->count; i++) {
        whole = write_hunk(reply_diff_hunks_item(reply), body, &lines->hunks[i]);
    }
    reply_diff_hunks_end(reply);
    reply_diff_more(reply, !whole);
}

static int answer_json(struct api_call *call, struct str path, const struct files_diff *diff)
{
    struct reply_diff reply = reply_diff_begin(api_begin(call, 200));
    reply_diff_path(&reply, path);
    reply_diff_compared(&reply, compared_names[diff->compared]);
    if (diff->from_there) {
        write_side(reply_diff_from(&reply), &diff->from);
    }
    if (diff->to_there) {
        write_side(reply_diff_to(&reply), &diff->to);
    }
    if (diff->compared == FILES_TEXT) {
        write_lines(&reply, call->body, &diff->lines);
    }
    reply_diff_end(&reply);
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

/* Git reads the modes behind its own first line alone, and knows no set-id bits; patch passes over them. */
static void put_modes(struct buf *to, struct str path, const struct files_diff *diff)
{
    bool files = diff->from_there && diff->to_there && diff->from.kind == FILES_FILE &&
                 diff->to.kind == FILES_FILE;
    if (!files || ((diff->from.mode ^ diff->to.mode) & 0777u) == 0) {
        return;
    }
    buf_add(to, STR("diff --git "));
    put_name(to, 'a', path, /* there= */ true);
    buf_add(to, STR(" "));
    put_name(to, 'b', path, /* there= */ true);
    buf_printf(to, "\nold mode 100%03o\nnew mode 100%03o\n", diff->from.mode & 0777u,
               diff->to.mode & 0777u);
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
    put_modes(to, path, diff);
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
                                     .before = !in->has_from,
                                     .to = (uint64_t)in->to};
    struct files_diff diff;
    int r = files_diff(&call->data, &input, &diff);
    if (r < 0) {
        return r;
    }
    return in->format == API_FILES_DIFF_FORMAT_UNIFIED ? answer_unified(call, in->path, &diff)
                                                       : answer_json(call, in->path, &diff);
}
