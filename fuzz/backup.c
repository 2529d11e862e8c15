/*
 * A backup's stream as it comes ('s'), or pieces of it under hashes that are right, so that what is behind the hashes is reached:
 * type, two bytes of length, plain bytes, again and again. Read to its end or refused.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "backup/backup_int.h"
#include "base/assert.h"
#include "base/fd.h"
#include "fuzz.h"

static int keep(void *ctx, struct str key, struct str value)
{
    uint64_t *keys = ctx;
    ASSERT(key.n > 0 && key.n <= STORE_MAX_KEY && value.n <= STORE_MAX_VALUE);
    (*keys)++;
    return 0;
}

static void read_it(int fd)
{
    struct backup_report report = {.keys = 0};
    uint64_t keys = 0;
    ASSERT(lseek(fd, 0, SEEK_SET) == 0);
    int r =
        backup_read(&(struct backup_from){.fd = fd}, &(struct backup_sink){keep, &keys}, &report);
    ASSERT(r == 0 || r == ERR_CORRUPT || r == ERR_INVALID);
    ASSERT(r != 0 || keys == report.keys);
}

static void write_frames(int fd, struct str rest)
{
    struct backup_writer *w = backup_writer_create(&(struct backup_output){backup_write_fd, &fd});
    int r = backup_writer_header(w, BACKUP_STREAM, 1);
    ASSERT(r == 0);
    uint64_t type, n;
    while (backup_take(&rest, 1, &type) && backup_take(&rest, 2, &n) && rest.n > 0) {
        struct backup_frame frame = {.type = (enum backup_type)type};
        struct backup_place place;
        n = n < rest.n ? n : rest.n;
        if (n == 0 || !backup_take_str(&rest, n, &frame.plain)) {
            break;
        }
        backup_frame_hash(&frame);
        r = backup_writer_frame(w, &frame, &place);
        ASSERT(r == 0);
    }
    r = backup_writer_flush(w);
    ASSERT(r == 0);
    backup_writer_destroy(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FD_AUTO int fd = memfd_create("backup", MFD_CLOEXEC);
    ASSERT(fd >= 0);
    struct str all = str_of(data, size);
    struct str rest = str_slice(all, 1, size);
    if (size > 0 && data[0] == 's') {
        int r = fd_write_all(fd, rest);
        ASSERT(r == 0);
    } else {
        write_frames(fd, rest);
    }
    read_it(fd);
    return 0;
}
