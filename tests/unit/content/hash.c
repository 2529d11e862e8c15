/* SHA-256: vectors of FIPS 180-4, running hashes, text. */
#include "unit.h"

#include "content/content.h"

static void assert_text(const struct content_hash *hash, const char *text)
{
    char found[CONTENT_HASH_TEXT + 1];
    content_hash_text(hash, found);
    assert_string_equal(found, text);
}

static void test_vectors(void **state)
{
    struct content_hash hash;
    content_hash(STR_EMPTY, &hash);
    assert_text(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    content_hash(STR("abc"), &hash);
    assert_text(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_running(void **state)
{
    struct content_hasher *h = content_hasher_create();
    struct content_hash hash;
    struct content_hash whole;
    for (int round = 0; round < 2; round++) {
        content_hasher_add(h, STR("a"));
        content_hasher_add(h, STR_EMPTY);
        content_hasher_add(h, STR("bc"));
        content_hasher_end(h, &hash);
        content_hash(STR("abc"), &whole);
        assert_true(content_hash_eq(&hash, &whole));
    }
    content_hasher_destroy(h);
    content_hasher_destroy(NULL);
}

static void test_parse(void **state)
{
    struct content_hash hash;
    struct content_hash parsed;
    char text[CONTENT_HASH_TEXT + 1];
    content_hash(STR("x"), &hash);
    content_hash_text(&hash, text);
    assert_int_equal(content_hash_parse(str_from(text), &parsed), 0);
    assert_true(content_hash_eq(&hash, &parsed));
    assert_int_equal(content_hash_parse(str_of(text, CONTENT_HASH_TEXT - 1), &parsed), ERR_INVALID);
    text[10] = 'A';
    assert_int_equal(content_hash_parse(str_from(text), &parsed), ERR_INVALID);
    text[10] = 'g';
    assert_int_equal(content_hash_parse(str_from(text), &parsed), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors),
                                       cmocka_unit_test(test_running),
                                       cmocka_unit_test(test_parse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
