#ifndef CODI2_MIRROR_INT_H
#define CODI2_MIRROR_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/vec.h"
#include "codi2/dirty.h"
#include "codi2/mapped.h"
#include "codi2/mirror.h"
#include "codi2/quiet.h"
#include "codi2/rules.h"
#include "codi2/saves.h"
#include "codi2/tracked.h"
#include "codi2/wanted.h"
#include "codi2/watch.h"

enum { MIRROR_MAGIC = 0x6d697272 };

enum {
    MIRROR_BATCH = 500,          /* changes in a batch */
    MIRROR_BATCH_BYTES = 800000, /* that they write in the store, about: it takes a little more */
    MIRROR_HELD_BACK = 1000,     /* unexplained deletions that need a person's word */
    MIRROR_BLIND_SWEEP_S = 10,   /* when not every folder could be watched */
    MIRROR_UNEXPLAINED_S = 60, /* when what is written to under names that are gone is not found */
    MIRROR_IN_VAIN = 4,        /* looks for it, before it is taken to be nothing of the tree */
    MIRROR_MAPPED_S = 5,       /* between looks at files that are mapped to be written to */
    MIRROR_SETTLE_MS = 2,
    MIRROR_EMPTY_MS = 1000, /* how long a file that is open may be empty before that is a version */
    MIRROR_RULES = 2,       /* files of rules, of each list */
    MIRROR_RULE_FILES = CODI2_LISTS * MIRROR_RULES,
    MIRROR_MOST_RULES = 64 * 1024, /* bytes of one of them */
    MIRROR_MOST_WORDS = 300,       /* bytes of a sentence for the person */
};

struct codi2_mirror {
    unsigned magic;
    struct codi2_mirror_options options;
    char *root;
    char *index_directory;
    char author[64]; /* of what we send */
    uint64_t disk;   /* the index's name, in it */
    struct codi2_tree tree;
    struct codi2_index *index;
    struct codi2_watch *watch;
    struct codi2_dirty *dirty;
    struct content_ignore *patterns[CODI2_LISTS];
    struct content_ignore *makeable; /* what is left out since it can be made again */
    struct codi2_tracked *tracked;   /* what is kept in spite of being left out */
    struct codi2_look rule_looks[MIRROR_RULE_FILES]; /* of the files read; inode 0: none */
    struct buf rules[CODI2_LISTS];                   /* the tenant's */
    struct buf rules_said;            /* what there is to say of rules; empty: all are used */
    _Atomic uint64_t rules_known;     /* their mark; 0: nothing was ever heard of them */
    _Atomic uint64_t rules_told;      /* the mark that the server named last */
    atomic_bool rules_due;            /* to be asked for */
    struct codi2_wanted *wanted;      /* what is waited for while the tree is restored */
    struct codi2_saves *saves;        /* what the editor saves */
    struct map *empty;                /* files that are open and empty → when first seen so */
    struct codi2_quiet *quiet;        /* files that wait to be still */
    bool takes;                       /* the server has taken changes since it was greeted */
    bool settled;                     /* once everything was stored: only from then on they wait */
    struct codi2_link *link;          /* the mirror's own */
    struct codi2_link *listener_link; /* cancelled at the end */
    struct codi2_facts facts;         /* as last shown */
    bool fresh;                       /* the index is empty: compare with the whole store */
    uint64_t comparisons;             /* how often that was begun */
    struct map *damaged;   /* mirror_damaged.c: paths → the last comparison that met them */
    uint64_t damaged_more; /* the last comparison that met more than are remembered; 0: none */
    usec_t damaged_next;   /* monotonic: the tree is compared for them; 0: there are none */
    usec_t damaged_seen;   /* monotonic: when it last was */
    usec_t damaged_pause;  /* the next back-off */
    bool root_watched;     /* since then it is, whatever its mode becomes */
    bool blind;            /* some folder is not watched */
    bool blind_now;        /* one was met since the last word about it */
    bool crowded;          /* some folder could not be listed whole */
    bool crowded_now;      /* as blind_now */
    bool unwatched_links;  /* a file that has other names could not be watched itself */
    bool unwatched_now;    /* one was met since the last look at the whole tree began */
    bool unexplained;      /* something was written to under a name that is gone */
    bool seeking;          /* the last look at the whole tree was for that */
    unsigned vain;         /* how many in a row found nothing of that */
    const char *trouble;   /* what the person should know of it; NULL: nothing */
    uint64_t swept_for;    /* the barrier for which the whole tree was last looked at */
    usec_t next_sweep;     /* monotonic */
    usec_t next_mapped;    /* monotonic */
    usec_t next_offer;     /* monotonic */
    struct buf offered;    /* up to this path all was offered again; empty: from the beginning */
    usec_t overflow_next;  /* monotonic: not told before */
    uint64_t mapped_for;   /* the barrier for which they were last looked at */
    struct map *mapped;    /* mirror_mapped.c: their inodes → a mark */
    usec_t mapped_at;      /* when all of them were last known; the same, monotonic */
    usec_t mapped_at_monotonic;
    usec_t retry_at;    /* monotonic; 0: the link is well */
    usec_t pause;       /* the next back-off */
    uint64_t tried_for; /* the barrier for which the store was last asked */
    int wake;           /* eventfd */
    pthread_t thread;
    pthread_t listener; /* waits for changes of others */
    pthread_t unseen;   /* counts what is not read */
    int unseen_over;    /* eventfd, to end it; -1: it does not run */
    atomic_uint looked; /* how often the events were read */
    atomic_bool stop;
    atomic_int choice;        /* enum codi2_choice: the person's word, until it is carried out */
    atomic_bool greeted;      /* the server has heard of us since the link was last lost */
    atomic_bool remote;       /* others changed something */
    atomic_bool came_back;    /* the server was away: it may be another store */
    _Atomic uint64_t applied; /* their changes are applied up to here */
    uint64_t heard;           /* all our own changes up to here are in the index */
    bool ours_stays;          /* of what others deleted something that was changed or made here */
    uint64_t unheard;         /* changes up to here may be ours, and no answer told of them */
    uint64_t seen;            /* others' up to here are applied; at least `applied` */
    struct map *late; /* mirror_own.c: paths of others' changes → version; NULL: there are none */
    bool late_more;   /* there may be more of them */
};

