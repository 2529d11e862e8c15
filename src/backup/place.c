/*
 * Where backups lie: {moment}.moment and {pack}.pack, in a directory or a bucket (shelf_*.c).
 *
 * 1. A moment gets its name when it and every pack that it needs are whole, flushed and read back.
 * 2. A pack goes when no moment that is left needs it, and only while every moment can be read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backup/backup_int.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum { MOMENT_NAME = 36 };

void backup_pack_file(char ret_name[static BACKUP_FILE_ROOM], uint64_t pack)
{
    (void)snprintf(ret_name, BACKUP_FILE_ROOM, "%016llx.pack", (unsigned long long)pack);
}

void backup_moment_file(char ret_name[static BACKUP_FILE_ROOM], const char *moment)
{
    (void)snprintf(ret_name, BACKUP_FILE_ROOM, "%s.moment", moment);
}

void backup_moment_name(char ret_name[static BACKUP_NAME_ROOM], usec_t at, uint64_t pack)
{
    char text[25];
    struct str t = time_str(text, at); /* 2026-11-21T04:05:06.789Z */
    (void)snprintf(ret_name, BACKUP_NAME_ROOM, "%.4s%.2s%.2s-%.2s%.2s%.6s-%016llx", t.p, t.p + 5,
                   t.p + 8, t.p + 11, t.p + 14, t.p + 17, (unsigned long long)pack);
}

/* ---- Opening ---- */

int backup_directory_open(const struct backup_where *where, const char *store, enum backup_open how,
                          struct backup_directory **ret_d)
{
    struct backup_shelf *shelf;
    int r = backup_is_bucket(where->path) ? backup_shelf_bucket(where, store, how, &shelf)
                                          : backup_shelf_directory(where->path, how, &shelf);
    if (r) {
        return r;
    }
    struct backup_directory *d = MEM_NEW(struct backup_directory);
    d->path = where->path;
    d->shelf = shelf;
    buf_init(&d->name, BACKUP_FILE_ROOM);
    backup_reader_init(&d->reader, &(struct backup_input){NULL, NULL}, "");
    d->checked = map_create();
    d->kept = map_create();
    arena_init(&d->arena);
    d->room = backup_is_bucket(where->path) && how != BACKUP_TO_READ ? BACKUP_KEPT_MOST : 0;
    *ret_d = d;
    return 0;
}

void backup_directory_close(struct backup_directory *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < BACKUP_OPEN_PACKS; i++) {
        backup_file_close(&d->open[i].file);
    }
    backup_reader_fini(&d->reader);
    buf_fini(&d->name);
    map_destroy(d->checked);
    map_destroy(d->kept);
    arena_fini(&d->arena);
    d->shelf->driver->close(d->shelf);
    mem_free(d);
}

/* ---- Files ---- */

static int write_file(void *ctx, struct str bytes)
{
    struct backup_file *f = ctx;
    return f->shelf->driver->write(f, bytes);
}

struct backup_output backup_file_output(struct backup_file *f)
{
    return (struct backup_output){write_file, f};
}

static ssize_t read_file(void *ctx, uint64_t offset, char *to, size_t n)
{
    struct backup_file *f = ctx;
    return f->shelf->driver->read(f, offset, to, n);
}

struct backup_input backup_file_input(struct backup_file *f)
{
    return (struct backup_input){read_file, f};
}

void backup_file_close(struct backup_file **f)
{
    if (*f) {
        (*f)->shelf->driver->close_file(*f);
        *f = NULL;
    }
}

/* ---- Packs ---- */

/* Once: a file never changes once it has its name, and in a bucket each look costs a request. */
static int check_header(struct backup_directory *d, uint64_t pack)
{
    if (map_get(d->checked, buf_str(&d->name))) {
        return 0;
    }
    enum backup_kind kind;
    uint64_t id;
    int r = backup_reader_header(&d->reader, &kind, &id);
    if (r == 0 && (kind != BACKUP_PACK || id != pack)) {
        r = log_err(ERR_CORRUPT, "backup", "%s is another file than its name says", d->reader.name);
    }
    if (r == 0) {
        (void)map_put(d->checked, buf_str(&d->name), d);
    }
    return r;
}

static void name_pack(struct backup_directory *d, uint64_t pack)
{
    char name[BACKUP_FILE_ROOM];
    backup_pack_file(name, pack);
    buf_clear(&d->name);
    buf_add(&d->name, str_from(name));
    d->reader.name = buf_z(&d->name);
}

