#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/time.h"
#include "unit.h"

enum { THREADS = 4, LINES = 200 };

static char text[4 << 20];

#define NOON ((usec_t)1795262706789000) /* 2026-11-21T12:05:06.789Z */

static void begin_json(void)
{
    time_test_set(NOON, 0);
    log_setup(LOG_INFO, LOG_JSON);
}

static void begin_text(void)
{
    time_test_set(NOON, 0);
    log_setup(LOG_DEBUG, LOG_TEXT);
}

static void one_event(void)
{
    begin_json();
    const struct log_field fields[] = {
        {"path", STR("/a\"b\n\x1B[31m\xFF")}, {"empty", STR_EMPTY}, {NULL, STR_EMPTY}};
    log_event(LOG_WARN, "store", STR("slow"), fields);
    log_debug("store", "not shown %d", 1);
    log_info("store", "shown %d", 2);
}

static void json_lines(void **state)
{
    (void)state;
    assert_int_equal(unit_capture(one_event, text, sizeof text), 0);
    assert_string_equal(
        text, "{\"time\":\"2026-11-21T12:05:06.789Z\",\"level\":\"warn\",\"area\":\"store\","
              "\"message\":\"slow\",\"path\":\"/a\\\"b\\n\\u001b[31m\xEF\xBF\xBD\","
              "\"empty\":\"\"}\n"
              "{\"time\":\"2026-11-21T12:05:06.789Z\",\"level\":\"info\",\"area\":\"store\","
              "\"message\":\"shown 2\"}\n");
}

static void bound_events(void)
{
    begin_json();
    struct log_field bound[] = {{"request", STR("req-1")}, {"user", STR_EMPTY}, {NULL, STR_EMPTY}};
    log_bind(bound);
    log_info("store", "first");
    bound[1].value = STR("usr-1");
    const struct log_field own[] = {
        {"request", STR("req-2")}, {"status", STR("200"), .number = true}, {NULL, STR_EMPTY}};
    log_event(LOG_INFO, "store", STR("second"), own);
    log_bind(NULL);
    log_info("store", "third");
}

/* What the thread is busy with stands in its lines, as it is known by then. */
static void bound_fields(void **state)
{
    (void)state;
    assert_int_equal(unit_capture(bound_events, text, sizeof text), 0);
    const char *const wanted[] = {
        "\"message\":\"first\",\"request\":\"req-1\"}\n",
        "\"message\":\"second\",\"request\":\"req-2\",\"status\":200,\"user\":\"usr-1\"}\n",
        "\"message\":\"third\"}\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_non_null(strstr(text, wanted[i]));
    }
}

static void text_events(void)
{
    begin_text();
    const struct log_field fields[] = {{"path", STR("/plain")},
                                       {"name", STR("two words")},
                                       {"evil", STR("\x1B]0;x\x07\nfake line")},
                                       {"empty", STR_EMPTY},
                                       {NULL, STR_EMPTY}};
    log_event(LOG_ERROR, "store", STR("it \"said\"\nno"), fields);
    log_debug("net", "x");
}

/* Whatever a value holds, a line stays one line and no control character reaches a terminal. */
static void text_lines(void **state)
{
    (void)state;
    assert_int_equal(unit_capture(text_events, text, sizeof text), 0);
    assert_string_equal(text,
                        "2026-11-21T12:05:06.789Z error store: it \\\"said\\\"\\nno path=/plain "
                        "name=\"two words\" evil=\"\\u001b]0;x\\u0007\\nfake line\" empty=\"\"\n"
                        "2026-11-21T12:05:06.789Z debug net: x\n");
}

static char long_value[10000];

static void long_events(void)
{
    const struct log_field fields[] = {
        {"a", str_of(long_value, sizeof long_value)}, {"b", str_of(long_value, sizeof long_value)},
        {"c", str_of(long_value, sizeof long_value)}, {"d", str_of(long_value, sizeof long_value)},
        {"e", str_of(long_value, sizeof long_value)}, {NULL, STR_EMPTY}};
    log_event(LOG_ERROR, "area", str_of(long_value, sizeof long_value), fields);
    log_printf(LOG_ERROR, "area", "%.*s", (int)sizeof long_value, long_value);
}

