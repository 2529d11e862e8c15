/* Text forms of bytes: hexadecimal, base64 and base64url (RFC 4648), Crockford's base32 for ids. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

void encode_hex(struct buf *b, struct str bytes); /* lower case */
/*
 * The readers append all bytes or none. ERR_INVALID; ERR_TOO_LARGE when b is full (sticky, see buf.h).
 */
int encode_unhex(struct buf *b, struct str text) BASE_MUST_USE; /* either case */

void encode_base64(struct buf *b, struct str bytes);    /* with padding */
void encode_base64url(struct buf *b, struct str bytes); /* without padding */

/* Strict: no white space, right padding (base64) or none (base64url), unused bits zero. */
int encode_unbase64(struct buf *b, struct str text) BASE_MUST_USE;
int encode_unbase64url(struct buf *b, struct str text) BASE_MUST_USE;

/* bits of value, most significant first, 5 a character, digits 0-9 a-z without i l o u; bits divisible by 5, <= 60; value fits. */
void encode_base32(struct buf *b, uint64_t value, unsigned bits);

#endif
