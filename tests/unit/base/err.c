#include "base/err.h"

#include <errno.h>

#include "unit.h"

/* Every row is complete: replies are made of them. */
static void table(void **state)
{
    (void)state;
    for (int code = -1; code >= -ERR_COUNT; code--) {
        const struct err_row *row = err_row(code);
        assert_true(strlen(row->name) > 0 && strlen(row->text) > 0);
        assert_true(row->status >= 400 && row->status < 600);
        for (const char *c = row->name; *c; c++) {
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        }
        for (int other = code + 1; other < 0; other++) {
            assert_string_not_equal(row->name, err_name(other));
        }
    }
}

static void rows(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NOT_FOUND), "not_found");
    assert_int_equal(err_row(ERR_NOT_FOUND)->status, 404);
    assert_true(err_row(ERR_BUSY)->retry);
    assert_false(err_row(ERR_INVALID)->retry);
    assert_dies(err_row(0));
    assert_dies(err_row(1));
    assert_dies(err_row(-ERR_COUNT - 1));
}

static void from_errno(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(ENOSPC), ERR_NO_SPACE);
    assert_int_equal(err_from_errno(EDQUOT), ERR_NO_SPACE);
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(err_from_errno(ETIMEDOUT), ERR_TIMEOUT);
    assert_int_equal(err_from_errno(EIO), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(rows),
        cmocka_unit_test(from_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
