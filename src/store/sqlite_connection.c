/*
 * One connection to the database, with its prepared statements.
 *
 * A read transaction of one get (the usual one) costs one statement: GET_HOLD stays on its row, and SQLite keeps the
 * connection's snapshot as long as a statement is active. Its form always yields a row (NULL when the key is absent), since
 * a statement without a row would end at once and let the snapshot go. Reading anything else first costs a BEGIN.
 *
 * A value that would not fit beside its key on a page (SQLITE_APART) lies in the table large, and kv holds its number there. Of
 * one in a segment (sqlite_segment.c) the table large has the place. Who replaces or deletes a number deletes what it names:
 * triggers see to it, and to the segments' accounts, so that no statement can forget.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/log.h"
#include "store/sqlite_int.h"

static const char *const sql[STORE_STATEMENT_COUNT] = {
    [STORE_STATEMENT_GET] = "SELECT value FROM kv WHERE key = ?1",
    [STORE_STATEMENT_GET_HOLD] = "SELECT (SELECT value FROM kv WHERE key = ?1)",
    [STORE_STATEMENT_GET_LARGE] =
        ("SELECT value, segment, at, bytes, checksum FROM large WHERE number = ?1"),
    [STORE_STATEMENT_SCAN_UP] =
        "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
    [STORE_STATEMENT_SCAN_DOWN] =
        "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
    [STORE_STATEMENT_BEGIN_READ] = "BEGIN",
    [STORE_STATEMENT_COMMIT] = "COMMIT",
    [STORE_STATEMENT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [STORE_STATEMENT_ROLLBACK] = "ROLLBACK",
    [STORE_STATEMENT_PUT] = ("INSERT INTO kv(key, value) VALUES (?1, ?2) "
                             "ON CONFLICT(key) DO UPDATE SET value = excluded.value"),
    [STORE_STATEMENT_PUT_LARGE] = "INSERT INTO large(value) VALUES (?1)",
    [STORE_STATEMENT_PUT_BESIDE] = ("INSERT INTO large(value, segment, at, bytes, checksum) "
                                    "VALUES (x'', ?1, ?2, ?3, ?4)"),
    [STORE_STATEMENT_NEW_SEGMENT] = "INSERT INTO segment(size, live) VALUES (0, 0)",
    [STORE_STATEMENT_SEGMENT_SIZE] = "UPDATE segment SET size = ?2 WHERE number = ?1",
    [STORE_STATEMENT_DELETE] = "DELETE FROM kv WHERE key = ?1",
    [STORE_STATEMENT_DELETE_RANGE] = "DELETE FROM kv WHERE key >= ?1 AND key < ?2",
};

int store_connection_error(struct store_connection *c, const char *what)
{
    int code = sqlite3_extended_errcode(c->db);
    int kind = code & 0xff;
    if (kind == SQLITE_FULL) {
        return ERR_NO_SPACE;
    }
    c->failed = true;
    bool other = kind == SQLITE_NOTADB || kind == SQLITE_ERROR; /* such tables are not there */
    int r = kind == SQLITE_CORRUPT || other ? ERR_CORRUPT : ERR_IO;
    return log_err(r, "store", "sqlite: %s: %s (%d, errno %d)", what, sqlite3_errmsg(c->db), code,
                   sqlite3_system_errno(c->db));
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int execute(struct store_connection *c, const char *text)
{
    if (sqlite3_exec(c->db, text, NULL, NULL, NULL) != SQLITE_OK) {
        return store_connection_error(c, text);
    }
    return 0;
}

