/*
 * A backup directory: "lock", {moment}.moment and {pack}.pack. A file that is being written has ".part" behind its name.
 *
 * 1. A moment gets its name when it and every pack that it needs are whole, flushed and read back.
 * 2. A pack goes when no moment that is left needs it, and only while every moment can be read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum { MOMENT_NAME = 36 };

void backup_pack_name(char ret_name[static 32], uint64_t pack, bool part)
{
    (void)snprintf(ret_name, 32, "%016llx.pack%s", (unsigned long long)pack, part ? ".part" : "");
}

void backup_moment_name(char ret_name[static BACKUP_NAME_ROOM], usec_t at, uint64_t pack)
{
    char text[25];
    struct str t = time_str(text, at); /* 2026-11-21T04:05:06.789Z */
    (void)snprintf(ret_name, BACKUP_NAME_ROOM, "%.4s%.2s%.2s-%.2s%.2s%.6s-%016llx", t.p, t.p + 5,
                   t.p + 8, t.p + 11, t.p + 14, t.p + 17, (unsigned long long)pack);
}

/* ---- Opening ---- */

static int refusal(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_FORBIDDEN;
    case ENOTDIR:
        return ERR_NOT_DIRECTORY;
    default:
        return err_from_errno(number);
    }
}

static int hold(struct backup_directory *d)
{
    if (access(d->path, F_OK) < 0 && mkdir(d->path, 0700) < 0) {
        return log_err(refusal(errno), "backup", "%s cannot be made: %m", d->path);
    }
    MEM_AUTO char *path = mem_alloc(strlen(d->path) + 8);
    (void)snprintf(path, strlen(d->path) + 8, "%s/lock", d->path);
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0) {
        return log_err(refusal(errno), "backup", "%s cannot be written to: %m", d->path);
    }
    if (flock(d->lock, LOCK_EX | LOCK_NB) < 0) {
        return log_err(ERR_BUSY, "backup", "another backup is being written to %s", d->path);
    }
    return 0;
}

int backup_directory_open(const char *path, enum backup_open how, struct backup_directory **ret_d)
{
    struct backup_directory *d = MEM_NEW(struct backup_directory);
    d->path = path;
    d->fd = d->lock = -1;
    for (size_t i = 0; i < BACKUP_OPEN_PACKS; i++) {
        d->open[i].fd = -1;
    }
    d->own_fd = -1;
    buf_init(&d->name, 64);
    backup_reader_init(&d->reader, -1, "", /* random= */ true);
    int r = how == BACKUP_TO_WRITE ? hold(d) : 0;
    if (r == 0) {
        d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = d->fd < 0 ? log_err(refusal(errno), "backup", "%s cannot be opened: %m", path) : 0;
    }
    if (r) {
        backup_directory_close(d);
        return r;
    }
    *ret_d = d;
    return 0;
}

void backup_directory_close(struct backup_directory *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < BACKUP_OPEN_PACKS; i++) {
        fd_close(&d->open[i].fd);
    }
    backup_reader_fini(&d->reader);
    buf_fini(&d->name);
    fd_close(&d->fd);
    fd_close(&d->lock);
    mem_free(d);
}

/* ---- Packs ---- */

/* The reader stands at the pack's beginning. */
static int open_pack(struct backup_directory *d, uint64_t pack)
{
    char name[32];
    backup_pack_name(name, pack, false);
    buf_clear(&d->name);
    buf_add(&d->name, str_from(name));
    d->reader.name = buf_z(&d->name);
    d->reader.offset = 0;
    if (d->own != 0 && pack == d->own) {
        d->reader.fd = d->own_fd;
        return 0;
    }
    size_t i = pack % BACKUP_OPEN_PACKS;
    if (d->open[i].fd >= 0 && d->open[i].id == pack) {
        d->reader.fd = d->open[i].fd;
        return 0;
    }
    int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? log_err(ERR_CORRUPT, "backup", "%s is not in %s", name, d->path)
                               : log_err(ERR_IO, "backup", "%s cannot be opened: %m", name);
    }
    fd_close(&d->open[i].fd);
    d->open[i].id = pack;
    d->open[i].fd = fd;
    d->reader.fd = fd;
    enum backup_kind kind;
    uint64_t id;
    int r = backup_reader_header(&d->reader, &kind, &id);
    if (r == 0 && (kind != BACKUP_PACK || id != pack)) {
        r = log_err(ERR_CORRUPT, "backup", "%s is another file than its name says", name);
    }
    if (r) {
        fd_close(&d->open[i].fd);
    }
    return r;
}

int backup_directory_frame(struct backup_directory *d, const struct backup_place *place,
                           struct backup_frame *frame)
{
    int r = d->source ? backup_page(d->source, d->looked) : 0;
    r = r ? r : open_pack(d, place->pack);
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

int backup_directory_pack_size(struct backup_directory *d, uint64_t pack, uint64_t *ret_size)
{
    struct stat info;
    int r = open_pack(d, pack);
    if (r == 0 && fstat(d->reader.fd, &info) < 0) {
        return ERR_IO;
    }
    if (r == 0) {
        *ret_size = (uint64_t)info.st_size;
    }
    return r;
}

/* ---- Moments ---- */

/* "20261121-171500.123-0123456789abcdef.moment" */
static bool is_moment(struct str file, struct backup_moment *ret_moment)
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
    return time_parse(str_from(text), &ret_moment->at) == 0;
}

static int by_name(const void *a, const void *b)
{
    const struct backup_moment *x = a;
    const struct backup_moment *y = b;
    return strcmp(x->name, y->name);
}

int backup_directory_list(struct backup_directory *d, struct backup_moments *ret_moments)
{
    int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        fd_close(&fd);
        return log_err(ERR_IO, "backup", "%s cannot be listed: %m", d->path);
    }
    struct backup_moments moments = {0};
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(dir));) {
        struct backup_moment moment;
        if (is_moment(str_from(e->d_name), &moment)) {
            VEC_ADD(&moments, moment);
        }
        r = moments.n > BACKUP_MOST_MOMENTS ? ERR_LIMIT : 0;
    }
    (void)closedir(dir);
    if (r) {
        VEC_FREE(&moments);
        return log_err(r, "backup", "%s holds too many backups", d->path);
    }
    if (moments.n > 0) {
        qsort(moments.at, moments.n, sizeof *moments.at, by_name);
    }
    *ret_moments = moments;
    return 0;
}

int backup_list(const char *directory, struct backup_moments *ret_moments)
{
    struct backup_directory *d;
    int r = backup_directory_open(directory, BACKUP_TO_READ, &d);
    if (r == 0) {
        r = backup_directory_list(d, ret_moments);
        backup_directory_close(d);
    }
    return r;
}

static int read_table(struct backup_reader *reader, struct backup_table *table)
{
    enum backup_kind kind;
    uint64_t pack;
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
    return r;
}

int backup_directory_table(struct backup_directory *d, const char *moment,
                           struct backup_table *ret_table)
{
    char name[BACKUP_NAME_ROOM + 8];
    (void)snprintf(name, sizeof name, "%s.moment", moment);
    FD_AUTO int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return log_err(err_from_errno(errno), "backup", "%s cannot be opened: %m", name);
    }
    struct backup_reader reader;
    backup_reader_init(&reader, fd, name, /* random= */ false);
    int r = read_table(&reader, ret_table);
    backup_reader_fini(&reader);
    (void)snprintf(ret_table->name, sizeof ret_table->name, "%s", moment);
    return r == ERR_CORRUPT ? log_err(r, "backup", "%s is damaged", name) : r;
}
