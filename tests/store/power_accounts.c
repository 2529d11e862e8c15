/* What a database says of its segments, against what it names in them and against their files. */
#include "power_disk.h"
#include "power_files.h"
#include "store_test.h"

static int count(sqlite3 *db, const char *sql, int64_t number)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_int64(statement, 1, number), SQLITE_OK);
    int found = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 1;
    (void)sqlite3_finalize(statement);
    return found;
}

static int count_wrong(sqlite3 *db)
{
    return count(db,
                 "SELECT count(*) FROM segment s WHERE live <> (SELECT coalesce(sum(bytes), 0)"
                 " FROM large WHERE segment = s.number) OR size < (SELECT coalesce(max(at + "
                 "bytes), 0)"
                 " FROM large WHERE segment = s.number) OR ?1",
                 0) +
           count(db,
                 "SELECT count(*) FROM large l JOIN dead d ON l.segment = d.segment"
                 " AND l.at < d.at + d.bytes AND d.at < l.at + l.bytes WHERE ?1 = 0",
                 0);
}

static int count_orphans(sqlite3 *db, const char *path)
{
    int orphans = 0;
    size_t n = strlen(path);
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        const char *name = power_files.files[i].name;
        uint64_t number;
        if (strncmp(name, path, n) == 0 && name[n] == '-' &&
            str_u64(str_from(name + n + 1), INT64_MAX, &number) == 0) {
            orphans +=
                !count(db, "SELECT count(*) FROM segment WHERE number = ?1", (int64_t)number);
        }
    }
    return orphans;
}

unsigned power_disk_accounts(const char *directory)
{
    char path[96];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", directory);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, POWER_VFS), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* it is not alone */
    int wrong = count_wrong(db) + count_orphans(db, path);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return (unsigned)wrong;
}
