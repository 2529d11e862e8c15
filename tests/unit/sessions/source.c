/* The repository that a session begins with: which are taken, and how far it is. */
#include "auth/world.h"
#include "replies.gen.h"
#include "sessions/sessions.h"

PEOPLE_SETUP

static int create(struct data_context *ctx, const struct sessions_create_input *in,
                  struct sessions_view *ret_view)
{
    struct sessions_create_input input = *in;
    input.name = STR("A");
    ctx->op = store_op_new();
    return sessions_create(ctx, &input, ret_view);
}

static void addresses(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view v;
    static const char *const good[] = {"https://example.com/a.git",
                                       "https://example.com:8443/~ada/a%20b", "https://[::1]/a",
                                       "https://1.2.3.4/a/b/c/", "https://example.com//a"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(
            create(&ada, &(struct sessions_create_input){.git_url = str_from(good[i])}, &v), 0);
        assert_str(v.session.source_url, good[i]);
        assert_int_equal(v.session.source_state, DATA_SOURCE_STATE_PENDING);
    }
    static const char *const bad[] = {"http://example.com/a",
                                      "file:///etc",
                                      "git://example.com/a",
                                      "ssh://git@example.com/a",
                                      "git@example.com:a.git",
                                      "ext::sh -c id",
                                      "--upload-pack=id",
                                      "-oProxyCommand=id",
                                      "/etc",
                                      "HTTPS://example.com/a",
                                      "https://",
                                      "https:///a",
                                      "https://example.com",
                                      "https://example.com//",
                                      "https://ada@example.com/a",
                                      "https://ada:secret@example.com/a",
                                      "https://-x/a",
                                      "https://exam ple.com/a",
                                      "https://example.com/a b",
                                      "https://example.com/a\nb",
                                      "https://example.com/\x7f",
                                      "https://example.com/ü",
                                      "https://example.com/a\\b",
                                      "https://example.com/a?token=secret",
                                      "https://example.com/a#b",
                                      "https://exa%6dple.com/a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct sessions_create_input in = {.git_url = str_from(bad[i])};
        assert_int_equal(create(&ada, &in, &v), ERR_INVALID);
        assert_str(ada.fault.field, "git_url");
        assert_true(str_find(ada.fault.message, '@', 0) == ada.fault.message.n);
    }
    const struct sessions_create_input plain = {.git_url = STR("http://example.com/a"),
                                                .plain_http = true};
    assert_int_equal(create(&ada, &plain, &v), 0);
}

static void length(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view v;
    char url[SESSIONS_URL_MAX + 1];
    memset(url, 'a', sizeof url);
    memcpy(url, "https://example.com/", 20);
    assert_int_equal(
        create(&ada, &(struct sessions_create_input){.git_url = str_of(url, 2000)}, &v), 0);
    assert_int_equal(
        create(&ada, &(struct sessions_create_input){.git_url = str_of(url, 2001)}, &v),
        ERR_INVALID);
}

static void branches(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view v;
    struct sessions_create_input in = {.git_url = STR("https://example.com/a")};
    static const char *const good[] = {"main", "feature/x-1", "v1.2.3", "ünïcode", "a@b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        in.git_branch = str_from(good[i]);
        assert_int_equal(create(&ada, &in, &v), 0);
    }
    static const char *const bad[] = {"-x",    "--upload-pack=id",
                                      "a b",   "a..b",
                                      "/a",    "a/",
                                      "a//b",  "a/.b",
                                      ".a",    "a.",
                                      "a~1",   "a^",
                                      "a:b",   "a?",
                                      "a*",    "a[",
                                      "a\\",   "@",
                                      "a@{1}", "a.lock",
                                      "a\tb",  "\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        in.git_branch = str_from(bad[i]);
        assert_int_equal(create(&ada, &in, &v), ERR_INVALID);
        assert_str(ada.fault.field, "git_branch");
    }
    in = (struct sessions_create_input){.git_branch = STR("main")};
    assert_int_equal(create(&ada, &in, &v), ERR_INVALID); /* of nothing */
}

struct note {
    struct data_context *ctx;
    struct str id;
    struct sessions_source_note note;
    struct sessions_source source;
};

