/* An entry: what stands at a path, with what names its content. */
#include "wire/wire_int.h"

static const char *const kind_words[] = {"file", "dir", "symlink", NULL};

static int small_read(struct arena *arena, struct str bytes, size_t most, struct wire_entry *entry)
{
    if (bytes.n > most) {
        return ERR_INVALID;
    }
    entry->bytes = bytes;
    content_hash(bytes, &entry->hash);
    entry->manifest =
        (struct content_manifest){.hash = entry->hash, .length = bytes.n, .small = true};
    return 0;
}

/* Content that the store has lost: what it was is told. */
static int damaged_read(const struct json *object, struct wire_entry *entry)
{
    uint64_t size;
    if (entry->kind == WIRE_FOLDER || wire_number(object, "size", CONTENT_MAX_FILE, &size) < 0 ||
        wire_hash(object, "hash", &entry->hash) < 0) {
        return ERR_INVALID;
    }
    entry->damaged = true;
    entry->manifest = (struct content_manifest){.hash = entry->hash, .length = size, .small = true};
    return 0;
}

/* A small file: its bytes must be what hash says. */
static int inline_read(struct arena *arena, const struct json *object, struct wire_entry *entry)
{
    struct str text;
    struct content_hash hash;
    BUF_AUTO(b, CONTENT_INLINE_MAX);
    if (wire_text(object, "bytes", 2 * CONTENT_INLINE_MAX, &text) < 0 ||
        encode_unbase64(&b, text) < 0 || b.error || wire_hash(object, "hash", &hash) < 0) {
        return ERR_INVALID;
    }
    int r = small_read(arena, arena_str(arena, buf_str(&b)), CONTENT_INLINE_MAX, entry);
    return r == 0 && content_hash_eq(&hash, &entry->hash) ? 0 : ERR_INVALID;
}

static int file_read(struct arena *arena, const struct json *object, struct wire_entry *entry)
{
    uint64_t levels;
    if (json_get(object, "bytes")) {
        return inline_read(arena, object, entry);
    }
    struct content_manifest *m = &entry->manifest;
    if (wire_number(object, "size", CONTENT_MAX_FILE, &m->length) < 0 || m->length == 0 ||
        wire_number(object, "levels", CONTENT_MAX_LEVELS, &levels) < 0 ||
        wire_hash(object, "hash", &entry->hash) < 0) {
        return ERR_INVALID;
    }
    m->levels = (uint8_t)levels;
    if (levels > 0) {
        return wire_hash(object, "root", &m->hash);
    }
    m->hash = entry->hash;
    return m->length <= CONTENT_CHUNK_MAX ? 0 : ERR_INVALID;
}

/* A link's target of any length lies here; a long one is a chunk in the store. */
static int link_read(struct arena *arena, const struct json *object, struct wire_entry *entry)
{
    struct str target;
    if (wire_bytes(arena, object, "target", &target) < 0 || target.n == 0 ||
        memchr(target.p, '\0', target.n)) {
        return ERR_INVALID;
    }
    return small_read(arena, target, WIRE_MAX_TARGET, entry);
}

int wire_entry_read(struct arena *arena, const struct json *object, struct wire_entry *ret_entry)
{
    struct wire_entry entry = {0};
    unsigned kind;
    uint64_t mode;
    const struct json *mtime = json_get(object, "mtime");
    if (wire_path(arena, object, "path", &entry.path) < 0 ||
        wire_word(object, "kind", kind_words, &kind) < 0 ||
        wire_number_or_0(object, "version", INT64_MAX, &entry.version) < 0 ||
        wire_number(object, "mode", 07777, &mode) < 0 || !mtime || mtime->kind != JSON_INTEGER) {
        return ERR_INVALID;
    }
    entry.kind = (enum wire_kind)kind;
    entry.mode = (uint32_t)mode;
    entry.mtime = mtime->integer;
    const struct json *damaged = json_get(object, "damaged");
    int r = 0;
    if (damaged && (damaged->kind != JSON_BOOL || !damaged->boolean)) {
        r = ERR_INVALID;
    } else if (damaged) {
        r = damaged_read(object, &entry);
    } else if (entry.kind == WIRE_FILE) {
        r = file_read(arena, object, &entry);
    } else if (entry.kind == WIRE_SYMLINK) {
        r = link_read(arena, object, &entry);
    }
    if (r < 0) {
        return r;
    }
    *ret_entry = entry;
    return 0;
}

static void damaged_write(struct json_writer *w, const struct wire_entry *entry)
{
    wire_number_write(w, "size", entry->manifest.length);
    wire_hash_write(w, "hash", &entry->hash);
    json_member_bool(w, "damaged", true);
}

static void file_write(struct json_writer *w, const struct wire_entry *entry)
{
    wire_number_write(w, "size", entry->manifest.length);
    wire_hash_write(w, "hash", &entry->hash);
    if (entry->manifest.small) {
        BUF_AUTO(b, 2 * CONTENT_INLINE_MAX);
        ASSERT(entry->bytes.n <= CONTENT_INLINE_MAX);
        encode_base64(&b, entry->bytes);
        json_member_string(w, "bytes", buf_str(&b));
        return;
    }
    wire_number_write(w, "levels", entry->manifest.levels);
    if (entry->manifest.levels > 0) {
        wire_hash_write(w, "root", &entry->manifest.hash);
    }
}

void wire_entry_write(struct json_writer *w, const struct wire_entry *entry)
{
    ASSERT(entry->kind >= WIRE_FILE && entry->kind <= WIRE_SYMLINK);
    wire_bytes_write(w, "path", entry->path);
    json_member_string(w, "kind", str_from(kind_words[entry->kind - 1]));
    wire_number_write(w, "version", entry->version);
    wire_number_write(w, "mode", entry->mode);
    json_member_integer(w, "mtime", entry->mtime);
    if (entry->damaged) {
        damaged_write(w, entry);
    } else if (entry->kind == WIRE_FILE) {
        file_write(w, entry);
    } else if (entry->kind == WIRE_SYMLINK) {
        ASSERT(entry->bytes.n > 0 && entry->bytes.n <= WIRE_MAX_TARGET);
        wire_bytes_write(w, "target", entry->bytes);
    }
}
