#include "base/buf.h"
#include "unit.h"
#include "workspace/workspace_int.h"

#define GOOD \
    "\"session\":\"ses-a\",\"generation\":7,\"run\":\"/data/run/ses-a\",\"codi2\":\"/opt/codi2\"," \
    "\"token\":\"secret\",\"uid\":200001,\"gid\":200001,\"network\":true,\"memory\":1024," \
    "\"processes\":512,\"cpu\":200,\"files\":65536,\"grace_ms\":20000"
#define BINDS "\"binds\":[{\"source\":\"/tree\",\"target\":\"/workspace\",\"writable\":true}]"
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static int parse(struct arena *arena, struct str text, struct workspace_config *ret_config,
                 const char **ret_problem)
{
    return workspace_config_parse(arena_str(arena, text), arena, ret_config, ret_problem);
}

static void a_good_one(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct workspace_config c;
    const char *problem = NULL;
    struct str text = STR("{" GOOD "," BINDS ",\"arguments\":[\"--ide\",\"/app\"],"
                          "\"environment\":{\"TENANT_ID\":\"ten-a\",\"EMPTY\":\"\"}}");
    assert_int_equal(parse(&arena, text, &c, &problem), 0);
    assert_null(problem);
    assert_true(str_eq(c.session, STR("ses-a")));
    assert_int_equal(c.generation, 7);
    assert_string_equal(c.run, "/data/run/ses-a");
    assert_string_equal(c.token, "secret");
    assert_int_equal(c.uid, 200001);
    assert_true(c.network);
    assert_int_equal(c.limits.memory, 1024);
    assert_int_equal(c.limits.cpu, 200);
    assert_int_equal(c.grace, 20 * USEC_PER_SEC);
    assert_int_equal(c.bind_count, 1);
    assert_true(c.binds[0].writable);
    assert_string_equal(c.arguments[1], "/app");
    assert_null(c.arguments[2]);
    assert_string_equal(c.environment[0], "TENANT_ID");
    assert_string_equal(c.environment[3], "");
    assert_null(c.environment[4]);
}

static void lists_may_be_absent(void **state)
{
    (void)state;
    ARENA_AUTO(arena);
    struct workspace_config c;
    const char *problem;
    assert_int_equal(parse(&arena, STR("{" GOOD "," BINDS "}"), &c, &problem), 0);
    assert_null(c.arguments[0]);
    assert_null(c.environment[0]);
}

static void wrong_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *problem;
    } rows[] = {
        {"", "is no JSON at byte 0"},
        {"[]", "is wrong at: "},
        {"null", "is wrong at: "},
        {"{" GOOD "}", "is wrong at: binds"},
        {"{" GOOD "," BINDS ",\"mystery\":1}", "is wrong at: an unknown member"},
        {"{" GOOD "," BINDS ",\"session\":\"b\"}", "is no JSON"},
        {"{" GOOD ",\"binds\":[{\"source\":\"tree\",\"target\":\"/a\"}]}", "is wrong at: binds"},
        {"{" GOOD ",\"binds\":[{\"source\":\"/tree\",\"target\":\"\"}]}", "is wrong at: binds"},
        {"{" GOOD ",\"binds\":[7]}", "is wrong at: binds"},
        {"{" GOOD "," BINDS ",\"arguments\":[7]}", "is wrong at: arguments"},
        {"{" GOOD "," BINDS ",\"environment\":{\"A=B\":\"c\"}}", "is wrong at: environment"},
        {"{" GOOD "," BINDS ",\"environment\":{\"\":\"c\"}}", "is wrong at: environment"},
        {"{" GOOD "," BINDS ",\"environment\":{\"A\":\"\\u0000\"}}", "is wrong at: environment"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ARENA_AUTO(arena);
        struct workspace_config c;
        const char *problem = "none";
        int error = parse(&arena, str_from(rows[i].text), &c, &problem);
        if (error != ERR_INVALID || !str_starts(str_from(problem), str_from(rows[i].problem))) {
            fail_msg("%s: %d, %s", rows[i].text, error, problem);
        }
    }
}

/* GOOD with another value of one member. */
static struct str replaced(struct arena *arena, const char *name, const char *value)
{
    struct str key = arena_printf(arena, "\"%s\":", name);
    const char *at = strstr(GOOD, key.p) + key.n;
    size_t length = at[0] == '"' ? strcspn(at + 1, "\"") + 2 : strcspn(at, ",");
    return arena_printf(arena, "{%.*s%s%s," BINDS "}", (int)(at - GOOD), GOOD, value, at + length);
}

static void each_wrong_scalar_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"session", "generation", "run",     "codi2",  "token",
                                        "uid",     "gid",        "network", "memory", "processes",
                                        "cpu",     "files",      "grace_ms"};
    static const char *const values[] = {"null", "[]",          "1.5",
                                         "-1",   "\"\\u0000\"", "99999999999999999999"};
    for (size_t i = 0; i < COUNT(names); i++) {
        for (size_t j = 0; j < COUNT(values); j++) {
            ARENA_AUTO(arena);
            struct workspace_config c;
            const char *problem = "none";
            struct str text = replaced(&arena, names[i], values[j]);
            assert_int_equal(parse(&arena, text, &c, &problem), ERR_INVALID);
            assert_string_equal(problem, arena_printf(&arena, "is wrong at: %s", names[i]).p);
        }
    }
}

struct list {
    const char *name, *open, *row, *close;
    int most;
};

static struct str with_rows(struct arena *arena, const struct list *list, int count)
{
    BUF_AUTO(text, WORKSPACE_MAX_CONFIG);
    bool binds = strcmp(list->name, "binds") == 0;
    buf_printf(&text, "{" GOOD "%s,\"%s\":%s", binds ? "" : "," BINDS, list->name, list->open);
    for (int n = 0; n < count; n++) {
        buf_printf(&text, "%s%s", n > 0 ? "," : "", list->row ? list->row : "");
        if (!list->row) {
            buf_printf(&text, "\"V%d\":\"\"", n);
        }
    }
    buf_printf(&text, "%s}", list->close);
    return arena_str(arena, buf_str(&text));
}

/* The most that fits, and one more. */
static void limits(void **state)
{
    (void)state;
    static const struct list lists[] = {
        {"binds", "[", "{\"source\":\"/a\",\"target\":\"/b\"}", "]", WORKSPACE_MAX_BINDS},
        {"arguments", "[", "\"a\"", "]", WORKSPACE_MAX_ARGUMENTS},
        {"environment", "{", NULL, "}", WORKSPACE_MAX_ENVIRONMENT},
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        ARENA_AUTO(arena);
        struct workspace_config c;
        const char *problem = "none";
        int most = lists[i].most;
        assert_int_equal(parse(&arena, with_rows(&arena, &lists[i], most), &c, &problem), 0);
        assert_int_equal(parse(&arena, with_rows(&arena, &lists[i], most + 1), &c, &problem),
                         ERR_INVALID);
        assert_non_null(strstr(problem, lists[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one), cmocka_unit_test(lists_may_be_absent),
        cmocka_unit_test(wrong_ones), cmocka_unit_test(each_wrong_scalar_is_named),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
