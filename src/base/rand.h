/* Randomness from the kernel (getrandom); a failure ends the process. Thread safe. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *to, size_t n);
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t bound); /* uniform in [0, bound); bound > 0 */

/* Tests only: a repeatable sequence (splitmix64) in place of the kernel's, until rand_test_real. */
void rand_test_seed(uint64_t seed);
void rand_test_real(void);

#endif
