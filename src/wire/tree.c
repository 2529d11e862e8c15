/* What the store has: pages of the tree, and changes. */
#include "wire/wire_int.h"

static const char *const op_words[] = {"write", "delete", "move", "restore", NULL};

void wire_tree_write(struct buf *out, const struct wire_tree *tree)
{
    struct json_writer w;
    ASSERT(tree->n <= WIRE_MAX_ENTRIES);
    json_writer_init(&w, out);
    json_object(&w);
    json_name(&w, "entries");
    json_array(&w);
    for (size_t i = 0; i < tree->n; i++) {
        json_object(&w);
        wire_entry_write(&w, &tree->entries[i]);
        json_object_end(&w);
    }
    json_array_end(&w);
    wire_number_write(&w, "seq", tree->seq);
    json_name(&w, "next");
    if (tree->next.n > 0) {
        BUF_AUTO(b, 2 * CONTENT_MAX_PATH);
        encode_base64url(&b, tree->next);
        ASSERT(b.error == 0);
        json_string(&w, buf_str(&b));
    } else {
        json_null(&w);
    }
    json_object_end(&w);
}

static int next_read(struct arena *arena, const struct json *object, struct str *ret_next)
{
    const struct json *next = json_get(object, "next");
    BUF_AUTO(b, CONTENT_MAX_PATH);
    if (next && next->kind == JSON_NULL) {
        *ret_next = STR_EMPTY;
        return 0;
    }
    if (!next || next->kind != JSON_STRING || encode_unbase64url(&b, next->string) < 0 || b.error ||
        b.n == 0) {
        return ERR_INVALID;
    }
    *ret_next = arena_str(arena, buf_str(&b));
    return 0;
}

int wire_tree_read(struct arena *arena, struct str text, struct wire_tree *ret_tree)
{
    const struct json *object;
    const struct json *array;
    struct wire_tree tree = {0};
    if (wire_object(arena, text, &object) < 0 ||
        wire_array(object, "entries", WIRE_MAX_ENTRIES, &array) < 0 ||
        wire_number(object, "seq", INT64_MAX, &tree.seq) < 0 ||
        next_read(arena, object, &tree.next) < 0) {
        return ERR_INVALID;
    }
    tree.entries = ARENA_ARRAY(arena, struct wire_entry, array->count);
    for (const struct json *item = array->first; item; item = item->next) {
        int r = wire_entry_read(arena, item, &tree.entries[tree.n++]);
        if (r < 0) {
            return r;
        }
    }
    *ret_tree = tree;
    return 0;
}

static void event_write(struct json_writer *w, const struct wire_event *event)
{
    ASSERT(event->op >= WIRE_WRITE && event->op <= WIRE_RESTORE);
    json_object(w);
    wire_number_write(w, "seq", event->seq);
    json_member_string(w, "op", str_from(op_words[event->op - 1]));
    if (event->op == WIRE_MOVE) {
        wire_bytes_write(w, "from", event->from);
    }
    json_member_integer(w, "at", event->at);
    wire_author_write(w, &event->author);
    wire_entry_write(w, &event->entry);
    json_object_end(w);
}

void wire_events_write(struct buf *out, const struct wire_events *events)
{
    struct json_writer w;
    ASSERT(events->n <= WIRE_MAX_CHANGES);
    json_writer_init(&w, out);
    json_object(&w);
    json_name(&w, "events");
    json_array(&w);
    for (size_t i = 0; i < events->n; i++) {
        event_write(&w, &events->events[i]);
    }
    json_array_end(&w);
    wire_number_write(&w, "seq", events->seq);
    json_member_bool(&w, "more", events->more);
    if (events->rules) {
        wire_number_write(&w, "rules", events->rules);
    }
    json_object_end(&w);
}

static int event_read(struct arena *arena, const struct json *object, struct wire_event *ret_event)
{
    struct wire_event event = {0};
    unsigned op;
    const struct json *at = json_get(object, "at");
    if (wire_number(object, "seq", INT64_MAX, &event.seq) < 0 ||
        wire_word(object, "op", op_words, &op) < 0 || !at || at->kind != JSON_INTEGER ||
        wire_author_read(object, &event.author) < 0 ||
        wire_entry_read(arena, object, &event.entry) < 0) {
        return ERR_INVALID;
    }
    event.op = (enum wire_op)op;
    event.at = at->integer;
    if (event.op == WIRE_MOVE && wire_path(arena, object, "from", &event.from) < 0) {
        return ERR_INVALID;
    }
    *ret_event = event;
    return 0;
}

int wire_events_read(struct arena *arena, struct str text, struct wire_events *ret_events)
{
    const struct json *object;
    const struct json *array;
    struct wire_events events = {0};
    if (wire_object(arena, text, &object) < 0 ||
        wire_array(object, "events", WIRE_MAX_CHANGES, &array) < 0 ||
        wire_number(object, "seq", INT64_MAX, &events.seq) < 0 ||
        wire_number_or_0(object, "rules", INT64_MAX, &events.rules) < 0) {
        return ERR_INVALID;
    }
    const struct json *more = json_get(object, "more");
    if (!more || more->kind != JSON_BOOL) {
        return ERR_INVALID;
    }
    events.more = more->boolean;
    events.events = ARENA_ARRAY(arena, struct wire_event, array->count);
    for (const struct json *item = array->first; item; item = item->next) {
        int r = event_read(arena, item, &events.events[events.n++]);
        if (r < 0) {
            return r;
        }
    }
    *ret_events = events;
    return 0;
}
