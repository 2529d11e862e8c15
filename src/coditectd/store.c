/* A file of its own, so that a server with a faulty store (tests/store/coditectd_faults.c) has all but this in common with the
 * product. */
#include "coditectd/store.h"

const char coditectd_store_driver[] = "sqlite";

int coditectd_store_open(size_t reserve, struct store **ret_store)
{
    const struct store_options options = {
        .driver = coditectd_store_driver, .directory = "store", .balloon = reserve};
    return store_open(&options, ret_store);
}
