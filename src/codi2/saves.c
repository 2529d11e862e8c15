#include "codi2/saves.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/time.h"

enum { SAVES_MAGIC = 0x73617665 };

struct save {
    char *path; /* NULL: a free place */
    size_t n;
    struct content_hash hash;
};

/* Until the store has it, or a round that began long after it left the path clean. */
struct owed {
    struct content_hash hash; /* of what was named last */
    usec_t at;                /* monotonic: when */
};

struct codi2_saves {
    unsigned magic;
    struct lock lock;
    struct save at[CODI2_MAX_SAVES]; /* a ring */
    size_t next;
    struct map *owed; /* path → struct owed */
    bool all;         /* more than there is room for: every path, until none is left */
};

struct codi2_saves *codi2_saves_create(void)
{
    struct codi2_saves *s = MEM_NEW(struct codi2_saves);
    s->magic = SAVES_MAGIC;
    lock_init(&s->lock, LOCK_SAVES);
    s->owed = map_create();
    return s;
}

static void forget(struct save *save)
{
    mem_free(save->path);
    *save = (struct save){0};
}

static void forgive(struct codi2_saves *s, struct str path)
{
    mem_free(map_remove(s->owed, path));
    s->all = s->all && map_count(s->owed) > 0;
}

static void owe(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    struct owed *owed = map_get(s->owed, path);
    if (!owed && map_count(s->owed) >= CODI2_MAX_SAVES) {
        s->all = true;
        return;
    }
    if (!owed) {
        owed = MEM_NEW(struct owed);
        (void)map_put(s->owed, path, owed);
    }
    *owed = (struct owed){*hash, time_monotonic()};
}

void codi2_saves_destroy(struct codi2_saves *s)
{
    if (!s) {
        return;
    }
    ASSERT_MAGIC(s, SAVES_MAGIC);
    for (size_t i = 0; i < CODI2_MAX_SAVES; i++) {
        forget(&s->at[i]);
    }
    size_t position = 0;
    struct str path;
    void *owed;
    while (map_next(s->owed, &position, &path, &owed)) {
        mem_free(owed);
    }
    map_destroy(s->owed);
    lock_fini(&s->lock);
    s->magic = 0;
    mem_free(s);
}

static struct save *find_locked(struct codi2_saves *s, struct str path,
                                const struct content_hash *hash)
{
    lock_assert_held(&s->lock);
    for (size_t i = 0; i < CODI2_MAX_SAVES; i++) {
        struct save *save = &s->at[i];
        if (save->path && str_eq(str_of(save->path, save->n), path) &&
            content_hash_eq(&save->hash, hash)) {
            return save;
        }
    }
    return NULL;
}

void codi2_saves_add(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    owe(s, path, hash);
    if (!find_locked(s, path, hash)) {
        struct save *save = &s->at[s->next];
        s->next = (s->next + 1) % CODI2_MAX_SAVES;
        forget(save);
        *save = (struct save){.path = mem_dup(path.p, path.n), .n = path.n, .hash = *hash};
    }
}

bool codi2_saves_has(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    return find_locked(s, path, hash) != NULL;
}

bool codi2_saves_is_owed(struct codi2_saves *s, struct str path)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    return s->all || map_get(s->owed, path);
}

void codi2_saves_settle(struct codi2_saves *s, const struct codi2_dirty *dirty)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    usec_t since = time_monotonic() - CODI2_SAVE_S * USEC_PER_SEC;
    size_t position = 0;
    struct str path;
    void *value;
    while (!codi2_dirty_is_all(dirty) && map_next(s->owed, &position, &path, &value)) {
        const struct owed *owed = value;
        if (owed->at <= since && !codi2_dirty_has(dirty, path)) {
            forgive(s, path);
        }
    }
}

void codi2_saves_done(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    struct save *save = find_locked(s, path, hash);
    if (save) {
        forget(save);
    }
    const struct owed *owed = map_get(s->owed, path);
    if (owed && content_hash_eq(&owed->hash, hash)) {
        forgive(s, path);
    }
}
