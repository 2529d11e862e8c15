/*
 * Path rules. A path is bytes, not text: what Linux allows in a name is allowed here, except that "." and ".." never are,
 * so that no joined path can leave its root.
 */
#include "content/content.h"

#include "base/assert.h"

int content_name_check(struct str name)
{
    if (name.n == 0 || name.n > CONTENT_MAX_NAME) {
        return ERR_INVALID;
    }
    if (str_eq(name, STR(".")) || str_eq(name, STR(".."))) {
        return ERR_INVALID;
    }
    if (memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n)) {
        return ERR_INVALID;
    }
    return 0;
}

int content_path_check(struct str path)
{
    if (path.n > CONTENT_MAX_PATH) {
        return ERR_INVALID;
    }
    if (path.n == 0) {
        return 0;
    }
    struct str rest = path;
    struct str name;
    size_t depth = 0;
    while (str_split(&rest, '/', &name)) {
        if (++depth > CONTENT_MAX_DEPTH || content_name_check(name) < 0) {
            return ERR_INVALID;
        }
    }
    return 0;
}

void content_path_split(struct str path, struct str *ret_folder, struct str *ret_name)
{
    ASSERT(path.n > 0);
    const char *slash = memrchr(path.p, '/', path.n);
    size_t at = slash ? (size_t)(slash - path.p) : 0;
    *ret_folder = str_slice(path, 0, at);
    *ret_name = str_slice(path, slash ? at + 1 : 0, path.n);
}

bool content_path_within(struct str path, struct str folder)
{
    if (folder.n == 0) {
        return true;
    }
    return str_starts(path, folder) && (path.n == folder.n || path.p[folder.n] == '/');
}
