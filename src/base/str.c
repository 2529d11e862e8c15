#include "base/str.h"

#include "base/assert.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool str_in_nocase(struct str s, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq_nocase(s, str_from(*words))) {
            return true;
        }
    }
    return false;
}

bool str_is_word(struct str s, size_t most)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return s.n > 0 && s.n <= most;
}

bool str_eq_constant(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.n; i++) {
        difference = (unsigned char)(difference | (a.p[i] ^ b.p[i]));
    }
    return difference == 0;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_slice(s, s.n - suffix.n, s.n), suffix);
}

size_t str_find(struct str s, char c, size_t from)
{
    if (from >= s.n) {
        return s.n;
    }
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : s.n;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.n) {
        to = s.n;
    }
    if (from >= to) {
        return str_of(s.p ? s.p + to : NULL, 0);
    }
    return str_of(s.p + from, to - from);
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = str_slice(s, 1, s.n);
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

bool str_split(struct str *rest, char separator, struct str *ret_part)
{
    if (rest->p == NULL) {
        return false;
    }
    size_t at = str_find(*rest, separator, 0);
    *ret_part = str_of(rest->p, at);
    *rest = at < rest->n ? str_of(rest->p + at + 1, rest->n - at - 1) : STR_EMPTY;
    return true;
}

int str_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
    if (s.n == 0) {
        return ERR_INVALID;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return ERR_INVALID;
        }
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (digit > max || value > (max - digit) / 10) {
            return ERR_INVALID;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return 0;
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the sequence that may start with this byte, or 0. */
static size_t utf8_length_by_first(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Table 3-7 of the Unicode Standard: only the second byte's bounds depend on the first. */
static bool utf8_second_fits(unsigned char first, unsigned char second)
{
    unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= most;
}

size_t str_utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t length = s.n > 0 ? utf8_length_by_first(p[0]) : 0;
    if (length <= 1) {
        return length;
    }
    if (length > s.n || !utf8_second_fits(p[0], p[1])) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

size_t str_utf8_prefix(struct str s)
{
    size_t at = 0;
    while (at < s.n) {
        size_t length = (signed char)s.p[at] >= 0 ? 1 : str_utf8_length(str_slice(s, at, s.n));
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

bool str_is_utf8(struct str s)
{
    return str_utf8_prefix(s) == s.n;
}

size_t str_put_utf8(char ret_bytes[static 4], uint32_t code)
{
    ASSERT(code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF));
    if (code < 0x80) {
        ret_bytes[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        ret_bytes[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    ret_bytes[0] = (char)((0xF00 >> length & 0xF0) | code);
    return length;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Row by row of the table of all fronts of a and b. */
size_t str_distance(struct str a, struct str b)
{
    size_t row[STR_DISTANCE_MOST + 1];
    ASSERT(b.n <= STR_DISTANCE_MOST);
    for (size_t j = 0; j <= b.n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t changed = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}
