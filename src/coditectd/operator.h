/* "coditectd --create-owner", "--reset-password", "--remove-totp": accounts from the console, when no server runs. */
#ifndef CODITECTD_OPERATOR_H
#define CODITECTD_OPERATOR_H

#include "coditectd/options.h"

/*
 * For the store of the working directory, which no server is using. A password is read from the terminal, twice and without echo,
 * or from standard input when that is none; it is never an argument. The exit status: 0, or 1 (logged).
 */
int coditectd_operator(const struct coditectd_options *o, const char *driver);

#endif
