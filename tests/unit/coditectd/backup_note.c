/* What is known of the backups is the same after a restart, and that of a version before is understood. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coditectd/backup.h"

static const char place[] = "/mnt/other disk";
static const char moment[] = "20261121-171500.123-0123456789abcdef";

static int begin(void **state)
{
    static char root[] = "/tmp/coditect-note-XXXXXX";
    assert_non_null(mkdtemp(root));
    assert_int_equal(chdir(root), 0);
    assert_int_equal(mkdir("store", 0700), 0);
    *state = root;
    return 0;
}

static int end(void **state)
{
    (void)remove("store/backup.verified");
    assert_int_equal(rmdir("store"), 0);
    assert_int_equal(chdir("/"), 0);
    return rmdir(*state);
}

static struct coditectd_backup_note write_and_read(struct buf *text)
{
    struct coditectd_backup_note n;
    coditectd_backup_note_write(text);
    coditectd_backup_note_read(".", place, &n);
    return n;
}

static void test_a_restart(void **state)
{
    (void)state;
    struct coditectd_backup_note n = {.begun = 1000000, .verified = 3000000};
    struct backup_cursor *c = &n.cursor;
    c->harmed = c->part = true;
    c->key_n = 3;
    memcpy(c->key, "a\0b", 3);
    (void)snprintf(c->newest, sizeof c->newest, "%s", moment);
    VEC_ADD(&n.harms, (struct backup_harm){1, 2, UINT64_MAX});
    coditectd_backup_blemished(&n, moment, /* lost= */ true);
    BUF_AUTO(text, CODITECTD_NOTE_MOST);
    coditectd_backup_note_put(&n, place, &text);
    struct coditectd_backup_note again = write_and_read(&text);
    assert_true(again.begun == n.begun && again.ended == 0 && again.verified == n.verified);
    assert_true(again.cursor.harmed && again.cursor.part);
    assert_false(again.cursor.lost || again.cursor.all);
    assert_string_equal(again.cursor.newest, moment);
    assert_string_equal(again.cursor.older, "");
    assert_true(again.cursor.key_n == 3 && memcmp(again.cursor.key, "a\0b", 3) == 0);
    assert_true(again.harms.n == 1 && again.harms.at[0].to == UINT64_MAX);
    assert_true(coditectd_backup_blemish(&again, moment)->lost);
    coditectd_backup_note_fini(&again);
    coditectd_backup_note_fini(&n);
}

static void test_a_version_before(void **state)
{
    (void)state;
    BUF_AUTO(text, CODITECTD_NOTE_MOST);
    buf_printf(&text, "place %s\ncursor -hl  616263\ndamaged %s\n", place, moment);
    struct coditectd_backup_note n = write_and_read(&text);
    assert_true(n.cursor.harmed && n.cursor.lost);
    assert_true(n.cursor.key_n == 3 && memcmp(n.cursor.key, "abc", 3) == 0);
    assert_string_equal(n.cursor.newest, "");
    assert_false(coditectd_backup_blemish(&n, moment)->lost);
    coditectd_backup_note_fini(&n);
}

static void test_another_place(void **state)
{
    (void)state;
    BUF_AUTO(text, CODITECTD_NOTE_MOST);
    buf_printf(&text, "place /elsewhere\nnewest %s\ndamaged %s\n", moment, moment);
    const struct coditectd_backup_note n = write_and_read(&text);
    assert_string_equal(n.cursor.newest, "");
    assert_int_equal(n.blemishes.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart),
        cmocka_unit_test(test_a_version_before),
        cmocka_unit_test(test_another_place),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