/* mirror_keep.c: what is left out, and says so in the status. */
bool codi2_mirror_ignored(struct codi2_mirror *m, struct str path, bool is_folder);
/* What is left out for another reason than the rules. */
void codi2_mirror_unkept(struct codi2_mirror *m, struct str path, enum codi2_why why);
void codi2_mirror_unkept_if_special(struct codi2_mirror *m, struct str path);
/* What lies deeper than any path of the store is not the store's: it stays, and the stack does not grow with the disk's depth. */
bool codi2_mirror_too_deep(struct str path);
/* A pipe, socket or device that stands at path is no content: it goes for what the store has there, and that is told. */
int codi2_mirror_drop_special(struct codi2_mirror *m, struct str path) BASE_MUST_USE;
void codi2_mirror_kept(struct codi2_mirror *m, struct str path);
/* Left out, and no loss: a program can make it again. */
bool codi2_mirror_makeable(struct codi2_mirror *m, struct str path, bool is_folder);
bool codi2_mirror_is_rule_file(struct str path); /* or the folder of one */
void codi2_mirror_keep_start(struct codi2_mirror *m);
void codi2_mirror_keep_anew(struct codi2_mirror *m); /* the tenant's rules are others */
/* To be called for each path that changed ("" for all) and each folder that was listed, before they are judged. */
void codi2_mirror_keep_seen(struct codi2_mirror *m, struct str path);
void codi2_mirror_keep_listed(struct codi2_mirror *m, struct str folder,
                              const struct codi2_names *names);

/* mirror_rules.c: the tenant's. told: any thread; whether they are to be asked for. */
void codi2_mirror_rules_start(struct codi2_mirror *m);
void codi2_mirror_rules_end(struct codi2_mirror *m);
void codi2_mirror_rules_ask(struct codi2_mirror *m);
uint64_t codi2_mirror_rules_last(
    const struct codi2_mirror *m); /* told; a mark of none if none was */
bool codi2_mirror_rules_told(struct codi2_mirror *m, uint64_t mark);

/* mirror_due.c: what the clock says is to be looked at; how long there is nothing to do, unless something happens. */
void codi2_mirror_due(struct codi2_mirror *m, uint64_t barrier);
void codi2_mirror_seek(struct codi2_mirror *m); /* what was written to under a name that is gone */
int codi2_mirror_patience_ms(const struct codi2_mirror *m);

/* mirror_unseen.c: what changes here while the mirror waits for the server is pending. all_seen: its events were read;
 * overflowed: some never can be. */
