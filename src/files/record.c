/*
 * The stored form of entries, versions and changes: fixed fields in big endian, then what varies. Format byte 1.
 *
 * record (116): format, kind, levels, flags (1: small), mode 4, id 8, version 8, since 8, size 8, mtime 8, hash 32, root 32,
 *               4 spare zero bytes
 * version:      record, op, bytes
 * change:       format, op, author kind, author length, id 8, at 8, path length 2, from length 2, author, path, from
 * stored (17):  length 4, level 1, below 8 (its highest bit: damaged), hour 4
 */
#include "files/files_int.h"

enum { FORMAT = 1, FLAG_SMALL = 1, CHANGE_HEAD = 24 };

#define DAMAGED (1ULL << 63) /* no file is that long */

struct cursor {
    uint8_t *p;
};

static void put(struct cursor *c, uint64_t value, size_t n)
{
    for (size_t i = n; i > 0; i--) {
        c->p[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    c->p += n;
}

static uint64_t get(struct cursor *c, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | c->p[i];
    }
    c->p += n;
    return value;
}

static void put_bytes(struct cursor *c, struct str bytes)
{
    if (bytes.n > 0) {
        memcpy(c->p, bytes.p, bytes.n);
        c->p += bytes.n;
    }
}

const char *files_kind_name(enum files_kind kind)
{
    static const char *const names[] = {
        [FILES_FILE] = "file", [FILES_FOLDER] = "dir", [FILES_SYMLINK] = "symlink"};
    ASSERT(kind >= FILES_FILE && kind <= FILES_SYMLINK);
    return names[kind];
}

const char *files_op_name(enum files_op op)
{
    static const char *const names[] = {[FILES_WRITE] = "write",
                                        [FILES_DELETE] = "delete",
                                        [FILES_MOVE] = "move",
                                        [FILES_RESTORE] = "restore"};
    ASSERT(op >= FILES_WRITE && op <= FILES_RESTORE);
    return names[op];
}

const char *files_author_name(enum files_author_kind kind)
{
    static const char *const names[] = {[FILES_USER] = "user",
                                        [FILES_TERMINAL] = "terminal",
                                        [FILES_AGENT] = "agent",
                                        [FILES_API] = "api"};
    ASSERT(kind >= FILES_USER && kind <= FILES_API);
    return names[kind];
}

struct files_author files_author_shown(const struct files_author *author)
{
    struct files_author shown = *author;
    if (shown.kind == FILES_USER) {
        shown.id = str_slice(shown.id, 0, str_find(shown.id, '.', 0));
    }
    return shown;
}

static void record_write(struct cursor *c, const struct files_record *r)
{
    put(c, FORMAT, 1);
    put(c, r->kind, 1);
    put(c, r->manifest.levels, 1);
    put(c, r->manifest.small ? FLAG_SMALL : 0, 1);
    put(c, r->mode, 4);
    put(c, r->id, 8);
    put(c, r->version, 8);
    put(c, r->since, 8);
    put(c, r->manifest.length, 8);
    put(c, (uint64_t)r->mtime, 8);
    put_bytes(c, content_hash_str(&r->hash));
    put_bytes(c, content_hash_str(&r->manifest.hash));
    put(c, 0, 4);
}

struct str files_record_encode(struct arena *arena, const struct files_record *record)
{
    struct cursor c = {arena_alloc(arena, FILES_RECORD_SIZE)};
    uint8_t *start = c.p;
    record_write(&c, record);
    ASSERT(c.p - start == FILES_RECORD_SIZE);
    return str_of(start, FILES_RECORD_SIZE);
}

int files_record_decode(struct str bytes, struct files_record *ret_record)
{
    if (bytes.n != FILES_RECORD_SIZE || bytes.p[0] != FORMAT) {
        return ERR_CORRUPT;
    }
    struct cursor c = {(uint8_t *)bytes.p + 1};
    struct files_record r = {.kind = (enum files_kind)get(&c, 1)};
    r.manifest.levels = (uint8_t)get(&c, 1);
    r.manifest.small = get(&c, 1) == FLAG_SMALL;
    r.mode = (uint32_t)get(&c, 4);
    r.id = get(&c, 8);
    r.version = get(&c, 8);
    r.since = get(&c, 8);
    r.manifest.length = get(&c, 8);
    r.mtime = (usec_t)get(&c, 8);
    memcpy(r.hash.bytes, c.p, CONTENT_HASH_SIZE);
    memcpy(r.manifest.hash.bytes, c.p + CONTENT_HASH_SIZE, CONTENT_HASH_SIZE);
    if (r.kind < FILES_FILE || r.kind > FILES_SYMLINK || r.manifest.levels > CONTENT_MAX_LEVELS) {
        return ERR_CORRUPT;
    }
    *ret_record = r;
    return 0;
}

struct str files_version_encode(struct arena *arena, const struct files_past_version *version)
{
    size_t n = FILES_RECORD_SIZE + 1 + version->bytes.n;
    struct cursor c = {arena_alloc(arena, n)};
    uint8_t *start = c.p;
    record_write(&c, &version->record);
    put(&c, version->op, 1);
    put_bytes(&c, version->bytes);
    return str_of(start, n);
}

int files_version_decode(struct str bytes, struct files_past_version *ret_version)
{
    struct files_past_version v;
    if (bytes.n <= FILES_RECORD_SIZE) {
        return ERR_CORRUPT;
    }
    int r = files_record_decode(str_slice(bytes, 0, FILES_RECORD_SIZE), &v.record);
    if (r < 0) {
        return r;
    }
    v.op = (enum files_op)(uint8_t)bytes.p[FILES_RECORD_SIZE];
    v.bytes = str_slice(bytes, FILES_RECORD_SIZE + 1, bytes.n);
    if (v.op < FILES_WRITE || v.op > FILES_RESTORE ||
        v.bytes.n != (v.record.manifest.small ? v.record.manifest.length : 0)) {
        return ERR_CORRUPT;
    }
    *ret_version = v;
    return 0;
}

struct str files_change_encode(struct arena *arena, const struct files_change_record *change)
{
    size_t n = CHANGE_HEAD + change->author.id.n + change->path.n + change->from.n;
    struct cursor c = {arena_alloc(arena, n)};
    uint8_t *start = c.p;
    put(&c, FORMAT, 1);
    put(&c, change->op, 1);
    put(&c, change->author.kind, 1);
    put(&c, change->author.id.n, 1);
    put(&c, change->id, 8);
    put(&c, (uint64_t)change->at, 8);
    put(&c, change->path.n, 2);
    put(&c, change->from.n, 2);
    put_bytes(&c, change->author.id);
    put_bytes(&c, change->path);
    put_bytes(&c, change->from);
    return str_of(start, n);
}

int files_change_decode(struct str bytes, struct files_change_record *ret_change)
{
    if (bytes.n < CHANGE_HEAD || bytes.p[0] != FORMAT) {
        return ERR_CORRUPT;
    }
    struct cursor c = {(uint8_t *)bytes.p + 1};
    struct files_change_record r = {.op = (enum files_op)get(&c, 1)};
    r.author.kind = (enum files_author_kind)get(&c, 1);
    size_t author_n = get(&c, 1);
    r.id = get(&c, 8);
    r.at = (usec_t)get(&c, 8);
    size_t path_n = get(&c, 2);
    size_t from_n = get(&c, 2);
    if (bytes.n != CHANGE_HEAD + author_n + path_n + from_n || r.op < FILES_WRITE ||
        r.op > FILES_RESTORE || r.author.kind < FILES_USER || r.author.kind > FILES_API) {
        return ERR_CORRUPT;
    }
    struct str rest = str_slice(bytes, CHANGE_HEAD, bytes.n);
    r.author.id = str_slice(rest, 0, author_n);
    r.path = str_slice(rest, author_n, author_n + path_n);
    r.from = str_slice(rest, author_n + path_n, rest.n);
    *ret_change = r;
    return 0;
}

struct str files_stored_encode(struct arena *arena, const struct files_stored *stored)
{
    struct cursor c = {arena_alloc(arena, FILES_STORED_SIZE)};
    uint8_t *start = c.p;
    put(&c, stored->length, 4);
    put(&c, stored->level, 1);
    put(&c, stored->below | (stored->damaged ? DAMAGED : 0), 8);
    put(&c, stored->hour, 4);
    return str_of(start, FILES_STORED_SIZE);
}

int files_stored_decode(struct str bytes, struct files_stored *ret_stored)
{
    if (bytes.n != FILES_STORED_SIZE) {
        return ERR_CORRUPT;
    }
    struct cursor c = {(uint8_t *)bytes.p};
    ret_stored->length = (uint32_t)get(&c, 4);
    ret_stored->level = (uint8_t)get(&c, 1);
    uint64_t below = get(&c, 8);
    ret_stored->below = below & ~DAMAGED;
    ret_stored->damaged = (below & DAMAGED) != 0;
    ret_stored->hour = (uint32_t)get(&c, 4);
    return 0;
}

size_t files_bytes_told(const struct files_entry *entry)
{
    bool told = entry->manifest.small || entry->kind == FILES_SYMLINK;
    return told ? (size_t)entry->manifest.length : 0;
}

void files_entry_from(struct arena *arena, const struct files_record *record, struct str path,
                      struct files_entry *ret_entry)
{
    bool folder = record->kind == FILES_FOLDER;
    *ret_entry = (struct files_entry){
        .path = arena_str(arena, path),
        .kind = record->kind,
        .id = record->id,
        .version = record->version,
        .size = folder ? 0 : record->manifest.length,
        .mode = record->mode,
        .mtime = record->mtime,
        .hash = record->hash,
        .manifest = record->manifest,
    };
}
