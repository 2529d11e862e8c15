/* Inside workspaces/: how what is wanted becomes what is. */
#ifndef WORKSPACES_KEEPER_INT_H
#define WORKSPACES_KEEPER_INT_H

#include "data/data.h"
#include "workspaces/workspaces.h"

/* ---- report.c: what codi2 says about itself (src/wire/README.md, POST /wire/status) ---- */

enum report_state {
    REPORT_NONE, /* nothing was heard yet */
    REPORT_RESTORING,
    REPORT_IDE,   /* the trees are whole, the IDE does not listen yet */
    REPORT_READY, /* the trees are whole; whether all is persisted is told by pending */
};

enum { REPORT_MESSAGE = 300, REPORT_AWAKE = 200 };

struct report {
    enum report_state state;
    int64_t generation;
    int64_t done, total; /* restored files */
    int64_t pending;
    int64_t pending_ms; /* how long the oldest of them has been; 0: not said */
    int64_t quiet;      /* files that are in no other number: stored once they are still */
    int64_t held_back;
    int64_t failed;  /* files that could not be stored or restored, whatever comes of the others */
    int64_t damaged; /* of them, those of which the store has only what is damaged */
    int64_t idle_ms; /* since something last kept it awake; 0: something does, or it is not known */
    bool works;      /* a process keeps it awake, not only that somebody was there a moment ago */
    char awake[REPORT_AWAKE + 1];
    char message[REPORT_MESSAGE + 1];
    char trouble[REPORT_MESSAGE + 1]; /* unlike a message nothing that merely happened */
    usec_t at;                        /* monotonic */
};

/* All but generation and at. ERR_INVALID: not an object with a known "state". */
int workspaces_report_read(struct arena *arena, struct str text,
                           struct report *ret_report) BASE_MUST_USE;

/* ---- lag.c: since when something may be in a workspace that the store has not; no side effects ---- */

/* Times monotonic, 0: not. Begins with all of them 0. */
struct lag {
    usec_t heard_at; /* the last word, of this run */
    usec_t since;    /* by that word */
    usec_t before;   /* of a run or a comparison before, until all is stored */
    bool was_ready;  /* this run: it has compared its tree with the store once */
};

/* 0: nothing is known to be. said: the last word, NULL when it is old. */
usec_t workspaces_lag(struct lag *lag, const struct report *said, usec_t now);

/* Its process is another one from now on. */
void workspaces_lag_restart(struct lag *lag);

/* All workspaces of a turn. Begins with 0. */
struct behind {
    usec_t since;  /* the oldest of their lags */
    uint64_t late; /* how many have one of more than 60 s */
};

/* since: its lag. Who has failed waits for a person, and is counted among the states. */
void workspaces_behind_add(struct behind *b, usec_t since, bool failed, usec_t now);

/* ---- decide.c: one workspace, one moment, no side effects ---- */

struct facts {
    /* the record */
    bool wanted;        /* running */
    bool failed;        /* given up under this generation */
    int64_t generation; /* of the latest start */
    /* the machine */
    enum workspaces_phase phase;
    int64_t running_generation;
    /* the keeper's memory of this generation; times monotonic, 0: not */
    usec_t now;
    usec_t seen_since;        /* this process was first seen */
    usec_t asked_at;          /* this process was asked to end */
    usec_t not_before;        /* of the next start */
    unsigned failures;        /* in a row */
    bool counted;             /* the end of the process that this generation had is among them */
    enum report_state report; /* of this generation, less than a minute old */
    bool crowded;             /* as many as this machine starts at once are starting */
    bool disk_low;            /* the machine's */
};

enum step {
    STEP_NOTHING,
    STEP_START,
    STEP_STOP,     /* ask it to end: it persists first */
    STEP_KILL,     /* it does not answer or does not end */
    STEP_BACK_OFF, /* it ended unasked: count, and start again later */
    STEP_GIVE_UP,  /* too often */
};

struct decision {
    enum step step;
    enum data_workspace_state state; /* to be shown */
    const char *words;               /* the step in words for the person; NULL: none */
};

enum { KEEPER_MAX_FAILURES = 5 };

struct decision workspaces_decide(const struct facts *facts);

/* How long after the n-th failure in a row the next start waits. */
usec_t workspaces_back_off(unsigned failures);

/* ---- keeper_store.c ---- */

/* A record that is looked after; strings in arena. */
struct attended {
    struct scope scope; /* tenant and user */
    struct data_workspace record;
};

struct attended_list {
    struct attended *at;
    size_t n;
    bool passed; /* not all: the record of one cannot be read */
};

int workspaces_attended(struct store *store, struct arena *arena,
                        struct attended_list *ret_list) BASE_MUST_USE;

/* What the record shows from now on. */
struct shown {
    enum data_workspace_state state;
    struct str step, error, message, trouble, awake;
    int64_t done, total, pending, quiet, held_back, failed, damaged;
    usec_t pauses_at;
    bool connected;
};

/* True when the record shows something else. */
bool workspaces_differs(const struct data_workspace *record, const struct shown *shown);

/* Unless something else is wanted by now (then nothing is changed, and 0). */
int workspaces_show(struct store *store, const struct attended *a,
                    const struct shown *shown) BASE_MUST_USE;

/* A start's own generation, and whom it runs as. ERR_STALE: something else is wanted by now. */
struct claim {
    uid_t uid; /* a candidate, used unless the workspace has one; ERR_EXISTS: it is another's */
    bool want_uid;
    int64_t generation; /* result */
    uid_t result;       /* result */
    struct str name;    /* result: the session's, in arena */
};
int workspaces_claim(struct store *store, struct arena *arena, const struct attended *a,
                     struct claim *claim) BASE_MUST_USE;

/* ---- keeper_turn.c ---- */

enum { KEEPER_ERROR = 500 };

/* What is remembered of a session between turns. */
struct kept {
    int64_t generation; /* that all this is about */
    bool mine;          /* started here, or seen alive, and its end not yet counted */
    usec_t started_at;
    usec_t seen_since;
    usec_t asked_at;
    usec_t not_before;
    unsigned failures;
    bool pressed;    /* paused for the disk's sake */
    bool owner_in;   /* when that was last looked at: a device or a key of its owner was there */
    usec_t owner_at; /* monotonic: then */
    struct lag lag;
    char error[KEEPER_ERROR + 1];
    uint64_t turn; /* in which it was last looked at */
};

struct turn {
    const struct workspaces_keeper_options *options;
    struct arena *arena;
    const struct attended *a;
    struct kept *m;
    bool reported;
    struct report report; /* when reported */
    bool crowded;         /* see struct facts */
    bool disk_low;
    bool starting;                     /* result: it takes a start's place in the crowd */
    struct workspaces_process process; /* found out in the turn */
};

/* Looks, decides, does one step, and writes what people are shown. */
void workspaces_look_after(struct turn *t);

/* Wanted stopped from now on, as if the person had paused it; reason is for the log. */
int workspaces_pause(const struct workspaces_keeper_options *options, const struct attended *a,
                     const char *reason) BASE_MUST_USE;

/* ---- keeper_space.c: a disk that is almost full ---- */

/* The running workspace that holds most, when one is to be paused now. NULL: none. */
const struct attended *workspaces_largest(struct store *store, const struct attended_list *list);

#endif