static int open_pack(struct backup_directory *d, uint64_t pack)
{
    name_pack(d, pack);
    d->reader.offset = 0;
    size_t i = (pack >> 1) % BACKUP_OPEN_PACKS; /* ids are odd */
    bool own = d->own != 0 && pack == d->own;
    if (own || (d->open[i].file && d->open[i].id == pack)) {
        d->reader.from = backup_file_input(own ? d->own_file : d->open[i].file);
        return 0;
    }
    backup_file_close(&d->open[i].file);
    int r = d->shelf->driver->open(d->shelf, d->reader.name, &d->open[i].file);
    if (r) {
        return r == ERR_NOT_FOUND
                   ? log_err(ERR_CORRUPT, "backup", "%s is not in %s", d->reader.name, d->path)
                   : r;
    }
    d->open[i].id = pack;
    d->reader.from = backup_file_input(d->open[i].file);
    r = check_header(d, pack);
    if (r) {
        backup_file_close(&d->open[i].file);
    }
    return r;
}

/*
 * A backup goes over the blocks of the one before four times, each time in order: of more than there is room for the first stay,
 * since the last would have gone whenever they are asked for again. What it writes itself is not kept, but read back.
 */
static void keep(struct backup_directory *d, const struct backup_place *place,
                 const struct backup_frame *frame)
{
    size_t size = sizeof *frame + frame->plain.n;
    if (frame->type != BACKUP_BLOCK || place->pack == d->own || size > d->room) {
        return;
    }
    const uint64_t key[] = {place->pack, place->offset, place->size};
    struct backup_frame *copy = ARENA_NEW(&d->arena, struct backup_frame);
    *copy = *frame;
    copy->plain = arena_str(&d->arena, frame->plain);
    (void)map_put(d->kept, str_of(key, sizeof key), copy);
    d->room -= size;
}

static const struct backup_frame *find_kept(const struct backup_directory *d,
                                            const struct backup_place *place)
{
    const uint64_t key[] = {place->pack, place->offset, place->size};
    return map_get(d->kept, str_of(key, sizeof key));
}

static int read_frame(struct backup_directory *d, const struct backup_place *place,
                      struct backup_frame *frame)
{
    int r = open_pack(d, place->pack);
    if (r) {
        return r;
    }
    d->reader.offset = place->offset;
    struct backup_frame found;
    r = backup_reader_next(&d->reader, &found);
    if (r) {
        return r;
    }
    if (found.type != frame->type || d->reader.offset - place->offset != place->size) {
        return log_err(ERR_CORRUPT, "backup", "%s holds something else at byte %llu",
                       d->reader.name, (unsigned long long)place->offset);
    }
    *frame = found;
    return 0;
}

int backup_directory_frame(struct backup_directory *d, const struct backup_place *place,
                           struct backup_frame *frame)
{
    int r = d->source ? backup_page(d->source, d->looked) : 0;
    const struct backup_frame *kept = r ? NULL : find_kept(d, place);
    if (kept && kept->type == frame->type) {
        name_pack(d, place->pack); /* for what is said of it */
        *frame = *kept;
        return 0;
    }
    r = r ? r : read_frame(d, place, frame);
    if (r == 0) {
        keep(d, place, frame);
    }
    return r;
}

int backup_directory_pack_size(struct backup_directory *d, uint64_t pack, uint64_t *ret_size)
{
    int r = open_pack(d, pack);
    return r ? r : d->shelf->driver->size(d->reader.from.ctx, ret_size);
}

int backup_directory_check_use(struct backup_directory *d, const struct backup_use *use,
                               uint64_t *ret_size)
{
    int r = backup_directory_pack_size(d, use->pack, ret_size);
    return r == 0 && *ret_size < use->size
               ? log_err(ERR_CORRUPT, "backup", "%s was cut off", d->reader.name)
               : r;
}

int backup_directory_check_uses(struct backup_directory *d, const struct backup_table *table)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < table->uses.n; i++) {
        uint64_t size;
        r = backup_directory_check_use(d, &table->uses.at[i], &size);
    }
    return r;
}

void backup_directory_forget(struct backup_directory *d, uint64_t pack)
{
    char name[BACKUP_FILE_ROOM];
    backup_pack_file(name, pack);
    struct backup_file *file = NULL;
    if (d->shelf->driver->open(d->shelf, name, &file) == 0) {
        d->shelf->driver->forget(file);
    }
    backup_file_close(&file);
}

/* A disk whose sector cannot be read has lost it; a bucket that fails may answer tomorrow. */
bool backup_directory_is_damage(const struct backup_directory *d, int r)
{
    bool unread = r == ERR_IO && !backup_is_bucket(d->path);
    bool damage = r == ERR_CORRUPT || r == ERR_INVALID || unread;
    return damage && !(d->source && backup_page(d->source, d->looked) < 0);
}

