/*
 * The pairs lie densely in an array, in no order; an open-addressing table of 32-bit numbers leads from hashes to them. Going
 * through a map is thus a walk over an array, from its end, so that removing the pair in hand only moves one already seen.
 *
 * Invariants
 * 1. slots[i] is 0 (free) or 1 + the index of a pair; every pair stands in exactly one slot.
 * 2. Between a pair's home slot (hash & mask) and its slot no slot is free: removal shifts later pairs back, there are no
 *    tombstones.
 * 3. At most three quarters of the slots are taken, so that every search ends.
 */
#include "base/map.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/siphash.h"
#include "base/vec.h"

enum { MAGIC = 0x6D617031, FIRST_SLOTS = 16, MOST_SLOTS = 1 << 30 };

struct pair {
    uint64_t hash;
    struct str key; /* owned */
    void *value;
};

struct map {
    uint32_t magic;
    uint32_t mask; /* number of slots - 1 */
    uint32_t *slots;
    VEC(struct pair) pairs;
};

static unsigned char hash_key[SIPHASH_KEY];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    rand_bytes(hash_key, sizeof hash_key);
}

uint64_t map_hash(struct str key)
{
    (void)pthread_once(&hash_key_once, make_hash_key);
    return siphash(hash_key, key);
}

struct map *map_create(void)
{
    struct map *m = MEM_NEW(struct map);
    m->magic = MAGIC;
    m->mask = FIRST_SLOTS - 1;
    m->slots = mem_alloc(FIRST_SLOTS * sizeof *m->slots);
    return m;
}

void map_destroy(struct map *m)
{
    if (!m) {
        return;
    }
    ASSERT_MAGIC(m, MAGIC);
    for (size_t i = 0; i < m->pairs.n; i++) {
        mem_free((void *)m->pairs.at[i].key.p);
    }
    VEC_FREE(&m->pairs);
    mem_free(m->slots);
    m->magic = 0;
    mem_free(m);
}

size_t map_count(const struct map *m)
{
    ASSERT_MAGIC(m, MAGIC);
    return m->pairs.n;
}

/* The slot of the key, or the free slot where it would go. */
static uint32_t find_slot(const struct map *m, struct str key, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & m->mask;
    while (m->slots[slot] != 0) {
        const struct pair *pair = &m->pairs.at[m->slots[slot] - 1];
        if (pair->hash == hash && str_eq(pair->key, key)) {
            break;
        }
        slot = (slot + 1) & m->mask;
    }
    return slot;
}

/* The slot that leads to the pair at index. */
static uint32_t slot_of_index(const struct map *m, size_t index)
{
    uint32_t slot = (uint32_t)m->pairs.at[index].hash & m->mask;
    while (m->slots[slot] != index + 1) {
        slot = (slot + 1) & m->mask;
    }
    return slot;
}

static void grow(struct map *m)
{
    ASSERT(m->mask < MOST_SLOTS - 1);
    mem_free(m->slots);
    m->mask = m->mask * 2 + 1;
    m->slots = mem_alloc(((size_t)m->mask + 1) * sizeof *m->slots);
    for (size_t i = 0; i < m->pairs.n; i++) {
        uint32_t slot = (uint32_t)m->pairs.at[i].hash & m->mask;
        while (m->slots[slot] != 0) {
            slot = (slot + 1) & m->mask;
        }
        m->slots[slot] = (uint32_t)i + 1;
    }
}

void *map_get(const struct map *m, struct str key)
{
    ASSERT_MAGIC(m, MAGIC);
    uint32_t slot = find_slot(m, key, map_hash(key));
    return m->slots[slot] ? m->pairs.at[m->slots[slot] - 1].value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    ASSERT_MAGIC(m, MAGIC);
    ASSERT(value != NULL);
    uint64_t hash = map_hash(key);
    uint32_t slot = find_slot(m, key, hash);
    if (m->slots[slot] != 0) {
        struct pair *pair = &m->pairs.at[m->slots[slot] - 1];
        void *old = pair->value;
        pair->value = value;
        return old;
    }
    if ((m->pairs.n + 1) * 4 > ((size_t)m->mask + 1) * 3) {
        grow(m);
        slot = find_slot(m, key, hash);
    }
    VEC_ADD(&m->pairs, (struct pair){hash, str_of(mem_dup(key.p, key.n), key.n), value});
    m->slots[slot] = (uint32_t)m->pairs.n;
    return NULL;
}

/* Frees the slot and moves back every pair behind it that may stand nearer to its home. */
static void free_slot(struct map *m, uint32_t hole)
{
    uint32_t slot = hole;
    for (;;) {
        slot = (slot + 1) & m->mask;
        if (m->slots[slot] == 0) {
            break;
        }
        uint32_t home = (uint32_t)m->pairs.at[m->slots[slot] - 1].hash & m->mask;
        if (((slot - home) & m->mask) >= ((slot - hole) & m->mask)) {
            m->slots[hole] = m->slots[slot];
            hole = slot;
        }
    }
    m->slots[hole] = 0;
}

void *map_remove(struct map *m, struct str key)
{
    ASSERT_MAGIC(m, MAGIC);
    uint32_t slot = find_slot(m, key, map_hash(key));
    if (m->slots[slot] == 0) {
        return NULL;
    }
    size_t index = m->slots[slot] - 1;
    size_t last = m->pairs.n - 1;
    struct pair removed = m->pairs.at[index];
    free_slot(m, slot);
    if (index != last) {
        m->slots[slot_of_index(m, last)] = (uint32_t)index + 1;
    }
    VEC_REMOVE_UNORDERED(&m->pairs, index);
    mem_free((void *)removed.key.p);
    return removed.value;
}

bool map_next(const struct map *m, size_t *position, struct str *ret_key, void **ret_value)
{
    ASSERT_MAGIC(m, MAGIC);
    /* position: 0 at the start, else 1 + the index returned last. */
    size_t index = *position ? *position - 1 : m->pairs.n;
    if (index == 0) {
        return false;
    }
    index--;
    ASSERT(index < m->pairs.n); /* more than the pair in hand was removed */
    *position = index + 1;
    *ret_key = m->pairs.at[index].key;
    *ret_value = m->pairs.at[index].value;
    return true;
}
