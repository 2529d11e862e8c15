/*
 * Files of a backup in a bucket. A moment is one object, {moment}.moment. A pack is many, {pack}.pack.{offset}, each put in one
 * request of known length with the hash of its bytes: a request that is torn leaves nothing, every object can be listed, and what
 * is held in memory is one piece. (Of an upload in parts the bucket would keep what was broken off, unlisted and paid for.)
 *
 * 1. A moment is put last, when everything that it needs was put, listed and read back; what has none is nobody's backup.
 * 2. What the bucket holds is known from its list, read at the start and again before anything is called settled.
 * 3. What is behind the prefix and has no name of ours is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    PIECE = 8 << 20,        /* a pack's bytes are put when there are so many */
    HELD_MOST = 256 << 20,  /* of a file that is one object */
    AHEAD_LEAST = 64 << 10, /* read at once: what a frame has mostly */
    AHEAD_MOST = 1 << 20,
    OFFSET_DIGITS = 16,
    PACK_NAME = 21, /* "0123456789abcdef.pack" */
};

struct piece {
    uint64_t offset, size;
};

struct entry { /* of the list */
    char name[BACKUP_FILE_ROOM];
    bool pack;
    VEC(struct piece) pieces; /* by offset */
    size_t front;             /* of them, that follow one another from the beginning */
    uint64_t size;            /* of those */
};

struct bucket {
    struct backup_shelf shelf;
    struct backup_bucket *bucket;
    struct map *entries; /* name → struct entry */
    int lock;
};

struct file {
    struct backup_file file;
    bool pack;
    uint64_t put;       /* bytes that are in the bucket */
    struct buf held;    /* behind them: not yet */
    struct buf window;  /* what was read last */
    uint64_t window_at; /* where in the file */
    size_t ahead;
};

static struct bucket *bucket_of(struct backup_shelf *s)
{
    return (struct bucket *)s;
}

static struct file *file_of(struct backup_file *f)
{
    return (struct file *)f;
}

/* ---- What there is ---- */

static void forget(struct bucket *b)
{
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(b->entries, &at, &key, &value)) {
        struct entry *e = value;
        VEC_FREE(&e->pieces);
        mem_free(e);
    }
    map_destroy(b->entries);
    b->entries = NULL;
}

static struct entry *entry_for(struct bucket *b, struct str name, bool pack)
{
    struct entry *e = map_get(b->entries, name);
    if (!e) {
        e = MEM_NEW(struct entry);
        (void)snprintf(e->name, sizeof e->name, STR_FMT, STR_ARG(name));
        e->pack = pack;
        (void)map_put(b->entries, name, e);
    }
    return e;
}

static bool unhex(struct str digits, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        int digit = str_hex_digit(digits.p[i]);
        if (digit < 0 || (digits.p[i] >= 'A' && digits.p[i] <= 'F')) {
            return false;
        }
        value = value << 4 | (uint64_t)digit;
    }
    *ret_value = value;
    return digits.n == OFFSET_DIGITS;
}

/* "0123456789abcdef.pack.0000000000800000" */
static bool is_piece(struct str name, struct str *ret_pack, uint64_t *ret_offset)
{
    uint64_t id;
    *ret_pack = str_slice(name, 0, PACK_NAME);
    return name.n == PACK_NAME + 1 + OFFSET_DIGITS && str_ends(*ret_pack, STR(".pack")) &&
           name.p[PACK_NAME] == '.' && unhex(str_slice(name, 0, OFFSET_DIGITS), &id) &&
           unhex(str_slice(name, PACK_NAME + 1, name.n), ret_offset);
}

static void note(struct bucket *b, const struct backup_object *object)
{
    struct backup_moment moment;
    struct str name = str_from(object->name), pack;
    struct piece piece = {.size = object->size};
    /* Nothing of ours is empty. A moment that looks so is one that cannot be read, not one that is not there. */
    if (backup_is_moment_file(name, &moment)) {
        VEC_ADD(&entry_for(b, name, /* pack= */ false)->pieces, piece);
    } else if (piece.size > 0 && is_piece(name, &pack, &piece.offset)) {
        VEC_ADD(&entry_for(b, pack, /* pack= */ true)->pieces, piece);
    }
}

