/*
 * What is read for a stream: its next message, or none.
 *
 * 1. The right and the feed's entries come from one snapshot: nothing is told that happened when the right had ended.
 * 2. The place moves past an entry only with the message that tells it, or when there is nothing in it to tell.
 */
#include "realtime/realtime_int.h"
#include "replies.gen.h"

struct look {
    const struct realtime_reader *reader;
    struct arena *arena;
    struct scope scope; /* with the role of now */
    struct store_event *events;
    size_t count;
    struct realtime_place end; /* of the feed, when it begins there */
    bool from_end;
};

static int check_right(struct txn *txn, struct look *look)
{
    const struct realtime_whose *whose = look->reader->whose;
    struct data_session session;
    look->scope = whose->scope;
    int r = whose->key_id.n > 0 ? auth_apikey_still_in(txn, whose->key_id, &look->scope)
                                : auth_still_in(look->reader->rt->auth, txn, &look->scope);
    if (r == 0) {
        r = data_session_get(txn, &look->scope, whose->session_id, &session);
    }
    if (r == 0 && (session.deleted || !str_eq(session.user_id, look->scope.user_id))) {
        r = ERR_NOT_FOUND;
    }
    return r;
}

static void copy_events(struct look *look, const struct store_event *events, size_t count)
{
    look->events = ARENA_ARRAY(look->arena, struct store_event, count + 1);
    look->count = count;
    for (size_t i = 0; i < count; i++) {
        look->events[i] = events[i];
        look->events[i].value = arena_str(look->arena, events[i].value);
    }
}

static int look_fn(struct txn *txn, void *ctx)
{
    struct look *look = ctx;
    const struct realtime_reader *reader = look->reader;
    struct store_feed_range range = {.limit = REALTIME_PAGE};
    struct store_event *events;
    size_t count;
    look->count = 0;
    look->from_end = !reader->placed || reader->lost;
    int r = check_right(txn, look);
    if (r < 0) {
        return r;
    }
    range.feed = data_feed_session(store_arena(txn), reader->whose->session_id);
    if (!look->from_end) {
        memcpy(range.behind, reader->place.position, STORE_POSITION_SIZE);
        r = store_feed(txn, &range, &events, &count);
        look->from_end = r == ERR_RESYNC;
        if (r == 0) {
            copy_events(look, events, count);
        }
    }
    if (look->from_end) {
        look->end.told = 0;
        r = store_feed_end(txn, range.feed, look->end.position);
    }
    return r;
}

static void end_message(struct realtime_reader *reader, struct arena *arena,
                        struct reply_session_events *message)
{
    reply_session_events_cursor(
        message,
        realtime_cursor_make(reader->rt, arena, reader->whose->session_id, &reader->place));
    reply_session_events_end(message);
}

static void say(struct realtime_reader *reader, struct arena *arena, const char *type)
{
    struct json_writer w;
    json_writer_init(&w, &reader->frame);
    struct reply_session_events message = reply_session_events_begin(&w);
    reply_session_events_type(&message, type);
    end_message(reader, arena, &message);
    reader->greeted = true;
}

/* What comes behind the feed's end as it was on the snapshot. */
static void begin_at_end(struct realtime_reader *reader, struct look *look)
{
    const char *type = reader->placed ? "resync" : "ready";
    reader->place = look->end;
    reader->placed = reader->more = true;
    reader->lost = false;
    say(reader, look->arena, type);
}

static int tell_one(struct realtime_reader *reader, struct look *look, size_t i,
                    struct reply_session_events *message)
{
    const struct store_event *event = &look->events[i];
    struct data_context data = {
        .store = reader->rt->store, .arena = look->arena, .scope = look->scope};
    struct realtime_entry entry = {.session_id = reader->whose->session_id,
                                   .value = event->value,
                                   .at = event->at,
                                   .told = reader->place.told};
    int r = reader->rt->tell(&data, &entry, message);
    if (r == REALTIME_PART) {
        reader->place.told = entry.told;
    } else if (r == 0) {
        memcpy(reader->place.position, event->position, STORE_POSITION_SIZE);
        reader->place.told = 0;
    }
    return r;
}

static int tell(struct realtime_reader *reader, struct look *look)
{
    struct json_writer w;
    struct realtime_place before = reader->place;
    json_writer_init(&w, &reader->frame);
    struct reply_session_events message = reply_session_events_begin(&w);
    reply_session_events_type(&message, "events");
    reply_session_events_events(&message);
    size_t empty = reader->frame.n, i = 0;
    int r = 0;
    while (r == 0 && i < look->count && reader->frame.n < REALTIME_FULL) {
        r = tell_one(reader, look, i, &message);
        i += r == 0;
    }
    reader->more = i < look->count || look->count == REALTIME_PAGE;
    if (r >= 0 && reader->frame.n > empty) {
        reply_session_events_events_end(&message);
        end_message(reader, look->arena, &message);
        ASSERT(reader->frame.error == 0);
        return 0;
    }
    buf_clear(&reader->frame);
    if (r < 0) {
        reader->place = before;
    }
    return r < 0 ? r : 0;
}

int realtime_read(struct realtime_reader *reader)
{
    ARENA_AUTO(arena);
    struct look look = {.reader = reader, .arena = &arena};
    buf_clear(&reader->frame);
    int r = store_read(reader->rt->store, look_fn, &look);
    reader->more = false;
    if (r == 0 && look.from_end) {
        begin_at_end(reader, &look);
    } else if (r == 0 && !reader->greeted) {
        reader->more = true;
        say(reader, &arena, "ready");
    } else if (r == 0 && look.count > 0) {
        r = tell(reader, &look);
    }
    if (r == ERR_RESYNC) {
        reader->lost = reader->more = true;
        r = 0;
    }
    return r;
}
