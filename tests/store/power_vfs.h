/*
 * A SQLite VFS in memory that loses power. What is written stays pending until its file is synced; when the power is cut,
 * each pending write is, sector by sector (512 bytes), kept or dropped at random. After the cut every call fails, as for a
 * process that is gone, until power_on brings back what the disk had.
 *
 * File contents live in this process; the store's lock file and balloon are ordinary files.
 */
#ifndef POWER_VFS_H
#define POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_VFS "powercut"

/* Registers the VFS with no files; a second call forgets all files. Every file must be closed. */
void power_vfs_reset(uint64_t seed);

/* The power goes in the n-th write, truncation or sync from now (1: the next); 0: not. */
void power_cut_after(uint64_t n);
bool power_is_cut(void);

/* Now. */
void power_cut(void);
void power_on(void);

/* The next so many syncs fail without having flushed, and the writes before them are marked clean: as Linux does it. full: there is
 * no room, no file but a log grows. */
void power_fail(unsigned syncs, bool full);
/* One sync, behind so many that work. */
void power_fail_behind(unsigned passing);

#endif
