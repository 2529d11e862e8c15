/* The checker: whether what a store holds fits together. Each owner of a space judges the keys in it. */
#ifndef DATA_CHECK_H
#define DATA_CHECK_H

#include "data/data.h"

struct data_report {
    uint64_t keys, records, indexes; /* looked at */
    uint64_t faults;
    VEC(char *) lines; /* the first 100 faults in words; freed by data_report_fini */
};

/*
 * For a key that is judged by more than one transaction reads: what its judge knows so far. A judge that sets more is asked of the same
 * key again, in a later snapshot, with what it left here. All zero at first.
 */
struct data_slice {
    bool more;
    uint64_t sum;
    char cursor[DATA_MAX_CURSOR + 1];
};

/* A key of a space that holds no records, for whoever owns the space; or a record, or a secret, for who knows what it must fit. */
struct data_found {
    struct txn *txn;
    const struct scope *scope;    /* whose; NULL of g/key/… and g/bell/… */
    enum data_space space;        /* of a record, or of those, DATA_SPACE_COUNT */
    const struct data_type *type; /* NULL: it is no record */
    const void *record;
    uint64_t version; /* that it is stored as */
    struct str rest;  /* of the key, behind the space, or behind "g/" */
    struct str value;
    struct data_slice *slice;
};

/* Sets *ret_fault (static) when something is wrong with it. Negative: the store could not be read. */
typedef int data_judge(const struct data_found *found, const char **ret_fault);

/* For judges: whether the person that a record is of is there. */
int data_judge_person(const struct data_found *found, struct str user_id,
                      const char **ret_fault) BASE_MUST_USE;

/*
 * Walks the whole store and proves that every record is well-formed and under its own key, that every index entry has its
 * record and every record its index entries, that what a record says exists does, that kept numbers are right, that every key is
 * of a known space of an existing tenant, that what lies under a session, a person or a conversation has that, and what judge
 * says of records and of keys that are none (NULL: nothing). A snapshot per page, so that it can run beside writers: every fault is
 * judged within one snapshot, or in several when what the earlier ones showed cannot change. Returns 0 also when there are faults.
 */
int data_check(struct store *store, data_judge *judge,
               struct data_report *ret_report) BASE_MUST_USE;

/* The same, telling after each page how far it is. What page answers below 0 ends the walk, and is returned. */
struct data_watch {
    int (*page)(void *ctx, const struct data_report *so_far);
    void *ctx;
};
int data_check_watched(struct store *store, data_judge *judge, const struct data_watch *watch,
                       struct data_report *ret_report) BASE_MUST_USE;
void data_report_fini(struct data_report *report);

#endif
