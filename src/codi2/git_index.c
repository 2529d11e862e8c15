/*
 * An index does not say which hash its repository uses. It is read with the length of SHA-1, and when that makes no sense with
 * that of SHA-256. Each reading is complete before anybody is called.
 */
#include "codi2/git_index.h"

#include "content/content.h"

enum {
    HEADER = 12,
    STAT = 40, /* times, device, inode, mode, user, group, size */
    MODE_AT = 24,
    SHA1 = 20,
    SHA256 = 32,
    EXTENDED = 0x4000, /* flag: two more bytes of flags, versions 3 and 4 */
};

struct reader {
    struct str bytes;
    size_t at;
    unsigned version;
    size_t hash;
    char path[CONTENT_MAX_PATH]; /* of the entry before: version 4 says only how it differs */
    size_t path_n;
    codi2_git_path_fn *each; /* NULL: only to see whether it is well-formed */
    void *ctx;
};

static uint32_t number(const struct reader *r, size_t at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | (uint8_t)r->bytes.p[at + i];
    }
    return value;
}

static bool has(const struct reader *r, size_t n)
{
    return r->bytes.n - r->at >= n;
}

/* The variable length of pack files' offsets: each further byte adds one, so that there is one form only. */
static bool read_length(struct reader *r, size_t *ret_length)
{
    size_t value = 0;
    for (size_t i = 0; i < 3; i++) { /* a path has at most 4,096 bytes */
        if (!has(r, 1)) {
            return false;
        }
        uint8_t byte = (uint8_t)r->bytes.p[r->at++];
        value = (i ? (value + 1) << 7 : 0) | (byte & 0x7f);
        if (!(byte & 0x80)) {
            *ret_length = value;
            return true;
        }
    }
    return false;
}

/* The path at r->at, with its NUL. */
static bool read_path(struct reader *r)
{
    size_t kept = 0;
    if (r->version == 4) {
        size_t dropped;
        if (!read_length(r, &dropped) || dropped > r->path_n) {
            return false;
        }
        kept = r->path_n - dropped;
    }
    size_t end = str_find(r->bytes, '\0', r->at);
    size_t n = end - r->at;
    if (end == r->bytes.n || kept + n > sizeof r->path || kept + n == 0) {
        return false;
    }
    memcpy(r->path + kept, r->bytes.p + r->at, n);
    r->path_n = kept + n;
    r->at = end + 1;
    return true;
}

/* Whether an entry of this mode may be there; tells its path when it is a file's or a link's. */
static bool take(const struct reader *r, uint32_t mode)
{
    enum { FILE_KIND = 010, LINK_KIND = 012, FOLDER_KIND = 004, SUBMODULE_KIND = 016 };
    uint32_t kind = mode >> 12;
    struct str path = str_of(r->path, r->path_n);
    if (kind != FILE_KIND && kind != LINK_KIND) {
        return kind == FOLDER_KIND || kind == SUBMODULE_KIND;
    }
    if (content_path_check(path) != 0) {
        return false;
    }
    if (r->each) {
        r->each(r->ctx, path);
    }
    return true;
}

static bool read_entry(struct reader *r)
{
    size_t start = r->at;
    if (!has(r, STAT + r->hash + 2)) {
        return false;
    }
    uint32_t mode = number(r, start + MODE_AT, 4);
    bool extended = number(r, start + STAT + r->hash, 2) & EXTENDED;
    r->at += STAT + r->hash + 2;
    if ((extended && r->version == 2) || !has(r, 3)) {
        return false;
    }
    r->at += extended ? 2 : 0;
    if (!read_path(r)) {
        return false;
    }
    if (r->version < 4) { /* entries begin at multiples of 8, counted from their start */
        size_t size = (r->at - start + 7) / 8 * 8;
        if (r->bytes.n - start < size) {
            return false;
        }
        r->at = start + size;
    }
    return take(r, mode);
}

static int read_all(struct reader r)
{
    if (!has(&r, HEADER + r.hash) || !str_starts(r.bytes, STR("DIRC"))) {
        return ERR_INVALID;
    }
    r.version = number(&r, 4, 4);
    uint32_t count = number(&r, 8, 4);
    r.bytes.n -= r.hash; /* the checksum at the end: git looks after it */
    r.at = HEADER;
    bool good = r.version >= 2 && r.version <= 4;
    for (uint32_t i = 0; i < count && good; i++) {
        good = read_entry(&r);
    }
    return good ? 0 : ERR_INVALID;
}

int codi2_git_index_read(struct str bytes, codi2_git_path_fn *each, void *ctx)
{
    const size_t hashes[] = {SHA1, SHA256};
    for (size_t i = 0; i < 2; i++) {
        struct reader r = {.bytes = bytes, .hash = hashes[i], .ctx = ctx};
        if (read_all(r) == 0) {
            r.each = each;
            return read_all(r);
        }
    }
    return ERR_INVALID;
}
