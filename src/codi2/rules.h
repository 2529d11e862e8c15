/*
 * What the tenant leaves out and what it calls quiet, as they were last heard of: files beside the index, so that a codi2 that is
 * started again knows them before the server has spoken, and when it does not. Stateless; whoever writes is one thread.
 */
#ifndef CODI2_RULES_H
#define CODI2_RULES_H

#include "base/buf.h"

enum codi2_list { CODI2_IGNORE, CODI2_QUIET, CODI2_LISTS };

/* ERR_NOT_FOUND: nothing was ever heard. ERR_IO: it cannot be read, or is larger than out. */
int codi2_rules_load(const char *index, enum codi2_list list, struct buf *out) BASE_MUST_USE;

/* In place of the file before, whole or not at all. ERR_IO. */
int codi2_rules_save(const char *index, enum codi2_list list, struct str rules) BASE_MUST_USE;

#endif
