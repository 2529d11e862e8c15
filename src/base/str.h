/*
 * Borrowed strings: a pointer and a length, any bytes, never freed, no NUL expected. They live as long as what they point
 * into; whoever keeps one makes a copy (arena_str, mem_dup). The empty string may have p == NULL.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_EMPTY ((struct str){NULL, 0})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const void *p, size_t n)
{
    return (struct str){p, n};
}

static inline struct str str_from(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_in_nocase(struct str s,
                   const char *const *words); /* is one of them; behind the last: NULL */
bool str_is_word(struct str s, size_t most);  /* one to so many ASCII letters, digits, _ and - */
bool str_eq_constant(struct str a,
                     struct str b);      /* time depends on the lengths alone: for secrets */
int str_cmp(struct str a, struct str b); /* byte order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Position of the first c at or after from, or s.n. */
size_t str_find(struct str s, char c, size_t from);

/* Bytes [from, to); both are clamped to the length. */
struct str str_slice(struct str s, size_t from, size_t to);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/*
 * Takes the part of *rest before the first separator and moves *rest behind it. False when *rest is exhausted; "a," gives
 * "a" and "". *rest is exhausted when its p is NULL.
 */
bool str_split(struct str *rest, char separator, struct str *ret_part);

/* Decimal digits only, no sign, no space, at most max. ERR_INVALID else. */
int str_u64(struct str s, uint64_t max, uint64_t *ret_value) BASE_MUST_USE;

/* How many bytes must be put in, taken out or changed to make b of a (Levenshtein): to name the nearest of some words. */
enum { STR_DISTANCE_MOST = 63 }; /* bytes of b */
size_t str_distance(struct str a, struct str b);

int str_hex_digit(char c); /* 0 to 15, or -1; either case */

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool str_is_utf8(struct str s);
size_t str_utf8_prefix(struct str s); /* bytes of the longest well-formed front */

/* Bytes (1 to 4) of the well-formed UTF-8 sequence that s starts with; 0 when there is none or s is empty. */
size_t str_utf8_length(struct str s);

/* The code point, at most U+10FFFF and no surrogate (asserted), as UTF-8; the number of bytes. */
size_t str_put_utf8(char ret_bytes[static 4], uint32_t code);

#endif
