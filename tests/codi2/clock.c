/*
 * A wall clock that jumps: preloaded, it adds to CLOCK_REALTIME the seconds that the file CLOCK_OFFSET holds (a native int64_t).
 * Every other clock is the kernel's.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* In place of libc's, under its name for the linker alone. */
__attribute__((visibility("default"))) int read_clock(
    clockid_t id, struct timespec *ret_time) __asm__("clock_gettime");

static const volatile int64_t *offset(void)
{
    static const volatile int64_t *shared;
    const char *path = shared ? NULL : getenv("CLOCK_OFFSET");
    if (path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, fd, 0);
        shared = p == MAP_FAILED ? NULL : p;
        (void)close(fd);
    }
    return shared;
}

int read_clock(clockid_t id, struct timespec *ret_time)
{
    int error = (int)syscall(SYS_clock_gettime, id, ret_time);
    const volatile int64_t *by = id == CLOCK_REALTIME ? offset() : NULL;
    if (by) {
        ret_time->tv_sec += *by;
    }
    return error;
}
