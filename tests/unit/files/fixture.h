/*
 * What the tests of files share: a store of either driver with two tenants, each with a session, and short forms of calls
 * that are expected to work.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "unit.h"

#include "data/check.h"
#include "files/mirror.h"
#include "files/upkeep.h"

struct fixture {
    struct store *store;
    char directory[32]; /* empty: memory */
    struct arena arena;
    struct data_context ctx;   /* of the first person */
    struct data_context other; /* of somebody in another tenant */
    struct str session;
    struct str second; /* another session of the first person */
    struct str third;  /* what fixture_session made */
    struct str theirs; /* the other's session */
    size_t damaged;    /* what fixture_damage counted, fixture_held read */
    struct files_held held;
};

/* Runs the tests on every driver, each test on a store of its own; what main returns. */
int fixture_run(const struct CMUnitTest *tests, size_t count);

/* One more, in front of whose store faults happen (NULL: none); on the driver of the running test. */
struct fixture *fixture_create(const struct store_faults *faults);
void fixture_destroy(struct fixture *f);

/* A new operation, so that the next call is not taken for a repetition. */
struct data_context *fixture_ctx(struct fixture *f);

struct files_put_input fixture_put(struct fixture *f, struct str path);

/* n bytes from a seed that do not compress, in the arena. */
/* As x into the folder. */
int fixture_move_into(struct fixture *f, struct str from, struct str folder);
struct str fixture_noise(struct fixture *f, size_t n, uint64_t seed);

/* A path of 4,095 bytes, number i of a folder in a folder and so on; or, of as many, a link's target. */
const char *fixture_long(struct fixture *f, unsigned i);

/* A path of so many names of so many bytes. */
struct str fixture_chain(struct fixture *f, char first, size_t length, size_t count);

struct files_entry put(struct fixture *f, const char *path, struct str bytes);
uint64_t drop(struct fixture *f, const char *path);
struct files_entry move(struct fixture *f, const char *from, const char *to);
struct files_entry make(struct fixture *f, const char *path);

/* All bytes of a version (0: the current). */
struct str slurp(struct fixture *f, const char *path, uint64_t version);

/* Everything that is in a session at a moment (0: now), as text, each file read; for mem_free. */
char *fixture_tree(struct fixture *f, struct str session, uint64_t at);

/* One more session of the first person. */
struct str fixture_session(struct fixture *f);

/* The store as data_check sees it: what is wrong, or that nothing is. */
uint64_t fixture_faults(struct fixture *f);
void fixture_check(struct fixture *f);

/* All that nothing names goes at once; how many chunks. */
size_t fixture_collect(struct fixture *f, unsigned spare_hours);

/* Bytes of all chunks and pages of the first tenant, as they are stored. */
size_t fixture_stored(struct fixture *f);

/* The first tenant's chunks and pages are damaged, 100 at most; how many. */
size_t fixture_damage(struct fixture *f);

/* A chunk that nothing names. */
int fixture_chunk(struct data_context *ctx, struct str bytes);

/* What the first tenant has in the store. */
struct files_held fixture_held(struct fixture *f);

/* Keys of a space of the first session; how many numbers stand behind its name in them. */
size_t fixture_keys(struct fixture *f, enum data_space space);
size_t fixture_ids(struct fixture *f, enum data_space space);

/* Retention, until nothing is due any more. */
void fixture_thin(struct fixture *f, const struct files_keep *keep);

/* The versions that the history of a path tells, newest first; how many. */
size_t fixture_versions(struct fixture *f, const char *path, uint64_t *ret_at);

/* The moment that is kept for this one. */
uint64_t fixture_moment(struct fixture *f, uint64_t at);

#define assert_ok(call) assert_int_equal((call), 0)

#endif
