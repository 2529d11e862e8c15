/*
 * Large values beside the database, each byte of them written once: in segments, files that are only appended to. What names a value
 * is a row of the table large, with its place and checksum; the table segment counts what is named of each file. The idea is
 * that of WiscKey (Lu et al., FAST 2016).
 *
 * Invariants
 *  1. A segment is flushed before the commit that names a place in it, and so is the directory when the segment is new.
 *  2. A value begins at a block of 4 KiB and no other shares its blocks: nothing that was flushed is written again, and a dead value
 *     gives all of its blocks back (sqlite_garbage.c).
 *  3. Behind the size that the last commit gave a segment lies nothing that anybody names: after a rollback, and when the store is
 *     opened, it is cut there. Files of the numbers that come next are of no commit, too: they are removed. Neither is done when
 *     the numbers cannot be trusted, or when it is more than a group can have left: then the database is older than its files.
 *  4. A segment whose flush failed is not appended to any more.
 *  5. A segment is made once, when its number is given, and never again: one that is gone is gone.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/siphash.h"
#include "store/sqlite_int.h"

static uint64_t round_up(uint64_t n)
{
    return (n + SQLITE_PAGE - 1) / SQLITE_PAGE * SQLITE_PAGE;
}

/* Against a disk that returns other bytes than it was given; who wants to deceive writes the row, too. */
static uint64_t checksum_of(struct str value)
{
    static const unsigned char key[SIPHASH_KEY] = "coditect segment";
    return siphash(key, value);
}

const char *store_segment_path(struct arena *a, const char *database, int64_t number)
{
    return arena_printf(a, "%s-%lld", database, (long long)number).p;
}

int store_place_read(const struct store_connection *c, struct arena *a,
                     const struct store_place *place, struct str *ret_value)
{
    ARENA_AUTO(own);
    const char *path = store_segment_path(&own, c->path, place->segment);
    if (place->segment <= 0 || place->at > INT64_MAX / 2 || place->bytes > STORE_MAX_VALUE) {
        return log_err(ERR_CORRUPT, "store", "what names a value in %s names no place there",
                       store_full_path(&own, path));
    }
    char *bytes = arena_alloc(a, place->bytes + 1);
    int file;
    int r = c->disk->open(path, /* write= */ false, &file);
    if (r == 0) {
        r = c->disk->read(file, bytes, place->bytes, place->at);
        c->disk->close(file);
    }
    bytes[place->bytes] = '\0';
    struct str value = str_of(bytes, place->bytes);
    if (r == 0 && checksum_of(value) == place->checksum) {
        *ret_value = value;
        return 0;
    }
    r = r == ERR_IO ? ERR_IO : ERR_CORRUPT;
    return log_err(r, "store", "the value at %llu in %s %s", (unsigned long long)place->at,
                   store_full_path(&own, path), r == ERR_IO ? "cannot be read" : "is damaged");
}

/* ---- are they there? ----------------------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND. */
static int size_of(const struct store_disk *disk, const char *path, uint64_t *ret_size)
{
    int file;
    int r = disk->open(path, /* write= */ false, &file);
    if (r == 0) {
        r = disk->size(file, ret_size);
        disk->close(file);
    }
    return r;
}

/* A file may end within the last block of its last value. */
static int check_file(const struct store_connection *c, const struct store_segment_row *row)
{
    ARENA_AUTO(a);
    const char *path = store_segment_path(&a, c->path, row->number);
    uint64_t size = 0;
    int r = size_of(c->disk, path, &size);
    if (r == 0 && round_up(size) >= row->size) {
        return 0;
    }
    path = store_full_path(&a, path);
    if (r && r != ERR_NOT_FOUND) {
        return log_err(ERR_IO, "store", "%s cannot be opened: %s", path, err_row(r)->text);
    }
    return log_err(
        ERR_CORRUPT, "store",
        "%s, which is part of the store, %s: put it back (all store.db* belong together, of one "
        "moment), or restore a backup; to go on without what was in it: truncate -s %llu %s",
        path, r ? "is missing" : "is too short", (unsigned long long)row->size, path);
}

int store_segment_check(struct store_connection *c)
{
    static const char living[] = "SELECT number, size FROM segment WHERE live > 0 ORDER BY number";
    sqlite3_stmt *statement = NULL;
    int r = 0, step = SQLITE_ROW;
    if (sqlite3_prepare_v2(c->db, living, -1, &statement, NULL) != SQLITE_OK) {
        return store_connection_error(c, living);
    }
    while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        r = check_file(
            c, &(struct store_segment_row){.number = sqlite3_column_int64(statement, 0),
                                           .size = (uint64_t)sqlite3_column_int64(statement, 1)});
    }
    r = step == SQLITE_ROW || step == SQLITE_DONE ? r : store_connection_error(c, living);
    (void)sqlite3_finalize(statement);
    return r;
}

