#include "base/encode.h"

#include "base/rand.h"
#include "unit.h"

static void hex(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    encode_hex(&b, STR("\x00\xAB\xff"));
    assert_str(buf_str(&b), "00abff");
    buf_clear(&b);
    assert_int_equal(encode_unhex(&b, STR("00aBFf")), 0);
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "\x00\xAB\xff", 3);
    buf_clear(&b);
    assert_int_equal(encode_unhex(&b, STR("abc")), ERR_INVALID);
    assert_int_equal(encode_unhex(&b, STR("ag")), ERR_INVALID);
    assert_int_equal(encode_unhex(&b, STR("0 ")), ERR_INVALID);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.error, 0);
}

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *base64;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        BUF_AUTO(text, 100);
        BUF_AUTO(back, 100);
        encode_base64(&text, str_from(vectors[i].plain));
        assert_str(buf_str(&text), vectors[i].base64);
        assert_int_equal(encode_unbase64(&back, buf_str(&text)), 0);
        assert_str(buf_str(&back), vectors[i].plain);
        buf_clear(&text);
        buf_clear(&back);
        encode_base64url(&text, str_from(vectors[i].plain));
        size_t length = str_find(str_from(vectors[i].base64), '=', 0);
        assert_int_equal(text.n, length);
        assert_memory_equal(buf_z(&text), vectors[i].base64, length);
        assert_int_equal(encode_unbase64url(&back, buf_str(&text)), 0);
        assert_str(buf_str(&back), vectors[i].plain);
    }
}

static void alphabets_differ(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    encode_base64(&b, STR("\xFB\xFF\xBF"));
    encode_base64url(&b, STR("\xFB\xFF\xBF"));
    assert_str(buf_str(&b), "+/+/-_-_");
    assert_int_equal(encode_unbase64(&b, STR("-_-_")), ERR_INVALID);
    assert_int_equal(encode_unbase64url(&b, STR("+/+/")), ERR_INVALID);
}

static void base64_knows_every_byte(void **state)
{
    (void)state;
    static const char shared[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int i = 1; i < 4 * 256; i++) { /* each of them in each of four places */
        char text[] = "AAAA";
        int c = i / 4 > 0 ? i / 4 : 1;
        text[i % 4] = (char)c;
        BUF_AUTO(b, 16);
        BUF_AUTO(url, 16);
        bool both = strchr(shared, c) != NULL;
        bool pad = c == '=' && i % 4 == 3;
        assert_int_equal(encode_unbase64(&b, str_of(text, 4)) == 0,
                         both || c == '+' || c == '/' || pad);
        assert_int_equal(encode_unbase64url(&url, str_of(text, 4)) == 0,
                         both || c == '-' || c == '_');
    }
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const refused[] = {"Zg",       "Zg=",  "Zg===", "=",     "====",
                                          "Z===",     "Zh==", "Zm9=",  "Zm 9v", "Zm9v\n",
                                          "Zg==Zg==", "Z=g=", "Zm9v=", "Zm\xC3"};
    BUF_AUTO(b, 100);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(encode_unbase64(&b, str_from(refused[i])), ERR_INVALID);
        assert_int_equal(b.n, 0);
    }
    static const char *const refused_url[] = {"Zg==", "Z", "Zm9vZ", "Zh", "Zm9=", "Zm.v"};
    for (size_t i = 0; i < sizeof refused_url / sizeof *refused_url; i++) {
        assert_int_equal(encode_unbase64url(&b, str_from(refused_url[i])), ERR_INVALID);
        assert_int_equal(b.n, 0);
    }
}

static void full_buffer(void **state)
{
    (void)state;
    BUF_AUTO(b, 2);
    assert_int_equal(encode_unhex(&b, STR("aabbcc")), ERR_TOO_LARGE);
    buf_clear(&b);
    assert_int_equal(encode_unbase64(&b, STR("Zm9v")), ERR_TOO_LARGE);
    buf_clear(&b);
    encode_hex(&b, STR("ab"));
    assert_int_equal(b.error, ERR_TOO_LARGE);
}

static void base32(void **state)
{
    (void)state;
    BUF_AUTO(b, 100);
    encode_base32(&b, 0, 5);
    encode_base32(&b, 31, 5);
    encode_base32(&b, 32, 10);
    encode_base32(&b, ((uint64_t)1 << 60) - 1, 60);
    assert_str(buf_str(&b), "0z10zzzzzzzzzzzz");
    buf_clear(&b);
    for (uint64_t i = 0; i < 32; i++) {
        encode_base32(&b, i, 5);
    }
    assert_str(buf_str(&b), "0123456789abcdefghjkmnpqrstvwxyz");
    assert_dies((encode_base32(&b, 32, 5), 0));
    assert_dies((encode_base32(&b, 0, 0), 0));
    assert_dies((encode_base32(&b, 0, 65), 0));
    assert_dies((encode_base32(&b, 0, 7), 0));
}

static void random_round_trips(void **state)
{
    (void)state;
    rand_test_seed(42);
    for (size_t n = 0; n < 200; n++) {
        char bytes[200];
        BUF_AUTO(text, 1000);
        BUF_AUTO(back, 1000);
        rand_bytes(bytes, n);
        encode_base64(&text, str_of(bytes, n));
        assert_int_equal(encode_unbase64(&back, buf_str(&text)), 0);
        buf_clear(&text);
        encode_base64url(&text, str_of(bytes, n));
        assert_int_equal(encode_unbase64url(&back, buf_str(&text)), 0);
        buf_clear(&text);
        encode_hex(&text, str_of(bytes, n));
        assert_int_equal(encode_unhex(&back, buf_str(&text)), 0);
        assert_int_equal(back.n, 3 * n);
        for (size_t i = 0; i < back.n; i++) {
            assert_int_equal(back.p[i], bytes[i % n]);
        }
    }
    rand_test_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex),
        cmocka_unit_test(base64),
        cmocka_unit_test(alphabets_differ),
        cmocka_unit_test(base64_knows_every_byte),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(full_buffer),
        cmocka_unit_test(base32),
        cmocka_unit_test(random_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
