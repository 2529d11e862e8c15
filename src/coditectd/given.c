#include "coditectd/given.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/log.h"

int coditectd_given_read(const struct coditectd_given *from, struct arena *arena,
                         struct str *ret_text)
{
    FD_AUTO int fd = open(from->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return log_err(err_from_errno(errno), "coditectd", "%s: %s: %m", from->setting, from->path);
    }
    char *text = arena_alloc(arena, from->most + 1);
    ssize_t n = fd_read_full(fd, text, from->most + 1);
    if (n < 0 || (size_t)n > from->most) {
        return log_err(n < 0 ? (int)n : ERR_TOO_LARGE, "coditectd",
                       "%s: %s cannot be read, or has more than %zu bytes", from->setting,
                       from->path, from->most);
    }
    *ret_text = str_of(text, (size_t)n);
    return 0;
}

int coditectd_given_secret(const struct coditectd_given *from, struct arena *arena,
                           const char **ret_secret)
{
    struct str line;
    int r = coditectd_given_read(from, arena, &line);
    if (r < 0) {
        return r;
    }
    line = str_slice(line, 0, str_find(line, '\n', 0));
    line.n -= str_ends(line, STR("\r"));
    if (line.n == 0 || str_find(line, '\0', 0) < line.n) {
        return log_err(ERR_INVALID, "coditectd", "%s: the first line of %s is no password",
                       from->setting, from->path);
    }
    *ret_secret = arena_str(arena, line).p;
    return 0;
}
