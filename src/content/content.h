/*
 * Content: what a file's bytes become before they reach the store or the wire. Paths, hashes, cutting into chunks, the
 * stored form of a chunk, manifests and ignore rules. Shared by the server and codi2, so that both cut the same bytes into
 * the same chunks. Knows no store and no product records. Objects are used by one thread at a time.
 */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    CONTENT_MAX_PATH = 4096, /* bytes */
    CONTENT_MAX_NAME = 255,  /* bytes */
    CONTENT_MAX_DEPTH = 256, /* names in a path */

    CONTENT_HASH_SIZE = 32,
    CONTENT_HASH_TEXT = 64, /* lower-case hexadecimal */

    CONTENT_CHUNK_MIN = 16 * 1024,
    CONTENT_CHUNK_MEAN = 32 * 1024,
    CONTENT_CHUNK_MAX = 64 * 1024, /* a file of at most this is one chunk */
    CONTENT_INLINE_MAX = 512,      /* a file of at most this lies in its manifest */
    CONTENT_ENCODED_MAX = CONTENT_CHUNK_MAX + 1,

    CONTENT_PAGE_REFS = 1024, /* references in a page of a manifest */
    CONTENT_MAX_LEVELS = 3,   /* of pages above the chunks */
};

#define CONTENT_MAX_FILE ((uint64_t)64 << 30) /* bytes */

/* ---- Paths: bytes relative to a root, names separated by single slashes, no slash at either end ---- */

/*
 * ERR_INVALID: longer than CONTENT_MAX_PATH, a name longer than CONTENT_MAX_NAME, more than CONTENT_MAX_DEPTH names, an
 * empty, "." or ".." name, a NUL. The empty path is the root and valid.
 */
int content_path_check(struct str path) BASE_MUST_USE;

/* The same for one name (which also has no slash). */
int content_name_check(struct str name) BASE_MUST_USE;

/* Splits a checked, not empty path into its folder ("" for the root) and last name. */
void content_path_split(struct str path, struct str *ret_folder, struct str *ret_name);

/* Whether path is inside folder or is folder itself. */
bool content_path_within(struct str path, struct str folder);

/* ---- Hashes: SHA-256 (FIPS 180-4) of plain bytes ---- */

struct content_hash {
    uint8_t bytes[CONTENT_HASH_SIZE];
};

static inline bool content_hash_eq(const struct content_hash *a, const struct content_hash *b)
{
    return memcmp(a->bytes, b->bytes, CONTENT_HASH_SIZE) == 0;
}

static inline struct str content_hash_str(const struct content_hash *h)
{
    return str_of(h->bytes, CONTENT_HASH_SIZE);
}

void content_hash(struct str bytes, struct content_hash *ret_hash);

void content_hash_text(const struct content_hash *h, char ret_text[static CONTENT_HASH_TEXT + 1]);
int content_hash_parse(struct str text,
                       struct content_hash *ret_hash) BASE_MUST_USE; /* lower case; ERR_INVALID */

struct content_hasher; /* a running hash */
struct content_hasher *content_hasher_create(void);
void content_hasher_destroy(struct content_hasher *h); /* NULL allowed */
void content_hasher_add(struct content_hasher *h, struct str bytes);
void content_hasher_end(struct content_hasher *h,
                        struct content_hash *ret_hash); /* and starts anew */

/* ---- Cutting ---- */

/*
 * Cuts a stream by content (FastCDC, see cut.c). A file of at most CONTENT_CHUNK_MAX is one piece; pieces of a longer one
 * have CONTENT_CHUNK_MIN to CONTENT_CHUNK_MAX bytes, the last may be shorter. Takes 256 KiB.
 *
 *   while there are bytes: content_cutter_room → fill → content_cutter_filled; while (content_cutter_next(&piece)) use it
 *   content_cutter_end; while (content_cutter_next(&piece)) use it
 */
struct content_cutter;
struct content_cutter *content_cutter_create(void);
void content_cutter_destroy(struct content_cutter *c); /* NULL allowed */

