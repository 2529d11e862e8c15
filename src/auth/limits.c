/*
 * Token buckets in memory, by the generic cell rate algorithm: a bucket is one moment, `full_at`, when it would be full
 * again. A token costs per / burst of time; it is granted unless full_at would come to lie more than `per` ahead.
 *
 * 1. The table holds at most AUTH_MAX_BUCKETS; `used` orders them, newest first; the oldest goes when one more comes.
 * 2. Each replica counts for itself.
 * 3. Back-off: who asks again before the moment that a refusal named waits twice as long, but never past full_at, which no refusal
 *    moves: who asks on keeps the others of a network from a full bucket no longer than it takes to fill. Only where the key has
 *    the network of who asks: whoever else shares a bucket (an address that mail goes to, an account) would wait for what
 *    strangers elsewhere do.
 */
#include <arpa/inet.h>

#include "auth/auth_int.h"

struct bucket {
    struct bucket *newer, *older;
    usec_t full_at; /* monotonic */
    usec_t wait;    /* that the last refusal named; 0: none since a token was granted */
    usec_t until;   /* the end of it; <= full_at */
    size_t key_n;
    char key[1 + 160];
};

struct auth_limits {
    struct lock lock;
    struct map *buckets;
    struct bucket *newest, *oldest;
};

struct auth_limits *auth_limits_create(void)
{
    struct auth_limits *l = MEM_NEW(struct auth_limits);
    lock_init(&l->lock, LOCK_CACHE);
    l->buckets = map_create();
    return l;
}

void auth_limits_destroy(struct auth_limits *l)
{
    if (!l) {
        return;
    }
    while (l->newest) {
        struct bucket *b = l->newest;
        l->newest = b->older;
        mem_free(b);
    }
    map_destroy(l->buckets);
    lock_fini(&l->lock);
    mem_free(l);
}

static void bucket_unlink(struct auth_limits *l, struct bucket *b)
{
    *(b->newer ? &b->newer->older : &l->newest) = b->older;
    *(b->older ? &b->older->newer : &l->oldest) = b->newer;
    b->newer = b->older = NULL;
}

static void bucket_push(struct auth_limits *l, struct bucket *b)
{
    b->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = b;
    l->newest = b;
}

/* Kind and key as one text; keys are ids, addresses, or an address of mail and one of the network: never cut in practice. */
static struct str bucket_key(char to[static 161], enum auth_limit_kind kind, struct str key)
{
    to[0] = (char)('a' + (int)kind);
    if (key.n <= 160) {
        if (key.n > 0) {
            memcpy(to + 1, key.p, key.n);
        }
        return str_of(to, key.n + 1);
    }
    /* A hash keeps two long keys apart. */
    uint64_t hash = map_hash(key);
    memcpy(to + 1, key.p, 152);
    memcpy(to + 153, &hash, sizeof hash);
    return str_of(to, 161);
}

static const bool backs_off[AUTH_LIMIT_KINDS] = {
    [AUTH_LIMIT_REGISTER] = true,
    [AUTH_LIMIT_LOGIN] = true,
    [AUTH_LIMIT_PASSWORD] = true,
    [AUTH_LIMIT_CODE] = true,
};

static struct bucket *bucket_locked(struct auth_limits *l, struct str key)
{
    lock_assert_held(&l->lock);
    struct bucket *b = map_get(l->buckets, key);
    if (b) {
        bucket_unlink(l, b);
    } else {
        if (map_count(l->buckets) >= AUTH_MAX_BUCKETS) {
            struct bucket *old = l->oldest;
            bucket_unlink(l, old);
            (void)map_remove(l->buckets, str_of(old->key, old->key_n));
            mem_free(old);
        }
        b = MEM_NEW(struct bucket);
        memcpy(b->key, key.p, key.n);
        b->key_n = key.n;
        (void)map_put(l->buckets, key, b);
    }
    bucket_push(l, b);
    return b;
}

