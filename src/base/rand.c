/*
 * Randomness comes from the kernel at every call: it is fast enough for ids and keys, and there is no state that a fork could
 * repeat.
 */
#include "base/rand.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"

static _Atomic bool seeded;
static _Atomic uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014): a counter and a mixing function, so that threads may share it without a lock. */
static uint64_t next_test_value(void)
{
    uint64_t z = atomic_fetch_add(&state, 0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void fill_from_test(unsigned char *to, size_t n)
{
    while (n > 0) {
        uint64_t value = next_test_value();
        size_t part = n < sizeof value ? n : sizeof value;
        memcpy(to, &value, part);
        to += part;
        n -= part;
    }
}

void rand_bytes(void *to, size_t n)
{
    unsigned char *at = to;
    if (atomic_load(&seeded)) {
        fill_from_test(at, n);
        return;
    }
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        at += got;
        n -= (size_t)got;
    }
}

uint64_t rand_u64(void)
{
    uint64_t value;
    rand_bytes(&value, sizeof value);
    return value;
}

uint64_t rand_below(uint64_t bound)
{
    ASSERT(bound > 0);
    /* The first 2^64 mod bound values are refused: what is left is a whole number of rounds. */
    uint64_t refused = (0 - bound) % bound;
    uint64_t value;
    do {
        value = rand_u64();
    } while (value < refused);
    return value % bound;
}

void rand_test_seed(uint64_t seed)
{
    atomic_store(&state, seed);
    atomic_store(&seeded, true);
}

void rand_test_real(void)
{
    atomic_store(&seeded, false);
}