/* Where the next bytes go: at least 64 KiB when content_cutter_next has returned false. */
char *content_cutter_room(struct content_cutter *c, size_t *ret_room);
void content_cutter_filled(struct content_cutter *c, size_t n);
void content_cutter_end(struct content_cutter *c);

/* The next piece, borrowed until the next content_cutter_room; false: more bytes are needed, or all is done. */
bool content_cutter_next(struct content_cutter *c, struct str *ret_piece);

void content_cutter_reset(struct content_cutter *c); /* for the next file */

/* ---- The stored form of a chunk: one byte of kind (0 plain, 1 zstd), then the bytes ---- */

struct content_codec; /* up to about 1 MiB, made when it is first needed */
struct content_codec *content_codec_create(void);
void content_codec_destroy(struct content_codec *c); /* NULL allowed */

/*
 * The stored form of plain (1 to CONTENT_CHUNK_MAX bytes), borrowed from the codec until its next call. zstd is taken when
 * it is smaller.
 */
struct str content_encode(struct content_codec *c, struct str plain);

/* The plain bytes, borrowed from the codec until its next call. ERR_CORRUPT: malformed, empty, or more than a chunk. */
int content_decode(struct content_codec *c, struct str encoded,
                   struct str *ret_plain) BASE_MUST_USE;

/* As content_decode, and the bytes must have this hash. ERR_CORRUPT. */
int content_decode_checked(struct content_codec *c, struct str encoded,
                           const struct content_hash *hash, struct str *ret_plain) BASE_MUST_USE;

/* ---- Manifests: what names a file's bytes ---- */

/*
 * levels 0: hash is the only chunk's. levels 1 to 3: hash is the root page's; a page of level 1 names chunks, one of level n
 * pages of level n-1. A page is stored as a chunk is, under the hash of its bytes. small: no chunk at all, the bytes
 * themselves are kept beside the manifest (length at most CONTENT_INLINE_MAX); hash is then their hash.
 */
struct content_manifest {
    struct content_hash hash;
    uint64_t length; /* of the file */
    uint8_t levels;
    bool small;
};

struct content_ref {
    struct content_hash hash;
    uint64_t length; /* of the file's bytes below it */
};

struct content_page {
    struct content_ref refs[CONTENT_PAGE_REFS];
    size_t count;
    uint64_t length; /* sum of the references' lengths */
    uint8_t level;
};

enum {
    CONTENT_PAGE_SIZE = 8 + CONTENT_PAGE_REFS * (CONTENT_HASH_SIZE + 8)
}; /* at most; always below a chunk */

/*
 * The bytes of a page: "CPG1", level, 0, count (big endian, 2 bytes), then for each reference hash and length (big endian, 8
 * bytes). Decoding is strict: count 1 to 1,024, nothing behind the last, lengths not 0, in bounds for the level, sum at most
 * CONTENT_MAX_FILE. ERR_CORRUPT.
 */
struct str content_page_encode(const struct content_page *page,
                               char ret_bytes[static CONTENT_PAGE_SIZE]);
int content_page_decode(struct str bytes, struct content_page *ret_page) BASE_MUST_USE;

/*
 * Makes the manifest of a file from its chunks in order. Pages end by content too (page.c), so that an insertion changes one
 * or two of them. Each complete page is given to emit (its hash and bytes; borrowed for the call), children before parents;
 * what emit returns other than 0 is returned. Takes 170 KiB.
 */
struct content_builder;
typedef int content_emit_fn(void *ctx, const struct content_hash *hash,
                            const struct content_page *page, struct str bytes);

struct content_builder *content_builder_create(content_emit_fn *emit, void *ctx);
void content_builder_destroy(struct content_builder *b); /* NULL allowed */

/* ERR_TOO_LARGE: more than CONTENT_MAX_FILE in all; or emit's error. */
int content_builder_add(struct content_builder *b, const struct content_ref *chunk) BASE_MUST_USE;

/* The manifest of at least one chunk (never small: that is the caller's choice before). Afterwards the builder is empty. */
int content_builder_end(struct content_builder *b,
                        struct content_manifest *ret_manifest) BASE_MUST_USE;

