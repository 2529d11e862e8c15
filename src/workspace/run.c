/* The run directory: whose it is, and that its log stays small. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "workspace/workspace_int.h"

enum { PATH_ROOM = 4096, HOLDER_ROOM = 80, LOCK_PAUSE_MS = 10 };

/* One that has just written its end. */
static const usec_t about_to_let_go = USEC_PER_SEC;

static int held = -1; /* for the life of the process */

/* ERR_BUSY: it was another's all the time. */
static int take(usec_t patience)
{
    usec_t deadline = time_monotonic() + patience;
    while (flock(held, LOCK_EX | LOCK_NB) < 0) {
        if (time_monotonic() > deadline) {
            return ERR_BUSY;
        }
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return 0;
}

/* Who holds it, for one that is newer: "pid start-time generation". */
static int sign(const struct workspace_config *config)
{
    BUF_AUTO(text, HOLDER_ROOM);
    uint64_t started = 0;
    int error = process_start_time(getpid(), &started);
    buf_printf(&text, "%d %llu %lld\n", (int)getpid(), (unsigned long long)started,
               (long long)config->generation);
    if (error || ftruncate(held, 0) < 0 || lseek(held, 0, SEEK_SET) < 0) {
        return ERR_IO;
    }
    return fd_write_all(held, buf_str(&text));
}

int workspace_lock(const struct workspace_config *config)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/lock", config->run);
    held = open(buf_z(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (held < 0) {
        return log_err(ERR_IO, "workspace", "cannot open %s: %m", buf_z(&path));
    }
    int error = take(about_to_let_go);
    return error ? error : sign(config);
}

bool workspace_ask_older(const struct workspace_config *config)
{
    char text[HOLDER_ROOM];
    uint64_t fields[3] = {0};
    ssize_t n = pread(held, text, sizeof text, 0);
    struct str rest = str_of(text, n > 0 ? (size_t)n : 0);
    struct str line = STR_EMPTY;
    (void)str_split(&rest, '\n', &line);
    for (size_t i = 0; i < 3; i++) {
        struct str word;
        if (!str_split(&line, ' ', &word) || str_u64(word, INT64_MAX, &fields[i]) != 0) {
            return false;
        }
    }
    FD_AUTO int process = (int)syscall(SYS_pidfd_open, (pid_t)fields[0], 0);
    uint64_t started;
    return process >= 0 && fields[2] < (uint64_t)config->generation &&
           process_start_time((pid_t)fields[0], &started) == 0 && started == fields[1] &&
           syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0) == 0;
}

int workspace_lock_after(const struct workspace_config *config)
{
    int error = take(config->grace + about_to_let_go);
    return error ? error : sign(config);
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
