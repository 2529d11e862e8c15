#include "codi2/saves.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/time.h"

enum { SAVES_MAGIC = 0x73617665 };

struct save {
    char *path; /* NULL: a free place */
    size_t n;
    struct content_hash hash;
    usec_t at; /* monotonic: when it was last named */
};

struct codi2_saves {
    unsigned magic;
    struct lock lock;
    struct save at[CODI2_MAX_SAVES]; /* a ring */
    size_t next;
};

struct codi2_saves *codi2_saves_create(void)
{
    struct codi2_saves *s = MEM_NEW(struct codi2_saves);
    s->magic = SAVES_MAGIC;
    lock_init(&s->lock, LOCK_SAVES);
    return s;
}

static void forget(struct save *save)
{
    mem_free(save->path);
    *save = (struct save){0};
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
    struct save *save = find_locked(s, path, hash);
    if (!save) {
        save = &s->at[s->next];
        s->next = (s->next + 1) % CODI2_MAX_SAVES;
        forget(save);
        *save = (struct save){.path = mem_dup(path.p, path.n), .n = path.n, .hash = *hash};
    }
    save->at = time_monotonic();
}

bool codi2_saves_has(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    return find_locked(s, path, hash) != NULL;
}

bool codi2_saves_is_recent(struct codi2_saves *s, struct str path)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    usec_t since = time_monotonic() - CODI2_SAVE_S * USEC_PER_SEC;
    for (size_t i = 0; i < CODI2_MAX_SAVES; i++) {
        const struct save *save = &s->at[i];
        if (save->path && save->at > since && str_eq(str_of(save->path, save->n), path)) {
            return true;
        }
    }
    return false;
}

void codi2_saves_done(struct codi2_saves *s, struct str path, const struct content_hash *hash)
{
    ASSERT_MAGIC(s, SAVES_MAGIC);
    LOCK_SCOPE(&s->lock);
    struct save *save = find_locked(s, path, hash);
    if (save) {
        forget(save);
    }
}
