/*
 * A hash map from byte strings to pointers. Copies its keys; the values belong to the caller. SipHash-2-4 (Aumasson and
 * Bernstein) under a random key per process, so that a client cannot choose collisions. Used by one thread at a time.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map;

struct map *map_create(void);
void map_destroy(struct map *m); /* NULL allowed; the values are not touched */

size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL when absent */

/* Sets the value (not NULL) and returns the one that stood there, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_remove(struct map *m, struct str key); /* the removed value or NULL */

/* Goes through all pairs in no order; *position starts at 0. The pair just returned may be removed meanwhile. */
bool map_next(const struct map *m, size_t *position, struct str *ret_key, void **ret_value);

uint64_t map_hash(struct str key); /* the keyed hash, for other tables */

#endif
