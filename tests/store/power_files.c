/*
 * Invariants
 *  1. file.now is what reads return; file.disk is what surely survives; pending is what lies between, oldest first.
 *  2. file.name is what it is called; file.kept is the name that surely survives. One without any is gone.
 *  3. After a cut nothing changes any disk any more.
 *
 * A sync makes the pending writes of its file durable at once; a cut in the middle of it keeps a random part. Writes of
 * different files are pending independently of one another, so any order among files can be lost; so are names.
 */
#include "power_files.h"

#include "base/assert.h"
#include "base/mem.h"
#include "store_test.h"

enum { SECTOR = 512 };

struct power_files power_files;

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

static void resize(struct power_bytes *b, size_t n)
{
    if (n > b->n) {
        if (n > b->room) {
            b->room = 2 * n;
            b->p = mem_grow(b->p, b->room);
        }
        memset(b->p + b->n, 0, n - b->n);
    }
    b->n = n;
}

static void overwrite(struct power_bytes *b, size_t at, const char *p, size_t n)
{
    if (at + n > b->n) {
        resize(b, at + n);
    }
    memcpy(b->p + at, p, n);
}

static void assign(struct power_bytes *to, const struct power_bytes *from)
{
    resize(to, from->n);
    if (from->n > 0) {
        memcpy(to->p, from->p, from->n);
    }
}

static void forget_pending(struct power_file *f)
{
    for (size_t i = 0; i < f->pending.n; i++) {
        mem_free(f->pending.at[i].data.p);
    }
    f->pending.n = 0;
}

/* ---- a cut --------------------------------------------------------------------------------------------------------- */

/* Applies a random part of a write, sector by sector of the file. */
static void tear(struct power_file *f, const struct power_pending *p)
{
    if (p->truncation) {
        if (store_test_random(&power_files.random) % 2) {
            resize(&f->disk, p->at);
        }
        return;
    }
    uint64_t fate = store_test_random(&power_files.random) %
                    4; /* 0: all dropped, 1: all kept, else each sector its own */
    for (size_t at = p->at; at < p->at + p->data.n;) {
        size_t end = (at / SECTOR + 1) * SECTOR;
        end = end < p->at + p->data.n ? end : p->at + p->data.n;
        if (fate == 1 || (fate > 1 && store_test_random(&power_files.random) % 2)) {
            overwrite(&f->disk, at, p->data.p + (at - p->at), end - at);
        }
        at = end;
    }
}

/* Of two files that would have one name the newer one has it: the older was removed before. */
static void settle_names(void)
{
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        bool pending = strcmp(f->name, f->kept) != 0;
        if (pending && store_test_random(&power_files.random) % 2) {
            memcpy(f->kept, f->name, sizeof f->kept);
        }
    }
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        bool back = f->kept[0] && !f->name[0];
        for (size_t k = 0; k < POWER_MOST_FILES && back; k++) {
            back = k == i || strcmp(power_files.files[k].kept, f->kept) != 0;
        }
        if (!back && !f->name[0]) {
            f->kept[0] = '\0';
        }
        memcpy(f->name, f->kept, sizeof f->name);
    }
}

static void cut_locked(void)
{
    if (power_files.cut) {
        return;
    }
    power_files.cut = true;
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        for (size_t k = 0; k < f->pending.n; k++) {
            tear(f, &f->pending.at[k]);
        }
        forget_pending(f);
    }
    settle_names();
}

/* Counts towards the cut. False: the power is gone. */
static bool powered(void)
{
    if (!power_files.cut && power_files.countdown > 0 && --power_files.countdown == 0) {
        cut_locked();
    }
    return !power_files.cut;
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

void power_file_drop(struct power_file *f)
{
    forget_pending(f);
    VEC_FREE(&f->pending);
    for (size_t i = 0; i < POWER_MOST_REGIONS; i++) {
        mem_free(f->regions[i]);
    }
    mem_free(f->now.p);
    mem_free(f->disk.p);
    memset(f, 0, sizeof *f);
}

struct power_file *power_file_find(const char *name, bool make)
{
    struct power_file *empty = NULL;
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        if (strcmp(f->name, name) == 0) {
            return f;
        }
        if (!f->name[0] && !f->kept[0] && f->opened == 0 && !empty) {
            empty = f;
        }
    }
    if (!make) {
        return NULL;
    }
    ASSERT(empty && strlen(name) < sizeof empty->name);
    power_file_drop(empty);
    (void)snprintf(empty->name, sizeof empty->name, "%s", name);
    (void)snprintf(empty->kept, sizeof empty->kept, "%s", name);
    return empty;
}

