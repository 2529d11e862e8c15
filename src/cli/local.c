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

bool cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

mode_t cli_umask(void)
{
    mode_t mask = umask(022);
    (void)umask(mask);
    return mask;
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
        openat(directory, draft.draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (draft.fd < 0) {
        int number = errno;
        cli_guard_file(-1, NULL);
        return cli_fail(run, err_from_errno(number), "%s cannot be written: %s", name,
                        strerror(number));
    }
    *ret_draft = draft;
    return 0;
}

int cli_draft_commit(struct cli_run *run, struct cli_draft *draft, mode_t mode)
{
    struct stat st;
    bool folder = fstatat(draft->directory, draft->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                  S_ISDIR(st.st_mode);
    if (folder) {
        return cli_fail(run, ERR_IS_DIRECTORY, "%s is a folder here", draft->name);
    }
    if (fchmod(draft->fd, mode) != 0 ||
        renameat(draft->directory, draft->draft, draft->directory, draft->name) != 0) {
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
