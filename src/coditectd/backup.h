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
    uint64_t bytes;   /* that they wrote */
    usec_t verified;  /* moment of the newest that was read wholly and was whole; 0: none */
    uint64_t harms;   /* pieces that were found damaged */
    bool harmed;      /* the newest, which is why a newer one is wanted */
    usec_t ended;     /* when all that is kept had been read again; 0: never */
    size_t blemished; /* moments that are there and known to lack something */
    bool late; /* it is harmed, or there is none for longer than twice the time between two */
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
enum coditectd_backups_known { CODITECTD_NO_HARM, CODITECTD_DAMAGED, CODITECTD_LOST };
/* What is known of a moment at the schedule's place: that it is damaged there, or lacks what the store had lost. Any thread. */
enum coditectd_backups_known coditectd_backups_known(struct coditectd_backups *b,
                                                     const char *moment);
/* NULL when b is NULL; with its stop. */
const struct coditectd_backups_options *coditectd_backups_options(
    const struct coditectd_backups *b);

/* What is known of a moment of which not all is whole. */
struct coditectd_blemish {
    char name[BACKUP_NAME_ROOM];
    bool lost; /* nothing but content that the store had lost when it was made */
};
/* What is known of the backups at the schedule's place. */
struct coditectd_backup_note {
    usec_t begun, ended; /* of proofs of all that is kept, the last one each; 0: none */
    usec_t verified;     /* moment of the newest that was found whole */
    struct backup_cursor cursor;
    struct backup_harms harms;
    VEC(struct coditectd_blemish) blemishes;
};
enum { CODITECTD_NOTE_MOST = 4 << 20 };
/* Of a data directory; of another place it says nothing, and all is 0. */
void coditectd_backup_note_read(const char *data, const char *place,
                                struct coditectd_backup_note *ret_n);
void coditectd_backup_note_put(const struct coditectd_backup_note *n, const char *place,
                               struct buf *b);
/* In the data directory, by one thread. A failure is said. */
void coditectd_backup_note_write(struct buf *text);
void coditectd_backup_note_fini(struct coditectd_backup_note *n);
/* NULL: nothing is known to be wrong with it. */
const struct coditectd_blemish *coditectd_backup_blemish(const struct coditectd_backup_note *n,
                                                         const char *moment);
void coditectd_backup_blemished(struct coditectd_backup_note *n, const char *moment, bool lost);
void coditectd_backup_whole(struct coditectd_backup_note *n, const char *moment);

/* Of those at a place, by who has no schedule: --doctor. note: of the data directory. ERR_*: they cannot be read. */
struct coditectd_backups_state {
    size_t kept;
    usec_t last;      /* 0: there is none */
    bool gone;        /* though there were some */
    bool late;        /* that is older than twice `every` */
    bool harmed;      /* it is known to be damaged */
    bool lost;        /* it lacks content that the store had lost */
    size_t blemished; /* others that are known to lack something */
    usec_t ended;     /* as coditectd_backups_facts */
};
int coditectd_backups_state(const struct coditectd_backups_options *options, const char *data,
                            struct coditectd_backups_state *ret_state) BASE_MUST_USE;

#endif
