/*
 * The events of a session: /ws/sessions/{id}/events, what its feed says in the API's words.
 *
 * 1. An entry of the feed says where to look, and what is found there is told: changes of files as /changes has them. Each of
 *    them is told once, since each stands in one entry; a return to a moment is one, told when it is whole.
 * 2. Nothing is told of who did what beyond what the person reads elsewhere: the entries of other kinds are names, and states.
 */
#include "api/api_int.h"
#include "api/files_api_int.h"
#include "files/files.h"
#include "realtime/realtime.h"
#include "sessions/sessions.h"

enum { CHANGES = 100 };

/* ---- From the feed ---- */

/* An event is begun when there is something to say. */
struct telling {
    struct data_context *ctx;
    struct realtime_entry *entry;
    struct reply_session_events *message;
    struct reply_session_event event; /* once it is begun */
    uint64_t after, seq;
    bool rewound;
    bool begun;
};

static void begin(struct telling *t, struct str kind)
{
    t->event = reply_session_events_events_item(t->message);
    reply_session_event_kind(&t->event, kind);
    reply_session_event_at(&t->event, t->entry->at);
    t->begun = true;
}

/* A change of a rewind is told by the entry that says so, and by no other. */
static void tell_change(struct telling *t, const struct files_event *change)
{
    if ((change->moment > 0) != t->rewound) {
        return;
    }
    if (!t->begun) {
        begin(t, STR("files"));
        reply_session_event_changes(&t->event);
    }
    api_write_change(reply_session_event_changes_item(&t->event), change);
}

static int tell_changes(struct telling *t)
{
    struct files_log log = {.next = t->entry->told > t->after ? t->entry->told : t->after};
    do {
        const struct files_log_input in = {.session = t->entry->session_id,
                                           .since = log.next,
                                           .before = t->seq + 1,
                                           .oldest = true,
                                           .limit = CHANGES};
        int r = files_log(t->ctx, &in, &log);
        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < log.count; i++) {
            tell_change(t, &log.events[i]);
            bool last = i + 1 == log.count && log.next == 0;
            if (t->begun && t->message->r.w->out->n >= REALTIME_FULL && !last) {
                t->entry->told = log.events[i].seq;
                return REALTIME_PART;
            }
        }
    } while (log.next > 0);
    return 0;
}

static bool number_of(const struct json *entry, const char *name, uint64_t *ret)
{
    const struct json *value = json_get(entry, name);
    if (!value || value->kind != JSON_INTEGER || value->integer < 0) {
        return false;
    }
    *ret = (uint64_t)value->integer;
    return true;
}

static struct str text_of(const struct json *entry, const char *name)
{
    const struct json *value = json_get(entry, name);
    return value && value->kind == JSON_STRING ? value->string : STR_EMPTY;
}

static int tell_files(struct telling *t, const struct json *entry)
{
    if (!number_of(entry, "after", &t->after) || !number_of(entry, "seq", &t->seq)) {
        return ERR_RESYNC; /* an older server's */
    }
    int r = tell_changes(t);
    if (t->begun) {
        reply_session_event_changes_end(&t->event);
        reply_session_event_end(&t->event);
    }
    return r;
}

static int tell(struct data_context *ctx, struct realtime_entry *entry,
                struct reply_session_events *message)
{
    struct json *value;
    if (json_parse(ctx->arena, entry->value, &value, NULL) < 0) {
        return ERR_RESYNC;
    }
    struct str kind = text_of(value, "kind");
    struct str state = text_of(value, "state");
    struct telling t = {
        .ctx = ctx, .entry = entry, .message = message, .rewound = str_eq(kind, STR("rewound"))};
    if (t.rewound || str_eq(kind, STR("files"))) {
        return tell_files(&t, value);
    }
    begin(&t, kind);
    if (state.n > 0) {
        reply_session_event_state(&t.event, state);
    }
    reply_session_event_end(&t.event);
    return 0;
}

struct realtime *api_events_create(const struct api_options *options)
{
    return realtime_create(
        &(struct realtime_options){.store = options->store, .auth = options->auth, .tell = tell});
}

/* ---- The socket ---- */

static int open_stream(struct api_call *call, const struct realtime_ask *ask)
{
    struct realtime_stream *stream;
    int r = realtime_open(call->api->realtime, ask, &stream);
    if (r == 0) {
        call->ended = realtime_ended;
        call->ended_ctx = stream;
    } else if (r == ERR_LIMIT) {
        call->problem.message = arena_printf(
            call->req->arena, "%d streams of events are open already.", REALTIME_MAX_PER_USER);
    }
    return r;
}

int api_session_events(struct api_call *call, const struct api_session_events_in *in)
{
    struct sessions_view view;
    struct realtime_ask ask = {.req = call->req,
                               .res = call->res,
                               .data = &call->data,
                               .session_id = in->session_id,
                               .since = in->since};
    int r = sessions_get(&call->data, in->session_id, &view);
    if (r < 0 || view.session.deleted) {
        return r < 0 ? r : ERR_NOT_FOUND;
    }
    if (in->has_since &&
        realtime_cursor_check(call->api->realtime, in->session_id, in->since) < 0) {
        api_field_error(call, "since", "is none that this session's events gave");
        return ERR_INVALID;
    }
    r = api_socket_check(call, &ask.protocol);
    return r < 0 ? r : open_stream(call, &ask);
}
