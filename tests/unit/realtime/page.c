/*
 * What is read for a stream, message by message: nothing twice, nothing missing, from any cursor on; and whose right it is.
 * Entries of the feed are events "e.1", "e.2" …, told as their texts; "e.9" takes three messages; a "e.0" has nothing to tell.
 */
#include "auth/world.h"
#include "realtime/realtime_int.h"
#include "replies.gen.h"
#include "sessions/sessions.h"

struct stage {
    struct data_context ctx;
    struct realtime rt;
    struct realtime_whose whose;
    struct realtime_reader reader;
    struct buf told; /* all events of the messages so far, and their types */
    char cursor[REALTIME_CURSOR + 1];
};

static int fails; /* what tell answers the next time */

PEOPLE_SETUP

static int tell(struct data_context *ctx, struct realtime_entry *entry,
                struct reply_session_events *message)
{
    struct json_writer *w = message->r.w;
    struct json *value;
    assert_int_equal(json_parse(ctx->arena, entry->value, &value, NULL), 0);
    struct str kind = json_get(value, "kind")->string;
    int r = fails;
    fails = 0;
    if (r < 0 || str_eq(kind, STR("e.0"))) {
        return r;
    }
    if (!str_starts(kind, STR("e."))) {
        return 0; /* what the session itself said */
    }
    if (str_eq(kind, STR("e.9"))) {
        json_string(w, arena_printf(ctx->arena, "e.9/%llu", (unsigned long long)entry->told));
        return ++entry->told < 3 ? REALTIME_PART : 0;
    }
    json_string(w, kind);
    return 0;
}

static void begin(struct people *p, struct stage *s)
{
    static const struct sessions_create_input in = {.name = {"A", 1}};
    struct sessions_view view;
    *s = (struct stage){.ctx = people_request_of(p, "ada@example.com"),
                        .rt = {.store = p->w.store, .auth = p->auth, .tell = tell}};
    assert_int_equal(sessions_create(&s->ctx, &in, &view), 0);
    s->whose = (struct realtime_whose){.scope = s->ctx.scope, .session_id = view.session.id};
    s->reader = (struct realtime_reader){.rt = &s->rt, .whose = &s->whose};
    buf_init(&s->reader.frame, REALTIME_MAX_FRAME);
    buf_init(&s->told, 1 << 20);
}

static void end(struct stage *s)
{
    buf_fini(&s->reader.frame);
    buf_fini(&s->told);
}

struct happens {
    struct stage *s;
    const char *kind;
};

static int happens_fn(struct txn *txn, void *ctx)
{
    const struct happens *h = ctx;
    data_event(txn, &h->s->ctx.scope,
               &(struct data_event){.kind = h->kind, .session_id = h->s->whose.session_id});
    return 0;
}

/* kinds: "1 2 3" */
static void happen(struct stage *s, const char *kinds)
{
    for (const char *c = kinds; *c; c++) {
        char kind[] = "e.?";
        kind[2] = *c;
        struct happens h = {s, kind};
        struct store_op op = store_op_new();
        assert_int_equal(store_write(s->ctx.store, &op, happens_fn, &h), 0);
    }
}

static void take(struct stage *s)
{
    struct json *message;
    assert_int_equal(json_parse(s->ctx.arena, buf_str(&s->reader.frame), &message, NULL), 0);
    struct str type = json_get(message, "type")->string;
    const struct json *events = json_get(message, "events");
    assert_int_equal(events != NULL, str_eq(type, STR("events")));
    if (!events) {
        buf_printf(&s->told, "[" STR_FMT "]", STR_ARG(type));
    } else {
        assert_true(events->count > 0);
        for (const struct json *e = events->first; e; e = e->next) {
            buf_printf(&s->told, "%s" STR_FMT, s->told.n ? " " : "", STR_ARG(e->string));
        }
        buf_byte(&s->told, '.');
    }
    (void)snprintf(s->cursor, sizeof s->cursor, STR_FMT,
                   STR_ARG(json_get(message, "cursor")->string));
}

