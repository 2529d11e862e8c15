/*
 * The wire's calls on what was, for the IDE: versions of a path, their content, what was deleted, a version brought back; and
 * the desk, which is how the person's IDE is arranged. codi2 hands them through and reads nothing of them.
 *
 * 1. They are harmless in the hands of any program of the workspace, since all of these reach the door: what they show is the
 *    session's own, and what they change is a version more.
 * 2. Only the present workspace changes something: its generation is asked.
 */
#include "coditectd/wire_int.h"

#include "base/json.h"
#include "base/str.h"
#include "sessions/sessions.h"

enum { PAGE = 50 };

#define MOST_NUMBER (INT64_MAX >> 10) /* of a version */

static void author_out(struct json_writer *w, const struct files_author *author)
{
    json_name(w, "author");
    json_object(w);
    json_member_string(w, "kind", str_from(files_author_name(author->kind)));
    json_member_string(w, "id", author->id);
    json_object_end(w);
}

static void facts_out(struct json_writer *w, const struct files_entry *entry, enum files_op op)
{
    json_member_string(w, "op", str_from(files_op_name(op)));
    json_member_string(w, "kind", str_from(files_kind_name(entry->kind)));
    json_member_integer(w, "size", (int64_t)entry->size);
}

/* Instead of JSON. */
static void answer_is(struct coditectd_wire_call *c, struct str type)
{
    http_reset(c->res);
    http_set(c->res, "Content-Type", type);
}

static int path_in(struct coditectd_wire_call *c, struct str *ret_path)
{
    int r = http_query(c->req, "path", ret_path);
    return r == ERR_NOT_FOUND ? ERR_INVALID : r;
}

