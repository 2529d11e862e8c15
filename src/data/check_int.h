/*
 * Inside the checker: what is in hand while it walks, and how a fault is said.
 */
#ifndef DATA_CHECK_INT_H
#define DATA_CHECK_INT_H

#include "data/check.h"
#include "data/data_int.h"

struct check {
    struct arena *arena; /* lives as long as the check: cursor and tenant */
    data_judge *judge;   /* NULL: none */
    struct data_report *report;
    struct txn *txn;           /* of the page in hand */
    struct data_report before; /* the report as the page in hand found it */
    struct str from, end;      /* what is still to be looked at */
    struct str next;           /* where the next page begins */
    bool done;
    struct data_slice slice;        /* of the key in hand */
    struct data_slice slice_before; /* as the page in hand found it */
    char tenant[DATA_ID_ROOM];      /* the last one that was found to exist */
    char tree[DATA_ID_ROOM];        /* and the last session, or person, within it */
};

void data_check_fault(struct check *c, struct str key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- check_names.c: each tells a fault of its key, if there is one ---- */

void data_check_schema(struct check *c, const struct store_pair *pair); /* g/schema/{record} */
void data_check_name(struct check *c, struct str key);                  /* g/key/…, g/bell/… */
void data_check_feed(struct check *c, const struct store_pair *pair);

#endif
