/* The status: everything in it, nothing but the state, and what is malformed or over a bound. */
#include "wire_test.h"

static struct wire_status read_status(struct arena *arena, struct str text)
{
    struct wire_status status;
    assert_int_equal(wire_status_read(arena, text, &status), 0);
    assert_true(str_eq(status.text, text));
    return status;
}

static void everything_is_read(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct wire_status s = read_status(
        &arena,
        STR("{\"revision\":9,\"state\":\"restoring\",\"pending\":3,\"restoring\":{\"done\":64,"
            "\"total\":5000},\"held_back\":1200,\"not_kept\":[\"x\"],\"message\":\"Wait.\","
            "\"ide\":\"running\",\"activity\":{\"idle_ms\":7,\"awake\":[\"browser\",\"process "
            "make\"]},\"newer\":{}}"));
    assert_str(s.state, "restoring");
    assert_str(s.message, "Wait.");
    assert_str(s.ide, "running");
    assert_int_equal(s.done, 64);
    assert_int_equal(s.total, 5000);
    assert_int_equal(s.held_back, 1200);
    assert_true(s.reports_activity);
    assert_int_equal(s.idle_ms, 7);
    assert_int_equal(s.awake_count, 2);
    assert_str(s.awake[1], "process make");
}

static void only_the_state_must_be_there(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct wire_status s = read_status(&arena, STR("{\"state\":\"persisted\"}"));
    assert_str(s.state, "persisted");
    assert_int_equal(s.message.n + s.ide.n + s.awake_count, 0);
    assert_int_equal(s.done + s.total + s.held_back + s.idle_ms, 0);
    assert_false(s.reports_activity);
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"state\":5}",
        "{\"state\":\"123456789012345678901234567890123\"}",
        "{\"state\":\"x\",\"restoring\":5}",
        "{\"state\":\"x\",\"restoring\":{\"done\":1}}",
        "{\"state\":\"x\",\"restoring\":{\"done\":-1,\"total\":2}}",
        "{\"state\":\"x\",\"ide\":\"12345678901234567\"}",
        "{\"state\":\"x\",\"message\":1}",
        "{\"state\":\"x\",\"held_back\":-1}",
        "{\"state\":\"x\",\"activity\":[]}",
        "{\"state\":\"x\",\"activity\":{\"idle_ms\":1}}",
        "{\"state\":\"x\",\"activity\":{\"awake\":[]}}",
        "{\"state\":\"x\",\"activity\":{\"idle_ms\":1,\"awake\":[1]}}",
        "{\"state\":\"x\",\"activity\":{\"idle_ms\":1,\"awake\":[\"1\",\"2\",\"3\",\"4\",\"5\","
        "\"6\",\"7\","
        "\"8\",\"9\"]}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused(status, str_from(bad[i]));
    }
}

static void sizes_are_bounded(void **state)
{
    MEM_AUTO char *large =
        wire_repeat("{\"state\":\"x\",\"y\":[", "10000", WIRE_MAX_STATUS / 6 + 1, "]}");
    assert_refused(status, str_from(large));
    ARENA_AUTO(arena);
    for (int over = 0; over < 2; over++) {
        char name[WIRE_MAX_STATUS_MESSAGE + 1];
        memset(name, 'a', sizeof name);
        struct str texts[] = {
            arena_printf(&arena, "{\"state\":\"x\",\"message\":\"%.*s\"}",
                         WIRE_MAX_STATUS_MESSAGE + over, name),
            arena_printf(&arena,
                         "{\"state\":\"x\",\"activity\":{\"idle_ms\":1,\"awake\":[\"%.*s\"]}}",
                         WIRE_MAX_AWAKE_NAME + over, name),
        };
        for (size_t i = 0; i < 2; i++) {
            struct wire_status s;
            assert_int_equal(wire_status_read(&arena, texts[i], &s), over ? ERR_INVALID : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read), cmocka_unit_test(only_the_state_must_be_there),
        cmocka_unit_test(what_is_malformed_is_refused), cmocka_unit_test(sizes_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
