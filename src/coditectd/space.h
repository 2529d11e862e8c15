/* How much room the settings want on the disk of the data directory: one reading of them for the server and for --doctor. */
#ifndef CODITECTD_SPACE_H
#define CODITECTD_SPACE_H

#include "base/space.h"
#include "coditectd/config.h"

struct space coditectd_space(const struct coditectd_settings *set, const char *directory);

#endif