/* For how long the bucket, which has a token `needed` from now, refuses; 0: it grants. */
static usec_t wait_of(struct bucket *b, enum auth_limit_kind kind, usec_t needed, usec_t now)
{
    if (!backs_off[kind]) {
        return needed > 0 ? needed : 0;
    }
    if (needed <= 0 && b->until <= now) {
        b->wait = 0;
        return 0;
    }
    usec_t longer = 2 * b->wait > needed ? 2 * b->wait : needed;
    usec_t filled = b->full_at - now;
    b->wait = longer < filled ? longer : filled;
    b->until = now + b->wait;
    return b->wait;
}

static usec_t up_to_ms(usec_t t)
{
    return (t + USEC_PER_MS - 1) / USEC_PER_MS;
}

int auth_limit(struct auth *a, enum auth_limit_kind kind, struct str key,
               struct auth_limit_state *ret_state)
{
    ASSERT_MAGIC(a, AUTH_MAGIC);
    ASSERT(kind < AUTH_LIMIT_KINDS);
    struct auth_rate rate = a->rates[kind];
    struct auth_limit_state state = {.limit = rate.burst, .remaining = rate.burst};
    usec_t wait = 0;
    if (rate.burst > 0) {
        char text[161];
        struct str name = bucket_key(text, kind, key);
        usec_t step = rate.per / rate.burst > 0 ? rate.per / rate.burst : 1;
        LOCK_SCOPE(&a->limits->lock);
        usec_t now = time_monotonic();
        struct bucket *b = bucket_locked(a->limits, name);
        usec_t full_at = (b->full_at > now ? b->full_at : now) + step;
        wait = wait_of(b, kind, full_at - now - step * rate.burst, now);
        b->full_at = wait == 0 ? full_at : b->full_at;
        state.remaining = wait == 0 ? (uint32_t)((step * rate.burst - (full_at - now)) / step) : 0;
        state.reset_ms = up_to_ms(b->full_at - now);
        state.retry_after_ms = up_to_ms(wait);
    }
    if (ret_state) {
        *ret_state = state;
    }
    return wait == 0 ? 0 : ERR_RATE_LIMITED;
}

int auth_limit_request(struct auth *a, struct data_context *ctx, enum auth_limit_kind kind,
                       struct str key)
{
    struct auth_limit_state state;
    int r = auth_limit(a, kind, key, &state);
    if (r < 0) {
        ctx->fault = (struct data_fault){.retry_after_ms = state.retry_after_ms};
    }
    if (r < 0 || ctx->limit.limit == 0) {
        ctx->limit = (struct data_limit){state.limit, state.remaining, state.reset_ms};
    }
    return r;
}

void auth_limit_return(struct auth *a, enum auth_limit_kind kind, struct str key)
{
    struct auth_rate rate = a->rates[kind];
    if (rate.burst == 0) {
        return;
    }
    char text[161];
    struct str name = bucket_key(text, kind, key);
    LOCK_SCOPE(&a->limits->lock);
    struct bucket *b = map_get(a->limits->buckets, name);
    if (b) {
        b->full_at -= rate.per / rate.burst;
        b->wait = b->until = 0;
    }
}

size_t auth_limits_count(struct auth *a)
{
    LOCK_SCOPE(&a->limits->lock);
    return map_count(a->limits->buckets);
}

struct str auth_limit_network(struct arena *arena, struct str address)
{
    char text[INET6_ADDRSTRLEN] = {0};
    struct in6_addr a;
    if (address.n >= sizeof text) {
        return address;
    }
    memcpy(text, address.p ? address.p : "", address.n);
    if (inet_pton(AF_INET6, text, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a)) {
        return address;
    }
    memset(&a.s6_addr[8], 0, 8);
    return arena_printf(arena, "%s/64", inet_ntop(AF_INET6, &a, text, sizeof text));
}

struct str auth_limit_of(const struct data_context *ctx, struct str whose)
{
    return arena_printf(ctx->arena, STR_FMT " " STR_FMT,
                        STR_ARG(auth_limit_network(ctx->arena, ctx->client.address)),
                        STR_ARG(whose));
}
