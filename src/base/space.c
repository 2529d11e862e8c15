/* Asked anew each time: statvfs costs a microsecond on a local file system, and an old answer can cost somebody's work. */
#include "base/space.h"

#include <stddef.h>
#include <sys/statvfs.h>

enum space_level space_level(const struct space *space)
{
    struct statvfs fs;
    if (space == NULL || statvfs(space->directory, &fs) != 0) {
        return SPACE_AMPLE;
    }
    uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t part = (uint64_t)fs.f_blocks * fs.f_frsize / 100 * space->percent;
    part = part < space->percent_to ? part : space->percent_to;
    if (left < space->scarce) {
        return SPACE_SCARCE;
    }
    return left < space->low || left < part ? SPACE_LOW : SPACE_AMPLE;
}
