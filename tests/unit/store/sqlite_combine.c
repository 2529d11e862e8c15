/* Writes wait together, come in order, are seen by whoever asks the same file, and are forgotten when they cannot be written. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/sqlite_int.h"
#include "unit.h"

enum { ROOM = 64 << 10, FRAME = 24 + SQLITE_PAGE };

/* A disk of one file in memory that counts what it is asked and can refuse it. */
struct disk {
    char bytes[4 * ROOM];
    sqlite3_int64 size;
    unsigned writes, syncs;
    unsigned size_at_sync;
    bool full, spoils;
};

static struct disk disk;

static int disk_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int disk_read(sqlite3_file *file, void *to, int count, sqlite3_int64 at)
{
    (void)file;
    assert_true(at + count <= disk.size);
    memcpy(to, disk.bytes + at, (size_t)count);
    return SQLITE_OK;
}

static int disk_write(sqlite3_file *file, const void *from, int count, sqlite3_int64 at)
{
    (void)file;
    assert_true(count > 0 && at + count <= (sqlite3_int64)sizeof disk.bytes);
    disk.writes++;
    if (disk.full) {
        return SQLITE_FULL;
    }
    memcpy(disk.bytes + at, from, (size_t)count);
    disk.size = disk.size > at + count ? disk.size : at + count;
    return SQLITE_OK;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    (void)file;
    disk.size = size;
    return SQLITE_OK;
}

static int disk_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    disk.syncs++;
    disk.size_at_sync = (unsigned)disk.size;
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    (void)file;
    *ret_size = disk.size;
    return SQLITE_OK;
}

static int disk_characteristics(sqlite3_file *file)
{
    (void)file;
    return disk.spoils ? 0 : SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 1,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xDeviceCharacteristics = disk_characteristics,
};

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    (void)vfs;
    (void)name;
    (void)flags;
    (void)ret_flags;
    file->pMethods = &disk_methods;
    return SQLITE_OK;
}

static sqlite3_vfs disk_vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(sqlite3_file),
    .mxPathname = 255,
    .zName = "disk",
    .xOpen = disk_open,
};

static sqlite3_file *open_file(int flags)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(store_combining_vfs("disk"));
    assert_non_null(vfs);
    sqlite3_file *file = mem_alloc((size_t)vfs->szOsFile);
    assert_int_equal(vfs->xOpen(vfs, "file", file, flags, NULL), SQLITE_OK);
    return file;
}

static int set_up(void **state)
{
    disk = (struct disk){.size = 0};
    assert_int_equal(sqlite3_vfs_register(&disk_vfs, 0), SQLITE_OK);
    *state = open_file(SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE);
    return 0;
}

static int tear_down(void **state)
{
    sqlite3_file *file = *state;
    assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
    mem_free(file);
    return 0;
}

static int put(sqlite3_file *file, char letter, int count, sqlite3_int64 at)
{
    char bytes[ROOM];
    memset(bytes, letter, (size_t)count);
    return file->pMethods->xWrite(file, bytes, count, at);
}

static void what_follows_goes_together(void **state)
{
    sqlite3_file *file = *state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(put(file, 'h', 24, (sqlite3_int64)i * FRAME), SQLITE_OK);
        assert_int_equal(put(file, 'p', SQLITE_PAGE, (sqlite3_int64)i * FRAME + 24), SQLITE_OK);
    }
    assert_int_equal(disk.writes, 0);
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.writes, 1);
    assert_int_equal(disk.size_at_sync, 10 * FRAME);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(disk.bytes[i * FRAME + 23], 'h');
        assert_int_equal(disk.bytes[i * FRAME + 24], 'p');
    }
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.writes, 1);
    assert_int_equal(disk.syncs, 2);
}

static void more_than_there_is_room_for(void **state)
{
    sqlite3_file *file = *state;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(
            put(file, (char)('a' + i % 26), SQLITE_PAGE, (sqlite3_int64)i * SQLITE_PAGE),
            SQLITE_OK);
    }
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.writes, 3); /* 16, 16 and 8 pages */
    for (int i = 0; i < 40; i++) {
        assert_int_equal(disk.bytes[i * SQLITE_PAGE + SQLITE_PAGE - 1], 'a' + i % 26);
    }
}

static void the_newest_bytes_stay(void **state)
{
    sqlite3_file *file = *state;
    assert_int_equal(put(file, 'a', 100, 0), SQLITE_OK);
    assert_int_equal(put(file, 'b', 50, 25), SQLITE_OK); /* over what waits */
    assert_int_equal(put(file, 'c', 10, 500), SQLITE_OK);
    char bytes[75];
    assert_int_equal(file->pMethods->xRead(file, bytes, sizeof bytes, 0), SQLITE_OK);
    assert_int_equal(bytes[24], 'a');
    assert_int_equal(bytes[25], 'b');
    assert_int_equal(bytes[74], 'b');
    sqlite3_int64 size = 0;
    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, 510);
    assert_int_equal(put(file, 'd', 10, 510), SQLITE_OK);
    assert_int_equal(file->pMethods->xTruncate(file, 100), SQLITE_OK);
    assert_int_equal(disk.size, 100);
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.size, 100);
}

static void what_a_full_disk_refuses_is_forgotten(void **state)
{
    sqlite3_file *file = *state;
    assert_int_equal(put(file, 'a', 100, 0), SQLITE_OK);
    disk.full = true;
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_FULL);
    assert_int_equal(disk.syncs, 0);
    disk.full = false;
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.size, 0);
    assert_int_equal(put(file, 'b', 100, 0), SQLITE_OK);
    disk.full = true;
    assert_int_equal(put(file, 'c', 100, 900), SQLITE_FULL);
    disk.full = false;
    assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    assert_int_equal(disk.size, 0);
}

static void nothing_waits_where_a_write_spoils_what_is_beside_it(void **state)
{
    (void)state;
    disk.spoils = true;
    sqlite3_file *file = open_file(SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE);
    assert_int_equal(put(file, 'a', 100, 0), SQLITE_OK);
    assert_int_equal(disk.size, 100);
    assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
    mem_free(file);
}

/* The database above all: a checkpoint does not hear that its last page could not be written. */
static void other_files_are_left_alone(void **state)
{
    (void)state;
    static const int kinds[] = {SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_MAIN_JOURNAL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        sqlite3_file *file = open_file(kinds[i] | SQLITE_OPEN_READWRITE);
        assert_ptr_equal(file->pMethods, &disk_methods);
        mem_free(file);
    }
    assert_string_equal(store_combining_vfs("disk"), store_combining_vfs("disk"));
    assert_string_equal(store_combining_vfs("none"), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_follows_goes_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_bytes_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_full_disk_refuses_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_waits_where_a_write_spoils_what_is_beside_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_files_are_left_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