int coditectd_wire_past(struct coditectd_wire_call *c)
{
    struct files_history_input in = {.session = c->peer.tree, .limit = PAGE};
    struct files_history history;
    int r = path_in(c, &in.path);
    if (r == 0) {
        r = http_query(c->req, "cursor", &in.after);
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    if (r == 0) {
        r = files_history(&c->data, &in, &history);
    }
    if (r < 0) {
        return r;
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    json_name(&w, "versions");
    json_array(&w);
    for (size_t i = 0; i < history.count; i++) {
        const struct files_version *version = &history.versions[i];
        json_object(&w);
        json_member_integer(&w, "version", (int64_t)version->entry.version);
        facts_out(&w, &version->entry, version->op);
        json_member_integer(&w, "at", version->at);
        author_out(&w, &version->author);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_string(&w, "next", history.next);
    json_object_end(&w);
    return 0;
}

int coditectd_wire_gone(struct coditectd_wire_call *c)
{
    struct files_log_input in = {.session = c->peer.tree, .op = FILES_DELETE, .limit = PAGE};
    struct files_log log;
    int r = coditectd_wire_number(c, "before", MOST_NUMBER, &in.before);
    if (r == 0) {
        r = files_log(&c->data, &in, &log);
    }
    if (r < 0) {
        return r;
    }
    struct json_writer w;
    json_writer_init(&w, http_body_buf(c->res));
    json_object(&w);
    json_name(&w, "gone");
    json_array(&w);
    for (size_t i = 0; i < log.count; i++) {
        const struct files_event *event = &log.events[i];
        if (!str_is_utf8(event->path)) {
            continue; /* the IDE has no name for it; the web page has */
        }
        json_object(&w);
        json_member_string(&w, "path", event->path);
        json_member_integer(&w, "version", (int64_t)event->seq);
        facts_out(&w, &event->entry, event->op);
        json_member_integer(&w, "at", event->at);
        author_out(&w, &event->author);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_integer(&w, "next", (int64_t)log.next);
    json_object_end(&w);
    return 0;
}

static void reader_free(struct files_reader **reader)
{
    files_reader_destroy(*reader);
}

int coditectd_wire_past_content(struct coditectd_wire_call *c)
{
    struct files_reader *reader __attribute__((cleanup(reader_free))) = NULL;
    struct files_open_input in = {.session = c->peer.tree};
    struct files_entry entry;
    struct str bytes;
    int r = path_in(c, &in.path);
    if (r == 0) {
        r = coditectd_wire_number(c, "version", MOST_NUMBER, &in.version);
    }
    if (r == 0) {
        r = in.version == 0 ? ERR_INVALID : files_reader_open(&c->data, &in, &reader, &entry);
    }
    r = r < 0 ? r : files_reader_next(reader, &bytes); /* while an error can still be answered */
    if (r < 0) {
        return r;
    }
    answer_is(c, STR("application/octet-stream"));
    r = http_stream(c->res, (int64_t)entry.size);
    while (r == 0 && bytes.n > 0) {
        r = http_write(c->res, bytes);
        r = r < 0 ? r : files_reader_next(reader, &bytes);
    }
    if (r < 0) {
        http_abort(c->res); /* the head is gone: nobody takes the part for the whole */
    }
    return 0;
}

static int still_present(struct txn *txn, void *arg)
{
    const struct coditectd_wire_call *c = arg;
    return coditectd_wire_generation(txn, &c->peer, 0);
}

int coditectd_wire_past_restore(struct coditectd_wire_call *c)
{
    struct json *body;
    int r = json_parse(c->req->arena, c->req->body, &body, NULL);
    const struct json *path = r == 0 ? json_get(body, "path") : NULL;
    const struct json *version = r == 0 ? json_get(body, "version") : NULL;
    if (!path || path->kind != JSON_STRING || !version || version->kind != JSON_INTEGER ||
        version->integer < 1 || version->integer > MOST_NUMBER) {
        return ERR_INVALID;
    }
    struct files_restore_input in = {.session = c->peer.tree,
                                     .path = path->string,
                                     .version = (uint64_t)version->integer,
                                     .author = {FILES_USER, c->peer.scope.user_id}};
    struct files_entry entry;
    r = store_read(c->options->store, still_present, c);
    r = r < 0 ? r : files_restore(&c->data, &in, &entry);
    if (r == 0) {
        struct json_writer w;
        json_writer_init(&w, http_body_buf(c->res));
        json_object(&w);
        json_member_integer(&w, "version", (int64_t)entry.version);
        json_object_end(&w);
    }
    return r;
}

/* ---- the desk ---- */

struct desk {
    struct coditectd_wire_call *call;
    struct str text; /* in the request's arena */
};

static int desk_read(struct txn *txn, void *arg)
{
    struct desk *desk = arg;
    const struct coditectd_wire_peer *peer = &desk->call->peer;
    struct str text;
    int r = sessions_desk_get(txn, &peer->scope, peer->session, &text);
    if (r == 0) {
        desk->text = arena_str(desk->call->req->arena, text);
    }
    return r;
}

int coditectd_wire_get_desk(struct coditectd_wire_call *c)
{
    struct desk desk = {.call = c};
    int r = store_read(c->options->store, desk_read, &desk);
    if (r == 0) {
        answer_is(c, STR("text/plain; charset=utf-8"));
        http_body(c->res, desk.text);
    }
    return r;
}

static int desk_write(struct txn *txn, void *arg)
{
    struct desk *desk = arg;
    const struct coditectd_wire_peer *peer = &desk->call->peer;
    int r = coditectd_wire_generation(txn, peer, 0);
    return r < 0 ? r : sessions_desk_put(txn, &peer->scope, peer->session, desk->text);
}

int coditectd_wire_put_desk(struct coditectd_wire_call *c)
{
    struct desk desk = {.call = c, .text = c->req->body};
    int r = desk.text.n == 0 ? ERR_INVALID
                             : store_write(c->options->store, &c->data.op, desk_write, &desk);
    if (r == 0) {
        http_reset(c->res);
        http_status(c->res, 204);
    }
    return r;
}
