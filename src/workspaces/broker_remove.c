/*
 * Deleting local copies. What is inside a tree belongs to the workspace's user and may be anything, so a child that has
 * become that user does it: it can delete nothing that the user could not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "workspaces/broker_int.h"

enum { PATH_ROOM = 4096, MOVE_TRIES = 1000, LOCK_TRIES = 50, LOCK_PAUSE_MS = 10 };

/*
 * Directories below the first level are moved up to it one by one, so that neither the depth of a tree nor the length of
 * its paths matters. Modes do not either: what is ours we may open and write.
 */
struct emptying {
    int top;           /* directory that is to be empty */
    uint64_t next;     /* name of the next one that is moved up */
    bool moved, stuck; /* in this pass */
};

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void move_up(struct emptying *e, int from, const char *name)
{
    if (fchmodat(from, name, 0700, 0) < 0) {
        e->stuck = true;
        return;
    }
    for (int i = 0; i < MOVE_TRIES; i++) {
        char target[32];
        (void)snprintf(target, sizeof target, "moved-up-%" PRIu64, e->next++);
        if (renameat(from, name, e->top, target) == 0) {
            e->moved = true;
            return;
        }
    }
    e->stuck = true;
}

/* Removes a directory of the first level; its own directories move up. */
static void remove_directory(struct emptying *e, const char *name)
{
    /* No link: unlinking it did not help. */
    (void)!fchmodat(e->top, name, 0700, 0);
    int fd = openat(e->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        fd_close(&fd);
        e->stuck = true;
        return;
    }
    const struct dirent *one;
    bool found = false;
    while ((one = readdir(directory))) {
        if (is_dots(one->d_name)) {
            continue;
        }
        found = true;
        if (unlinkat(fd, one->d_name, 0) < 0 && unlinkat(fd, one->d_name, AT_REMOVEDIR) < 0) {
            move_up(e, fd, one->d_name);
        }
    }
    (void)closedir(directory);
    if (unlinkat(e->top, name, AT_REMOVEDIR) <
        0) { /* a reader may miss what others' removal shifts */
        e->moved = e->moved || found;
        e->stuck = e->stuck || !found;
    }
}

static bool empty_tree(const char *path)
{
    (void)chmod(path, 0700);
    struct emptying e = {.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    DIR *top = e.top < 0 ? NULL : fdopendir(e.top);
    if (!top) {
        fd_close(&e.top);
        return false;
    }
    do {
        e.moved = e.stuck = false;
        rewinddir(top);
        const struct dirent *one;
        while ((one = readdir(top))) {
            if (!is_dots(one->d_name) && unlinkat(e.top, one->d_name, 0) < 0) {
                remove_directory(&e, one->d_name);
            }
        }
    } while (e.moved && !e.stuck);
    (void)closedir(top);
    return !e.stuck;
}

static _Noreturn void empty_as(const struct broker_place *place, uid_t uid, const char *path)
{
    if (place->first_uid != 0 &&
        (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)) {
        _exit(1);
    }
    _exit(empty_tree(path) ? 0 : 1);
}

/* Empties {data}/{top}/{session}/{part} and removes it. Harmless when it is not there. */
static int remove_part(const struct broker_place *place, const struct broker_request *r,
                       const char *top, const char *part)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/%s/%s/%s", place->data, top, r->session, part);
    if (access(buf_z(&path), F_OK) < 0) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        empty_as(place, r->uid, buf_z(&path));
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        return ERR_IO;
    }
    return rmdir(buf_z(&path)) < 0 ? err_from_errno(errno) : 0;
}

static int remove_top(const struct broker_place *place, const struct broker_request *r,
                      const char *top)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/%s/%s", place->data, top, r->session);
    return rmdir(buf_z(&path)) < 0 && errno != ENOENT ? err_from_errno(errno) : 0;
}

/* Held, so that no supervisor begins meanwhile. Untouched when none has ever run. */
static int take_lock(const struct broker_place *place, const struct broker_request *r, int *ret_fd)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/run/%s/lock", place->data, r->session);
    FD_AUTO int fd = open(buf_z(&path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_from_errno(errno);
    }
    /* One that has just written its end is about to let go. */
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *ret_fd = FD_TAKE(fd);
            return 0;
        }
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return ERR_BUSY;
}

/* Control groups are the supervisor's matter: one that was killed has left its own behind. */
static int clear_group(const struct broker_place *place, const struct broker_request *r)
{
    if (place->first_uid == 0) {
        return 0; /* only root makes them */
    }
    pid_t child = fork();
    if (child == 0) {
        char *const nothing[] = {NULL};
        (void)execle(place->supervisor, "coditect-workspace", "--clear", r->session, (char *)NULL,
                     nothing);
        _exit(1);
    }
    int status = -1;
    return child < 0 || waitpid(child, &status, 0) < 0 || status != 0 ? ERR_INTERNAL : 0;
}

static int remove_run(const struct broker_place *place, const struct broker_request *r)
{
    static const char *const files[] = {"state", "state.new", "log", "lock"};
    int error = remove_part(place, r, "run", "door");
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !error; i++) {
        BUF_AUTO(path, PATH_ROOM);
        buf_printf(&path, "%s/run/%s/%s", place->data, r->session, files[i]);
        error = unlink(buf_z(&path)) < 0 && errno != ENOENT ? err_from_errno(errno) : 0;
    }
    return error ? error : remove_top(place, r, "run");
}

int workspaces_broker_remove(const struct broker_place *place, const struct broker_request *request)
{
    /* An index first: a tree without it is never taken for the truth. */
    static const char *const parts[] = {"index", "tree", "home-index", "home"};
    FD_AUTO int lock = -1;
    int error = take_lock(place, request, &lock);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !error; i++) {
        error = remove_part(place, request, "workspaces", parts[i]);
    }
    if (!error) {
        error = remove_top(place, request, "workspaces");
    }
    if (!error) {
        error = clear_group(place, request);
    }
    return error ? error : remove_run(place, request);
}
