/*
 * What large values that nobody names any more took goes back to the disk: their blocks are punched out of the segment, and a
 * segment of which nothing is left is removed. Nothing that lives is copied for that, so it costs what goes.
 *
 * Invariants
 *  1. Blocks go only once the whole log is in the database and nothing was committed since. A reader or snapshot of any process
 *     that could still name them has its mark in the log before the commit that killed them, and holds the checkpoint up there
 *     (a reader that needs no log holds it up altogether). Whoever comes later does not find them.
 *  2. The rows of the table dead go after the blocks, and that of a segment after its file, so that a crash in between does it
 *     once more. Numbers of segments are never given twice, and blocks never written again: once more does no harm.
 *  3. A step is short, since saves wait for it.
 *  4. Blocks that the disk does not take back are left to it until all of their segment is dead: they hold nothing else up.
 */
#include "base/assert.h"
#include "base/log.h"
#include "store/sqlite_int.h"

enum { MOST_RUNS = 200, MOST_REMOVED = 8 };

struct sweep {
    struct store_sqlite *d;
    sqlite3_stmt *rows;
    int file; /* of the segment; -1: none is open */
    int64_t opened;
    int64_t segment; /* of the run; 0: there is none */
    uint64_t begin, end;
    bool lives; /* something in the segment does */
    int64_t seen[2],
        punched
            [2]; /* segment and place of the last row that was seen, and of the last whose blocks are gone */
    unsigned runs, count;
    bool some; /* rows were punched */
    bool kept; /* blocks that the disk did not take back */
    int error;
};

static void keep(struct sweep *w, int error)
{
    if (error && !w->kept) {
        (void)log_err(error, "store",
                      "space of large values that were deleted stays taken until all of %s-%lld is",
                      w->d->path, (long long)w->opened);
    }
    w->kept = w->kept || error;
}

static void close_file(struct sweep *w)
{
    const struct store_disk *disk = w->d->segment.disk;
    if (w->file >= 0) {
        keep(w,
             disk->flush(w->file)); /* else a power cut may bring blocks back that no row names */
        disk->close(w->file);
    }
    w->file = -1;
}

static int open_file(struct sweep *w)
{
    ARENA_AUTO(a);
    if (w->file >= 0 && w->opened == w->segment) {
        return 0;
    }
    close_file(w);
    w->opened = w->segment;
    return w->d->segment.disk->open(store_segment_path(&a, w->d->path, w->segment),
                                    /* write= */ true, &w->file);
}

static void punch_run(struct sweep *w)
{
    int r = 0;
    if (w->segment > 0 && w->lives && !w->d->keeps_holes) {
        r = open_file(w);
        r = r ? r : w->d->segment.disk->punch(w->file, w->begin, w->end - w->begin);
        w->runs++;
    }
    if (r == ERR_NO_SPACE) {
        w->error = r;
        return;
    }
    if (r == ERR_UNAVAILABLE) {
        log_warn("store", "this file system takes no space back from within a file: large values "
                          "that were deleted keep theirs until all of their file are");
        w->d->keeps_holes = true;
    } else {
        keep(w, r);
    }
    w->some = w->count > 0;
    memcpy(w->punched, w->seen, sizeof w->punched);
}

/* What the row names can be a value's place: else it is damaged, and what it names may live. */
static bool is_place(struct sweep *w)
{
    int64_t at = sqlite3_column_int64(w->rows, 1), bytes = sqlite3_column_int64(w->rows, 2);
    int64_t size = sqlite3_column_int64(w->rows, 4);
    bool is = at >= 0 && at % SQLITE_PAGE == 0 && bytes > SQLITE_BESIDE &&
              bytes <= STORE_MAX_VALUE && at <= size && bytes <= size - at;
    if (!is) {
        log_warn("store", "what names %lld bytes that were deleted at %lld in %s-%lld is damaged",
                 (long long)bytes, (long long)at, w->d->path,
                 (long long)sqlite3_column_int64(w->rows, 0));
    }
    return is;
}