static int note_fn(struct txn *txn, void *arg)
{
    struct note *n = arg;
    return sessions_source_note(txn, &n->ctx->scope, n->id, &n->note);
}

static int say(struct note *n, enum data_source_state what, int64_t attempt)
{
    struct store_op op = store_op_new();
    n->note.state = what;
    n->note.attempt = attempt;
    return store_write(n->ctx->store, &op, note_fn, n);
}

static void an_end_stands(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct sessions_view v;
    const struct sessions_create_input in = {.git_url = STR("https://example.com/a")};
    assert_int_equal(create(&ada, &in, &v), 0);
    struct note n = {.ctx = &ada, .id = v.session.id};
    assert_int_equal(say(&n, DATA_SOURCE_STATE_CLONING, 2), ERR_CONFLICT);
    n.note.percent = 40;
    assert_int_equal(say(&n, DATA_SOURCE_STATE_CLONING, 1), 0);
    assert_int_equal(sessions_clone(&ada, n.id, &v), 0); /* harmless */
    assert_int_equal(v.session.source_attempt, 1);
    assert_int_equal(v.session.source_percent, 40);
    n.note.folder = STR("half");
    assert_int_equal(say(&n, DATA_SOURCE_STATE_CLONING, 1), 0);
    assert_int_equal(sessions_get(&ada, n.id, &v), 0);
    assert_str(v.session.source_folder, "half");
    n.note.message = STR("No.");
    assert_int_equal(say(&n, DATA_SOURCE_STATE_FAILED, 1), 0);
    assert_int_equal(say(&n, DATA_SOURCE_STATE_FAILED, 1), 0); /* said again */
    assert_int_equal(say(&n, DATA_SOURCE_STATE_CLONING, 1), ERR_CONFLICT);
    assert_int_equal(say(&n, DATA_SOURCE_STATE_DONE, 1), ERR_CONFLICT);
    assert_int_equal(sessions_get(&ada, n.id, &v), 0);
    assert_str(v.session.source_message, "No.");

    assert_int_equal(sessions_clone(&ada, n.id, &v), 0);
    assert_int_equal(v.session.source_state, DATA_SOURCE_STATE_PENDING);
    assert_int_equal(v.session.source_message.n, 0);
    assert_int_equal(say(&n, DATA_SOURCE_STATE_DONE, 1), ERR_CONFLICT); /* late */
    n.note.folder = STR("a");
    assert_int_equal(say(&n, DATA_SOURCE_STATE_DONE, 2), 0);
    assert_int_equal(sessions_clone(&ada, n.id, &v), ERR_CONFLICT);
    assert_int_equal(sessions_get(&ada, n.id, &v), 0);
    assert_str(v.session.source_folder, "a");
    BUF_AUTO(text, 8192);
    struct json_writer w;
    json_writer_init(&w, &text);
    sessions_write(reply_session_begin(&w), &v, STR_EMPTY);
    struct json *shown;
    assert_int_equal(json_parse(&p->w.arena, buf_str(&text), &shown, NULL), 0);
    assert_str(json_get(json_get(shown, "source"), "state")->string, "done");
}

static void others_find_none(void **state)
{
    struct people *p = *state;
    struct data_context ada = people_request_of(p, "ada@example.com");
    struct data_context eve = people_request_of(p, "eve@example.com");
    struct sessions_view v;
    assert_int_equal(create(&ada, &(struct sessions_create_input){0}, &v), 0);
    struct note n = {.ctx = &ada, .id = v.session.id};
    assert_int_equal(say(&n, DATA_SOURCE_STATE_DONE, 1), ERR_NOT_FOUND); /* it began empty */
    assert_int_equal(sessions_clone(&ada, n.id, &v), ERR_CONFLICT);
    const struct sessions_create_input in = {.git_url = STR("https://example.com/a")};
    assert_int_equal(create(&ada, &in, &v), 0);
    n = (struct note){.ctx = &eve, .id = v.session.id};
    assert_int_equal(say(&n, DATA_SOURCE_STATE_DONE, 1), ERR_NOT_FOUND);
    assert_int_equal(sessions_clone(&eve, n.id, &v), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses),
        TEST(length),
        TEST(branches),
        TEST(an_end_stands),
        TEST_SQLITE(an_end_stands),
        TEST(others_find_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
