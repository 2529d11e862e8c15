/* The generated encoders: replies.gen.h. */
#include "data/data.h"
#include "replies.gen.h"
#include "writer.h"

static const struct data_user ada = {
    .email = {"a", 1},
    .reply = {"{\"id\":1,\"email\":\"a\"}", 20},
};

static const struct data_link link_row = {.reply = {"{\"id\":2}", 8}};

static void every_kind_of_member(void **state)
{
    (void)state;
    struct reply_diff diff = reply_diff_begin(&w);
    reply_diff_path(&diff, STR("\xFF"));
    reply_diff_compared(&diff, "text");
    reply_diff_hunks(&diff);
    struct reply_diff_hunk hunk = reply_diff_hunks_item(&diff);
    reply_diff_hunk_from_line(&hunk, 1);
    reply_diff_hunk_from_count(&hunk, 0);
    reply_diff_hunk_to_line(&hunk, 1);
    reply_diff_hunk_to_count(&hunk, 1);
    reply_diff_hunk_lines(&hunk);
    struct reply_diff_line line = reply_diff_hunk_lines_item(&hunk);
    reply_diff_line_op(&line, "add");
    reply_diff_line_text(&line, STR("x"));
    reply_diff_line_open(&line);
    reply_diff_line_end(&line);
    reply_diff_hunk_lines_end(&hunk);
    reply_diff_hunk_end(&hunk);
    reply_diff_hunks_end(&diff);
    reply_diff_more(&diff, false);
    reply_diff_end(&diff);
    assert_string_equal(
        buf_z(&out),
        "{\"path\":\"\xEF\xBF\xBD\",\"path_b64\":\"_w\",\"compared\":\"text\",\"hunks\":[{"
        "\"from_line\":1,\"from_count\":0,\"to_line\":1,\"to_count\":1,\"lines\":[{"
        "\"op\":\"add\",\"text\":\"x\",\"open\":true}]}],\"more\":false}");
}

static void records(void **state)
{
    (void)state;
    json_array(&w);
    reply_user_whole(&w, &ada);
    struct reply_link link = reply_link_begin(&w);
    reply_link_record(&link, &link_row);
    reply_link_moment_gone(&link, true);
    reply_link_end(&link);
    struct reply_new_link made = reply_new_link_begin(&w);
    reply_new_link_link_whole(&made, &link_row);
    reply_new_link_token(&made, STR("t"));
    reply_new_link_url(&made, STR("u"));
    reply_new_link_end(&made);
    json_array_end(&w);
    assert_string_equal(buf_z(&out), "[{\"id\":1,\"email\":\"a\"},{\"id\":2,\"moment_gone\":true},"
                                     "{\"link\":{\"id\":2},\"token\":\"t\",\"url\":\"u\"}]");
}

static void words_of_records(void **state)
{
    (void)state;
    struct reply_session_source source = reply_session_source_begin(&w);
    reply_session_source_kind(&source, "git");
    reply_session_source_url(&source, STR("u"));
    reply_session_source_state(&source, DATA_SOURCE_STATE_CLONING);
    reply_session_source_end(&source);
    assert_string_equal(buf_z(&out), "{\"kind\":\"git\",\"url\":\"u\",\"state\":\"cloning\"}");
}

static void null_and_envelope(void **state)
{
    (void)state;
    struct reply_envelope envelope = reply_envelope_begin(&w);
    reply_envelope_success(&envelope);
    json_array(reply_envelope_data(&envelope));
    json_array_end(&w);
    struct reply_page page = reply_envelope_page(&envelope);
    reply_page_next_null(&page);
    reply_page_end(&page);
    reply_envelope_end(&envelope);
    assert_string_equal(buf_z(&out), "{\"success\":true,\"data\":[],\"page\":{\"next\":null}}");
}

/* ---- Our bugs ---- */

static void missing(void)
{
    struct reply_changed changed = reply_changed_begin(&w);
    reply_changed_end(&changed);
}

static void twice(void)
{
    struct reply_changed changed = reply_changed_begin(&w);
    reply_changed_version(&changed, 1);
    reply_changed_version(&changed, 1);
}

static void beside_the_record(void)
{
    struct reply_link link = reply_link_begin(&w);
    reply_link_record(&link, &link_row);
    reply_link_name(&link, STR("x"));
}

static void null_beside_the_value(void)
{
    struct reply_page page = reply_page_begin(&w);
    reply_page_next(&page, STR("x"));
    reply_page_next_null(&page);
}

static void no_word(void)
{
    struct reply_health health = reply_health_begin(&w);
    reply_health_status(&health, "fine");
}

static void dies(void (*body)(void))
{
    pid_t child = unit_fork_quiet();
    if (child == 0) {
        body();
        _exit(0);
    }
    assert_int_equal(unit_signal_of(child), SIGABRT);
}

static void bugs_end_the_process(void **state)
{
    (void)state;
    dies(missing);
    dies(twice);
    dies(beside_the_record);
    dies(null_beside_the_value);
    dies(no_word);
}

static void out_of_bounds(void)
{
    struct reply_changed changed = reply_changed_begin(&w);
    reply_changed_version(&changed, 0);
}

static void required_and_not_in_the_record(void)
{
    struct data_user removed = ada;
    removed.email = STR_EMPTY;
    reply_user_whole(&w, &removed);
}

static void in_the_record_and_not_described(void)
{
    struct data_user removed = ada;
    removed.removed_at = 1;
    reply_user_whole(&w, &removed);
}

/* What stored values decide ends no server: two requests at once may have changed them. */
static void values_end_tests_alone(void **state)
{
    (void)state;
    void (*const bodies[])(void) = {out_of_bounds, required_and_not_in_the_record,
                                    in_the_record_and_not_described};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (CODITECT_PARANOID) {
            dies(bodies[i]);
        } else {
            json_writer_init(&w, &out);
            bodies[i]();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(every_kind_of_member), WRITER_TEST(records),
        WRITER_TEST(words_of_records),     WRITER_TEST(null_and_envelope),
        WRITER_TEST(bugs_end_the_process), WRITER_TEST(values_end_tests_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
