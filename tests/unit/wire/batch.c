/* Batches and outcomes. */
#include "wire_test.h"

#define HEAD "{\"id\":\"00112233445566778899aabbccddeeff\",\"generation\":3,\"changes\":["
#define AUTHOR "\"author\":{\"kind\":\"terminal\",\"id\":\"t1\"}"
#define DELETE "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path\":\"a\"}"

static void test_same(void **state)
{
    assert_same(batch, HEAD DELETE "]}");
    assert_same(batch, HEAD "{\"change\":\"move\",\"base\":4," AUTHOR
                            ",\"path\":\"a\",\"to\":\"b\",\"to_base\":0}," DELETE "]}");
    assert_same(batch,
                HEAD "{\"change\":\"put\",\"base\":0," AUTHOR ",\"path_b64\":\"//"
                     "4=\",\"kind\":\"file\",\"version\":0,\"mode\":420,\"mtime\":-5,\"size\":1,"
                     "\"hash\":\"" HASH_A "\",\"bytes\":\"YQ==\"}]}");
    assert_same(batch, HEAD
                "{\"change\":\"put\",\"base\":0," AUTHOR
                ",\"path\":\"d/e\",\"kind\":\"dir\",\"version\":0,\"mode\":493,\"mtime\":0}]}");
    assert_same(batch, "{\"id\":\"00112233445566778899aabbccddeeff\",\"generation\":3,"
                       "\"connection\":5,\"unseen\":42,"
                       "\"changes\":[" DELETE "]}");
    assert_same(outcome, "{\"outcome\":\"applied\",\"seq\":44,\"versions\":[42,0,44]}");
    assert_same(outcome,
                "{\"outcome\":\"applied\",\"seq\":44,\"first\":43,\"versions\":[42,0,44]}");
    assert_same(outcome, "{\"outcome\":\"conflict\",\"index\":1,\"version\":40}");
    assert_same(outcome, "{\"outcome\":\"missing_chunks\",\"hashes\":[\"" HASH_A "\"]}");
}

static void test_refused(void **state)
{
    static const char *const changes[] = {
        "",
        "5",
        "{\"change\":\"chmod\",\"base\":4," AUTHOR ",\"path\":\"a\"}",
        "{\"change\":\"delete\",\"base\":-4," AUTHOR ",\"path\":\"a\"}",
        "{\"change\":\"delete\",\"base\":4,\"path\":\"a\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR "}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path\":\"\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path\":\"../a\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path\":\"/a\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path\":\"a\",\"path_b64\":\"YQ==\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path_b64\":\"YQ\"}",
        "{\"change\":\"delete\",\"base\":4," AUTHOR ",\"path_b64\":\"YQBi\"}", /* a NUL */
        "{\"change\":\"move\",\"base\":4," AUTHOR ",\"path\":\"a\"}",
        ("{\"change\":\"delete\",\"base\":4,\"author\":{\"kind\":\"root\",\"id\":\"\"},"
         "\"path\":\"a\"}"),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        MEM_AUTO char *text = wire_repeat(HEAD, changes[i], 1, "]}");
        assert_refused(batch, str_from(text));
    }
    assert_refused(batch, STR("{\"id\":\"0011\",\"generation\":3,\"changes\":[" DELETE "]}"));
    assert_refused(batch, STR("{\"id\":\"00112233445566778899aabbccddeeff\",\"generation\":3,"
                              "\"unseen\":-1,\"changes\":[" DELETE "]}"));
    assert_refused(outcome, STR("{\"outcome\":\"perhaps\"}"));
    assert_refused(outcome, STR("{\"outcome\":\"applied\",\"seq\":1,\"versions\":[-1]}"));
    assert_refused(outcome, STR("{\"outcome\":\"conflict\",\"index\":500,\"version\":1}"));
}

static void test_limits(void **state)
{
    MEM_AUTO char *most = wire_repeat(HEAD, DELETE, WIRE_MAX_CHANGES, "]}");
    assert_same(batch, most);
    MEM_AUTO char *more = wire_repeat(HEAD, DELETE, WIRE_MAX_CHANGES + 1, "]}");
    assert_refused(batch, str_from(more));
    MEM_AUTO char *versions = wire_repeat("{\"outcome\":\"applied\",\"seq\":1,\"versions\":[", "1",
                                          WIRE_MAX_CHANGES + 1, "]}");
    assert_refused(outcome, str_from(versions));
    MEM_AUTO char *large =
        wire_repeat(HEAD DELETE "],\"more\":[", "1000000", WIRE_MAX_REQUEST / 8, "]}");
    assert_refused(batch, str_from(large));
}

static void the_disk_stands_behind_the_last_dot(void **state)
{
    (void)state;
    assert_str(wire_author_disk(STR("ses-1.00ff")), "00ff");
    assert_str(wire_author_disk(STR("a.b.c")), "c");
    assert_str(wire_author_disk(STR("usr-1")), "");
    assert_str(wire_author_disk(STR("")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_disk_stands_behind_the_last_dot),
                                       cmocka_unit_test(test_same), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
