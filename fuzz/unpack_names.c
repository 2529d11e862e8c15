/* The list of a zip archive: whatever is in it, a name is given back for one that differs from it by slashes alone. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "api/archive_int.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd FD_AUTO = memfd_create("zip", MFD_CLOEXEC);
    struct api_unpack_names names = {0};
    ASSERT(fd >= 0 && fd_write_all(fd, str_of(data, size)) == 0);
    int r = api_unpack_names_read(&names, fd, size);
    ASSERT(r == 0 || r == ERR_TOO_LARGE || r == ERR_INVALID || r == ERR_CORRUPT);
    size_t position = 0;
    struct str taken;
    void *original;
    while (map_next(names.map, &position, &taken, &original)) {
        const char *was = original;
        bool other = false;
        for (size_t i = 0; i < taken.n; i++) {
            ASSERT(taken.p[i] == was[i] || (taken.p[i] == '/' && was[i] == '\\'));
            other = other || taken.p[i] != was[i];
        }
        ASSERT(other);
    }
    api_unpack_names_fini(&names);
    return 0;
}
