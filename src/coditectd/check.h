/* "coditectd --check": whether what lies in a data directory is whole. */
#ifndef CODITECTD_CHECK_H
#define CODITECTD_CHECK_H

#include "base/err.h"

/* ERR_NOT_FOUND (said in the log): there is no store in this directory. Asked before the program splits, which makes one. */
int coditectd_check_place(const char *data) BASE_MUST_USE;

/*
 * Goes through the store of the working directory that no server is using, and prints each fault (the first 100) and a
 * summary; data is how the person calls that directory. In the server's half of the program: files that are made belong to
 * the server. Changes nothing of what is stored. The exit status: 0 whole, 1 faults or not to be opened (logged).
 */
int coditectd_check(const char *data, const char *driver);

#endif
