/*
 * A process that hashes passwords and does nothing else. The server begins them itself, as its own program with one word behind its
 * name (hashers.c); nobody else does, so that no --help has it.
 */
#ifndef AUTH_HASHER_H
#define AUTH_HASHER_H

#include <stdbool.h>

#define AUTH_HASHER "hasher"

/* Whether the program, of these arguments of main, was begun as one: what it reads from is then a socket of the server's. */
bool auth_hasher_is_meant(int count, char **arguments);

/* Answers at standard input, a socket of the server's, until that is gone. Does not return. */
_Noreturn void auth_hasher_run(void);

#endif
