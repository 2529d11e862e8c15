/* Requests that wait for a workspace: so many of a person, whoever else waits; and not more than there is room for. */
#include <stdio.h>

#include "api/api_int.h"

#include "unit.h"

static void a_person_has_four(void **state)
{
    (void)state;
    struct api_share *s = api_share_create();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(api_share_take(s, STR("usr-ada")), 0);
    }
    assert_int_equal(api_share_take(s, STR("usr-ada")), ERR_BUSY);
    assert_int_equal(api_share_take(s, STR("usr-eve")), 0);
    api_share_give(s, STR("usr-ada"));
    assert_int_equal(api_share_take(s, STR("usr-ada")), 0);
    assert_int_equal(api_share_take(s, STR("usr-ada")), ERR_BUSY);
    api_share_destroy(s);
}

static void all_have_what_there_is(void **state)
{
    (void)state;
    struct api_share *s = api_share_create();
    char name[16];
    unsigned taken = 0;
    do {
        (void)snprintf(name, sizeof name, "usr-%u", taken / 4);
    } while (api_share_take(s, str_from(name)) == 0 && ++taken < 1000);
    assert_int_equal(taken, 128);
    api_share_destroy(s);
    api_share_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_has_four),
        cmocka_unit_test(all_have_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
