/*
 * The store of a data directory, looked at beside the server that may have it open.
 *
 * 1. Nothing of it is changed: what reads is a process that has the rights of the file's owner, so that no file of the engine's is
 *    made that the server may not open later.
 * 2. It reads for two seconds at most; whether everything fits together says --check.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "coditectd/doctor_int.h"
#include "store/store.h"

enum { NAME_ROOM = 4096, PID_ROOM = 32, MIB = 1 << 20 };

static const usec_t reading_time = 2 * USEC_PER_SEC;

static const char *name_of(struct buf *to, const char *data, const char *file)
{
    buf_clear(to);
    buf_printf(to, "%s/store%s", data, file);
    return to->error ? "" : buf_z(to);
}

pid_t coditectd_doctor_holder(const char *data)
{
    char text[PID_ROOM];
    uint64_t pid = 0;
    BUF_AUTO(path, NAME_ROOM);
    FD_AUTO int fd = open(name_of(&path, data, "/lock"), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        return 0;
    }
    ssize_t n = fd_read_full(fd, text, sizeof text);
    struct str line = str_of(text, n > 0 ? (size_t)n : 0);
    line = str_slice(line, 0, str_find(line, '\n', 0));
    return str_u64(line, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

static int read_keys(struct store_snapshot *s, uint64_t *ret_keys, bool *ret_all)
{
    usec_t end = time_monotonic() + reading_time;
    uint64_t keys = 0;
    int r = 0;
    while (r == 0 && time_monotonic() < end) {
        struct store_snapshot_pair pair;
        r = store_snapshot_next(s, &pair);
        keys += r == 0;
    }
    *ret_keys = keys;
    *ret_all = r == ERR_NOT_FOUND;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static enum coditectd_verdict say_read(uint64_t keys, bool all, const char *rest)
{
    return coditectd_doctor_say(CODITECTD_ENFORCED, "store",
                                all ? "all of its %llu keys can be read; %s"
                                    : "its first %llu keys can be read, in 2 s; %s",
                                (unsigned long long)keys, rest);
}

/* In the child. rest: what else there is to say of a store that is well. */
static enum coditectd_verdict read_store(const char *directory, const char *rest)
{
    struct store_snapshot *s = NULL;
    uint64_t keys = 0;
    bool all = false;
    int r = store_snapshot_open(directory, &s);
    r = r < 0 ? r : read_keys(s, &keys, &all);
    r = r < 0 ? r : store_snapshot_files(s);
    store_snapshot_close(s);
    if (r == 0) {
        return say_read(keys, all, rest);
    }
    return coditectd_doctor_say(
        CODITECTD_MISSING, "store",
        r == ERR_CORRUPT
            ? "damaged, or of another version's format: start this version once, look with "
              "--check, "
              "or restore a backup (docs/backup.md)"
            : "cannot be read: look at the disk (dmesg), and restore a backup (docs/backup.md)");
}

static bool take_rights(const struct stat *owner)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setgid(owner->st_gid) == 0 && setuid(owner->st_uid) == 0);
}

static enum coditectd_verdict read_as(const struct stat *owner, const char *directory,
                                      const char *rest)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        enum coditectd_verdict v =
            take_rights(owner)
                ? read_store(directory, rest)
                : coditectd_doctor_say(
                      CODITECTD_MISSING, "store",
                      "root may not become the server's user here: ask as that user");
        (void)fflush(stdout);
        _exit((int)v);
    }
    int status = -1;
    bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    return ended ? (enum coditectd_verdict)WEXITSTATUS(status)
                 : coditectd_doctor_say(CODITECTD_MISSING, "store",
                                        "what read it did not end well: look with --check");
}

/* The database, its log, and the files of large values, which have holes. */
static long long taken_by(const char *directory)
{
    long long bytes = 0;
    struct stat file;
    DIR *dir = opendir(directory);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (str_starts(str_from(e->d_name), STR("store.db")) &&
            fstatat(dirfd(dir), e->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0) {
            bytes += (long long)file.st_blocks * 512;
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return bytes;
}

enum coditectd_verdict coditectd_doctor_store(const char *data, pid_t holder)
{
    struct stat file;
    BUF_AUTO(path, NAME_ROOM);
    BUF_AUTO(rest, NAME_ROOM);
    if (stat(name_of(&path, data, "/store.db"), &file) < 0) {
        return errno == ENOENT
                   ? coditectd_doctor_say(CODITECTD_ENFORCED, "store",
                                          "there is none yet: the server makes it when it starts")
                   : coditectd_doctor_say(CODITECTD_WEAKER, "store",
                                          "only root and the server's user can look at it: sudo");
    }
    if (geteuid() != 0 && geteuid() != file.st_uid) {
        return coditectd_doctor_say(CODITECTD_WEAKER, "store",
                                    "only root and the server's user can look at it: sudo");
    }
    buf_printf(&rest, "%lld MiB on disk; ", (taken_by(name_of(&path, data, "")) + MIB - 1) / MIB);
    if (holder > 0) {
        buf_printf(&rest, "the server that runs, process %d, holds it", (int)holder);
    } else {
        buf_printf(&rest, "nobody holds it");
    }
    return read_as(&file, name_of(&path, data, ""), buf_z(&rest));
}
