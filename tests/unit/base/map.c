#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"
#include "unit.h"

enum { KEYS = 400 };

static int values[KEYS];

static struct str key_of(char text[16], int i)
{
    return str_of(text, (size_t)snprintf(text, 16, "key-%d", i));
}

static void puts_gets_removes(void **state)
{
    (void)state;
    struct map *m = map_create();
    assert_null(map_get(m, STR("a")));
    assert_null(map_put(m, STR("a"), &values[0]));
    assert_null(map_put(m, STR("a\0b"), &values[1]));
    assert_null(map_put(m, STR_EMPTY, &values[2]));
    assert_ptr_equal(map_put(m, STR("a"), &values[3]), &values[0]);
    assert_int_equal(map_count(m), 3);
    assert_ptr_equal(map_get(m, STR("a")), &values[3]);
    assert_ptr_equal(map_get(m, STR("a\0b")), &values[1]);
    assert_ptr_equal(map_get(m, STR("")), &values[2]);
    assert_ptr_equal(map_remove(m, STR("a")), &values[3]);
    assert_null(map_remove(m, STR("a")));
    assert_null(map_get(m, STR("a")));
    assert_int_equal(map_count(m), 2);
    assert_dies((map_put(m, STR("x"), NULL), 0));
    map_destroy(m);
    map_destroy(NULL);
}

static void copies_its_keys(void **state)
{
    (void)state;
    struct map *m = map_create();
    char key[] = "abc";
    (void)map_put(m, str_from(key), &values[0]);
    key[0] = 'x';
    assert_ptr_equal(map_get(m, STR("abc")), &values[0]);
    assert_null(map_get(m, STR("xbc")));
    map_destroy(m);
}

static void assert_same(const struct map *m, void *const model[KEYS])
{
    size_t present = 0;
    char text[16];
    for (int i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(m, key_of(text, i)), model[i]);
        present += model[i] != NULL;
    }
    assert_int_equal(map_count(m), present);
}

/* Random operations against an array. The table grows and shrinks through all its sizes. */
static void follows_a_model(void **state)
{
    (void)state;
    rand_test_seed(7);
    mem_test_begin();
    struct map *m = map_create();
    void *model[KEYS] = {NULL};
    char text[16];
    for (int step = 0; step < 40000; step++) {
        int i = (int)rand_below(KEYS);
        bool growing = step / 4000 % 2 == 0;
        if (rand_below(10) < (growing ? 7 : 3)) {
            void *value = &values[rand_below(KEYS)];
            assert_ptr_equal(map_put(m, key_of(text, i), value), model[i]);
            model[i] = value;
        } else {
            assert_ptr_equal(map_remove(m, key_of(text, i)), model[i]);
            model[i] = NULL;
        }
        if (step % 500 == 0) {
            assert_same(m, model);
        }
    }
    map_destroy(m);
    assert_int_equal(mem_test_end(), 0);
    rand_test_real();
}

static struct map *filled(int keys)
{
    struct map *m = map_create();
    char text[16];
    for (int i = 0; i < keys; i++) {
        values[i] = 0;
        (void)map_put(m, key_of(text, i), &values[i]);
    }
    return m;
}

/* Every pair is seen once, also when the one in hand is removed. */
static void goes_through_all(void **state)
{
    (void)state;
    for (int keys = 0; keys < KEYS; keys += 13) {
        struct map *m = filled(keys);
        size_t position = 0;
        struct str key;
        void *value;
        while (map_next(m, &position, &key, &value)) {
            char text[16];
            int i = (int)((int *)value - values);
            values[i]++;
            assert_true(str_eq(key, key_of(text, i)));
            if (i % 2 == 0) {
                assert_ptr_equal(map_remove(m, key), value);
            }
        }
        for (int i = 0; i < keys; i++) {
            assert_int_equal(values[i], 1);
        }
        assert_int_equal(map_count(m), keys / 2);
        position = 0;
        while (map_next(m, &position, &key, &value)) {
            (void)map_remove(m, key);
        }
        assert_int_equal(map_count(m), 0);
        map_destroy(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_gets_removes),
        cmocka_unit_test(copies_its_keys),
        cmocka_unit_test(follows_a_model),
        cmocka_unit_test(goes_through_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
