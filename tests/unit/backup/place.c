/* Blocks that a backup goes over again and again are asked for once, as far as there is room; what must be proved is read each time. */
#include "fixture.h"

static const struct backup_shelf_driver *real;
static unsigned reads;

static ssize_t count(struct backup_file *f, uint64_t offset, char *to, size_t n)
{
    reads++;
    return real->read(f, offset, to, n);
}

struct opened {
    struct backup_directory *d;
    struct backup_shelf_driver counting;
    struct backup_table table;
};

static void open_newest(struct place *p, const char *moment, struct opened *o)
{
    const struct backup_where where = {.path = p->backup};
    assert_int_equal(backup_directory_open(&where, p->store, BACKUP_TO_ADD, &o->d), 0);
    assert_int_equal(o->d->room, 0); /* a directory */
    real = o->d->shelf->driver;
    o->counting = *real;
    o->counting.read = count;
    o->d->shelf->driver = &o->counting;
    assert_int_equal(backup_directory_table(o->d, moment, &o->table), 0);
}

static void close_opened(struct opened *o)
{
    o->d->shelf->driver = real;
    backup_directory_close(o->d);
    backup_table_fini(&o->table);
}

/* How often the place was read for it. */
static unsigned read_all(const struct opened *o)
{
    reads = 0;
    assert_int_equal(backup_read_table(o->d, &o->table, /* sink= */ NULL), 0);
    return reads;
}

static void test_what_is_asked_for_again(void **state)
{
    struct place *p = *state;
    struct opened o = {.d = NULL};
    open_newest(p, back_up(p, 0).name, &o);
    unsigned all = read_all(&o);
    assert_true(all >= 2 * o.table.blocks.n && read_all(&o) >= 2 * o.table.blocks.n);
    o.d->room = BACKUP_KEPT_MOST;
    (void)read_all(&o);
    assert_int_equal(read_all(&o), 0);
    struct backup_frame frame = {.type = BACKUP_VALUE};
    assert_true(backup_directory_frame(o.d, &o.table.blocks.at[0].place, &frame) < 0);
    close_opened(&o);
}

/* The first stay: each time as many are had from memory. */
static void test_more_than_there_is_room_for(void **state)
{
    struct place *p = *state;
    struct opened o = {.d = NULL};
    open_newest(p, back_up(p, 0).name, &o);
    unsigned all = read_all(&o);
    struct backup_frame frame = {.type = BACKUP_BLOCK};
    assert_int_equal(backup_directory_frame(o.d, &o.table.blocks.at[0].place, &frame), 0);
    size_t room = o.d->room = 2 * frame.plain.n;
    (void)read_all(&o);
    assert_true(o.d->room < room);
    room = o.d->room;
    unsigned some = read_all(&o);
    assert_true(0 < some && some < all);
    assert_int_equal(read_all(&o), some);
    assert_int_equal(o.d->room, room);
    close_opened(&o);
}

/* What a backup writes itself is read back from where it lies. */
static void test_what_is_its_own(void **state)
{
    struct place *p = *state;
    struct opened o = {.d = NULL};
    open_newest(p, back_up(p, 0).name, &o);
    o.d->room = BACKUP_KEPT_MOST;
    char name[BACKUP_FILE_ROOM];
    o.d->own = o.table.uses.at[0].pack;
    backup_pack_file(name, o.d->own);
    assert_int_equal(real->open(o.d->shelf, name, &o.d->own_file), 0);
    assert_true(read_all(&o) > 0 && read_all(&o) > 0);
    assert_int_equal(o.d->room, BACKUP_KEPT_MOST);
    backup_file_close(&o.d->own_file);
    close_opened(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_asked_for_again, begin, end),
        cmocka_unit_test_setup_teardown(test_more_than_there_is_room_for, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_its_own, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
