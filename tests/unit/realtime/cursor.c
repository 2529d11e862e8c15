/* A cursor is taken as it was given, by the session that gave it, from this installation, and after a rotation of its keys. */
#include "auth/world.h"
#include "realtime/realtime_int.h"

#define SESSION STR("ses-01jd5k7c9r3m8xq2w4e6y8t0za")
#define OTHER STR("ses-01jd5k7c9r3m8xq2w4e6y8t0zb")

PEOPLE_SETUP

static const struct realtime_place place = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255},
                                            0x0123456789abcdef};

static struct str made(struct people *p, const struct realtime *rt)
{
    return realtime_cursor_make(rt, &p->w.arena, SESSION, &place);
}

static void as_it_was_given(void **state)
{
    struct people *p = *state;
    const struct realtime rt = {.auth = p->auth};
    struct str cursor = made(p, &rt);
    struct realtime_place back;
    assert_int_equal(cursor.n, REALTIME_CURSOR);
    assert_int_equal(realtime_cursor_read(&rt, SESSION, cursor, &back), 0);
    assert_memory_equal(back.position, place.position, sizeof place.position);
    assert_int_equal(back.told, place.told);
    assert_int_equal(realtime_cursor_read(&rt, OTHER, cursor, &back), ERR_INVALID);
}

static void no_other(void **state)
{
    struct people *p = *state;
    const struct realtime rt = {.auth = p->auth};
    struct str cursor = made(p, &rt);
    struct realtime_place back;
    for (size_t i = 0; i < cursor.n; i++) {
        char text[REALTIME_CURSOR + 1];
        memcpy(text, cursor.p, cursor.n);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_equal(realtime_cursor_read(&rt, SESSION, str_of(text, cursor.n), &back),
                         ERR_INVALID);
        assert_int_equal(realtime_cursor_read(&rt, SESSION, str_slice(cursor, 0, i), &back),
                         ERR_INVALID);
    }
    struct str longer = arena_printf(&p->w.arena, STR_FMT "A", STR_ARG(cursor));
    assert_int_equal(realtime_cursor_read(&rt, SESSION, longer, &back), ERR_INVALID);
}

static void keys(void **state)
{
    struct people *p = *state;
    const struct realtime rt = {.auth = p->auth};
    struct str cursor = made(p, &rt);
    char kid[AUTH_KID_ROOM];
    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    assert_int_equal(realtime_cursor_check(&rt, SESSION, cursor), 0);
    assert_int_equal(auth_turn_keys(p->auth, kid), 0);
    assert_int_equal(realtime_cursor_check(&rt, SESSION, cursor), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_it_was_given), TEST(no_other), TEST(keys),
                                       TEST_SQLITE(keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
