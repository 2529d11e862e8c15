/* SipHash-2-4 with 64 bits of output (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012). */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/str.h"

enum { SIPHASH_KEY = 16 };

uint64_t siphash(const unsigned char key[static SIPHASH_KEY], struct str s);

#endif
