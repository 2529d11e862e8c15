/* A file of its own, so that a server with a faulty store (tests/store/coditectd_faults.c) has all but this in common with the
 * product. */
#include "coditectd/store.h"

const char coditectd_store_driver[] = "sqlite";

int coditectd_store_open(struct store **ret_store)
{
    return store_open(
        &(struct store_options){.driver = coditectd_store_driver, .directory = "store"}, ret_store);
}