int codi2_mirror_unseen_start(struct codi2_mirror *m) BASE_MUST_USE;
void codi2_mirror_unseen_stop(struct codi2_mirror *m);
void codi2_mirror_all_seen(struct codi2_mirror *m);
void codi2_mirror_overflowed(struct codi2_mirror *m);

/* mirror_blind.c: of what there is to say the worst. looked: a look (at the whole tree) is about to be gone through. */
void codi2_mirror_say(struct codi2_mirror *m);
int codi2_mirror_add_watch(struct codi2_mirror *m, struct str path) BASE_MUST_USE;
void codi2_mirror_looked(struct codi2_mirror *m, bool whole);
void codi2_mirror_unwatched(struct codi2_mirror *m); /* one of a file's other names */
void codi2_mirror_crowded(struct codi2_mirror *m, struct str folder, bool broken);

/* mirror.c */
bool codi2_mirror_awaited(const struct codi2_mirror *m); /* a barrier waits */
void codi2_mirror_show(struct codi2_mirror *m, enum codi2_health health);
void codi2_mirror_give_pause(struct codi2_mirror *m, int error); /* before the next try */
/* The whole tree is to be compared with the store, also after a new start, until that has been done. */
int codi2_mirror_start_anew(struct codi2_mirror *m) BASE_MUST_USE;

/*
 * mirror_index.c. open: at the start. good: before each round; one that was found to be damaged is made anew, as if it had been lost.
 * False: that cannot be done now.
 */
int codi2_mirror_index_open(struct codi2_mirror *m) BASE_MUST_USE;
bool codi2_mirror_index_good(struct codi2_mirror *m);

/* A path that is missing. */
struct mirror_deletion {
    struct codi2_step step;
    bool told; /* somebody saw it go */
};

/* One look at what is dirty. */
struct mirror_round {
    struct codi2_mirror *m;
    struct arena *arena;   /* paths: as long as the round */
    struct arena *scratch; /* as long as a path is looked at: there may be many */
    VEC(struct codi2_dirty_path)
    paths; /* to look at, sorted; deep: what is below was listed as well */
    VEC(struct codi2_change) batch;
    size_t batch_bytes; /* as MIRROR_BATCH_BYTES counts them */
    VEC(struct mirror_deletion) deletions;
    VEC(struct str) replaced; /* folders seen to be replaced by others */
    VEC(struct codi2_dirty_path)
    later; /* folders in a known one's place: when moves have claimed that one */
    bool late;
    bool whole; /* the whole tree is looked at: what is missing was not seen going */
    bool full;  /* there is no room in the store: what is deleted goes with what is written */
    VEC(struct str) claimed; /* what moved, and was not told as a move: it is no deletion */
    struct map *undone;      /* paths whose move or change of kind was put off, when full */
};

/* mirror_gather.c: fills paths by what was taken from `dirty`. */
int codi2_mirror_gather(struct mirror_round *r, const struct codi2_dirty_path *taken,
                        size_t count) BASE_MUST_USE;
/* Everything that the index knows below a folder, in order, as it was when its page was read. */
int codi2_mirror_each_below(struct mirror_round *r, struct str folder,
                            void (*each)(struct mirror_round *r, struct str path)) BASE_MUST_USE;

/*
 * mirror_batch.c: a change joins the batch; when full only while there is to be room for deletions (else it is dirty, and comes later).
 * flush: the batch is sent, and empty afterwards; what was not taken is dirty again, or left out and told. flush_whole: if it is as
 * large as may be. put_back: what is in it from there on is dirty again.
 */
void codi2_mirror_enlist(struct mirror_round *r, const struct codi2_change *change);
int codi2_mirror_flush(struct mirror_round *r) BASE_MUST_USE;
int codi2_mirror_flush_whole(struct mirror_round *r) BASE_MUST_USE;
void codi2_mirror_put_back(struct mirror_round *r, size_t from);

/* mirror_push.c: brings what is dirty to the store. What could not be brought is dirty again. */
int codi2_mirror_push(struct codi2_mirror *m) BASE_MUST_USE;

/*
 * mirror_empty.c: whether a file waits, since it is empty, for what is about to be written to it: then it is dirty again.
 */
bool codi2_mirror_waits(struct codi2_mirror *m, const struct codi2_dirty_path *p,
                        const struct codi2_step *step);

/* mirror_quiet.c: whether a file waits to be still; if so, whoever shares its inode is dirty where that is news. */
int codi2_mirror_rests(struct mirror_round *r, const struct codi2_step *step,
                       bool *ret_rests) BASE_MUST_USE;
