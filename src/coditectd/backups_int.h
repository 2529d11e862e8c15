/* Inside the schedule of backups: what its two files share. */
#ifndef CODITECTD_BACKUPS_INT_H
#define CODITECTD_BACKUPS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "coditectd/backup.h"

struct coditectd_backups {
    unsigned magic;
    struct coditectd_backups_options options;
    pthread_t thread;
    struct lock lock; /* of what follows */
    struct lock_cond changed;
    bool stop;
    bool busy; /* somebody makes one */
    usec_t started;
    struct coditectd_backups_facts facts;
    struct coditectd_backup_note
        note;       /* what is known; cursor and harms as the thread told them last */
    bool unwritten; /* note */
    unsigned finds; /* of harm in the newest, which the next one mends */
    atomic_bool cancelled;
    /* Of the thread alone. */
    struct backup_cursor cursor;
    struct backup_harms harms;
    bool under_way; /* a proof: also one that was broken off before its first key */
};

/* What was known when the server stopped. */
void coditectd_backups_remember(struct coditectd_backups *b);
/* Writes the note down, when there is something new in it, without moments that went. By the thread. */
void coditectd_backups_keep_note(struct coditectd_backups *b);
/* Goes on with the proof, if one is due, until a backup is: for so long. By the thread. */
void coditectd_backups_prove(struct coditectd_backups *b, usec_t time);

#endif
