/* Descriptors: closed exactly once, -1 afterwards. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Closes *fd unless it is -1 and sets it to -1; errno stays. What must be on disk was synced before, so the result of close is
 * of no use; but a descriptor that is not open is our bug, and asserted.
 */
void fd_close(int *fd);

#define FD_AUTO __attribute__((cleanup(fd_close)))

/* Writes all of s, going on after EINTR and short writes. ERR_NO_SPACE, ERR_IO. Blocking descriptors only. */
int fd_write_all(int fd, struct str s) BASE_MUST_USE;

/* Reads until n bytes or the end; the number read, or a negative ERR_IO. */
ssize_t fd_read_full(int fd, void *to, size_t n) BASE_MUST_USE;

/* Gives the value away: return FD_TAKE(fd); */
#define FD_TAKE(fd) fd_take(&(fd))
int fd_take(int *fd);

#endif
