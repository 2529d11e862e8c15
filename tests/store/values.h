/* Large values with a letter of their own each, for the tests of the files that they lie in. */
#ifndef VALUES_H
#define VALUES_H

#include "store_test.h"

enum { VALUE = 50000, VALUES = 12, VALUES_SEGMENT = 4 * VALUE }; /* three a segment */

struct values {
    unsigned first, count;
    size_t size;
    bool reserve; /* an operation that may use the reserve */
};

/* cmocka's: a struct store_test with a store of small segments. */
int values_begin(void **state);
int values_end(void **state);
/* store_open's result. disk: in the place of the system's, with the VFS of power_vfs.h; may be NULL. */
int values_try_open(struct store_test *t, const struct store_disk *disk);
void values_open(struct store_test *t, const struct store_disk *disk);

/* One statement on the database, whether it is open or not. */
void values_change(const struct store_test *t, const char *statement);

/* store_write's result. */
int values_try(struct store_test *t, const struct values *v);
/* Asserts that it works. */
void values_put(struct store_test *t, unsigned first, unsigned count, size_t size);
void values_put_all(struct store_test *t); /* one transaction each */
/* 0: it is there with VALUE bytes; ERR_PRECONDITION: with others; else store_read's result. */
int values_get(struct store_test *t, unsigned number);
void values_assert_all(struct store_test *t);

void values_path(const struct store_test *t, unsigned segment, char to[static 128]);
long values_size(const struct store_test *t, unsigned segment); /* -1: there is none */
long values_blocks(size_t values);

#endif