/* All that there is; what was told since the last time. */
static const char *rest(struct stage *s)
{
    buf_clear(&s->told);
    do {
        assert_int_equal(realtime_read(&s->reader), 0);
        if (s->reader.frame.n > 0) {
            take(s);
        }
    } while (s->reader.more);
    return buf_z(&s->told);
}

/* Another stream of the same session that goes on from there. */
static void again(struct stage *s, const char *cursor)
{
    s->reader.greeted = s->reader.lost = false;
    s->reader.placed = true;
    assert_int_equal(
        realtime_cursor_read(&s->rt, s->whose.session_id, str_from(cursor), &s->reader.place), 0);
}

static void from_now_on(void **state)
{
    struct stage s;
    begin(*state, &s);
    happen(&s, "12");
    assert_string_equal(rest(&s), "[ready]");
    assert_string_equal(rest(&s), "");
    happen(&s, "345");
    assert_string_equal(rest(&s), "e.3 e.4 e.5.");
    assert_string_equal(rest(&s), "");
    happen(&s, "0");
    assert_string_equal(rest(&s), "");
    happen(&s, "06");
    assert_string_equal(rest(&s), "e.6.");
    end(&s);
}

static void from_a_cursor_on(void **state)
{
    struct stage s;
    char first[REALTIME_CURSOR + 1], second[REALTIME_CURSOR + 1];
    begin(*state, &s);
    assert_string_equal(rest(&s), "[ready]");
    memcpy(first, s.cursor, sizeof first);
    happen(&s, "123");
    assert_string_equal(rest(&s), "e.1 e.2 e.3.");
    memcpy(second, s.cursor, sizeof second);
    happen(&s, "4");
    again(&s, second);
    assert_string_equal(rest(&s), "[ready] e.4.");
    again(&s, first);
    assert_string_equal(rest(&s), "[ready] e.1 e.2 e.3 e.4.");
    again(&s, s.cursor);
    assert_string_equal(rest(&s), "[ready]");
    end(&s);
}

static void in_parts(void **state)
{
    struct stage s;
    begin(*state, &s);
    assert_string_equal(rest(&s), "[ready]");
    happen(&s, "192");
    assert_int_equal(realtime_read(&s.reader), 0);
    take(&s);
    assert_true(s.reader.more);
    char middle[REALTIME_CURSOR + 1];
    memcpy(middle, s.cursor, sizeof middle);
    assert_string_equal(rest(&s), "e.9/1. e.9/2 e.2.");
    again(&s, middle);
    assert_string_equal(rest(&s), "[ready] e.9/1. e.9/2 e.2.");
    end(&s);
}

static void more_than_a_page(void **state)
{
    struct stage s;
    char many[REALTIME_PAGE + 8] = "";
    begin(*state, &s);
    assert_string_equal(rest(&s), "[ready]");
    memset(many, '0', REALTIME_PAGE);
    memcpy(many + REALTIME_PAGE, "12", 3);
    happen(&s, many);
    assert_string_equal(rest(&s), "e.1 e.2.");
    end(&s);
}

static void what_cannot_be_told(void **state)
{
    struct stage s;
    begin(*state, &s);
    assert_string_equal(rest(&s), "[ready]");
    happen(&s, "12");
    fails = ERR_UNAVAILABLE;
    assert_int_equal(realtime_read(&s.reader), ERR_UNAVAILABLE);
    assert_int_equal(s.reader.frame.n, 0);
    assert_string_equal(rest(&s), "e.1 e.2.");
    happen(&s, "34");
    fails = ERR_RESYNC;
    assert_string_equal(rest(&s), "[resync]");
    happen(&s, "5");
    assert_string_equal(rest(&s), "e.5.");
    end(&s);
}