bool codi2_mirror_is_quiet_owed(const struct codi2_mirror *m); /* a barrier waits for them */
void codi2_mirror_count(struct codi2_mirror *m);               /* into the facts */

/* mirror_links.c: the other names of a file that changed changed with it, and no event tells of them. */
int codi2_mirror_tell_links(struct mirror_round *r, const struct codi2_step *step) BASE_MUST_USE;
/* As codi2_plan; a file that has other names is watched itself before. */
int codi2_mirror_plan(struct mirror_round *r, const struct codi2_dirty_path *p,
                      struct codi2_step *ret_step) BASE_MUST_USE;
void codi2_mirror_seen_file(void *ctx, uint64_t inode);
void codi2_mirror_seen_mapped(struct codi2_mirror *m, const struct codi2_mapped_file *file);

/*
 * mirror_mapped.c: files that are written to through memory. look: all of them, when it is time. doubt: a look of which nothing was
 * read after it. hold: between the look at a file and its reading. is_torn: whether what was read between two looks is to be read again.
 */
void codi2_mirror_look_at_mapped(struct codi2_mirror *m, uint64_t barrier);
void codi2_mirror_doubt(struct codi2_mirror *m, struct codi2_look *look);
void codi2_mirror_hold(struct codi2_mirror *m, int fd, struct codi2_look *look);
bool codi2_mirror_is_torn(struct codi2_mirror *m, const struct codi2_look *before,
                          const struct codi2_look *after);

/*
 * mirror_note.c: sends a batch and brings the answer into the index; what is to be looked at again is dirty. Refused: the store
 * took nothing of it; else its paths are persisted, and conflicts among them are told. Errors of codi2_link_push.
 */
int codi2_mirror_send(struct codi2_mirror *m, const struct codi2_batch *batch,
                      bool *ret_refused) BASE_MUST_USE;

/* mirror_delete.c: sends, holds back or undoes. */
struct mirror_deletions {
    struct mirror_deletion *at; /* sorted by path */
    size_t count;
    const struct str *replaced; /* folders seen to be replaced: what was in them went with them */
    size_t replaced_count;
    bool whole; /* the whole tree was looked at: all that is missing is here */
    int choice; /* comes back: the word that was followed */
};
/* Whether path is below one of these. */
bool codi2_mirror_is_below_any(const struct map *folders, struct str path);
/* Leaves in d those that are to be sent, each with all below it. */
int codi2_mirror_hold_back(struct codi2_mirror *m, struct arena *arena,
                           struct mirror_deletions *d) BASE_MUST_USE;

/* mirror_own.c: the index learns of a change of ours that it has not heard of. */
int codi2_mirror_recall(struct codi2_mirror *m, struct arena *arena,
                        const struct codi2_remote *r) BASE_MUST_USE;
bool codi2_mirror_is_overtaken(const struct codi2_mirror *m, const struct codi2_remotes *changes,
                               size_t at, bool *ret_moved);
/*
 * The same across pages. none_late: a page is about to be read; came_late: others' change r is about to be applied; overtake: r is
 * ours, and the index has heard of it: what came late and the store has moved or deleted with it is not to stay where it is.
 */
void codi2_mirror_none_late(struct codi2_mirror *m);
void codi2_mirror_came_late(struct codi2_mirror *m, const struct codi2_remote *r);
int codi2_mirror_overtake(struct codi2_mirror *m, struct arena *arena,
                          const struct codi2_remote *r) BASE_MUST_USE;

/* mirror_restore.c: compares the whole tree with the store's. */
int codi2_mirror_reconcile(struct codi2_mirror *m) BASE_MUST_USE;

struct mirror_paths { /* a VEC */
    struct str *at;
    size_t n, room;
};
bool codi2_mirror_is_among(const struct mirror_paths *sorted, struct str path);

/* mirror_damaged.c: what the store has at path is not whole; it is, or something else stands there, or is gone with all below. */
int codi2_mirror_damaged(struct codi2_mirror *m, struct str path) BASE_MUST_USE;
int codi2_mirror_mended(struct codi2_mirror *m, struct str path) BASE_MUST_USE;
int codi2_mirror_mended_below(struct codi2_mirror *m, struct str path) BASE_MUST_USE;
bool codi2_mirror_is_damaged_below(const struct codi2_mirror *m, struct str path); /* or at path */
/* We changed something at path, or moved it: what that means for what is damaged there the next comparison finds. */
void codi2_mirror_damage_touched(struct codi2_mirror *m, struct str path);
int codi2_mirror_damage_due(struct codi2_mirror *m) BASE_MUST_USE; /* it may be time to compare */
/* A comparison is over: the index remembers whether one is due at the next start. */
int codi2_mirror_compared(struct codi2_mirror *m) BASE_MUST_USE;

