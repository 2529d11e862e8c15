#include "codi2/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"

static const char *const names[CODI2_LISTS] = {"rules", "quiet"};

int codi2_rules_load(const char *index, enum codi2_list list, struct buf *out)
{
    BUF_AUTO(path, 4096);
    buf_printf(&path, "%s/%s", index, names[list]);
    FD_AUTO int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    char part[4096];
    ssize_t n;
    while ((n = fd_read_full(fd, part, sizeof part)) > 0) {
        buf_add(out, str_of(part, (size_t)n));
    }
    return n < 0 || out->error ? ERR_IO : 0;
}

int codi2_rules_save(const char *index, enum codi2_list list, struct str rules)
{
    BUF_AUTO(path, 4096);
    BUF_AUTO(draft, 4096);
    buf_printf(&path, "%s/%s", index, names[list]);
    buf_printf(&draft, "%s/%s.new", index, names[list]);
    FD_AUTO int fd =
        open(buf_z(&draft), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && fd_write_all(fd, rules) == 0 && fsync(fd) == 0 &&
                rename(buf_z(&draft), buf_z(&path)) == 0;
    return good ? 0 : ERR_IO;
}