static void another_epoch(void **state)
{
    struct stage s;
    begin(*state, &s);
    assert_string_equal(rest(&s), "[ready]");
    happen(&s, "1");
    assert_int_equal(store_raise_epoch(s.ctx.store), 0);
    assert_string_equal(rest(&s), "[resync]");
    happen(&s, "2");
    assert_string_equal(rest(&s), "e.2.");
    again(&s, s.cursor);
    assert_string_equal(rest(&s), "[ready]");
    end(&s);
}

static void trimmed(void **state)
{
    struct people *p = *state;
    struct stage s;
    char first[REALTIME_CURSOR + 1], second[REALTIME_CURSOR + 1];
    begin(p, &s);
    assert_string_equal(rest(&s), "[ready]");
    memcpy(first, s.cursor, sizeof first);
    happen(&s, "12");
    assert_string_equal(rest(&s), "e.1 e.2.");
    memcpy(second, s.cursor, sizeof second);
    happen(&s, "34");
    struct str feed = data_feed_session(&p->w.arena, s.whose.session_id);
    assert_int_equal(store_feed_trim(p->w.store, feed, 0, /* keep= */ 2), 0);
    again(&s, second);
    assert_string_equal(rest(&s), "[ready] e.3 e.4.");
    again(&s, first);
    assert_string_equal(rest(&s), "[resync]");
    end(&s);
}

static void rights(void **state)
{
    struct people *p = *state;
    struct stage s;
    struct sessions_view view;
    begin(p, &s);
    assert_string_equal(rest(&s), "[ready]");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct realtime_whose own = s.whose;
    s.whose.scope = eve.scope;
    assert_int_equal(realtime_read(&s.reader), ERR_NOT_FOUND);
    s.whose = own;
    happen(&s, "1");
    s.ctx.op = store_op_new();
    assert_int_equal(sessions_delete(&s.ctx, s.whose.session_id, 0, &view), 0);
    assert_int_equal(realtime_read(&s.reader), ERR_NOT_FOUND);
    assert_int_equal(s.reader.frame.n, 0);
    s.ctx.op = store_op_new();
    assert_int_equal(sessions_restore(&s.ctx, s.whose.session_id, &view), 0);
    assert_string_equal(rest(&s), "e.1.");
    s.ctx.op = store_op_new();
    assert_int_equal(auth_logout(p->auth, &s.ctx, /* everywhere= */ false), 0);
    happen(&s, "2");
    assert_int_equal(realtime_read(&s.reader), ERR_UNAUTHENTICATED);
    assert_int_equal(s.reader.frame.n, 0);
    end(&s);
}

static void keys(void **state)
{
    struct people *p = *state;
    struct stage s;
    struct data_apikey key;
    struct str token;
    begin(p, &s);
    s.ctx.op = store_op_new();
    assert_int_equal(
        auth_apikey_create(&s.ctx,
                           &(struct auth_apikey_input){
                               .name = STR("watch"), .access = DATA_APIKEY_ACCESS_READ, .days = 1},
                           &key, &token),
        0);
    s.whose.key_id = key.id;
    s.whose.scope.login_id = STR_EMPTY;
    assert_string_equal(rest(&s), "[ready]");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct scope own = s.whose.scope;
    s.whose.scope = eve.scope;
    assert_int_equal(realtime_read(&s.reader), ERR_UNAUTHENTICATED);
    s.whose.scope = own;
    s.ctx.op = store_op_new();
    assert_int_equal(auth_apikey_revoke(&s.ctx, key.id), 0);
    assert_int_equal(realtime_read(&s.reader), ERR_UNAUTHENTICATED);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_now_on),
        TEST_SQLITE(from_a_cursor_on),
        TEST(in_parts),
        TEST(more_than_a_page),
        TEST(what_cannot_be_told),
        TEST(another_epoch),
        TEST_SQLITE(trimmed),
        TEST(rights),
        TEST(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
