/*
 * Another key for tokens, as a program: for an operator, by habit or because the old one may be known. For a store that no server
 * holds; one that runs is told by its door (admin rotate-keys). Workspaces go on and do not notice.
 */
#include "coditectd/rotate.h"

#include <stdio.h>

#include "auth/auth.h"
#include "base/log.h"
#include "coditectd/check.h"

int coditectd_rotate(const char *data, const char *driver, bool secret_given)
{
    if (secret_given) {
        log_error("coditectd",
                  "the key is jwt.secret: set another one there, and the one before as "
                  "jwt.previous_secret until nobody uses what it signed");
        return 1;
    }
    struct store *store;
    if (coditectd_check_open(data, driver, &store) < 0) {
        return 1;
    }
    char kid[AUTH_KID_ROOM];
    int r = auth_rotate_keys(store, kid);
    store_close(store);
    if (r < 0) {
        log_error("coditectd", "the keys in %s stay as they are: %s", data, err_row(r)->text);
        return 1;
    }
    (void)printf(
        "the new key is %s; what the key before it signed is taken until the next rotation\n", kid);
    return 0;
}
