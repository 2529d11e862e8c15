/*
 * What the tenant leaves out, as it was last heard of: a file beside the index, so that a codi2 that is started again knows it before
 * the server has spoken, and when it does not. Stateless; whoever writes is one thread.
 */
#ifndef CODI2_RULES_H
#define CODI2_RULES_H

#include "base/buf.h"

/* ERR_NOT_FOUND: nothing was ever heard. ERR_IO: it cannot be read, or is larger than out. */
int codi2_rules_load(const char *index, struct buf *out) BASE_MUST_USE;

/* In place of the file before, whole or not at all. ERR_IO. */
int codi2_rules_save(const char *index, struct str rules) BASE_MUST_USE;

#endif
