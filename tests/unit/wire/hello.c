/* Hello, hashes. */
#include "wire_test.h"

static void test_same(void **state)
{
    assert_same(hello, "{\"version\":1,\"generation\":7,\"program\":\"codi2 5.0.0\"}");
    assert_same(welcome, "{\"version\":1,\"seq\":9007199254740993}");
    assert_same(welcome, "{\"version\":1,\"seq\":0,\"connection\":5}");
    assert_same(welcome, "{\"version\":1,\"seq\":0,\"connection\":5,\"store\":9007199254740991}");
    assert_same(hashes, "{\"hashes\":[]}");
    assert_same(hashes, "{\"hashes\":[\"" HASH_A "\",\"" HASH_0 "\"]}");
}

static void test_refused(void **state)
{
    assert_refused(hello, STR(""));
    assert_refused(hello, STR("[]"));
    assert_refused(hello, STR("{\"version\":1,\"generation\":7}"));
    assert_refused(hello, STR("{\"version\":-1,\"generation\":7,\"program\":\"\"}"));
    assert_refused(hello, STR("{\"version\":1.5,\"generation\":7,\"program\":\"\"}"));
    assert_refused(hello, STR("{\"version\":\"1\",\"generation\":7,\"program\":\"\"}"));
    assert_refused(welcome, STR("{\"version\":1}"));
    assert_refused(welcome, STR("{\"version\":1,\"seq\":0,\"connection\":\"\"}"));
    assert_refused(welcome, STR("{\"version\":1,\"seq\":0,\"store\":-1}"));
    assert_refused(hashes, STR("{\"hashes\":{}}"));
    assert_refused(hashes, STR("{\"hashes\":[1]}"));
    assert_refused(hashes, STR("{\"hashes\":[\"00\"]}"));
}

static void test_limits(void **state)
{
    MEM_AUTO char *most = wire_repeat("{\"hashes\":[", "\"" HASH_A "\"", WIRE_MAX_HASHES, "]}");
    assert_same(hashes, most);
    MEM_AUTO char *more = wire_repeat("{\"hashes\":[", "\"" HASH_A "\"", WIRE_MAX_HASHES + 1, "]}");
    assert_refused(hashes, str_from(more));
    MEM_AUTO char *program =
        wire_repeat("{\"version\":1,\"generation\":7,\"program\":\"", "xyz", 17, "\"}");
    assert_refused(hello, str_from(program)); /* 67 bytes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