int store_segment_given(struct store_connection *c, int64_t *ret_number)
{
    *ret_number = 0;
    int r = store_connection_number(c, "SELECT seq FROM sqlite_sequence WHERE name = 'segment'",
                                    ret_number);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- the writer's segment ----------------------------------------------------------------------------------------- */

static void let_go(struct store_segment *s)
{
    if (s->file >= 0) {
        s->disk->close(s->file);
    }
    s->file = -1;
    s->number = 0;
    s->end = s->flushed = 0;
    s->made = false;
}

void store_segment_close(struct store_segment *s)
{
    let_go(s);
    s->dirty = false;
}

static void take(struct store_segment *s, int file, const struct store_segment_row *row)
{
    ASSERT(s->file < 0 && row->number > 0);
    s->file = file;
    s->number = row->number;
    s->end = s->flushed = row->size;
}

/* ret_next: the number that a new one would get. ERR_CORRUPT: it is not known. */
static int find_last(struct store_connection *c, struct store_segment_row *ret_row,
                     int64_t *ret_next)
{
    int64_t given = 0, size = 0, live = 0;
    *ret_row = (struct store_segment_row){0};
    int r = store_segment_given(c, &given);
    r = r ? r
          : store_connection_number(c, "SELECT number FROM segment ORDER BY number DESC LIMIT 1",
                                    &ret_row->number);
    if (r == 0) {
        r = store_connection_number(c, "SELECT size FROM segment ORDER BY number DESC LIMIT 1",
                                    &size);
        r = r ? r
              : store_connection_number(c, "SELECT live FROM segment ORDER BY number DESC LIMIT 1",
                                        &live);
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r == 0 && (given < 0 || given < ret_row->number || live < 0 || live > size ||
                   size % SQLITE_PAGE != 0)) {
        ARENA_AUTO(a);
        return log_err(ERR_CORRUPT, "store",
                       "the numbers of the files beside %s are damaged: restore a backup",
                       store_full_path(&a, c->path));
    }
    ret_row->size = (uint64_t)size;
    *ret_next = given + 1;
    return r;
}

/* Removes the files of the numbers that come next. How much lies there, and behind the end of the last, is looked at before. */
static int drop_left(struct store_segment *s, const struct store_segment_row *last, int64_t next)
{
    ARENA_AUTO(a);
    uint64_t size = 0, left = 0;
    int64_t end = next;
    int r = last->number > 0
                ? size_of(s->disk, store_segment_path(&a, s->path, last->number), &size)
                : ERR_NOT_FOUND;
    left = r == 0 && size > last->size ? size - last->size : 0;
    r = r == ERR_NOT_FOUND ? 0 : r;
    while (r == 0 && (r = size_of(s->disk, store_segment_path(&a, s->path, end), &size)) == 0) {
        left += size;
        end++;
    }
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r == 0 && left > SQLITE_MOST_LEFT) {
        return log_err(ERR_CORRUPT, "store", STORE_OLDER, store_full_path(&a, s->path));
    }
    if (r == 0 && left > 0) {
        log_info("store", "cut %llu bytes that no commit names from the files beside %s",
                 (unsigned long long)left, s->path);
    }
    while (r == 0 && end > next) {
        r = s->disk->remove(store_segment_path(&a, s->path, --end));
    }
    return r;
}

/* One that is gone, and was empty, is not made anew. */
static int cut(struct store_segment *s, const struct store_segment_row *row)
{
    ARENA_AUTO(a);
    const char *path = store_segment_path(&a, s->path, row->number);
    int file;
    int r = s->disk->open(path, /* write= */ true, &file);
    if (r == ERR_NOT_FOUND) {
        return 0;
    }
    if (r == 0) {
        r = s->disk->cut(file, row->size);
        if (r == 0) {
            take(s, file, row);
            return 0;
        }
        s->disk->close(file);
    }
    return log_err(r, "store", "%s cannot be opened", store_full_path(&a, path));
}

int store_segment_settle(struct store_segment *s, struct store_connection *writer)
{
    struct store_segment_row last;
    int64_t next = 0;
    let_go(s);
    int r = find_last(writer, &last, &next);
    r = r ? r : drop_left(s, &last, next);
    r = r || last.number == 0 ? r : cut(s, &last);
    if (s->file >= 0 && (s->number <= s->avoided || s->end >= s->most)) {
        let_go(s);
    }
    s->dirty = s->dirty && r != 0;
    return r;
}

static int begin(struct store_segment *s, struct store_connection *writer)
{
    ARENA_AUTO(a);
    struct store_segment_row row = {0};
    int file;
    int r = store_segment_flush(s, writer);
    r = r ? r : store_connection_new_segment(writer, &row.number);
    if (r) {
        return r;
    }
    let_go(s);
    const char *path = store_segment_path(&a, s->path, row.number);
    r = s->disk->make(path, &file);
    if (r) {
        writer->failed = writer->failed || r != ERR_NO_SPACE;
        return r == ERR_NO_SPACE
                   ? r
                   : log_err(r, "store", "%s cannot be made", store_full_path(&a, path));
    }
    take(s, file, &row);
    s->made = true;
    return 0;
}

int store_segment_append(struct store_segment *s, struct store_connection *writer, struct str value,
                         struct store_place *ret_place)
{
    s->dirty = true;
    if (s->file < 0 || s->end + value.n > s->most) {
        int r = begin(s, writer);
        if (r) {
            return r;
        }
    }
    ASSERT(s->file >= 0 && s->number > 0 && s->end >= s->flushed);
    int r = s->disk->write(s->file, value, s->end);
    if (r) {
        writer->failed = writer->failed || r != ERR_NO_SPACE;
        return r == ERR_NO_SPACE ? r : log_err(r, "store", "a large value cannot be written");
    }
    *ret_place = (struct store_place){
        .segment = s->number, .at = s->end, .bytes = value.n, .checksum = checksum_of(value)};
    s->end = round_up(s->end + value.n);
    return 0;
}

int store_segment_flush(struct store_segment *s, struct store_connection *writer)
{
    if (s->end == s->flushed) {
        return 0;
    }
    ASSERT(s->file >= 0 && s->number > 0);
    int r = s->disk->flush(s->file);
    r = r || !s->made ? r : s->disk->flush_names(s->path);
    if (r) {
        s->avoided = s->number;
        writer->failed = writer->failed || r != ERR_NO_SPACE;
        return r == ERR_NO_SPACE ? r : log_err(ERR_IO, "store", "large values cannot be flushed");
    }
    s->made = false;
    s->flushed = s->end;
    return store_connection_segment_size(
        writer, &(struct store_segment_row){.number = s->number, .size = s->end});
}
