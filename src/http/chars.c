/*
 * Classes of characters in one table, made from the grammar's own lists.
 * CHAR_TARGET is wider than RFC 3986: browsers send some of what it would have escaped ("|", "[", "^" …). White space,
 * controls, non-ASCII bytes, '"', '<', '>', '#' and '\' are refused; nobody sends those by accident.
 */
#include "http/http_int.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static unsigned char classes[256];

__attribute__((constructor)) static void fill(void)
{
    static const struct {
        const char *chars;
        unsigned char class;
    } lists[] = {
        {LETTERS_DIGITS "!#$%&'*+-.^_`|~", CHAR_TOKEN},
        {LETTERS_DIGITS "-._~!$&'()*+,;=:@/?%|[]^`{}", CHAR_TARGET},
        {LETTERS_DIGITS "-._", CHAR_HOST},
        {LETTERS_DIGITS "!#$%&'()*+-./:<=>?@[]^_`{|}~", CHAR_COOKIE},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const char *c = lists[i].chars; *c; c++) {
            classes[(unsigned char)*c] |= lists[i].class;
        }
    }
    for (int c = 0x20; c < 256; c++) {
        classes[c] |= c == 0x7f ? 0 : CHAR_VALUE;
    }
    classes['\t'] |= CHAR_VALUE;
}

bool http_chars_is(char c, unsigned class)
{
    return classes[(unsigned char)c] & class;
}

bool http_chars_all(struct str s, unsigned class)
{
    unsigned char all = (unsigned char)class;
    for (size_t i = 0; i < s.n; i++) {
        all &= classes[(unsigned char)s.p[i]];
    }
    return all != 0;
}

int http_chars_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
