/*
 * The disk in memory behind power_vfs.h (for SQLite) and power_disk.h (for the files beside it). Functions whose name begins with
 * power_file_ return a code of SQLite and are called with power_files.lock held.
 */
#ifndef POWER_FILES_H
#define POWER_FILES_H

#include <sqlite3.h>

#include "base/lock.h"
#include "base/vec.h"
#include "power_vfs.h"

enum {
    POWER_MOST_FILES = 64, /* segments of large values, too */
    POWER_MOST_REGIONS = 64,
    POWER_NAME = 256,
};

struct power_bytes {
    char *p;
    size_t n, room;
};

struct power_pending {
    bool truncation;
    size_t at;
    struct power_bytes data; /* of a truncation: NULL and the new size in at */
};

struct power_file {
    char name[POWER_NAME], kept[POWER_NAME];
    struct power_bytes now, disk;
    VEC(struct power_pending) pending;
    size_t opened;
    char *regions[POWER_MOST_REGIONS]; /* of the WAL's index */
    int shared[SQLITE_SHM_NLOCK], exclusive[SQLITE_SHM_NLOCK];
};

struct power_files {
    struct lock lock;
    bool ready, cut;
    uint64_t random, countdown;
    unsigned failing_syncs, passing_syncs; /* these come first */
    bool full;
    struct power_file files[POWER_MOST_FILES];
};
extern struct power_files power_files;

void power_files_reset(uint64_t seed); /* takes the lock itself */

/* NULL: it is not there. make: it is then; its name survives from now on, as SQLite sees to it for its files. */
struct power_file *power_file_find(const char *name, bool make);
void power_file_drop(struct power_file *f);
int power_file_write(struct power_file *f, const void *p, size_t n, size_t at);
int power_file_truncate(struct power_file *f, size_t size);
int power_file_sync(struct power_file *f);

/* A name that survives, or comes back, only by chance until power_file_sync_names. SQLITE_CANTOPEN: it is there already, or not. */
int power_file_make(const char *name);
int power_file_remove(const char *name);
int power_file_sync_names(void);

#endif
