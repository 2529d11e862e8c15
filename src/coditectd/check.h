/* "coditectd --check": whether what lies in a data directory is whole. */
#ifndef CODITECTD_CHECK_H
#define CODITECTD_CHECK_H

#include "base/err.h"

/*
 * Goes through the store of a data directory that no server is using, and prints each fault (the first 100) and a summary.
 * Changes nothing of what is stored. The program's exit status: 0 whole, 1 faults or not to be opened (logged).
 */
int coditectd_check(const char *data, const char *driver);

#endif
