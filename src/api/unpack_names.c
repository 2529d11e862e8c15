/*
 * The list at the end of a zip archive (PKWARE's APPNOTE 4.3.12 and 4.4.2), for what libarchive (3.6) does not look at:
 *
 * 1. Where a name has backslashes and no slash it takes them for slashes, whoever made the entry. Only Windows means that. Such names
 *    of other systems are kept, and given back.
 * 2. It ends at the first entry of the list that is none, and takes what is left for the whole; the archive says how many there are.
 * 3. It takes the name before an entry's content. Whoever looks at an archive is shown the one in the list: they are the same.
 *
 * What is not understood of this list is left to libarchive, which judges the archive as a whole.
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
    ENTRY_RECORD = 30, /* before the entry's name and content */
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

struct list {
    int fd;
    uint64_t at;    /* its first entry */
    uint64_t count; /* of entries, as the archive says */
    uint64_t mask;  /* of the bits that it says */
    uint64_t end;   /* what comes behind it begins here */
};

/* The end record is the last one whose comment reaches to the end. */
static bool find_list(int fd, uint64_t size, struct list *ret_list)
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
    *ret_list = (struct list){.fd = fd,
                              .at = number(tail + at + 16, 4),
                              .count = number(tail + at + 10, 2),
                              .mask = UINT16_MAX,
                              .end = end};
    if (end < LOCATOR64 || !read_at(fd, more, LOCATOR64, end - LOCATOR64) ||
        memcmp(more, "PK\6\7", 4) != 0) {
        return true;
    }
    ret_list->end = number(more + 8, 8);
    bool found = read_at(fd, more, END_RECORD64, ret_list->end);
    if (found) {
        ret_list->at = number(more + 48, 8);
        ret_list->count = number(more + 32, 8);
        ret_list->mask = UINT64_MAX;
    }
    return found;
}

/* One entry of the list. */
struct listed {
    struct str name;
    bool windows;
    int fd;
    uint64_t at; /* of its own record */
};

typedef int visit(struct api_unpack_names *names, const struct listed *entry);

/* A place beyond 4 GiB, of which the list has 64 bits elsewhere, is none: no archive is so long here. */
static bool is_called_alike(const struct listed *entry)
{
    uint8_t head[ENTRY_RECORD];
    char part[512];
    if (!read_at(entry->fd, head, ENTRY_RECORD, entry->at) || memcmp(head, "PK\3\4", 4) != 0 ||
        number(head + 26, 2) != entry->name.n) {
        return false;
    }
    for (size_t i = 0; i < entry->name.n; i += sizeof part) {
        size_t n = entry->name.n - i < sizeof part ? entry->name.n - i : sizeof part;
        if (!read_at(entry->fd, part, n, entry->at + ENTRY_RECORD + i) ||
            memcmp(part, entry->name.p + i, n) != 0) {
            return false;
        }
    }
    return true;
}

static int keep(struct api_unpack_names *names, const struct listed *entry)
{
    if (!is_called_alike(entry)) {
        return ERR_CORRUPT;
    }
    struct str name = entry->name;
    size_t slash = str_find(name, '/', 0);
    size_t backslash = str_find(name, '\\', 0);
    if (entry->windows || slash < name.n || backslash == name.n) {
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
static int tell_apart(struct api_unpack_names *names, const struct listed *entry)
{
    bool slash = entry->windows || str_find(entry->name, '/', 0) < entry->name.n;
    return slash && map_get(names->map, entry->name) ? ERR_INVALID : 0;
}

/* Of an archive with more entries than one may have the rest is not looked at: it is refused by that. */
static int walk(struct api_unpack_names *names, const struct list *list, visit *each)
{
    uint8_t head[LIST_RECORD];
    char name[MAX_NAME];
    uint64_t at = list->at;
    uint64_t i = 0;
    while (i <= API_UNPACK_MAX_ENTRIES && read_at(list->fd, head, LIST_RECORD, at) &&
           memcmp(head, "PK\1\2", 4) == 0) {
        size_t n = number(head + 28, 2);
        struct listed entry = {str_of(name, n), head[5] == WINDOWS, list->fd, number(head + 42, 4)};
        int r = read_at(list->fd, name, n, at + LIST_RECORD) ? each(names, &entry) : ERR_CORRUPT;
        if (r < 0) {
            return r;
        }
        at += LIST_RECORD + n + number(head + 30, 2) + number(head + 32, 2);
        i++;
    }
    bool all = at == list->end && (i & list->mask) == list->count;
    return all || i > API_UNPACK_MAX_ENTRIES ? 0 : ERR_CORRUPT;
}

int api_unpack_names_read(struct api_unpack_names *names, int fd, uint64_t size)
{
    struct list list;
    arena_init(&names->arena);
    names->map = map_create();
    if (!find_list(fd, size, &list)) {
        return 0;
    }
    int r = walk(names, &list, keep);
    return r < 0 || names->bytes == 0 ? r : walk(names, &list, tell_apart);
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
