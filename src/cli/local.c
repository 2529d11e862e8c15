/*
 * Files of this machine, written so that a name never shows half a file.
 *
 * 1. A draft lies in the folder where the file will be, is made anew (O_EXCL) and private until commit, and is removed when
 *    anything fails, a signal included. Only SIGKILL and a loss of power can leave one: ".coditect-" and 16
 *    hexadecimal digits, which a workspace does not mirror (codi2/tree.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/rand.h"
#include "cli/cli_int.h"

enum { TARGET_MOST = 4096 };

bool cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

mode_t cli_mode_here(int mode)
{
    mode_t mask = umask(022);
    (void)umask(mask);
    return (mode < 0 ? 0666 : (mode_t)mode & 0777) & ~mask;
}

struct cli_told cli_tell(const struct stat *st)
{
    const int64_t most = 300000000000; /* beyond the year 9999 */
    int64_t seconds = st->st_mtim.tv_sec;
    seconds = seconds > most ? most : seconds < -most ? -most : seconds;
    struct cli_told told;
    (void)snprintf(told.mode, sizeof told.mode, "%o", (unsigned)(st->st_mode & 07777));
    (void)time_str(told.mtime, seconds * USEC_PER_SEC + st->st_mtim.tv_nsec / 1000);
    return told;
}

/* For utimensat: before 1970 the nanoseconds are never negative either. */
struct times {
    struct timespec at[2];
};
static struct times times_of(usec_t mtime)
{
    usec_t part = mtime % USEC_PER_SEC;
    part += part < 0 ? USEC_PER_SEC : 0;
    return (struct times){{{.tv_nsec = UTIME_OMIT},
                           {.tv_sec = (mtime - part) / USEC_PER_SEC, .tv_nsec = part * 1000}}};
}

int cli_set_time(int fd, usec_t mtime)
{
    struct times times = times_of(mtime);
    return futimens(fd, times.at) != 0 && errno != EINVAL ? ERR_IO : 0;
}

int cli_draft_begin(struct cli_run *run, int directory, const char *name,
                    struct cli_draft *ret_draft)
{
    struct cli_draft draft = {.directory = directory, .name = name, .fd = -1};
    unsigned char random[8];
    rand_bytes(random, sizeof random);
    BUF_AUTO(hex, 32);
    encode_hex(&hex, str_of(random, sizeof random));
    (void)snprintf(draft.draft, sizeof draft.draft, ".coditect-%s", buf_z(&hex));
    cli_guard_file(directory, draft.draft);
    draft.fd =
        openat(directory, draft.draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft.fd < 0) {
        int number = errno;
        cli_guard_file(-1, NULL);
        return cli_fail(run, err_from_errno(number), "%s cannot be written: %s", name,
                        strerror(number));
    }
    *ret_draft = draft;
    return 0;
}

/* What was written is where it leads. */
static int turn_into_link(struct cli_run *run, const struct cli_draft *draft,
                          const struct cli_facts *facts)
{
    char target[TARGET_MOST];
    ssize_t n = pread(draft->fd, target, sizeof target, 0);
    if (n <= 0 || n == sizeof target || memchr(target, '\0', (size_t)n)) {
        return cli_fail(run, ERR_INVALID, "a symbolic link leads to nothing that is a path");
    }
    target[n] = '\0';
    struct times times = times_of(facts->mtime);
    if (unlinkat(draft->directory, draft->draft, 0) != 0 ||
        symlinkat(target, draft->directory, draft->draft) != 0 ||
        (facts->timed &&
         utimensat(draft->directory, draft->draft, times.at, AT_SYMLINK_NOFOLLOW) != 0 &&
         errno != EINVAL)) {
        return ERR_IO;
    }
    return 0;
}

static int finish_file(const struct cli_draft *draft, const struct cli_facts *facts)
{
    int r = fchmod(draft->fd, cli_mode_here(facts->mode)) != 0 ? ERR_IO : 0;
    return r < 0 || !facts->timed ? r : cli_set_time(draft->fd, facts->mtime);
}

int cli_draft_commit(struct cli_run *run, struct cli_draft *draft, const struct cli_facts *facts)
{
    struct stat st;
    bool folder = fstatat(draft->directory, draft->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                  S_ISDIR(st.st_mode);
    if (folder) {
        return cli_fail(run, ERR_IS_DIRECTORY, "%s is a folder here", draft->name);
    }
    int r = facts->link ? turn_into_link(run, draft, facts) : finish_file(draft, facts);
    if (r == ERR_INVALID) {
        return r;
    }
    if (r < 0 || renameat(draft->directory, draft->draft, draft->directory, draft->name) != 0) {
        return cli_fail(run, ERR_IO, "%s cannot be written: %s", draft->name, strerror(errno));
    }
    cli_guard_file(-1, NULL);
    fd_close(&draft->fd);
    return 0;
}

void cli_draft_drop(struct cli_draft *draft)
{
    if (draft->fd >= 0) {
        (void)unlinkat(draft->directory, draft->draft, 0);
        cli_guard_file(-1, NULL);
        fd_close(&draft->fd);
    }
}
