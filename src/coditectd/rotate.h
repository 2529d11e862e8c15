/* "coditectd --rotate-keys": what is signed from the next start on has another key. */
#ifndef CODITECTD_ROTATE_H
#define CODITECTD_ROTATE_H

/*
 * For the store of the working directory, which no server is using; data is how the person calls that directory. secret_given:
 * the operator keeps the key (jwt.secret), so that there is nothing to rotate here. Prints the new key's id. The exit status: 0,
 * or 1 (logged).
 */
int coditectd_rotate(const char *data, const char *driver, _Bool secret_given);

#endif
