/* What the tests of backups share: a store whose pairs they know, and where its backups lie. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "unit.h"

#include "backup/backup_int.h"
#include "store/store.h"

enum {
    PATH_ROOM = 512,
    CHUNKS = 60, /* that it begins with */
};

struct place {
    char root[64], store[96], backup[96], again[96];
    struct store *open;
};

/* Setup and teardown. */
int begin(void **state);
int end(void **state);
void open_place(struct place *p); /* after store_close */

/* "c/" and the hash of what the value holds. */
bool content(struct str key, struct content_hash *ret_hash);

void put(struct place *p, struct str key, struct str value); /* STR_EMPTY: it goes */
void put_record(struct place *p, unsigned i, const char *value);
/* The i-th piece of content, the same each time. false: it goes. */
void put_chunk(struct place *p, unsigned i, bool there);
void spoil_chunk(struct place *p, unsigned i); /* the store holds something else there */

struct backup_report back_up(struct place *p, unsigned keep);
/* With what was found damaged written anew. */
struct backup_report heal(struct place *p, const struct backup_harms *harms);
/* Into p->again, of the newest that is not later than moment (NULL). */
void restore(struct place *p, const char *moment);
/* Both stores hold the same, but for the epoch. */
void same(const char *one, const char *other);
/* Of the backup's, those whose names end so. */
unsigned files(const struct place *p, const char *end);
/* Any of the packs. */
void any_pack(const struct place *p, char ret_path[static PATH_ROOM]);
/* A byte within the n-th frame of this type. */
uint64_t frame_in(const char *path, enum backup_type type, unsigned n);
void turn_bit(const char *path, uint64_t at);

#endif
