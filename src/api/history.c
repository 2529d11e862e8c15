/* What was: /sessions/{id}/changes, /history and the return to a moment; what the home's own (home.c) answer alike. */
#include "api/api_int.h"
#include "api/files_api_int.h"
#include "base/space.h"
#include "files/upkeep.h"

static void write_author(struct json_writer *w, const struct files_author *author)
{
    json_name(w, "author");
    json_object(w);
    json_member_string(w, "kind", str_from(files_author_name(author->kind)));
    json_member_string(w, "id", author->id);
    json_object_end(w);
}

static void write_version(struct json_writer *w, const struct files_version *version)
{
    json_object(w);
    json_member_integer(w, "version", (int64_t)version->entry.version);
    json_member_string(w, "op", str_from(files_op_name(version->op)));
    json_member_integer(w, "size", (int64_t)version->entry.size);
    if (version->entry.kind != FILES_FOLDER) {
        api_json_hash(w, &version->entry.hash);
    }
    api_json_time(w, "at", version->at);
    write_author(w, &version->author);
    json_object_end(w);
}

/* The end of a page, with what is kept of a past that grows old. */
static int end_kept(struct api_call *call, struct str next)
{
    const struct files_keep *kept = call->api->kept;
    struct json_writer *w = &call->json;
    json_name(w, "kept");
    json_object(w);
    json_member_integer(w, "all", kept->all / USEC_PER_SEC);
    json_member_integer(w, "hourly", kept->hourly / USEC_PER_SEC);
    json_member_integer(w, "daily", kept->daily / USEC_PER_SEC);
    json_object_end(w);
    return api_end_page(call, next);
}

int api_answer_history(struct api_call *call, const struct files_history_input *in)
{
    struct files_history history;
    int r = files_history(&call->data, in, &history);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_array(w);
    for (size_t i = 0; i < history.count; i++) {
        write_version(w, &history.versions[i]);
    }
    json_array_end(w);
    return end_kept(call, history.next);
}

int api_files_history(struct api_call *call, const struct api_files_history_in *in)
{
    return api_answer_history(call, &(struct files_history_input){.session = in->session_id,
                                                                  .path = in->path,
                                                                  .after = in->cursor,
                                                                  .limit = (size_t)in->limit});
}

int api_answer_restored(struct api_call *call, const struct files_restore_input *in)
{
    struct files_entry entry;
    int r = files_restore(&call->data, in, &entry);
    return r < 0 ? r : api_answer_entry(call, 200, &entry);
}

int api_files_restore(struct api_call *call, const struct api_files_restore_in *in)
{
    return api_answer_restored(call, &(struct files_restore_input){.session = in->session_id,
                                                                   .path = in->path,
                                                                   .version = (uint64_t)in->version,
                                                                   .author = api_author(call)});
}

/* ---- The changes of a session ---- */

void api_json_change(struct json_writer *w, const struct files_event *change)
{
    json_object(w);
    json_member_integer(w, "version", (int64_t)change->seq);
    json_member_string(w, "op", str_from(files_op_name(change->op)));
    api_json_path(w, "path", change->path);
    if (change->from.n > 0) {
        api_json_path(w, "from", change->from);
    }
    json_member_string(w, "type", str_from(files_kind_name(change->entry.kind)));
    json_member_integer(w, "size", (int64_t)change->entry.size);
    if (change->entry.kind != FILES_FOLDER) {
        api_json_hash(w, &change->entry.hash);
    }
    if (change->moment > 0) {
        json_member_integer(w, "restored", (int64_t)change->moment);
        json_member_integer(w, "changed", (int64_t)change->changed);
    }
    api_json_time(w, "at", change->at);
    write_author(w, &change->author);
    json_object_end(w);
}

/* A cursor is the version where the next page begins. */
static int read_place(struct api_call *call, struct files_log_input *in, struct str cursor)
{
    uint64_t place = 0;
    if (cursor.n == 0) {
        return 0;
    }
    if (str_u64(cursor, INT64_MAX >> 10, &place) < 0 || place == 0) {
        api_field_error(call, "cursor", "is none that this list gave");
        return ERR_INVALID;
    }
    *(in->oldest ? &in->since : &in->before) = place;
    return 0;
}

enum files_op api_changes_op(bool given, int op)
{
    static const enum files_op ops[] = {
        [API_FILES_CHANGES_OP_WRITE] = FILES_WRITE,
        [API_FILES_CHANGES_OP_DELETE] = FILES_DELETE,
        [API_FILES_CHANGES_OP_MOVE] = FILES_MOVE,
        [API_FILES_CHANGES_OP_RESTORE] = FILES_RESTORE,
    };
    return given ? ops[op] : 0;
}

int api_answer_changes(struct api_call *call, struct files_log_input *in, struct str cursor)
{
    struct files_log log;
    int r = read_place(call, in, cursor);
    if (r == 0) {
        r = files_log(&call->data, in, &log);
    }
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_array(w);
    for (size_t i = 0; i < log.count; i++) {
        api_json_change(w, &log.events[i]);
    }
    json_array_end(w);
    struct str next = log.next == 0
                          ? STR_EMPTY
                          : arena_printf(call->req->arena, "%llu", (unsigned long long)log.next);
    return end_kept(call, next);
}

int api_files_changes(struct api_call *call, const struct api_files_changes_in *in)
{
    struct files_log_input input = {
        .session = in->session_id,
        .path = in->path,
        .op = api_changes_op(in->has_op, in->op),
        .since = (uint64_t)in->since,
        .before = (uint64_t)in->before,
        .oldest = in->order == API_FILES_CHANGES_ORDER_OLDEST,
        .limit = (size_t)in->limit,
    };
    return api_answer_changes(call, &input, in->cursor);
}

/* ---- Back to a moment ---- */

/* After this time the client is told that it is in hand; lifecycle/ finishes it, or the same request again. */
static const usec_t patience = 10 * USEC_PER_SEC;

int api_files_rewind(struct api_call *call, const struct api_files_rewind_in *in)
{
    struct files_rewind_input input = {.session = in->session_id,
                                       .path = in->path,
                                       .at = (uint64_t)in->at,
                                       .author = api_author(call)};
    if (space_level(call->api->space) != SPACE_AMPLE) {
        return ERR_DISK_LOW;
    }
    struct files_rewind rewind;
    int r = files_rewind_begin(&call->data, &input, &rewind);
    for (usec_t end = time_monotonic() + patience;
         r == 0 && rewind.version == 0 && time_monotonic() < end;) {
        r = files_rewind_step(&call->data, in->session_id, rewind.first, &rewind);
    }
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    json_object(w);
    json_member_bool(w, "done", rewind.version > 0);
    if (rewind.version > 0) {
        json_member_integer(w, "version", (int64_t)rewind.version);
    }
    json_member_integer(w, "changed", (int64_t)rewind.changed);
    json_object_end(w);
    return api_end(call);
}
