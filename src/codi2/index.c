#include "codi2/index.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/time.h"

enum { INDEX_MAGIC = 0x696e6478, INDEX_FORMAT = 1, BUSY_MS = 5000 };

enum statement {
    GET,
    PUT,
    DELETE_ONE,
    DELETE_OLDER,
    DOUBT_OLDER,
    OLDER_CAME_LATER,
    MOVE,
    BY_INODE,
    BELOW,
    BEHIND,
    FACT,
    SET_FACT,
    BEGIN,
    COMMIT,
    STATEMENTS,
};

/* A path's subtree is [path/, path0): '0' is the byte behind '/'. */
static const char *const texts[STATEMENTS] = {
    [GET] = "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry WHERE path=?1",
    [PUT] = "INSERT OR REPLACE INTO entry VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [DELETE_ONE] = "DELETE FROM entry WHERE path=?1 OR (path>CAST(?1||'/' AS BLOB) AND "
                   "path<CAST(?1||'0' AS BLOB))",
    [DELETE_OLDER] =
        "DELETE FROM entry WHERE version<=?2 AND (path=?1 OR (path>CAST(?1||'/' AS BLOB)"
        " AND path<CAST(?1||'0' AS BLOB))) AND NOT EXISTS(SELECT 1 FROM entry e WHERE "
        "e.path>CAST(entry.path||'/' AS BLOB) AND e.path<CAST(entry.path||'0' AS BLOB)"
        " AND e.version>?2)",
    [DOUBT_OLDER] = "UPDATE entry SET inode=0 WHERE version<=?2 AND (path=?1 OR "
                    "(path>CAST(?1||'/' AS BLOB) AND path<CAST(?1||'0' AS BLOB)))",
    [OLDER_CAME_LATER] =
        "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry f WHERE version>?2 "
        "AND path>CAST(?1||'/' AS BLOB) AND path<CAST(?1||'0' AS BLOB) AND EXISTS(SELECT 1 FROM "
        "entry e WHERE e.path>CAST(f.path||'/' AS BLOB) AND e.path<CAST(f.path||'0' AS BLOB)"
        " AND e.version<=?2) LIMIT 1",
    [MOVE] = "UPDATE OR REPLACE entry SET path=CAST(?2||substr(path,length(?1)+1) AS BLOB)"
             " WHERE path=?1 OR (path>CAST(?1||'/' AS BLOB) AND path<CAST(?1||'0' AS BLOB))",
    [BY_INODE] = "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry WHERE "
                 "inode=?1 AND path>?3 ORDER BY path LIMIT ?2",
    [BELOW] = "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry WHERE path=?2 "
              "AND path>?1 UNION ALL "
              "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry WHERE "
              "path>max(?1,CAST(?2||'/' AS BLOB)) AND path<CAST(?2||'0' AS BLOB)"
              " ORDER BY path LIMIT ?3",
    [BEHIND] = "SELECT path,kind,mode,size,inode,mtime,ctime,version,hash FROM entry WHERE path>?1"
               " ORDER BY path LIMIT ?3",
    [FACT] = "SELECT value FROM fact WHERE name=?1",
    [SET_FACT] = "INSERT OR REPLACE INTO fact VALUES(?1,?2)",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS entry(path BLOB PRIMARY KEY, kind INT, mode INT, size INT, inode "
    "INT,"
    " mtime INT, ctime INT, version INT, hash BLOB) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS entry_inode ON entry(inode);"
    "CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value INT) WITHOUT ROWID;";

struct codi2_index {
    unsigned magic;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool damaged;
};

static int failed(struct codi2_index *x)
{
    int cause = sqlite3_system_errno(x->db);
    bool full = sqlite3_errcode(x->db) == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT;
    int code = sqlite3_errcode(x->db) & 0xff;
    x->damaged = x->damaged || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    log_error("codi2", "index: %s", sqlite3_errmsg(x->db));
    return full ? ERR_NO_SPACE : ERR_IO;
}

/* Runs a statement that gives no rows. */
static int run(struct codi2_index *x, enum statement which)
{
    sqlite3_stmt *s = x->statements[which];
    int code = sqlite3_step(s);
    int error = code == SQLITE_DONE ? 0 : failed(x);
    (void)sqlite3_reset(s);
    return error;
}

static void bind_bytes(sqlite3_stmt *s, int at, struct str bytes)
{
    (void)sqlite3_bind_blob64(s, at, bytes.n ? bytes.p : "", bytes.n, SQLITE_STATIC);
}

static struct str column_bytes(struct arena *arena, sqlite3_stmt *s, int at)
{
    const void *p = sqlite3_column_blob(s, at);
    return arena_str(arena, str_of(p, (size_t)sqlite3_column_bytes(s, at)));
}

static void read_entry(struct arena *arena, sqlite3_stmt *s, struct codi2_entry *ret)
{
    *ret = (struct codi2_entry){
        .path = column_bytes(arena, s, 0),
        .look = {.kind = (enum codi2_kind)sqlite3_column_int(s, 1),
                 .mode = (uint32_t)sqlite3_column_int64(s, 2),
                 .size = (uint64_t)sqlite3_column_int64(s, 3),
                 .inode = (uint64_t)sqlite3_column_int64(s, 4),
                 .mtime = sqlite3_column_int64(s, 5),
                 .ctime = sqlite3_column_int64(s, 6)},
        .version = (uint64_t)sqlite3_column_int64(s, 7),
    };
    struct str hash = column_bytes(arena, s, 8);
    if (hash.n == sizeof ret->hash.bytes) {
        memcpy(ret->hash.bytes, hash.p, hash.n);
    }
}

/* Runs a statement whose LIMIT is at most room. */
static int read_rows(struct codi2_index *x, enum statement which, struct arena *arena,
                     struct codi2_entries *ret)
{
    sqlite3_stmt *s = x->statements[which];
    size_t room = which == GET || which == OLDER_CAME_LATER ? 1
                  : which == BY_INODE                       ? CODI2_MAX_LINKS
                                                            : CODI2_PAGE;
    struct codi2_entries found = {.at = ARENA_ARRAY(arena, struct codi2_entry, room)};
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        ASSERT(found.count < room);
        read_entry(arena, s, &found.at[found.count++]);
    }
    int error = code == SQLITE_DONE ? 0 : failed(x);
    (void)sqlite3_reset(s);
    *ret = found;
    return error;
}

static int prepare(struct codi2_index *x)
{
    if (sqlite3_exec(x->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        return failed(x);
    }
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(x->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &x->statements[i],
                               NULL) != SQLITE_OK) {
            return failed(x);
        }
    }
    return 0;
}

/* The first half of the kernel's boot id; 0 when it cannot be read. */
static uint64_t boot_id(void)
{
    char text[37] = "";
    FD_AUTO int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, text, sizeof text - 1);
    uint64_t id = 0;
    for (ssize_t i = 0; i < n && i < 18; i++) {
        char c = text[i];
        id = c == '-' ? id : id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return id;
}

/*
 * What names a tree beyond doubt: device, inode, and time of birth, since a folder that is made where one was deleted often
 * gets the same inode (file systems without times of birth give 0); and the boot, since a power cut may have taken files
 * that the index, which reached the disk, speaks of.
 */
static int identify(const char *root, uint64_t ret_values[4])
{
    struct statx facts;
    if (statx(AT_FDCWD, root, 0, STATX_INO | STATX_BTIME, &facts) < 0) {
        return log_err(ERR_IO, "codi2", "%s cannot be read: %m", root);
    }
    bool born = facts.stx_mask & STATX_BTIME;
    ret_values[0] = (uint64_t)facts.stx_dev_major << 32 | facts.stx_dev_minor;
    ret_values[1] = facts.stx_ino;
    ret_values[2] =
        born ? (uint64_t)facts.stx_btime.tv_sec * 1000000000U + facts.stx_btime.tv_nsec : 0;
    ret_values[3] = boot_id();
    return 0;
}

/* Empties an index that was made for another tree, for example one that was copied or whose tree was replaced. */
static int check_tree(struct codi2_index *x, const char *root, bool *ret_fresh)
{
    static const char *const names[] = {"device", "inode", "born", "boot", "format"};
    uint64_t values[5] = {[4] = INDEX_FORMAT};
    int error = identify(root, values);
    bool same = true;
    for (size_t i = 0; i < 5 && !error; i++) {
        uint64_t known;
        error = codi2_index_fact(x, names[i], &known);
        same = same && !error && known == values[i];
    }
    if (error || same) {
        *ret_fresh = false;
        return error;
    }
    if (sqlite3_exec(x->db, "DELETE FROM entry; DELETE FROM fact;", NULL, NULL, NULL) !=
        SQLITE_OK) {
        return failed(x);
    }
    for (size_t i = 0; i < 5 && !error; i++) {
        error = codi2_index_set_fact(x, names[i], values[i]);
    }
    *ret_fresh = true;
    return error;
}

/* An index that was emptied has another: what it sent before is forgotten with the rest. */
static int check_name(struct codi2_index *x)
{
    uint64_t name;
    int error = codi2_index_fact(x, "disk", &name);
    return error || name ? error : codi2_index_set_fact(x, "disk", rand_u64() >> 1 | 1);
}

static int open_once(const char *directory, const char *root, struct codi2_index *x,
                     bool *ret_fresh)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/index.db", directory);
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int error = sqlite3_open_v2(buf_z(&path), &x->db, flags, NULL) == SQLITE_OK ? 0 : failed(x);
    if (!error) {
        (void)sqlite3_busy_timeout(x->db, BUSY_MS);
        error = prepare(x);
    }
    if (!error) {
        error = check_tree(x, root, ret_fresh);
    }
    return error ? error : check_name(x);
}