int power_file_make(const char *name)
{
    if (power_files.cut || power_file_find(name, /* make= */ false)) {
        return SQLITE_CANTOPEN;
    }
    power_file_find(name, /* make= */ true)->kept[0] = '\0';
    return powered() ? SQLITE_OK : SQLITE_CANTOPEN;
}

int power_file_remove(const char *name)
{
    struct power_file *f = power_files.cut ? NULL : power_file_find(name, /* make= */ false);
    if (!f) {
        return SQLITE_CANTOPEN;
    }
    f->name[0] = '\0';
    return powered() ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static bool sync_fails(void)
{
    if (power_files.passing_syncs > 0) {
        power_files.passing_syncs--;
        return false;
    }
    bool fails = power_files.failing_syncs > 0;
    power_files.failing_syncs -= fails;
    return fails;
}

int power_file_sync_names(void)
{
    if (!powered()) {
        return SQLITE_IOERR_DIR_FSYNC;
    }
    if (sync_fails()) {
        return SQLITE_IOERR_DIR_FSYNC;
    }
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        memcpy(f->kept, f->name, sizeof f->kept);
    }
    return SQLITE_OK;
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

int power_file_write(struct power_file *f, const void *p, size_t n, size_t at)
{
    bool no_room = power_files.full && at + n > f->now.n && !strstr(f->name, "-wal");
    if (power_files.cut || no_room) {
        return power_files.cut ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    }
    overwrite(&f->now, at, p, n);
    VEC_ADD(&f->pending, (struct power_pending){.at = at, .data = {mem_dup(p, n), n, n}});
    return powered() ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int power_file_truncate(struct power_file *f, size_t size)
{
    if (power_files.cut) {
        return SQLITE_IOERR_TRUNCATE;
    }
    resize(&f->now, size);
    VEC_ADD(&f->pending, (struct power_pending){.truncation = true, .at = size});
    return powered() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int power_file_sync(struct power_file *f)
{
    if (!powered()) {
        return SQLITE_IOERR_FSYNC;
    }
    if (sync_fails()) {
        forget_pending(f); /* reads go on seeing them, the disk never will */
        return SQLITE_IOERR_FSYNC;
    }
    for (size_t i = 0; i < f->pending.n; i++) {
        const struct power_pending *p = &f->pending.at[i];
        if (p->truncation) {
            resize(&f->disk, p->at);
        } else {
            overwrite(&f->disk, p->at, p->data.p, p->data.n);
        }
    }
    forget_pending(f);
    return SQLITE_OK;
}

/* ---- the power ----------------------------------------------------------------------------------------------------- */

void power_files_reset(uint64_t seed)
{
    if (!power_files.ready) {
        lock_init(&power_files.lock, LOCK_TEST);
        power_files.ready = true;
    }
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        ASSERT(power_files.files[i].opened == 0);
        power_file_drop(&power_files.files[i]);
    }
    power_files.random = seed;
    power_files.countdown = 0;
    power_files.failing_syncs = power_files.passing_syncs = 0;
    power_files.full = false;
    power_files.cut = false;
}

void power_cut_after(uint64_t n)
{
    LOCK_SCOPE(&power_files.lock);
    power_files.countdown = n;
}

bool power_is_cut(void)
{
    LOCK_SCOPE(&power_files.lock);
    return power_files.cut;
}

void power_cut(void)
{
    LOCK_SCOPE(&power_files.lock);
    cut_locked();
}

void power_on(void)
{
    LOCK_SCOPE(&power_files.lock);
    for (size_t i = 0; i < POWER_MOST_FILES; i++) {
        struct power_file *f = &power_files.files[i];
        ASSERT(f->opened == 0);
        assign(&f->now, &f->disk);
    }
    power_files.cut = false;
    power_files.countdown = 0;
}

void power_fail(unsigned syncs, bool full)
{
    LOCK_SCOPE(&power_files.lock);
    power_files.failing_syncs = syncs;
    power_files.full = full;
}

void power_fail_behind(unsigned passing)
{
    LOCK_SCOPE(&power_files.lock);
    power_files.failing_syncs = 1;
    power_files.passing_syncs = passing;
}