int store_connection_number(struct store_connection *c, const char *text, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int step = sqlite3_prepare_v2(c->db, text, -1, &statement, NULL);
    step = step == SQLITE_OK ? sqlite3_step(statement) : step;
    int r = step == SQLITE_DONE ? ERR_NOT_FOUND : 0;
    if (step == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
    } else if (r == 0) {
        r = store_connection_error(c, text);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

/* IF NOT EXISTS: the file may be one that a crash left without tables. */
static const char create_tables[] =
    "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS large(number INTEGER PRIMARY KEY, value BLOB NOT NULL,"
    " segment INTEGER, at INTEGER, bytes INTEGER, checksum INTEGER);"
    "CREATE TABLE IF NOT EXISTS segment(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " size INTEGER NOT NULL, live INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS dead(segment INTEGER NOT NULL, at INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY (segment, at)) WITHOUT ROWID;"
    "CREATE TRIGGER IF NOT EXISTS large_replaced AFTER UPDATE ON kv"
    " WHEN typeof(old.value) = 'integer'"
    " BEGIN DELETE FROM large WHERE number = old.value; END;"
    "CREATE TRIGGER IF NOT EXISTS large_deleted AFTER DELETE ON kv"
    " WHEN typeof(old.value) = 'integer'"
    " BEGIN DELETE FROM large WHERE number = old.value; END;"
    "CREATE TRIGGER IF NOT EXISTS beside_added AFTER INSERT ON large"
    " WHEN new.segment IS NOT NULL"
    " BEGIN UPDATE segment SET live = live + new.bytes WHERE number = new.segment; END;"
    "CREATE TRIGGER IF NOT EXISTS beside_deleted AFTER DELETE ON large"
    " WHEN old.segment IS NOT NULL"
    " BEGIN UPDATE segment SET live = live - old.bytes WHERE number = old.segment;"
    " INSERT INTO dead VALUES (old.segment, old.at, old.bytes); END;"
    "COMMIT";

static const char from_format3[] = "ALTER TABLE large ADD COLUMN segment INTEGER;"
                                   "ALTER TABLE large ADD COLUMN at INTEGER;"
                                   "ALTER TABLE large ADD COLUMN bytes INTEGER;"
                                   "ALTER TABLE large ADD COLUMN checksum INTEGER;";
static const char from_older[] = "UPDATE kv SET value = CAST('4' AS BLOB)"
                                 " WHERE key = CAST('meta/format' AS BLOB);";

int store_connection_create_tables(sqlite3 *db, char older)
{
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (r == SQLITE_OK && older) {
        r = sqlite3_exec(db, from_older, NULL, NULL, NULL);
    }
    if (r == SQLITE_OK && older == '3') {
        r = sqlite3_exec(db, from_format3, NULL, NULL, NULL);
    }
    return r == SQLITE_OK ? sqlite3_exec(db, create_tables, NULL, NULL, NULL) : r;
}

static int set_up_writer(struct store_connection *c, bool no_sync)
{
    static const char *const steps[] = {
        "PRAGMA journal_mode=WAL",
        "PRAGMA wal_autocheckpoint=0",
        "PRAGMA journal_size_limit=67108864",
        "PRAGMA secure_delete=FAST",
        "PRAGMA cache_size=-8192", /* KiB */
        "PRAGMA cache_spill=0",
    };
    int64_t pages = 0, tables = 0;
    int r = execute(c, no_sync ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=FULL");
    r = r ? r : store_connection_number(c, "PRAGMA page_count", &pages);
    if (r == 0 && pages == 0) { /* it would be written each time */
        r = execute(c, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL");
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps && r == 0; i++) {
        r = execute(c, steps[i]);
    }
    r = r ? r : store_connection_number(c, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == 0 && tables == 0 &&
        store_connection_create_tables(c->db, /* older= */ 0) != SQLITE_OK) {
        r = store_connection_error(c, "creating the tables");
    }
    return r;
}

static int set_up(struct store_connection *c, const struct store_connection_options *options)
{
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_timeout(c->db, 1000); /* recovery by another connection */
    (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int r = execute(c, "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=1073741824");
    if (r == 0) {
        r = options->writer
                ? set_up_writer(c, options->no_sync)
                : execute(
                      c,
                      "PRAGMA query_only=1; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-256");
    }
    int count = options->writer ? STORE_STATEMENT_COUNT : STORE_STATEMENT_READER_COUNT;
    for (int i = 0; i < count && r == 0; i++) {
        if (sqlite3_prepare_v3(c->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i],
                               NULL) != SQLITE_OK) {
            r = store_connection_error(c, sql[i]);
        }
    }
    return r;
}

int store_connection_open(const struct store_connection_options *options,
                          struct store_connection **ret_c)
{
    struct store_connection *c = MEM_NEW(struct store_connection);
    c->writer = options->writer;
    c->path = mem_dup(options->path, strlen(options->path));
    c->disk = options->disk ? options->disk : &store_system_disk;
    int flags = SQLITE_OPEN_NOMUTEX;
    flags |= options->writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    int r = 0;
    if (sqlite3_open_v2(options->path, &c->db, flags, options->vfs) != SQLITE_OK) {
        r = store_connection_error(c, options->path);
    }
    if (r == 0) {
        r = set_up(c, options);
    }
    if (r == ERR_IO && sqlite3_system_errno(c->db) == ENOSPC) {
        r = ERR_NO_SPACE; /* nothing was written yet: no flush can have failed for it */
    }
    if (r) {
        store_connection_close(c);
        return r;
    }
    *ret_c = c;
    return 0;
}

void store_connection_close(struct store_connection *c)
{
    if (!c) {
        return;
    }
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(c->statements[i]);
    }
    ASSERT(sqlite3_close(c->db) == SQLITE_OK);
    mem_free(c->path);
    mem_free(c);
}

size_t store_connection_unused(struct store_connection *c)
{
    int64_t pages = 0;
    return store_connection_number(c, "PRAGMA freelist_count", &pages) == 0
               ? (size_t)pages * SQLITE_PAGE
               : 0;
}

int store_connection_shrink(struct store_connection *c)
{
    return execute(c, "PRAGMA incremental_vacuum(1024)");
}

/* ---- statements ---------------------------------------------------------------------------------------------------- */

/* The bytes live until the statement is reset; an empty blob must not be NULL, which SQLite takes for NULL. */
static void bind(sqlite3_stmt *statement, int at, struct str bytes)
{
    int r = sqlite3_bind_blob64(statement, at, bytes.n > 0 ? bytes.p : "", bytes.n, SQLITE_STATIC);
    ASSERT(r == SQLITE_OK);
}

static int finish(struct store_connection *c, sqlite3_stmt *statement, int step)
{
    int r = step == SQLITE_DONE || step == SQLITE_ROW
                ? 0
                : store_connection_error(c, sqlite3_sql(statement));
    (void)sqlite3_reset(statement);
    return r;
}

static int run(struct store_connection *c, enum store_statement which)
{
    sqlite3_stmt *statement = c->statements[which];
    return finish(c, statement, sqlite3_step(statement));
}

int store_connection_run(struct store_connection *c, enum store_statement which)
{
    return run(c, which);
}

static struct str column(sqlite3_stmt *statement, int at, struct arena *a)
{
    const void *p = sqlite3_column_blob(statement, at);
    return arena_str(a, str_of(p, (size_t)sqlite3_column_bytes(statement, at)));
}

int store_connection_large(struct store_connection *c, struct arena *a, sqlite3_int64 number,
                           struct str *ret_value)
{
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_GET_LARGE];
    (void)sqlite3_bind_int64(statement, 1, number);
    int step = sqlite3_step(statement);
    struct store_place place = {0};
    bool beside = step == SQLITE_ROW && sqlite3_column_type(statement, 1) != SQLITE_NULL;
    if (beside) {
        place.segment = sqlite3_column_int64(statement, 1);
        place.at = (uint64_t)sqlite3_column_int64(statement, 2);
        place.bytes = (size_t)sqlite3_column_int64(statement, 3);
        place.checksum = (uint64_t)sqlite3_column_int64(statement, 4);
    } else if (step == SQLITE_ROW) {
        *ret_value = column(statement, 0, a);
    }
    int r = finish(c, statement, step);
    if (r == 0 && step == SQLITE_DONE) {
        return log_err(ERR_CORRUPT, "store", "a large value is gone");
    }
    return r == 0 && beside ? store_place_read(c, a, &place, ret_value) : r;
}

static bool is_number(sqlite3_stmt *statement, int at)
{
    return sqlite3_column_type(statement, at) == SQLITE_INTEGER;
}

/* A reader's first get: the statement is left on its row, which keeps the snapshot. */
static int get_and_hold(struct store_connection *c, struct arena *a, struct str key,
                        struct str *ret_value)
{
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_GET_HOLD];
    bind(statement, 1, arena_str(a, key));
    if (sqlite3_step(statement) != SQLITE_ROW) {
        return finish(c, statement, sqlite3_errcode(c->db));
    }
    c->holding = true;
    if (sqlite3_column_type(statement, 0) == SQLITE_NULL) {
        return ERR_NOT_FOUND;
    }
    if (is_number(statement, 0)) {
        return store_connection_large(c, a, sqlite3_column_int64(statement, 0), ret_value);
    }
    *ret_value = column(statement, 0, a);
    return 0;
}

int store_connection_get(struct store_connection *c, struct arena *a, struct str key,
                         struct str *ret_value)
{
    if (!c->writer && !c->holding && !c->begun) {
        return get_and_hold(c, a, key, ret_value);
    }
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_GET];
    bind(statement, 1, key);
    int step = sqlite3_step(statement);
    int r = 0;
    if (step == SQLITE_ROW && is_number(statement, 0)) {
        r = store_connection_large(c, a, sqlite3_column_int64(statement, 0), ret_value);
    } else if (step == SQLITE_ROW) {
        *ret_value = column(statement, 0, a);
    }
    int end = finish(c, statement, step);
    r = r ? r : end;
    return r == 0 && step == SQLITE_DONE ? ERR_NOT_FOUND : r;
}

