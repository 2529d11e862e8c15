/*
 * The balloon: a file that takes space while there is some, and gives it up when the disk is full, so that deletions and
 * state can still be committed. Operations without the right to the reserve then fail until there is room again.
 */
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/log.h"
#include "store/sqlite_int.h"

static const usec_t look_every = USEC_PER_SEC;
static const usec_t again_after =
    10 * 60 * USEC_PER_SEC; /* a quota, or a file system that reserves nothing */

void store_space_init(struct store_space *space, const char *directory, size_t size)
{
    static const char name[] = "/balloon";
    size_t length = strlen(directory);
    space->directory = mem_dup(directory, length);
    space->path = mem_alloc(length + sizeof name);
    memcpy(space->path, directory, length);
    memcpy(space->path + length, name, sizeof name);
    space->size = size;
}

void store_space_fini(struct store_space *space)
{
    MEM_FREE(space->path);
    MEM_FREE(space->directory);
}

static uint64_t free_bytes(const struct store_space *space)
{
    struct statvfs fs;
    return statvfs(space->directory, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

static bool has_size(const struct store_space *space)
{
    FD_AUTO int fd = open(space->path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && lseek(fd, 0, SEEK_END) == (off_t)space->size;
}

void store_space_inflate(struct store_space *space)
{
    space->inflated = has_size(space);
    if (space->inflated) {
        return;
    }
    if (free_bytes(space) < 2 * (uint64_t)space->size) {
        log_warn("store", "too little space to hold %zu bytes back for a full disk", space->size);
        return;
    }
    if (space->refused != 0 && time_monotonic() - space->refused < again_after) {
        return;
    }
    FD_AUTO int fd = open(space->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int failed = fd < 0 ? -1 : posix_fallocate(fd, 0, (off_t)space->size);
    if (failed) {
        (void)unlink(space->path);
        space->refused = time_monotonic();
        log_warn("store", "cannot hold space back in %s", space->path);
        return;
    }
    space->inflated = true;
}

void store_space_hit(struct store_space *space)
{
    if (!atomic_exchange(&space->full, true)) {
        log_error("store", "the disk is full: only deletions are taken until there is space");
    }
    space->looked = time_monotonic();
    if (unlink(space->path) == 0) {
        log_info("store", "gave %zu bytes of reserve up", space->size);
    }
    space->inflated = false;
}

bool store_space_due(const struct store_space *space)
{
    return time_monotonic() - space->looked >= look_every;
}

void store_space_look(struct store_space *space, size_t unused)
{
    if (!store_space_due(space)) {
        return;
    }
    space->looked = time_monotonic();
    uint64_t available = free_bytes(space);
    if (available >= 2 * (uint64_t)space->size) {
        store_space_inflate(space);
    }
    bool enough =
        available >= space->size / 4 && available + unused >= space->size + space->size / 2;
    if ((space->inflated || enough) && atomic_exchange(&space->full, false)) {
        log_info("store", "there is space again");
    }
}