static int by_offset(const void *a, const void *b)
{
    const struct piece *x = a;
    const struct piece *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A list that changes while it is read may say one twice. */
static void drop_repeated(struct entry *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->pieces.n; i++) {
        const struct piece *piece = &e->pieces.at[i];
        const struct piece *last = n > 0 ? &e->pieces.at[n - 1] : NULL;
        if (!last || last->offset != piece->offset || last->size != piece->size) {
            e->pieces.at[n++] = *piece;
        }
    }
    e->pieces.n = n;
}

static void measure(struct entry *e)
{
    qsort(e->pieces.at, e->pieces.n, sizeof *e->pieces.at, by_offset);
    drop_repeated(e);
    e->size = e->front = 0;
    while (e->front < e->pieces.n && e->pieces.at[e->front].offset == e->size) {
        e->size += e->pieces.at[e->front++].size;
    }
}

static int look(struct bucket *b)
{
    struct backup_reply reply = {.is_list = false};
    int r = backup_bucket_list(b->bucket, &reply);
    if (r == 0) {
        forget(b);
        b->entries = map_create();
    }
    for (size_t i = 0; r == 0 && i < reply.objects.n; i++) {
        note(b, &reply.objects.at[i]);
    }
    VEC_FREE(&reply.objects);
    size_t at = 0;
    struct str key;
    void *value;
    while (r == 0 && map_next(b->entries, &at, &key, &value)) {
        measure(value);
    }
    return r;
}

static int list(struct backup_shelf *s, const struct backup_names *to)
{
    const struct bucket *b = bucket_of(s);
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(b->entries, &at, &key, &value)) {
        const struct entry *e = value;
        char name[BACKUP_FILE_ROOM];
        memcpy(name, e->name, sizeof name); /* it may be removed */
        to->take(to->ctx, name);
    }
    return 0;
}

/* Of an object: a moment's is all of it. */
static void object_name(const char *file, bool pack, uint64_t offset,
                        char ret_name[static BACKUP_FILE_ROOM + OFFSET_DIGITS + 2])
{
    int n = snprintf(ret_name, BACKUP_FILE_ROOM, "%s", file);
    if (pack) {
        (void)snprintf(ret_name + n, OFFSET_DIGITS + 2, ".%016llx", (unsigned long long)offset);
    }
}

/* The last piece first: what is left when it is broken off begins at the beginning. */
static int remove_name(struct backup_shelf *s, const char *name)
{
    struct bucket *b = bucket_of(s);
    struct entry *e = map_get(b->entries, str_from(name));
    BUF_AUTO(reply, AHEAD_LEAST);
    int r = e ? 0 : ERR_NOT_FOUND;
    while (r == 0 && e->pieces.n > 0) {
        char object[BACKUP_FILE_ROOM + OFFSET_DIGITS + 2];
        object_name(name, e->pack, e->pieces.at[e->pieces.n - 1].offset, object);
        r = backup_bucket_ask(b->bucket,
                              &(struct backup_request){.method = "DELETE", .name = object}, &reply);
        r = r == ERR_NOT_FOUND ? 0 : r;
        e->pieces.n -= r == 0;
    }
    if (r == 0) {
        (void)map_remove(b->entries, str_from(name));
        VEC_FREE(&e->pieces);
        mem_free(e);
    }
    return r;
}

static int settle(struct backup_shelf *s)
{
    return look(bucket_of(s));
}

/* ---- Files ---- */

static void begin_file(struct backup_shelf *s, const char *name, struct backup_file **ret_file)
{
    struct file *f = MEM_NEW(struct file);
    f->file.shelf = s;
    (void)snprintf(f->file.name, sizeof f->file.name, "%s", name);
    f->pack = str_ends(str_from(name), STR(".pack"));
    f->ahead = AHEAD_LEAST;
    buf_init(&f->held, HELD_MOST);
    buf_init(&f->window, AHEAD_MOST);
    *ret_file = &f->file;
}