/*
 * mirror_left.c: removes from the disk of which the index was lost what the store has no more; `seen` are the paths that it has,
 * which the disk has as well.
 */
int codi2_mirror_drop_left(struct codi2_mirror *m, const struct mirror_paths *seen) BASE_MUST_USE;
/* Likewise the folder at r's path, if r is something else, and the index was lost. */
int codi2_mirror_drop_left_folder(struct codi2_mirror *m, const struct codi2_remote *r,
                                  bool *ret_stays) BASE_MUST_USE;
bool codi2_mirror_is_index_lost(const struct codi2_mirror *m);

/*
 * mirror_changes.c: brings the store's changes to the disk; those since the last time, or some of them, while `remote` stays. When
 * a barrier waits it is one page; but all up to `unheard`, before anything is sent, whose answer would make them pass for heard,
 * or compared.
 * ERR_RESYNC: compare the whole tree.
 */
int codi2_mirror_pull(struct codi2_mirror *m) BASE_MUST_USE;

/* mirror_pull.c. What stands at a path in the store, or what went from there in this version, with all that is older. */
int codi2_mirror_apply_state(struct codi2_mirror *m, struct arena *arena,
                             const struct codi2_remote *r) BASE_MUST_USE;
int codi2_mirror_apply_deletion(struct codi2_mirror *m, struct arena *arena,
                                const struct codi2_remote *r) BASE_MUST_USE;
int codi2_mirror_apply_move(struct codi2_mirror *m, struct arena *arena,
                            const struct codi2_remote *r) BASE_MUST_USE;

/*
 * mirror_note.c: what took the place of a folder above path was changed by others, too: by what they did below. It is looked at, for
 * the word about that is not to wait for another change of it.
 */
void codi2_mirror_meet_above(struct codi2_mirror *m, struct str path);

/*
 * mirror_merge.c: whether what stands here, and is not what the index knows, differs from it in its mode alone, and r's content is
 * another. merged_mode: what r's content gets here: a mode that was changed here, else r's. leaves_to_pull: the same of a change of
 * ours that met a version of others which is still to be pulled.
 */
bool codi2_mirror_merges(struct codi2_mirror *m, const struct codi2_remote *r,
                         const struct codi2_entry *known, const struct codi2_look *now);
uint32_t codi2_mirror_merged_mode(const struct codi2_remote *r, const struct codi2_look *known,
                                  const struct codi2_look *now);
bool codi2_mirror_leaves_to_pull(struct codi2_mirror *m, const struct codi2_change *change,
                                 uint64_t version);

/*
 * mirror_note.c: what the store has, into the index, and the folders above it that the store made on the way and nobody told of: were one
 * gone here by now, no deletion would ever say so.
 */
int codi2_mirror_enter(struct codi2_mirror *m, const struct codi2_entry *entry) BASE_MUST_USE;

/* mirror_note.c: a notice about path, whose name comes before the words. */
void codi2_mirror_tell(struct codi2_mirror *m, struct str path, const char *what);

/*
 * Where a deletion met a change and the change stays: back, what was deleted here is here again (below: something in it was changed);
 * stays, what was deleted elsewhere. Not in a home, where the last writer wins (ADR 17).
 */
void codi2_mirror_tell_back(struct codi2_mirror *m, struct str path, bool below);
void codi2_mirror_tell_stays(struct codi2_mirror *m, struct str path, enum codi2_kind kind);

/* mirror_note.c: they are applied up to here. */
int codi2_mirror_applied(struct codi2_mirror *m, uint64_t seq) BASE_MUST_USE;

/* mirror_offer.c: when it is time, and there is nothing else to do, some of what is stored is offered again. */
int codi2_mirror_offer(struct codi2_mirror *m) BASE_MUST_USE;

/*
 * mirror_store.c. greet: unless that was done since the link was last lost. When it is another store, or (rolled_back) has less than
 * it had, nothing that the index says is believed any more, and all is compared.
 */
int codi2_mirror_greet(struct codi2_mirror *m) BASE_MUST_USE;
int codi2_mirror_rolled_back(struct codi2_mirror *m) BASE_MUST_USE;

#endif
