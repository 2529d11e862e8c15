#include "data/data_int.h"
#include "data/world.h"

enum { MOST = 40 };

struct rows {
    struct data_pick_row at[MOST];
    size_t n;
};

static void add(struct world *w, struct rows *rows, int number)
{
    rows->at[rows->n] =
        (struct data_pick_row){arena_printf(&w->arena, "key %03d", number), (size_t)number};
    rows->n++;
}

/* All pages from the cursor on, one after another, appended to seen; rows come and go between them. */
static size_t pages(struct world *w, struct rows *rows, bool reverse, size_t seen[MOST * 2])
{
    struct data_pick pick = {.next = STR_EMPTY};
    size_t n = 0;
    do {
        struct data_pick_input in = {
            .rows = rows->at, .n = rows->n, .limit = 7, .cursor = pick.next, .reverse = reverse};
        assert_int_equal(data_pick(&w->arena, &in, &pick), 0);
        for (size_t i = 0; i < pick.n; i++) {
            seen[n++] = pick.rows[i].at;
        }
        if (rows->n < MOST) {
            add(w, rows, reverse ? 990 : 0); /* in front of the place: not seen */
        }
    } while (pick.next.n > 0);
    return n;
}

static void every_row_once_in_order(void **state)
{
    struct world *w = *state;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct rows rows = {.n = 0};
        for (int i = 0; i < 25; i++) {
            add(w, &rows, 1 + (i * 7) % 25);
        }
        size_t seen[MOST * 2];
        assert_int_equal(pages(w, &rows, reverse != 0, seen), 25);
        for (size_t i = 0; i < 25; i++) {
            assert_int_equal(seen[i], reverse ? 25 - i : i + 1);
        }
    }
}

static void odd_cursors(void **state)
{
    struct world *w = *state;
    struct rows rows = {.n = 0};
    add(w, &rows, 1);
    static const char *const bad[] = {"!", "a", "AAAA===="};
    struct data_pick pick;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct data_pick_input in = {
            .rows = rows.at, .n = rows.n, .limit = 1, .cursor = str_from(bad[i])};
        assert_int_equal(data_pick(&w->arena, &in, &pick), ERR_INVALID);
    }
    char *huge = arena_alloc(&w->arena, 8192);
    memset(huge, 'A', 8192);
    struct data_pick_input in = {.rows = rows.at, .n = 1, .limit = 1, .cursor = str_of(huge, 8192)};
    assert_int_equal(data_pick(&w->arena, &in, &pick), ERR_INVALID);
    in = (struct data_pick_input){.limit = 1, .cursor = STR("AAAA")}; /* a place, of nothing */
    assert_int_equal(data_pick(&w->arena, &in, &pick), 0);
    assert_int_equal(pick.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_row_once_in_order),
        WORLD_TEST(odd_cursors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