static void close_file(struct backup_file *file)
{
    struct file *f = file_of(file);
    buf_fini(&f->held);
    buf_fini(&f->window);
    mem_free(f);
}

static int open_file(struct backup_shelf *s, const char *name, struct backup_file **ret_file)
{
    const struct entry *e = map_get(bucket_of(s)->entries, str_from(name));
    if (!e || (e->pack && e->size == 0)) {
        return ERR_NOT_FOUND;
    }
    begin_file(s, name, ret_file);
    return 0;
}

static int create_file(struct backup_shelf *s, const char *name, struct backup_file **ret_file)
{
    begin_file(s, name, ret_file);
    return 0;
}

static int put(struct file *f)
{
    struct bucket *b = bucket_of(f->file.shelf);
    char object[BACKUP_FILE_ROOM + OFFSET_DIGITS + 2];
    object_name(f->file.name, f->pack, f->put, object);
    BUF_AUTO(reply, AHEAD_LEAST);
    int r = backup_bucket_ask(
        b->bucket,
        &(struct backup_request){.method = "PUT", .name = object, .body = buf_str(&f->held)},
        &reply);
    if (r) {
        return r;
    }
    struct entry *e = entry_for(b, str_from(f->file.name), f->pack);
    VEC_ADD(&e->pieces, (struct piece){f->put, f->held.n});
    measure(e);
    f->put += f->held.n;
    buf_clear(&f->held);
    return 0;
}

static int write_file(struct backup_file *file, struct str bytes)
{
    struct file *f = file_of(file);
    buf_add(&f->held, bytes);
    if (f->held.error) {
        return ERR_TOO_LARGE;
    }
    return f->pack && f->held.n >= PIECE ? put(f) : 0;
}

static int sync_file(struct backup_file *file)
{
    struct file *f = file_of(file);
    buf_clear(&f->window);
    return f->pack && f->held.n > 0 ? put(f) : 0;
}

static int give_name(struct backup_file *file)
{
    struct file *f = file_of(file);
    return f->pack ? 0 : put(f);
}

static const struct piece *piece_at(const struct entry *e, uint64_t offset)
{
    size_t from = 0, to = e->front;
    while (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        if (e->pieces.at[middle].offset <= offset) {
            from = middle;
        } else {
            to = middle;
        }
    }
    return &e->pieces.at[from];
}

/* The window is moved to offset, where need bytes are wanted; empty: the end. What is read in order is read ahead. */
static int move_window(struct file *f, uint64_t offset, size_t need)
{
    struct bucket *b = bucket_of(f->file.shelf);
    const struct entry *e = map_get(b->entries, str_from(f->file.name));
    bool on = f->window.n > 0 && offset == f->window_at + f->window.n;
    f->ahead = !on ? AHEAD_LEAST : f->ahead < AHEAD_MOST ? 2 * f->ahead : AHEAD_MOST;
    buf_clear(&f->window);
    f->window_at = offset;
    if (!e || offset >= e->size) {
        return 0;
    }
    const struct piece *piece = piece_at(e, offset);
    ASSERT(piece->offset <= offset && offset < piece->offset + piece->size);
    uint64_t first = offset - piece->offset;
    uint64_t n = need > f->ahead ? need : f->ahead;
    n = n < AHEAD_MOST ? n : AHEAD_MOST;
    n = n < piece->size - first ? n : piece->size - first;
    char object[BACKUP_FILE_ROOM + OFFSET_DIGITS + 2];
    object_name(f->file.name, f->pack, piece->offset, object);
    const struct backup_request q = {.method = "GET", .name = object, .first = first, .n = n};
    int r = backup_bucket_ask(b->bucket, &q, &f->window);
    if (r) {
        buf_clear(&f->window);
    }
    /* It was there when the bucket was listed: cut off. A request that is refused says nothing of the bytes. */
    return r == ERR_NOT_FOUND ? 0 : r == ERR_INVALID ? ERR_IO : r;
}