static void long_json(void)
{
    begin_json();
    long_events();
}

static void long_text(void)
{
    begin_text();
    long_events();
}

/* Every line is complete, at most PIPE_BUF bytes, and JSON when it says so. */
static size_t check_lines(bool json)
{
    ARENA_AUTO(arena);
    struct str rest = str_from(text);
    struct str line;
    size_t lines = 0;
    while (str_split(&rest, '\n', &line)) {
        if (line.n == 0) {
            continue;
        }
        struct json *value;
        assert_true(line.n < PIPE_BUF);
        assert_true(str_is_utf8(line));
        if (json) {
            assert_int_equal(json_parse(&arena, line, &value, NULL), 0);
            /* A byte that is not UTF-8 is shown by three. */
            assert_true(json_get(value, "message")->string.n <= 3 * 1024);
        }
        lines++;
    }
    return lines;
}

static void long_values_are_cut(void **state)
{
    (void)state;
    static const char *const fillings[] = {"x", "\n", "\xFF", "\xF0\x9F\x98\x80", " \xC3\xA9"};
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        size_t length = strlen(fillings[i]);
        for (size_t at = 0; at < sizeof long_value; at++) {
            long_value[at] = fillings[i][at % length];
        }
        assert_int_equal(unit_capture(long_json, text, sizeof text), 0);
        assert_int_equal(check_lines(true), 2);
        assert_non_null(strstr(text, "\"a\":"));
        assert_int_equal(unit_capture(long_text, text, sizeof text), 0);
        assert_int_equal(check_lines(false), 2);
    }
}

/* The pipe is full and nobody reads: what is worth waiting for comes later, the rest is counted. */
static void a_slow_reader(void **state)
{
    (void)state;
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PIPE_BUF), PIPE_BUF);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_setup(LOG_INFO, LOG_TEXT);
    for (int i = 0; i < 2 * LINES; i++) {
        log_info("test", "line %d of many that nobody reads", i);
    }
    ssize_t first = read(ends[0], text, sizeof text);
    log_info("test", "the reader is back");
    ssize_t second = read(ends[0], text + first, sizeof text - (size_t)first);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_true(first > 0 && second > 0);
    text[first + second] = '\0';
    assert_non_null(strstr(text, "line 0 of many"));
    assert_null(strstr(text, "line 399 of many"));
    assert_non_null(strstr(text, " lines were dropped: the log is read too slowly\n"));
    assert_non_null(strstr(text, "the reader is back\n"));
}

static void *write_lines(void *argument)
{
    const struct log_field fields[] = {{"thread", str_from(argument)}, {NULL, STR_EMPTY}};
    for (int i = 0; i < LINES; i++) {
        log_event(LOG_WARN, "test", STR("a line that must not mix with others"), fields);
    }
    return NULL;
}

static void many_threads(void)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    log_setup(LOG_INFO, LOG_JSON);
    for (int i = 0; i < THREADS; i++) {
        ASSERT(pthread_create(&threads[i], NULL, write_lines, names[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ASSERT(pthread_join(threads[i], NULL) == 0);
    }
}

static void lines_never_mix(void **state)
{
    (void)state;
    assert_int_equal(unit_capture(many_threads, text, sizeof text), 0);
    assert_int_equal(check_lines(true), THREADS * LINES);
}

static void errors_are_returned(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, LOG_TEXT);
    assert_true(log_enabled(LOG_ERROR));
    assert_false(log_enabled(LOG_WARN));
    assert_int_equal(log_err(ERR_IO, "test", "this line is expected: %d", 5), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_fields),        cmocka_unit_test(a_slow_reader),
        cmocka_unit_test(json_lines),          cmocka_unit_test(text_lines),
        cmocka_unit_test(long_values_are_cut), cmocka_unit_test(lines_never_mix),
        cmocka_unit_test(errors_are_returned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
