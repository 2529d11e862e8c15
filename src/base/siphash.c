#include "base/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t load(const unsigned char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)p[i] << (8 * i);
    }
    return word;
}

static void rounds(struct state *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t siphash(const unsigned char key[static SIPHASH_KEY], struct str s)
{
    uint64_t k0 = load(key, 8);
    uint64_t k1 = load(key + 8, 8);
    struct state state = {
        k0 ^ 0x736F6D6570736575u,
        k1 ^ 0x646F72616E646F6Du,
        k0 ^ 0x6C7967656E657261u,
        k1 ^ 0x7465646279746573u,
    };
    const unsigned char *at = (const unsigned char *)s.p;
    size_t left = s.n;
    for (; left >= 8; left -= 8, at += 8) {
        absorb(&state, load(at, 8));
    }
    absorb(&state, load(at, left) | (uint64_t)(s.n & 0xFF) << 56);
    state.v2 ^= 0xFF;
    rounds(&state, 4);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