int codi2_index_open(const char *directory, const char *root, struct codi2_index **ret_index,
                     bool *ret_fresh)
{
    for (int tries = 1;; tries++) {
        struct codi2_index *x = MEM_NEW(struct codi2_index);
        x->magic = INDEX_MAGIC;
        int error = open_once(directory, root, x, ret_fresh);
        if (!error) {
            *ret_index = x;
            return 0;
        }
        bool damaged = x->damaged;
        codi2_index_close(x);
        if (!damaged || tries > 1) {
            return error;
        }
        codi2_index_remove(directory);
    }
}

void codi2_index_remove(const char *directory)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    log_error("codi2", "the index is damaged: it is made anew");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        BUF_AUTO(path, 4096);
        buf_printf(&path, "%s/index.db%s", directory, ends[i]);
        (void)unlink(buf_z(&path));
    }
}

bool codi2_index_is_damaged(const struct codi2_index *x)
{
    return x->damaged;
}

void codi2_index_close(struct codi2_index *x)
{
    if (!x) {
        return;
    }
    ASSERT_MAGIC(x, INDEX_MAGIC);
    for (int i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(x->statements[i]);
    }
    (void)sqlite3_close(x->db);
    x->magic = 0;
    mem_free(x);
}

int codi2_index_begin(struct codi2_index *x)
{
    return run(x, BEGIN);
}

