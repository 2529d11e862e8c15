#include "base/rand.h"

#include "unit.h"

static void differs(void **state)
{
    (void)state;
    unsigned char bytes[1000] = {0};
    size_t zeros = 0;
    rand_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        zeros += bytes[i] == 0;
    }
    assert_true(zeros < 50);
    assert_true(rand_u64() != rand_u64());
    rand_bytes(bytes, 0);
}

static void seeded_sequence(void **state)
{
    (void)state;
    rand_test_seed(0);
    /* The first values of splitmix64 from 0. */
    assert_true(rand_u64() == 0xE220A8397B1DCDAFu);
    assert_true(rand_u64() == 0x6E789E6AA1B965F4u);
    rand_test_seed(1234);
    unsigned char first[11];
    unsigned char again[11];
    rand_bytes(first, sizeof first);
    rand_test_seed(1234);
    rand_bytes(again, sizeof again);
    assert_memory_equal(first, again, sizeof first);
    rand_test_real();
}

static void below(void **state)
{
    (void)state;
    int seen[6] = {0};
    rand_test_seed(5);
    for (int i = 0; i < 6000; i++) {
        seen[rand_below(6)]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    assert_true(rand_below(1) == 0);
    uint64_t most = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t value = rand_below(((uint64_t)1 << 63) + 1);
        assert_true(value <= (uint64_t)1 << 63);
        most = value > most ? value : most;
    }
    assert_true(most > (uint64_t)1 << 62);
    rand_test_real();
    assert_dies(rand_below(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differs),
        cmocka_unit_test(seeded_sequence),
        cmocka_unit_test(below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
