/* The store that the server uses: the only place that names a driver. */
#ifndef CODITECTD_STORE_H
#define CODITECTD_STORE_H

#include "store/store.h"

/* Of all data directories. */
extern const char coditectd_store_driver[];

/* Opens the store of the working directory, which is the data directory, with reserve bytes for a full disk. As store_open. */
int coditectd_store_open(size_t reserve, struct store **ret_store) BASE_MUST_USE;

#endif
