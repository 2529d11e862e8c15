/*
 * Token buckets in a table of constant size: a client can neither make it grow nor, by using many addresses, push out the
 * bucket of another client that is being held back.
 *
 * The table is an array of sets of WAYS buckets. A key belongs to one set by its keyed hash (base/map.h), which also stands
 * for the key itself: two keys with the same 64 bits share a bucket. When a set is full the bucket with the most tokens goes,
 * since forgetting a full bucket changes nothing and forgetting a nearly full one little.
 *
 * Tokens are counted in microseconds of refill: a request costs `cost` = window / requests, a full bucket holds the window.
 * The process counts for itself; with several replicas each allows the rate.
 */
#include <arpa/inet.h>

#include "api/api_int.h"
#include "base/map.h"

enum { SETS = 4096, WAYS = 8, SHARDS = 16, MAGIC = 0x6c696d74 };

struct bucket {
    uint64_t key; /* 0: free */
    usec_t tokens;
    usec_t window; /* most tokens */
    usec_t at;     /* when tokens were counted */
};

struct api_limiter {
    unsigned magic;
    uint32_t factor;
    struct lock locks[SHARDS]; /* of the sets with this number modulo SHARDS */
    struct bucket buckets[SETS][WAYS];
};

struct api_limiter *api_limiter_create(uint32_t factor)
{
    ASSERT(factor >= 1);
    struct api_limiter *l = MEM_NEW(struct api_limiter);
    l->magic = MAGIC;
    l->factor = factor;
    for (int i = 0; i < SHARDS; i++) {
        lock_init(&l->locks[i], LOCK_CACHE);
    }
    return l;
}

void api_limiter_destroy(struct api_limiter *l)
{
    if (l == NULL) {
        return;
    }
    ASSERT_MAGIC(l, MAGIC);
    for (int i = 0; i < SHARDS; i++) {
        lock_fini(&l->locks[i]);
    }
    l->magic = 0;
    mem_free(l);
}

static void refill(struct bucket *b, usec_t now)
{
    usec_t passed = now - b->at;
    if (passed <= 0) {
        return;
    }
    b->tokens = passed >= b->window - b->tokens ? b->window : b->tokens + passed;
    b->at = now;
}

/* The bucket of key in the set, made in the place of the fullest one when there is none. */
static struct bucket *find_bucket(struct bucket *set, uint64_t key, usec_t window, usec_t now)
{
    struct bucket *victim = &set[0];
    for (int i = 0; i < WAYS; i++) {
        struct bucket *b = &set[i];
        if (b->key == key) {
            refill(b, now);
            return b;
        }
        if (b->key == 0) {
            victim = b;
            continue;
        }
        refill(b, now);
        if (victim->key != 0 && b->window - b->tokens < victim->window - victim->tokens) {
            victim = b;
        }
    }
    *victim = (struct bucket){.key = key, .tokens = window, .window = window, .at = now};
    return victim;
}

uint64_t api_limit_planned(const struct data_quota *quota, enum api_rate_class rate)
{
    switch (rate) {
    case API_RATE_USER:
        return quota->requests;
    case API_RATE_FILES:
        return quota->file_requests;
    case API_RATE_SOCKETS:
        return quota->socket_requests;
    default:
        return 0;
    }
}

uint32_t api_limiter_most(const struct api_limiter *l, const struct api_limit_ask *ask)
{
    ASSERT_MAGIC(l, MAGIC);
    uint32_t requests = api_rates[ask->rate].requests;
    if (requests == 0 || ask->requests == 0) {
        return requests * l->factor;
    }
    return ask->requests < UINT32_MAX ? (uint32_t)ask->requests : UINT32_MAX;
}

struct api_limit_result api_limiter_take(struct api_limiter *l, const struct api_limit_ask *ask,
                                         usec_t now)
{
    ASSERT_MAGIC(l, MAGIC);
    uint32_t limit = api_limiter_most(l, ask);
    if (limit == 0) {
        return (struct api_limit_result){.allowed = true};
    }
    char name[96];
    size_t n = ask->who.n < sizeof name - 1 ? ask->who.n : sizeof name - 1;
    name[0] = (char)('A' + (int)ask->rate);
    memcpy(name + 1, ask->who.p, n);
    uint64_t key = map_hash(str_of(name, n + 1)) | 1;

    usec_t window = api_rates[ask->rate].seconds * USEC_PER_SEC;
    usec_t cost = window > limit ? window / limit : 1;
    size_t set = (size_t)(key >> 32) % SETS;
    LOCK_SCOPE(&l->locks[set % SHARDS]);
    struct bucket *b = find_bucket(l->buckets[set], key, window, now);
    bool allowed = b->tokens >= cost;
    if (allowed) {
        b->tokens -= cost;
    }
    usec_t wait = allowed ? 0 : cost - b->tokens;
    return (struct api_limit_result){
        .allowed = allowed,
        .limit = limit,
        .remaining = (uint32_t)(b->tokens / cost),
        .reset_s = (uint32_t)((window - b->tokens + USEC_PER_SEC - 1) / USEC_PER_SEC),
        .retry_s = (uint32_t)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC),
    };
}

struct str api_limit_address(struct arena *arena, struct str peer)
{
    struct in6_addr address;
    struct str z = arena_str(arena, peer);
    if (inet_pton(AF_INET6, z.p, &address) != 1) {
        return peer;
    }
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        return str_of(arena_str(arena, str_of(&address.s6_addr[12], 4)).p, 4);
    }
    return str_of(arena_str(arena, str_of(address.s6_addr, 8)).p, 8);
}
