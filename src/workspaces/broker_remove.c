/*
 * Deleting local copies. What is inside a tree belongs to the workspace's user and may be anything, so a child that has
 * become that user does it: it can delete nothing that the user could not.
 */
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "workspaces/broker_int.h"

enum { PATH_ROOM = 4096, OPEN_DIRECTORIES = 16 };

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    if (where->level == 0) {
        return 0; /* its parent is not ours to change */
    }
    if (kind == FTW_DNR) { /* a folder made unreadable by its owner, who we are */
        (void)chmod(path, 0700);
    }
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static _Noreturn void remove_as(const struct broker_place *place, uid_t uid, const char *path)
{
    if (place->first_uid != 0 &&
        (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)) {
        _exit(1);
    }
    _exit(nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1);
}

static int empty(const struct broker_place *place, const struct broker_request *r, const char *part)
{
    BUF_AUTO(path, PATH_ROOM);
    buf_printf(&path, "%s/workspaces/%s/%s", place->data, r->session, part);
    if (access(buf_z(&path), F_OK) < 0) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        remove_as(place, r->uid, buf_z(&path));
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        return ERR_IO;
    }
    return 0;
}

int workspaces_broker_remove(const struct broker_place *place, const struct broker_request *request)
{
    /* An index first: a tree without it is never taken for the truth. */
    static const char *const parts[] = {"index", "tree", "home-index", "home"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int error = empty(place, request, parts[i]);
        if (error) {
            return error;
        }
        BUF_AUTO(path, PATH_ROOM);
        buf_printf(&path, "%s/workspaces/%s/%s", place->data, request->session, parts[i]);
        if (rmdir(buf_z(&path)) < 0 && errno != ENOENT) {
            return err_from_errno(errno);
        }
    }
    BUF_AUTO(top, PATH_ROOM);
    buf_printf(&top, "%s/workspaces/%s", place->data, request->session);
    return rmdir(buf_z(&top)) < 0 && errno != ENOENT ? err_from_errno(errno) : 0;
}
