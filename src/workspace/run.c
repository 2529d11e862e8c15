/* The run directory: whose it is, and that its log stays small. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "workspace/workspace_int.h"

enum { PATH_ROOM = 4096, LOCK_TRIES = 100, LOCK_PAUSE_MS = 10 };

int workspace_lock(const struct workspace_config *config)
{
    static int held = -1; /* for the life of the process */
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/lock", config->run);
    held = open(buf_z(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (held < 0) {
        return log_err(ERR_IO, "workspace", "cannot open %s: %m", buf_z(&path));
    }
    /* One that has just written its end is about to let go. */
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(held, LOCK_EX | LOCK_NB) == 0) {
            return 0;
        }
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return log_err(ERR_BUSY, "workspace", "this workspace runs already");
}

/* What a writer appends between the reading and the cut is lost: a line of a log, at one of its rare cuts. */
void workspace_log_trim(int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode) || facts.st_size <= WORKSPACE_LOG_MOST) {
        return;
    }
    MEM_AUTO char *kept = mem_grow(NULL, WORKSPACE_LOG_KEPT);
    ssize_t n = pread(fd, kept, WORKSPACE_LOG_KEPT, facts.st_size - WORKSPACE_LOG_KEPT);
    if (n < 0 || ftruncate(fd, 0) < 0) {
        return;
    }
    struct str tail = str_of(kept, (size_t)n);
    tail = str_slice(tail, str_find(tail, '\n', 0) + 1, tail.n);
    (void)!fd_write_all(fd, tail);
}
