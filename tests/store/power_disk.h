/*
 * The disk of power_vfs.h for files of large values: what is not flushed is dropped or torn by a cut, blocks that are given back
 * read as zeros. For stores that are opened with .sqlite_vfs = POWER_VFS.
 */
#ifndef POWER_DISK_H
#define POWER_DISK_H

#include "store/store.h"

extern const struct store_disk power_disk;

/* Since the last call: how often segments were read, flushed, punched and removed. */
struct power_disk_counts {
    unsigned reads, flushes, punches, removals;
};
struct power_disk_counts power_disk_take(void);

/* How many of the segments of a store there, open or not, are not what its database says, or not known to it. */
unsigned power_disk_accounts(const char *directory);

/* The n-th call from now (1: the next) fails, a write or a new file for want of space; 0: none does. then: of those behind it the
 * so manieth as well. False: one of those asked for before has not come. */
bool power_disk_fail(unsigned n, unsigned then);

/* The next so many flushes of segments are what finds that there is no room. */
void power_disk_fill(unsigned n);

/* From now on no block is given back: that answers code; 0: it is again. */
void power_disk_refuse(int code);

/* What a flush from now on says yes to and does not do. */
enum power_lie { POWER_IS_TRUE, POWER_LIES_OF_BYTES, POWER_LIES_OF_NAMES };
void power_disk_lie(enum power_lie what);

#endif
