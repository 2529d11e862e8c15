/*
 * Patterns of gitignore(5) against names and paths. No recursion, no backtracking beyond the latest star: the time is
 * bounded by pattern length times path length, whatever a repository's .gitignore says.
 *
 * In a name: * any bytes, ? one byte, [a-z] [!a-z] [[:digit:]] one byte of a class, \x the byte x. In a path, ** alone between slashes is
 * any number of names; at the end it is at least one.
 */
#include <ctype.h>

#include "content/content_int.h"

/* The named classes of POSIX, of ASCII alone as git has them. */
static bool is_of(struct str name, uint8_t c)
{
    static const struct {
        const char *name;
        int (*has)(int c);
    } kinds[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
                 {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
                 {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_eq(name, str_from(kinds[i].name))) {
            return c < 0x80 && kinds[i].has(c);
        }
    }
    return false;
}

/* The bytes of "[:name:]" at pattern.p[at], or 0: there is none. */
static size_t named_match(struct str pattern, size_t at, uint8_t c, bool *ret_in)
{
    size_t end = str_find(pattern, ']', at);
    bool named = end < pattern.n && end >= at + 3 && pattern.p[at] == '[' &&
                 pattern.p[at + 1] == ':' && pattern.p[end - 1] == ':';
    if (!named) {
        return 0;
    }
    *ret_in = is_of(str_slice(pattern, at + 2, end - 1), c);
    return end + 1 - at;
}

/* Length of the byte or range that starts at pattern.p[at], of which there is at least one byte. */
static size_t range_match(struct str pattern, size_t at, uint8_t c, bool *ret_in)
{
    size_t i = at;
    if (pattern.p[i] == '\\' && i + 1 < pattern.n) {
        i++;
    }
    uint8_t low = (uint8_t)pattern.p[i++];
    uint8_t high = low;
    if (i + 1 < pattern.n && pattern.p[i] == '-' && pattern.p[i + 1] != ']') {
        i += pattern.p[i + 1] == '\\' && i + 2 < pattern.n ? 2 : 1;
        high = (uint8_t)pattern.p[i++];
    }
    *ret_in = c >= low && c <= high;
    return i - at;
}

/* Length of the class that starts at pattern.p[at] == '[' or 0 when it has no end; *ret_in: whether c is in it. */
static size_t class_match(struct str pattern, size_t at, uint8_t c, bool *ret_in)
{
    size_t i = at + 1;
    bool negated = i < pattern.n && (pattern.p[i] == '!' || pattern.p[i] == '^');
    i += negated;
    bool in = false;
    for (bool first = true; i < pattern.n; first = false) {
        if (pattern.p[i] == ']' && !first) {
            *ret_in = in != negated;
            return i + 1 - at;
        }
        bool one_in = false;
        size_t named = named_match(pattern, i, c, &one_in);
        i += named > 0 ? named : range_match(pattern, i, c, &one_in);
        in = in || one_in;
    }
    return 0;
}

/* Bytes of pattern at `at` that match the one byte c; 0: they do not. Not called for a star. */
static size_t one_match(struct str pattern, size_t at, uint8_t c)
{
    if (at >= pattern.n) {
        return 0;
    }
    switch (pattern.p[at]) {
    case '?':
        return 1;
    case '[': {
        bool in = false;
        size_t length = class_match(pattern, at, c, &in);
        if (length > 0) {
            return in ? length : 0;
        }
        return c == '[';
    }
    case '\\':
        if (at + 1 < pattern.n) {
            return (uint8_t)pattern.p[at + 1] == c ? 2 : 0;
        }
        return 0;
    default:
        return (uint8_t)pattern.p[at] == c;
    }
}

bool content_glob_name(struct str pattern, struct str name)
{
    size_t p = 0;
    size_t i = 0;
    size_t star = SIZE_MAX; /* place behind the latest star */
    size_t star_i = 0;      /* how far that star reaches now */
    while (i < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            star_i = i;
            continue;
        }
        size_t taken = one_match(pattern, p, (uint8_t)name.p[i]);
        if (taken > 0) {
            p += taken;
            i++;
        } else if (star != SIZE_MAX) {
            p = star;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool content_glob_path(struct str pattern, struct str path)
{
    struct str rest_pattern = pattern;
    struct str rest = path;
    struct str star = STR_EMPTY; /* patterns behind the latest ** ; p NULL: none yet */
    struct str star_rest = STR_EMPTY;
    while (rest.p) {
        struct str behind = rest_pattern;
        struct str part = STR_EMPTY;
        bool some = str_split(&behind, '/', &part);
        if (some && str_eq(part, STR("**"))) {
            if (!behind.p) {
                return true; /* at the end: everything that is left, which is at least one name */
            }
            star = rest_pattern = behind;
            star_rest = rest;
            continue;
        }
        struct str after = rest;
        struct str name;
        (void)str_split(&after, '/', &name);
        if (some && content_glob_name(part, name)) {
            rest_pattern = behind;
            rest = after;
        } else if (star.p) {
            (void)str_split(&star_rest, '/', &name);
            rest = star_rest;
            rest_pattern = star;
        } else {
            return false;
        }
    }
    return !rest_pattern.p;
}