int codi2_index_commit(struct codi2_index *x)
{
    return run(x, COMMIT);
}

int codi2_index_get(struct codi2_index *x, struct arena *arena, struct str path,
                    struct codi2_entry *ret_entry)
{
    bind_bytes(x->statements[GET], 1, path);
    struct codi2_entries found;
    int error = read_rows(x, GET, arena, &found);
    if (!error && found.count == 0) {
        error = ERR_NOT_FOUND;
    }
    if (!error) {
        *ret_entry = found.at[0];
    }
    return error;
}

int codi2_index_put(struct codi2_index *x, const struct codi2_entry *entry)
{
    sqlite3_stmt *s = x->statements[PUT];
    bind_bytes(s, 1, entry->path);
    (void)sqlite3_bind_int(s, 2, (int)entry->look.kind);
    (void)sqlite3_bind_int64(s, 3, entry->look.mode);
    (void)sqlite3_bind_int64(s, 4, (sqlite3_int64)entry->look.size);
    (void)sqlite3_bind_int64(s, 5, (sqlite3_int64)entry->look.inode);
    (void)sqlite3_bind_int64(s, 6, entry->look.mtime);
    (void)sqlite3_bind_int64(s, 7, entry->look.ctime);
    (void)sqlite3_bind_int64(s, 8, (sqlite3_int64)entry->version);
    bind_bytes(s, 9, content_hash_str(&entry->hash));
    return run(x, PUT);
}

int codi2_index_delete(struct codi2_index *x, struct str path)
{
    bind_bytes(x->statements[DELETE_ONE], 1, path);
    return run(x, DELETE_ONE);
}

