/*
 * What logins are measured against: Argon2id with the parameters of src/auth/password.c, verified by as many threads as are named,
 * for so many seconds, and nothing else. Prints verifications per second and what each cost.
 *     argon2 THREADS SECONDS
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/time.h"

enum { OPS = 2, MEMORY = 19 << 20, MOST_THREADS = 256 };

static const char password[] = "a password of theirs";
static char hash[crypto_pwhash_STRBYTES];

struct worker {
    pthread_t thread;
    usec_t end;
    unsigned long count;
};

static void *run(void *ctx)
{
    struct worker *w = ctx;
    while (time_monotonic() < w->end) {
        if (crypto_pwhash_str_verify(hash, password, strlen(password)) != 0) {
            abort();
        }
        w->count++;
    }
    return NULL;
}

static double us(struct timeval t)
{
    return (double)t.tv_sec * USEC_PER_SEC + (double)t.tv_usec;
}

static void print(unsigned long count, usec_t took)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("{\"rate\":%.2f,\"cpu_us\":%.0f,\"kernel_us\":%.0f}\n",
                 (double)count * USEC_PER_SEC / (double)took,
                 (us(used.ru_utime) + us(used.ru_stime)) / (double)count,
                 us(used.ru_stime) / (double)count);
}

int main(int argc, char **argv)
{
    unsigned long threads = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long seconds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    static struct worker workers[MOST_THREADS];
    if (threads < 1 || threads > MOST_THREADS || seconds < 1 || sodium_init() < 0 ||
        crypto_pwhash_str_alg(hash, password, strlen(password), OPS, MEMORY,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        (void)fprintf(stderr, "usage: argon2 THREADS SECONDS\n");
        return 2;
    }
    usec_t begin = time_monotonic();
    for (unsigned long i = 0; i < threads; i++) {
        workers[i].end = begin + (usec_t)seconds * USEC_PER_SEC;
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) {
            abort();
        }
    }
    unsigned long count = 0;
    for (unsigned long i = 0; i < threads; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        count += workers[i].count;
    }
    print(count, time_monotonic() - begin);
    return 0;
}