/* ---- Moments ---- */

/* "20261121-171500.123-0123456789abcdef.moment" */
bool backup_is_moment_file(struct str file, struct backup_moment *ret_moment)
{
    struct str name = str_slice(file, 0, MOMENT_NAME);
    if (!str_ends(file, STR(".moment")) || name.n != MOMENT_NAME || name.n + 7 != file.n) {
        return false;
    }
    char text[32];
    (void)snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.6sZ", name.p, name.p + 4,
                   name.p + 6, name.p + 9, name.p + 11, name.p + 13);
    memcpy(ret_moment->name, name.p, name.n);
    ret_moment->name[name.n] = '\0';
    return time_parse(str_from(text), &ret_moment->at) == 0 && ret_moment->at >= 0;
}

static int by_name(const void *a, const void *b)
{
    const struct backup_moment *x = a;
    const struct backup_moment *y = b;
    return strcmp(x->name, y->name);
}

static void add_moment(void *ctx, const char *name)
{
    struct backup_moments *moments = ctx;
    struct backup_moment moment;
    if (moments->n <= BACKUP_MOST_MOMENTS && backup_is_moment_file(str_from(name), &moment)) {
        VEC_ADD(moments, moment);
    }
}

int backup_directory_list(struct backup_directory *d, struct backup_moments *ret_moments)
{
    struct backup_moments moments = {0};
    int r = d->shelf->driver->list(d->shelf, &(struct backup_names){add_moment, &moments});
    if (r == 0 && moments.n > BACKUP_MOST_MOMENTS) {
        r = log_err(ERR_LIMIT, "backup", "%s holds too many backups", d->path);
    }
    if (r) {
        VEC_FREE(&moments);
        return r;
    }
    if (moments.n > 0) {
        qsort(moments.at, moments.n, sizeof *moments.at, by_name);
    }
    *ret_moments = moments;
    return 0;
}

int backup_list(const struct backup_where *where, struct backup_moments *ret_moments)
{
    struct backup_directory *d;
    int r = backup_directory_open(where, /* store= */ NULL, BACKUP_TO_READ, &d);
    if (r == 0) {
        r = backup_directory_list(d, ret_moments);
        backup_directory_close(d);
    }
    return r;
}

usec_t backup_newest(const struct backup_moments *moments)
{
    usec_t now = time_now();
    size_t i = moments->n;
    while (i > 0 && moments->at[i - 1].at > now) {
        i--;
    }
    return i > 0 ? moments->at[i - 1].at : 0;
}

static int read_table(struct backup_reader *reader, struct backup_table *table)
{
    enum backup_kind kind;
    uint64_t pack = 0;
    int r = backup_reader_header(reader, &kind, &pack);
    if (r == 0 && kind != BACKUP_MOMENT) {
        r = ERR_CORRUPT;
    }
    struct backup_table_reading reading = {.table = table, .hasher = content_hasher_create()};
    for (bool end = false; r == 0 && !end;) {
        struct backup_frame frame;
        r = backup_reader_next(reader, &frame);
        r = r ? r : backup_table_take(&reading, &frame, &end);
    }
    content_hasher_destroy(reading.hasher);
    backup_moment_name(table->name, table->at, pack);
    return r;
}

int backup_directory_table(struct backup_directory *d, const char *moment,
                           struct backup_table *ret_table)
{
    char name[BACKUP_FILE_ROOM];
    backup_moment_file(name, moment);
    struct backup_file *file = NULL;
    int r = d->shelf->driver->open(d->shelf, name, &file);
    if (r) {
        return r == ERR_NOT_FOUND ? log_err(r, "backup", "%s is not in %s", name, d->path) : r;
    }
    d->shelf->driver->forget(
        file); /* what is asked is the disk, and not this machine's memory of it */
    struct backup_reader reader;
    const struct backup_input from = backup_file_input(file);
    backup_reader_init(&reader, &from, name);
    r = read_table(&reader, ret_table);
    backup_reader_fini(&reader);
    backup_file_close(&file);
    if (r == 0 && strcmp(ret_table->name, moment) != 0) {
        r = log_err(ERR_CORRUPT, "backup", "%s is another backup than its name says: %s", name,
                    ret_table->name);
    }
    (void)snprintf(ret_table->name, sizeof ret_table->name, "%s", moment);
    return r == ERR_CORRUPT ? log_err(r, "backup", "%s is damaged", name) : r;
}