static int column_pair(struct store_connection *c, sqlite3_stmt *statement, struct arena *a,
                       struct store_pair *ret_pair)
{
    *ret_pair = (struct store_pair){.key = column(statement, 0, a)};
    if (is_number(statement, 1)) {
        return store_connection_large(c, a, sqlite3_column_int64(statement, 1), &ret_pair->value);
    }
    ret_pair->value = column(statement, 1, a);
    return 0;
}

int store_connection_scan(struct store_connection *c, struct arena *a,
                          const struct store_range *range, struct store_pairs *pairs)
{
    if (!c->writer && !c->holding && !c->begun) {
        int r = run(c, STORE_STATEMENT_BEGIN_READ);
        if (r) {
            return r;
        }
        c->begun = true;
    }
    sqlite3_stmt *statement =
        c->statements[range->reverse ? STORE_STATEMENT_SCAN_DOWN : STORE_STATEMENT_SCAN_UP];
    bind(statement, 1, range->begin);
    bind(statement, 2, range->end);
    (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)range->limit);
    int step;
    int r = 0;
    while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_pair pair;
        r = column_pair(c, statement, a, &pair);
        r = r == ERR_CORRUPT && range->judged ? 0 : r;
        r = r ? r : store_pairs_add(pairs, a, pair);
    }
    int end = finish(c, statement, r ? SQLITE_DONE : step);
    return r ? r : end;
}