static void take_row(struct sweep *w)
{
    int64_t segment = sqlite3_column_int64(w->rows, 0);
    bool is = sqlite3_column_type(w->rows, 4) == SQLITE_NULL || is_place(w);
    uint64_t at = (uint64_t)sqlite3_column_int64(w->rows, 1);
    uint64_t end = at + (uint64_t)sqlite3_column_int64(w->rows, 2);
    end = (end + SQLITE_PAGE - 1) / SQLITE_PAGE * SQLITE_PAGE;
    if (segment != w->segment || at != w->end || !is) {
        punch_run(w);
        w->segment = segment;
        w->begin = at;
        w->lives = is && (sqlite3_column_int64(w->rows, 3) > 0 || segment == w->d->segment.number);
    }
    w->end = is ? end : UINT64_MAX; /* nothing follows on it */
    w->count++;
    w->seen[0] = segment;
    w->seen[1] = (int64_t)at;
}

/* Also those of a segment that is gone: they are only to be forgotten. */
static const char dead_rows[] =
    "SELECT dead.segment, dead.at, dead.bytes, segment.live, segment.size FROM dead"
    " LEFT JOIN segment ON segment.number = dead.segment ORDER BY dead.segment, dead.at LIMIT 2000";

/* The last run of a step that is full is cut off there; what follows on it goes with the next. */
static int punch(struct sweep *w)
{
    sqlite3 *db = w->d->writer->db;
    if (sqlite3_prepare_v2(db, dead_rows, -1, &w->rows, NULL) != SQLITE_OK) {
        return store_connection_error(w->d->writer, dead_rows);
    }
    int step = SQLITE_DONE;
    while (w->runs < MOST_RUNS && w->error == 0 && (step = sqlite3_step(w->rows)) == SQLITE_ROW) {
        take_row(w);
    }
    int r = step == SQLITE_DONE || step == SQLITE_ROW
                ? 0
                : store_connection_error(w->d->writer, dead_rows);
    (void)sqlite3_finalize(w->rows);
    if (r == 0 && w->error == 0) {
        punch_run(w);
    }
    close_file(w);
    return r;
}

static int run_with(struct store_connection *c, const char *sql, const int64_t numbers[2])
{
    sqlite3_stmt *statement = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_int64(statement, 1, numbers[0]) != SQLITE_OK ||
        sqlite3_bind_int64(statement, 2, numbers[1]) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_DONE) {
        r = store_connection_error(c, sql);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

/* The one that is appended to stays. ERR_NOT_FOUND. */
static int find_empty(struct store_sqlite *d, int64_t *ret_number)
{
    ARENA_AUTO(a);
    return store_connection_number(
        d->writer,
        arena_printf(&a,
                     "SELECT number FROM segment WHERE live = 0 AND number <> %lld"
                     " ORDER BY number LIMIT 1",
                     (long long)d->segment.number)
            .p,
        ret_number);
}

static int remove_empty(struct store_sqlite *d)
{
    ARENA_AUTO(a);
    int64_t number = 0;
    int removed = 0;
    int r = 0;
    while (r == 0 && removed < MOST_REMOVED && (r = find_empty(d, &number)) == 0) {
        r = d->disk->remove(store_segment_path(&a, d->path, number));
        r = r == ERR_NOT_FOUND ? 0 : r;
        r = r ? r
              : run_with(d->writer, "DELETE FROM segment WHERE number = ?1 AND ?2 = 0",
                         (const int64_t[]){number, 0});
        removed++;
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    return r || removed == 0 ? r : d->disk->flush_names(d->path);
}

static int forget(struct store_sqlite *d, const struct sweep *w)
{
    int r = store_connection_run(d->writer, STORE_STATEMENT_BEGIN_WRITE);
    if (r == 0 && w->some) {
        r = run_with(d->writer, "DELETE FROM dead WHERE (segment, at) <= (?1, ?2)", w->punched);
    }
    r = r ? r : remove_empty(d);
    return r ? r : store_connection_run(d->writer, STORE_STATEMENT_COMMIT);
}

bool store_garbage_waits(struct store_sqlite *d)
{
    int64_t waits = 0;
    int r = store_connection_number(d->writer, "SELECT EXISTS (SELECT 1 FROM dead)", &waits);
    return r == 0 && (waits || find_empty(d, &waits) == 0);
}

int store_garbage_step(struct store_sqlite *d)
{
    ASSERT(d->wal_checkpointed && !d->writer->failed && sqlite3_get_autocommit(d->writer->db));
    if (!store_garbage_waits(d)) {
        return 0;
    }
    struct sweep w = {.d = d, .file = -1};
    int r = punch(&w);
    r = r ? r : forget(d, &w);
    return r ? r : w.error;
}

void store_garbage_early(struct store_sqlite *d)
{
    struct sweep w = {.d = d, .file = -1};
    (void)!punch(&w);
}
