/*
 * Names of a zip archive that libarchive (3.6) reads otherwise: where a name has backslashes and no slash it takes them for slashes,
 * whoever made the entry. Only Windows means that. So the archive's list is read for such names of other systems (PKWARE's APPNOTE
 * 4.3.12 and 4.4.2), and they are given back.
 *
 * What this list is not understood of is left to libarchive, which judges the archive as a whole.
 */
#include <string.h>
#include <unistd.h>

#include "api/archive_int.h"
#include "base/map.h"

enum {
    END_RECORD = 22,
    MAX_COMMENT = 65535,
    LOCATOR64 = 20,
    END_RECORD64 = 56,
    LIST_RECORD = 46,
    MAX_NAME = 65535,
    MAX_KEPT = 1024 * 1024, /* bytes of names in memory */
    WINDOWS = 0,            /* or MS-DOS: the host system of an entry */
};

static uint64_t number(const uint8_t *from, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = bytes; i > 0; i--) {
        n = n << 8 | from[i - 1];
    }
    return n;
}

static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
    return at <= INT64_MAX && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

/* Where the list begins. The end record is the last one whose comment reaches to the end. */
static bool find_list(int fd, uint64_t size, uint64_t *ret_at)
{
    uint8_t tail[END_RECORD + MAX_COMMENT];
    size_t n = size < sizeof tail ? (size_t)size : sizeof tail;
    if (n < END_RECORD || !read_at(fd, tail, n, size - n)) {
        return false;
    }
    size_t at = n - END_RECORD;
    while (memcmp(tail + at, "PK\5\6", 4) != 0 ||
           number(tail + at + 20, 2) != n - END_RECORD - at) {
        if (at-- == 0) {
            return false;
        }
    }
    uint8_t more[END_RECORD64];
    uint64_t end = size - n + at;
    *ret_at = number(tail + at + 16, 4);
    if (*ret_at != UINT32_MAX || end < LOCATOR64 ||
        !read_at(fd, more, LOCATOR64, end - LOCATOR64) || memcmp(more, "PK\6\7", 4) != 0) {
        return true;
    }
    bool found = read_at(fd, more, END_RECORD64, number(more + 8, 8));
    *ret_at = found ? number(more + 48, 8) : *ret_at;
    return found;
}

/* One entry of the list. */
typedef int visit(struct api_unpack_names *names, struct str name, bool windows);

static int keep(struct api_unpack_names *names, struct str name, bool windows)
{
    size_t slash = str_find(name, '/', 0);
    size_t backslash = str_find(name, '\\', 0);
    if (windows || slash < name.n || backslash == name.n) {
        return 0;
    }
    names->bytes += name.n;
    if (names->bytes > MAX_KEPT) {
        return ERR_TOO_LARGE;
    }
    char *original = arena_alloc(&names->arena, name.n + 1);
    char *taken = arena_alloc(&names->arena, name.n);
    for (size_t i = 0; i < name.n; i++) {
        original[i] = name.p[i];
        taken[i] = name.p[i] == '\\' ? '/' : name.p[i];
    }
    original[name.n] = '\0';
    (void)map_put(names->map, str_of(taken, name.n), original);
    return 0;
}

/* Of two entries that libarchive calls by one name nobody can say which is which. */
static int tell_apart(struct api_unpack_names *names, struct str name, bool windows)
{
    bool slash = windows || str_find(name, '/', 0) < name.n;
    return slash && map_get(names->map, name) ? ERR_INVALID : 0;
}

static int walk(struct api_unpack_names *names, int fd, uint64_t at, visit *each)
{
    uint8_t head[LIST_RECORD];
    char name[MAX_NAME];
    int r = 0;
    for (size_t i = 0; r == 0 && i <= API_UNPACK_MAX_ENTRIES; i++) {
        if (!read_at(fd, head, LIST_RECORD, at) || memcmp(head, "PK\1\2", 4) != 0) {
            break;
        }
        size_t n = number(head + 28, 2);
        if (read_at(fd, name, n, at + LIST_RECORD)) {
            r = each(names, str_of(name, n), head[5] == WINDOWS);
        }
        at += LIST_RECORD + n + number(head + 30, 2) + number(head + 32, 2);
    }
    return r;
}

int api_unpack_names_read(struct api_unpack_names *names, int fd, uint64_t size)
{
    uint64_t at = 0;
    arena_init(&names->arena);
    names->map = map_create();
    if (!find_list(fd, size, &at)) {
        return 0;
    }
    int r = walk(names, fd, at, keep);
    return r < 0 || names->bytes == 0 ? r : walk(names, fd, at, tell_apart);
}

const char *api_unpack_name(const struct api_unpack_names *names, const char *taken)
{
    const char *original = names->map && taken ? map_get(names->map, str_from(taken)) : NULL;
    return original ? original : taken;
}

void api_unpack_names_fini(struct api_unpack_names *names)
{
    if (names->map) {
        map_destroy(names->map);
        arena_fini(&names->arena);
        names->map = NULL;
    }
}