/* ---- Comparing two texts, line by line (diff.c) ---- */

enum { CONTENT_DIFF_MAX_BYTES = 1024 * 1024, CONTENT_DIFF_MAX_LINES = 50000 }; /* of each text */
enum content_diff_op { CONTENT_DIFF_SAME, CONTENT_DIFF_REMOVE, CONTENT_DIFF_ADD };

struct content_diff_line {
    enum content_diff_op op;
    struct str text; /* without its newline; borrowed from the text */
    bool open;       /* it has none: the last line of its text */
};

struct content_diff_hunk {
    size_t from_line, to_line; /* lines before it */
    size_t from_count, to_count;
    struct content_diff_line *lines; /* with three lines of context around changes */
    size_t count;
};

struct content_diff {
    struct content_diff_hunk *hunks; /* none: the texts are equal */
    size_t count;
    size_t added, removed; /* lines */
};

/*
 * What makes one text of the other, in time and memory that the limits bound (some tenths of a second, 12 MiB): the shortest
 * script while that can be found, else one that is not the shortest. All lies in the arena. ERR_TOO_LARGE: over the limits;
 * ERR_UNSUPPORTED_TYPE: a NUL is in it, so it is no text.
 */
int content_diff(struct arena *arena, struct str from, struct str to,
                 struct content_diff *ret_diff) BASE_MUST_USE;

/* The hunks in the unified format of diff(1) (POSIX.1-2008), without its heading. At most 4 MiB. */
void content_diff_write(const struct content_diff *diff, struct buf *to);

/* ---- Ignore rules: the syntax of gitignore(5); but a pattern without a slash matches no name within a .git ---- */

enum content_ignored { CONTENT_UNDECIDED, CONTENT_IGNORED, CONTENT_KEPT };
enum { CONTENT_MAX_RULES = 10000, CONTENT_MAX_RULE = 1024 };

/* Of patterns that are not in a file of the tree but a setting: */
enum { CONTENT_MAX_PATTERN_BYTES = 8192, CONTENT_MAX_PATTERN_LINES = 200 };

/*
 * Whether text is such a list, each line of which says something that it may say: no control characters, no pattern that can match
 * no path, none that names everything. ERR_INVALID: *ret_line (from 1; 0: the text as a whole) and *ret_why (a
 * clause without a full stop, static).
 */
int content_ignore_check(struct str text, size_t *ret_line, const char **ret_why) BASE_MUST_USE;

struct content_ignore;
struct content_ignore *content_ignore_create(void);
void content_ignore_destroy(struct content_ignore *g); /* NULL allowed */

/*
 * Adds the lines of a file that lies in folder (a checked path, "" for the root). Later rules win over earlier ones.
 * Lines longer than CONTENT_MAX_RULE are left out. ERR_LIMIT: more than CONTENT_MAX_RULES in all.
 */
int content_ignore_add(struct content_ignore *g, struct str folder, struct str text) BASE_MUST_USE;

/* Forgets the rules of this folder and of all below it (their file changed or went away). */
void content_ignore_drop(struct content_ignore *g, struct str folder);

/*
 * What the rules say of path itself; its folders are asked by content_ignore_path. CONTENT_KEPT: a "!" rule won.
 */
enum content_ignored content_ignore_match(const struct content_ignore *g, struct str path,
                                          bool is_folder);

/* Whether path or a folder above it is ignored (nothing inside an ignored folder can be kept, as in git). */
bool content_ignore_path(const struct content_ignore *g, struct str path, bool is_folder);

/*
 * A number that stands for a list of patterns: the same for equal texts, in all likelihood another for others; 1 to INT64_MAX. Sent
 * over the wire, so it does not change between versions: the first eight bytes of SHA-256, big endian, without their top bit.
 */
uint64_t content_ignore_mark(struct str text);

/* The rules that hold before any file is read: node_modules, caches, target, dist. */
extern const char content_ignore_defaults[];
/* To be added behind those for a person's home: tool chains and package stores. */
extern const char content_ignore_home[];

#endif