/* Where offset lies, at most n bytes; empty: the end. */
static int find_bytes(struct file *f, uint64_t offset, size_t n, struct str *ret_bytes)
{
    if (offset >= f->put && offset < f->put + f->held.n) {
        *ret_bytes = str_slice(buf_str(&f->held), offset - f->put, offset - f->put + n);
        return 0;
    }
    bool here = offset >= f->window_at && offset < f->window_at + f->window.n;
    int r = here ? 0 : move_window(f, offset, n);
    if (r == 0) {
        size_t at = offset - f->window_at;
        *ret_bytes = str_slice(buf_str(&f->window), at, at + n);
    }
    return r;
}

static ssize_t read_file(struct backup_file *file, uint64_t offset, char *to, size_t n)
{
    struct file *f = file_of(file);
    size_t done = 0;
    while (done < n) {
        struct str bytes;
        int r = find_bytes(f, offset + done, n - done, &bytes);
        if (r) {
            return r;
        }
        if (bytes.n == 0) {
            break;
        }
        memcpy(to + done, bytes.p, bytes.n);
        done += bytes.n;
    }
    return (ssize_t)done;
}

static void forget_file(struct backup_file *file)
{
    buf_clear(&file_of(file)->window);
}

static int size_file(struct backup_file *file, uint64_t *ret_size)
{
    const struct entry *e = map_get(bucket_of(file->shelf)->entries, str_from(file->name));
    *ret_size = e ? e->size : 0;
    return 0;
}

/* ---- The shelf ---- */

static void close_bucket(struct backup_shelf *s)
{
    struct bucket *b = bucket_of(s);
    forget(b);
    backup_bucket_destroy(b->bucket);
    fd_close(&b->lock);
    mem_free(b);
}

static const struct backup_shelf_driver driver = {
    .name = "bucket",
    .close = close_bucket,
    .list = list,
    .remove = remove_name,
    .settle = settle,
    .open = open_file,
    .create = create_file,
    .write = write_file,
    .sync = sync_file,
    .give_name = give_name,
    .read = read_file,
    .size = size_file,
    .forget = forget_file,
    .close_file = close_file,
};

/* A bucket cannot be held; the store that is backed up can: a byte of its "backup.lock" for each address, however it is
 * written. */
static int hold(struct bucket *b, const struct backup_where *where, const char *store)
{
    struct backup_address address;
    struct content_hash hash;
    uint64_t at;
    int r = backup_address_read(where->path, &address);
    if (r) {
        return r;
    }
    BUF_AUTO(place, 3 * BACKUP_ADDRESS_MOST);
    buf_printf(&place, "%s%s/%s", address.host, address.path, address.prefix);
    content_hash(buf_str(&place), &hash);
    memcpy(&at, content_hash_str(&hash).p, sizeof at);
    BUF_AUTO(path, PATH_MAX);
    buf_printf(&path, "%s/backup.lock", store);
    b->lock = open(buf_z(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->lock < 0) {
        return log_err(err_from_errno(errno), "backup", "%s cannot be opened: %m", buf_z(&path));
    }
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(at >> 2), .l_len = 1};
    if (fcntl(b->lock, F_OFD_SETLK, &lock) < 0) {
        return log_err(ERR_BUSY, "backup", "another backup is being written to %s", where->path);
    }
    return 0;
}

int backup_shelf_bucket(const struct backup_where *where, const char *store, enum backup_open how,
                        struct backup_shelf **ret_s)
{
    struct bucket *b = MEM_NEW(struct bucket);
    b->shelf.driver = &driver;
    b->lock = -1;
    b->entries = map_create();
    int r = backup_bucket_create(where, &b->bucket);
    r = r == 0 && how != BACKUP_TO_READ ? hold(b, where, store) : r;
    r = r ? r : look(b);
    if (r) {
        close_bucket(&b->shelf);
        return r;
    }
    *ret_s = &b->shelf;
    return 0;
}
