/* Backups of the server's store: as a program, and on a schedule inside the server. */
#ifndef CODITECTD_BACKUP_H
#define CODITECTD_BACKUP_H

#include "backup/backup.h"
#include "base/arena.h"
#include "coditectd/config.h"

/* What of the store never changes: content, by its hash. For backup_source. */
bool coditectd_backup_content(struct str key, struct content_hash *ret_hash);

/* What the command line asked for, in the data directory. Each returns the exit status. */
struct coditectd_backup_command {
    const char *path; /* a directory, a file or a bucket's address; "-": standard output or input */
    struct backup_access access; /* of a bucket */
    const char *moment;          /* NULL: the newest */
    bool past_damage;            /* of --backup and --restore */
    const char *data, *driver;   /* of --restore: to name the files that it lacks */
    unsigned keep;               /* of --backup to a directory: older ones go */
};
int coditectd_backup(const struct coditectd_backup_command *command);
int coditectd_backup_verify(const struct coditectd_backup_command *command);
int coditectd_backup_list(const struct coditectd_backup_command *command);
/* CODITECTD_RESTORED_IN_PART: there is a store, and what it lacks was said. */
enum { CODITECTD_RESTORED_IN_PART = 3 };
int coditectd_backup_restore(const struct coditectd_backup_command *command);

/*
 * What the settings say of how a bucket is asked, in arena, if one of places is one; else all 0. Reads the files that they name.
 * ERR_INVALID (said) and what a file has: an address, or something that is missing.
 */
struct coditectd_places {
    const char *const *at; /* NULL ones allowed */
    size_t n;
};
int coditectd_backup_access(const struct coditectd_settings *set,
                            const struct coditectd_places *places, struct arena *arena,
                            struct backup_access *ret_access) BASE_MUST_USE;

/* Before the program splits. ERR_EXISTS (said): data holds a store, or disks of workspaces, which a restored store does not know. */
int coditectd_backup_place(const char *data) BASE_MUST_USE;

/* ---- The schedule ---- */

struct coditectd_backups_options {
    struct backup_where where; /* an absolute directory, or a bucket; its stop is the schedule's */
    usec_t every;
    unsigned keep;
};

/* Of the schedule, for /metrics and the log. */
struct coditectd_backups_facts {
    usec_t last;   /* moment of the newest backup; 0: there is none */
    uint64_t done; /* since the server started */
    uint64_t failed;
    uint64_t bytes;  /* that they wrote */
    usec_t verified; /* moment of the newest that was read wholly and was whole; 0: none */
    uint64_t harms;  /* pieces that were found damaged */
    bool harmed;     /* the newest, which is why a newer one is wanted */
    bool late;       /* it is harmed, or there is none for longer than twice the time between two */
};

struct coditectd_backups;
/* Starts a thread. ERR_BUSY: none is to be had. */
int coditectd_backups_start(const struct coditectd_backups_options *options,
                            struct coditectd_backups **ret_b) BASE_MUST_USE;
/* Breaks a backup off that runs, and begins none any more. NULL allowed. */
void coditectd_backups_cancel(struct coditectd_backups *b);
/* The same, and waits for it. */
void coditectd_backups_stop(struct coditectd_backups *b);
/* NULL allowed: all 0. Any thread. */
void coditectd_backups_facts(struct coditectd_backups *b,
                             struct coditectd_backups_facts *ret_facts);
/* Told how it goes, as backup_source's page; it may end it. */
struct coditectd_backups_watch {
    int (*page)(void *ctx, uint64_t keys);
    void *ctx;
};
/* One now; watch: NULL allowed. ERR_NOT_FOUND: b is NULL, no place is set. ERR_BUSY: one is being made. As backup_write. */
int coditectd_backups_now(struct coditectd_backups *b, const struct coditectd_backups_watch *watch,
                          struct backup_report *ret_report) BASE_MUST_USE;
/* NULL when b is NULL; with its stop. */
const struct coditectd_backups_options *coditectd_backups_options(
    const struct coditectd_backups *b);

/* Of which moment there it is noted that it was whole; 0: of none. In the data directory, by one thread. */
usec_t coditectd_backup_verified(const char *place);
void coditectd_backup_note_verified(const char *place, usec_t at);

/* Whether the newest there is older than twice `every` (or there is none). For --doctor; ERR_*: it cannot be read. */
int coditectd_backup_is_late(const struct coditectd_backups_options *options,
                             bool *ret_late) BASE_MUST_USE;

#endif
