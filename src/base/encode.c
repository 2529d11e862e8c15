#include "base/encode.h"

#include "base/assert.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void encode_hex(struct buf *b, struct str bytes)
{
    char *to = buf_reserve(b, bytes.n * 2);
    if (!to) {
        return;
    }
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char byte = (unsigned char)bytes.p[i];
        to[2 * i] = hex_digits[byte >> 4];
        to[2 * i + 1] = hex_digits[byte & 15];
    }
    buf_commit(b, bytes.n * 2);
}

int encode_unhex(struct buf *b, struct str text)
{
    if (text.n % 2 != 0) {
        return ERR_INVALID;
    }
    char *to = buf_reserve(b, text.n / 2);
    if (!to) {
        return b->error;
    }
    for (size_t i = 0; i < text.n; i += 2) {
        int high = str_hex_digit(text.p[i]);
        int low = str_hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) {
            return ERR_INVALID;
        }
        to[i / 2] = (char)(high << 4 | low);
    }
    buf_commit(b, text.n / 2);
    return 0;
}

/* Characters of n bytes without padding. */
static size_t base64_length(size_t n)
{
    return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

static void put_base64(struct buf *b, struct str bytes, const char *digits)
{
    char *to = buf_reserve(b, base64_length(bytes.n));
    if (!to) {
        return;
    }
    const unsigned char *p = (const unsigned char *)bytes.p;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        bits = bits << 8 | p[i];
        for (have += 8; have >= 6; have -= 6) {
            *to++ = digits[bits >> (have - 6) & 63];
        }
    }
    if (have > 0) {
        *to++ = digits[bits << (6 - have) & 63];
    }
    buf_commit(b, base64_length(bytes.n));
}

void encode_base64(struct buf *b, struct str bytes)
{
    put_base64(b, bytes, base64_digits);
    for (size_t i = bytes.n % 3; i == 1 || i == 2; i++) {
        buf_byte(b, '=');
    }
}

void encode_base64url(struct buf *b, struct str bytes)
{
    put_base64(b, bytes, base64url_digits);
}

/* What both alphabets share, each value one higher, so that 0 is none: in random text, comparisons are mispredicted. */
static const uint8_t base64_shared[256] = {
    ['A'] = 1, 2,  3,  4,  5,          6,  7,  8,  9,  10, 11,         12, 13, 14, 15, 16,
    17,        18, 19, 20, 21,         22, 23, 24, 25, 26, ['a'] = 27, 28, 29, 30, 31, 32,
    33,        34, 35, 36, 37,         38, 39, 40, 41, 42, 43,         44, 45, 46, 47, 48,
    49,        50, 51, 52, ['0'] = 53, 54, 55, 56, 57, 58, 59,         60, 61, 62};

/* 0 to 63, or -1. */
static int base64_value(char c, const char *digits)
{
    int value = base64_shared[(unsigned char)c] - 1;
    return value >= 0 ? value : c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

/* Four characters, three bytes; -1: one of them is no digit. */
static int base64_four(const char *p, const char *digits)
{
    int a = base64_value(p[0], digits);
    int b = base64_value(p[1], digits);
    int c = base64_value(p[2], digits);
    int d = base64_value(p[3], digits);
    return (a | b | c | d) < 0 ? -1 : a << 18 | b << 12 | c << 6 | d;
}

/* text without padding. */
static int take_base64(struct buf *b, struct str text, const char *digits)
{
    if (text.n % 4 == 1) {
        return ERR_INVALID;
    }
    size_t length = text.n * 3 / 4;
    char *to = buf_reserve(b, length);
    if (!to) {
        return b->error;
    }
    size_t at = 0;
    for (; text.n - at >= 4; at += 4) {
        int three = base64_four(text.p + at, digits);
        if (three < 0) {
            return ERR_INVALID;
        }
        *to++ = (char)(three >> 16);
        *to++ = (char)(three >> 8 & 0xFF);
        *to++ = (char)(three & 0xFF);
    }
    uint32_t bits = 0;
    unsigned have = 0;
    for (; at < text.n; at++) {
        int value = base64_value(text.p[at], digits);
        if (value < 0) {
            return ERR_INVALID;
        }
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (char)(bits >> have & 0xFF);
        }
    }
    if ((bits & ((1u << have) - 1)) != 0) {
        return ERR_INVALID; /* two texts would stand for the same bytes */
    }
    buf_commit(b, length);
    return 0;
}

int encode_unbase64(struct buf *b, struct str text)
{
    if (text.n % 4 != 0) {
        return ERR_INVALID;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=') {
        padding++;
    }
    return take_base64(b, str_slice(text, 0, text.n - padding), base64_digits);
}

int encode_unbase64url(struct buf *b, struct str text)
{
    return take_base64(b, text, base64url_digits);
}

void encode_base32(struct buf *b, uint64_t value, unsigned bits)
{
    ASSERT(bits > 0 && bits <= 60 && bits % 5 == 0);
    ASSERT(value >> bits == 0);
    for (unsigned left = bits; left > 0; left -= 5) {
        buf_byte(b, base32_digits[value >> (left - 5) & 31]);
    }
}
