/* What was: /sessions/{id}/changes, /history and the return to a moment; what the home's own (home.c) answer alike. */
#include "api/api_int.h"
#include "api/files_api_int.h"
#include "base/space.h"
#include "files/upkeep.h"

static void write_author(struct reply_author reply, const struct files_author *author)
{
    reply_author_kind(&reply, files_author_name(author->kind));
    reply_author_id(&reply, author->id);
    reply_author_end(&reply);
}

static void write_version(struct json_writer *w, const struct files_version *version)
{
    struct api_hash_text hash;
    struct reply_history_entry entry = reply_history_entry_begin(w);
    reply_history_entry_version(&entry, (int64_t)version->entry.version);
    reply_history_entry_op(&entry, files_op_name(version->op));
    reply_history_entry_size(&entry, (int64_t)version->entry.size);
    if (version->entry.kind != FILES_FOLDER) {
        reply_history_entry_hash(&entry, api_hash(&hash, &version->entry.hash));
    }
    reply_history_entry_at(&entry, version->at);
    write_author(reply_history_entry_author(&entry), &version->author);
    reply_history_entry_end(&entry);
}

int api_answer_history(struct api_call *call, const struct files_history_input *in)
{
    struct files_history history;
    int r = files_history(&call->data, in, &history);
    if (r < 0) {
        return r;
    }
    struct json_writer *w = api_begin(call, 200);
    for (size_t i = 0; i < history.count; i++) {
        write_version(w, &history.versions[i]);
    }
    return api_end_page(call, history.next);
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

void api_write_change(struct reply_change reply, const struct files_event *change)
{
    struct api_hash_text hash;
    reply_change_version(&reply, (int64_t)change->seq);
    reply_change_op(&reply, files_op_name(change->op));
    reply_change_path(&reply, change->path);
    if (change->from.n > 0) {
        reply_change_from(&reply, change->from);
    }
    reply_change_type(&reply, files_kind_name(change->entry.kind));
    reply_change_size(&reply, (int64_t)change->entry.size);
    if (change->entry.kind != FILES_FOLDER) {
        reply_change_hash(&reply, api_hash(&hash, &change->entry.hash));
    }
    if (change->settled > 0) {
        reply_change_moment(&reply, (int64_t)change->settled);
    }
    if (change->moment > 0) {
        reply_change_restored(&reply, (int64_t)change->moment);
        reply_change_changed(&reply, (int64_t)change->changed);
    }
    reply_change_at(&reply, change->at);
    write_author(reply_change_author(&reply), &change->author);
    reply_change_end(&reply);
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
    for (size_t i = 0; i < log.count; i++) {
        api_write_change(reply_change_begin(w), &log.events[i]);
    }
    struct str next = log.next == 0
                          ? STR_EMPTY
                          : arena_printf(call->req->arena, "%llu", (unsigned long long)log.next);
    return api_end_page(call, next);
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
    struct reply_rewound reply = reply_rewound_begin(api_begin(call, 200));
    reply_rewound_done(&reply, rewind.version > 0);
    if (rewind.version > 0) {
        reply_rewound_version(&reply, (int64_t)rewind.version);
    }
    reply_rewound_changed(&reply, (int64_t)rewind.changed);
    if (rewind.damaged > 0) {
        reply_rewound_damaged(&reply, (int64_t)rewind.damaged);
    }
    reply_rewound_moment(&reply, (int64_t)rewind.moment);
    reply_rewound_before(&reply, (int64_t)rewind.first - 1);
    reply_rewound_end(&reply);
    return api_end(call);
}