static void bind_older(struct codi2_index *x, enum statement which, struct str path,
                       uint64_t version)
{
    bind_bytes(x->statements[which], 1, path);
    (void)sqlite3_bind_int64(x->statements[which], 2,
                             version < INT64_MAX ? (sqlite3_int64)version : INT64_MAX);
}

static int run_older(struct codi2_index *x, enum statement which, struct str path, uint64_t version)
{
    bind_older(x, which, path, version);
    return run(x, which);
}

int codi2_index_older_came_later(struct codi2_index *x, struct arena *arena,
                                 const struct codi2_entry *than, bool *ret)
{
    bind_older(x, OLDER_CAME_LATER, than->path, than->version);
    struct codi2_entries found;
    int error = read_rows(x, OLDER_CAME_LATER, arena, &found);
    *ret = !error && found.count > 0;
    return error;
}

int codi2_index_delete_older(struct codi2_index *x, struct str path, uint64_t version)
{
    int error = run_older(x, DELETE_OLDER, path, version);
    return error ? error : run_older(x, DOUBT_OLDER, path, version);
}

int codi2_index_forget(struct codi2_index *x, uint64_t store)
{
    static const char *const facts[] = {"seq", "heard", "compared", "held_back"};
    int error = run(x, BEGIN);
    if (!error && sqlite3_exec(x->db, "DELETE FROM entry", NULL, NULL, NULL) != SQLITE_OK) {
        error = failed(x);
    }
    for (size_t i = 0; i < sizeof facts / sizeof *facts && !error; i++) {
        error = codi2_index_set_fact(x, facts[i], 0);
    }
    error = error ? error : codi2_index_set_fact(x, "store", store);
    error = error ? error : run(x, COMMIT);
    if (error) {
        (void)sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

int codi2_index_move(struct codi2_index *x, struct str from, struct str to)
{
    bind_bytes(x->statements[MOVE], 1, from);
    bind_bytes(x->statements[MOVE], 2, to);
    return run(x, MOVE);
}

int codi2_index_by_inode(struct codi2_index *x, struct arena *arena,
                         const struct codi2_links *links, struct codi2_entries *ret_entries)
{
    (void)sqlite3_bind_int64(x->statements[BY_INODE], 1, (sqlite3_int64)links->inode);
    (void)sqlite3_bind_int(x->statements[BY_INODE], 2, CODI2_MAX_LINKS);
    bind_bytes(x->statements[BY_INODE], 3, links->after);
    return read_rows(x, BY_INODE, arena, ret_entries);
}

int codi2_index_below(struct codi2_index *x, struct arena *arena, const struct codi2_span *span,
                      struct codi2_entries *ret_entries)
{
    enum statement which = span->folder.n > 0 ? BELOW : BEHIND; /* of all */
    sqlite3_stmt *s = x->statements[which];
    bind_bytes(s, 1, span->after);
    if (which == BELOW) {
        bind_bytes(s, 2, span->folder);
    }
    (void)sqlite3_bind_int(s, 3, CODI2_PAGE);
    return read_rows(x, which, arena, ret_entries);
}

int codi2_index_is_older(struct codi2_index *x, struct arena *arena, const struct codi2_entry *than,
                         bool *ret)
{
    struct codi2_span span = {.folder = than->path, .after = STR("")};
    struct codi2_entries page;
    bool older = true;
    do {
        int error = codi2_index_below(x, arena, &span, &page);
        if (error) {
            return error;
        }
        for (size_t i = 0; i < page.count; i++) {
            older = older && page.at[i].version < than->version;
            span.after = page.at[i].path;
        }
    } while (page.count == CODI2_PAGE && older);
    *ret = older;
    return 0;
}

int codi2_index_fact(struct codi2_index *x, const char *name, uint64_t *ret_value)
{
    sqlite3_stmt *s = x->statements[FACT];
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(s);
    uint64_t value = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    int error = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : failed(x);
    (void)sqlite3_reset(s);
    if (!error) {
        *ret_value = value;
    }
    return error;
}

int codi2_index_set_fact(struct codi2_index *x, const char *name, uint64_t value)
{
    sqlite3_stmt *s = x->statements[SET_FACT];
    (void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 2, (sqlite3_int64)value);
    return run(x, SET_FACT);
}