void store_connection_end_read(struct store_connection *c)
{
    if (c->holding) {
        (void)sqlite3_reset(c->statements[STORE_STATEMENT_GET_HOLD]);
    }
    if (c->begun) {
        (void)run(c, STORE_STATEMENT_COMMIT);
    }
    c->holding = c->begun = false;
}

/* Steps a statement that gives no row. */
static int step_once(struct store_connection *c, sqlite3_stmt *statement)
{
    return finish(c, statement, sqlite3_step(statement));
}

static int put_beside(struct store_connection *c, struct str value)
{
    struct store_place place;
    int r = store_segment_append(c->segment, c, value, &place);
    if (r) {
        return r;
    }
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_PUT_BESIDE];
    (void)sqlite3_bind_int64(statement, 1, place.segment);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)place.at);
    (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)place.bytes);
    (void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)place.checksum);
    return step_once(c, statement);
}

static int put_apart(struct store_connection *c, struct str value)
{
    if (c->beside && value.n > SQLITE_BESIDE) {
        return put_beside(c, value);
    }
    bind(c->statements[STORE_STATEMENT_PUT_LARGE], 1, value);
    return step_once(c, c->statements[STORE_STATEMENT_PUT_LARGE]);
}

int store_connection_put(struct store_connection *c, struct str key, struct str value)
{
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_PUT];
    bind(statement, 1, key);
    bind(statement, 2, value);
    if (value.n > SQLITE_APART) {
        int r = put_apart(c, value);
        if (r) {
            return r;
        }
        (void)sqlite3_bind_int64(statement, 2, sqlite3_last_insert_rowid(c->db));
    }
    return step_once(c, statement);
}

int store_connection_new_segment(struct store_connection *c, int64_t *ret_number)
{
    int r = run(c, STORE_STATEMENT_NEW_SEGMENT);
    *ret_number = sqlite3_last_insert_rowid(c->db);
    return r;
}

int store_connection_segment_size(struct store_connection *c, const struct store_segment_row *row)
{
    sqlite3_stmt *statement = c->statements[STORE_STATEMENT_SEGMENT_SIZE];
    (void)sqlite3_bind_int64(statement, 1, row->number);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)row->size);
    return step_once(c, statement);
}

static int delete_keys(struct store_connection *c, struct str begin, const struct str *end)
{
    sqlite3_stmt *statement =
        c->statements[end ? STORE_STATEMENT_DELETE_RANGE : STORE_STATEMENT_DELETE];
    bind(statement, 1, begin);
    if (end) {
        bind(statement, 2, *end);
    }
    return finish(c, statement, sqlite3_step(statement));
}

static int apply_entries(struct store_connection *c, const struct store_entry *e)
{
    if (!e) {
        return 0;
    }
    int r = apply_entries(c, e->left);
    if (r == 0) {
        ASSERT(e->kind != STORE_WRITE_ADD);
        r = e->kind == STORE_WRITE_PUT ? store_connection_put(c, e->key, e->value)
                                       : delete_keys(c, e->key, NULL);
    }
    return r ? r : apply_entries(c, e->right);
}

int store_connection_apply(struct store_connection *c, const struct store_writes *w)
{
    int r = 0;
    c->beside = c->segment && w->bytes > SQLITE_BESIDE_JOB;
    for (size_t i = 0; i < w->range_count && r == 0; i++) {
        r = delete_keys(c, w->ranges[i].begin, &w->ranges[i].end);
    }
    return r ? r : apply_entries(c, w->root);
}
