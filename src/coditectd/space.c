/* A part of the disk says what is much on a small one; of a large one it would keep back more than any upload needs. */
#include "coditectd/space.h"

enum { PERCENT_TO_GIB = 16 };

struct space coditectd_space(const struct coditectd_settings *set, const char *directory)
{
    return (struct space){.directory = directory,
                          .low = (uint64_t)set->disk_low << 20,
                          .percent = (unsigned)set->disk_low_percent,
                          .percent_to = (uint64_t)PERCENT_TO_GIB << 30,
                          .scarce = (uint64_t)set->disk_scarce << 20};
}
