#include "base/siphash.h"

#include "unit.h"

/* Of the authors' reference implementation: key 00 01 … 0f, input 00 01 … of the row's length. */
static const uint64_t vectors[] = {
    0x726FDB47DD0E0E31u, 0x74F839C593DC67FDu, 0x0D6C8009D9A94F5Au,
    0x85676696D7FB7E2Du, 0xCF2794E0277187B7u, 0x18765564CD99A68Du,
    0xCBC9466E58FEE3CEu, 0xAB0200F58B01D137u, 0x93F5F5799A932462u,
};

static void reference_vectors(void **state)
{
    (void)state;
    unsigned char bytes[SIPHASH_KEY];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)i;
    }
    for (size_t n = 0; n < sizeof vectors / sizeof *vectors; n++) {
        assert_true(siphash(bytes, str_of(bytes, n)) == vectors[n]);
    }
    /* The example of the paper's appendix. */
    assert_true(siphash(bytes, str_of(bytes, 15)) == 0xA129CA6149BE45E5u);
    assert_true(siphash(bytes, STR_EMPTY) == vectors[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
