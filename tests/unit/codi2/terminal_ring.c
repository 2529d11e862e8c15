/* The ring against a string that forgets nothing, and what may stand in its pieces. */
#include "codi2/terminal_ring.h"

#include "base/mem.h"
#include "base/rand.h"
#include "unit.h"

enum { ALL = CODI2_RING_ROOM * 3 };

/* All from a position on, put together from pieces. */
static void check_from(const struct codi2_ring *r, const char *all, uint64_t from)
{
    while (from < r->end) {
        struct str piece = codi2_ring_piece(r, from, 1000);
        assert_in_range(piece.n, 1, 1000);
        assert_memory_equal(piece.p, all + from, piece.n);
        from += piece.n;
    }
    assert_int_equal(from, r->end);
    assert_int_equal(codi2_ring_piece(r, from, 1000).n, 0);
}

static void as_a_string(void **state)
{
    (void)state;
    MEM_AUTO char *all = mem_alloc(ALL);
    rand_bytes(all, ALL);
    struct codi2_ring r = {0};
    assert_int_equal(codi2_ring_start(&r), 0);
    for (size_t n = 0; n < ALL;) {
        size_t more = 1 + rand_below(40000);
        more = more < ALL - n ? more : ALL - n;
        codi2_ring_add(&r, str_of(all + n, more));
        n += more;
        uint64_t start = codi2_ring_start(&r);
        assert_int_equal(r.end, n);
        assert_int_equal(start, n > CODI2_RING_ROOM ? n - CODI2_RING_ROOM : 0);
        check_from(&r, all, start);
        check_from(&r, all, start + rand_below(r.end - start + 1));
    }
    codi2_ring_fini(&r);
}

static void more_than_it_holds(void **state)
{
    (void)state;
    MEM_AUTO char *all = mem_alloc(ALL);
    rand_bytes(all, ALL);
    struct codi2_ring r = {0};
    codi2_ring_add(&r, STR_EMPTY);
    assert_int_equal(r.end, 0);
    codi2_ring_add(&r, str_of(all, ALL)); /* at once */
    check_from(&r, all, ALL - CODI2_RING_ROOM);
    codi2_ring_fini(&r);
}

static void a_quiet_one_holds_no_memory(void **state)
{
    (void)state;
    struct codi2_ring r = {0};
    mem_test_begin();
    assert_int_equal(codi2_ring_piece(&r, 0, 1).n, 0);
    assert_int_equal(mem_test_taken(), 0);
    codi2_ring_add(&r, STR("x"));
    codi2_ring_add(&r, STR("y"));
    assert_int_equal(mem_test_taken(), 1);
    codi2_ring_fini(&r);
    assert_int_equal(mem_test_end(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_string),
        cmocka_unit_test(more_than_it_holds),
        cmocka_unit_test(a_quiet_one_holds_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
