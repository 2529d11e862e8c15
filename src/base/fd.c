#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"

void fd_close(int *fd)
{
    if (*fd < 0) {
        return;
    }
    int kept = errno; /* a cleanup must not change what the caller is about to report */
    int r = close(*fd);
    ASSERT(r == 0 || errno != EBADF); /* closed twice: the number may already be somebody else's */
    errno = kept;
    *fd = -1;
}

int fd_write_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t written = write(fd, s.p, s.n);
        if (written >= 0) {
            s = str_slice(s, (size_t)written, s.n);
        } else if (errno != EINTR) {
            return err_from_errno(errno) == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_IO;
        }
    }
    return 0;
}

ssize_t fd_read_full(int fd, void *to, size_t n)
{
    char *at = to;
    size_t have = 0;
    while (have < n) {
        ssize_t got = read(fd, at + have, n - have);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            have += (size_t)got;
        } else if (errno != EINTR) {
            return ERR_IO;
        }
    }
    return (ssize_t)have;
}

int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
