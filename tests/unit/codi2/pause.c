/* Pauses grow to a limit, begin anew after a success, and are not the same for all. */
#include "codi2/pause.h"

#include "unit.h"

static void pauses_grow_to_a_limit_and_begin_anew(void **state)
{
    (void)state;
    usec_t pause = 0;
    for (usec_t most = 100 * USEC_PER_MS; most < 10 * USEC_PER_SEC; most *= 2) {
        assert_in_range(codi2_pause_next(&pause), most / 2, most);
    }
    for (int i = 0; i < 100; i++) {
        assert_in_range(codi2_pause_next(&pause), 5 * USEC_PER_SEC, 10 * USEC_PER_SEC);
    }
    pause = 0;
    assert_in_range(codi2_pause_next(&pause), 50 * USEC_PER_MS, 100 * USEC_PER_MS);
}

static void they_are_not_the_same_for_all(void **state)
{
    (void)state;
    usec_t least = 10 * USEC_PER_SEC;
    usec_t most = 0;
    for (int i = 0; i < 200; i++) { /* by chance within a tenth of the range: once in 10^190 runs */
        usec_t pause = 10 * USEC_PER_SEC;
        usec_t next = codi2_pause_next(&pause);
        least = next < least ? next : least;
        most = next > most ? next : most;
    }
    assert_true(most - least > USEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pauses_grow_to_a_limit_and_begin_anew),
                                       cmocka_unit_test(they_are_not_the_same_for_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
