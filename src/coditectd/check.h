/* "coditectd --check", "--scrub" and "--rotate-keys", when no server runs: whether what lies in a data directory is whole, and other keys for it. */
#ifndef CODITECTD_CHECK_H
#define CODITECTD_CHECK_H

#include "data/check.h"

/* ERR_NOT_FOUND (said in the log): there is no store in this directory. Asked before the program splits, which makes one. */
int coditectd_check_place(const char *data) BASE_MUST_USE;

/* Opens the store of the working directory, which the person calls data. ERR_BUSY and others are said in the log. */
int coditectd_check_open(const char *data, const char *driver,
                         struct store **ret_store) BASE_MUST_USE;

/* Before anything is written to a store, by the server too: whether this program knows its records. If not, the log says so. */
int coditectd_check_schema(const char *data, struct store *store) BASE_MUST_USE;

/*
 * Goes through the store of the working directory that no server is using, and prints each fault (the first 100) and a
 * summary; data is how the person calls that directory. In the server's half of the program: files that are made belong to
 * the server. Changes nothing of what is stored. The exit status: 0 whole, 1 faults or not to be opened (logged).
 */
int coditectd_check(const char *data, const char *driver);

/* The same of all content: is each chunk what its hash says? Reads everything. */
int coditectd_scrub(const char *data, const char *driver);

/* For data_check: what the owners of the spaces say of the keys that are no records. */
int coditectd_judge(const struct data_found *found, const char **ret_fault) BASE_MUST_USE;

#endif
